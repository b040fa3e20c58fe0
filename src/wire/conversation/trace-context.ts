/**
 * Trace context from headers, into the call's 16, 8 and 8 bytes. Formats: W3C Trace Context
 * (https://www.w3.org/TR/trace-context/#traceparent-header), B3
 * (https://github.com/openzipkin/b3-propagation), Jaeger's uber-trace-id
 * (https://www.jaegertracing.io/docs/1.6/client-libraries/#propagation-format), and x-request-id where it
 * is a UUID or 32 hex digits. What does not fit the format says nothing.
 */
import {
  TRACE_B3,
  TRACE_B3_PARENT_ID,
  TRACE_B3_SPAN_ID,
  TRACE_B3_TRACE_ID,
  TRACE_PARENT,
  TRACE_REQUEST_ID,
  TRACE_UBER,
} from '../../record/call-writer.ts';
import * as oc from '../../record/open-call.ts';
import type { Scan } from '../scan/scan.ts';

const DASH = 0x2d;
const COLON = 0x3a;
/** Reads the header value [start, end) of kind TRACE_* into the open call at `call`. */
export function readTrace(
  u8: Uint8Array,
  scan: Scan,
  call: number,
  kind: number,
  start: number,
  end: number,
): void {
  const trace = call + oc.OC_TRACE * 4;
  const span = call + oc.OC_SPAN * 4;
  const parent = call + oc.OC_PARENT * 4;
  switch (kind) {
    case TRACE_PARENT: {
      // version "-" trace-id "-" parent-id "-" flags
      if (end - start < 55 || u8[start + 2] !== DASH || u8[start + 35] !== DASH || u8[start + 52] !== DASH) {
        return;
      }
      if (!scan.hex(start + 3, start + 35, trace, 16) || !scan.hex(start + 36, start + 52, span, 8)) {
        clear(u8, trace, 16);
        clear(u8, span, 8);
      }
      return;
    }
    case TRACE_B3:
    case TRACE_UBER: {
      const separator = kind === TRACE_B3 ? DASH : COLON;
      const first = find(u8, start, end, separator);
      const second = first < 0 ? -1 : find(u8, first + 1, end, separator);
      if (first < 0) return; // b3: "0" means only: not sampled.
      const spanEnd = second < 0 ? end : second;
      if (!scan.hex(start, first, trace, 16) || !scan.hex(first + 1, spanEnd, span, 8)) return;
      const third = second < 0 ? -1 : find(u8, second + 1, end, separator);
      if (kind === TRACE_UBER && third > 0) scan.hex(second + 1, third, parent, 8);
      if (kind === TRACE_B3 && third > 0) scan.hex(third + 1, end, parent, 8);
      return;
    }
    case TRACE_B3_TRACE_ID:
      scan.hex(start, end, trace, 16);
      return;
    case TRACE_B3_SPAN_ID:
      scan.hex(start, end, span, 8);
      return;
    case TRACE_B3_PARENT_ID:
      scan.hex(start, end, parent, 8);
      return;
    case TRACE_REQUEST_ID:
      readRequestId(u8, scan, start, end, trace);
      return;
    default:
      return;
  }
}

function clear(u8: Uint8Array, at: number, bytes: number): void {
  for (let k = 0; k < bytes; k++) u8[at + k] = 0;
}

/** A request id names a trace only where nothing better did. */
function readRequestId(u8: Uint8Array, scan: Scan, start: number, end: number, trace: number): void {
  for (let k = 0; k < 16; k++) if (u8[trace + k] !== 0) return;
  if (end - start === 32) scan.hex(start, end, trace, 16);
  else if (end - start === 36 && !readUuid(u8, scan, start, trace)) clear(u8, trace, 16);
}

function readUuid(u8: Uint8Array, scan: Scan, start: number, to: number): boolean {
  if (u8[start + 8] !== DASH || u8[start + 13] !== DASH) return false;
  if (u8[start + 18] !== DASH || u8[start + 23] !== DASH) return false;
  return (
    scan.hex(start, start + 8, to, 4) &&
    scan.hex(start + 9, start + 13, to + 4, 2) &&
    scan.hex(start + 14, start + 18, to + 6, 2) &&
    scan.hex(start + 19, start + 23, to + 8, 2) &&
    scan.hex(start + 24, start + 36, to + 10, 6)
  );
}

function find(u8: Uint8Array, start: number, end: number, byte: number): number {
  for (let at = start; at < end; at++) if (u8[at] === byte) return at;
  return -1;
}

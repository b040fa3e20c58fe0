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

const DASH = 0x2d;
const COLON = 0x3a;
/** Byte → value of the hex digit, -1 for any other. */
const HEX = new Int8Array(256).fill(-1);
for (let k = 0; k < 10; k++) HEX[0x30 + k] = k;
for (let k = 0; k < 6; k++) HEX[0x41 + k] = HEX[0x61 + k] = 10 + k;

/** Reads the header value [start, end) of kind TRACE_* into the open call at `call`. */
export function readTrace(u8: Uint8Array, call: number, kind: number, start: number, end: number): void {
  const trace = call + oc.OC_TRACE * 4;
  const span = call + oc.OC_SPAN * 4;
  const parent = call + oc.OC_PARENT * 4;
  switch (kind) {
    case TRACE_PARENT: {
      // version "-" trace-id "-" parent-id "-" flags
      if (end - start < 55 || u8[start + 2] !== DASH || u8[start + 35] !== DASH || u8[start + 52] !== DASH) {
        return;
      }
      if (!readPairs(u8, start + 3, trace, 16) || !readPairs(u8, start + 36, span, 8)) {
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
      if (!readHex(u8, start, first, trace, 16) || !readHex(u8, first + 1, spanEnd, span, 8)) return;
      const third = second < 0 ? -1 : find(u8, second + 1, end, separator);
      if (kind === TRACE_UBER && third > 0) readHex(u8, second + 1, third, parent, 8);
      if (kind === TRACE_B3 && third > 0) readHex(u8, third + 1, end, parent, 8);
      return;
    }
    case TRACE_B3_TRACE_ID:
      readHex(u8, start, end, trace, 16);
      return;
    case TRACE_B3_SPAN_ID:
      readHex(u8, start, end, span, 8);
      return;
    case TRACE_B3_PARENT_ID:
      readHex(u8, start, end, parent, 8);
      return;
    case TRACE_REQUEST_ID:
      readRequestId(u8, start, end, trace);
      return;
    default:
      return;
  }
}

/** `bytes` bytes from twice as many hex digits; false where one is none. */
function readPairs(u8: Uint8Array, start: number, to: number, bytes: number): boolean {
  const hex = HEX;
  let bad = 0;
  for (let k = 0; k < bytes; k++) {
    const high = hex[u8[start + 2 * k]];
    const low = hex[u8[start + 2 * k + 1]];
    bad |= high | low;
    u8[to + k] = (high << 4) | low;
  }
  return bad >= 0;
}

function clear(u8: Uint8Array, at: number, bytes: number): void {
  for (let k = 0; k < bytes; k++) u8[at + k] = 0;
}

/** A request id names a trace only where nothing better did. */
function readRequestId(u8: Uint8Array, start: number, end: number, trace: number): void {
  for (let k = 0; k < 16; k++) if (u8[trace + k] !== 0) return;
  if (end - start === 32) {
    readHex(u8, start, end, trace, 16);
    return;
  }
  if (end - start !== 36) return;
  for (let k = 0; k < 36; k++) {
    const dash = k === 8 || k === 13 || k === 18 || k === 23;
    if (dash ? u8[start + k] !== DASH : hexValue(u8[start + k]) < 0) return;
  }
  for (let k = 0, to = 0; to < 16; to++) {
    if (u8[start + k] === DASH) k++;
    u8[trace + to] = (hexValue(u8[start + k]) << 4) | hexValue(u8[start + k + 1]);
    k += 2;
  }
}

/** Right-aligned hex of at most `bytes` bytes; shorter ones get zeros before. False when it is none. */
function readHex(u8: Uint8Array, start: number, end: number, to: number, bytes: number): boolean {
  const digits = end - start;
  if (digits < 1 || digits > bytes * 2 || !isHex(u8, start, end)) return false;
  for (let k = 0; k < bytes; k++) u8[to + k] = 0;
  for (let k = 0; k < digits; k++) {
    const place = bytes * 2 - digits + k;
    const value = hexValue(u8[start + k]);
    u8[to + (place >> 1)] |= (place & 1) === 0 ? value << 4 : value;
  }
  return true;
}

function isHex(u8: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (hexValue(u8[at]) < 0) return false;
  return true;
}

function hexValue(byte: number): number {
  return HEX[byte];
}

function find(u8: Uint8Array, start: number, end: number, byte: number): number {
  for (let at = start; at < end; at++) if (u8[at] === byte) return at;
  return -1;
}

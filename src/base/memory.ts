/**
 * The one memory of a worker. Packets, partial messages, open calls and scratch all lie in it, so a
 * range is always two integers and a scan never copies. Its size is fixed (`initial = maximum`):
 * growing would detach every view. Reserved pages cost nothing until they are touched.
 *
 *   0          code data of the scan module, then scratch        (LOW_BYTES)
 *   input      the ring, or the buffer that files are read into  (inputBytes)
 *   heap       connections, slabs                                (heapBytes)
 *   guard      never handed out: SIMD may read 64 bytes past a range's end
 */
import { assert } from './assert.ts';

/** The scan module's own data and scratch; `scripts/build.mjs` gives it as its memory base's limit. */
export const LOW_BYTES = 1024 * 1024;
/** First byte of the scratch that plain code and primitives share, see `Scratch`. */
export const SCRATCH = 512 * 1024;
/**
 * The last 64 KiB of the scratch belong to the protocols: a text that is not on the wire as it is told (an
 * upper-case verb, a DNS name) is made there. It lives until `parse` returns; all protocols share it.
 */
export const PROTOCOL_SCRATCH = LOW_BYTES - 64 * 1024;
const GUARD_BYTES = 65_536;
const PAGE = 65_536;

export interface WireMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  /** The input region, page-aligned: [inputStart, inputEnd). */
  readonly inputStart: number;
  readonly inputEnd: number;
  /** The heap region: [heapStart, heapEnd). */
  readonly heapStart: number;
  readonly heapEnd: number;
}

export function createMemory(inputBytes: number, heapBytes: number): WireMemory {
  assert(inputBytes % PAGE === 0, 'input is whole pages');
  assert(heapBytes % PAGE === 0, 'heap is whole pages');
  const pages = (LOW_BYTES + inputBytes + heapBytes + GUARD_BYTES) / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const buffer = memory.buffer;
  return {
    memory,
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f64: new Float64Array(buffer),
    inputStart: LOW_BYTES,
    inputEnd: LOW_BYTES + inputBytes,
    heapStart: LOW_BYTES + inputBytes,
    heapEnd: LOW_BYTES + inputBytes + heapBytes,
  };
}

/**
 * Segments that cannot be read yet: bytes before them are missing, or they answer bytes of the other side
 * that are missing. They wait in slabs, sorted by sequence number; the first that came wins where they
 * overlap.
 */
import type { Limits } from '../../base/limits.ts';
import type { Slabs } from '../../base/slab.ts';
import type { WireMemory } from '../../base/memory.ts';
import { D_SEGMENT_BYTES, D_SEGMENT_COUNT, D_SEGMENTS } from './row.ts';

export const S_NEXT = 0; // words of a slab
export const S_SEQUENCE = 1;
export const S_BYTES = 2;
export const S_SECONDS = 3;
export const S_NANOS = 4;
export const S_ACK = 5;
/** Bytes it had on the wire: more than S_BYTES where the capture cut it. */
export const S_WIRE_BYTES = 6;
export const SEGMENT_HEAD_BYTES = 32;

export class Segments {
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #slabs: Slabs;
  readonly #limits: Limits;

  constructor(memory: WireMemory, slabs: Slabs, limits: Limits) {
    this.#i32 = memory.i32;
    this.#u8 = memory.u8;
    this.#slabs = slabs;
    this.#limits = limits;
  }

  /** Copies a segment into the list of the direction `d`. False when a limit is reached. */
  insert(
    d: number,
    sequence: number,
    start: number,
    end: number,
    wireBytes: number,
    ack: number,
    seconds: number,
    nanos: number,
  ): boolean {
    const i32 = this.#i32;
    const bytes = end - start;
    if (i32[d + D_SEGMENT_COUNT] >= this.#limits.reassemblySegmentsPerConnection) return false;
    if (i32[d + D_SEGMENT_BYTES] + bytes > this.#limits.reassemblyBytesPerConnection) return false;
    let before = 0;
    let after = i32[d + D_SEGMENTS];
    while (after !== 0 && ((i32[(after >> 2) + S_SEQUENCE] - sequence) | 0) <= 0) {
      const word = after >> 2;
      // A copy of what waits already, as long or shorter, brings nothing.
      if (i32[word + S_SEQUENCE] === sequence && i32[word + S_BYTES] >= bytes) return true;
      before = after;
      after = i32[word + S_NEXT];
    }
    const slab = this.#slabs.alloc(SEGMENT_HEAD_BYTES + bytes);
    if (slab === 0) return false;
    const word = slab >> 2;
    i32[word + S_NEXT] = after;
    i32[word + S_SEQUENCE] = sequence;
    i32[word + S_BYTES] = bytes;
    i32[word + S_SECONDS] = seconds;
    i32[word + S_NANOS] = nanos;
    i32[word + S_ACK] = ack;
    i32[word + S_WIRE_BYTES] = wireBytes;
    this.#u8.copyWithin(slab + SEGMENT_HEAD_BYTES, start, end);
    if (before === 0) i32[d + D_SEGMENTS] = slab;
    else i32[(before >> 2) + S_NEXT] = slab;
    i32[d + D_SEGMENT_COUNT]++;
    i32[d + D_SEGMENT_BYTES] += bytes;
    return true;
  }

  /** Takes the first segment out of the list; `release` gives its slab back after use. */
  shift(d: number): number {
    const i32 = this.#i32;
    const slab = i32[d + D_SEGMENTS];
    const word = slab >> 2;
    i32[d + D_SEGMENTS] = i32[word + S_NEXT];
    i32[d + D_SEGMENT_COUNT]--;
    i32[d + D_SEGMENT_BYTES] -= i32[word + S_BYTES];
    return slab;
  }

  release(slab: number): void {
    this.#slabs.free(slab, SEGMENT_HEAD_BYTES + this.#i32[(slab >> 2) + S_BYTES]);
  }

  /** Forgets all that waits; answers how many bytes. */
  drop(d: number): number {
    const bytes = this.#i32[d + D_SEGMENT_BYTES];
    while (this.#i32[d + D_SEGMENTS] !== 0) this.release(this.shift(d));
    return bytes;
  }
}

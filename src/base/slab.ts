/**
 * Memory for what is partial: tails of messages, open calls, segments out of order. Size classes are
 * powers of two from 64 bytes to 1 MiB; freed slabs wait in a list of their class, whose links lie in
 * the slabs themselves. Nothing is zeroed. `alloc` answers 0 when the heap is full: the caller counts
 * and gives something up.
 */
import { assert } from './assert.ts';
import type { WireMemory } from './memory.ts';

const CLASS_MIN_BITS = 6;
const CLASS_MAX_BITS = 20;
export const SLAB_BYTES_MAX = 1 << CLASS_MAX_BITS;

export class Slabs {
  readonly #i32: Int32Array;
  readonly #free = new Int32Array(32); // Class → first free slab, 0 none.
  readonly #end: number;
  #next: number;
  /** Bytes handed out and not given back, by size of class. */
  usedBytes = 0;

  constructor(memory: WireMemory, start: number, end: number) {
    this.#i32 = memory.i32;
    this.#next = (start + 63) & ~63;
    this.#end = end;
  }

  /** An address of at least `bytes` bytes, aligned to 64, or 0. */
  alloc(bytes: number): number {
    const bits = classBits(bytes);
    assert(bits <= CLASS_MAX_BITS, 'slab too large');
    const held = this.#free[bits];
    if (held !== 0) {
      this.#free[bits] = this.#i32[held >> 2];
      this.usedBytes += 1 << bits;
      return held;
    }
    const address = this.#next;
    if (address + (1 << bits) > this.#end) return 0;
    this.#next = address + (1 << bits);
    this.usedBytes += 1 << bits;
    return address;
  }

  /** Gives back what `alloc(bytes)` answered; `bytes` is of the same class. */
  free(address: number, bytes: number): void {
    assert(address !== 0, 'free of nothing');
    const bits = classBits(bytes);
    this.#i32[address >> 2] = this.#free[bits];
    this.#free[bits] = address;
    this.usedBytes -= 1 << bits;
  }
}

/** Capacity of the slab that `alloc(bytes)` gives. */
export function slabCapacity(bytes: number): number {
  return 1 << classBits(bytes);
}

function classBits(bytes: number): number {
  return bytes <= 64 ? CLASS_MIN_BITS : 32 - Math.clz32(bytes - 1);
}

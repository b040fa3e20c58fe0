/**
 * Memory for what is partial: tails of messages, open calls, segments out of order. Size classes are
 * powers of two from 64 bytes to 1 MiB; freed slabs wait in a list of their class, whose links lie in
 * the slabs themselves. Nothing is zeroed. `alloc` answers 0 when the heap is full: the caller counts
 * and gives something up.
 *
 * Slabs are aligned to their size from the start of the heap. So a heap that one kind of traffic has cut into
 * slabs of one class serves another kind later: larger free slabs are halved, and free halves put together.
 */
import { assert } from './assert.ts';
import type { WireMemory } from './memory.ts';

const CLASS_MIN_BITS = 6;
const CLASS_MAX_BITS = 20;
export const SLAB_BYTES_MAX = 1 << CLASS_MAX_BITS;
/** Joining walks all free slabs: it may cost each refused `alloc` so many of them, in the mean. */
const WALKED_PER_REFUSAL = 16;
/** Beside the class of a free slab whose other half is free and still to come. */
const VISITED = 0x80;

export class Slabs {
  readonly #i32: Int32Array;
  readonly #free = new Int32Array(32); // Class → first free slab, 0 none.
  readonly #start: number;
  readonly #end: number;
  #next: number;
  /** For joining: unit of 64 bytes → class of the free slab that begins there, 0 none. */
  #classes = new Uint8Array(0);
  /** Refusals until slabs are joined again. */
  #patience = 0;
  /** Bytes handed out and not given back, by size of class. */
  usedBytes = 0;

  constructor(memory: WireMemory, start: number, end: number) {
    this.#i32 = memory.i32;
    this.#start = (start + 63) & ~63;
    this.#next = this.#start;
    this.#end = end;
  }

  /** An address of at least `bytes` bytes, aligned to 64, or 0. */
  alloc(bytes: number): number {
    const bits = classBits(bytes);
    assert(bits <= CLASS_MAX_BITS, 'slab too large');
    let address = this.#free[bits];
    if (address !== 0) this.#free[bits] = this.#i32[address >> 2];
    else {
      address = this.#carve(bits);
      if (address === 0) address = this.#halve(bits);
      if (address === 0 && this.#join()) address = this.#halve(bits);
      if (address === 0) return 0;
    }
    this.usedBytes += 1 << bits;
    return address;
  }

  /** Gives back what `alloc(bytes)` answered; `bytes` is of the same class. */
  free(address: number, bytes: number): void {
    assert(address !== 0, 'free of nothing');
    const bits = classBits(bytes);
    this.#put(address, bits);
    this.usedBytes -= 1 << bits;
  }

  #put(address: number, bits: number): void {
    this.#i32[address >> 2] = this.#free[bits];
    this.#free[bits] = address;
  }

  /** A slab of memory never handed out, or 0. What lies before its boundary is free in smaller ones. */
  #carve(bits: number): number {
    const size = 1 << bits;
    const aligned = this.#start + Math.ceil((this.#next - this.#start) / size) * size;
    if (aligned + size > this.#end) return 0;
    while (this.#next < aligned) {
      const offset = this.#next - this.#start;
      const piece = offset & -offset;
      this.#put(this.#next, 31 - Math.clz32(piece));
      this.#next += piece;
    }
    this.#next = aligned + size;
    return aligned;
  }

  /** A slab out of the smallest free one that is large enough, whose other part stays free; or 0. */
  #halve(bits: number): number {
    let from = bits;
    while (from <= CLASS_MAX_BITS && this.#free[from] === 0) from++;
    if (from > CLASS_MAX_BITS) return 0;
    const address = this.#free[from];
    this.#free[from] = this.#i32[address >> 2];
    while (from > bits) {
      from--;
      this.#put(address + (1 << from), from);
    }
    return address;
  }

  /** Puts free halves together, from the smallest class on. False when that was tried not long ago. */
  #join(): boolean {
    if (this.#patience > 0) {
      this.#patience--;
      return false;
    }
    const units = (this.#end - this.#start) >> CLASS_MIN_BITS;
    if (this.#classes.length === 0) this.#classes = new Uint8Array(units);
    const classes = this.#classes;
    let walked = 0;
    for (let bits = CLASS_MIN_BITS; bits <= CLASS_MAX_BITS; bits++) {
      for (let slab = this.#free[bits]; slab !== 0; slab = this.#i32[slab >> 2]) {
        classes[(slab - this.#start) >> CLASS_MIN_BITS] = bits;
        walked++;
      }
    }
    for (let bits = CLASS_MIN_BITS; bits < CLASS_MAX_BITS; bits++) this.#joinClass(bits);
    // What is left in the lists is all that has a class there.
    for (let bits = CLASS_MIN_BITS; bits <= CLASS_MAX_BITS; bits++) {
      for (let slab = this.#free[bits]; slab !== 0; slab = this.#i32[slab >> 2]) {
        classes[(slab - this.#start) >> CLASS_MIN_BITS] = 0;
      }
    }
    this.#patience = Math.floor(walked / WALKED_PER_REFUSAL);
    return true;
  }

  /** The links of a free slab hold until it was visited: the second half of a pair puts both back. */
  #joinClass(bits: number): void {
    const classes = this.#classes;
    let slab = this.#free[bits];
    this.#free[bits] = 0;
    while (slab !== 0) {
      const next = this.#i32[slab >> 2];
      const unit = (slab - this.#start) >> CLASS_MIN_BITS;
      const half = unit ^ (1 << (bits - CLASS_MIN_BITS));
      if (classes[half] === bits) classes[unit] = bits | VISITED;
      else if (classes[half] === (bits | VISITED)) {
        const whole = Math.min(unit, half);
        classes[Math.max(unit, half)] = 0;
        classes[whole] = bits + 1;
        this.#put(this.#start + (whole << CLASS_MIN_BITS), bits + 1);
      } else this.#put(slab, bits);
      slab = next;
    }
  }
}

/** Capacity of the slab that `alloc(bytes)` gives. */
export function slabCapacity(bytes: number): number {
  return 1 << classBits(bytes);
}

function classBits(bytes: number): number {
  return bytes <= 64 ? CLASS_MIN_BITS : 32 - Math.clz32(bytes - 1);
}

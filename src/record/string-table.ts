/**
 * The texts of a worker that repeat (methods, operations, hosts, statuses) as small numbers. Rows carry the
 * number; a block carries each text once. Id 0 is the empty text, and what a full table answers.
 *
 * The one idea: a text that is known costs a hash, one probe and a comparison of bytes, and allocates
 * nothing. Texts are never dropped, so the table's size is the bound on what hostile traffic can make of it.
 */
import { assert } from '../base/assert.ts';
import { LOW_BYTES, type WireMemory } from '../base/memory.ts';
import { decodeText } from './text.ts';

/** The part of a scan that the table needs: a seeded hash of a range, see wire/scan. */
export interface RangeHash {
  hash(start: number, end: number): number;
}

/** Longer texts are cut: hosts have at most 255 bytes, templated operations seldom 200. */
export const STRING_BYTES_MAX = 1024;
/** Where cold paths put a text together before it is interned: the end of the low scratch. */
export const STRING_STAGING = LOW_BYTES - 4 * STRING_BYTES_MAX;
export const STRING_STAGING_BYTES = 4 * STRING_BYTES_MAX;

const SPARED_SHIFT = 4;

export class StringTable {
  /** All texts, one after the other; see `startOf` and `endOf`. */
  readonly arena: Uint8Array;
  readonly capacity: number;
  /** Texts in the table; ids are 1 … count. */
  count = 0;
  /** Texts that found no room and became 0 (reason `string-limit`). */
  refused = 0;
  /** Texts that were longer than STRING_BYTES_MAX. */
  cut = 0;

  readonly #memory: WireMemory;
  readonly #scan: RangeHash;
  readonly #mask: number;
  readonly #slots: Int32Array; // Hash → id, 0 free; at most half full.
  readonly #hashes: Int32Array; // Id → hash.
  readonly #ends: Int32Array; // Id → end in the arena, which is the next one's start.

  constructor(memory: WireMemory, scan: RangeHash, capacity: number, arenaBytes: number) {
    assert(capacity > 0 && arenaBytes > 0, 'a string table has room');
    this.#memory = memory;
    this.#scan = scan;
    this.capacity = capacity;
    this.arena = new Uint8Array(arenaBytes);
    const slots = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots);
    this.#hashes = new Int32Array(capacity + 1);
    this.#ends = new Int32Array(capacity + 1);
  }

  /** The id of a range of the worker's memory: known, or taken in. 0 when empty or refused. */
  intern(start: number, end: number): number {
    if (end <= start) return 0;
    let stop = end;
    if (end - start > STRING_BYTES_MAX) {
      stop = start + STRING_BYTES_MAX;
      this.cut++;
    }
    const hash = this.#scan.hash(start, stop) | 0;
    const slot = this.#probe(hash, start, stop);
    const id = this.#slots[slot];
    return id !== 0 ? id : this.#insert(slot, hash, start, stop);
  }

  /**
   * As `intern`, for texts that whoever sends requests can make up without end (hosts, operations): what is
   * new is refused while the last sixteenth of the table is left, which others need (statuses, methods).
   */
  internSparing(start: number, end: number): number {
    const known = this.find(start, end);
    if (known !== 0 || end <= start) return known;
    if (this.capacity - this.count > this.capacity >> SPARED_SHIFT) return this.intern(start, end);
    this.refused++;
    return 0;
  }

  /** The id of a range that is known already, else 0; takes nothing in and counts nothing. */
  find(start: number, end: number): number {
    if (end <= start) return 0;
    const stop = end - start > STRING_BYTES_MAX ? start + STRING_BYTES_MAX : end;
    return this.#slots[this.#probe(this.#scan.hash(start, stop) | 0, start, stop)];
  }

  /** As `intern`, for bytes outside the worker's memory: constants at start, names from main. */
  internBytes(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, STRING_STAGING_BYTES);
    this.#memory.u8.set(length === bytes.length ? bytes : bytes.subarray(0, length), STRING_STAGING);
    return this.intern(STRING_STAGING, STRING_STAGING + length);
  }

  /** As `internBytes`, of UTF-8. */
  internText(text: string): number {
    return this.internBytes(new TextEncoder().encode(text));
  }

  /** First byte of a text in the arena. */
  startOf(id: number): number {
    return id <= 0 ? 0 : this.#ends[id - 1];
  }

  /** Just past the last byte of a text in the arena. */
  endOf(id: number): number {
    return id <= 0 ? 0 : this.#ends[id];
  }

  /** A text for people, see `decodeText`; off the hot path. */
  text(id: number): string {
    assert(id >= 0 && id <= this.count, 'string id is known');
    return decodeText(this.arena, this.startOf(id), this.endOf(id));
  }

  /** The slot where the text stands, or the free one where it would. */
  #probe(hash: number, start: number, end: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    let slot = hash & this.#mask;
    for (let looked = 0; looked <= this.#mask; looked++) {
      const id = slots[slot];
      if (id === 0 || (hashes[id] === hash && this.#equals(id, start, end))) return slot;
      slot = (slot + 1) & this.#mask;
    }
    assert(false, 'a string table always has free slots');
  }

  #equals(id: number, start: number, end: number): boolean {
    const from = this.#ends[id - 1];
    if (this.#ends[id] - from !== end - start) return false;
    const u8 = this.#memory.u8;
    const arena = this.arena;
    const shift = from - start;
    for (let at = start; at < end; at++) {
      if (u8[at] !== arena[at + shift]) return false;
    }
    return true;
  }

  #insert(slot: number, hash: number, start: number, end: number): number {
    const from = this.#ends[this.count];
    if (this.count === this.capacity || from + (end - start) > this.arena.length) {
      this.refused++;
      return 0;
    }
    const id = ++this.count;
    const u8 = this.#memory.u8;
    const arena = this.arena;
    for (let at = start, to = from; at < end; at++, to++) arena[to] = u8[at];
    this.#ends[id] = from + (end - start);
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    return id;
  }
}

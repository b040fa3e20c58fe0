/**
 * The plain `findHeaders`: the lines of a head (RFC 9112, section 2.2), four bytes at a time, and the names
 * that protocols ask for, found by a hash of their first four bytes.
 */
import * as L from './layout.ts';
import { nameHash } from './tables.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;
const LINE_FEEDS = 0x0a0a0a0a;

/** The first LF or NUL in the range, or `end`. */
export function lineEnd(u8: Uint8Array, i32: Int32Array, start: number, end: number): number {
  let p = start;
  while (p < end) {
    if ((p & 3) === 0) {
      while (p + 4 <= end) {
        const word = i32[p >> 2];
        const feeds = word ^ LINE_FEEDS;
        if (((((feeds - ONES) & ~feeds) | ((word - ONES) & ~word)) & HIGH_BITS) !== 0) break;
        p += 4;
      }
      if (p >= end) return end;
    }
    const c = u8[p];
    if (c === LINE_FEED || c === 0) return p;
    p++;
  }
  return end;
}

export class PlainHead {
  /** Headers written by the last call. */
  found = 0;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  /** Where the value of the name just matched begins. */
  #colon = 0;

  constructor(u8: Uint8Array, i32: Int32Array) {
    this.#u8 = u8;
    this.#i32 = i32;
  }

  find(start: number, end: number, out: number, most: number): number {
    const u8 = this.#u8;
    const i32 = this.#i32;
    this.found = 0;
    let written = 0;
    // Index in `out` of the header that a folded line would go on, or -1.
    let open = -1;
    let line = start;
    while (line < end) {
      const stop = lineEnd(u8, i32, line, end);
      if (stop === end) return 0;
      if (u8[stop] === 0) return -1;
      const c = u8[line];
      if (line === stop || (c === CARRIAGE_RETURN && line + 1 === stop)) {
        this.found = written;
        return stop + 1;
      }
      if (c === SPACE || c === TAB) {
        if (open >= 0) this.#value(open, line, stop, true);
      } else {
        open = -1;
        const id = this.#name(line, stop);
        if (id !== 0 && written < most) {
          open = out + written * 3;
          i32[open] = id;
          this.#value(open, this.#colon + 1, stop, false);
          written++;
        }
      }
      line = stop + 1;
    }
    return 0;
  }

  /** The id of the name that the line begins with, or 0. */
  #name(line: number, stop: number): number {
    const u8 = this.#u8;
    if (stop - line < 3) return 0;
    // A line of three bytes can only be `b3:`; its fourth byte, the LF, does not count then.
    let id = u8[L.FIRST_NAME_AT + nameHash(u8[line], u8[line + 1], u8[line + 2], u8[line + 3])];
    for (; id !== 0; id = u8[L.NAMES_AT + id * L.NAME_ROW_BYTES + L.NAME_NEXT]) {
      const row = L.NAMES_AT + id * L.NAME_ROW_BYTES;
      const colon = line + u8[row + L.NAME_LENGTH];
      if (colon >= stop || u8[colon] !== COLON) continue;
      let k = line;
      while (k < colon && (u8[k] | u8[row + L.NAME_CASE + k - line]) === u8[row + k - line]) k++;
      if (k < colon) continue;
      this.#colon = colon;
      return id;
    }
    return 0;
  }

  /** Sets the value to the range without blanks; a folded line goes on with what was there. */
  #value(at: number, from: number, stop: number, folded: boolean): void {
    const u8 = this.#u8;
    const i32 = this.#i32;
    let start = from;
    let end = stop;
    while (start < end && isBlank(u8[start])) start++;
    while (end > start && isBlank(u8[end - 1])) end--;
    if (folded && start === end) return;
    if (!folded || i32[at + 1] === i32[at + 2]) i32[at + 1] = start;
    i32[at + 2] = end;
  }
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB || c === CARRIAGE_RETURN;
}

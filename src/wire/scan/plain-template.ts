/**
 * The plain `template`: the path of a target with what looks like an identifier as `{id}`
 * (docs/formats/identifiers.md).
 */
import * as L from './layout.ts';
import { domainEnd, hexValue, shape } from './plain-text.ts';

const SLASH = 47;
const QUESTION = 63;
const HASH = 35;
const DOT = 46;
const COLON = 58;
const AT = 64;
const STAR = 42;
const EQUALS = 61;
const PERCENT = 37;

export class PlainTemplate {
  readonly #u8: Uint8Array;
  #at = 0;
  #limit = 0;

  constructor(u8: Uint8Array) {
    this.#u8 = u8;
  }

  write(start: number, end: number, to: number, most: number): number {
    const u8 = this.#u8;
    this.#at = to;
    this.#limit = to + most;
    let stop = start;
    while (stop < end && u8[stop] !== QUESTION && u8[stop] !== HASH) stop++;
    let p = afterAuthority(u8, start, stop);
    // An absolute URL without a path asks for the root.
    if (p === stop && p > start) this.#put(SLASH);
    while (p < stop && this.#at < this.#limit) {
      let q = p;
      while (q < stop && u8[q] !== SLASH) q++;
      if (isEmail(u8, p, q)) this.#id();
      else this.#segment(p, q);
      if (q < stop) this.#put(SLASH);
      p = q + 1;
    }
    return this.#at - to;
  }

  /** Writes a segment part by part. A part is id-like or stays; ids that only a separator parts are one. */
  #segment(start: number, end: number): void {
    const u8 = this.#u8;
    let wasId = false;
    // The separator before the part is written once it is known whether the part goes into the id before it.
    let separator = start;
    let p = start;
    for (;;) {
      let q = p;
      while (q < end && (u8[L.CLASS_AT + u8[q]] & L.PART) !== 0) q++;
      const stars = q === p && q + 3 <= end && u8[q] === STAR && u8[q + 1] === STAR && u8[q + 2] === STAR;
      if (stars) q += 3;
      if (stars || this.#isId(start, p, q, wasId)) {
        if (!wasId) {
          this.#copy(separator, p);
          this.#id();
        }
        wasId = true;
        // The padding of base64 goes with it.
        let padding = q;
        while (padding < end && u8[padding] === EQUALS) padding++;
        if (padding === end) q = end;
      } else {
        this.#copy(separator, q);
        wasId = false;
      }
      if (q === end) return;
      separator = q;
      p = q + separatorBytes(u8, q, end);
    }
  }

  #isId(segment: number, start: number, end: number, wasId: boolean): boolean {
    if (start === end) return false;
    const kind = shape(this.#u8, start, end);
    if (kind === L.SHAPE_NONE) return false;
    // `v2.1` and `min.3.js` are versions, `10.0.0.1` and `7.json` are not.
    const version = kind === L.SHAPE_NUMBER && end - start < 4 && start > segment;
    return !(version && !wasId && this.#u8[start - 1] === DOT);
  }

  #put(c: number): void {
    if (this.#at < this.#limit) this.#u8[this.#at++] = c;
  }

  #id(): void {
    this.#put(123);
    this.#put(105);
    this.#put(100);
    this.#put(125);
  }

  #copy(start: number, end: number): void {
    const u8 = this.#u8;
    for (let p = start; p < end && this.#at < this.#limit; p++) u8[this.#at++] = u8[p];
  }
}

/** Where the path begins: past `scheme://authority`, if the text begins so. */
function afterAuthority(u8: Uint8Array, start: number, end: number): number {
  let p = start;
  while (p < end && (u8[L.CLASS_AT + u8[p]] & (L.WORD | L.JOINT)) !== 0) p++;
  if (p === start || p + 2 >= end || u8[p] !== COLON || u8[p + 1] !== SLASH || u8[p + 2] !== SLASH) return start;
  p += 3;
  while (p < end && u8[p] !== SLASH) p++;
  return p;
}

/** A percent escape separates as one. */
function separatorBytes(u8: Uint8Array, p: number, end: number): number {
  const escape = u8[p] === PERCENT && p + 2 < end && hexValue(u8[p + 1]) >= 0 && hexValue(u8[p + 2]) >= 0;
  return escape ? 3 : 1;
}

/** True when the whole segment is an e-mail address, its `@` as itself or as `%40`. */
function isEmail(u8: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    const escaped = u8[p] === PERCENT && p + 2 < end && u8[p + 1] === 52 && u8[p + 2] === 48;
    if (u8[p] !== AT && !escaped) continue;
    return p > start && domainEnd(u8, escaped ? p + 3 : p + 1, end) === end;
  }
  return false;
}

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

/** `{id}`, first byte lowest. */
const ID = 0x7d64697b;

export class PlainTemplate {
  readonly #u8: Uint8Array;
  #at = 0;
  #limit = 0;
  /** What is before it in the path is written. */
  #done = 0;

  constructor(u8: Uint8Array) {
    this.#u8 = u8;
  }

  write(start: number, end: number, to: number, most: number): number {
    const u8 = this.#u8;
    this.#at = to;
    this.#limit = to + most;
    let stop = start;
    // A path without digit, `@` and `***` is a copy.
    let plain = true;
    while (stop < end && u8[stop] !== QUESTION && u8[stop] !== HASH) {
      const c = u8[stop++];
      if ((u8[L.CLASS_AT + c] & L.DIGIT) !== 0 || c === AT || c === STAR) plain = false;
    }
    let p = afterAuthority(u8, start, stop);
    this.#done = p;
    // An absolute URL without a path asks for the root.
    if (p === stop && p > start && this.#at < this.#limit) u8[this.#at++] = SLASH;
    while (p < stop && !plain) {
      let q = p;
      while (q < stop && u8[q] !== SLASH) q++;
      if (isEmail(u8, p, q)) this.#id(p, q);
      else this.#segment(p, q);
      p = q + 1;
    }
    this.#copy(this.#done, stop);
    return this.#at - to;
  }

  /** Finds the ids of a segment part by part; ids that only a separator parts are one. */
  #segment(start: number, end: number): void {
    const u8 = this.#u8;
    let wasId = false;
    let p = start;
    for (;;) {
      let q = p;
      let classes = 0;
      while (q < end && (u8[L.CLASS_AT + u8[q]] & L.PART) !== 0) classes |= u8[L.CLASS_AT + u8[q++]];
      const stars = q === p && q + 3 <= end && u8[q] === STAR && u8[q + 1] === STAR && u8[q + 2] === STAR;
      if (stars) q += 3;
      if (stars || this.#isId(start, p, q, classes, wasId)) {
        // The padding of base64 goes with it.
        let padding = q;
        while (padding < end && u8[padding] === EQUALS) padding++;
        if (padding === end) q = end;
        if (wasId) this.#done = q;
        else this.#id(p, q);
        wasId = true;
      } else wasId = false;
      if (q === end) return;
      p = q + separatorBytes(u8, q, end);
    }
  }

  #isId(segment: number, start: number, end: number, classes: number, wasId: boolean): boolean {
    const kind = shape(this.#u8, start, end, classes);
    if (kind === L.SHAPE_NONE) return false;
    // `v2.1` and `min.3.js` are versions, `10.0.0.1` and `7.json` are not.
    const version = kind === L.SHAPE_NUMBER && end - start < 4 && start > segment;
    return !(version && !wasId && this.#u8[start - 1] === DOT);
  }

  /** Writes what is before `start`, and `{id}` for the range. */
  #id(start: number, end: number): void {
    this.#copy(this.#done, start);
    for (let k = 0; k < 4 && this.#at < this.#limit; k++) this.#u8[this.#at++] = (ID >>> (8 * k)) & 255;
    this.#done = end;
  }

  #copy(start: number, end: number): void {
    const u8 = this.#u8;
    let at = this.#at;
    const stop = end - start > this.#limit - at ? start + this.#limit - at : end;
    for (let p = start; p < stop; p++) u8[at++] = u8[p];
    this.#at = at;
  }
}

/** Where the path begins: past `scheme://authority`, if the text begins so. */
function afterAuthority(u8: Uint8Array, start: number, end: number): number {
  let p = start;
  while (p < end && (u8[L.CLASS_AT + u8[p]] & (L.WORD | L.JOINT)) !== 0) p++;
  if (p === start || p + 2 >= end || u8[p] !== COLON || u8[p + 1] !== SLASH || u8[p + 2] !== SLASH)
    return start;
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

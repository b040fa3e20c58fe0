/**
 * The plain `fingerprints`: identifiers in any text, normalised and hashed with the key
 * (docs/formats/identifiers.md).
 */
import * as L from './layout.ts';
import type { PlainSipHash } from './plain-siphash.ts';
import { domainEnd, shape } from './plain-text.ts';
import type { PlainView } from './plain-text.ts';

const ZERO = 48;
const DOT = 46;
const AT = 64;
const MINUS = 45;

export class PlainFingerprints {
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #view: PlainView;
  readonly #hash: PlainSipHash;
  #out = 0;
  #have = 0;
  #most = 0;

  constructor(u8: Uint8Array, i32: Int32Array, view: PlainView, hash: PlainSipHash) {
    this.#u8 = u8;
    this.#i32 = i32;
    this.#view = view;
    this.#hash = hash;
  }

  find(start: number, end: number, out: number, have: number, most: number): number {
    const u8 = this.#u8;
    this.#out = out;
    this.#have = have;
    this.#most = most;
    if (have >= most || !mayIdentify(u8, start, end)) return have;
    const view = this.#view;
    view.open(start, end);
    const stop = view.end;
    let p = view.start;
    while (p < stop && this.#have < most) {
      if (!isWide(u8, p)) {
        p++;
        continue;
      }
      let q = p + 1;
      while (q < stop && isWide(u8, q)) q++;
      if (q < stop && u8[q] === AT) {
        const domain = domainEnd(u8, q + 1, stop);
        let local = p;
        while (local < q && (u8[L.CLASS_AT + u8[local]] & L.ALNUM) === 0) local++;
        if (domain !== 0 && local < q && domain - local <= L.EMAIL_MAX) {
          this.#addLower(local, domain, false);
          p = domain;
          continue;
        }
      }
      this.#words(p, q, view.start, stop);
      p = q;
    }
    return this.#have;
  }

  /** The words of a run that `.` and `+` join. Decimal fractions are measures, not identifiers. */
  #words(start: number, end: number, first: number, last: number): void {
    const u8 = this.#u8;
    let p = start;
    while (p < end) {
      let q = p;
      let classes = 0;
      while (q < end && (u8[L.CLASS_AT + u8[q]] & L.WORD) !== 0) classes |= u8[L.CLASS_AT + u8[q++]];
      if ((classes & L.DIGIT) !== 0) {
        const fraction = p - 2 >= first && u8[p - 1] === DOT && isDigit(u8[p - 2]);
        const whole = q + 1 < last && u8[q] === DOT && isDigit(u8[q + 1]);
        if ((classes & L.DASH) === 0) this.#part(p, q, classes, fraction || whole);
        else this.#dashed(p, q, classes, fraction || whole);
      }
      p = q + 1;
    }
  }

  /** A word with dashes is an identifier as a whole, or its parts may be. */
  #dashed(start: number, end: number, bits: number, decimal: boolean): void {
    const u8 = this.#u8;
    const kind = shape(u8, start, end, bits);
    if (kind === L.SHAPE_TOKEN || (kind === L.SHAPE_HEX && end - start <= L.LOWER_BYTES)) {
      this.#part(start, end, bits, decimal);
      return;
    }
    let p = start;
    while (p < end) {
      if (isDate(u8, p, end)) {
        p += 10;
        continue;
      }
      let q = p;
      let classes = 0;
      while (q < end && u8[L.CLASS_AT + u8[q]] !== L.DASH) classes |= u8[L.CLASS_AT + u8[q++]];
      this.#part(p, q, classes, decimal);
      p = q + 1;
    }
  }

  #part(start: number, end: number, classes: number, decimal: boolean): void {
    const u8 = this.#u8;
    const kind = shape(u8, start, end, classes);
    if (kind === L.SHAPE_NUMBER) {
      let p = start;
      while (p < end && u8[p] === ZERO) p++;
      if (end - p >= L.NUMBER_DIGITS_MIN && !decimal) this.#add(p, end);
    } else if (kind === L.SHAPE_HEX && end - start <= L.LOWER_BYTES) this.#addLower(start, end, true);
    else if (kind !== L.SHAPE_NONE) this.#add(start, end);
  }

  /** Adds the range in lower case, without its dashes if told so. */
  #addLower(start: number, end: number, undash: boolean): void {
    const u8 = this.#u8;
    let to = L.LOWER_AT;
    for (let p = start; p < end; p++) {
      const c = u8[p];
      const bits = u8[L.CLASS_AT + c];
      if (undash && bits === L.DASH) continue;
      u8[to++] = (bits & L.UPPER) !== 0 ? c | 0x20 : c;
    }
    this.#add(L.LOWER_AT, to);
  }

  #add(start: number, end: number): void {
    const i32 = this.#i32;
    const low = this.#hash.hash(start, end);
    const high = this.#hash.high;
    const stop = this.#out + 2 * this.#have;
    for (let at = this.#out; at < stop; at += 2) {
      if (i32[at] === low && i32[at + 1] === high) return;
    }
    if (this.#have >= this.#most) return;
    i32[stop] = low;
    i32[stop + 1] = high;
    this.#have++;
  }
}

/** Every identifier holds a digit, or the `@` of an e-mail address; `%` may hide either. */
function mayIdentify(u8: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    const c = u8[p];
    if ((u8[L.CLASS_AT + c] & L.DIGIT) !== 0 || c === AT) return true;
  }
  return false;
}

function isWide(u8: Uint8Array, p: number): boolean {
  return (u8[L.CLASS_AT + u8[p]] & (L.WORD | L.JOINT)) !== 0;
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** A calendar date, `2024-05-01`: no identifier, and in most bodies. */
function isDate(u8: Uint8Array, p: number, end: number): boolean {
  if (end - p < 10 || u8[p + 4] !== MINUS || u8[p + 7] !== MINUS) return false;
  if (end - p > 10 && isDigit(u8[p + 10])) return false;
  for (let k = 0; k < 10; k++) {
    if (k !== 4 && k !== 7 && !isDigit(u8[p + k])) return false;
  }
  return true;
}

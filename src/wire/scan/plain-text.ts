/**
 * What the plain `template`, `redact` and `fingerprints` share: the shape of a part, the decoded view of a
 * text, e-mail addresses. docs/formats/identifiers.md tells the rules in words.
 */
import * as L from './layout.ts';

const DOT = 46;
const PERCENT = 37;

/**
 * The shape of a run of letters, digits, `-`, `_`, `~` and bytes from 0x80, in which the classes `classes`
 * occur: one of SHAPE_*.
 *  - number: digits, and perhaps `-` and `_` between them;
 *  - hex: 0-9 a-f of either case with a digit, 8 and more; with dashes 16 and more (UUID);
 *  - token: 12 and more where digits and letters meet three times; or 16 and more with upper case, lower case
 *    and two digits, or one digit where the class changes at every second byte;
 *  - mixed: a run of four digits and more among other things.
 */
export function shape(u8: Uint8Array, start: number, end: number, classes: number): number {
  if ((classes & L.DIGIT) === 0) return L.SHAPE_NONE;
  if ((classes & (L.LOWER | L.UPPER | L.OTHER)) === 0) return L.SHAPE_NUMBER;
  // With a letter the least is four digits and one.
  if (end - start < 5) return L.SHAPE_NONE;
  let digits = 0;
  let lower = 0;
  let upper = 0;
  let hexLetters = 0;
  let dashes = 0;
  let run = 0;
  let longest = 0;
  let changes = 0;
  let meetings = 0;
  let before = 0;
  for (let p = start; p < end; p++) {
    const bits = u8[L.CLASS_AT + u8[p]];
    const kind = bits & L.ALNUM;
    if (kind === L.DIGIT) {
      digits++;
      run++;
      if (run > longest) longest = run;
    } else {
      run = 0;
      if (kind === L.LOWER) lower++;
      else if (kind === L.UPPER) upper++;
      else if (bits === L.DASH) dashes++;
      if ((bits & L.HEX) !== 0) hexLetters++;
    }
    if (kind !== 0 && before !== 0 && kind !== before) {
      changes++;
      if (kind === L.DIGIT || before === L.DIGIT) meetings++;
    }
    before = kind;
  }
  const length = end - start;
  const letters = lower + upper;
  const others = length - digits - letters - dashes;
  if (letters === hexLetters && others === 0) {
    if (digits + letters >= (dashes === 0 ? L.HEX_MIN : L.HEX_DASHED_MIN)) return L.SHAPE_HEX;
  }
  if (length >= L.TOKEN_MIN && digits >= 2 && meetings >= 3) return L.SHAPE_TOKEN;
  if (length >= L.TOKEN_MIXED_MIN && lower !== 0 && upper !== 0) {
    if (digits >= 2 || 2 * changes >= length) return L.SHAPE_TOKEN;
  }
  return longest >= 4 ? L.SHAPE_MIXED : L.SHAPE_NONE;
}

/** The value of a hex digit, or -1. */
export function hexValue(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** The end of a domain that begins at `start` and has a dot and letters after the last one, or 0. */
export function domainEnd(u8: Uint8Array, start: number, end: number): number {
  let stop = start;
  while (stop < end) {
    const c = u8[stop];
    if ((u8[L.CLASS_AT + c] & L.ALNUM) === 0 && c !== DOT && c !== 45) break;
    stop++;
  }
  while (stop > start && (u8[L.CLASS_AT + u8[stop - 1]] & L.ALNUM) === 0) stop--;
  let label = stop;
  while (label > start && (u8[L.CLASS_AT + u8[label - 1]] & (L.LOWER | L.UPPER)) !== 0) label--;
  return stop - label >= 2 && label > start + 1 && u8[label - 1] === DOT ? stop : 0;
}

/**
 * A text as its reader sees it: percent escapes decoded, also escapes of escapes (`%2540` is `@`). Without a
 * `%` the view is the text itself. With one it lies at VIEW_AT, and PLACES_AT tells where each byte came
 * from.
 */
export class PlainView {
  start = 0;
  end = 0;
  decoded = false;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;

  constructor(u8: Uint8Array, i32: Int32Array) {
    this.#u8 = u8;
    this.#i32 = i32;
  }

  /** Sets the view to the text; of a longer one than VIEW_BYTES_MAX it has the beginning. */
  open(start: number, end: number): void {
    const u8 = this.#u8;
    const i32 = this.#i32;
    const stop = end - start > L.VIEW_BYTES_MAX ? start + L.VIEW_BYTES_MAX : end;
    this.start = start;
    this.end = stop;
    this.decoded = false;
    let p = start;
    while (p < stop && u8[p] !== PERCENT) p++;
    if (p === stop) return;
    let to = L.VIEW_AT;
    let place = L.PLACES_AT >> 2;
    for (p = start; p < stop; to++, place++) {
      i32[place] = p;
      let c = u8[p];
      let next = p + 1;
      if (c === PERCENT) {
        let q = p + 1;
        while (q + 3 < stop && u8[q] === 50 && u8[q + 1] === 53 && isHex(u8[q + 2]) && isHex(u8[q + 3]))
          q += 2;
        if (q + 1 < stop && isHex(u8[q]) && isHex(u8[q + 1])) {
          c = hexValue(u8[q]) * 16 + hexValue(u8[q + 1]);
          next = q + 2;
        }
      }
      u8[to] = c;
      p = next;
    }
    i32[place] = p;
    this.start = L.VIEW_AT;
    this.end = to;
    this.decoded = true;
  }

  /** Where a byte of the view stands in the text. */
  source(p: number): number {
    return this.decoded ? this.#i32[(L.PLACES_AT >> 2) + p - L.VIEW_AT] : p;
  }

  /** True when the byte was written as itself. */
  literal(p: number): boolean {
    if (!this.decoded) return true;
    const place = (L.PLACES_AT >> 2) + p - L.VIEW_AT;
    return this.#i32[place + 1] - this.#i32[place] === 1;
  }
}

function isHex(c: number): boolean {
  return hexValue(c) >= 0;
}

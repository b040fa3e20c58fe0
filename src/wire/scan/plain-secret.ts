/**
 * What is a secret: names of parameters (by the automata of sensitive.ts) and texts by their shape
 * (docs/formats/redaction.md). The plain twin of assembly/secret.ts.
 */
import * as L from './layout.ts';
import { hexValue } from './plain-text.ts';

const DOT = 46;

/** True when the name in the range is one whose value is hidden. */
export function nameIsSensitive(u8: Uint8Array, start: number, end: number): boolean {
  let anywhere = 0;
  // The entry of the word so far: 1 at its beginning, 0 once it is no prefix of a word in the list.
  let word = 1;
  let wordStart = start;
  let before = 0;
  for (let p = start; p < end; p++) {
    const c = u8[p];
    const kind = u8[L.CLASS_AT + c] & L.ALNUM;
    const letter = (kind & (L.LOWER | L.UPPER)) !== 0;
    if (kind !== 0) {
      const entry = step(u8, L.ANYWHERE_AT, anywhere, letter ? (c | 0x20) - 97 : L.SYMBOL_DIGIT);
      if ((entry & L.ACCEPT) !== 0) return true;
      anywhere = entry & L.STATE;
    }
    if (!letter || (kind === L.UPPER && before === L.LOWER)) {
      if ((word & L.ACCEPT) !== 0) return true;
      word = 1;
      wordStart = letter ? p : p + 1;
    }
    if (letter) word = step(u8, L.WORDS_AT, word & L.STATE, (c | 0x20) - 97);
    before = kind;
  }
  if ((word & L.ACCEPT) !== 0) return true;
  return (word & L.ACCEPT_WHOLE) !== 0 && wordStart === start;
}

function step(u8: Uint8Array, table: number, state: number, symbol: number): number {
  const at = table + state * 64 + symbol * 2;
  return u8[at] | (u8[at + 1] << 8);
}

/** The end of a secret with a known beginning at `p`, in a run that ends at `stop`; 0 when there is none. */
export function secretAfter(u8: Uint8Array, p: number, stop: number, end: number): number {
  if (u8[L.PREFIX_FIRST_AT + u8[p]] === 0) return jwtEnd(u8, p, stop, end);
  for (let row = L.PREFIX_AT; u8[row] !== 0; row += L.PREFIX_ROW_BYTES) {
    if (u8[row + 2] !== u8[p]) continue;
    const length = u8[row];
    if (stop - p < length + u8[row + 1]) continue;
    let k = 1;
    while (k < length && u8[p + k] === u8[row + 2 + k]) k++;
    if (k === length) return stop;
  }
  return jwtEnd(u8, p, stop, end);
}

/** `eyJ….….…`: base64url of `{"` and more, a dot, a second part, and any parts after it. */
function jwtEnd(u8: Uint8Array, p: number, stop: number, end: number): number {
  if (stop - p < L.SECRET_MIN || u8[p] !== 101 || u8[p + 1] !== 121 || u8[p + 2] !== 74) return 0;
  let done = 0;
  let q = stop;
  while (q < end && u8[q] === DOT) {
    const part = q + 1;
    q = part;
    while (q < end && (u8[L.CLASS_AT + u8[q]] & L.WORD) !== 0) q++;
    if (done === 0 && q - part < L.JWT_PART_MIN) return 0;
    done = q;
  }
  return done;
}

/**
 * True for a run that can only be random: 32 bytes and more with two letters and two digits, neither UUID nor
 * hex of one case or of a digest's length, whose class changes often: at two bytes of five when it has upper
 * and lower case, else from letter to digit or back at one of four. Texts in CamelCase and slugs change less.
 */
export function secretRun(u8: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < L.SECRET_RANDOM_MIN) return false;
  let digits = 0;
  let lower = 0;
  let upper = 0;
  let hex = 0;
  let dashes = 0;
  let changes = 0;
  let meetings = 0;
  let before = 0;
  for (let p = start; p < end; p++) {
    const bits = u8[L.CLASS_AT + u8[p]];
    const kind = bits & L.ALNUM;
    if (kind === L.DIGIT) digits++;
    else if (kind === L.LOWER) lower++;
    else if (kind === L.UPPER) upper++;
    else dashes++;
    if ((bits & L.HEX) !== 0) hex++;
    if (kind !== 0 && before !== 0 && kind !== before) {
      changes++;
      if (kind === L.DIGIT || before === L.DIGIT) meetings++;
    }
    before = kind;
  }
  if (digits < 2 || lower + upper < 2) return false;
  const mixed = lower !== 0 && upper !== 0;
  if (hex + dashes === length) {
    if (!mixed || isUuid(u8, start, length)) return false;
    if (dashes === 0 && isDigestLength(length)) return false;
  }
  return mixed ? changes * 5 >= length * 2 : meetings * 4 >= length;
}

function isDigestLength(length: number): boolean {
  return length === 32 || length === 40 || length === 56 || length === 64 || length === 96 || length === 128;
}

/** 8-4-4-4-12 hex digits (RFC 9562, section 4). */
export function isUuid(u8: Uint8Array, start: number, length: number): boolean {
  if (length !== 36) return false;
  for (let k = 0; k < 36; k++) {
    const c = u8[start + k];
    if (k === 8 || k === 13 || k === 18 || k === 23) {
      if (c !== 45) return false;
    } else if (hexValue(c) < 0) return false;
  }
  return true;
}

/**
 * Writes the tables of the scan into the low memory, once, when a scan is made. Both makers read the same
 * tables, so that the lists (names.ts, sensitive.ts) stay the only ones.
 */
import { assert } from '../../base/assert.ts';
import type { WireMemory } from '../../base/memory.ts';
import * as L from './layout.ts';
import { HEADER_NAMES } from './names.ts';
import { SECRET_PREFIXES, writeAnywhere, writeWords } from './sensitive.ts';

const COLON = 58;

export function writeTables(memory: WireMemory): void {
  const u8 = memory.u8;
  u8.fill(0, L.CLASS_AT, L.VIEW_AT);
  for (let c = 0; c < 256; c++) u8[L.CLASS_AT + c] = classOf(c);
  writeHeaderNames(memory);
  writePrefixes(u8);
  const u16 = memory.u16;
  const anywhere = L.ANYWHERE_AT >> 1;
  const words = L.WORDS_AT >> 1;
  writeAnywhere(u16.subarray(anywhere, anywhere + L.ANYWHERE_STATES_MAX * 32));
  writeWords(u16.subarray(words, words + L.WORDS_STATES_MAX * 32));
}

function classOf(c: number): number {
  let bits = 0;
  if (c >= 48 && c <= 57) bits |= L.DIGIT | L.HEX;
  if (c >= 97 && c <= 122) bits |= L.LOWER | (c <= 102 ? L.HEX : 0);
  if (c >= 65 && c <= 90) bits |= L.UPPER | (c <= 70 ? L.HEX : 0);
  if (c === 45 || c === 95) bits |= L.DASH;
  if (c === 126 || c >= 128) bits |= L.OTHER;
  if (c === 63 || c === 38 || c === 59 || c === 35 || c === 47 || c === 44 || c === 61) bits |= L.BEFORE_NAME;
  if (c === 46 || c === 43) bits |= L.JOINT;
  return bits;
}

/**
 * Where a name is looked up: four bytes with 0x20 set; after the colon of a name of two bytes nothing counts.
 */
export function nameHash(first: number, second: number, third: number, fourth: number): number {
  const key = first | (second << 8) | (third << 16) | (third === COLON ? 0 : fourth << 24) | 0x202020;
  return Math.imul(third === COLON ? key : key | 0x20000000, L.NAME_MULTIPLIER) >>> 24;
}

function writeHeaderNames(memory: WireMemory): void {
  const u8 = memory.u8;
  assert(HEADER_NAMES.length <= L.NAMES_MAX, 'the header names have room');
  // Backwards, so that of names with one hash the first in the list is met first.
  for (let i = HEADER_NAMES.length - 1; i >= 0; i--) {
    const name = HEADER_NAMES[i];
    const row = L.NAMES_AT + (i + 1) * L.NAME_ROW_BYTES;
    assert(name.length >= 2 && name.length <= L.NAME_BYTES_MAX, 'a header name has 2 to 31 bytes');
    for (let k = 0; k < name.length; k++) {
      const c = name.charCodeAt(k);
      const letter = c >= 97 && c <= 122;
      assert(letter || (c >= 48 && c <= 57) || c === 45, 'a header name is of a-z, 0-9 and -');
      u8[row + k] = c;
      u8[row + L.NAME_CASE + k] = letter ? 0x20 : 0;
    }
    u8[row + name.length] = COLON;
    memory.u32[(row + L.NAME_BITS) >> 2] = 2 ** (name.length + 1) - 1;
    u8[row + L.NAME_LENGTH] = name.length;
    const hash = L.FIRST_NAME_AT + nameHash(u8[row], u8[row + 1], u8[row + 2], u8[row + 3]);
    u8[row + L.NAME_NEXT] = u8[hash];
    u8[hash] = i + 1;
  }
}

function writePrefixes(u8: Uint8Array): void {
  assert(SECRET_PREFIXES.length <= L.PREFIXES_MAX, 'the prefixes have room');
  for (let i = 0; i < SECRET_PREFIXES.length; i++) {
    const [text, least] = SECRET_PREFIXES[i];
    const row = L.PREFIX_AT + i * L.PREFIX_ROW_BYTES;
    assert(text.length <= L.PREFIX_ROW_BYTES - 2, 'a prefix has room');
    assert(text.length + least >= L.SECRET_MIN, 'a secret is not shorter than the runs looked at');
    u8[row] = text.length;
    u8[row + 1] = least;
    u8[L.PREFIX_FIRST_AT + text.charCodeAt(0)] = 1;
    for (let k = 0; k < text.length; k++) u8[row + 2 + k] = text.charCodeAt(k);
  }
}

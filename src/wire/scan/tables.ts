/**
 * Writes the tables of the scan into the low memory, once, when a scan is made. Both makers read the same
 * tables, so that the lists (names.ts, sensitive.ts) stay the only ones.
 */
import { assert } from '../../base/assert.ts';
import type { WireMemory } from '../../base/memory.ts';
import * as L from './layout.ts';
import { HEADER_NAMES } from './names.ts';
import { SECRET_PREFIXES, writeAnywhere, writeWords } from './sensitive.ts';

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

/** The slot of a name: by its first eight bytes with 0x20 set, zero where it is shorter, and its length. */
export function nameSlot(low: number, high: number, length: number, first: number, second: number): number {
  const mixed = Math.imul(low, first) + Math.imul(high, second) + Math.imul(length, L.CANDIDATE_MULTIPLIER);
  return (mixed | 0) >>> (32 - L.SLOT_BITS);
}

function writeHeaderNames(memory: WireMemory): void {
  const u8 = memory.u8;
  assert(HEADER_NAMES.length <= L.NAMES_MAX, 'the header names have room');
  for (let i = 0; i < HEADER_NAMES.length; i++) {
    const name = HEADER_NAMES[i];
    const row = L.NAMES_AT + (i + 1) * L.NAME_ROW_BYTES;
    assert(name.length >= 2 && name.length < L.NAME_BYTES_MAX, 'a header name has 2 to 31 bytes');
    for (let k = 0; k < name.length; k++) {
      const c = name.charCodeAt(k);
      const letter = c >= 97 && c <= 122;
      assert(letter || (c >= 48 && c <= 57) || c === 45, 'a header name is of a-z, 0-9 and -');
      u8[row + k] = c;
      u8[row + L.NAME_BYTES_MAX + k] = letter ? 0x20 : 0;
    }
    u8[row + 2 * L.NAME_BYTES_MAX] = name.length;
    // The colon of a name of two bytes is the third.
    const third = name.length === 2 ? 58 : u8[row + 2];
    const key = u8[row] | (u8[row + 1] << 8) | (third << 16) | 0x202020;
    u8[L.CANDIDATE_AT + (Math.imul(key, L.CANDIDATE_MULTIPLIER) >>> 24)] = 1;
  }
  // Two odd multipliers without a collision: about one try in two will do.
  let first = 0x2c1b3c6d;
  let second = 0x297a2d39;
  for (let tries = 0; !placeNames(memory, first, second); tries++) {
    assert(tries < 1000, 'some multiplier keeps the header names apart');
    first = (Math.imul(first, 0x5bd1e995) + 2) | 1;
    second = (Math.imul(second, 0x27d4eb2d) + 2) | 1;
  }
  memory.i32[L.SLOT_MULTIPLIERS_AT >> 2] = first;
  memory.i32[(L.SLOT_MULTIPLIERS_AT >> 2) + 1] = second;
}

function placeNames(memory: WireMemory, first: number, second: number): boolean {
  const u8 = memory.u8;
  u8.fill(0, L.SLOT_AT, L.SLOT_AT + (1 << L.SLOT_BITS));
  for (let id = 1; id <= HEADER_NAMES.length; id++) {
    const row = L.NAMES_AT + id * L.NAME_ROW_BYTES;
    const length = u8[row + 2 * L.NAME_BYTES_MAX];
    let low = 0;
    let high = 0;
    for (let k = 0; k < 4; k++) {
      if (k < length) low |= (u8[row + k] | 0x20) << (8 * k);
      if (k + 4 < length) high |= (u8[row + 4 + k] | 0x20) << (8 * k);
    }
    const slot = L.SLOT_AT + nameSlot(low, high, length, first, second);
    if (u8[slot] !== 0) return false;
    u8[slot] = id;
  }
  return true;
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

/** What template, redact and fingerprints share; the rules are told in plain-text.ts. */
import {
  CLASS_AT,
  DIGIT,
  HEX,
  HEX_DASHED_MIN,
  HEX_MIN,
  LOWER,
  OTHER,
  PLACES_AT,
  SECRET_RANDOM_MIN,
  SHAPE_HEX,
  SHAPE_MIXED,
  SHAPE_NONE,
  SHAPE_NUMBER,
  SHAPE_TOKEN,
  TOKEN_MIN,
  TOKEN_MIXED_MIN,
  UPPER,
  VIEW_AT,
  VIEW_BYTES_MAX,
} from '../layout.ts';
import { classAt, either, hexValue, isAlnum, seek, within } from './bytes.ts';

/** What `measure` counted: bytes of each class, and how often the class of neighbours changes. */
let digits: i32 = 0;
let lower: i32 = 0;
let upper: i32 = 0;
let hexLetters: i32 = 0;
let dashes: i32 = 0;
let changes: i32 = 0;
let meetings: i32 = 0;
let fourDigits: bool = false;

/**
 * Counts 32 bytes at a time: one bit a byte, so that a count is a population count and a neighbour is a
 * shift.
 */
function measure(start: usize, end: usize): void {
  let four: u64 = 0;
  let digitsBefore: u64 = 0;
  let lowerBefore: u64 = 0;
  let upperBefore: u64 = 0;
  digits = lower = upper = hexLetters = dashes = changes = meetings = 0;
  for (let p = start; p < end; p += 32) {
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const rest = end - p;
    const inside: u64 = rest >= 32 ? 0xffffffff : ((<u64>1) << rest) - 1;
    // The three bits below bit 3 are the last three bytes of the block before.
    const d = ((mask2(within(a, 48, 10), within(b, 48, 10)) & inside) << 3) | digitsBefore;
    const l = ((mask2(within(a, 97, 26), within(b, 97, 26)) & inside) << 3) | lowerBefore;
    const u = ((mask2(within(a, 65, 26), within(b, 65, 26)) & inside) << 3) | upperBefore;
    const here = inside << 3;
    digits += <i32>popcnt(d & here);
    lower += <i32>popcnt(l & here);
    upper += <i32>popcnt(u & here);
    hexLetters += <i32>popcnt(mask2(hexLetter(a), hexLetter(b)) & inside);
    dashes += <i32>popcnt(mask2(either(a, 45, 95), either(b, 45, 95)) & inside);
    const letters = l | u;
    const meet = ((d & (letters << 1)) | (letters & (d << 1))) & here;
    meetings += <i32>popcnt(meet);
    changes += <i32>popcnt((meet | (l & (u << 1)) | (u & (l << 1))) & here);
    four |= d & (d << 1) & (d << 2) & (d << 3) & here;
    digitsBefore = d >>> 32;
    lowerBefore = l >>> 32;
    upperBefore = u >>> 32;
  }
  fourDigits = four != 0;
}

/**
 * The shape of a part; `bits` are the classes that occur in it. Most parts hold no digit, or nothing else,
 * and with a letter fewer than five bytes are nothing.
 */
@inline
export function shape(start: usize, end: usize, bits: u32): i32 {
  if ((bits & DIGIT) == 0) return SHAPE_NONE;
  if ((bits & (LOWER | UPPER | OTHER)) == 0) return SHAPE_NUMBER;
  return end - start < 5 ? SHAPE_NONE : mixedShape(start, end);
}

function mixedShape(start: usize, end: usize): i32 {
  measure(start, end);
  const length = <i32>(end - start);
  const letters = lower + upper;
  const others = length - digits - letters - dashes;
  if (letters == hexLetters && others == 0) {
    if (digits + letters >= (dashes == 0 ? HEX_MIN : HEX_DASHED_MIN)) return SHAPE_HEX;
  }
  if (length >= TOKEN_MIN && digits >= 2 && meetings >= 3) return SHAPE_TOKEN;
  if (length >= TOKEN_MIXED_MIN && lower != 0 && upper != 0) {
    if (digits >= 2 || 2 * changes >= length) return SHAPE_TOKEN;
  }
  return fourDigits ? SHAPE_MIXED : SHAPE_NONE;
}

/** See secretRun in plain-secret.ts; here because it lives of the same counts. */
export function secretRun(start: usize, end: usize): bool {
  const length = <i32>(end - start);
  if (length < SECRET_RANDOM_MIN) return false;
  measure(start, end);
  if (digits < 2 || lower + upper < 2) return false;
  const mixed = lower != 0 && upper != 0;
  const others = length - digits - lower - upper;
  if (digits + hexLetters + others == length) {
    if (!mixed || isUuid(start, length)) return false;
    if (others == 0 && isDigestLength(length)) return false;
  }
  return mixed ? changes * 5 >= length * 2 : meetings * 4 >= length;
}

function isDigestLength(length: i32): bool {
  return length == 32 || length == 40 || length == 56 || length == 64 || length == 96 || length == 128;
}

function isUuid(start: usize, length: i32): bool {
  if (length != 36) return false;
  for (let k: usize = 0; k < 36; k++) {
    const c: u32 = load<u8>(start + k);
    if (k == 8 || k == 13 || k == 18 || k == 23) {
      if (c != 45) return false;
    } else if (hexValue(c) < 0) return false;
  }
  return true;
}

@inline
function mask2(a: v128, b: v128): u64 {
  return <u64>(<u32>i8x16.bitmask(a) | (<u32>i8x16.bitmask(b) << 16));
}

@inline
function hexLetter(bytes: v128): v128 {
  return within(v128.or(bytes, i8x16.splat(0x20)), 97, 6);
}

/** The end of a domain that begins at `start` and has a dot and letters after the last one, or 0. */
export function domainEnd(start: usize, end: usize): usize {
  let stop = start;
  while (stop < end) {
    const c: u32 = load<u8>(stop);
    if (!isAlnum(stop) && c != 46 && c != 45) break;
    stop++;
  }
  while (stop > start && !isAlnum(stop - 1)) stop--;
  let label = stop;
  while (label > start && (classAt(label - 1) & (LOWER | UPPER)) != 0) label--;
  return stop - label >= 2 && label > start + 1 && load<u8>(label - 1) == 46 ? stop : 0;
}

/** The decoded view of a text, see PlainView. */
export let viewStart: usize = 0;
export let viewEnd: usize = 0;
let decoded: bool = false;

export function openView(start: usize, end: usize): void {
  const stop = end - start > <usize>VIEW_BYTES_MAX ? start + <usize>VIEW_BYTES_MAX : end;
  viewStart = start;
  viewEnd = stop;
  decoded = false;
  if (seek(start, stop, 37) == stop) return;
  let to: usize = VIEW_AT;
  let place: usize = PLACES_AT;
  let p = start;
  while (p < stop) {
    store<u32>(place, <u32>p);
    let c: u32 = load<u8>(p);
    let next = p + 1;
    if (c == 37) {
      let q = next;
      while (q + 3 < stop && load<u16>(q) == 0x3532 && isHexPair(q + 2)) q += 2;
      if (q + 1 < stop && isHexPair(q)) {
        c = (hexValue(load<u8>(q)) << 4) | hexValue(load<u8>(q + 1));
        next = q + 2;
      }
    }
    store<u8>(to, <u8>c);
    to++;
    place += 4;
    p = next;
  }
  store<u32>(place, <u32>p);
  viewStart = VIEW_AT;
  viewEnd = to;
  decoded = true;
}

@inline
function isHexPair(p: usize): bool {
  return (load<u8>(<usize>load<u8>(p), CLASS_AT) & load<u8>(<usize>load<u8>(p + 1), CLASS_AT) & HEX) != 0;
}

/** Where a byte of the view stands in the text. */
export function source(p: usize): usize {
  return decoded ? <usize>load<u32>(<usize>PLACES_AT + ((p - <usize>VIEW_AT) << 2)) : p;
}

/** True when the byte was written as itself. */
export function literal(p: usize): bool {
  if (!decoded) return true;
  const place: usize = <usize>PLACES_AT + ((p - <usize>VIEW_AT) << 2);
  return load<u32>(place, 4) - load<u32>(place) == 1;
}

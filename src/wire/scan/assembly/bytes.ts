/**
 * Byte search and comparison, 16 bytes at a time. Loads may pass the end of a range by less than 64 bytes;
 * what lies there is masked out or compared against the end before it counts.
 */
import { ALNUM, CLASS_AT } from '../layout.ts';

@inline
export function classOf(c: u32): u32 {
  return load<u8>(<usize>c, CLASS_AT);
}

@inline
export function classAt(p: usize): u32 {
  return load<u8>(<usize>load<u8>(p), CLASS_AT);
}

@inline
export function isAlnum(p: usize): bool {
  return (classAt(p) & ALNUM) != 0;
}

@inline
export function isDigit(p: usize): bool {
  return <u32>load<u8>(p) - 48 < 10;
}

/** The value of a hex digit, or -1. */
@inline
export function hexValue(c: u32): i32 {
  if (c - 48 < 10) return c - 48;
  const lower = (c | 0x20) - 97;
  return lower < 6 ? lower + 10 : -1;
}

/** Bytes in [low, low + count): one subtraction and one comparison. */
@inline
export function within(bytes: v128, low: u8, count: u8): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(low)), i8x16.splat(count));
}

/** Bytes that are one of the two. */
@inline
export function either(bytes: v128, first: u8, second: u8): v128 {
  return v128.or(i8x16.eq(bytes, i8x16.splat(first)), i8x16.eq(bytes, i8x16.splat(second)));
}

/** One bit a byte: letters and digits. */
@inline
export function alnumMask(bytes: v128): u32 {
  return i8x16.bitmask(v128.or(within(v128.or(bytes, i8x16.splat(0x20)), 97, 26), within(bytes, 48, 10)));
}

/** Letters, digits, `-` and `_`. */
@inline
export function wordMask(bytes: v128): u32 {
  return alnumMask(bytes) | <u32>i8x16.bitmask(either(bytes, 45, 95));
}

/** The position of the first byte of the range, or `end`. */
@inline
export function seek(start: usize, end: usize, byte: u8): usize {
  const wanted = i8x16.splat(byte);
  for (let p = start; p < end; p += 16) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
    if (mask != 0) {
      const found = p + ctz(mask);
      return found < end ? found : end;
    }
  }
  return end;
}

export function findByte(start: usize, end: usize, byte: i32): i32 {
  const found = seek(start, end, <u8>byte);
  return found < end ? <i32>found : -1;
}

export function afterCrlf(start: usize, end: usize): i32 {
  let p = start + 1;
  while (p < end) {
    p = seek(p, end, 10);
    if (p < end && load<u8>(p - 1) == 13) return <i32>(p + 1);
    p++;
  }
  return -1;
}

export function equal(a: usize, b: usize, bytes: i32): bool {
  let k = 0;
  for (; k + 16 <= bytes; k += 16) {
    const same = i8x16.eq(v128.load(a + k), v128.load(b + k));
    if (!i8x16.all_true(same)) return false;
  }
  if (k >= bytes) return true;
  const same: u32 = i8x16.bitmask(i8x16.eq(v128.load(a + k), v128.load(b + k)));
  return (~same & ((1 << (bytes - k)) - 1)) == 0;
}

export function equalLower(start: usize, lower: usize, bytes: i32): bool {
  for (let k = 0; k < bytes; k += 16) {
    const text = v128.load(start + k);
    const folded = v128.or(text, v128.and(within(text, 65, 26), i8x16.splat(0x20)));
    const same: u32 = i8x16.bitmask(i8x16.eq(folded, v128.load(lower + k)));
    const rest = bytes - k;
    const wanted: u32 = rest >= 16 ? 0xffff : (1 << rest) - 1;
    if ((~same & wanted) != 0) return false;
  }
  return true;
}

/** Zeros; `bytes` is a multiple of 16. */
export function clear(start: usize, bytes: i32): void {
  const end = start + <usize>bytes;
  for (let p = start; p < end; p += 16) v128.store(p, i64x2.splat(0));
}

/** Copies without writing past the range; the ranges do not overlap. */
@inline
export function copy(to: usize, from: usize, bytes: usize): void {
  let k: usize = 0;
  for (; k + 16 <= bytes; k += 16) v128.store(to + k, v128.load(from + k));
  if (bytes - k >= 8) {
    store<u64>(to + k, load<u64>(from + k));
    k += 8;
  }
  if (bytes - k >= 4) {
    store<u32>(to + k, load<u32>(from + k));
    k += 4;
  }
  for (; k < bytes; k++) store<u8>(to + k, load<u8>(from + k));
}

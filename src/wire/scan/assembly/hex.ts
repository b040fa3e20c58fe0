/** `hex`, see plain-hex.ts: 16 digits at a time, the rest one by one. */
import { hexValue, within } from './bytes.ts';

export function hex(start: usize, end: usize, to: usize, bytes: i32): bool {
  const digits = <i32>(end - start);
  if (digits < 1 || digits > bytes << 1) return false;
  let bad: bool = false;
  let p = start;
  for (; p + 16 <= end; p += 16) if (!i8x16.all_true(isHex(v128.load(p)))) bad = true;
  for (; p < end; p++) if (hexValue(load<u8>(p)) < 0) bad = true;
  if (bad) return false;
  let at = to;
  const stop = to + <usize>bytes;
  const first = stop - <usize>((digits + 1) >> 1);
  while (at < first) store<u8>(at++, 0);
  p = start;
  if ((digits & 1) != 0) store<u8>(at++, <u8>hexValue(load<u8>(p++)));
  for (; p + 16 <= end; p += 16) {
    store<u64>(at, pairs(v128.load(p)));
    at += 8;
  }
  for (; p < end; p += 2) store<u8>(at++, <u8>((hexValue(load<u8>(p)) << 4) | hexValue(load<u8>(p + 1))));
  return true;
}

@inline
function isHex(text: v128): v128 {
  return v128.or(within(text, 48, 10), within(v128.or(text, i8x16.splat(0x20)), 97, 6));
}

/** Eight bytes of 16 digits. A letter's low half counts from 1, and its bit 6 says that it is one. */
@inline
function pairs(text: v128): u64 {
  const letters = v128.and(i8x16.shr_u(text, 6), i8x16.splat(1));
  const nine = v128.or(letters, i8x16.shl(letters, 3));
  const values = i8x16.add(v128.and(text, i8x16.splat(15)), nine);
  const joined = v128.or(i16x8.shl(values, 4), i16x8.shr_u(values, 8));
  const whole = v128.and(joined, i16x8.splat(0xff));
  return i64x2.extract_lane(i8x16.narrow_i16x8_u(whole, whole), 0);
}

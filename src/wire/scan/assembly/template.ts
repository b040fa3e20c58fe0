/** `template`, see plain-template.ts. A path without digit, `@` and `***` is a copy. */
import {
  JOINT,
  PART,
  SHAPE_NONE,
  SHAPE_NUMBER,
  WORD,
} from '../layout.ts';
import { classAt, copy, hexValue, seek, within } from './bytes.ts';
import { domainEnd, shape } from './text.ts';

const ID: u32 = 0x7d64697b; // {id}
let at: usize = 0;
let limit: usize = 0;

export function template(start: usize, end: usize, to: usize, most: i32): i32 {
  at = to;
  limit = to + <usize>max<i32>(most, 0);
  // The end of the path, and whether anything before it can make a part an id.
  let stop = start;
  let plain = true;
  for (; stop < end; stop += 16) {
    const bytes = v128.load(stop);
    let ends: u32 = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(63)), i8x16.eq(bytes, i8x16.splat(35))));
    if (end - stop < 16) ends |= (<u32>1) << <u32>(end - stop);
    const special = v128.or(i8x16.eq(bytes, i8x16.splat(64)), i8x16.eq(bytes, i8x16.splat(42)));
    let ids: u32 = i8x16.bitmask(v128.or(within(bytes, 48, 10), special));
    if (ends != 0) ids &= (ends & -ends) - 1;
    if (ids != 0) plain = false;
    if (ends != 0) {
      stop += <usize>ctz(ends);
      break;
    }
  }
  if (stop > end) stop = end;
  let p = afterAuthority(start, stop);
  if (p == stop && p > start) put(47);
  if (plain) {
    write(p, stop);
    return <i32>(at - to);
  }
  while (p < stop && at < limit) {
    const q = seek(p, stop, 47);
    if (isEmail(p, q)) putId();
    else segment(p, q);
    if (q < stop) put(47);
    p = q + 1;
  }
  return <i32>(at - to);
}

function segment(start: usize, end: usize): void {
  let wasId = false;
  let separator = start;
  let p = start;
  for (;;) {
    let q = p;
    while (q < end && (classAt(q) & PART) != 0) q++;
    const stars = q == p && q + 3 <= end && (load<u32>(q) & 0xffffff) == 0x2a2a2a;
    if (stars) q += 3;
    if (stars || isId(start, p, q, wasId)) {
      if (!wasId) {
        write(separator, p);
        putId();
      }
      wasId = true;
      let padding = q;
      while (padding < end && load<u8>(padding) == 61) padding++;
      if (padding == end) q = end;
    } else {
      write(separator, q);
      wasId = false;
    }
    if (q == end) return;
    separator = q;
    p = q + separatorBytes(q, end);
  }
}

// @ts-ignore: decorator
@inline
function isId(segment: usize, start: usize, end: usize, wasId: bool): bool {
  if (start == end) return false;
  const kind = shape(start, end);
  if (kind == SHAPE_NONE) return false;
  const version = kind == SHAPE_NUMBER && end - start < 4 && start > segment;
  return !(version && !wasId && load<u8>(start - 1) == 46);
}

// @ts-ignore: decorator
@inline
function put(c: u8): void {
  if (at < limit) {
    store<u8>(at, c);
    at++;
  }
}

function putId(): void {
  if (limit - at >= 4) {
    store<u32>(at, ID);
    at += 4;
    return;
  }
  for (let k: u32 = 0; k < 4; k++) put(<u8>(ID >>> (k << 3)));
}

function write(start: usize, end: usize): void {
  const room = limit - at;
  const bytes = end - start > room ? room : end - start;
  copy(at, start, bytes);
  at += bytes;
}

function afterAuthority(start: usize, end: usize): usize {
  if (start < end && load<u8>(start) == 47) return start;
  let p = start;
  while (p < end && (classAt(p) & (WORD | JOINT)) != 0) p++;
  if (p == start || p + 2 >= end || (load<u32>(p) & 0xffffff) != 0x2f2f3a) return start;
  return seek(p + 3, end, 47);
}

// @ts-ignore: decorator
@inline
function separatorBytes(p: usize, end: usize): usize {
  const escape = load<u8>(p) == 37 && p + 2 < end && hexValue(load<u8>(p + 1)) >= 0 && hexValue(load<u8>(p + 2)) >= 0;
  return escape ? 3 : 1;
}

function isEmail(start: usize, end: usize): bool {
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    let mask: u32 = i8x16.bitmask(v128.or(i8x16.eq(bytes, i8x16.splat(64)), i8x16.eq(bytes, i8x16.splat(37))));
    for (; mask != 0; mask &= mask - 1) {
      const q = p + <usize>ctz(mask);
      if (q >= end) return false;
      const escaped = load<u8>(q) == 37;
      if (escaped && !(q + 2 < end && load<u16>(q + 1) == 0x3034)) continue;
      return q > start && domainEnd(escaped ? q + 3 : q + 1, end) == end;
    }
  }
  return false;
}

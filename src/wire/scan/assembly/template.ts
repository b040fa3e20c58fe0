/** `template`, see plain-template.ts. A path without digit, `@` and `***` is a copy. */
import {
  JOINT,
  PART,
  SHAPE_NONE,
  SHAPE_NUMBER,
  WORD,
} from '../layout.ts';
import { classAt, copy, either, hexValue, seek, within } from './bytes.ts';
import { domainEnd, shape } from './text.ts';

const ID: u32 = 0x7d64697b; // {id}
let at: usize = 0;
let limit: usize = 0;

/** What is before it in the path is written. */
let done: usize = 0;

export function template(start: usize, end: usize, to: usize, most: i32): i32 {
  at = to;
  limit = to + <usize>max<i32>(most, 0);
  // The end of the path, whether anything before it can make a part an id, or a segment an address.
  let stop = start;
  let plain = true;
  let addresses = false;
  for (; stop < end; stop += 16) {
    const bytes = v128.load(stop);
    let ends: u32 = i8x16.bitmask(either(bytes, 63, 35));
    if (end - stop < 16) ends |= (<u32>1) << <u32>(end - stop);
    const inside: u32 = ends != 0 ? (ends & -ends) - 1 : 0xffff;
    const ids = v128.or(within(bytes, 48, 10), either(bytes, 64, 42));
    if ((i8x16.bitmask(ids) & inside) != 0) plain = false;
    if ((i8x16.bitmask(either(bytes, 64, 37)) & inside) != 0) addresses = true;
    if (ends != 0) {
      stop += <usize>ctz(ends);
      break;
    }
  }
  if (stop > end) stop = end;
  let p = afterAuthority(start, stop);
  done = p;
  if (p == stop && p > start && at < limit) store<u8>(at++, 47);
  if (!plain) {
    while (p < stop) {
      if (addresses) {
        const q = seek(p, stop, 47);
        if (isEmail(p, q)) {
          putId(p);
          done = q;
          p = q + 1;
          continue;
        }
      }
      p = segment(p, stop) + 1;
    }
  }
  write(done, stop);
  return <i32>(at - to);
}

/** Replaces what is like an id in the segment at `start`; returns the segment's end. */
function segment(start: usize, end: usize): usize {
  let wasId = false;
  let p = start;
  let q = start;
  let more = true;
  while (more) {
    q = p;
    let bits: u32 = 0;
    while (q < end) {
      const classes = classAt(q);
      if ((classes & PART) == 0) break;
      bits |= classes;
      q++;
    }
    const stars = q == p && q + 3 <= end && (load<u32>(q) & 0xffffff) == 0x2a2a2a;
    if (stars) q += 3;
    if (stars || isId(start, p, q, bits, wasId)) {
      if (!wasId) putId(p);
      wasId = true;
      // The padding of base64 goes with it.
      let padding = q;
      while (padding < end && load<u8>(padding) == 61) padding++;
      if (padding == end || load<u8>(padding) == 47) q = padding;
      done = q;
    } else wasId = false;
    more = q < end && load<u8>(q) != 47;
    if (more) p = q + separatorBytes(q, end);
  }
  return q;
}

@inline
function isId(segment: usize, start: usize, end: usize, bits: u32, wasId: bool): bool {
  const kind = shape(start, end, bits);
  if (kind == SHAPE_NONE) return false;
  const version = kind == SHAPE_NUMBER && end - start < 4 && start > segment;
  return !(version && !wasId && load<u8>(start - 1) == 46);
}

/** Writes what is before `p` and `{id}`. */
function putId(p: usize): void {
  write(done, p);
  if (limit - at >= 4) {
    store<u32>(at, ID);
    at += 4;
    return;
  }
  for (let k: u32 = 0; k < 4 && at < limit; k++) store<u8>(at++, <u8>(ID >>> (k << 3)));
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

@inline
function separatorBytes(p: usize, end: usize): usize {
  if (load<u8>(p) != 37 || p + 2 >= end) return 1;
  return hexValue(load<u8>(p + 1)) >= 0 && hexValue(load<u8>(p + 2)) >= 0 ? 3 : 1;
}

function isEmail(start: usize, end: usize): bool {
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    let mask: u32 = i8x16.bitmask(either(bytes, 64, 37));
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

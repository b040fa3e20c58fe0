/**
 * `fingerprints`, see plain-fingerprints.ts. Text without digits and `@` is passed over 16 bytes at a time.
 */
import {
  DASH,
  DIGIT,
  EMAIL_MAX,
  HEX_MIN,
  JOINT,
  LOWER_AT,
  LOWER_BYTES,
  NUMBER_DIGITS_MIN,
  SHAPE_HEX,
  SHAPE_NONE,
  SHAPE_NUMBER,
  SHAPE_TOKEN,
  UPPER,
  WORD,
} from '../layout.ts';
import { classAt, classOf, isAlnum, isDigit, within } from './bytes.ts';
import { sipHash64 } from './hash.ts';
import { domainEnd, openView, shape, viewEnd, viewStart } from './text.ts';

let outAt: usize = 0;
let count: i32 = 0;
let limit: i32 = 0;

export function fingerprints(start: usize, end: usize, out: i32, have: i32, most: i32): i32 {
  outAt = <usize>out << 2;
  count = have;
  limit = most;
  if (have >= most) return have;
  if (end - start - <usize>HEX_MIN <= <usize>(LOWER_BYTES - HEX_MIN) && isHexText(start, end)) {
    addLower(start, end, false);
    return count;
  }
  if (nextMark(start, end) == end) return have;
  openView(start, end);
  const stop = viewEnd;
  let p = viewStart;
  while (count < limit) {
    const mark = nextMark(p, stop);
    if (mark == stop) break;
    // The run that the digit stands in; an `@` that no run precedes is passed over.
    let from = mark;
    while (from > p && isWide(from - 1)) from--;
    if (!isWide(from)) {
      p = mark + 1;
      continue;
    }
    let q = mark;
    while (q < stop && isWide(q)) q++;
    if (q < stop && load<u8>(q) == 64) {
      const domain = domainEnd(q + 1, stop);
      let local = from;
      while (local < q && !isAlnum(local)) local++;
      if (domain != 0 && local < q && domain - local <= <usize>EMAIL_MAX) {
        addLower(local, domain, false);
        p = domain;
        continue;
      }
    }
    words(from, q, viewStart, stop);
    p = q;
  }
  return count;
}

/** True when the whole text is hex digits, of both kinds: what request ids are, and then it is one identifier. */
@inline
function isHexText(start: usize, end: usize): bool {
  let numbers: u32 = 0;
  let letters: u32 = 0;
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    const inside: u32 = end - p < 16 ? ((<u32>1) << <u32>(end - p)) - 1 : 0xffff;
    const number = (<u32>i8x16.bitmask(within(bytes, 48, 10))) & inside;
    const letter = (<u32>i8x16.bitmask(within(v128.or(bytes, i8x16.splat(0x20)), 97, 6))) & inside;
    if ((number | letter) != inside) return false;
    numbers |= number;
    letters |= letter;
  }
  return numbers != 0 && letters != 0;
}

/** The next digit or `@`, or `end`. */
@inline
function nextMark(start: usize, end: usize): usize {
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    const mask: u32 = i8x16.bitmask(v128.or(within(bytes, 48, 10), i8x16.eq(bytes, i8x16.splat(64))));
    if (mask != 0) {
      const found = p + <usize>ctz(mask);
      return found < end ? found : end;
    }
  }
  return end;
}

@inline
function isWide(p: usize): bool {
  return (classAt(p) & (WORD | JOINT)) != 0;
}

function words(start: usize, end: usize, first: usize, last: usize): void {
  let p = start;
  while (p < end) {
    let q = p;
    let bits: u32 = 0;
    while (q < end) {
      const more = classAt(q);
      if ((more & WORD) == 0) break;
      bits |= more;
      q++;
    }
    if ((bits & DIGIT) != 0) {
      const fraction = p >= first + 2 && load<u8>(p - 1) == 46 && isDigit(p - 2);
      const whole = q + 1 < last && load<u8>(q) == 46 && isDigit(q + 1);
      if ((bits & DASH) == 0) part(p, q, bits, fraction || whole);
      else dashed(p, q, bits, fraction || whole);
    }
    p = q + 1;
  }
}

/** A word with dashes is an identifier as a whole, or its parts may be. */
function dashed(start: usize, end: usize, bits: u32, decimal: bool): void {
  const kind = shape(start, end, bits);
  if (kind == SHAPE_TOKEN || (kind == SHAPE_HEX && end - start <= <usize>LOWER_BYTES)) {
    part(start, end, bits, decimal);
    return;
  }
  let p = start;
  while (p < end) {
    if (isDate(p, end)) {
      p += 10;
      continue;
    }
    let q = p;
    let classes: u32 = 0;
    while (q < end) {
      const more = classAt(q);
      if (more == DASH) break;
      classes |= more;
      q++;
    }
    part(p, q, classes, decimal);
    p = q + 1;
  }
}

function part(start: usize, end: usize, bits: u32, decimal: bool): void {
  const kind = shape(start, end, bits);
  if (kind == SHAPE_NUMBER) {
    let p = start;
    while (p < end && load<u8>(p) == 48) p++;
    if (end - p >= <usize>NUMBER_DIGITS_MIN && !decimal) add(p, end);
  } else if (kind == SHAPE_HEX && end - start <= <usize>LOWER_BYTES) addLower(start, end, (bits & DASH) != 0);
  else if (kind != SHAPE_NONE) add(start, end);
}

/** Without dashes 16 bytes at a time: a hex digest byte by byte cost as much as its hash. */
function addLower(start: usize, end: usize, undash: bool): void {
  let to: usize = LOWER_AT;
  if (!undash) {
    for (let p = start; p < end; p += 16) {
      const bytes = v128.load(p);
      v128.store(to, v128.or(bytes, v128.and(within(bytes, 65, 26), i8x16.splat(0x20))));
      to += 16;
    }
    add(LOWER_AT, <usize>LOWER_AT + (end - start));
    return;
  }
  for (let p = start; p < end; p++) {
    const c: u32 = load<u8>(p);
    const bits = classOf(c);
    if (undash && bits == DASH) continue;
    store<u8>(to++, <u8>((bits & UPPER) != 0 ? c | 0x20 : c));
  }
  add(LOWER_AT, to);
}

function add(start: usize, end: usize): void {
  const hash = sipHash64(start, end);
  const stop = outAt + (<usize>count << 3);
  for (let at = outAt; at < stop; at += 8) if (load<u64>(at) == hash) return;
  if (count >= limit) return;
  store<u64>(stop, hash);
  count++;
}

function isDate(p: usize, end: usize): bool {
  if (end - p < 10 || load<u8>(p + 4) != 45 || load<u8>(p + 7) != 45) return false;
  if (end - p > 10 && isDigit(p + 10)) return false;
  for (let k: usize = 0; k < 10; k++) {
    if (k != 4 && k != 7 && !isDigit(p + k)) return false;
  }
  return true;
}

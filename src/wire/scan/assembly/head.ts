/**
 * `findHeaders`: the line ends of 64 bytes become the bits of one word, and for each line a hash of its first
 * four bytes says which name of the list it can have. Most lines cost a multiplication and a look-up.
 */
import {
  FIRST_NAME_AT,
  NAMES_AT,
  NAME_BITS,
  NAME_CASE,
  NAME_LENGTH,
  NAME_MULTIPLIER,
  NAME_NEXT,
  NAME_ROW_BYTES,
} from '../layout.ts';

let found: i32 = 0;

export function headers(): i32 {
  return found;
}

@inline
function bits64(a: v128, b: v128, c: v128, d: v128): u64 {
  const low: u32 = i8x16.bitmask(a) | (i8x16.bitmask(b) << 16);
  const high: u32 = i8x16.bitmask(c) | (i8x16.bitmask(d) << 16);
  return <u64>low | (<u64>high << 32);
}

@inline
function isBlank(c: u32): bool {
  return c <= 32 && (c == 32 || c == 9 || c == 13);
}

export function findHeaders(start: usize, end: usize, out: i32, most: i32): i32 {
  found = 0;
  let at: usize = <usize>out << 2;
  const full: usize = at + <usize>(max<i32>(most, 0) * 12);
  // The header that a folded line would go on, or 0.
  let open: usize = 0;
  let line = start;
  const feed = i8x16.splat(10);
  const zero = i8x16.splat(0);
  for (let block = start; block < end; block += 64) {
    const a = v128.load(block);
    const b = v128.load(block, 16);
    const c = v128.load(block, 32);
    const d = v128.load(block, 48);
    let feeds = bits64(i8x16.eq(a, feed), i8x16.eq(b, feed), i8x16.eq(c, feed), i8x16.eq(d, feed));
    const rest = end - block;
    const inside: u64 = rest < 64 ? ((<u64>1) << rest) - 1 : ~(<u64>0);
    feeds &= inside;
    let nul: usize = usize.MAX_VALUE;
    if (!i8x16.all_true(i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d)))) {
      const zeros = bits64(i8x16.eq(a, zero), i8x16.eq(b, zero), i8x16.eq(c, zero), i8x16.eq(d, zero));
      if ((zeros & inside) != 0) nul = block + <usize>ctz(zeros);
    }
    while (feeds != 0) {
      const stop = block + <usize>ctz(feeds);
      feeds &= feeds - 1;
      if (stop > nul) return -1;
      const first: u32 = load<u8>(line);
      if (first > 32) {
        open = 0;
        let key = load<u32>(line) | 0x20202020;
        if ((key & 0xff0000) == 0x3a0000) key &= 0xffffff;
        let id: u32 = load<u8>(<usize>((key * NAME_MULTIPLIER) >>> 24), FIRST_NAME_AT);
        while (id != 0) {
          const row: usize = NAMES_AT + id * NAME_ROW_BYTES;
          if (agrees(line, row)) {
            if (at < full) {
              open = at;
              store<u32>(at, id);
              value(at, line + load<u8>(row, NAME_LENGTH) + 1, stop);
              at += 12;
            }
            break;
          }
          id = load<u8>(row, NAME_NEXT);
        }
      } else if (line == stop || (first == 13 && line + 1 == stop)) {
        found = <i32>((at - (<usize>out << 2)) / 12);
        return <i32>(stop + 1);
      } else if (first == 32 || first == 9) {
        if (open != 0) fold(open, line, stop);
      } else open = 0;
      line = stop + 1;
    }
    if (nul != usize.MAX_VALUE) return -1;
  }
  return 0;
}

/**
 * True when the line begins with the name of the row and a colon. The line's end needs no look: an LF is in
 * no name.
 */
@inline
function agrees(line: usize, row: usize): bool {
  const a = i8x16.eq(v128.or(v128.load(line), v128.load(row, NAME_CASE)), v128.load(row));
  const wanted = load<u32>(row, NAME_BITS);
  if ((~(<u32>i8x16.bitmask(a)) & wanted & 0xffff) != 0) return false;
  if (wanted < 0x10000) return true;
  const b = i8x16.eq(v128.or(v128.load(line, 16), v128.load(row, NAME_CASE + 16)), v128.load(row, 16));
  return (~(<u32>i8x16.bitmask(b)) & (wanted >>> 16)) == 0;
}

/** Writes the range without its blanks as the value of the header at `at`. */
@inline
function value(at: usize, from: usize, stop: usize): void {
  let start = from;
  let end = stop;
  while (start < end && isBlank(load<u8>(start))) start++;
  while (end > start && isBlank(load<u8>(end - 1))) end--;
  store<u32>(at, <u32>start, 4);
  store<u32>(at, <u32>end, 8);
}

/** A folded line goes on with the value before it. */
function fold(at: usize, from: usize, stop: usize): void {
  const start = load<u32>(at, 4);
  const end = load<u32>(at, 8);
  value(at, from, stop);
  if (load<u32>(at, 4) == load<u32>(at, 8)) {
    store<u32>(at, start, 4);
    store<u32>(at, end, 8);
  } else if (start != end) store<u32>(at, start, 4);
}

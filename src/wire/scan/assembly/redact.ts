/** `redact`, see plain-redact.ts. A text in which nothing can be a secret is a copy. */
import {
  BEFORE_NAME,
  COLON_LOOK_MAX,
  DIGIT,
  JOINT,
  NAME_LOOK_MAX,
  SECRET_MIN,
  VIEW_BYTES_MAX,
  WORD,
} from '../layout.ts';
import { alnumMask, classOf, copy, either, wordMask } from './bytes.ts';
import { nameIsSensitive, secretAfter } from './secret.ts';
import { literal, openView, secretRun, source, viewEnd, viewStart } from './text.ts';

const SPACE: u32 = 32;
const QUOTE: u32 = 34;
const HASH: u32 = 35;
const AMPERSAND: u32 = 38;
const APOSTROPHE: u32 = 39;
const PLUS: u32 = 43;
const COMMA: u32 = 44;
const SLASH: u32 = 47;
const COLON: u32 = 58;
const SEMICOLON: u32 = 59;
const EQUALS: u32 = 61;
const QUESTION: u32 = 63;
const AT: u32 = 64;
const BRACKET: u32 = 91;
const BACKSLASH: u32 = 92;
const BRACKET_END: u32 = 93;

let hidden: i32 = 0;
let at: usize = 0;
let limit: usize = 0;
let done: usize = 0;

export function redacted(): i32 {
  return hidden;
}

export function redact(start: usize, end: usize, to: usize, most: i32): i32 {
  at = to;
  limit = to + <usize>max<i32>(most, 0);
  hidden = 0;
  const stop = end - start > <usize>VIEW_BYTES_MAX ? start + <usize>VIEW_BYTES_MAX : end;
  if (!looksSensitive(start, stop)) {
    write(start, stop);
    return <i32>(at - to);
  }
  openView(start, stop);
  done = viewStart;
  walk(hideAtStart());
  write(source(done), stop);
  return <i32>(at - to);
}

@inline
function looksSensitive(start: usize, end: usize): bool {
  let run: u32 = 0;
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    let special: u32 = i8x16.bitmask(v128.or(either(bytes, 61, 58), either(bytes, 64, 37)));
    let gaps: u32 = ~wordMask(bytes) & 0xffff;
    if (end - p < 16) {
      const inside = ((<u32>1) << <u32>(end - p)) - 1;
      special &= inside;
      gaps |= ~inside & 0xffff;
    }
    if (special != 0) return true;
    if (gaps == 0) {
      run += 16;
      if (run >= <u32>SECRET_MIN) return true;
    } else {
      if (run + ctz(gaps) >= <u32>SECRET_MIN) return true;
      run = clz(gaps) - 16;
    }
  }
  return false;
}

function hideAtStart(): usize {
  const start = viewStart;
  const end = viewEnd;
  if (end - start > 2 && load<u16>(start) == 0x2f2f) return userInfo(start + 2, false);
  let colon = false;
  let sign: usize = 0;
  let port: usize = 0;
  for (let p = start; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == SLASH || c == QUESTION || c == HASH) return start;
    if (c == AT && colon) sign = p;
    if (c == COLON) {
      colon = true;
      port = p;
    } else if (port != 0 && (classOf(c) & DIGIT) == 0) port = 0;
  }
  if (sign == 0 || port < sign || port + 1 == end) return start;
  hide(start, sign);
  return sign;
}

function walk(from: usize): void {
  const end = viewEnd;
  let name = from;
  let query = false;
  let path = false;
  let p = from;
  while (p < end) {
    const c: u32 = load<u8>(p);
    const bits = classOf(c);
    if ((bits & WORD) != 0) p = passRun(p);
    else if (c == EQUALS || c == COLON) {
      p = value(name, p, query, path);
      name = p;
    } else {
      if (c == QUESTION || c == HASH || c == AMPERSAND) query = true;
      path = !query && (path || c == SLASH);
      p++;
      if ((bits & BEFORE_NAME) != 0) name = p;
    }
  }
}

@inline
function passRun(start: usize): usize {
  const end = viewEnd;
  let stop = start + 1;
  while (stop < end && inRun(stop)) stop++;
  return stop - start < <usize>SECRET_MIN ? stop : longRun(start, stop);
}

function longRun(start: usize, stop: usize): usize {
  if (hideAfter(start, stop)) return done;
  for (let p = start; p < stop; p += 16) {
    let gaps: u32 = ~alnumMask(v128.load(p)) & 0xffff;
    for (; gaps != 0; gaps &= gaps - 1) {
      const next = p + <usize>ctz(gaps) + 1;
      if (next >= stop) break;
      if (hideAfter(next, stop)) return done;
    }
  }
  if (secretRun(start, stop)) hide(start, stop);
  return stop;
}

@inline
function hideAfter(p: usize, stop: usize): bool {
  const secret = secretAfter(p, stop, viewEnd);
  if (secret != 0) hide(p, secret);
  return secret != 0;
}

@inline
function inRun(p: usize): bool {
  const c: u32 = load<u8>(p);
  if ((classOf(c) & WORD) != 0) return true;
  return (c == PLUS || c == SLASH) && !literal(p);
}

function value(name: usize, p: usize, query: bool, path: bool): usize {
  const end = viewEnd;
  const next = p + 1;
  const colon = load<u8>(p) == COLON;
  if (colon && next + 1 < end && load<u16>(next) == 0x2f2f) return userInfo(next + 2, query);
  if (!nameIsSensitive(name, p)) return next;
  let from = next;
  if (colon) {
    while (from < end && load<u8>(from) == SPACE) from++;
    const stop = quoted(from);
    if (stop != 0) return stop;
    if (!holdsDigit(from, from > next)) return next;
  }
  const stop = valueEnd(from, literal(p), path, colon, from > next);
  if (stop == from) return next;
  hide(from, stop);
  return stop;
}

function quoted(from: usize): usize {
  const end = viewEnd;
  let start = from;
  while (start < end && load<u8>(start) == BACKSLASH) start++;
  if (start >= end) return 0;
  const open: u32 = load<u8>(start);
  if (open != QUOTE && open != APOSTROPHE && open != BRACKET) return 0;
  const close = open == BRACKET ? BRACKET_END : open;
  const asItself = literal(start);
  const nested = start > from;
  let stop = ++start;
  while (stop < end && !(<u32>load<u8>(stop) == close && (!asItself || literal(stop)))) {
    stop += <u32>load<u8>(stop) == BACKSLASH && !nested ? 2 : 1;
  }
  if (stop > end) stop = end;
  if (stop == start) return 0;
  hide(start, stop);
  return stop;
}

function userInfo(start: usize, query: bool): usize {
  const end = viewEnd;
  const asItself = literal(start - 1);
  let sign = start;
  for (let p = start; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == AT) sign = p;
    let ends = c == SLASH || c == QUESTION || c == HASH || c == QUOTE || c <= SPACE;
    if (c == AMPERSAND) ends = query;
    if (ends && (!asItself || literal(p))) break;
  }
  if (sign == start) return start;
  hide(start, sign);
  return sign;
}

function valueEnd(start: usize, asItself: bool, path: bool, colon: bool, header: bool): usize {
  const end = viewEnd;
  for (let p = start; p < end; p++) {
    const c: u32 = load<u8>(p);
    let ends = c == AMPERSAND || c == HASH;
    if (c == SLASH || c == QUESTION) ends = path;
    if (c == SEMICOLON) ends = path || nameFollows(p + 1);
    if (colon && (c < SPACE || c == QUOTE || c == COMMA)) ends = true;
    if (c == SPACE && colon) ends = !header;
    if (ends && (!asItself || literal(p))) return p;
  }
  return end;
}

function nameFollows(start: usize): bool {
  const end = viewEnd;
  const stop = start + <usize>NAME_LOOK_MAX < end ? start + <usize>NAME_LOOK_MAX : end;
  for (let p = start; p < stop; p++) {
    const c: u32 = load<u8>(p);
    if (c == EQUALS) return p > start;
    if ((classOf(c) & (WORD | JOINT)) == 0 && c != 91 && c != 93 && c != 42) return false;
  }
  return false;
}

function holdsDigit(start: usize, header: bool): bool {
  const end = viewEnd;
  const stop = start + <usize>COLON_LOOK_MAX < end ? start + <usize>COLON_LOOK_MAX : end;
  for (let p = start; p < stop; p++) {
    const c: u32 = load<u8>(p);
    const bits = classOf(c);
    if ((bits & DIGIT) != 0) return true;
    if (c < SPACE || c == QUOTE || (c == SPACE && !header) || (bits & BEFORE_NAME) != 0) return false;
  }
  return false;
}

function hide(start: usize, end: usize): void {
  write(source(done), source(start));
  for (let k = 0; k < 3 && at < limit; k++) store<u8>(at++, 42);
  done = end;
  hidden++;
}

function write(start: usize, end: usize): void {
  const room = limit - at;
  const bytes = end - start > room ? room : end - start;
  copy(at, start, bytes);
  at += bytes;
}

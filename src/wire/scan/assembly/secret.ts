/** What is a secret, see plain-secret.ts. */
import {
  ACCEPT,
  ACCEPT_WHOLE,
  ALNUM,
  ANYWHERE_AT,
  JWT_PART_MIN,
  LOWER,
  PREFIX_AT,
  PREFIX_FIRST_AT,
  PREFIX_ROW_BYTES,
  SECRET_MIN,
  STATE,
  SYMBOL_DIGIT,
  UPPER,
  WORD,
  WORDS_AT,
} from '../layout.ts';
import { classAt, classOf } from './bytes.ts';

export function nameIsSensitive(start: usize, end: usize): bool {
  let anywhere: u32 = 0;
  let word: u32 = 1;
  let wordStart = start;
  let before: u32 = 0;
  for (let p = start; p < end; p++) {
    const c: u32 = load<u8>(p);
    const kind = classOf(c) & ALNUM;
    const letter = (kind & (LOWER | UPPER)) != 0;
    const symbol = (c | 0x20) - 97;
    if (kind != 0) {
      const step: usize = letter ? symbol : SYMBOL_DIGIT;
      const entry: u32 = load<u16>((<usize>anywhere << 6) + (step << 1), ANYWHERE_AT);
      if ((entry & ACCEPT) != 0) return true;
      anywhere = entry & STATE;
    }
    if (!letter || (kind == UPPER && before == LOWER)) {
      if ((word & ACCEPT) != 0) return true;
      word = 1;
      wordStart = letter ? p : p + 1;
    }
    if (letter) word = load<u16>((<usize>(word & STATE) << 6) + (<usize>symbol << 1), WORDS_AT);
    before = kind;
  }
  if ((word & ACCEPT) != 0) return true;
  return (word & ACCEPT_WHOLE) != 0 && wordStart == start;
}

export function secretAfter(p: usize, stop: usize, end: usize): usize {
  if (load<u8>(<usize>load<u8>(p), PREFIX_FIRST_AT) != 0) {
    for (let row: usize = PREFIX_AT; load<u8>(row) != 0; row += PREFIX_ROW_BYTES) {
      if (load<u16>(row, 2) != load<u16>(p)) continue;
      const length: usize = load<u8>(row);
      if (stop - p < length + <usize>load<u8>(row, 1)) continue;
      let k: usize = 2;
      while (k < length && load<u8>(p + k) == load<u8>(row + k, 2)) k++;
      if (k == length) return stop;
    }
  }
  return jwtEnd(p, stop, end);
}

@inline
function jwtEnd(p: usize, stop: usize, end: usize): usize {
  if (stop - p < <usize>SECRET_MIN || (load<u32>(p) & 0xffffff) != 0x4a7965) return 0;
  let done: usize = 0;
  let q = stop;
  while (q < end && load<u8>(q) == 46) {
    const part = q + 1;
    q = part;
    while (q < end && (classAt(q) & WORD) != 0) q++;
    if (done == 0 && q - part < <usize>JWT_PART_MIN) return 0;
    done = q;
  }
  return done;
}

/**
 * Bytes from the wire as text: UTF-8 where they are, `\xNN` for each byte that is not. Nothing is lost to
 * U+FFFD, and two different targets never look the same for it.
 */

/** Texts up to this length are tried as plain ASCII first, without a decoder. */
const SHORT_BYTES = 64;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of [start, end): UTF-8, with `\xNN` for bytes that are no part of a valid sequence. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_BYTES) {
    let text = '';
    let at = start;
    while (at < end && bytes[at] < 0x80) text += String.fromCharCode(bytes[at++]);
    if (at === end) return text;
  }
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch {
    return decodeBroken(bytes, start, end);
  }
}

function decodeBroken(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let from = start;
  let at = start;
  while (at < end) {
    const length = sequenceBytes(bytes, at, end);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > from) text += strict.decode(bytes.subarray(from, at));
    text += `\\x${bytes[at].toString(16).padStart(2, '0')}`;
    at++;
    from = at;
  }
  if (at > from) text += strict.decode(bytes.subarray(from, at));
  return text;
}

/**
 * Bytes of the well-formed sequence at `at`, or 0: table 3-7 of the Unicode Standard
 * (https://www.unicode.org/versions/latest/core-spec/chapter-3/).
 */
function sequenceBytes(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  const second = bytes[at + 1];
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return 0;
  }
  return length;
}

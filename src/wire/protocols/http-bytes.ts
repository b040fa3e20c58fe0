/**
 * Bytes of HTTP's grammar (RFC 9110, section 5.6), as numbers, and the small questions that are asked of
 * them. Whatever is longer than a word belongs to `Scan`.
 */

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const COMMA = 44;
export const SLASH = 47;
export const COLON = 58;
export const SEMICOLON = 59;
export const EQUALS = 61;

/** Bytes of a token (RFC 9110, section 5.6.2): 1. Hex digits: their value + 1. */
export const TOKEN = new Uint8Array(256);
export const HEX = new Uint8Array(256);
for (const letter of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[letter.charCodeAt(0)] = 1;
}
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit + 1;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit + 1;
}

export function isText(u8: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (u8[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** As isText, but for the case of ASCII letters; `text` is lower case. */
export function isLowerText(u8: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const byte = u8[at + index];
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== text.charCodeAt(index)) return false;
  }
  return true;
}

export function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

export function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

export function isLineEnd(byte: number): boolean {
  return byte === CR || byte === LF;
}

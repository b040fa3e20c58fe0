/** The plain `hex`: bytes from hexadecimal digits, as trace headers carry them. */

/** Byte → value of the hex digit, -1 for any other. */
const HEX = new Int8Array(256).fill(-1);
for (let k = 0; k < 10; k++) HEX[0x30 + k] = k;
for (let k = 0; k < 6; k++) HEX[0x41 + k] = HEX[0x61 + k] = 10 + k;

export function plainHex(u8: Uint8Array, start: number, end: number, to: number, bytes: number): boolean {
  const digits = end - start;
  if (digits < 1 || digits > bytes * 2) return false;
  for (let at = start; at < end; at++) if (HEX[u8[at]] < 0) return false;
  for (let k = 0; k < bytes; k++) u8[to + k] = 0;
  for (let k = 0; k < digits; k++) {
    const place = bytes * 2 - digits + k;
    const value = HEX[u8[start + k]];
    u8[to + (place >> 1)] |= (place & 1) === 0 ? value << 4 : value;
  }
  return true;
}

/** The name resolution block: addresses and the names that the capturing host knew for them. */
import { read16 } from './record-parser.ts';

const RECORD_END = 0;
const RECORD_IPV4 = 1;
const RECORD_IPV6 = 2;

const DECODER = new TextDecoder();

/** Calls `onName` for each name of each address in the records [start, end). */
export function readNames(
  u8: Uint8Array,
  start: number,
  end: number,
  big: boolean,
  onName: (address: string, name: string) => void,
): void {
  let at = start;
  while (end - at >= 4) {
    const type = read16(u8, at, big);
    const length = read16(u8, at + 2, big);
    const valueAt = at + 4;
    if (type === RECORD_END || length > end - valueAt) return;
    const addressBytes = type === RECORD_IPV4 ? 4 : type === RECORD_IPV6 ? 16 : 0;
    if (addressBytes > 0 && length > addressBytes) {
      const address = addressText(u8, valueAt, addressBytes);
      const names = DECODER.decode(u8.slice(valueAt + addressBytes, valueAt + length));
      for (const name of names.split('\0')) if (name !== '') onName(address, name);
    }
    at = valueAt + ((length + 3) & ~3);
  }
}

/** An address of 4 or 16 bytes as text; IPv6 as RFC 5952 writes it. */
export function addressText(u8: Uint8Array, at: number, bytes: number): string {
  if (bytes === 4) return `${u8[at]}.${u8[at + 1]}.${u8[at + 2]}.${u8[at + 3]}`;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((u8[at + i] << 8) | u8[at + i + 1]).toString(16));
  let longest = { start: 0, length: 0 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === '0') length++;
    if (length > longest.length) longest = { start: i, length };
  }
  if (longest.length < 2) return groups.join(':');
  const before = groups.slice(0, longest.start).join(':');
  return `${before}::${groups.slice(longest.start + longest.length).join(':')}`;
}

/** The name resolution block: addresses and the names that the capturing host knew for them. */
import { addressText } from '../../record/address.ts';
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

/**
 * Addresses as text and as the 16 bytes that `connections` keeps: IPv4 is mapped into IPv6
 * (https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2).
 */

export const ADDRESS_BYTES = 16;

/** Writes an address of 4 or 16 bytes as 16. */
export function putAddress(to: Uint8Array, toAt: number, from: Uint8Array, at: number, bytes: number): void {
  const gap = ADDRESS_BYTES - bytes;
  for (let index = 0; index < gap; index++) to[toAt + index] = index < 10 ? 0 : 0xff;
  for (let index = 0; index < bytes; index++) to[toAt + gap + index] = from[at + index];
}

/** An address of 4 or 16 bytes: dotted decimal, also where it is mapped; IPv6 as RFC 5952 writes it. */
export function addressText(bytes: Uint8Array, at: number, length: number): string {
  if (length === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  if (isMapped(bytes, at)) return addressText(bytes, at + 12, 4);
  const groups: number[] = [];
  for (let index = 0; index < ADDRESS_BYTES; index += 2) {
    groups.push((bytes[at + index] << 8) | bytes[at + index + 1]);
  }
  const { from, count } = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  // One group of zeros alone is not shortened (section 4.2.2).
  if (count < 2) return hex(groups);
  return `${hex(groups.slice(0, from))}::${hex(groups.slice(from + count))}`;
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < 12; index++) {
    if (bytes[at + index] !== (index < 10 ? 0 : 0xff)) return false;
  }
  return true;
}

/** The longest run of zero groups, the first of equal ones. */
function longestZeros(groups: readonly number[]): { from: number; count: number } {
  let from = 0;
  let count = 0;
  let run = 0;
  for (let index = 0; index < groups.length; index++) {
    run = groups[index] === 0 ? run + 1 : 0;
    if (run > count) {
      count = run;
      from = index + 1 - run;
    }
  }
  return { from, count };
}

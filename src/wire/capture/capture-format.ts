/**
 * What a file is, told by its first bytes, and the words to say when it is not a capture.
 * Magic numbers: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/,
 * https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/, RFC 1952, RFC 8878.
 */
export type CaptureFormat = 'pcap' | 'pcapng';
export type Compression = 'none' | 'gzip' | 'zstd';

/** Bytes that `formatOf` and `compressionOf` want to see. */
export const MAGIC_BYTES = 4;

export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetzov's variant, with interface and direction in each record. */
export const PCAP_MODIFIED = 0xa1b2cd34;
export const PCAPNG_SECTION = 0x0a0d0d0a;

export function compressionOf(bytes: Uint8Array): Compression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return 'zstd';
  // A skippable frame may come first (RFC 8878, section 3.1.2).
  if (bytes[0] >> 4 === 5 && bytes[1] === 0x2a && bytes[2] === 0x4d && bytes[3] === 0x18) return 'zstd';
  return 'none';
}

/** The capture format that begins with these four bytes, in either byte order. */
export function formatOf(bytes: Uint8Array, at: number): CaptureFormat | undefined {
  const big = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  const little = ((bytes[at + 3] << 24) | (bytes[at + 2] << 16) | (bytes[at + 1] << 8) | bytes[at]) >>> 0;
  if (big === PCAPNG_SECTION) return 'pcapng';
  for (const magic of [PCAP_MICROSECONDS, PCAP_NANOSECONDS, PCAP_MODIFIED]) {
    if (big === magic || little === magic) return 'pcap';
  }
  return undefined;
}

const OTHERS: readonly (readonly [name: string, ...magic: number[]])[] = [
  ['an xz file', 0xfd, 0x37, 0x7a, 0x58],
  ['a bzip2 file', 0x42, 0x5a, 0x68],
  ['an lz4 file', 0x04, 0x22, 0x4d, 0x18],
  ['a zip archive', 0x50, 0x4b, 0x03, 0x04],
  ['a snoop capture', 0x73, 0x6e, 0x6f, 0x6f, 0x70],
  ['a NetMon capture', 0x47, 0x4d, 0x42, 0x55],
  ['a program (ELF)', 0x7f, 0x45, 0x4c, 0x46],
  ['a gzip file', 0x1f, 0x8b],
  ['a zstd file', 0x28, 0xb5, 0x2f, 0xfd],
];
/** So many first bytes decide whether a file looks like text. */
export const LOOK_BYTES = 256;

/** What bytes that are no capture look like: `text`, `a zip archive`. */
export function looksLike(bytes: Uint8Array): string {
  for (const [name, ...magic] of OTHERS) {
    if (bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte)) return name;
  }
  const head = bytes.subarray(0, LOOK_BYTES);
  const plain = (byte: number): boolean =>
    (byte >= 0x20 && byte !== 0x7f) || byte === 9 || byte === 10 || byte === 13;
  if (head.length > 0 && head.every(plain)) return 'text';
  const shown = [...bytes.subarray(0, MAGIC_BYTES)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `something that begins with the bytes ${shown.join(' ')}`;
}

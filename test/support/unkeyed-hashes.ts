/**
 * Hashes that anybody can compute, and so can guess a secret back from: those that a program might use by
 * habit. Numbers are told as a reader may meet them, in decimal and in hex, and as bytes of a block.
 */
import { createHash } from 'node:crypto';
import { makePlainBench, Texts } from './scan-twins.ts';

const DIGESTS = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'blake2b512'] as const;
const MASK_32 = 0xffff_ffffn;
const MASK_64 = 0xffff_ffff_ffff_ffffn;
/** Digits of a digest that give it away, whatever follows. */
const TELLING_DIGITS = 16;

/** A number of 32 or 64 bits. */
export interface HashNumber {
  readonly name: string;
  readonly value: bigint;
  readonly bytes: 4 | 8;
}

/** Beginnings of digests in hex, base64 and base64url. */
export function digestTexts(text: string): [name: string, text: string][] {
  return DIGESTS.flatMap((name): [string, string][] => {
    const digest = createHash(name).update(text).digest();
    return [
      [`${name} hex`, digest.toString('hex').slice(0, TELLING_DIGITS)],
      [`${name} base64`, digest.toString('base64').slice(0, TELLING_DIGITS)],
      [`${name} base64url`, digest.toString('base64url').slice(0, TELLING_DIGITS)],
    ];
  });
}

/** Hashes that are numbers, and the ends of digests read as numbers. */
export function hashNumbers(text: string): HashNumber[] {
  const bytes = Buffer.from(text);
  const numbers: HashNumber[] = [
    { name: 'crc32', value: crc32(bytes), bytes: 4 },
    { name: 'fnv1-32', value: fnv(bytes, 32, false), bytes: 4 },
    { name: 'fnv1a-32', value: fnv(bytes, 32, true), bytes: 4 },
    { name: 'fnv1-64', value: fnv(bytes, 64, false), bytes: 8 },
    { name: 'fnv1a-64', value: fnv(bytes, 64, true), bytes: 8 },
    { name: 'djb2', value: djb2(bytes), bytes: 4 },
    { name: 'xxh32', value: xxh32(bytes), bytes: 4 },
    { name: 'xxh64', value: xxh64(bytes), bytes: 8 },
    { name: 'siphash, key 0', value: sipHashZero(text), bytes: 8 },
    { name: 'scan hash, seed 0', value: scanHashZero(text), bytes: 4 },
  ];
  for (const name of DIGESTS) {
    const digest = createHash(name).update(bytes).digest();
    numbers.push({ name: `${name} first 64 bits`, value: digest.readBigUInt64BE(0), bytes: 8 });
    numbers.push({ name: `${name} first 64 bits, reversed`, value: digest.readBigUInt64LE(0), bytes: 8 });
  }
  return numbers;
}

/** ITU-T V.42, as zip and Ethernet have it. */
export function crc32(bytes: Uint8Array): bigint {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return BigInt(~crc >>> 0);
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv(bytes: Uint8Array, bits: 32 | 64, xorFirst: boolean): bigint {
  const prime = bits === 32 ? 0x01000193n : 0x100000001b3n;
  const mask = bits === 32 ? MASK_32 : MASK_64;
  let hash = bits === 32 ? 0x811c9dc5n : 0xcbf29ce484222325n;
  for (const byte of bytes) {
    if (xorFirst) hash = ((hash ^ BigInt(byte)) * prime) & mask;
    else hash = ((hash * prime) & mask) ^ BigInt(byte);
  }
  return hash;
}

function djb2(bytes: Uint8Array): bigint {
  let hash = 5381;
  for (const byte of bytes) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return BigInt(hash);
}

const P32: readonly bigint[] = [2654435761n, 2246822519n, 3266489917n, 668265263n, 374761393n];
const P64: readonly bigint[] = [
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
];

function rotate(value: bigint, by: bigint, bits: bigint): bigint {
  const mask = (1n << bits) - 1n;
  return ((value << by) | ((value & mask) >> (bits - by))) & mask;
}

/** https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, seed 0. */
export function xxh32(input: Uint8Array): bigint {
  const data = Buffer.from(input);
  const [p1, p2, p3, p4, p5] = P32;
  const times = (a: bigint, b: bigint): bigint => (a * b) & MASK_32;
  let at = 0;
  let hash = p5;
  if (data.length >= 16) {
    const lanes = [(p1 + p2) & MASK_32, p2, 0n, (0n - p1) & MASK_32];
    for (; at + 16 <= data.length; at += 16) {
      for (let k = 0; k < 4; k++) {
        const word = BigInt(data.readUInt32LE(at + 4 * k));
        lanes[k] = times(rotate((lanes[k] + times(word, p2)) & MASK_32, 13n, 32n), p1);
      }
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = lanes.reduce((sum, lane, k) => (sum + rotate(lane, turns[k], 32n)) & MASK_32, 0n);
  }
  hash = (hash + BigInt(data.length)) & MASK_32;
  for (; at + 4 <= data.length; at += 4) {
    hash = (hash + times(BigInt(data.readUInt32LE(at)), p3)) & MASK_32;
    hash = times(rotate(hash, 17n, 32n), p4);
  }
  for (; at < data.length; at++) {
    hash = times(rotate((hash + times(BigInt(data[at]), p5)) & MASK_32, 11n, 32n), p1);
  }
  hash = times(hash ^ (hash >> 15n), p2);
  hash = times(hash ^ (hash >> 13n), p3);
  return hash ^ (hash >> 16n);
}

/** As above, 64 bits. */
export function xxh64(input: Uint8Array): bigint {
  const data = Buffer.from(input);
  const [p1, p2, p3, p4, p5] = P64;
  const times = (a: bigint, b: bigint): bigint => (a * b) & MASK_64;
  const round = (lane: bigint, word: bigint): bigint =>
    times(rotate((lane + times(word, p2)) & MASK_64, 31n, 64n), p1);
  let at = 0;
  let hash = p5;
  if (data.length >= 32) {
    const lanes = [(p1 + p2) & MASK_64, p2, 0n, (0n - p1) & MASK_64];
    for (; at + 32 <= data.length; at += 32) {
      for (let k = 0; k < 4; k++) lanes[k] = round(lanes[k], data.readBigUInt64LE(at + 8 * k));
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = lanes.reduce((sum, lane, k) => (sum + rotate(lane, turns[k], 64n)) & MASK_64, 0n);
    for (const lane of lanes) hash = (times(hash ^ round(0n, lane), p1) + p4) & MASK_64;
  }
  hash = (hash + BigInt(data.length)) & MASK_64;
  for (; at + 8 <= data.length; at += 8) {
    hash = rotate(hash ^ round(0n, data.readBigUInt64LE(at)), 27n, 64n);
    hash = (times(hash, p1) + p4) & MASK_64;
  }
  if (at + 4 <= data.length) {
    hash = rotate(hash ^ times(BigInt(data.readUInt32LE(at)), p1), 23n, 64n);
    hash = (times(hash, p2) + p3) & MASK_64;
    at += 4;
  }
  for (; at < data.length; at++) hash = times(rotate(hash ^ times(BigInt(data[at]), p5), 11n, 64n), p1);
  hash = times(hash ^ (hash >> 33n), p2);
  hash = times(hash ^ (hash >> 29n), p3);
  return hash ^ (hash >> 32n);
}

const zero = new Texts(makePlainBench());
zero.scan.setKey(0, 0, 0, 0);
zero.scan.setSeed(0);

/** Our own keyed hash, as it would be without a key. */
function sipHashZero(text: string): bigint {
  return BigInt(`0x${zero.sipHash(text)}`);
}

function scanHashZero(text: string): bigint {
  const [start, end] = zero.put(text);
  return BigInt(zero.scan.hash(start, end) >>> 0);
}

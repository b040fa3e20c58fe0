/**
 * The primitives of scan.ts in plain TypeScript: the oracle of the SIMD module in tests, and the fallback
 * where an engine has no SIMD. The same tables, the same rules, byte by byte.
 */
import type { WireMemory } from '../../base/memory.ts';
import { PlainFingerprints } from './plain-fingerprints.ts';
import { PlainHash } from './plain-hash.ts';
import { PlainHead } from './plain-head.ts';
import { plainHex } from './plain-hex.ts';
import { PlainRedact } from './plain-redact.ts';
import { PlainSipHash } from './plain-siphash.ts';
import { PlainTemplate } from './plain-template.ts';
import { PlainView } from './plain-text.ts';
import type { Scan } from './scan.ts';
import { writeTables } from './tables.ts';

export function createPlainScan(memory: WireMemory): Scan {
  return new PlainScan(memory);
}

export class PlainScan implements Scan {
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #head: PlainHead;
  readonly #hash: PlainHash;
  readonly #sipHash: PlainSipHash;
  readonly #template: PlainTemplate;
  readonly #redact: PlainRedact;
  readonly #fingerprints: PlainFingerprints;

  constructor(memory: WireMemory) {
    const { u8, i32 } = memory;
    writeTables(memory);
    const view = new PlainView(u8, i32);
    this.#u8 = u8;
    this.#i32 = i32;
    this.#head = new PlainHead(u8, i32);
    this.#hash = new PlainHash(u8);
    this.#sipHash = new PlainSipHash(u8);
    this.#template = new PlainTemplate(u8);
    this.#redact = new PlainRedact(u8, view);
    this.#fingerprints = new PlainFingerprints(u8, i32, view, this.#sipHash);
  }

  findByte(start: number, end: number, byte: number): number {
    const u8 = this.#u8;
    for (let p = start; p < end; p++) if (u8[p] === byte) return p;
    return -1;
  }

  afterCrlf(start: number, end: number): number {
    const u8 = this.#u8;
    for (let p = start + 1; p < end; p++) if (u8[p] === 10 && u8[p - 1] === 13) return p + 1;
    return -1;
  }

  findHeaders(start: number, end: number, out: number, most: number): number {
    return this.#head.find(start, end, out, most);
  }

  headers(): number {
    return this.#head.found;
  }

  equal(a: number, b: number, bytes: number): boolean {
    const u8 = this.#u8;
    for (let k = 0; k < bytes; k++) if (u8[a + k] !== u8[b + k]) return false;
    return true;
  }

  equalLower(start: number, lower: number, bytes: number): boolean {
    const u8 = this.#u8;
    for (let k = 0; k < bytes; k++) {
      const c = u8[start + k];
      if ((c >= 65 && c <= 90 ? c | 0x20 : c) !== u8[lower + k]) return false;
    }
    return true;
  }

  clear(start: number, bytes: number): void {
    this.#u8.fill(0, start, start + bytes);
  }

  hex(start: number, end: number, to: number, bytes: number): boolean {
    return plainHex(this.#u8, start, end, to, bytes);
  }

  sipHash(start: number, end: number): number {
    return this.#sipHash.hash(start, end);
  }

  callId(sequence: number, key: number, start: number, end: number, out: number): void {
    this.#i32[out] = this.#sipHash.hashBehind(sequence, key, start, end);
    this.#i32[out + 1] = this.#sipHash.high;
  }

  high(): number {
    return this.#sipHash.high;
  }

  setKey(k0: number, k1: number, k2: number, k3: number): void {
    this.#sipHash.setKey(k0, k1, k2, k3);
  }

  hash(start: number, end: number): number {
    return this.#hash.hash(start, end);
  }

  setSeed(seed: number): void {
    this.#hash.setSeed(seed);
  }

  template(start: number, end: number, to: number, most: number): number {
    return this.#template.write(start, end, to, most);
  }

  redact(start: number, end: number, to: number, most: number): number {
    return this.#redact.write(start, end, to, most);
  }

  redacted(): number {
    return this.#redact.hidden;
  }

  fingerprints(start: number, end: number, out: number, have: number, most: number): number {
    return this.#fingerprints.find(start, end, out, have, most);
  }
}

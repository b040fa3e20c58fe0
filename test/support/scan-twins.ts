/**
 * The SIMD scan and its plain twin side by side, each on a memory of its own. Around every text lies other
 * noise in each memory, and behind every output a canary: a primitive that looks or writes past its range
 * differs.
 */
import assert from 'node:assert/strict';
import { createMemory } from '../../src/base/memory.ts';
import type { WireMemory } from '../../src/base/memory.ts';
import { createScan } from '../../src/wire/scan/create-scan.ts';
import { createPlainScan } from '../../src/wire/scan/plain-scan.ts';
import type { Scan } from '../../src/wire/scan/scan.ts';
import { loadScanModule } from '../../src/wire/worker/scan-module.ts';
import { randomFrom } from './random.ts';
import type { Random } from './random.ts';

export interface ScanBench {
  readonly memory: WireMemory;
  readonly scan: Scan;
}

export const SIPHASH_KEY: readonly [number, number, number, number] = [
  0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
];
const PAGES_BYTES = 1024 * 1024;
const CANARY = 0x5a;
const NOISE_BYTES = 80;

export function makeBench(make: (memory: WireMemory) => Scan): ScanBench {
  const memory = createMemory(PAGES_BYTES, PAGES_BYTES);
  const scan = make(memory);
  scan.setKey(...SIPHASH_KEY);
  scan.setSeed(0x12345678);
  return { memory, scan };
}

export function makeSimdBench(): ScanBench {
  return makeBench((memory) => createScan(memory, loadScanModule()));
}

export function makePlainBench(): ScanBench {
  return makeBench(createPlainScan);
}

/** Text in, text out, on one of the twins. */
export class Texts {
  readonly scan: Scan;
  readonly memory: WireMemory;
  constructor(bench: ScanBench) {
    this.scan = bench.scan;
    this.memory = bench.memory;
  }

  put(text: string): [number, number] {
    const bytes = Buffer.from(text);
    this.memory.u8.set(bytes, this.memory.inputStart);
    return [this.memory.inputStart, this.memory.inputStart + bytes.length];
  }

  template(text: string, most = 4096): string {
    const [start, end] = this.put(text);
    const to = this.memory.heapStart;
    return this.#text(to, this.scan.template(start, end, to, most));
  }

  redact(text: string, most = 4096): string {
    const [start, end] = this.put(text);
    const to = this.memory.heapStart;
    return this.#text(to, this.scan.redact(start, end, to, most));
  }

  /** The fingerprints of a text as hex. */
  fingerprints(text: string, most = 64): string[] {
    const [start, end] = this.put(text);
    const out = this.memory.heapStart >> 2;
    const have = this.scan.fingerprints(start, end, out, 0, most);
    const found: string[] = [];
    for (let i = 0; i < have; i++)
      found.push(pairHex(this.memory.u32[out + 2 * i + 1], this.memory.u32[out + 2 * i]));
    return found;
  }

  sipHash(text: string): string {
    const [start, end] = this.put(text);
    const low = this.scan.sipHash(start, end);
    return pairHex(this.scan.high(), low);
  }

  /** [name id, value] of each header, and the position past the head relative to its start. */
  headers(text: string, most = 64): { past: number; found: [number, string][] } {
    const [start, end] = this.put(text);
    const out = this.memory.heapStart >> 2;
    const past = this.scan.findHeaders(start, end, out, most);
    const found: [number, string][] = [];
    const { i32 } = this.memory;
    for (let i = 0; i < this.scan.headers(); i++) {
      const at = out + 3 * i;
      found.push([i32[at], this.#text(i32[at + 1], i32[at + 2] - i32[at + 1])]);
    }
    return { past: past > 0 ? past - start : past, found };
  }

  #text(start: number, bytes: number): string {
    return Buffer.from(this.memory.u8.subarray(start, start + bytes)).toString();
  }
}

function pairHex(high: number, low: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}

/** Runs every primitive of both twins on a text and compares all that they say and write. */
export class Twins {
  readonly simd = makeSimdBench();
  readonly plain = makePlainBench();
  /** Comparisons made so far: a test proves that it looked. */
  compared = 0;
  /** Headers, hidden places and fingerprints met so far. */
  written = 0;
  readonly #noise: Random;

  constructor(seed: number) {
    this.#noise = randomFrom(seed);
  }

  compare(text: Uint8Array, shift: number, note: string): void {
    this.#place(this.simd.memory, text, shift);
    this.#place(this.plain.memory, text, shift);
    const start = this.simd.memory.inputStart + NOISE_BYTES + shift;
    const end = start + text.length;
    const out = this.simd.memory.heapStart;
    const note2 = `${note} shift ${shift}: ${Buffer.from(text).toString('latin1')}`;
    const simd = results(this.simd, start, end, out);
    const plain = results(this.plain, start, end, out);
    assert.deepEqual(simd, plain, note2);
    const outSimd = this.simd.memory.u8.subarray(out, out + OUT_BYTES);
    const outPlain = this.plain.memory.u8.subarray(out, out + OUT_BYTES);
    assert.ok(Buffer.compare(outSimd, outPlain) === 0, `outputs differ: ${note2}`);
    this.compared++;
    this.written += simd.found;
  }

  #place(memory: WireMemory, text: Uint8Array, shift: number): void {
    const from = memory.inputStart;
    const u8 = memory.u8;
    const start = from + NOISE_BYTES + shift;
    // What is likely to mislead: line ends, digits, percent signs, and any byte.
    for (let p = from; p < start; p++) u8[p] = this.#noiseByte();
    u8.set(text, start);
    for (let p = start + text.length; p < start + text.length + NOISE_BYTES; p++) u8[p] = this.#noiseByte();
    u8.fill(CANARY, memory.heapStart, memory.heapStart + OUT_BYTES);
  }

  #noiseByte(): number {
    const noise = this.#noise;
    return noise.oneIn(2) ? noise.below(256) : '\r\n\0:%25@=/&;.-_0aA~ '.charCodeAt(noise.below(19));
  }
}

const OUT_BYTES = 16 * 1024;
/** A small and an ample room for each output; the places in the output area. */
const ROOMS: readonly number[] = [0, 1, 7, 33, 2000];

interface Results {
  readonly said: number[];
  readonly found: number;
}

/** Everything the primitives return on the range; what they write lies at `out`. */
function results({ memory, scan }: ScanBench, start: number, end: number, out: number): Results {
  let found = 0;
  const said: number[] = [];
  const middle = start + ((end - start) >> 1);
  for (const byte of [0, 10, 47, 65, 255]) said.push(scan.findByte(start, end, byte));
  said.push(scan.afterCrlf(start, end), scan.afterCrlf(middle, end));
  said.push(scan.sipHash(start, end), scan.high(), scan.hash(start, end));
  let at = out;
  for (const most of [0, 3, 40]) {
    const past = scan.findHeaders(start, end, at >> 2, most);
    said.push(past, scan.headers());
    found += scan.headers();
    // What an incomplete head wrote is nobody's.
    if (past <= 0) memory.u8.fill(CANARY, at, at + 512);
    at += 512;
  }
  for (const room of ROOMS) {
    said.push(scan.template(start, end, at, room));
    at += room + 40;
    said.push(scan.redact(start, end, at, room), scan.redacted());
    found += scan.redacted();
    at += room + 40;
  }
  at = (at + 15) & ~15;
  // The range itself and its beginnings: texts of hex digits are made by the callers, or met in others.
  for (const bytes of [1, 8, 16]) {
    const stop = Math.min(end, start + bytes);
    said.push(Number(scan.hex(start, end, at, bytes)), Number(scan.hex(start, stop, at + 16, bytes)));
    scan.callId(start ^ 0x5bd1e995, -bytes, start, stop, (at + 32) >> 2);
    scan.callId(-1, bytes, start, end, (at + 40) >> 2);
    scan.clear(at + 48, bytes & 16);
    at += 80;
  }
  const have = scan.fingerprints(start, end, at >> 2, 0, 5);
  said.push(have, scan.fingerprints(middle, end, at >> 2, have, 8));
  assert.ok(at + 128 <= out + OUT_BYTES);
  return { said, found: found + have };
}

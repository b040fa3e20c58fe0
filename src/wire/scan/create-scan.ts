/**
 * Makes the scan of a worker: the SIMD module on the worker's memory, or its plain twin where the engine
 * cannot run it or no module is given. Whoever calls reads the module's bytes (worker/scan-module.ts): this
 * folder is pure.
 */
import { SCRATCH } from '../../base/memory.ts';
import type { WireMemory } from '../../base/memory.ts';
import { assert } from '../../base/assert.ts';
import { PLACES_AT, VIEW_BYTES_MAX } from './layout.ts';
import { PlainScan, createPlainScan } from './plain-scan.ts';
import type { Scan } from './scan.ts';
import { writeTables } from './tables.ts';

/** What the module exports: the primitives, with 0 and 1 for false and true. */
interface ScanModule extends Omit<Scan, 'equal' | 'equalLower' | 'hex'> {
  equal(a: number, b: number, bytes: number): number;
  equalLower(start: number, lower: number, bytes: number): number;
  hex(start: number, end: number, to: number, bytes: number): number;
}

export function createScan(memory: WireMemory, wasmBytes: Uint8Array | undefined): Scan {
  assert(PLACES_AT + 4 * (VIEW_BYTES_MAX + 1) <= SCRATCH, 'the tables of the scan end before the scratch');
  if (wasmBytes === undefined || !WebAssembly.validate(wasmBytes)) return createPlainScan(memory);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasmBytes), {
    env: { memory: memory.memory },
  });
  writeTables(memory);
  return new SimdScan(instance.exports as unknown as ScanModule);
}

/** True when the scan is the SIMD module. */
export function isSimd(scan: Scan): boolean {
  return !(scan instanceof PlainScan);
}

/** The module's functions as they are: a call goes from the caller straight into WebAssembly. */
class SimdScan implements Scan {
  readonly findByte: Scan['findByte'];
  readonly afterCrlf: Scan['afterCrlf'];
  readonly findHeaders: Scan['findHeaders'];
  readonly headers: Scan['headers'];
  readonly sipHash: Scan['sipHash'];
  readonly high: Scan['high'];
  readonly setKey: Scan['setKey'];
  readonly hash: Scan['hash'];
  readonly setSeed: Scan['setSeed'];
  readonly template: Scan['template'];
  readonly redact: Scan['redact'];
  readonly redacted: Scan['redacted'];
  readonly fingerprints: Scan['fingerprints'];
  readonly callId: Scan['callId'];
  readonly clear: Scan['clear'];
  readonly #equal: ScanModule['equal'];
  readonly #equalLower: ScanModule['equalLower'];
  readonly #hex: ScanModule['hex'];

  constructor(module: ScanModule) {
    this.findByte = module.findByte;
    this.afterCrlf = module.afterCrlf;
    this.findHeaders = module.findHeaders;
    this.headers = module.headers;
    this.sipHash = module.sipHash;
    this.high = module.high;
    this.setKey = module.setKey;
    this.hash = module.hash;
    this.setSeed = module.setSeed;
    this.template = module.template;
    this.redact = module.redact;
    this.redacted = module.redacted;
    this.fingerprints = module.fingerprints;
    this.callId = module.callId;
    this.clear = module.clear;
    this.#equal = module.equal;
    this.#equalLower = module.equalLower;
    this.#hex = module.hex;
  }

  equal(a: number, b: number, bytes: number): boolean {
    return this.#equal(a, b, bytes) !== 0;
  }

  equalLower(start: number, lower: number, bytes: number): boolean {
    return this.#equalLower(start, lower, bytes) !== 0;
  }

  hex(start: number, end: number, to: number, bytes: number): boolean {
    return this.#hex(start, end, to, bytes) !== 0;
  }
}

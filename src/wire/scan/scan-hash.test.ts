/** SipHash-2-4 against its reference, and the table hash, in both twins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Texts, makePlainBench, makeSimdBench } from '../../../test/support/scan-twins.ts';

/**
 * The reference's vectors (https://github.com/veorq/SipHash, vectors.h): key 00 … 0f, messages of length 0,
 * 1, 2 … with the bytes 00 01 02 …; as 64-bit numbers.
 */
const VECTORS: readonly string[] = [
  '726fdb47dd0e0e31',
  '74f839c593dc67fd',
  '0d6c8009d9a94f5a',
  '85676696d7fb7e2d',
  'cf2794e0277187b7',
  '18765564cd99a68d',
  'cbc9466e58fee3ce',
  'ab0200f58b01d137',
  '93f5f5799a932462',
  '9e0082df0ba9e4b0',
];
/** Length 15, printed in appendix A of the paper. */
const VECTOR_15 = 'a129ca6149be45e5';
const MASK = (1n << 64n) - 1n;
const LENGTHS = 64;

/** SipHash-2-4 as the paper writes it, in BigInt: a third opinion for all lengths. */
function reference(bytes: Uint8Array, key0: bigint, key1: bigint): bigint {
  let v0 = key0 ^ 0x736f6d6570736575n;
  let v1 = key1 ^ 0x646f72616e646f6dn;
  let v2 = key0 ^ 0x6c7967656e657261n;
  let v3 = key1 ^ 0x7465646279746573n;
  const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & MASK;
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v2 = (v2 + v3) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v1) & MASK;
    v0 = (v0 + v3) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = rotate(v2, 32n);
  };
  const padded = new Uint8Array((Math.floor(bytes.length / 8) + 1) * 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true);
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function counting(length: number): string {
  return String.fromCharCode(...Array.from({ length }, (_, i) => i));
}

for (const [name, make] of [['SIMD', makeSimdBench] as const, ['plain', makePlainBench] as const]) {
  test(`${name}: sipHash gives the reference's vectors`, () => {
    const texts = new Texts(make());
    VECTORS.forEach((vector, length) =>
      assert.equal(texts.sipHash(counting(length)), vector, `length ${length}`),
    );
    assert.equal(texts.sipHash(counting(15)), VECTOR_15);
  });

  test(`${name}: sipHash is the paper's for every length, at every alignment, with other keys`, () => {
    const { memory, scan } = make();
    let compared = 0;
    for (let length = 0; length < LENGTHS; length++) {
      const start = memory.inputStart + (length % 9);
      for (let k = 0; k < length; k++) memory.u8[start + k] = (k * 37 + length) & 255;
      scan.setKey(length, -1 - length, 0x80000000, 0xfffffff7);
      const key0 = BigInt(length) | (BigInt(0xffffffff - length) << 32n);
      const low = scan.sipHash(start, start + length) >>> 0;
      const said = (BigInt(scan.high() >>> 0) << 32n) | BigInt(low);
      const bytes = memory.u8.slice(start, start + length);
      assert.equal(said, reference(bytes, key0, 0xfffffff780000000n), `length ${length}`);
      compared++;
    }
    assert.equal(compared, LENGTHS);
  });

  test(`${name}: hash spreads similar texts, and the seed changes all of them`, () => {
    const texts = new Texts(make());
    const slots = new Set<number>();
    const hashes = new Set<number>();
    const under = (seed: number): number[] => {
      texts.scan.setSeed(seed);
      return Array.from({ length: 4096 }, (_, i) => texts.scan.hash(...texts.put(`GET /users/${i}`)));
    };
    const first = under(1);
    const second = under(2);
    for (const hash of first) {
      hashes.add(hash);
      slots.add(hash & 4095);
    }
    assert.equal(hashes.size, 4096);
    // A random function fills 63 % of as many slots as texts.
    assert.ok(slots.size > 0.6 * 4096 && slots.size < 0.66 * 4096, `${slots.size} slots`);
    assert.ok(first.every((hash, i) => hash !== second[i]));
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../test/support/random.ts';
import { decimal, milliseconds, timestamp } from './decimal.ts';
import { putCount, putDuration, putNanos } from './nanos.ts';

function words(value: bigint): [number, number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

const EDGES = [
  0n,
  1n,
  999_999_999n,
  1_000_000_000n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

test('64-bit numbers are written in decimal as BigInt writes them', () => {
  const random = randomFrom(51);
  for (const value of EDGES) assert.equal(decimal(...words(value)), String(value));
  for (let trial = 0; trial < 20_000; trial++) {
    const value = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
    const shifted = value >> BigInt(random.below(64));
    assert.equal(decimal(...words(shifted)), String(shifted), `seed 51, trial ${trial}`);
  }
});

test('nanoseconds since 1970 are RFC 3339 in UTC, before 1970 and after 2106 too', () => {
  assert.equal(timestamp(0, 0), '1970-01-01T00:00:00.000000000Z');
  assert.equal(timestamp(...words(1_790_000_000_000_000_678n)), '2026-09-21T14:13:20.000000678Z');
  assert.equal(timestamp(...words(-1n)), '1969-12-31T23:59:59.999999999Z');
  assert.equal(timestamp(...words(2n ** 63n - 1n)), '2262-04-11T23:47:16.854775807Z');
  assert.equal(timestamp(...words(-(2n ** 63n))), '1677-09-21T00:12:43.145224192Z');
  assert.equal(milliseconds(...words(1_790_000_000_500_000_000n)), 1_790_000_000_500);
});

test('seconds and nanoseconds become 64 bits exactly', () => {
  const random = randomFrom(53);
  const out = new Int32Array(2);
  for (let trial = 0; trial < 20_000; trial++) {
    const seconds = random.pick([random.below(2 ** 32), 0, 2 ** 31, 2 ** 32 - 1]);
    const nanos = random.pick([random.below(1e9), 0, 999_999_999]);
    putNanos(out, 0, seconds, nanos);
    const value = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
    assert.equal(decimal(out[0], out[1]), String(value), `seed 53, trial ${trial}`);
    const earlier = random.below(2 ** 32);
    putDuration(out, 0, earlier, 5, seconds, nanos);
    const passed = value - BigInt(earlier) * 1_000_000_000n - 5n;
    assert.equal(decimal(out[0], out[1]), String(passed < 0n ? 0n : passed), `seed 53, trial ${trial}`);
  }
});

test('counts up to 2^53 become 64 bits exactly', () => {
  const out = new Int32Array(2);
  for (const count of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 2 ** 53 - 1]) {
    putCount(out, 0, count);
    assert.equal(decimal(out[0], out[1]), String(count));
  }
});

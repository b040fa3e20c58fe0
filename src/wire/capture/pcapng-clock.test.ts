import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../../test/support/random.ts';
import { PcapngClock } from './pcapng-clock.ts';

/** The same division with BigInt: seconds and nanoseconds. */
function truth(count: bigint, resolution: number): [bigint, bigint] {
  const ticks = resolution > 127 ? 1n << BigInt(resolution - 128) : 10n ** BigInt(resolution);
  return [count / ticks, ((count % ticks) * 1_000_000_000n) / ticks];
}

const ROUNDS = 20_000;

test('time stamps are divided as BigInt divides them', () => {
  const seed = 20_240_503;
  const { below, pick } = randomFrom(seed);
  const resolutions = [0, 3, 6, 7, 9, 10, 12, 15, 19, 128, 129, 138, 148, 157];
  const edges = [0, 1, 999_999, 1_000_000, 2 ** 20 - 1, 2 ** 20, 2 ** 21 - 1, 2 ** 31, 2 ** 32 - 1];
  for (let round = 0; round < ROUNDS; round++) {
    const resolution = pick(resolutions);
    const high = below(2) === 0 ? pick(edges) : below(2 ** (1 + below(32)));
    let low = below(2) === 0 ? pick(edges) : below(2 ** 32);
    // One tick before a second is where a rounded quotient would be one too large.
    if (below(4) === 0 && resolution < 10) low = 1_000_000 * below(4000) + 999_999;
    const clock = new PcapngClock(resolution);
    clock.set(high, low);
    const [seconds, nanos] = truth((BigInt(high) << 32n) | BigInt(low), resolution);
    const name = `seed ${seed}, round ${round}: ${high} ${low} at ${resolution}`;
    // Seconds beyond 2^53 cannot be told exactly; nobody will live then.
    assert.equal(clock.seconds, Number(seconds), name);
    if (resolution <= 9 || resolution > 127) assert.equal(clock.nanos, Number(nanos), name);
    else assert.ok(Math.abs(clock.nanos - Number(nanos)) <= 1, name);
  }
});

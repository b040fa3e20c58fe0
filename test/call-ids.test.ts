/**
 * One call has one id, wherever it is seen: in front of a NAT and behind it, joined in the middle, with
 * packets out of order and sent again, pipelined or not.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CallRow } from '../src/record/row.ts';
import type { Segment } from './support/dialogue.ts';
import { disturb, lose } from './support/network.ts';
import { Observer } from './support/observer.ts';
import { randomFrom } from './support/random.ts';
import { simulateTraffic } from './support/simulated-traffic.ts';
import type { Traffic } from './support/simulated-traffic.ts';

const SEEDS = 4;
const CONNECTIONS = 120;
const LIMITS = { blockRows: 8192, connections: 8192 };

/** Target → id of each call whose request was seen whole. */
function ids(segments: readonly Segment[]): Map<string, string> {
  const rows = new Observer({ limits: LIMITS }).seeAll(segments).end();
  const known = rows.filter((row: CallRow) => row.method !== '' && !row.flags.includes('weak'));
  return new Map(known.map((row) => [row.target, row.call]));
}

/** All clients behind one address, each connection with ports and a server of its own. */
function translated(segments: readonly Segment[]): Segment[] {
  return segments.map((segment) => ({
    ...segment,
    client: { address: '172.16.0.1', port: segment.client.port - 20_000 },
    server: { address: '172.16.9.9', port: segment.server.port + 1 },
  }));
}

/** The capture begins when this one is a third over. */
function joined(segments: readonly Segment[]): Segment[] {
  return segments.slice(Math.floor(segments.length / 3));
}

function compare(
  traffic: Traffic,
  one: Map<string, string>,
  other: Map<string, string>,
  hint: string,
): number {
  let compared = 0;
  for (const [target, id] of other) {
    if (!traffic.calls.has(target)) continue;
    assert.notEqual(id, '0');
    if (!one.has(target)) continue;
    assert.equal(id, one.get(target), `${hint}, ${target}`);
    compared++;
  }
  return compared;
}

function forEachSeed(check: (traffic: Traffic, here: Map<string, string>, seed: number) => void): void {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const traffic = simulateTraffic(randomFrom(4000 + seed), CONNECTIONS);
    const here = ids(traffic.segments);
    assert.equal(here.size, traffic.calls.size);
    assert.equal(new Set(here.values()).size, here.size, 'no two calls have one id');
    check(traffic, here, seed);
  }
}

it('is the same on both sides of a NAT', () => {
  forEachSeed((traffic, here, seed) => {
    const there = ids(translated(traffic.segments));
    assert.equal(compare(traffic, here, there, `seed ${seed}`), here.size);
  });
});

it('is the same where the network repeats and reorders', () => {
  forEachSeed((traffic, here, seed) => {
    const there = ids(translated(disturb(traffic.segments, randomFrom(seed), 3)));
    assert.equal(compare(traffic, here, there, `seed ${seed}`), here.size);
  });
});

it('is the same for who joined in the middle', () => {
  forEachSeed((traffic, here, seed) => {
    const there = ids(translated(joined(traffic.segments)));
    assert.ok(compare(traffic, here, there, `seed ${seed}`) > here.size / 4, `${there.size}`);
  });
});

it('is the same or marked as weak for who misses packets', () => {
  forEachSeed((traffic, here, seed) => {
    const there = ids(lose(disturb(traffic.segments, randomFrom(seed), 1), randomFrom(seed + 50), 2));
    assert.ok(compare(traffic, here, there, `seed ${seed}`) > here.size / 2, `${there.size}`);
  });
});

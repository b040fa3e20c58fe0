/**
 * Whole traffic by a seed against its truth. An observer that sees everything, in whatever order and
 * however often, tells exactly what was; one that misses packets tells less, and nothing that was not.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { CallRow } from '../src/record/row.ts';
import type { Segment } from './support/dialogue.ts';
import { disturb, lose } from './support/network.ts';
import { Observer } from './support/observer.ts';
import { randomFrom } from './support/random.ts';
import { simulateTraffic } from './support/simulated-traffic.ts';
import type { Traffic, TrueCall } from './support/simulated-traffic.ts';

const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 5);
const FIRST_SEED = Number(process.env.SIMULATION_SEED ?? 1);
const CONNECTIONS = 150;
const HEAVY_LOSS_PERCENT = 10;
const CONTINUE_BYTES = 'HTTP/1.1 100 Continue\r\n\r\n'.length;
const LIMITS = { blockRows: 8192, connections: 8192 };

for (const percent of [0, 1, 5]) {
  it(`sees exactly the true calls while ${percent} % of the segments are moved, repeated or sent again`, () => {
    let calls = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const random = randomFrom(seed);
      const traffic = simulateTraffic(random, CONNECTIONS);
      const observer = new Observer({ limits: LIMITS });
      const rows = run(observer, disturb(traffic.segments, random, percent));
      calls += exactly(traffic, rows, `seed ${seed}, ${percent} %`);
    }
    assert.ok(calls > SEEDS * CONNECTIONS * 3, `${calls} calls`);
  });
}

for (const percent of [0.5, 2, 10]) {
  it(`tells nothing wrong while it misses ${percent} % of the packets`, (test) => {
    let right = 0;
    let all = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const random = randomFrom(1000 + seed);
      const traffic = simulateTraffic(random, CONNECTIONS);
      const observer = new Observer({ limits: LIMITS });
      const seen = lose(disturb(traffic.segments, random, seed % 3), random, percent);
      right += nothingWrong(traffic, run(observer, seen), percent, `seed ${seed}, ${percent} % missed`);
      all += traffic.calls.size;
    }
    test.diagnostic(`${percent} % missed: ${right} of ${all} calls are right`);
    assert.ok(right / all > (percent < 1 ? 0.9 : percent < 5 ? 0.75 : 0.3), `${right} of ${all}`);
  });
}

function run(observer: Observer, segments: readonly Segment[]): CallRow[] {
  observer.seeAll(segments);
  // A question without an answer is known to have none only after a while.
  observer.wait(observer.limits.datagramAnswerMs / 1000 + 1);
  return observer.end();
}

/** A SYN that comes late: the connection was joined in the middle as far as one could know. */
const HARMLESS = ['body skipped', 'mid-stream'];

/** The lossless observer: every call once, and as it was. */
function exactly(traffic: Traffic, rows: readonly CallRow[], hint: string): number {
  const left = new Map(traffic.calls);
  for (const row of rows) {
    const truth = left.get(row.target);
    assert.ok(truth !== undefined, `${hint}: not there, or twice: ${JSON.stringify(row)}`);
    left.delete(row.target);
    assert.deepEqual(shown(row), expected(truth), `${hint}: ${JSON.stringify(row)}`);
    const doubts = row.flags.filter(
      (flag) => !HARMLESS.includes(flag) && !(flag === 'one-sided' && !truth.answered),
    );
    assert.deepEqual(doubts, [], `${hint}: ${JSON.stringify(row)}`);
  }
  assert.deepEqual([...left.keys()], [], `${hint}: calls that were not told`);
  return rows.length;
}

function shown(row: CallRow): Record<string, string> {
  const { protocol, method, status, outcome } = row;
  return { protocol, method, status, outcome, up: row.request_bytes, down: row.response_bytes };
}

function expected(truth: TrueCall): Record<string, string> {
  const { protocol, method, status, outcome } = truth;
  return { protocol, method, status, outcome, up: String(truth.up), down: String(truth.down) };
}

/** Answers how many calls are exactly right. */
function nothingWrong(traffic: Traffic, rows: readonly CallRow[], percent: number, hint: string): number {
  const told = new Set<string>();
  let right = 0;
  let assumed = 0;
  let faked = 0;
  for (const row of rows) {
    const text = `${hint}: ${JSON.stringify(row)}`;
    const doubtful = row.flags.includes('gap') || row.flags.includes('one-sided');
    if (row.method === '') {
      assert.ok(row.flags.includes('one-sided'), `an answer alone is marked, ${text}`);
      continue;
    }
    const truth = traffic.calls.get(row.target);
    if (truth === undefined) {
      // A head or name of which a part was lost.
      assert.ok(doubtful, `a call that was not there, ${text}`);
      continue;
    }
    assert.ok(!told.has(row.target), `told twice, ${text}`);
    told.add(row.target);
    assert.equal(row.method, truth.method, text);
    // Joined before it was seen how a client sends, one that pipelines is taken for one that does not, and
    // the row says so. With one packet in ten missing, one that never waits for all answers can look like
    // one that waits for groups: a proof by counting, which such loss can fake.
    if (traffic.pipelined.has(row.client_port)) {
      const same = isDeepStrictEqual(shown(row), expected(truth));
      if (row.flags.includes('mid-stream')) {
        if (same) right++;
        else assumed++;
        continue;
      }
      if (!same && !doubtful && percent >= HEAVY_LOSS_PERCENT) {
        faked++;
        continue;
      }
    }
    // A body that lasts until the close of which we missed the end is still open for us.
    const doubted = row.outcome === 'unknown' || row.outcome === 'open';
    assert.ok(row.outcome === truth.outcome || doubted || !truth.answered, `blames, ${text}`);
    if (row.status !== '') assert.equal(row.status, truth.status, `a wrong pair, ${text}`);
    const down = Number(row.response_bytes);
    if (doubtful || doubted) {
      // An interim answer may have been counted for a neighbour.
      assert.ok(down <= truth.down + CONTINUE_BYTES, `more than was answered, ${text}`);
      continue;
    }
    assert.deepEqual(shown(row), expected(truth), `a wrong pair without a mark, ${text}`);
    right++;
  }
  assert.ok(faked * 100 <= rows.length, `${hint}: ${faked} of ${rows.length} wrong`);
  assert.ok(assumed * 8 <= rows.length, `${hint}: ${assumed} of ${rows.length} rest on that`);
  return right;
}

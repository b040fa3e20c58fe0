import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FLAG_GAP, FLAG_ONE_SIDED } from '../../src/record/codes.ts';
import { writeHttpConversations } from '../synthetic.ts';
import { compare, Times, type Comparison } from './compare.ts';
import {
  deletePackets,
  displacePackets,
  firstFrames,
  readFrames,
  unchanged,
  writeVariant,
  type Capture,
  type Variant,
} from './frames.ts';
import { callsOf, type CallRow } from './rows.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-bench-test-'));
const CLEAN = join(FOLDER, 'clean.pcap');
const DAMAGED = join(FOLDER, 'damaged.pcap');
const SEED = 77;
const CONNECTIONS = 8;
const EXCHANGES = 40;

let capture: Capture;
let base = 0n;
let clean: CallRow[] = [];

before(async () => {
  writeHttpConversations(CLEAN, CONNECTIONS, EXCHANGES, SEED);
  capture = readFrames(CLEAN);
  base = capture.times[0];
  clean = await callsOf(CLEAN, base);
});
after(() => rmSync(FOLDER, { recursive: true }));

function against(told: readonly CallRow[], variant: Variant = unchanged(capture)): Comparison {
  return compare(clean, told, new Times(capture, variant, base));
}

async function told(variant: Variant): Promise<CallRow[]> {
  writeVariant(capture, variant, DAMAGED);
  return await callsOf(DAMAGED, base);
}

test('the clean capture compared with itself is all right', () => {
  const got = against(clean);
  assert.equal(got.calls, CONNECTIONS * EXCHANGES);
  assert.deepEqual(
    [got.right, got.possible, got.rightInexact, got.half, got.wrong, got.blamed, got.missing, got.stray],
    [got.calls, got.calls, 0, 0, 0, 0, 0, 0],
  );
});

test('an unchanged capture is written as it was read', () => {
  writeVariant(capture, unchanged(capture), DAMAGED);
  assert.ok(readFileSync(CLEAN).equals(readFileSync(DAMAGED)));
});

test('deletion is seeded: the same seed deletes the same packets, another one others', () => {
  const one = deletePackets(capture, 0.05, SEED);
  assert.deepEqual(deletePackets(capture, 0.05, SEED), one);
  assert.notDeepEqual(deletePackets(capture, 0.05, SEED + 1).deleted, one.deleted);
  const deleted = one.deleted.reduce((sum, is) => sum + is, 0);
  assert.equal(one.order.length + deleted, capture.times.length);
  const share = deleted / capture.times.length;
  assert.ok(share > 0.03 && share < 0.07, `a share of ${share} deleted, seed ${SEED}`);
});

test('displacement is seeded, keeps every packet, and moves none by more than its places', () => {
  const one = displacePackets(capture, 0.05, 20, SEED, false);
  assert.deepEqual(displacePackets(capture, 0.05, 20, SEED, false), one);
  assert.deepEqual(
    [...one.order].sort((a, b) => a - b),
    [...capture.times.keys()],
  );
  let moved = 0;
  for (let place = 0; place < one.order.length; place++) {
    const by = Math.abs(one.order[place] - place);
    if (by > 1) moved++;
    // Others that were moved past it may push a packet a little further.
    assert.ok(by <= 40, `frame ${one.order[place]} moved by ${by} places, seed ${SEED}`);
    assert.equal(one.times[place], capture.times[one.order[place]]);
  }
  assert.ok(moved > 10, `only ${moved} packets moved, seed ${SEED}`);
});

test('a restamped capture has times in order', () => {
  const one = displacePackets(capture, 0.05, 20, SEED, true);
  assert.ok(one.times.every((time, place) => place === 0 || time >= one.times[place - 1]));
  assert.notDeepEqual([...one.order], [...capture.times.keys()]);
});

test('the beginning of a capture is a capture', () => {
  const part = firstFrames(capture, 100);
  writeVariant(part, unchanged(part), DAMAGED);
  assert.equal(readFrames(DAMAGED).times.length, 100);
});

test('swapped answers of two calls of a connection are wrong pairs', () => {
  const [one, two] = neighbours();
  const swapped = clean.map((row) =>
    row === one ? answeredBy(row, two) : row === two ? answeredBy(row, one) : row,
  );
  const got = against(swapped);
  assert.deepEqual([got.wrong, got.right], [2, got.calls - 2]);
  assert.ok(got.examples.some((text) => text.startsWith('the answer is not its own')));
});

test('swapped answers that are alike but for their time are wrong pairs', () => {
  const [one, two] = neighbours();
  const late = { ...one, firstByte: two.firstByte, end: two.end };
  assert.equal(against(clean.map((row) => (row === one ? late : row))).wrong, 1);
});

test('a flagged gap does not excuse the answer of another call', () => {
  const [one, two] = neighbours();
  const other = { ...answeredBy(one, two), flags: one.flags | FLAG_GAP };
  assert.equal(against(clean.map((row) => (row === one ? other : row))).wrong, 1);
});

test('a call that is told twice, or that nobody made, is wrong', () => {
  assert.equal(against([...clean, clean[0]]).wrong, 1);
  assert.equal(against([...clean, { ...clean[0], call: '1', start: clean[0].start + 1 }]).wrong, 1);
});

test('an answer that is not told is half when it is marked as our loss, and blame when it is not', () => {
  const half = { ...clean[0], hasAnswer: false, outcome: 'unknown', flags: FLAG_GAP | FLAG_ONE_SIDED };
  const marked = against([half, ...clean.slice(1)]);
  assert.deepEqual([marked.half, marked.blamed, marked.right], [1, 0, marked.calls - 1]);
  const blame = against([{ ...half, outcome: 'unanswered' }, ...clean.slice(1)]);
  assert.deepEqual([blame.half, blame.blamed, blame.right], [0, 1, blame.calls - 1]);
  const unmarked = against([{ ...half, flags: FLAG_ONE_SIDED }, ...clean.slice(1)]);
  assert.equal(unmarked.blamed, 1);
});

test('an answer alone is the half of the call that it answers', () => {
  const half = {
    ...clean[0],
    call: '2',
    hasRequest: false,
    start: clean[0].firstByte,
    flags: FLAG_ONE_SIDED,
  };
  const got = against([half, ...clean.slice(1)]);
  assert.deepEqual([got.half, got.stray, got.lostByUs], [1, 0, 1]);
});

test('a call that is not told is missing', () => {
  const got = against(clean.slice(1));
  assert.deepEqual([got.missing, got.lostByUs, got.right], [1, 1, got.calls - 1]);
});

test('a damaged capture in the real engine: what is possible is bounded by the packets deleted', async () => {
  const variant = deletePackets(capture, 0.05, SEED);
  const got = against(await told(variant), variant);
  assert.ok(
    got.possible < got.calls && got.possible > got.calls / 2,
    `${got.possible} of ${got.calls} possible`,
  );
  assert.ok(got.right > 0 && got.right + got.half + got.missing + got.wrong + got.blamed >= got.calls);
});

/** Two calls of one connection, one after the other, whose answers differ. */
function neighbours(): [CallRow, CallRow] {
  const one = clean[0];
  const two = clean.find(
    (row) => row.connection === one.connection && row.responseBytes !== one.responseBytes,
  );
  assert.ok(two !== undefined);
  return [one, two];
}

function answeredBy(request: CallRow, answer: CallRow): CallRow {
  const { firstByte, end, status, outcome, responseBytes } = answer;
  return { ...request, firstByte, end, status, outcome, responseBytes };
}

/**
 * Runs the goldens of one protocol through a warm engine again and again, and prints what a call costs in
 * bytes of the heap. Started with a young generation so large that nothing is collected in between.
 */
import { createMemory } from '../../src/base/memory.ts';
import { Ledger } from '../../src/record/coverage.ts';
import { LINK_RAW } from '../../src/wire/decode/packet.ts';
import { Engine } from '../../src/wire/engine.ts';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import { createPlainScan } from '../../src/wire/scan/plain-scan.ts';
import { goldenDialogue, writeSegment } from './dialogue.ts';
import { readGoldens } from './goldens.ts';
import type { Golden } from './goldens.ts';
import { Observer, TEST_LIMITS } from './observer.ts';

const INPUT_BYTES = 2 * 1024 * 1024;
const WARM_ROUNDS = 300;
/** So many that what the compiler makes for itself meanwhile is small beside them. */
const CALLS = 60_000;
/** Connections are closed between two rounds; what a name stands for is told once a minute. */
const ROUND_SECONDS = 6;
/** Larger goldens are left out: they have the same steps, and the input is to hold all of them. */
const GOLDEN_BYTES_MAX = 8192;

const [, , name, transport] = process.argv;
const memory = createMemory(INPUT_BYTES, TEST_LIMITS.heapBytes);
const scan = createPlainScan(memory);
let calls = 0;
let names = 0;
const engine = new Engine({
  memory,
  limits: { ...TEST_LIMITS, idleMs: 5000 },
  scan,
  ledger: new Ledger(),
  protocols: PROTOCOLS,
  sink: {
    calls: (batch) => {
      calls += batch.count;
    },
    connections: () => {},
    aggregate: (aggregate) => aggregate.take(),
    addressName: () => {
      names++;
    },
    hostName: () => {},
  },
  seed: 7,
  worker: 0,
  run: 1,
  sensor: 'test',
  vantage: 0,
  bodies: true,
});

const frames = layFrames();
let seconds = 1_700_000_000;
run(WARM_ROUNDS);
const rounds = Math.ceil(CALLS / (calls / WARM_ROUNDS));
run(rounds);
calls = 0;
names = 0;
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
run(rounds);
const bytes = process.memoryUsage().heapUsed - before;
process.stdout.write(`${JSON.stringify({ calls, names, bytes, frames: frames.length / 2 })}\n`);

function layFrames(): Int32Array {
  const places: number[] = [];
  let at = memory.inputStart;
  const observer = new Observer();
  for (const [index, golden] of readGoldens(name).entries()) {
    if ((golden.options.get('transport') ?? 'tcp') !== transport || !isRead(observer, golden)) continue;
    const client = { address: '10.1.0.9', port: 10_000 + index };
    const { segments } = goldenDialogue(golden, 0, { client });
    if (segments.reduce((sum, segment) => sum + segment.bytes.length, 0) > GOLDEN_BYTES_MAX) continue;
    for (const segment of segments) {
      const end = at + writeSegment(memory.u8, at, segment);
      places.push(at, end);
      at = end;
    }
  }
  return Int32Array.from(places);
}

/** Bytes that are not read are told for the pair of their endpoints, with texts, when the connection ends. */
function isRead(observer: Observer, golden: Golden): boolean {
  const unread = (): number =>
    observer.bytes('unknown-protocol') + observer.bytes('not-decoded') + observer.bytes('encrypted');
  const before = unread();
  observer.seeAll(goldenDialogue(golden).segments).end();
  return unread() === before;
}

function run(times: number): void {
  for (let round = 0; round < times; round++) {
    seconds += ROUND_SECONDS;
    let nanos = 0;
    for (let k = 0; k < frames.length; k += 2) {
      nanos += 1000;
      engine.frame(LINK_RAW, frames[k], frames[k + 1], frames[k + 1] - frames[k], seconds, nanos, 0, 0);
    }
  }
}

/**
 * `npm run fuzz -- --minutes 10`: the hostile rounds of the tests (test/fuzz/targets.ts), seed after seed from
 * a random one that is printed. A failure tells its target and seed; `--target NAME --seed N` runs it again.
 * The rounds run in a worker, so that one that never ends is noticed from outside.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { build, install, Misuse, ROOT, tell, Trouble } from './install.mjs';

const TARGETS = join(ROOT, 'dist/test/fuzz/targets.js');
const TELL_MS = 30_000;
/** A round takes milliseconds; one that takes this long hangs. */
const HANG_MS = 30_000;
const LOOK_MS = 500;
/** Above this the rounds of some target keep what they should give back. */
const RESIDENT_BYTES_MAX = 1.5 * 1024 ** 3;

function readArguments() {
  let values;
  try {
    const text = { type: 'string' };
    ({ values } = parseArgs({ options: { minutes: text, seed: text, target: text } }));
  } catch (error) {
    throw new Misuse(`${error.message.split('. ')[0]}; there are --minutes, --seed and --target`);
  }
  const minutes = Number(values.minutes ?? '1');
  if (!(minutes > 0 && minutes <= 1440))
    throw new Misuse(`--minutes must be up to 1440, not "${values.minutes}"`);
  const given = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(given)) throw new Misuse(`--seed must be a whole number, not "${values.seed}"`);
  // A seed that was asked for is run once.
  return {
    endMs: values.seed === undefined ? minutes * 60_000 : 0,
    minutes,
    seed: given,
    only: values.target,
  };
}

/** In the worker: rounds until the time is over. `now` tells which one is running. */
async function rounds({ endMs, seed, only, now }) {
  const { fuzzTargets } = await import(TARGETS);
  const all = fuzzTargets();
  const targets = all.filter(({ name }) => only === undefined || name === only);
  if (targets.length === 0) {
    parentPort.postMessage({
      wrong: `there is no target "${only}": ${all.map(({ name }) => name).join(', ')}`,
    });
    return;
  }
  parentPort.postMessage({ names: targets.map(({ name }) => name) });
  let next = seed;
  do {
    for (const [index, target] of targets.entries()) {
      Atomics.store(now, 0, index);
      Atomics.store(now, 1, next | 0);
      Atomics.add(now, 2, 1);
      try {
        await target.run(next);
      } catch (error) {
        const words = error.cause === undefined ? error.stack : `${error.stack}\n${error.cause.stack}`;
        parentPort.postMessage({ failed: { name: target.name, seed: next, words } });
        return;
      }
    }
    next++;
  } while (performance.now() < endMs);
  parentPort.postMessage({ done: true });
}

function again(name, seed) {
  return `npm run fuzz -- --target '${name}' --seed ${seed}`;
}

async function fuzz(say) {
  const { endMs, minutes, seed, only } = readArguments();
  install(say);
  build();
  const now = new Int32Array(new SharedArrayBuffer(12));
  say(endMs === 0 ? `seed ${seed}, once` : `seeds from ${seed} on, for ${minutes} minutes`);
  const worker = new Worker(new URL(import.meta.url), { workerData: { endMs, seed, only, now } });
  let names = [];
  let end;
  worker.on('message', (message) => {
    if (message.names === undefined) end = message;
    else ({ names } = message);
  });
  worker.on('error', (error) => {
    end = { wrong: `the worker ended: ${error.message}` };
  });
  const startMs = performance.now();
  let seen = { round: -1, ms: startMs };
  let toldMs = startMs;
  while (end === undefined) {
    await sleep(LOOK_MS);
    const nowMs = performance.now();
    const round = Atomics.load(now, 2);
    if (round !== seen.round) seen = { round, ms: nowMs };
    const running = () => ({ name: names[Atomics.load(now, 0)], seed: Atomics.load(now, 1) });
    if (nowMs - seen.ms > HANG_MS) end = { failed: { ...running(), words: 'the round does not end' } };
    const resident = process.memoryUsage.rss();
    if (resident > RESIDENT_BYTES_MAX) {
      end = { failed: { ...running(), words: `memory grew to ${Math.round(resident / 1024 ** 2)} MiB` } };
    }
    if (nowMs - toldMs < TELL_MS) continue;
    toldMs = nowMs;
    const mebibytes = Math.round(resident / 1024 ** 2);
    say(`${Math.round((nowMs - startMs) / 1000)} s, ${round} rounds, ${mebibytes} MiB resident`);
  }
  await worker.terminate();
  if (end.wrong !== undefined) throw new Trouble(end.wrong);
  if (end.failed !== undefined) {
    const { name, seed: failed, words } = end.failed;
    throw new Trouble(`${name}, seed ${failed}: ${words}\nagain: ${again(name, failed)}`);
  }
  const count = Atomics.load(now, 2);
  say(`${count} rounds of ${names.length} targets, seeds ${seed} to ${Atomics.load(now, 1)}: nothing wrong`);
  return 0;
}

if (isMainThread) await tell('fuzz', () => fuzz((line) => process.stdout.write(`fuzz: ${line}\n`)));
else await rounds(workerData);

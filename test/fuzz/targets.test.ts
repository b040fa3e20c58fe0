import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import { LOST } from '../../src/wire/protocols/protocol.ts';
import { fuzzTargets, protocolAlone } from './targets.ts';

const SEEDS = 25;

test('every target of the fuzzer runs, and no two share a name', async () => {
  const targets = fuzzTargets();
  assert.equal(targets.length, 2 * PROTOCOLS.length + 2);
  assert.equal(new Set(targets.map(({ name }) => name)).size, targets.length);
  for (const target of targets) {
    for (let seed = 1; seed <= SEEDS; seed++) await target.run(seed);
  }
});

test('a protocol that depends on where its bytes are cut is found', async () => {
  const [real] = PROTOCOLS;
  let steps = 0;
  const faulty = protocolAlone({
    ...real,
    parse: (...step) => (++steps % 97 === 0 ? LOST : real.parse(...step)),
  });
  await assert.rejects(async () => {
    for (let seed = 1; seed <= 1000; seed++) await faulty.run(seed);
  }, /seed \d+/);
});

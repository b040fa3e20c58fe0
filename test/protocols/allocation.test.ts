/** What a call costs in garbage once the engine is warm: nothing, in every protocol. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';

const CHILD = fileURLToPath(new URL('../support/allocation-child.js', import.meta.url));
/** One object is 12 bytes or more. Connections that close and blocks that leave may make some. */
const BYTES_PER_CALL_MAX = 10;
/** A name of DNS and its address are told as texts, once a minute. */
const BYTES_PER_NAME = 1500;

interface Answer {
  readonly calls: number;
  readonly names: number;
  readonly bytes: number;
  readonly frames: number;
}

for (const { name, transport } of PROTOCOLS) {
  it(`${name} over ${transport}: a call allocates nothing`, () => {
    const flags = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'];
    const run = spawnSync(process.execPath, [...flags, CHILD, name, transport], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    const { calls, names, bytes, frames } = JSON.parse(run.stdout) as Answer;
    assert.ok(calls > 10_000 && frames > 10 && bytes > 0, run.stdout);
    assert.ok(bytes <= calls * BYTES_PER_CALL_MAX + names * BYTES_PER_NAME, run.stdout);
  });
}

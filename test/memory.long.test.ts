/** What 100,000 open connections cost, in a process of their own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';

const CHILD = fileURLToPath(new URL('support/memory-child.js', import.meta.url));
const MEGABYTE = 1024 * 1024;

interface Answer {
  readonly bytes: number;
  readonly connections: number;
  readonly slabBytes: number;
  readonly rows: number;
}

for (const [what, most] of [
  ['half', 400],
  ['idle', 150],
] as const) {
  it(`100,000 connections, ${what}, cost less than ${most} MB beyond rest`, (test) => {
    const run = spawnSync(process.execPath, ['--expose-gc', CHILD, what], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    test.diagnostic(run.stdout.trim());
    const { bytes, connections, slabBytes, rows } = JSON.parse(run.stdout) as Answer;
    assert.equal(connections, 100_001);
    assert.equal(rows, 100_001);
    assert.equal(slabBytes > 100_000 * 200, what === 'half', `${slabBytes} bytes of slabs`);
    assert.ok(bytes > 10 * MEGABYTE && bytes < most * MEGABYTE, `${Math.round(bytes / MEGABYTE)} MB`);
  });
}

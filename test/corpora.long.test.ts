/** The real command on captures of other projects: in time, and in little memory. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CORPORA, CORPORA_MISSING, readOracle } from './support/corpora.ts';
import { runMeasured } from './support/measured-command.ts';

const RESIDENT_MAX = 400 * 1024 * 1024;
const RUN_MS_MAX = 10_000;
const LARGEST = 30;

test(
  'the largest captures of the corpora, and all of them at once, are read in time and in little memory',
  { skip: CORPORA_MISSING },
  async (t) => {
    const files = [...readOracle().keys()].map((file) => join(CORPORA, file));
    const bytes = new Map(files.map((file) => [file, statSync(file).size]));
    const largest = files.toSorted((a, b) => (bytes.get(b) ?? 0) - (bytes.get(a) ?? 0)).slice(0, LARGEST);
    let residentMax = 0;
    for (const file of largest) {
      const run = await runMeasured(['read', '-o', 'json', file], RUN_MS_MAX);
      assert.ok(run.code === 0 || run.code === 4, `${file}: ${run.code} ${run.stderr}`);
      assert.ok(run.resident <= RESIDENT_MAX, `${file}: ${run.resident} bytes resident`);
      residentMax = Math.max(residentMax, run.resident);
    }
    t.diagnostic(`at most ${Math.round(residentMax / 1024 / 1024)} MiB resident for one capture`);
    // Link types that are not read are among them: 4, and every other capture is read all the same.
    const all = await runMeasured(['read', '-o', 'json', CORPORA], RUN_MS_MAX * 6);
    assert.equal(all.code, 4, all.stderr);
    assert.ok(all.lines > 5000, `${all.lines} calls`);
    assert.ok(all.resident <= RESIDENT_MAX, `${all.resident} bytes resident`);
    t.diagnostic(`all at once: ${all.lines} calls, ${Math.round(all.resident / 1024 / 1024)} MiB resident`);
    assert.ok(!/at .*\.js:\d/.test(all.stderr), all.stderr);
  },
);

/** The commands that hold the tree together: what `npm test` counts as a failure. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** From dist/test. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_TESTS = new URL('../../scripts/run-tests.mjs', import.meta.url).href;
const NEEDS_DATA = 'every capture of the corpora has the frames that tshark counts';

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs test files with these texts as `npm test` runs its own. */
function runFiles(texts: readonly string[], environment: Record<string, string> = {}): Run {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-house-'));
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `${index}.test.mjs`);
      writeFileSync(file, `import test from 'node:test';\n${text}`);
      return relative(ROOT, file);
    });
    // Not `node -e`: Node hands its own words on to the files that it runs.
    const script = join(folder, 'run.mjs');
    writeFileSync(
      script,
      `import { runTests } from ${JSON.stringify(RUN_TESTS)};\n` +
        `process.exitCode = await runTests(${JSON.stringify(files)}, { alone: false });\n`,
    );
    const { CI: _ci, NODE_TEST_CONTEXT: _context, ...inherited } = process.env;
    const done = spawnSync(process.execPath, [script], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...inherited, ...environment },
    });
    return { code: done.status, output: done.stdout + done.stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PASSES = `test('passes', () => {});`;
const FAILS = `test('fails', () => { throw new Error('as it should'); });`;
const SKIPS = `test('wants redis', { skip: 'no redis-server here' }, () => {});`;

test('tests that pass are counted, and the run passes', () => {
  const { code, output } = runFiles([PASSES, PASSES + PASSES]);
  assert.match(output, /^3 tests in 2 files: 3 passed, 0 failed, 0 skipped/m);
  assert.equal(code, 0);
});

test('one failure among many is a failure, and so is a file that cannot be loaded', () => {
  const failed = runFiles([PASSES, FAILS]);
  assert.match(failed.output, /1 passed, 1 failed/);
  assert.match(failed.output, /as it should/);
  assert.equal(failed.code, 1);
  assert.equal(runFiles([PASSES, `import './missing.mjs';`]).code, 1);
});

test('nothing that ran is a failure', () => {
  const { code, output } = runFiles([]);
  assert.match(output, /no test ran/);
  assert.equal(code, 1);
});

test('a skipped test is named with its reason; with CI=true it is a failure', () => {
  const here = runFiles([PASSES, SKIPS]);
  assert.match(here.output, /^1 skipped:\n {2}wants redis: no redis-server here$/m);
  assert.equal(here.code, 0);
  const there = runFiles([PASSES, SKIPS], { CI: 'true' });
  assert.match(there.output, /only tests named in test\/needs-data.json may be skipped; 1 others were/);
  assert.equal(there.code, 1);
});

test('a test that needs data from outside may be skipped anywhere', () => {
  const skips = `test(${JSON.stringify(NEEDS_DATA)}, { skip: 'no data' }, () => {});`;
  const { code, output } = runFiles([PASSES, skips], { CI: 'true' });
  assert.match(output, /^1 skipped:/m);
  assert.equal(code, 0);
});

import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../test/support/golden-text.ts';

const BIN = fileURLToPath(new URL('bin/eastwest', ROOT));

function eastwest(
  words: readonly string[],
  environment: Record<string, string> = {},
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...environment },
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test('bin/eastwest prints version and help, and ends errors of usage with 2 and one line', () => {
  const version = eastwest(['--version']);
  equal(version.code, 0);
  ok(/^\d+\.\d+\.\d+\n$/.test(version.out), version.out);
  const help = eastwest(['read', '--help']);
  equal(help.code, 0);
  ok(help.out.includes('eastwest read -o json'));
  for (const words of [['reed'], ['read'], ['up', '--wrokers', '1'], ['observe', '--filter', '1']]) {
    const { code, out, err } = eastwest(words);
    deepEqual([code, out], [2, '']);
    ok(/^eastwest: [^\n]+\n$/.test(err), err);
  }
});

test('output that is closed early ends quietly', () => {
  const shell = spawnSync(
    'sh',
    ['-c', `("$0" "$1" --help; echo "code $?" >&2) | true`, process.execPath, BIN],
    {
      encoding: 'utf8',
      timeout: 30_000,
    },
  );
  equal(shell.stderr, 'code 0\n');
});

test('without dist it says what to run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-bin-'));
  try {
    mkdirSync(join(folder, 'bin'));
    copyFileSync(BIN, join(folder, 'bin', 'eastwest'));
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin', 'eastwest'), 'up'], {
      encoding: 'utf8',
    });
    equal(status, 1);
    ok(/^eastwest: not built: .* is missing; run "npm install && npm run build"\n$/.test(stderr), stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

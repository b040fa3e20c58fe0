import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
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

const CHILD = fileURLToPath(new URL('../../test/support/cli-child.js', import.meta.url));

/** A process with handlers of the test; says `ready` when its command runs. */
async function child(words: readonly string[]): Promise<{
  interrupt(): void;
  closeOutput(): void;
  /** The command has seen the interrupt. */
  heard: Promise<void>;
  ended: Promise<{ code: number | null; err: string }>;
}> {
  const started = spawn(process.execPath, [CHILD, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let err = '';
  started.stderr.setEncoding('utf8');
  const said = (word: string): Promise<void> =>
    new Promise((resolve) => {
      started.stderr.on('data', () => {
        if (err.includes(`${word}\n`)) resolve();
      });
    });
  started.stderr.on('data', (text: string) => (err += text));
  const ready = said('ready');
  const heard = said('heard');
  const ended = once(started, 'close').then(([code]) => ({
    code: typeof code === 'number' ? code : null,
    err: err.replace(/^(?:ready|heard)\n/gm, ''),
  }));
  await Promise.race([ready, ended]);
  return {
    interrupt: () => void started.kill('SIGINT'),
    closeOutput: () => started.stdout.destroy(),
    heard,
    ended,
  };
}

test('Ctrl-C is the normal end of up, an interruption of read, and the second time the end of all', async () => {
  for (const [words, interrupts, code] of [
    [['up'], 1, 0],
    [['read', 'file'], 1, 5],
    [['observe'], 2, 5],
  ] as const) {
    const process = await child(words);
    process.interrupt();
    // Two signals that arrive together are one: the second is sent once the first was seen.
    if (interrupts === 2) {
      await process.heard;
      process.interrupt();
    }
    deepEqual(await process.ended, { code, err: '' }, words.join(' '));
  }
});

test('a reader that goes away while rows are written is no failure', async () => {
  const process = await child(['read', 'endless']);
  process.closeOutput();
  deepEqual(await process.ended, { code: 0, err: '' });
});

test('a bug outside a command is told in one line, without a stack trace', async () => {
  const process = await child(['read', 'bug']);
  const { code, err } = await process.ended;
  deepEqual([code, err], [1, 'eastwest: unexpected error: a bug; set EASTWEST_DEBUG=1 to see where\n']);
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

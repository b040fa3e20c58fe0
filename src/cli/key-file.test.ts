/** The key file where folders cannot be made. */
import { equal, ok, throws } from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from './exit.ts';
import { loadKey } from './key-file.ts';

test('a key file has its folders made, for its owner only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-key-'));
  try {
    const file = join(folder, 'a', 'b', 'key');
    equal(loadKey(file).length, 16);
    equal(statSync(file).mode & 0o777, 0o600);
    equal(statSync(join(folder, 'a')).mode & 0o077, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test(
  'a folder that a file system refuses ends in a sentence, not in a search without end',
  { skip: existsSync('/proc/self') ? false : 'no /proc here' },
  () => {
    throws(
      () => loadKey('/proc/none/eastwest/key'),
      (error: unknown) => {
        ok(error instanceof CliError);
        ok(error.message.includes('cannot make /proc/none/eastwest/key'), error.message);
        return true;
      },
    );
  },
);

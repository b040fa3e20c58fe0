/** A text that a test compares with a file of the sources; `UPDATE_GOLDENS=1` writes the file instead. */
import { equal } from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Compiled tests lie in dist/…; paths are of the repository. */
export const ROOT = new URL('../../../', import.meta.url);

export function matchesGolden(path: string, text: string): void {
  const file = new URL(path, ROOT);
  if (process.env.UPDATE_GOLDENS === '1') {
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  equal(text, readFileSync(file, 'utf8'), `${path} differs; UPDATE_GOLDENS=1 rewrites it`);
}

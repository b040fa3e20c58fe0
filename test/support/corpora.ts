/**
 * The captures of other projects that tests may read, kept outside the repository: their folder is in
 * EASTWEST_CORPORA, or beside the repository. Tests that need them are named in test/needs-data.json.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// From dist/test/support: the repository is three folders up, and the data beside it.
const BESIDE = fileURLToPath(new URL('../../../../shared/corpora/', import.meta.url));
const ORACLE = 'oracle.tshark.json';

export const CORPORA = process.env['EASTWEST_CORPORA'] ?? BESIDE;

/** For `skip` of a test: why, or false when the captures are there. */
export const CORPORA_MISSING: string | false = existsSync(join(CORPORA, ORACLE))
  ? false
  : 'the captures are not there: set EASTWEST_CORPORA to their folder';

/** What tshark said of a capture. */
export interface OracleEntry {
  readonly frames: number;
  /** How often each protocol stands in a frame. */
  readonly protocols: Readonly<Record<string, number>>;
}

/** By path in the folder. */
export function readOracle(): ReadonlyMap<string, OracleEntry> {
  const oracle: unknown = JSON.parse(readFileSync(join(CORPORA, ORACLE), 'utf8'));
  if (typeof oracle !== 'object' || oracle === null || !('files' in oracle)) return new Map();
  return new Map(Object.entries(oracle.files as Record<string, OracleEntry>));
}

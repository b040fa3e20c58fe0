/**
 * The key of all hashes (call ids, fingerprints, principals): 16 random bytes for SipHash, the same for all
 * sensors that are to agree. Made at first start, readable by its owner only: who has it can guess back
 * what the hashes hide.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError, EXIT_FAILURE } from './exit.ts';

const KEY_BYTES = 16;
/** Read, write or execute for everybody. A group may share it: containers mount secrets that way. */
const OTHERS = 0o007;

/** The key of a file, which is made when it is not there. */
export function loadKey(file: string): Uint8Array {
  return readKey(file) ?? makeKey(file);
}

function readKey(file: string): Uint8Array | undefined {
  let text: string;
  let mode: number;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CliError(
      EXIT_FAILURE,
      `key file: cannot read ${file} (${codeOf(error)}); name another with --key-file`,
    );
  }
  if ((mode & OTHERS) !== 0) {
    throw new CliError(EXIT_FAILURE, `key file: ${file} is open to everybody; run "chmod 600 ${file}"`);
  }
  const hex = text.trim();
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) {
    throw new CliError(
      EXIT_FAILURE,
      `key file: ${file} holds no key of 32 hexadecimal digits; copy it from another sensor, or delete it`,
    );
  }
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function makeKey(file: string): Uint8Array {
  const key = randomBytes(KEY_BYTES);
  try {
    makeFolder(dirname(file));
    writeFileSync(file, `${key.toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // Another eastwest made it in this moment.
    const made = codeOf(error) === 'EEXIST' ? readKey(file) : undefined;
    if (made !== undefined) return made;
    throw new CliError(
      EXIT_FAILURE,
      `key file: cannot make ${file} (${codeOf(error)}); name another with --key-file`,
    );
  }
  return Uint8Array.from(key);
}

/** Node's own `recursive` never ends where a file system refuses a folder with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

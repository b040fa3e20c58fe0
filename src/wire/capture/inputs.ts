/**
 * From the paths of a command line to the captures to read: files, folders (every capture in them, by its
 * first bytes), patterns with `*`, `?`, `[…]` and `**`, and `-` for standard input.
 */
import { closeSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { MAGIC_BYTES, compressionOf, formatOf } from './capture-format.ts';
import { captureFileError, openError } from './capture-file-error.ts';
import type { CaptureFileError } from './capture-file-error.ts';

/** Deeper folders are links in a circle, or no place for captures. */
const DEPTH_MAX = 32;

/** The captures that `paths` stand for, in the order given, those of a folder or pattern sorted. */
export function expandInputs(paths: readonly string[]): Result<string[], CaptureFileError> {
  const files: string[] = [];
  for (const path of paths) {
    const found = expandOne(path);
    if (!found.ok) return found;
    for (const file of found.value) files.push(file);
  }
  if (files.filter((file) => file === '-').length > 1) {
    return fail(captureFileError('-', 'is given twice', undefined, 'it can be read only once'));
  }
  return ok(files);
}

function expandOne(path: string): Result<string[], CaptureFileError> {
  if (path === '-') return ok([path]);
  let folder: boolean;
  try {
    folder = statSync(path).isDirectory();
  } catch (error) {
    // A file may have brackets in its name, so a pattern is what is not there as written.
    if (!/[*?[]/.test(path)) return fail(openError(path, error));
    const found = matchPattern(path);
    if (found.length === 0)
      return fail(captureFileError(path, 'matches no file', undefined, 'check the pattern'));
    return ok(found);
  }
  if (!folder) return ok([path]);
  const found: string[] = [];
  try {
    readdirSync(path);
  } catch (error) {
    return fail(openError(path, error));
  }
  walk(path, 0, (file) => {
    if (isCapture(file)) found.push(file);
  });
  if (found.length === 0) {
    return fail(captureFileError(path, 'is a folder without captures', undefined, 'check the path'));
  }
  return ok(found.sort());
}

/** Every ordinary file below `folder`; what cannot be listed is passed over. */
function walk(folder: string, depth: number, found: (file: string) => void): void {
  for (const entry of list(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() || (entry.isSymbolicLink() && isFile(path))) found(path);
    else if (entry.isDirectory() && depth < DEPTH_MAX) walk(path, depth + 1, found);
  }
}

function list(folder: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(folder);
  } catch {
    return [];
  }
}

function readEntries(folder: string) {
  return readdirSync(folder === '' ? '.' : folder, { withFileTypes: true });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A capture, or something compressed that may be one: by its name, since only reading it would tell. */
function isCapture(path: string): boolean {
  const magic = new Uint8Array(MAGIC_BYTES);
  try {
    const file = openSync(path, 'r');
    try {
      if (readSync(file, magic, 0, MAGIC_BYTES, 0) < MAGIC_BYTES) return false;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
  if (formatOf(magic, 0) !== undefined) return true;
  return compressionOf(magic) !== 'none' && /\.(p?cap|pcapng)\d*\.[a-z0-9]+$/i.test(path);
}

/** The files that match, sorted. Folders that match are passed over. */
function matchPattern(pattern: string): string[] {
  const parts = pattern.split('/');
  let places = [parts[0] === '' ? '/' : ''];
  for (const [index, part] of parts.entries()) {
    if (part === '' && index === 0) continue;
    const next = new Set<string>();
    for (const place of places) for (const path of step(place, part)) next.add(path);
    places = [...next];
  }
  return places.filter(isFile).sort();
}

/** What one part of a pattern leads to from a folder. */
function step(place: string, part: string): string[] {
  if (part === '**') return [place, ...foldersBelow(place, 0)];
  if (!/[*?[]/.test(part)) return [join(place, part)];
  const matcher = partMatcher(part);
  return list(place)
    .filter((entry) => matcher.test(entry.name) && (part.startsWith('.') || !entry.name.startsWith('.')))
    .map((entry) => join(place, entry.name));
}

function foldersBelow(place: string, depth: number): string[] {
  if (depth === DEPTH_MAX) return [];
  return list(place).flatMap((entry) => {
    if (!entry.isDirectory() || entry.name.startsWith('.')) return [];
    const path = join(place, entry.name);
    return [path, ...foldersBelow(path, depth + 1)];
  });
}

/** `*`, `?` and `[…]` of one part of a path as a regular expression. */
function partMatcher(part: string): RegExp {
  const source = part.replaceAll(/\[(!?)((?:\]|[^\]])[^\]]*)\]|[\s\S]/g, (text, not: string, set: string) => {
    if (set !== undefined) return `[${not === '' ? '' : '^'}${set.replaceAll(/[\\^[\]]/g, '\\$&')}]`;
    if (text === '*') return '[^/]*';
    if (text === '?') return '[^/]';
    return text.replace(/[$()*+.?[\\\]^{|}]/, '\\$&');
  });
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch {
    // A set such as [z-a] matches nothing in a shell either.
    return /^\b$/;
  }
}

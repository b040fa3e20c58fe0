/** Reads golden conversations (`test/protocols/<name>/*.txt`); the format is in test/protocols/README.md. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { CLIENT, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Turn } from './drive.ts';

/** Tests run from dist/test or dist/src, the goldens stay in the sources. */
const FOLDER = new URL('../../../test/protocols/', import.meta.url);

export interface ExpectedCall {
  /** Names and values in the order of the line. */
  readonly fields: readonly (readonly [string, string])[];
}

export interface Golden {
  readonly file: string;
  readonly about: string;
  readonly turns: readonly Turn[];
  readonly calls: readonly ExpectedCall[];
  readonly options: ReadonlyMap<string, string>;
}

const OPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['end', ['fin', 'reset']],
  ['cut', ['no', 'yes']],
  ['bodies', ['no', 'yes']],
  ['transport', ['tcp', 'udp']],
  ['recognised', ['no', 'yes']],
]);

export function readGoldens(protocol: string): Golden[] {
  const folder = new URL(`${protocol}/`, FOLDER);
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  assert.ok(files.length > 0, `goldens of ${protocol}`);
  return files.toSorted().map((file) => parseGolden(file, readFileSync(new URL(file, folder), 'utf8')));
}

export function parseGolden(file: string, text: string): Golden {
  const turns: Turn[] = [];
  const calls: ExpectedCall[] = [];
  const about: string[] = [];
  const options = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const rest = line.slice(2);
    if (line === '') continue;
    assert.ok(line[1] === ' ' || line[1] === '?', `${file}:${index + 1}: a mark and a space begin a line`);
    if (line[0] === '#') about.push(rest);
    else if (line[0] === '=') calls.push({ fields: parseCall(rest) });
    else if (line[0] === '@') {
      const [key, value] = rest.split(' ');
      assert.ok(OPTIONS.get(key)?.includes(value) === true, `${file}:${index + 1}: unknown option`);
      options.set(key, value);
    } else {
      assert.ok(line[0] === '>' || line[0] === '<', `${file}:${index + 1}: unknown mark ${line[0]}`);
      const side = line[0] === '>' ? CLIENT : SERVER;
      const lost = line[1] === '?' ? Number(rest) : 0;
      turns.push({ side, lost, bytes: lost > 0 ? new Uint8Array(0) : unescapeBytes(rest) });
    }
  }
  assert.ok(turns.length > 0, `${file}: a golden has turns`);
  return { file, about: about.join(' '), turns, calls, options };
}

/** Bytes of a line: UTF-8, but for `\r \n \t \0 \\ \xNN`, and `\*N{text}`, the text N times. */
export function unescapeBytes(text: string): Uint8Array {
  const unfolded = text.replaceAll(/\\\*(\d+)\{([^}]*)\}/g, (_, times: string, what: string) =>
    what.repeat(Number(times)),
  );
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of unfolded.matchAll(/\\(r|n|t|0|\\|x[0-9a-fA-F]{2})/g)) {
    parts.push(Buffer.from(unfolded.slice(from, match.index), 'utf8'));
    parts.push(Buffer.from(escaped(match[1]), 'latin1'));
    from = match.index + match[0].length;
  }
  parts.push(Buffer.from(unfolded.slice(from), 'utf8'));
  return new Uint8Array(Buffer.concat(parts));
}

function escaped(code: string): string {
  if (code[0] === 'x') return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  return { r: '\r', n: '\n', t: '\t', 0: '\0' }[code] ?? '\\';
}

/** `METHOD target status outcome key=value …`; a value with spaces stands in double quotes. */
function parseCall(line: string): (readonly [string, string])[] {
  const words = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const names = ['method', 'target', 'status', 'outcome'];
  assert.ok(words.length >= names.length, `a call has method, target, status, outcome: ${line}`);
  return words.map((word, index) => {
    const at = word.indexOf('=');
    if (index < names.length) return [names[index], value(word)] as const;
    assert.ok(at > 0, `key=value: ${word}`);
    return [word.slice(0, at), value(word.slice(at + 1))] as const;
  });
}

function value(text: string): string {
  return Buffer.from(unescapeBytes(text.replaceAll('"', ''))).toString('latin1');
}

/**
 * Asserts that calls, as fields of text in the order in which they began, are those of the golden. Only
 * the keys that a line names are compared.
 */
export function assertCalls(golden: Golden, actual: readonly Record<string, string>[], hint: string): void {
  const shown = actual.map((fields, index) => {
    const expected = golden.calls[index]?.fields ?? Object.entries(fields).slice(0, 4);
    return expected.map(([name]) => `${name}=${fields[name] ?? '(no such key)'}`);
  });
  const wanted = golden.calls.map(({ fields }) => fields.map(([name, text]) => `${name}=${text}`));
  assert.deepEqual(shown, wanted, `${golden.file}, ${hint}`);
}

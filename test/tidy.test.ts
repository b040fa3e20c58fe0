/**
 * Rules about the code itself, as a test: which folder may import which, what a pure folder may touch, how
 * long a file may be. A rule is changed here, in review, never by an inline exception. Each rule has a
 * canary: a text that breaks it and must be found.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from './support/golden-text.ts';

interface Rule {
  readonly name: string;
  /** Folders of the repository that it looks at. */
  readonly folders: readonly string[];
  readonly find: (file: File) => Iterable<string>;
  /** Breaks the rule, as if it stood in the file of that path. */
  readonly canary: File;
  /** Findings that stand today: a debt that may only fall. Lower it with the last one that you paid. */
  readonly debt?: number;
}

interface File {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/**
 * DESIGN.md, section 2. The longest folder that a path begins with counts; a folder imports from itself and
 * from what is listed, with all below it. `packages` are those besides; `node:` stands for all of Node.
 */
interface Permission {
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const PURE_WIRE: Permission = { imports: ['base', 'record'], packages: [] };
const WIRE = ['base', 'record', 'filter', 'wire'];
const LEFT_OF_CLI = ['base', 'record', 'filter', 'wire', 'store', 'reason', 'act', 'serve'];

const MAY_IMPORT: Readonly<Record<string, Permission>> = {
  base: { imports: [], packages: [] },
  record: { imports: ['base'], packages: [] },
  filter: { imports: ['base', 'record'], packages: ['@marcbachmann/cel-js'] },
  'wire/decode': PURE_WIRE,
  'wire/reassembly': { imports: ['base', 'record', 'wire/decode', 'wire/conversation'], packages: [] },
  'wire/protocols': { imports: ['base', 'record', 'wire/scan'], packages: [] },
  'wire/scan': PURE_WIRE,
  'wire/conversation': {
    imports: ['base', 'record', 'wire/decode', 'wire/protocols', 'wire/reassembly', 'wire/scan'],
    packages: [],
  },
  'wire/engine': { imports: ['base', 'record', 'wire'], packages: [] },
  'wire/capture': { imports: WIRE, packages: ['koffi', 'node:', 'fzstd'] },
  'wire/tls': { imports: WIRE, packages: ['koffi', 'node:'] },
  'wire/worker': { imports: WIRE, packages: ['koffi', 'node:'] },
  store: { imports: ['base', 'record', 'filter'], packages: ['@clickhouse/client', 'node:'] },
  'store/embedded': { imports: ['base', 'record', 'filter', 'store'], packages: ['chdb', 'koffi', 'node:'] },
  reason: { imports: ['base', 'record', 'filter', 'store'], packages: [] },
  'reason/identity': {
    imports: ['base', 'record', 'filter', 'store', 'reason'],
    packages: ['node:', 'koffi'],
  },
  act: { imports: ['base', 'record', 'filter', 'store', 'reason'], packages: ['node:', 'koffi'] },
  serve: { imports: LEFT_OF_CLI, packages: ['node:', 'fastify', 'zod'] },
  cli: {
    imports: LEFT_OF_CLI,
    packages: ['node:', 'commander', 'yaml', 'zod', 'fast-string-truncated-width'],
  },
};

/** Folders whose code is a function of its arguments: no clock, no files, no sockets, no threads. */
const PURE = [
  'base',
  'record',
  'filter',
  'wire/decode',
  'wire/reassembly',
  'wire/protocols',
  'wire/scan',
  'wire/conversation',
  'wire/engine',
];
const IMPURE_WORDS =
  /\b(?:Date\.now|new Date\(\)|performance\.|setTimeout|setInterval|setImmediate|Math\.random|process\.|globalThis|crypto\.|Worker\b(?=\())/;
const LINES_MAX = 500;
const COLUMNS_MAX = 110;

const CODE = ['src', 'test', 'bench'];
const folders = Object.keys(MAY_IMPORT).toSorted((a, b) => b.length - a.length);

/** The folder of a path below src; `wire/conversation.ts` and `wire/engine.ts` belong to the folders of their names. */
function folderOf(path: string): string {
  const below = path.replace(/^src\//, '');
  return folders.find((folder) => below.startsWith(`${folder}/`) || below === `${folder}.ts`) ?? '(none)';
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || path.startsWith('bench/');
}

/** Code without comments and texts, so that a word in a sentence is no use of it. Lines stay lines. */
function bare(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

function* imports(text: string): Generator<string> {
  for (const match of text.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s+['"]([^'"]+)['"]/gms))
    yield match[1];
  for (const match of text.matchAll(/^import\s+['"]([^'"]+)['"]/gm)) yield match[1];
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) yield match[1];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || path === `${folder}.ts`;
}

function* wrongWay({ path, text }: File): Iterable<string> {
  if (isTest(path)) return;
  const permission = MAY_IMPORT[folderOf(path)];
  if (permission === undefined) return;
  for (const target of imports(text)) {
    if (!target.startsWith('.')) {
      const allowed = permission.packages.some(
        (name) => target === name || target.startsWith(name.endsWith(':') ? name : `${name}/`),
      );
      if (!allowed) yield `imports ${target}`;
      continue;
    }
    const to = relative('src', join(dirname(path), target));
    if (folderOf(`src/${to}`) === folderOf(path)) continue;
    if (!permission.imports.some((folder) => isWithin(to, folder))) yield `imports ${to}`;
  }
}

/** `http-lines.ts` is a helper of `http.ts`. */
function protocolOf(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.ts$/, '').split('-')[0];
}

function* knowsAnother({ path, text }: File): Iterable<string> {
  if (!path.startsWith('src/wire/protocols/') || isTest(path)) return;
  if (path.endsWith('/index.ts') || path.endsWith('/protocol.ts')) return;
  for (const target of imports(text)) {
    if (!target.startsWith('./') || target === './protocol.ts') continue;
    if (protocolOf(target) !== protocolOf(path)) yield `imports ${target}`;
  }
}

function* impure({ path, text }: File): Iterable<string> {
  if (!PURE.includes(folderOf(path)) || isTest(path)) return;
  const code = bare(text);
  const match = IMPURE_WORDS.exec(code);
  if (match !== null) yield `uses ${match[0]}`;
}

function* tooLong({ text }: File): Iterable<string> {
  const lines = text.trimEnd().split('\n').length;
  if (lines > LINES_MAX) yield `${lines} lines, at most ${LINES_MAX}`;
}

function* tooWide({ text }: File): Iterable<string> {
  for (const [index, line] of text.split('\n').entries()) {
    if (line.length > COLUMNS_MAX) yield `line ${index + 1} has ${line.length} columns`;
  }
}

function* builtMessage({ path, text }: File): Iterable<string> {
  if (isTest(path)) return;
  for (const match of text.matchAll(/\bassert\((?:[^()]|\([^()]*\))*?`[^`]*\$\{/g))
    yield `builds ${match[0].slice(0, 60)}`;
}

function* unfinished({ text }: File): Iterable<string> {
  const code = bare(text);
  for (const word of [/\bdebugger;/, /\b(?:it|test|describe)\.only\b/]) {
    const match = word.exec(code);
    if (match !== null) yield `has ${match[0]}`;
  }
  const match = /\b(?:FIX[M]E|TO[D]O|XX[X])\b|@ts-(?:[i]gnore|[e]xpect-error)/.exec(text);
  if (match !== null) yield `has ${match[0]}`;
}

function* barrel({ path, text }: File): Iterable<string> {
  if (isTest(path) || path === 'src/wire/protocols/index.ts') return;
  if (/^export \* from/m.test(text)) yield 'exports what others export';
  if (/^export default/m.test(text)) yield 'has a default export';
}

function* unerasable({ text }: File): Iterable<string> {
  const match = /^\s*(?:export )?(?:declare )?(?:const )?(?:enum|namespace) \w+/m.exec(bare(text));
  if (match !== null) yield `has ${match[0].trim()}`;
}

function* badName({ path }: File): Iterable<string> {
  if (!/^(?:[a-z0-9.-]+\/)*[a-z0-9]+(?:[.-][a-z0-9]+)*\.ts$/.test(path)) yield 'is not kebab-case';
}

function* unlisted({ path }: File): Iterable<string> {
  if (path.startsWith('src/') && folderOf(path) === '(none)') yield 'add its folder to MAY_IMPORT';
}

/** A file begins by saying what it is. */
function* silent({ path, text }: File): Iterable<string> {
  if (isTest(path)) return;
  if (!text.startsWith('/**')) yield 'does not begin with what it is';
}

const RULES: readonly Rule[] = [
  {
    name: 'every folder is known',
    folders: ['src'],
    find: unlisted,
    canary: { path: 'src/misc/a.ts', text: '' },
  },
  {
    name: 'data flows one way, and packages stay where they belong',
    folders: ['src'],
    find: wrongWay,
    canary: { path: 'src/record/row.ts', text: "import { http } from '../wire/protocols/http.ts';" },
  },
  {
    name: 'protocols are strangers to one another',
    folders: ['src/wire/protocols'],
    find: knowsAnother,
    canary: { path: 'src/wire/protocols/redis.ts', text: "import { a } from './http-lines.ts';" },
  },
  {
    name: 'pure folders have no clock, no chance and no process',
    folders: ['src'],
    find: impure,
    canary: { path: 'src/wire/decode/a.ts', text: 'const now = Date.now();' },
  },
  {
    name: 'files are short enough to read',
    folders: CODE,
    find: tooLong,
    canary: { path: 'src/base/a.ts', text: 'x\n'.repeat(LINES_MAX + 1) },
  },
  {
    name: 'lines are narrow enough to read',
    folders: ['src'],
    find: tooWide,
    canary: { path: 'src/base/a.ts', text: 'x'.repeat(COLUMNS_MAX + 1) },
    // Comments, which the formatter leaves alone, and tables of the kernel in tests.
    debt: 19,
  },
  {
    name: 'assertions cost nothing',
    folders: ['src'],
    find: builtMessage,
    canary: { path: 'src/base/a.ts', text: 'assert(fits(a), `no room for ${a}`);' },
  },
  {
    name: 'nothing is unfinished',
    folders: CODE,
    find: unfinished,
    canary: { path: 'src/base/a.ts', text: ['// TO', 'DO: later'].join('') },
  },
  {
    name: 'no barrels, no default exports',
    folders: ['src'],
    find: barrel,
    canary: { path: 'src/base/index.ts', text: "export * from './a.ts';" },
  },
  {
    name: 'types can be erased',
    folders: CODE,
    find: unerasable,
    canary: { path: 'src/base/a.ts', text: 'export enum Side {' },
  },
  {
    name: 'files are named in kebab-case',
    folders: CODE,
    find: badName,
    canary: { path: 'src/base/someFile.ts', text: '' },
  },
  {
    name: 'a file begins with what it is',
    folders: ['src'],
    find: silent,
    canary: { path: 'src/base/a.ts', text: 'export const a = 1;' },
  },
];

/** Written in a language of its own, which borrows the file name's end. */
const LEFT_OUT = 'src/wire/scan/assembly/';

const files: readonly File[] = CODE.flatMap((folder) =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith(LEFT_OUT))
    .map((path) => ({ path, text: readFileSync(new URL(path, ROOT), 'utf8') })),
);

describe('the code', () => {
  for (const { name, folders: where, find, canary, debt = 0 } of RULES) {
    it(name, (test) => {
      assert.ok([...find(canary)].length > 0, 'the canary is found');
      const looked = files.filter(({ path }) => where.some((folder) => path.startsWith(`${folder}/`)));
      assert.ok(looked.length > 10, `looked at ${looked.length} files`);
      const found = looked.flatMap((file) => [...find(file)].map((what) => `${file.path}: ${what}`));
      if (found.length < debt) test.diagnostic(`the debt is ${found.length} now, lower it from ${debt}`);
      assert.ok(found.length <= debt, `${found.length} found, at most ${debt}:\n${found.join('\n')}`);
    });
  }
});

/** What documents say of the tree: links, paths, commands, flags, the notes on dependencies. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OPTIONS } from '../src/cli/options.ts';

/** From dist/test. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Not ours, or made. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'out', 'captures']);
/** Paths begin with one of these; what is made (`dist/…`, `bench/out/…`) need not be there. */
const PATH =
  /`((?:src|test|docs|scripts|examples|bench(?!\/(?:out|captures))|changes|\.ci)\/[\w./-]*[\w/])`/g;

/** Named before they are there. */
const PLACES_LEFT = new Set(['src/store', 'src/act', 'src/serve', 'src/ui']);

interface Document {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

function documents(folder = ROOT): Document[] {
  const found: Document[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) found.push(...documents(path));
    else if (entry.isFile() && entry.name.endsWith('.md')) {
      found.push({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') });
    }
  }
  return found;
}

function document(path: string): Document {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

/** Text outside of code blocks and spans: a link in those is none. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** Anchors of a page's headings, as they are made of them: lower case, blanks to dashes, no signs. */
function anchors(text: string): Set<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm);
  const names = [...headings].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, ''),
  );
  return new Set(names.map((name) => name.trim().replaceAll(/\s/g, '-')));
}

/** Relative links of a page: how many, and those that lead nowhere. */
function checkLinks({ path, text }: Document): { count: number; broken: string[] } {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  const own = targets.filter((target) => !/^[a-z]+:/.test(target));
  const broken = own.filter((target) => {
    const [file, anchor] = target.split('#');
    const place = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
    if (!existsSync(place)) return true;
    return anchor !== undefined && !anchors(readFileSync(place, 'utf8')).has(anchor);
  });
  return { count: own.length, broken: broken.map((target) => `${path}: ${target}`) };
}

test('every relative link of every page leads somewhere', () => {
  const pages = documents();
  const checked = pages.map(checkLinks);
  assert.ok(pages.length > 20, `only ${pages.length} pages were found`);
  assert.ok(checked.reduce((sum, { count }) => sum + count, 0) > 50, 'hardly a link was found');
  assert.deepEqual(
    checked.flatMap(({ broken }) => broken),
    [],
  );
});

test('a link to no file, and one to no heading, are found', () => {
  const text = '[one](nowhere.md) [two](LICENSE) [three](README.md#no-such-heading) `[four](none.md)`';
  const { count, broken } = checkLinks({ path: 'README.md', text });
  assert.equal(count, 3);
  assert.deepEqual(broken, ['README.md: nowhere.md', 'README.md: README.md#no-such-heading']);
});

test('every path of the tree that a page names is there', () => {
  const named = documents().flatMap(({ path, text }) =>
    [...text.matchAll(PATH)].map(([, name]) => ({ path, name })),
  );
  assert.ok(named.length > 40, `only ${named.length} paths were found`);
  const missing = named.filter(({ name }) => !PLACES_LEFT.has(name) && !existsSync(join(ROOT, name)));
  assert.deepEqual(missing, []);
});

test('every page under docs is in its index', () => {
  const index = document('docs/README.md');
  const pages = documents(join(ROOT, 'docs')).filter(({ path }) => path !== index.path);
  assert.ok(pages.length > 20);
  const missing = pages.filter(({ path }) => !index.text.includes(`](${relative('docs', path)})`));
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});

test('every npm command that a page names is there', () => {
  const { scripts } = JSON.parse(document('package.json').text) as { scripts: Record<string, string> };
  const named = documents().flatMap(({ text }) =>
    [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => scripts[name] === undefined),
    [],
  );
});

test('every command and flag that the README names is there', () => {
  const { text } = document('README.md');
  const commands = [...text.matchAll(/`(?:\.\/bin\/)?eastwest ([a-z]+)/g)].map(([, name]) => name);
  assert.ok(commands.length >= 3);
  assert.deepEqual(
    commands.filter((name) => !OPTIONS.some((option) => option.commands.includes(name as 'up'))),
    [],
  );
  const flags = [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
  assert.ok(flags.length >= 5);
  const known = new Set<string>(['--help', ...OPTIONS.map(({ flag }) => flag)]);
  assert.deepEqual(
    flags.filter((flag) => !known.has(flag)),
    [],
  );
});

test('every dependency has a note that names it with its version', () => {
  const manifest = JSON.parse(document('package.json').text) as Record<string, Record<string, string>>;
  const notes = documents(join(ROOT, 'docs/decisions')).map(({ text }) => text.slice(0, text.indexOf('\n')));
  const packages = Object.entries({ ...manifest['dependencies'], ...manifest['devDependencies'] });
  assert.ok(packages.length > 10);
  const missing = packages.filter(([name, version]) => {
    const words = [name, name.toLowerCase()].map((word) => `${word} ${version}`);
    return !notes.some((title) => words.some((word) => title.toLowerCase().includes(word)));
  });
  assert.deepEqual(missing, []);
});

/**
 * Runs test files with Node's own runner, and tells at the end what was skipped and why. Files that capture
 * packets or start the shop look at the whole host: they run one after the other, when the rest is done.
 */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { Misuse, ROOT } from './install.mjs';

/** What a test file names when it needs the host for itself. */
const ALONE =
  /support\/(rights|netns|open-live|namespace-capture|live-child|fanout-worker)\.|startShop|examples\/shop\/(run|shop)\.mjs/;
/** No test file takes a tenth of it; one that hangs ends. */
const FILE_MS = 10 * 60_000;
const COUNTED = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/;

/** All files below `folder` that end in `suffix`, as paths from the root. */
export function testFiles(folder, suffix) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => file.endsWith(suffix) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
    .sort();
}

/** Keeps the files whose path holds one of the words; all of them without words. */
export function chosen(files, words) {
  const some = words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)));
  if (some.length > 0) return some;
  throw new Misuse(`no test file's path holds ${words.map((word) => `"${word}"`).join(' or ')}`);
}

function needsHost(file) {
  return ALONE.test(readFileSync(join(ROOT, file), 'utf8'));
}

/** One stream of events over all passes: one list of failures, one set of totals. */
async function* events(passes, seen) {
  const totals = new Map();
  for (const { files, concurrency } of passes) {
    if (files.length === 0) continue;
    for await (const event of run({ files, concurrency, timeout: FILE_MS })) {
      const counted = event.type === 'test:diagnostic' && event.data.file === undefined;
      const match = counted ? COUNTED.exec(event.data.message) : null;
      if (match !== null) totals.set(match[1], (totals.get(match[1]) ?? 0) + Number(match[2]));
      // Not every version has it; ours are the totals.
      else if (event.type !== 'test:summary') yield event;
      note(event, seen);
    }
  }
  for (const [name, count] of totals) {
    const message = `${name} ${name === 'duration_ms' ? count.toFixed(0) : count}`;
    yield { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } };
  }
  seen.totals = totals;
}

function note({ type, data }, seen) {
  if (type !== 'test:pass' && type !== 'test:fail') return;
  const isTest = data.details?.type !== 'suite';
  if (type === 'test:fail' && isTest && data.todo === undefined) seen.failed++;
  if (data.skip === undefined || data.skip === false) return;
  const reason = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given';
  seen.skipped.push({ name: data.name, reason, file: relative(join(ROOT, 'dist'), data.file ?? '') });
}

/** Tests that need data from outside the repository: they may be skipped anywhere. */
function needsData() {
  return JSON.parse(readFileSync(join(ROOT, 'test/needs-data.json'), 'utf8'));
}

function tellSkipped(skipped, isCi) {
  if (skipped.length === 0) {
    process.stdout.write('no test was skipped\n');
    return 0;
  }
  const allowed = needsData();
  const counts = new Map();
  for (const { name, reason } of skipped) {
    const line = `${name}: ${reason}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  process.stdout.write(`${skipped.length} skipped:\n`);
  for (const [line, count] of counts)
    process.stdout.write(`  ${line}${count > 1 ? ` (${count} times)` : ''}\n`);
  const wrong = skipped.filter(({ name }) => allowed[name] === undefined);
  if (!isCi || wrong.length === 0) return 0;
  const rule = 'with CI=true only tests named in test/needs-data.json may be skipped';
  process.stdout.write(`${rule}; ${wrong.length} others were\n`);
  return wrong.length;
}

/** Runs the files and resolves with the exit code. `alone` puts each file on a turn of its own. */
export async function runTests(files, { alone }) {
  process.chdir(ROOT);
  const seen = { failed: 0, skipped: [], totals: new Map() };
  const together = alone ? [] : files.filter((file) => !needsHost(file));
  const passes = [
    { files: together, concurrency: 2 },
    { files: files.filter((file) => !together.includes(file)), concurrency: 1 },
  ];
  await pipeline(Readable.from(events(passes, seen)), new spec(), process.stdout, { end: false });
  const wrong = tellSkipped(seen.skipped, process.env['CI'] === 'true');
  const count = (name) => seen.totals.get(name) ?? 0;
  const tests = count('tests');
  // A runner that found nothing has shown nothing.
  if (tests === 0) process.stdout.write('no test ran\n');
  const failed = Math.max(seen.failed, count('fail') + count('cancelled'));
  const seconds = (count('duration_ms') / 1000).toFixed(0);
  const parts = [`${count('pass')} passed`, `${failed} failed`, `${seen.skipped.length} skipped`];
  process.stdout.write(`${tests} tests in ${files.length} files: ${parts.join(', ')} (${seconds} s)\n`);
  return failed > 0 || wrong > 0 || tests === 0 ? 1 : 0;
}

/** `npm run demo` from its first line to its last, as a newcomer runs it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noCapture } from './support/rights.ts';

/** From dist/test. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEMO = 'scripts/demo.mjs';
const TOTALS = /^(\d+) calls, (\d+) operations, (\d+) services, (\d+) dropped$/m;
/** A demo that is killed leaves its files: they lie here. */
const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-demo-test-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
/** In the environment of every process that a demo starts, and of no other. */
let runs = 0;

interface Demo {
  readonly child: ChildProcess;
  readonly mark: string;
  /** Exit code and all that was printed. */
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** Resolves once the output holds it. */
  printed(text: string): Promise<void>;
}

function startDemo(words: readonly string[], before: readonly string[] = []): Demo {
  const mark = `EASTWEST_DEMO_TEST=${process.pid}-${runs++}`;
  const [name, value] = mark.split('=');
  const command = [...before, process.execPath, DEMO, ...words];
  // eastwest refuses variables of its own name that it does not know, hence the other prefix.
  const env = { ...process.env, TMPDIR: FOLDER, [name.replace('EASTWEST_', '')]: value };
  const child = spawn(command[0], command.slice(1), { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  const take = (part: Buffer): void => {
    output += part.toString();
    for (const { text, resolve } of waiting) if (output.includes(text)) resolve();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      if (output.includes(text)) resolve();
      waiting.push({ text, resolve });
      void ended.then(() => reject(new Error(`it ended before it printed "${text}": ${output}`)));
    });
  return { child, mark: mark.replace('EASTWEST_', ''), ended, printed };
}

/** Processes of this demo that still run. */
function left(mark: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  assert.ok(pids.length > 0, 'there is /proc');
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
    } catch {
      return false;
    }
  });
}

test(
  'the demo shows calls of all services, ends by itself and leaves nothing',
  { skip: noCapture() },
  async () => {
    const demo = startDemo(['--for', '6s']);
    await demo.printed('watched on lo');
    // A canary: what looks for processes finds them.
    assert.ok(left(demo.mark).length > 0);
    const { code, output } = await demo.ended;
    assert.equal(code, 0, output);
    const totals = TOTALS.exec(output.trim().split('\n').slice(-3).join('\n'));
    assert.ok(totals !== null, output);
    const [calls, operations, services, dropped] = totals.slice(1).map(Number);
    assert.ok(calls > 500 && operations > 20 && services >= 8, totals[0]);
    assert.equal(dropped, 0);
    assert.deepEqual(left(demo.mark), []);
  },
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the demo with its summary, and leaves nothing`, { skip: noCapture() }, async () => {
    const demo = startDemo([]);
    await demo.printed('watched on lo');
    demo.child.kill(signal);
    const { code, output } = await demo.ended;
    assert.equal(code, 0, output);
    assert.match(output, TOTALS);
    assert.deepEqual(left(demo.mark), []);
  });
}

test('a demo that is killed takes everything with it', { skip: noCapture() }, async () => {
  const demo = startDemo([]);
  await demo.printed('watched on lo');
  demo.child.kill('SIGKILL');
  // Its output closes when the last process that holds it is gone.
  await demo.ended;
  assert.deepEqual(left(demo.mark), []);
});

test('without the right to capture a recording is read, and that is said', async () => {
  const dropped = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
  const demo = startDemo([], process.getuid?.() === 0 ? dropped : []);
  const { code, output } = await demo.ended;
  assert.equal(code, 0, output);
  assert.match(output, /CAP_NET_RAW.*`sudo setcap [^`]+`.*a recording of the shop is read/);
  const calls = Number(TOTALS.exec(output)?.[1]);
  assert.ok(calls > 5000, output);
});

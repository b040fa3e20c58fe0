/**
 * Bad input, case by case: one line on standard error that says what, where and what to do; the exit code of
 * docs/formats/exit-codes.md; no stack trace; and the calls that could be read.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CaptureMaker } from './support/capture-maker.ts';
import { CliHome, type Ran, type RunWays } from './support/cli-run.ts';
import { writePcap, writePcapng } from './support/pcap-writer.ts';

const home = new CliHome();
after(() => home.remove());

const CALLS = 20;
const FINE = 0;
const FAILURE = 1;
const USAGE = 2;
const NO_RIGHT = 3;
const UNREADABLE = 4;
const INTERRUPTED = 5;
const NOBODY = 65_534;
const PCAP_HEADER_BYTES = 24;
const isRoot = userInfo().uid === 0;
const needsRoot = isRoot && existsSync('/usr/bin/setpriv') ? false : 'not root, or no setpriv';

const maker = new CaptureMaker();
for (let call = 0; call < CALLS; call++) {
  maker.tcp(80, [
    ['client', `GET /page/${call} HTTP/1.1\r\nHost: shop.local\r\n\r\n`],
    ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ]);
}
const whole = writePcap(maker.frames);
const good = home.write('good.pcap', whole);

interface Expected {
  readonly code: number;
  /** What the one line says. */
  readonly says: RegExp;
  /** Calls that are printed all the same: at least, at most. */
  readonly calls?: readonly [number, number];
}

/** Runs it, for CSV and without summary unless told, and checks all that holds for every bad input. */
async function refuses(words: readonly string[], expected: Expected, ways: RunWays = {}): Promise<Ran> {
  const ran = await home.run(words, ways);
  check(ran, expected);
  return ran;
}

function check(ran: Ran, { code, says, calls = [0, 0] }: Expected): void {
  const note = `${ran.err}\n${ran.out.slice(0, 500)}`;
  assert.equal(ran.code, code, note);
  const lines = ran.err.split('\n');
  assert.equal(lines.length, 2, `one line on standard error: ${note}`);
  assert.match(lines[0], /^eastwest: \S/);
  assert.match(lines[0], says);
  assert.doesNotMatch(ran.err + ran.out, /^\s+at .*[(:]\d+/m, 'no stack trace');
  assert.doesNotMatch(ran.err, /unexpected error/);
  const rows = ran.out.split('\n').filter((line) => line.includes('shop.local')).length;
  assert.ok(rows >= calls[0] && rows <= calls[1], `${rows} calls: ${note}`);
}

const read = (...files: readonly string[]): string[] => ['read', ...files, '-o', 'csv', '-q'];

test('a good capture is read without a word', async () => {
  const ran = await home.run(read(good));
  assert.deepEqual([ran.code, ran.err, ran.out.split('\r\n').length], [FINE, '', CALLS + 2]);
});

test('a capture that ends inside a record: what is whole is read', async () => {
  const file = home.write('cut.pcap', whole.subarray(0, whole.length - 30));
  await refuses(read(file), {
    code: FINE,
    says: /cut\.pcap ends inside a record.*whole was read/,
    calls: [20, 20],
  });
});

test('a capture that ends inside its header', async () => {
  const file = home.write('head.pcap', whole.subarray(0, 20));
  await refuses(read(file), { code: UNREADABLE, says: /ends before its first frame.*copy it again/ });
});

test('a corrupt capture: the calls before the damage are printed, and where it is', async () => {
  const bytes = whole.slice();
  bytes.fill(0xff, 5000);
  const file = home.write('corrupt.pcap', bytes);
  const says = /corrupt\.pcap is corrupt: .* \(at byte \d+\); .*capture again/;
  await refuses(read(file), { code: UNREADABLE, says, calls: [3, 10] });
});

test('a corrupt pcapng and a broken gzip', async () => {
  const ng = writePcapng(maker.frames).slice();
  ng.fill(0, 6000);
  await refuses(read(home.write('corrupt.pcapng', ng)), {
    code: UNREADABLE,
    says: /is corrupt/,
    calls: [3, 20],
  });
  const gzip = Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  await refuses(read(home.write('broken.pcap.gz', gzip)), {
    code: UNREADABLE,
    says: /cannot be decompressed/,
  });
});

test('an empty file, and one that is shorter than any capture', async () => {
  await refuses(read(home.write('empty.pcap', '')), {
    code: UNREADABLE,
    says: /empty\.pcap is empty; check/,
  });
  await refuses(read(home.write('short.pcap', 'hi')), { code: UNREADABLE, says: /short\.pcap .*; / });
});

test('a link type that nobody knows', async () => {
  const file = home.write('link.pcap', writePcap(maker.frames, { link: 147 }));
  await refuses(read(file), { code: UNREADABLE, says: /link type 147 only.*capture on an Ethernet/ });
});

test('a million records of zero bytes are nothing, quickly and in little memory', async () => {
  const bytes = new Uint8Array(PCAP_HEADER_BYTES + 16 * 1_000_000);
  bytes.set(whole.subarray(0, PCAP_HEADER_BYTES));
  const file = home.write('zero.pcap', bytes);
  const ran = await home.run(read(file, good));
  assert.deepEqual([ran.code, ran.err], [FINE, '']);
  assert.equal(ran.out.split('\r\n').length, CALLS + 2, 'what comes after them is read');
});

test('a folder without captures, and an empty one', async () => {
  const empty = join(home.folder, 'empty');
  const texts = join(home.folder, 'texts');
  mkdirSync(empty);
  mkdirSync(texts);
  home.write('texts/a.txt', 'this is a text and no capture\n');
  const says = /is a folder without captures; check the path/;
  await refuses(read(empty), { code: UNREADABLE, says });
  await refuses(read(texts), { code: UNREADABLE, says });
});

test('a folder among whose files is a broken one: the others are read', async () => {
  const folder = join(home.folder, 'mixed');
  mkdirSync(folder);
  home.write('mixed/a.pcap', whole.subarray(0, PCAP_HEADER_BYTES + 8));
  home.write('mixed/b.pcap', whole);
  await refuses(read(folder), {
    code: UNREADABLE,
    says: /a\.pcap ends before its first frame/,
    calls: [20, 20],
  });
});

test('a file that grows while it is read is read to its end as of then', async () => {
  const file = home.write('grows.pcap', whole);
  let growing = true;
  const grow = (): void => {
    // Half a record: the reader may meet it or not.
    if (growing) appendFileSync(file, whole.subarray(PCAP_HEADER_BYTES, PCAP_HEADER_BYTES + 40));
    growing = false;
  };
  const ran = await home.run(read(file), {
    started: (child) => {
      child.stdin?.end();
      grow();
    },
  });
  assert.equal(ran.code, FINE, ran.err);
  assert.ok(ran.err === '' || /ends inside a record/.test(ran.err), ran.err);
  assert.equal(ran.out.split('\r\n').length, CALLS + 2);
});

test('standard input that ends in the middle', async () => {
  const says = /standard input ends inside a record.*what is whole was read/;
  const input = whole.subarray(0, 5000);
  await refuses(read('-'), { code: FINE, says, calls: [3, 10] }, { input });
});

test('standard input that is empty, that is a text, that is named twice', async () => {
  await refuses(read('-'), { code: UNREADABLE, says: /standard input is empty/ });
  await refuses(
    read('-'),
    { code: UNREADABLE, says: /no capture.*text/ },
    { input: 'hello, this is a text\n' },
  );
  await refuses(read('-', '-'), { code: USAGE, says: /given twice; it can be read only once/ });
});

test('Ctrl-C while standard input is silent: what was read is printed', async () => {
  const ran = await home.run(read(good, '-'), {
    started: (child) => {
      // The calls of the first file are printed before standard input, on which nothing ever comes.
      child.stdout?.once('data', () => child.kill('SIGINT'));
    },
  });
  assert.deepEqual([ran.code, ran.signal, ran.err], [INTERRUPTED, null, '']);
  assert.equal(ran.out.split('\r\n').length, CALLS + 2);
});

test('Ctrl-C while a named pipe has no writer', async () => {
  const pipe = join(home.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const ran = await home.run(read(good, pipe), {
    started: (child) => {
      child.stdout?.once('data', () => child.kill('SIGINT'));
    },
  });
  assert.deepEqual([ran.code, ran.signal, ran.err], [INTERRUPTED, null, '']);
  assert.equal(ran.out.split('\r\n').length, CALLS + 2);
});

test('a configuration with a wrong key: file, line, column, and what was meant', async () => {
  const file = home.write('wrong.yaml', 'quiet: true\ninterfce: lo\n');
  const says = /wrong\.yaml:2:1: there is no key "interfce"; did you mean interface\?/;
  await refuses(['up', '--config', file], { code: USAGE, says });
  const broken = home.write('broken.yaml', 'a: [\n');
  await refuses(['up', '--config', broken], { code: USAGE, says: /broken\.yaml:\d+:\d+: this is no YAML/ });
  await refuses(['up', '--config', 'nowhere.yaml'], { code: USAGE, says: /cannot read nowhere\.yaml/ });
  const binary = home.write('binary.yaml', whole);
  await refuses(['up', '--config', binary], { code: USAGE, says: /binary\.yaml:\d+:\d+: / });
});

test('a wrong variable of the environment', async () => {
  const environment = { EASTWEST_QUITE: '1' };
  await refuses(
    read(good),
    { code: USAGE, says: /no variable EASTWEST_QUITE; did you mean/ },
    { environment },
  );
});

test('an interface that does not exist, or a user who may not capture: what there is, or what to grant', async () => {
  for (const command of ['up', 'observe']) {
    const ran = await home.run([command, '-i', 'nosuch0', '--for', '1s']);
    const mayCapture = ran.code !== NO_RIGHT;
    const says = mayCapture ? /no interface "nosuch0"; there are: .*lo/ : /CAP_NET_RAW.*setcap/;
    check(ran, { code: mayCapture ? USAGE : NO_RIGHT, says });
  }
});

test(
  'without the right to capture: the capability and the command that grants it',
  { skip: needsRoot },
  async () => {
    const open = join(home.folder, 'nobody');
    mkdirSync(open);
    for (const folder of [home.folder, open]) chmodSync(folder, 0o777);
    const before = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--inh-caps=-all'];
    const environment = { HOME: open };
    const words = ['up', '--for', '1s'];
    await refuses(words, { code: NO_RIGHT, says: /CAP_NET_RAW.*setcap/ }, { before, environment });
  },
);

test('a file that this user may not read: the others are read', { skip: needsRoot }, async () => {
  const closed = home.write('closed.pcap', whole);
  const others = join(home.folder, 'nobody-read');
  mkdirSync(others);
  chmodSync(closed, 0o600);
  for (const folder of [home.folder, others]) chmodSync(folder, 0o777);
  const before = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const environment = { HOME: others };
  const says = /closed\.pcap may not be read by this user; check its permissions/;
  await refuses(read(closed), { code: UNREADABLE, says }, { before, environment });
  await refuses(read(closed, good), { code: UNREADABLE, says, calls: [20, 20] }, { before, environment });
});

test('a missing file, a pattern that matches nothing, and good files beside them', async () => {
  await refuses(read('missing.pcap'), {
    code: UNREADABLE,
    says: /missing\.pcap does not exist; check the path/,
  });
  await refuses(read('no*.pcap'), { code: UNREADABLE, says: /matches no file; check the pattern/ });
  const says = /missing\.pcap does not exist/;
  await refuses(read('missing.pcap', good), { code: UNREADABLE, says, calls: [20, 20] });
});

test('devices and files of the kernel are no captures', async () => {
  await refuses(read('/dev/null'), { code: UNREADABLE, says: /\/dev\/null is empty/ });
  await refuses(read('/dev/zero'), { code: UNREADABLE, says: /\/dev\/zero is no capture/ });
  await refuses(read('/proc/self/mem'), { code: UNREADABLE, says: /\/proc\/self\/mem / });
});

test('a text, and a name that would move the cursor', async () => {
  const text = home.write('text.pcap', 'this is a text and no capture\n');
  await refuses(read(text), { code: UNREADABLE, says: /no capture: it looks like text; give a pcap/ });
  const ran = await refuses(read('\u001b]0;owned\u0007\u202e.pcap'), {
    code: UNREADABLE,
    says: /does not exist/,
  });
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(ran.err, /[\u001b\u0007\u202e]/);
});

test('wrong flags, filters and times', async () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['raed', good], /unknown command 'raed'.*--help/],
    [['read'], /missing required argument 'FILE'.*--help/],
    [['read', ''], /a path is empty; name a file/],
    [['read', good, '--config', '/dev/zero'], /\/dev\/zero is larger than 1 MiB/],
    [['read', '--nonsense', good], /unknown option '--nonsense'.*--help/],
    [['read', good, '-o', 'xml'], /--output: is "xml", and has to be one of table, json, csv/],
    [['read', good, '--bpf', 'tcp'], /unknown option '--bpf'/],
    [['read', good, '--filter', 'status =='], /--filter: column \d+: /],
    [['read', good, '--filter', 'nosuch == 1'], /--filter: column 1: there is no field "nosuch"/],
    [['read', good, '--filter', ''], /--filter: /],
    [['read', good, '--limits-strings', '3'], /--limits-strings: is 3; the least is 1024/],
    [['read', good, '--limits-heap-bytes', '64MiB'], /limits\.heap-bytes: is too small .*make it \d+MiB/],
    [['read', good, '--services', 'cart'], /--services: /],
    [['up', '--for', '3parsecs'], /--for: is no time such as 20s/],
    [['up', '--for', '0s'], /--for: is no time at all/],
    [['up', '--workers', '0'], /--workers: is 0; the least is 1/],
    [['observe', '--status'], /argument missing/],
  ];
  for (const [words, says] of wrong) await refuses(words, { code: USAGE, says });
  const help = await home.run(['help', 'read']);
  assert.deepEqual([help.code, help.err], [FINE, '']);
});

test('a key file that is none, or is open to everybody', async () => {
  const none = home.write('none.key', 'hunter2\n');
  chmodSync(none, 0o600);
  const says = /none\.key holds no key of 32 hexadecimal digits/;
  const ran = await refuses([...read(good), '--key-file', none], { code: FAILURE, says });
  assert.ok(!ran.err.includes('hunter2'));
  chmodSync(none, 0o644);
  await refuses([...read(good), '--key-file', none], {
    code: FAILURE,
    says: /open to everybody; run "chmod 600/,
  });
});

test('output that is closed early ends the command quietly, one that is full with a sentence', async () => {
  const big = new CaptureMaker();
  for (let call = 0; call < 2000; call++) {
    big.tcp(80, [
      ['client', `GET /page/${call} HTTP/1.1\r\nHost: shop.local\r\n\r\n`],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ]);
  }
  const file = home.write('big.pcap', writePcap(big.frames));
  const pipes = await home.run(read(file), {
    before: ['sh', '-c', '{ "$@"; echo "code $?" >&2; } | head -n 1', 'sh'],
  });
  assert.equal(pipes.err, 'code 0\n');
  assert.match(pipes.out, /^call,[^\r\n]*\r\n$/);
  if (!existsSync('/dev/full')) return;
  const says = /output: cannot be written: the disk is full/;
  await refuses(read(file), { code: FAILURE, says }, { before: ['sh', '-c', '"$@" >/dev/full', 'sh'] });
});

test('a capture with a hole in its times, and one of a hundred thousand interfaces, are read', async () => {
  const file = join(home.folder, 'times.pcap');
  const frames = maker.frames.map((bytes, index) => ({
    bytes,
    seconds: index % 2 === 0 ? 0 : 4_294_967_295,
  }));
  const handle = openSync(file, 'w');
  writeSync(handle, writePcap(frames));
  closeSync(handle);
  const ran = await home.run(read(file));
  assert.equal(ran.code, FINE, ran.err);
  const interfaces = Array.from({ length: 100_000 }, () => ({}));
  const many = home.write('many.pcapng', writePcapng(maker.frames, { interfaces }));
  const told = await home.run(read(many));
  assert.ok(told.code === FINE || told.code === UNREADABLE, told.err);
  assert.doesNotMatch(told.err, /unexpected|^\s+at /m);
});

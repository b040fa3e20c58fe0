/**
 * Whoever can send a packet chooses texts that we print. In no format may they move the cursor, set the
 * clipboard, turn the reading direction, begin a line or a cell of their own, or become a formula.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Ajv } from 'ajv';
import { liveLines, plainLine, SummaryScreen, type LiveSummary } from '../src/cli/live-summary.ts';
import { displayWidth } from '../src/cli/table.ts';
import { guardCsv } from '../src/record/csv.ts';
import { CaptureMaker, dnsMessage, redisCommand } from './support/capture-maker.ts';
import { CliHome, type Ran } from './support/cli-run.ts';
import { addressBytes } from './support/frames.ts';
import { writePcapng } from './support/pcap-writer.ts';
import { plantSecrets } from './support/planted-secrets.ts';

type Row = Readonly<Record<string, string | number | string[]>>;

const LONG = 'A'.repeat(60_000);
/** What a terminal, a spreadsheet or a reader of lines would act on. */
const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['OSC 52 sets the clipboard', '\u001b]52;c;ZWNobyBvd25lZA==\u0007'],
  ['OSC 0 sets the title', '\u001b]0;owned\u001b\\'],
  ['CSI clears the screen', '\u001b[2J\u001b[H\u001b[31m'],
  ['C1 controls are sequences too', '\u009b31m\u009d0;owned\u009c'],
  ['cursor up and a faked line', 'x\rfaked\u001b[A\b\b'],
  ['bidirectional overrides and isolates', 'a\u202egnp.exe\u202c\u2066b\u2069'],
  ['zero width, tags, a byte order mark', 'a\u200b\u200d\u{e0041}\ufeffb'],
  ['line and paragraph separators', 'a\u2028b\u2029c\u0085d'],
  ['a formula', '=cmd|"/C calc"!A0'],
  ['a formula by plus', '+1+cmd'],
  ['a formula by minus', '-2+3'],
  ['a formula by at', '@SUM(1,1)'],
  ['a formula by a full-width sign', '\uff1d1+1'],
  ['quotes and commas', 'a","b\',c,"""'],
  ['JSON that ends', 'a"}\\\\",{"b":"'],
  ['tabs', '\t=1\tb'],
  ['wide, joined and decomposed letters', '\u6f22\u5b57\u{1f469}\u200d\u{1f680}e\u0301\u0301\u0301'],
  ['HTML', '<script>alert(1)</script>&amp;'],
  ['nothing but blanks', '   '],
];
/** Bytes that are no UTF-8: overlong, surrogates, cut, stray. */
const BROKEN: readonly (readonly number[])[] = [
  [0xff, 0xfe, 0x41],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xe2, 0x82],
  [0x80, 0x9b, 0x33, 0x31, 0x6d],
  [0xf5, 0x80, 0x80, 0x80],
];

const home = new CliHome();
after(() => home.remove());
const runs = new Map<string, Ran>();
let calls = 0;

before(async () => {
  const file = home.write('hostile.pcapng', hostileCapture());
  for (const format of ['json', 'csv', 'table']) {
    runs.set(format, await home.run(['read', file, '-o', format, '--coverage']));
  }
  runs.set('colour', await home.run(['read', file, '--color', 'always']));
});

function hostileCapture(): Uint8Array {
  const maker = new CaptureMaker();
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const http = (target: Buffer, host: Buffer): void => {
    const head = ['GET /', target, ' HTTP/1.1\r\nHost: ', host, '\r\n\r\n'];
    maker.tcp(80, [
      ['client', Buffer.concat(head.map((part) => Buffer.from(part)))],
      ['server', ok],
    ]);
    calls++;
  };
  const redis = (key: Buffer): void => {
    const get = Buffer.concat([
      Buffer.from(`*2\r\n$3\r\nGET\r\n$${key.length}\r\n`),
      key,
      Buffer.from('\r\n'),
    ]);
    maker.tcp(6379, [
      ['client', get],
      ['server', '-WRONGTYPE \u001b[2J\u202e\r\n'],
    ]);
    calls++;
  };
  for (const [, text] of HOSTILE) {
    const bytes = Buffer.from(text);
    // A line end in the target would end the line.
    http(Buffer.from(text.replaceAll(/[\r\n]/g, '')), Buffer.from(text.replaceAll(/[\r\n]/g, '')));
    redis(bytes);
    redis(Buffer.from(`line one\r\n${text}\n\nline two`));
    const labels = [bytes.toString('latin1').slice(0, 60), 'local'];
    const address = calls & 255;
    maker.udp(
      53,
      dnsMessage(calls, labels, 1, undefined),
      dnsMessage(calls, labels, 1, [[1, Uint8Array.of(10, 0, 0, address === 1 ? 9 : address)]]),
    );
    calls++;
  }
  for (const bytes of BROKEN) {
    http(Buffer.from(bytes), Buffer.from(bytes));
    redis(Buffer.from(bytes));
  }
  http(Buffer.from(LONG), Buffer.from('h'));
  http(Buffer.from('long-host'), Buffer.from(LONG));
  redis(Buffer.from(`\u001b[2J${LONG}`));
  // A command of the client's own making, and a target without a slash.
  maker.tcp(6379, [
    ['client', redisCommand('GET', 'k') + redisCommand('\u001b[2J', 'k')],
    ['server', '$-1\r\n-ERR unknown\r\n'],
  ]);
  maker.tcp(80, [
    ['client', 'GET =cmd()\u001b[2J HTTP/1.1\r\nHost: =h\r\n\r\n'],
    ['server', ok],
  ]);
  calls += 3;
  const names = HOSTILE.map(([, text], index) => [addressBytes(`10.0.0.${index + 1}`), text] as const);
  return writePcapng(maker.frames, { names });
}

function outputOf(name: string): Ran {
  const ran = runs.get(name);
  assert.ok(ran !== undefined);
  assert.equal(ran.code, 0, ran.err);
  return ran;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const DANGEROUS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;

/** What is printed holds no control but line ends, nothing that turns or hides text, and is UTF-8. */
function assertHarmless(text: string, what: string): void {
  const found = DANGEROUS.exec(text);
  const near =
    found === null ? '' : JSON.stringify(text.slice(Math.max(0, found.index - 40), found.index + 20));
  assert.equal(found, null, `${what}: ${near}`);
}

/** RFC 4180: cells in quotes may hold quotes (doubled), commas and line ends. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let at = 0;
  while (at < text.length) {
    if (text[at] === '"' && cell === '') {
      for (at++; ; at++) {
        assert.ok(at < text.length, 'a quote is closed');
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') cell += text[++at];
        else break;
      }
      at++;
      assert.match(text[at], /[,\r]/, 'nothing follows a closed quote');
    } else if (text[at] === ',') {
      row.push(cell);
      cell = '';
      at++;
    } else if (text[at] === '\r' && text[at + 1] === '\n') {
      rows.push([...row, cell]);
      row = [];
      cell = '';
      at += 2;
    } else {
      assert.notEqual(text[at], '\n', 'a line ends in CR LF');
      cell += text[at++];
    }
  }
  assert.deepEqual([row, cell], [[], ''], 'the last line is whole');
  return rows;
}

function jsonRows(): Row[] {
  const lines = outputOf('json').out.split('\n');
  assert.equal(lines.pop(), '');
  return lines.map((line) => JSON.parse(line) as Row);
}

test('the check sees what is dangerous, and the reader of CSV reads what the RFC shows', () => {
  let seen = 0;
  for (const [name, text] of HOSTILE) {
    if (!/OSC|CSI|C1|cursor|bidi|zero|separators|tabs/.test(name)) continue;
    assert.throws(() => assertHarmless(text, name), name);
    seen++;
  }
  assert.equal(seen, 9);
  assert.deepEqual(readCsv('a,"b ""q"", c",\r\n"1\r\n2",,3\r\n'), [
    ['a', 'b "q", c', ''],
    ['1\r\n2', '', '3'],
  ]);
});

test('JSON: a line is a call, each parses, none holds anything that acts', () => {
  const { out, err } = outputOf('json');
  assertHarmless(out, 'JSON');
  assertHarmless(err, 'standard error');
  const rows = jsonRows();
  assert.equal(rows.length, calls);
  const targets = new Set(rows.map((row) => row['target']));
  // The value itself is not changed: who parses gets what was sent.
  for (const [name, text] of HOSTILE) {
    if (/JSON|quotes|HTML|formula|tabs|OSC|CSI|bidi|wide|zero/.test(name)) assert.ok(targets.has(text), name);
  }
  const services = new Set(rows.map((row) => row['server_service']));
  assert.ok(services.has(HOSTILE[1][1]), 'a name block named the server');
  assert.ok(targets.has('\\xff\\xfeA'), 'bytes that are no UTF-8 are told as such');
  assert.ok(rows.every((row) => String(row['target']).length <= 1024));
  assert.ok(rows.every((row) => String(row['host']).length <= 1024));
});

test('CSV: the cells are those of JSON, none is a formula, each row is a line', () => {
  const { out } = outputOf('csv');
  assertHarmless(out.replaceAll('\r\n', '\n'), 'CSV');
  const [titles, ...cells] = readCsv(out);
  const rows = jsonRows();
  assert.equal(cells.length, rows.length);
  assert.equal(out.split('\r\n').length, rows.length + 2);
  let guarded = 0;
  for (const [index, row] of rows.entries()) {
    assert.deepEqual(Object.keys(row), titles);
    for (const [column, title] of titles.entries()) {
      if (title === 'run') continue; // Each run has its own.
      const value = row[title];
      const text = Array.isArray(value) ? value.join(';') : String(value);
      const cell = cells[index][column];
      assert.equal(cell, guardCsv(text), `${title} of row ${index}`);
      assert.doesNotMatch(cell, /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/, `${title} of row ${index}`);
      if (cell.startsWith("'")) guarded++;
    }
  }
  assert.ok(guarded >= 12, String(guarded));
});

test('a table: a call is a line of bounded width, with and without colour', () => {
  for (const name of ['table', 'colour']) {
    const { out } = outputOf(name);
    // Our own colours, and nothing else of the kind.
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    const plain = name === 'colour' ? out.replaceAll(/\u001b\[(?:0|1|2|3[1236])m/g, '') : out;
    assertHarmless(plain, name);
    const lines = plain.split('\n');
    const summary = lines.findIndex((line) => line === '');
    assert.equal(summary, calls + 1, 'titles and calls stand before the empty line');
    for (const line of lines) assert.ok(displayWidth(line) <= 200, `${displayWidth(line)}: ${line}`);
  }
});

test('the live summary: hostile names of services stay in their line and column', () => {
  const figures = { calls: 1, rate: 1, errorShare: 0, p50Ns: 1, p99Ns: 1 };
  const texts = [
    ...HOSTILE.map(([, text]) => text),
    LONG,
    ...jsonRows().map((row) => String(row['server_service'])),
  ];
  const summary: LiveSummary = {
    elapsedMs: 1000,
    services: texts.map((name) => ({ name, ...figures })),
    edges: texts.map((name) => ({ client: name, server: name, protocol: name.slice(0, 8), ...figures })),
    totals: { calls: 1, operations: 1, services: texts.length, dropped: 0 },
    coverage: {},
  };
  const rows = texts.length * 2 + 40;
  for (const columns of [40, 80, 200]) {
    const lines = liveLines(summary, columns, rows, false);
    assert.ok(lines.length > texts.length * 2);
    for (const line of lines) {
      assertHarmless(line, 'live summary');
      assert.ok(!line.includes('\n'));
      assert.ok(displayWidth(line) <= columns, `${displayWidth(line)} of ${columns}: ${line}`);
    }
  }
  assertHarmless(plainLine(summary), 'a line of the summary');
  assert.ok(!plainLine(summary).includes('\n'));
  let drawn = '';
  const target = { write: (text: string) => (drawn += text) };
  const screen = new SummaryScreen(target, true, false, () => ({ columns: 80, rows }));
  screen.draw(summary);
  assertHarmless(drawn, 'the screen');
});

test('every line of -o json is as docs/formats/call.schema.json says', async () => {
  const schema: unknown = JSON.parse(
    readFileSync(new URL('../../docs/formats/call.schema.json', import.meta.url), 'utf8'),
  );
  const validate = new Ajv({ allErrors: true, strict: true }).compile(schema as object);
  const planted = home.write('planted.pcapng', writePcapng(plantSecrets().frames));
  const ways = [[], ['--body-fingerprints'], ['--limits-operations-per-server', '1']];
  const rows = jsonRows();
  for (const words of ways) {
    const { out } = await home.run(['read', planted, '-o', 'json', ...words]);
    for (const line of out.trimEnd().split('\n')) rows.push(JSON.parse(line) as Row);
  }
  for (const row of rows) {
    assert.ok(validate(row), `${JSON.stringify(validate.errors)}: ${JSON.stringify(row).slice(0, 500)}`);
  }
  const protocols = new Set(rows.map((row) => String(row['protocol'])));
  assert.deepEqual([...protocols].toSorted(), ['dns', 'http', 'redis']);
  assert.ok(rows.some((row) => (row['fingerprints'] as string[]).length > 0));
  assert.ok(rows.some((row) => (row['flags'] as string[]).length > 0));
  assert.ok(rows.some((row) => row['principal'] !== '0'));
  assert.ok(rows.length > 300, String(rows.length));
  // Its canary: what is not as it says is refused.
  assert.ok(!validate({ ...rows[0], call: 7 }));
  assert.ok(!validate({ ...rows[0], secret: 'x' }));
});

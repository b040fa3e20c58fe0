import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { formatBytes, formatCount, formatDuration, formatRate, formatShare } from './format.ts';
import {
  SummaryScreen,
  coverageShort,
  endLines,
  liveLines,
  totalsLine,
  type LiveSummary,
} from './live-summary.ts';
import { Progress, progressLine } from './progress.ts';
import { displayWidth, formatTable, truncate } from './table.ts';
import { matchesGolden } from '../../test/support/golden-text.ts';

test('quantities have three digits and a unit', () => {
  deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  deepEqual(
    [
      0,
      850,
      999.7,
      12_345,
      4_560_000,
      999_700_000,
      1_200_000_000,
      59_990_000_000,
      125e9,
      11_220e9,
      undefined,
    ].map(formatDuration),
    ['0ns', '850ns', '1.00µs', '12.3µs', '4.56ms', '1.00s', '1.20s', '1m00s', '2m05s', '3h07m', '-'],
  );
  deepEqual([0, 0.25, 12.5, 999.9, 1200, 3.4e6].map(formatRate), [
    '0/s',
    '0.25/s',
    '12.5/s',
    '1.00k/s',
    '1.20k/s',
    '3.40M/s',
  ]);
  deepEqual([0, 512, 1024, 1536, 1048575, 2 ** 32].map(formatBytes), [
    '0 B',
    '512 B',
    '1.00 KiB',
    '1.50 KiB',
    '1.00 MiB',
    '4.00 GiB',
  ]);
  deepEqual([0, 0.00001, 0.0003, 0.015, 0.5, 0.9999, 1].map(formatShare), [
    '0%',
    '<0.01%',
    '0.03%',
    '1.5%',
    '50%',
    '>99.9%',
    '100%',
  ]);
});

test('a table aligns by places, shortens what may be, and lets no escape through', () => {
  const columns = [
    { title: 'NAME', align: 'left', shrinkTo: 4 },
    { title: 'N', align: 'right' },
  ] as const;
  const rows = [
    ['日本語', '1'],
    ['evil\u001b[2J\u202e', '22'],
    [{ text: 'cart', color: 'red' } as const, '3'],
  ];
  deepEqual(
    formatTable(columns, rows, 80, false),
    [
      'NAME                    N',
      '日本語                  1',
      'evil\\x1b[2J\\u{202e}    22',
      'cart                    3',
    ].map((line) => line.replace('    22', '  22').replace(/ {2}( [N13])$/, '$1')),
  );
  const narrow = formatTable(columns, rows, 10, false);
  deepEqual(narrow, ['NAME     N', '日本語   1', 'evil\\…  22', 'cart     3']);
  const painted = formatTable(columns, rows, 10, true);
  ok(painted[3].includes('\u001b[31mcart\u001b[0m'));
  for (const line of painted) ok(displayWidth(line) <= 10, line);
});

test('shortening counts wide characters as two and never halves one', () => {
  for (const text of [
    '😀😀😀😀',
    '日本語日本語',
    'é'.repeat(9),
    'a😀b😀c😀',
    '𠮷𠮷𠮷𠮷',
    '███ abc def',
    '👩‍👩‍👧x👩‍👩‍👧',
  ]) {
    for (let width = 0; width < 12; width++) {
      const cut = truncate(text, width);
      ok(displayWidth(cut) <= width, `${cut} in ${width}`);
      ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(cut), JSON.stringify(cut));
    }
  }
});

const SUMMARY: LiveSummary = {
  elapsedMs: 12_300,
  services: [
    { name: 'cart', calls: 1234, rate: 102.4, errorShare: 0.012, p50Ns: 1_230_000, p99Ns: 45_600_000 },
    {
      name: 'a-service-with-a-name-that-is-longer-than-any-terminal-column-should-be',
      calls: 5,
      rate: 0.4,
      errorShare: 0.2,
      p50Ns: 90_000,
      p99Ns: undefined,
    },
    { name: 'evil\u001b]0;title\u0007', calls: 1, rate: 0, errorShare: 0, p50Ns: 900, p99Ns: 900 },
  ],
  edges: Array.from({ length: 30 }, (_, index) => ({
    client: `client-${index}`,
    server: 'cart',
    protocol: index % 2 === 0 ? 'http' : 'redis',
    calls: 300 - index,
    rate: 30 - index,
    errorShare: 0,
    p50Ns: 1_000_000,
    p99Ns: 2_000_000,
  })),
  totals: { calls: 1240, operations: 7, services: 3, dropped: 2 },
  coverage: {
    gap: { count: 2, bytes: 4096 },
    'not-ip': { count: 9, bytes: 900 },
    'kernel-drop': { count: 2, bytes: 0 },
  },
};

test('the live summary fits the terminal', () => {
  let checked = 0;
  for (const [columns, rows] of [
    [80, 24],
    [120, 40],
    [60, 12],
    [40, 10],
  ]) {
    for (const color of [false, true]) {
      const lines = liveLines(SUMMARY, columns, rows, color);
      ok(lines.length < rows, `${lines.length} lines in ${rows}`);
      for (const line of lines) {
        ok(displayWidth(line) <= columns, `${columns}: ${line}`);
        ok(!line.includes('\u001b]'), 'an escape of the wire');
        checked++;
      }
    }
  }
  ok(checked > 100);
  const narrow = liveLines(SUMMARY, 60, 24, false).filter((line) => line.startsWith('CLIENT'));
  equal(narrow.length, 1);
  ok(narrow[0].endsWith('P99'), narrow[0]);
  matchesGolden('test/cli/live-80x24.txt', `${liveLines(SUMMARY, 80, 24, false).join('\n')}\n`);
});

test('on a terminal the summary is drawn over itself; elsewhere it is a line each ten seconds', () => {
  const written: string[] = [];
  const target = { write: (text: string) => written.push(text) };
  const size = () => ({ columns: 80, rows: 24 });
  const screen = new SummaryScreen(target, true, false, size);
  screen.draw(SUMMARY);
  screen.draw(SUMMARY);
  ok(!written[0].includes('\u001b['));
  const lines = written[0].split('\n').length - 1;
  ok(written[1].startsWith(`\u001b[${lines}Feastwest up`));
  equal(written[1].split('\u001b[K\n').length - 1, lines);
  // The rest of the screen is cleared once, behind the last line: clearing all of it fills tmux's history.
  equal(written[1].indexOf('\u001b[J'), written[1].length - 3);
  written.length = 0;
  const plain = new SummaryScreen(target, false, false, size);
  for (let second = 1; second <= 25; second++) plain.draw({ ...SUMMARY, elapsedMs: second * 1000 });
  equal(written.length, 2);
  ok(
    written[0].startsWith(
      '10.0s  1240 calls, 7 operations, 3 services, 2 dropped; cart 102/s errors 1.2% p99 45.6ms',
    ),
    written[0],
  );
  ok(!written[0].includes('\u001b'));
});

test('the end says totals in one line and the ledger short or whole', () => {
  equal(
    totalsLine({ calls: 1234567, operations: 2, services: 1, dropped: 0 }),
    '1234567 calls, 2 operations, 1 services, 0 dropped',
  );
  equal(coverageShort(SUMMARY.coverage), 'gap 2 (4.00 KiB), kernel-drop 2');
  equal(coverageShort({}), 'complete, nothing lost or unread');
  equal(coverageShort({ copy: { count: 5, bytes: 5 } }), 'complete, nothing lost or unread');
  equal(
    endLines(SUMMARY.totals, SUMMARY.coverage, false, 80, false)[0],
    '1240 calls, 7 operations, 3 services, 2 dropped',
  );
  matchesGolden(
    'test/cli/coverage.txt',
    `${endLines(SUMMARY.totals, SUMMARY.coverage, true, 80, false).join('\n')}\n`,
  );
});

test('progress tells share, rate and time left, redrawn in place and not too often', () => {
  equal(
    progressLine(512 * 1024, 1024 * 1024, 1024, 'a\u001bb.pcap'),
    '[████████████            ] 50%  512 KiB of 1.00 MiB  1000 KiB/s  512ms left  a\\x1bb.pcap',
  );
  equal(progressLine(2048, undefined, undefined, '-'), '2.00 KiB  -');
  const written: string[] = [];
  const progress = new Progress({ write: (text: string) => written.push(text) }, () => 80, 1_000_000);
  for (let ms = 0; ms <= 1000; ms += 10) progress.update(ms, ms * 500, 'capture.pcap');
  ok(written.length >= 10 && written.length <= 12, String(written.length));
  ok(written.at(-1)?.includes('50%'), written.at(-1));
  ok(written.at(-1)?.includes('1.00s left'), written.at(-1));
  for (const text of written) ok(displayWidth(text.replace('\r\u001b[2K', '')) < 80, text);
  progress.clear();
  progress.clear();
  equal(written.at(-1), '\r\u001b[2K');
});

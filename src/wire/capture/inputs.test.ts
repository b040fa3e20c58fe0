import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { writePcap, writePcapng } from '../../../test/support/pcap-writer.ts';
import { captureFileErrorText } from './capture-file-error.ts';
import { expandInputs } from './inputs.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-inputs-'));
after(() => rmSync(FOLDER, { recursive: true }));

const CAPTURE = writePcap([]);
for (const folder of ['a/deep', 'b', 'empty', '.hidden'])
  mkdirSync(join(FOLDER, folder), { recursive: true });
for (const file of [
  'a/2.pcap',
  'a/10.pcap',
  'a/deep/3.pcap',
  'b/x1.cap',
  'b/x2.cap',
  'b/y[1].cap',
  '.hidden/h.pcap',
]) {
  writeFileSync(join(FOLDER, file), CAPTURE);
}
writeFileSync(join(FOLDER, 'a/without-suffix'), writePcapng([]));
writeFileSync(join(FOLDER, 'a/4.pcap.gz'), gzipSync(CAPTURE));
writeFileSync(join(FOLDER, 'a/notes.txt.gz'), gzipSync('text'));
writeFileSync(join(FOLDER, 'a/notes.txt'), 'text');
writeFileSync(join(FOLDER, 'a/nothing.pcap'), '');
symlinkSync(join(FOLDER, 'a'), join(FOLDER, 'b/circle'));

function expand(...paths: string[]): string[] {
  const result = expandInputs(paths.map((path) => (path === '-' ? path : join(FOLDER, path))));
  assert.ok(result.ok, result.ok ? '' : captureFileErrorText(result.error));
  return result.value.map((path) => path.replace(`${FOLDER}/`, ''));
}

test('a folder stands for the captures in it, told by their bytes, sorted', () => {
  const inside = ['a/10.pcap', 'a/2.pcap', 'a/4.pcap.gz', 'a/deep/3.pcap', 'a/without-suffix'];
  assert.deepEqual(expand('a'), inside);
  assert.deepEqual(expand('b', 'a'), ['b/x1.cap', 'b/x2.cap', 'b/y[1].cap', ...inside]);
});

test('files and standard input stay as they are given, in order', () => {
  assert.deepEqual(expand('b/x2.cap', '-', 'b/x1.cap'), ['b/x2.cap', '-', 'b/x1.cap']);
  assert.deepEqual(expand('a/notes.txt'), ['a/notes.txt']);
});

test('patterns match as in a shell', () => {
  assert.deepEqual(expand('b/x?.cap'), ['b/x1.cap', 'b/x2.cap']);
  assert.deepEqual(expand('b/*.cap'), ['b/x1.cap', 'b/x2.cap', 'b/y[1].cap']);
  assert.deepEqual(expand('b/x[!1].cap'), ['b/x2.cap']);
  assert.deepEqual(expand('*/[0-9].pcap'), ['a/2.pcap']);
  assert.deepEqual(expand('**/*.pcap'), ['a/10.pcap', 'a/2.pcap', 'a/deep/3.pcap', 'a/nothing.pcap']);
  assert.deepEqual(expand('.hidden/*'), ['.hidden/h.pcap']);
  assert.deepEqual(expand('a/**/3.pcap'), ['a/deep/3.pcap']);
  // A file that has the name of a pattern is that file.
  assert.deepEqual(expand('b/y[1].cap'), ['b/y[1].cap']);
});

test('what stands for nothing is an error with its path', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['missing.pcap'], /missing\.pcap does not exist; check the path$/],
    [['a/*.cap'], /\*\.cap matches no file; check the pattern$/],
    [['a/[z-a]'], /matches no file/],
    [['empty'], /empty is a folder without captures; check the path$/],
    [['-', '-'], /^standard input is given twice; it can be read only once$/],
  ];
  for (const [paths, expected] of cases) {
    const result = expandInputs(paths.map((path) => (path === '-' ? path : join(FOLDER, path))));
    assert.ok(!result.ok);
    assert.match(captureFileErrorText(result.error), expected);
  }
});

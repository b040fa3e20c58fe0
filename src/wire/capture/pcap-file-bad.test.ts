import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Ledger } from '../../record/coverage.ts';
import { addressBytes, concat, tcpFrame, u32 } from '../../../test/support/frames.ts';
import {
  Counter,
  FOLDER,
  FRAMES,
  INPUT_BYTES,
  MEMORY,
  ZSTD,
  chunks,
  count,
  read,
  save,
  zstdRaw,
} from '../../../test/support/capture-reader.ts';
import { writePcap, writePcapng } from '../../../test/support/pcap-writer.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { readCapture } from './pcap-file.ts';

const MUTATIONS = 3000;

test('a file cut anywhere gives the frames that are whole, and says so', async () => {
  const frames = FRAMES.slice(0, 3);
  const kinds: readonly (readonly [string, Uint8Array])[] = [
    ['pcap', writePcap(frames)],
    ['pcapng', writePcapng(frames, { big: true, names: [[addressBytes('10.0.0.1'), 'a']] })],
  ];
  for (const [kind, bytes] of kinds) {
    const whole = (await read(bytes)).lines;
    const seen = new Set<number>();
    for (let cut = 0; cut <= bytes.length; cut++) {
      const done = await read(cut % 2 === 0 ? bytes.slice(0, cut) : save(bytes.slice(0, cut)));
      const name = `${kind} cut at ${cut}`;
      assert.deepEqual(done.lines, whole.slice(0, done.lines.length), name);
      seen.add(done.lines.length);
      if (done.lines.length > 0) assert.ok(done.result.ok, name);
      else if (!done.result.ok) assert.match(done.error, /is empty|ends before its first frame/, name);
      if (cut === bytes.length) assert.equal(done.summary.warning, undefined);
      if (done.summary.warning !== undefined) assert.match(done.summary.warning, /ends inside a record/);
    }
    assert.equal(seen.size, frames.length + 1, kind);
  }
  const half = await read(writePcap(frames).slice(0, 24 + 16 + 57 + 16 + 20));
  assert.ok(half.result.ok);
  assert.match(half.summary.warning ?? '', /^standard input ends inside a record, after 1 frame;/);
  assert.equal(count(half, 'truncated-frame'), 1);
});

test('compressed data cut anywhere gives a prefix of the frames', async () => {
  const frames = Array.from({ length: 8 }, (_, i) => ({ bytes: tcpFrame({ sequence: i * 7919 }) }));
  const bytes = writePcap(frames);
  const whole = (await read(bytes)).lines;
  for (const compressed of [gzipSync(bytes, { level: 1 }), zstdRaw(bytes), Buffer.from(ZSTD, 'base64')]) {
    const truth = (await read(compressed)).lines;
    for (let cut = 1; cut < compressed.length; cut++) {
      const done = await read(compressed.slice(0, cut));
      assert.deepEqual(done.lines, truth.slice(0, done.lines.length), `cut at ${cut}`);
      if (done.result.ok) assert.match(done.summary.warning ?? '', /ends inside a record/, `cut at ${cut}`);
    }
  }
  assert.equal(whole.length, 8);
  // Most of a large file is there although its end is not.
  const noise = randomFrom(7);
  const large = writePcap(
    Array.from({ length: 2000 }, () =>
      tcpFrame({ payload: Uint8Array.from({ length: 200 }, () => noise.below(256)) }),
    ),
  );
  const zipped = gzipSync(large);
  const most = await read(save(zipped.subarray(0, zipped.length >> 1)));
  assert.ok(most.result.ok && most.lines.length > 900, `${most.lines.length} frames`);
  assert.match(most.summary.warning ?? '', /ends inside a record/);
});

test('a corrupt middle ends the reading with the place, and what is before it stands', async () => {
  const bytes = writePcap(FRAMES);
  const second = 24 + 16 + tcpFrame({ payload: 'one' }).length;
  bytes.set(u32(0xffffff7f), second + 8);
  for (const source of [save(bytes), bytes, gzipSync(bytes)]) {
    const { result, lines, error } = await read(source);
    assert.ok(!result.ok);
    assert.equal(result.error.where, second);
    assert.match(error, /is corrupt: a record states 2147483647 bytes, .*\(at byte 97\)/);
    assert.equal(result.error.delivered?.frames, 1);
    assert.equal(lines.length, 1);
  }
  const blocks = writePcapng(FRAMES);
  blocks[blocks.length - 1] ^= 1;
  const ng = await read(blocks);
  assert.match(ng.error, /is corrupt: a block states two different lengths \(at byte \d+\)/);
  assert.equal(ng.lines.length, FRAMES.length - 1);
  const future = writePcapng(FRAMES);
  future[12] = 2;
  assert.match((await read(future)).error, /a section has an unknown version/);
});

test('what cannot be read is named: what it is, where, and what to do', async () => {
  const folder = join(FOLDER, 'folder');
  mkdirSync(folder);
  const cases: readonly (readonly [string | Uint8Array, RegExp])[] = [
    [join(FOLDER, 'missing'), /missing does not exist; check the path$/],
    [folder, /folder is a folder, not a capture; give the files in it$/],
    [save(''), /is empty; check that/],
    [new Uint8Array(0), /^standard input is empty; /],
    [save('abc'), /ends before its first frame \(at byte 0\)/],
    [save(writePcap([]).slice(0, 20)), /ends before its first frame/],
    [save('GET / HTTP/1.1\r\nHost: a\r\n'), /is no capture: it looks like text; give a pcap or pcapng file/],
    [save(concat(Uint8Array.of(0x50, 0x4b, 3, 4), u32(0))), /it looks like a zip archive/],
    [save(concat(u32(0x01020304), u32(0))), /something that begins with the bytes 01 02 03 04/],
    [gzipSync('just text, nothing else'), /is a gzip file of something else: it looks like text/],
    [gzipSync(gzipSync(writePcap(FRAMES))), /is a gzip file of something else: it looks like a gzip file/],
    [zstdRaw(Buffer.from('just text')), /is a zstd file of something else: it looks like text/],
    [concat(gzipSync('').subarray(0, 10), u32(0xffffffff)), /cannot be decompressed: /],
    [concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), new Uint8Array(30).fill(255)), /cannot be decompressed: /],
    [save(writePcap([tcpFrame()], { link: 147 })), /has frames of link type 147 only, which is not read/],
  ];
  for (const [source, expected] of cases) {
    const { result, error } = await read(source);
    assert.ok(!result.ok, String(expected));
    assert.match(error, expected);
    assert.doesNotMatch(error, /\n/);
  }
});

test('a file without the right to read it is named', async () => {
  const path = save(writePcap(FRAMES));
  chmodSync(path, 0);
  // Root may read everything, so it becomes nobody for a moment.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    assert.match((await read(path)).error, /may not be read by this user; check its permissions$/);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('compressed data that is corrupt gives what is before, and an error', async () => {
  const noise = randomFrom(8);
  const payloads = Array.from({ length: 2000 }, () =>
    Uint8Array.from({ length: 200 }, () => noise.below(256)),
  );
  const zipped = gzipSync(writePcap(payloads.map((payload) => tcpFrame({ payload }))));
  const checksum = Uint8Array.from(zipped);
  checksum[checksum.length - 6] ^= 1;
  const all = await read(save(checksum));
  // The piece of 64 KiB in which the error is met does not leave the decompressor.
  assert.ok(all.lines.length > 2000 - 65_536 / 254, `${all.lines.length} frames`);
  assert.match(all.error, /cannot be decompressed: incorrect data check \(at byte \d+\)/);
  assert.ok(!all.result.ok && all.result.error.delivered?.frames === all.lines.length);
});

test('a bug of the taker of frames is thrown, not told as the fault of the file', async () => {
  const bytes = writePcap(FRAMES);
  const sink = new Counter();
  sink.frame = () => {
    throw new Error('bug');
  };
  for (const file of [bytes, gzipSync(bytes), zstdRaw(bytes)]) {
    for (const input of [{ path: save(file) }, { path: '-', stream: chunks(file, 10) }]) {
      await assert.rejects(readCapture(input, MEMORY, sink, { ledger: new Ledger() }), /bug/);
    }
  }
});

test('a zstd window that would take all memory is refused', async () => {
  const { error } = await read(concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xff), new Uint8Array(30)));
  assert.match(error, /cannot be decompressed: its window is over 128 MiB/);
});

test('an empty capture is no error, and unknown links beside known ones are only counted', async () => {
  assert.ok((await read(writePcap([]))).result.ok);
  assert.ok((await read(writePcapng([]))).result.ok);
  const mixed = writePcapng([tcpFrame(), { bytes: tcpFrame(), networkInterface: 1 }], {
    interfaces: [{ link: 147 }, {}],
  });
  const { result, lines } = await read(mixed);
  assert.ok(result.ok);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['147', '1'],
  );
});

test('frames larger than the input region are counted and passed over', async () => {
  const large = new Uint8Array(INPUT_BYTES + 1);
  const frames = [tcpFrame(), large, tcpFrame()];
  for (const bytes of [writePcap(frames), writePcapng(frames), writePcapng(frames, { block: 'simple' })]) {
    for (const source of [save(bytes), bytes, chunks(bytes, 1000)]) {
      const done = await read(source);
      assert.ok(done.result.ok);
      assert.equal(done.lines.length, 2);
      assert.equal(done.summary.frames, 3);
      assert.equal(count(done, 'truncated-frame'), 1);
    }
  }
  // The largest record that fits is delivered.
  const fits = await read(writePcap([new Uint8Array(INPUT_BYTES - 16), tcpFrame()]));
  assert.equal(fits.lines.length, 2);
});

test('a million records of no bytes are a million frames', async () => {
  const million = 1_000_000;
  const bytes = new Uint8Array(24 + 16 * million);
  bytes.set(writePcap([]));
  const sink = new Counter();
  const options = { ledger: new Ledger() };
  const result = await readCapture({ path: save(bytes) }, MEMORY, sink, options);
  assert.ok(result.ok);
  assert.equal(sink.frames, million);
  assert.equal(result.value.frames, million);
});

test('a file that grows while it is read is read to its end as of then', async () => {
  const path = save(writePcap([tcpFrame(), tcpFrame()]));
  const record = writePcap([tcpFrame()]).slice(24);
  const sink = new Counter();
  sink.frame = () => {
    sink.frames++;
    if (sink.frames === 2) appendFileSync(path, concat(record, record.slice(0, 30)));
  };
  const result = await readCapture({ path }, MEMORY, sink, { ledger: new Ledger() });
  assert.ok(result.ok);
  assert.equal(sink.frames, 3);
  assert.match(result.value.warning ?? '', /ends inside a record, after 3 frames/);
});

test('reading tells how far it is, and stops when it is told to', async () => {
  const frames = Array.from({ length: 500 }, () => new Uint8Array(30_000));
  const bytes = writePcap(frames);
  for (const [source, total] of [
    [save(bytes), bytes.length] as const,
    [chunks(bytes, 65_536), undefined] as const,
  ]) {
    const stop = new AbortController();
    const progress: number[] = [];
    const sink = new Counter();
    const input = typeof source === 'string' ? { path: source } : { path: '-', stream: source };
    const result = await readCapture(input, MEMORY, sink, {
      ledger: new Ledger(),
      signal: stop.signal,
      onProgress: (bytesRead, bytesTotal) => {
        assert.equal(bytesTotal, total);
        progress.push(bytesRead);
        if (bytesRead > bytes.length / 2) stop.abort();
      },
    });
    assert.ok(result.ok);
    assert.equal(result.value.stopped, true);
    assert.equal(result.value.warning, undefined);
    assert.ok(progress.length >= 2 && sink.frames > 200 && sink.frames < 500, `${sink.frames} frames`);
  }
});

test('waiting for standard input ends when it is told to', async () => {
  const stop = new AbortController();
  const endless = new Readable({ read() {} });
  endless.push(writePcap([tcpFrame()]));
  const sink = new Counter();
  sink.frame = () => {
    sink.frames++;
    setImmediate(() => stop.abort());
  };
  const options = { ledger: new Ledger(), signal: stop.signal };
  const result = await readCapture({ path: '-', stream: endless }, MEMORY, sink, options);
  assert.ok(result.ok && result.value.stopped);
  assert.equal(sink.frames, 1);
});

test('hostile files never throw, and frames stay in the input region', async () => {
  const seed = 20_240_502;
  const { below } = randomFrom(seed);
  const kinds = [
    writePcap(FRAMES),
    writePcap(FRAMES, { big: true, modified: true }),
    writePcapng(FRAMES, { names: [[addressBytes('10.0.0.1'), 'a']], drops: 1, interfaces: [{ name: 'e' }] }),
    concat(
      writePcapng(FRAMES, { big: true, interfaces: [{ resolution: 9, offsetS: 1 }] }),
      writePcapng(FRAMES),
    ),
    writePcapng(FRAMES, { block: 'obsolete' }),
    gzipSync(writePcap(FRAMES)),
    Buffer.from(ZSTD, 'base64'),
  ];
  let delivered = 0;
  let refused = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    // Most mutations of compressed data only fail to decompress.
    const bytes = Uint8Array.from(kinds[below(8) === 0 ? 5 + below(2) : below(5)]);
    for (let change = 1 + below(4); change > 0; change--) {
      const value = below(2) === 0 ? below(256) : [0, 1, 0x7f, 0x80, 0xff][below(5)];
      bytes[below(bytes.length)] = value;
    }
    try {
      const { result, lines } = await read(
        bytes.slice(0, below(4) === 0 ? below(bytes.length) : bytes.length),
      );
      delivered += lines.length;
      if (!result.ok) refused++;
    } catch (error) {
      assert.fail(`seed ${seed}, round ${round}: ${String(error)}`);
    }
  }
  assert.ok(
    delivered > MUTATIONS / 10 && refused > MUTATIONS / 100,
    `${delivered} frames, ${refused} refused`,
  );
});

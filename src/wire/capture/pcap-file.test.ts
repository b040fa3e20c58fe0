import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createMemory } from '../../base/memory.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Result } from '../../base/result.ts';
import { Ledger, reasonNumber } from '../../record/coverage.ts';
import type { CoverageReason } from '../../record/coverage.ts';
import { addressBytes, concat, tcpFrame, u32 } from '../../../test/support/frames.ts';
import { writePcap, writePcapng } from '../../../test/support/pcap-writer.ts';
import type { CaptureFrame } from '../../../test/support/pcap-writer.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { captureFileErrorText } from './capture-file-error.ts';
import type { CaptureFileError } from './capture-file-error.ts';
import type { FrameSink } from './frame-sink.ts';
import { readCapture } from './pcap-file.ts';
import type { CaptureOptions, CaptureSummary } from './pcap-file.ts';

const MUTATIONS = 3000;
const INPUT_BYTES = 65_536;
const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** A sink that keeps a line for each frame, and checks that frames lie in the input region. */
class Frames implements FrameSink {
  readonly memory: WireMemory;
  readonly lines: string[] = [];

  constructor(memory: WireMemory) {
    this.memory = memory;
  }

  frame(
    link: number,
    start: number,
    end: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    networkInterface: number,
    outgoing: number,
  ): void {
    assert.ok(start >= this.memory.inputStart && start <= end && end <= this.memory.inputEnd);
    assert.ok(wireBytes >= end - start && nanos >= 0 && nanos < 1e9 && Number.isInteger(seconds));
    const bytes = Buffer.from(this.memory.u8.subarray(start, end)).toString('hex');
    this.lines.push(`${link} ${seconds}.${nanos} #${networkInterface} ${outgoing} ${wireBytes} ${bytes}`);
  }
}

interface Read {
  readonly result: Result<CaptureSummary, CaptureFileError>;
  readonly lines: string[];
  readonly ledger: Ledger;
  readonly summary: CaptureSummary;
  readonly error: string;
}

const MEMORY = createMemory(INPUT_BYTES, 65_536);

async function read(
  source: string | Uint8Array | Readable,
  options: Partial<CaptureOptions> = {},
  sink = new Frames(MEMORY),
): Promise<Read> {
  const ledger = new Ledger();
  const stream = source instanceof Uint8Array ? chunks(source, source.length) : source;
  const input = typeof stream === 'string' ? { path: stream } : { path: '-', stream };
  const result = await readCapture(input, sink.memory, sink, { ledger, ...options });
  const summary = result.ok ? result.value : result.error.delivered;
  const error = result.ok ? '' : captureFileErrorText(result.error);
  return { result, lines: sink.lines, ledger, summary: summary as CaptureSummary, error };
}

function chunks(bytes: Uint8Array, size: number): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) pieces.push(bytes.slice(at, at + size));
  return Readable.from(pieces);
}

let files = 0;
function save(bytes: Uint8Array | string): string {
  const path = join(FOLDER, `${files++}.pcap`);
  writeFileSync(path, bytes);
  return path;
}

function count(read: Read, reason: CoverageReason): number {
  return read.ledger.counts[reasonNumber(reason)];
}

const FRAMES: readonly CaptureFrame[] = [
  { bytes: tcpFrame({ payload: 'one' }), seconds: 1_700_000_000, nanos: 123_456_000 },
  {
    bytes: tcpFrame({ payload: 'twotwo' }).slice(0, 40),
    seconds: 1_700_000_000,
    nanos: 999_999_000,
    wireBytes: 1514,
  },
  { bytes: new Uint8Array(0), seconds: 1_700_000_001, nanos: 0 },
  { bytes: tcpFrame({ payload: 'four' }), seconds: 4_000_000_000, nanos: 1000 },
];

/** The line that `Frames` keeps of a frame. */
function lineOf(frame: CaptureFrame, link = 1): string {
  assert.ok(!(frame instanceof Uint8Array));
  const { bytes, seconds = 0, nanos = 0, wireBytes = bytes.length } = frame;
  const side = frame.outgoing === true ? 1 : 0;
  const hex = Buffer.from(bytes).toString('hex');
  return `${link} ${seconds}.${nanos} #${frame.networkInterface ?? 0} ${side} ${wireBytes} ${hex}`;
}

test('every kind of pcap gives the same frames, from a file and from standard input', async () => {
  let looked = 0;
  for (const big of [false, true]) {
    for (const kind of [{}, { nanoseconds: true }, { modified: true }]) {
      const bytes = writePcap(FRAMES, { big, ...kind });
      for (const source of [save(bytes), bytes, chunks(bytes, 1), chunks(bytes, 7)]) {
        const { result, lines, summary } = await read(source);
        assert.ok(result.ok);
        assert.deepEqual(
          lines,
          FRAMES.map((frame) => lineOf(frame)),
        );
        assert.equal(summary.format, 'pcap');
        assert.equal(summary.frames, FRAMES.length);
        assert.equal(summary.bytesRead, bytes.length);
        assert.equal(summary.warning, undefined);
        looked++;
      }
    }
  }
  assert.equal(looked, 24);
});

test('nanoseconds, directions and frame check sequences in the link field are understood', async () => {
  const frame = { bytes: tcpFrame(), seconds: 5, nanos: 123_456_789 };
  assert.deepEqual((await read(writePcap([frame], { nanoseconds: true }))).lines, [lineOf(frame)]);
  const sent = { ...frame, nanos: 1000, outgoing: true, networkInterface: 3 };
  assert.deepEqual((await read(writePcap([sent], { modified: true, big: true }))).lines, [lineOf(sent)]);
  const checked = writePcap([frame], { nanoseconds: true, link: 0x0400_0001 });
  assert.deepEqual((await read(checked)).lines, [lineOf(frame)]);
  // More than a second of microseconds is carried over.
  const odd = writePcap([frame]);
  odd.set(Uint8Array.of(0x40, 0x4b, 0x4c, 0), 28); // 5,000,000 µs
  assert.match((await read(odd)).lines[0], /^1 10\.0 /);
});

test('every kind of pcapng packet block gives the same frames in both byte orders', async () => {
  for (const big of [false, true]) {
    const enhanced = await read(writePcapng(FRAMES, { big, interfaces: [{ name: 'eth0' }] }));
    assert.deepEqual(
      enhanced.lines,
      FRAMES.map((frame) => lineOf(frame)),
    );
    assert.equal(enhanced.summary.format, 'pcapng');
    const obsolete = await read(writePcapng(FRAMES, { big, block: 'obsolete' }));
    assert.deepEqual(obsolete.lines, enhanced.lines);
    // A simple block has no time; its captured length follows from the snap length.
    const simple = await read(writePcapng(FRAMES, { big, block: 'simple', interfaces: [{ snapBytes: 40 }] }));
    const bytes = tcpFrame({ payload: 'one' });
    const line = lineOf({ bytes: bytes.slice(0, 40), seconds: 0, nanos: 0, wireBytes: bytes.length });
    assert.equal(simple.lines[0], line);
    assert.equal(simple.lines.length, FRAMES.length);
  }
});

test('pcapng times are exact in every resolution, beyond 2^32 seconds and before 1970', async () => {
  const cases: readonly (readonly [number, number, number, number])[] = [
    // Resolution, offset, seconds, nanoseconds.
    [6, 0, 1_700_000_000, 123_456_000],
    [9, 0, 1_700_000_000, 123_456_789],
    [9, 0, 9_999_999_999, 999_999_999],
    [9, 0, 18_446_744_073, 709_551_615],
    [6, 0, 2 ** 33 + 5, 1000],
    [3, 0, 1_700_000_000, 123_000_000],
    [0, 0, 1_700_000_000, 0],
    [0, 0, 2 ** 40, 0],
    [12, 1_700_000_000, 1_700_000_123, 123_456_789],
    [18, 1_700_000_000, 1_700_000_009, 987_654_321],
    [128, 0, 1_700_000_000, 0],
    [138, 0, 1_700_000_000, 500_000_000],
    [158, 0, 1_700_000_000, 250_000_000],
    [160, 1_700_000_000, 1_700_000_007, 750_000_000],
    [188, 1_700_000_000, 1_700_000_003, 750_000_000],
    [6, -1000, -1, 250_000_000],
    [9, -2_208_988_800, -2_000_000_000, 5],
  ];
  for (const [resolution, offsetS, seconds, nanos] of cases) {
    for (const big of [false, true]) {
      const frame = { bytes: tcpFrame(), seconds, nanos };
      const bytes = writePcapng([frame], { big, interfaces: [{ resolution, offsetS }] });
      const name = `resolution ${resolution}, offset ${offsetS}, ${seconds}.${nanos}`;
      assert.deepEqual((await read(bytes)).lines, [lineOf(frame)], name);
    }
  }
  // A hostile resolution gives some time, and nothing else.
  for (const resolution of [20, 40, 127, 192, 255]) {
    const bytes = writePcapng([{ bytes: tcpFrame(), seconds: 0, nanos: 0 }], {
      interfaces: [{ resolution }],
    });
    bytes.set(new Uint8Array(8).fill(0xff), bytes.indexOf(6, 28 + 32) + 12);
    assert.equal((await read(bytes)).lines.length, 1, `resolution ${resolution}`);
  }
});

test('sections have their own byte order and interfaces, and a name is one interface in all of them', async () => {
  const at = { seconds: 7, nanos: 1000 };
  const ip = tcpFrame().slice(14);
  const first = writePcapng(
    [
      { bytes: tcpFrame(), ...at },
      { bytes: ip, ...at, networkInterface: 1, outgoing: true },
    ],
    { interfaces: [{ name: 'eth0' }, { link: 101, name: 'tun0', resolution: 9 }] },
  );
  const second = writePcapng([{ bytes: ip, ...at }], {
    big: true,
    interfaces: [{ link: 101, name: 'tun0' }],
  });
  const third = writePcapng([{ bytes: tcpFrame(), ...at }]);
  const names: string[] = [];
  const { lines, summary, result } = await read(concat(first, second, third), {
    onInterface: (number, name) => names.push(`${number} ${name}`),
  });
  assert.ok(result.ok);
  assert.deepEqual(lines, [
    lineOf({ bytes: tcpFrame(), ...at }),
    lineOf({ bytes: ip, ...at, networkInterface: 1, outgoing: true }, 101),
    lineOf({ bytes: ip, ...at, networkInterface: 1 }, 101),
    lineOf({ bytes: tcpFrame(), ...at, networkInterface: 2 }),
  ]);
  assert.deepEqual(names, ['0 eth0', '1 tun0']);
  assert.equal(summary.interfaces, 3);
});

test('name blocks and drop counters of pcapng are told', async () => {
  for (const big of [false, true]) {
    const names: string[] = [];
    const bytes = writePcapng([tcpFrame()], {
      big,
      names: [
        [addressBytes('10.0.0.1'), 'web', 'web.local'],
        [addressBytes('fd00::1:0:5'), 'six'],
        [addressBytes('::'), 'none'],
      ],
      drops: 4711,
    });
    const done = await read(bytes, { onName: (address, name) => names.push(`${address} ${name}`) });
    assert.deepEqual(names, ['10.0.0.1 web', '10.0.0.1 web.local', 'fd00::1:0:5 six', ':: none']);
    assert.equal(count(done, 'kernel-drop'), 4711);
  }
});

test('unknown blocks are passed over, and frames of unknown interfaces are counted', async () => {
  const custom = concat(u32(0xbad), u32(20), u32(1), u32(2), u32(20));
  const stray = concat(u32(6), u32(32), u32(9), u32(0), u32(0), u32(0), u32(0), u32(32));
  const bytes = concat(writePcapng([tcpFrame()], { big: true }), custom, stray, custom);
  const done = await read(bytes);
  assert.ok(done.result.ok);
  assert.equal(done.lines.length, 1);
  assert.equal(done.summary.frames, 2);
  assert.equal(count(done, 'malformed-frame'), 1);
});

// Six frames of 60 bytes by `zstd -19` 1.5.4: byte i in frame i, a second apart from 1,700,000,000.
const ZSTD =
  'KLUv/WTgAPUBABKCBw7gbVQoECywJFjwsrlypzO/SAQA2bbV2jb4vuMwNQ2gQHKW7QFgeHMg6QJJF0i6INkFSc+6T45bYGcDGCRLpg==';

/** A zstd frame with one raw block, without a content size. */
function zstdRaw(bytes: Uint8Array): Uint8Array {
  const header = 1 | (bytes.length << 3);
  return concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, header, header >> 8, header >> 16), bytes);
}

test('gzip and zstd are told by their first bytes, in several members and any chunks', async () => {
  const bytes = writePcap(FRAMES);
  const expected = FRAMES.map((frame) => lineOf(frame));
  const skippable = concat(Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0), new Uint8Array(9));
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['gzip', gzipSync(bytes)],
    ['gzip', concat(gzipSync(bytes.subarray(0, 50)), gzipSync(bytes.subarray(50)))],
    ['zstd', zstdRaw(bytes)],
    ['zstd', concat(zstdRaw(bytes.subarray(0, 50)), skippable, zstdRaw(bytes.subarray(50)))],
    ['zstd', concat(skippable, zstdRaw(bytes))],
  ];
  for (const [compression, compressed] of cases) {
    for (const source of [save(compressed), chunks(compressed, 1), chunks(compressed, 1000)]) {
      const { result, lines, summary } = await read(source);
      assert.ok(result.ok, captureText(result));
      assert.deepEqual(lines, expected);
      assert.equal(summary.compression, compression);
      assert.equal(summary.bytesRead, compressed.length);
    }
  }
  const real = await read(Buffer.from(ZSTD, 'base64'));
  assert.equal(real.lines.length, 6);
  assert.equal(
    real.lines[5],
    lineOf({ bytes: new Uint8Array(60).fill(5), seconds: 1_700_000_005, nanos: 0 }),
  );
});

function captureText(result: Result<unknown, CaptureFileError>): string {
  return result.ok ? '' : captureFileErrorText(result.error);
}

test('a compressed file that is larger than the input region comes through whole', async () => {
  const frames = Array.from({ length: 5000 }, (_, i) => tcpFrame({ payload: `${i} `.repeat(20) }));
  const bytes = writePcap(frames);
  assert.ok(bytes.length > 8 * INPUT_BYTES);
  const plain = await read(save(bytes));
  const gzip = await read(save(gzipSync(bytes)));
  assert.equal(plain.lines.length, 5000);
  assert.deepEqual(gzip.lines, plain.lines);
});

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
      // Only the checksum may be missing from a file that ends without a word.
      if (done.result.ok) assert.ok(done.summary.warning !== undefined || done.lines.length === truth.length);
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
  rmSync(folder, { recursive: true, force: true });
  const { mkdirSync } = await import('node:fs');
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

test('a file without the right to read it is named', { skip: skipForRoot() }, async () => {
  const path = save(writePcap(FRAMES));
  chmodSync(path, 0);
  assert.match((await read(path)).error, /may not be read by this user; check its permissions$/);
});

function skipForRoot(): string | false {
  return process.getuid?.() === 0 ? 'root may read everything' : false;
}

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

class Counter implements FrameSink {
  frames = 0;
  frame(): void {
    this.frames++;
  }
}

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

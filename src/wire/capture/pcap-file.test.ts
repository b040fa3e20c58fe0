import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { addressBytes, concat, tcpFrame, u32 } from '../../../test/support/frames.ts';
import {
  FRAMES,
  INPUT_BYTES,
  ZSTD,
  chunks,
  count,
  lineOf,
  read,
  save,
  zstdRaw,
} from '../../../test/support/capture-reader.ts';
import { writePcap, writePcapng } from '../../../test/support/pcap-writer.ts';

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

test('sections have their own byte order and interfaces, and a name is one interface', async () => {
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
      const { result, lines, summary, error } = await read(source);
      assert.ok(result.ok, error);
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

test('a compressed file that is larger than the input region comes through whole', async () => {
  const frames = Array.from({ length: 5000 }, (_, i) => tcpFrame({ payload: `${i} `.repeat(20) }));
  const bytes = writePcap(frames);
  assert.ok(bytes.length > 8 * INPUT_BYTES);
  const plain = await read(save(bytes));
  const gzip = await read(save(gzipSync(bytes)));
  assert.equal(plain.lines.length, 5000);
  assert.deepEqual(gzip.lines, plain.lines);
});

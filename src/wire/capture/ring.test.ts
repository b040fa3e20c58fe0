import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createMemory } from '../../base/memory.ts';
import { libc } from './libc.ts';
import { openRing } from './ring.ts';
import type { Mapping, Ring, RingOptions } from './ring.ts';
import { noCapture } from '../../../test/support/rights.ts';
import { DatagramSink, sendDatagrams } from '../../../test/support/udp.ts';

const MIB = 1024 * 1024;
/** More waits than any of these tests needs; each ends as soon as a block is there. */
const POLLS_MAX = 100;
const skip = noCapture();

function loopback(): number {
  const index = libc()?.if_nametoindex('lo') ?? 0;
  assert.ok(index > 0, 'there is a loopback interface');
  return index;
}

function open(
  t: TestContext,
  options: Partial<RingOptions> = {},
): { ring: Ring; memory: RingOptions['memory'] } {
  const memory = options.memory ?? createMemory(4 * MIB, MIB);
  const opened = openRing({
    memory,
    start: memory.inputStart,
    bytes: 4 * MIB,
    interfaceIndex: loopback(),
    mapping: 'auto',
    ignoreOutgoing: true,
    ...options,
  });
  if (!opened.ok) assert.fail(opened.error.message);
  const ring = opened.value;
  t.after(() => ring.close());
  return { ring, memory };
}

function pollUntil(ring: Ring, sink: DatagramSink, frames: number): void {
  for (let polls = 0; polls < POLLS_MAX && sink.frames.length < frames; polls++) ring.poll(sink, 50);
  ring.poll(sink, 50); // What came too often would come now.
}

test('each packet on lo is delivered once, whole and in order, by both mappings', { skip }, async (t) => {
  const seen: string[][] = [];
  const rings: { ring: Ring; sink: DatagramSink; mapping: Mapping }[] = [];
  for (const mapping of ['wasm', 'copy'] as const) {
    const { ring, memory } = open(t, { mapping });
    assert.equal(ring.mapping, mapping);
    rings.push({ ring, sink: new DatagramSink(memory, 41_001), mapping });
  }
  await sendDatagrams(41_001, 3000, 300, () => {
    for (const { ring, sink } of rings) ring.read(sink);
  });
  for (const { ring, sink } of rings) {
    pollUntil(ring, sink, 3000);
    assert.deepEqual(
      sink.ordinals(),
      Array.from({ length: 3000 }, (_, ordinal) => ordinal),
    );
    assert.equal(sink.cut, 0);
    assert.deepEqual([...sink.interfaces], [loopback()]);
    assert.ok(sink.outgoing.every((outgoing) => outgoing === 0));
    const statistics = ring.statistics();
    assert.equal(statistics.drops, 0);
    assert.ok(statistics.packets >= 3000);
    assert.ok(ring.statistics().packets < 3000, 'the kernel counts from the last reading');
    seen.push(sink.frames);
    ring.close();
  }
  assert.deepEqual(seen[0], seen[1]);
});

test('on all interfaces a loopback packet is delivered once as well', { skip }, async (t) => {
  const { ring, memory } = open(t, { interfaceIndex: 0, ignoreOutgoing: false });
  const sink = new DatagramSink(memory, 41_002);
  await sendDatagrams(41_002, 200, 100, () => ring.read(sink));
  pollUntil(ring, sink, 200);
  assert.equal(sink.frames.length, 200);
  assert.ok(ring.tally[1] >= 200, 'the outgoing halves were left out by the reader');
  ring.close();
});

test('packets of 64 KiB are delivered whole', { skip }, async (t) => {
  const { ring, memory } = open(t);
  const sink = new DatagramSink(memory, 41_003);
  await sendDatagrams(41_003, 20, 65_507, () => ring.read(sink));
  pollUntil(ring, sink, 20);
  assert.deepEqual(
    sink.frames.map((frame) => frame.length),
    Array.from({ length: 20 }, () => 14 + 20 + 8 + 65_507),
  );
  assert.equal(sink.cut, 0);
  ring.close();
});

test('a closed ring leaves ordinary pages in the memory and its socket closed', { skip }, async (t) => {
  const { ring, memory } = open(t, { mapping: 'wasm' });
  const sink = new DatagramSink(memory, 41_004);
  await sendDatagrams(41_004, 10, 100);
  pollUntil(ring, sink, 10);
  assert.equal(sink.frames.length, 10);
  ring.close();
  ring.close();
  assert.equal(ring.read(sink), 0);
  assert.ok(memory.u8.subarray(memory.inputStart, memory.inputEnd).every((byte) => byte === 0));
  memory.u8.fill(7, memory.inputStart, memory.inputEnd);
  assert.equal(memory.u8[memory.inputEnd - 1], 7);
  const again = open(t, { mapping: 'wasm', memory });
  await sendDatagrams(41_005, 10, 100);
  const second = new DatagramSink(memory, 41_005);
  pollUntil(again.ring, second, 10);
  assert.equal(second.frames.length, 10);
  again.ring.close();
});

test('a stalled reader loses packets, and the kernel counts each', { skip }, async (t) => {
  const memory = createMemory(MIB, MIB);
  const { ring } = open(t, { memory, bytes: 512 * 1024, blockBytes: 256 * 1024 });
  const sink = new DatagramSink(memory, 41_006);
  await sendDatagrams(41_006, 100, 30_000);
  while (ring.poll(sink, 50) > 0);
  const { packets, drops, freezes } = ring.statistics();
  assert.ok(sink.frames.length > 0 && sink.frames.length < 100, 'a part was delivered');
  assert.ok(drops >= 100 - sink.frames.length, 'what was not delivered was counted');
  assert.equal(packets - drops, sink.all, 'what was not dropped was delivered');
  assert.ok(freezes > 0);
  ring.close();
});

test('many rings opened and closed leave no descriptor and no mapping', { skip }, (t) => {
  const memory = createMemory(4 * MIB, MIB);
  const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('socket:').length;
  const before = mappings();
  for (let round = 0; round < 20; round++) {
    const { ring } = open(t, { memory, mapping: round % 2 === 0 ? 'wasm' : 'copy' });
    assert.equal(mappings(), before + 1);
    ring.close();
  }
  assert.equal(mappings(), before);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFixture, nanosOf, putTime, randomCall } from '../../test/support/call-fixture.ts';
import { randomFrom } from '../../test/support/random.ts';
import { CallBatch } from './call-batch.ts';
import { FLAG_TRUNCATED } from './codes.ts';
import { NativeEncoder } from './native.ts';
import { readBlock } from './native-reader.ts';
import * as oc from './open-call.ts';
import { CALL_COLUMNS } from './schema.ts';
import type { Block } from './block.ts';

function encoded(fixture: ReturnType<typeof createFixture>, batch: CallBatch): Block {
  const read = readBlock(new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch));
  assert.ok(read.ok);
  return read.value;
}

test('times are exact to the nanosecond, from 1970 to 2106, and durations beyond 32 bits too', () => {
  const fixture = createFixture();
  const batch = new CallBatch(fixture.memory, 64, 64);
  fixture.memory.i32.fill(0, fixture.openCall >> 2, (fixture.openCall + oc.OPEN_CALL_BYTES) >> 2);
  const moments: [number, number, number, number][] = [
    [0, 0, 0, 1],
    [1_790_000_000, 999_999_999, 1_790_000_001, 0],
    [1_790_000_000, 1, 1_790_000_000, 1],
    [1_790_000_000, 0, 1_790_000_004, 294_967_295],
    [1_790_000_000, 0, 1_790_000_004, 294_967_296],
    [1_790_000_000, 5, 1_790_000_004, 294_967_302],
    [2 ** 31 - 1, 999_999_999, 2 ** 31, 0],
    [2 ** 31, 0, 2 ** 31 + 100_000, 7],
    [0, 0, 2 ** 32 - 1, 999_999_999],
    [2 ** 32 - 1, 999_999_998, 2 ** 32 - 1, 999_999_999],
  ];
  for (const [seconds, nanos, endSeconds, endNanos] of moments) {
    putTime(fixture, oc.OC_START, seconds, nanos);
    putTime(fixture, oc.OC_END, endSeconds, endNanos);
    assert.ok(batch.add(fixture.openCall, fixture.context));
  }
  const block = encoded(fixture, batch);
  moments.forEach(([seconds, nanos, endSeconds, endNanos], row) => {
    assert.equal(block.u64('start', row), String(nanosOf(seconds, nanos)));
    assert.equal(block.u64('end', row), String(nanosOf(endSeconds, endNanos) - nanosOf(seconds, nanos)));
  });
  assert.equal(block.time('start', 1), '2026-09-21T14:13:20.999999999Z');
});

test('a later time that is unset, or before the start, is a duration of 0', () => {
  const fixture = createFixture();
  const batch = new CallBatch(fixture.memory, 4, 64);
  fixture.memory.i32.fill(0, fixture.openCall >> 2, (fixture.openCall + oc.OPEN_CALL_BYTES) >> 2);
  putTime(fixture, oc.OC_START, 100, 500);
  putTime(fixture, oc.OC_REQUEST_END, 100, 499);
  putTime(fixture, oc.OC_FIRST_BYTE, 99, 999_999_999);
  assert.ok(batch.add(fixture.openCall, fixture.context));
  const block = encoded(fixture, batch);
  assert.deepEqual(
    [block.u64('request_end', 0), block.u64('first_byte', 0), block.u64('end', 0)],
    ['0', '0', '0'],
  );
});

test('a batch refuses the row that it has no room for, and takes it once cleared', () => {
  const fixture = createFixture();
  const random = randomFrom(3);
  const target = fixture.openCall + 4096;
  const fill = (bytes: number): void => {
    randomCall(fixture, random, [0]);
    fixture.memory.i32[(fixture.openCall >> 2) + oc.OC_TARGET] = target;
    fixture.memory.i32[(fixture.openCall >> 2) + oc.OC_TARGET_BYTES] = bytes;
    fixture.memory.i32[(fixture.openCall >> 2) + oc.OC_FLAGS] = 0;
    fixture.context.flags = 0;
  };
  const rows = new CallBatch(fixture.memory, 2, 1000);
  fill(1);
  assert.ok(rows.add(fixture.openCall, fixture.context));
  assert.ok(rows.add(fixture.openCall, fixture.context));
  assert.equal(rows.add(fixture.openCall, fixture.context), false);
  assert.equal(rows.count, 2);
  rows.clear();
  assert.ok(rows.add(fixture.openCall, fixture.context));

  const bytes = new CallBatch(fixture.memory, 10, 100);
  fill(60);
  assert.ok(bytes.add(fixture.openCall, fixture.context));
  assert.equal(bytes.add(fixture.openCall, fixture.context), false);
  bytes.clear();
  assert.ok(bytes.add(fixture.openCall, fixture.context));
  bytes.clear();
  fill(101);
  assert.ok(bytes.add(fixture.openCall, fixture.context), 'a target larger than the batch is cut');
  const block = encoded(fixture, bytes);
  assert.equal(block.bytes('target', 0).length, 100);
  assert.equal(block.number('flags', 0), FLAG_TRUNCATED);
});

test('adding a call allocates nothing', () => {
  const fixture = createFixture();
  randomCall(fixture, randomFrom(5), [1]);
  putTime(fixture, oc.OC_START, 1_790_000_000, 5);
  putTime(fixture, oc.OC_END, 1_790_000_007, 4);
  const batch = new CallBatch(fixture.memory, 1000, 1000 * 300);
  let added = 0;
  const addMany = (): void => {
    for (let round = 0; round < 100; round++) {
      batch.clear();
      for (let row = 0; row < 1000; row++) if (batch.add(fixture.openCall, fixture.context)) added++;
    }
  };
  addMany();
  addMany();
  const before = process.memoryUsage().heapUsed;
  addMany();
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(added, 300_000);
  // 100,000 calls; a single number on the heap for each would be 1.2 MB.
  assert.ok(grown < 100_000, `${grown} bytes for 100,000 calls`);
});

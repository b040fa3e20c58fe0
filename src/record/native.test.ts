import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createFixture,
  decodedCells,
  randomBatch,
  randomCall,
  randomStrings,
} from '../../test/support/call-fixture.ts';
import { randomFrom } from '../../test/support/random.ts';
import { CallBatch } from './call-batch.ts';
import { NativeEncoder } from './native.ts';
import { readBlock } from './native-reader.ts';
import { CALL_COLUMNS } from './schema.ts';
import type { Block } from './block.ts';

function blockOf(bytes: Uint8Array): Block {
  const read = readBlock(bytes);
  assert.ok(read.ok, read.ok ? '' : read.error);
  return read.value;
}

test('thousands of random calls come back from a block as they went in', () => {
  for (const seed of [1, 2, 3]) {
    const random = randomFrom(seed);
    const fixture = createFixture();
    const strings = randomStrings(fixture, random, 400);
    const { batch, expected } = randomBatch(fixture, random, 2000, strings);
    const bytes = new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch);
    const block = blockOf(bytes);
    assert.equal(block.end, bytes.length);
    assert.equal(block.rows, 2000);
    assert.equal(block.columns.length, CALL_COLUMNS.length);
    for (let row = 0; row < block.rows; row++) {
      assert.deepEqual(decodedCells(block, row), expected[row], `seed ${seed}, row ${row}`);
    }
  }
});

test('an encoder gives equal blocks for equal batches, whatever it encoded before', () => {
  const random = randomFrom(7);
  const fixture = createFixture();
  const strings = randomStrings(fixture, random, 50);
  const first = randomBatch(fixture, random, 300, strings).batch;
  const second = randomBatch(fixture, random, 200, strings).batch;
  const encoder = new NativeEncoder(CALL_COLUMNS, fixture.strings);
  const bytes = encoder.encode(first);
  encoder.encode(second);
  assert.deepEqual(encoder.encode(first), bytes);
});

test('an empty batch is a block of names and types without rows', () => {
  const fixture = createFixture();
  const batch = new CallBatch(fixture.memory, 1, 1);
  const block = blockOf(new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch));
  assert.equal(block.rows, 0);
  assert.deepEqual(
    block.columns.map(({ name, type }) => ({ name, type })),
    CALL_COLUMNS.map(({ name, type }) => ({ name, type })),
  );
});

test('a dictionary of 256, 257, 65,536 and 65,537 texts has indexes that are wide enough', () => {
  const fixture = createFixture(70_000);
  const random = randomFrom(11);
  const ids = randomStrings(fixture, random, 65_537);
  const batch = new CallBatch(fixture.memory, 65_537, 8 * 1024 * 1024);
  const encoder = new NativeEncoder(CALL_COLUMNS, fixture.strings);
  randomCall(fixture, random, [ids[0]]);
  fixture.memory.i32[(fixture.openCall >> 2) + 20] = 0;
  for (const count of [256, 257, 65_536, 65_537]) {
    batch.clear();
    for (let row = 0; row < count; row++) {
      fixture.memory.i32[(fixture.openCall >> 2) + 18] = ids[row];
      assert.ok(batch.add(fixture.openCall, fixture.context));
    }
    const block = blockOf(encoder.encode(batch));
    assert.equal(block.rows, count);
    for (let row = 0; row < count; row += 255) {
      assert.equal(block.text('host', row), fixture.strings.text(ids[row]));
    }
    assert.equal(block.text('host', count - 1), fixture.strings.text(ids[count - 1]));
  }
});

test('a block cut anywhere is an error, and a changed byte never throws', () => {
  const random = randomFrom(13);
  const fixture = createFixture();
  const { batch } = randomBatch(fixture, random, 5, randomStrings(fixture, random, 5));
  const bytes = new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(readBlock(bytes.subarray(0, length)).ok, false, `cut at ${length}`);
  }
  let refused = 0;
  for (let trial = 0; trial < 20_000; trial++) {
    const hostile = bytes.slice();
    for (let change = random.below(3); change >= 0; change--) {
      hostile[random.below(hostile.length)] = random.pick([0, 0x7f, 0x80, 0xff, random.below(256)]);
    }
    const read = readBlock(hostile);
    if (!read.ok) refused++;
    else {
      for (let row = 0; row < read.value.rows; row++) {
        for (const column of read.value.columns) {
          if (column.kind === 'text' || column.kind === 'name') read.value.text(column.name, row);
          else if (column.kind === 'list') read.value.u64List(column.name, row);
          else read.value.bytes(column.name, row);
        }
      }
    }
  }
  assert.ok(refused > 1000 && refused < 20_000, `seed 13: ${refused} refused`);
});

test('heads that promise too much are refused before anything is made of them', () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x07];
  assert.equal(readBlock(new Uint8Array([...huge, 1])).ok, false);
  assert.equal(readBlock(new Uint8Array([1, ...huge, 1, 0x61, 6, ...Buffer.from('String')])).ok, false);
  assert.equal(readBlock(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])).ok, false);
  assert.equal(readBlock(new Uint8Array([0, 5])).ok, false);
  const wide = new Uint8Array([1, 1, 1, 0x61, 14, ...Buffer.from('FixedString(0)'), 0]);
  assert.equal(readBlock(wide).ok, false);
});

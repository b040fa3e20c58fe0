import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from '../../../test/support/random.ts';
import { DEFAULT_LIMITS } from '../../base/limits.ts';
import { createMemory } from '../../base/memory.ts';
import { Slabs } from '../../base/slab.ts';
import { D_SEGMENT_BYTES, D_SEGMENT_COUNT, D_SEGMENTS } from './row.ts';
import { S_SEQUENCE, SEGMENT_HEAD_BYTES, Segments } from './segments.ts';

function setUp(segmentsMax = 512, bytesMax = 1 << 20) {
  const memory = createMemory(65_536, 8 * 1024 * 1024);
  const slabs = new Slabs(memory, memory.heapStart + 4096, memory.heapEnd);
  const limits = {
    ...DEFAULT_LIMITS,
    reassemblySegmentsPerConnection: segmentsMax,
    reassemblyBytesPerConnection: bytesMax,
  };
  const segments = new Segments(memory, slabs, limits);
  const d = memory.heapStart >> 2;
  const insert = (sequence: number, text: string): boolean => {
    memory.u8.set(Buffer.from(text), memory.inputStart);
    const end = memory.inputStart + text.length;
    return segments.insert(d, sequence | 0, memory.inputStart, end, text.length, 0, 1, 2);
  };
  const shift = (): string => {
    const slab = segments.shift(d);
    const bytes = memory.u8.slice(slab + SEGMENT_HEAD_BYTES, slab + SEGMENT_HEAD_BYTES + 3);
    const text = `${memory.i32[(slab >> 2) + S_SEQUENCE]} ${Buffer.from(bytes).toString()}`;
    segments.release(slab);
    return text;
  };
  return { memory, slabs, segments, d, insert, shift };
}

describe('segments that wait', () => {
  it('are in order of their sequence numbers, past the wrap', () => {
    const { slabs, insert, shift } = setUp();
    for (const sequence of [0x7ffffffe, -10, 0x7ffffff0, 5]) {
      assert.ok(insert(sequence, 'abc'));
    }
    // 0x7ffffff0, 0x7ffffffe are before -10 (0xfffffff6)? They are half a circle before it.
    const order = [shift(), shift(), shift(), shift()].map((text) => Number(text.split(' ')[0]));
    for (let k = 1; k < order.length; k++) assert.ok(((order[k] - order[k - 1]) | 0) > 0, order.join());
    assert.equal(slabs.usedBytes, 0);
  });

  it('keep one of equal copies, and the longer one besides a shorter', () => {
    const { memory, d, insert } = setUp();
    assert.ok(insert(100, 'abc'));
    assert.ok(insert(100, 'abc'));
    assert.ok(insert(100, 'ab'));
    assert.equal(memory.i32[d + D_SEGMENT_COUNT], 1);
    assert.ok(insert(100, 'abcdef'));
    assert.equal(memory.i32[d + D_SEGMENT_COUNT], 2);
  });

  it('are bounded in number and bytes', () => {
    const few = setUp(3);
    assert.deepEqual(
      [1, 2, 3, 4].map((k) => few.insert(k * 10, 'abc')),
      [true, true, true, false],
    );
    const small = setUp(512, 10);
    assert.deepEqual(
      [1, 2, 3, 4].map((k) => small.insert(k * 10, 'abcd')),
      [true, true, false, false],
    );
    assert.equal(small.memory.i32[small.d + D_SEGMENT_BYTES], 8);
  });

  it('give all slabs back, shifted or dropped', () => {
    const random = randomFrom(3);
    const { memory, slabs, segments, d, insert, shift } = setUp();
    let most = 0;
    for (let step = 0; step < 3000; step++) {
      if (random.below(3) > 0) insert(random.below(100_000), 'x'.repeat(3 + random.below(200)));
      else if (memory.i32[d + D_SEGMENTS] !== 0) shift();
      most = Math.max(most, memory.i32[d + D_SEGMENT_COUNT]);
    }
    assert.ok(most > 100);
    const held = memory.i32[d + D_SEGMENT_BYTES];
    assert.equal(segments.drop(d), held);
    assert.equal(memory.i32[d + D_SEGMENT_COUNT], 0);
    assert.equal(memory.i32[d + D_SEGMENT_BYTES], 0);
    assert.equal(slabs.usedBytes, 0);
  });
});

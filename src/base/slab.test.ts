import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from '../../test/support/random.ts';
import { createMemory } from './memory.ts';
import { SLAB_BYTES_MAX, slabCapacity, Slabs } from './slab.ts';

const HEAP_BYTES = 4 * SLAB_BYTES_MAX;
/** Refusals after which free slabs are certain to have been joined again. */
const TRIES_MAX = HEAP_BYTES / 64;

function makeSlabs(): Slabs {
  const memory = createMemory(65_536, HEAP_BYTES);
  return new Slabs(memory, memory.heapStart, memory.heapEnd);
}

/** All that there is of one size. */
function fill(slabs: Slabs, bytes: number): number[] {
  const addresses: number[] = [];
  for (let address = slabs.alloc(bytes); address !== 0; address = slabs.alloc(bytes)) addresses.push(address);
  return addresses;
}

function allocAtLast(slabs: Slabs, bytes: number): number {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const address = slabs.alloc(bytes);
    if (address !== 0) return address;
  }
  return 0;
}

describe('slabs', () => {
  it('a heap cut into small slabs has large ones again once they are free', () => {
    const slabs = makeSlabs();
    const small = fill(slabs, 64);
    assert.equal(small.length, HEAP_BYTES / 64);
    assert.equal(slabs.usedBytes, HEAP_BYTES);
    for (const address of small) slabs.free(address, 64);
    assert.equal(slabs.usedBytes, 0);
    for (let count = 0; count < 4; count++) assert.notEqual(allocAtLast(slabs, SLAB_BYTES_MAX), 0);
    assert.equal(allocAtLast(slabs, 64), 0);
  });

  it('a heap cut into large slabs has small ones again once they are free', () => {
    const slabs = makeSlabs();
    const large = fill(slabs, SLAB_BYTES_MAX);
    assert.equal(large.length, 4);
    for (const address of large) slabs.free(address, SLAB_BYTES_MAX);
    assert.equal(fill(slabs, 512).length, HEAP_BYTES / 512);
  });

  it('no two slabs overlap, and all memory comes back, whatever the order', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = randomFrom(seed);
      const slabs = makeSlabs();
      const units = new Uint8Array(HEAP_BYTES / 64);
      const held: { address: number; bytes: number }[] = [];
      const first = slabs.alloc(64);
      slabs.free(first, 64);
      let made = 0;
      let refused = 0;
      const mark = (address: number, bytes: number, value: number): void => {
        const from = (address - first) >> 6;
        for (let unit = from; unit < from + slabCapacity(bytes) / 64; unit++) {
          assert.notEqual(units[unit], value, `seed ${seed}: unit ${unit}`);
          units[unit] = value;
        }
      };
      for (let turn = 0; turn < 20_000; turn++) {
        // Waves: it fills up, and becomes empty.
        if (random.below(10) < (turn % 4000 < 2500 ? 8 : 2)) {
          const bytes = 1 + random.below(2 ** random.below(18));
          const address = slabs.alloc(bytes);
          if (address === 0) refused++;
          else {
            made++;
            mark(address, bytes, 1);
            held.push({ address, bytes });
          }
        } else if (held.length > 0) {
          const [{ address, bytes }] = held.splice(random.below(held.length), 1);
          mark(address, bytes, 0);
          slabs.free(address, bytes);
        }
      }
      assert.ok(made > 5000 && refused > 10, `seed ${seed}: ${made} made, ${refused} refused`);
      for (const { address, bytes } of held) slabs.free(address, bytes);
      assert.equal(slabs.usedBytes, 0);
      for (let count = 0; count < 4; count++) {
        assert.notEqual(allocAtLast(slabs, SLAB_BYTES_MAX), 0, `seed ${seed}: ${count}`);
      }
    }
  });
});

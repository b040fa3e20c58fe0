import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from '../../../test/support/random.ts';
import { createMemory } from '../../base/memory.ts';
import { Packet, TRANSPORT_TCP, TRANSPORT_UDP } from '../decode/packet.ts';
import { ConnectionTable } from './connection-table.ts';
import { R_CLIENT, R_KIND, R_PORTS, ROW_WORDS } from './row.ts';

const CAPACITY = 5000;

interface End {
  readonly address: readonly number[];
  readonly port: number;
}

function setUp(capacity = CAPACITY, seed = 11) {
  const memory = createMemory(65_536, 4 * 1024 * 1024);
  const table = new ConnectionTable(memory, memory.heapStart, capacity, seed);
  const packet = new Packet();
  const point = (source: End, target: End, transport = TRANSPORT_TCP): Packet => {
    memory.u8.set(source.address, memory.inputStart + 3);
    memory.u8.set(target.address, memory.inputStart + 40);
    packet.sourceAt = memory.inputStart + 3;
    packet.targetAt = memory.inputStart + 40;
    packet.addressBytes = source.address.length;
    packet.version = source.address.length === 4 ? 4 : 6;
    packet.sourcePort = source.port;
    packet.targetPort = target.port;
    packet.transport = transport;
    return packet;
  };
  return { memory, table, point };
}

const ONE: End = { address: [10, 0, 0, 1], port: 40_000 };
const TWO: End = { address: [10, 0, 0, 2], port: 80 };
const SIX: End = { address: [0xfd, ...Array.from({ length: 14 }, () => 0), 1], port: 40_000 };
const SIX_TOO: End = { address: [0xfd, ...Array.from({ length: 14 }, () => 0), 2], port: 80 };

describe('the connection table', () => {
  it('finds both directions of a connection in one row', () => {
    const { table, point } = setUp();
    for (const [one, two] of [
      [ONE, TWO],
      [SIX, SIX_TOO],
    ]) {
      assert.equal(table.find(point(one, two)), 0);
      const forth = table.direction;
      const at = table.create();
      assert.notEqual(at, 0);
      assert.equal(table.find(point(one, two)), at);
      assert.equal(table.find(point(two, one)), at);
      assert.equal(table.direction, 1 - forth);
    }
    assert.equal(table.count, 2);
  });

  it('tells apart by port, transport and version', () => {
    const { table, point } = setUp();
    table.find(point(ONE, TWO));
    table.create();
    assert.equal(table.find(point(ONE, { ...TWO, port: 81 })), 0);
    assert.equal(table.find(point({ ...ONE, port: 40_001 }, TWO)), 0);
    assert.equal(table.find(point(ONE, TWO, TRANSPORT_UDP)), 0);
    assert.equal(table.find(point(SIX, SIX_TOO)), 0);
    // The same ports the other way round are another connection.
    assert.equal(table.find(point({ ...ONE, port: 80 }, { ...TWO, port: 40_000 })), 0);
  });

  it('has a row for a host that talks to itself', () => {
    const { table, point } = setUp();
    const self: End = { address: ONE.address, port: 80 };
    table.find(point(ONE, self));
    const at = table.create();
    assert.equal(table.find(point(self, ONE)), at);
    assert.equal(table.find(point(self, self)), 0);
  });

  it('hands out zeroed rows, the last freed first', () => {
    const { memory, table, point } = setUp();
    table.find(point(ONE, TWO));
    const at = table.create();
    memory.i32.fill(0x5a5a5a5a, at + R_CLIENT + 1, at + ROW_WORDS);
    table.detach(at);
    assert.equal(table.find(point(ONE, TWO)), 0, 'a detached row is not found');
    table.free(at);
    table.find(point(SIX, SIX_TOO));
    assert.equal(table.create(), at);
    const words = memory.i32.subarray(at + R_CLIENT + 1, at + ROW_WORDS);
    assert.ok(words.every((word) => word === 0));
    assert.equal(memory.i32[at + R_CLIENT], -1);
  });

  it('answers 0 when it is full, and goes on once there is room', () => {
    const { table, point } = setUp(3);
    const rows = [1, 2, 3].map((port) => {
      table.find(point({ ...ONE, port }, TWO));
      return table.create();
    });
    assert.ok(rows.every((at) => at !== 0));
    table.find(point({ ...ONE, port: 4 }, TWO));
    assert.equal(table.create(), 0);
    table.detach(rows[1]);
    table.free(rows[1]);
    table.find(point({ ...ONE, port: 4 }, TWO));
    assert.equal(table.create(), rows[1]);
    assert.equal(table.count, 3);
  });

  it('holds thousands of rows that come and go, against a plain map', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = randomFrom(seed);
      const { memory, table, point } = setUp(CAPACITY, seed);
      const known = new Map<string, number>();
      let looked = 0;
      for (let step = 0; step < 40_000; step++) {
        const address = [10, 0, random.below(3), random.below(8)];
        const one: End = { address, port: 1000 + random.below(400) };
        const packet = random.oneIn(2) ? point(one, TWO) : point(TWO, one);
        const key = `${address.join('.')}:${one.port}`;
        const at = table.find(packet);
        assert.equal(at, known.get(key) ?? 0, `seed ${seed}, step ${step}`);
        looked++;
        if (at === 0 && known.size < CAPACITY) known.set(key, table.create());
        else if (at !== 0 && random.oneIn(3)) {
          assert.notEqual(memory.i32[at + R_KIND], 0);
          assert.notEqual(memory.i32[at + R_PORTS], 0);
          table.detach(at);
          table.free(at);
          known.delete(key);
        }
      }
      assert.equal(table.count, known.size);
      assert.ok(looked > 1000 && table.used > 1000 && table.used <= CAPACITY);
    }
  });
});

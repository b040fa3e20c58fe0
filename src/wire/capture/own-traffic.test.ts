import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemory } from '../../base/memory.ts';
import { Packet } from '../decode/packet.ts';
import { OwnTraffic } from './own-traffic.ts';

const memory = createMemory(65_536, 65_536);

function packet(
  source: readonly number[],
  sourcePort: number,
  target: readonly number[],
  targetPort: number,
): Packet {
  const made = new Packet();
  made.sourceAt = memory.inputStart;
  made.targetAt = memory.inputStart + 16;
  made.addressBytes = source.length;
  made.sourcePort = sourcePort;
  made.targetPort = targetPort;
  memory.u8.set(source, made.sourceAt);
  memory.u8.set(target, made.targetAt);
  return made;
}

const A = [10, 0, 0, 1];
const B = [10, 0, 0, 2];
const A6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34];
const B6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x35];

test('nothing is own traffic until something is added', () => {
  assert.equal(new OwnTraffic().matches(packet(A, 8080, B, 50_000), memory), false);
});

test('a port on an address is own in both directions, and not on another address or port', () => {
  const own = new OwnTraffic();
  assert.equal(own.add(8123, '10.0.0.1'), true);
  assert.equal(own.matches(packet(A, 8123, B, 50_000), memory), true);
  assert.equal(own.matches(packet(B, 50_000, A, 8123), memory), true);
  assert.equal(own.matches(packet(A, 50_000, B, 8123), memory), false);
  assert.equal(own.matches(packet(A, 8124, B, 50_000), memory), false);
  assert.equal(own.add(8123, '10.0.0.2'), true);
  assert.equal(own.matches(packet(A, 50_000, B, 8123), memory), true);
});

test('a port without an address is own everywhere', () => {
  const own = new OwnTraffic();
  assert.equal(own.add(4317), true);
  assert.equal(own.add(4317, '10.0.0.1'), true);
  assert.equal(own.matches(packet(A, 50_000, B, 4317), memory), true);
  assert.equal(own.matches(packet(A6, 4317, B6, 50_000), memory), true);
});

test('IPv6 addresses are read in all their forms', () => {
  for (const text of ['fe80::1234', 'fe80:0:0:0:0:0:0:1234', 'FE80::1234%eth0', 'fe80::0.0.18.52']) {
    const own = new OwnTraffic();
    assert.equal(own.add(443, text), true, text);
    assert.equal(own.matches(packet(A6, 443, B6, 50_000), memory), true, text);
    assert.equal(own.matches(packet(B6, 443, A6, 50_000), memory), false, text);
  }
});

test('an IPv4 address written as IPv6 is the IPv4 address', () => {
  const own = new OwnTraffic();
  assert.equal(own.add(443, '::ffff:10.0.0.1'), true);
  assert.equal(own.matches(packet(A, 443, B, 50_000), memory), true);
});

test('what is no address or port is refused', () => {
  const own = new OwnTraffic();
  for (const text of ['localhost', '', '10.0.0', '10.0.0.1:80', ':::', 'fe80::1::2']) {
    assert.equal(own.add(80, text), false, text);
  }
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) assert.equal(own.add(port), false);
  assert.equal(own.matches(packet(A, 80, B, 50_000), memory), false);
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createMemory } from '../../base/memory.ts';
import { Ledger } from '../../record/coverage.ts';
import { LINK_ETHERNET, LINK_RAW } from '../decode/packet.ts';
import { openLive } from './live-source.ts';
import type { FrameSink } from './frame-sink.ts';
import { LINK_UNREADABLE, readBlock } from './ring-block.ts';
import { Network, interfaceName, noNamespaces } from '../../../test/support/netns.ts';
import { Tun, datagram, sendFrame } from '../../../test/support/raw-frames.ts';
import { noCapture } from '../../../test/support/rights.ts';
import { DatagramSink } from '../../../test/support/udp.ts';

const MIB = 1024 * 1024;
const POLLS_MAX = 100;
const noRight = noCapture();
const skip = noRight !== false ? noRight : noNamespaces();
const skipTun = skip === false && !existsSync('/dev/net/tun') ? 'no /dev/net/tun here' : skip;

test('a VLAN tag is not in the bytes of a frame, and frames that had one are counted', { skip }, (t) => {
  const network = new Network();
  t.after(() => network.close());
  const near = interfaceName('n');
  const far = interfaceName('f');
  network.veth({ name: near }, { name: far });
  const memory = createMemory(MIB, 65_536);
  const opened = openLive({ memory, interfaces: [near], workers: 1, ledger: new Ledger() });
  assert.ok(opened.ok);
  t.after(() => opened.value.close());
  const packet = datagram(43_001, Buffer.from('tagged'));
  const addresses = Buffer.from('ffffffffffff020000000001', 'hex');
  const tagged = Buffer.concat([addresses, Buffer.from('8100000a0800', 'hex'), packet]);
  const plain = Buffer.concat([addresses, Buffer.from('0800', 'hex'), packet]);
  const sink = new DatagramSink(memory, 43_001);
  for (let sent = 0; sent < 5; sent++) {
    sendFrame(far, tagged);
    sendFrame(far, plain);
    opened.value.poll(sink, 0);
  }
  for (let polls = 0; polls < POLLS_MAX && sink.frames.length < 10; polls++) opened.value.poll(sink, 50);
  assert.equal(sink.frames.length, 10);
  assert.ok(sink.frames.every((frame) => frame === plain.toString('latin1')));
  assert.deepEqual([...sink.links], [LINK_ETHERNET]);
  assert.equal(opened.value.statistics().vlanFrames, 5);
});

test('frames of a tunnel are raw IP, alone, filtered, and among all interfaces', { skip: skipTun }, (t) => {
  const tun = new Tun(interfaceName('t'));
  t.after(() => tun.close());
  const packet = datagram(43_002, Buffer.from('through a tunnel'));
  for (const options of [
    { interfaces: [tun.name] },
    { interfaces: ['any'] },
    { interfaces: [tun.name], filter: 'udp port 43002' },
  ]) {
    const memory = createMemory(MIB, 65_536);
    const opened = openLive({ memory, workers: 1, ledger: new Ledger(), ...options });
    assert.ok(opened.ok);
    const sink = new DatagramSink(memory, 43_002);
    for (let sent = 0; sent < 5; sent++) tun.write(packet);
    tun.write(datagram(43_003, Buffer.from('another')));
    for (let polls = 0; polls < POLLS_MAX && sink.frames.length < 5; polls++) opened.value.poll(sink, 50);
    opened.value.close();
    assert.equal(sink.frames.length, 5);
    assert.ok(sink.frames.every((frame) => frame === packet.toString('latin1')));
    assert.deepEqual([...sink.links], [LINK_RAW]);
    if ('filter' in options) assert.equal(sink.all, 5);
  }
});

/** Writes a block of one frame as the kernel lays it out, at `block`. */
function writeBlock(
  i32: Int32Array,
  block: number,
  hardware: number,
  protocol: number,
  packetType: number,
): void {
  const header = block >> 2;
  i32[header + 3] = 1; // packets
  i32[header + 4] = 48; // first
  const frame = header + 12;
  i32[frame + 1] = 0x9000_0000 | 0; // seconds, after 2038
  i32[frame + 2] = 999_999_999;
  i32[frame + 3] = 60; // captured
  i32[frame + 4] = 1500; // on the wire
  i32[frame + 6] = 82 | (96 << 16); // link header, network header
  i32[frame + 12] = 17 | (protocol << 16);
  i32[frame + 13] = 7;
  i32[frame + 14] = hardware | (packetType << 16);
}

test('link, length, time and direction of a frame are those of its headers', () => {
  const memory = createMemory(65_536, 65_536);
  const block = memory.inputStart;
  const told: number[][] = [];
  const sink: FrameSink = { frame: (...values) => void told.push(values) };
  const tally = new Float64Array(2);
  const start = block + 48 + 82;
  for (const [hardware, protocol, packetType, link, skipped] of [
    [1, 0x0008, 4, LINK_ETHERNET, 0],
    [1, 0x0608, 0, LINK_ETHERNET, 0], // ARP
    [772, 0x0008, 0, LINK_ETHERNET, 0],
    [65_534, 0x0008, 0, LINK_RAW, 14],
    [801, 0xdd86, 4, LINK_RAW, 14], // some other link that carries IPv6
    [801, 0x0608, 0, LINK_UNREADABLE, 14],
  ]) {
    writeBlock(memory.i32, block, hardware, protocol, packetType);
    told.length = 0;
    assert.equal(readBlock(memory.i32, block, sink, tally), 1);
    const outgoing = packetType === 4 ? 1 : 0;
    assert.deepEqual(told, [
      [link, start + skipped, start + 60, 1500 - skipped, 0x9000_0000, 999_999_999, 7, outgoing],
    ]);
  }
  assert.deepEqual([...tally], [0, 0]);
  writeBlock(memory.i32, block, 772, 0x0008, 4);
  assert.equal(readBlock(memory.i32, block, sink, tally), 0);
  assert.deepEqual([...tally], [0, 1], 'the outgoing half of loopback is left out and counted');
});

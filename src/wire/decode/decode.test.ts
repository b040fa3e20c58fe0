import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../base/limits.ts';
import { createMemory } from '../../base/memory.ts';
import type { WireMemory } from '../../base/memory.ts';
import { Slabs } from '../../base/slab.ts';
import { Ledger, reasonNumber } from '../../record/coverage.ts';
import type { CoverageReason } from '../../record/coverage.ts';
import {
  concat,
  ethernet,
  extension,
  fragments4,
  fragments6,
  ipPacket,
  tcpFrame,
  tcpSegment,
  toBytes,
  u16,
  u32,
  udpDatagram,
  udpFrame,
} from '../../../test/support/frames.ts';
import { randomFrom } from '../../../test/support/random.ts';
import {
  DECODED,
  Decoder,
  KEPT,
  MALFORMED,
  NOT_IP,
  NOT_TRANSPORT,
  TRUNCATED,
  UNKNOWN_LINK,
} from './decode.ts';
import { FRAGMENT_TIMEOUT_S } from './fragments.ts';
import { TAGS_MAX } from './link.ts';
import { Packet } from './packet.ts';

const INPUT_BYTES = 1 << 20;
const MUTATIONS = 3000;
const V6 = { source: 'fd00::1', target: 'fd00::2' };

/** A decoder with its memory; `link` is Ethernet unless told. */
class Bench {
  readonly memory: WireMemory = createMemory(INPUT_BYTES, 1 << 24);
  readonly slabs: Slabs;
  readonly ledger = new Ledger();
  readonly packet = new Packet();
  readonly decoder: Decoder;

  constructor(limits = DEFAULT_LIMITS) {
    this.slabs = new Slabs(this.memory, this.memory.heapStart, this.memory.heapEnd);
    this.decoder = new Decoder(this.memory, this.slabs, limits, this.ledger);
  }

  decode(frame: Uint8Array, link = 1, wireBytes = frame.length): number {
    const start = this.memory.inputStart + 3; // Frames lie unaligned.
    this.memory.u8.set(frame, start);
    return this.decoder.decode(this.packet, link, start, start + frame.length, wireBytes);
  }

  get payload(): string {
    const { payloadStart, payloadEnd } = this.packet;
    return Buffer.from(this.memory.u8.slice(payloadStart, payloadEnd)).toString('latin1');
  }

  address(at: number): string {
    return [...this.memory.u8.subarray(at, at + this.packet.addressBytes)].join('.');
  }

  count(reason: CoverageReason): number {
    return this.ledger.counts[reasonNumber(reason)];
  }

  bytes(reason: CoverageReason): number {
    return this.ledger.bytes[reasonNumber(reason)];
  }
}

test('a TCP segment over Ethernet and IPv4 is taken apart where it lies', () => {
  const bench = new Bench();
  const frame = tcpFrame({
    source: '192.168.1.200',
    target: '10.9.8.7',
    id: 0xbeef,
    sourcePort: 65_535,
    targetPort: 8080,
    sequence: 0xfffffff0,
    acknowledgement: 0x80000001,
    flags: 0x18,
    tcpOptions: new Uint8Array(12).fill(1),
    ipOptions: new Uint8Array(8).fill(1),
    payload: 'GET / HTTP/1.1',
    trailer: 6,
  });
  assert.equal(bench.decode(frame), DECODED);
  const { packet } = bench;
  assert.equal(bench.address(packet.sourceAt), '192.168.1.200');
  assert.equal(bench.address(packet.targetAt), '10.9.8.7');
  assert.deepEqual([packet.version, packet.transport, packet.ipId], [4, 6, 0xbeef]);
  assert.deepEqual([packet.sourcePort, packet.targetPort, packet.flags], [65_535, 8080, 0x18]);
  assert.deepEqual([packet.sequence, packet.acknowledgement], [-16, -0x7fffffff]);
  assert.equal(bench.payload, 'GET / HTTP/1.1');
  assert.equal(packet.payloadBytes, 14);
  assert.equal(
    bench.ledger.counts.reduce((sum, count) => sum + count),
    0,
  );
});

test('a UDP datagram over IPv6 is taken apart, behind every kind of extension header', () => {
  const bench = new Bench();
  const authentication = concat(Uint8Array.of(0, 4), new Uint8Array(22));
  const extensions = [
    [0, extension(8)],
    [60, extension(16)],
    [43, extension(24)],
    [51, authentication],
    [44, new Uint8Array(8)], // An atomic fragment.
    [60, extension(8)],
  ] as const;
  for (let have = 0; have <= extensions.length; have++) {
    const frame = udpFrame({ ...V6, extensions: extensions.slice(0, have), payload: 'query' });
    assert.equal(bench.decode(frame), DECODED, `${have} headers`);
    assert.equal(bench.payload, 'query');
    assert.deepEqual([bench.packet.version, bench.packet.transport, bench.packet.targetPort], [6, 17, 53]);
    assert.equal(bench.packet.addressBytes, 16);
  }
});

test('VLAN tags of every kind are followed to the limit and not beyond', () => {
  const bench = new Bench();
  for (let depth = 0; depth <= TAGS_MAX; depth++) {
    const vlans = Array.from({ length: depth }, (_, i) => [[0x8100, 0x88a8, 0x9100][i % 3], i] as const);
    assert.equal(bench.decode(tcpFrame({ vlans, payload: 'x' })), DECODED, `${depth} tags`);
    assert.equal(bench.payload, 'x');
  }
  const vlans = Array.from({ length: TAGS_MAX + 1 }, () => [0x8100, 1] as const);
  assert.equal(bench.decode(tcpFrame({ vlans })), MALFORMED);
  assert.equal(bench.count('malformed-frame'), 1);
});

test('the link layers that captures come with lead to the same segment', () => {
  const v4 = ipPacket({}, 6, tcpSegment({ payload: 'hello' }));
  const v6 = ipPacket(V6, 6, tcpSegment({ payload: 'hello' }));
  const sll = concat(u16(4), u16(1), u16(6), new Uint8Array(8));
  const sll2 = concat(u16(0), u32(77), u16(1), Uint8Array.of(4, 6), new Uint8Array(8));
  const mpls = concat(u32(0x1000), u32(0x2100));
  const pppoe = concat(Uint8Array.of(0x11, 0), u16(1), u16(v4.length + 2), u16(0x21));
  const nflogPayload = Uint8Array.of(v4.length + 4, 0, 9, 0);
  const snap = Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0);
  const cases: readonly (readonly [string, number, Uint8Array])[] = [
    ['raw IPv4', 101, v4],
    ['raw IPv6', 101, v6],
    ['raw of BSD', 12, v4],
    ['IPv4', 228, v4],
    ['IPv6', 229, v6],
    ['null, little-endian', 0, concat(Uint8Array.of(2, 0, 0, 0), v4)],
    ['null, big-endian', 0, concat(u32(2), v4)],
    ['null, IPv6 of macOS', 0, concat(Uint8Array.of(30, 0, 0, 0), v6)],
    ['loop', 108, concat(u32(24), v6)],
    ['cooked 1', 113, concat(sll, u16(0x0800), v4)],
    ['cooked 1 with VLAN', 113, concat(sll, u16(0x8100), u16(5), u16(0x86dd), v6)],
    ['cooked 2', 276, concat(u16(0x86dd), sll2, v6)],
    ['PPP', 9, concat(Uint8Array.of(0xff, 3, 0, 0x21), v4)],
    ['PPP, compressed', 9, concat(Uint8Array.of(0x57), v6)],
    ['Cisco HDLC', 104, concat(Uint8Array.of(0x0f, 0), u16(0x0800), v4)],
    ['NFLOG', 239, concat(Uint8Array.of(2, 0, 0, 0, 8, 0, 5, 0), u32(3), nflogPayload, v4)],
    ['MPLS', 1, concat(new Uint8Array(12), u16(0x8847), mpls, v4)],
    ['PPPoE', 1, concat(new Uint8Array(12), u16(0x8864), pppoe, v4)],
    ['SNAP', 1, concat(new Uint8Array(12), u16(v4.length + 8), snap, u16(0x0800), v4)],
  ];
  for (const [name, link, frame] of cases) {
    const bench = new Bench();
    assert.equal(bench.decode(frame, link), DECODED, name);
    assert.equal(bench.payload, 'hello', name);
    assert.equal(bench.packet.outgoing, /^(cooked|NFLOG)/.test(name) ? 1 : 0, name);
    if (name === 'NFLOG') assert.equal(bench.packet.networkInterface, 3);
    if (name === 'cooked 2') assert.equal(bench.packet.networkInterface, 77);
  }
});

test('what is not delivered is counted by reason, with its bytes', () => {
  const cases: readonly (readonly [string, number, CoverageReason, Uint8Array, number?])[] = [
    ['ARP', NOT_IP, 'not-ip', concat(new Uint8Array(12), u16(0x0806), new Uint8Array(28))],
    ['a length without LLC', NOT_IP, 'not-ip', concat(new Uint8Array(12), u16(3), new Uint8Array(28))],
    ['ICMP', NOT_TRANSPORT, 'not-transport', ethernet(ipPacket({}, 1, new Uint8Array(8)))],
    ['GRE', NOT_TRANSPORT, 'not-transport', ethernet(ipPacket({}, 47, new Uint8Array(40)))],
    ['ICMPv6', NOT_TRANSPORT, 'not-transport', ethernet(ipPacket(V6, 58, new Uint8Array(8)))],
    ['no next header', NOT_TRANSPORT, 'not-transport', ethernet(ipPacket(V6, 59, new Uint8Array(0)))],
    ['an unknown link', UNKNOWN_LINK, 'unknown-link', new Uint8Array(60), 147],
    ['nothing', TRUNCATED, 'truncated-frame', new Uint8Array(0)],
    ['half an Ethernet header', MALFORMED, 'malformed-frame', new Uint8Array(7)],
    ['IP version 5', MALFORMED, 'malformed-frame', Uint8Array.of(0x55, ...new Uint8Array(40)), 101],
    ['a short IP header', MALFORMED, 'malformed-frame', Uint8Array.of(0x44, ...new Uint8Array(40)), 101],
    ['an IP length below its header', MALFORMED, 'malformed-frame', tcpFrame({ ipBytes: 19 })],
    ['a TCP header outside its packet', MALFORMED, 'malformed-frame', tcpFrame({ ipBytes: 39 })],
    ['a UDP length of 7', MALFORMED, 'malformed-frame', udpFrame({ udpBytes: 7 })],
  ];
  for (const [name, answer, reason, frame, link] of cases) {
    const bench = new Bench();
    assert.equal(bench.decode(frame, link ?? 1), answer, name);
    assert.equal(bench.count(reason), 1, name);
    assert.equal(bench.bytes(reason), frame.length, name);
    assert.equal(
      bench.ledger.counts.reduce((sum, count) => sum + count),
      1,
      name,
    );
  }
});

test('a super-packet whose length field is 0 has the captured length', () => {
  const payload = 'x'.repeat(70_000);
  const bench = new Bench();
  assert.equal(bench.decode(tcpFrame({ ipBytes: 0, payload })), DECODED);
  assert.equal(bench.packet.payloadBytes, 70_000);
  const cut = tcpFrame({ ipBytes: 0, payload: payload.slice(0, 100) });
  assert.equal(bench.decode(cut, 1, 70_054), DECODED);
  assert.equal(bench.packet.payloadBytes, 70_000);
  // Nothing is as long as that, so the captured length is the better guess.
  assert.equal(bench.decode(cut, 1, 4_000_000_000), DECODED);
  assert.equal(bench.packet.payloadBytes, 100);
  const jumbo = concat(Uint8Array.of(0, 0, 0xc2, 4), u32(70_028));
  assert.equal(bench.decode(tcpFrame({ ...V6, ipBytes: 0, extensions: [[0, jumbo]], payload })), DECODED);
  assert.equal(bench.packet.payloadBytes, 70_000);
  assert.equal(bench.payload.length, 70_000);
  assert.equal(bench.decode(tcpFrame({ ...V6, ipBytes: 0, payload })), DECODED);
  assert.equal(bench.payload.length, 70_000);
});

test('a frame cut by the snap length keeps its length on the wire, at every cut', () => {
  for (const whole of [tcpFrame({ payload: 'abcdefgh' }), tcpFrame({ ...V6, payload: 'abcdefgh' })]) {
    const headers = whole.length - 8;
    for (let cut = 0; cut < whole.length; cut++) {
      const bench = new Bench();
      const answer = bench.decode(whole.subarray(0, cut), 1, whole.length);
      // The flags are the last bytes of the TCP header that are needed.
      assert.equal(answer, cut < headers - 6 ? TRUNCATED : DECODED, `cut at ${cut}`);
      assert.equal(bench.count('truncated-frame'), 1, `cut at ${cut}`);
      if (answer !== DECODED) continue;
      assert.equal(bench.packet.payloadBytes, 8);
      assert.equal(bench.payload, 'abcdefgh'.slice(0, Math.max(0, cut - headers)));
      assert.equal(bench.bytes('truncated-frame'), whole.length - cut);
    }
  }
});

test('a UDP datagram that states more than its packet holds is delivered as far as it goes', () => {
  const bench = new Bench();
  assert.equal(bench.decode(udpFrame({ udpBytes: 8 + 20, payload: 'abc' })), DECODED);
  assert.equal(bench.payload, 'abc');
  assert.equal(bench.packet.payloadBytes, 20);
  assert.equal(bench.bytes('truncated-frame'), 17);
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}

test('fragments in every order make the datagram, once, and give their memory back', () => {
  const text = 'The quick brown fox jumps over the lazy dog';
  const datagram = udpDatagram({ payload: text });
  const sets = [fragments4({ id: 5 }, 17, datagram, 16), fragments6(V6, 17, datagram, 16)];
  for (const frames of sets) {
    assert.equal(frames.length, 4);
    for (const order of permutations(frames)) {
      const bench = new Bench();
      for (const frame of order.slice(0, -1)) assert.equal(bench.decode(frame), KEPT);
      assert.equal(bench.decode(order[order.length - 1]), DECODED);
      assert.equal(bench.payload, text);
      assert.equal(bench.packet.targetPort, 53);
      bench.decoder.finish();
      assert.equal(bench.slabs.usedBytes, 0);
      assert.equal(
        bench.ledger.counts.reduce((sum, count) => sum + count),
        0,
      );
    }
  }
});

test('overlapping and repeated fragments never change bytes that came first', () => {
  const bytes = new Uint8Array(64).map((_, i) => 97 + (i % 26));
  const datagram = udpDatagram({ payload: bytes });
  const other = udpDatagram({ payload: new Uint8Array(64).fill(33) });
  const piece = (from: Uint8Array, start: number, end: number): Uint8Array =>
    ethernet(ipPacket({ id: 9 }, 17, from.subarray(start, end), (end < 72 ? 0x2000 : 0) | (start >> 3)));
  const overlaps: readonly (readonly [number, number])[] = [
    [0, 24],
    [8, 32],
    [0, 64],
    [16, 40],
  ];
  const truth: readonly (readonly [number, number])[] = [
    [0, 24],
    [24, 48],
    [48, 72],
  ];
  let looked = 0;
  for (const order of permutations(truth)) {
    for (const [start, end] of overlaps) {
      // The overlap comes second: what it covers of the first piece must not change.
      const bench = new Bench();
      const sent = [
        piece(datagram, ...order[0]),
        piece(other, start, end),
        ...order.slice(1).map((range) => piece(datagram, ...range)),
      ];
      const answers = sent.map((frame) => (bench.decode(frame) === DECODED ? bench.payload : ''));
      const whole = answers.find((text) => text !== '') ?? '';
      const expected = Array.from(bytes, (byte, i) => {
        const at = i + 8;
        const first = at >= order[0][0] && at < order[0][1];
        return String.fromCharCode(!first && at >= start && at < end ? 33 : byte);
      }).join('');
      // An overlap of the UDP header may have replaced it by an equal one.
      assert.equal(whole, expected, `${JSON.stringify(order)} with ${start}-${end}`);
      looked++;
    }
  }
  assert.equal(looked, 24);
});

test('fragments that contradict the end of their datagram are refused', () => {
  const bench = new Bench();
  const piece = (bytes: number, fragment: number): Uint8Array =>
    ethernet(ipPacket({ id: 3 }, 17, new Uint8Array(bytes), fragment));
  assert.equal(bench.decode(piece(16, 0x2000 | 4)), KEPT);
  assert.equal(bench.decode(piece(8, 2)), KEPT); // Ends before what has come.
  assert.equal(bench.decode(piece(13, 0x2000)), KEPT); // Not the last, and no multiple of 8.
  assert.equal(bench.decode(piece(64, 0x1fff)), KEPT); // Beyond 64 KiB.
  assert.equal(bench.count('malformed-frame'), 3);
  bench.decoder.finish();
  assert.equal(bench.count('fragment-incomplete'), 1);
  assert.equal(bench.bytes('fragment-incomplete'), 16);
  assert.equal(bench.slabs.usedBytes, 0);
});

test('a datagram that stays incomplete is counted after its time, and its number is free again', () => {
  const [first, second] = fragments4({ id: 8 }, 17, udpDatagram({ payload: 'abcdefgh' }), 8);
  const bench = new Bench();
  bench.packet.seconds = 1000;
  assert.equal(bench.decode(first), KEPT);
  bench.decoder.tick(1000 + FRAGMENT_TIMEOUT_S);
  assert.equal(bench.count('fragment-incomplete'), 0);
  bench.decoder.tick(1001 + FRAGMENT_TIMEOUT_S);
  assert.equal(bench.count('fragment-incomplete'), 1);
  assert.equal(bench.slabs.usedBytes, 0);
  bench.packet.seconds = 2000;
  assert.equal(bench.decode(first), KEPT);
  bench.packet.seconds = 3000; // Without a tick between: the old half is not joined.
  assert.equal(bench.decode(second), KEPT);
  assert.equal(bench.count('fragment-incomplete'), 2);
});

test('copies of fragments on another interface make a datagram of their own', () => {
  const frames = fragments4({ id: 8 }, 17, udpDatagram({ payload: 'abcdefgh' }), 8);
  const bench = new Bench();
  const answers: number[] = [];
  for (const frame of frames) {
    for (const networkInterface of [1, 2]) {
      bench.packet.networkInterface = networkInterface;
      answers.push(bench.decode(frame));
    }
  }
  assert.deepEqual(answers, [KEPT, KEPT, DECODED, DECODED]);
});

test('more datagrams at once than the limit cost the oldest', () => {
  const bench = new Bench({ ...DEFAULT_LIMITS, fragmentedDatagrams: 4 });
  for (let id = 0; id < 10; id++) {
    bench.packet.seconds = id;
    const [first] = fragments4({ id }, 17, udpDatagram({ payload: 'abcdefgh' }), 8);
    assert.equal(bench.decode(first), KEPT);
  }
  assert.equal(bench.count('fragment-limit'), 6);
  assert.equal(bench.bytes('fragment-limit'), 48);
  const [, last] = fragments4({ id: 9 }, 17, udpDatagram({ payload: 'abcdefgh' }), 8);
  bench.packet.seconds = 9;
  assert.equal(bench.decode(last), DECODED);
  assert.equal(bench.payload, 'abcdefgh');
});

test('a full heap drops fragments with a count and keeps decoding', () => {
  const bench = new Bench();
  while (bench.slabs.alloc(4096) !== 0);
  const [first] = fragments4({ id: 1 }, 17, udpDatagram({ payload: 'abcdefgh' }), 8);
  assert.equal(bench.decode(first), KEPT);
  assert.equal(bench.count('heap-limit'), 1);
  assert.equal(bench.decode(tcpFrame({ payload: 'x' })), DECODED);
});

function corpus(): readonly (readonly [number, Uint8Array])[] {
  const v4 = ipPacket({}, 6, tcpSegment({ payload: 'hello' }));
  const extensions = [[0, extension(8)] as const, [60, extension(16)] as const];
  const large = udpDatagram({ payload: toBytes('z'.repeat(100)) });
  return [
    [1, tcpFrame({ payload: 'hello', tcpOptions: new Uint8Array(12), trailer: 4 })],
    [1, tcpFrame({ vlans: [[0x88a8, 1] as const, [0x8100, 2] as const], payload: 'hello' })],
    [1, udpFrame({ ...V6, extensions, payload: 'hello' })],
    [0, concat(u32(2), v4)],
    [9, concat(Uint8Array.of(0xff, 3, 0, 0x21), v4)],
    [239, concat(u32(0x0200_0000), Uint8Array.of(8, 0, 5, 0), u32(3), u16(0x3000), u16(0x0900), v4)],
    [101, v4],
    [113, concat(u16(4), new Uint8Array(12), u16(0x0800), v4)],
    [276, concat(u16(0x0800), new Uint8Array(18), v4)],
    [1, concat(new Uint8Array(12), u16(0x8847), u32(0x100), v4)],
    ...fragments4({ id: 5 }, 17, large, 32).map((frame) => [1, frame] as const),
    ...fragments6(V6, 17, large, 32).map((frame) => [1, frame] as const),
  ];
}

test('hostile frames never throw, and positions stay in the frame or a datagram', () => {
  const seed = 20_240_501;
  const { below } = randomFrom(seed);
  const frames = corpus();
  const bench = new Bench();
  let decoded = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const [link, clean] = frames[below(frames.length)];
    const frame = clean.slice(0, below(3) === 0 ? below(clean.length + 1) : clean.length);
    for (let change = below(4); change > 0 && frame.length > 0; change--) {
      frame[below(frame.length)] = below(2) === 0 ? below(256) : [0, 0xff, 0x45, 6, 17, 44][below(6)];
    }
    bench.packet.seconds = round >> 5;
    bench.packet.networkInterface = 0;
    bench.packet.outgoing = 0;
    const at = `seed ${seed}, round ${round}`;
    const answer = bench.decode(
      frame,
      link,
      frame.length + below(2) * below(below(9) === 0 ? 2 ** 32 : 2000),
    );
    assert.ok(answer >= DECODED && answer <= KEPT, at);
    if (answer !== DECODED) continue;
    decoded++;
    const { payloadStart, payloadEnd, payloadBytes, sourceAt, targetAt, addressBytes } = bench.packet;
    const { inputStart, heapStart, heapEnd } = bench.memory;
    const start = inputStart + 3;
    const end = start + frame.length;
    const inFrame = payloadStart >= start && payloadEnd <= end;
    const inHeap = payloadStart >= heapStart && payloadEnd <= heapEnd;
    assert.ok(payloadStart <= payloadEnd && (inFrame || inHeap), at);
    assert.ok(payloadBytes >= payloadEnd - payloadStart, at);
    assert.ok(sourceAt >= start && targetAt + addressBytes <= end, at);
  }
  assert.ok(decoded > MUTATIONS / 10, `only ${decoded} were decoded, seed ${seed}`);
  bench.decoder.finish();
  assert.equal(bench.slabs.usedBytes, 0);
});

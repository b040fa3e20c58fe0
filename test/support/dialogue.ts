/**
 * One conversation as the segments that go over the wire, with sequence and acknowledgement numbers that
 * fit: what a test then cuts, repeats, loses and puts out of order.
 */
import { CLIENT, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Side } from '../../src/wire/protocols/protocol.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../src/wire/decode/packet.ts';
import type { Golden } from './goldens.ts';

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface Segment {
  readonly side: Side;
  readonly client: Peer;
  readonly server: Peer;
  readonly udp: boolean;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  /** Bytes that the capture cut off its end. */
  readonly cutBytes?: number;
  readonly ipId?: number;
  /** Where it was seen. */
  readonly place?: number;
  readonly outgoing?: number;
  /** When, if not right after the one before. */
  readonly seconds?: number;
  readonly nanos?: number;
}

export interface DialogueOptions {
  readonly client?: Peer;
  readonly server?: Peer;
  /** Initial sequence numbers, client's and server's. */
  readonly first?: readonly [number, number];
  readonly udp?: boolean;
}

/** Ports that no protocol of ours has: nothing may be known by them. */
export const SOME_CLIENT: Peer = { address: '10.1.0.9', port: 50_001 };
export const SOME_SERVER: Peer = { address: '10.1.0.7', port: 17_171 };
/** Longer turns are several segments: nothing larger is seen, even on loopback. */
const SEGMENT_BYTES_MAX = 65_000;
const EMPTY = new Uint8Array(0);

export const IP_BYTES = 20;
const TCP_BYTES = 20;
const UDP_BYTES = 8;

export class Dialogue {
  readonly segments: Segment[] = [];
  /** Next sequence number of each side. */
  readonly next: [number, number];
  readonly #client: Peer;
  readonly #server: Peer;
  readonly #udp: boolean;
  #id = 1;

  constructor(options: DialogueOptions = {}) {
    this.#client = options.client ?? SOME_CLIENT;
    this.#server = options.server ?? SOME_SERVER;
    this.#udp = options.udp ?? false;
    this.next = [options.first?.[0] ?? 1000, options.first?.[1] ?? 900_000];
  }

  /** The three-way handshake. */
  open(): this {
    this.#add(CLIENT, EMPTY, TCP_SYN);
    this.next[CLIENT] = (this.next[CLIENT] + 1) | 0;
    this.#add(SERVER, EMPTY, TCP_SYN | TCP_ACK);
    this.next[SERVER] = (this.next[SERVER] + 1) | 0;
    return this.ack(CLIENT);
  }

  /** Bytes of a side in segments of `size` bytes, 0: as few as can be. */
  send(side: Side, bytes: Uint8Array | string, size = 0): this {
    const all = typeof bytes === 'string' ? new Uint8Array(Buffer.from(bytes, 'latin1')) : bytes;
    const step = size === 0 || this.#udp ? SEGMENT_BYTES_MAX : size;
    for (let at = 0; at < all.length; at += step) {
      const piece = all.subarray(at, at + step);
      this.#add(side, piece, TCP_ACK | TCP_PSH);
      this.next[side] = (this.next[side] + piece.length) | 0;
    }
    return this;
  }

  client(bytes: Uint8Array | string, size = 0): this {
    return this.send(CLIENT, bytes, size);
  }

  server(bytes: Uint8Array | string, size = 0): this {
    return this.send(SERVER, bytes, size);
  }

  /** Bytes of a side that the other one received and we did not see. */
  lose(side: Side, count: number): this {
    this.next[side] = (this.next[side] + count) | 0;
    return this;
  }

  /** An acknowledgement without bytes. */
  ack(side: Side): this {
    if (!this.#udp) this.#add(side, EMPTY, TCP_ACK);
    return this;
  }

  fin(side: Side): this {
    if (this.#udp) return this;
    this.#add(side, EMPTY, TCP_FIN | TCP_ACK);
    this.next[side] = (this.next[side] + 1) | 0;
    return this;
  }

  /** Both sides close. */
  close(): this {
    return this.fin(CLIENT).fin(SERVER).ack(CLIENT);
  }

  reset(side: Side): this {
    if (!this.#udp) this.#add(side, EMPTY, TCP_RST | TCP_ACK);
    return this;
  }

  #add(side: Side, bytes: Uint8Array, flags: number): void {
    this.segments.push({
      side,
      client: this.#client,
      server: this.#server,
      udp: this.#udp,
      sequence: this.next[side],
      acknowledgement: flags === TCP_SYN ? 0 : this.next[1 - side],
      flags,
      bytes,
      ipId: this.#id++ & 0xffff,
    });
  }
}

/** A golden as segments of at most `size` bytes (0: as its lines are). */
export function goldenDialogue(golden: Golden, size = 0, options: DialogueOptions = {}): Dialogue {
  const udp = golden.options.get('transport') === 'udp';
  const dialogue = new Dialogue({ ...options, udp });
  if (!udp) dialogue.open();
  for (const { side, bytes, lost } of golden.turns) {
    if (lost > 0) dialogue.lose(side, lost);
    else dialogue.send(side, bytes, size);
  }
  return golden.options.get('end') === 'reset' ? dialogue.reset(SERVER) : dialogue.close();
}

/** Writes the segment as a raw IPv4 packet at `at`; answers its bytes. */
export function writeSegment(u8: Uint8Array, at: number, segment: Segment): number {
  const { side, client, server, udp, bytes } = segment;
  const source = side === CLIENT ? client : server;
  const target = side === CLIENT ? server : client;
  const transport = at + IP_BYTES;
  const headerBytes = udp ? UDP_BYTES : TCP_BYTES;
  const total = IP_BYTES + headerBytes + bytes.length + (segment.cutBytes ?? 0);
  u8.fill(0, at, transport + headerBytes);
  u8[at] = 0x45;
  put16(u8, at + 2, total > 0xffff ? 0 : total);
  put16(u8, at + 4, segment.ipId ?? 0);
  u8[at + 8] = 64;
  u8[at + 9] = udp ? 17 : 6;
  putAddress(u8, at + 12, source.address);
  putAddress(u8, at + 16, target.address);
  put16(u8, transport, source.port);
  put16(u8, transport + 2, target.port);
  if (udp) put16(u8, transport + 4, UDP_BYTES + bytes.length + (segment.cutBytes ?? 0));
  else {
    put32(u8, transport + 4, segment.sequence);
    put32(u8, transport + 8, segment.acknowledgement);
    u8[transport + 12] = 0x50;
    u8[transport + 13] = segment.flags;
    put16(u8, transport + 14, 0xffff);
  }
  u8.set(bytes, transport + headerBytes);
  return IP_BYTES + headerBytes + bytes.length;
}

function put16(u8: Uint8Array, at: number, value: number): void {
  u8[at] = value >> 8;
  u8[at + 1] = value;
}

function put32(u8: Uint8Array, at: number, value: number): void {
  put16(u8, at, value >>> 16);
  put16(u8, at + 2, value);
}

function putAddress(u8: Uint8Array, at: number, address: string): void {
  let byte = 0;
  let value = 0;
  for (let k = 0; k <= address.length; k++) {
    const digit = k === address.length ? -1 : address.charCodeAt(k) - 0x30;
    if (digit >= 0) value = value * 10 + digit;
    else {
      u8[at + byte++] = value;
      value = 0;
    }
  }
}

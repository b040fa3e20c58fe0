/**
 * Captures without servers: conversations of TCP with handshake, acknowledgements and segments of 1448 bytes,
 * interleaved; and of UDP. Seeded, the same bytes everywhere.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { addressBytes } from '../test/support/frames.ts';
import type { Random } from '../test/support/random.ts';
import { hex, randomOf, SEED, uuid } from './traffic/random.ts';

const START_S = 1_700_000_000;
/** Payload of a segment on Ethernet, with the time stamp option that Linux sends. */
const SEGMENT_BYTES = 1448;
const BUFFER_BYTES = 4 * 1024 * 1024;
const SYN = 2;
const FIN = 1;
const PUSH = 8;
const ACK = 16;
const TIMESTAMP_OPTION_BYTES = 12;

/** A pcap file with nanoseconds, written frame by frame. */
class Capture {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #at = 0;
  /** Nanoseconds since START_S. */
  now = 0;
  packets = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.#buffer.writeUInt32LE(0xa1b23c4d, 0);
    this.#buffer.writeUInt16LE(2, 4);
    this.#buffer.writeUInt16LE(4, 6);
    this.#buffer.writeUInt32LE(262_144, 16);
    this.#buffer.writeUInt32LE(1, 20);
    this.#at = 24;
  }

  /**
   * Room for an IPv4 packet of `bytes` bytes, its Ethernet and IP headers written; answers where it begins.
   */
  packet(bytes: number, protocol: number, source: Uint8Array, target: Uint8Array, id: number): number {
    if (this.#at + bytes + 30 > BUFFER_BYTES) this.#flush();
    const b = this.#buffer;
    const record = this.#at;
    b.writeUInt32LE(START_S + Math.floor(this.now / 1e9), record);
    b.writeUInt32LE(this.now % 1e9, record + 4);
    b.writeUInt32LE(bytes + 14, record + 8);
    b.writeUInt32LE(bytes + 14, record + 12);
    const frame = record + 16;
    b.fill(0, frame, frame + 12);
    b[frame] = 2;
    b[frame + 6] = 2;
    b.writeUInt16BE(0x0800, frame + 12);
    const ip = frame + 14;
    b.fill(0, ip, ip + 20);
    b[ip] = 0x45;
    b.writeUInt16BE(bytes, ip + 2);
    b.writeUInt16BE(id & 0xffff, ip + 4);
    b[ip + 6] = 0x40;
    b[ip + 8] = 64;
    b[ip + 9] = protocol;
    b.set(source, ip + 12);
    b.set(target, ip + 16);
    this.#at = ip + bytes;
    this.packets++;
    return ip;
  }

  get bytes(): Buffer {
    return this.#buffer;
  }

  close(): string {
    this.#flush();
    closeSync(this.#file);
    return `${this.packets} packets`;
  }

  #flush(): void {
    for (let from = 0; from < this.#at;) from += writeSync(this.#file, this.#buffer, from, this.#at - from);
    this.#at = 0;
  }
}

/** One TCP connection. */
class Connection {
  readonly #capture: Capture;
  readonly #ends: readonly [Uint8Array, Uint8Array];
  readonly #ports: readonly [number, number];
  readonly #next: [number, number];
  readonly #ids: [number, number];

  constructor(
    capture: Capture,
    client: string,
    clientPort: number,
    server: string,
    port: number,
    random: Random,
  ) {
    this.#capture = capture;
    this.#ends = [addressBytes(client), addressBytes(server)];
    this.#ports = [clientPort, port];
    this.#next = [random.below(0xffffffff), random.below(0xffffffff)];
    this.#ids = [random.below(65_536), random.below(65_536)];
  }

  open(): void {
    this.#segment(0, SYN, undefined, 0, 0);
    this.#segment(1, SYN | ACK, undefined, 0, 0);
    this.#segment(0, ACK, undefined, 0, 0);
  }

  /** Sends `bytes` in segments; the other side acknowledges every second one, and the last. */
  send(side: 0 | 1, bytes: Uint8Array, acknowledged: boolean): void {
    for (let at = 0, count = 1; at < bytes.length; at += SEGMENT_BYTES, count++) {
      const end = Math.min(at + SEGMENT_BYTES, bytes.length);
      this.#segment(side, ACK | (end === bytes.length ? PUSH : 0), bytes, at, end);
      if (count % 2 === 0 || (end === bytes.length && acknowledged)) this.acknowledge(side === 0 ? 1 : 0);
    }
  }

  acknowledge(side: 0 | 1): void {
    this.#segment(side, ACK, undefined, 0, 0);
  }

  close(): void {
    this.#segment(0, FIN | ACK, undefined, 0, 0);
    this.#segment(1, FIN | ACK, undefined, 0, 0);
    this.acknowledge(0);
  }

  #segment(side: 0 | 1, flags: number, payload: Uint8Array | undefined, from: number, to: number): void {
    const capture = this.#capture;
    const other = side === 0 ? 1 : 0;
    const head = 20 + TIMESTAMP_OPTION_BYTES;
    capture.now += 2000;
    const id = ++this.#ids[side];
    const ip = capture.packet(20 + head + to - from, 6, this.#ends[side], this.#ends[other], id);
    const b = capture.bytes;
    const tcp = ip + 20;
    b.fill(0, tcp, tcp + head);
    b.writeUInt16BE(this.#ports[side], tcp);
    b.writeUInt16BE(this.#ports[other], tcp + 2);
    b.writeUInt32BE(this.#next[side] >>> 0, tcp + 4);
    if ((flags & ACK) !== 0) b.writeUInt32BE(this.#next[other] >>> 0, tcp + 8);
    b[tcp + 12] = (head / 4) << 4;
    b[tcp + 13] = flags;
    b.writeUInt16BE(0xffff, tcp + 14);
    b.set([1, 1, 8, 10], tcp + 20);
    if (payload !== undefined) b.set(payload.subarray(from, to), tcp + head);
    this.#next[side] = (this.#next[side] + (to - from) + ((flags & (SYN | FIN)) !== 0 ? 1 : 0)) >>> 0;
  }
}

/** A request and its answer, and whether the request is acknowledged by a packet of its own. */
interface Exchange {
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

interface Shape {
  readonly connections: number;
  readonly exchanges: number;
  readonly clients: number;
  readonly port: number;
  readonly seed: number;
  readonly exchange: (random: Random) => Exchange;
}

/** Connections that each make `exchanges` exchanges, a random one of them at a time. */
function conversations(path: string, shape: Shape): string {
  const capture = new Capture(path);
  const random = randomOf(shape.seed, 0);
  const open: Connection[] = [];
  const left: number[] = [];
  for (let k = 0; k < shape.connections; k++) {
    const client = `10.20.${(k >> 8) % shape.clients}.${1 + ((k & 0xff) % 250)}`;
    const connection = new Connection(
      capture,
      client,
      20_000 + (k % 40_000),
      `10.9.0.${2 + (k % 6)}`,
      shape.port,
      random,
    );
    connection.open();
    open.push(connection);
    left.push(shape.exchanges);
  }
  // Questions of several connections lie between a question and its answer.
  const waiting: { readonly of: Connection; readonly answer: Uint8Array; readonly at: number }[] = [];
  const busy = new Set<Connection>();
  while (open.length > 0 || waiting.length > 0) {
    if (waiting.length > 0 && (open.length === 0 || waiting.length >= 64 || random.oneIn(2))) {
      const [next] = waiting.splice(random.below(waiting.length), 1);
      next.of.send(1, next.answer, true);
      busy.delete(next.of);
      continue;
    }
    const index = random.below(open.length);
    const connection = open[index];
    if (busy.has(connection)) {
      if (waiting.length > 0) {
        const next = waiting.shift();
        next?.of.send(1, next.answer, true);
        if (next !== undefined) busy.delete(next.of);
      }
      continue;
    }
    if (left[index] === 0) {
      connection.close();
      open[index] = open[open.length - 1];
      left[index] = left[left.length - 1];
      open.pop();
      left.pop();
      continue;
    }
    left[index]--;
    const { request, answer } = shape.exchange(random);
    connection.send(0, request, random.oneIn(2));
    busy.add(connection);
    waiting.push({ of: connection, answer, at: capture.now });
    capture.now += random.below(200_000);
  }
  return `${capture.close()}, ${shape.connections * shape.exchanges} calls, seed ${shape.seed}`;
}

const COOKIE = `session=${'a1b2c3d4'.repeat(12)}; theme=dark; ab=exp-17`;

function httpExchange(random: Random): Exchange {
  const dice = random.below(100);
  const method = dice < 60 ? 'GET' : dice < 90 ? 'POST' : 'PUT';
  const path =
    dice < 40
      ? `/catalog/items/${random.below(50_000)}?lang=en&currency=USD`
      : dice < 60
        ? `/users/${random.below(200_000)}/preferences`
        : dice < 90
          ? `/carts/${uuid(random)}/lines`
          : `/users/${random.below(200_000)}/last-order`;
  const body =
    method === 'GET'
      ? ''
      : JSON.stringify({ sku: hex(random, 8), note: 'x'.repeat(200 + random.below(900)) });
  const length =
    body === '' ? '' : `content-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\n`;
  const id = hex(random, 32);
  const request =
    `${method} ${path} HTTP/1.1\r\nhost: catalog.prod.svc.cluster.local\r\naccept: application/json\r\n` +
    'accept-encoding: gzip, deflate, br\r\n' +
    'user-agent: gateway/2.4.1 node/20.20.2 (linux; x64) internal-http-client/7.1\r\n' +
    `x-request-id: ${id}\r\ntraceparent: 00-${hex(random, 32)}-${hex(random, 16)}-01\r\n` +
    `cookie: ${COOKIE}\r\n` +
    `x-tenant: acme-${random.below(40)}\r\n${length}connection: keep-alive\r\n\r\n${body}`;
  const status =
    random.below(1000) < 975 ? '200 OK' : random.oneIn(3) ? '500 Internal Server Error' : '404 Not Found';
  const answerBody = JSON.stringify({ id: hex(random, 12), items: hex(random, 300 + random.below(1700)) });
  const chunked = random.oneIn(5);
  const half = answerBody.length >> 1;
  const framed = chunked
    ? `${chunk(answerBody.slice(0, half))}${chunk(answerBody.slice(half))}0\r\n\r\n`
    : answerBody;
  const answer =
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
    `cache-control: no-store, max-age=0\r\nserver: catalog/2.4.1\r\nx-request-id: ${id}\r\n` +
    'x-served-by: catalog-7d9f8b6c5-10003\r\nvary: Accept-Encoding, Origin\r\n' +
    `x-ratelimit-limit: 10000\r\nx-ratelimit-remaining: ${random.below(10_000)}\r\n` +
    `etag: W/"${hex(random, 27)}"\r\n` +
    'strict-transport-security: max-age=31536000; includeSubDomains\r\n' +
    'date: Tue, 11 Jun 2024 08:00:00 GMT\r\nconnection: keep-alive\r\n' +
    `${chunked ? 'transfer-encoding: chunked' : `content-length: ${answerBody.length}`}\r\n\r\n${framed}`;
  return { request: Buffer.from(request, 'latin1'), answer: Buffer.from(answer, 'latin1') };
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function redisExchange(random: Random): Exchange {
  const value = hex(random, 16 + random.below(200));
  const key = `product:${random.below(10_000)}`;
  const words = random.oneIn(3) ? ['SET', key, value] : ['GET', key];
  const request = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const answer =
    words.length === 3 ? '+OK\r\n' : random.oneIn(9) ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;
  return { request: Buffer.from(request), answer: Buffer.from(answer) };
}

export async function syntheticHttp(path: string): Promise<string> {
  const shape = {
    connections: 256,
    exchanges: 470,
    clients: 1,
    port: 8080,
    seed: SEED,
    exchange: httpExchange,
  };
  return await Promise.resolve(conversations(path, shape));
}

/** A small capture of HTTP, for tests of the bench itself. */
export function writeHttpConversations(
  path: string,
  connections: number,
  exchanges: number,
  seed: number,
): void {
  conversations(path, { connections, exchanges, clients: 1, port: 8080, seed, exchange: httpExchange });
}

export async function syntheticRedis(path: string): Promise<string> {
  const shape = {
    connections: 24,
    exchanges: 4200,
    clients: 1,
    port: 6379,
    seed: SEED + 1,
    exchange: redisExchange,
  };
  return await Promise.resolve(conversations(path, shape));
}

/** 10,000 connections open at the same time, three calls on each. */
export async function syntheticConnections(path: string): Promise<string> {
  const shape = {
    connections: 10_000,
    exchanges: 3,
    clients: 250,
    port: 8080,
    seed: SEED + 2,
    exchange: httpExchange,
  };
  return await Promise.resolve(conversations(path, shape));
}

export async function syntheticDns(path: string): Promise<string> {
  const capture = new Capture(path);
  const random = randomOf(SEED + 3, 0);
  const questions = 80_000;
  const server = addressBytes('10.9.0.14');
  const open: { client: Uint8Array; port: number; question: Buffer; exists: boolean }[] = [];
  const datagram = (
    from: Uint8Array,
    fromPort: number,
    to: Uint8Array,
    toPort: number,
    bytes: Buffer,
  ): void => {
    capture.now += 3000;
    const ip = capture.packet(28 + bytes.length, 17, from, to, random.below(65_536));
    const b = capture.bytes;
    b.writeUInt16BE(fromPort, ip + 20);
    b.writeUInt16BE(toPort, ip + 22);
    b.writeUInt16BE(8 + bytes.length, ip + 24);
    b.writeUInt16BE(0, ip + 26);
    b.set(bytes, ip + 28);
  };
  for (let asked = 0; asked < questions || open.length > 0;) {
    if (asked < questions && open.length < 40 && !(open.length > 0 && random.oneIn(2))) {
      const client = 1 + (asked % 20);
      const exists = !random.oneIn(12);
      const zone = exists ? 'svc.cluster.local' : 'absent.cluster.local';
      const name = `service-${random.below(300)}.team-${random.below(12)}.${zone}`;
      const labels = name
        .split('.')
        .map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
      const head = Buffer.of(asked >> 8, asked, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0);
      const question = Buffer.concat([head, ...labels, Buffer.of(0, 0, 1, 0, 1)]);
      const ask = { client: addressBytes(`10.20.0.${client}`), port: 30_000 + client, question, exists };
      datagram(ask.client, ask.port, server, 53, question);
      open.push(ask);
      asked++;
      continue;
    }
    const [next] = open.splice(random.below(open.length), 1);
    const answer = Buffer.from(next.question);
    answer[2] = 0x85;
    answer[3] = next.exists ? 0x80 : 0x83;
    answer[7] = next.exists ? 1 : 0;
    const record = Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 9, 0, random.below(250));
    datagram(server, 53, next.client, next.port, next.exists ? Buffer.concat([answer, record]) : answer);
    capture.now += random.below(100_000);
  }
  return await Promise.resolve(`${capture.close()}, ${questions} calls, seed ${SEED + 3}`);
}

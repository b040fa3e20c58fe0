/**
 * Traffic by a seed, with its truth: many connections of HTTP, Redis and DNS at once, as segments with
 * times. Every answer is told apart from its neighbours by status and length, so that a wrong pair shows.
 */
import { CLIENT, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Side } from '../../src/wire/protocols/protocol.ts';
import { Dialogue } from './dialogue.ts';
import type { Segment } from './dialogue.ts';
import type { Random } from './random.ts';

export interface TrueCall {
  readonly protocol: 'http' | 'redis' | 'dns';
  /** Unique in the whole run. */
  readonly target: string;
  readonly method: string;
  /** '' when it is never answered. */
  readonly status: string;
  readonly outcome: string;
  readonly up: number;
  readonly down: number;
  readonly answered: boolean;
}

export interface Traffic {
  readonly segments: Segment[];
  readonly calls: ReadonlyMap<string, TrueCall>;
  /** Client ports of those that do not wait for each answer. */
  readonly pipelined: ReadonlySet<number>;
}

interface Exchange {
  readonly request: string;
  readonly answer: string;
  readonly call: TrueCall;
  /** The server ends the connection by what it sends. */
  readonly last?: boolean;
}

const START_SECONDS = 1_700_100_000;
const SPAN_SECONDS = 20;
const DNS_CODES = ['NOERROR', 'SERVFAIL', 'NXDOMAIN'] as const;
const DNS_NUMBERS = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;
const DNS_OUTCOMES = { NOERROR: 'ok', SERVFAIL: 'server error', NXDOMAIN: 'client error' } as const;

export function simulateTraffic(random: Random, connections: number): Traffic {
  const calls = new Map<string, TrueCall>();
  const pipelined = new Set<number>();
  const all: Segment[] = [];
  for (let number = 0; number < connections; number++) {
    const kind = random.below(10);
    const segments =
      kind < 6
        ? tcp(random, number, calls, http, pipelined)
        : kind < 9
          ? tcp(random, number, calls, redis, pipelined)
          : dns(random, number, calls);
    let at = random.below(SPAN_SECONDS * 1e6) * 1000;
    for (const segment of segments) {
      at += 1000 * (1 + random.below(random.oneIn(10) ? 20_000 : 300));
      all.push({ ...segment, seconds: START_SECONDS + Math.floor(at / 1e9), nanos: at % 1e9 });
    }
  }
  const time = (one: Segment): number => ((one.seconds ?? 0) - START_SECONDS) * 1e9 + (one.nanos ?? 0);
  return { segments: all.toSorted((a, b) => time(a) - time(b)), calls, pipelined };
}

/** One connection: requests one by one, in groups, or without ever waiting for all answers. */
function tcp(
  random: Random,
  number: number,
  calls: Map<string, TrueCall>,
  make: (random: Random, id: string, ordinal: number, last: boolean) => Exchange,
  pipelined: Set<number>,
): Segment[] {
  const dialogue = new Dialogue({
    client: { address: `10.2.${number >> 8}.${number & 255}`, port: 30_000 + (number % 20_000) },
    server: { address: `10.3.0.${1 + random.below(9)}`, port: 7000 + random.below(40) },
    // Sequence numbers anywhere, often just before they wrap.
    first: [
      random.oneIn(3) ? -1 - random.below(9000) : random.below(0x7fffffff),
      -1 - random.below(0x7fffffff),
    ],
  });
  dialogue.open();
  const count = 1 + random.below(14);
  const style = random.below(4);
  if (style >= 2) pipelined.add(30_000 + (number % 20_000));
  let waiting: string[] = [];
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const exchange = make(random, `${number}x${ordinal}`, ordinal, ordinal === count - 1);
    calls.set(exchange.call.target, exchange.call);
    send(dialogue, random, CLIENT, exchange.request);
    waiting.push(exchange.answer);
    // Sequential; groups; continuous: one stays open.
    const keep = style === 3 && ordinal < count - 1 ? 1 : 0;
    const flush = style < 2 || ordinal === count - 1 || random.oneIn(3);
    if (!flush) continue;
    while (waiting.length > keep) send(dialogue, random, SERVER, waiting.shift() ?? '');
    if (random.oneIn(2)) dialogue.ack(CLIENT);
  }
  return dialogue.close().segments;
}

function send(dialogue: Dialogue, random: Random, side: Side, text: string): void {
  if (text.length === 0) return;
  if (random.oneIn(4)) dialogue.ack((1 - side) as Side);
  dialogue.send(side, text, random.pick([0, 0, 1448, 536, 97]));
}

function http(random: Random, id: string, ordinal: number, last: boolean): Exchange {
  const method = random.pick(['GET', 'GET', 'GET', 'POST', 'HEAD', 'DELETE']);
  const target = `/item/${id}/see`;
  const body = method === 'POST' ? 'b'.repeat(random.below(3000)) : '';
  const length = method === 'POST' ? `Content-Length: ${body.length}\r\n` : '';
  const request = `${method} ${target} HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n${length}\r\n${body}`;
  const answered = !(last && random.oneIn(6));
  // Neighbours differ in their codes.
  const status = 200 + ((ordinal * 7 + random.below(7)) % 300);
  const bare = method === 'HEAD' || status === 204 || status === 304;
  const text = 'a'.repeat(random.below(random.oneIn(8) ? 20_000 : 900));
  const how = random.below(last ? 3 : 2);
  const head = `HTTP/1.1 ${status} Said\r\nServer: sim\r\n`;
  let answer = `${head}Content-Length: ${text.length}\r\n\r\n${bare ? '' : text}`;
  if (how === 1 && !bare) answer = `${head}Transfer-Encoding: chunked\r\n\r\n${chunked(text, random)}`;
  if (how === 2 && !bare) answer = `${head}Connection: close\r\n\r\n${text}`;
  if (method === 'POST' && random.oneIn(5)) answer = `HTTP/1.1 100 Continue\r\n\r\n${answer}`;
  const outcome = status < 400 ? 'ok' : 'client error';
  const call: TrueCall = {
    protocol: 'http',
    target,
    method,
    status: answered ? String(status) : '',
    outcome: answered ? outcome : 'unanswered',
    up: request.length,
    down: answered ? answer.length : 0,
    answered,
  };
  return { request, answer: answered ? answer : '', call };
}

function chunked(text: string, random: Random): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    const bytes = 1 + random.below(700);
    const piece = text.slice(at, at + bytes);
    out += `${piece.length.toString(16)}\r\n${piece}\r\n`;
    at += bytes;
  }
  return `${out}0\r\n\r\n`;
}

function redis(random: Random, id: string, ordinal: number, last: boolean): Exchange {
  const target = `item:${id}:z`;
  const set = random.oneIn(3);
  const value = 'v'.repeat(random.below(random.oneIn(9) ? 9000 : 300));
  const words = set ? ['SET', target, value] : ['GET', target];
  const request = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const answered = !(last && random.oneIn(6));
  const kind = random.below(3);
  const status = `ERR${String.fromCharCode(65 + (ordinal % 26), 65 + random.below(26))}`;
  const text = 'w'.repeat(10 + ordinal * 20 + random.below(20));
  let answer = `$${text.length}\r\n${text}\r\n`;
  if (kind === 0) answer = `-${status} no ${text}\r\n`;
  const call: TrueCall = {
    protocol: 'redis',
    target,
    method: words[0],
    status: answered && kind === 0 ? status : '',
    outcome: answered ? (kind === 0 ? 'client error' : 'ok') : 'unanswered',
    up: request.length,
    down: answered ? answer.length : 0,
    answered,
  };
  return { request, answer: answered ? answer : '', call };
}

/** Questions and answers from one port, answers in any order. */
function dns(random: Random, number: number, calls: Map<string, TrueCall>): Segment[] {
  const dialogue = new Dialogue({
    client: { address: `10.2.${number >> 8}.${number & 255}`, port: 40_000 + (number % 9000) },
    server: { address: '10.3.0.53', port: 53 },
    udp: true,
  });
  const waiting: string[] = [];
  const count = 1 + random.below(6);
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const name = `n${number}x${ordinal}.sim.example`;
    const id = String.fromCharCode(ordinal * 16 + random.below(16), random.below(256));
    const question = `${name
      .split('.')
      .map((label) => String.fromCharCode(label.length) + label)
      .join('')}\0\0\x01\0\x01`;
    const request = `${id}\x01\0\0\x01\0\0\0\0\0\0${question}`;
    const answered = !random.oneIn(8);
    const code = random.pick(DNS_CODES);
    const answer = `${id}\x81${String.fromCharCode(0x80 | DNS_NUMBERS[code])}\0\x01\0\0\0\0\0\0${question}`;
    calls.set(name, {
      protocol: 'dns',
      target: name,
      method: 'A',
      status: answered ? code : '',
      outcome: answered ? DNS_OUTCOMES[code] : 'unanswered',
      up: request.length,
      down: answered ? answer.length : 0,
      answered,
    });
    dialogue.client(request);
    if (answered) waiting.push(answer);
    while (waiting.length > 0 && random.oneIn(2))
      dialogue.server(waiting.splice(random.below(waiting.length), 1)[0]);
  }
  while (waiting.length > 0) dialogue.server(waiting.splice(random.below(waiting.length), 1)[0]);
  return dialogue.segments;
}

/**
 * Captures of whole conversations for tests of the command: a client and a server that say given bytes, with
 * a handshake, sequence numbers that fit and an end.
 */
import { toBytes, tcpFrame, udpFrame } from './frames.ts';

const FIN = 1;
const SYN = 2;
const PUSH = 8;
const ACK = 16;

/** Who says it, and what; a list is a segment each. */
export type Turn = readonly ['client' | 'server', string | Uint8Array | readonly (string | Uint8Array)[]];

export interface TcpWays {
  /** Each data segment is sent twice. */
  readonly retransmit?: boolean;
  /** Of the segments of one turn the last comes first. */
  readonly backwards?: boolean;
  /** No handshake: the capture began later. */
  readonly joined?: boolean;
  /** Only this side was captured. */
  readonly only?: 'client' | 'server';
  /** The connection stays open. */
  readonly open?: boolean;
}

interface End {
  readonly address: string;
  readonly port: number;
  next: number;
}

export class CaptureMaker {
  readonly frames: Uint8Array[] = [];
  /** Conversations so far. */
  conversations = 0;

  /** A TCP connection of its own to `port` of the server, and what is said on it. */
  tcp(port: number, turns: readonly Turn[], ways: TcpWays = {}): void {
    const number = this.conversations++;
    const client: End = { address: '10.0.0.1', port: 20_000 + number, next: 1000 + number * 7 };
    const server: End = { address: '10.0.0.2', port, next: 900_000 + number * 11 };
    const ends = { client, server };
    if (ways.joined !== true) {
      this.#send(client, server, SYN, '', ways);
      client.next++;
      this.#send(server, client, SYN | ACK, '', ways);
      server.next++;
      this.#send(client, server, ACK, '', ways);
    }
    for (const [who, said] of turns) {
      const from = ends[who];
      const to = who === 'client' ? server : client;
      const pieces = (Array.isArray(said) ? said : [said]) as readonly (string | Uint8Array)[];
      this.#turn(from, to, pieces, ways);
      this.#send(to, from, ACK, '', ways);
    }
    if (ways.open === true) return;
    this.#send(client, server, FIN | ACK, '', ways);
    client.next++;
    this.#send(server, client, FIN | ACK, '', ways);
    server.next++;
    this.#send(client, server, ACK, '', ways);
  }

  /** A query and an answer. */
  udp(port: number, query: Uint8Array, answer: Uint8Array): void {
    const clientPort = 20_000 + this.conversations++;
    const ask = { source: '10.0.0.1', target: '10.0.0.2', sourcePort: clientPort, targetPort: port };
    const tell = { source: '10.0.0.2', target: '10.0.0.1', sourcePort: port, targetPort: clientPort };
    this.frames.push(udpFrame({ ...ask, payload: query }), udpFrame({ ...tell, payload: answer }));
  }

  #turn(from: End, to: End, pieces: readonly (string | Uint8Array)[], ways: TcpWays): void {
    const begun = this.frames.length;
    for (const piece of pieces) {
      const payload = toBytes(piece);
      this.#send(from, to, PUSH | ACK, payload, ways);
      if (ways.retransmit === true) this.#send(from, to, PUSH | ACK, payload, ways);
      from.next += payload.length;
    }
    if (ways.backwards !== true || pieces.length < 2) return;
    const last = this.frames.pop();
    if (last !== undefined) this.frames.splice(begun, 0, last);
  }

  #send(from: End, to: End, flags: number, payload: string | Uint8Array, ways: TcpWays): void {
    if (ways.only !== undefined && (from.address === '10.0.0.1') !== (ways.only === 'client')) return;
    this.frames.push(
      tcpFrame({
        source: from.address,
        target: to.address,
        sourcePort: from.port,
        targetPort: to.port,
        sequence: from.next,
        acknowledgement: flags === SYN ? 0 : to.next,
        flags,
        payload,
        id: this.frames.length & 0xffff,
      }),
    );
  }
}

/** A DNS message with one question and perhaps answers. `labels` are sent as they are. */
export function dnsMessage(
  id: number,
  labels: readonly string[],
  type: number,
  answers: readonly (readonly [type: number, data: Uint8Array])[] | undefined,
): Uint8Array {
  const name = dnsName(labels);
  const records = (answers ?? []).map(([kind, data]) =>
    Buffer.concat([Uint8Array.of(0xc0, 12), words(kind, 1, 0, 60, data.length), data]),
  );
  const flags = answers === undefined ? 0x0100 : 0x8180;
  return Buffer.concat([words(id, flags, 1, records.length, 0, 0), name, words(type, 1), ...records]);
}

export function dnsName(labels: readonly string[]): Uint8Array {
  const parts = labels.map((label) =>
    Buffer.concat([Uint8Array.of(label.length), Buffer.from(label, 'latin1')]),
  );
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

/** The data of a TXT record of one text. */
export function dnsText(text: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(text.length), Buffer.from(text, 'latin1')]);
}

function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]));
}

/** A command of Redis as an array of bulk strings. */
export function redisCommand(...words: readonly string[]): string {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join('')}`;
}

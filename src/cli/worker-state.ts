/** What main keeps of one worker: its texts, the addresses of its connections, its ledger. */
import { addressText } from '../record/address.ts';
import * as log from '../record/connection-log.ts';
import type { CallPeers } from '../record/row.ts';
import type { SecondReport } from '../wire/worker/messages.ts';

/** A connection as rows need it; names are asked for when a row is shown. */
export interface Peer {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
}

/** Connections remembered for their rows; the oldest go first, their later rows have no addresses. */
const PEERS_MAX = 300_000;

const NOBODY: Peer = { clientAddress: '', clientPort: 0, serverAddress: '' };

export class WorkerState {
  /** String id → text. */
  readonly texts: string[] = [''];
  counts = new Float64Array(0);
  bytes = new Float64Array(0);
  pairs: ReadonlyMap<string, readonly [number, number]> = new Map();
  frames = 0;
  wireBytes = 0;
  readonly #peers = new Map<number, Peer>();

  learnTexts(first: number, texts: readonly string[]): void {
    for (let k = 0; k < texts.length; k++) this.texts[first + k] = texts[k];
  }

  /** Entries of a connection log. */
  learnConnections(entries: Int32Array): void {
    const bytes = new Uint8Array(entries.buffer, entries.byteOffset, entries.byteLength);
    for (let at = 0; at + log.LOG_WORDS <= entries.length; at += log.LOG_WORDS) {
      const length = entries[at + log.LOG_VERSION] === 4 ? 4 : 16;
      this.#peers.set(entries[at + log.LOG_NUMBER], {
        clientAddress: addressText(bytes, (at + log.LOG_CLIENT) * 4, length),
        clientPort: entries[at + log.LOG_PORTS] & 0xffff,
        serverAddress: addressText(bytes, (at + log.LOG_SERVER) * 4, length),
      });
    }
    if (this.#peers.size <= PEERS_MAX) return;
    for (const oldest of this.#peers.keys()) {
      this.#peers.delete(oldest);
      if (this.#peers.size <= PEERS_MAX) break;
    }
  }

  /** A connection is over, and its rows were shown. */
  forget(connection: number): void {
    this.#peers.delete(connection);
  }

  peer(connection: number): Peer {
    return this.#peers.get(connection) ?? NOBODY;
  }

  learnSecond(report: SecondReport): void {
    this.counts = report.counts;
    this.bytes = report.bytes;
    this.pairs = report.pairs;
    this.frames = report.frames;
    this.wireBytes = report.wireBytes;
  }
}

/** The peers of a row, with the names that its endpoints go by. */
export function peersOf(peer: Peer, clientService: string, serverService: string): CallPeers {
  return { ...peer, clientService, serverService };
}

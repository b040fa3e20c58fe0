/** Entries of a worker's connection log from texts, for tests of what main makes of them. */
import { isIP } from 'node:net';
import * as log from '../../src/record/connection-log.ts';

export interface LogEntry {
  readonly row?: number;
  readonly number: number;
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  /** 6 TCP, 17 UDP. */
  readonly transport?: number;
  readonly seconds?: number;
  readonly clientId: readonly [low: number, high: number];
  readonly serverId: readonly [low: number, high: number];
}

export function logOf(entries: readonly LogEntry[]): Int32Array {
  const words = new Int32Array(entries.length * log.LOG_WORDS);
  const bytes = new Uint8Array(words.buffer);
  for (const [index, entry] of entries.entries()) {
    const at = index * log.LOG_WORDS;
    words[at + log.LOG_NUMBER] = entry.number;
    words[at + log.LOG_ROW] = entry.row ?? index;
    words[at + log.LOG_VERSION] = isIP(entry.client);
    bytes.set(addressBytes(entry.client), (at + log.LOG_CLIENT) * 4);
    bytes.set(addressBytes(entry.server), (at + log.LOG_SERVER) * 4);
    words[at + log.LOG_PORTS] = entry.clientPort | (entry.serverPort << 16);
    words[at + log.LOG_TRANSPORT] = entry.transport ?? 6;
    words[at + log.LOG_OPENED] = entry.seconds ?? 1000;
    words.set(entry.clientId, at + log.LOG_CLIENT_ENDPOINT);
    words.set(entry.serverId, at + log.LOG_SERVER_ENDPOINT);
  }
  return words;
}

/** IPv4, or IPv6 without dots in it. */
function addressBytes(text: string): number[] {
  if (isIP(text) === 4) return text.split('.').map(Number);
  const [head, tail] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - head.length - (tail?.length ?? 0) }, () => '0');
  return [...head, ...(tail === undefined ? [] : [...zeros, ...tail])].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

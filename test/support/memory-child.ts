/**
 * Opens many HTTP/1.1 connections in one engine of the product's limits, and prints what they cost in
 * resident memory beyond the engine at rest. `half`: each has sent half a head. `idle`: each has had a call.
 */
import { readFileSync } from 'node:fs';
import { DEFAULT_LIMITS } from '../../src/base/limits.ts';
import { SERVER } from '../../src/wire/protocols/protocol.ts';
import { Dialogue } from './dialogue.ts';
import { Observer } from './observer.ts';

const CONNECTIONS = 100_000;
/** As a browser sends it: 500 bytes and more, of which half have come. */
const HEAD = `GET /cart/items/7 HTTP/1.1\r\nHost: shop.example\r\n${'X-Header: some value of it\r\n'.repeat(17)}\r\n`;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const what = process.argv[2];
const observer = new Observer({ limits: DEFAULT_LIMITS, keep: false });
observer.seeAll(dialogueOf(0).segments);
globalThis.gc?.();
const rest = residentBytes();
for (let number = 1; number <= CONNECTIONS; number++) {
  for (const segment of dialogueOf(number).segments) observer.see(segment);
}
observer.engine.flush();
globalThis.gc?.();
const bytes = residentBytes() - rest;
const { connections, slabBytes } = observer.engine.usage();
const counted = { bytes, connections, slabBytes, rows: observer.rows, rest, headBytes: HEAD.length };
process.stdout.write(`${JSON.stringify(counted)}\n`);

function dialogueOf(number: number): Dialogue {
  const client = { address: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, port: 40_000 };
  const dialogue = new Dialogue({ client }).open().client(HEAD).server(ANSWER).ack(SERVER);
  return what === 'half' ? dialogue.client(HEAD.slice(0, HEAD.length / 2)) : dialogue;
}

/** Pages that are in memory; `rss` of Node counts the same. */
function residentBytes(): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

/** What real captures taught: corners of the wire, each made anew by hand, through the whole engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TCP_ACK } from '../src/wire/decode/packet.ts';
import { CLIENT, SERVER } from '../src/wire/protocols/protocol.ts';
import { Dialogue } from './support/dialogue.ts';
import type { Segment } from './support/dialogue.ts';
import { Observer } from './support/observer.ts';

const GET = 'GET /inside HTTP/1.1\r\nHost: h\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function told(segments: Iterable<Segment>): string[] {
  const observer = new Observer();
  observer.seeAll(segments);
  return observer.end().map((call) => `${call.protocol} ${call.method} ${call.target} ${call.status} ${call.outcome}`);
}

test('an empty line too many after CONNECT and its answer does not hide what the tunnel carries', () => {
  const dialogue = new Dialogue().open();
  dialogue.client('CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n\n').server('HTTP/1.1 200 OK\r\n\r\n\n');
  dialogue.client(GET).server(ANSWER).close();
  assert.deepEqual(told(dialogue.segments), ['http CONNECT h:80 200 ok', 'http GET /inside 200 ok']);
});

test('a keep-alive probe with a byte of garbage does not stand before the first request seen', () => {
  const dialogue = new Dialogue();
  dialogue.next[CLIENT] -= 1;
  dialogue.client('\0').server('').ack(SERVER);
  const probe = dialogue.segments[0];
  dialogue.segments[0] = { ...probe, flags: TCP_ACK };
  dialogue.client(GET).server(ANSWER).close();
  assert.deepEqual(told(dialogue.segments), ['http GET /inside 200 ok']);
});

test('a capture out of order by seconds, in few frames, gives the calls of one in order', () => {
  const dialogue = new Dialogue().open();
  dialogue.client('GET /first HTTP/1.1\r\nHost: h\r\n\r\n').server(ANSWER);
  dialogue.client(GET).server(ANSWER);
  const [syn, synAck, ack, first, firstAnswer, second, secondAnswer] = dialogue.segments;
  const at = (segment: Segment, seconds: number): Segment => ({ ...segment, seconds: 1_700_000_000 + seconds });
  const segments = [
    at(syn, 0), at(synAck, 0), at(ack, 0), at(firstAnswer, 1), at(secondAnswer, 30), at(second, 29), at(first, 0),
  ];
  assert.deepEqual(told(segments), ['http GET /first 200 ok', 'http GET /inside 200 ok']);
});

test('greetings of two or three bytes are no DNS', () => {
  const socks = new Dialogue().open().client('\x05\x01\x00').server('\x05\x00');
  socks.client('\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50').server('\x05\x00\x00\x01\x0a\x00\x00\x02\x04\x01').close();
  assert.deepEqual(told(socks.segments), []);
  const openFlow = new Dialogue().open().server('\x01\x00\x00\x08\x00\x00\x00\x01');
  openFlow.client('\x01\x00\x00\x08\x00\x00\x00\x02').client(`\x01\x05${'\0\x08\0\0\0\x03'.repeat(60)}`).close();
  assert.deepEqual(told(openFlow.segments), []);
});

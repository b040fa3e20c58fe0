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
  return observer
    .end()
    .map((call) => `${call.protocol} ${call.method} ${call.target} ${call.status} ${call.outcome}`);
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
  const at = (segment: Segment, seconds: number): Segment => ({
    ...segment,
    seconds: 1_700_000_000 + seconds,
  });
  const segments = [
    at(syn, 0),
    at(synAck, 0),
    at(ack, 0),
    at(firstAnswer, 1),
    at(secondAnswer, 30),
    at(second, 29),
    at(first, 0),
  ];
  assert.deepEqual(told(segments), ['http GET /first 200 ok', 'http GET /inside 200 ok']);
});

test('greetings of two or three bytes are no DNS', () => {
  const socks = new Dialogue().open().client('\x05\x01\x00').server('\x05\x00');
  socks
    .client('\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50')
    .server('\x05\x00\x00\x01\x0a\x00\x00\x02\x04\x01')
    .close();
  assert.deepEqual(told(socks.segments), []);
  const openFlow = new Dialogue().open().server('\x01\x00\x00\x08\x00\x00\x00\x01');
  openFlow
    .client('\x01\x00\x00\x08\x00\x00\x00\x02')
    .client(`\x01\x05${'\0\x08\0\0\0\x03'.repeat(60)}`)
    .close();
  assert.deepEqual(told(openFlow.segments), []);
});

test('what a proxy carries is known behind its greeting', () => {
  const socks = new Dialogue().open().client('\x05\x01\x00').server('\x05\x00');
  socks.client('\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50').server('\x05\x00\x00\x01\x0a\x00\x00\x02\x04\x01');
  socks.client(GET).server(ANSWER).client(GET).server(ANSWER).close();
  assert.deepEqual(told(socks.segments), ['http GET /inside 200 ok', 'http GET /inside 200 ok']);
});

test('who opened a connection may be the one who is asked', () => {
  const dialogue = new Dialogue().open().server(GET).client(ANSWER).server(GET).client(ANSWER).close();
  const calls = new Observer().seeAll(dialogue.segments).end();
  assert.deepEqual(
    calls.map((call) => `${call.target} ${call.status}`),
    ['/inside 200', '/inside 200'],
  );
  assert.deepEqual(
    calls.map((call) => call.client_address),
    ['10.1.0.7', '10.1.0.7'],
  );
});

test('packets cut by the snap length tell what their first lines say', () => {
  const dialogue = new Dialogue().open();
  dialogue
    .client('GET /a/long/target HTTP/1.1\r\nHost: h\r\nAccept: ')
    .server('HTTP/1.1 200 OK\r\nDate: Mon');
  dialogue.client('GET /another/tar').server('HTTP/1.1 404 Not Fo').close();
  assert.deepEqual(told(snapped(dialogue, 300)), [
    'http GET /a/long/target 200 unknown',
    'http GET /another/tar 404 client error',
  ]);
  const short = new Dialogue().open().client('GET /first/li').server('HTTP/1.1 500 In').close();
  assert.deepEqual(told(snapped(short, 77)), ['http GET /first/li 500 server error']);
});

test('a hole in one connection is a hole of its own protocol, whatever was read before it', () => {
  const http = new Dialogue().open().client(GET);
  const peer = { address: '10.1.0.3', port: 40_000 };
  const redis = new Dialogue({ client: peer }).open().client('*1\r\n$4\r\nPING\r\n').server('+PONG\r\n');
  http.server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  const before = http.segments.length;
  // The rest of the chunks is lost; the next answer must not be read as a chunk.
  http.lose(SERVER, 30).client(GET.replace('inside', 'next')).server(ANSWER).close();
  const [head, tail] = [http.segments.slice(0, before), http.segments.slice(before)];
  const rows = told([...head, ...redis.segments, ...tail]);
  assert.deepEqual(
    rows.filter((row) => row.startsWith('http')),
    ['http GET /inside 200 ok', 'http GET /next 200 ok'],
  );
});

/** As if every packet with bytes had `bytes` more of them that the capture cut off. */
function snapped(dialogue: Dialogue, bytes: number): Segment[] {
  const moved = [0, 0];
  return dialogue.segments.map((segment) => {
    const sequence = segment.sequence + moved[segment.side];
    const acknowledgement = segment.acknowledgement + moved[1 - segment.side];
    const cutBytes = segment.bytes.length > 0 ? bytes : 0;
    moved[segment.side] += cutBytes;
    return { ...segment, sequence, acknowledgement, cutBytes };
  });
}

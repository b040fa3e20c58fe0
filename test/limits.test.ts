/** Every limit of a worker is reached here, with a small one, and seen in the ledger under its reason. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_LIMITS } from '../src/base/limits.ts';
import type { Limits } from '../src/base/limits.ts';
import { LINK_ETHERNET } from '../src/wire/decode/packet.ts';
import { CLIENT, SERVER } from '../src/wire/protocols/protocol.ts';
import { Dialogue } from './support/dialogue.ts';
import type { Segment } from './support/dialogue.ts';
import { fragments4 } from './support/frames.ts';
import { Observer } from './support/observer.ts';

const YES = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const HOLE = 10;

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

/** A dialogue of client number `number`. */
function from(number: number): Dialogue {
  return new Dialogue({ client: { address: `10.4.${number >> 8}.${number & 255}`, port: 40_000 } }).open();
}

/** Requests behind a hole that nobody has acknowledged. */
function behindHole(pieces: number, bytes: number): Segment[] {
  const dialogue = new Dialogue().open().client(get('/a')).server(YES);
  dialogue.next[CLIENT] += HOLE;
  for (let piece = 0; piece < pieces; piece++) dialogue.client('x'.repeat(bytes));
  return dialogue.segments;
}

/** Limits that a test below has reached; the last test compares with the list of all. */
const reached = new Set<string>();

function reach(name: keyof Limits, limits: Partial<Limits>, options: { bodies?: boolean } = {}): Observer {
  reached.add(name);
  return new Observer({ limits, ...options });
}

describe('limits', () => {
  it('heapBytes: what finds no room is counted, and nothing throws', () => {
    const heapBytes = 65_536 * 6;
    const observer = reach('heapBytes', { heapBytes, connections: 256 });
    // Half heads are kept until the heap is full.
    for (let number = 0; number < 250; number++) {
      const half = get('/b').slice(0, -2).padEnd(2000, 'z');
      observer.seeAll(from(number).client(get('/a')).server(YES).client(half).segments);
    }
    assert.ok(observer.count('heap-limit') > 0);
    assert.ok(observer.slabBytesMax > heapBytes / 2 && observer.slabBytesMax <= heapBytes);
    observer.end();
  });

  it('connections: more are not known, and counted with their bytes', () => {
    const observer = reach('connections', { connections: 8 });
    for (let number = 0; number < 20; number++) {
      observer.seeAll(from(number).client(get('/a')).server(YES).segments);
    }
    assert.ok(observer.count('connection-limit') >= 12);
    assert.ok(observer.bytes('connection-limit') >= 12 * get('/a').length);
    assert.equal(observer.engine.usage().connections, 8);
    assert.equal(observer.end().length, 8);
  });

  it('messageBytes: a longer head is given up, and what follows is read', () => {
    const observer = reach('messageBytes', { messageBytes: 512 });
    const long = `GET / HTTP/1.1\r\nX: ${'h'.repeat(2000)}\r\n\r\n`;
    const dialogue = new Dialogue().open().client(get('/a')).server(YES).client(long, 100).server(YES);
    const calls = observer.seeAll(dialogue.client(get('/b')).server(YES).close().segments).end();
    assert.ok(observer.count('message-limit') > 0);
    assert.equal(calls[0].target, '/a');
    assert.ok(
      calls.some((call) => call.target === '/b'),
      'the next one is found',
    );
  });

  it('openCallsPerConnection: the oldest are given up', () => {
    const observer = reach('openCallsPerConnection', { openCallsPerConnection: 4 });
    const dialogue = new Dialogue().open();
    for (let number = 0; number < 10; number++) dialogue.client(get(`/n${number}a`));
    const calls = observer.seeAll(dialogue.close().segments).end();
    assert.equal(observer.count('open-call-limit'), 6);
    assert.equal(calls.length, 10);
    assert.equal(calls.filter((call) => call.flags.includes('truncated')).length, 6);
    assert.ok(calls.slice(0, 6).every((call) => call.outcome === 'unknown'));
  });

  it('reassemblyBytesPerConnection: what waits is read without what is missing', () => {
    const observer = reach('reassemblyBytesPerConnection', { reassemblyBytesPerConnection: 5000 });
    observer.seeAll(behindHole(20, 400));
    assert.ok(observer.count('reassembly-limit') > 0);
    assert.equal(observer.bytes('gap'), HOLE);
    observer.end();
  });

  it('reassemblySegmentsPerConnection: the same for many small ones', () => {
    const observer = reach('reassemblySegmentsPerConnection', { reassemblySegmentsPerConnection: 16 });
    observer.seeAll(behindHole(40, 2));
    assert.ok(observer.count('reassembly-limit') > 0);
    assert.equal(observer.bytes('gap'), HOLE);
    observer.end();
  });

  it('fragmentedDatagrams: the oldest is given up', () => {
    const observer = reach('fragmentedDatagrams', { fragmentedDatagrams: 4 });
    for (let id = 0; id < 12; id++) {
      const [first] = fragments4({ id }, 17, new Uint8Array(64), 32);
      const start = observer.memory.inputStart;
      observer.memory.u8.set(first, start);
      observer.engine.frame(
        LINK_ETHERNET,
        start,
        start + first.length,
        first.length,
        observer.seconds,
        id,
        0,
        0,
      );
    }
    assert.ok(observer.count('fragment-limit') >= 8);
    observer.end();
  });

  for (const [name, early, late] of [
    ['holeFrames', { holeFrames: 64, holeMs: 0 }, { holeFrames: 4096, holeMs: 0 }],
    ['holeMs', { holeFrames: 1, holeMs: 1 }, { holeFrames: 1, holeMs: 4000 }],
    [
      'holeMaxMs',
      { holeMaxMs: 20, holeMaxFrames: 1, holeFrames: 9999 },
      { holeMaxMs: 90_000, holeFrames: 9999 },
    ],
    [
      'holeMaxFrames',
      { holeMaxMs: 20, holeMaxFrames: 1, holeFrames: 9999 },
      { holeMaxMs: 20, holeMaxFrames: 9999, holeFrames: 9999 },
    ],
  ] as const) {
    it(`${name}: an acknowledged hole is given up then, and not before`, () => {
      const gaps = [early, late].map((limits) => {
        const observer = reach(name, limits);
        const dialogue = new Dialogue().open().client(get('/a')).server(YES);
        observer.seeAll(dialogue.lose(SERVER, 100).client(get('/b')).server(YES).segments);
        const noise = from(9).client('x').segments[3];
        for (let frame = 0; frame < 1000; frame++) observer.see(noise);
        const bytes = observer.bytes('gap');
        observer.end();
        return bytes;
      });
      assert.deepEqual(gaps, [100, 0]);
    });
  }

  it('idleMs: a connection without packets is forgotten, its open call unanswered', () => {
    const observer = reach('idleMs', { idleMs: 20_000 });
    observer.seeAll(new Dialogue().open().client(get('/a')).ack(SERVER).segments);
    observer.wait(15);
    assert.equal(observer.engine.usage().connections, 1);
    observer.wait(10);
    assert.equal(observer.engine.usage().connections, 0);
    observer.engine.flush();
    assert.deepEqual(
      observer.take().map((call) => call.outcome),
      ['unanswered'],
    );
  });

  it('datagramAnswerMs: a question without answer is unanswered then', () => {
    const observer = reach('datagramAnswerMs', { datagramAnswerMs: 3000 });
    const question = '\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04cart\x05local\0\0\x01\0\x01';
    observer.seeAll(new Dialogue({ udp: true }).client(question).segments);
    observer.wait(2);
    assert.equal(observer.engine.usage().connections, 1);
    observer.wait(3);
    assert.equal(observer.engine.usage().connections, 0);
    observer.engine.flush();
    assert.deepEqual(
      observer.take().map((call) => call.outcome),
      ['unanswered'],
    );
  });

  it('operationsPerServer: the rest is a star', () => {
    const observer = reach('operationsPerServer', { operationsPerServer: 5 });
    const dialogue = new Dialogue().open();
    const word = (number: number): string =>
      [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    for (let number = 0; number < 40; number++) dialogue.client(get(`/x${word(number)}`)).server(YES);
    const calls = observer.seeAll(dialogue.close().segments).end();
    assert.equal(new Set(calls.map((call) => call.operation)).size, 6);
    assert.equal(calls.at(-1)?.operation, 'GET /*');
    assert.equal(observer.count('operation-limit'), 35);
  });

  it('strings: the rest is empty', () => {
    const observer = reach('strings', { strings: 32 });
    const dialogue = new Dialogue().open();
    for (let number = 0; number < 60; number++) {
      dialogue.client(`GET /a HTTP/1.1\r\nHost: h${number}.example\r\n\r\n`).server(YES);
    }
    const calls = observer.seeAll(dialogue.close().segments).end();
    assert.ok(observer.count('string-limit') > 20);
    assert.equal(calls[0].host, 'h0.example');
    assert.equal(calls.at(-1)?.host, '');
  });

  it('targetBytes: a longer target is cut and marked', () => {
    const observer = reach('targetBytes', { targetBytes: 64 });
    const dialogue = new Dialogue()
      .open()
      .client(get(`/${'p/'.repeat(100)}`))
      .server(YES)
      .close();
    const [call] = observer.seeAll(dialogue.segments).end();
    assert.equal(call.target.length, 64);
    assert.ok(call.flags.includes('truncated'));
  });

  it('bodyBytes: what is behind them is not looked through', () => {
    const counts = [64, 2048].map((bodyBytes) => {
      const observer = reach('bodyBytes', { bodyBytes }, { bodies: true });
      const body = `${'-'.repeat(100)} order 123456789`;
      const post = `POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const [call] = observer.seeAll(new Dialogue().open().client(post).server(YES).close().segments).end();
      return call.fingerprints.length;
    });
    assert.deepEqual(counts, [0, 1]);
  });

  it('blockRows and blockMs: a block leaves when it is full, or old', () => {
    const full = reach('blockRows', { blockRows: 16, blockMs: 1e9 });
    const dialogue = new Dialogue().open();
    for (let number = 0; number < 100; number++) dialogue.client(get('/a')).server(YES);
    full.seeAll(dialogue.segments);
    assert.equal(full.rows, 96);
    full.end();
    assert.equal(full.rows, 100);
    const old = reach('blockMs', { blockRows: 4096, blockMs: 2000 });
    old.seeAll(dialogue.segments);
    assert.equal(old.rows, 0);
    old.wait(3);
    assert.equal(old.rows, 100);
    old.end();
  });

  it('are all tested here', () => {
    assert.deepEqual([...reached].toSorted(), Object.keys(DEFAULT_LIMITS).toSorted());
  });
});

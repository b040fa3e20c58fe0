/** TCP as an observer sees it, through the whole engine: what is told of a small HTTP conversation. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dialogue } from '../../../test/support/dialogue.ts';
import type { Segment } from '../../../test/support/dialogue.ts';
import { Observer } from '../../../test/support/observer.ts';
import type { ObserverOptions } from '../../../test/support/observer.ts';
import type { CallRow } from '../../record/row.ts';
import { TCP_ACK, TCP_FIN, TCP_SYN } from '../decode/packet.ts';
import { CLIENT, SERVER } from '../protocols/protocol.ts';

const FIRST = 'GET /one HTTP/1.1\r\nHost: h\r\n\r\n';
const SECOND = 'GET /two HTTP/1.1\r\nHost: h\r\n\r\n';
const THIRD = 'GET /three HTTP/1.1\r\nHost: h\r\n\r\n';
const YES = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const NO = 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno';

function text(call: CallRow): string {
  const doubts = call.flags.filter((flag) => flag !== 'body skipped');
  return `${call.target || '-'} ${call.status || '-'} ${call.outcome}${doubts.length > 0 ? ` [${doubts.join()}]` : ''}`;
}

function told(segments: readonly Segment[], options: ObserverOptions = {}): string[] {
  return new Observer(options)
    .seeAll(segments)
    .end()
    .map((call) => text(call));
}

/** Two calls one after the other: 0 SYN, 1 SYN-ACK, 2 ACK, 3 and 5 requests, 4 and 6 answers, 7 FIN, 8 FIN, 9 ACK. */
function two(first: readonly [number, number] = [1000, 5000]): Segment[] {
  const dialogue = new Dialogue({ first }).open();
  return dialogue.client(FIRST).server(YES).client(SECOND).server(NO).close().segments;
}

const TOLD = ['/one 200 ok', '/two 404 client error'];

function flagged(segments: readonly Segment[], flags: number): Segment[] {
  return segments.filter((segment) => (segment.flags & flags) === 0);
}

describe('tcp', () => {
  it('tells a conversation in order', () => assert.deepEqual(told(two()), TOLD));

  it('tells the same in the worst order that keeps the handshake first', () => {
    const segments = two();
    assert.deepEqual(told([...segments.slice(0, 3), ...segments.slice(3).toReversed()]), TOLD);
  });

  it('tells the same wherever sequence numbers wrap', () => {
    for (let before = 1; before < 140; before++) {
      assert.deepEqual(told(two([-before, -before * 2])), TOLD, `${before} before the wrap`);
    }
  });

  it('reads what overlaps once, the first that came', () => {
    const dialogue = new Dialogue().open().client(FIRST);
    const request = dialogue.segments[3];
    const forged = Buffer.from(FIRST.replace('/one', '/QQQ'));
    const overlapping = [
      { ...request, bytes: request.bytes.subarray(0, 10) },
      { ...request, bytes: new Uint8Array(forged.subarray(0, 20)) },
      { ...request, sequence: request.sequence + 5, bytes: request.bytes.subarray(5) },
    ];
    const rest = dialogue.server(YES).close().segments.slice(4);
    assert.deepEqual(told([...dialogue.segments.slice(0, 3), ...overlapping, ...rest]), ['/one 200 ok']);
  });

  it('tells requests alone when only the client is seen, answers alone when only the server is', () => {
    const requests = told(two().filter(({ side }) => side === CLIENT));
    assert.equal(requests.length, 2);
    for (const call of requests) assert.match(call, /^\/(?:one|two) - unknown \[.*one-sided/);
    const answers = told(two().filter(({ side }) => side === SERVER));
    assert.deepEqual(
      answers.map((call) => call.split(' [')[0]),
      ['- 200 ok', '- 404 client error'],
    );
    for (const call of answers) assert.match(call, /one-sided/);
  });

  it('knows the client by content when the beginning was missed', () => {
    const observer = new Observer();
    const calls = observer.seeAll(two().slice(3)).end();
    assert.deepEqual(
      calls.map((call) => call.target),
      ['/one', '/two'],
    );
    assert.ok(calls.every((call) => call.flags.includes('mid-stream')));
    assert.ok(calls.every((call) => call.client_port === 50_001 && call.server_port === 17_171));
    assert.equal(observer.count('mid-stream'), 1);
  });

  it('finds the next message when it joins in the middle of one', () => {
    const segments = new Dialogue()
      .open()
      .client(FIRST, 9)
      .server(YES)
      .client(SECOND)
      .server(NO)
      .close().segments;
    const calls = told(segments.slice(5));
    assert.ok(
      calls.some((call) => call.startsWith('/two 404 client error')),
      calls.join(),
    );
    assert.ok(!calls.some((call) => call.startsWith('/one')), calls.join());
  });

  it('takes a late SYN for what it is', () => {
    const segments = two();
    const late = [...segments.slice(1, 4), segments[0], ...segments.slice(4)];
    assert.deepEqual(told(late), TOLD);
  });

  it('reads data in a SYN', () => {
    const bytes = new Uint8Array(Buffer.from(FIRST));
    const syn = { ...new Dialogue().open().segments[0], bytes };
    const answer = new Dialogue().open().segments[1];
    const rest = new Dialogue().open();
    rest.next[CLIENT] += bytes.length;
    const after = rest.server(YES).close().segments.slice(3);
    assert.deepEqual(told([syn, { ...answer, acknowledgement: 1001 + bytes.length }, ...after]), [
      '/one 200 ok',
    ]);
  });

  it('keeps connections apart that reuse the ports of one before', () => {
    const again = two([777_000, 888_000]);
    assert.deepEqual(told([...two(), ...again]).toSorted(), [...TOLD, ...TOLD].toSorted());
    // The one before never ended.
    const open = flagged(two(), TCP_FIN);
    assert.deepEqual(told([...open, ...again]).toSorted(), [...TOLD, ...TOLD].toSorted());
  });

  it('does not take old data that lingers for news of the connection that reuses its ports', () => {
    const before = two();
    const after = two([777_000, 888_000]);
    const lingering = [...before, ...after.slice(0, 3), before[4], before[3], ...after.slice(3)];
    const calls = told(lingering);
    for (const one of TOLD) assert.ok(calls.includes(one), calls.join('; '));
    assert.equal(calls.filter((call) => call.startsWith('/')).length, 4, calls.join('; '));
  });

  it('passes over keep-alive probes, their answers and probes of a zero window', () => {
    const segments = two();
    const zero = new Uint8Array(1);
    const probe = { ...segments[5], sequence: segments[5].sequence - 1, bytes: zero, ipId: 4000 };
    const answer = {
      ...segments[5],
      side: SERVER,
      sequence: segments[6].sequence,
      acknowledgement: segments[5].sequence,
      bytes: new Uint8Array(0),
      flags: TCP_ACK,
    };
    const observer = new Observer();
    const calls = observer
      .seeAll([...segments.slice(0, 5), probe, answer, probe, answer, ...segments.slice(5)])
      .end();
    assert.deepEqual(
      calls.map((call) => text(call)),
      TOLD,
    );
    assert.ok(calls.every((call) => call.retransmits === 0));
    // One byte into a closed window, then all of it.
    const window = { ...segments[5], bytes: segments[5].bytes.subarray(0, 1) };
    assert.deepEqual(told([...segments.slice(0, 5), window, answer, ...segments.slice(5)]), TOLD);
  });

  it('counts what is sent again, and what is seen again elsewhere as a copy', () => {
    const segments = two();
    const again = { ...segments[4], ipId: 999 };
    const observer = new Observer();
    const calls = observer.seeAll([...segments.slice(0, 5), again, ...segments.slice(5)]).end();
    assert.equal(
      calls.reduce((sum, call) => sum + call.retransmits, 0),
      0,
      'the call was over',
    );
    assert.equal(observer.count('copy'), 0);
    const half = new Dialogue().open().client(FIRST).server(YES, 20);
    const twice = [
      ...half.segments.slice(0, 5),
      { ...half.segments[4], ipId: 999 },
      ...half.segments.slice(5),
    ];
    const [call] = new Observer().seeAll([...twice, ...half.close().segments.slice(-3)]).end();
    assert.equal(call.retransmits, 1);
    const doubled = segments.flatMap((segment) => [segment, { ...segment, place: 2 }]);
    const both = new Observer();
    const rows = both.seeAll(doubled).end();
    assert.deepEqual(
      rows.map((row) => text(row)),
      TOLD,
    );
    assert.ok(rows.every((row) => row.retransmits === 0));
    assert.equal(both.count('copy'), segments.filter(({ bytes }) => bytes.length > 0).length);
    assert.equal(both.count('gap'), 0);
  });

  it('marks what the snap length cut, and goes on behind it', () => {
    const body = 'x'.repeat(900);
    const long = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const dialogue = new Dialogue().open().client(FIRST).server(long).client(SECOND).server(NO).close();
    const cut = dialogue.segments.map((segment) =>
      segment.bytes.length > 100
        ? { ...segment, bytes: segment.bytes.subarray(0, 100), cutBytes: segment.bytes.length - 100 }
        : segment,
    );
    const observer = new Observer();
    const calls = observer.seeAll(cut).end();
    assert.deepEqual(
      calls.map((call) => text(call)),
      ['/one 200 ok [gap]', '/two 404 client error'],
    );
    assert.equal(calls[0].response_bytes, String(long.length));
    assert.equal(observer.bytes('gap'), long.length - 100);
  });

  it('tells a lost request as nothing, and its answer as an answer alone', () => {
    const observer = new Observer();
    const calls = observer
      .seeAll(two().toSpliced(5, 1))
      .end()
      .map((call) => text(call));
    assert.equal(calls[0], '/one 200 ok');
    assert.match(calls[1], /^- 404 client error \[.*one-sided/);
    assert.equal(observer.bytes('gap'), SECOND.length);
  });

  it('tells a request whose answer was lost as not known', () => {
    for (const lost of [4, 6]) {
      const calls = told(two().toSpliced(lost, 1));
      assert.equal(calls.length, 2);
      const doubtful = calls[lost === 4 ? 0 : 1];
      assert.match(doubtful, / - unknown \[.*gap/, doubtful);
      // That this client waits was not seen before the loss: the row says so.
      const marked = lost === 4 ? `${TOLD[1]} [mid-stream]` : TOLD[0];
      assert.equal(calls[lost === 4 ? 1 : 0], marked);
    }
  });

  it('tells a request that had no answer as unanswered when all was seen', () => {
    const segments = new Dialogue().open().client(FIRST).ack(SERVER).close().segments;
    assert.deepEqual(told(segments), ['/one - unanswered [one-sided]']);
  });

  it('tells a call that a reset cut as reset', () => {
    for (const side of [CLIENT, SERVER] as const) {
      assert.deepEqual(told(new Dialogue().open().client(FIRST).reset(side).segments), [
        '/one - reset [one-sided]',
      ]);
      const half = new Dialogue().open().client(FIRST).server(YES.slice(0, -2)).reset(side).segments;
      assert.deepEqual(told(half), ['/one 200 reset']);
      // A reset after whole calls says nothing.
      assert.deepEqual(told([...two().slice(0, 7), ...new Dialogue().reset(side).segments]), TOLD);
    }
  });

  it('leaves a call open that the end of the capture cut', () => {
    assert.deepEqual(told(new Dialogue().open().client(FIRST).segments), ['/one - open [one-sided]']);
    assert.deepEqual(told(new Dialogue().open().client(FIRST).server(YES.slice(0, -2)).segments), [
      '/one 200 open',
    ]);
  });

  it('waits for a FIN that comes before the last data', () => {
    const old = 'HTTP/1.0 200 OK\r\n\r\nuntil the end';
    const segments = new Dialogue()
      .open()
      .client(FIRST)
      .server(old, 20)
      .fin(SERVER)
      .fin(CLIENT)
      .ack(SERVER).segments;
    const swapped = [...segments.slice(0, -4), segments.at(-3), segments.at(-4), ...segments.slice(-2)];
    const [call] = new Observer().seeAll(swapped.filter((segment) => segment !== undefined)).end();
    assert.equal(text(call), '/one 200 ok');
    assert.equal(call.response_bytes, String(old.length));
  });

  it('gives up a hole that was acknowledged, once enough went by, and not before', () => {
    const dialogue = new Dialogue()
      .open()
      .client(FIRST)
      .server(YES)
      .client(SECOND)
      .server(NO)
      .client(THIRD)
      .server(YES);
    const seen = dialogue.segments.toSpliced(4, 1);
    const observer = new Observer({ limits: { holeFrames: 128, holeMs: 5 } });
    observer.seeAll(seen);
    observer.engine.flush();
    assert.equal(observer.take().length, 0, 'everything waits for the hole');
    const noise = {
      ...new Dialogue({ udp: true }).client('x').segments[0],
      client: { address: '10.9.9.9', port: 9 },
    };
    for (let frame = 0; frame < 500; frame++) observer.see(noise);
    observer.engine.flush();
    const calls = observer.take().map((call) => text(call));
    assert.ok(
      calls.some((call) => call.startsWith('/two 404')),
      calls.join('; '),
    );
    assert.equal(observer.bytes('gap'), YES.length);
    observer.end();
  });

  it('waits for a hole that nobody acknowledged until there is no hope', () => {
    const dialogue = new Dialogue().open().client(FIRST).server(YES);
    dialogue.lose(CLIENT, SECOND.length).client(THIRD);
    const observer = new Observer({ limits: { holeFrames: 128, holeMs: 5 } });
    observer.seeAll(dialogue.segments);
    const noise = {
      ...new Dialogue({ udp: true }).client('x').segments[0],
      client: { address: '10.9.9.9', port: 9 },
    };
    for (let frame = 0; frame < 500; frame++) observer.see(noise);
    assert.equal(observer.bytes('gap'), 0);
    const calls = observer.end();
    assert.equal(observer.bytes('gap'), SECOND.length);
    assert.deepEqual(
      calls.map((call) => call.target),
      ['/one', '/three'],
    );
  });

  it('reads a stream on at its new place when its numbers jump', () => {
    const dialogue = new Dialogue().open().client(FIRST).server(YES);
    dialogue.next[CLIENT] += 500_000_000;
    dialogue.next[SERVER] += 600_000_000;
    const calls = told(dialogue.client(SECOND).server(NO).close().segments);
    assert.equal(calls[0], '/one 200 ok');
    assert.equal(calls.length >= 2, true, calls.join('; '));
  });

  it('tells the round trip of the handshake and the bytes of both sides when a connection ends', () => {
    const observer = new Observer();
    observer.seeAll(two()).end();
    assert.equal(observer.connectionRows, 1);
  });

  it('has no use for packets without bytes of a connection that it does not know', () => {
    const observer = new Observer();
    const segments = two().filter(({ bytes, flags }) => bytes.length === 0 && (flags & TCP_SYN) === 0);
    observer.seeAll(segments);
    assert.equal(observer.engine.usage().connections, 0);
    observer.see(new Dialogue().reset(SERVER).segments[0]);
    assert.equal(observer.engine.usage().connections, 0);
    assert.ok(segments.length > 2);
  });
});

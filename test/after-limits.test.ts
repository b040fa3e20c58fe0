/** A limit that was reached is no state to stay in: what comes after is read as before, and told as it was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT } from '../src/wire/protocols/protocol.ts';
import { Dialogue } from './support/dialogue.ts';
import { Observer } from './support/observer.ts';

const YES = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const NAME = '\x04cart\x05local\0\0\x01\0\x01';

function question(id: number): string {
  return `${String.fromCharCode(id >> 8, id & 255)}\x01\0\0\x01\0\0\0\0\0\0${NAME}`;
}

function answer(id: number): string {
  const record = '\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01';
  return `${String.fromCharCode(id >> 8, id & 255)}\x81\x80\0\x01\0\x01\0\0\0\0${NAME}${record}`;
}

function from(number: number, options: { udp?: boolean } = {}): Dialogue {
  return new Dialogue({
    client: { address: `10.5.${number >> 8}.${number & 255}`, port: 40_000 },
    ...options,
  });
}

describe('after a limit', () => {
  it('a heap that long heads have filled serves ordinary calls again', () => {
    const observer = new Observer({ limits: { heapBytes: 65_536 * 64, connections: 2000 } });
    const dialogues: Dialogue[] = [];
    for (let number = 0; number < 400; number++) {
      const head = `GET /a HTTP/1.1\r\nX: ${'x'.repeat(30_000)}`;
      dialogues.push(from(number).open().client(GET).server(YES).client(head));
    }
    for (const dialogue of dialogues) observer.seeAll(dialogue.segments.splice(0));
    assert.ok(observer.count('heap-limit') > 0, 'the heap was full');
    for (const dialogue of dialogues) observer.seeAll(dialogue.reset(CLIENT).segments);
    observer.end();
    const before = observer.count('heap-limit');
    const open = Array.from({ length: 1000 }, (_, number) => from(number).open().client(GET));
    for (const dialogue of open) observer.seeAll(dialogue.segments.splice(0));
    for (const dialogue of open) observer.seeAll(dialogue.server(YES).close().segments);
    const calls = observer.end();
    assert.equal(calls.length, 1000);
    assert.ok(calls.every((call) => call.outcome === 'ok'));
    assert.equal(observer.count('heap-limit'), before);
  });

  it('a flood of SYNs that nobody answers leaves room for connections', () => {
    const observer = new Observer({ limits: { connections: 1000 } });
    let second = observer.seconds;
    for (let number = 0; number < 20_000; number++) {
      if (number % 200 === 0) second++;
      observer.see({ ...from(number).open().segments[0], seconds: second, nanos: number });
    }
    assert.equal(observer.count('connection-limit'), 0);
    const real = new Dialogue().open().client(GET).server(YES).close();
    assert.equal(observer.seeAll(real.segments).end().length, 1);
  });

  it('questions from ports of their own make room for each other once they are answered', () => {
    const observer = new Observer({ limits: { connections: 1000 } });
    let second = observer.seconds;
    for (let number = 0; number < 10_000; number++) {
      if (number % 200 === 0) second++;
      const { segments } = from(number, { udp: true }).client(question(number)).server(answer(number));
      for (const segment of segments) observer.see({ ...segment, seconds: second, nanos: number });
    }
    assert.equal(observer.count('connection-limit'), 0);
    const calls = observer.end();
    assert.equal(calls.length, 10_000);
    assert.ok(calls.every((call) => call.outcome === 'ok'));
  });

  it('a question that was given up for newer ones is not told as unanswered', () => {
    const observer = new Observer({ limits: { openCallsPerConnection: 4 } });
    const dialogue = new Dialogue({ udp: true });
    for (let id = 1; id <= 10; id++) dialogue.client(question(id));
    for (let id = 1; id <= 10; id++) dialogue.server(answer(id));
    const calls = observer.seeAll(dialogue.segments).end();
    assert.ok(observer.count('open-call-limit') >= 6);
    assert.equal(calls.filter((call) => call.method !== '' && call.outcome === 'unknown').length >= 6, true);
    assert.deepEqual(
      calls.filter((call) => call.outcome === 'unanswered'),
      [],
    );
  });

  it('a question without answer is told in time though its flow goes on', () => {
    const observer = new Observer();
    observer.seeAll(new Dialogue({ udp: true }).client(question(500)).segments);
    for (let id = 1; id <= 20; id++) {
      observer.wait(1);
      observer.seeAll(new Dialogue({ udp: true }).client(question(id)).server(answer(id)).segments);
    }
    observer.engine.flush();
    const calls = observer.take();
    assert.equal(calls.length, 21);
    assert.deepEqual(
      calls.filter((call) => call.outcome !== 'ok').map((call) => call.outcome),
      ['unanswered'],
    );
    assert.equal(observer.engine.usage().connections, 1);
    observer.end();
  });

  it('a connection after 2038 is not idle at once', () => {
    const observer = new Observer();
    const dialogue = new Dialogue().open().client(GET).server(YES).client(GET).server(YES).close();
    let seconds = 2 ** 31 + 1000;
    for (const segment of dialogue.segments) observer.see({ ...segment, seconds: seconds++, nanos: 0 });
    const calls = observer.end();
    assert.deepEqual(
      calls.map((call) => [call.outcome, call.flags.length]),
      [
        ['ok', 0],
        ['ok', 0],
      ],
    );
  });

  it('a scanner that makes up hosts, methods and paths leaves other services their operations', () => {
    const observer = new Observer({ limits: { strings: 1024, operationsPerServer: 600 } });
    // Methods that were never seen before the scan have no room after it; those in use have theirs.
    const scanner = from(1).open().client(GET).server(YES);
    for (let number = 0; number < 1200; number++) {
      const word = [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
      const verb = word.toUpperCase();
      scanner.client(`${verb} /${word} HTTP/1.1\r\nHost: ${word}.example\r\n\r\n`).server(YES);
    }
    observer.seeAll(scanner.segments.splice(0));
    observer.take();
    const quiet = from(2).open().client('GET /quiet HTTP/1.1\r\nHost: h\r\n\r\n');
    observer.seeAll(quiet.server('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n').close().segments);
    const [row] = observer.end().filter((one) => one.target === '/quiet');
    assert.ok(observer.count('string-limit') > 0, 'the table was full');
    assert.deepEqual([row.method, row.status], ['GET', '418']);
    assert.match(row.operation, /^GET \/(quiet|\*)$/);
  });
});

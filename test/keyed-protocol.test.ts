/** The contract of protocols holds HTTP/2, Kafka and MongoDB: shown by a small protocol that has their traits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CallRow } from '../src/record/row.ts';
import { Dialogue } from './support/dialogue.ts';
import type { Segment } from './support/dialogue.ts';
import * as k from './support/keyed-protocol.ts';
import { frame, FRAME_END, KEYED_PROTOCOLS } from './support/keyed-protocol.ts';
import { mutateSegments } from './support/mutate-segments.ts';
import { Observer } from './support/observer.ts';
import { randomFrom } from './support/random.ts';

const END = FRAME_END;
const SEEDS = 3000;

function text(call: CallRow): string {
  const bytes = `${call.request_bytes}/${call.response_bytes}`;
  return `${call.stream} ${call.method} ${call.target || '-'} ${call.status || '-'} ${call.outcome} ${bytes}`;
}

function told(segments: readonly Segment[], bodies = false): CallRow[] {
  return new Observer({ protocols: KEYED_PROTOCOLS, bodies }).seeAll(segments).end();
}

/** Everything that the protocol has, in one conversation. */
function everything(size = 0): Dialogue {
  const dialogue = new Dialogue().open();
  dialogue.client(frame(k.REQUEST | END, 1, 'GET /a/one') + frame(k.REQUEST, 3, 'PUT /a/two'), size);
  dialogue.client(frame(k.DATA, 3, 'first part, ') + frame(k.REQUEST | END, 5, 'GET /a/three'), size);
  // Answers in another order, in pieces, while a request is still being sent.
  dialogue.server(frame(k.ANSWER, 5, '200') + frame(k.DATA, 5, 'x'.repeat(700)), size);
  dialogue.server(frame(k.ANSWER | END, 1, '500') + frame(k.DATA | END, 5, 'y'.repeat(50)), size);
  dialogue.client(frame(k.DATA | END, 3, 'second part'), size).server(frame(k.ANSWER | END, 3, '201'), size);
  // A table that later frames refer to.
  dialogue.client(frame(k.TABLE, 0, '/t/zero') + frame(k.TABLE, 0, '/t/first'), size);
  dialogue.client(frame(k.REQUEST | END, 7, 'GET @1') + frame(k.REQUEST | END, 9, 'GET @0'), size);
  dialogue.server(frame(k.ANSWER | END, 9, '200') + frame(k.ANSWER | END, 7, '204'), size);
  // Cancelled by the client; the server's own message; a key that moves; forms; no answer due.
  dialogue.client(frame(k.REQUEST | END, 11, 'GET /slow') + frame(k.CANCEL, 11, ''), size);
  dialogue.server(frame(k.PUSH, 2, 'NEWS /feed'), size);
  dialogue.client(frame(k.REQUEST | END, 13, 'GET /moving'), size);
  dialogue.server(frame(k.MOVED, 13, '\x01\x02') + frame(k.ANSWER | END, 0x102, '200'), size);
  dialogue.client(frame(k.FORM | END, 15, '\x02GET /form') + frame(k.FORM | END, 17, '\x01GET /form'), size);
  dialogue.server(frame(k.ANSWER | END, 17, '207...') + frame(k.ANSWER | END, 15, '...208'), size);
  dialogue.client(frame(k.NOTE, 19, 'LOG /gone'), size);
  return dialogue.close();
}

const TOLD = [
  '1 GET /a/one 500 server error 16/9',
  '3 PUT /a/two 201 ok 51/9',
  '5 GET /a/three 200 ok 18/771',
  '7 GET /t/first 204 ok 12/9',
  '9 GET /t/zero 200 ok 12/9',
  '11 GET /slow - cancelled 15/0',
  '2 NEWS /feed - one-way 16/0',
  '258 GET /moving 200 ok 17/17',
  '15 GET /form 208 ok 16/12',
  '17 GET /form 207 ok 16/12',
  '19 LOG /gone - one-way 15/0',
];

describe('a keyed protocol', () => {
  it('has its answers paired by key, whatever their order', () => {
    const calls = told(everything().segments);
    assert.deepEqual(
      calls.map((call) => text(call)),
      TOLD,
    );
    assert.ok(calls.every((call) => call.protocol === 'keyed'));
    assert.ok(calls.every((call) => !call.flags.includes('gap') && !call.flags.includes('weak')));
  });

  it('gives the same calls however its segments are cut', () => {
    for (let size = 1; size <= 60; size++) {
      assert.deepEqual(
        told(everything(size).segments).map((call) => text(call)),
        TOLD,
        `size ${size}`,
      );
    }
  });

  it('gives the same calls when neighbours are swapped or come again', () => {
    const { segments } = everything(40);
    for (let at = 3; at + 1 < segments.length; at++) {
      const swapped = segments.toSpliced(at, 2, segments[at + 1], segments[at]);
      assert.deepEqual(
        told(swapped).map((call) => text(call)),
        TOLD,
        `swapped at ${at}`,
      );
      const again = segments.toSpliced(at + 1, 0, { ...segments[at], ipId: 60_000 });
      assert.deepEqual(
        told(again).map((call) => text(call)),
        TOLD,
        `again at ${at}`,
      );
    }
  });

  it('offers bodies that come in pieces between other streams', () => {
    const dialogue = new Dialogue()
      .open()
      .client(frame(k.REQUEST, 1, 'PUT /a') + frame(k.REQUEST, 3, 'PUT /b'));
    dialogue.client(
      frame(k.DATA, 1, 'order 77') + frame(k.DATA, 3, 'order 123123') + frame(k.DATA | END, 1, '88001'),
    );
    dialogue.client(frame(k.DATA | END, 3, ' and 456456')).server(frame(k.ANSWER | END, 3, '200'));
    const calls = told(dialogue.server(frame(k.ANSWER | END, 1, '200')).close().segments, true);
    assert.deepEqual(
      calls.map((call) => call.fingerprints.length),
      [1, 2],
    );
  });

  it('tells a lost segment as nothing wrong', () => {
    const { segments } = everything(24);
    let right = 0;
    for (let lost = 3; lost < segments.length; lost++) {
      if (segments[lost].bytes.length === 0) continue;
      for (const call of told(segments.toSpliced(lost, 1))) {
        const line = text(call);
        if (TOLD.includes(line)) right++;
        else {
          const doubtful = ['gap', 'one-sided', 'weak'].some((flag) =>
            call.flags.some((name) => name === flag),
          );
          assert.ok(doubtful || call.target === '', `segment ${lost}: ${line} ${call.flags.join()}`);
        }
        // Entries after a lost frame have other numbers: no target rather than a wrong one.
        if (call.target.startsWith('/t/')) assert.ok(TOLD.includes(line) || doubtfulTable(line), line);
      }
    }
    assert.ok(right > segments.length * 5, `${right} right`);
  });

  it('is entered from a protocol of lines, whose open call becomes stream 1', () => {
    for (let size = 0; size < 30; size++) {
      const dialogue = new Dialogue()
        .open()
        .client('GET /plain\n', size)
        .server('200\n', size)
        .client('UP /up\n', size);
      dialogue.server(`101\n${frame(k.ANSWER, 1, '200')}${frame(k.DATA | END, 1, 'body')}`, size);
      dialogue
        .client(frame(k.REQUEST | END, 3, 'GET /after'), size)
        .server(frame(k.ANSWER | END, 3, '204'), size);
      const calls = told(dialogue.close().segments);
      assert.deepEqual(
        calls.map((call) => text(call)),
        ['0 GET /plain 200 ok 11/4', '1 UP /up 200 ok 7/23', '3 GET /after 204 ok 16/9'],
        `size ${size}`,
      );
      assert.deepEqual(
        calls.map((call) => call.protocol),
        ['lines', 'keyed', 'keyed'],
      );
    }
  });

  it('gives its memory back, whatever comes', () => {
    const observer = new Observer({ protocols: KEYED_PROTOCOLS, bodies: true, keep: false });
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomFrom(seed);
      const { segments } = everything(random.pick([0, 9, 30]));
      try {
        observer.seeAll(mutateSegments(segments, random)).end();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert.ok(observer.rows > SEEDS * 5);
  });
});

function doubtfulTable(line: string): boolean {
  return /^[79] GET \/t\/(?:first|zero) - unknown/.test(line);
}

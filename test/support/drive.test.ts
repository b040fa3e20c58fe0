/** The recording writer and the driver keep the contract, and notice who does not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CallWriter } from '../../src/record/call-writer.ts';
import { OUTCOME_CANCELLED } from '../../src/record/codes.ts';
import { CLIENT, LOST, MAYBE, NEED_MORE, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Protocol, Side, WireContext } from '../../src/wire/protocols/protocol.ts';
import { drive } from './drive.ts';
import type { Turn } from './drive.ts';
import { parseGolden, unescapeBytes } from './goldens.ts';
import { createTestContext } from './wire-context.ts';

type Parse = (context: WireContext, start: number, end: number, side: Side, out: CallWriter) => number;

/** A protocol of frames: a letter that says what it is, a digit that is its key. */
function protocolOf(parse: Parse): Protocol {
  return {
    name: 'frames',
    transport: 'tcp',
    ports: [],
    lookBytesMax: 64,
    stateWords: 0,
    keyed: true,
    recognise: () => MAYBE,
    parse: (context, _state, start, end, side, out) => parse(context, start, end, side, out),
    lost: () => {},
    resync: (_context, start) => start,
  };
}

const frames: Parse = (context, start, end, _side, out) => {
  if (end - start < 2) return NEED_MORE;
  const key = context.u8[start + 1] - 48;
  switch (String.fromCharCode(context.u8[start])) {
    case 'Q': // A question, whole.
      out.request(key);
      out.method(start, start + 2);
      out.done();
      return 2;
    case 'H': // The beginning of a question; more of it follows by M and E.
      out.request(key);
      out.method(start, start + 2);
      return 2;
    case 'M':
      if (out.select(key)) out.body(3);
      return 2;
    case 'E':
      if (out.select(key)) out.done();
      return 2;
    case 'A':
      out.response(key);
      out.statusCode(200);
      out.done();
      return 2;
    case 'N': // No answer is due.
      out.request(key);
      out.method(start, start + 2);
      out.oneWay();
      out.done();
      return 2;
    case 'X':
      if (out.select(key)) out.abort(OUTCOME_CANCELLED);
      return 2;
    case 'R':
      if (out.select(key)) out.rekey(key + 1);
      return 2;
    default:
      return LOST;
  }
};

function turns(...texts: string[]): Turn[] {
  return texts.map((text) => ({
    side: text[0] === '>' ? CLIENT : SERVER,
    lost: 0,
    bytes: Buffer.from(text.slice(1)),
  }));
}

const context = createTestContext();

function calls(...texts: string[]): string[] {
  return drive(protocolOf(frames), context, turns(...texts)).map((call) => {
    const { method, status, outcome, up, down, requestbody } = call.fields();
    return `${method} ${status} ${outcome} ${up}/${down} ${requestbody}`;
  });
}

describe('the driver of protocols', () => {
  it('pairs answers by key, in any order', () => {
    assert.deepEqual(calls('>Q1Q2', '<A2A1'), ['Q1 200 ok 2/2 -', 'Q2 200 ok 2/2 -']);
  });

  it('counts the frames of several open messages for each', () => {
    assert.deepEqual(calls('>H1H2M1aaaM2bbb', '>E2E1', '<A1A2'), ['H1 200 ok 9/2 aaa', 'H2 200 ok 9/2 bbb']);
  });

  it('ends calls that need no answer, and those that are aborted', () => {
    assert.deepEqual(calls('>N1Q2', '<X2'), ['N1 - one-way 2/0 -', 'Q2 - cancelled 2/0 -']);
  });

  it('follows a call to another key', () => {
    assert.deepEqual(calls('>Q1', '<R1A2'), ['Q1 200 ok 2/4 -']);
  });

  it('makes a call of an answer to nothing known, and of a question of the server', () => {
    assert.deepEqual(calls('<A7Q8', '>A8'), ['- 200 ok 0/2 -', 'Q8 200 ok 2/2 -']);
  });

  it('passes over bytes that make no sense, and goes on', () => {
    assert.deepEqual(calls('>Q1?Q2', '<A2'), ['Q1 - unanswered 2/0 -', 'Q2 200 ok 2/2 -']);
  });

  it('notices a step that speaks and then waits', () => {
    const broken = protocolOf((_context, _start, _end, _side, out) => {
      out.request(0);
      return NEED_MORE;
    });
    assert.throws(() => drive(broken, context, turns('>x')), /spoke/);
  });

  it('notices a step that consumes more than there is, or begins two messages', () => {
    const greedy = protocolOf((_context, start, end) => end - start + 1);
    assert.throws(() => drive(greedy, context, turns('>x')), /what it consumed/);
    const double = protocolOf((_context, _start, _end, _side, out) => {
      out.request(1);
      out.request(2);
      return 1;
    });
    assert.throws(() => drive(double, context, turns('>x')), /two messages/);
  });

  it('shows a step that depends on how its bytes are cut', () => {
    const cutter = protocolOf((_context, start, end, _side, out) => {
      out.request(0);
      out.done();
      return end - start;
    });
    const whole = drive(cutter, context, turns('>abcd')).length;
    assert.notEqual(drive(cutter, context, turns('>abcd'), { size: 1 }).length, whole);
  });
});

describe('the reader of goldens', () => {
  it('reads escapes, repeats and calls', () => {
    assert.deepEqual([...unescapeBytes('a\\r\\n\\x00\\\\n\\*3{z}')], [97, 13, 10, 0, 92, 110, 122, 122, 122]);
    const golden = parseGolden('x.txt', '# about\n@ cut no\n> a\n>? 7\n= GET "/a b" - ok k="v\\x22"\n');
    assert.deepEqual(
      golden.turns.map(({ lost }) => lost),
      [0, 7],
    );
    assert.deepEqual(golden.calls[0].fields.slice(1), [
      ['target', '/a b'],
      ['status', '-'],
      ['outcome', 'ok'],
      ['k', 'v"'],
    ]);
  });

  it('refuses what it does not know', () => {
    assert.throws(() => parseGolden('x.txt', '@ cut maybe\n> a\n'), /x.txt:1: unknown option/);
    assert.throws(() => parseGolden('x.txt', '! a\n'), /unknown mark/);
    assert.throws(() => parseGolden('x.txt', '# nothing\n'), /has turns/);
  });
});

/**
 * The server's side of Redis: one value answers one command, and pushes come between answers
 * (https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md).
 *
 * An aggregate is a value that owes further values, so one counter of values owed replaces recursion. Only
 * streamed aggregates, which do not tell their number, need a place on a small stack. As many values as are
 * there are taken in one step; values longer than SMALL_MAX pass as body.
 */
import { PROTOCOL_SCRATCH } from '../../base/memory.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import { UPGRADE_OPAQUE } from '../../record/call-writer.ts';
import { OUTCOME_OK } from '../../record/codes.ts';
import {
  KIND_HELLO,
  KIND_MONITOR,
  KIND_RESET,
  KIND_SUBSCRIBE,
  KIND_SYNC,
  KIND_UNSUBSCRIBE,
  RULE_KIND_SHIFT,
  RULE_PRIVATE_ANSWER,
} from './redis-commands.ts';
import {
  OPENING_ANSWER,
  OPENING_CONFIRMATION,
  OPENING_CONFIRMATION_MORE,
  OPENING_MONITOR,
  OPENING_PUSH,
  classify,
  pushKind,
  pushKindAt,
} from './redis-pushes.ts';
import { STATUS_MAX, afterErrorWord, errorOutcome } from './redis-errors.ts';
import * as s from './redis-state.ts';
import { LF } from './redis-state.ts';
import type { WireContext } from './protocol.ts';
import { LOST, NEED_MORE } from './protocol.ts';

const ARRAY = 0x2a; // *
const PUSH = 0x3e; // >
const MAP = 0x25; // %
const SET = 0x7e; // ~
const ATTRIBUTE = 0x7c; // |
const BULK = 0x24; // $
const VERBATIM = 0x3d; // =
const BLOB_ERROR = 0x21; // !
const SIMPLE = 0x2b; // +
const ERROR = 0x2d; // -
const INTEGER = 0x3a; // :
const CHUNK = 0x3b; // ;
const STREAM_END = 0x2e; // .

/** Bit of S_KIND: the values are private. The eight bits above it hold the answered call's kind. */
const PRIVATE = 1;
/** Bit of S_KIND: the confirmation is of shard channels. */
const SHARD = 1 << 16;
/** Bit of S_KIND: the message came by a pattern, which stands before its channel. */
const PATTERN = 1 << 17;

const MONITOR_METHOD = Uint8Array.from('monitor', (letter) => letter.charCodeAt(0));
const PUSH_METHOD = Uint8Array.from('push', (letter) => letter.charCodeAt(0));

export function parseReply(
  context: WireContext,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const { u8, i32 } = context;
  if (i32[state + s.S_TAIL] !== s.TAIL_NONE) return parseTail(u8, i32, state, start, end, out);
  if (i32[state + s.S_OPENING] !== 0) return takeValues(u8, i32, state, start, end, 0, out);
  if (u8[start] === LF && i32[state + s.SYNCING] !== 0) return 1;
  const opening = classify(u8, i32, state, start, end);
  if (opening <= 0) return opening;
  return takeValues(u8, i32, state, start, end, opening, out);
}

/** Says that the message begins; called once the step is certain to consume something. */
function begin(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  opening: number,
  out: CallWriter,
): void {
  i32[state + s.S_OPENING] = opening;
  i32[state + s.S_OWED] = 1;
  i32[state + s.S_INSIDE] = 0;
  i32[state + s.S_OFFERED] = 0;
  i32[state + s.S_LEAF] = 0;
  i32[state + s.S_DEPTH] = 0;
  if (opening === OPENING_ANSWER || opening === OPENING_CONFIRMATION) {
    out.response(0);
    const rule = out.word(s.WORD_RULE);
    const hidden = (rule & RULE_PRIVATE_ANSWER) !== 0 ? PRIVATE : 0;
    i32[state + s.S_KIND] = ((rule >> RULE_KIND_SHIFT) << 1) | hidden;
    if (opening === OPENING_CONFIRMATION) {
      i32[state + s.CONFIRMATIONS_DUE]--;
      const channels = out.word(s.WORD_CHANNELS);
      i32[state + s.CONFIRMATIONS_MORE] = Math.max(0, channels - 1);
      i32[state + s.CONFIRMATIONS_ALL] = channels === 0 ? u8[pushKindAt(u8, start)] : 0;
    }
    return;
  }
  i32[state + s.S_KIND] = opening === OPENING_MONITOR ? PRIVATE : 0;
  out.request(0);
  if (opening === OPENING_MONITOR) {
    u8.set(MONITOR_METHOD, PROTOCOL_SCRATCH);
    out.method(PROTOCOL_SCRATCH, PROTOCOL_SCRATCH + MONITOR_METHOD.length);
  } else if (pushKind(u8, start, end) > 0) {
    const at = pushKindAt(u8, start);
    let kindEnd = at;
    while (u8[kindEnd] !== s.CR) kindEnd++;
    out.method(at, kindEnd);
  } else {
    u8.set(PUSH_METHOD, PROTOCOL_SCRATCH);
    out.method(PROTOCOL_SCRATCH, PROTOCOL_SCRATCH + PUSH_METHOD.length);
  }
  if (opening === OPENING_CONFIRMATION_MORE && i32[state + s.CONFIRMATIONS_MORE] > 0)
    i32[state + s.CONFIRMATIONS_MORE]--;
  out.oneWay();
}

/** Takes values from `start` as far as they are there. `opening` is 0 inside of a message. */
function takeValues(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  opening: number,
  out: CallWriter,
): number {
  let at = start;
  let begun = opening;
  for (;;) {
    const before = at > start ? at - start : 0;
    if (at >= end) return before;
    const type = u8[at];
    const shape = shapeOf(type);
    if (shape === SHAPE_NONE || (type === STREAM_END && !streamMayEnd(i32, state, begun)))
      return before > 0 ? before : LOST;
    let next = 0;
    if (shape === SHAPE_LINE) {
      next = lineEnd(u8, at, end);
      if (next === 0) return before;
    } else {
      next = s.afterCount(u8, at, end);
      if (next <= 0) return before > 0 ? before : next;
      const ready = isReady(u8, i32, state, shape, at, next, end, begun);
      if (ready <= 0) return before > 0 ? before : ready;
    }
    if (begun !== 0) {
      begin(u8, i32, state, at, end, begun, out);
      begun = 0;
    }
    at =
      shape === SHAPE_LINE
        ? takeLine(u8, i32, state, at, next, out)
        : shape === SHAPE_BULK
          ? takeBulk(u8, i32, state, at, next, end, out)
          : takeAggregate(u8, i32, state, at, next, out);
    if (i32[state + s.S_OPENING] === 0 || i32[state + s.S_TAIL] !== s.TAIL_NONE) return at - start;
  }
}

const SHAPE_NONE = 0;
const SHAPE_LINE = 1;
const SHAPE_BULK = 2;
const SHAPE_AGGREGATE = 3;

function shapeOf(type: number): number {
  switch (type) {
    case SIMPLE:
    case ERROR:
    case INTEGER:
    case 0x5f: // _ null
    case 0x23: // # boolean
    case 0x2c: // , double
    case 0x28: // ( big number
    case STREAM_END:
      return SHAPE_LINE;
    case BULK:
    case VERBATIM:
    case BLOB_ERROR:
      return SHAPE_BULK;
    case ARRAY:
    case PUSH:
    case MAP:
    case SET:
    case ATTRIBUTE:
      return SHAPE_AGGREGATE;
    default:
      return SHAPE_NONE;
  }
}

/** Position past the line, or past the LINE_MAX bytes of it that are looked at; 0 when incomplete. */
function lineEnd(u8: Uint8Array, at: number, end: number): number {
  const next = s.afterLine(u8, at, Math.min(end, at + s.LINE_MAX));
  if (next > 0) return next;
  return end - at < s.LINE_MAX ? 0 : at + s.LINE_MAX;
}

/** Whether the value at `at`, whose count ends before `next`, can be taken now: 1, 0 (more), or -1. */
function isReady(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  shape: number,
  at: number,
  next: number,
  end: number,
  opening: number,
): number {
  const count = s.decimal(u8, at + 1, next - 2);
  if (count === s.COUNT_BAD) return LOST;
  if (shape === SHAPE_AGGREGATE) {
    if (count === s.COUNT_STREAMED) return opening === 0 && i32[state + s.S_DEPTH] >= s.DEPTH_MAX ? LOST : 1;
    const owed = opening === 0 ? i32[state + s.S_OWED] : 1;
    return owed + 2 * count > s.LENGTH_MAX ? LOST : 1;
  }
  if (count < 0) return u8[at] === BULK ? 1 : LOST;
  if (u8[at] === BULK && isReplicationBulk(i32, state, opening)) return 1;
  if (count <= s.SMALL_MAX) {
    const after = s.afterValue(u8, next, count, end);
    return after <= 0 ? after : 1;
  }
  return u8[at] === BLOB_ERROR && end - next < STATUS_MAX ? NEED_MORE : 1;
}

/** The answer to SYNC is `$length` and a database without CR LF after it. */
function isReplicationBulk(i32: Int32Array, state: number, opening: number): boolean {
  return opening !== 0 && i32[state + s.SYNCING] !== 0;
}

/** A value of one line. Returns the position after it. */
function takeLine(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  at: number,
  next: number,
  out: CallWriter,
): number {
  const whole = u8[next - 1] === LF;
  const textEnd = !whole ? next : u8[next - 2] === s.CR ? next - 2 : next - 1;
  if (u8[at] === STREAM_END) {
    endStream(i32, state);
  } else {
    if (isRoot(i32, state)) root(u8, i32, state, u8[at], at + 1, textEnd, out);
    if (u8[at] === INTEGER) takeInteger(u8, i32, state, at + 1, textEnd, out);
  }
  if (!whole) {
    i32[state + s.S_TAIL] = s.TAIL_LINE;
    return next;
  }
  endValue(i32, state, out);
  return next;
}

function takeInteger(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): void {
  const opening = i32[state + s.S_OPENING];
  const isCount = opening === OPENING_CONFIRMATION || opening === OPENING_CONFIRMATION_MORE;
  if (!isCount) offer(i32, state, start, end, out);
  else if (i32[state + s.S_LEAF] === 2) {
    // How many are subscribed now.
    const bit = (i32[state + s.S_KIND] & SHARD) !== 0 ? 2 : 1;
    if (u8[start] === 0x30) {
      i32[state + s.SUBSCRIBED] &= ~bit;
      i32[state + s.CONFIRMATIONS_ALL] = 0;
    } else i32[state + s.SUBSCRIBED] |= bit;
  }
}

function takeBulk(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  at: number,
  next: number,
  end: number,
  out: CallWriter,
): number {
  const type = u8[at];
  const count = s.decimal(u8, at + 1, next - 2);
  if (isRoot(i32, state)) {
    const shown = type === BLOB_ERROR ? Math.min(count, STATUS_MAX) : 0;
    root(u8, i32, state, type, next, next + shown, out);
    if (i32[state + s.S_OPENING] === 0) return next; // A replication stream begins.
  }
  if (count === s.COUNT_STREAMED) {
    i32[state + s.S_TAIL] = s.TAIL_CHUNK;
    return next;
  }
  if (count === s.COUNT_NULL) {
    endValue(i32, state, out);
    return next;
  }
  // A short value that is not all there: a SYNC was sent, and the answer is another command's after all.
  if (count > s.SMALL_MAX || next + count + 2 > end) {
    if ((i32[state + s.S_KIND] & PRIVATE) !== 0) out.skip(count);
    else out.body(count);
    i32[state + s.S_TAIL] = s.TAIL_CRLF;
    return next;
  }
  const opening = i32[state + s.S_OPENING];
  if (opening === OPENING_ANSWER) offer(i32, state, next, next + count, out);
  else takePushed(u8, i32, state, next, next + count, out);
  endValue(i32, state, out);
  return next + count + 2;
}

/** A leaf of a push: kind, then the channel (for a pattern's message: pattern, channel), then the rest. */
function takePushed(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): void {
  const leaf = i32[state + s.S_LEAF];
  const opening = i32[state + s.S_OPENING];
  if (leaf === 0) {
    // `pmessage`; `ssubscribe` and `sunsubscribe`.
    const isShard = u8[start] === 0x73 && (u8[start + 1] === 0x73 || u8[start + 2] === 0x6e);
    if (opening !== OPENING_PUSH) i32[state + s.S_KIND] |= isShard ? SHARD : 0;
    else if (u8[start] === 0x70 && end - start === 8) i32[state + s.S_KIND] |= PATTERN;
    return;
  }
  if (opening === OPENING_CONFIRMATION) return; // The call has its target.
  const channel = opening === OPENING_PUSH && (i32[state + s.S_KIND] & PATTERN) !== 0 ? 2 : 1;
  if (leaf === channel) out.target(start, end);
  else if (leaf > channel) offer(i32, state, start, end, out);
}

function takeAggregate(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  at: number,
  next: number,
  out: CallWriter,
): number {
  const type = u8[at];
  const count = s.decimal(u8, at + 1, next - 2);
  if (type !== ATTRIBUTE && isRoot(i32, state)) root(u8, i32, state, type, next, next, out);
  if (count === s.COUNT_STREAMED) {
    const depth = i32[state + s.S_DEPTH]++;
    i32[state + s.S_SAVED + depth] = i32[state + s.S_OWED];
    i32[state + s.S_OWED] = 0;
    return next;
  }
  if (type === ATTRIBUTE) {
    // It comes before the value that it describes, and pays for nothing.
    if (count > 0) i32[state + s.S_OWED] += 2 * count;
    return next;
  }
  if (count > 0) {
    // The aggregate itself is paid for; directly inside of a stream nothing was owed for it.
    const owed = i32[state + s.S_OWED];
    i32[state + s.S_OWED] = owed - (owed > 0 ? 1 : 0) + (type === MAP ? 2 * count : count);
    return next;
  }
  endValue(i32, state, out);
  return next;
}

/** The next value is the message's own: not inside of it, and not in an attribute before it. */
function isRoot(i32: Int32Array, state: number): boolean {
  return i32[state + s.S_INSIDE] === 0 && i32[state + s.S_OWED] === 1 && i32[state + s.S_DEPTH] === 0;
}

/** What the message's own value tells about the call and the connection. */
function root(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  type: number,
  start: number,
  end: number,
  out: CallWriter,
): void {
  i32[state + s.S_INSIDE] = 1;
  if (type !== SIMPLE && type !== ERROR && type !== INTEGER && type !== BULK && type !== ARRAY)
    i32[state + s.RESP3] = 1;
  const opening = i32[state + s.S_OPENING];
  if (opening !== OPENING_ANSWER && opening !== OPENING_CONFIRMATION) return;
  const kind = (i32[state + s.S_KIND] >> 1) & 0xff;
  // A refused or queued (UN)SUBSCRIBE has no confirmation.
  const subscribes = kind === KIND_SUBSCRIBE || kind === KIND_UNSUBSCRIBE;
  if (subscribes && opening === OPENING_ANSWER && i32[state + s.CONFIRMATIONS_DUE] > 0)
    i32[state + s.CONFIRMATIONS_DUE]--;
  if (type === ERROR || type === BLOB_ERROR) {
    const wordEnd = afterErrorWord(u8, start, end);
    out.status(start, wordEnd);
    out.outcome(errorOutcome(u8, start, wordEnd));
    if (kind === KIND_SYNC) i32[state + s.SYNCING] = 0;
    return;
  }
  out.outcome(OUTCOME_OK);
  if (kind === KIND_HELLO) i32[state + s.RESP3] = type === ARRAY ? 0 : 1;
  else if (kind === KIND_MONITOR && type === SIMPLE) i32[state + s.MONITORING] = 1;
  else if (kind === KIND_RESET && type === SIMPLE) {
    i32[state + s.RESP3] = 0;
    i32[state + s.SUBSCRIBED] = 0;
    i32[state + s.MONITORING] = 0;
  } else if (kind === KIND_SYNC) {
    i32[state + s.S_OPENING] = 0;
    i32[state + s.SYNCING] = 0;
    out.done();
    out.upgrade(UPGRADE_OPAQUE);
  }
}

function offer(i32: Int32Array, state: number, start: number, end: number, out: CallWriter): void {
  if ((i32[state + s.S_KIND] & PRIVATE) !== 0 || i32[state + s.S_OFFERED] >= s.OFFERED_MAX) return;
  i32[state + s.S_OFFERED]++;
  out.identifiers(start, end);
}

/** A value is over: the one that owed it is paid. */
function endValue(i32: Int32Array, state: number, out: CallWriter): void {
  if (i32[state + s.S_OPENING] === 0) return; // Ended by an upgrade.
  i32[state + s.S_LEAF]++;
  if (i32[state + s.S_OWED] > 0) i32[state + s.S_OWED]--;
  if (i32[state + s.S_OWED] > 0 || i32[state + s.S_DEPTH] > 0) return;
  i32[state + s.S_OPENING] = 0;
  out.done();
}

function streamMayEnd(i32: Int32Array, state: number, opening: number): boolean {
  return opening === 0 && i32[state + s.S_DEPTH] > 0 && i32[state + s.S_OWED] === 0;
}

/** `.` ends the innermost streamed aggregate, which is then a value like any other. */
function endStream(i32: Int32Array, state: number): void {
  const depth = i32[state + s.S_DEPTH];
  i32[state + s.S_DEPTH] = depth - 1;
  i32[state + s.S_OWED] = i32[state + s.S_SAVED + depth - 1];
}

/** What is due before the next value: an end of a body, a long line's rest, a chunk of a streamed string. */
function parseTail(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const tail = i32[state + s.S_TAIL];
  if (tail === s.TAIL_LINE) {
    const next = s.afterLine(u8, start, end);
    if (next < 0) return end - start;
    i32[state + s.S_TAIL] = s.TAIL_NONE;
    endValue(i32, state, out);
    return next - start;
  }
  if (tail === s.TAIL_CRLF || tail === s.TAIL_CHUNK_CRLF) {
    const next = s.afterValue(u8, start, 0, end);
    if (next <= 0) return next;
    i32[state + s.S_TAIL] = tail === s.TAIL_CRLF ? s.TAIL_NONE : s.TAIL_CHUNK;
    if (tail === s.TAIL_CRLF) endValue(i32, state, out);
    return next - start;
  }
  if (u8[start] !== CHUNK) return LOST;
  const next = s.afterCount(u8, start, end);
  if (next <= 0) return next;
  const count = s.decimal(u8, start + 1, next - 2);
  if (count < 0) return LOST;
  if (count === 0) {
    i32[state + s.S_TAIL] = s.TAIL_NONE;
    endValue(i32, state, out);
    return next - start;
  }
  if ((i32[state + s.S_KIND] & PRIVATE) !== 0) out.skip(count);
  else out.body(count);
  i32[state + s.S_TAIL] = s.TAIL_CHUNK_CRLF;
  return next - start;
}

/**
 * Redis, RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/), and what speaks
 * as it does (Valkey, KeyDB, Dragonfly).
 *
 * A command is answered by exactly one value, in order; what else the server sends is a push. So the pairing
 * is the engine's, and all that this protocol has to know is where a command and a value end, and which of
 * the server's messages answer nothing. Requests are in redis-requests.ts, replies in redis-replies.ts, the
 * commands in redis-commands.ts; here: recognition, and how to go on after loss.
 */
import { PROTOCOL_SCRATCH } from '../../base/memory.ts';
import { commandRule, WORD_MAX } from './redis-commands.ts';
import { afterWord, isText, parseRequest } from './redis-requests.ts';
import { isConfirmation, isMessage, pushKind } from './redis-pushes.ts';
import { parseReply } from './redis-replies.ts';
import * as s from './redis-state.ts';
import type { Guess, Protocol, WireContext } from './protocol.ts';
import { CLIENT, LOST, MAYBE, NO, SURE } from './protocol.ts';

const ARRAY = 0x2a; // *
const BULK = 0x24; // $
/** Arguments of a command that must be strings for it to be believed. */
const ARGUMENTS_WALKED_MAX = 8;
/** Values of a segment that `resync` walks before it believes. */
const RESYNC_VALUES_MAX = 64;

export const redis: Protocol = {
  name: 'redis',
  transport: 'tcp',
  ports: [6379, 6380, 16379, 26379],
  // A line or a key, and what stands before it.
  lookBytesMax: s.LINE_MAX + s.KEY_MAX,
  stateWords: s.STATE_WORDS,
  keyed: false,
  separator: 0x3a,

  recognise(context, start, end, side) {
    return side === CLIENT ? recogniseRequest(context, start, end) : recogniseReply(context.u8, start, end);
  },

  parse(context, state, start, end, side, out) {
    return side === CLIENT
      ? parseRequest(context, state, start, end, out)
      : parseReply(context, state, start, end, out);
  },

  lost(context, state, side) {
    const { i32 } = context;
    if (side === CLIENT) {
      i32.fill(0, state + s.C_OWED, state + s.C_ACK + 1);
      if (i32[state + s.REPLY_MODE] === s.REPLY_SKIP_NEXT) i32[state + s.REPLY_MODE] = s.REPLY_ON;
    } else {
      i32.fill(0, state + s.S_OPENING, state + s.S_SAVED + s.DEPTH_MAX);
    }
    // Which confirmation comes next is no longer known: all are taken for further ones.
    if (i32[state + s.CONFIRMATIONS_DUE] > 0) i32[state + s.SUBSCRIBED] |= 1;
    i32[state + s.CONFIRMATIONS_DUE] = 0;
    i32[state + s.CONFIRMATIONS_MORE] = 0;
    i32[state + s.CONFIRMATIONS_ALL] = 0;
  },

  resync(context, start, end, side) {
    return side === CLIENT ? resyncRequests(context.u8, start, end) : resyncReplies(context.u8, start, end);
  },
};

/**
 * `*2 $3 GET` is sure, as far as its arguments are strings too: a subscriber's confirmation begins alike. A
 * word or line that could be a command could be: the answer must look like RESP.
 */
function recogniseRequest(context: WireContext, start: number, end: number): Guess {
  const { u8 } = context;
  if (start >= end) return MAYBE;
  if (u8[start] === ARRAY) {
    const at = commandStart(u8, start, end);
    if (at <= 0) return at === 0 ? MAYBE : NO;
    return isKnownCommand(u8, at, end) ? SURE : MAYBE;
  }
  const next = s.afterLine(u8, start, Math.min(end, start + s.LINE_MAX));
  if (next < 0) {
    const unfinished = withoutCr(u8, start, end);
    return end - start < WORD_MAX && isText(u8, start, unfinished) && isLetter(u8[start]) ? MAYBE : NO;
  }
  const stop = next - 2;
  if (stop <= start || u8[stop] !== s.CR || !isText(u8, start, stop)) return NO;
  const wordEnd = afterWord(u8, start, stop);
  if (wordEnd - start > WORD_MAX || !s.copyUpper(u8, start, wordEnd, PROTOCOL_SCRATCH)) return NO;
  if (commandRule(u8, PROTOCOL_SCRATCH, wordEnd - start) < 0) return NO;
  return endsAsHttp(u8, start, stop) ? NO : MAYBE;
}

/** The word that `commandStart` found is a command of Redis. */
function isKnownCommand(u8: Uint8Array, at: number, end: number): boolean {
  let wordEnd = at;
  while (wordEnd < end && u8[wordEnd] !== s.CR) wordEnd++;
  return (
    s.copyUpper(u8, at, wordEnd, PROTOCOL_SCRATCH) && commandRule(u8, PROTOCOL_SCRATCH, wordEnd - at) >= 0
  );
}

/** `GET / HTTP/1.1` begins with a command of Redis. */
function endsAsHttp(u8: Uint8Array, start: number, end: number): boolean {
  return end - start > 9 && u8[end - 9] === s.SPACE && s.isWord(u8, end - 8, end - 4, 'http');
}

/**
 * `*N $M WORD`: the position of the word, 0 when what is there could become one, -1 else. As strict as
 * possible: it decides what a stream is, and where a message begins after loss.
 */
function commandStart(u8: Uint8Array, start: number, end: number): number {
  const next = s.afterCount(u8, start, end);
  if (next <= 0) return next;
  const count = s.decimal(u8, start + 1, next - 2);
  if (count < 1 || count > s.ELEMENTS_MAX) return LOST;
  if (next >= end) return 0;
  if (u8[next] !== BULK) return LOST;
  const word = s.afterCount(u8, next, end);
  if (word <= 0) return word;
  const length = s.decimal(u8, next + 1, word - 2);
  if (length < 1 || length > WORD_MAX) return LOST;
  for (let i = word; i < Math.min(word + length, end); i++) {
    if (!isLetter(u8[i]) && (i === word || !isWordByte(u8[i]))) return LOST;
  }
  let at = s.afterValue(u8, word, length, end);
  if (at <= 0) return at;
  for (let i = 1; i < Math.min(count, ARGUMENTS_WALKED_MAX) && at < end; i++) {
    const value = u8[at] === BULK ? s.afterCount(u8, at, end) : LOST;
    if (value < 0) return LOST;
    const bytes = value === 0 ? 0 : s.decimal(u8, at + 1, value - 2);
    if (bytes < 0) return LOST;
    const next = value === 0 ? 0 : s.afterValue(u8, value, bytes, end);
    if (next < 0) return LOST;
    at = next === 0 ? end : next;
  }
  return word;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isWordByte(byte: number): boolean {
  return (byte >= 0x2d && byte <= 0x3a && byte !== 0x2f) || byte === 0x5f || byte === 0x7c;
}

/** What is a value could be: mostly the client's side decides. */
function recogniseReply(u8: Uint8Array, start: number, end: number): Guess {
  if (start >= end) return MAYBE;
  const type = u8[start];
  if (type === 0x2b) return recogniseSimple(u8, start, end);
  if (type === 0x2d) return recogniseError(u8, start, end);
  const after = afterReplyValue(u8, start, end);
  if (after < 0) return NO;
  // Two lines of RESP in a row. An array of strings could be a command too, unless it is a subscriber's.
  if (after === 0 || after >= end || !isAggregate(type)) return MAYBE;
  if (afterReplyValue(u8, after, end) <= 0) return MAYBE;
  return type !== ARRAY || isSubscribers(u8, start, end) ? SURE : MAYBE;
}

function isAggregate(type: number): boolean {
  return type === ARRAY || type === 0x3e || type === 0x25 || type === 0x7e;
}

/** A message, or a confirmation whose number of channels can be seen: SUBSCRIBE is a command as well. */
function isSubscribers(u8: Uint8Array, start: number, end: number): boolean {
  if (pushKind(u8, start, end) <= 0) return false;
  if (isMessage(u8, start)) return true;
  return isConfirmation(u8, start) && commandStart(u8, start, end) < 0;
}

/** `+OK`, `+PONG`, `+string` and the like. POP3 says `+OK` and goes on; Redis never does. */
function recogniseSimple(u8: Uint8Array, start: number, end: number): Guess {
  const next = s.afterLine(u8, start, Math.min(end, start + s.LINE_MAX));
  const stop = next < 0 ? withoutCr(u8, start, end) : next - 2;
  if (!isText(u8, start, stop) || (next > 0 && u8[stop] !== s.CR)) return NO;
  if (stop - start < 2) return next < 0 ? MAYBE : NO;
  const isOk = stop - start > 3 && s.isWord(u8, start + 1, start + 3, 'ok');
  return isOk ? NO : MAYBE;
}

/** The end of a line whose line feed has not come yet. */
function withoutCr(u8: Uint8Array, start: number, end: number): number {
  return end > start && u8[end - 1] === s.CR ? end - 1 : end;
}

/** `-ERR unknown command`, `-NOAUTH Authentication required.`: a word in upper case, then a text. */
function recogniseError(u8: Uint8Array, start: number, end: number): Guess {
  let at = start + 1;
  while (at < end && ((u8[at] >= 0x41 && u8[at] <= 0x5a) || u8[at] === 0x5f)) at++;
  if (at === end) return MAYBE;
  if (at - start < 3) return NO;
  return u8[at] === s.SPACE || u8[at] === s.CR ? MAYBE : NO;
}

/** Position past the value (of an aggregate: its header) at `start`; 0 when `end` is in it, or -1. */
function afterReplyValue(u8: Uint8Array, start: number, end: number): number {
  switch (u8[start]) {
    case BULK:
    case 0x3d: // =
    case 0x21: {
      const next = s.afterCount(u8, start, end);
      if (next <= 0) return next;
      const length = s.decimal(u8, start + 1, next - 2);
      if (length < 0) return length === s.COUNT_BAD ? LOST : next;
      return s.afterValue(u8, next, length, end);
    }
    case ARRAY:
    case 0x3e: // >
    case 0x25: // %
    case 0x7e: // ~
    case 0x7c: {
      const next = s.afterCount(u8, start, end);
      if (next <= 0) return next;
      return s.decimal(u8, start + 1, next - 2) === s.COUNT_BAD ? LOST : next;
    }
    case 0x3a: // :
      return afterNumber(u8, start, end);
    case 0x5f: // _
      return s.afterValue(u8, start, 1, end);
    case 0x23: // #
      if (start + 1 < end && u8[start + 1] !== 0x74 && u8[start + 1] !== 0x66) return LOST;
      return s.afterValue(u8, start, 2, end);
    case 0x2b: // +
    case 0x2d: // -
    case 0x2c: // ,
    case 0x28: {
      const next = s.afterLine(u8, start, Math.min(end, start + s.LINE_MAX));
      if (next < 0) return isText(u8, start, end) ? 0 : LOST;
      return next - start > 3 && u8[next - 2] === s.CR && isText(u8, start, next) ? next : LOST;
    }
    default:
      return LOST;
  }
}

/** `:` and a decimal number of up to 64 bits. */
function afterNumber(u8: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  if (at < end && (u8[at] === 0x2d || u8[at] === 0x2b)) at++;
  const digits = at;
  while (at < end && u8[at] >= 0x30 && u8[at] <= 0x39 && at - digits < 20) at++;
  if (at === end) return 0;
  return at > digits ? s.afterValue(u8, at, 0, end) : LOST;
}

/** A command at the start of the segment, or behind the end of a value in it. */
function resyncRequests(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at >= 0 && at < end) {
    if (u8[at] === ARRAY && commandStart(u8, at, end) > 0) return at;
    at = s.afterLine(u8, at, end);
  }
  return -1;
}

/**
 * Elements of an aggregate look as answers do, so only the start of a segment is believed, and only when
 * its values follow on one another up to its end.
 */
function resyncReplies(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let values = 0; values < RESYNC_VALUES_MAX && at < end; values++) {
    const next = afterReplyValue(u8, at, end);
    if (next < 0) return -1;
    // The last value may go on in the next segment.
    if (next === 0) return values > 0 || u8[at] === BULK || u8[at] === ARRAY ? start : -1;
    at = next;
  }
  return at > start ? start : -1;
}

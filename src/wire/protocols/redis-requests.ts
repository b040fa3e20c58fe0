/**
 * The client's side of Redis: a command is an array of bulk strings, or an inline line of words
 * (https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands).
 *
 * The first step needs the command word, and the second word where there are two; arguments follow in the
 * same step as far as they are there, so that a small command is one step. What an argument is for depends
 * on the command's rule and the argument's index: target, offered for identifiers, looked at, or private.
 */
import { PROTOCOL_SCRATCH } from '../../base/memory.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import { UPGRADE_OPAQUE } from '../../record/call-writer.ts';
import { FLAG_TRUNCATED } from '../../record/codes.ts';
import {
  KIND_ACL,
  KIND_AUTH,
  KIND_CLIENT,
  KIND_HELLO,
  KIND_REPLCONF,
  KIND_RESET,
  KIND_SCRIPT,
  KIND_STREAMS,
  KIND_SUBSCRIBE,
  KIND_SYNC,
  KIND_UNSUBSCRIBE,
  RULE_KIND_SHIFT,
  RULE_PRIVATE,
  RULE_PRIVATE_ANSWER,
  RULE_TARGET,
  RULE_TWO_WORDS,
  RULE_UNLISTED,
  WORD_MAX,
  commandRule,
} from './redis-commands.ts';
import * as s from './redis-state.ts';
import { CR, LF, SPACE } from './redis-state.ts';
import type { WireContext } from './protocol.ts';
import { LOST, NEED_MORE } from './protocol.ts';

const ARRAY = 0x2a; // *
const BULK = 0x24; // $
const QUESTION = 0x3f;
const DOT = 0x2e;
/** A command without a dot that we do not know is not longer; of those we know, four are. */
const NEW_WORD_MAX = 16;
/** Nobody's password is as short. */
const SHORT_WORD_MAX = 4;

/** What an argument is for. */
const ROLE_NONE = 0;
const ROLE_TARGET = 1;
const ROLE_OFFER = 2;
const ROLE_LOOK = 3;
const ROLE_PRINCIPAL = 4;
const ROLE_TARGET_PRINCIPAL = 5;
/** Longest argument that is looked at: a number, STREAMS, ACK. */
const LOOK_MAX = 32;

/** A command that is no word: its bytes are nobody's business. */
const RULE_UNNAMED = RULE_PRIVATE;

export function parseRequest(
  context: WireContext,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const { u8, i32 } = context;
  if (i32[state + s.C_TAIL] !== s.TAIL_NONE) return parseTail(u8, i32, state, start, end, out);
  if (i32[state + s.C_OWED] > 0) return takeArguments(u8, i32, state, start, start, end, out);
  return u8[start] === ARRAY
    ? parseArray(u8, i32, state, start, end, out)
    : parseInline(u8, i32, state, start, end, out);
}

function parseArray(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const next = s.afterCount(u8, start, end);
  if (next <= 0) return next;
  const count = s.decimal(u8, start + 1, next - 2);
  if (count === 0 || count === s.COUNT_NULL) return next - start; // Redis ignores empty requests.
  if (count < 0 || count > s.ELEMENTS_MAX) return LOST;

  if (next >= end) return NEED_MORE;
  const word = u8[next] === BULK ? s.afterCount(u8, next, end) : LOST;
  if (word <= 0) return word;
  const length = s.decimal(u8, next + 1, word - 2);
  if (length < 0) return LOST;
  if (length > WORD_MAX || length === 0) {
    beginRequest(u8, i32, state, 0, RULE_UNNAMED, count, out);
    i32[state + s.C_INDEX] = 0;
    return takeArguments(u8, i32, state, start, next, end, out);
  }
  let at = s.afterValue(u8, word, length, end);
  if (at <= 0) return at;

  let methodBytes = 0;
  let rule = RULE_UNNAMED;
  let taken = 1;
  if (s.copyUpper(u8, word, word + length, PROTOCOL_SCRATCH)) {
    methodBytes = length;
    rule = commandRule(u8, PROTOCOL_SCRATCH, length);
    if (rule < 0) rule = unlistedRule(u8, length);
    if (rule === RULE_UNNAMED) methodBytes = 0;
    if ((rule & RULE_TWO_WORDS) !== 0 && count > 1) {
      const second = secondWord(u8, at, end);
      if (second <= 0) return second;
      const wordAt = s.afterCount(u8, at, end);
      methodBytes = joinSecond(u8, wordAt, wordAt + s.decimal(u8, at + 1, wordAt - 2), methodBytes);
      if (methodBytes > length) {
        at = second;
        taken = 2;
      }
    }
  }
  beginRequest(u8, i32, state, methodBytes, rule, count - taken, out);
  i32[state + s.C_INDEX] = taken;
  if (count > taken) return takeArguments(u8, i32, state, start, at, end, out);
  endRequest(i32, state, out);
  return at - start;
}

/**
 * The rule of a word in the scratch that is no command of Redis. Commands of modules have a dot, new ones
 * are short and of letters; what is neither may be a password typed in place of a command, or a command that
 * was given a secret name (`rename-command`).
 */
function unlistedRule(u8: Uint8Array, length: number): number {
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const byte = u8[PROTOCOL_SCRATCH + i];
    if (byte === DOT && i > 0) return RULE_UNLISTED;
    if (byte >= 0x30 && byte <= 0x39) digits++;
  }
  if (digits > 0 && length > SHORT_WORD_MAX) return RULE_UNNAMED;
  return length > NEW_WORD_MAX ? RULE_UNNAMED : RULE_UNLISTED;
}

/** Position past the second word of a command, `at` itself when it is too long for one, 0, or -1. */
function secondWord(u8: Uint8Array, at: number, end: number): number {
  if (at >= end) return NEED_MORE;
  if (u8[at] !== BULK) return LOST;
  const word = s.afterCount(u8, at, end);
  if (word <= 0) return word;
  const length = s.decimal(u8, at + 1, word - 2);
  if (length < 0) return LOST;
  return length > LOOK_MAX ? at : s.afterValue(u8, word, length, end);
}

/** Appends the second word to the first one in the scratch; the bytes of both, or of the first alone. */
function joinSecond(u8: Uint8Array, start: number, end: number, firstBytes: number): number {
  if (end - start > LOOK_MAX) return firstBytes;
  if (!s.copyUpper(u8, start, end, PROTOCOL_SCRATCH + firstBytes + 1)) return firstBytes;
  u8[PROTOCOL_SCRATCH + firstBytes] = SPACE;
  return firstBytes + 1 + end - start;
}

/** The method's text lies in the scratch. */
function beginRequest(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  methodBytes: number,
  ruleFound: number,
  owed: number,
  out: CallWriter,
): void {
  let rule = ruleFound;
  let kind = rule >> RULE_KIND_SHIFT;
  // The subcommands of ACL that are about a user end in USER: SETUSER, GETUSER, DELUSER.
  if (
    kind === KIND_ACL &&
    !s.isWord(u8, PROTOCOL_SCRATCH + methodBytes - 4, PROTOCOL_SCRATCH + methodBytes, 'user')
  )
    rule = RULE_PRIVATE | RULE_PRIVATE_ANSWER;
  i32[state + s.C_RULE] = rule;
  i32[state + s.C_OWED] = owed;
  i32[state + s.C_MARKED] = 0;
  i32[state + s.C_OFFERED] = 0;
  i32[state + s.C_ACK] = 0;
  i32[state + s.CLIENT_SPOKE] = 1;

  out.request(0);
  if (methodBytes === 0) u8[PROTOCOL_SCRATCH] = QUESTION;
  out.method(PROTOCOL_SCRATCH, PROTOCOL_SCRATCH + (methodBytes === 0 ? 1 : methodBytes));
  out.setWord(s.WORD_RULE, rule);
  kind = rule >> RULE_KIND_SHIFT;
  if (kind === KIND_CLIENT) {
    const reply = s.isWord(u8, PROTOCOL_SCRATCH + 7, PROTOCOL_SCRATCH + methodBytes, 'reply');
    if (reply) i32[state + s.C_MARKED] = 2;
  } else if (kind === KIND_SUBSCRIBE || kind === KIND_UNSUBSCRIBE) {
    out.setWord(s.WORD_CHANNELS, owed);
    i32[state + s.CONFIRMATIONS_DUE]++;
  } else if (kind === KIND_SYNC) {
    i32[state + s.SYNCING] = 1;
  }
}

/** All arguments were seen (or are skipped): is an answer due? */
function endRequest(i32: Int32Array, state: number, out: CallWriter): void {
  if (i32[state + s.C_RULE] >> RULE_KIND_SHIFT === KIND_RESET) i32[state + s.REPLY_MODE] = s.REPLY_ON;
  const mode = i32[state + s.REPLY_MODE];
  const ack = i32[state + s.C_ACK];
  if (mode !== s.REPLY_ON || ack !== 0) {
    out.oneWay();
    // Its confirmations come all the same, but as nobody's answer.
    const kind = i32[state + s.C_RULE] >> RULE_KIND_SHIFT;
    if (kind === KIND_SUBSCRIBE || kind === KIND_UNSUBSCRIBE) {
      i32[state + s.CONFIRMATIONS_DUE]--;
      i32[state + s.SUBSCRIBED] |= 1;
    }
  }
  if (ack === ACK_REPLY_SKIP)
    i32[state + s.REPLY_MODE] = mode === s.REPLY_OFF ? s.REPLY_OFF : s.REPLY_SKIP_NEXT;
  else if (mode === s.REPLY_SKIP_NEXT) i32[state + s.REPLY_MODE] = s.REPLY_ON;
  if (ack === ACK_REPLY_OFF) i32[state + s.REPLY_MODE] = s.REPLY_OFF;
  out.done();
  if (ack === ACK_REPLICA) out.upgrade(UPGRADE_OPAQUE);
}

/** Values of C_ACK. */
const ACK_REPLICA = 1;
const ACK_REPLY_OFF = 2;
const ACK_REPLY_SKIP = 3;

/** Takes arguments from `from` as far as they are there; `start` is where the step began. */
function takeArguments(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  from: number,
  end: number,
  out: CallWriter,
): number {
  let at = from;
  while (i32[state + s.C_OWED] > 0) {
    const value = at >= end ? NEED_MORE : u8[at] === BULK ? s.afterCount(u8, at, end) : LOST;
    if (value <= 0) return at > start ? at - start : value;
    const length = s.decimal(u8, at + 1, value - 2);
    if (length < 0) return at > start ? at - start : LOST;

    const role = roleOf(i32, state, length);
    // What must be there to be of use; what is there anyway is not skipped.
    const looked =
      role === ROLE_NONE || (role === ROLE_OFFER && length > s.SMALL_MAX) ? 0 : Math.min(length, s.KEY_MAX);
    if (looked === length || (role === ROLE_NONE && value + length + 2 <= end)) {
      const next = s.afterValue(u8, value, length, end);
      if (next <= 0) return at > start ? at - start : next;
      useArgument(u8, i32, state, role, value, value + length, out);
      at = next;
      endArgument(i32, state, out);
      continue;
    }
    if (looked > end - value) return at > start ? at - start : NEED_MORE;
    if (role === ROLE_OFFER) out.body(length);
    else out.skip(length - looked);
    if (looked > 0) {
      useArgument(u8, i32, state, role, value, value + looked, out);
      out.flag(FLAG_TRUNCATED);
    }
    i32[state + s.C_TAIL] = s.TAIL_CRLF;
    return value + looked - start;
  }
  return at - start;
}

function endArgument(i32: Int32Array, state: number, out: CallWriter): void {
  i32[state + s.C_INDEX]++;
  if (--i32[state + s.C_OWED] === 0) endRequest(i32, state, out);
}

function roleOf(i32: Int32Array, state: number, length: number): number {
  const rule = i32[state + s.C_RULE];
  const index = i32[state + s.C_INDEX];
  const marked = i32[state + s.C_MARKED];
  const kind = rule >> RULE_KIND_SHIFT;
  if (kind === KIND_SCRIPT) {
    if (index === 1) return ROLE_NONE; // The script, or its hash: no key of the caller's.
    if (index === 2) return lookRole(length);
    return index === marked ? ROLE_TARGET : ROLE_OFFER;
  }
  if (kind === KIND_STREAMS) {
    if (marked === 0) return lookRole(length);
    return index === marked ? ROLE_TARGET : ROLE_OFFER;
  }
  // AUTH password, AUTH user password.
  if (kind === KIND_AUTH)
    return index === 1 && i32[state + s.C_OWED] === 2 ? ROLE_TARGET_PRINCIPAL : ROLE_NONE;
  // HELLO 3 AUTH user password SETNAME name.
  if (kind === KIND_HELLO) {
    if (index === 2) return lookRole(length);
    return index === marked ? ROLE_PRINCIPAL : ROLE_NONE;
  }
  if (kind === KIND_CLIENT) return index === marked ? lookRole(length) : ROLE_NONE;
  // Seen whole, so that nothing is left to pass when the connection becomes something else.
  if (kind === KIND_REPLCONF) return lookRole(length);
  if (index === (rule & RULE_TARGET) && index > 0) return ROLE_TARGET;
  if ((rule & RULE_PRIVATE) !== 0 || i32[state + s.C_OFFERED] >= s.OFFERED_MAX) return ROLE_NONE;
  return ROLE_OFFER;
}

function lookRole(length: number): number {
  return length <= LOOK_MAX ? ROLE_LOOK : ROLE_NONE;
}

function useArgument(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  role: number,
  start: number,
  end: number,
  out: CallWriter,
): void {
  switch (role) {
    case ROLE_TARGET:
      out.target(start, end);
      break;
    case ROLE_OFFER:
      i32[state + s.C_OFFERED]++;
      out.identifiers(start, end);
      break;
    case ROLE_TARGET_PRINCIPAL:
      out.target(start, end);
      out.principal(start, end);
      break;
    case ROLE_PRINCIPAL:
      out.principal(start, end);
      break;
    case ROLE_LOOK:
      lookAt(u8, i32, state, start, end);
      break;
    default:
      break;
  }
}

/** An argument that decides what later ones mean, or whether there is an answer. */
function lookAt(u8: Uint8Array, i32: Int32Array, state: number, start: number, end: number): void {
  const kind = i32[state + s.C_RULE] >> RULE_KIND_SHIFT;
  const index = i32[state + s.C_INDEX];
  if (kind === KIND_SCRIPT) {
    if (end > start && u8[start] >= 0x31 && u8[start] <= 0x39) i32[state + s.C_MARKED] = 3;
  } else if (kind === KIND_STREAMS) {
    if (s.isWord(u8, start, end, 'streams')) i32[state + s.C_MARKED] = index + 1;
  } else if (kind === KIND_HELLO) {
    if (s.isWord(u8, start, end, 'auth')) i32[state + s.C_MARKED] = 3;
  } else if (kind === KIND_CLIENT) {
    if (s.isWord(u8, start, end, 'off')) i32[state + s.C_ACK] = ACK_REPLY_OFF;
    else if (s.isWord(u8, start, end, 'skip')) i32[state + s.C_ACK] = ACK_REPLY_SKIP;
    else if (s.isWord(u8, start, end, 'on')) i32[state + s.REPLY_MODE] = s.REPLY_ON;
  } else if (index === 1 && s.isWord(u8, start, end, 'ack')) {
    i32[state + s.C_ACK] = ACK_REPLICA;
  }
}

/** What is due after a value that was body, or after a line too long to be looked at. */
function parseTail(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  if (i32[state + s.C_TAIL] === s.TAIL_LINE) {
    const next = s.afterLine(u8, start, end);
    if (next < 0) return end - start;
    i32[state + s.C_TAIL] = s.TAIL_NONE;
    endRequest(i32, state, out);
    return next - start;
  }
  const next = s.afterValue(u8, start, 0, end);
  if (next <= 0) return next;
  i32[state + s.C_TAIL] = s.TAIL_NONE;
  endArgument(i32, state, out);
  return next - start;
}

/** Words between blanks, up to LF. Quotes hold a word together; escapes in them are left as they are. */
function parseInline(
  u8: Uint8Array,
  i32: Int32Array,
  state: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const most = Math.min(end, start + s.LINE_MAX);
  const next = s.afterLine(u8, start, most);
  if (next < 0 && end - start < s.LINE_MAX) return isText(u8, start, end) ? NEED_MORE : LOST;
  let stop = next < 0 ? most : next - 1;
  if (next > 0 && stop > start && u8[stop - 1] === CR) stop--;
  if (!isText(u8, start, stop)) return LOST;
  let word = afterBlanks(u8, start, stop);
  if (word === stop) return next < 0 ? LOST : next - start; // Redis ignores empty lines.

  let wordEnd = afterWord(u8, word, stop);
  if (wordEnd - word > WORD_MAX || !s.copyUpper(u8, word, wordEnd, PROTOCOL_SCRATCH)) return LOST;
  let methodBytes = wordEnd - word;
  let rule = commandRule(u8, PROTOCOL_SCRATCH, methodBytes);
  if (rule < 0) rule = unlistedRule(u8, methodBytes);
  if (rule === RULE_UNNAMED) methodBytes = 0;
  let index = 1;
  let count = countWords(u8, wordEnd, stop);
  word = afterBlanks(u8, wordEnd, stop);
  if ((rule & RULE_TWO_WORDS) !== 0 && count > 0) {
    wordEnd = afterWord(u8, word, stop);
    const joined = joinSecond(u8, word, wordEnd, methodBytes);
    if (joined > methodBytes) {
      methodBytes = joined;
      index = 2;
      count--;
      word = afterBlanks(u8, wordEnd, stop);
    }
  }
  beginRequest(u8, i32, state, methodBytes, rule, count, out);
  i32[state + s.C_INDEX] = index;
  for (; count > 0; count--) {
    wordEnd = afterWord(u8, word, stop);
    const quotes = isQuote(u8[word]) && wordEnd - word > 1 && u8[wordEnd - 1] === u8[word] ? 1 : 0;
    const role = roleOf(i32, state, wordEnd - word);
    useArgument(u8, i32, state, role, word + quotes, wordEnd - quotes, out);
    i32[state + s.C_INDEX]++;
    i32[state + s.C_OWED] = count - 1;
    word = afterBlanks(u8, wordEnd, stop);
  }
  if (next > 0) {
    endRequest(i32, state, out);
    return next - start;
  }
  out.flag(FLAG_TRUNCATED);
  i32[state + s.C_TAIL] = s.TAIL_LINE;
  return stop - start;
}

function countWords(u8: Uint8Array, from: number, end: number): number {
  let count = 0;
  let at = afterBlanks(u8, from, end);
  while (at < end) {
    count++;
    at = afterBlanks(u8, afterWord(u8, at, end), end);
  }
  return count;
}

export function afterBlanks(u8: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (u8[at] === SPACE || u8[at] === 0x09)) at++;
  return at;
}

export function afterWord(u8: Uint8Array, from: number, end: number): number {
  let at = from;
  if (at < end && isQuote(u8[at])) {
    const quote = u8[at++];
    while (at < end && u8[at] !== quote) at += u8[at] === 0x5c ? 2 : 1;
    at = Math.min(at + 1, end);
  }
  while (at < end && u8[at] !== SPACE && u8[at] !== 0x09) at++;
  return at;
}

function isQuote(byte: number): boolean {
  return byte === 0x22 || byte === 0x27;
}

/** No control bytes but blanks and line ends: an inline command is text. */
export function isText(u8: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = u8[i];
    if (byte < SPACE && byte !== 0x09 && byte !== CR && byte !== LF) return false;
  }
  return true;
}

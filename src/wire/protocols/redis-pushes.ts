/**
 * Which messages of a Redis server answer nothing: pushes of RESP3, and in RESP2 the messages of a
 * subscriber and the lines of MONITOR, which look like answers
 * (https://redis.io/docs/latest/develop/pubsub/#wire-protocol-for-pushed-messages).
 *
 * SUBSCRIBE is confirmed once per channel. The first confirmation answers the call, the others are pushes.
 */
import * as s from './redis-state.ts';
import { LF } from './redis-state.ts';
import { NEED_MORE } from './protocol.ts';

const ARRAY = 0x2a; // *
const PUSH = 0x3e; // >
const BULK = 0x24; // $
const SIMPLE = 0x2b; // +

// How a message begins.
export const OPENING_ANSWER = 1;
/** A message of the server's own. */
export const OPENING_PUSH = 2;
/** A confirmation of a (un)subscription that answers a command, or that follows such an answer. */
export const OPENING_CONFIRMATION = 3;
export const OPENING_CONFIRMATION_MORE = 4;
export const OPENING_MONITOR = 5;

/** Longest kind of a push that is told: `__redis__:invalidate` is a channel, `sunsubscribe` a kind. */
const PUSH_KIND_MAX = 32;
/** Is the message that begins at `start` an answer, or the server's own? Reads only. */
export function classify(u8: Uint8Array, i32: Int32Array, state: number, start: number, end: number): number {
  const type = u8[start];
  if (type === SIMPLE && i32[state + s.MONITORING] !== 0) {
    if (end - start < 2) return NEED_MORE;
    // A line of MONITOR begins with the time, an answer never with a digit.
    return u8[start + 1] >= 0x30 && u8[start + 1] <= 0x39 ? OPENING_MONITOR : OPENING_ANSWER;
  }
  if (type === PUSH) {
    const kind = pushKind(u8, start, end);
    if (kind === 0) return NEED_MORE;
    return kind > 0 && isConfirmation(u8, start) ? confirmation(u8, i32, state, start) : OPENING_PUSH;
  }
  if (type !== ARRAY || i32[state + s.RESP3] !== 0) return OPENING_ANSWER;
  const subscriber =
    i32[state + s.SUBSCRIBED] !== 0 ||
    i32[state + s.CONFIRMATIONS_DUE] !== 0 ||
    i32[state + s.CONFIRMATIONS_MORE] !== 0 ||
    i32[state + s.CLIENT_SPOKE] === 0;
  if (!subscriber) return OPENING_ANSWER;
  const kind = pushKind(u8, start, end);
  if (kind === 0) return NEED_MORE;
  if (kind < 0) return OPENING_ANSWER;
  if (isConfirmation(u8, start)) return confirmation(u8, i32, state, start);
  return isMessage(u8, start) ? OPENING_PUSH : OPENING_ANSWER;
}

/** Does it answer the oldest (UN)SUBSCRIBE, or does it follow on such an answer? */
function confirmation(u8: Uint8Array, i32: Int32Array, state: number, start: number): number {
  // `UNSUBSCRIBE` of all is confirmed for each channel that there was, however many.
  const all = i32[state + s.CONFIRMATIONS_ALL];
  if (all !== 0 && u8[pushKindAt(u8, start)] === all) return OPENING_CONFIRMATION_MORE;
  if (i32[state + s.CONFIRMATIONS_MORE] > 0) return OPENING_CONFIRMATION_MORE;
  return i32[state + s.CONFIRMATIONS_DUE] > 0 ? OPENING_CONFIRMATION : OPENING_CONFIRMATION_MORE;
}

/**
 * The first element of the aggregate at `start` is a short bulk string: its length; 0 when incomplete, -1
 * when there is something else.
 */
export function pushKind(u8: Uint8Array, start: number, end: number): number {
  const first = s.afterCount(u8, start, end);
  if (first <= 0) return first;
  if (s.decimal(u8, start + 1, first - 2) < 1) return -1;
  if (first >= end) return NEED_MORE;
  if (u8[first] !== BULK) return -1;
  const at = s.afterCount(u8, first, end);
  if (at <= 0) return at;
  const length = s.decimal(u8, first + 1, at - 2);
  if (length < 1 || length > PUSH_KIND_MAX) return -1;
  const after = s.afterValue(u8, at, length, end);
  return after <= 0 ? after : length;
}

/** Position of the text that `pushKind` found. */
export function pushKindAt(u8: Uint8Array, start: number): number {
  let at = start;
  for (let lines = 0; lines < 2; at++) if (u8[at] === LF) lines++;
  return at;
}

/** `subscribe`, `psubscribe`, `sunsubscribe` …: `subscribe` after up to three letters. */
export function isConfirmation(u8: Uint8Array, start: number): boolean {
  const at = pushKindAt(u8, start);
  let end = at;
  while (u8[end] >= 0x61 && u8[end] <= 0x7a) end++;
  return end - at >= 9 && end - at <= 12 && s.isWord(u8, end - 9, end, 'subscribe');
}

export function isMessage(u8: Uint8Array, start: number): boolean {
  const at = pushKindAt(u8, start);
  if (s.isWord(u8, at, at + 7, 'message')) return true;
  return (u8[at] === 0x70 || u8[at] === 0x73) && s.isWord(u8, at + 1, at + 8, 'message');
}

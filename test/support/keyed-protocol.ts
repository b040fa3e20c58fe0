/**
 * Two protocols that nobody speaks, to prove the contract: `keyed` has what HTTP/2, Kafka and MongoDB have
 * (frames of many streams in any order, bodies in pieces, cancel, push, a table per connection that later
 * frames refer to, answers whose form the request decides); `lines` upgrades into it as h2c does.
 *
 * A frame: `K`, type, key (16 bits), length of the payload (16 bits), payload. FRAME_END in the type: the
 * sender's message ends with it.
 */
import type { CallWriter } from '../../src/record/call-writer.ts';
import { OUTCOME_CANCELLED, OUTCOME_OK, OUTCOME_SERVER_ERROR } from '../../src/record/codes.ts';
import { CLIENT, LOST, MAYBE, NEED_MORE, NO, SURE } from '../../src/wire/protocols/protocol.ts';
import type { Guess, Protocol, Side, WireContext } from '../../src/wire/protocols/protocol.ts';

export const FRAME_END = 0x10;
/** `METHOD target`; the target `@N` is entry N of the table. */
export const REQUEST = 1;
/** Status; in form 2 (see FORM) the last three bytes are, else the first three. */
export const ANSWER = 2;
export const DATA = 3;
export const CANCEL = 4;
/** The server's own message: `METHOD target`, no answer is due. */
export const PUSH = 5;
/** The next entry of the client's table. */
export const TABLE = 6;
/** The answer to this key will come under the key that the payload's two bytes are. */
export const MOVED = 7;
/** As REQUEST, its first byte is the form of its answer. */
export const FORM = 8;
/** As REQUEST, no answer is due. */
export const NOTE = 9;
const TYPE_MAX = NOTE;

const MAGIC = 0x4b;
const HEAD_BYTES = 6;
const TEXT_MAX = 512;
/** State: slab of the table, entries, whether entries were lost. */
const STATE_TABLE = 0;
const STATE_ENTRIES = 1;
const STATE_BROKEN = 2;
const ENTRIES_MAX = 16;
const ENTRY_BYTES = 64;
/** The call's word that holds the form of its answer. */
const WORD_FORM = 0;

export const keyed: Protocol = {
  name: 'keyed',
  transport: 'tcp',
  ports: [],
  lookBytesMax: HEAD_BYTES + TEXT_MAX,
  stateWords: 3,
  keyed: true,
  recognise: (context, start, end) => recogniseFrame(context.u8, start, end),
  parse: parseFrame,
  lost(context, state, side) {
    // A lost frame may have held an entry: what comes after it has other numbers.
    if (side === CLIENT) context.i32[state + STATE_BROKEN] = 1;
  },
  resync(context, start, end) {
    for (let at = start; at < end; at++) if (recogniseFrame(context.u8, at, end) === SURE) return at;
    return -1;
  },
  close(context, state) {
    const table = context.i32[state + STATE_TABLE];
    if (table !== 0) context.slabs.free(table, ENTRIES_MAX * ENTRY_BYTES);
  },
};

function recogniseFrame(u8: Uint8Array, start: number, end: number): Guess {
  if (start >= end) return MAYBE;
  if (u8[start] !== MAGIC) return NO;
  if (end - start < HEAD_BYTES) return MAYBE;
  const type = u8[start + 1] & ~FRAME_END;
  return type >= REQUEST && type <= TYPE_MAX && u8[start + 4] < 0x20 ? SURE : NO;
}

function parseFrame(
  context: WireContext,
  state: number,
  start: number,
  end: number,
  side: Side,
  out: CallWriter,
): number {
  const { u8 } = context;
  if (end - start < HEAD_BYTES) return u8[start] === MAGIC ? NEED_MORE : LOST;
  if (recogniseFrame(u8, start, end) !== SURE) return LOST;
  const type = u8[start + 1] & ~FRAME_END;
  const isEnd = (u8[start + 1] & FRAME_END) !== 0;
  const key = (u8[start + 2] << 8) | u8[start + 3];
  const bytes = (u8[start + 4] << 8) | u8[start + 5];
  const from = start + HEAD_BYTES;
  if (type === DATA) {
    out.select(key);
    out.body(bytes);
    if (isEnd) out.done();
    return HEAD_BYTES;
  }
  if (bytes > TEXT_MAX) return LOST;
  if (end - from < bytes) return NEED_MORE;
  const stop = from + bytes;
  if (type === TABLE) {
    addEntry(context, state, from, stop);
    // It belongs to no call: none is selected.
    out.select(-1);
  } else if (type === CANCEL) {
    if (out.select(key)) out.abort(OUTCOME_CANCELLED);
  } else if (type === MOVED) {
    if (bytes === 2 && out.select(key)) out.rekey((u8[from] << 8) | u8[from + 1]);
  } else if (type === ANSWER) sayAnswer(u8, key, from, stop, isEnd, out);
  else if ((type === PUSH) === (side === CLIENT)) return LOST;
  else sayRequest(context, state, type, key, from, stop, isEnd, out);
  return HEAD_BYTES + bytes;
}

function sayRequest(
  context: WireContext,
  state: number,
  type: number,
  key: number,
  start: number,
  end: number,
  isEnd: boolean,
  out: CallWriter,
): void {
  const { u8, i32 } = context;
  out.request(key);
  let at = start;
  if (type === FORM && at < end) out.setWord(WORD_FORM, u8[at++]);
  let blank = at;
  while (blank < end && u8[blank] !== 0x20) blank++;
  out.method(at, blank);
  if (blank + 1 < end && u8[blank + 1] === 0x40) {
    const entry = u8[blank + 2] - 0x30;
    const known = entry >= 0 && entry < i32[state + STATE_ENTRIES] && i32[state + STATE_BROKEN] === 0;
    if (known) {
      const text = i32[state + STATE_TABLE] + entry * ENTRY_BYTES;
      out.target(text + 1, text + 1 + u8[text]);
    }
  } else if (blank < end) out.target(blank + 1, end);
  if (type === PUSH || type === NOTE) out.oneWay();
  if (isEnd || type === PUSH || type === NOTE) out.done();
}

function sayAnswer(
  u8: Uint8Array,
  key: number,
  start: number,
  end: number,
  isEnd: boolean,
  out: CallWriter,
): void {
  out.response(key);
  const last = out.word(WORD_FORM) === 2;
  const from = last ? Math.max(start, end - 3) : start;
  const stop = Math.min(from + 3, end);
  out.status(from, stop);
  out.outcome(u8[from] === 0x35 ? OUTCOME_SERVER_ERROR : OUTCOME_OK);
  if (isEnd) out.done();
}

function addEntry(context: WireContext, state: number, start: number, end: number): void {
  const { i32, u8, slabs } = context;
  const count = i32[state + STATE_ENTRIES];
  if (count >= ENTRIES_MAX || end - start >= ENTRY_BYTES) return;
  if (i32[state + STATE_TABLE] === 0) {
    i32[state + STATE_TABLE] = slabs.alloc(ENTRIES_MAX * ENTRY_BYTES);
    if (i32[state + STATE_TABLE] === 0) return;
  }
  const entry = i32[state + STATE_TABLE] + count * ENTRY_BYTES;
  u8[entry] = end - start;
  u8.copyWithin(entry + 1, start, end);
  i32[state + STATE_ENTRIES] = count + 1;
}

/** The place of `keyed` in the list that a test gives to the engine, after `lines`. */
const KEYED_INDEX = 1;
const LINE_MAX = 200;
const LINE_FEED = 0x0a;

/** `GET target` and `200`, a line each, in order; `UP target` is answered by `101`, and then on stream 1. */
export const lines: Protocol = {
  name: 'lines',
  transport: 'tcp',
  ports: [],
  lookBytesMax: LINE_MAX,
  stateWords: 1,
  keyed: false,
  recognise(context, start, end, side) {
    const { u8 } = context;
    if (start >= end) return MAYBE;
    const byte = u8[start];
    if (side === CLIENT) return byte === 0x47 || byte === 0x55 ? SURE : NO;
    return byte === 0x31 || byte === 0x32 ? MAYBE : NO;
  },
  parse(context, _state, start, end, side, out) {
    const { u8 } = context;
    let stop = start;
    while (stop < end && stop - start < LINE_MAX && u8[stop] !== LINE_FEED) stop++;
    if (stop === end) return NEED_MORE;
    if (u8[stop] !== LINE_FEED) return LOST;
    if (side === CLIENT) sayLine(u8, start, stop, out);
    else if (u8[start] === 0x31) {
      out.interim(0);
      out.rekey(1);
      out.done();
      out.upgrade(KEYED_INDEX);
    } else {
      out.response(0);
      out.status(start, stop);
      out.done();
    }
    return stop + 1 - start;
  },
  lost() {},
  resync: (context, start, end) => {
    const at = context.u8.indexOf(LINE_FEED, start) + 1;
    return at > start && at < end ? at : -1;
  },
};

function sayLine(u8: Uint8Array, start: number, end: number, out: CallWriter): void {
  let blank = start;
  while (blank < end && u8[blank] !== 0x20) blank++;
  out.request(0);
  out.method(start, blank);
  if (blank < end) out.target(blank + 1, end);
  out.done();
}

export const KEYED_PROTOCOLS: readonly Protocol[] = [lines, keyed];

/** A frame as bytes. */
export function frame(type: number, key: number, payload: string): string {
  const head = [MAGIC, type, key >> 8, key & 0xff, payload.length >> 8, payload.length & 0xff];
  return String.fromCharCode(...head) + payload;
}

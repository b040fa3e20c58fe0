/**
 * How the bodies of HTTP/1 messages end (RFC 9112, section 6): by length, by chunks, or with the connection.
 * A body is announced, never looked at.
 */
import type { CallWriter } from '../../record/call-writer.ts';
import { FLAG_BODY_SKIPPED } from '../../record/codes.ts';
import { COMMA, CR, HEX, isBlank, isDigit, isLineEnd, isLowerText, LF, SEMICOLON } from './http-bytes.ts';
import {
  CONTENT_ENCODING,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  isTextual,
  TRANSFER_ENCODING,
} from './http-headers.ts';
import { CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_AT, HEADERS_MAX, LENGTH_AT } from './http-limits.ts';
import { more } from './http-limits.ts';
import { LOST, NEED_MORE } from './protocol.ts';
import type { WireContext } from './protocol.ts';

/** Digits of a chunk's size, leading zeros too. */
const CHUNK_DIGITS_MAX = 16;

/** What comes next on a side: its state word. A bit says that the chunks are not offered. */
export const HEAD = 0;
const CHUNK_FIRST = 1;
const CHUNK_NEXT = 2;
export const TRAILERS = 3;
export const PHASE = 3;
const UNREAD_CHUNKS = 4;

/** What the headers say about the body. */
const HAS_LENGTH = 1;
const CHUNKED = 2;
const NO_FRAME = 4; // Lengths that contradict each other, or a last coding other than chunked.
const UNREAD = 8; // Compressed or binary.

/** Adds what one header says about the body. */
export function readFrame(
  context: WireContext,
  frame: number,
  id: number,
  start: number,
  end: number,
): number {
  if (id === CONTENT_LENGTH) return readLength(context, frame, start, end);
  if (id === TRANSFER_ENCODING) return readTransferEncoding(context.u8, frame, start, end);
  if (id === CONTENT_TYPE) return isTextual(context.u8, start, end) ? frame : frame | UNREAD;
  if (id !== CONTENT_ENCODING || end === start) return frame;
  return end - start === 8 && isLowerText(context.u8, start, 'identity') ? frame : frame | UNREAD;
}

/** One number, or several equal ones (RFC 9110, section 8.6); else the body has no frame. */
function readLength(context: WireContext, frame: number, start: number, end: number): number {
  const f64 = context.memory.f64;
  let known = frame;
  let value = 0;
  let digits = 0;
  for (let at = start; at <= end; at++) {
    const byte = at < end ? context.u8[at] : COMMA;
    if (isDigit(byte)) {
      value = value * 10 + (byte - 48);
      digits++;
      if (value > Number.MAX_SAFE_INTEGER) return known | NO_FRAME;
    } else if (byte === COMMA && digits > 0) {
      if ((known & HAS_LENGTH) !== 0 && f64[LENGTH_AT] !== value) return known | NO_FRAME;
      f64[LENGTH_AT] = value;
      known |= HAS_LENGTH;
      value = 0;
      digits = 0;
    } else if (!isBlank(byte) || digits > 0) return known | NO_FRAME;
  }
  return known;
}

/** The last coding decides; `identity` was one once and means nothing. */
function readTransferEncoding(u8: Uint8Array, frame: number, start: number, end: number): number {
  let last = end;
  while (last > start && u8[last - 1] !== COMMA && !isBlank(u8[last - 1])) last--;
  if (end - last === 7 && isLowerText(u8, last, 'chunked')) {
    const alone = last === start && (frame & NO_FRAME) === 0;
    return (frame & ~NO_FRAME) | CHUNKED | (alone ? 0 : UNREAD);
  }
  if (end - last === 8 && isLowerText(u8, last, 'identity')) return frame;
  return end === start ? frame : (frame & ~CHUNKED) | NO_FRAME;
}

/** Says how the body ends, from what the headers say; without a word a response ends with the connection. */
export function announceBody(
  context: WireContext,
  word: number,
  frame: number,
  isAnswer: boolean,
  out: CallWriter,
): void {
  const unread = (frame & UNREAD) !== 0;
  if ((frame & CHUNKED) !== 0) {
    context.i32[word] = CHUNK_FIRST | (unread ? UNREAD_CHUNKS : 0);
    if (unread) out.flag(FLAG_BODY_SKIPPED);
    return;
  }
  if ((frame & (HAS_LENGTH | NO_FRAME)) === HAS_LENGTH) {
    const length = context.memory.f64[LENGTH_AT];
    if (length > 0 && unread) {
      out.flag(FLAG_BODY_SKIPPED);
      out.skip(length);
    } else if (length > 0) out.body(length);
    out.done();
    return;
  }
  if ((frame & NO_FRAME) !== 0 || (isAnswer && unread)) out.flag(FLAG_BODY_SKIPPED);
  // A request without a frame is refused by its server, which then closes.
  if (isAnswer) out.bodyUntilClose();
  else out.done();
}

/** `size [;extensions]`, after the line end of the chunk before it. The last one often ends the message. */
export function parseChunk(
  context: WireContext,
  word: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const u8 = context.u8;
  const limit = end - start > CHUNK_LINE_BYTES_MAX ? start + CHUNK_LINE_BYTES_MAX : end;
  const state = context.i32[word];
  let at = start;
  if ((state & PHASE) === CHUNK_NEXT) {
    if (u8[at] === CR) at++;
    if (at === limit) return NEED_MORE;
    if (u8[at] !== LF) return LOST;
    at++;
  }
  let size = 0;
  const digitsStart = at;
  while (at < limit && HEX[u8[at]] !== 0) size = size * 16 + (HEX[u8[at++]] - 1);
  if (at - digitsStart > CHUNK_DIGITS_MAX || size > Number.MAX_SAFE_INTEGER) return LOST;
  if (at === limit) return NEED_MORE;
  if (at === digitsStart || !(isLineEnd(u8[at]) || isBlank(u8[at]) || u8[at] === SEMICOLON)) return LOST;
  const lineFeed = context.scan.findByte(at, limit, LF);
  if (lineFeed < 0) return limit - start < CHUNK_LINE_BYTES_MAX ? NEED_MORE : LOST;

  if (size > 0) {
    context.i32[word] = CHUNK_NEXT | (state & UNREAD_CHUNKS);
    if ((state & UNREAD_CHUNKS) !== 0) out.skip(size);
    else out.body(size);
    return lineFeed + 1 - start;
  }
  if (end - lineFeed > 2 && u8[lineFeed + 1] === CR && u8[lineFeed + 2] === LF) {
    context.i32[word] = HEAD;
    out.done();
    return lineFeed + 3 - start;
  }
  context.i32[word] = TRAILERS;
  return lineFeed + 1 - start;
}

export function parseTrailers(
  context: WireContext,
  word: number,
  start: number,
  end: number,
  out: CallWriter,
): number {
  const limit = end - start > HEAD_BYTES_MAX ? start + HEAD_BYTES_MAX : end;
  const past = context.scan.findHeaders(start, limit, HEADERS_AT, HEADERS_MAX);
  if (past <= 0) return past < 0 ? LOST : more(start, limit);
  context.i32[word] = HEAD;
  out.done();
  return past - start;
}

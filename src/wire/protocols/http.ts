/**
 * HTTP/1.0 and 1.1 (RFC 9110, RFC 9112; Upgrade: RFC 9110, section 7.8; CONNECT: section 9.3.6).
 *
 * A head is one step: its first line is read from both ends (method from the left, version from the
 * right), `findHeaders` passes over the rest once and tells only the headers that matter. Bodies are never
 * looked at here: a length or a chunk's size is announced, and what it covers does not come back. So a call
 * costs two steps and about ten words to `out`. What is read, and the table of outcomes:
 * docs/protocols/http.md.
 */
import { UPGRADE_OPAQUE, UPGRADE_RECOGNISE, UPGRADE_TLS } from '../../record/call-writer.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import { FLAG_TRUNCATED, OUTCOME_OK, OUTCOME_UNKNOWN } from '../../record/codes.ts';
import { announceBody, HEAD, parseChunk, parseTrailers, PHASE, readFrame, TRAILERS } from './http-body.ts';
import { isBlank, isLineEnd, isLowerText, isText, COLON, LF, SLASH, SPACE } from './http-bytes.ts';
import { CONTENT_LENGTH, COOKIE, cookieEnd, FRAMES, IDENTIFIES, IS_HOST, outcomeOf } from './http-headers.ts';
import { PRINCIPAL_RANK, sessionCookie, TRACE_KIND, UPGRADE, USE } from './http-headers.ts';
import { METHOD_BYTES_MAX, recogniseAnswer, recogniseRequest, resyncAnswer } from './http-lines.ts';
import { resyncRequest, statusAt, tokenEnd, versionAt } from './http-lines.ts';
import { HEAD_BYTES_MAX, HEADERS_AT, HEADERS_MAX, more } from './http-limits.ts';
import { CLIENT, LOST, MAYBE, NEED_MORE } from './protocol.ts';
import type { Protocol, Side, WireContext } from './protocol.ts';

/** Longest scheme of an absolute target, with its colon. */
const SCHEME_BYTES_MAX = 16;

/** The request's own word 0: what decides how its answer ends. */
const WAS_HEAD = 1;
const WAS_CONNECT = 2;

export const http: Protocol = {
  name: 'http',
  transport: 'tcp',
  ports: [80, 8080, 8000, 3000, 5000, 8081, 8008, 8888, 9090, 9200, 3128],
  lookBytesMax: HEAD_BYTES_MAX,
  stateWords: 2,
  keyed: false,

  recognise(context, start, end, side) {
    let at = start;
    while (at < end && isLineEnd(context.u8[at])) at++;
    if (at === end) return MAYBE;
    if (side !== CLIENT) return recogniseAnswer(context.u8, at, end);
    return recogniseRequest(context.scan, context.u8, at, end);
  },

  parse(context, state, start, end, side, out) {
    const phase = context.i32[state + side] & PHASE;
    if (phase === TRAILERS) return parseTrailers(context, state + side, start, end, out);
    if (phase !== HEAD) return parseChunk(context, state + side, start, end, out);
    // Empty lines before a first line are old clients' habit; they belong to no message.
    if (isLineEnd(context.u8[start])) return lineEnds(context.u8, start, end);
    const limit = end - start > HEAD_BYTES_MAX ? start + HEAD_BYTES_MAX : end;
    if (side === CLIENT) return parseRequest(context, state + side, start, limit, out);
    return parseResponse(context, state + side, start, limit, out);
  },

  cut(context, state, start, end, side, out) {
    if ((context.i32[state + side] & PHASE) === HEAD)
      sayCutHead(context, state + side, start, end, side, out);
  },

  lost(context, state, side) {
    context.i32[state + side] = HEAD;
  },

  resync(context, start, end, side) {
    const { scan, u8 } = context;
    return side === CLIENT ? resyncRequest(scan, u8, start, end) : resyncAnswer(scan, u8, start, end);
  },
};

function parseRequest(
  context: WireContext,
  word: number,
  start: number,
  limit: number,
  out: CallWriter,
): number {
  const u8 = context.u8;
  const methodEnd = tokenEnd(u8, start, limit);
  if (methodEnd === limit) return limit - start <= METHOD_BYTES_MAX ? NEED_MORE : LOST;
  if (methodEnd === start || u8[methodEnd] !== SPACE) return LOST;

  const lineFeed = context.scan.findByte(methodEnd, limit, LF);
  if (lineFeed < 0) return more(start, limit);
  const version = versionAt(u8, methodEnd, lineFeed);
  if (version < 0) return LOST;
  let targetStart = methodEnd + 1;
  while (u8[targetStart] === SPACE) targetStart++;
  let targetEnd = version - 1;
  while (targetEnd > targetStart && isBlank(u8[targetEnd - 1])) targetEnd--;
  const hasTarget = targetEnd > targetStart;

  const headEnd = context.scan.findHeaders(lineFeed + 1, limit, HEADERS_AT, HEADERS_MAX);
  if (headEnd <= 0) return headEnd < 0 ? LOST : more(start, limit);

  out.request(0);
  out.method(start, methodEnd);
  const special = specialMethod(u8, start, methodEnd);
  if (special !== 0) out.setWord(0, special);
  let hasHost = false;
  if (hasTarget && u8[targetStart] === SLASH) out.target(targetStart, targetEnd);
  else if (hasTarget) hasHost = sayOddTarget(context, targetStart, targetEnd, special, out);

  const frame = sayRequestHeaders(context, hasHost, out);
  if (frame === 0) out.done();
  else announceBody(context, word, frame, false, out);
  return headEnd - start;
}

/**
 * A head whose rest is lost. Its whole lines are read as if the head ended there; of half a first line,
 * what it has: method and the beginning of the target, or the status.
 */
function sayCutHead(
  context: WireContext,
  word: number,
  start: number,
  end: number,
  side: Side,
  out: CallWriter,
): void {
  const u8 = context.u8;
  let from = start;
  while (from < end && isLineEnd(u8[from])) from++;
  let lines = end;
  while (lines > from && u8[lines - 1] !== LF) lines--;
  if (lines === from || lines === end) {
    if (side === CLIENT) sayCutRequest(u8, from, lines === end ? end - 1 : end, out);
    else sayCutAnswer(u8, from, end, out);
    return;
  }
  const after = u8[lines];
  u8[lines] = LF;
  if (side === CLIENT) parseRequest(context, word, from, lines + 1, out);
  else if (!isInterim(u8, from, end) && parseResponse(context, word, from, lines + 1, out) > 0) {
    sayCutOutcome(u8, from, end, out);
  }
  u8[lines] = after;
}

function sayCutRequest(u8: Uint8Array, start: number, end: number, out: CallWriter): void {
  const methodEnd = tokenEnd(u8, start, end);
  if (methodEnd + 1 >= end || u8[methodEnd] !== SPACE || u8[methodEnd + 1] !== SLASH) return;
  let targetEnd = methodEnd + 1;
  while (targetEnd < end && !isBlank(u8[targetEnd]) && !isLineEnd(u8[targetEnd])) targetEnd++;
  out.request(0);
  out.method(start, methodEnd);
  out.target(methodEnd + 1, targetEnd);
  if (targetEnd === end) out.flag(FLAG_TRUNCATED);
}

function sayCutAnswer(u8: Uint8Array, start: number, end: number, out: CallWriter): void {
  const codeAt = statusAt(u8, start, end);
  if (codeAt <= 0 || isInterim(u8, start, end)) return;
  out.response(0);
  out.statusCode(codeOf(u8, codeAt));
  sayCutOutcome(u8, start, end, out);
}

/** An error is one whatever comes after it; whether the rest of another answer came, nobody knows. */
function sayCutOutcome(u8: Uint8Array, start: number, end: number, out: CallWriter): void {
  const code = codeOf(u8, statusAt(u8, start, end));
  out.outcome(code < 400 ? OUTCOME_UNKNOWN : outcomeOf(code));
}

function codeOf(u8: Uint8Array, at: number): number {
  return (u8[at] - 48) * 100 + (u8[at + 1] - 48) * 10 + u8[at + 2] - 48;
}

/** The answer comes after it, or the connection switches: not for half a head to say. */
function isInterim(u8: Uint8Array, start: number, end: number): boolean {
  const codeAt = statusAt(u8, start, end);
  return codeAt > 0 && u8[codeAt] === 0x31;
}

/** HEAD and CONNECT, whose answers end in their own way. */
function specialMethod(u8: Uint8Array, start: number, end: number): number {
  const first = u8[start];
  if (first === 0x48) return end - start === 4 && isText(u8, start, 'HEAD') ? WAS_HEAD : 0;
  if (first === 0x43) return end - start === 7 && isText(u8, start, 'CONNECT') ? WAS_CONNECT : 0;
  return 0;
}

/** Absolute form, authority form, `*`, or what nobody knows. True when the target told the host. */
function sayOddTarget(
  context: WireContext,
  start: number,
  end: number,
  special: number,
  out: CallWriter,
): boolean {
  const u8 = context.u8;
  if (special === WAS_CONNECT) {
    out.target(start, end);
    out.host(start, end);
    return true;
  }
  const schemeMax = end - start > SCHEME_BYTES_MAX ? start + SCHEME_BYTES_MAX : end;
  const colon = context.scan.findByte(start, schemeMax, COLON);
  if (colon <= start || end - colon < 4 || u8[colon + 1] !== SLASH || u8[colon + 2] !== SLASH) {
    out.target(start, end);
    return false;
  }
  let hostStart = colon + 3;
  let hostEnd = hostStart;
  for (; hostEnd < end; hostEnd++) {
    const byte = u8[hostEnd];
    if (byte === SLASH || byte === 0x3f || byte === 0x23) break;
    if (byte === 0x40) hostStart = hostEnd + 1; // What stands before an @ is user and password.
  }
  // Without a path, the path is `/`: one of the two before the host.
  if (hostEnd === end) out.target(colon + 1, colon + 2);
  else out.target(hostEnd, end);
  if (hostEnd > hostStart) out.host(hostStart, hostEnd);
  return hostEnd > hostStart;
}

/** Tells what the request's headers say; returns what they say about the body. */
function sayRequestHeaders(context: WireContext, hasHost: boolean, out: CallWriter): number {
  const i32 = context.i32;
  const count = context.scan.headers();
  let hostKnown = hasHost;
  let frame = 0;
  let rank = 0;
  let principalStart = 0;
  let principalEnd = 0;
  for (let index = 0; index < count; index++) {
    const id = i32[HEADERS_AT + 3 * index];
    const start = i32[HEADERS_AT + 3 * index + 1];
    const end = i32[HEADERS_AT + 3 * index + 2];
    if (start === end && id !== CONTENT_LENGTH) continue;
    const use = USE[id];
    if (use === FRAMES) frame = readFrame(context, frame, id, start, end);
    else if (use === IDENTIFIES) out.identifiers(start, end);
    else if (use === IS_HOST && !hostKnown) {
      out.host(start, end);
      hostKnown = true;
    }
    if (TRACE_KIND[id] !== 0) out.trace(TRACE_KIND[id], start, end);
    if (PRINCIPAL_RANK[id] <= rank) continue;
    const valueStart = id === COOKIE ? sessionCookie(context.scan, context.u8, start, end) : start;
    if (valueStart < 0) continue;
    rank = PRINCIPAL_RANK[id];
    principalStart = valueStart;
    principalEnd = id === COOKIE ? cookieEnd(context.scan, valueStart, end) : end;
  }
  if (rank !== 0) out.principal(principalStart, principalEnd);
  if (count === HEADERS_MAX) out.flag(FLAG_TRUNCATED);
  return frame;
}

function parseResponse(
  context: WireContext,
  word: number,
  start: number,
  limit: number,
  out: CallWriter,
): number {
  const u8 = context.u8;
  const codeAt = statusAt(u8, start, limit);
  if (codeAt <= 0) return codeAt;
  const code = codeOf(u8, codeAt);

  const lineFeed = context.scan.findByte(codeAt + 3, limit, LF);
  if (lineFeed < 0) return more(start, limit);
  const headEnd = context.scan.findHeaders(lineFeed + 1, limit, HEADERS_AT, HEADERS_MAX);
  if (headEnd <= 0) return headEnd < 0 ? LOST : more(start, limit);

  if (code < 200) {
    if (code === 101) switchProtocols(context, out);
    else out.interim(0);
    return headEnd - start;
  }
  out.response(0);
  out.statusCode(code);
  out.outcome(outcomeOf(code));
  const frame = sayResponseHeaders(context, out);
  const asked = out.word(0);
  if (asked === WAS_CONNECT && code < 300) {
    out.done();
    out.upgrade(UPGRADE_RECOGNISE);
  } else if (asked === WAS_HEAD || code === 204 || code === 304) out.done();
  else announceBody(context, word, frame, true, out);
  return headEnd - start;
}

function sayResponseHeaders(context: WireContext, out: CallWriter): number {
  const i32 = context.i32;
  const count = context.scan.headers();
  let frame = 0;
  for (let index = 0; index < count; index++) {
    const id = i32[HEADERS_AT + 3 * index];
    const start = i32[HEADERS_AT + 3 * index + 1];
    const end = i32[HEADERS_AT + 3 * index + 2];
    const use = USE[id];
    if (use === FRAMES) frame = readFrame(context, frame, id, start, end);
    else if (use === IDENTIFIES && end > start) out.identifiers(start, end);
  }
  if (count === HEADERS_MAX) out.flag(FLAG_TRUNCATED);
  return frame;
}

/**
 * 101: the answer says what comes (RFC 9110 demands it), so the request need not be remembered. In h2c the
 * request becomes stream 1 and is answered there; else 101 is its answer.
 */
function switchProtocols(context: WireContext, out: CallWriter): void {
  const u8 = context.u8;
  let start = 0;
  let end = 0;
  for (let index = context.scan.headers() - 1; index >= 0; index--) {
    if (context.i32[HEADERS_AT + 3 * index] !== UPGRADE) continue;
    start = context.i32[HEADERS_AT + 3 * index + 1];
    end = context.i32[HEADERS_AT + 3 * index + 2];
  }
  if (end - start === 3 && isLowerText(u8, start, 'h2c')) {
    out.interim(0);
    out.statusCode(101);
    out.outcome(OUTCOME_OK);
    out.rekey(1);
    out.done();
    out.upgrade(UPGRADE_RECOGNISE);
    return;
  }
  out.response(0);
  out.statusCode(101);
  out.outcome(OUTCOME_OK);
  out.done();
  if (end - start >= 9 && isLowerText(u8, start, 'websocket')) out.upgrade(UPGRADE_OPAQUE);
  else if (end - start >= 4 && isLowerText(u8, start, 'tls/')) out.upgrade(UPGRADE_TLS);
  else out.upgrade(UPGRADE_RECOGNISE);
}

function lineEnds(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isLineEnd(u8[at])) at++;
  return at - start;
}

/**
 * The first lines of HTTP/1 messages (RFC 9112, sections 3 and 4): where their parts lie, whether the first
 * bytes of a side could be one, and where the next one begins after a hole.
 */
import type { Scan } from '../scan/scan.ts';
import { CR, isBlank, isDigit, isLineEnd, isText, LF, SLASH, SPACE, TOKEN } from './http-bytes.ts';
import { LOST, MAYBE, NEED_MORE, NO, SURE } from './protocol.ts';
import type { Guess } from './protocol.ts';

/** The longest registered method is UPDATEREDIRECTREF, 17 bytes. */
export const METHOD_BYTES_MAX = 32;
/** Blanks in a status line before the code. One is right. */
const STATUS_BLANKS_MAX = 8;

/**
 * Methods whose first line is worth waiting for, and that are looked for after a hole. Others are taken once
 * their line is whole. The register of methods at IANA, and what proxies and UPnP added.
 */
const KNOWN_METHODS = (
  'GET POST PUT DELETE HEAD OPTIONS PATCH CONNECT TRACE QUERY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ' +
  'REPORT SEARCH LINK UNLINK ACL MKCALENDAR MKREDIRECTREF UPDATEREDIRECTREF ORDERPATCH BIND REBIND UNBIND ' +
  'LABEL MERGE UPDATE CHECKIN CHECKOUT UNCHECKOUT MKACTIVITY MKWORKSPACE VERSION-CONTROL BASELINE-CONTROL ' +
  'PURGE BAN NOTIFY SUBSCRIBE UNSUBSCRIBE M-SEARCH SOURCE'
).split(' ');
const VERSION = 'HTTP/1.';

export function recogniseRequest(scan: Scan, u8: Uint8Array, start: number, end: number): Guess {
  const methodEnd = tokenEnd(u8, start, end);
  if (methodEnd === end) return end - start <= METHOD_BYTES_MAX ? MAYBE : NO;
  if (methodEnd === start || u8[methodEnd] !== SPACE) return NO;
  const lineFeed = scan.findByte(methodEnd, end, LF);
  if (lineFeed >= 0) return versionAt(u8, methodEnd, lineFeed) < 0 ? NO : SURE;
  if (methodEnd + 1 === end) return isText(u8, start, 'PRI ') ? NO : MAYBE;
  // Half a line: a path after any method, or a known method.
  if (u8[methodEnd + 1] === SLASH) return MAYBE;
  return isKnownMethod(u8, start, methodEnd) ? MAYBE : NO;
}

export function recogniseAnswer(u8: Uint8Array, start: number, end: number): Guess {
  const at = statusAt(u8, start, end);
  if (at < 0) return NO;
  return at === 0 ? MAYBE : SURE;
}

/**
 * The next request after a hole: a segment that begins with a first line, whole or the beginning of one, or
 * a whole first line after an empty line, where bodiless requests follow each other. Lines elsewhere are
 * more likely a body's. Only known methods count: the rest of a broken line is a token too.
 */
export function resyncRequest(scan: Scan, u8: Uint8Array, start: number, end: number): number {
  if (beginsRequest(scan, u8, start, end) !== NO) return start;
  let at = scan.findByte(start, end, LF) + 1;
  while (at > 0 && at < end) {
    let next = at;
    if (u8[next] === CR) next++;
    if (next < end && u8[next] === LF) {
      at = next + 1;
      if (at < end && beginsRequest(scan, u8, at, end) === SURE) return at;
    }
    at = scan.findByte(at, end, LF) + 1;
  }
  return -1;
}

function beginsRequest(scan: Scan, u8: Uint8Array, start: number, end: number): Guess {
  if (!isKnownMethod(u8, start, tokenEnd(u8, start, end))) return NO;
  return recogniseRequest(scan, u8, start, end);
}

/** The next answer after a hole: a status line at the segment's start or after a line end. */
export function resyncAnswer(scan: Scan, u8: Uint8Array, start: number, end: number): number {
  if (recogniseAnswer(u8, start, end) !== NO) return start;
  let at = scan.findByte(start, end, LF) + 1;
  while (at > 0 && at < end) {
    if (recogniseAnswer(u8, at, end) === SURE) return at;
    at = scan.findByte(at, end, LF) + 1;
  }
  return -1;
}

/** The end of the token at `start`, at most METHOD_BYTES_MAX bytes on. */
export function tokenEnd(u8: Uint8Array, start: number, end: number): number {
  const most = end - start > METHOD_BYTES_MAX ? start + METHOD_BYTES_MAX : end;
  let at = start;
  while (at < most && TOKEN[u8[at]] !== 0) at++;
  return at;
}

/**
 * The position of `HTTP/1.x` at the end of a first line, read from the right: what stands between it and
 * the method is the target, blanks and all, as servers take it. -1 when it is none.
 */
export function versionAt(u8: Uint8Array, methodEnd: number, lineFeed: number): number {
  let end = lineFeed;
  while (end > methodEnd && (isBlank(u8[end - 1]) || u8[end - 1] === CR)) end--;
  const at = end - 8;
  // Clients that forget the target are answered by servers that take the line for one of HTTP/0.9.
  if (at < methodEnd + 1 || !isBlank(u8[at - 1])) return -1;
  return isVersion(u8, at) && isDigit(u8[at + 7]) ? at : -1;
}

/** The position of the three digits of a status line, 0 when it is not there yet, -1 when it is none. */
export function statusAt(u8: Uint8Array, start: number, limit: number): number {
  const prefix = limit - start < VERSION.length ? limit - start : VERSION.length;
  if (!isVersionPrefix(u8, start, prefix)) return LOST;
  let at = start + VERSION.length;
  if (at >= limit) return NEED_MORE;
  if (!isDigit(u8[at])) return LOST;
  at++;
  const blanksMax = at + STATUS_BLANKS_MAX;
  const blanksStart = at;
  while (at < limit && at < blanksMax && u8[at] === SPACE) at++;
  if (at === limit) return NEED_MORE;
  if (at === blanksStart || u8[at] < 0x31 || !isDigit(u8[at])) return LOST;
  if (limit - at < 4) return NEED_MORE;
  const next = u8[at + 3];
  if (!isDigit(u8[at + 1]) || !isDigit(u8[at + 2]) || !(isBlank(next) || isLineEnd(next))) return LOST;
  return at;
}

function isKnownMethod(u8: Uint8Array, start: number, end: number): boolean {
  for (let index = 0; index < KNOWN_METHODS.length; index++) {
    if (KNOWN_METHODS[index].length === end - start && isText(u8, start, KNOWN_METHODS[index])) return true;
  }
  return false;
}

function isVersion(u8: Uint8Array, at: number): boolean {
  return isVersionPrefix(u8, at, VERSION.length);
}

function isVersionPrefix(u8: Uint8Array, at: number, bytes: number): boolean {
  for (let index = 0; index < bytes; index++) {
    if (u8[at + index] !== VERSION.charCodeAt(index)) return false;
  }
  return true;
}

/**
 * What header fields mean, whatever the version of HTTP that carries them (RFC 9110): which of them name a
 * user, a trace, a thing; which media types can be read; what a status code says of the outcome.
 */
import { TRACE_B3, TRACE_B3_PARENT_ID, TRACE_B3_SPAN_ID } from '../../record/call-writer.ts';
import { TRACE_B3_TRACE_ID, TRACE_PARENT, TRACE_REQUEST_ID, TRACE_UBER } from '../../record/call-writer.ts';
import { OUTCOME_CANCELLED, OUTCOME_CLIENT_ERROR, OUTCOME_OK } from '../../record/codes.ts';
import { OUTCOME_SERVER_ERROR, OUTCOME_TIMEOUT } from '../../record/codes.ts';
import { headerId } from '../scan/names.ts';
import type { HeaderName } from '../scan/names.ts';
import type { Scan } from '../scan/scan.ts';
import { EQUALS, isBlank, isLetter, SEMICOLON } from './http-bytes.ts';

/** Cookies of a request that are looked at for a session; browsers keep 180 a site, few send 20. */
const COOKIES_MAX = 64;
/** A media type is not longer than this, as far as we look. */
const MEDIA_TYPE_BYTES_MAX = 80;

/** By header id: what a header is good for. */
export const FRAMES = 1;
export const IS_HOST = 2;
export const IDENTIFIES = 4;
export const USE = new Uint8Array(256);
export const TRACE_KIND = new Uint8Array(256);
/** The highest wins: whoever is named outright, then the session, then the credentials. */
export const PRINCIPAL_RANK = new Uint8Array(256);

export const CONTENT_LENGTH = headerId('content-length');
export const TRANSFER_ENCODING = headerId('transfer-encoding');
export const CONTENT_ENCODING = headerId('content-encoding');
export const CONTENT_TYPE = headerId('content-type');
export const UPGRADE = headerId('upgrade');
export const COOKIE = headerId('cookie');

fill(USE, FRAMES, ['content-length', 'transfer-encoding', 'content-encoding', 'content-type']);
fill(USE, IS_HOST, ['host']);
fill(USE, IDENTIFIES, ['x-user-id', 'x-session-id', 'x-tenant-id', 'x-correlation-id', 'x-request-id']);
fill(USE, IDENTIFIES, ['idempotency-key', 'location', 'etag']);
fill(TRACE_KIND, TRACE_PARENT, ['traceparent']);
fill(TRACE_KIND, TRACE_B3, ['b3']);
fill(TRACE_KIND, TRACE_B3_TRACE_ID, ['x-b3-traceid']);
fill(TRACE_KIND, TRACE_B3_SPAN_ID, ['x-b3-spanid']);
fill(TRACE_KIND, TRACE_B3_PARENT_ID, ['x-b3-parentspanid']);
fill(TRACE_KIND, TRACE_UBER, ['uber-trace-id']);
fill(TRACE_KIND, TRACE_REQUEST_ID, ['x-request-id']);
fill(PRINCIPAL_RANK, 5, ['x-user-id']);
fill(PRINCIPAL_RANK, 4, ['x-session-id']);
fill(PRINCIPAL_RANK, 3, ['cookie']);
fill(PRINCIPAL_RANK, 2, ['authorization']);
fill(PRINCIPAL_RANK, 1, ['x-api-key']);

function fill(table: Uint8Array, value: number, names: readonly HeaderName[]): void {
  for (const name of names) table[headerId(name)] = value;
}

/** docs/protocols/http.md has this table. */
export function outcomeOf(code: number): number {
  if (code < 400) return OUTCOME_OK;
  if (code === 408 || code === 504) return OUTCOME_TIMEOUT;
  if (code === 499) return OUTCOME_CANCELLED;
  return code < 500 ? OUTCOME_CLIENT_ERROR : OUTCOME_SERVER_ERROR;
}

/** True for a media type whose body may hold readable identifiers: it names one of these words. */
export function isTextual(u8: Uint8Array, start: number, end: number): boolean {
  const most = end - start > MEDIA_TYPE_BYTES_MAX ? start + MEDIA_TYPE_BYTES_MAX : end;
  let last4 = 0;
  for (let at = start; at < most && u8[at] !== SEMICOLON; at++) {
    last4 = (last4 << 8) | (u8[at] | 0x20);
    // text, json, /xml
    if (last4 === 0x7465_7874 || last4 === 0x6a73_6f6e || last4 === 0x2f78_6d6c) return true;
    // +xml, form, (jav)ascr(ipt)
    if (last4 === 0x2b78_6d6c || last4 === 0x666f_726d || last4 === 0x6173_6372) return true;
    // mult(ipart), grap(hql), yaml
    if (last4 === 0x6d75_6c74 || last4 === 0x6772_6170 || last4 === 0x7961_6d6c) return true;
  }
  return most === start;
}

/** The value of the first cookie that is named like a session, or -1. */
export function sessionCookie(scan: Scan, u8: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let count = 0; count < COOKIES_MAX && at < end; count++) {
    while (at < end && isBlank(u8[at])) at++;
    const equals = scan.findByte(at, end, EQUALS);
    if (equals < 0) return -1;
    const pairEnd = cookieEnd(scan, at, end);
    if (equals + 1 < pairEnd && namesSession(u8, at, equals)) return equals + 1;
    at = pairEnd + 1;
  }
  return -1;
}

export function cookieEnd(scan: Scan, start: number, end: number): number {
  const semicolon = scan.findByte(start, end, SEMICOLON);
  return semicolon < 0 ? end : semicolon;
}

/** `sess` in any part (JSESSIONID, PHPSESSID, session_id …), or `sid` as the last word (connect.sid). */
export function namesSession(u8: Uint8Array, start: number, end: number): boolean {
  let last4 = 0;
  for (let at = start; at < end; at++) {
    last4 = (last4 << 8) | (u8[at] | 0x20);
    if (last4 === 0x7365_7373) return true;
  }
  if ((last4 & 0xff_ffff) !== 0x73_6964) return false;
  return end - start === 3 || !isLetter(u8[end - 4]);
}

/** What HTTP/1 takes at most, and its part of the protocols' scratch. */
import { assert } from '../../base/assert.ts';
import { PROTOCOL_SCRATCH } from '../../base/memory.ts';
import { LOST, NEED_MORE } from './protocol.ts';

/** A head longer than this is given up. Apache takes 8 KiB a line, nginx 32 KiB in all, Node 16 KiB. */
export const HEAD_BYTES_MAX = 65_536;
/** Headers of a head that are looked at, of those with a name we know; more sets the flag `truncated`. */
export const HEADERS_MAX = 128;
/** A chunk's size with its extensions. Nobody sends extensions; Node refuses more than 16 KiB. */
export const CHUNK_LINE_BYTES_MAX = 4096;

/** Where `findHeaders` writes (i32). */
export const HEADERS_AT = PROTOCOL_SCRATCH >> 2;
/** Where a content length waits (f64): a number beyond 31 bits is not handed on without an allocation. */
export const LENGTH_AT = (PROTOCOL_SCRATCH + 4096) >> 3;
assert(HEADERS_MAX * 12 <= 4096, 'headers fit before the length');

/** A head that is not whole: wait, unless it is longer than anything we take. */
export function more(start: number, limit: number): number {
  return limit - start < HEAD_BYTES_MAX ? NEED_MORE : LOST;
}

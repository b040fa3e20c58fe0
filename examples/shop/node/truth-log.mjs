/**
 * The truth of one process, out of band: which call came in on which connection, which call that caused,
 * one JSON object a line, in a file of its own. Nothing of it ever travels with a request.
 *
 *   {"t":"in","service":…,"protocol":…,"local":"A:P","peer":"A:P","n":3,
 *    "method":…,"path":…,"status":…,"start":µs,"end":µs}
 *   {"t":"out", … ,"to":…,"attempt":1,"cause":{"local":…,"peer":…,"n":…}}
 *
 * `n` is the ordinal of the request on its connection, from 1.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const FLUSH_MS = 100;

export function openTruth(folder, service) {
  if (folder === undefined || folder === '') return { write: () => {}, flush: () => {} };
  const file = join(folder, `${service}.ndjson`);
  let lines = '';
  let timer;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (lines === '') return;
    appendFileSync(file, lines);
    lines = '';
  };
  const write = (event) => {
    lines += `${JSON.stringify(event)}\n`;
    timer ??= setTimeout(flush, FLUSH_MS);
  };
  return { write, flush };
}

/** Microseconds since 1970, finer than Date.now. */
export function nowMicros() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/** `address:port` as both ends write it: an IPv4 address inside IPv6 is written as IPv4. */
export function socketName(address, port) {
  return `${(address ?? '').replace(/^::ffff:/, '')}:${port ?? 0}`;
}

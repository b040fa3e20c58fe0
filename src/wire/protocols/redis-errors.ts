/**
 * What the errors of Redis mean: the first word of an error is its kind
 * (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). A redirection of a cluster
 * is no failure, a server that cannot serve is the server's, all else is the client's.
 */
import {
  OUTCOME_CANCELLED,
  OUTCOME_CLIENT_ERROR,
  OUTCOME_OK,
  OUTCOME_SERVER_ERROR,
} from '../../record/codes.ts';
import { isWord } from './redis-state.ts';

/** Longest first word of an error that is told. */
export const STATUS_MAX = 32;

/** What is wrong on the server's side; any other error word is the client's. */
const SERVER_ERRORS: readonly string[] = [
  'busy',
  'clusterdown',
  'inprog',
  'ioerr',
  'loading',
  'masterdown',
  'misconf',
  'nogoodslave',
  'nomasterlink',
  'noquorum',
  'noreplicas',
  'oom',
  'readonly',
  'tryagain',
];

/** Position past the error's first word. */
export function afterErrorWord(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  const most = Math.min(end, start + STATUS_MAX);
  while (at < most && isStatusByte(u8[at])) at++;
  return at;
}

/** Error words are upper-case letters, digits and underscores. */
function isStatusByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;
}

/** The table is in docs/protocols/redis.md. */
export function errorOutcome(u8: Uint8Array, start: number, end: number): number {
  if (isWord(u8, start, end, 'moved') || isWord(u8, start, end, 'ask')) return OUTCOME_OK;
  // CLIENT UNBLOCK … ERROR: somebody ended a blocking command.
  if (isWord(u8, start, end, 'unblocked')) return OUTCOME_CANCELLED;
  for (let i = 0; i < SERVER_ERRORS.length; i++)
    if (isWord(u8, start, end, SERVER_ERRORS[i])) return OUTCOME_SERVER_ERROR;
  return OUTCOME_CLIENT_ERROR;
}

/**
 * What a Redis connection remembers between steps, as words of the worker's memory, and how the lines of
 * RESP are measured. Every word is 0 at first and between messages, unless it says otherwise.
 */

// The client's side: the command in progress.
/** Arguments still to come. */
export const C_OWED = 0;
/** Index of the next argument; the command word is 0. */
export const C_INDEX = 1;
export const C_RULE = 2;
/** Index of an argument that only an earlier one could tell (first key after numkeys, after STREAMS). */
export const C_MARKED = 3;
/** TAIL_*: what is due before the next argument. */
export const C_TAIL = 4;
export const C_OFFERED = 5;
/** No answer is due to the command in progress, whatever REPLY_* says. */
export const C_ACK = 6;

// The server's side: the message in progress.
/** OPENING_*, 0 between messages. */
export const S_OPENING = 7;
/** Values owed in the innermost streamed aggregate (or, outside of one, in the message). */
export const S_OWED = 8;
/** The message's own value was seen: what follows is inside of it. */
export const S_INSIDE = 9;
export const S_TAIL = 10;
export const S_OFFERED = 11;
/** Index of the next leaf. */
export const S_LEAF = 12;
/** Kind and privacy of the call being answered, or the PUSH_* of a message of the server's. */
export const S_KIND = 13;
/** Streamed aggregates around the next value, and what was owed outside of each. */
export const S_DEPTH = 14;
export const S_SAVED = 15;
export const DEPTH_MAX = 4;

// The connection: kept between messages.
/** REPLY_*: what CLIENT REPLY asked for. */
export const REPLY_MODE = 19;
/** Bits: 1 channels or patterns are subscribed, 2 shard channels are. */
export const SUBSCRIBED = 20;
/** SUBSCRIBE and UNSUBSCRIBE commands whose first confirmation is due. */
export const CONFIRMATIONS_DUE = 21;
/** Further confirmations of the one answered last. */
export const CONFIRMATIONS_MORE = 22;
/** First letter of the command that was answered last and named no channel: all of its kind follow. */
export const CONFIRMATIONS_ALL = 23;
export const RESP3 = 24;
export const MONITORING = 25;
/** SYNC or PSYNC was sent: the server may send bare newlines while it makes ready. */
export const SYNCING = 26;
export const CLIENT_SPOKE = 27;
export const STATE_WORDS = 28;

export const TAIL_NONE = 0;
/** CR LF that ends a value offered as body. */
export const TAIL_CRLF = 1;
/** The rest of a line too long to be looked at, up to its LF. */
export const TAIL_LINE = 2;
/** A streamed string: `;n` chunks, until `;0`. */
export const TAIL_CHUNK = 3;
/** CR LF of a chunk offered as body. */
export const TAIL_CHUNK_CRLF = 4;

export const REPLY_ON = 0;
export const REPLY_OFF = 1;
export const REPLY_SKIP_NEXT = 2;

// The own words of an open call.
/** The rule of its command, see redis-commands. */
export const WORD_RULE = 0;
/** Channels named by a SUBSCRIBE: confirmations due. */
export const WORD_CHANNELS = 1;

/** Longest line that is looked at; of a longer one the beginning counts. Redis itself takes 64 KiB. */
export const LINE_MAX = 1024;
/** Longest key that is told, as `targetBytes` of base/limits. */
export const KEY_MAX = 1024;
/** A value up to this length is looked at where it lies, in one step; a longer one is body. */
export const SMALL_MAX = 512;
/** Values offered per message: a call keeps 8 fingerprints. */
export const OFFERED_MAX = 16;
/** Redis's own limit for the elements of a request. */
export const ELEMENTS_MAX = 1024 * 1024;
/** A value is at most 512 MiB unless configured otherwise. */
export const LENGTH_MAX = 1 << 30;
/** `$`, nine or ten digits, CR LF. */
const COUNT_LINE_MAX = 16;

export const CR = 0x0d;
export const LF = 0x0a;
export const SPACE = 0x20;

/** `decimal` of `-1` (null) and of `?` (streamed). */
export const COUNT_NULL = -1;
export const COUNT_STREAMED = -2;
export const COUNT_BAD = -3;

/**
 * A line of a type, a count and CR LF at `at`: the position past it, 0 when it is incomplete, -1 when it
 * cannot be one.
 */
export function afterCount(u8: Uint8Array, at: number, end: number): number {
  let i = at + 1;
  const most = Math.min(end, at + COUNT_LINE_MAX);
  while (i < most) {
    const byte = u8[i];
    if (byte === CR) {
      if (i === at + 1) return -1;
      if (i + 1 >= end) return 0;
      return u8[i + 1] === LF ? i + 2 : -1;
    }
    if ((byte < 0x30 || byte > 0x39) && (i > at + 1 || (byte !== 0x2d && byte !== 0x3f))) return -1;
    i++;
  }
  return end - at < COUNT_LINE_MAX ? 0 : -1;
}

/** The count of a line that `afterCount` measured: [start, end) is between the type and the CR. */
export function decimal(u8: Uint8Array, start: number, end: number): number {
  const first = u8[start];
  if (first === 0x3f) return end - start === 1 ? COUNT_STREAMED : COUNT_BAD;
  if (first === 0x2d) return end - start === 2 && u8[start + 1] === 0x31 ? COUNT_NULL : COUNT_BAD;
  if (end - start > 10) return COUNT_BAD;
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + u8[i] - 0x30;
  return value <= LENGTH_MAX ? value : COUNT_BAD;
}

/** Position past the CR LF of the value of `length` bytes at `at`, 0 incomplete, -1 when none is there. */
export function afterValue(u8: Uint8Array, at: number, length: number, end: number): number {
  const tail = at + length;
  if (tail + 2 > end) return tail < end && u8[tail] !== CR ? -1 : 0;
  return u8[tail] === CR && u8[tail + 1] === LF ? tail + 2 : -1;
}

/** Position past the next LF, or -1. */
export function afterLine(u8: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end; i++) if (u8[i] === LF) return i + 1;
  return -1;
}

/** Equal but for case to a lower-case word of letters. */
export function isWord(u8: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if ((u8[start + i] | 0x20) !== word.charCodeAt(i)) return false;
  return true;
}

/** Copies a word with ASCII letters in upper case; false when it has bytes that no command word has. */
export function copyUpper(u8: Uint8Array, start: number, end: number, to: number): boolean {
  for (let i = start; i < end; i++) {
    let byte = u8[i];
    if (byte >= 0x61 && byte <= 0x7a) byte -= 0x20;
    u8[to + i - start] = byte;
    const letter = byte >= 0x41 && byte <= 0x5a;
    // Digits, and - . : _ | as modules name their commands.
    const other = (byte >= 0x2d && byte <= 0x3a && byte !== 0x2f) || byte === 0x5f || byte === 0x7c;
    if (!letter && (!other || i === start)) return false;
  }
  return end > start;
}

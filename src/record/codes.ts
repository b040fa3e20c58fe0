/** Small numbers that stand for the closed sets of the `calls` table, and their names in the store. */

/** How a call ended. Order is the code; the names are the Enum8 of the store. */
export const OUTCOMES = [
  'unknown',
  'ok',
  'client error',
  'server error',
  'cancelled',
  'reset',
  'timeout',
  'unanswered',
  'one-way',
  'open',
] as const;
export type OutcomeName = (typeof OUTCOMES)[number];

export const OUTCOME_UNKNOWN = 0;
export const OUTCOME_OK = 1;
export const OUTCOME_CLIENT_ERROR = 2;
export const OUTCOME_SERVER_ERROR = 3;
export const OUTCOME_CANCELLED = 4;
export const OUTCOME_RESET = 5;
export const OUTCOME_TIMEOUT = 6;
export const OUTCOME_UNANSWERED = 7;
export const OUTCOME_ONE_WAY = 8;
export const OUTCOME_OPEN = 9;

/** Bits of the column `flags`; index in FLAGS is the bit number. */
export const FLAGS = [
  'encrypted',
  'weak',
  'mid-stream',
  'one-sided',
  'gap',
  'truncated',
  'body skipped',
  'provisional',
  'duplicate view',
] as const;
export type FlagName = (typeof FLAGS)[number];

export const FLAG_ENCRYPTED = 1 << 0;
/** The call id rests on connection and order only. */
export const FLAG_WEAK = 1 << 1;
/** The connection was joined after its beginning. */
export const FLAG_MID_STREAM = 1 << 2;
/** Only the request or only the answer was seen. */
export const FLAG_ONE_SIDED = 1 << 3;
/** Bytes of this call were lost to us. */
export const FLAG_GAP = 1 << 4;
/** A text or head of this call was longer than what is kept. */
export const FLAG_TRUNCATED = 1 << 5;
export const FLAG_BODY_SKIPPED = 1 << 6;
export const FLAG_PROVISIONAL = 1 << 7;
/** The same call was counted at another place; this row is a sighting. */
export const FLAG_DUPLICATE_VIEW = 1 << 8;

export const VANTAGES = ['unknown', 'client side', 'server side', 'between', 'mirror', 'file'] as const;
export type VantageName = (typeof VANTAGES)[number];
export const VANTAGE_UNKNOWN = 0;
export const VANTAGE_FILE = 5;

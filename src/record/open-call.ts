/**
 * A call that is not finished yet: one slab of 32-bit words in the worker's memory, written by
 * `wire/conversation.ts` and copied into the columns of a batch when the call ends. Names are word
 * offsets from the slab's address / 4. Pairs of words are (low, high); times are (seconds, nanos).
 */

/** Links of the connection's queue of open calls, oldest first: addresses, 0 none. */
export const OC_NEXT = 0;
export const OC_PREVIOUS = 1;
/** Stream or message id; 0 for protocols answered in order. */
export const OC_KEY = 2;
/** OC_PHASE bits, see conversation. */
export const OC_PHASE = 3;

export const OC_START = 4; // seconds, nanos: first request byte
export const OC_REQUEST_END = 6; // seconds, nanos: last request byte
export const OC_FIRST_BYTE = 8; // seconds, nanos: first byte of the final answer
export const OC_END = 10; // seconds, nanos: last byte of the answer

/** Initiating side's sequence number of the first byte, the other side's position it acknowledged. */
export const OC_SEQUENCE = 12;
export const OC_ACKNOWLEDGED = 13;
/** Sequence number just past the request. */
export const OC_SEQUENCE_END = 14;
/** Ordinal of the call on its connection, from 0. */
export const OC_ORDINAL = 15;

/** String ids of the worker's table; 0 is the empty text. */
export const OC_METHOD = 16;
export const OC_OPERATION = 17;
export const OC_HOST = 18;
export const OC_STATUS = 19;
/** Redacted target: slab address, bytes, capacity asked. Address 0: none. */
export const OC_TARGET = 20;
export const OC_TARGET_BYTES = 21;
export const OC_TARGET_CAPACITY = 22;

export const OC_OUTCOME = 23;
export const OC_FLAGS = 24;
export const OC_RETRANSMITS = 25;
/** Bytes of request and answer, each a 64-bit float in two words, 8-aligned. */
export const OC_REQUEST_BYTES = 26;
export const OC_RESPONSE_BYTES = 28;

export const OC_CALL = 30; // low, high
export const OC_TRACE = 32; // 16 bytes as sent
export const OC_SPAN = 36; // 8 bytes
export const OC_PARENT = 38; // 8 bytes
export const OC_PRINCIPAL = 40; // low, high
export const OC_FINGERPRINT_COUNT = 42;
/** The first bytes of the message, gathered for the call id. */
export const OC_ID_COUNT = 43;
export const OC_ID_BYTES = 44; // 32 bytes
/** Up to FINGERPRINTS_MAX keyed hashes, (low, high) each. */
export const OC_FINGERPRINTS = 52;
/** Words for the protocol's own use, zero at first. */
export const OC_WORDS = 68;
export const OPEN_CALL_WORDS_OWN = 8;
/** Body bytes being gathered for who asked: slab address, bytes so far, side. */
export const OC_BODY = 76;
export const OC_BODY_BYTES = 77;
export const OC_BODY_SIDE = 78;
/** Template scratch of the operation until it is interned, conversation's own. */
export const OC_SPARE = 79;

export const OPEN_CALL_BYTES = 320;
export const FINGERPRINTS_MAX = 8;
/** Bytes of a message that the call id covers. */
export const ID_BYTES_MAX = 32;

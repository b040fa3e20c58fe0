/**
 * What a protocol may say about the calls on a connection: the only way from `protocols` to `record`.
 * Every range is (start, end) in the worker's memory and is used before the method returns; a protocol
 * never builds a string, a slice or an object.
 *
 * A message is *selected* by `request`, `response` or `select`; all other methods speak of the selected
 * call. Bytes that `parse` consumes, and that follow by `skip` and `body`, are counted for it.
 */
export interface CallWriter {
  /**
   * A request begins at the first byte of this step. `key` pairs it with its answer: stream, message or
   * correlation id; 0 where answers come in order. Said on the server's side, it is a message that the
   * server initiates (push), which needs `oneWay` or an answer of the client's.
   * `check` is a hash of what the answer repeats, where keys are so short that they come again (DNS: the
   * question): an answer with another one is not this request's. 0: nothing to compare.
   */
  request(key: number, check?: number): void;
  /** The answer to `key` begins at the first byte of this step (0: to the oldest open request). */
  response(key: number, check?: number): void;
  /** An interim answer (HTTP 1xx) begins: selects the same call, is counted, but is not its answer. */
  interim(key: number): void;
  /** Speaks of the open call `key` again: frames of many streams interleave. False when there is none. */
  select(key: number): boolean;
  /** Gives the selected call another key (h2c: the upgraded request becomes stream 1). */
  rekey(key: number): void;
  /** True while a call is selected; all below does nothing otherwise. */
  readonly selected: boolean;

  /** The verb: `GET`, `HGETALL`, `A`. */
  method(start: number, end: number): void;
  /** The thing acted on, as sent: path and query, key, name. Redacted, templated and fingerprinted here. */
  target(start: number, end: number): void;
  host(start: number, end: number): void;
  /** The protocol's status as text: `WRONGTYPE`, `NXDOMAIN`. Or as a number: 404. */
  status(start: number, end: number): void;
  statusCode(code: number): void;
  /** One of OUTCOME_*; the table is the protocol's (docs/protocols). */
  outcome(code: number): void;
  /** Sets FLAG_* bits. */
  flag(bits: number): void;

  /** Trace context: the value of a header; `kind` is one of TRACE_*. */
  trace(kind: number, start: number, end: number): void;
  /** The user or session: kept as a keyed hash only. */
  principal(start: number, end: number): void;
  /** A text that may hold identifiers worth a fingerprint (a chosen header, an argument). */
  identifiers(start: number, end: number): void;
  /** A protocol's own attribute; kept only where details were asked for, redacted by name. */
  detail(nameStart: number, nameEnd: number, start: number, end: number): void;
  /** Bytes that identify the message for its `call` id, where its first bytes do not (DNS question). */
  identity(start: number, end: number): void;
  /** A name was seen to stand for an address of 4 or 16 bytes (DNS answer). */
  addressName(
    nameStart: number,
    nameEnd: number,
    addressStart: number,
    addressEnd: number,
    ttlS: number,
  ): void;

  /** Drops the next `count` bytes of this side unread; they are counted and timed. */
  skip(count: number): void;
  /** As `skip`, but the bytes are body: offered to who asked, up to the budget. */
  body(count: number): void;
  /** All bytes of this side until it closes are body of the selected message, which ends with it. */
  bodyUntilClose(): void;
  /** The selected message of this side is complete once what is skipped has passed. */
  done(): void;
  /** No answer is due: the call ends with its request. */
  oneWay(): void;
  /** The selected call ends now as `outcome`, whatever was still to come (RST_STREAM). */
  abort(outcome: number): void;

  /**
   * From the byte after this message both sides speak something else: a protocol's index, or one of
   * UPGRADE_*. Open calls stay.
   */
  upgrade(protocol: number): void;

  /** The selected call's own words, OPEN_CALL_WORDS_OWN of them, zero at first. */
  word(index: number): number;
  setWord(index: number, value: number): void;
}

export const TRACE_PARENT = 1; // traceparent, W3C Trace Context
export const TRACE_B3 = 2; // b3, single header
export const TRACE_B3_TRACE_ID = 3;
export const TRACE_B3_SPAN_ID = 4;
export const TRACE_B3_PARENT_ID = 5;
export const TRACE_UBER = 6; // uber-trace-id
export const TRACE_REQUEST_ID = 7; // x-request-id

/** What follows is to be recognised anew (CONNECT tunnels, h2c by preface). */
export const UPGRADE_RECOGNISE = -1;
/** What follows is not read (WebSocket frames today): counted as not decoded. */
export const UPGRADE_OPAQUE = -2;
/** What follows is TLS. */
export const UPGRADE_TLS = -3;

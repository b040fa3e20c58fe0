/**
 * Calls added up by client, server, protocol and operation, for live summaries: what a worker tells main
 * every second. Open addressing in typed arrays; `take` hands the rows over and begins anew.
 */
import type { WireMemory } from '../base/memory.ts';
import type { CallContext } from './call-batch.ts';
import {
  OUTCOME_CANCELLED,
  OUTCOME_CLIENT_ERROR,
  OUTCOME_OPEN,
  OUTCOME_RESET,
  OUTCOME_SERVER_ERROR,
  OUTCOME_TIMEOUT,
  OUTCOME_UNANSWERED,
  OUTCOME_UNKNOWN,
} from './codes.ts';
import { LATENCY_BUCKETS, latencyBucket } from './latency.ts';
import * as oc from './open-call.ts';

/** Rows of one aggregate; when they are used up it is handed over early. */
const ROWS_MAX = 2048;
export const AGGREGATE_KEY_WORDS = 8;
/** Words of a key: client low, high, server low, high, protocol and operation (string ids), server port. */
export const KEY_PROTOCOL = 4;
export const KEY_OPERATION = 5;
export const KEY_SERVER_PORT = 6;

/** Columns of counts. */
export const AGGREGATE_COUNTS = 6;
export const COUNT_CALLS = 0;
/** Server errors, resets, timeouts, unanswered. */
export const COUNT_ERRORS = 1;
export const COUNT_CLIENT_ERRORS = 2;
/** Unknown and open: neither good nor bad. */
export const COUNT_UNKNOWN = 3;
export const COUNT_REQUEST_BYTES = 4;
export const COUNT_RESPONSE_BYTES = 5;

/** What `take` hands over: buffers that may be transferred. */
export interface AggregateRows {
  readonly rows: number;
  readonly keys: Int32Array<ArrayBuffer>;
  readonly counts: Float64Array<ArrayBuffer>;
  readonly latencies: Uint32Array<ArrayBuffer>;
}

export class Aggregate {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #slots = new Int32Array(ROWS_MAX * 2);
  readonly #keys = new Int32Array(ROWS_MAX * AGGREGATE_KEY_WORDS);
  readonly #counts = new Float64Array(ROWS_MAX * AGGREGATE_COUNTS);
  readonly #latencies = new Uint32Array(ROWS_MAX * LATENCY_BUCKETS);
  rows = 0;

  constructor(memory: WireMemory) {
    this.#i32 = memory.i32;
    this.#f64 = memory.f64;
  }

  /** Adds a finished call; false when there is no room: take the rows, and add again. */
  add(context: CallContext, call: number): boolean {
    const i32 = this.#i32;
    const word = call >> 2;
    const row = this.#row(context, i32[word + oc.OC_OPERATION]);
    if (row < 0) return false;
    const at = row * AGGREGATE_COUNTS;
    const weight = context.weight;
    this.#counts[at + COUNT_CALLS] += weight;
    const column = columnOf(i32[word + oc.OC_OUTCOME]);
    if (column !== 0) this.#counts[at + column] += weight;
    this.#counts[at + COUNT_REQUEST_BYTES] += this.#f64[(word + oc.OC_REQUEST_BYTES) >> 1] * weight;
    this.#counts[at + COUNT_RESPONSE_BYTES] += this.#f64[(word + oc.OC_RESPONSE_BYTES) >> 1] * weight;
    if (i32[word + oc.OC_FIRST_BYTE] !== 0 && i32[word + oc.OC_END] !== 0) {
      const ns =
        (i32[word + oc.OC_END] - i32[word + oc.OC_START]) * 1e9 +
        (i32[word + oc.OC_END + 1] - i32[word + oc.OC_START + 1]);
      this.#latencies[row * LATENCY_BUCKETS + latencyBucket(ns)]++;
    }
    return true;
  }

  take(): AggregateRows {
    const rows = this.rows;
    const taken = {
      rows,
      keys: this.#keys.slice(0, rows * AGGREGATE_KEY_WORDS),
      counts: this.#counts.slice(0, rows * AGGREGATE_COUNTS),
      latencies: this.#latencies.slice(0, rows * LATENCY_BUCKETS),
    };
    this.#slots.fill(0);
    this.#counts.fill(0, 0, rows * AGGREGATE_COUNTS);
    this.#latencies.fill(0, 0, rows * LATENCY_BUCKETS);
    this.rows = 0;
    return taken;
  }

  #row(context: CallContext, operation: number): number {
    const keys = this.#keys;
    const mask = ROWS_MAX * 2 - 1;
    let hash = Math.imul(context.clientLow ^ Math.imul(context.serverLow, 3), 0x9e3779b1) ^ operation;
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] - 1;
      if (row < 0) return this.#insert(slot, context, operation);
      const at = row * AGGREGATE_KEY_WORDS;
      if (
        keys[at] === context.clientLow &&
        keys[at + 1] === context.clientHigh &&
        keys[at + 2] === context.serverLow &&
        keys[at + 3] === context.serverHigh &&
        keys[at + KEY_PROTOCOL] === context.protocol &&
        keys[at + KEY_OPERATION] === operation
      ) {
        return row;
      }
    }
  }

  #insert(slot: number, context: CallContext, operation: number): number {
    if (this.rows === ROWS_MAX) return -1;
    const row = this.rows++;
    const at = row * AGGREGATE_KEY_WORDS;
    this.#slots[slot] = row + 1;
    this.#keys[at] = context.clientLow;
    this.#keys[at + 1] = context.clientHigh;
    this.#keys[at + 2] = context.serverLow;
    this.#keys[at + 3] = context.serverHigh;
    this.#keys[at + KEY_PROTOCOL] = context.protocol;
    this.#keys[at + KEY_OPERATION] = operation;
    this.#keys[at + KEY_SERVER_PORT] = context.serverPort;
    return row;
  }
}

function columnOf(outcome: number): number {
  switch (outcome) {
    case OUTCOME_SERVER_ERROR:
    case OUTCOME_RESET:
    case OUTCOME_TIMEOUT:
    case OUTCOME_UNANSWERED:
      return COUNT_ERRORS;
    case OUTCOME_CLIENT_ERROR:
    case OUTCOME_CANCELLED:
      return COUNT_CLIENT_ERRORS;
    case OUTCOME_UNKNOWN:
    case OUTCOME_OPEN:
      return COUNT_UNKNOWN;
    default:
      return 0;
  }
}

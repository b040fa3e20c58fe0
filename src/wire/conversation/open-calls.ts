/**
 * The calls of a connection that are not finished: slabs in a queue, oldest first. OC_PHASE says how far
 * one is.
 */
import type { Limits } from '../../base/limits.ts';
import type { Slabs } from '../../base/slab.ts';
import type { WireMemory } from '../../base/memory.ts';
import { reasonNumber, type Ledger } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import type { Scan } from '../scan/scan.ts';
import { R_OPEN_COUNT, R_OPEN_FIRST, R_OPEN_LAST, R_ORDINAL } from '../reassembly/row.ts';

/** OC_PHASE */
export const PHASE_REQUEST_DONE = 1;
export const PHASE_ANSWER_BEGUN = 2;
export const PHASE_ANSWER_DONE = 4;
/** Only the answer was seen. */
export const PHASE_ANSWER_ONLY = 8;
/** The server's side sent the request (a push). */
export const PHASE_FROM_SERVER = 16;
export const PHASE_ONE_WAY = 32;
/** Bytes of this side were lost right before the request: it may not be the next in order. */
export const PHASE_AFTER_HOLE = 64;
/** The first that was seen of its connection, with the first byte that was seen. */
export const PHASE_FIRST = 128;
/** OC_CALL holds. */
export const PHASE_IDENTIFIED = 256;
/** Its request head was seen whole or in part, and some of its bytes were lost. */
export const PHASE_REQUEST_LOST = 512;
/** What was lost before the request may hold another one that waits for the same position. */
export const PHASE_UNPROVED = 1024;

const HEAP_LIMIT = reasonNumber('heap-limit');

export class OpenCalls {
  readonly #i32: Int32Array;
  readonly #slabs: Slabs;
  readonly #ledger: Ledger;
  readonly #limits: Limits;
  readonly #scan: Scan;

  constructor(memory: WireMemory, slabs: Slabs, scan: Scan, limits: Limits, ledger: Ledger) {
    this.#i32 = memory.i32;
    this.#slabs = slabs;
    this.#ledger = ledger;
    this.#limits = limits;
    this.#scan = scan;
  }

  /** A new call at the end of the connection's queue, all zero but its ordinal; 0 when the heap is full. */
  open(at: number, key: number): number {
    const call = this.#slabs.alloc(oc.OPEN_CALL_BYTES);
    if (call === 0) {
      this.#ledger.add(HEAP_LIMIT, 1, 0);
      return 0;
    }
    const i32 = this.#i32;
    const word = call >> 2;
    // Gathered bytes and hashes too: 20 vectors cost less than the 56 words that must be zero by a loop.
    this.#scan.clear(call, oc.OPEN_CALL_BYTES);
    i32[word + oc.OC_KEY] = key;
    i32[word + oc.OC_ORDINAL] = i32[at + R_ORDINAL]++;
    const last = i32[at + R_OPEN_LAST];
    i32[word + oc.OC_PREVIOUS] = last;
    if (last === 0) i32[at + R_OPEN_FIRST] = call;
    else i32[(last >> 2) + oc.OC_NEXT] = call;
    i32[at + R_OPEN_LAST] = call;
    i32[at + R_OPEN_COUNT]++;
    return call;
  }

  /** True when the connection has as many open calls as it may. */
  full(at: number): boolean {
    return this.#i32[at + R_OPEN_COUNT] >= this.#limits.openCallsPerConnection;
  }

  /** Takes a call out of the queue and gives its slabs back. */
  close(at: number, call: number): void {
    const i32 = this.#i32;
    const word = call >> 2;
    const next = i32[word + oc.OC_NEXT];
    const previous = i32[word + oc.OC_PREVIOUS];
    if (previous === 0) i32[at + R_OPEN_FIRST] = next;
    else i32[(previous >> 2) + oc.OC_NEXT] = next;
    if (next === 0) i32[at + R_OPEN_LAST] = previous;
    else i32[(next >> 2) + oc.OC_PREVIOUS] = previous;
    i32[at + R_OPEN_COUNT]--;
    const target = i32[word + oc.OC_TARGET];
    if (target !== 0) this.#slabs.free(target, i32[word + oc.OC_TARGET_CAPACITY]);
    const body = i32[word + oc.OC_BODY];
    if (body !== 0) this.#slabs.free(body, this.#limits.bodyBytes);
    this.#slabs.free(call, oc.OPEN_CALL_BYTES);
  }

  /**
   * The newest open call with this key, or 0. A repeated key belongs to the newest. `check`: one that was
   * opened with another check is not it.
   */
  find(at: number, key: number, check: number): number {
    const i32 = this.#i32;
    for (let call = i32[at + R_OPEN_LAST]; call !== 0; call = i32[(call >> 2) + oc.OC_PREVIOUS]) {
      const word = call >> 2;
      if (i32[word + oc.OC_KEY] !== key) continue;
      const own = i32[word + oc.OC_SPARE];
      if (check === 0 || own === 0 || own === check) return call;
    }
    return 0;
  }

  /** The oldest open call whose answer has not begun, or 0. */
  oldest(at: number): number {
    const i32 = this.#i32;
    for (let call = i32[at + R_OPEN_FIRST]; call !== 0; call = i32[(call >> 2) + oc.OC_NEXT]) {
      const phase = i32[(call >> 2) + oc.OC_PHASE];
      if ((phase & (PHASE_ANSWER_BEGUN | PHASE_FROM_SERVER | PHASE_ONE_WAY)) === 0) return call;
    }
    return 0;
  }
}

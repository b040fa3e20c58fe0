/**
 * What short texts were found to be, by their bytes: hosts, methods, templates repeat, and what they need
 * (a look for secrets, a place in the string table, the grant of an operation) gives the same number each
 * time.
 *
 * The one idea: one place for each hash, the last text wins, and an answer counts only when every byte and
 * every key is the same. So it may forget and never be wrong. A hit costs a hash and a comparison, 20 ns
 * where
 * the way around cost 60 (host) to 120 (operation).
 */
import { SCRATCH, type WireMemory } from '../../base/memory.ts';
import type { Scan } from '../scan/scan.ts';

/** In the scratch, behind the texts of a call (call-texts) and the input of endpoint ids (call-output). */
const MEMO = SCRATCH + 288 * 1024;
const SLOTS = 512;
const SLOT_BYTES = 128;
const TEXT = 32;
/** Longer texts are not remembered. */
const MEMO_TEXT_MAX = SLOT_BYTES - TEXT;
// Words of a slot: bytes of the text, answer, keys.
const LENGTH = 0;
const ANSWER = 1;
const KEYS = 2;

export class TextMemo {
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #scan: Scan;
  /** Word index of the slot last looked at, 0 when the text has none. */
  #slot = 0;

  constructor(memory: WireMemory, scan: Scan) {
    this.#i32 = memory.i32;
    this.#u8 = memory.u8;
    this.#scan = scan;
    memory.i32.fill(0, MEMO >> 2, (MEMO + SLOTS * SLOT_BYTES) >> 2);
  }

  /** What was remembered of the text [start, end) under the three keys, or 0. */
  find(start: number, end: number, key: number, low: number, high: number): number {
    this.#slot = 0;
    const length = end - start;
    if (length < 1 || length > MEMO_TEXT_MAX) return 0;
    const i32 = this.#i32;
    const hash = this.#scan.hash(start, end) ^ Math.imul(key ^ low, 0x9e3779b1);
    const at = MEMO + ((hash ^ (hash >>> 16)) & (SLOTS - 1)) * SLOT_BYTES;
    const slot = at >> 2;
    this.#slot = slot;
    if (
      i32[slot + LENGTH] !== length ||
      i32[slot + KEYS] !== key ||
      i32[slot + KEYS + 1] !== low ||
      i32[slot + KEYS + 2] !== high ||
      !this.#scan.equal(start, at + TEXT, length)
    ) {
      return 0;
    }
    return i32[slot + ANSWER];
  }

  /** Remembers the answer (not 0) of the text that `find` was asked for last. */
  remember(start: number, end: number, key: number, low: number, high: number, answer: number): void {
    const slot = this.#slot;
    if (slot === 0 || answer === 0) return;
    const i32 = this.#i32;
    const u8 = this.#u8;
    i32[slot + LENGTH] = end - start;
    i32[slot + ANSWER] = answer;
    i32[slot + KEYS] = key;
    i32[slot + KEYS + 1] = low;
    i32[slot + KEYS + 2] = high;
    const to = slot * 4 + TEXT - start;
    for (let p = start; p < end; p++) u8[p + to] = u8[p];
  }
}

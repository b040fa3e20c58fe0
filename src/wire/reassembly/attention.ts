/**
 * Connections to look at again: those with a hole, those that wait for the other side, those that have
 * ended. A queue through the rows themselves, first in, first out; a row stands in it once.
 */
import type { WireMemory } from '../../base/memory.ts';
import type { Limits } from '../../base/limits.ts';
import type { ConnectionTable } from './connection-table.ts';
import {
  CONNECTION_QUEUED,
  R_ATTENTION_FRAME,
  R_ATTENTION_NANOS,
  R_ATTENTION_NEXT,
  R_ATTENTION_SECONDS,
  R_FLAGS,
} from './row.ts';

export class Attention {
  readonly #i32: Int32Array;
  readonly #table: ConnectionTable;
  readonly #limits: Limits;
  /** True once time comes from a clock, not from the packets' own stamps. */
  live = false;
  #first = 0; // Row number + 1.
  #last = 0;

  constructor(memory: WireMemory, table: ConnectionTable, limits: Limits) {
    this.#i32 = memory.i32;
    this.#table = table;
    this.#limits = limits;
  }

  add(at: number, frame: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    if ((i32[at + R_FLAGS] & CONNECTION_QUEUED) !== 0) return;
    i32[at + R_FLAGS] |= CONNECTION_QUEUED;
    i32[at + R_ATTENTION_FRAME] = frame | 0;
    i32[at + R_ATTENTION_SECONDS] = seconds;
    i32[at + R_ATTENTION_NANOS] = nanos;
    i32[at + R_ATTENTION_NEXT] = 0;
    const row = this.#table.rowOf(at) + 1;
    if (this.#last === 0) this.#first = row;
    else i32[this.#table.at(this.#last - 1) + R_ATTENTION_NEXT] = row;
    this.#last = row;
  }

  /**
   * The next row that has waited long enough (so many frames and so much time, or so much more time), taken
   * out of the queue; 0 when there is none. `all`: whatever waits.
   */
  next(frame: number, seconds: number, nanos: number, all: boolean): number {
    if (this.#first === 0) return 0;
    const i32 = this.#i32;
    const at = this.#table.at(this.#first - 1);
    if (!all) {
      const ms =
        (seconds - i32[at + R_ATTENTION_SECONDS]) * 1000 + (nanos - i32[at + R_ATTENTION_NANOS]) / 1e6;
      const frames = (frame - i32[at + R_ATTENTION_FRAME]) | 0;
      const late = ms >= this.#limits.holeMaxMs && (this.live || frames >= this.#limits.holeMaxFrames);
      if (!late && (frames < this.#limits.holeFrames || ms < this.#limits.holeMs)) return 0;
    }
    this.#first = i32[at + R_ATTENTION_NEXT];
    if (this.#first === 0) this.#last = 0;
    i32[at + R_ATTENTION_NEXT] = 0;
    i32[at + R_FLAGS] &= ~CONNECTION_QUEUED;
    return at;
  }
}

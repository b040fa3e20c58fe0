/**
 * The calls told of a damaged capture against those of the clean one, call by call. A call is known by its
 * id and its connection; its answer by when it began (which packet), by status and by size. What a damaged
 * capture can tell at best is known too: both first packets, of request and answer, must still be there.
 */
import { FLAG_GAP, FLAG_ONE_SIDED, FLAG_TRUNCATED } from '../../src/record/codes.ts';
import type { Capture, Variant } from './frames.ts';
import { BLAMING, type CallRow } from './rows.ts';

export interface Comparison {
  /** Calls of the clean capture. */
  calls: number;
  /** Calls whose first packets of request and answer are both there: more cannot be right. */
  possible: number;
  /** Request and answer are both the clean one's. */
  right: number;
  /** Of `right`: the answer's time is another of its packets', or its size differs and that is flagged. */
  rightInexact: number;
  /** Request or answer only (or both, in two rows), marked as our loss. */
  half: number;
  /** Of `half`: only the beginning of the request was seen, and the id is therefore another. */
  cutRequests: number;
  /** Pairs that the clean capture does not have, and calls told twice. */
  wrong: number;
  /** Of `half`: told as still running when the capture ended, which may be our loss. */
  open: number;
  /** Told as unanswered, reset, timed out or cancelled where the clean capture does not. */
  blamed: number;
  /** Nothing is told of them. */
  missing: number;
  /** Of `right`, those beyond `possible`; of `possible`, those that are not right. */
  better: number;
  lostByUs: number;
  /** Halves of no known call. */
  stray: number;
  /** `lostByUs` by connection. */
  readonly lostOn: Record<string, number>;
  readonly examples: string[];
}

const EXAMPLES_MAX = 12;

const NONE = 0;
const HALF = 1;
const BLAMED = 2;
const RIGHT = 3;
const WRONG = 4;

export function compare(clean: readonly CallRow[], told: readonly CallRow[], times: Times): Comparison {
  return new Comparing(clean, times).of(told);
}

/** From times of the clean capture to those of the variant; all in ns since `base`. */
export class Times {
  readonly #frames = new Map<number, number[]>();
  readonly #now: Float64Array;
  readonly #deleted: Uint8Array;

  constructor(capture: Capture, variant: Variant, base: bigint) {
    this.#deleted = variant.deleted;
    this.#now = new Float64Array(capture.times.length);
    for (let place = 0; place < variant.order.length; place++) {
      this.#now[variant.order[place]] = Number(variant.times[place] - base);
    }
    for (let frame = 0; frame < capture.times.length; frame++) {
      const time = Number(capture.times[frame] - base);
      const frames = this.#frames.get(time);
      if (frames === undefined) this.#frames.set(time, [frame]);
      else frames.push(frame);
    }
  }

  /** The frame (from 1) that the clean capture has at this time, for people. */
  frame(time: number): number {
    return (this.#frames.get(time)?.[0] ?? -1) + 1;
  }

  present(time: number): boolean {
    return (this.#frames.get(time) ?? []).some((frame) => this.#deleted[frame] === 0);
  }

  /** What the time of a packet is in the variant; as it was when the packet is not there. */
  now(time: number): number {
    const frames = this.#frames.get(time) ?? [];
    const frame = frames.find((one) => this.#deleted[one] === 0);
    return frame === undefined ? time : this.#now[frame];
  }
}

class Comparing {
  readonly #clean: readonly CallRow[];
  readonly #times: Times;
  readonly #byId = new Map<string, number[]>();
  readonly #byConnection = new Map<string, number[]>();
  /** By clean call: when its answer begins and ends, in times of the variant. */
  readonly #firstByte: Float64Array;
  readonly #end: Float64Array;
  readonly #state: Uint8Array;
  readonly #result: Comparison = {
    calls: 0,
    possible: 0,
    right: 0,
    rightInexact: 0,
    half: 0,
    cutRequests: 0,
    open: 0,
    wrong: 0,
    blamed: 0,
    missing: 0,
    better: 0,
    lostByUs: 0,
    stray: 0,
    lostOn: {},
    examples: [],
  };

  constructor(clean: readonly CallRow[], times: Times) {
    this.#clean = clean;
    this.#times = times;
    this.#state = new Uint8Array(clean.length);
    this.#firstByte = Float64Array.from(clean, (row) => times.now(row.firstByte));
    this.#end = Float64Array.from(clean, (row) => times.now(row.end));
    for (let index = 0; index < clean.length; index++) {
      add(this.#byId, `${clean[index].connection} ${clean[index].call}`, index);
      add(this.#byConnection, clean[index].connection, index);
    }
  }

  of(told: readonly CallRow[]): Comparison {
    for (const row of told) {
      if (row.hasRequest) this.#request(row);
      else this.#answerOnly(row);
    }
    const result = this.#result;
    result.calls = this.#clean.length;
    for (let index = 0; index < this.#clean.length; index++) {
      const state = this.#state[index];
      const row = this.#clean[index];
      const possible =
        this.#times.present(row.start) && (!row.hasAnswer || this.#times.present(row.firstByte));
      if (possible) result.possible++;
      if (state === RIGHT) result.right++;
      else if (state === HALF) result.half++;
      else if (state === NONE) result.missing++;
      if (state === RIGHT && !possible) result.better++;
      if (state !== RIGHT && possible) {
        result.lostByUs++;
        result.lostOn[row.connection] = (result.lostOn[row.connection] ?? 0) + 1;
        this.#example('not told whole, though its first packets are there', index, undefined);
      }
    }
    return result;
  }

  #request(row: CallRow): void {
    const index = this.#match(row);
    if (index === undefined) {
      this.#unknown(row);
      return;
    }
    const clean = this.#clean[index];
    if (!row.hasAnswer && clean.hasAnswer) {
      const marked = (row.flags & (FLAG_GAP | FLAG_ONE_SIDED)) === (FLAG_GAP | FLAG_ONE_SIDED);
      const open = row.outcome === 'open' && (row.flags & FLAG_ONE_SIDED) !== 0;
      if (open && !marked) this.#result.open++;
      if ((marked && !BLAMING.has(row.outcome)) || open) this.#raise(index, HALF);
      else this.#blamed(index, row);
      return;
    }
    if (this.#state[index] >= RIGHT) {
      this.#wrong('a call told twice', index, row);
      return;
    }
    if (row.hasAnswer && !this.#isAnswerOf(index, row)) {
      this.#state[index] = WRONG;
      this.#wrong('the answer is not its own', index, row);
      return;
    }
    if (BLAMING.has(row.outcome) && row.outcome !== clean.outcome) this.#blamed(index, row);
    else this.#state[index] = RIGHT;
  }

  /**
   * No request of the clean capture has this id: one of which only the beginning was seen, or a wrong one.
   */
  #unknown(row: CallRow): void {
    const marked = (row.flags & FLAG_GAP) !== 0 && !BLAMING.has(row.outcome);
    // Several requests begin in one packet: it is one with this method, and with this very answer.
    const begun = (this.#byConnection.get(row.connection) ?? []).find((index) => {
      const clean = this.#clean[index];
      if (this.#state[index] >= RIGHT || this.#times.now(clean.start) !== row.start) return false;
      if (!row.hasAnswer) return true;
      const same = clean.method === row.method && clean.responseBytes === row.responseBytes;
      return same && clean.status === row.status && this.#firstByte[index] === row.firstByte;
    });
    if (begun !== undefined && marked) {
      this.#raise(begun, HALF);
      this.#result.cutRequests++;
    } else if (!row.hasAnswer) this.#result.stray++;
    else this.#wrong('a pair of no known request', begun, row);
  }

  /** By id and connection; of several (an id may come again) the one that began nearest to it. */
  #match(row: CallRow): number | undefined {
    const found = this.#byId.get(`${row.connection} ${row.call}`);
    if (found === undefined || found.length === 1) return found?.[0];
    const distance = (index: number): number =>
      Math.abs(this.#times.now(this.#clean[index].start) - row.start) +
      (this.#state[index] === RIGHT ? 1e6 : 0);
    return found.reduce((best, index) => (distance(index) < distance(best) ? index : best));
  }

  #isAnswerOf(index: number, row: CallRow): boolean {
    const clean = this.#clean[index];
    const inexact = row.flags & (FLAG_GAP | FLAG_TRUNCATED);
    if (row.status !== clean.status) return false;
    // An answer whose end the capture does not have is open, and has what was seen.
    const open = row.outcome === 'open' && BigInt(row.responseBytes) < BigInt(clean.responseBytes);
    if (row.responseBytes !== clean.responseBytes && inexact === 0 && !open) return false;
    // No duration is below 0: an answer that was captured before its request has the time of the request.
    const expected = Math.max(this.#firstByte[index], row.start);
    if (row.firstByte === expected && row.responseBytes === clean.responseBytes) return true;
    this.#result.rightInexact++;
    if (row.firstByte >= expected && row.firstByte <= this.#end[index]) return true;
    // Another packet than the first, or one that was displaced: no other answer may be nearer.
    return this.#nearest(row.connection, row.firstByte, clean.firstByte) === index;
  }

  /**
   * The call of a connection whose answer begins nearest to `time`; of equals the one that `wanted` is of.
   */
  #nearest(connection: string, time: number, wanted: number): number | undefined {
    let best: number | undefined;
    let distance = Infinity;
    for (const index of this.#byConnection.get(connection) ?? []) {
      const away = Math.abs(this.#firstByte[index] - time);
      const preferred = away === distance && this.#clean[index].firstByte === wanted;
      if (away > distance || (away === distance && !preferred)) continue;
      best = index;
      distance = away;
    }
    return best;
  }

  #answerOnly(row: CallRow): void {
    const candidates = this.#byConnection.get(row.connection) ?? [];
    const found = candidates.find(
      (index) =>
        row.firstByte === this.#firstByte[index] &&
        row.status === this.#clean[index].status &&
        this.#state[index] < RIGHT,
    );
    if (found === undefined) this.#result.stray++;
    else if (BLAMING.has(row.outcome) && this.#clean[found].outcome !== row.outcome) this.#blamed(found, row);
    else this.#raise(found, HALF);
  }

  #raise(index: number, state: number): void {
    if (this.#state[index] < state) this.#state[index] = state;
  }

  #blamed(index: number, row: CallRow): void {
    this.#raise(index, BLAMED);
    this.#result.blamed++;
    this.#example(`told as ${row.outcome}`, index, row);
  }

  #wrong(what: string, index: number | undefined, row: CallRow): void {
    this.#result.wrong++;
    this.#example(what, index, row);
  }

  #example(what: string, index: number | undefined, row: CallRow | undefined): void {
    const { examples } = this.#result;
    if (examples.filter((text) => text.startsWith(what)).length >= EXAMPLES_MAX / 4) return;
    const clean = index === undefined ? undefined : this.#clean[index];
    const about = (of: CallRow): string =>
      `${of.connection} ${of.method} ${of.target} ${of.status} ${of.outcome} ` +
      `flags ${of.flags} bytes ${of.requestBytes}/${of.responseBytes}`;
    let text = `${what}:`;
    if (clean !== undefined) {
      const frames = `${this.#times.frame(clean.start)} and ${this.#times.frame(clean.firstByte)}`;
      text += ` clean frames ${frames}: ${about(clean)};`;
    }
    if (row !== undefined) text += ` told at ${row.start}, answer at ${row.firstByte}: ${about(row)}`;
    examples.push(text);
  }
}

function add(map: Map<string, number[]>, key: string, value: number): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

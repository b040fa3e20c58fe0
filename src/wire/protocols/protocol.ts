/** The contract between a protocol and the conversation that feeds it; CallWriter is what it may say. */
import type { Slabs } from '../../base/slab.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import type { Scan } from '../scan/scan.ts';

/** Which end sent the bytes. The client opened the connection, or asks. */
export type Side = 0 | 1;
export const CLIENT: Side = 0;
export const SERVER: Side = 1;

/** `parse` could not finish a step with the bytes it has. Nothing was consumed, nothing was said. */
export const NEED_MORE = 0;
/** `parse` met bytes that cannot belong to this protocol (loss, corruption, wrong guess). */
export const LOST = -1;

/** How sure `recognise` is of the first bytes of one side. */
export type Guess = 0 | 1 | 2;
export const NO: Guess = 0;
/** Could be: the other side decides. Also for too few bytes to tell. */
export const MAYBE: Guess = 1;
export const SURE: Guess = 2;

/** What every protocol may use: the memory, scans over it, slabs for what outlives a step. */
export interface WireContext {
  readonly memory: WireMemory;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly slabs: Slabs;
  readonly scan: Scan;
}

/**
 * One application protocol, whole, in one file: `src/wire/protocols/<name>.ts`, and one line in
 * `index.ts`, and goldens in `test/protocols/<name>/*.txt`. Recognition order, reassembly, loss, pairing,
 * timing, skipping, call ids, redaction, storage and the test battery come with the contract.
 *
 * Rules that the battery checks:
 *  - pure: no clock, no I/O, no mutable module state; memory is `stateWords` and slabs;
 *  - total: any bytes give a return code, never a throw, never a step of 0 bytes;
 *  - split-blind: the same bytes cut anywhere give the same calls. So a step says nothing before it
 *    is certain to return more than 0: look first, then speak;
 *  - still: no allocation once warm (no strings, closures, slices, objects);
 *  - bounded: a step looks at most `lookBytesMax` bytes ahead; longer things are `skip`ped.
 */
export interface Protocol {
  /** Lower case, the name users type in filters; the file's name. */
  readonly name: string;
  readonly transport: 'tcp' | 'udp' | 'both';
  /** A hint that orders the guesses. Never proof. */
  readonly ports: readonly number[];
  /** Most bytes a step may need in one view; the conversation never keeps more of a side. */
  readonly lookBytesMax: number;
  /** 32-bit words of state per connection, zero at first; `state` below is their index in `i32`. */
  readonly stateWords: number;
  /** True when answers are paired by key, in any order. */
  readonly keyed: boolean;
  /**
   * The byte that parts a target for its operation: `/` when not said (`/users/7` → `/users/{id}`), `:` for
   * keys (`cart:7` → `cart:*`), `.` for names.
   */
  readonly separator?: number;

  /** Looks at the first bytes of one side (or, joined mid-stream, of a segment). Cheap. */
  recognise(context: WireContext, start: number, end: number, side: Side): Guess;

  /**
   * Takes one step at `start`: a head, a frame, a line. Says what it learnt to `out`.
   * Returns the bytes consumed (1 … end - start), NEED_MORE, or LOST. What is `skip`ped is not included.
   * On UDP the range is one datagram; NEED_MORE then means LOST.
   */
  parse(context: WireContext, state: number, start: number, end: number, side: Side, out: CallWriter): number;

  /**
   * The bytes after [start, end) are lost, and those in it are no whole step: says what is certain of a
   * message
   * that begins at `start`, as far as it is there, or nothing. `lost` comes next. What it announces (bytes to
   * skip, an end, an upgrade) is not listened to, and the range may be written to.
   */
  cut?(context: WireContext, state: number, start: number, end: number, side: Side, out: CallWriter): void;
  /** After loss on `side`: forget what was in progress there; the next bytes begin a message. */
  lost(context: WireContext, state: number, side: Side): void;
  /** After loss: the first position in [start, end) where a message of that side can begin, or -1. */
  resync(context: WireContext, start: number, end: number, side: Side): number;
  /** The connection is over: give back slabs, if any. */
  close?(context: WireContext, state: number): void;
}

/**
 * Feeds the two sides of one conversation to a protocol, whole or cut into pieces, with a recording
 * writer: what the engine does, without its tables. Every step must say nothing or make progress, and a
 * read past the end shows, because what lies there is never what would have come.
 */
import assert from 'node:assert/strict';
import { LOST, NEED_MORE } from '../../src/wire/protocols/protocol.ts';
import type { Protocol, Side, WireContext } from '../../src/wire/protocols/protocol.ts';
import { RecordingWriter } from './recording-writer.ts';
import type { RecordedCall } from './recording-writer.ts';

/** Bytes of one side, or `lost` bytes of it that nobody saw. */
export interface Turn {
  readonly side: Side;
  readonly bytes: Uint8Array;
  readonly lost: number;
}

export interface DriveOptions {
  /** Bytes of a piece; 0: turns as they are. */
  readonly size: number;
  readonly end: 'fin' | 'reset';
  /** Every turn is a datagram. */
  readonly udp: boolean;
  readonly bodies: boolean;
}

const WHOLE: DriveOptions = { size: 0, end: 'fin', udp: false, bodies: false };
const SIDE_BYTES = 384 * 1024;

export function drive(
  protocol: Protocol,
  context: WireContext,
  turns: readonly Turn[],
  options: Partial<DriveOptions> = {},
): RecordedCall[] {
  const { size, end, udp, bodies } = { ...WHOLE, ...options };
  const driver = new Driver(protocol, context);
  driver.writer.bodies = bodies;
  for (const turn of turns) driver.turn(turn, size, udp);
  driver.close(end === 'reset');
  return driver.writer.calls;
}

export class Driver {
  readonly writer: RecordingWriter;
  /** Steps taken: a test that counts proves that it looked. */
  steps = 0;
  /** Times that bytes made no sense. */
  losses = 0;

  readonly #protocol: Protocol;
  readonly #context: WireContext;
  readonly #state: number;
  readonly #base: readonly number[];
  readonly #pending = [0, 0];
  readonly #resync = [false, false];

  constructor(protocol: Protocol, context: WireContext) {
    this.#protocol = protocol;
    this.#context = context;
    this.writer = new RecordingWriter(context);
    this.#state = context.memory.heapStart >> 2;
    context.i32.fill(0, this.#state, this.#state + protocol.stateWords);
    this.#base = [context.memory.inputStart, context.memory.inputStart + SIDE_BYTES];
  }

  /** One turn, cut into pieces of `size` bytes (0: whole). */
  turn({ side, bytes, lost }: Turn, size: number, udp: boolean): void {
    if (lost > 0) this.lose(side, lost);
    else if (udp) this.datagram(side, bytes);
    else {
      const step = size === 0 ? Math.max(1, bytes.length) : size;
      for (let at = 0; at < bytes.length; at += step) this.feed(side, bytes.subarray(at, at + step));
    }
  }

  feed(side: Side, bytes: Uint8Array): void {
    if (this.writer.upgraded !== undefined) return; // Another protocol's, not ours to read.
    const rest = this.#pass(side, bytes);
    if (rest.length === 0) return;
    const base = this.#base[side];
    assert.ok(this.#pending[side] + rest.length + 64 <= SIDE_BYTES, 'a turn too long for the test memory');
    this.#context.u8.set(rest, base + this.#pending[side]);
    this.#pending[side] += rest.length;
    this.#guard(base + this.#pending[side]);
    this.#run(side);
  }

  datagram(side: Side, bytes: Uint8Array): void {
    const base = this.#base[side];
    this.#context.u8.set(bytes, base);
    this.#guard(base + bytes.length);
    this.#step(side, base, base + bytes.length);
    this.writer.skipLeft[side] = 0;
    this.writer.settle(side);
  }

  /** `count` bytes of the side were lost to us. */
  lose(side: Side, count: number): void {
    const inBody = Math.min(this.writer.skipLeft[side], count);
    this.writer.skipLeft[side] -= inBody;
    this.writer.settle(side);
    if (inBody === count || this.writer.untilClose[side]) return;
    if (inBody === 0 && this.#pending[side] > 0 && !this.#resync[side]) this.#cut(side);
    this.#lost(side);
  }

  close(reset: boolean): void {
    this.writer.close(reset);
    this.#protocol.close?.(this.#context, this.#state);
  }

  /** Takes off what is skipped or body. */
  #pass(side: Side, bytes: Uint8Array): Uint8Array {
    const writer = this.writer;
    const left = writer.untilClose[side] ? bytes.length : writer.skipLeft[side];
    const taken = Math.min(left, bytes.length);
    if (taken === 0) return bytes;
    writer.count(side, taken);
    const isBody = writer.untilClose[side] || writer.skipIsBody[side];
    if (isBody) writer.bodyText(side, Buffer.from(bytes.subarray(0, taken)).toString('latin1'));
    if (!writer.untilClose[side]) writer.skipLeft[side] -= taken;
    writer.settle(side);
    return bytes.subarray(taken);
  }

  #run(side: Side): void {
    const base = this.#base[side];
    const end = base + this.#pending[side];
    let at = base;
    while (at < end && this.writer.upgraded === undefined) {
      if (this.#resync[side]) {
        at = this.#protocol.resync(this.#context, at, end, side);
        if (at < 0) break;
        this.#resync[side] = false;
      }
      const taken = this.#step(side, at, end);
      if (taken === NEED_MORE) {
        if (end - at < this.#protocol.lookBytesMax) break;
        this.#lost(side);
        at++;
      } else if (taken === LOST) {
        this.#lost(side);
        at++;
      } else {
        at += taken;
        at = end - this.#pass(side, this.#context.u8.slice(at, end)).length;
      }
    }
    if (at < 0 || this.writer.upgraded !== undefined) at = end;
    this.#context.u8.copyWithin(base, at, end);
    this.#pending[side] = end - at;
    this.#guard(base + this.#pending[side]);
  }

  #step(side: Side, at: number, end: number): number {
    this.steps++;
    this.writer.begin(side);
    const taken = this.#protocol.parse(this.#context, this.#state, at, end, side, this.writer);
    assert.ok(
      Number.isInteger(taken) && taken >= LOST && taken <= end - at,
      'a step returns what it consumed',
    );
    this.writer.end(taken);
    return taken;
  }

  #cut(side: Side): void {
    const protocol = this.#protocol;
    const base = this.#base[side];
    const end = base + this.#pending[side];
    this.writer.begin(side);
    protocol.cut?.(this.#context, this.#state, base, end, side, this.writer);
    this.writer.count(side, end - base);
    if (this.writer.upgraded !== undefined) this.writer.upgraded = undefined;
  }

  #lost(side: Side): void {
    this.losses++;
    this.writer.forget(side);
    this.#pending[side] = 0;
    this.#resync[side] = true;
    this.#protocol.lost(this.#context, this.#state, side);
  }

  /** What lies past the end would end any line, had a protocol read it. */
  #guard(end: number): void {
    for (let at = 0; at < 64; at += 2) {
      this.#context.u8[end + at] = 0x0d;
      this.#context.u8[end + at + 1] = 0x0a;
    }
  }
}

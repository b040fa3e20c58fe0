/**
 * Steps of a protocol over bytes in order, in place; what a step leaves unfinished waits in a slab, and what
 * nobody looks at is passed.
 */
import { assert } from '../../base/assert.ts';
import { FLAG_BODY_SKIPPED } from '../../record/codes.ts';
import { reasonNumber } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import { NEED_MORE } from '../protocols/protocol.ts';
import {
  D_CALL,
  D_FLAGS,
  D_PENDING,
  D_PENDING_ACK,
  D_PENDING_BYTES,
  D_PENDING_CAPACITY,
  D_PENDING_NANOS,
  D_PENDING_SECONDS,
  D_SKIP,
  DIRECTION_BODY,
  DIRECTION_DONE,
  DIRECTION_LOST,
  DIRECTION_UNTIL_CLOSE,
  R_PROTOCOL,
  R_STATE,
} from '../reassembly/row.ts';
import { Messages } from './messages.ts';

/** What is appended to a pending tail at a time: most steps end within it, the rest is parsed in place. */
const APPEND_BYTES = 2048;
const RESYNC = reasonNumber('resync');
const MESSAGE_LIMIT = reasonNumber('message-limit');

export abstract class Steps extends Messages {
  /** Bytes of a connection whatever it speaks now. */
  protected abstract dispatch(start: number, end: number): void;

  /** Walks whole steps from `start`; answers the position of what must wait for more bytes. */
  protected walk(start: number, end: number): number {
    const i32 = this.i32;
    const d = this.d;
    const skipAt = (d + D_SKIP) >> 1;
    let at = start;
    while (at < end) {
      const flags = i32[d + D_FLAGS];
      if ((flags & DIRECTION_UNTIL_CLOSE) !== 0) {
        this.pass(at, end);
        return end;
      }
      const skip = this.f64[skipAt];
      if (skip > 0) {
        const bytes = skip < end - at ? skip : end - at;
        this.pass(at, at + bytes);
        this.f64[skipAt] = skip - bytes;
        at += bytes;
        if (bytes === skip && (flags & DIRECTION_DONE) !== 0 && this.finish(at)) return this.turn(at, end);
        continue;
      }
      if ((flags & DIRECTION_LOST) !== 0) {
        const found = this.protocol.resync(this.context, at, end, this.side);
        if (found < 0 || found >= end) {
          this.ledger.add(RESYNC, 1, end - at);
          return end;
        }
        if (found > at) this.ledger.add(RESYNC, 1, found - at);
        at = found;
        i32[d + D_FLAGS] &= ~DIRECTION_LOST;
      }
      const used = this.step(at, end);
      if (used > 0) {
        at += used;
        if (this.ended && this.f64[skipAt] === 0 && this.finish(at)) return this.turn(at, end);
      } else if (used === NEED_MORE) return at;
      else {
        // Not this protocol's bytes: look for the next message after this position.
        this.lose();
        this.ledger.add(RESYNC, 1, 1);
        at++;
      }
    }
    return end;
  }

  /** One step of the protocol, and its bytes counted. */
  protected step(start: number, end: number): number {
    const i32 = this.i32;
    const d = this.d;
    this.stepStart = start;
    const late = start < this.fresh;
    this.stepSeconds = late ? i32[d + D_PENDING_SECONDS] : this.seconds;
    this.stepNanos = late ? i32[d + D_PENDING_NANOS] : this.nanos;
    this.stepAck = late ? i32[d + D_PENDING_ACK] : this.ack;
    this.ended = false;
    this.call = i32[d + D_CALL];
    const state = i32[this.at + R_STATE];
    const used = this.protocol.parse(this.context, state, start, end, this.side, this);
    if (used <= 0) return used;
    assert(used <= end - start, 'a step stays in its range');
    const call = i32[d + D_CALL];
    if (call !== 0) {
      this.count(call, used);
      this.gatherIdentity(call, start, start + used);
    }
    return used;
  }

  protected take(start: number, end: number): void {
    if (this.i32[this.d + D_PENDING_BYTES] > 0) {
      this.takeBehindPending(start, end);
      return;
    }
    this.fresh = start;
    const rest = this.walk(start, end);
    if (rest < end) this.keep(rest, end);
  }

  /** There are bytes of an unfinished step: more are put behind them until it is finished. */
  protected takeBehindPending(start: number, end: number): void {
    const i32 = this.i32;
    const d = this.d;
    let from = start;
    while (from < end && i32[d + D_PENDING_BYTES] > 0) {
      const had = i32[d + D_PENDING_BYTES];
      const more = Math.min(end - from, Math.max(APPEND_BYTES, had));
      if (!this.append(from, from + more)) {
        this.lose();
        break;
      }
      // The walk may lose bytes, turn to another protocol and keep its tail: the slab is ours meanwhile.
      const slab = i32[d + D_PENDING];
      const capacity = i32[d + D_PENDING_CAPACITY];
      this.detachPending(d);
      const origin = this.origin;
      this.origin = (origin + from - (slab + had)) | 0;
      this.fresh = slab + had;
      const before = i32[this.at + R_PROTOCOL];
      const used = this.walk(slab, slab + had + more) - slab;
      this.origin = origin;
      // The connection turned to another protocol, which took all of it.
      if (i32[this.at + R_PROTOCOL] !== before) {
        this.context.slabs.free(slab, capacity);
        if (from + more < end) this.dispatch(from + more, end);
        return;
      }
      if (used >= had) {
        this.context.slabs.free(slab, capacity);
        from += used - had;
        break;
      }
      assert(i32[d + D_PENDING] === 0, 'a walk that leaves bytes keeps none');
      this.u8.copyWithin(slab, slab + used, slab + had + more);
      i32[d + D_PENDING] = slab;
      i32[d + D_PENDING_CAPACITY] = capacity;
      i32[d + D_PENDING_BYTES] = had + more - used;
      from += more;
      if (had + more - used >= this.lookMax()) {
        this.ledger.add(MESSAGE_LIMIT, 1, had + more - used);
        this.lose();
        break;
      }
    }
    if (from < end) this.take(from, end);
  }

  protected lookMax(): number {
    return Math.min(this.protocol.lookBytesMax, this.limits.messageBytes);
  }

  /** Keeps the tail of an unfinished step until more arrives. */
  protected keep(start: number, end: number): void {
    if (end - start >= this.lookMax()) {
      this.ledger.add(MESSAGE_LIMIT, 1, end - start);
      this.lose();
      return;
    }
    if (!this.hold(start, end)) this.lose();
  }

  /** Keeps bytes and when they came; false when the heap has no room. */
  protected hold(start: number, end: number): boolean {
    const i32 = this.i32;
    i32[this.d + D_PENDING_SECONDS] = this.seconds;
    i32[this.d + D_PENDING_NANOS] = this.nanos;
    i32[this.d + D_PENDING_ACK] = this.ack;
    return this.append(start, end);
  }

  /** Bytes that are not looked at: counted, and offered as body. */
  protected pass(start: number, end: number): void {
    const i32 = this.i32;
    const call = i32[this.d + D_CALL];
    if (call === 0) return;
    this.count(call, end - start);
    this.gatherIdentity(call, start, end);
    if ((i32[this.d + D_FLAGS] & DIRECTION_BODY) === 0) return;
    const word = call >> 2;
    if (!this.bodies) {
      i32[word + oc.OC_FLAGS] |= FLAG_BODY_SKIPPED;
      return;
    }
    if ((i32[word + oc.OC_FLAGS] & FLAG_BODY_SKIPPED) !== 0) return;
    const have = i32[word + oc.OC_BODY_BYTES];
    if (have > 0 && i32[word + oc.OC_BODY_SIDE] !== this.side) return;
    const room = this.limits.bodyBytes - have;
    if (room <= 0) return;
    if (i32[word + oc.OC_BODY] === 0) {
      i32[word + oc.OC_BODY] = this.context.slabs.alloc(this.limits.bodyBytes);
      if (i32[word + oc.OC_BODY] === 0) return;
    }
    const bytes = Math.min(room, end - start);
    this.u8.copyWithin(i32[word + oc.OC_BODY] + have, start, start + bytes);
    i32[word + oc.OC_BODY_BYTES] = have + bytes;
    i32[word + oc.OC_BODY_SIDE] = this.side;
  }

  /** Continues with bytes of a protocol that has just changed. */
  protected turn(start: number, end: number): number {
    if (start < end) this.dispatch(start, end);
    return end;
  }
}

/**
 * Where the conversation is: the connection, direction, segment and step that it looks at, and what is done
 * to the call at hand from any of them. What belongs to a connection lies in its row; this object is one per
 * worker, and its fields are set anew for each segment. The classes above it add a concern each, so that one
 * object serves them all and nothing is allocated or passed on per step:
 * Turn → Saying (what protocols say) → Messages (their ends) → Steps → Conversation.
 */
import { assert } from '../../base/assert.ts';
import type { Limits } from '../../base/limits.ts';
import { slabCapacity } from '../../base/slab.ts';
import { reasonNumber, type Ledger } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import type { Operations } from '../../record/operations.ts';
import type { StringTable } from '../../record/string-table.ts';
import { TRANSPORT_UDP } from '../decode/packet.ts';
import { SERVER, type Protocol, type Side, type WireContext } from '../protocols/protocol.ts';
import {
  D_CALL,
  D_PENDING,
  D_PENDING_BYTES,
  D_PENDING_CAPACITY,
  DIRECTION_WORDS,
  PROTOCOL_OPAQUE,
  PROTOCOL_TLS,
  R_BYTES_UNREAD,
  R_CLIENT,
  R_DIRECTION,
  R_KIND,
  R_PROTOCOL,
  R_STATE,
  R_STATE_BYTES,
} from '../reassembly/row.ts';
import { CallTexts } from './call-texts.ts';
import { OpenCalls, PHASE_ANSWER_ONLY, PHASE_FROM_SERVER, PHASE_IDENTIFIED } from './open-calls.ts';

/** What the conversation tells the engine. Ranges and slabs are valid until the call returns. */
export interface ConversationSink {
  /** A call is finished, or as finished as it will be. */
  call(at: number, call: number): void;
  /** Protocol and client of a connection are known: its endpoints get their ids. */
  recognised(at: number): void;
  /** An answer said that a name stands for an address of 4 or 16 bytes. */
  addressName(nameStart: number, nameEnd: number, start: number, end: number, ttlS: number): void;
}

export interface ConversationOptions {
  readonly context: WireContext;
  readonly limits: Limits;
  readonly ledger: Ledger;
  readonly protocols: readonly Protocol[];
  readonly strings: StringTable;
  readonly operations: Operations;
  readonly sink: ConversationSink;
  /** Whether bodies are wanted for fingerprints. */
  readonly bodies: boolean;
}

const UNKNOWN_PROTOCOL = reasonNumber('unknown-protocol');
const ENCRYPTED = reasonNumber('encrypted');
const NOT_DECODED = reasonNumber('not-decoded');
const HEAP_LIMIT = reasonNumber('heap-limit');

export abstract class Turn {
  /** Seconds when we last had proof that the capture loses packets. */
  lossSeen = -1e9;

  protected readonly context: WireContext;
  protected readonly i32: Int32Array;
  protected readonly u8: Uint8Array;
  protected readonly f64: Float64Array;
  protected readonly limits: Limits;
  protected readonly ledger: Ledger;
  protected readonly protocols: readonly Protocol[];
  protected readonly sink: ConversationSink;
  protected readonly calls: OpenCalls;
  protected readonly texts: CallTexts;
  protected readonly bodies: boolean;

  // Where we are: connection, direction, and the segment's time and acknowledgement.
  protected at = 0;
  protected direction = 0;
  protected d = 0;
  protected side: Side = 0;
  protected seconds = 0;
  protected nanos = 0;
  protected ack = 0;
  /** Sequence number of memory position 0: that of a position is the sum. */
  protected origin = 0;
  /** Bytes before this position came with an earlier segment. */
  protected fresh = 0;
  // The step: where it begins, and what was said in it.
  protected stepStart = 0;
  protected stepSeconds = 0;
  protected stepNanos = 0;
  protected stepAck = 0;
  protected ended = false;
  protected protocol: Protocol;
  protected call = 0;

  constructor(options: ConversationOptions) {
    this.context = options.context;
    this.i32 = options.context.i32;
    this.u8 = options.context.u8;
    this.f64 = options.context.memory.f64;
    this.limits = options.limits;
    this.ledger = options.ledger;
    this.protocols = options.protocols;
    this.sink = options.sink;
    this.bodies = options.bodies;
    const { memory, slabs, scan } = options.context;
    this.calls = new OpenCalls(memory, slabs, scan, options.limits, options.ledger);
    this.texts = new CallTexts(
      options.context,
      options.limits,
      options.strings,
      options.operations,
      options.ledger,
    );
    assert(options.protocols.length > 0, 'there is a protocol');
    this.protocol = options.protocols[0];
  }

  protected enter(at: number, direction: number, ack: number, seconds: number, nanos: number): void {
    const i32 = this.i32;
    this.at = at;
    this.direction = direction;
    this.d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    this.side = i32[at + R_CLIENT] === direction ? 0 : 1;
    this.ack = ack;
    this.seconds = seconds;
    this.nanos = nanos;
    this.stepSeconds = seconds;
    this.stepNanos = nanos;
    this.stepAck = ack;
    this.call = 0;
  }

  /** Puts bytes behind the pending ones; false when the heap has no room. */
  protected append(start: number, end: number): boolean {
    const i32 = this.i32;
    const d = this.d;
    const slabs = this.context.slabs;
    const had = i32[d + D_PENDING_BYTES];
    const bytes = had + end - start;
    let slab = i32[d + D_PENDING];
    if (bytes > i32[d + D_PENDING_CAPACITY]) {
      const larger = slabs.alloc(bytes);
      if (larger === 0) {
        this.ledger.add(HEAP_LIMIT, 1, bytes);
        return false;
      }
      if (slab !== 0) {
        this.u8.copyWithin(larger, slab, slab + had);
        slabs.free(slab, i32[d + D_PENDING_CAPACITY]);
      }
      slab = larger;
      i32[d + D_PENDING] = slab;
      i32[d + D_PENDING_CAPACITY] = slabCapacity(bytes);
    }
    this.u8.copyWithin(slab + had, start, end);
    i32[d + D_PENDING_BYTES] = bytes;
    return true;
  }

  protected dropPending(d: number): void {
    const i32 = this.i32;
    const slab = i32[d + D_PENDING];
    if (slab !== 0) this.context.slabs.free(slab, i32[d + D_PENDING_CAPACITY]);
    this.detachPending(d);
  }

  protected detachPending(d: number): void {
    this.i32[d + D_PENDING] = 0;
    this.i32[d + D_PENDING_BYTES] = 0;
    this.i32[d + D_PENDING_CAPACITY] = 0;
  }

  protected isRequestSide(phase: number): boolean {
    return (
      (phase & PHASE_ANSWER_ONLY) === 0 && (this.side === SERVER) === ((phase & PHASE_FROM_SERVER) !== 0)
    );
  }

  protected count(call: number, bytes: number): void {
    if (call === 0) return;
    const word = call >> 2;
    const column = this.isRequestSide(this.i32[word + oc.OC_PHASE])
      ? oc.OC_REQUEST_BYTES
      : oc.OC_RESPONSE_BYTES;
    this.f64[(word + column) >> 1] += bytes;
  }

  /** The first bytes of a message go into its call id. */
  protected gatherIdentity(call: number, start: number, end: number): void {
    const i32 = this.i32;
    const word = call >> 2;
    const phase = i32[word + oc.OC_PHASE];
    if ((phase & PHASE_IDENTIFIED) !== 0) return;
    if ((phase & PHASE_ANSWER_ONLY) === 0 && !this.isRequestSide(phase)) return;
    const have = i32[word + oc.OC_ID_COUNT];
    if (have === 0 && end - start >= oc.ID_BYTES_MAX) {
      this.identify(call, start, start + oc.ID_BYTES_MAX);
      return;
    }
    const bytes = Math.min(oc.ID_BYTES_MAX - have, end - start);
    const to = (word + oc.OC_ID_BYTES) * 4 + have;
    for (let k = 0; k < bytes; k++) this.u8[to + k] = this.u8[start + k];
    i32[word + oc.OC_ID_COUNT] = have + bytes;
    if (have + bytes === oc.ID_BYTES_MAX) this.identifyGathered(call);
  }

  protected identify(call: number, start: number, end: number): void {
    const i32 = this.i32;
    const word = call >> 2;
    this.texts.identify(call, i32[word + oc.OC_SEQUENCE], i32[word + oc.OC_KEY], start, end);
    i32[word + oc.OC_PHASE] |= PHASE_IDENTIFIED;
  }

  protected identifyGathered(call: number): void {
    const start = ((call >> 2) + oc.OC_ID_BYTES) * 4;
    this.identify(call, start, start + this.i32[(call >> 2) + oc.OC_ID_COUNT]);
  }

  protected stampEnd(word: number): void {
    this.i32[word + oc.OC_END] = this.seconds;
    this.i32[word + oc.OC_END + 1] = this.nanos;
  }

  protected fingerprintBody(call: number): void {
    const i32 = this.i32;
    const word = call >> 2;
    const bytes = i32[word + oc.OC_BODY_BYTES];
    if (bytes === 0 || i32[word + oc.OC_BODY_SIDE] !== this.side) return;
    const body = i32[word + oc.OC_BODY];
    this.texts.fingerprint(call, body, body + bytes);
    i32[word + oc.OC_BODY_BYTES] = 0;
  }

  protected noteLoss(seconds: number): void {
    if (seconds > this.lossSeen) this.lossSeen = seconds;
  }

  protected unread(bytes: number): void {
    const protocol = this.i32[this.at + R_PROTOCOL];
    const reason =
      protocol === PROTOCOL_TLS ? ENCRYPTED : protocol === PROTOCOL_OPAQUE ? NOT_DECODED : UNKNOWN_PROTOCOL;
    this.ledger.add(reason, 1, bytes);
    this.f64[(this.at + R_BYTES_UNREAD) >> 1] += bytes;
  }

  protected dropState(at: number): void {
    const i32 = this.i32;
    const state = i32[at + R_STATE];
    if (state === 0) return;
    const protocol = this.protocols[i32[at + R_PROTOCOL] - 1];
    if (protocol?.close !== undefined) protocol.close(this.context, state);
    this.context.slabs.free(state * 4, i32[at + R_STATE_BYTES]);
    i32[at + R_STATE] = 0;
  }

  /** Hands a call on and forgets it. */
  protected emit(at: number, call: number): void {
    const i32 = this.i32;
    const word = call >> 2;
    if ((i32[word + oc.OC_PHASE] & PHASE_IDENTIFIED) === 0) this.identifyGathered(call);
    // An answer to nothing that we saw: the capture began later, or loses packets.
    const alone = (i32[word + oc.OC_PHASE] & PHASE_ANSWER_ONLY) !== 0;
    if (alone && i32[at + R_KIND] >> 8 === TRANSPORT_UDP) this.noteLoss(i32[word + oc.OC_START]);
    this.texts.nameByMethod(at, call);
    this.sink.call(at, call);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      if (i32[d + D_CALL] === call) i32[d + D_CALL] = 0;
    }
    if (this.call === call) this.call = 0;
    this.calls.close(at, call);
  }
}

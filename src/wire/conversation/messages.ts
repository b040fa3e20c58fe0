/** The ends of messages: whole, cut by loss, or followed by another protocol. */
import { UPGRADE_OPAQUE, UPGRADE_TLS } from '../../record/call-writer.ts';
import { FLAG_GAP, FLAG_WEAK, OUTCOME_OK, OUTCOME_ONE_WAY, OUTCOME_UNKNOWN } from '../../record/codes.ts';
import { reasonNumber } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import { TRANSPORT_UDP } from '../decode/packet.ts';
import { SERVER } from '../protocols/protocol.ts';
import {
  CONNECTION_ANSWER_LOST,
  D_CALL,
  D_FLAGS,
  D_NEXT,
  D_PENDING,
  D_PENDING_ACK,
  D_PENDING_BYTES,
  D_PENDING_NANOS,
  D_PENDING_SECONDS,
  D_SKIP,
  DIRECTION_BODY,
  DIRECTION_DONE,
  DIRECTION_HOLE,
  DIRECTION_INTERIM,
  DIRECTION_LOST,
  DIRECTION_UNTIL_CLOSE,
  DIRECTION_WORDS,
  PROTOCOL_OPAQUE,
  PROTOCOL_TLS,
  PROTOCOL_UNKNOWN,
  R_DIRECTION,
  R_FLAGS,
  R_GROUP_REQUESTS,
  R_GUESSES,
  R_KIND,
  R_OPEN_FIRST,
  R_PROTOCOL,
  R_PROTOCOL_BEFORE,
  R_STATE,
  R_STATE_BYTES,
  R_UPGRADE,
} from '../reassembly/row.ts';
import {
  PHASE_ANSWER_BEGUN,
  PHASE_ANSWER_DONE,
  PHASE_ANSWER_ONLY,
  PHASE_IDENTIFIED,
  PHASE_ONE_WAY,
  PHASE_REQUEST_DONE,
  PHASE_REQUEST_LOST,
} from './open-calls.ts';
import { GROUP_BROKEN } from './pipelining.ts';
import { Saying } from './saying.ts';

const RESYNC = reasonNumber('resync');
const HEAP_LIMIT = reasonNumber('heap-limit');

export abstract class Messages extends Saying {
  /** The current message of this side is whole; true when the connection turned to another protocol. */
  protected finish(position: number): boolean {
    const i32 = this.i32;
    const d = this.d;
    const call = i32[d + D_CALL];
    i32[d + D_CALL] = 0;
    this.call = 0;
    this.ended = false;
    const interim = (i32[d + D_FLAGS] & DIRECTION_INTERIM) !== 0;
    i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_INTERIM);
    if (call !== 0 && !interim) this.finishMessage(call, (this.origin + position) | 0, true);
    return i32[this.at + R_UPGRADE] !== 0 && this.applyUpgrade();
  }

  /** `whole`: its end was seen, so that an answer of which nothing bad was told is a good one. */
  protected finishMessage(call: number, sequence: number, whole: boolean): void {
    const i32 = this.i32;
    const word = call >> 2;
    this.fingerprintBody(call);
    const phase = i32[word + oc.OC_PHASE];
    if (this.isRequestSide(phase)) {
      i32[word + oc.OC_REQUEST_END] = this.seconds;
      i32[word + oc.OC_REQUEST_END + 1] = this.nanos;
      i32[word + oc.OC_SEQUENCE_END] = sequence;
      i32[word + oc.OC_PHASE] |= PHASE_REQUEST_DONE;
      if ((phase & PHASE_ONE_WAY) !== 0) {
        if (i32[word + oc.OC_OUTCOME] === OUTCOME_UNKNOWN) i32[word + oc.OC_OUTCOME] = OUTCOME_ONE_WAY;
        this.stampEnd(word);
        this.emit(this.at, call);
      } else if ((phase & PHASE_ANSWER_DONE) !== 0) this.emit(this.at, call);
      return;
    }
    this.stampEnd(word);
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_DONE;
    // Frames of an answer of which the first one was lost.
    const begun = (phase & (PHASE_ANSWER_BEGUN | PHASE_ANSWER_ONLY)) !== 0;
    if (!begun) i32[word + oc.OC_FLAGS] |= FLAG_GAP;
    if (begun && whole && i32[word + oc.OC_OUTCOME] === OUTCOME_UNKNOWN)
      i32[word + oc.OC_OUTCOME] = OUTCOME_OK;
    // A datagram's request may have been captured after it: until the connection is given up, it waits.
    const waits = (phase & PHASE_ANSWER_ONLY) !== 0 && i32[this.at + R_KIND] >> 8 === TRANSPORT_UDP;
    if ((phase & (PHASE_REQUEST_DONE | PHASE_ANSWER_ONLY)) !== 0 && !waits) this.emit(this.at, call);
  }

  /** Bytes of this side are missing or make no sense: its message ends here, the next must be found. */
  protected lose(): void {
    const i32 = this.i32;
    const d = this.d;
    const pending = i32[d + D_PENDING_BYTES];
    if (pending > 0) this.ledger.add(RESYNC, 1, pending);
    this.dropPending(d);
    this.f64[(d + D_SKIP) >> 1] = 0;
    const call = i32[d + D_CALL];
    i32[d + D_CALL] = 0;
    i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_UNTIL_CLOSE);
    i32[d + D_FLAGS] |= DIRECTION_LOST | DIRECTION_HOLE;
    if (this.side === SERVER) i32[this.at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
    i32[this.at + R_GROUP_REQUESTS] = GROUP_BROKEN;
    this.protocol.lost(this.context, i32[this.at + R_STATE], this.side);
    if (this.protocol.keyed) this.markUnfinished();
    if (call === 0) return;
    const word = call >> 2;
    i32[word + oc.OC_FLAGS] |= FLAG_GAP;
    if (this.isRequestSide(i32[word + oc.OC_PHASE])) {
      // Other observers may have the bytes of its id that we lack.
      if ((i32[word + oc.OC_PHASE] & PHASE_IDENTIFIED) === 0) i32[word + oc.OC_FLAGS] |= FLAG_WEAK;
      i32[word + oc.OC_PHASE] |= PHASE_REQUEST_LOST;
    }
    const requestEnd = i32[word + oc.OC_SEQUENCE] + this.f64[(word + oc.OC_REQUEST_BYTES) >> 1];
    this.finishMessage(call, requestEnd | 0, false);
  }

  /** Frames of any message of this side that goes on may have been in the hole. */
  private markUnfinished(): void {
    const i32 = this.i32;
    for (let call = i32[this.at + R_OPEN_FIRST]; call !== 0; call = i32[(call >> 2) + oc.OC_NEXT]) {
      const word = call >> 2;
      const phase = i32[word + oc.OC_PHASE];
      const answering = (phase & (PHASE_ANSWER_BEGUN | PHASE_ANSWER_DONE)) === PHASE_ANSWER_BEGUN;
      const goesOn = this.isRequestSide(phase) ? (phase & PHASE_REQUEST_DONE) === 0 : answering;
      if (goesOn) i32[word + oc.OC_FLAGS] |= FLAG_GAP;
    }
  }

  /** From here on both sides speak something else. */
  protected applyUpgrade(): boolean {
    const i32 = this.i32;
    const at = this.at;
    const code = i32[at + R_UPGRADE];
    i32[at + R_UPGRADE] = 0;
    i32[at + R_PROTOCOL_BEFORE] = i32[at + R_PROTOCOL];
    this.dropState(at);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      i32[d + D_CALL] = 0;
      i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_UNTIL_CLOSE | DIRECTION_LOST);
      this.f64[(d + D_SKIP) >> 1] = 0;
      if (direction !== this.direction || code < 0) this.dropPending(d);
    }
    i32[at + R_GUESSES] = 0;
    if (code === UPGRADE_OPAQUE) i32[at + R_PROTOCOL] = PROTOCOL_OPAQUE;
    else if (code === UPGRADE_TLS) i32[at + R_PROTOCOL] = PROTOCOL_TLS;
    else i32[at + R_PROTOCOL] = 0;
    if (code > 0) this.begin(code - 1);
    return true;
  }

  /** What is certain of the message that waits for bytes that are lost, `bytes` of them. */
  protected tellCut(bytes: number): void {
    const i32 = this.i32;
    const d = this.d;
    const protocol = this.protocol;
    const pending = i32[d + D_PENDING_BYTES];
    if (pending === 0 || protocol.cut === undefined || (i32[d + D_FLAGS] & DIRECTION_LOST) !== 0) return;
    const start = i32[d + D_PENDING];
    this.origin = (i32[d + D_NEXT] - bytes - pending - start) | 0; // D_NEXT is past the hole.
    this.stepStart = start;
    this.stepSeconds = i32[d + D_PENDING_SECONDS];
    this.stepNanos = i32[d + D_PENDING_NANOS];
    this.stepAck = i32[d + D_PENDING_ACK];
    this.call = i32[d + D_CALL];
    protocol.cut(this.context, i32[this.at + R_STATE], start, start + pending, this.side, this);
    i32[this.at + R_UPGRADE] = 0;
    this.ended = false;
    const call = i32[d + D_CALL];
    if (call === 0) return;
    this.count(call, pending);
    this.gatherIdentity(call, start, start + pending);
    this.dropPending(d);
  }

  /** Gives up the beginning of a message that was kept across a hole, if there is one. */
  protected dropCut(d: number): void {
    if (this.f64[(d + D_SKIP) >> 1] === 0) return;
    this.f64[(d + D_SKIP) >> 1] = 0;
    this.ledger.add(RESYNC, 1, this.i32[d + D_PENDING_BYTES]);
    this.dropPending(d);
  }

  protected begin(index: number): void {
    const i32 = this.i32;
    const at = this.at;
    i32[at + R_PROTOCOL] = index + 1;
    this.protocol = this.protocols[index];
    const bytes = this.protocol.stateWords * 4;
    if (bytes > 0) {
      const state = this.context.slabs.alloc(bytes);
      if (state === 0) {
        this.ledger.add(HEAP_LIMIT, 1, bytes);
        i32[at + R_PROTOCOL] = PROTOCOL_UNKNOWN;
        return;
      }
      i32.fill(0, state >> 2, (state + bytes) >> 2);
      i32[at + R_STATE] = state >> 2;
      i32[at + R_STATE_BYTES] = bytes;
    }
    this.sink.recognised(at);
  }
}

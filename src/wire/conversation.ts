/**
 * Everything about a conversation that is not a protocol: steps and what is left of them, skipping, bodies,
 * pairing, timing, loss, upgrade. Bytes arrive in order (reassembly does that); protocols say what they mean
 * through CallWriter; finished calls go to the sink. One object per worker; what belongs to a connection
 * lies in its row, so that nothing is allocated per packet or call.
 */
import { assert } from '../base/assert.ts';
import { FLAG_GAP } from '../record/codes.ts';
import { reasonNumber } from '../record/coverage.ts';
import * as oc from '../record/open-call.ts';
import { endingOf, IDLE, type Ending } from './conversation/ending.ts';
import { PHASE_AFTER_HOLE } from './conversation/open-calls.ts';
import {
  FIRST_OF_ALL,
  guess,
  GUESS_NONE,
  GUESS_TLS,
  GUESS_WAIT,
  ONLY_ONE,
  SURE_ONLY,
} from './conversation/recognition.ts';
import { Steps } from './conversation/steps.ts';
import { TRANSPORT_UDP } from './decode/packet.ts';
import { SERVER, type Side } from './protocols/protocol.ts';
import {
  CONNECTION_ANSWER_LOST,
  CONNECTION_CLIENT_SURE,
  CONNECTION_MID_STREAM,
  CONNECTION_RESET,
  D_ACKNOWLEDGED,
  D_CALL,
  D_FLAGS,
  D_NEXT,
  D_PENDING,
  D_PENDING_ACK,
  D_PENDING_BYTES,
  D_PENDING_CAPACITY,
  D_PENDING_NANOS,
  D_PENDING_SECONDS,
  D_SKIP,
  DIRECTION_DONE,
  DIRECTION_FIN,
  DIRECTION_HOLE,
  DIRECTION_LOST,
  DIRECTION_UNTIL_CLOSE,
  DIRECTION_WORDS,
  PROTOCOL_TLS,
  PROTOCOL_UNKNOWN,
  R_CLIENT,
  R_DIRECTION,
  R_FLAGS,
  R_GUESSES,
  R_KIND,
  R_OPEN_FIRST,
  R_PROTOCOL,
} from './reassembly/row.ts';

/** Recognition gives up after so many segments (a line may come byte by byte), or bytes of one side. */
const GUESSES_MAX = 512;
const DATAGRAM_GUESSES_MAX = 4;
const GUESSES_MID_STREAM_MAX = 64;
const GUESS_BYTES_MAX = 4096;
/**
 * A connection that we do not know is looked at again in each of its first segments, since a greeting of a
 * proxy
 * (SOCKS) may stand before what we know; then every so many segments.
 */
const RETRY_FIRST = 16;
const RETRY_SEGMENTS = 16;
const RESYNC = reasonNumber('resync');
const UNKNOWN_PROTOCOL = reasonNumber('unknown-protocol');
const MID_STREAM = reasonNumber('mid-stream');

export class Conversation extends Steps {
  /**
   * The next bytes of a direction, in order. `sequence` is that of the first byte, `ack` the position of
   * the other direction that the segment acknowledged.
   */
  feed(
    at: number,
    direction: number,
    start: number,
    end: number,
    sequence: number,
    ack: number,
    seconds: number,
    nanos: number,
  ): void {
    this.enter(at, direction, ack, seconds, nanos);
    this.origin = (sequence - start) | 0;
    this.dispatch(start, end);
  }

  /** `bytes` bytes of a direction are lost to us; what is fed next comes after them. */
  gap(at: number, direction: number, bytes: number, seconds: number, nanos: number): void {
    const i32 = this.i32;
    this.lossSeen = seconds;
    if (i32[at + R_PROTOCOL] <= 0) {
      if (i32[at + R_PROTOCOL] === 0) this.gapBeforeKnown(at, direction, bytes);
      return;
    }
    this.enter(
      at,
      direction,
      i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_ACKNOWLEDGED],
      seconds,
      nanos,
    );
    this.protocol = this.protocols[i32[at + R_PROTOCOL] - 1];
    const d = this.d;
    const call = i32[d + D_CALL];
    if (call !== 0) i32[(call >> 2) + oc.OC_FLAGS] |= FLAG_GAP;
    if ((i32[d + D_FLAGS] & DIRECTION_UNTIL_CLOSE) !== 0) {
      this.count(call, bytes);
      return;
    }
    const skip = this.f64[(d + D_SKIP) >> 1];
    const absorbed = Math.min(skip, bytes);
    if (absorbed > 0) {
      this.count(call, absorbed);
      this.f64[(d + D_SKIP) >> 1] = skip - absorbed;
      // The direction's next byte comes after the whole hole; the message ended within it.
      this.origin = (i32[d + D_NEXT] - bytes + absorbed) | 0;
      if (absorbed === skip && (i32[d + D_FLAGS] & DIRECTION_DONE) !== 0) this.finish(0);
    }
    if (absorbed === bytes) return;
    if (absorbed === 0) this.tellCut(bytes);
    this.lose();
  }

  /**
   * The beginning of a message whose rest is lost waits until the other side tells its protocol: `D_SKIP`,
   * which has no other use until then, holds how much is missing behind it. Else it is of no use.
   */
  protected gapBeforeKnown(at: number, direction: number, bytes: number): void {
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    this.i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
    if (this.i32[d + D_PENDING_BYTES] === 0) return;
    if (this.f64[(d + D_SKIP) >> 1] === 0) this.f64[(d + D_SKIP) >> 1] = bytes;
    else this.dropCut(d);
  }

  /** The connection was taken for one joined in its middle, and was not: nothing before it is missing. */
  fromBeginning(at: number): void {
    const i32 = this.i32;
    const call = i32[at + R_OPEN_FIRST];
    i32[at + R_FLAGS] &= ~CONNECTION_ANSWER_LOST;
    for (let direction = 0; direction < 2; direction++) {
      i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_FLAGS] &= ~(DIRECTION_HOLE | DIRECTION_LOST);
    }
    if (call === 0 || i32[(call >> 2) + oc.OC_ORDINAL] !== 0) return;
    i32[(call >> 2) + oc.OC_PHASE] &= ~PHASE_AFTER_HOLE;
  }

  /** A direction ended in order (FIN): what lasted until then is complete. */
  sideClosed(at: number, direction: number, seconds: number, nanos: number): void {
    const i32 = this.i32;
    if (i32[at + R_PROTOCOL] <= 0) return;
    const ack = i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_ACKNOWLEDGED];
    this.enter(at, direction, ack, seconds, nanos);
    if ((i32[this.d + D_FLAGS] & DIRECTION_UNTIL_CLOSE) === 0) return;
    i32[this.d + D_FLAGS] &= ~DIRECTION_UNTIL_CLOSE;
    this.origin = i32[this.d + D_NEXT];
    this.finish(0);
  }

  /** Another packet with bytes that were here already: counted for the call that is going on. */
  retransmitted(at: number, direction: number): void {
    const i32 = this.i32;
    const call = i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_CALL] || i32[at + R_OPEN_FIRST];
    if (call !== 0) i32[(call >> 2) + oc.OC_RETRANSMITS]++;
  }

  /** One datagram. */
  datagram(at: number, direction: number, start: number, end: number, seconds: number, nanos: number): void {
    const i32 = this.i32;
    this.enter(at, direction, 0, seconds, nanos);
    this.origin = 0;
    this.fresh = start;
    if (i32[at + R_PROTOCOL] === 0) {
      const verdict = guess(this.context, this.protocols, at, direction, start, end, 0, 0, SURE_ONLY);
      if (verdict >= 0) this.decide(verdict);
      else if (++i32[at + R_GUESSES] >= DATAGRAM_GUESSES_MAX) i32[at + R_PROTOCOL] = PROTOCOL_UNKNOWN;
    }
    if (i32[at + R_PROTOCOL] <= 0) {
      this.unread(end - start);
      return;
    }
    this.protocol = this.protocols[i32[at + R_PROTOCOL] - 1];
    // Peers may ask each other from the same ports: the datagram says which side it is.
    if (this.protocol.recognise(this.context, start, end, this.side) === 0)
      this.side = (1 - this.side) as Side;
    const d = this.d;
    i32[d + D_CALL] = 0;
    i32[d + D_FLAGS] = 0;
    const used = this.step(start, end);
    if (used <= 0) this.ledger.add(RESYNC, 1, end - start);
    else if (this.ended) this.finish(start + used);
    i32[d + D_CALL] = 0;
    this.f64[(d + D_SKIP) >> 1] = 0;
  }

  /** A flow of datagrams that goes on: calls whose answer would have come by now end without it. */
  overdue(at: number, seconds: number): void {
    const i32 = this.i32;
    for (let call = i32[at + R_OPEN_FIRST]; call !== 0; call = i32[at + R_OPEN_FIRST]) {
      const ms = ((seconds - i32[(call >> 2) + oc.OC_START]) | 0) * 1000;
      if (ms <= this.limits.datagramAnswerMs) return;
      endingOf(i32, at, call, IDLE, this.lossSeen);
      this.emit(at, call);
    }
  }

  /** The connection is over, in the given way: its open calls end, its slabs go back. */
  close(at: number, ending: Ending, seconds: number, nanos: number): void {
    const i32 = this.i32;
    if (i32[at + R_PROTOCOL] === 0) this.decideAtLast(at, seconds, nanos);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      // What a reset or the end of the capture cut off is not complete.
      const finished =
        (i32[d + D_FLAGS] & DIRECTION_FIN) !== 0 && (i32[at + R_FLAGS] & CONNECTION_RESET) === 0;
      if (finished) this.sideClosed(at, direction, seconds, nanos);
      const pending = i32[d + D_PENDING_BYTES];
      if (pending > 0) this.ledger.add(i32[at + R_PROTOCOL] === 0 ? UNKNOWN_PROTOCOL : RESYNC, 1, pending);
      this.dropPending(d);
    }
    for (let call = i32[at + R_OPEN_FIRST]; call !== 0; call = i32[at + R_OPEN_FIRST]) {
      endingOf(i32, at, call, ending, this.lossSeen);
      this.emit(at, call);
    }
    this.dropState(at);
  }

  protected dispatch(start: number, end: number): void {
    const known = this.i32[this.at + R_PROTOCOL];
    if (known > 0) {
      this.protocol = this.protocols[known - 1];
      this.take(start, end);
    } else if (known === 0) this.recognise(start, end);
    else this.skipUnknown(start, end);
  }

  protected recognise(start: number, end: number): void {
    const i32 = this.i32;
    const at = this.at;
    const d = this.d;
    const other = at + R_DIRECTION + (1 - this.direction) * DIRECTION_WORDS;
    this.dropCut(d);
    const had = i32[d + D_PENDING_BYTES];
    let from = start;
    let to = end;
    if (had > 0) {
      if (!this.append(start, end)) {
        this.giveUp(PROTOCOL_UNKNOWN, end - start);
        return;
      }
      from = i32[d + D_PENDING];
      to = from + i32[d + D_PENDING_BYTES];
    }
    let otherStart = i32[other + D_PENDING];
    let otherEnd = otherStart + i32[other + D_PENDING_BYTES];
    let verdict = this.guess(from, to, otherStart, otherEnd);
    if (verdict === GUESS_NONE && this.f64[(other + D_SKIP) >> 1] > 0) {
      // What was kept across a hole is no proof against what is here.
      this.dropCut(other);
      otherStart = 0;
      otherEnd = 0;
      verdict = this.guess(from, to, 0, 0);
    }
    if (verdict >= 0) {
      this.decide(verdict);
      this.replay(start, end, had, i32[other + D_PENDING_BYTES] > 0);
    } else if (verdict === GUESS_TLS) this.giveUp(PROTOCOL_TLS, had > 0 ? 0 : end - start);
    else if (verdict === GUESS_WAIT) {
      const waiting = Math.max(to - from, otherEnd - otherStart);
      if (++i32[at + R_GUESSES] > GUESSES_MAX || waiting > GUESS_BYTES_MAX) {
        this.giveUp(PROTOCOL_UNKNOWN, had > 0 ? 0 : end - start);
      } else if (had === 0 && !this.hold(start, end)) this.giveUp(PROTOCOL_UNKNOWN, end - start);
    } else {
      assert(verdict === GUESS_NONE, 'a guess is one of four');
      const midStream = (i32[at + R_FLAGS] & CONNECTION_MID_STREAM) !== 0;
      if (midStream && ++i32[at + R_GUESSES] < GUESSES_MID_STREAM_MAX) {
        this.ledger.add(RESYNC, 1, had > 0 ? i32[d + D_PENDING_BYTES] : end - start);
        this.dropPending(d);
      } else this.giveUp(PROTOCOL_UNKNOWN, had > 0 ? 0 : end - start);
    }
  }

  protected guess(start: number, end: number, otherStart: number, otherEnd: number): number {
    return guess(
      this.context,
      this.protocols,
      this.at,
      this.direction,
      start,
      end,
      otherStart,
      otherEnd,
      ONLY_ONE,
    );
  }

  /** Both sides spoke, several protocols could be meant, and nothing more will come. */
  protected decideAtLast(at: number, seconds: number, nanos: number): void {
    const i32 = this.i32;
    const one = at + R_DIRECTION;
    const two = one + DIRECTION_WORDS;
    if (i32[one + D_PENDING_BYTES] === 0 || i32[two + D_PENDING_BYTES] === 0) return;
    this.enter(at, 0, 0, seconds, nanos);
    const start = i32[one + D_PENDING];
    const other = i32[two + D_PENDING];
    const end = start + i32[one + D_PENDING_BYTES];
    const otherEnd = other + i32[two + D_PENDING_BYTES];
    const verdict = guess(this.context, this.protocols, at, 0, start, end, other, otherEnd, FIRST_OF_ALL);
    if (verdict < 0) return;
    this.decide(verdict);
    const client = i32[at + R_CLIENT];
    this.replayPending(client);
    this.replayPending(1 - client);
  }

  /** `choice` is protocol * 2 + direction of the client. */
  protected decide(choice: number): void {
    const i32 = this.i32;
    const at = this.at;
    i32[at + R_CLIENT] = choice & 1;
    i32[at + R_FLAGS] |= CONNECTION_CLIENT_SURE;
    this.side = i32[at + R_CLIENT] === this.direction ? 0 : 1;
    this.begin(choice >> 1);
    if ((i32[at + R_FLAGS] & CONNECTION_MID_STREAM) === 0 || i32[at + R_KIND] >> 8 === TRANSPORT_UDP) return;
    // Joined in the middle: nothing before this is known, on either side.
    this.ledger.add(MID_STREAM, 1, 0);
    i32[at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
    // What is here need not be the beginning of a message, either.
    i32[at + R_DIRECTION + D_FLAGS] |= DIRECTION_HOLE | DIRECTION_LOST;
    i32[at + R_DIRECTION + DIRECTION_WORDS + D_FLAGS] |= DIRECTION_HOLE | DIRECTION_LOST;
  }

  /** What waited for recognition is read now: the client's first. */
  protected replay(start: number, end: number, had: number, otherWaits: boolean): void {
    const direction = this.direction;
    if (otherWaits && this.side === SERVER) this.replayPending(1 - direction);
    if (had > 0) this.replayPending(direction);
    else {
      this.side = this.i32[this.at + R_CLIENT] === direction ? 0 : 1;
      this.dispatch(start, end);
    }
    if (otherWaits) this.replayPending(1 - direction);
  }

  protected replayPending(direction: number): void {
    const i32 = this.i32;
    const at = this.at;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const bytes = i32[d + D_PENDING_BYTES];
    if (bytes === 0 || i32[at + R_PROTOCOL] <= 0) return;
    const slab = i32[d + D_PENDING];
    const capacity = i32[d + D_PENDING_CAPACITY];
    const now = this.seconds;
    const nowNanos = this.nanos;
    const ack = this.ack;
    const origin = this.origin;
    const from = this.direction;
    const cut = this.f64[(d + D_SKIP) >> 1];
    this.f64[(d + D_SKIP) >> 1] = 0;
    this.detachPending(d);
    this.enter(at, direction, i32[d + D_PENDING_ACK], i32[d + D_PENDING_SECONDS], i32[d + D_PENDING_NANOS]);
    this.origin = (i32[d + D_NEXT] - cut - bytes - slab) | 0; // D_NEXT is past the pending bytes.
    this.dispatch(slab, slab + bytes);
    if (cut > 0) this.gap(at, direction, cut, i32[d + D_PENDING_SECONDS], i32[d + D_PENDING_NANOS]);
    this.context.slabs.free(slab, capacity);
    this.enter(at, from, ack, now, nowNanos);
    this.origin = origin;
  }

  protected giveUp(protocol: number, bytes: number): void {
    const i32 = this.i32;
    const at = this.at;
    i32[at + R_PROTOCOL] = protocol;
    let unread = bytes;
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      unread += i32[d + D_PENDING_BYTES];
      this.dropPending(d);
      this.f64[(d + D_SKIP) >> 1] = 0;
    }
    this.unread(unread);
  }

  /** Bytes of a connection that is not read; one of unknown protocol is looked at again now and then. */
  protected skipUnknown(start: number, end: number): void {
    const i32 = this.i32;
    const at = this.at;
    const again = i32[at + R_PROTOCOL] === PROTOCOL_UNKNOWN ? ++i32[at + R_GUESSES] : -1;
    if (again >= 0 && (again <= RETRY_FIRST || again % RETRY_SEGMENTS === 0)) {
      i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
      const verdict = guess(this.context, this.protocols, at, this.direction, start, end, 0, 0, SURE_ONLY);
      if (verdict >= 0) {
        i32[at + R_PROTOCOL] = 0;
        this.decide(verdict);
        this.dispatch(start, end);
        return;
      }
    }
    this.unread(end - start);
  }
}

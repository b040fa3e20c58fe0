/**
 * Everything about a conversation that is not a protocol: steps and what is left of them, skipping, bodies,
 * pairing, timing, loss, upgrade. Bytes arrive in order (reassembly does that); protocols say what they mean
 * through CallWriter; finished calls go to the sink. One object per worker; what belongs to a connection
 * lies in its row, so that nothing is allocated per packet or call.
 */
import { assert } from '../base/assert.ts';
import type { Limits } from '../base/limits.ts';
import { slabCapacity } from '../base/slab.ts';
import type { CallWriter } from '../record/call-writer.ts';
import { UPGRADE_OPAQUE, UPGRADE_TLS } from '../record/call-writer.ts';
import {
  FLAG_BODY_SKIPPED,
  FLAG_GAP,
  FLAG_ONE_SIDED,
  FLAG_TRUNCATED,
  FLAG_WEAK,
  OUTCOME_OK,
  OUTCOME_ONE_WAY,
  OUTCOME_UNANSWERED,
  OUTCOME_UNKNOWN,
} from '../record/codes.ts';
import { reasonNumber, type Ledger } from '../record/coverage.ts';
import * as oc from '../record/open-call.ts';
import type { Operations } from '../record/operations.ts';
import type { StringTable } from '../record/string-table.ts';
import { CallTexts } from './conversation/call-texts.ts';
import {
  OpenCalls,
  PHASE_AFTER_HOLE,
  PHASE_ANSWER_BEGUN,
  PHASE_ANSWER_DONE,
  PHASE_ANSWER_ONLY,
  PHASE_FROM_SERVER,
  PHASE_IDENTIFIED,
  PHASE_ONE_WAY,
  PHASE_REQUEST_DONE,
  PHASE_REQUEST_LOST,
} from './conversation/open-calls.ts';
import { BOTH, DROP, judge, ORPHAN, PAIR, type Verdict } from './conversation/pairing.ts';
import { GROUP_BROKEN, noteRequest } from './conversation/pipelining.ts';
import { readTrace } from './conversation/trace-context.ts';
import { endingOf, type Ending } from './conversation/ending.ts';
import {
  FIRST_OF_ALL,
  guess,
  GUESS_NONE,
  GUESS_TLS,
  GUESS_WAIT,
  ONLY_ONE,
  SURE_ONLY,
} from './conversation/recognition.ts';
import { NEED_MORE, SERVER, type Protocol, type Side, type WireContext } from './protocols/protocol.ts';
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
  DIRECTION_BODY,
  DIRECTION_DONE,
  DIRECTION_FIN,
  DIRECTION_HOLE,
  DIRECTION_INTERIM,
  DIRECTION_LOST,
  DIRECTION_UNTIL_CLOSE,
  DIRECTION_WORDS,
  PROTOCOL_OPAQUE,
  PROTOCOL_TLS,
  PROTOCOL_UNKNOWN,
  R_BYTES_UNREAD,
  R_CLIENT,
  R_DIRECTION,
  R_FLAGS,
  R_GROUP_ANSWERS,
  R_GROUP_REQUESTS,
  R_GUESSES,
  R_KIND,
  R_OPEN_FIRST,
  R_PROTOCOL,
  R_PROTOCOL_BEFORE,
  R_STATE,
  R_STATE_BYTES,
  R_UPGRADE,
} from './reassembly/row.ts';
import { TRANSPORT_UDP } from './decode/packet.ts';

/** What the conversation tells the engine. Ranges and slabs are valid until the call returns. */
export interface ConversationSink {
  /** A call is finished, or as finished as it will be. */
  call(at: number, call: number): void;
  /** Protocol and client of a connection are known: its endpoints get their ids. */
  recognised(at: number): void;
  /** An answer said that a name stands for an address of 4 or 16 bytes. */
  addressName(nameStart: number, nameEnd: number, start: number, end: number, ttlS: number): void;
}

/** Recognition gives up after so many segments (a line may come byte by byte), or bytes of one side. */
const GUESSES_MAX = 512;
const DATAGRAM_GUESSES_MAX = 4;
const GUESSES_MID_STREAM_MAX = 64;
const GUESS_BYTES_MAX = 4096;
/** What is appended to a pending tail at a time: most steps end within it, the rest is parsed in place. */
const APPEND_BYTES = 2048;
/** A datagram's request comes at most so long after its answer: captures are in order but for queues. */
const EARLY_ANSWER_NS = 10e6;
/**
 * A connection that we do not know is looked at again in each of its first segments, since a greeting of a proxy
 * (SOCKS) may stand before what we know; then every so many segments.
 */
const RETRY_FIRST = 16;
const RETRY_SEGMENTS = 16;

const RESYNC = reasonNumber('resync');
const UNKNOWN_PROTOCOL = reasonNumber('unknown-protocol');
const ENCRYPTED = reasonNumber('encrypted');
const NOT_DECODED = reasonNumber('not-decoded');
const MESSAGE_LIMIT = reasonNumber('message-limit');
const OPEN_CALL_LIMIT = reasonNumber('open-call-limit');
const HEAP_LIMIT = reasonNumber('heap-limit');
const MID_STREAM = reasonNumber('mid-stream');

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

export class Conversation implements CallWriter {
  /** Seconds when we last had proof that the capture loses packets. */
  lossSeen = -1e9;

  readonly #context: WireContext;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #f64: Float64Array;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #protocols: readonly Protocol[];
  readonly #sink: ConversationSink;
  readonly #calls: OpenCalls;
  readonly #texts: CallTexts;
  readonly #bodies: boolean;

  // Where we are: connection, direction, and the segment's time and acknowledgement.
  #at = 0;
  #direction = 0;
  #d = 0;
  #side: Side = 0;
  #seconds = 0;
  #nanos = 0;
  #ack = 0;
  /** Sequence number of memory position 0: that of a position is the sum. */
  #origin = 0;
  /** Bytes before this position came with an earlier segment. */
  #fresh = 0;
  // The step: where it begins, and what was said in it.
  #stepStart = 0;
  #stepSeconds = 0;
  #stepNanos = 0;
  #stepAck = 0;
  #ended = false;
  #protocol: Protocol;
  #call = 0;

  constructor(options: ConversationOptions) {
    this.#context = options.context;
    this.#i32 = options.context.i32;
    this.#u8 = options.context.u8;
    this.#f64 = options.context.memory.f64;
    this.#limits = options.limits;
    this.#ledger = options.ledger;
    this.#protocols = options.protocols;
    this.#sink = options.sink;
    this.#bodies = options.bodies;
    const { memory, slabs, scan } = options.context;
    this.#calls = new OpenCalls(memory, slabs, scan, options.limits, options.ledger);
    this.#texts = new CallTexts(
      options.context,
      options.limits,
      options.strings,
      options.operations,
      options.ledger,
    );
    assert(options.protocols.length > 0, 'there is a protocol');
    this.#protocol = options.protocols[0];
  }

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
    this.#enter(at, direction, ack, seconds, nanos);
    this.#origin = (sequence - start) | 0;
    this.#dispatch(start, end);
  }

  /** `bytes` bytes of a direction are lost to us; what is fed next comes after them. */
  gap(at: number, direction: number, bytes: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    this.lossSeen = seconds;
    if (i32[at + R_PROTOCOL] <= 0) {
      if (i32[at + R_PROTOCOL] === 0) this.#gapBeforeKnown(at, direction, bytes);
      return;
    }
    this.#enter(
      at,
      direction,
      i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_ACKNOWLEDGED],
      seconds,
      nanos,
    );
    this.#protocol = this.#protocols[i32[at + R_PROTOCOL] - 1];
    const d = this.#d;
    const call = i32[d + D_CALL];
    if (call !== 0) i32[(call >> 2) + oc.OC_FLAGS] |= FLAG_GAP;
    if ((i32[d + D_FLAGS] & DIRECTION_UNTIL_CLOSE) !== 0) {
      this.#count(call, bytes);
      return;
    }
    const skip = this.#f64[(d + D_SKIP) >> 1];
    const absorbed = Math.min(skip, bytes);
    if (absorbed > 0) {
      this.#count(call, absorbed);
      this.#f64[(d + D_SKIP) >> 1] = skip - absorbed;
      // The direction's next byte comes after the whole hole; the message ended within it.
      this.#origin = (i32[d + D_NEXT] - bytes + absorbed) | 0;
      if (absorbed === skip && (i32[d + D_FLAGS] & DIRECTION_DONE) !== 0) this.#finish(0);
    }
    if (absorbed === bytes) return;
    if (absorbed === 0) this.#tellCut(bytes);
    this.#lose();
  }

  /**
   * The beginning of a message whose rest is lost waits until the other side tells its protocol: `D_SKIP`,
   * which has no other use until then, holds how much is missing behind it. Else it is of no use.
   */
  #gapBeforeKnown(at: number, direction: number, bytes: number): void {
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    this.#i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
    if (this.#i32[d + D_PENDING_BYTES] === 0) return;
    if (this.#f64[(d + D_SKIP) >> 1] === 0) this.#f64[(d + D_SKIP) >> 1] = bytes;
    else this.#dropCut(d);
  }

  /** Gives up the beginning of a message that was kept across a hole, if there is one. */
  #dropCut(d: number): void {
    if (this.#f64[(d + D_SKIP) >> 1] === 0) return;
    this.#f64[(d + D_SKIP) >> 1] = 0;
    this.#ledger.add(RESYNC, 1, this.#i32[d + D_PENDING_BYTES]);
    this.#dropPending(d);
  }

  /** What is certain of the message that waits for bytes that are lost, `bytes` of them. */
  #tellCut(bytes: number): void {
    const i32 = this.#i32;
    const d = this.#d;
    const protocol = this.#protocol;
    const pending = i32[d + D_PENDING_BYTES];
    if (pending === 0 || protocol.cut === undefined || (i32[d + D_FLAGS] & DIRECTION_LOST) !== 0) return;
    const start = i32[d + D_PENDING];
    this.#origin = (i32[d + D_NEXT] - bytes - pending - start) | 0; // D_NEXT is past the hole.
    this.#stepStart = start;
    this.#stepSeconds = i32[d + D_PENDING_SECONDS];
    this.#stepNanos = i32[d + D_PENDING_NANOS];
    this.#stepAck = i32[d + D_PENDING_ACK];
    this.#call = i32[d + D_CALL];
    protocol.cut(this.#context, i32[this.#at + R_STATE], start, start + pending, this.#side, this);
    i32[this.#at + R_UPGRADE] = 0;
    this.#ended = false;
    const call = i32[d + D_CALL];
    if (call === 0) return;
    this.#count(call, pending);
    this.#gatherIdentity(call, start, start + pending);
    this.#dropPending(d);
  }

  /** The connection was taken for one joined in its middle, and was not: nothing before it is missing. */
  fromBeginning(at: number): void {
    const i32 = this.#i32;
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
    const i32 = this.#i32;
    if (i32[at + R_PROTOCOL] <= 0) return;
    const ack = i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_ACKNOWLEDGED];
    this.#enter(at, direction, ack, seconds, nanos);
    if ((i32[this.#d + D_FLAGS] & DIRECTION_UNTIL_CLOSE) === 0) return;
    i32[this.#d + D_FLAGS] &= ~DIRECTION_UNTIL_CLOSE;
    this.#origin = i32[this.#d + D_NEXT];
    this.#finish(0);
  }

  /** Another packet with bytes that were here already: counted for the call that is going on. */
  retransmitted(at: number, direction: number): void {
    const i32 = this.#i32;
    const call = i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_CALL] || i32[at + R_OPEN_FIRST];
    if (call !== 0) i32[(call >> 2) + oc.OC_RETRANSMITS]++;
  }

  /** One datagram. */
  datagram(at: number, direction: number, start: number, end: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    this.#enter(at, direction, 0, seconds, nanos);
    this.#origin = 0;
    this.#fresh = start;
    if (i32[at + R_PROTOCOL] === 0) {
      const verdict = guess(this.#context, this.#protocols, at, direction, start, end, 0, 0, SURE_ONLY);
      if (verdict >= 0) this.#decide(verdict);
      else if (++i32[at + R_GUESSES] >= DATAGRAM_GUESSES_MAX) i32[at + R_PROTOCOL] = PROTOCOL_UNKNOWN;
    }
    if (i32[at + R_PROTOCOL] <= 0) {
      this.#unread(end - start);
      return;
    }
    this.#protocol = this.#protocols[i32[at + R_PROTOCOL] - 1];
    // Peers may ask each other from the same ports: the datagram says which side it is.
    if (this.#protocol.recognise(this.#context, start, end, this.#side) === 0)
      this.#side = (1 - this.#side) as Side;
    const d = this.#d;
    i32[d + D_CALL] = 0;
    i32[d + D_FLAGS] = 0;
    const used = this.#step(start, end);
    if (used <= 0) this.#ledger.add(RESYNC, 1, end - start);
    else if (this.#ended) this.#finish(start + used);
    i32[d + D_CALL] = 0;
    this.#f64[(d + D_SKIP) >> 1] = 0;
  }

  /** The connection is over, in the given way: its open calls end, its slabs go back. */
  close(at: number, ending: Ending, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    if (i32[at + R_PROTOCOL] === 0) this.#decideAtLast(at, seconds, nanos);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      // What a reset or the end of the capture cut off is not complete.
      const finished =
        (i32[d + D_FLAGS] & DIRECTION_FIN) !== 0 && (i32[at + R_FLAGS] & CONNECTION_RESET) === 0;
      if (finished) this.sideClosed(at, direction, seconds, nanos);
      const pending = i32[d + D_PENDING_BYTES];
      if (pending > 0) this.#ledger.add(i32[at + R_PROTOCOL] === 0 ? UNKNOWN_PROTOCOL : RESYNC, 1, pending);
      this.#dropPending(d);
    }
    for (let call = i32[at + R_OPEN_FIRST]; call !== 0; call = i32[at + R_OPEN_FIRST]) {
      endingOf(i32, at, call, ending, this.lossSeen);
      this.#emit(at, call);
    }
    this.#dropState(at);
  }

  // ——— Steps ———

  #enter(at: number, direction: number, ack: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    this.#at = at;
    this.#direction = direction;
    this.#d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    this.#side = i32[at + R_CLIENT] === direction ? 0 : 1;
    this.#ack = ack;
    this.#seconds = seconds;
    this.#nanos = nanos;
    this.#stepSeconds = seconds;
    this.#stepNanos = nanos;
    this.#stepAck = ack;
    this.#call = 0;
  }

  #dispatch(start: number, end: number): void {
    const known = this.#i32[this.#at + R_PROTOCOL];
    if (known > 0) {
      this.#protocol = this.#protocols[known - 1];
      this.#take(start, end);
    } else if (known === 0) this.#recognise(start, end);
    else this.#skipUnknown(start, end);
  }

  #take(start: number, end: number): void {
    if (this.#i32[this.#d + D_PENDING_BYTES] > 0) {
      this.#takeBehindPending(start, end);
      return;
    }
    this.#fresh = start;
    const rest = this.#walk(start, end);
    if (rest < end) this.#keep(rest, end);
  }

  /** Walks whole steps from `start`; answers the position of what must wait for more bytes. */
  #walk(start: number, end: number): number {
    const i32 = this.#i32;
    const d = this.#d;
    const skipAt = (d + D_SKIP) >> 1;
    let at = start;
    while (at < end) {
      const flags = i32[d + D_FLAGS];
      if ((flags & DIRECTION_UNTIL_CLOSE) !== 0) {
        this.#pass(at, end);
        return end;
      }
      const skip = this.#f64[skipAt];
      if (skip > 0) {
        const bytes = skip < end - at ? skip : end - at;
        this.#pass(at, at + bytes);
        this.#f64[skipAt] = skip - bytes;
        at += bytes;
        if (bytes === skip && (flags & DIRECTION_DONE) !== 0 && this.#finish(at)) return this.#turn(at, end);
        continue;
      }
      if ((flags & DIRECTION_LOST) !== 0) {
        const found = this.#protocol.resync(this.#context, at, end, this.#side);
        if (found < 0 || found >= end) {
          this.#ledger.add(RESYNC, 1, end - at);
          return end;
        }
        if (found > at) this.#ledger.add(RESYNC, 1, found - at);
        at = found;
        i32[d + D_FLAGS] &= ~DIRECTION_LOST;
      }
      const used = this.#step(at, end);
      if (used > 0) {
        at += used;
        if (this.#ended && this.#f64[skipAt] === 0 && this.#finish(at)) return this.#turn(at, end);
      } else if (used === NEED_MORE) return at;
      else {
        // Not this protocol's bytes: look for the next message after this position.
        this.#lose();
        this.#ledger.add(RESYNC, 1, 1);
        at++;
      }
    }
    return end;
  }

  /** One step of the protocol, and its bytes counted. */
  #step(start: number, end: number): number {
    const i32 = this.#i32;
    const d = this.#d;
    this.#stepStart = start;
    const late = start < this.#fresh;
    this.#stepSeconds = late ? i32[d + D_PENDING_SECONDS] : this.#seconds;
    this.#stepNanos = late ? i32[d + D_PENDING_NANOS] : this.#nanos;
    this.#stepAck = late ? i32[d + D_PENDING_ACK] : this.#ack;
    this.#ended = false;
    this.#call = i32[d + D_CALL];
    const state = i32[this.#at + R_STATE];
    const used = this.#protocol.parse(this.#context, state, start, end, this.#side, this);
    if (used <= 0) return used;
    assert(used <= end - start, 'a step stays in its range');
    const call = i32[d + D_CALL];
    if (call !== 0) {
      this.#count(call, used);
      this.#gatherIdentity(call, start, start + used);
    }
    return used;
  }

  /** Continues with bytes of a protocol that has just changed. */
  #turn(start: number, end: number): number {
    if (start < end) this.#dispatch(start, end);
    return end;
  }

  /** There are bytes of an unfinished step: more are put behind them until it is finished. */
  #takeBehindPending(start: number, end: number): void {
    const i32 = this.#i32;
    const d = this.#d;
    let from = start;
    while (from < end && i32[d + D_PENDING_BYTES] > 0) {
      const had = i32[d + D_PENDING_BYTES];
      const more = Math.min(end - from, Math.max(APPEND_BYTES, had));
      if (!this.#append(from, from + more)) {
        this.#lose();
        break;
      }
      // The walk may lose bytes, turn to another protocol and keep its tail: the slab is ours meanwhile.
      const slab = i32[d + D_PENDING];
      const capacity = i32[d + D_PENDING_CAPACITY];
      this.#detachPending(d);
      const origin = this.#origin;
      this.#origin = (origin + from - (slab + had)) | 0;
      this.#fresh = slab + had;
      const before = i32[this.#at + R_PROTOCOL];
      const used = this.#walk(slab, slab + had + more) - slab;
      this.#origin = origin;
      // The connection turned to another protocol, which took all of it.
      if (i32[this.#at + R_PROTOCOL] !== before) {
        this.#context.slabs.free(slab, capacity);
        if (from + more < end) this.#dispatch(from + more, end);
        return;
      }
      if (used >= had) {
        this.#context.slabs.free(slab, capacity);
        from += used - had;
        break;
      }
      assert(i32[d + D_PENDING] === 0, 'a walk that leaves bytes keeps none');
      this.#u8.copyWithin(slab, slab + used, slab + had + more);
      i32[d + D_PENDING] = slab;
      i32[d + D_PENDING_CAPACITY] = capacity;
      i32[d + D_PENDING_BYTES] = had + more - used;
      from += more;
      if (had + more - used >= this.#lookMax()) {
        this.#ledger.add(MESSAGE_LIMIT, 1, had + more - used);
        this.#lose();
        break;
      }
    }
    if (from < end) this.#take(from, end);
  }

  #lookMax(): number {
    return Math.min(this.#protocol.lookBytesMax, this.#limits.messageBytes);
  }

  /** Keeps the tail of an unfinished step until more arrives. */
  #keep(start: number, end: number): void {
    if (end - start >= this.#lookMax()) {
      this.#ledger.add(MESSAGE_LIMIT, 1, end - start);
      this.#lose();
      return;
    }
    if (!this.#hold(start, end)) this.#lose();
  }

  /** Keeps bytes and when they came; false when the heap has no room. */
  #hold(start: number, end: number): boolean {
    const i32 = this.#i32;
    i32[this.#d + D_PENDING_SECONDS] = this.#seconds;
    i32[this.#d + D_PENDING_NANOS] = this.#nanos;
    i32[this.#d + D_PENDING_ACK] = this.#ack;
    return this.#append(start, end);
  }

  /** Puts bytes behind the pending ones; false when the heap has no room. */
  #append(start: number, end: number): boolean {
    const i32 = this.#i32;
    const d = this.#d;
    const slabs = this.#context.slabs;
    const had = i32[d + D_PENDING_BYTES];
    const bytes = had + end - start;
    let slab = i32[d + D_PENDING];
    if (bytes > i32[d + D_PENDING_CAPACITY]) {
      const larger = slabs.alloc(bytes);
      if (larger === 0) {
        this.#ledger.add(HEAP_LIMIT, 1, bytes);
        return false;
      }
      if (slab !== 0) {
        this.#u8.copyWithin(larger, slab, slab + had);
        slabs.free(slab, i32[d + D_PENDING_CAPACITY]);
      }
      slab = larger;
      i32[d + D_PENDING] = slab;
      i32[d + D_PENDING_CAPACITY] = slabCapacity(bytes);
    }
    this.#u8.copyWithin(slab + had, start, end);
    i32[d + D_PENDING_BYTES] = bytes;
    return true;
  }

  #dropPending(d: number): void {
    const i32 = this.#i32;
    const slab = i32[d + D_PENDING];
    if (slab !== 0) this.#context.slabs.free(slab, i32[d + D_PENDING_CAPACITY]);
    this.#detachPending(d);
  }

  #detachPending(d: number): void {
    this.#i32[d + D_PENDING] = 0;
    this.#i32[d + D_PENDING_BYTES] = 0;
    this.#i32[d + D_PENDING_CAPACITY] = 0;
  }

  /** Bytes that are not looked at: counted, and offered as body. */
  #pass(start: number, end: number): void {
    const i32 = this.#i32;
    const call = i32[this.#d + D_CALL];
    if (call === 0) return;
    this.#count(call, end - start);
    this.#gatherIdentity(call, start, end);
    if ((i32[this.#d + D_FLAGS] & DIRECTION_BODY) === 0) return;
    const word = call >> 2;
    if (!this.#bodies) {
      i32[word + oc.OC_FLAGS] |= FLAG_BODY_SKIPPED;
      return;
    }
    if ((i32[word + oc.OC_FLAGS] & FLAG_BODY_SKIPPED) !== 0) return;
    const have = i32[word + oc.OC_BODY_BYTES];
    if (have > 0 && i32[word + oc.OC_BODY_SIDE] !== this.#side) return;
    const room = this.#limits.bodyBytes - have;
    if (room <= 0) return;
    if (i32[word + oc.OC_BODY] === 0) {
      i32[word + oc.OC_BODY] = this.#context.slabs.alloc(this.#limits.bodyBytes);
      if (i32[word + oc.OC_BODY] === 0) return;
    }
    const bytes = Math.min(room, end - start);
    this.#u8.copyWithin(i32[word + oc.OC_BODY] + have, start, start + bytes);
    i32[word + oc.OC_BODY_BYTES] = have + bytes;
    i32[word + oc.OC_BODY_SIDE] = this.#side;
  }

  #isRequestSide(phase: number): boolean {
    return (
      (phase & PHASE_ANSWER_ONLY) === 0 && (this.#side === SERVER) === ((phase & PHASE_FROM_SERVER) !== 0)
    );
  }

  #count(call: number, bytes: number): void {
    if (call === 0) return;
    const word = call >> 2;
    const column = this.#isRequestSide(this.#i32[word + oc.OC_PHASE])
      ? oc.OC_REQUEST_BYTES
      : oc.OC_RESPONSE_BYTES;
    this.#f64[(word + column) >> 1] += bytes;
  }

  /** The first bytes of a message go into its call id. */
  #gatherIdentity(call: number, start: number, end: number): void {
    const i32 = this.#i32;
    const word = call >> 2;
    const phase = i32[word + oc.OC_PHASE];
    if ((phase & PHASE_IDENTIFIED) !== 0) return;
    if ((phase & PHASE_ANSWER_ONLY) === 0 && !this.#isRequestSide(phase)) return;
    const have = i32[word + oc.OC_ID_COUNT];
    if (have === 0 && end - start >= oc.ID_BYTES_MAX) {
      this.#identify(call, start, start + oc.ID_BYTES_MAX);
      return;
    }
    const bytes = Math.min(oc.ID_BYTES_MAX - have, end - start);
    const to = (word + oc.OC_ID_BYTES) * 4 + have;
    for (let k = 0; k < bytes; k++) this.#u8[to + k] = this.#u8[start + k];
    i32[word + oc.OC_ID_COUNT] = have + bytes;
    if (have + bytes === oc.ID_BYTES_MAX) this.#identifyGathered(call);
  }

  #identify(call: number, start: number, end: number): void {
    const i32 = this.#i32;
    const word = call >> 2;
    this.#texts.identify(call, i32[word + oc.OC_SEQUENCE], i32[word + oc.OC_KEY], start, end);
    i32[word + oc.OC_PHASE] |= PHASE_IDENTIFIED;
  }

  #identifyGathered(call: number): void {
    const start = ((call >> 2) + oc.OC_ID_BYTES) * 4;
    this.#identify(call, start, start + this.#i32[(call >> 2) + oc.OC_ID_COUNT]);
  }

  // ——— Messages ———

  /** The current message of this side is whole; true when the connection turned to another protocol. */
  #finish(position: number): boolean {
    const i32 = this.#i32;
    const d = this.#d;
    const call = i32[d + D_CALL];
    i32[d + D_CALL] = 0;
    this.#call = 0;
    this.#ended = false;
    const interim = (i32[d + D_FLAGS] & DIRECTION_INTERIM) !== 0;
    i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_INTERIM);
    if (call !== 0 && !interim) this.#finishMessage(call, (this.#origin + position) | 0, true);
    return i32[this.#at + R_UPGRADE] !== 0 && this.#applyUpgrade();
  }

  /** `whole`: its end was seen, so that an answer of which nothing bad was told is a good one. */
  #finishMessage(call: number, sequence: number, whole: boolean): void {
    const i32 = this.#i32;
    const word = call >> 2;
    this.#fingerprintBody(call);
    const phase = i32[word + oc.OC_PHASE];
    if (this.#isRequestSide(phase)) {
      i32[word + oc.OC_REQUEST_END] = this.#seconds;
      i32[word + oc.OC_REQUEST_END + 1] = this.#nanos;
      i32[word + oc.OC_SEQUENCE_END] = sequence;
      i32[word + oc.OC_PHASE] |= PHASE_REQUEST_DONE;
      if ((phase & PHASE_ONE_WAY) !== 0) {
        if (i32[word + oc.OC_OUTCOME] === OUTCOME_UNKNOWN) i32[word + oc.OC_OUTCOME] = OUTCOME_ONE_WAY;
        this.#stampEnd(word);
        this.#emit(this.#at, call);
      } else if ((phase & PHASE_ANSWER_DONE) !== 0) this.#emit(this.#at, call);
      return;
    }
    this.#stampEnd(word);
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_DONE;
    if (whole && i32[word + oc.OC_OUTCOME] === OUTCOME_UNKNOWN) i32[word + oc.OC_OUTCOME] = OUTCOME_OK;
    // A datagram's request may have been captured after it: until the connection is given up, it waits.
    const waits = (phase & PHASE_ANSWER_ONLY) !== 0 && i32[this.#at + R_KIND] >> 8 === TRANSPORT_UDP;
    if ((phase & (PHASE_REQUEST_DONE | PHASE_ANSWER_ONLY)) !== 0 && !waits) this.#emit(this.#at, call);
  }

  #stampEnd(word: number): void {
    this.#i32[word + oc.OC_END] = this.#seconds;
    this.#i32[word + oc.OC_END + 1] = this.#nanos;
  }

  #fingerprintBody(call: number): void {
    const i32 = this.#i32;
    const word = call >> 2;
    const bytes = i32[word + oc.OC_BODY_BYTES];
    if (bytes === 0 || i32[word + oc.OC_BODY_SIDE] !== this.#side) return;
    const body = i32[word + oc.OC_BODY];
    this.#texts.fingerprint(call, body, body + bytes);
    i32[word + oc.OC_BODY_BYTES] = 0;
  }

  #noteLoss(seconds: number): void {
    if (seconds > this.lossSeen) this.lossSeen = seconds;
  }

  /** Hands a call on and forgets it. */
  #emit(at: number, call: number): void {
    const i32 = this.#i32;
    const word = call >> 2;
    if ((i32[word + oc.OC_PHASE] & PHASE_IDENTIFIED) === 0) this.#identifyGathered(call);
    // An answer to nothing that we saw: the capture began later, or loses packets.
    const alone = (i32[word + oc.OC_PHASE] & PHASE_ANSWER_ONLY) !== 0;
    if (alone && i32[at + R_KIND] >> 8 === TRANSPORT_UDP) this.#noteLoss(i32[word + oc.OC_START]);
    this.#texts.nameByMethod(at, call);
    this.#sink.call(at, call);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      if (i32[d + D_CALL] === call) i32[d + D_CALL] = 0;
    }
    if (this.#call === call) this.#call = 0;
    this.#calls.close(at, call);
  }

  /** Bytes of this side are missing or make no sense: its message ends here, the next must be found. */
  #lose(): void {
    const i32 = this.#i32;
    const d = this.#d;
    const pending = i32[d + D_PENDING_BYTES];
    if (pending > 0) this.#ledger.add(RESYNC, 1, pending);
    this.#dropPending(d);
    this.#f64[(d + D_SKIP) >> 1] = 0;
    const call = i32[d + D_CALL];
    i32[d + D_CALL] = 0;
    i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_UNTIL_CLOSE);
    i32[d + D_FLAGS] |= DIRECTION_LOST | DIRECTION_HOLE;
    if (this.#side === SERVER) i32[this.#at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
    i32[this.#at + R_GROUP_REQUESTS] = GROUP_BROKEN;
    this.#protocol.lost(this.#context, i32[this.#at + R_STATE], this.#side);
    if (call === 0) return;
    const word = call >> 2;
    i32[word + oc.OC_FLAGS] |= FLAG_GAP;
    if (this.#isRequestSide(i32[word + oc.OC_PHASE])) {
      // Other observers may have the bytes of its id that we lack.
      if ((i32[word + oc.OC_PHASE] & PHASE_IDENTIFIED) === 0) i32[word + oc.OC_FLAGS] |= FLAG_WEAK;
      i32[word + oc.OC_PHASE] |= PHASE_REQUEST_LOST;
    }
    const requestEnd = i32[word + oc.OC_SEQUENCE] + this.#f64[(word + oc.OC_REQUEST_BYTES) >> 1];
    this.#finishMessage(call, requestEnd | 0, false);
  }

  /** From here on both sides speak something else. */
  #applyUpgrade(): boolean {
    const i32 = this.#i32;
    const at = this.#at;
    const code = i32[at + R_UPGRADE];
    i32[at + R_UPGRADE] = 0;
    i32[at + R_PROTOCOL_BEFORE] = i32[at + R_PROTOCOL];
    this.#dropState(at);
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      i32[d + D_CALL] = 0;
      i32[d + D_FLAGS] &= ~(DIRECTION_DONE | DIRECTION_BODY | DIRECTION_UNTIL_CLOSE | DIRECTION_LOST);
      this.#f64[(d + D_SKIP) >> 1] = 0;
      if (direction !== this.#direction || code < 0) this.#dropPending(d);
    }
    i32[at + R_GUESSES] = 0;
    if (code === UPGRADE_OPAQUE) i32[at + R_PROTOCOL] = PROTOCOL_OPAQUE;
    else if (code === UPGRADE_TLS) i32[at + R_PROTOCOL] = PROTOCOL_TLS;
    else i32[at + R_PROTOCOL] = 0;
    if (code > 0) this.#begin(code - 1);
    return true;
  }

  // ——— Recognition ———

  #recognise(start: number, end: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    const d = this.#d;
    const other = at + R_DIRECTION + (1 - this.#direction) * DIRECTION_WORDS;
    this.#dropCut(d);
    const had = i32[d + D_PENDING_BYTES];
    let from = start;
    let to = end;
    if (had > 0) {
      if (!this.#append(start, end)) {
        this.#giveUp(PROTOCOL_UNKNOWN, end - start);
        return;
      }
      from = i32[d + D_PENDING];
      to = from + i32[d + D_PENDING_BYTES];
    }
    let otherStart = i32[other + D_PENDING];
    let otherEnd = otherStart + i32[other + D_PENDING_BYTES];
    let verdict = this.#guess(from, to, otherStart, otherEnd);
    if (verdict === GUESS_NONE && this.#f64[(other + D_SKIP) >> 1] > 0) {
      // What was kept across a hole is no proof against what is here.
      this.#dropCut(other);
      otherStart = 0;
      otherEnd = 0;
      verdict = this.#guess(from, to, 0, 0);
    }
    if (verdict >= 0) {
      this.#decide(verdict);
      this.#replay(start, end, had, i32[other + D_PENDING_BYTES] > 0);
    } else if (verdict === GUESS_TLS) this.#giveUp(PROTOCOL_TLS, had > 0 ? 0 : end - start);
    else if (verdict === GUESS_WAIT) {
      const waiting = Math.max(to - from, otherEnd - otherStart);
      if (++i32[at + R_GUESSES] > GUESSES_MAX || waiting > GUESS_BYTES_MAX) {
        this.#giveUp(PROTOCOL_UNKNOWN, had > 0 ? 0 : end - start);
      } else if (had === 0 && !this.#hold(start, end)) this.#giveUp(PROTOCOL_UNKNOWN, end - start);
    } else {
      assert(verdict === GUESS_NONE, 'a guess is one of four');
      const midStream = (i32[at + R_FLAGS] & CONNECTION_MID_STREAM) !== 0;
      if (midStream && ++i32[at + R_GUESSES] < GUESSES_MID_STREAM_MAX) {
        this.#ledger.add(RESYNC, 1, had > 0 ? i32[d + D_PENDING_BYTES] : end - start);
        this.#dropPending(d);
      } else this.#giveUp(PROTOCOL_UNKNOWN, had > 0 ? 0 : end - start);
    }
  }

  #guess(start: number, end: number, otherStart: number, otherEnd: number): number {
    return guess(
      this.#context,
      this.#protocols,
      this.#at,
      this.#direction,
      start,
      end,
      otherStart,
      otherEnd,
      ONLY_ONE,
    );
  }

  /** Both sides spoke, several protocols could be meant, and nothing more will come. */
  #decideAtLast(at: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    const one = at + R_DIRECTION;
    const two = one + DIRECTION_WORDS;
    if (i32[one + D_PENDING_BYTES] === 0 || i32[two + D_PENDING_BYTES] === 0) return;
    this.#enter(at, 0, 0, seconds, nanos);
    const start = i32[one + D_PENDING];
    const other = i32[two + D_PENDING];
    const end = start + i32[one + D_PENDING_BYTES];
    const otherEnd = other + i32[two + D_PENDING_BYTES];
    const verdict = guess(this.#context, this.#protocols, at, 0, start, end, other, otherEnd, FIRST_OF_ALL);
    if (verdict < 0) return;
    this.#decide(verdict);
    const client = i32[at + R_CLIENT];
    this.#replayPending(client);
    this.#replayPending(1 - client);
  }

  /** `choice` is protocol * 2 + direction of the client. */
  #decide(choice: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    i32[at + R_CLIENT] = choice & 1;
    i32[at + R_FLAGS] |= CONNECTION_CLIENT_SURE;
    this.#side = i32[at + R_CLIENT] === this.#direction ? 0 : 1;
    this.#begin(choice >> 1);
    if ((i32[at + R_FLAGS] & CONNECTION_MID_STREAM) === 0 || i32[at + R_KIND] >> 8 === TRANSPORT_UDP) return;
    // Joined in the middle: nothing before this is known, on either side.
    this.#ledger.add(MID_STREAM, 1, 0);
    i32[at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
    // What is here need not be the beginning of a message, either.
    i32[at + R_DIRECTION + D_FLAGS] |= DIRECTION_HOLE | DIRECTION_LOST;
    i32[at + R_DIRECTION + DIRECTION_WORDS + D_FLAGS] |= DIRECTION_HOLE | DIRECTION_LOST;
  }

  #begin(index: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    i32[at + R_PROTOCOL] = index + 1;
    this.#protocol = this.#protocols[index];
    const bytes = this.#protocol.stateWords * 4;
    if (bytes > 0) {
      const state = this.#context.slabs.alloc(bytes);
      if (state === 0) {
        this.#ledger.add(HEAP_LIMIT, 1, bytes);
        i32[at + R_PROTOCOL] = PROTOCOL_UNKNOWN;
        return;
      }
      i32.fill(0, state >> 2, (state + bytes) >> 2);
      i32[at + R_STATE] = state >> 2;
      i32[at + R_STATE_BYTES] = bytes;
    }
    this.#sink.recognised(at);
  }

  /** What waited for recognition is read now: the client's first. */
  #replay(start: number, end: number, had: number, otherWaits: boolean): void {
    const direction = this.#direction;
    if (otherWaits && this.#side === SERVER) this.#replayPending(1 - direction);
    if (had > 0) this.#replayPending(direction);
    else {
      this.#side = this.#i32[this.#at + R_CLIENT] === direction ? 0 : 1;
      this.#dispatch(start, end);
    }
    if (otherWaits) this.#replayPending(1 - direction);
  }

  #replayPending(direction: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const bytes = i32[d + D_PENDING_BYTES];
    if (bytes === 0 || i32[at + R_PROTOCOL] <= 0) return;
    const slab = i32[d + D_PENDING];
    const capacity = i32[d + D_PENDING_CAPACITY];
    const now = this.#seconds;
    const nowNanos = this.#nanos;
    const ack = this.#ack;
    const origin = this.#origin;
    const from = this.#direction;
    const cut = this.#f64[(d + D_SKIP) >> 1];
    this.#f64[(d + D_SKIP) >> 1] = 0;
    this.#detachPending(d);
    this.#enter(at, direction, i32[d + D_PENDING_ACK], i32[d + D_PENDING_SECONDS], i32[d + D_PENDING_NANOS]);
    this.#origin = (i32[d + D_NEXT] - cut - bytes - slab) | 0; // D_NEXT is past the pending bytes.
    this.#dispatch(slab, slab + bytes);
    if (cut > 0) this.gap(at, direction, cut, i32[d + D_PENDING_SECONDS], i32[d + D_PENDING_NANOS]);
    this.#context.slabs.free(slab, capacity);
    this.#enter(at, from, ack, now, nowNanos);
    this.#origin = origin;
  }

  #giveUp(protocol: number, bytes: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    i32[at + R_PROTOCOL] = protocol;
    let unread = bytes;
    for (let direction = 0; direction < 2; direction++) {
      const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
      unread += i32[d + D_PENDING_BYTES];
      this.#dropPending(d);
      this.#f64[(d + D_SKIP) >> 1] = 0;
    }
    this.#unread(unread);
  }

  /** Bytes of a connection that is not read; one of unknown protocol is looked at again now and then. */
  #skipUnknown(start: number, end: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    const again = i32[at + R_PROTOCOL] === PROTOCOL_UNKNOWN ? ++i32[at + R_GUESSES] : -1;
    if (again >= 0 && (again <= RETRY_FIRST || again % RETRY_SEGMENTS === 0)) {
      i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
      const verdict = guess(this.#context, this.#protocols, at, this.#direction, start, end, 0, 0, SURE_ONLY);
      if (verdict >= 0) {
        i32[at + R_PROTOCOL] = 0;
        this.#decide(verdict);
        this.#dispatch(start, end);
        return;
      }
    }
    this.#unread(end - start);
  }

  #unread(bytes: number): void {
    const protocol = this.#i32[this.#at + R_PROTOCOL];
    const reason =
      protocol === PROTOCOL_TLS ? ENCRYPTED : protocol === PROTOCOL_OPAQUE ? NOT_DECODED : UNKNOWN_PROTOCOL;
    this.#ledger.add(reason, 1, bytes);
    this.#f64[(this.#at + R_BYTES_UNREAD) >> 1] += bytes;
  }

  #dropState(at: number): void {
    const i32 = this.#i32;
    const state = i32[at + R_STATE];
    if (state === 0) return;
    const protocol = this.#protocols[i32[at + R_PROTOCOL] - 1];
    if (protocol?.close !== undefined) protocol.close(this.#context, state);
    this.#context.slabs.free(state * 4, i32[at + R_STATE_BYTES]);
    i32[at + R_STATE] = 0;
  }

  // ——— CallWriter ———

  get selected(): boolean {
    return this.#call !== 0;
  }

  request(key: number): void {
    const i32 = this.#i32;
    const at = this.#at;
    const d = this.#d;
    if (i32[at + R_KIND] >> 8 === TRANSPORT_UDP && this.#joinEarlyAnswer(key)) return;
    if (this.#calls.full(at)) this.#shedOldest();
    const call = this.#calls.open(at, key);
    this.#select(call);
    if (call === 0) return;
    const word = call >> 2;
    this.#stampStart(word);
    if (this.#side === SERVER) i32[word + oc.OC_PHASE] |= PHASE_FROM_SERVER;
    else if (!this.#protocol.keyed) noteRequest(i32, at, call, this.#direction, this.#seconds);
    if ((i32[d + D_FLAGS] & DIRECTION_HOLE) !== 0) {
      i32[d + D_FLAGS] &= ~DIRECTION_HOLE;
      i32[word + oc.OC_PHASE] |= PHASE_AFTER_HOLE;
    }
  }

  response(key: number): void {
    const i32 = this.#i32;
    const call = this.#answered(key);
    this.#select(call);
    if (call === 0) return;
    const word = call >> 2;
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_BEGUN;
    i32[this.#at + R_GROUP_ANSWERS]++;
    i32[this.#d + D_FLAGS] &= ~DIRECTION_INTERIM;
    i32[word + oc.OC_FIRST_BYTE] = this.#stepSeconds;
    i32[word + oc.OC_FIRST_BYTE + 1] = this.#stepNanos;
  }

  interim(key: number): void {
    const call = this.#protocol.keyed ? this.#calls.find(this.#at, key) : this.#calls.oldest(this.#at);
    this.#select(call);
    this.#i32[this.#d + D_FLAGS] |= DIRECTION_INTERIM;
  }

  select(key: number): boolean {
    const call = this.#calls.find(this.#at, key);
    this.#select(call);
    return call !== 0;
  }

  rekey(key: number): void {
    if (this.#call !== 0) this.#i32[(this.#call >> 2) + oc.OC_KEY] = key;
  }

  method(start: number, end: number): void {
    if (this.#call !== 0) this.#texts.method(this.#call, start, end);
  }

  target(start: number, end: number): void {
    if (this.#call === 0) return;
    this.#texts.target(this.#at, this.#call, start, end, this.#protocol.separator ?? 0x2f);
  }

  host(start: number, end: number): void {
    if (this.#call !== 0) this.#texts.host(this.#call, start, end);
  }

  status(start: number, end: number): void {
    if (this.#call !== 0) this.#texts.status(this.#call, start, end);
  }

  statusCode(code: number): void {
    if (this.#call !== 0) this.#texts.statusCode(this.#call, code);
  }

  outcome(code: number): void {
    if (this.#call !== 0) this.#i32[(this.#call >> 2) + oc.OC_OUTCOME] = code;
  }

  flag(bits: number): void {
    if (this.#call !== 0) this.#i32[(this.#call >> 2) + oc.OC_FLAGS] |= bits;
  }

  trace(kind: number, start: number, end: number): void {
    if (this.#call !== 0) readTrace(this.#u8, this.#context.scan, this.#call, kind, start, end);
  }

  principal(start: number, end: number): void {
    if (this.#call !== 0) this.#texts.principal(this.#call, start, end);
  }

  identifiers(start: number, end: number): void {
    if (this.#call !== 0) this.#texts.fingerprint(this.#call, start, end);
  }

  /** Attributes are kept only where details were asked for; no one can ask yet. */
  detail(_nameStart: number, _nameEnd: number, _start: number, _end: number): void {}

  identity(start: number, end: number): void {
    const call = this.#call;
    if (call === 0 || (this.#i32[(call >> 2) + oc.OC_PHASE] & PHASE_IDENTIFIED) !== 0) return;
    this.#identify(call, start, end);
  }

  addressName(nameStart: number, nameEnd: number, start: number, end: number, ttlS: number): void {
    this.#sink.addressName(nameStart, nameEnd, start, end, ttlS);
  }

  skip(count: number): void {
    if (count > 0) this.#f64[(this.#d + D_SKIP) >> 1] = count;
  }

  body(count: number): void {
    this.skip(count);
    this.#i32[this.#d + D_FLAGS] |= DIRECTION_BODY;
  }

  bodyUntilClose(): void {
    this.#i32[this.#d + D_FLAGS] |= DIRECTION_BODY | DIRECTION_UNTIL_CLOSE;
  }

  done(): void {
    this.#ended = true;
    this.#i32[this.#d + D_FLAGS] |= DIRECTION_DONE;
  }

  oneWay(): void {
    if (this.#call !== 0) this.#i32[(this.#call >> 2) + oc.OC_PHASE] |= PHASE_ONE_WAY;
  }

  abort(outcome: number): void {
    const call = this.#call;
    if (call === 0) return;
    this.#i32[(call >> 2) + oc.OC_OUTCOME] = outcome;
    this.#stampEnd(call >> 2);
    this.#emit(this.#at, call);
  }

  upgrade(protocol: number): void {
    this.#i32[this.#at + R_UPGRADE] = protocol < 0 ? protocol : protocol + 1;
  }

  word(index: number): number {
    return this.#call === 0 ? 0 : this.#i32[(this.#call >> 2) + oc.OC_WORDS + index];
  }

  setWord(index: number, value: number): void {
    if (this.#call !== 0) this.#i32[(this.#call >> 2) + oc.OC_WORDS + index] = value;
  }

  // ——— Pairing ———

  #select(call: number): void {
    this.#call = call;
    this.#i32[this.#d + D_CALL] = call;
  }

  #stampStart(word: number): void {
    const i32 = this.#i32;
    i32[word + oc.OC_START] = this.#stepSeconds;
    i32[word + oc.OC_START + 1] = this.#stepNanos;
    i32[word + oc.OC_SEQUENCE] = (this.#origin + this.#stepStart) | 0;
    if (this.#i32[this.#at + R_KIND] >> 8 === TRANSPORT_UDP) i32[word + oc.OC_SEQUENCE] = 0;
    i32[word + oc.OC_ACKNOWLEDGED] = this.#stepAck;
  }

  /** The open call that the answer beginning at this step belongs to; a call of its own if none. */
  #answered(key: number): number {
    if (this.#protocol.keyed) {
      const call = this.#calls.find(this.#at, key);
      if (call === 0) return this.#answerOnly(key);
      if ((this.#i32[(call >> 2) + oc.OC_PHASE] & PHASE_ANSWER_ONLY) === 0) return call;
      // Another answer without a question under the same id.
      this.#emit(this.#at, call);
      return this.#answerOnly(key);
    }
    const i32 = this.#i32;
    const position = (this.#origin + this.#stepStart) | 0;
    for (;;) {
      const call = this.#calls.oldest(this.#at);
      if (call === 0) return this.#answerOnly(key);
      // Interim answers stand before the answer.
      const interims = this.#f64[((call >> 2) + oc.OC_RESPONSE_BYTES) >> 1];
      const verdict: Verdict = judge(i32, this.#at, call, (position - interims) | 0, this.#stepAck);
      if (verdict === PAIR) {
        i32[this.#at + R_FLAGS] &= ~CONNECTION_ANSWER_LOST;
        return call;
      }
      if (verdict === ORPHAN) return this.#answerOnly(key);
      assert(verdict === DROP || verdict === BOTH, 'a verdict is one of four');
      this.#half(call);
      // The order is broken for those behind it, too, until a position proves one of them.
      i32[this.#at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
      if (verdict === BOTH) return this.#answerOnly(key);
    }
  }

  #answerOnly(key: number): number {
    const i32 = this.#i32;
    if (this.#calls.full(this.#at)) this.#shedOldest();
    const call = this.#calls.open(this.#at, key);
    if (call === 0) return 0;
    const word = call >> 2;
    this.#stampStart(word);
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_ONLY;
    i32[word + oc.OC_FLAGS] |= FLAG_ONE_SIDED | FLAG_WEAK;
    return call;
  }

  /** A datagram that was captured after its answer: the answer has waited for it. */
  #joinEarlyAnswer(key: number): boolean {
    const i32 = this.#i32;
    const call = this.#calls.find(this.#at, key);
    if (call === 0) return false;
    const word = call >> 2;
    if ((i32[word + oc.OC_PHASE] & PHASE_ANSWER_ONLY) === 0) return false;
    const ns = (this.#seconds - i32[word + oc.OC_START]) * 1e9 + this.#nanos - i32[word + oc.OC_START + 1];
    if (ns > EARLY_ANSWER_NS) {
      // Another question under the same id: what waited has lost its own.
      this.#emit(this.#at, call);
      return false;
    }
    i32[word + oc.OC_PHASE] &= ~(PHASE_ANSWER_ONLY | PHASE_IDENTIFIED);
    i32[word + oc.OC_FLAGS] &= ~(FLAG_ONE_SIDED | FLAG_WEAK);
    i32[word + oc.OC_ID_COUNT] = 0;
    this.#select(call);
    this.#stampStart(word);
    return true;
  }

  /** A request whose answer we lost: told as such. */
  #half(call: number): void {
    this.#i32[(call >> 2) + oc.OC_FLAGS] |= FLAG_ONE_SIDED | FLAG_GAP;
    this.#i32[(call >> 2) + oc.OC_OUTCOME] = OUTCOME_UNKNOWN;
    this.#emit(this.#at, call);
  }

  /** Too many open calls: the oldest is given up, so that new ones are seen. */
  #shedOldest(): void {
    const call = this.#i32[this.#at + R_OPEN_FIRST];
    const word = call >> 2;
    this.#ledger.add(OPEN_CALL_LIMIT, 1, 0);
    this.#i32[word + oc.OC_FLAGS] |= FLAG_TRUNCATED;
    const answered = (this.#i32[word + oc.OC_PHASE] & PHASE_ANSWER_BEGUN) !== 0;
    if (!answered)
      this.#i32[word + oc.OC_OUTCOME] = this.#protocol.keyed ? OUTCOME_UNANSWERED : OUTCOME_UNKNOWN;
    this.#emit(this.#at, call);
  }
}

/**
 * TCP (RFC 9293) as an observer sees it: segments of both directions become bytes in order, whatever order,
 * copies and holes the capture has. Bytes in order are handed on where they lie; only what must wait is
 * copied. Two rules keep cause before effect when a capture is out of order:
 *
 *  - a segment waits while bytes before it are missing;
 *  - a segment waits while it acknowledges bytes of the other side that are missing.
 *
 * A hole is our loss once the receiver has acknowledged it and enough has gone by (Limits.hole…).
 */
import type { Limits } from '../../base/limits.ts';
import { reasonNumber, type Ledger } from '../../record/coverage.ts';
import type { Conversation } from '../conversation.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, type Packet } from '../decode/packet.ts';
import { isEarly, isMissing, JUMP_BYTES, unseenBytes } from './holes.ts';
import {
  CONNECTION_CLIENT_SURE,
  CONNECTION_CLOSING,
  CONNECTION_MID_STREAM,
  CONNECTION_RESET,
  CONNECTION_SECONDARY,
  D_ACKNOWLEDGED,
  D_BYTES,
  D_END,
  D_FIRST,
  D_FLAGS,
  D_GAP,
  D_HOLE_FRAME,
  D_HOLE_NANOS,
  D_HOLE_SECONDS,
  D_INTERFACE,
  D_IP_ID,
  D_NEXT,
  D_PACKETS,
  D_READ_ACK,
  D_RETRANSMITS,
  D_SEGMENTS,
  DIRECTION_ACKED,
  DIRECTION_FIN,
  DIRECTION_SEEN,
  DIRECTION_SYN,
  DIRECTION_WORDS,
  R_CLIENT,
  R_DIRECTION,
  R_FLAGS,
  R_ROUND_TRIP,
  R_SYN_NANOS,
} from './row.ts';
import {
  Segments,
  S_ACK,
  S_BYTES,
  S_NANOS,
  S_SECONDS,
  S_SEQUENCE,
  S_WIRE_BYTES,
  SEGMENT_HEAD_BYTES,
} from './segments.ts';

/** What became of a packet. */
export type Taken = 0 | 1 | 2;
export const TAKEN: Taken = 0;
/** The connection needs another look: a hole, or its end. */
export const LOOK_AGAIN: Taken = 1;
/** The packet begins another connection between the same ports: the row is to be replaced. */
export const NEW_CONNECTION: Taken = 2;

/** More than the segments that may wait, and holes between them, on both sides. */
const ROUNDS_MAX = 4096;
/** A SYN that comes after the first data of its connection by disorder is at most so far before it. */
const LATE_SYN_BYTES = 65_536;

const GAP = reasonNumber('gap');
const COPY = reasonNumber('copy');
const REASSEMBLY_LIMIT = reasonNumber('reassembly-limit');

export class Tcp {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #segments: Segments;
  readonly #conversation: Conversation;
  readonly #ledger: Ledger;
  readonly #limits: Limits;
  /** Frames so far: the capture's own clock of disorder. Set by the engine. */
  frame = 1;
  /** True once time comes from a clock, not from the packets' own stamps: then nothing older will come. */
  live = false;
  #now = 0;
  #nowNanos = 0;

  constructor(
    i32: Int32Array,
    f64: Float64Array,
    segments: Segments,
    conversation: Conversation,
    ledger: Ledger,
    limits: Limits,
  ) {
    this.#limits = limits;
    this.#i32 = i32;
    this.#f64 = f64;
    this.#segments = segments;
    this.#conversation = conversation;
    this.#ledger = ledger;
  }

  /** Takes one packet of the connection `at`; `direction` as the table told. */
  packet(packet: Packet, at: number, direction: number): Taken {
    const i32 = this.#i32;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const other = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
    const tcp = packet.flags;
    this.#now = packet.seconds;
    this.#nowNanos = packet.nanos;
    let sequence = packet.sequence;
    if ((tcp & TCP_SYN) !== 0) {
      if (!this.#syn(packet, at, d, other, direction)) return NEW_CONNECTION;
      sequence = (sequence + 1) | 0;
    }
    const bytes = packet.payloadBytes;
    if (i32[d + D_INTERFACE] === 0)
      i32[d + D_INTERFACE] = (packet.networkInterface << 1) + packet.outgoing + 1;
    i32[d + D_PACKETS]++;
    let look: Taken = TAKEN;
    if ((tcp & TCP_ACK) !== 0 && (tcp & TCP_RST) === 0) {
      const ack = packet.acknowledgement;
      const acked = (i32[d + D_FLAGS] & DIRECTION_ACKED) !== 0;
      if (!acked || ((ack - i32[d + D_ACKNOWLEDGED]) | 0) > 0) {
        i32[d + D_ACKNOWLEDGED] = ack;
        if (!acked) i32[d + D_FLAGS] |= DIRECTION_ACKED;
      }
      if ((i32[other + D_FLAGS] & DIRECTION_SEEN) === 0) {
        // The answer to our side's SYN was missed or comes late: its place is known by this.
        if ((i32[d + D_FLAGS] & DIRECTION_SYN) !== 0) {
          i32[other + D_NEXT] = ack;
          i32[other + D_FIRST] = ack;
          i32[other + D_FLAGS] |= DIRECTION_SEEN;
        }
      } else if (((ack - i32[other + D_NEXT]) | 0) > 1) look = LOOK_AGAIN;
    }
    if (bytes > 0) {
      if (this.#payload(packet, at, d, other, direction, sequence)) look = LOOK_AGAIN;
    } else if ((i32[d + D_FLAGS] & DIRECTION_SEEN) === 0 && (tcp & TCP_RST) === 0) {
      this.#place(at, d, other, sequence);
    }
    if ((tcp & (TCP_FIN | TCP_RST)) !== 0) {
      this.#ends(at, d, direction, (sequence + bytes) | 0, (tcp & TCP_RST) !== 0);
      look = LOOK_AGAIN;
    }
    if (look === LOOK_AGAIN || i32[d + D_SEGMENTS] !== 0 || i32[other + D_SEGMENTS] !== 0) {
      this.#stamp(at, 0);
      this.#stamp(at, 1);
    }
    return look;
  }

  /** Notes since when bytes of a direction are missed. */
  #stamp(at: number, direction: number): void {
    const i32 = this.#i32;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    if (!isMissing(this.#i32, at, direction)) i32[d + D_HOLE_FRAME] = 0;
    else if (i32[d + D_HOLE_FRAME] === 0) {
      i32[d + D_HOLE_FRAME] = this.frame | 1;
      i32[d + D_HOLE_SECONDS] = this.#now;
      i32[d + D_HOLE_NANOS] = this.#nowNanos;
    }
  }

  /** How long bytes have been missed: 0 not long enough, 1 long enough if acknowledged, 2 in any case. */
  #age(d: number, seconds: number, nanos: number): number {
    const i32 = this.#i32;
    if (i32[d + D_HOLE_FRAME] === 0) return 0;
    const ms = (seconds - i32[d + D_HOLE_SECONDS]) * 1000 + (nanos - i32[d + D_HOLE_NANOS]) / 1e6;
    const frames = (this.frame - i32[d + D_HOLE_FRAME]) | 0;
    if (ms >= this.#limits.holeMaxMs && (this.live || frames >= this.#limits.holeMaxFrames)) return 2;
    return frames >= this.#limits.holeFrames && ms >= this.#limits.holeMs ? 1 : 0;
  }

  /** The age of the hole behind one that was given up: what waits for it came so long ago. */
  #nextAge(d: number, seconds: number, nanos: number): number {
    const first = this.#i32[d + D_SEGMENTS];
    if (first === 0) return 0;
    const word = first >> 2;
    const ms = (seconds - this.#i32[word + S_SECONDS]) * 1000 + (nanos - this.#i32[word + S_NANOS]) / 1e6;
    if (ms >= this.#limits.holeMaxMs) return 2;
    return ms >= this.#limits.holeMs ? 1 : 0;
  }

  /** True when something waits that the other side, or time, must release. */
  waits(at: number): boolean {
    return isMissing(this.#i32, at, 0) || isMissing(this.#i32, at, 1);
  }

  /**
   * Gives up what has been missing for long enough; `all` what is missing at all. What waited behind it is
   * handed on. A hole that the receiver has not acknowledged waits for `unacked`.
   */
  giveUp(at: number, seconds: number, nanos: number, all: boolean): void {
    this.#now = seconds;
    this.#nowNanos = nanos;
    const two = at + R_DIRECTION + DIRECTION_WORDS;
    let age0 = all ? 2 : this.#age(at + R_DIRECTION, seconds, nanos);
    let age1 = all ? 2 : this.#age(two, seconds, nanos);
    // One thing a round, then what it has freed: a hole of one side may be the cause of what the other sent.
    // What waits is bounded, and so are the rounds.
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (age0 > 0 && this.#declare(at, 0, age0 === 2)) {
        if (!all) age0 = this.#nextAge(at + R_DIRECTION, seconds, nanos);
      } else if (age1 > 0 && this.#declare(at, 1, age1 === 2)) {
        if (!all) age1 = this.#nextAge(two, seconds, nanos);
      } else if (age0 > 0 && this.#readEarly(at, 0)) {
        if (!all) age0 = this.#nextAge(at + R_DIRECTION, seconds, nanos);
      } else if (age1 > 0 && this.#readEarly(at, 1)) {
        if (!all) age1 = this.#nextAge(two, seconds, nanos);
      } else break;
      this.#drain(at);
    }
    this.#now = seconds;
    this.#nowNanos = nanos;
    this.#stamp(at, 0);
    this.#stamp(at, 1);
  }

  /** Forgets what waits (the connection is not read any more). */
  drop(at: number): void {
    this.#segments.drop(at + R_DIRECTION);
    this.#segments.drop(at + R_DIRECTION + DIRECTION_WORDS);
  }

  /** False when the SYN belongs to another connection than the row's. */
  #syn(packet: Packet, at: number, d: number, other: number, direction: number): boolean {
    const i32 = this.#i32;
    const first = (packet.sequence + 1) | 0;
    const flags = i32[d + D_FLAGS];
    if ((flags & DIRECTION_SYN) !== 0) return i32[d + D_FIRST] === first;
    if ((flags & DIRECTION_SEEN) !== 0) {
      const before = (i32[d + D_FIRST] - first) | 0;
      if (before < 0 || before > LATE_SYN_BYTES) return false;
      i32[d + D_FLAGS] |= DIRECTION_SYN;
      if (before === 0) this.#fromBeginning(at, d, other);
    } else {
      i32[d + D_NEXT] = first;
      i32[d + D_FIRST] = first;
    }
    i32[d + D_FLAGS] |= DIRECTION_SYN | DIRECTION_SEEN;
    const answer = (packet.flags & TCP_ACK) !== 0;
    if ((i32[at + R_FLAGS] & CONNECTION_CLIENT_SURE) === 0) {
      i32[at + R_CLIENT] = answer ? 1 - direction : direction;
      i32[at + R_FLAGS] |= CONNECTION_CLIENT_SURE;
    }
    if (answer) this.#answersSyn(at, d, other, packet.acknowledgement);
    if (!answer) {
      i32[at + R_SYN_NANOS] = packet.seconds;
      i32[at + R_SYN_NANOS + 1] = packet.nanos;
    } else if ((i32[other + D_FLAGS] & DIRECTION_SYN) !== 0 && i32[at + R_ROUND_TRIP] === 0) {
      const ns = (packet.seconds - i32[at + R_SYN_NANOS]) * 1e9 + packet.nanos - i32[at + R_SYN_NANOS + 1];
      i32[at + R_ROUND_TRIP] = Math.max(0, Math.min(ns, 0x7fffffff));
    }
    return true;
  }

  /** A late SYN says that nothing of its side was missed: the connection was not joined in its middle. */
  #fromBeginning(at: number, d: number, other: number): void {
    const i32 = this.#i32;
    const known = (i32[other + D_FLAGS] & (DIRECTION_SYN | DIRECTION_SEEN)) !== DIRECTION_SEEN;
    if (!known || (i32[at + R_FLAGS] & CONNECTION_MID_STREAM) === 0) return;
    i32[at + R_FLAGS] &= ~CONNECTION_MID_STREAM;
    if (i32[d + D_GAP] !== 0 || i32[other + D_GAP] !== 0 || i32[at + R_CLIENT] < 0) return;
    // Once an answer has come, what was said of it stands.
    const server = at + R_DIRECTION + (1 - i32[at + R_CLIENT]) * DIRECTION_WORDS;
    if (this.#f64[(server + D_BYTES) >> 1] === 0) this.#conversation.fromBeginning(at);
  }

  /** The answer to a SYN tells where the other side begins, whether its SYN is seen or not. */
  #answersSyn(at: number, d: number, other: number, ack: number): void {
    const i32 = this.#i32;
    const flags = i32[other + D_FLAGS];
    if ((flags & DIRECTION_SYN) !== 0) return;
    if ((flags & DIRECTION_SEEN) === 0) {
      i32[other + D_NEXT] = ack;
      i32[other + D_FIRST] = ack;
      i32[other + D_FLAGS] |= DIRECTION_SYN | DIRECTION_SEEN;
    } else if (i32[other + D_FIRST] === ack) {
      i32[other + D_FLAGS] |= DIRECTION_SYN;
      this.#fromBeginning(at, other, d);
    }
  }

  /**
   * A packet without bytes tells where its side's next byte will be, before the first one is seen: one that
   * then comes ahead of its place does not hide the one before it. A keep-alive probe tells one less
   * (RFC 9293, section 3.8.4) than the other side has acknowledged.
   */
  #place(at: number, d: number, other: number, sequence: number): void {
    const i32 = this.#i32;
    const acked = (i32[other + D_FLAGS] & DIRECTION_ACKED) !== 0;
    const probe = acked && ((i32[other + D_ACKNOWLEDGED] - sequence) | 0) === 1;
    const next = probe ? i32[other + D_ACKNOWLEDGED] : sequence;
    i32[d + D_FLAGS] |= DIRECTION_SEEN;
    i32[d + D_NEXT] = next;
    i32[d + D_FIRST] = next;
    i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
  }

  /** True when the connection needs another look. */
  #payload(
    packet: Packet,
    at: number,
    d: number,
    other: number,
    direction: number,
    sequence: number,
  ): boolean {
    const i32 = this.#i32;
    const bytes = packet.payloadBytes;
    if ((i32[d + D_FLAGS] & DIRECTION_SEEN) === 0) {
      // Joined in the middle: one byte that nobody pushes is a keep-alive probe's, not the stream's next.
      if (bytes === 1 && (packet.flags & (TCP_PSH | TCP_FIN)) === 0) return false;
      i32[d + D_FLAGS] |= DIRECTION_SEEN;
      i32[d + D_NEXT] = sequence;
      i32[d + D_FIRST] = sequence;
      i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
    }
    const ahead = (sequence - i32[d + D_NEXT]) | 0;
    if (ahead + bytes <= 0 && ahead > -JUMP_BYTES) {
      this.#old(packet, at, d, direction);
      return false;
    }
    i32[d + D_IP_ID] = packet.ipId;
    this.#f64[(d + D_BYTES) >> 1] += bytes;
    if ((i32[at + R_FLAGS] & CONNECTION_SECONDARY) !== 0) {
      i32[d + D_NEXT] = (sequence + bytes) | 0;
      return false;
    }
    const early = isEarly(i32, other, packet.acknowledgement, (packet.flags & TCP_ACK) !== 0);
    if (ahead <= 0 && ahead > -JUMP_BYTES && !early && i32[d + D_SEGMENTS] === 0) {
      const start = packet.payloadStart - ahead;
      this.#deliver(at, direction, d, start, packet.payloadEnd, bytes + ahead, packet.acknowledgement);
      if (i32[other + D_SEGMENTS] !== 0) this.#drain(at);
      return bytes > packet.payloadEnd - packet.payloadStart;
    }
    const ack = (packet.flags & TCP_ACK) !== 0 ? packet.acknowledgement : i32[d + D_ACKNOWLEDGED];
    if (ahead > JUMP_BYTES || ahead <= -JUMP_BYTES) this.#jump(at, direction, d, sequence);
    const { payloadStart, payloadEnd, seconds, nanos } = packet;
    if (!this.#segments.insert(d, sequence, payloadStart, payloadEnd, bytes, ack, seconds, nanos)) {
      this.#ledger.add(REASSEMBLY_LIMIT, 1, bytes);
      this.giveUp(at, seconds, nanos, true);
      // What waited has been read; now this one is next, or a last hole lies before it.
      this.#segments.insert(d, sequence, payloadStart, payloadEnd, bytes, ack, seconds, nanos);
      this.giveUp(at, seconds, nanos, true);
      return false;
    }
    this.#drain(at);
    return true;
  }

  /** Bytes that were here before: sent again, or seen at another place. */
  #old(packet: Packet, at: number, d: number, direction: number): void {
    const i32 = this.#i32;
    const place = (packet.networkInterface << 1) + packet.outgoing + 1;
    if (place !== i32[d + D_INTERFACE] || (packet.ipId !== 0 && packet.ipId === i32[d + D_IP_ID])) {
      this.#ledger.add(COPY, 1, packet.payloadBytes);
      return;
    }
    // A keep-alive probe repeats one byte (RFC 9293, section 3.8.4).
    if (packet.payloadBytes <= 1) return;
    i32[d + D_RETRANSMITS]++;
    this.#conversation.retransmitted(at, direction);
  }

  #deliver(
    at: number,
    direction: number,
    d: number,
    start: number,
    end: number,
    wireBytes: number,
    ack: number,
  ): void {
    const i32 = this.#i32;
    const sequence = i32[d + D_NEXT];
    const captured = end - start;
    i32[d + D_NEXT] = (sequence + Math.max(0, captured)) | 0;
    i32[d + D_READ_ACK] = ack;
    i32[d + D_HOLE_FRAME] = 0;
    if (captured > 0) {
      this.#conversation.feed(at, direction, start, end, sequence, ack, this.#now, this.#nowNanos);
    }
    // The capture cut the packet: the rest of it is a hole that nothing will fill.
    if (wireBytes <= captured) return;
    i32[d + D_NEXT] = (sequence + wireBytes) | 0;
    this.#gap(at, direction, d, wireBytes - Math.max(0, captured));
  }

  #gap(at: number, direction: number, d: number, bytes: number): void {
    this.#i32[d + D_HOLE_FRAME] = 0;
    this.#i32[d + D_GAP] = Math.min(this.#i32[d + D_GAP] + bytes, 0x7fffffff);
    this.#ledger.add(GAP, 1, bytes);
    this.#conversation.gap(at, direction, bytes, this.#now, this.#nowNanos);
  }

  /** The stream goes on somewhere else: what was before is over. */
  #jump(at: number, direction: number, d: number, sequence: number): void {
    this.#segments.drop(d);
    this.#i32[d + D_NEXT] = sequence;
    this.#gap(at, direction, d, 1);
  }

  /** Hands on what can be read now, of both sides, in the order of cause and effect. */
  #drain(at: number): void {
    while (this.#drainOne(at, 0) || this.#drainOne(at, 1));
  }

  #drainOne(at: number, direction: number): boolean {
    const i32 = this.#i32;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const first = i32[d + D_SEGMENTS];
    if (first === 0) return false;
    const word = first >> 2;
    if (((i32[word + S_SEQUENCE] - i32[d + D_NEXT]) | 0) > 0) return false;
    const other = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
    if (isEarly(i32, other, i32[word + S_ACK], true)) return false;
    this.#readFirst(at, direction, d);
    return true;
  }

  #readFirst(at: number, direction: number, d: number): void {
    const i32 = this.#i32;
    const slab = this.#segments.shift(d);
    const word = slab >> 2;
    const behind = (i32[d + D_NEXT] - i32[word + S_SEQUENCE]) | 0;
    const wireBytes = i32[word + S_WIRE_BYTES];
    if (behind < wireBytes) {
      const now = this.#now;
      const nowNanos = this.#nowNanos;
      this.#now = i32[word + S_SECONDS];
      this.#nowNanos = i32[word + S_NANOS];
      const start = slab + SEGMENT_HEAD_BYTES;
      const end = start + i32[word + S_BYTES];
      const from = Math.min(start + behind, end);
      this.#deliver(at, direction, d, from, end, wireBytes - behind, i32[word + S_ACK]);
      this.#now = now;
      this.#nowNanos = nowNanos;
    }
    this.#segments.release(slab);
  }

  /** Declares one hole lost. True when there was one. */
  #declare(at: number, direction: number, all: boolean): boolean {
    const i32 = this.#i32;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const other = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
    const unseen = unseenBytes(i32, at, direction);
    const first = i32[d + D_SEGMENTS];
    if (first === 0) {
      if (unseen === 0) return false;
      i32[d + D_NEXT] = i32[other + D_ACKNOWLEDGED];
      // The FIN's number is no byte.
      const fin =
        (i32[d + D_FLAGS] & DIRECTION_FIN) !== 0 && ((i32[d + D_END] + 1 - i32[d + D_NEXT]) | 0) === 0;
      this.#gap(at, direction, d, unseen - (fin ? 1 : 0));
      return true;
    }
    const hole = (i32[(first >> 2) + S_SEQUENCE] - i32[d + D_NEXT]) | 0;
    if (hole <= 0 || (!all && unseen < hole)) return false;
    i32[d + D_NEXT] = i32[(first >> 2) + S_SEQUENCE];
    this.#gap(at, direction, d, hole);
    return true;
  }

  /** Reads what waits for the other side only, where that has no hole to declare. True when it did. */
  #readEarly(at: number, direction: number): boolean {
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    const first = this.#i32[d + D_SEGMENTS];
    if (first === 0 || ((this.#i32[(first >> 2) + S_SEQUENCE] - this.#i32[d + D_NEXT]) | 0) > 0) return false;
    if (unseenBytes(this.#i32, at, 1 - direction) > 0) return false;
    this.#readFirst(at, direction, d);
    return true;
  }

  /** FIN or RST at a position of the stream. */
  #ends(at: number, d: number, direction: number, end: number, reset: boolean): void {
    const i32 = this.#i32;
    i32[d + D_END] = end;
    if (reset) {
      i32[at + R_FLAGS] |= CONNECTION_RESET | CONNECTION_CLOSING;
      return;
    }
    const again = (i32[d + D_FLAGS] & DIRECTION_FIN) !== 0;
    i32[d + D_FLAGS] |= DIRECTION_FIN;
    if (!again && (i32[d + D_NEXT] === end || (i32[d + D_FLAGS] & DIRECTION_SEEN) === 0)) {
      this.#conversation.sideClosed(at, direction, this.#now, this.#nowNanos);
    }
    const other = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
    if ((i32[other + D_FLAGS] & DIRECTION_FIN) !== 0) i32[at + R_FLAGS] |= CONNECTION_CLOSING;
  }
}

/**
 * What protocols say of calls: CallWriter. A message is selected, and what is said lands in its slab at once.
 * Here answers find their requests.
 */
import { assert } from '../../base/assert.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import { FLAG_GAP, FLAG_ONE_SIDED, FLAG_TRUNCATED, FLAG_WEAK, OUTCOME_UNKNOWN } from '../../record/codes.ts';
import { reasonNumber } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import { TRANSPORT_UDP } from '../decode/packet.ts';
import { SERVER } from '../protocols/protocol.ts';
import {
  CONNECTION_ANSWER_LOST,
  D_CALL,
  D_FLAGS,
  D_SKIP,
  DIRECTION_BODY,
  DIRECTION_DONE,
  DIRECTION_HOLE,
  DIRECTION_INTERIM,
  DIRECTION_UNTIL_CLOSE,
  R_FLAGS,
  R_GROUP_ANSWERS,
  R_KIND,
  R_OPEN_FIRST,
  R_UPGRADE,
} from '../reassembly/row.ts';
import {
  PHASE_AFTER_HOLE,
  PHASE_ANSWER_BEGUN,
  PHASE_ANSWER_ONLY,
  PHASE_FROM_SERVER,
  PHASE_IDENTIFIED,
  PHASE_ONE_WAY,
} from './open-calls.ts';
import { BOTH, DROP, judge, ORPHAN, PAIR, type Verdict } from './pairing.ts';
import { noteRequest } from './pipelining.ts';
import { readTrace } from './trace-context.ts';
import { Turn } from './turn.ts';

/** A datagram's request comes at most so long after its answer: captures are in order but for queues. */
const EARLY_ANSWER_NS = 10e6;
const OPEN_CALL_LIMIT = reasonNumber('open-call-limit');

export abstract class Saying extends Turn implements CallWriter {
  get selected(): boolean {
    return this.call !== 0;
  }

  request(key: number, check = 0): void {
    const i32 = this.i32;
    const at = this.at;
    const d = this.d;
    if (i32[at + R_KIND] >> 8 === TRANSPORT_UDP && this.joinEarlyAnswer(key, check)) return;
    if (this.calls.full(at)) this.shedOldest();
    const call = this.calls.open(at, key);
    this.choose(call);
    if (call === 0) return;
    const word = call >> 2;
    this.stampStart(word);
    if (this.protocol.keyed) i32[word + oc.OC_SPARE] = check;
    if (this.side === SERVER) i32[word + oc.OC_PHASE] |= PHASE_FROM_SERVER;
    else if (!this.protocol.keyed) noteRequest(i32, at, call, this.direction, this.seconds);
    if ((i32[d + D_FLAGS] & DIRECTION_HOLE) !== 0) {
      i32[d + D_FLAGS] &= ~DIRECTION_HOLE;
      i32[word + oc.OC_PHASE] |= PHASE_AFTER_HOLE;
    }
  }

  response(key: number, check = 0): void {
    const i32 = this.i32;
    const call = this.answered(key, check);
    this.choose(call);
    if (call === 0) return;
    const word = call >> 2;
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_BEGUN;
    i32[this.at + R_GROUP_ANSWERS]++;
    i32[this.d + D_FLAGS] &= ~DIRECTION_INTERIM;
    i32[word + oc.OC_FIRST_BYTE] = this.stepSeconds;
    i32[word + oc.OC_FIRST_BYTE + 1] = this.stepNanos;
  }

  interim(key: number): void {
    const call = this.protocol.keyed ? this.calls.find(this.at, key, 0) : this.calls.oldest(this.at);
    this.choose(call);
    this.i32[this.d + D_FLAGS] |= DIRECTION_INTERIM;
  }

  select(key: number): boolean {
    const call = this.calls.find(this.at, key, 0);
    this.choose(call);
    return call !== 0;
  }

  rekey(key: number): void {
    if (this.call !== 0) this.i32[(this.call >> 2) + oc.OC_KEY] = key;
  }

  method(start: number, end: number): void {
    if (this.call !== 0) this.texts.method(this.call, start, end);
  }

  target(start: number, end: number): void {
    if (this.call === 0) return;
    this.texts.target(this.at, this.call, start, end, this.protocol.separator ?? 0x2f);
  }

  host(start: number, end: number): void {
    if (this.call !== 0) this.texts.host(this.call, start, end);
  }

  status(start: number, end: number): void {
    if (this.call !== 0) this.texts.status(this.call, start, end);
  }

  statusCode(code: number): void {
    if (this.call !== 0) this.texts.statusCode(this.call, code);
  }

  outcome(code: number): void {
    if (this.call !== 0) this.i32[(this.call >> 2) + oc.OC_OUTCOME] = code;
  }

  flag(bits: number): void {
    if (this.call !== 0) this.i32[(this.call >> 2) + oc.OC_FLAGS] |= bits;
  }

  trace(kind: number, start: number, end: number): void {
    if (this.call !== 0) readTrace(this.u8, this.context.scan, this.call, kind, start, end);
  }

  principal(start: number, end: number): void {
    if (this.call !== 0) this.texts.principal(this.call, start, end);
  }

  identifiers(start: number, end: number): void {
    if (this.call !== 0) this.texts.fingerprint(this.call, start, end);
  }

  /** Attributes are kept only where details were asked for; no one can ask yet. */
  detail(_nameStart: number, _nameEnd: number, _start: number, _end: number): void {}

  identity(start: number, end: number): void {
    const call = this.call;
    if (call === 0 || (this.i32[(call >> 2) + oc.OC_PHASE] & PHASE_IDENTIFIED) !== 0) return;
    this.identify(call, start, end);
  }

  addressName(nameStart: number, nameEnd: number, start: number, end: number, ttlS: number): void {
    this.sink.addressName(nameStart, nameEnd, start, end, ttlS);
  }

  skip(count: number): void {
    if (count > 0) this.f64[(this.d + D_SKIP) >> 1] = count;
  }

  body(count: number): void {
    this.skip(count);
    this.i32[this.d + D_FLAGS] |= DIRECTION_BODY;
  }

  bodyUntilClose(): void {
    this.i32[this.d + D_FLAGS] |= DIRECTION_BODY | DIRECTION_UNTIL_CLOSE;
  }

  done(): void {
    this.ended = true;
    this.i32[this.d + D_FLAGS] |= DIRECTION_DONE;
  }

  oneWay(): void {
    if (this.call !== 0) this.i32[(this.call >> 2) + oc.OC_PHASE] |= PHASE_ONE_WAY;
  }

  abort(outcome: number): void {
    const call = this.call;
    if (call === 0) return;
    this.i32[(call >> 2) + oc.OC_OUTCOME] = outcome;
    this.stampEnd(call >> 2);
    this.emit(this.at, call);
  }

  upgrade(protocol: number): void {
    this.i32[this.at + R_UPGRADE] = protocol < 0 ? protocol : protocol + 1;
  }

  word(index: number): number {
    return this.call === 0 ? 0 : this.i32[(this.call >> 2) + oc.OC_WORDS + index];
  }

  setWord(index: number, value: number): void {
    if (this.call !== 0) this.i32[(this.call >> 2) + oc.OC_WORDS + index] = value;
  }

  protected choose(call: number): void {
    this.call = call;
    this.i32[this.d + D_CALL] = call;
  }

  protected stampStart(word: number): void {
    const i32 = this.i32;
    i32[word + oc.OC_START] = this.stepSeconds;
    i32[word + oc.OC_START + 1] = this.stepNanos;
    i32[word + oc.OC_SEQUENCE] = (this.origin + this.stepStart) | 0;
    if (this.i32[this.at + R_KIND] >> 8 === TRANSPORT_UDP) i32[word + oc.OC_SEQUENCE] = 0;
    i32[word + oc.OC_ACKNOWLEDGED] = this.stepAck;
  }

  /** The open call that the answer beginning at this step belongs to; a call of its own if none. */
  protected answered(key: number, check: number): number {
    if (this.protocol.keyed) {
      const call = this.calls.find(this.at, key, check);
      if (call === 0) return this.answerOnly(key, check);
      if ((this.i32[(call >> 2) + oc.OC_PHASE] & PHASE_ANSWER_ONLY) === 0) return call;
      // Another answer without a question under the same id.
      this.emit(this.at, call);
      return this.answerOnly(key, check);
    }
    const i32 = this.i32;
    const position = (this.origin + this.stepStart) | 0;
    for (;;) {
      const call = this.calls.oldest(this.at);
      if (call === 0) return this.answerOnly(key, check);
      // Interim answers stand before the answer.
      const interims = this.f64[((call >> 2) + oc.OC_RESPONSE_BYTES) >> 1];
      const verdict: Verdict = judge(i32, this.at, call, (position - interims) | 0, this.stepAck);
      if (verdict === PAIR) {
        i32[this.at + R_FLAGS] &= ~CONNECTION_ANSWER_LOST;
        return call;
      }
      if (verdict === ORPHAN) return this.answerOnly(key, check);
      assert(verdict === DROP || verdict === BOTH, 'a verdict is one of four');
      this.half(call);
      // The order is broken for those behind it, too, until a position proves one of them.
      i32[this.at + R_FLAGS] |= CONNECTION_ANSWER_LOST;
      if (verdict === BOTH) return this.answerOnly(key, check);
    }
  }

  protected answerOnly(key: number, check: number): number {
    const i32 = this.i32;
    if (this.calls.full(this.at)) this.shedOldest();
    const call = this.calls.open(this.at, key);
    if (call === 0) return 0;
    const word = call >> 2;
    this.stampStart(word);
    i32[word + oc.OC_PHASE] |= PHASE_ANSWER_ONLY;
    i32[word + oc.OC_SPARE] = check;
    i32[word + oc.OC_FLAGS] |= FLAG_ONE_SIDED | FLAG_WEAK;
    return call;
  }

  /** A datagram that was captured after its answer: the answer has waited for it. */
  protected joinEarlyAnswer(key: number, check: number): boolean {
    const i32 = this.i32;
    const call = this.calls.find(this.at, key, check);
    if (call === 0) return false;
    const word = call >> 2;
    if ((i32[word + oc.OC_PHASE] & PHASE_ANSWER_ONLY) === 0) return false;
    const ns = (this.seconds - i32[word + oc.OC_START]) * 1e9 + this.nanos - i32[word + oc.OC_START + 1];
    if (ns > EARLY_ANSWER_NS) {
      // Another question under the same id: what waited has lost its own.
      this.emit(this.at, call);
      return false;
    }
    i32[word + oc.OC_PHASE] &= ~(PHASE_ANSWER_ONLY | PHASE_IDENTIFIED);
    i32[word + oc.OC_FLAGS] &= ~(FLAG_ONE_SIDED | FLAG_WEAK);
    i32[word + oc.OC_ID_COUNT] = 0;
    this.choose(call);
    this.stampStart(word);
    return true;
  }

  /** A request whose answer we lost: told as such. */
  protected half(call: number): void {
    this.i32[(call >> 2) + oc.OC_FLAGS] |= FLAG_ONE_SIDED | FLAG_GAP;
    this.i32[(call >> 2) + oc.OC_OUTCOME] = OUTCOME_UNKNOWN;
    this.emit(this.at, call);
  }

  /** Too many open calls: the oldest is given up, so that new ones are seen. */
  protected shedOldest(): void {
    const call = this.i32[this.at + R_OPEN_FIRST];
    const word = call >> 2;
    this.ledger.add(OPEN_CALL_LIMIT, 1, 0);
    this.i32[word + oc.OC_FLAGS] |= FLAG_TRUNCATED;
    const answered = (this.i32[word + oc.OC_PHASE] & PHASE_ANSWER_BEGUN) !== 0;
    // Its answer may come yet: that we do not wait for it says nothing of who was asked.
    if (!answered) this.i32[word + oc.OC_OUTCOME] = OUTCOME_UNKNOWN;
    this.emit(this.at, call);
  }
}

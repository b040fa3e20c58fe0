/**
 * A CallWriter that keeps what is said in plain objects: the straight-forward reading of the contract,
 * for tests of one protocol without the engine. `drive.ts` feeds it. It is strict where the contract is:
 * a broken rule throws.
 */
import assert from 'node:assert/strict';
import {
  FLAG_BODY_SKIPPED,
  FLAG_GAP,
  FLAG_ONE_SIDED,
  FLAG_WEAK,
  FLAGS,
  OUTCOMES,
} from '../../src/record/codes.ts';
import { OUTCOME_CANCELLED, OUTCOME_OK, OUTCOME_ONE_WAY, OUTCOME_RESET } from '../../src/record/codes.ts';
import { OUTCOME_UNANSWERED, OUTCOME_UNKNOWN } from '../../src/record/codes.ts';
import { FINGERPRINTS_MAX, OPEN_CALL_WORDS_OWN } from '../../src/record/open-call.ts';
import { TRACE_B3, TRACE_B3_TRACE_ID, TRACE_PARENT, TRACE_REQUEST_ID } from '../../src/record/call-writer.ts';
import { TRACE_UBER, UPGRADE_OPAQUE, UPGRADE_RECOGNISE, UPGRADE_TLS } from '../../src/record/call-writer.ts';
import type { CallWriter } from '../../src/record/call-writer.ts';
import type { Side, WireContext } from '../../src/wire/protocols/protocol.ts';

const TEXT_MAX = 1024;
/** Bytes of a body that are looked through. */
const BODY_BYTES = 2048;

/** A call as it was told, values as text. */
export class RecordedCall {
  key: number;
  /** What an answer repeats; 0 nothing. */
  check = 0;
  /** The side that asks: the client, but for pushes of the server. */
  readonly asker: Side;
  method = '-';
  target = '-';
  operation = '-';
  host = '-';
  status = '-';
  outcome = -1;
  flags = 0;
  readonly bytes = [0, 0];
  trace = '-';
  /** Every trace header told, `kind:value`. */
  readonly traces: string[] = [];
  principal = '-';
  readonly identifiers: string[] = [];
  readonly details: string[] = [];
  readonly names: string[] = [];
  identity = '-';
  fingerprints: number[] = [];
  readonly body = ['', ''];
  upgrade = '-';
  interims = 0;
  readonly words = new Int32Array(OPEN_CALL_WORDS_OWN);
  asked = false;
  answering = false;
  answered = false;
  isOneWay = false;
  ended = false;

  constructor(key: number, asker: Side) {
    this.key = key;
    this.asker = asker;
  }

  /** The fields of a golden's `=` line, as text. */
  fields(): Record<string, string> {
    const flags = FLAGS.filter((_, bit) => (this.flags & (1 << bit)) !== 0);
    return {
      method: this.method,
      target: this.target,
      status: this.status,
      outcome: (OUTCOMES[Math.max(0, this.outcome)] ?? 'unknown').replaceAll(' ', '-'),
      up: String(this.bytes[this.asker]),
      down: String(this.bytes[1 - this.asker]),
      host: this.host,
      operation: this.operation,
      flags: flags.map((name) => name.replaceAll(' ', '-')).join(',') || '-',
      trace: this.trace,
      traces: this.traces.join(',') || '-',
      principal: this.principal,
      identifiers: this.identifiers.join(',') || '-',
      fingerprints: String(this.fingerprints.length / 2),
      details: this.details.join(',') || '-',
      names: this.names.join(',') || '-',
      identity: this.identity,
      upgrade: this.upgrade,
      interims: String(this.interims),
      requestbody: this.body[this.asker] || '-',
      answerbody: this.body[1 - this.asker] || '-',
    };
  }
}

export class RecordingWriter implements CallWriter {
  /** All calls, in the order in which they began. */
  readonly calls: RecordedCall[] = [];
  /** What the driver does next on each side. */
  readonly skipLeft = [0, 0];
  readonly skipIsBody = [false, false];
  readonly untilClose = [false, false];
  upgraded: number | undefined;
  /** Bodies were asked for: their first bytes are looked through for identifiers. */
  bodies = false;

  readonly #context: WireContext;
  readonly #current: (RecordedCall | undefined)[] = [undefined, undefined];
  readonly #interim = [false, false];
  readonly #done = [false, false];
  #side: Side = 0;
  #said = 0;
  #begun = 0;

  constructor(context: WireContext) {
    this.#context = context;
  }

  /** The driver begins a step on `side`. */
  begin(side: Side): void {
    this.#side = side;
    this.#said = 0;
    this.#begun = 0;
  }

  /** The step consumed `bytes`, or failed (0 or less): then nothing may have been said. */
  end(bytes: number): void {
    if (bytes <= 0) {
      assert.equal(this.#said, 0, 'a step spoke and then consumed nothing');
      return;
    }
    assert.ok(this.#begun <= 1, 'two messages began in one step');
    this.count(this.#side, bytes);
    this.settle(this.#side);
  }

  /** Bytes of `side` belong to what is selected there. */
  count(side: Side, bytes: number): void {
    const call = this.#current[side];
    if (call !== undefined) call.bytes[side] += bytes;
  }

  bodyText(side: Side, text: string): void {
    const call = this.#current[side];
    if (call === undefined) return;
    call.body[side] += text;
    if (!this.bodies) call.flags |= FLAG_BODY_SKIPPED;
  }

  /** Ends the message of `side` when all that was skipped has passed. */
  settle(side: Side): void {
    if (!this.#done[side] || this.skipLeft[side] > 0 || this.untilClose[side]) return;
    this.#done[side] = false;
    const call = this.#current[side];
    this.#current[side] = undefined;
    if (this.#interim[side]) {
      this.#interim[side] = false;
      return;
    }
    if (call === undefined) return;
    if (this.bodies) this.#fingerprintBody(call, call.body[side].slice(0, BODY_BYTES));
    if (side === call.asker) call.asked = true;
    else call.answered = true;
    this.#finish(call);
  }

  /** Bytes of `side` were lost, or made no sense: its message ends here. */
  forget(side: Side): void {
    this.skipLeft[side] = 0;
    this.untilClose[side] = false;
    this.#done[side] = true;
    const call = this.#current[side];
    if (call !== undefined) call.flags |= FLAG_GAP;
    this.settle(side);
    // Where answers come in order, the order proves nothing once one may be missing.
    for (const open of this.calls) {
      if (open.ended || open.answering || open.key !== 0 || open.asker === side) continue;
      open.flags |= FLAG_GAP | FLAG_ONE_SIDED;
      open.outcome = OUTCOME_UNKNOWN;
      open.ended = true;
    }
  }

  close(reset: boolean): void {
    for (const side of [0, 1] as const) {
      if (!this.untilClose[side]) continue;
      this.untilClose[side] = false;
      this.#done[side] = !reset;
      this.settle(side);
    }
    for (const call of this.calls) {
      if (call.ended) continue;
      call.ended = true;
      if (call.answered || (call.upgrade !== '-' && call.outcome > 0)) continue;
      if (reset) call.outcome = OUTCOME_RESET;
      else if (!call.answering) call.outcome = call.asked ? OUTCOME_UNANSWERED : OUTCOME_CANCELLED;
    }
  }

  #finish(call: RecordedCall): void {
    if (!call.asked) return;
    if (!call.answered && !call.isOneWay) return;
    if (call.outcome < 0) call.outcome = call.isOneWay ? OUTCOME_ONE_WAY : OUTCOME_OK;
    call.ended = true;
  }

  #call(): RecordedCall | undefined {
    this.#said++;
    return this.#current[this.#side];
  }

  #text(start: number, end: number): string {
    assert.ok(start >= 0 && start <= end && end <= this.#context.u8.length, 'a range outside the memory');
    return Buffer.from(this.#context.u8.subarray(start, end)).toString('latin1');
  }

  request(key: number, check = 0): void {
    this.#said++;
    this.#begun++;
    this.#interim[this.#side] = false;
    const call = new RecordedCall(key, this.#side);
    call.check = check;
    this.calls.push(call);
    this.#current[this.#side] = call;
  }

  response(key: number, check = 0): void {
    this.#said++;
    this.#begun++;
    const call = this.#waiting(key, check) ?? this.#answerOnly(key);
    call.answering = true;
    this.#interim[this.#side] = false;
    this.#current[this.#side] = call;
  }

  interim(key: number): void {
    this.#said++;
    this.#begun++;
    const call = this.#waiting(key, 0);
    if (call !== undefined) call.interims++;
    this.#interim[this.#side] = true;
    this.#current[this.#side] = call;
  }

  /** The oldest call of `key` that waits for an answer of this side. */
  #waiting(key: number, check: number): RecordedCall | undefined {
    return this.calls.find(
      (call) =>
        !call.ended &&
        !call.answering &&
        call.key === key &&
        (check === 0 || call.check === 0 || check === call.check) &&
        call.asker !== this.#side,
    );
  }

  /** The call of an answer whose request was not seen. */
  #answerOnly(key: number): RecordedCall {
    const call = new RecordedCall(key, this.#side === 0 ? 1 : 0);
    call.flags |= FLAG_ONE_SIDED | FLAG_WEAK;
    call.asked = true;
    this.calls.push(call);
    return call;
  }

  select(key: number): boolean {
    this.#said++;
    const call = this.calls.find((one) => !one.ended && one.key === key);
    this.#current[this.#side] = call;
    return call !== undefined;
  }

  rekey(key: number): void {
    const call = this.#call();
    if (call !== undefined) call.key = key;
  }

  get selected(): boolean {
    return this.#current[this.#side] !== undefined;
  }

  method(start: number, end: number): void {
    const call = this.#call();
    if (call !== undefined) call.method = this.#text(start, end);
    if (call !== undefined) call.operation = call.method;
  }

  target(start: number, end: number): void {
    const call = this.#call();
    if (call === undefined) return;
    const { memory, scan } = this.#context;
    this.#text(start, end);
    const to = memory.inputEnd - TEXT_MAX - 64;
    call.target = this.#text(to, to + scan.redact(start, end, to, TEXT_MAX));
    call.operation = `${call.method} ${this.#text(to, to + scan.template(start, end, to, TEXT_MAX))}`;
    this.#fingerprint(call, start, end);
  }

  host(start: number, end: number): void {
    const call = this.#call();
    if (call !== undefined) call.host = this.#text(start, end);
  }

  status(start: number, end: number): void {
    const call = this.#call();
    if (call !== undefined) call.status = this.#text(start, end);
  }

  statusCode(code: number): void {
    const call = this.#call();
    if (call !== undefined) call.status = String(code);
  }

  outcome(code: number): void {
    assert.ok(code >= OUTCOME_UNKNOWN && code < OUTCOMES.length, 'an outcome of the table');
    const call = this.#call();
    if (call !== undefined) call.outcome = code;
  }

  flag(bits: number): void {
    assert.ok(bits > 0 && bits < 1 << FLAGS.length, 'a flag of the table');
    const call = this.#call();
    if (call !== undefined) call.flags |= bits;
  }

  trace(kind: number, start: number, end: number): void {
    const call = this.#call();
    if (call === undefined) return;
    const value = this.#text(start, end);
    call.traces.push(`${kind}:${value}`);
    const id = traceId(kind, value);
    if (id !== '') call.trace = id;
  }

  principal(start: number, end: number): void {
    const call = this.#call();
    if (call !== undefined) call.principal = this.#text(start, end);
  }

  identifiers(start: number, end: number): void {
    const call = this.#call();
    if (call === undefined) return;
    call.identifiers.push(this.#text(start, end));
    this.#fingerprint(call, start, end);
  }

  /** Adds the fingerprints of a range, as the engine does. */
  #fingerprint(call: RecordedCall, start: number, end: number): void {
    const { memory, scan, i32 } = this.#context;
    const out = (memory.inputEnd - TEXT_MAX - 256) >> 2;
    const have = call.fingerprints.length / 2;
    i32.set(call.fingerprints, out);
    const count = scan.fingerprints(start, end, out, have, FINGERPRINTS_MAX);
    call.fingerprints = [...i32.subarray(out, out + 2 * count)];
  }

  #fingerprintBody(call: RecordedCall, body: string): void {
    const start = this.#context.memory.inputEnd - TEXT_MAX - 256 - BODY_BYTES - 64;
    this.#context.u8.set(Buffer.from(body, 'latin1'), start);
    this.#fingerprint(call, start, start + body.length);
  }

  detail(nameStart: number, nameEnd: number, start: number, end: number): void {
    const call = this.#call();
    const text = `${this.#text(nameStart, nameEnd)}=${this.#text(start, end)}`;
    if (call !== undefined) call.details.push(text);
  }

  identity(start: number, end: number): void {
    const call = this.#call();
    if (call !== undefined) call.identity = this.#text(start, end);
  }

  addressName(
    nameStart: number,
    nameEnd: number,
    addressStart: number,
    addressEnd: number,
    ttlS: number,
  ): void {
    const call = this.#call();
    const bytes = addressEnd - addressStart;
    assert.ok(bytes === 4 || bytes === 16, 'an address of 4 or 16 bytes');
    const address = Buffer.from(this.#context.u8.subarray(addressStart, addressEnd)).toString('hex');
    if (call !== undefined) call.names.push(`${this.#text(nameStart, nameEnd)}=${address}/${ttlS}`);
  }

  skip(count: number): void {
    this.#pass(count, false);
  }

  body(count: number): void {
    this.#pass(count, true);
  }

  #pass(count: number, isBody: boolean): void {
    this.#said++;
    assert.ok(Number.isSafeInteger(count) && count >= 0, 'a length');
    assert.equal(this.skipLeft[this.#side], 0, 'one skip or body a step');
    this.skipLeft[this.#side] = count;
    this.skipIsBody[this.#side] = isBody;
  }

  bodyUntilClose(): void {
    this.#said++;
    this.untilClose[this.#side] = true;
  }

  done(): void {
    this.#said++;
    this.#done[this.#side] = true;
  }

  oneWay(): void {
    const call = this.#call();
    if (call === undefined) return;
    call.isOneWay = true;
    this.#finish(call);
  }

  abort(outcome: number): void {
    const call = this.#call();
    if (call === undefined) return;
    call.outcome = outcome;
    call.ended = true;
    this.#current[this.#side] = undefined;
  }

  upgrade(protocol: number): void {
    const call = this.#call();
    this.upgraded = protocol;
    if (call !== undefined) call.upgrade = UPGRADE_NAMES.get(protocol) ?? String(protocol);
  }

  word(index: number): number {
    assert.ok(index >= 0 && index < OPEN_CALL_WORDS_OWN, 'a word of the call');
    return this.#current[this.#side]?.words[index] ?? 0;
  }

  setWord(index: number, value: number): void {
    assert.ok(index >= 0 && index < OPEN_CALL_WORDS_OWN, 'a word of the call');
    const call = this.#call();
    if (call !== undefined) call.words[index] = value;
  }
}

const UPGRADE_NAMES = new Map([
  [UPGRADE_RECOGNISE, 'recognise'],
  [UPGRADE_OPAQUE, 'opaque'],
  [UPGRADE_TLS, 'tls'],
]);

/** The trace id of a header's value, 32 hex digits, or nothing. */
function traceId(kind: number, value: string): string {
  const parts = value.split(kind === TRACE_UBER ? ':' : '-');
  let id = '';
  if (kind === TRACE_PARENT) id = parts[1] ?? '';
  else if (kind === TRACE_B3 || kind === TRACE_UBER) id = parts[0];
  else if (kind === TRACE_B3_TRACE_ID) id = value;
  else if (kind === TRACE_REQUEST_ID) id = value.replaceAll('-', '');
  return /^[0-9a-f]{1,32}$/i.test(id) ? id.toLowerCase().padStart(32, '0') : '';
}

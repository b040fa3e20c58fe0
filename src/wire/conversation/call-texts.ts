/**
 * What a call says of itself in texts: target, operation, trace context, identifiers. Redaction, templates
 * and fingerprints happen here, once for all protocols, before anything leaves the worker.
 */
import type { Limits } from '../../base/limits.ts';
import { SCRATCH } from '../../base/memory.ts';
import { slabCapacity } from '../../base/slab.ts';
import { FLAG_TRUNCATED } from '../../record/codes.ts';
import { reasonNumber, type Ledger } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import type { Operations } from '../../record/operations.ts';
import type { StringTable } from '../../record/string-table.ts';
import type { WireContext } from '../protocols/protocol.ts';
import { R_SERVER_ENDPOINT } from '../reassembly/row.ts';
import { TextMemo } from './text-memo.ts';

/** Our part of the scratch: texts being made, 8 KiB. */
const TEMPLATE = SCRATCH + 256 * 1024;
const PART = TEMPLATE + 4096;
/** Bytes that say which message it is: 32 of a stream's, and a DNS question. */
const IDENTITY_BYTES_MAX = 512;
/** Room for what stands for a secret may be more than the secret took. */
const REDACTION_GROWTH = 64;
/** Longer templates are cut: STRING_BYTES_MAX less the method. */
const TEMPLATE_MAX = 960;

/** First keys of what is remembered; those of operations are methods, 0 and up. */
const MEMO_HOST = -1;
const MEMO_WORD = -2;

const HEAP_LIMIT = reasonNumber('heap-limit');
const STAR = 0x2a;
const AT = 0x40;
const COLON = 0x3a;
const DOT = 0x2e;
/**
 * A shorter text has no secret's shape (SECRET_MIN of the scan): most methods, statuses and labels of
 * hosts.
 */
const SHAPED_MIN = 16;
/** Longer hosts are cut; names have 255 bytes. */
const HOST_MAX = 1024;
/** Shares of the string table, as powers of two. */
const HOST_SHARE_SHIFT = 2;
const WORD_SHARE_SHIFT = 4;

export class CallTexts {
  readonly #context: WireContext;
  readonly #limits: Limits;
  readonly #strings: StringTable;
  readonly #operations: Operations;
  readonly #ledger: Ledger;
  readonly #statusCodes = new Int32Array(1000);
  readonly #memo: TextMemo;
  #hosts = 0;
  #words = 0;

  constructor(
    context: WireContext,
    limits: Limits,
    strings: StringTable,
    operations: Operations,
    ledger: Ledger,
  ) {
    this.#context = context;
    this.#limits = limits;
    this.#strings = strings;
    this.#operations = operations;
    this.#ledger = ledger;
    this.#memo = new TextMemo(context.memory, context.scan);
  }

  /** Keeps the target redacted, names the operation, takes fingerprints. `separator` parts a target. */
  target(at: number, call: number, start: number, end: number, separator: number): void {
    const { i32, u8, scan, slabs } = this.#context;
    const word = call >> 2;
    const most = this.#limits.targetBytes;
    const capacity = slabCapacity(Math.min(end - start + REDACTION_GROWTH, most));
    let text = i32[word + oc.OC_TARGET];
    if (text !== 0) slabs.free(text, i32[word + oc.OC_TARGET_CAPACITY]);
    text = slabs.alloc(capacity);
    i32[word + oc.OC_TARGET] = text;
    if (text === 0) {
      this.#ledger.add(HEAP_LIMIT, 1, 0);
      return;
    }
    if (end - start > most) i32[word + oc.OC_FLAGS] |= FLAG_TRUNCATED;
    const bytes = scan.redact(start, end, text, Math.min(capacity, most));
    i32[word + oc.OC_TARGET_BYTES] = bytes;
    i32[word + oc.OC_TARGET_CAPACITY] = capacity;
    this.fingerprint(call, start, end);
    const length =
      separator === 0x2f
        ? scan.template(text, text + bytes, TEMPLATE, TEMPLATE_MAX)
        : this.#parts(u8, text, text + bytes, separator);
    this.#operation(at, word, TEMPLATE, TEMPLATE + length);
  }

  /** Names the operation of a call without a target: its method. */
  nameByMethod(at: number, call: number): void {
    const i32 = this.#context.i32;
    const word = call >> 2;
    if (i32[word + oc.OC_OPERATION] !== 0 || i32[word + oc.OC_METHOD] === 0) return;
    this.#operation(at, word, TEMPLATE, TEMPLATE);
  }

  #operation(at: number, word: number, start: number, end: number): void {
    const i32 = this.#context.i32;
    const low = i32[at + R_SERVER_ENDPOINT];
    const high = i32[at + R_SERVER_ENDPOINT + 1];
    const method = i32[word + oc.OC_METHOD];
    const known = this.#memo.find(start, end, method, low, high);
    if (known !== 0) {
      i32[word + oc.OC_OPERATION] = known;
      return;
    }
    const limited = this.#operations.limited;
    const operation = this.#operations.operationOf(low, high, method, start, end);
    i32[word + oc.OC_OPERATION] = operation;
    // One beyond the limit may be granted later, and is counted each time.
    if (this.#operations.limited === limited) this.#memo.remember(start, end, method, low, high, operation);
  }

  /** `cart:7` → `cart:*`: what the rules of paths call an identifier in a part becomes a star. */
  #parts(u8: Uint8Array, start: number, end: number, separator: number): number {
    const scan = this.#context.scan;
    const stop = Math.min(end, start + TEMPLATE_MAX);
    let to = TEMPLATE;
    for (let part = start; part <= stop;) {
      let partEnd = part;
      let digits = 0;
      let stars = 0;
      while (partEnd < stop && u8[partEnd] !== separator) {
        const byte = u8[partEnd++];
        if (byte >= 0x30 && byte <= 0x39) digits++;
        else if (byte === STAR) stars++;
      }
      // Only what has a digit, is long, or holds what redaction left can be an identifier.
      if (digits > 0 || stars > 2 || partEnd - part >= 16) {
        to = copyStarred(u8, PART, PART + scan.template(part, partEnd, PART, TEMPLATE_MAX), to);
      } else for (let k = part; k < partEnd; k++) u8[to++] = u8[k];
      if (partEnd >= stop) break;
      u8[to++] = separator;
      part = partEnd + 1;
    }
    return to - TEMPLATE;
  }

  fingerprint(call: number, start: number, end: number): void {
    const i32 = this.#context.i32;
    const word = call >> 2;
    const have = i32[word + oc.OC_FINGERPRINT_COUNT];
    if (have >= oc.FINGERPRINTS_MAX) return;
    const out = word + oc.OC_FINGERPRINTS;
    i32[word + oc.OC_FINGERPRINT_COUNT] = this.#context.scan.fingerprints(
      start,
      end,
      out,
      have,
      oc.FINGERPRINTS_MAX,
    );
  }

  /** The user or session: the first one said counts. */
  principal(call: number, start: number, end: number): void {
    const { i32, scan } = this.#context;
    const word = (call >> 2) + oc.OC_PRINCIPAL;
    if (end <= start || (i32[word] | i32[word + 1]) !== 0) return;
    i32[word] = scan.sipHash(start, end);
    i32[word + 1] = scan.high();
  }

  method(call: number, start: number, end: number): void {
    this.#context.i32[(call >> 2) + oc.OC_METHOD] = this.#word(start, end);
  }

  /** Without user and password, which some put before it, and without secrets by their shape. */
  host(call: number, start: number, end: number): void {
    let id = this.#memo.find(start, end, MEMO_HOST, 0, 0);
    if (id === 0) {
      id = this.#hostOf(start, end);
      this.#memo.remember(start, end, MEMO_HOST, 0, 0, id);
    }
    this.#context.i32[(call >> 2) + oc.OC_HOST] = id;
  }

  #hostOf(start: number, end: number): number {
    const u8 = this.#context.u8;
    let from = start;
    let run = 0;
    let longest = 0;
    let colon = end;
    for (let p = start; p < end; p++) {
      const byte = u8[p];
      run++;
      if (byte === AT) from = p + 1;
      if (byte === COLON) colon = p;
      if (byte === AT || byte === COLON || byte === DOT) run = 0;
      else if (run > longest) longest = run;
    }
    if (longest < SHAPED_MIN) return this.#internHost(from, end);
    return this.#hiddenHost(from, Math.max(from, colon), end);
  }

  /** Hosts have a quarter of the table: a scanner that makes them up must not take the names of others. */
  #internHost(start: number, end: number): number {
    const known = this.#strings.find(start, end);
    if (known !== 0) return known;
    if (this.#hosts >= this.#limits.strings >> HOST_SHARE_SHIFT) {
      this.#strings.refused++;
      return 0;
    }
    this.#hosts++;
    return this.#strings.internSparing(start, end);
  }

  status(call: number, start: number, end: number): void {
    this.#context.i32[(call >> 2) + oc.OC_STATUS] = this.#word(start, end);
  }

  /** A method or status: what is no word of the protocol may be anything that somebody sent. */
  #word(start: number, end: number): number {
    const known = this.#memo.find(start, end, MEMO_WORD, 0, 0);
    if (known !== 0) return known;
    // Whoever sends requests can make up methods, too: they have a sixteenth.
    if (this.#words >= this.#limits.strings >> WORD_SHARE_SHIFT) return this.#knownWord(start, end);
    const before = this.#strings.count;
    const id = this.#wordOf(start, end);
    this.#words += this.#strings.count - before;
    this.#memo.remember(start, end, MEMO_WORD, 0, 0, id);
    return id;
  }

  #knownWord(start: number, end: number): number {
    const known = end - start < SHAPED_MIN ? this.#strings.find(start, end) : 0;
    if (known === 0) this.#strings.refused++;
    return known;
  }

  #wordOf(start: number, end: number): number {
    if (end - start < SHAPED_MIN) return this.#strings.intern(start, end);
    const bytes = this.#context.scan.redact(start, end, PART, HOST_MAX);
    return this.#strings.intern(PART, PART + bytes);
  }

  /** The port is put back behind the name: `auth:8080` is no secret by its name. */
  #hiddenHost(start: number, colon: number, end: number): number {
    const { u8, scan } = this.#context;
    let to = PART + scan.redact(start, colon, PART, HOST_MAX);
    const stop = Math.min(end, colon + SHAPED_MIN);
    for (let p = colon; p < stop; p++) u8[to++] = u8[p];
    return this.#internHost(PART, to);
  }

  /** A status number; texts of those below 1,000 are made once. */
  statusCode(call: number, code: number): void {
    let id = code < 1000 ? this.#statusCodes[code] : 0;
    if (id === 0) id = this.#strings.internText(String(code));
    if (code < 1000) this.#statusCodes[code] = id;
    this.#context.i32[(call >> 2) + oc.OC_STATUS] = id;
  }

  /**
   * The call id: SipHash of (sequence number of the first byte, key, first bytes). Any observer of the
   * request has these, whatever stands between.
   */
  identify(call: number, sequence: number, key: number, start: number, end: number): void {
    const stop = end - start > IDENTITY_BYTES_MAX ? start + IDENTITY_BYTES_MAX : end;
    this.#context.scan.callId(sequence, key, start, stop, (call >> 2) + oc.OC_CALL);
  }
}

/** Copies a template, each `{id}` in it as a star; answers the end. */
function copyStarred(u8: Uint8Array, start: number, end: number, at: number): number {
  let to = at;
  for (let p = start; p < end; p++) {
    const isId =
      u8[p] === 0x7b && p + 3 < end && u8[p + 1] === 0x69 && u8[p + 2] === 0x64 && u8[p + 3] === 0x7d;
    u8[to++] = isId ? STAR : u8[p];
    if (isId) p += 3;
  }
  return to;
}

/**
 * Finished calls as columns, until they leave as one block. `add` copies a call out of its slab (see
 * open-call.ts) and allocates nothing; every column already lies as ClickHouse wants it.
 */
import { assert } from '../base/assert.ts';
import type { WireMemory } from '../base/memory.ts';
import { FLAG_TRUNCATED } from './codes.ts';
import { fixed, type Batch, type ColumnData } from './columns.ts';
import { putCount, putDuration, putNanos } from './nanos.ts';
import * as oc from './open-call.ts';
import { CALL_COLUMNS, type CallColumn } from './schema.ts';

/** What the calls of one connection share: one object per worker, filled anew before each `add`. */
export class CallContext {
  connection = 0;
  worker = 0;
  run = 0;
  serverPort = 0;
  /** Endpoint ids, two 32-bit words each. */
  clientLow = 0;
  clientHigh = 0;
  serverLow = 0;
  serverHigh = 0;
  /** VANTAGE_*. */
  vantage = 0;
  /** String ids. */
  sensor = 0;
  protocol = 0;
  /** 1 / sampling probability. */
  weight = 1;
  /** FLAG_* bits of the connection, added to the call's own. */
  flags = 0;
}

export class CallBatch implements Batch {
  readonly capacity: number;
  count = 0;
  /** As CALL_COLUMNS. */
  readonly columns: readonly ColumnData[];

  readonly #memory: WireMemory;
  readonly #call: Int32Array;
  readonly #connection: Int32Array;
  readonly #worker: Uint8Array;
  readonly #run: Int32Array;
  readonly #sequence: Int32Array;
  readonly #stream: Int32Array;
  readonly #start: Int32Array;
  readonly #requestEnd: Int32Array;
  readonly #firstByte: Int32Array;
  readonly #end: Int32Array;
  readonly #client: Int32Array;
  readonly #server: Int32Array;
  readonly #serverPort: Uint16Array;
  readonly #sensor: Int32Array;
  readonly #vantage: Uint8Array;
  readonly #protocol: Int32Array;
  readonly #method: Int32Array;
  readonly #operation: Int32Array;
  readonly #target: Uint8Array;
  readonly #targetEnd: Int32Array;
  readonly #host: Int32Array;
  readonly #status: Int32Array;
  readonly #outcome: Uint8Array;
  readonly #requestBytes: Int32Array;
  readonly #responseBytes: Int32Array;
  readonly #retransmits: Int32Array;
  readonly #trace: Int32Array;
  readonly #span: Int32Array;
  readonly #parent: Int32Array;
  readonly #fingerprints: Int32Array;
  readonly #fingerprintsEnd: Int32Array;
  readonly #principal: Int32Array;
  readonly #weight: Float32Array;
  readonly #flags: Int32Array;

  /** Room for `capacity` rows with `targetBytes` bytes of targets in all; not touched until used. */
  constructor(memory: WireMemory, capacity: number, targetBytes: number) {
    assert(capacity > 0 && targetBytes > 0, 'a batch has room');
    this.#memory = memory;
    this.capacity = capacity;
    const words = (count: number): Int32Array => new Int32Array(capacity * count);
    this.#call = words(2);
    this.#connection = words(1);
    this.#worker = new Uint8Array(capacity);
    this.#run = words(1);
    this.#sequence = words(1);
    this.#stream = words(1);
    this.#start = words(2);
    this.#requestEnd = words(2);
    this.#firstByte = words(2);
    this.#end = words(2);
    this.#client = words(2);
    this.#server = words(2);
    this.#serverPort = new Uint16Array(capacity);
    this.#sensor = words(1);
    this.#vantage = new Uint8Array(capacity);
    this.#protocol = words(1);
    this.#method = words(1);
    this.#operation = words(1);
    this.#target = new Uint8Array(targetBytes);
    this.#targetEnd = words(1);
    this.#host = words(1);
    this.#status = words(1);
    this.#outcome = new Uint8Array(capacity);
    this.#requestBytes = words(2);
    this.#responseBytes = words(2);
    this.#retransmits = words(1);
    this.#trace = words(4);
    this.#span = words(2);
    this.#parent = words(2);
    this.#fingerprints = words(2 * oc.FINGERPRINTS_MAX);
    this.#fingerprintsEnd = words(1);
    this.#principal = words(2);
    this.#weight = new Float32Array(capacity);
    this.#flags = words(1);
    this.columns = this.#inOrder();
  }

  /**
   * Copies the finished call at the slab address `openCall` into the next row. False, and nothing copied,
   * when there is no room: send the batch, `clear` it, and add again, which then holds.
   */
  add(openCall: number, context: CallContext): boolean {
    const row = this.count;
    if (row === this.capacity) return false;
    const call = openCall >> 2;
    const i32 = this.#memory.i32;
    const u8 = this.#memory.u8;

    const from = row === 0 ? 0 : this.#targetEnd[row - 1];
    const source = i32[call + oc.OC_TARGET];
    let bytes = source === 0 ? 0 : i32[call + oc.OC_TARGET_BYTES];
    let flags = i32[call + oc.OC_FLAGS] | context.flags;
    if (from + bytes > this.#target.length) {
      if (row > 0) return false;
      // A target larger than the whole batch would never find room.
      bytes = this.#target.length;
      flags |= FLAG_TRUNCATED;
    }
    const target = this.#target;
    for (let at = 0; at < bytes; at++) target[from + at] = u8[source + at];
    this.#targetEnd[row] = from + bytes;

    this.#addIdentity(row, call, context);
    this.#addTimes(row, call);
    this.#method[row] = i32[call + oc.OC_METHOD];
    this.#operation[row] = i32[call + oc.OC_OPERATION];
    this.#host[row] = i32[call + oc.OC_HOST];
    this.#status[row] = i32[call + oc.OC_STATUS];
    this.#outcome[row] = i32[call + oc.OC_OUTCOME];
    putCount(this.#requestBytes, row * 2, this.#memory.f64[(call + oc.OC_REQUEST_BYTES) >> 1]);
    putCount(this.#responseBytes, row * 2, this.#memory.f64[(call + oc.OC_RESPONSE_BYTES) >> 1]);
    this.#retransmits[row] = i32[call + oc.OC_RETRANSMITS];
    this.#addJoins(row, call);
    this.#weight[row] = context.weight;
    this.#flags[row] = flags;
    this.count = row + 1;
    return true;
  }

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
  }

  #addIdentity(row: number, call: number, context: CallContext): void {
    const i32 = this.#memory.i32;
    const pair = row * 2;
    this.#call[pair] = i32[call + oc.OC_CALL];
    this.#call[pair + 1] = i32[call + oc.OC_CALL + 1];
    this.#connection[row] = context.connection;
    this.#worker[row] = context.worker;
    this.#run[row] = context.run;
    this.#sequence[row] = i32[call + oc.OC_ORDINAL];
    this.#stream[row] = i32[call + oc.OC_KEY];
    this.#client[pair] = context.clientLow;
    this.#client[pair + 1] = context.clientHigh;
    this.#server[pair] = context.serverLow;
    this.#server[pair + 1] = context.serverHigh;
    this.#serverPort[row] = context.serverPort;
    this.#sensor[row] = context.sensor;
    this.#vantage[row] = context.vantage;
    this.#protocol[row] = context.protocol;
  }

  #addTimes(row: number, call: number): void {
    const u32 = this.#memory.u32;
    const pair = row * 2;
    const seconds = u32[call + oc.OC_START];
    const nanos = u32[call + oc.OC_START + 1];
    putNanos(this.#start, pair, seconds, nanos);
    const requestEnd = call + oc.OC_REQUEST_END;
    putDuration(this.#requestEnd, pair, seconds, nanos, u32[requestEnd], u32[requestEnd + 1]);
    const firstByte = call + oc.OC_FIRST_BYTE;
    putDuration(this.#firstByte, pair, seconds, nanos, u32[firstByte], u32[firstByte + 1]);
    const end = call + oc.OC_END;
    putDuration(this.#end, pair, seconds, nanos, u32[end], u32[end + 1]);
  }

  #addJoins(row: number, call: number): void {
    const i32 = this.#memory.i32;
    for (let word = 0; word < 4; word++) this.#trace[row * 4 + word] = i32[call + oc.OC_TRACE + word];
    for (let word = 0; word < 2; word++) {
      this.#span[row * 2 + word] = i32[call + oc.OC_SPAN + word];
      this.#parent[row * 2 + word] = i32[call + oc.OC_PARENT + word];
      this.#principal[row * 2 + word] = i32[call + oc.OC_PRINCIPAL + word];
    }
    const from = row === 0 ? 0 : this.#fingerprintsEnd[row - 1];
    const count = i32[call + oc.OC_FINGERPRINT_COUNT];
    assert(count >= 0 && count <= oc.FINGERPRINTS_MAX, 'fingerprints of a call are bounded');
    for (let word = 0; word < count * 2; word++) {
      this.#fingerprints[from * 2 + word] = i32[call + oc.OC_FINGERPRINTS + word];
    }
    this.#fingerprintsEnd[row] = from + count;
  }

  #inOrder(): readonly ColumnData[] {
    const name = (ids: Int32Array): ColumnData => ({ kind: 'name', ids });
    const byName: Record<CallColumn, ColumnData> = {
      call: fixed(this.#call, 8),
      connection: fixed(this.#connection, 4),
      worker: fixed(this.#worker, 1),
      run: fixed(this.#run, 4),
      sequence: fixed(this.#sequence, 4),
      stream: fixed(this.#stream, 4),
      start: fixed(this.#start, 8),
      request_end: fixed(this.#requestEnd, 8),
      first_byte: fixed(this.#firstByte, 8),
      end: fixed(this.#end, 8),
      client_endpoint: fixed(this.#client, 8),
      server_endpoint: fixed(this.#server, 8),
      server_port: fixed(this.#serverPort, 2),
      sensor: name(this.#sensor),
      vantage: fixed(this.#vantage, 1),
      protocol: name(this.#protocol),
      method: name(this.#method),
      operation: name(this.#operation),
      target: { kind: 'text', bytes: this.#target, ends: this.#targetEnd },
      host: name(this.#host),
      status: name(this.#status),
      outcome: fixed(this.#outcome, 1),
      request_bytes: fixed(this.#requestBytes, 8),
      response_bytes: fixed(this.#responseBytes, 8),
      retransmits: fixed(this.#retransmits, 4),
      trace_id: fixed(this.#trace, 16),
      span_id: fixed(this.#span, 8),
      parent_span_id: fixed(this.#parent, 8),
      fingerprints: { kind: 'list', words: this.#fingerprints, ends: this.#fingerprintsEnd },
      principal: fixed(this.#principal, 8),
      weight: fixed(this.#weight, 4),
      flags: fixed(this.#flags, 4),
    };
    return CALL_COLUMNS.map((column) => byName[column.name]);
  }
}

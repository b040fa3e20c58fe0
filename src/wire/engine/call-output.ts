/**
 * Where finished calls go: into the batch, the aggregate and, the first time a connection has one, the
 * connection log. Gives connections their endpoint ids and keeps views of one call from being counted twice.
 */
import { SCRATCH, type WireMemory } from '../../base/memory.ts';
import type { Limits } from '../../base/limits.ts';
import { addressText } from '../../record/address.ts';
import type { Aggregate } from '../../record/aggregate.ts';
import { CallContext, type CallBatch } from '../../record/call-batch.ts';
import { FLAG_MID_STREAM } from '../../record/codes.ts';
import { ConnectionRow, type ConnectionBatch } from '../../record/connection-batch.ts';
import * as log from '../../record/connection-log.ts';
import { reasonNumber, type Ledger } from '../../record/coverage.ts';
import * as oc from '../../record/open-call.ts';
import type { StringTable } from '../../record/string-table.ts';
import { decodeText } from '../../record/text.ts';
import type { ConversationSink } from '../conversation/turn.ts';
import { TRANSPORT_TCP, TRANSPORT_UDP } from '../decode/packet.ts';
import type { EngineSink } from '../engine.ts';
import type { Protocol } from '../protocols/protocol.ts';
import type { Claims } from '../reassembly/claims.ts';
import * as row from '../reassembly/row.ts';
import type { Scan } from '../scan/scan.ts';

export interface CallOutputOptions {
  readonly memory: WireMemory;
  readonly limits: Limits;
  readonly scan: Scan;
  readonly ledger: Ledger;
  readonly protocols: readonly Protocol[];
  readonly sink: EngineSink;
  readonly worker: number;
  readonly run: number;
  readonly sensor: string;
  readonly vantage: number;
  readonly strings: StringTable;
  readonly aggregate: Aggregate;
  readonly claims: Claims;
  readonly batch: CallBatch;
  /** A batch without rows, for what is told between two blocks. */
  readonly empty: CallBatch;
  readonly connections: ConnectionBatch;
  readonly log: log.ConnectionLog;
  /** Word index of row 0. */
  readonly firstRow: number;
}

/** Input of an endpoint id: address, then port. Behind the texts of a call, see call-texts. */
const ENDPOINT = SCRATCH + 256 * 1024 + 16_384;
/** Two views of a datagram are at most so far apart (resolvers repeat themselves after seconds). */
const DATAGRAM_VIEW_NS = 200e6;
/** Names and hosts told to main are remembered, so that each is told about once a minute. */
const TOLD_SLOTS = 4096;
const TOLD_SECONDS = 60;

const DUPLICATE_VIEW = reasonNumber('duplicate-view');
const STRING_LIMIT = reasonNumber('string-limit');

export class CallOutput implements ConversationSink {
  readonly #o: CallOutputOptions;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #f64: Float64Array;
  readonly #context = new CallContext();
  readonly #connection = new ConnectionRow();
  readonly #protocolIds: Int32Array;
  readonly #told = new Int32Array(TOLD_SLOTS * 2); // hash, second
  #second = 0;
  #flushedSecond = 0;
  #refused = 0;

  constructor(options: CallOutputOptions) {
    this.#o = options;
    this.#i32 = options.memory.i32;
    this.#u8 = options.memory.u8;
    this.#f64 = options.memory.f64;
    this.#protocolIds = new Int32Array(options.protocols.length);
    for (let k = 0; k < options.protocols.length; k++) {
      this.#protocolIds[k] = options.strings.internText(options.protocols[k].name);
    }
    const context = this.#context;
    context.worker = options.worker;
    context.run = options.run;
    context.vantage = options.vantage;
    context.sensor = options.strings.internText(options.sensor);
  }

  call(at: number, call: number): void {
    const i32 = this.#i32;
    const context = this.#context;
    if (this.#isOtherView(at, call)) return;
    if ((i32[at + row.R_FLAGS] & row.CONNECTION_TOLD) === 0) this.#log(at);
    context.connection = i32[at + row.R_NUMBER];
    context.serverPort = this.#port(at, 1 - i32[at + row.R_CLIENT]);
    context.clientLow = i32[at + row.R_CLIENT_ENDPOINT];
    context.clientHigh = i32[at + row.R_CLIENT_ENDPOINT + 1];
    context.serverLow = i32[at + row.R_SERVER_ENDPOINT];
    context.serverHigh = i32[at + row.R_SERVER_ENDPOINT + 1];
    context.protocol = this.#protocolOf(at);
    context.flags = (i32[at + row.R_FLAGS] & row.CONNECTION_MID_STREAM) !== 0 ? FLAG_MID_STREAM : 0;
    const { aggregate, batch, sink } = this.#o;
    if (!aggregate.add(context, call)) {
      sink.aggregate(aggregate);
      aggregate.add(context, call);
    }
    this.#tellHost(i32[(call >> 2) + oc.OC_HOST]);
    if (!batch.add(call, context)) {
      this.flush();
      batch.add(call, context);
    }
  }

  /** Endpoint ids: any worker or sensor makes the same ones of an address (and the server's port). */
  recognised(at: number): void {
    const i32 = this.#i32;
    const scan = this.#o.scan;
    const client = i32[at + row.R_CLIENT];
    if (i32[at + row.R_CLIENT_ENDPOINT] !== 0 || i32[at + row.R_SERVER_ENDPOINT] !== 0) return;
    const bytes = (i32[at + row.R_KIND] & 0xff) === 4 ? 4 : 16;
    const from = this.#address(at, client);
    i32[at + row.R_CLIENT_ENDPOINT] = scan.sipHash(from, from + bytes);
    i32[at + row.R_CLIENT_ENDPOINT + 1] = scan.high();
    const to = this.#address(at, 1 - client);
    const port = this.#port(at, 1 - client);
    for (let k = 0; k < bytes; k++) this.#u8[ENDPOINT + k] = this.#u8[to + k];
    this.#u8[ENDPOINT + bytes] = port & 0xff;
    this.#u8[ENDPOINT + bytes + 1] = port >> 8;
    i32[at + row.R_SERVER_ENDPOINT] = scan.sipHash(ENDPOINT, ENDPOINT + bytes + 2);
    i32[at + row.R_SERVER_ENDPOINT + 1] = scan.high();
  }

  addressName(nameStart: number, nameEnd: number, start: number, end: number, ttlS: number): void {
    const scan = this.#o.scan;
    const hash = (scan.hash(nameStart, nameEnd) ^ Math.imul(scan.hash(start, end), 31)) | 0;
    if (!this.#news(hash)) return;
    const name = decodeText(this.#u8, nameStart, nameEnd);
    this.#o.sink.addressName(name, addressText(this.#u8, start, end - start), ttlS);
  }

  /** A connection with calls has ended. */
  connection(at: number, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    const client = at + row.R_DIRECTION + i32[at + row.R_CLIENT] * row.DIRECTION_WORDS;
    const server = at + row.R_DIRECTION + (1 - i32[at + row.R_CLIENT]) * row.DIRECTION_WORDS;
    const line = this.#connection;
    line.connection = i32[at + row.R_NUMBER];
    line.worker = this.#o.worker;
    line.run = this.#o.run;
    line.sensor = this.#context.sensor;
    line.protocol = this.#protocolOf(at);
    line.clientAt = this.#address(at, i32[at + row.R_CLIENT]);
    line.serverAt = this.#address(at, 1 - i32[at + row.R_CLIENT]);
    line.addressBytes = (i32[at + row.R_KIND] & 0xff) === 4 ? 4 : 16;
    line.clientPort = this.#port(at, i32[at + row.R_CLIENT]);
    line.serverPort = this.#port(at, 1 - i32[at + row.R_CLIENT]);
    line.transport = i32[at + row.R_KIND] >> 8 === TRANSPORT_TCP ? 0 : 1;
    line.openedSeconds = i32[at + row.R_OPENED];
    line.openedNanos = i32[at + row.R_OPENED + 1];
    line.closedSeconds = seconds;
    line.closedNanos = nanos;
    line.roundTripNanos = i32[at + row.R_ROUND_TRIP];
    line.clientBytes = this.#f64[(client + row.D_BYTES) >> 1];
    line.serverBytes = this.#f64[(server + row.D_BYTES) >> 1];
    line.clientPackets = i32[client + row.D_PACKETS];
    line.serverPackets = i32[server + row.D_PACKETS];
    line.retransmits = i32[client + row.D_RETRANSMITS] + i32[server + row.D_RETRANSMITS];
    line.gapBytes = i32[client + row.D_GAP] + i32[server + row.D_GAP];
    line.flags = (i32[at + row.R_FLAGS] & row.CONNECTION_MID_STREAM) !== 0 ? FLAG_MID_STREAM : 0;
    const { connections } = this.#o;
    if (connections.add(line)) return;
    // Calls first: who reads them asks for their connections, until those are told to be over.
    this.flush();
    connections.add(line);
  }

  /** Bytes not read between a pair of endpoints; they are in the ledger's sums already. */
  unreadPair(at: number, reason: number, bytes: number): void {
    const client = this.#i32[at + row.R_CLIENT] === 1 ? 1 : 0;
    const length = (this.#i32[at + row.R_KIND] & 0xff) === 4 ? 4 : 16;
    const one = addressText(this.#u8, this.#address(at, client), length);
    const two = addressText(this.#u8, this.#address(at, 1 - client), length);
    this.#o.ledger.pair(reason, 1, bytes, one, `${two}:${this.#port(at, 1 - client)}`);
  }

  tick(seconds: number): void {
    this.#second = seconds;
    const age = (seconds - this.#flushedSecond) * 1000;
    if (this.#o.batch.count > 0 && age >= this.#o.limits.blockMs) this.flush();
  }

  /** Connections that are new go to main at once: who is behind them may be gone soon. */
  tellConnections(): void {
    const { empty, log: entries, sink } = this.#o;
    if (entries.count === 0) return;
    sink.calls(empty, entries);
    entries.count = 0;
  }

  flush(): void {
    const { batch, connections, ledger, log: entries, sink, strings } = this.#o;
    this.#flushedSecond = this.#second;
    ledger.add(STRING_LIMIT, strings.refused - this.#refused, 0);
    this.#refused = strings.refused;
    if (batch.count > 0 || entries.count > 0) sink.calls(batch, entries);
    batch.clear();
    entries.count = 0;
    if (connections.count > 0) sink.connections(connections);
    connections.clear();
  }

  /**
   * The same call at another place, where connections could not tell (joined in the middle, or UDP): who
   * claims its id first counts it.
   */
  #isOtherView(at: number, call: number): boolean {
    const i32 = this.#i32;
    const flags = i32[at + row.R_FLAGS];
    if ((flags & row.CONNECTION_SECONDARY) !== 0) return true;
    const udp = i32[at + row.R_KIND] >> 8 === TRANSPORT_UDP;
    if (!udp && (flags & row.CONNECTION_CLAIMED) !== 0) return false;
    const word = call >> 2;
    const owner = ((this.#o.worker + 1) << 24) ^ (i32[at + row.R_HASH] & 0xffffff) ^ 0x40000000;
    const seconds = i32[word + oc.OC_START];
    const nanos = i32[word + oc.OC_START + 1];
    const client = at + row.R_DIRECTION + i32[at + row.R_CLIENT] * row.DIRECTION_WORDS;
    const server = at + row.R_DIRECTION + (1 - i32[at + row.R_CLIENT]) * row.DIRECTION_WORDS;
    // Where only the answer was seen, the client has no place.
    const place = i32[client + row.D_INTERFACE] || i32[server + row.D_INTERFACE];
    const { claims } = this.#o;
    const low = i32[word + oc.OC_CALL];
    const high = i32[word + oc.OC_CALL + 1];
    const taken = udp
      ? claims.takenAt(low, high, owner, place, seconds, nanos, DATAGRAM_VIEW_NS)
      : claims.taken(low, high, owner, place, seconds);
    if (taken) this.#o.ledger.add(DUPLICATE_VIEW, 1, 0);
    return taken;
  }

  #log(at: number): void {
    const i32 = this.#i32;
    i32[at + row.R_FLAGS] |= row.CONNECTION_TOLD;
    const entries = this.#o.log;
    const to = entries.add();
    const words = entries.words;
    const client = i32[at + row.R_CLIENT];
    words[to + log.LOG_NUMBER] = i32[at + row.R_NUMBER];
    words[to + log.LOG_VERSION] = i32[at + row.R_KIND] & 0xff;
    for (let k = 0; k < 4; k++) {
      words[to + log.LOG_CLIENT + k] = i32[(this.#address(at, client) >> 2) + k];
      words[to + log.LOG_SERVER + k] = i32[(this.#address(at, 1 - client) >> 2) + k];
    }
    words[to + log.LOG_PORTS] = this.#port(at, client) | (this.#port(at, 1 - client) << 16);
    words[to + log.LOG_PROTOCOL] = this.#protocolOf(at);
    for (let k = 0; k < 2; k++) {
      words[to + log.LOG_CLIENT_ENDPOINT + k] = i32[at + row.R_CLIENT_ENDPOINT + k];
      words[to + log.LOG_SERVER_ENDPOINT + k] = i32[at + row.R_SERVER_ENDPOINT + k];
    }
    words[to + log.LOG_OPENED] = i32[at + row.R_OPENED];
    words[to + log.LOG_TRANSPORT] = i32[at + row.R_KIND] >> 8;
    const d = at + row.R_DIRECTION + client * row.DIRECTION_WORDS;
    words[to + log.LOG_INTERFACE] = (i32[d + row.D_INTERFACE] - 1) >> 1;
    words[to + log.LOG_ROUND_TRIP] = i32[at + row.R_ROUND_TRIP];
    words[to + log.LOG_ROW] = (at - this.#o.firstRow) / row.ROW_WORDS;
  }

  #tellHost(host: number): void {
    if (host === 0) return;
    const { serverLow, serverHigh } = this.#context;
    if (this.#news(Math.imul(host, 0x9e3779b1) ^ serverLow))
      this.#o.sink.hostName(host, serverLow, serverHigh);
  }

  /** True when this was not told lately. */
  #news(hash: number): boolean {
    const slot = (hash & (TOLD_SLOTS - 1)) * 2;
    if (this.#told[slot] === hash && this.#second - this.#told[slot + 1] < TOLD_SECONDS) return false;
    this.#told[slot] = hash;
    this.#told[slot + 1] = this.#second;
    return true;
  }

  #protocolOf(at: number): number {
    let index = this.#i32[at + row.R_PROTOCOL];
    if (index <= 0) index = this.#i32[at + row.R_PROTOCOL_BEFORE];
    return index > 0 ? this.#protocolIds[index - 1] : 0;
  }

  /** Where the address of the endpoint that sends in `direction` lies. */
  #address(at: number, direction: number): number {
    return (at + (direction === 0 ? row.R_LOW : row.R_HIGH)) << 2;
  }

  #port(at: number, direction: number): number {
    const ports = this.#i32[at + row.R_PORTS];
    return direction === 0 ? ports & 0xffff : ports >>> 16;
  }
}

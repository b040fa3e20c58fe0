/**
 * The whole way of a packet in one worker: frame → packet → connection → bytes in order → calls → columns.
 * It is pure: time comes with the packets (or by `tick`), memory and secrets from outside, and results go to
 * the sink. Sources (ring, file) and threads are others' business.
 */
import type { Limits } from '../base/limits.ts';
import { Slabs } from '../base/slab.ts';
import type { WireMemory } from '../base/memory.ts';
import { Aggregate } from '../record/aggregate.ts';
import { CallBatch } from '../record/call-batch.ts';
import { ConnectionBatch } from '../record/connection-batch.ts';
import { ConnectionLog } from '../record/connection-log.ts';
import { reasonNumber, type Ledger } from '../record/coverage.ts';
import { Operations } from '../record/operations.ts';
import { StringTable } from '../record/string-table.ts';
import type { FrameSink } from './capture/frame-sink.ts';
import { Conversation } from './conversation.ts';
import type { ConversationSink } from './conversation/turn.ts';
import { CAPTURE_ENDED, ENDED, IDLE, type Ending } from './conversation/ending.ts';
import { Decoder, DECODED } from './decode/decode.ts';
import { Packet, TCP_SYN, TRANSPORT_TCP } from './decode/packet.ts';
import { CallOutput } from './engine/call-output.ts';
import type { Protocol, WireContext } from './protocols/protocol.ts';
import { Attention } from './reassembly/attention.ts';
import { Claims, CLAIMS_WORDS } from './reassembly/claims.ts';
import { ConnectionTable } from './reassembly/connection-table.ts';
import {
  CONNECTION_CLAIMED,
  CONNECTION_CLOSING,
  CONNECTION_DETACHED,
  CONNECTION_LAST_LOOK,
  CONNECTION_MID_STREAM,
  CONNECTION_QUEUED,
  CONNECTION_SECONDARY,
  CONNECTION_TOLD,
  D_BYTES,
  D_FIRST,
  D_FLAGS,
  D_INTERFACE,
  D_INTERFACE_SEEN,
  D_PACKETS,
  DIRECTION_SYN,
  DIRECTION_WORDS,
  PROTOCOL_OPAQUE,
  PROTOCOL_TLS,
  R_BYTES_UNREAD,
  R_CLIENT,
  R_CLIENT_ENDPOINT,
  R_DIRECTION,
  R_FLAGS,
  R_HASH,
  R_KIND,
  R_NUMBER,
  R_OPEN_FIRST,
  R_OPENED,
  R_PROTOCOL,
  R_SEEN,
  R_SERVER_ENDPOINT,
  ROW_BYTES,
} from './reassembly/row.ts';
import { Segments } from './reassembly/segments.ts';
import { LOOK_AGAIN, NEW_CONNECTION, Tcp } from './reassembly/tcp.ts';
import type { Scan } from './scan/scan.ts';

/** What leaves the engine. Batches are cleared after the call: encode or copy within it. */
export interface EngineSink {
  /** Finished calls, and the connections that they are on (log entries come no later than their calls). */
  calls(batch: CallBatch, log: ConnectionLog): void;
  /** Connections that have ended. */
  connections(batch: ConnectionBatch): void;
  /** Room in the aggregate is used up before its second was over. */
  aggregate(aggregate: Aggregate): void;
  /** A DNS answer said that `name` stands for the address. */
  addressName(name: string, address: string, ttlS: number): void;
  /** A request named its server: string id of the host, endpoint id of the server. */
  hostName(host: number, serverLow: number, serverHigh: number): void;
}

export interface EngineOptions {
  readonly memory: WireMemory;
  readonly limits: Limits;
  readonly scan: Scan;
  readonly ledger: Ledger;
  readonly protocols: readonly Protocol[];
  readonly sink: EngineSink;
  /** Random, so that traffic cannot choose its hash bucket. */
  readonly seed: number;
  readonly worker: number;
  /** Number of this run: connections are unique with worker and run. */
  readonly run: number;
  readonly sensor: string;
  readonly vantage: number;
  /** Fingerprints of bodies too. */
  readonly bodies: boolean;
  /** CLAIMS_WORDS zeros, shared by the workers of a sensor. */
  readonly claims?: Int32Array | undefined;
  /** True for packets of eastwest itself. */
  readonly own?: ((packet: Packet) => boolean) | undefined;
}

/** Frames between two looks at what waits. */
const LOOK_FRAMES = 64;
/** Idle connections are looked for once a second of the capture, but not more often than this. */
const SWEEP_FRAMES = 4096;
/** A place that has not shown a direction for so long is no longer the one to read it at. */
const PLACE_SECONDS = 5;
const TARGET_BYTES_PER_ROW = 96;
/**
 * Once half of the table is taken, flows of datagrams without open calls and connections that nobody has
 * answered go after this long: 50,000 questions a second from ports of their own, or a flood of SYNs, fit.
 */
const PRESSED_MS = 1000;

const OWN_TRAFFIC = reasonNumber('own-traffic');
const CONNECTION_LIMIT = reasonNumber('connection-limit');
const DUPLICATE_VIEW = reasonNumber('duplicate-view');
const COPY = reasonNumber('copy');
const UNKNOWN_PROTOCOL = reasonNumber('unknown-protocol');
const ENCRYPTED = reasonNumber('encrypted');
const NOT_DECODED = reasonNumber('not-decoded');

export class Engine implements FrameSink {
  readonly strings: StringTable;
  readonly operations: Operations;
  readonly aggregate: Aggregate;
  readonly ledger: Ledger;
  /** Frames and bytes on the wire so far. */
  frames = 0;
  bytes = 0;

  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #limits: Limits;
  readonly #packet = new Packet();
  readonly #decoder: Decoder;
  readonly #table: ConnectionTable;
  readonly #attention: Attention;
  readonly #claims: Claims;
  readonly #conversation: Conversation;
  readonly #tcp: Tcp;
  readonly #output: CallOutput;
  readonly #slabs: Slabs;
  readonly #own: ((packet: Packet) => boolean) | undefined;
  readonly #worker: number;
  #numbers = 0;
  #second = 0;
  #sweptAt = 0;

  constructor(options: EngineOptions) {
    const { memory, limits, scan, ledger } = options;
    this.#i32 = memory.i32;
    this.#f64 = memory.f64;
    this.#limits = limits;
    this.ledger = ledger;
    this.#own = options.own;
    this.#worker = options.worker;
    scan.setSeed(options.seed);
    this.#table = new ConnectionTable(memory, memory.heapStart, limits.connections, options.seed);
    this.#slabs = new Slabs(memory, memory.heapStart + limits.connections * ROW_BYTES, memory.heapEnd);
    this.#decoder = new Decoder(memory, this.#slabs, limits, ledger);
    this.#attention = new Attention(memory, this.#table, limits);
    this.#claims = new Claims(options.claims ?? new Int32Array(CLAIMS_WORDS));
    this.strings = new StringTable(memory, scan, limits.strings, limits.strings * 32);
    this.operations = new Operations(memory, this.strings, ledger, limits.operationsPerServer);
    this.aggregate = new Aggregate(memory);
    const context: WireContext = { memory, u8: memory.u8, i32: memory.i32, slabs: this.#slabs, scan };
    this.#output = new CallOutput({
      ...options,
      strings: this.strings,
      aggregate: this.aggregate,
      claims: this.#claims,
      empty: new CallBatch(memory, 1, 1),
      batch: new CallBatch(memory, limits.blockRows, limits.blockRows * TARGET_BYTES_PER_ROW),
      connections: new ConnectionBatch(memory, 4096),
      log: new ConnectionLog(),
      firstRow: this.#table.at(0),
    });
    const sink: ConversationSink = this.#output;
    this.#conversation = new Conversation({
      context,
      limits,
      ledger,
      protocols: options.protocols,
      strings: this.strings,
      operations: this.operations,
      sink,
      bodies: options.bodies,
    });
    const segments = new Segments(memory, this.#slabs, limits);
    this.#tcp = new Tcp(memory.i32, memory.f64, segments, this.#conversation, ledger, limits);
  }

  frame(
    link: number,
    start: number,
    end: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    networkInterface: number,
    outgoing: number,
  ): void {
    const packet = this.#packet;
    packet.seconds = seconds;
    packet.nanos = nanos;
    packet.networkInterface = networkInterface;
    packet.outgoing = outgoing;
    this.bytes += wireBytes;
    const frames = ++this.frames;
    if ((frames & (LOOK_FRAMES - 1)) === 0 || seconds !== this.#second) this.tick(seconds, nanos);
    if (this.#decoder.decode(packet, link, start, end, wireBytes) === DECODED) this.packet(packet);
  }

  /** One packet, decoded. */
  packet(packet: Packet): void {
    if (this.#own !== undefined && this.#own(packet)) {
      this.ledger.add(OWN_TRAFFIC, 1, packet.payloadBytes);
      return;
    }
    const table = this.#table;
    let at = table.find(packet);
    const direction = table.direction;
    const tcp = packet.transport === TRANSPORT_TCP;
    if (at === 0) {
      // Without bytes and without a beginning there is nothing to learn yet.
      if (packet.payloadBytes === 0 && (!tcp || (packet.flags & TCP_SYN) === 0)) return;
      at = this.#open(packet);
      if (at === 0) return;
    }
    if (tcp) this.#segment(packet, at, direction);
    else this.#datagram(packet, at, direction);
  }

  /** Time has come this far: looks at what waits, and for idle connections. */
  tick(seconds: number, nanos: number): void {
    this.#look(seconds, nanos, false);
    if (seconds === this.#second) return;
    this.#second = seconds;
    this.#decoder.tick(seconds);
    this.#output.tick(seconds);
    if (this.frames - this.#sweptAt < SWEEP_FRAMES && this.frames > 0 && this.#table.used > SWEEP_FRAMES)
      return;
    this.#sweptAt = this.frames;
    this.#sweep(seconds, nanos);
  }

  /** As `tick`, for a live source: a second of the clock has passed, whatever packets came. */
  tickLive(seconds: number, nanos: number): void {
    this.#tcp.live = true;
    this.#attention.live = true;
    this.#sweptAt = -SWEEP_FRAMES;
    this.tick(seconds, nanos);
  }

  /** Hands over the connections that are new, before their calls. */
  tellConnections(): void {
    this.#output.tellConnections();
  }

  /** Hands over what is finished. */
  flush(): void {
    this.#output.flush();
  }

  /** The capture is over: whatever is open ends. */
  end(): void {
    const packet = this.#packet;
    const { seconds, nanos } = packet;
    this.#look(seconds, nanos, true);
    for (let row = 0; row < this.#table.used; row++) {
      const at = this.#table.at(row);
      if (this.#i32[at + R_KIND] === 0) continue;
      this.#tcp.giveUp(at, seconds, nanos, true);
    }
    for (let row = 0; row < this.#table.used; row++) {
      const at = this.#table.at(row);
      if (this.#i32[at + R_KIND] !== 0) this.#close(at, this.#endingAt(at, seconds), seconds, nanos);
    }
    this.#decoder.finish();
    this.flush();
  }

  /** Memory that connections and what is partial take now: rows, bytes in slabs. */
  usage(): { connections: number; slabBytes: number } {
    return { connections: this.#table.count, slabBytes: this.#slabs.usedBytes };
  }

  /** Main has found who is behind an end of a connection: its calls get that endpoint from now on. */
  assign(row: number, number: number, isServer: boolean, low: number, high: number): void {
    if (row < 0 || row >= this.#table.used) return;
    const at = this.#table.at(row);
    if (this.#i32[at + R_KIND] === 0 || this.#i32[at + R_NUMBER] !== number) return;
    const endpoint = isServer ? R_SERVER_ENDPOINT : R_CLIENT_ENDPOINT;
    this.#i32[at + endpoint] = low;
    this.#i32[at + endpoint + 1] = high;
  }

  /** Loss that the source knows of (the kernel's drops): what is missing is not told as unanswered. */
  lost(seconds: number): void {
    this.#conversation.lossSeen = seconds;
  }

  #open(packet: Packet): number {
    const at = this.#table.create();
    if (at === 0) {
      this.ledger.add(CONNECTION_LIMIT, 1, packet.payloadBytes);
      return 0;
    }
    const i32 = this.#i32;
    i32[at + R_NUMBER] = ++this.#numbers;
    i32[at + R_SEEN] = packet.seconds;
    i32[at + R_OPENED] = packet.seconds;
    i32[at + R_OPENED + 1] = packet.nanos;
    return at;
  }

  #segment(packet: Packet, at: number, direction: number): void {
    const i32 = this.#i32;
    this.#tcp.frame = this.frames;
    let row = at;
    let taken = this.#tcp.packet(packet, row, direction);
    if (taken === NEW_CONNECTION) {
      this.#close(row, ENDED, packet.seconds, packet.nanos);
      row = this.#open(packet);
      if (row === 0) return;
      taken = this.#tcp.packet(packet, row, direction);
    }
    i32[row + R_SEEN] = packet.seconds;
    const flags = i32[row + R_FLAGS];
    if ((flags & (CONNECTION_CLAIMED | CONNECTION_MID_STREAM)) === 0 && (packet.flags & TCP_SYN) !== 0) {
      this.#claim(row, packet.seconds);
    }
    if ((flags & CONNECTION_SECONDARY) !== 0) this.ledger.add(DUPLICATE_VIEW, 1, packet.payloadBytes);
    if (taken === LOOK_AGAIN) this.#attention.add(row, this.frames, packet.seconds, packet.nanos);
  }

  /** Both initial sequence numbers are known: another view of the connection may be counted already. */
  #claim(at: number, seconds: number): void {
    const i32 = this.#i32;
    const one = at + R_DIRECTION;
    const two = one + DIRECTION_WORDS;
    if ((i32[one + D_FLAGS] & i32[two + D_FLAGS] & DIRECTION_SYN) === 0) return;
    const client = i32[at + R_CLIENT] === 1 ? two : one;
    const server = i32[at + R_CLIENT] === 1 ? one : two;
    // The answer to a SYN tells its number, too, but not where the SYN would have been seen.
    if (i32[client + D_INTERFACE] === 0) return;
    i32[at + R_FLAGS] |= CONNECTION_CLAIMED;
    const owner = this.#ownerOf(at);
    const place = i32[client + D_INTERFACE];
    if (!this.#claims.taken(i32[client + D_FIRST], i32[server + D_FIRST], owner, place, seconds)) return;
    i32[at + R_FLAGS] |= CONNECTION_SECONDARY;
    this.#tcp.drop(at);
  }

  /** Who claims: never 0, the same for a connection that is opened again between the same ports. */
  #ownerOf(at: number): number {
    return ((this.#worker + 1) << 24) ^ (this.#i32[at + R_HASH] & 0xffffff) ^ 0x40000000;
  }

  #datagram(packet: Packet, at: number, direction: number): void {
    const i32 = this.#i32;
    const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
    i32[at + R_SEEN] = packet.seconds;
    const place = (packet.networkInterface << 1) + packet.outgoing + 1;
    const known = i32[d + D_INTERFACE];
    if (known === 0 || packet.seconds - i32[d + D_INTERFACE_SEEN] > PLACE_SECONDS)
      i32[d + D_INTERFACE] = place;
    else if (known !== place) {
      this.ledger.add(COPY, 1, packet.payloadBytes);
      return;
    }
    i32[d + D_INTERFACE_SEEN] = packet.seconds;
    i32[d + D_PACKETS]++;
    this.#f64[(d + D_BYTES) >> 1] += packet.payloadBytes;
    const { payloadStart, payloadEnd, seconds, nanos } = packet;
    if (payloadEnd > payloadStart) {
      this.#conversation.datagram(at, direction, payloadStart, payloadEnd, seconds, nanos);
    }
  }

  /** Looks at connections that had to wait: holes are given up, ended ones closed. */
  #look(seconds: number, nanos: number, all: boolean): void {
    const i32 = this.#i32;
    this.#tcp.frame = this.frames;
    for (;;) {
      const at = this.#attention.next(this.frames, seconds, nanos, all);
      if (at === 0) return;
      if ((i32[at + R_FLAGS] & CONNECTION_DETACHED) !== 0) {
        this.#table.free(at);
        continue;
      }
      const closing = (i32[at + R_FLAGS] & CONNECTION_CLOSING) !== 0;
      // It was queued before it ended, maybe: what is late then gets as long again.
      if (closing && !all && (i32[at + R_FLAGS] & CONNECTION_LAST_LOOK) === 0) {
        i32[at + R_FLAGS] |= CONNECTION_LAST_LOOK;
        this.#attention.add(at, this.frames, seconds, nanos);
        continue;
      }
      this.#tcp.giveUp(at, seconds, nanos, all || closing);
      if (closing) this.#close(at, ENDED, seconds, nanos);
      else if (!all && this.#tcp.waits(at)) this.#attention.add(at, this.frames, seconds, nanos);
    }
  }

  #sweep(seconds: number, nanos: number): void {
    const i32 = this.#i32;
    const pressed = this.#table.count * 2 > this.#limits.connections;
    for (let row = 0; row < this.#table.used; row++) {
      const at = this.#table.at(row);
      if (i32[at + R_KIND] === 0 || (i32[at + R_FLAGS] & CONNECTION_DETACHED) !== 0) continue;
      // Words have 32 bits: seconds after 2038 wrap around in them.
      const idleMs = ((seconds - i32[at + R_SEEN]) | 0) * 1000;
      if (idleMs <= this.#idleMs(at, pressed)) {
        if (i32[at + R_OPEN_FIRST] !== 0 && i32[at + R_KIND] >> 8 !== TRANSPORT_TCP) {
          this.#conversation.overdue(at, seconds);
        }
        continue;
      }
      this.#tcp.giveUp(at, seconds, nanos, true);
      this.#close(at, IDLE, seconds, nanos);
    }
  }

  /** How long a connection may be silent; `pressed`: what would lose nothing makes room for new ones. */
  #idleMs(at: number, pressed: boolean): number {
    const i32 = this.#i32;
    if (i32[at + R_KIND] >> 8 !== TRANSPORT_TCP) {
      return pressed && i32[at + R_OPEN_FIRST] === 0 ? PRESSED_MS : this.#limits.datagramAnswerMs;
    }
    const one = at + R_DIRECTION;
    const two = one + DIRECTION_WORDS;
    // One side asks for a connection, and the other says nothing (a scan, a flood).
    const bytes = this.#f64[(one + D_BYTES) >> 1] + this.#f64[(two + D_BYTES) >> 1];
    const answered = i32[one + D_PACKETS] !== 0 && i32[two + D_PACKETS] !== 0;
    return pressed && !answered && bytes === 0 ? PRESSED_MS : this.#limits.idleMs;
  }

  /** A datagram's answer that is overdue when the capture ends will not come. */
  #endingAt(at: number, seconds: number): Ending {
    if ((this.#i32[at + R_FLAGS] & CONNECTION_CLOSING) !== 0) return ENDED;
    const tcp = this.#i32[at + R_KIND] >> 8 === TRANSPORT_TCP;
    const overdue = (seconds - this.#i32[at + R_SEEN]) * 1000 > this.#limits.datagramAnswerMs;
    return !tcp && overdue ? IDLE : CAPTURE_ENDED;
  }

  #close(at: number, ending: Ending, seconds: number, nanos: number): void {
    const i32 = this.#i32;
    if ((i32[at + R_FLAGS] & CONNECTION_DETACHED) !== 0) return;
    this.#tcp.drop(at);
    this.#conversation.close(at, ending, seconds, nanos);
    this.#tellUnread(at);
    if ((i32[at + R_FLAGS] & CONNECTION_TOLD) !== 0) this.#output.connection(at, seconds, nanos);
    this.#table.detach(at);
    i32[at + R_FLAGS] |= CONNECTION_DETACHED;
    if ((i32[at + R_FLAGS] & CONNECTION_QUEUED) === 0) this.#table.free(at);
  }

  /** What was not read on this connection, for the pair of its endpoints. */
  #tellUnread(at: number): void {
    const bytes = this.#f64[(at + R_BYTES_UNREAD) >> 1];
    if (bytes === 0) return;
    const protocol = this.#i32[at + R_PROTOCOL];
    const reason =
      protocol === PROTOCOL_TLS ? ENCRYPTED : protocol === PROTOCOL_OPAQUE ? NOT_DECODED : UNKNOWN_PROTOCOL;
    this.#output.unreadPair(at, reason, bytes);
  }
}

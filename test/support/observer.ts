/**
 * The real engine with everything around it, for tests: frames go in as they would from a capture, calls
 * come out as rows, read back from the Native blocks that leave a worker.
 */
import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../src/base/limits.ts';
import type { Limits } from '../../src/base/limits.ts';
import { createMemory } from '../../src/base/memory.ts';
import type { WireMemory } from '../../src/base/memory.ts';
import { addressText } from '../../src/record/address.ts';
import { AGGREGATE_COUNTS, COUNT_CALLS } from '../../src/record/aggregate.ts';
import * as log from '../../src/record/connection-log.ts';
import { COVERAGE_REASONS, Ledger } from '../../src/record/coverage.ts';
import type { CoverageReason } from '../../src/record/coverage.ts';
import { NativeEncoder } from '../../src/record/native.ts';
import { readBlock } from '../../src/record/native-reader.ts';
import { callRow } from '../../src/record/row.ts';
import type { CallPeers, CallRow } from '../../src/record/row.ts';
import { CALL_COLUMNS, CONNECTION_COLUMNS } from '../../src/record/schema.ts';
import { LINK_RAW } from '../../src/wire/decode/packet.ts';
import { Engine } from '../../src/wire/engine.ts';
import type { EngineOptions, EngineSink } from '../../src/wire/engine.ts';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import type { Protocol } from '../../src/wire/protocols/protocol.ts';
import { createPlainScan } from '../../src/wire/scan/plain-scan.ts';
import type { Scan } from '../../src/wire/scan/scan.ts';
import { IP_BYTES, writeSegment } from './dialogue.ts';
import type { Segment } from './dialogue.ts';

/** Small enough that an engine is made in a few milliseconds. */
export const TEST_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  heapBytes: 64 * 1024 * 1024,
  connections: 4096,
  strings: 16_384,
  blockRows: 2048,
};

export interface ObserverOptions {
  readonly limits?: Partial<Limits>;
  readonly protocols?: readonly Protocol[];
  readonly bodies?: boolean;
  readonly claims?: Int32Array;
  readonly worker?: number;
  readonly makeScan?: (memory: WireMemory) => Scan;
  readonly own?: EngineOptions['own'];
  /** False: blocks are thrown away, only counted. */
  readonly keep?: boolean;
}

const INPUT_BYTES = 1024 * 1024;
const START_SECONDS = 1_700_000_000;
/** Between two frames that say nothing of time. */
const FRAME_NANOS = 100_000;
/** Longer than all that an engine remembers of loss, claims and silence. */
const FORGOTTEN_SECONDS = 2000;

export class Observer {
  readonly memory: WireMemory;
  readonly scan: Scan;
  readonly limits: Limits;
  readonly ledger = new Ledger();
  readonly engine: Engine;
  /** Rows since the last `take`. */
  calls: CallRow[] = [];
  /** Rows that left, kept or not, and those of ended connections. */
  rows = 0;
  connectionRows = 0;
  /** Most bytes that slabs took at any time. */
  slabBytesMax = 0;
  readonly names: string[] = [];
  readonly hosts: string[] = [];
  seconds = START_SECONDS;
  nanos = 0;

  constructor(options: ObserverOptions = {}) {
    this.limits = { ...TEST_LIMITS, ...options.limits };
    this.memory = createMemory(INPUT_BYTES, this.limits.heapBytes);
    this.scan = (options.makeScan ?? createPlainScan)(this.memory);
    this.scan.setKey(1, 2, 3, 4);
    this.engine = new Engine({
      memory: this.memory,
      limits: this.limits,
      scan: this.scan,
      ledger: this.ledger,
      protocols: options.protocols ?? PROTOCOLS,
      sink: this.#sink(options.keep ?? true),
      seed: 7,
      worker: options.worker ?? 0,
      run: 1,
      sensor: 'test',
      vantage: 0,
      bodies: options.bodies ?? false,
      claims: options.claims,
      own: options.own,
    });
  }

  /** One frame now; time goes on by a little unless the segment says when it was. */
  see(segment: Segment): void {
    const { memory } = this;
    const bytes = writeSegment(memory.u8, memory.inputStart, segment);
    this.nanos += FRAME_NANOS;
    if (this.nanos >= 1e9) {
      this.nanos -= 1e9;
      this.seconds++;
    }
    if (segment.seconds !== undefined) this.seconds = segment.seconds;
    if (segment.nanos !== undefined) this.nanos = segment.nanos;
    const start = memory.inputStart;
    const wire = bytes + (segment.cutBytes ?? 0);
    const place = segment.place ?? 0;
    const outgoing = segment.outgoing ?? 0;
    this.engine.frame(LINK_RAW, start, start + bytes, wire, this.seconds, this.nanos, place, outgoing);
    this.slabBytesMax = Math.max(this.slabBytesMax, this.engine.usage().slabBytes);
  }

  seeAll(segments: Iterable<Segment>): this {
    for (const segment of segments) this.see(segment);
    return this;
  }

  /** Time goes on without frames. */
  wait(seconds: number): void {
    this.seconds += seconds;
    this.engine.tickLive(this.seconds, this.nanos);
  }

  /** The capture ends: answers the calls since the last time, in the order in which they began. */
  end(): CallRow[] {
    this.engine.end();
    const { connections, slabBytes } = this.engine.usage();
    assert.equal(connections, 0, 'rows of connections come back');
    assert.equal(slabBytes, 0, 'slabs come back');
    this.seconds += FORGOTTEN_SECONDS;
    this.nanos = 0;
    return this.take();
  }

  take(): CallRow[] {
    const calls = this.calls;
    this.calls = [];
    return calls.toSorted((a, b) => a.connection - b.connection || a.sequence - b.sequence);
  }

  /** Events and bytes counted under a reason. */
  count(reason: CoverageReason): number {
    return this.ledger.counts[COVERAGE_REASONS.indexOf(reason)];
  }

  bytes(reason: CoverageReason): number {
    return this.ledger.bytes[COVERAGE_REASONS.indexOf(reason)];
  }

  /** Decimal of the keyed hash of a text, as a principal is told. */
  hashOf(text: string): string {
    const at = this.memory.inputStart;
    this.memory.u8.set(Buffer.from(text, 'latin1'), at);
    const low = this.scan.sipHash(at, at + text.length) >>> 0;
    return String((BigInt(this.scan.high() >>> 0) << 32n) | BigInt(low));
  }

  #sink(keep: boolean): EngineSink {
    let calls: NativeEncoder | undefined;
    let connections: NativeEncoder | undefined;
    const peers = new Map<number, CallPeers>();
    return {
      calls: (batch, entries) => {
        if (keep) remember(peers, entries);
        this.rows += batch.count;
        if (!keep || batch.count === 0) return;
        calls ??= new NativeEncoder(CALL_COLUMNS, this.engine.strings);
        const block = readBlock(calls.encode(batch));
        assert.ok(block.ok, block.ok ? '' : block.error);
        for (let row = 0; row < block.value.rows; row++) {
          const known = peers.get(block.value.number('connection', row));
          assert.ok(known !== undefined, 'a connection is told no later than its calls');
          this.calls.push(callRow(block.value, row, known));
        }
      },
      connections: (batch) => {
        this.connectionRows += batch.count;
        if (!keep) return;
        connections ??= new NativeEncoder(CONNECTION_COLUMNS, this.engine.strings);
        const block = readBlock(connections.encode(batch));
        assert.ok(block.ok && block.value.rows === batch.count, 'a block of connections can be read');
      },
      aggregate: (aggregate) => {
        const { rows, counts } = aggregate.take();
        for (let row = 0; row < rows; row++) assert.ok(counts[row * AGGREGATE_COUNTS + COUNT_CALLS] > 0);
      },
      addressName: (name, address) => {
        if (keep) this.names.push(`${name}=${address}`);
      },
      hostName: (host) => {
        if (keep) this.hosts.push(this.engine.strings.text(host));
      },
    };
  }
}

function remember(peers: Map<number, CallPeers>, entries: log.ConnectionLog): void {
  for (let index = 0; index < entries.count; index++) {
    const at = index * log.LOG_WORDS;
    const words = entries.words;
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    const length = words[at + log.LOG_VERSION] === 4 ? 4 : 16;
    peers.set(words[at + log.LOG_NUMBER], {
      clientAddress: addressText(bytes, (at + log.LOG_CLIENT) * 4, length),
      clientPort: words[at + log.LOG_PORTS] & 0xffff,
      serverAddress: addressText(bytes, (at + log.LOG_SERVER) * 4, length),
      clientService: '',
      serverService: '',
    });
  }
}

/** Bytes of headers before a payload of TCP. */
export const HEADER_BYTES = IP_BYTES + 20;

/** Runs the real engine over a capture in this process, as a worker does, up to a level of its work. */
import { createMemory, type WireMemory } from '../src/base/memory.ts';
import { DEFAULT_LIMITS } from '../src/base/limits.ts';
import { Slabs } from '../src/base/slab.ts';
import { VANTAGE_FILE } from '../src/record/codes.ts';
import type { ConnectionLog } from '../src/record/connection-log.ts';
import { Ledger } from '../src/record/coverage.ts';
import { NativeEncoder } from '../src/record/native.ts';
import { CALL_COLUMNS, CONNECTION_COLUMNS } from '../src/record/schema.ts';
import { captureFileErrorText } from '../src/wire/capture/capture-file-error.ts';
import type { FrameSink } from '../src/wire/capture/frame-sink.ts';
import { readCapture } from '../src/wire/capture/pcap-file.ts';
import { Decoder, DECODED } from '../src/wire/decode/decode.ts';
import { Packet } from '../src/wire/decode/packet.ts';
import { Engine, type EngineSink } from '../src/wire/engine.ts';
import { PROTOCOLS } from '../src/wire/protocols/index.ts';
import { createScan } from '../src/wire/scan/create-scan.ts';
import { loadScanModule } from '../src/wire/worker/scan-module.ts';

/**
 * walk: the records of the file. decode: their headers, to the payload. calls: connections, protocols,
 * pairing, redaction, templates, fingerprints, ids, into columns. records: and encoded as Native blocks,
 * whole.
 */
export type Level = 'walk' | 'decode' | 'calls' | 'records';

export interface DriveOptions {
  readonly level: Level;
  /** Fingerprints of bodies too; off in the product unless asked for. */
  readonly bodies?: boolean;
  /** Without the WebAssembly module. */
  readonly plain?: boolean;
  /** Sees each block of calls, with the connections that are new in it. Implies nothing is measured. */
  readonly onBlock?: (block: Uint8Array, log: ConnectionLog) => void;
}

export interface Pass {
  readonly frames: number;
  readonly bytes: number;
  readonly calls: number;
  /** Bytes of the blocks. */
  readonly blockBytes: number;
  /** User and system time of the whole process. */
  readonly cpuS: number;
}

/** As worker/worker.ts has it for files. */
const FILE_BYTES = 4 * 1024 * 1024;
const SEED = 12_345;

/** A worker's state; each `pass` reads the capture once more, as one of several files. */
export class Driver {
  readonly ledger = new Ledger();
  readonly #memory: WireMemory = createMemory(FILE_BYTES, DEFAULT_LIMITS.heapBytes);
  readonly #sink: FrameSink;
  readonly #engine: Engine | undefined;
  #frames = 0;
  #calls = 0;
  #blockBytes = 0;

  constructor(options: DriveOptions) {
    if (options.level === 'walk') this.#sink = { frame: () => void this.#frames++ };
    else if (options.level === 'decode') this.#sink = this.#decoder();
    else {
      this.#engine = this.#createEngine(options);
      this.#sink = this.#engine;
    }
  }

  async pass(path: string): Promise<Pass> {
    this.#frames = 0;
    this.#calls = 0;
    this.#blockBytes = 0;
    const framesBefore = this.#engine?.frames ?? 0;
    const before = process.cpuUsage();
    const names = { ledger: this.ledger, onName: () => {}, onInterface: () => {} };
    const read = await readCapture({ path }, this.#memory, this.#sink, names);
    if (!read.ok) throw new Error(captureFileErrorText(read.error));
    this.#engine?.end();
    const cpu = process.cpuUsage(before);
    return {
      frames: this.#engine === undefined ? this.#frames : this.#engine.frames - framesBefore,
      bytes: read.value.bytesRead,
      calls: this.#calls,
      blockBytes: this.#blockBytes,
      cpuS: (cpu.user + cpu.system) / 1e6,
    };
  }

  #decoder(): FrameSink {
    const memory = this.#memory;
    const slabs = new Slabs(memory, memory.heapStart, memory.heapEnd);
    const decoder = new Decoder(memory, slabs, DEFAULT_LIMITS, this.ledger);
    const packet = new Packet();
    return {
      frame: (link, start, end, wireBytes) => {
        if (decoder.decode(packet, link, start, end, wireBytes) === DECODED) this.#frames++;
      },
    };
  }

  #createEngine(options: DriveOptions): Engine {
    const scan = createScan(this.#memory, options.plain === true ? undefined : loadScanModule());
    scan.setKey(1, 2, 3, 4);
    let calls: NativeEncoder | undefined;
    let connections: NativeEncoder | undefined;
    const records = options.level === 'records';
    const sink: EngineSink = {
      calls: (batch, log) => {
        this.#calls += batch.count;
        if (!records || batch.count === 0) return;
        const block = calls?.encode(batch);
        this.#blockBytes += block?.length ?? 0;
        if (block !== undefined) options.onBlock?.(block, log);
      },
      connections: (batch) => {
        if (records) this.#blockBytes += connections?.encode(batch).length ?? 0;
      },
      aggregate: (aggregate) => void aggregate.take(),
      addressName: () => {},
      hostName: () => {},
    };
    const engine = new Engine({
      memory: this.#memory,
      limits: DEFAULT_LIMITS,
      scan,
      ledger: this.ledger,
      protocols: PROTOCOLS,
      sink,
      seed: SEED,
      worker: 0,
      run: 1,
      sensor: 'bench',
      vantage: VANTAGE_FILE,
      bodies: options.bodies === true,
    });
    calls = new NativeEncoder(CALL_COLUMNS, engine.strings);
    connections = new NativeEncoder(CONNECTION_COLUMNS, engine.strings);
    return engine;
  }
}

/**
 * Cuts a stream of bytes into records. The bytes lie in the input region of the worker's memory: whole
 * records are delivered where they lie, and the partial one is moved to the front before more is read.
 */
import type { WireMemory } from '../../base/memory.ts';
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import { LOOK_BYTES, MAGIC_BYTES, formatOf, looksLike } from './capture-format.ts';
import type { CaptureFormat } from './capture-format.ts';
import type { FrameSink } from './frame-sink.ts';
import { PcapParser } from './pcap-parser.ts';
import { PcapngParser } from './pcapng-parser.ts';
import type { CaptureNames } from './pcapng-parser.ts';
import type { RecordParser } from './record-parser.ts';

/** A read of this size stays in the cache until it is parsed; 16 MiB cost 35 % more. */
export const READ_BYTES = 1024 * 1024;

const TRUNCATED = reasonNumber('truncated-frame');

export class Framer {
  readonly #memory: WireMemory;
  readonly #sink: FrameSink;
  readonly #ledger: Ledger;
  readonly #names: CaptureNames;
  #filled: number;
  #parser: RecordParser | undefined;
  #skip = 0;

  format: CaptureFormat | undefined;
  /** Bytes of the (decompressed) stream that are behind us: where a failure lies. */
  offset = 0;
  failure: string | undefined;
  /** What the bytes look like when they are no capture. */
  looks: string | undefined;

  constructor(memory: WireMemory, sink: FrameSink, ledger: Ledger, names: CaptureNames) {
    this.#memory = memory;
    this.#sink = sink;
    this.#ledger = ledger;
    this.#names = names;
    this.#filled = memory.inputStart;
  }

  get parser(): RecordParser | undefined {
    return this.#parser;
  }

  /** Where the next bytes are to be written, and how many fit. */
  get at(): number {
    return this.#filled;
  }

  get room(): number {
    const room = this.#memory.inputEnd - this.#filled;
    return room < READ_BYTES ? room : READ_BYTES;
  }

  /** `bytes` more lie at `at`. False when no more can be read. */
  wrote(bytes: number): boolean {
    this.#filled += bytes;
    let at = this.#memory.inputStart;
    if (this.#parser === undefined) {
      if (this.#filled - at < MAGIC_BYTES) return true;
      this.#recognise();
    }
    const parser = this.#parser;
    if (parser === undefined) return false;
    while (this.failure === undefined) {
      const dropped = Math.min(this.#skip, this.#filled - at);
      at += dropped;
      this.#skip -= dropped;
      if (this.#skip > 0) break;
      at = parser.take(at, this.#filled);
      this.failure = parser.failure;
      if (parser.skip === 0) break;
      this.#skip = parser.skip;
      parser.skip = 0;
    }
    this.offset += at - this.#memory.inputStart;
    if (at < this.#filled && at > this.#memory.inputStart) {
      this.#memory.u8.copyWithin(this.#memory.inputStart, at, this.#filled);
    }
    this.#filled -= at - this.#memory.inputStart;
    return this.failure === undefined;
  }

  /** Copies `chunk` in, piece by piece. False when no more can be read. */
  push(chunk: Uint8Array): boolean {
    for (let from = 0; from < chunk.length;) {
      const bytes = Math.min(this.room, chunk.length - from);
      this.#memory.u8.set(chunk.subarray(from, from + bytes), this.#filled);
      from += bytes;
      if (!this.wrote(bytes)) return false;
    }
    return true;
  }

  /** Nothing more comes. True when the stream ended inside a record, which is then counted. */
  finish(): boolean {
    const left = this.#filled - this.#memory.inputStart;
    if (this.failure !== undefined || (left === 0 && this.#skip === 0)) return false;
    if (this.#parser?.inFrame === true) this.#ledger.add(TRUNCATED, 1, left);
    return true;
  }

  /** Bytes that wait for the rest of their record. */
  get left(): number {
    return this.#filled - this.#memory.inputStart;
  }

  #recognise(): void {
    const { u8, inputStart, inputEnd } = this.#memory;
    this.format = formatOf(u8, inputStart);
    const capacity = inputEnd - inputStart;
    if (this.format === 'pcap') {
      this.#parser = new PcapParser(u8, this.#sink, this.#ledger, capacity);
    } else if (this.format === 'pcapng') {
      this.#parser = new PcapngParser(u8, this.#sink, this.#ledger, capacity, this.#names);
    } else {
      this.looks = looksLike(u8.slice(inputStart, Math.min(this.#filled, inputStart + LOOK_BYTES)));
      this.failure = 'its format is unknown';
    }
  }
}

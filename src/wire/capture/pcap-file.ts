/**
 * Reads one capture, from a file or standard input, compressed or not, and delivers its frames. An ordinary
 * file is read straight into the worker's memory in a loop that yields every few megabytes; everything else
 * comes in chunks and is copied there.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { WireMemory } from '../../base/memory.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import type { Ledger } from '../../record/coverage.ts';
import { isKnownLink } from '../decode/link.ts';
import { MAGIC_BYTES, compressionOf } from './capture-format.ts';
import type { CaptureFormat, Compression } from './capture-format.ts';
import { captureFileError, openError } from './capture-file-error.ts';
import type { CaptureFileError } from './capture-file-error.ts';
import { Framer } from './framer.ts';
import type { FrameSink } from './frame-sink.ts';
import { createInflater } from './inflate.ts';
import type { Inflater } from './inflate.ts';
import { namedPipe, standardInput } from './input-stream.ts';
import type { CaptureNames } from './pcapng-parser.ts';

/** A path, or `-` for standard input; `stream` is read in its place. */
export interface CaptureInput {
  readonly path: string;
  readonly stream?: Readable | undefined;
}

export interface CaptureOptions extends CaptureNames {
  readonly ledger: Ledger;
  /** Ends the reading early; what was delivered stands. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file (not decompressed) so far, and of all of it where that is known. */
  readonly onProgress?: ((bytesRead: number, bytesTotal: number | undefined) => void) | undefined;
}

export interface CaptureSummary {
  readonly path: string;
  readonly format: CaptureFormat;
  readonly compression: Compression;
  /** Records with a frame, also those that were left out and are in the ledger. */
  readonly frames: number;
  /** Captured bytes of the frames, and bytes of the file that were read. */
  readonly frameBytes: number;
  readonly bytesRead: number;
  readonly interfaces: number;
  /** The reading was ended by the signal. */
  readonly stopped: boolean;
  /** A sentence for the user: the file ends inside a record. */
  readonly warning?: string;
}

/** Between two looks at the event loop; about 2 ms of parsing. */
const YIELD_BYTES = 4 * 1024 * 1024;

const FORMAT_ADVICE = 'give a pcap or pcapng file, also with gzip or zstd';
const CORRUPT_ADVICE = 'what is before that was read; capture again for the rest';

/**
 * Reads `input` to its end as of then. Frames are in `memory`'s input region while `sink.frame` runs. An
 * error tells what was delivered before it.
 */
export async function readCapture(
  input: CaptureInput,
  memory: WireMemory,
  sink: FrameSink,
  options: CaptureOptions,
): Promise<Result<CaptureSummary, CaptureFileError>> {
  const reading = new Reading(input, memory, sink, options);
  if (input.stream !== undefined) return await reading.stream(input.stream);
  if (input.path === '-') return await reading.stream(standardInput());
  let stats: Stats;
  try {
    stats = statSync(input.path);
  } catch (error) {
    return refusal(input.path, error);
  }
  if (stats.isDirectory()) return fail(openError(input.path, { code: 'EISDIR' }));
  // A pipe is not waited for in the loop, not even for its opening: that would hold up everything else.
  if (stats.isFIFO()) return await reading.pipe();
  if (!stats.isFile()) return await reading.stream(createReadStream(input.path));
  reading.bytesTotal = stats.size;
  let file: number;
  try {
    file = openSync(input.path, 'r');
  } catch (error) {
    return refusal(input.path, error);
  }
  try {
    const magic = new Uint8Array(MAGIC_BYTES);
    readSync(file, magic, 0, MAGIC_BYTES, 0);
    if (compressionOf(magic) === 'none') return await reading.file(file);
  } catch (error) {
    return refusal(input.path, error);
  } finally {
    closeSync(file);
  }
  return await reading.stream(createReadStream(input.path));
}

class Reading {
  readonly #path: string;
  readonly #memory: WireMemory;
  readonly #framer: Framer;
  readonly #options: CaptureOptions;
  readonly #inflater: Inflater;
  #bytesRead = 0;
  #stopped = false;
  bytesTotal: number | undefined;

  constructor(input: CaptureInput, memory: WireMemory, sink: FrameSink, options: CaptureOptions) {
    this.#path = input.path;
    this.#memory = memory;
    this.#framer = new Framer(memory, sink, options.ledger, options);
    this.#inflater = createInflater((bytes) => this.#framer.push(bytes));
    this.#options = options;
  }

  async file(file: number): Promise<Result<CaptureSummary, CaptureFileError>> {
    const framer = this.#framer;
    let yielded = 0;
    for (;;) {
      const bytes = readSync(file, this.#memory.u8, framer.at, framer.room, null);
      if (bytes === 0) break;
      this.#bytesRead += bytes;
      if (!framer.wrote(bytes)) break;
      yielded += bytes;
      if (yielded < YIELD_BYTES) continue;
      yielded = 0;
      this.#options.onProgress?.(this.#bytesRead, this.bytesTotal);
      await setImmediate();
      if (this.#aborted()) break;
    }
    return this.#end();
  }

  /** A named pipe. */
  async pipe(): Promise<Result<CaptureSummary, CaptureFileError>> {
    let source: Readable | undefined;
    try {
      source = await namedPipe(this.#path, this.#options.signal);
    } catch (error) {
      return refusal(this.#path, error);
    }
    if (source !== undefined) return await this.stream(source);
    this.#aborted();
    return this.#end();
  }

  async stream(source: Readable): Promise<Result<CaptureSummary, CaptureFileError>> {
    const signal = this.#options.signal;
    const abort = (): void => void source.destroy();
    signal?.addEventListener('abort', abort);
    try {
      await this.#chunks(source);
    } catch (error) {
      if (!this.#aborted()) return refusal(this.#path, error);
    } finally {
      signal?.removeEventListener('abort', abort);
      source.destroy();
    }
    return this.#end();
  }

  async #chunks(source: Readable): Promise<void> {
    const framer = this.#framer;
    const inflater = this.#inflater;
    let yielded = 0;
    for await (const chunk of source) {
      const bytes = chunk as Uint8Array;
      this.#bytesRead += bytes.length;
      await inflater.push(bytes);
      if (inflater.failure !== undefined || framer.failure !== undefined || this.#aborted()) return;
      yielded += bytes.length;
      if (yielded < YIELD_BYTES) continue;
      yielded = 0;
      this.#options.onProgress?.(this.#bytesRead, this.bytesTotal);
      await setImmediate();
    }
    if (!this.#aborted()) await inflater.end();
  }

  #aborted(): boolean {
    if (this.#options.signal?.aborted === true) this.#stopped = true;
    return this.#stopped;
  }

  #end(): Result<CaptureSummary, CaptureFileError> {
    const framer = this.#framer;
    this.#options.onProgress?.(this.#bytesRead, this.bytesTotal);
    const where = framer.offset;
    const cut = !this.#stopped && framer.finish();
    const delivered = this.#summary(cut || (!this.#stopped && this.#inflater.cut));
    const refuse = (what: string, at: number | undefined, advice: string): Result<never, CaptureFileError> =>
      fail(captureFileError(this.#path, what, at, advice, delivered));

    if (framer.looks !== undefined) return refuse(this.#otherThing(framer.looks), undefined, FORMAT_ADVICE);
    if (framer.failure !== undefined) return refuse(`is corrupt: ${framer.failure}`, where, CORRUPT_ADVICE);
    if (this.#stopped) return ok(delivered);
    const { failure } = this.#inflater;
    const nothing = delivered.frames === 0 && delivered.warning !== undefined;
    if (failure !== undefined && (nothing || !this.#inflater.cut)) {
      return refuse(`cannot be decompressed: ${failure}`, where, CORRUPT_ADVICE);
    }
    if (this.#bytesRead === 0) return refuse('is empty', undefined, 'check that the capture wrote anything');
    // A file that ends within its header, too: nothing tells what it holds.
    if (nothing || framer.parser === undefined) {
      return refuse('ends before its first frame', where, 'copy it again, or capture again');
    }
    const links = [...framer.parser.links];
    if (delivered.frames > 0 && links.length > 0 && !links.some(isKnownLink)) {
      const what = `has frames of link type ${links.join(', ')} only, which is not read`;
      return refuse(what, undefined, 'capture on an Ethernet, loopback or any interface');
    }
    return ok(delivered);
  }

  #otherThing(looks: string): string {
    const { compression } = this.#inflater;
    if (compression === 'none') return `is no capture: it looks like ${looks}`;
    return `is a ${compression} file of something else: it looks like ${looks}`;
  }

  #summary(cut: boolean): CaptureSummary {
    const parser = this.#framer.parser;
    const summary = {
      path: this.#path,
      format: this.#framer.format ?? 'pcap',
      compression: this.#inflater.compression,
      frames: parser?.frames ?? 0,
      frameBytes: parser?.frameBytes ?? 0,
      bytesRead: this.#bytesRead,
      interfaces: parser?.interfaces ?? 0,
      stopped: this.#stopped,
    };
    if (!cut) return summary;
    const name = this.#path === '-' ? 'standard input' : this.#path;
    const frames = summary.frames === 1 ? '1 frame' : `${summary.frames} frames`;
    return { ...summary, warning: `${name} ends inside a record, after ${frames}; what is whole was read` };
  }
}

/** What the operating system refused; anything else is a bug of ours and goes on. */
function refusal(path: string, error: unknown): Result<never, CaptureFileError> {
  if (!(error instanceof Error) || !('syscall' in error)) throw error;
  return fail(openError(path, error));
}

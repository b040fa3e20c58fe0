/**
 * Decompresses a stream that may be gzip (RFC 1952, several members) or zstd (RFC 8878, several frames), told
 * by its first bytes; anything else passes through.
 */
import { createGunzip } from 'node:zlib';
import { Decompress, ZstdErrorCode } from 'fzstd';
import { MAGIC_BYTES, compressionOf } from './capture-format.ts';
import type { Compression } from './capture-format.ts';

export interface Inflater {
  readonly compression: Compression;
  /** Why the compressed data cannot be read on. */
  readonly failure: string | undefined;
  /** It only ends too early; what came before the end was handed on. */
  readonly cut: boolean;
  push(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** Takes bytes and answers whether more is wanted. */
type Output = (bytes: Uint8Array) => boolean;

/** Pieces of this size leave the gzip decompressor; the one in which it meets an error is lost. */
const PIECE_BYTES = 64 * 1024;

export function createInflater(output: Output): Inflater {
  let begun: Inflater | undefined;
  let head: Uint8Array = new Uint8Array(0);
  const begin = (): Inflater => {
    const compression = compressionOf(head);
    if (compression === 'gzip') return new GzipInflater(output);
    return compression === 'zstd' ? new ZstdInflater(output) : plainInflater(output);
  };
  return {
    get compression() {
      return begun?.compression ?? 'none';
    },
    get failure() {
      return begun?.failure;
    },
    get cut() {
      return begun?.cut ?? false;
    },
    async push(chunk) {
      if (begun !== undefined) return await begun.push(chunk);
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      if (head.length < MAGIC_BYTES) return;
      begun = begin();
      await begun.push(head);
    },
    async end() {
      if (begun === undefined) {
        begun = begin();
        await begun.push(head);
      }
      await begun.end();
    },
  };
}

function plainInflater(output: Output): Inflater {
  return {
    compression: 'none',
    failure: undefined,
    cut: false,
    async push(chunk) {
      output(chunk);
    },
    async end() {},
  };
}

class GzipInflater implements Inflater {
  readonly compression = 'gzip';
  readonly #gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  readonly #over: Promise<void>;
  failure: string | undefined;
  cut = false;

  constructor(output: Output) {
    const gunzip = this.#gunzip;
    let wanted = true;
    this.#over = new Promise((resolve, reject) => {
      gunzip.on('data', (bytes: Uint8Array) => {
        try {
          if (wanted) wanted = output(bytes);
        } catch (bug) {
          // Thrown from an event it would end the process without a word of where.
          wanted = false;
          reject(bug);
        }
        if (!wanted) gunzip.destroy();
      });
      gunzip.on('error', (error) => {
        this.failure = error.message;
        this.cut = 'code' in error && error.code === 'Z_BUF_ERROR';
        resolve();
      });
      gunzip.on('close', () => resolve());
    });
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (this.#gunzip.destroyed) return;
    const taken = new Promise<void>((resolve) => {
      this.#gunzip.write(chunk, () => resolve());
    });
    await Promise.race([taken, this.#over]);
  }

  async end(): Promise<void> {
    if (!this.#gunzip.destroyed) this.#gunzip.end();
    await this.#over;
  }
}

/** The window that `zstd -d` allows by default; a larger one may be an attack on memory. */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;

class ZstdInflater implements Inflater {
  readonly compression = 'zstd';
  readonly #decompress: Decompress;
  failure: string | undefined;
  cut = false;
  #begun = false;
  #wanted = true;
  /** What the taker of the bytes threw: not the fault of the data. */
  #bug: unknown;

  constructor(output: Output) {
    this.#decompress = new Decompress((bytes) => {
      try {
        if (this.#wanted) this.#wanted = output(bytes);
      } catch (bug) {
        this.#bug = bug;
        throw bug;
      }
    });
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (!this.#begun && windowBytes(chunk) > WINDOW_BYTES_MAX) this.failure = 'its window is over 128 MiB';
    this.#begun = true;
    this.#take(chunk, false);
  }

  async end(): Promise<void> {
    this.#take(new Uint8Array(0), true);
  }

  #take(chunk: Uint8Array, final: boolean): void {
    if (this.failure !== undefined || !this.#wanted) return;
    try {
      // The library keeps parts of what it is given, and Node uses the buffers of a stream again.
      this.#decompress.push(new Uint8Array(chunk), final);
    } catch (error) {
      if (this.#bug !== undefined) throw this.#bug;
      this.failure = error instanceof Error ? error.message : String(error);
      this.cut = error instanceof Error && 'code' in error && error.code === ZstdErrorCode.UnexpectedEOF;
    }
  }
}

/** Window of the frame that begins here (RFC 8878, section 3.1.1.1), 0 where it is not told. */
function windowBytes(bytes: Uint8Array): number {
  if (bytes.length < 18 || bytes[0] !== 0x28) return 0;
  const flags = bytes[4];
  if ((flags & 0x20) === 0) return 2 ** (10 + (bytes[5] >> 3)) * (1 + (bytes[5] & 7) / 8);
  const at = 5 + [0, 1, 2, 4][flags & 3];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (flags >> 6) {
    case 0:
      return bytes[at];
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  }
}

/**
 * What passes between main and a worker thread. Buffers are transferred, never copied. String ids are the
 * worker's own: each message that has any comes after the texts that it needs.
 */
import type { Limits } from '../../base/limits.ts';
import type { AggregateRows } from '../../record/aggregate.ts';

/** How a worker is started (`workerData`). */
export interface WorkerStart {
  readonly source: LiveStart | FileStart;
  /** Number of the worker in its pool, from 0, and of the run. */
  readonly worker: number;
  readonly run: number;
  readonly sensor: string;
  /** 16 bytes: the key of all keyed hashes. */
  readonly key: Uint8Array;
  readonly limits: Limits;
  /** Fingerprints of bodies too. */
  readonly bodies: boolean;
  /** Blocks of calls are wanted (else only aggregates). */
  readonly rows: boolean;
  /** Shared: the claims of all workers, see reassembly/claims. */
  readonly claims: SharedArrayBuffer;
  /** Shared: [blocks sent, blocks taken by main]. */
  readonly queue: SharedArrayBuffer;
  /** eastwest's own ports, with the address they are at. */
  readonly own: readonly (readonly [port: number, address: string])[];
}

export interface LiveStart {
  readonly kind: 'live';
  readonly interfaces: readonly string[];
  readonly filter: string | undefined;
  readonly workers: number;
  readonly mapping: 'auto' | 'wasm' | 'copy';
}

export interface FileStart {
  readonly kind: 'files';
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
}

/** Why a source could not be opened or read; the message is a sentence for the user. */
export interface SourceFailure {
  readonly kind: string;
  readonly message: string;
}

export type FromWorker =
  /** The ring is open, or the first file is about to be read. */
  | { readonly kind: 'ready' }
  /** Texts with the ids from `first` on. */
  | { readonly kind: 'texts'; readonly first: number; readonly texts: readonly string[] }
  | {
      readonly kind: 'calls';
      /** A Native block of `rows` calls; undefined where rows are not wanted. */
      readonly block: Uint8Array<ArrayBuffer> | undefined;
      readonly rows: number;
      /** Entries of record/connection-log for connections new in this block. */
      readonly log: Int32Array<ArrayBuffer>;
    }
  | { readonly kind: 'connections'; readonly block: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'second'; readonly second: SecondReport }
  | { readonly kind: 'name'; readonly name: string; readonly address: string; readonly ttlS: number }
  /** A name block of a capture. */
  | { readonly kind: 'named'; readonly name: string; readonly address: string }
  | { readonly kind: 'host'; readonly host: string; readonly low: number; readonly high: number }
  | {
      readonly kind: 'progress';
      readonly file: string;
      readonly read: number;
      readonly total: number | undefined;
    }
  /** A file is done; `warning` is a sentence. */
  | { readonly kind: 'file'; readonly file: string; readonly warning: string | undefined }
  | { readonly kind: 'unreadable'; readonly file: string; readonly failure: SourceFailure }
  | { readonly kind: 'failed'; readonly failure: SourceFailure }
  | { readonly kind: 'done' };

/** What happened since the last report; the ledger is cumulative. */
export interface SecondReport {
  /** Time of the packets, in seconds since 1970. */
  readonly seconds: number;
  readonly rows: AggregateRows;
  readonly counts: Float64Array<ArrayBuffer>;
  readonly bytes: Float64Array<ArrayBuffer>;
  readonly pairs: ReadonlyMap<string, readonly [number, number]>;
  /** Cumulative. */
  readonly frames: number;
  readonly wireBytes: number;
  readonly connections: number;
  readonly slabBytes: number;
}

export type ToWorker =
  /** Ends of connections whose process is known: (row, number, side 1 = server, low, high) each. */
  | { readonly kind: 'assign'; readonly words: Int32Array<ArrayBuffer> }
  /** What is in the ring is still read, then the worker ends. */
  | { readonly kind: 'stop' };

export const ASSIGN_WORDS = 5;
/** Places in the shared queue. */
export const QUEUE_SENT = 0;
export const QUEUE_TAKEN = 1;
/** Blocks that wait for main at most: a file waits then, a ring loses rows, counted. */
export const QUEUE_MAX = 8;

/**
 * The workers of a run, as main sees them: started together, their messages in one place, stopped together.
 */
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Limits } from '../../base/limits.ts';
import { CLAIMS_WORDS } from '../reassembly/claims.ts';
import {
  QUEUE_TAKEN,
  type FileStart,
  type FromWorker,
  type LiveStart,
  type SourceFailure,
  type WorkerStart,
} from './messages.ts';

export interface PoolOptions {
  readonly source: LiveStart | FileStart;
  readonly workers: number;
  readonly key: Uint8Array;
  readonly limits: Limits;
  readonly bodies: boolean;
  readonly rows: boolean;
  readonly own: readonly (readonly [port: number, address: string])[];
  readonly onMessage: (message: FromWorker, worker: number) => void;
}

/** A worker ended by itself, or could not open its source. */
export class PoolError extends Error {
  readonly kind: string;
  constructor(failure: SourceFailure) {
    super(failure.message);
    this.kind = failure.kind;
  }
}

interface Member {
  readonly thread: Worker;
  readonly queue: Int32Array;
}

export class WorkerPool {
  readonly #members: Member[] = [];
  /** Settles when all workers have opened their source. */
  readonly ready: Promise<void>;
  /** Settles when all workers are done; rejects with PoolError when one failed. */
  readonly done: Promise<void>;

  constructor(options: PoolOptions) {
    const claims = new SharedArrayBuffer(CLAIMS_WORDS * 4);
    const run = randomInt(1, 0x7fffffff);
    const ready: Promise<void>[] = [];
    const done: Promise<void>[] = [];
    for (let worker = 0; worker < options.workers; worker++) {
      const queue = new SharedArrayBuffer(8);
      const start: WorkerStart = {
        source: options.source,
        worker,
        run,
        sensor: hostname(),
        key: options.key,
        limits: options.limits,
        bodies: options.bodies,
        rows: options.rows,
        claims,
        queue,
        own: options.own,
      };
      const thread = new Worker(new URL('./worker.js', import.meta.url), { workerData: start });
      this.#members.push({ thread, queue: new Int32Array(queue) });
      const state = follow(thread, worker, options.onMessage);
      ready.push(state.ready);
      done.push(state.done);
    }
    this.ready = Promise.all(ready).then(() => undefined);
    this.done = Promise.all(done).then(() => undefined);
    // Both may fail for the same reason; whoever waits for one of them is told.
    this.ready.catch(() => undefined);
    this.done.catch(() => undefined);
  }

  /** Main has taken a block of calls: the worker may send another. */
  taken(worker: number): void {
    const { queue } = this.#members[worker];
    Atomics.add(queue, QUEUE_TAKEN, 1);
    Atomics.notify(queue, QUEUE_TAKEN);
  }

  assign(worker: number, words: Int32Array<ArrayBuffer>): void {
    this.#members[worker].thread.postMessage({ kind: 'assign', words }, [words.buffer]);
  }

  /** Asks the workers to end; `done` tells when they have. */
  stop(): void {
    for (const { thread } of this.#members) thread.postMessage({ kind: 'stop' });
  }

  /** Ends the threads at once. */
  async terminate(): Promise<void> {
    await Promise.all(this.#members.map(({ thread }) => thread.terminate()));
  }
}

function follow(
  thread: Worker,
  worker: number,
  onMessage: PoolOptions['onMessage'],
): { ready: Promise<void>; done: Promise<void> } {
  let opened: () => void = () => undefined;
  let refused: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    opened = resolve;
    refused = reject;
  });
  const done = new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      refused(error);
      reject(error);
    };
    thread.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') opened();
      else if (message.kind === 'failed') failed(new PoolError(message.failure));
      onMessage(message, worker);
      if (message.kind !== 'done') return;
      opened();
      resolve();
    });
    thread.on('error', (error) => failed(error));
    thread.on('exit', () => failed(new PoolError({ kind: 'ended', message: `wire worker ${worker} ended` })));
  });
  return { ready, done };
}

/**
 * The middle of every command: the workers' messages become rows with names, a live map and the ledger.
 * `up`, `read` and `observe` differ in where packets come from and in what they show.
 */
import { COVERAGE_REASONS } from '../record/coverage.ts';
import { decimal } from '../record/decimal.ts';
import { readBlock } from '../record/native-reader.ts';
import { callRow, type CallRow } from '../record/row.ts';
import { EndpointNames } from '../reason/identity/endpoint-names.ts';
import { Identity } from '../reason/identity/identity.ts';
import { LiveMap } from '../reason/map/live-map.ts';
import type { FileStart, FromWorker, LiveStart } from '../wire/worker/messages.ts';
import { PoolError, WorkerPool } from '../wire/worker/pool.ts';
import { CliError, EXIT_FAILURE, EXIT_NO_RIGHT, EXIT_USAGE } from './exit.ts';
import { loadKey } from './key-file.ts';
import type { CoverageSummary, LiveSummary, Totals } from './live-summary.ts';
import type { Configuration } from './options.ts';
import { peersOf, WorkerState } from './worker-state.ts';

export interface SensorOptions {
  readonly configuration: Configuration;
  readonly source: LiveStart | FileStart;
  readonly workers: number;
  /** Where rows go; without it workers make no blocks. Awaited: a slow reader holds back a file. */
  readonly onRow?: ((row: CallRow) => Promise<void>) | undefined;
  /** After the rows of a block. */
  readonly onBlock?: (() => Promise<void>) | undefined;
  readonly onMessage?: ((message: FromWorker) => void) | undefined;
}

const NO_CONNECTIONS = new Int32Array(0);

export class Sensor {
  readonly names: EndpointNames;
  readonly map: LiveMap;
  readonly #options: SensorOptions;
  readonly #pool: WorkerPool;
  readonly #states: WorkerState[] = [];
  readonly #identity: Identity | undefined;
  readonly #startedMs = performance.now();
  /** Messages in the order they came, one at a time. */
  #chain: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(options: SensorOptions) {
    this.#options = options;
    const { configuration } = options;
    const key = loadKey(configuration.keyFile);
    this.names = new EndpointNames(configuration.services);
    this.map = new LiveMap();
    if (options.source.kind === 'live') this.#identity = new Identity({ key, names: this.names });
    this.#identity?.start();
    for (let worker = 0; worker < options.workers; worker++) this.#states.push(new WorkerState());
    this.#pool = new WorkerPool({
      source: options.source,
      workers: options.workers,
      key,
      limits: configuration.limits,
      bodies: configuration.bodyFingerprints,
      rows: options.onRow !== undefined,
      own: [],
      onMessage: (message, worker) => this.#queue(message, worker),
    });
  }

  /** The sources are open. Fails with a CliError. */
  async ready(): Promise<void> {
    try {
      await this.#pool.ready;
    } catch (error) {
      await this.#pool.terminate();
      throw asCliError(error);
    }
  }

  /** All workers have ended, and what they said is dealt with. */
  async done(): Promise<void> {
    try {
      await this.#pool.done;
    } catch (error) {
      await this.#pool.terminate();
      throw asCliError(error);
    }
    await this.#chain;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#pool.terminate();
  }

  stop(): void {
    this.#pool.stop();
  }

  summary(): LiveSummary {
    const { services, edges, totals } = this.map.snapshot(this.names);
    return {
      elapsedMs: performance.now() - this.#startedMs,
      services,
      edges,
      totals: { ...totals, dropped: this.#dropped() },
      coverage: this.coverage(),
    };
  }

  totals(): Totals {
    return { ...this.map.totals(this.names), dropped: this.#dropped() };
  }

  coverage(): CoverageSummary {
    const summary: Record<string, { count: number; bytes: number }> = {};
    for (const [index, reason] of COVERAGE_REASONS.entries()) {
      let count = 0;
      let bytes = 0;
      for (const state of this.#states) {
        count += state.counts[index] ?? 0;
        bytes += state.bytes[index] ?? 0;
      }
      if (reason === 'process-unknown') count += this.#identity?.unknown ?? 0;
      summary[reason] = { count, bytes };
    }
    return summary;
  }

  /** Frames and bytes on the wire so far. */
  traffic(): { frames: number; bytes: number } {
    let frames = 0;
    let bytes = 0;
    for (const state of this.#states) {
      frames += state.frames;
      bytes += state.wireBytes;
    }
    return { frames, bytes };
  }

  #dropped(): number {
    const coverage = this.coverage();
    return (coverage['kernel-drop']?.count ?? 0) + (coverage.shed?.count ?? 0);
  }

  #queue(message: FromWorker, worker: number): void {
    this.#chain = this.#chain
      .then(() => this.#take(message, worker))
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
  }

  async #take(message: FromWorker, worker: number): Promise<void> {
    const state = this.#states[worker];
    const seconds = Math.floor(Date.now() / 1000);
    this.#options.onMessage?.(message);
    switch (message.kind) {
      case 'texts':
        state.learnTexts(message.first, message.texts);
        return;
      case 'calls':
        state.learnConnections(message.log);
        this.names.connections(message.log);
        this.#identify(message.log, worker);
        if (message.block !== undefined) await this.#rows(message.block, state, worker);
        return;
      case 'connections':
        this.#forget(message.block, state);
        return;
      case 'second':
        state.learnSecond(message.second);
        this.map.add(message.second.rows, state.texts, message.second.seconds);
        // Ends whose process was not found at once are looked for again.
        this.#identify(NO_CONNECTIONS, worker);
        return;
      case 'name':
        this.names.dns(message.name, message.address, seconds);
        return;
      case 'named':
        this.names.nameBlock(message.address, message.name);
        return;
      case 'host':
        this.names.host(decimal(message.low, message.high), message.host, seconds);
        return;
      default:
        return;
    }
  }

  #identify(log: Int32Array, worker: number): void {
    if (this.#identity === undefined) return;
    const words = this.#identity.connections(log, worker);
    if (words.length > 0) this.#pool.assign(worker, words);
  }

  async #rows(bytes: Uint8Array, state: WorkerState, worker: number): Promise<void> {
    const block = readBlock(bytes);
    if (!block.ok) throw new Error(`a worker's block cannot be read: ${block.error}`);
    const { onRow, onBlock } = this.#options;
    for (let row = 0; row < block.value.rows && onRow !== undefined; row++) {
      const peer = state.peer(block.value.number('connection', row));
      const client = this.names.best(block.value.u64('client_endpoint', row)).name;
      const server = this.names.best(block.value.u64('server_endpoint', row)).name;
      await onRow(callRow(block.value, row, peersOf(peer, client, server)));
    }
    await onBlock?.();
    this.#pool.taken(worker);
  }

  #forget(bytes: Uint8Array, state: WorkerState): void {
    const block = readBlock(bytes);
    if (!block.ok) throw new Error(`a worker's block cannot be read: ${block.error}`);
    for (let row = 0; row < block.value.rows; row++) state.forget(block.value.number('connection', row));
  }
}

/** What a pool's failure means for the exit code. */
function asCliError(error: unknown): Error {
  if (error instanceof PoolError) {
    if (error.kind === 'no-right') return new CliError(EXIT_NO_RIGHT, error.message);
    const usage = error.kind === 'no-interface' || error.kind === 'filter';
    return new CliError(usage ? EXIT_USAGE : EXIT_FAILURE, error.message);
  }
  return error instanceof Error ? error : new Error(String(error));
}

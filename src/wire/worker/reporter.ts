/**
 * From the engine's sink to messages: blocks are encoded here, and held back (file) or given up (ring,
 * counted) while main is behind.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Aggregate } from '../../record/aggregate.ts';
import type { CallBatch } from '../../record/call-batch.ts';
import type { ConnectionBatch } from '../../record/connection-batch.ts';
import type { ConnectionLog } from '../../record/connection-log.ts';
import { reasonNumber } from '../../record/coverage.ts';
import { NativeEncoder } from '../../record/native.ts';
import { CALL_COLUMNS, CONNECTION_COLUMNS } from '../../record/schema.ts';
import type { Engine, EngineSink } from '../engine.ts';
import { QUEUE_MAX, QUEUE_SENT, QUEUE_TAKEN, type FromWorker } from './messages.ts';

const ROW_NOT_WRITTEN = reasonNumber('row-not-written');
/** A main thread that does not answer for so long is gone. */
const WAIT_MS = 60_000;

export class Reporter implements EngineSink {
  readonly #port: MessagePort;
  readonly #queue: Int32Array;
  readonly #rows: boolean;
  /** A source that can wait for main (a file), and one that cannot (a ring). */
  readonly #canWait: boolean;
  #engine: Engine | undefined;
  #calls: NativeEncoder | undefined;
  #connections: NativeEncoder | undefined;
  #textsTold = 0;

  constructor(port: MessagePort, queue: SharedArrayBuffer, rows: boolean, canWait: boolean) {
    this.#port = port;
    this.#queue = new Int32Array(queue);
    this.#rows = rows;
    this.#canWait = canWait;
  }

  attach(engine: Engine): void {
    this.#engine = engine;
    this.#calls = new NativeEncoder(CALL_COLUMNS, engine.strings);
    this.#connections = new NativeEncoder(CONNECTION_COLUMNS, engine.strings);
  }

  calls(batch: CallBatch, log: ConnectionLog): void {
    const engine = this.#attached();
    const rows = batch.count;
    const entries = log.take();
    this.#tellTexts();
    let block: Uint8Array<ArrayBuffer> | undefined;
    if (this.#rows && rows > 0) {
      if (this.#hasRoom()) block = this.#calls?.encode(batch);
      else engine.ledger.add(ROW_NOT_WRITTEN, rows, 0);
    }
    if (block !== undefined) Atomics.add(this.#queue, QUEUE_SENT, 1);
    const transfer = block === undefined ? [entries.buffer] : [entries.buffer, block.buffer];
    this.#send({ kind: 'calls', block, rows, log: entries }, transfer);
  }

  connections(batch: ConnectionBatch): void {
    if (!this.#rows || batch.count === 0 || this.#connections === undefined) return;
    const block = this.#connections.encode(batch);
    this.#send({ kind: 'connections', block }, [block.buffer]);
  }

  aggregate(_aggregate: Aggregate): void {
    this.second(0);
  }

  addressName(name: string, address: string, ttlS: number): void {
    this.#send({ kind: 'name', name, address, ttlS }, []);
  }

  hostName(host: number, low: number, high: number): void {
    this.#send({ kind: 'host', host: this.#attached().strings.text(host), low, high }, []);
  }

  /** The report of a second. */
  second(seconds: number): void {
    const engine = this.#attached();
    this.#tellTexts();
    const rows = engine.aggregate.take();
    const counts = engine.ledger.counts.slice();
    const bytes = engine.ledger.bytes.slice();
    const { connections, slabBytes } = engine.usage();
    const second = {
      seconds,
      rows,
      counts,
      bytes,
      pairs: engine.ledger.pairs,
      frames: engine.frames,
      wireBytes: engine.bytes,
      connections,
      slabBytes,
    };
    const transfer = [
      rows.keys.buffer,
      rows.counts.buffer,
      rows.latencies.buffer,
      counts.buffer,
      bytes.buffer,
    ];
    this.#send({ kind: 'second', second }, transfer);
  }

  say(message: FromWorker): void {
    this.#send(message, []);
  }

  #hasRoom(): boolean {
    const sent = Atomics.load(this.#queue, QUEUE_SENT);
    for (;;) {
      const taken = Atomics.load(this.#queue, QUEUE_TAKEN);
      if (sent - taken < QUEUE_MAX) return true;
      if (!this.#canWait) return false;
      if (Atomics.wait(this.#queue, QUEUE_TAKEN, taken, WAIT_MS) === 'timed-out') return false;
    }
  }

  #tellTexts(): void {
    const { strings } = this.#attached();
    if (strings.count === this.#textsTold) return;
    const first = this.#textsTold + 1;
    const texts: string[] = [];
    for (let id = first; id <= strings.count; id++) texts.push(strings.text(id));
    this.#textsTold = strings.count;
    this.#send({ kind: 'texts', first, texts }, []);
  }

  #attached(): Engine {
    if (this.#engine === undefined) throw new Error('the reporter has no engine yet');
    return this.#engine;
  }

  #send(message: FromWorker, transfer: ArrayBuffer[]): void {
    this.#port.postMessage(message, transfer);
  }
}

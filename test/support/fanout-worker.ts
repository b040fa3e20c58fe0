/**
 * A worker thread that captures an interface together with others and tells which connections it saw, in
 * which directions: `workerData` is { workers, worker, port, name }. It posts 'ready', reads until it gets
 * any message, then posts { connections: [[client port, bits], …], drops }. Bit 1: from the client; 2: from
 * the server.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { createMemory } from '../../src/base/memory.ts';
import { Ledger } from '../../src/record/coverage.ts';
import type { FrameSink } from '../../src/wire/capture/frame-sink.ts';
import { openLive } from '../../src/wire/capture/live-source.ts';

export interface FanoutReport {
  readonly connections: readonly (readonly [number, number])[];
  readonly drops: number;
}

const { workers, worker, port, name } = workerData as {
  workers: number;
  worker: number;
  port: number;
  name: string;
};
const memory = createMemory(8 * 1024 * 1024, 65_536);
const seen = new Map<number, number>();

const sink: FrameSink = {
  frame(_link, start) {
    const u8 = memory.u8;
    const ip = start + 14;
    if (u8[ip] !== 0x45 || u8[ip + 9] !== 6) return;
    const source = (u8[ip + 20] << 8) | u8[ip + 21];
    const target = (u8[ip + 22] << 8) | u8[ip + 23];
    if (target === port) seen.set(source, (seen.get(source) ?? 0) | 1);
    if (source === port) seen.set(target, (seen.get(target) ?? 0) | 2);
  },
};

const opened = openLive({ memory, interfaces: [name], workers, worker, ledger: new Ledger() });
if (!opened.ok) throw new Error(opened.error.message);
if (parentPort === null) throw new Error('a worker has a parent');
parentPort.postMessage('ready');
while (receiveMessageOnPort(parentPort) === undefined) opened.value.poll(sink, 20);
let quiet = 0;
while (quiet < 3) quiet = opened.value.poll(sink, 50) === 0 ? quiet + 1 : 0;
const report: FanoutReport = { connections: [...seen], drops: opened.value.statistics().drops };
opened.value.close();
parentPort.postMessage(report);
parentPort.close();

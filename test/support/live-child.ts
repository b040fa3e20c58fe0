/**
 * A child process that captures an interface, gives up root, and goes on: forked with the interface's name
 * and the number of workers as arguments. It sends { state, frames } whenever one of them changed.
 */
import { createMemory } from '../../src/base/memory.ts';
import { Ledger } from '../../src/record/coverage.ts';
import type { FrameSink } from '../../src/wire/capture/frame-sink.ts';
import { openLive, type LiveSource } from '../../src/wire/capture/live-source.ts';
import { canCapture } from './rights.ts';

export interface LiveReport {
  readonly state: string;
  readonly frames: number;
  readonly canCapture: boolean;
}

const [name, workers] = process.argv.slice(2);
const memory = createMemory(4 * 1024 * 1024, 65_536);
const sink: FrameSink = {
  frame() {},
};
const opened = openLive({ memory, interfaces: [name], workers: Number(workers), ledger: new Ledger() });
if (!opened.ok) throw new Error(opened.error.message);
process.setgroups?.([]);
process.setgid?.(65_534);
process.setuid?.(65_534); // All capabilities go with it.

let told = '';
let frames = 0;
function step(source: LiveSource): void {
  frames += source.poll(sink, 20);
  const report: LiveReport = { state: source.interfaces()[0].state, frames, canCapture: canCapture() };
  const text = JSON.stringify(report);
  if (text !== told) process.send?.(report);
  told = text;
  if (process.connected) setImmediate(step, source);
}
step(opened.value);

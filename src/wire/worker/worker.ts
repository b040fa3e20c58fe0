/** A wire worker: one thread with its own memory, engine and source. Started by worker/pool. */
import { randomInt } from 'node:crypto';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { createMemory, type WireMemory } from '../../base/memory.ts';
import { VANTAGE_FILE, VANTAGE_UNKNOWN } from '../../record/codes.ts';
import { Ledger } from '../../record/coverage.ts';
import { captureFileErrorText } from '../capture/capture-file-error.ts';
import { INTERFACE_BYTES, openLive, type LiveSource } from '../capture/live-source.ts';
import { OwnTraffic } from '../capture/own-traffic.ts';
import { readCapture } from '../capture/pcap-file.ts';
import { Engine } from '../engine.ts';
import { PROTOCOLS } from '../protocols/index.ts';
import { createScan } from '../scan/create-scan.ts';
import { ASSIGN_WORDS, type FileStart, type LiveStart, type ToWorker, type WorkerStart } from './messages.ts';
import { Reporter } from './reporter.ts';
import { loadScanModule } from './scan-module.ts';

/** Files are read a MiB at a time; a record of 64 KiB more must fit. */
const FILE_BYTES = 4 * 1024 * 1024;
const POLL_MS = 20;
/** A block that is not full is handed over after 20 ms: whoever waits longer has seen all there is. */
const LAST_POLL_MS = 50;
/** After `stop` the ring is read until it is empty, but not longer than this. */
const DRAIN_MS = 2000;
/** How long a reader of files may not know of a wish to stop. */
const LISTEN_MS = 50;

async function main(port: MessagePort, start: WorkerStart): Promise<void> {
  const live = start.source.kind === 'live';
  const { source } = start;
  const input = source.kind === 'live' ? INTERFACE_BYTES * Math.max(2, source.interfaces.length) : FILE_BYTES;
  const memory = createMemory(input, start.limits.heapBytes);
  const ledger = new Ledger();
  const reporter = new Reporter(port, start.queue, start.rows, !live);
  const engine = createEngine(start, memory, ledger, reporter);
  reporter.attach(engine);
  if (start.source.kind === 'live') await runLive(port, start, start.source, memory, engine, reporter);
  else await runFiles(port, start.source, memory, engine, reporter);
}

function createEngine(start: WorkerStart, memory: WireMemory, ledger: Ledger, reporter: Reporter): Engine {
  const scan = createScan(memory, loadScanModule());
  const key = new DataView(start.key.buffer, start.key.byteOffset, 16);
  scan.setKey(key.getInt32(0, true), key.getInt32(4, true), key.getInt32(8, true), key.getInt32(12, true));
  const own = new OwnTraffic();
  for (const [port, address] of start.own) own.add(port, address);
  return new Engine({
    memory,
    limits: start.limits,
    scan,
    ledger,
    protocols: PROTOCOLS,
    sink: reporter,
    seed: randomInt(0x7fffffff),
    worker: start.worker,
    run: start.run,
    sensor: start.sensor,
    vantage: start.source.kind === 'live' ? VANTAGE_UNKNOWN : VANTAGE_FILE,
    bodies: start.bodies,
    claims: new Int32Array(start.claims),
    own: start.own.length > 0 ? (packet) => own.matches(packet, memory) : undefined,
  });
}

async function runLive(
  port: MessagePort,
  start: WorkerStart,
  live: LiveStart,
  memory: WireMemory,
  engine: Engine,
  reporter: Reporter,
): Promise<void> {
  const opened = openLive({
    memory,
    interfaces: live.interfaces,
    filter: live.filter,
    workers: live.workers,
    worker: start.worker,
    // All workers of the pool have the same process number, and so the same group.
    mapping: live.mapping,
    ledger: engine.ledger,
  });
  if (!opened.ok) {
    reporter.say({ kind: 'failed', failure: opened.error });
    return;
  }
  const source = opened.value;
  reporter.say({ kind: 'ready' });
  await pollUntilStopped(port, source, engine, reporter);
  const until = performance.now() + DRAIN_MS;
  while (source.poll(engine, LAST_POLL_MS) > 0 && performance.now() < until);
  engine.end();
  source.statistics();
  reporter.second(Math.floor(Date.now() / 1000));
  source.close();
  reporter.say({ kind: 'done' });
}

async function pollUntilStopped(
  port: MessagePort,
  source: LiveSource,
  engine: Engine,
  reporter: Reporter,
): Promise<void> {
  let second = Math.floor(Date.now() / 1000);
  let drops = 0;
  for (let running = true; running;) {
    source.poll(engine, POLL_MS);
    const now = Date.now();
    const seconds = Math.floor(now / 1000);
    if (seconds !== second) {
      second = seconds;
      engine.tickLive(seconds, (now % 1000) * 1_000_000);
      engine.flush();
      const lost = source.statistics().drops;
      if (lost > drops) engine.lost(seconds);
      drops = lost;
      reporter.second(seconds);
    } else {
      engine.tick(seconds, (now % 1000) * 1_000_000);
      engine.tellConnections();
    }
    running = takeMessages(port, engine);
    // The thread's own event loop: transferred buffers and errors of the port.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** False once main has said stop. */
function takeMessages(port: MessagePort, engine: Engine): boolean {
  for (;;) {
    const received: { message: ToWorker } | undefined = receiveMessageOnPort(port);
    if (received === undefined) return true;
    const { message } = received;
    if (message.kind === 'stop') return false;
    const { words } = message;
    for (let at = 0; at + ASSIGN_WORDS <= words.length; at += ASSIGN_WORDS) {
      engine.assign(words[at], words[at + 1], words[at + 2] === 1, words[at + 3], words[at + 4]);
    }
  }
}

async function runFiles(
  port: MessagePort,
  source: FileStart,
  memory: WireMemory,
  engine: Engine,
  reporter: Reporter,
): Promise<void> {
  const aborted = new AbortController();
  let reported = performance.now();
  const listen = (): void => {
    if (!takeMessages(port, engine)) aborted.abort();
  };
  // Standard input may be silent for hours.
  const listening = setInterval(listen, LISTEN_MS);
  reporter.say({ kind: 'ready' });
  for (const file of source.files) {
    if (aborted.signal.aborted) break;
    const read = await readCapture({ path: file }, memory, engine, {
      ledger: engine.ledger,
      signal: aborted.signal,
      onName: (address, name) => reporter.say({ kind: 'named', name, address }),
      onProgress: (bytes, total) => {
        reporter.say({ kind: 'progress', file, read: bytes, total });
        listen();
        if (performance.now() - reported < 1000) return;
        reported = performance.now();
        reporter.second(0);
      },
    });
    // Captures of other places and times: what is open in one does not go on in the next.
    engine.end();
    if (read.ok) reporter.say({ kind: 'file', file, warning: read.value.warning });
    else
      reporter.say({
        kind: 'unreadable',
        file,
        failure: { kind: 'unreadable', message: captureFileErrorText(read.error) },
      });
  }
  clearInterval(listening);
  reporter.second(0);
  reporter.say({ kind: 'done' });
}

if (parentPort !== null) await main(parentPort, workerData as WorkerStart);

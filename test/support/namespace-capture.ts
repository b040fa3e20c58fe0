/** Run in a network namespace: captures its `lo`, sends 50 datagrams, prints what it saw as JSON. */
import { createMemory } from '../../src/base/memory.ts';
import { Ledger } from '../../src/record/coverage.ts';
import { listInterfaces } from '../../src/wire/capture/interfaces.ts';
import { openLive } from '../../src/wire/capture/live-source.ts';
import { DatagramSink, sendDatagrams } from './udp.ts';

const PORT = 42_100;
const memory = createMemory(8 * 1024 * 1024, 65_536);
const opened = openLive({ memory, interfaces: ['lo'], workers: 1, ledger: new Ledger() });
if (!opened.ok) throw new Error(opened.error.message);
const sink = new DatagramSink(memory, PORT);
await sendDatagrams(PORT, 50, 100, () => opened.value.poll(sink, 0));
while (opened.value.poll(sink, 100) > 0);
opened.value.close();
console.log(JSON.stringify({ interfaces: listInterfaces(), frames: sink.frames.length }));

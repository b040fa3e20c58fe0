import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createMemory } from '../../base/memory.ts';
import { Ledger, reasonNumber } from '../../record/coverage.ts';
import { ANY, fanoutGroup, openLive } from './live-source.ts';
import type { LiveOptions, LiveSource } from './live-source.ts';
import type { FanoutReport } from '../../../test/support/fanout-worker.ts';
import type { LiveReport } from '../../../test/support/live-child.ts';
import { Network, addressPair, interfaceName, noNamespaces } from '../../../test/support/netns.ts';
import { noCapture } from '../../../test/support/rights.ts';
import { DatagramSink, sendDatagrams } from '../../../test/support/udp.ts';

const MIB = 1024 * 1024;
const POLLS_MAX = 200;
/** For tests that wait for another thread or process: a failure there must not hang the run. */
const TEST_MS = 30_000;
const skip = noCapture();
const skipNetwork = skip !== false ? skip : noNamespaces();

/** A source whose clock moves a second with every question, so that each poll is a new second. */
function open(
  t: TestContext,
  options: Partial<LiveOptions> = {},
): { source: LiveSource; ledger: Ledger; memory: LiveOptions['memory'] } {
  const memory = createMemory(8 * MIB, 65_536);
  const ledger = new Ledger();
  let clock = 0;
  const now = (): number => (clock += 1000);
  const opened = openLive({ memory, interfaces: ['lo'], workers: 1, ledger, now, ...options });
  if (!opened.ok) assert.fail(opened.error.message);
  t.after(() => opened.value.close());
  return { source: opened.value, ledger, memory };
}

function pollUntil(source: LiveSource, sink: DatagramSink, done: () => boolean): void {
  for (let polls = 0; polls < POLLS_MAX && !done(); polls++) source.poll(sink, 25);
  source.poll(sink, 50);
}

test(
  'lo beside any other number of interfaces delivers each packet once',
  { skip: skipNetwork },
  async (t) => {
    const network = new Network();
    t.after(() => network.close());
    const near = interfaceName('n');
    const address = addressPair();
    const far = interfaceName('f');
    const namespace = network.namespace('far');
    network.veth(
      { name: near, address: address.near + address.bits },
      { name: far, namespace, address: address.far + address.bits },
    );
    for (const interfaces of [['lo', near, 'lo'], [ANY], ['lo', ANY]]) {
      const { source, memory, ledger } = open(t, { interfaces });
      const sink = new DatagramSink(memory, 42_001);
      await sendDatagrams(42_001, 100, 200, () => source.poll(sink, 0));
      await sendDatagrams(42_001, 100, 200, () => source.poll(sink, 0), address.far);
      pollUntil(source, sink, () => sink.frames.length >= 200);
      assert.equal(sink.frames.length, 200, interfaces.join());
      assert.equal(sink.interfaces.size, 2);
      assert.equal(
        sink.outgoing.filter((outgoing) => outgoing === 1).length,
        100,
        'what left by veth is marked',
      );
      assert.equal(ledger.counts[reasonNumber('kernel-drop')], 0);
      assert.ok(source.statistics().frames >= 200);
      source.close();
    }
  },
);

test(
  'in a namespace of its own, a capture sees the packets of that namespace',
  { skip: skipNetwork },
  (t) => {
    const network = new Network();
    t.after(() => network.close());
    const namespace = network.namespace('own');
    const script = new URL('../../../test/support/namespace-capture.js', import.meta.url).pathname;
    const told = network.exec(namespace, process.execPath, [script]);
    assert.deepEqual(JSON.parse(told), { interfaces: ['lo'], frames: 50 });
  },
);

for (const workers of [1, 2]) {
  const name = `an interface that was deleted and made again is captured again (workers: ${workers})`;
  test(name, { skip: skipNetwork, timeout: TEST_MS }, async (t) => {
    const network = new Network();
    t.after(() => network.close());
    const near = interfaceName('n');
    const address = addressPair();
    const namespace = network.namespace('far');
    const pair = (): void =>
      network.veth(
        { name: near, address: address.near + address.bits },
        { name: interfaceName('f'), namespace, address: address.far + address.bits },
      );
    pair();
    const { source, memory, ledger } = open(t, { interfaces: [near, 'lo'], workers });
    const state = (): string => source.interfaces()[0].state;
    const gone = reasonNumber('interface-gone');
    for (let round = 1; round <= 3; round++) {
      const sink = new DatagramSink(memory, 42_010 + round);
      assert.equal(state(), 'up');
      await sendDatagrams(42_010 + round, 20, 200, () => source.poll(sink, 0), address.far);
      pollUntil(source, sink, () => sink.frames.length >= 20);
      assert.equal(sink.frames.length, 20);
      network.ip(undefined, 'link', 'del', near);
      pollUntil(source, sink, () => state() === 'gone');
      assert.equal(state(), 'gone');
      assert.equal(ledger.counts[gone], round);
      await sendDatagrams(42_010 + round, 20, 200, () => source.poll(sink, 0));
      pollUntil(source, sink, () => sink.frames.length >= 40);
      assert.equal(sink.frames.length, 40, 'the other interface goes on');
      pair();
      pollUntil(source, sink, () => state() === 'up');
    }
    assert.equal(state(), 'up');
  });
}

test('an interface switched off and on is captured again', { skip: skipNetwork }, async (t) => {
  const network = new Network();
  t.after(() => network.close());
  const near = interfaceName('n');
  const address = addressPair();
  const namespace = network.namespace('far');
  network.veth(
    { name: near, address: address.near + address.bits },
    { name: interfaceName('f'), namespace, address: address.far + address.bits },
  );
  const { source, memory, ledger } = open(t, { interfaces: [near] });
  const sink = new DatagramSink(memory, 42_020);
  network.ip(undefined, 'link', 'set', near, 'down');
  pollUntil(source, sink, () => source.interfaces()[0].state === 'down');
  assert.equal(source.interfaces()[0].state, 'down');
  assert.equal(ledger.counts[reasonNumber('interface-gone')], 1);
  network.ip(undefined, 'link', 'set', near, 'up');
  pollUntil(source, sink, () => source.interfaces()[0].state === 'up');
  await sendDatagrams(42_020, 20, 200, () => source.poll(sink, 0), address.far);
  pollUntil(source, sink, () => sink.frames.length >= 20);
  assert.equal(sink.frames.length, 20);
});

for (const workers of [1, 2]) {
  const name = `without rights, an interface that comes back is still captured (workers: ${workers})`;
  test(name, { skip: skipNetwork, timeout: TEST_MS }, async (t) => {
    const network = new Network();
    t.after(() => network.close());
    const near = interfaceName('n');
    const address = addressPair();
    const namespace = network.namespace('far');
    const pair = (): void =>
      network.veth(
        { name: near, address: address.near + address.bits },
        { name: interfaceName('f'), namespace, address: address.far + address.bits },
      );
    pair();
    const script = new URL('../../../test/support/live-child.js', import.meta.url);
    const child = fork(script, [near, String(workers)]);
    t.after(() => child.kill());
    const reports: LiveReport[] = [];
    child.on('message', (report: LiveReport) => {
      reports.push(report);
      child.emit('report');
    });
    let next = 0; // Reports before it were looked at.
    const until = async (done: (report: LiveReport) => boolean): Promise<LiveReport> => {
      for (;;) {
        for (; next < reports.length; next++) if (done(reports[next])) return reports[next++];
        await once(child, 'report', { signal: AbortSignal.any([t.signal, ended.signal]) });
      }
    };
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    const first = await until((report) => report.state === 'up');
    assert.equal(first.canCapture, false, 'the child has no right any more');
    network.ip(undefined, 'link', 'del', near);
    await until((report) => report.state === 'gone');
    pair();
    const back = await until((report) => report.state === 'up');
    const more = until((report) => report.frames >= back.frames + 20);
    await sendDatagrams(42_030, 20, 200, undefined, address.far);
    assert.equal((await more).state, 'up');
  });
}

for (const name of ['lo', ANY]) {
  test(
    `two workers share ${name}: both directions of a connection meet in one of them`,
    { skip },
    async (t) => {
      const connections = 100;
      const server = createServer((socket) => socket.end('answer'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      const port = (server.address() as AddressInfo).port;
      const script = new URL('../../../test/support/fanout-worker.js', import.meta.url);
      const workers = [0, 1].map(
        (worker) => new Worker(script, { workerData: { workers: 2, worker, port, name } }),
      );
      t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      const ports: number[] = [];
      for (let made = 0; made < connections; made++) {
        const socket = connect(port, '127.0.0.1').resume();
        await once(socket, 'connect');
        ports.push(socket.localPort ?? 0);
        await once(socket, 'close');
      }
      const reports = await Promise.all(
        workers.map(async (worker) => {
          const told = once(worker, 'message');
          worker.postMessage('stop');
          return ((await told) as [FanoutReport])[0];
        }),
      );
      const all = reports.flatMap((report) => report.connections);
      assert.deepEqual(
        all.map(([client]) => client).toSorted((a, b) => a - b),
        ports.toSorted((a, b) => a - b),
        'each connection is in one worker',
      );
      assert.ok(
        all.every(([, directions]) => directions === 3),
        'both directions were there',
      );
      assert.ok(
        reports.every((report) => report.connections.length > 0),
        'both workers had a part',
      );
      assert.ok(reports.every((report) => report.drops === 0));
    },
  );
}

test('what a full ring did not take is in the ledger', { skip }, async (t) => {
  const memory = createMemory(MIB / 2, 65_536);
  const { source, ledger } = open(t, { memory });
  const sink = new DatagramSink(memory, 42_040);
  await sendDatagrams(42_040, 100, 30_000);
  while (source.poll(sink, 50) > 0);
  const dropped = ledger.counts[reasonNumber('kernel-drop')];
  assert.ok(sink.frames.length > 0 && sink.frames.length < 100);
  assert.ok(dropped >= 100 - sink.frames.length);
  assert.equal(source.statistics().drops, dropped);
});

test('a filter is applied by the kernel, also on all interfaces', { skip }, async (t) => {
  for (const interfaces of [['lo'], [ANY]]) {
    const { source, memory } = open(t, { interfaces, filter: 'udp dst port 42051' });
    const sink = new DatagramSink(memory, 42_051);
    await sendDatagrams(42_050, 50, 200, () => source.poll(sink, 0));
    await sendDatagrams(42_051, 50, 200, () => source.poll(sink, 0));
    pollUntil(source, sink, () => sink.frames.length >= 50);
    assert.equal(sink.frames.length, 50);
    assert.equal(sink.all, 50, 'nothing else was delivered');
    assert.equal(source.statistics().packets, 50, 'nor did it pass the kernel, not even half of loopback');
    source.close();
  }
});

test('an interface that does not exist is named, beside those that do', { skip }, () => {
  const memory = createMemory(MIB, 65_536);
  for (const name of ['nosuch0', '', 'a name that is too long', 'lo\0']) {
    const opened = openLive({ memory, interfaces: ['lo', name], workers: 1, ledger: new Ledger() });
    assert.ok(!opened.ok);
    assert.equal(opened.error.kind, 'no-interface');
    assert.ok(opened.error.message.startsWith(`There is no interface ${JSON.stringify(name)}; there are: `));
    assert.match(opened.error.message, /\blo\b.*, any\.$/);
  }
});

test('more interfaces than the input memory has room for are refused', { skip }, () => {
  const memory = createMemory(MIB / 2, 65_536);
  const opened = openLive({ memory, interfaces: ['lo', 'eth0'], workers: 1, ledger: new Ledger() });
  assert.deepEqual(opened.ok ? undefined : opened.error, {
    kind: 'ring',
    message: '2 interfaces do not fit into the input memory: name at most 1, or any.',
  });
});

test('without the right to capture, one sentence says which and how to get it', () => {
  const script = new URL('../../../test/support/open-live.js', import.meta.url).pathname;
  const dropped = ['--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
  const child =
    process.getuid?.() === 0
      ? spawnSync('setpriv', [...dropped, process.execPath, script], { encoding: 'utf8' })
      : spawnSync(process.execPath, [script], { encoding: 'utf8' });
  const lines = child.stdout.trim().split('\n');
  assert.equal(lines.length, 2, child.stderr);
  for (const line of lines) {
    const error = JSON.parse(line) as { kind: string; message: string };
    assert.equal(error.kind, 'no-right');
    assert.match(error.message, /^[^\n]*CAP_NET_RAW[^\n]*`sudo setcap cap_net_raw\+ep \/[^`\n]*`[^\n]*\.$/);
  }
});

test('neighbouring interfaces have different fanout groups of 16 bits', () => {
  const groups = new Set<number>();
  for (let index = 1; index <= 100; index++) groups.add(fanoutGroup(12_345, index));
  assert.ok(groups.size >= 99, 'a hundred numbers of 65,536 hardly meet');
  for (const group of groups) assert.ok(group >= 0 && group <= 0xffff);
});

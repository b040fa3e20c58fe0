import { test } from 'node:test';
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logOf } from '../../../test/support/log-entries.ts';
import { Network, interfaceName, noNamespaces } from '../../../test/support/netns.ts';
import { SocketChild } from '../../../test/support/socket-child.ts';
import { decimal } from '../../record/decimal.ts';
import { hostIdentity, ownerId } from './endpoint-id.ts';
import { EndpointNames } from './endpoint-names.ts';
import { ASSIGNMENT_WORDS, Identity } from './identity.ts';
import { Namespaces } from './namespaces.ts';
import { Processes } from './proc.ts';
import { UDP } from './socket-table.ts';

const KEY = Buffer.alloc(16, 7);
const NONE = new Int32Array(0);
const onLinux = process.platform === 'linux' ? false : 'no /proc here';

function noOtherNamespaces(): string | false {
  if (process.getuid?.() !== 0) return 'the /proc of other users is closed (root or CAP_SYS_PTRACE)';
  return noNamespaces();
}

/** By `number side` → id. */
function told(words: Int32Array): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < words.length; at += ASSIGNMENT_WORDS) {
    const side = words[at + 2] === 1 ? 'server' : 'client';
    found.set(`${words[at + 1]} ${side}`, decimal(words[at + 3], words[at + 4]));
  }
  return found;
}

function identity(services: ConstructorParameters<typeof EndpointNames>[0] = []): {
  names: EndpointNames;
  id: Identity;
} {
  const names = new EndpointNames(services);
  return { names, id: new Identity({ key: KEY, host: 'test-host', names }) };
}

test(
  'both ends of a local connection get the ids and names of their processes',
  { skip: onLinux },
  async (t) => {
    const orders = await SocketChild.start('orders');
    const load = await SocketChild.start('load');
    t.after(() => Promise.all([orders.close(), load.close()]));
    const clientPort = await load.connect('127.0.0.1', orders.ports.tcp4);
    const { names, id } = identity();
    id.start(0);
    const peer = { client: '127.0.0.1', clientPort, server: '127.0.0.1', serverPort: orders.ports.tcp4 };
    const log = logOf([{ number: 5, row: 3, ...peer, clientId: [1, 0], serverId: [2, 0] }]);
    names.connections(log);
    const words = id.connections(log, 0, 2000);
    const ends = told(words);
    equal(words[0], 3, 'the row in the worker');
    deepEqual([...ends.keys()].sort(), ['5 client', '5 server']);
    equal(names.best(ends.get('5 server') ?? '').name, 'orders');
    equal(names.best(ends.get('5 client') ?? '').name, 'load');
    equal(names.best('2').name, 'orders', 'rows of before, under the id of the address');
    equal(names.best('1').name, '127.0.0.1');
    ok(names.all('2')[0].detail.startsWith(`pid ${orders.ports.pid}, `));
    equal(id.unknown, 0);
    const { id: made } = ownerId(KEY, 'test-host', 'process', 'orders');
    const kinds = new Set(names.all('2').map((one) => one.evidence));
    // Where the tests themselves run in a unit or container, that is what identifies.
    if (!kinds.has('unit') && !kinds.has('container')) equal(ends.get('5 server'), made);
  },
);

test('a UDP server is known, a client that is gone is unknown and counted', { skip: onLinux }, async (t) => {
  const dns = await SocketChild.start('dns');
  t.after(() => dns.close());
  const { names, id } = identity();
  const peer = { client: '127.0.0.1', clientPort: 1, server: '127.0.0.1', serverPort: dns.ports.udp4 };
  const log = logOf([{ number: 1, ...peer, transport: UDP, clientId: [1, 0], serverId: [2, 0] }]);
  names.connections(log);
  const ends = told(id.connections(log, 0, 0));
  deepEqual([...ends.keys()], ['1 server']);
  equal(names.best(ends.get('1 server') ?? '').name, 'dns');
  equal(id.unknown, 1);
  equal(id.connections(NONE, 0, 1000).length, 0);
  equal(id.unknown, 1);
});

test(
  'a listener that was opened after the last look is found with the next one',
  { skip: onLinux },
  async (t) => {
    const { names, id } = identity();
    id.start(0);
    const late = await SocketChild.start('late');
    t.after(() => late.close());
    const clientPort = await late.connect('127.0.0.1', late.ports.tcp4);
    const peer = { client: '127.0.0.1', clientPort, server: '127.0.0.1', serverPort: late.ports.tcp4 };
    const log = logOf([{ number: 9, ...peer, clientId: [1, 0], serverId: [2, 0] }]);
    names.connections(log);
    equal(id.connections(log, 2, 100).length, 0, 'looked at a tenth of a second ago');
    equal(id.connections(NONE, 1, 1100).length, 0, 'another worker has nothing to be told');
    deepEqual([...told(id.connections(NONE, 2, 2200)).keys()].sort(), ['9 client', '9 server']);
    equal(names.best('2').name, 'late');
    equal(id.unknown, 0);
  },
);

test(
  'a port where nobody listens is given up after a few looks, a host far away is none of ours',
  { skip: onLinux },
  () => {
    const { names, id } = identity();
    const near = { client: '203.0.113.9', clientPort: 5, server: '127.0.0.1', serverPort: 1 };
    const far = { client: '203.0.113.9', clientPort: 6, server: '198.51.100.1', serverPort: 80 };
    const log = logOf([
      { number: 1, ...near, clientId: [1, 0], serverId: [2, 0] },
      { number: 2, ...far, clientId: [1, 0], serverId: [3, 0] },
    ]);
    names.connections(log);
    for (let second = 0; second < 6; second++)
      equal(id.connections(second === 0 ? log : NONE, 0, second * 1001).length, 0);
    equal(id.unknown, 1);
  },
);

test(
  'one program behind two configured services keeps the addresses of the second',
  { skip: onLinux },
  async (t) => {
    const both = await SocketChild.start('both');
    t.after(() => both.close());
    const { tcp4, any } = both.ports;
    const { names, id } = identity([
      { name: 'shop', address: '127.0.0.1', port: tcp4 },
      { name: 'admin', address: '127.0.0.1', port: any },
    ]);
    const end = { client: '203.0.113.9', clientPort: 5, server: '127.0.0.1' };
    const log = logOf([
      { number: 1, ...end, serverPort: tcp4, clientId: [1, 0], serverId: [2, 0] },
      { number: 2, ...end, serverPort: any, clientId: [1, 0], serverId: [3, 0] },
    ]);
    names.connections(log);
    deepEqual([...told(id.connections(log, 0, 0)).keys()], ['1 server']);
    equal(names.best('2').name, 'shop');
    equal(names.best('3').name, 'admin');
  },
);

test(
  'processes in another network namespace are found by its address',
  { skip: noOtherNamespaces() },
  async (t) => {
    const network = new Network();
    t.after(() => network.close());
    const space = network.namespace('id');
    const near = interfaceName('a');
    network.veth(
      { name: near, address: '10.213.77.1/24' },
      { name: interfaceName('b'), namespace: space, address: '10.213.77.2/24' },
    );
    const prefix = ['ip', 'netns', 'exec', space];
    const inside = await SocketChild.start('cart', '10.213.77.2', prefix);
    t.after(() => inside.close());
    const outside = await SocketChild.start('web', '10.213.77.1');
    t.after(() => outside.close());
    const inwards = await outside.connect('10.213.77.2', inside.ports.tcp4);
    const outwards = await inside.connect('10.213.77.1', outside.ports.tcp4);
    const { names, id } = identity();
    const web = '10.213.77.1';
    const cart = '10.213.77.2';
    const log = logOf([
      {
        number: 1,
        client: web,
        clientPort: inwards,
        server: cart,
        serverPort: inside.ports.tcp4,
        clientId: [1, 0],
        serverId: [2, 0],
      },
      {
        number: 2,
        client: cart,
        clientPort: outwards,
        server: web,
        serverPort: outside.ports.tcp4,
        clientId: [3, 0],
        serverId: [4, 0],
      },
    ]);
    names.connections(log);
    const ends = told(id.connections(log, 0, 0));
    deepEqual([...ends.keys()].sort(), ['1 client', '1 server', '2 client', '2 server']);
    const name = (end: string): string => names.best(ends.get(end) ?? '').name;
    deepEqual(['1 client', '1 server', '2 client', '2 server'].map(name), ['web', 'cart', 'cart', 'web']);
    equal(ends.get('1 server'), ends.get('2 client'), 'one endpoint, whichever side it is on');
    equal(id.unknown, 0);
  },
);

test(
  'many connections in one call are looked at up to a limit, the others are counted',
  { skip: onLinux },
  () => {
    const { names, id } = identity();
    const entries = Array.from({ length: 5000 }, (_, number) => ({
      number,
      client: '127.0.0.1',
      clientPort: 1 + (number % 1000),
      server: '203.0.113.1',
      serverPort: 80,
      clientId: [1, 0] as const,
      serverId: [2, 0] as const,
    }));
    const log = logOf(entries);
    names.connections(log);
    equal(id.connections(log, 0, 0).length, 0);
    equal(id.unknown, 5000);
  },
);

test('a container is one endpoint whatever runs in it, a unit too, and a coarse unit is none', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  t.after(() => rmSync(root, { recursive: true }));
  const container = 'ab'.repeat(32);
  const groups: Record<number, string> = {
    10: `/system.slice/docker-${container}.scope`,
    11: `/system.slice/docker-${container}.scope`,
    12: '/system.slice/cart.service',
    13: '/system.slice/cron.service',
  };
  for (const [pid, group] of Object.entries(groups)) {
    mkdirSync(join(root, pid, 'fd'), { recursive: true });
    mkdirSync(join(root, pid, 'ns'));
    symlinkSync('net:[1]', join(root, pid, 'ns', 'net'));
    symlinkSync(`socket:[${pid}]`, join(root, pid, 'fd', '3'));
    symlinkSync('/dev/null', join(root, pid, 'fd', '4'));
    const fields = Array.from({ length: 40 }, (_, field) => field);
    writeFileSync(join(root, pid, 'stat'), `${pid} (a) b (c) S ${fields.slice(4).join(' ')}\n`);
    writeFileSync(join(root, pid, 'cmdline'), `/srv/program-of-${pid}\0--password=hunter2\0`);
    writeFileSync(join(root, pid, 'cgroup'), `0::${group}\n`);
  }
  mkdirSync(join(root, 'self/ns'), { recursive: true });
  symlinkSync('net:[1]', join(root, 'self/ns/net'));
  mkdirSync(join(root, 'self/net'));
  const line = (pid: string): string =>
    ` 0: 0100007F:${(8000 + Number(pid)).toString(16).toUpperCase()} 00000000:0000 0A 0:0 0:0 0 0 0 ${pid} 1\n`;
  writeFileSync(join(root, 'self/net/tcp'), `head\n${Object.keys(groups).map(line).join('')}`);
  const names = new EndpointNames();
  const processes = new Processes(root);
  const namespaces = new Namespaces(processes, false);
  const id = new Identity({ key: KEY, host: 'h', names, processes, namespaces });
  const end = { client: '203.0.113.9', clientPort: 5, server: '127.0.0.1', clientId: [1, 0] as const };
  const log = logOf(
    Object.keys(groups).map((pid) => ({
      number: Number(pid),
      ...end,
      serverPort: 8000 + Number(pid),
      serverId: [Number(pid), 0] as const,
    })),
  );
  names.connections(log);
  const ends = told(id.connections(log, 0, 0));
  equal(ends.get('10 server'), ownerId(KEY, 'h', 'container', container).id);
  equal(ends.get('11 server'), ends.get('10 server'));
  equal(ends.get('12 server'), ownerId(KEY, 'h', 'unit', 'cart.service').id);
  equal(ends.get('13 server'), ownerId(KEY, 'h', 'process', 'program-of-13').id);
  equal(names.best('10').name, 'program-of-10', 'a container that nobody names goes by its program');
  equal(names.best('12').name, 'cart');
  equal(names.best('13').name, 'program-of-13');
  for (const pid of Object.keys(groups)) {
    for (const { detail } of names.all(pid)) ok(!detail.includes('hunter2'));
  }
});

test('ids depend on key, host, kind and name, and are never 0', () => {
  const base = ownerId(KEY, 'h', 'unit', 'cart').id;
  equal(ownerId(KEY, 'h', 'unit', 'cart').id, base);
  for (const other of [
    ownerId(Buffer.alloc(16, 8), 'h', 'unit', 'cart'),
    ownerId(KEY, 'i', 'unit', 'cart'),
    ownerId(KEY, 'h', 'process', 'cart'),
    ownerId(KEY, 'h', 'unit', 'carts'),
  ]) {
    notEqual(other.id, base);
    notEqual(other.low, 0);
  }
  notEqual(hostIdentity().trim(), '');
});

test('processes whose descriptors are closed to us are passed over and counted', { skip: onLinux }, () => {
  // As nobody, in a process of its own; this one is root's or another user's then.
  const script = `
    const { Processes } = await import(${JSON.stringify(new URL('./proc.js', import.meta.url).href)});
    if (process.getuid() === 0) {
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
    }
    const processes = new Processes();
    const isComplete = processes.findOwners(new Set([4294967295]), new Map());
    const first = processes.closed;
    processes.forgetClosed();
    console.log(JSON.stringify({ isComplete, first, then: processes.closed }));`;
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  equal(done.stderr, '');
  const { isComplete, first, then } = JSON.parse(done.stdout) as {
    isComplete: boolean;
    first: number;
    then: number;
  };
  ok(isComplete);
  ok(first > 0);
  equal(then, 0);
});

/** The live commands at the edges of a capture: what it takes, what it refuses, how it ends, what it lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ContainerHost } from '../support/container-host.ts';
import { childrenOf, coverageOf, Eastwest, rowsOf, totalsOf, waitFor } from '../support/eastwest.ts';
import { interfaceName, Network, noNamespaces } from '../support/netns.ts';
import { SERVED, startClient, startServer } from '../support/peers.ts';
import { missing } from '../support/real-server.ts';
import { noCapture } from '../support/rights.ts';

/** Of 60 kB each: more than a ring of 32 MiB holds. */
const FLOOD_DATAGRAMS = 1500;
const FLOOD = `
const { createSocket } = require('node:dgram');
const socket = createSocket('udp4');
const bytes = Buffer.alloc(60_000);
let left = ${FLOOD_DATAGRAMS};
const send = () => left-- > 0 ? socket.send(bytes, 9, '127.0.0.1', send) : socket.close();
send();
`;

async function startHttp(): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => response.end(request.url));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function ask(port: number, path: string): Promise<void> {
  const [response] = await once(get({ port, path, host: '127.0.0.1', agent: false }), 'response');
  response.resume();
  await once(response, 'end');
}

function isOneLine(text: string): boolean {
  return text.endsWith('\n') && text.indexOf('\n') === text.length - 1;
}

describe('a live capture', { skip: noCapture() }, () => {
  let server: Server;
  let port = 0;
  before(async () => {
    ({ server, port } = await startHttp());
  });
  after(() => server.close());

  it('takes what the filter takes, and nothing else', async () => {
    const other = await startHttp();
    const eastwest = new Eastwest(['observe', '-o', 'json', '-i', 'lo', '--bpf', `tcp port ${port}`]);
    await eastwest.listens(1);
    for (const path of ['/one', '/two']) {
      await ask(port, path);
      await ask(other.port, path);
    }
    other.server.close();
    const { code, stdout, stderr } = await eastwest.interrupt();
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      rowsOf(stdout).map((row) => [row.server_port, row.target]),
      [
        [port, '/one'],
        [port, '/two'],
      ],
    );
  });

  it('refuses a wrong filter and an interface that is not there: code 2, one line', async () => {
    for (const [words, said] of [
      [['-i', 'lo', '--bpf', 'tcp prot 80'], /filter.*tcp prot 80/],
      [['-i', 'nosuch0'], /no interface "nosuch0"; there are: .*\blo\b.*any/],
    ] as const) {
      for (const command of ['up', 'observe']) {
        const { code, stdout, stderr } = await new Eastwest([command, ...words]).ended();
        assert.equal(code, 2, stderr);
        assert.match(stderr, said);
        assert.ok(isOneLine(stderr), stderr);
        assert.equal(stdout, '');
      }
    }
  });

  it(
    'without the right says what grants it: code 3, one sentence',
    { skip: missing('setpriv') },
    async () => {
      for (const words of [['up'], ['observe', '-i', 'lo'], ['up', '--workers', '2']]) {
        const prefix = ['setpriv', '--bounding-set', '-net_raw'];
        const { code, stdout, stderr } = await new Eastwest(words, { prefix }).ended();
        assert.equal(code, 3, stderr);
        assert.match(stderr, /CAP_NET_RAW/);
        assert.match(stderr, /setcap|sudo/);
        assert.ok(isOneLine(stderr), stderr);
        assert.equal(stdout, '');
      }
    },
  );

  it('ends by itself when its time is up', async () => {
    const eastwest = new Eastwest(['up', '--for', '1500ms', '-i', 'lo', '--bpf', `tcp port ${port}`]);
    await eastwest.listens(1);
    await ask(port, '/one');
    const { code, stdout, stderr } = await eastwest.ended();
    assert.equal(code, 0, stderr);
    assert.deepEqual(totalsOf(stdout), { calls: 1, operations: 1, services: 1, dropped: 0 });
    assert.equal(stderr, '');
  });

  it('ends by Ctrl-C with code 0, what is in the ring read, and leaves no process', async () => {
    for (const command of ['up', 'observe']) {
      const words = ['-i', 'lo', '--workers', '2', '--bpf', `tcp port ${port}`];
      const eastwest = new Eastwest([command, ...words]);
      await eastwest.listens(2);
      await ask(port, '/last');
      const children = childrenOf(eastwest.pid);
      const { code, signal, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      assert.equal(signal, null);
      assert.equal(totalsOf(command === 'up' ? stdout : stderr).calls, 1);
      for (const child of children) assert.throws(() => process.kill(child, 0));
    }
  });

  it('ends quietly when nobody reads on: observe | head -n 1', async () => {
    const words = ['observe', '-i', 'lo', '-o', 'json', '--bpf', `tcp port ${port}`];
    const pipeline = ['sh', '-c', '{ "$@"; echo "code $?" >&2; } | head -n 1', 'sh'];
    const eastwest = new Eastwest(words, { prefix: pipeline });
    await waitFor('the end of the pipeline', async () => {
      await ask(port, '/again');
      return eastwest.child.exitCode !== null;
    });
    const { stdout, stderr } = await eastwest.ended();
    assert.equal(stderr, 'code 0\n');
    assert.equal(rowsOf(stdout).length, 1);
  });
});

describe('a live capture in namespaces', { skip: noCapture() || noNamespaces() }, () => {
  it('tells what the kernel dropped while it was stopped', async () => {
    const network = new Network();
    const namespace = network.namespace('flood');
    const words = ['up', '--quiet', '--coverage', '-i', 'lo'];
    const eastwest = new Eastwest(words, { prefix: ['ip', 'netns', 'exec', namespace] });
    try {
      await eastwest.listens(1);
      eastwest.child.kill('SIGSTOP');
      network.exec(namespace, process.execPath, ['-e', FLOOD]);
      eastwest.child.kill('SIGCONT');
      const { code, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      assert.ok(totalsOf(stdout).dropped > 0, stdout);
      assert.notEqual(coverageOf(stdout, 'kernel-drop'), '0');
    } finally {
      eastwest.child.kill('SIGCONT');
      eastwest.child.kill('SIGKILL');
      network.close();
    }
  });

  it('sees what passes one of two named interfaces, once, and not what passes a third', async () => {
    const host = new ContainerHost();
    const client = host.container('client', 0);
    const one = host.container('one', 0);
    const two = host.container('two', 1);
    const third = host.container('third', 1);
    const words = ['-i', one.hostInterface, '-i', two.hostInterface, '-i', client.hostInterface];
    const eastwest = new Eastwest(['observe', '-o', 'json', ...words], { prefix: host.prefix });
    try {
      for (const server of [one, two, third]) await startServer(host.network, server);
      await eastwest.listens(3);
      const askers = [
        [client, one],
        [client, two],
        [one, third],
        [two, third],
      ] as const;
      for (const [from, to] of askers) {
        const asking = await startClient(host.network, from, to.address, SERVED);
        await asking.ask('keep-alive', 5);
        await asking.ask('redis', 5);
        await asking.ask('dns', 5);
        await asking.end();
      }
      // Past no named interface.
      const hidden = await startClient(host.network, third, third.address, SERVED);
      await hidden.ask('keep-alive', 5);
      await hidden.end();
      const { code, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      const counts = new Map<string, number>();
      for (const row of rowsOf(stdout)) {
        const way = `${row.client_address} ${row.server_address}`;
        counts.set(way, (counts.get(way) ?? 0) + 1);
      }
      const expected = askers.map(([from, to]) => [`${from.address} ${to.address}`, 15] as const);
      assert.deepEqual(Object.fromEntries(counts), Object.fromEntries(expected));
    } finally {
      eastwest.child.kill('SIGKILL');
      host.close();
    }
  });

  for (const workers of [1, 2]) {
    it(`an interface that vanishes and comes back is watched again, with ${workers} worker(s)`, async () => {
      const network = new Network();
      const here = network.namespace('here');
      const there = network.namespace('there');
      const near = interfaceName('n');
      const far = interfaceName('f');
      const link = (): void => {
        network.veth(
          { name: near, namespace: here, address: '10.232.0.1/24' },
          { name: far, namespace: there, address: '10.232.0.2/24' },
        );
      };
      link();
      const place = { namespace: there, address: '10.232.0.2', hostInterface: near, prefix: [] };
      const words = ['observe', '-o', 'json', '--coverage', '-i', near, '--workers', String(workers)];
      const eastwest = new Eastwest(words, { prefix: ['ip', 'netns', 'exec', here] });
      try {
        await startServer(network, place);
        await eastwest.listens(workers);
        const asks = async (): Promise<void> => {
          const asking = await startClient(network, { ...place, namespace: here }, place.address, SERVED);
          await asking.ask('keep-alive', 3);
          await asking.end();
        };
        const times = (): number => rowsOf(eastwest.stdout).length;
        await asks();
        await waitFor('the first calls', () => times() >= 3);
        network.ip(here, 'link', 'del', near);
        await waitFor('the end of the rings', () => eastwest.rings(near) === 0);
        link();
        await waitFor('the rings again', () => eastwest.rings(near) === workers);
        await asks();
        const { code, stdout, stderr } = await eastwest.interrupt();
        assert.equal(code, 0, stderr);
        assert.equal(rowsOf(stdout).length, 6);
        assert.equal(coverageOf(stderr, 'interface-gone'), '1');
      } finally {
        eastwest.child.kill('SIGKILL');
        network.close();
      }
    });
  }
});

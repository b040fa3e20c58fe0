/** Who calls whom, live: by process and configuration on loopback; by DNS and Host where processes are closed. */
import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CallRow } from '../../src/record/row.ts';
import { ContainerHost } from '../support/container-host.ts';
import { coverageOf, Eastwest, rowsOf } from '../support/eastwest.ts';
import { noNamespaces } from '../support/netns.ts';
import { SERVED, startClient, startServer } from '../support/peers.ts';
import { missing } from '../support/real-server.ts';
import { noCapture } from '../support/rights.ts';
import { freePorts, runShop } from '../support/shop-run.ts';

const LOAD = { seed: 8, rate: 50, seconds: 5, users: 24 };
const NOBODY = 65_534;
const PROCESSES_CLOSED = process.getuid?.() === 0 ? false : 'the /proc of other users is closed (root)';
/** A new connection's process is told to the worker within this time: two looks, a second apart, and some. */
const LEARNT_MS = 3000;
const NAMES = [
  'edge',
  'storefront',
  'office',
  'catalogue',
  'users',
  'carts',
  'orders',
  'inventory',
  'payments',
  'risk',
  'pricing',
  'reports',
  'redis',
  'dns',
];

/** What a process of the shop is called: the Go services are one program, the edge is nginx. */
function processNames(service: string): readonly string[] {
  return [service, `shop-${service}`, ...(service === 'edge' ? ['nginx'] : [])];
}

describe('names on lo', { skip: noCapture() || PROCESSES_CLOSED }, () => {
  it('every server goes by its process or by the configuration, and clients by theirs once they are known', async () => {
    const base = await freePorts(24_500);
    const configured = ['--services', `front=127.0.0.1:${base},cache=127.0.0.1:${base + 12}`];
    const filter = ['--bpf', `portrange ${base}-${base + 15}`];
    const eastwest = new Eastwest([
      'observe',
      '-o',
      'json',
      '--coverage',
      '-i',
      'lo',
      ...filter,
      ...configured,
    ]);
    try {
      await eastwest.listens(1);
      const truth = await runShop({ port: base }, LOAD);
      const { code, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      const clients = new Map(truth.map((call) => [`${call.client_port} ${call.server_port}`, call.client]));
      const opened = new Map<string, number>();
      const unknown = new Set<string>();
      let known = 0;
      for (const row of rowsOf(stdout)) {
        const connection = `${row.client_port} ${row.server_port}`;
        const startMs = Date.parse(row.start);
        const server = String(row.server_port);
        if (!opened.has(server)) opened.set(server, startMs);
        assertServer(row, base, startMs - (opened.get(server) ?? 0) >= LEARNT_MS);
        if (!opened.has(connection)) opened.set(connection, startMs);
        const client = clients.get(connection) ?? '';
        const allowed = [...processNames(client), ...(client === 'edge' ? ['front'] : [])];
        if (row.client_service === '127.0.0.1') {
          allowed.push('127.0.0.1');
          if (startMs - (opened.get(connection) ?? 0) >= LEARNT_MS) unknown.add(connection);
        } else known++;
        assert.ok(allowed.includes(row.client_service), `${client} is shown as ${row.client_service}`);
      }
      const counted = Number(coverageOf(stderr, 'process-unknown').replaceAll(',', ''));
      assert.ok(unknown.size <= counted, `${unknown.size} connections without a name, ${counted} counted`);
      assert.ok(known > 100, `${known} calls whose client has a name`);
    } finally {
      eastwest.child.kill('SIGKILL');
    }
  });
});

/** The shop starts after eastwest: until the next look its servers are places, but for configured ones. */
function assertServer(row: CallRow, base: number, isLearnt: boolean): void {
  const service = NAMES[row.server_port - base];
  const configured = service === 'edge' ? 'front' : service === 'redis' ? 'cache' : undefined;
  const expected = configured === undefined ? [...processNames(service)] : [configured];
  if (configured === undefined && !isLearnt) expected.push(`127.0.0.1:${row.server_port}`, 'shop.example');
  assert.ok(expected.includes(row.server_service), `${service} is shown as ${row.server_service}`);
}

describe('names without processes', { skip: noCapture() || noNamespaces() || missing('setpriv') }, () => {
  it('a server goes by the Host that its clients ask for, and by the DNS answer with its address', async () => {
    const host = new ContainerHost();
    const folder = mkdtempSync(join(tmpdir(), 'eastwest-key-'));
    chownSync(folder, NOBODY, NOBODY);
    const environment = { XDG_CONFIG_HOME: folder };
    // As `setcap cap_net_raw+ep` does: an ordinary user who may capture, and sees no other user's processes.
    const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const rights = ['--inh-caps', '+net_raw', '--ambient-caps', '+net_raw'];
    const words = ['observe', '-o', 'json', '-i', 'any', '--key-file', join(folder, 'key')];
    const eastwest = new Eastwest(words, { prefix: [...host.prefix, ...user, ...rights], environment });
    try {
      const client = host.container('client', 0);
      const web = host.container('web', 1);
      const store = host.container('store', 1);
      for (const server of [web, store]) await startServer(host.network, server);
      await eastwest.listens(1);
      const browser = await startClient(host.network, client, web.address, SERVED);
      await browser.ask('keep-alive', 3);
      await browser.end();
      const cache = await startClient(host.network, client, store.address, SERVED);
      await cache.ask('dns', 1);
      await cache.ask('redis', 3);
      await cache.end();
      const { code, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      const rows = rowsOf(stdout);
      const namesOf = (protocol: string): string[] =>
        rows.filter((row) => row.protocol === protocol).map((row) => row.server_service);
      assert.deepEqual(namesOf('http'), ['shop.test', 'shop.test', 'shop.test']);
      assert.equal(namesOf('redis').length, 3);
      for (const name of namesOf('redis')) assert.match(name, /^h\d+\.test$/);
    } finally {
      eastwest.child.kill('SIGKILL');
      host.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/**
 * The shop as containers: each service in a network namespace of its own behind a bridge, three of them behind
 * DNAT, watched on `any` of the host. A packet passes two to four interfaces, a connection to a published port
 * has two sets of addresses, and each call is counted once.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServiceMove } from '../../examples/shop/shop.mjs';
import { ContainerHost } from '../support/container-host.ts';
import { coverageOf, Eastwest, rowsOf, totalsOf } from '../support/eastwest.ts';
import { noNamespaces, noNft } from '../support/netns.ts';
import { noCapture } from '../support/rights.ts';
import { runShop } from '../support/shop-run.ts';
import { assertTrue, type ServiceAt } from '../support/shop-truth.ts';

const LOAD = { seed: 5, rate: 50, seconds: 5, users: 24 };
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
/** On the second bridge, reached by a port of the host; host port → service. */
const PUBLISHED: Readonly<Record<string, number>> = { orders: 9001, redis: 9002, dns: 9003 };

function portOf(name: string): number {
  return name === 'redis' ? 6379 : name === 'dns' ? 53 : 8080;
}

/** Services moved into containers, and how to tell from a place which one it is. */
function moveShop(host: ContainerHost): { topology: Record<string, ServiceMove>; serviceAt: ServiceAt } {
  const topology: Record<string, ServiceMove> = { load: { prefix: host.container('load', 0).prefix } };
  const places = new Map<string, string>();
  const published = [];
  for (const name of NAMES) {
    const hostPort = PUBLISHED[name];
    const to = host.container(name, hostPort === undefined ? 0 : 1);
    const toPort = portOf(name);
    const bind = `${to.address}:${toPort}`;
    const url = hostPort === undefined ? bind : `${host.gateway(0)}:${hostPort}`;
    topology[name] = { bind, url, prefix: to.prefix };
    places.set(bind, name);
    places.set(url, name);
    if (hostPort === undefined) continue;
    places.set(`${host.gateway(1)}:${hostPort}`, name);
    published.push({
      protocol: name === 'dns' ? ('udp' as const) : ('tcp' as const),
      port: hostPort,
      to,
      toPort,
    });
  }
  host.publish(published);
  return { topology, serviceAt: (address, port) => places.get(`${address}:${port}`) };
}

describe('the shop in containers, on any', { skip: noCapture() || noNamespaces() || noNft() }, () => {
  for (const workers of [1, 2]) {
    it(`each call is counted once behind bridges and DNAT, with ${workers} worker(s)`, async () => {
      const host = new ContainerHost();
      let eastwest: Eastwest | undefined;
      try {
        const { topology, serviceAt } = moveShop(host);
        const words = ['-i', 'any', '--workers', String(workers), '--coverage'];
        eastwest = new Eastwest(['observe', '-o', 'json', ...words], { prefix: host.prefix });
        await eastwest.listens(workers);
        const truth = await runShop({ topology }, LOAD);
        const { code, stdout, stderr } = await eastwest.interrupt();
        assert.equal(code, 0, stderr);
        assertTrue(rowsOf(stdout), truth, serviceAt);
        assert.equal(totalsOf(stderr).calls, truth.length, 'nothing else is on these interfaces');
        assert.equal(totalsOf(stderr).dropped, 0);
        assert.notEqual(coverageOf(stderr, 'copy'), '0', 'packets were seen at several interfaces');
        assert.notEqual(
          coverageOf(stderr, 'duplicate-view'),
          '0',
          'connections were seen on both sides of DNAT',
        );
      } finally {
        eastwest?.child.kill('SIGKILL');
        host.close();
      }
    });
  }
});

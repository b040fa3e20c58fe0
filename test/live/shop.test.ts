/**
 * The shop on loopback, watched live: after a drain the calls are exactly those that really happened, by
 * service, by edge, and one by one on each connection; nothing was dropped.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverageOf, Eastwest, rowsOf, totalsOf } from '../support/eastwest.ts';
import { noCapture } from '../support/rights.ts';
import { freePorts, runShop } from '../support/shop-run.ts';
import { assertTrue } from '../support/shop-truth.ts';

/** Where each test looks for its ports, so that what one leaves in TIME_WAIT is nothing to the next. */
const PORTS = { one: 24_100, two: 24_200, up: 24_300 };
const LOAD = { seed: 11, rate: 60, seconds: 4, users: 24 };
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

function serviceAt(base: number): (address: string, port: number) => string | undefined {
  return (_address, port) => NAMES[port - base];
}

function filterOf(base: number): string {
  return `portrange ${base}-${base + 15}`;
}

describe('the shop on lo', { skip: noCapture() }, () => {
  for (const [workers, from] of [
    [1, PORTS.one],
    [2, PORTS.two],
  ] as const) {
    it(`observe shows each call once, with ${workers} worker(s)`, async () => {
      const port = await freePorts(from);
      const words = ['-i', 'lo', '--bpf', filterOf(port), '--workers', String(workers)];
      const eastwest = new Eastwest(['observe', '-o', 'json', '--coverage', ...words]);
      try {
        await eastwest.listens(workers);
        const truth = await runShop({ port }, LOAD);
        const { code, stdout, stderr } = await eastwest.interrupt();
        assert.equal(code, 0, stderr);
        const rows = rowsOf(stdout);
        assertTrue(rows, truth, serviceAt(port));
        // The comparison looks: one call less, or one more, is not the truth.
        assert.throws(() => assertTrue(rows.slice(1), truth, serviceAt(port)));
        assert.throws(() => assertTrue([...rows, rows[0]], truth, serviceAt(port)));
        assert.equal(totalsOf(stderr).calls, truth.length, 'the map counts what the rows show');
        assert.equal(totalsOf(stderr).dropped, 0);
        for (const reason of ['gap', 'resync', 'mid-stream', 'unknown-protocol', 'row-not-written']) {
          assert.equal(coverageOf(stderr, reason), '0', `${reason} of ${stderr}`);
        }
      } finally {
        eastwest.child.kill('SIGKILL');
      }
    });
  }

  it('up counts the same calls', async () => {
    const port = await freePorts(PORTS.up);
    const eastwest = new Eastwest(['up', '--quiet', '-i', 'lo', '--bpf', filterOf(port)]);
    try {
      await eastwest.listens(1);
      const truth = await runShop({ port }, LOAD);
      const { code, stdout, stderr } = await eastwest.interrupt();
      assert.equal(code, 0, stderr);
      const totals = totalsOf(stdout);
      assert.equal(totals.calls, truth.length);
      assert.equal(totals.dropped, 0);
    } finally {
      eastwest.child.kill('SIGKILL');
    }
  });
});

/**
 * Segments that TCP really sends again on loopback: the host drops them after the capture has seen them, so
 * that each is captured twice. No call is added, none is lost.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverageOf, Eastwest, rowsOf, totalsOf } from '../support/eastwest.ts';
import { Network, noNamespaces, noNft } from '../support/netns.ts';
import { SERVED, startClient, startServer } from '../support/peers.ts';
import { noCapture } from '../support/rights.ts';

const TCP = 'ip length > 100 tcp sport != 0 numgen inc mod 6 == 3 drop';
const RULES = `table ip lossy {\nchain i {\ntype filter hook input priority 0;\n${TCP}\n}\n}\n`;
const ASKED = { pipeline: 30, 'keep-alive': 20, redis: 40, dns: 20 } as const;

function countBy(rows: readonly { readonly protocol: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { protocol } of rows) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
  return counts;
}

describe('retransmissions on lo', { skip: noCapture() || noNamespaces() || noNft() }, () => {
  for (const workers of [1, 2]) {
    it(`add no call and lose none, with ${workers} worker(s)`, async () => {
      const network = new Network();
      const namespace = network.namespace('lossy');
      const prefix = ['ip', 'netns', 'exec', namespace];
      const here = { namespace, address: '127.0.0.1', hostInterface: 'lo', prefix };
      const words = ['-o', 'json', '--coverage', '-i', 'lo', '--workers', String(workers)];
      const eastwest = new Eastwest(['observe', ...words], { prefix });
      try {
        network.nft(namespace, RULES);
        await startServer(network, here);
        await eastwest.listens(workers);
        const asking = await startClient(network, here, here.address, SERVED);
        for (const [what, count] of Object.entries(ASKED))
          await asking.ask(what as keyof typeof ASKED, count);
        await asking.end();
        const { code, stdout, stderr } = await eastwest.interrupt();
        assert.equal(code, 0, stderr);
        const rows = rowsOf(stdout);
        const http = ASKED.pipeline + ASKED['keep-alive'];
        const counts = countBy(rows);
        assert.deepEqual(
          [counts.get('http'), counts.get('redis'), counts.get('dns')],
          [http, ASKED.redis, ASKED.dns],
        );
        assert.ok(rows.every((row) => row.outcome === 'ok'));
        assert.ok(
          rows.some((row) => row.retransmits > 0),
          'segments were really sent again',
        );
        assert.equal(totalsOf(stderr).dropped, 0);
        assert.equal(coverageOf(stderr, 'gap'), '0');
      } finally {
        eastwest.child.kill('SIGKILL');
        network.close();
      }
    });
  }
});

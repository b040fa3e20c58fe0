/** The workers' pool on a live source, for what no flag of the command chooses: mapping and own ports. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/base/limits.ts';
import { reasonNumber } from '../../src/record/coverage.ts';
import { readBlock } from '../../src/record/native-reader.ts';
import type { FromWorker, SecondReport } from '../../src/wire/worker/messages.ts';
import { WorkerPool, type PoolOptions } from '../../src/wire/worker/pool.ts';
import { noCapture } from '../support/rights.ts';

/** Of a body, so that a call is more than one frame and the ring's blocks are really walked. */
const BODY = 'x'.repeat(200_000);
const CALLS = 40;

interface Seen {
  readonly targets: string[];
  last: SecondReport | undefined;
}

/** Runs a pool on `lo` for the traffic that `during` makes. */
async function watch(
  port: number,
  options: Partial<PoolOptions>,
  mapping: 'wasm' | 'copy' | 'auto',
  during: () => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { targets: [], last: undefined };
  const pool = new WorkerPool({
    source: { kind: 'live', interfaces: ['lo'], filter: `tcp port ${port}`, workers: 1, mapping },
    workers: 1,
    key: randomBytes(16),
    limits: DEFAULT_LIMITS,
    bodies: false,
    rows: true,
    own: [],
    ...options,
    onMessage: (message) => take(message, seen, pool),
  });
  await pool.ready;
  await during();
  pool.stop();
  await pool.done;
  await pool.terminate();
  return seen;
}

function take(message: FromWorker, seen: Seen, pool: WorkerPool): void {
  if (message.kind === 'second') seen.last = message.second;
  if (message.kind !== 'calls' || message.block === undefined) return;
  const block = readBlock(message.block);
  if (!block.ok) throw new Error(block.error);
  for (let row = 0; row < block.value.rows; row++) seen.targets.push(block.value.text('target', row));
  pool.taken(0);
}

function count(seen: Seen, reason: 'own-traffic' | 'kernel-drop' | 'gap'): number {
  return seen.last?.counts[reasonNumber(reason)] ?? -1;
}

describe('a pool of workers, live', { skip: noCapture() }, () => {
  let server: Server;
  let port = 0;
  before(async () => {
    server = createServer((_request, response) => response.end(BODY));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  async function ask(): Promise<void> {
    for (let k = 0; k < CALLS; k++) {
      const [response] = await once(
        get({ port, path: `/${k}`, host: '127.0.0.1', agent: false }),
        'response',
      );
      response.resume();
      await once(response, 'end');
    }
  }
  const targets = Array.from({ length: CALLS }, (_, k) => `/${k}`);

  for (const mapping of ['wasm', 'copy'] as const) {
    it(`sees the same calls with the ring by ${mapping}`, async () => {
      const seen = await watch(port, {}, mapping, ask);
      assert.deepEqual(seen.targets, targets);
      assert.deepEqual([count(seen, 'kernel-drop'), count(seen, 'gap')], [0, 0]);
      assert.ok((seen.last?.wireBytes ?? 0) > CALLS * BODY.length);
    });
  }

  it('leaves out what eastwest itself says at its ports, counted, and nothing of others', async () => {
    const own = await watch(port, { own: [[port, '127.0.0.1']] }, 'auto', ask);
    assert.deepEqual(own.targets, []);
    assert.ok(count(own, 'own-traffic') > CALLS);
    const others = await watch(port, { own: [[port, '10.1.2.3']] }, 'auto', ask);
    assert.deepEqual(others.targets, targets);
    assert.equal(count(others, 'own-traffic'), 0);
  });
});

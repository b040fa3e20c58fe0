/**
 * Captures of other projects through the engine: none fails, and the requests are as many as tshark (HTTP,
 * DNS) and Zeek (Redis) count. docs/corpora.md explains. What the command takes is in corpora.long.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CallRow } from '../src/record/row.ts';
import { CaptureCallsReader } from './support/capture-calls.ts';
import { DIFFERENT, LEFT_OUT } from './support/corpora-lists.ts';
import {
  CORPORA,
  CORPORA_MISSING,
  dnsQueries,
  httpRequests,
  readHttpDecodedAs,
  readOracle,
  zeekRedis,
} from './support/corpora.ts';

/** From dist/test. */
const DOCUMENT = fileURLToPath(new URL('../../docs/corpora.md', import.meta.url));
const CAPTURES = 1575;
const ALIKE_PERCENT = 95;
const OURS_RIGHT_MAX = 20;
/** Multicast DNS and LLMNR, which share DNS's messages; tshark counts them apart. */
const NOT_DNS = new Set([5353, 5355]);

function requests(calls: readonly CallRow[], protocol: string): number {
  let count = 0;
  for (const call of calls) {
    // Where only the answer was seen there is no request; a push of Redis's server is none.
    if (call.protocol !== protocol || call.request_bytes === '0') continue;
    if (protocol === 'dns' && NOT_DNS.has(call.server_port)) continue;
    if (protocol === 'redis' && call.outcome === 'one-way') continue;
    count++;
  }
  return count;
}

test(
  'the captures of the corpora have the requests that tshark and Zeek count, but for those explained',
  { skip: CORPORA_MISSING },
  async (t) => {
    const reader = new CaptureCallsReader();
    const oracle = readOracle();
    const http = readHttpDecodedAs();
    const redis = zeekRedis();
    assert.ok(oracle.size === CAPTURES && http.size > 0 && redis.size > 0);
    const explained = new Set(DIFFERENT.map(([protocol, file]) => `${protocol} ${file}`));
    const different = new Set<string>();
    const left = new Set<string>();
    const unexplained: string[] = [];
    const tally = new Map<string, { alike: number; captures: number }>();
    for (const [file, entry] of oracle) {
      const { calls } = await reader.read(join(CORPORA, file));
      const wanted: [string, number][] = [
        ['http', httpRequests(http.get(file) ?? entry)],
        ['dns', dnsQueries(entry)],
      ];
      const zeek = redis.get(file);
      if (zeek !== undefined) wanted.push(['redis', zeek]);
      const out = LEFT_OUT.find(([path]) => file.startsWith(path));
      if (out !== undefined) left.add(out[0]);
      for (const [protocol, theirs] of wanted) {
        const ours = requests(calls, protocol);
        if (out !== undefined || (theirs === 0 && ours === 0)) continue;
        const count = tally.get(protocol) ?? { alike: 0, captures: 0 };
        tally.set(protocol, count);
        count.captures++;
        if (ours === theirs) count.alike++;
        else {
          different.add(`${protocol} ${file}`);
          if (!explained.has(`${protocol} ${file}`))
            unexplained.push(`${protocol} ${file}: ${theirs}, ours ${ours}`);
        }
      }
    }
    assert.deepEqual(unexplained, []);
    assert.deepEqual(
      [...explained].filter((one) => !different.has(one)),
      [],
      'no longer different',
    );
    assert.deepEqual(
      LEFT_OUT.filter(([path]) => !left.has(path)),
      [],
      'left out, and not there',
    );
    for (const [protocol, { alike, captures }] of tally) {
      t.diagnostic(`${protocol}: ${alike} of ${captures} captures have the same number of requests`);
      assert.ok(alike * 100 >= captures * ALIKE_PERCENT, `${protocol}: ${alike} of ${captures}`);
    }
    assert.deepEqual([...tally.keys()].toSorted(), ['dns', 'http', 'redis']);
  },
);

test('what differs from tshark is explained in docs/corpora.md, with frame numbers', () => {
  const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
  for (const [protocol, file] of DIFFERENT) {
    const row = lines.find((line) => line.includes(`\`${file}\``) && line.includes(`| ${protocol} |`));
    assert.ok(row !== undefined, `${protocol} ${file} is not in the table`);
    assert.match(row, /frames? \d/, `${file}: no frame number`);
  }
  for (const [path, why] of LEFT_OUT) {
    assert.ok(
      lines.some((line) => line.includes(`\`${path}`) && line.includes(why)),
      `${path} is not listed`,
    );
  }
  assert.ok(DIFFERENT.filter(([, , right]) => right === 'ours').length <= OURS_RIGHT_MAX);
});

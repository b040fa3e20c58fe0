import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { randomFrom } from '../../../test/support/random.ts';
import {
  AGGREGATE_COUNTS,
  AGGREGATE_KEY_WORDS,
  COUNT_CALLS,
  COUNT_ERRORS,
  COUNT_UNKNOWN,
  KEY_OPERATION,
  KEY_PROTOCOL,
  type AggregateRows,
} from '../../record/aggregate.ts';
import { LATENCY_BUCKETS, latencyBucket, latencyQuantile } from '../../record/latency.ts';
import { LiveMap, type NamesOfEndpoints } from './live-map.ts';

const TEXTS = ['', 'http', 'redis', 'GET /a', 'GET /b', 'GET cart:*'];
const HTTP = 1;
const REDIS = 2;
const GET_A = 3;
const MS = 1e6;

interface Row {
  client: number;
  server: number;
  protocol?: number;
  operation?: number;
  calls: number;
  errors?: number;
  unknown?: number;
  /** One for each timed call. */
  ns?: readonly number[];
}

function rowsOf(rows: readonly Row[]): AggregateRows {
  const keys = new Int32Array(rows.length * AGGREGATE_KEY_WORDS);
  const counts = new Float64Array(rows.length * AGGREGATE_COUNTS);
  const latencies = new Uint32Array(rows.length * LATENCY_BUCKETS);
  for (const [index, row] of rows.entries()) {
    const at = index * AGGREGATE_KEY_WORDS;
    keys[at] = row.client;
    keys[at + 2] = row.server;
    keys[at + KEY_PROTOCOL] = row.protocol ?? HTTP;
    keys[at + KEY_OPERATION] = row.operation ?? GET_A;
    const count = index * AGGREGATE_COUNTS;
    counts[count + COUNT_CALLS] = row.calls;
    counts[count + COUNT_ERRORS] = row.errors ?? 0;
    counts[count + COUNT_UNKNOWN] = row.unknown ?? 0;
    for (const ns of row.ns ?? []) latencies[index * LATENCY_BUCKETS + latencyBucket(ns)]++;
  }
  return { rows: rows.length, keys, counts, latencies };
}

/** Names by id; what is not in the list is called by its id. */
function namesOf(list: Readonly<Record<string, string>> = {}): NamesOfEndpoints {
  return { best: (id) => ({ name: list[id] ?? `e${id}` }) };
}

test('services are who answers, edges who asks whom by which protocol, busiest first', () => {
  const map = new LiveMap();
  map.add(
    rowsOf([
      { client: 1, server: 2, calls: 10, errors: 1, unknown: 2, ns: [1 * MS, 1 * MS, 9 * MS] },
      { client: 2, server: 3, protocol: REDIS, operation: 5, calls: 30 },
      { client: 1, server: 2, operation: 4, calls: 10 },
    ]),
    TEXTS,
    100,
  );
  const { services, edges, totals, seconds } = map.snapshot(namesOf({ 1: 'load', 2: 'web', 3: 'redis' }));
  equal(seconds, 1);
  deepEqual(
    services.map((one) => [one.name, one.calls, one.rate, one.errors]),
    [
      ['redis', 30, 30, 0],
      ['web', 20, 20, 1],
    ],
  );
  deepEqual(
    edges.map((one) => [one.client, one.server, one.protocol, one.calls]),
    [
      ['web', 'redis', 'redis', 30],
      ['load', 'web', 'http', 20],
    ],
  );
  equal(services[1].errorShare, 1 / 18, 'of the calls whose end is known');
  const buckets = rowsOf([{ client: 0, server: 0, calls: 0, ns: [1 * MS, 1 * MS, 9 * MS] }]).latencies;
  equal(services[1].p50Ns, latencyQuantile(buckets, 0, 0.5));
  equal(services[1].p99Ns, latencyQuantile(buckets, 0, 0.99));
  equal(services[0].p50Ns, undefined, 'nothing was timed');
  deepEqual(totals, { calls: 50, errors: 1, clientErrors: 0, unknown: 2, operations: 3, services: 2 });
});

test('endpoints of one name are one service, and a name learnt later joins what came before', () => {
  const map = new LiveMap();
  map.add(
    rowsOf([
      { client: 1, server: 2, calls: 1 },
      { client: 1, server: 3, calls: 2 },
    ]),
    TEXTS,
    100,
  );
  map.add(rowsOf([{ client: 9, server: 3, operation: 4, calls: 4 }]), TEXTS, 101);
  equal(map.snapshot(namesOf()).totals.services, 2);
  equal(map.totals(namesOf()).operations, 3);
  const names = namesOf({ 1: 'load', 9: 'load', 2: 'web', 3: 'web' });
  const { services, edges, totals } = map.snapshot(names);
  deepEqual(
    services.map((one) => [one.name, one.calls]),
    [['web', 7]],
  );
  deepEqual(
    edges.map((one) => [one.client, one.server, one.calls]),
    [['load', 'web', 7]],
  );
  deepEqual([totals.services, totals.operations], [1, 2]);
  deepEqual(map.totals(names), totals);
});

test('names that hold blanks do not run into one another', () => {
  const map = new LiveMap();
  map.add(
    rowsOf([
      { client: 1, server: 2, calls: 1 },
      { client: 3, server: 4, calls: 2 },
    ]),
    TEXTS,
    100,
  );
  const names = namesOf({ 1: 'a', 2: 'b c', 3: 'a b', 4: 'c' });
  deepEqual(
    map.snapshot(names).edges.map((one) => [one.client, one.server]),
    [
      ['a b', 'c'],
      ['a', 'b c'],
    ],
  );
});

test('windows hold the last seconds of the traffic: calls, rates and what lies before the start', () => {
  const map = new LiveMap();
  for (let second = 1; second <= 100; second++) {
    map.add(rowsOf([{ client: 1, server: 2, calls: second <= 95 ? 1 : 11 }]), TEXTS, 1000 + second);
  }
  const names = namesOf();
  const ten = map.snapshot(names, 10);
  deepEqual([ten.seconds, ten.totals.calls, ten.services[0].calls, ten.services[0].rate], [10, 60, 60, 6]);
  const sixty = map.snapshot(names, 60);
  deepEqual([sixty.seconds, sixty.edges[0].calls, sixty.edges[0].rate], [60, 110, 110 / 60]);
  const all = map.snapshot(names);
  deepEqual([all.seconds, all.services[0].calls, all.services[0].rate], [100, 150, 6]);
  map.add(rowsOf([]), TEXTS, 1200);
  equal(map.snapshot(names, 60).totals.calls, 0, 'quiet since');
  equal(map.snapshot(names).services[0].rate, 0);
  const young = new LiveMap();
  young.add(rowsOf([{ client: 1, server: 2, calls: 8 }]), TEXTS, 1000);
  young.add(rowsOf([{ client: 1, server: 2, calls: 8 }]), TEXTS, 1001);
  deepEqual([young.snapshot(names, 60).seconds, young.snapshot(names, 60).services[0].rate], [2, 8]);
  equal(new LiveMap().snapshot(names).seconds, 0);
});

test('seconds out of order and of before the window count since the start', () => {
  const map = new LiveMap();
  const names = namesOf();
  map.add(rowsOf([{ client: 1, server: 2, calls: 1 }]), TEXTS, 2000);
  map.add(rowsOf([{ client: 1, server: 2, calls: 2 }]), TEXTS, 1995);
  map.add(rowsOf([{ client: 1, server: 2, calls: 4 }]), TEXTS, 1000);
  deepEqual([map.snapshot(names, 10).totals.calls, map.snapshot(names).totals.calls], [3, 7]);
});

test('whatever comes, edges, services and windows add up to the calls that came', () => {
  const seed = 0x5eed + 3;
  const random = randomFrom(seed);
  let looked = 0;
  for (let run = 0; run < 20; run++) {
    const map = new LiveMap();
    const names = namesOf(
      Object.fromEntries(Array.from({ length: 40 }, (_, id) => [id, `n${random.below(25)}`])),
    );
    const expected = { all: 0, errors: 0, last60: 0, last10: 0, timed: 0 };
    for (let second = 0; second < 90; second++) {
      const rows = Array.from({ length: random.below(12) }, (): Row => {
        const calls = 1 + random.below(9);
        const ns = Array.from({ length: random.below(calls + 1) }, () => random.below(1e9));
        return {
          client: 1 + random.below(39),
          server: 1 + random.below(39),
          protocol: 1 + random.below(2),
          operation: 3 + random.below(3),
          calls,
          errors: random.below(calls),
          ns,
        };
      });
      map.add(rowsOf(rows), TEXTS, 5000 + second);
      for (const { calls, errors, ns } of rows) {
        expected.all += calls;
        expected.errors += errors ?? 0;
        expected.timed += ns?.length ?? 0;
        if (second >= 30) expected.last60 += calls;
        if (second >= 80) expected.last10 += calls;
      }
    }
    const sum = (list: readonly { calls: number }[]): number => list.reduce((all, one) => all + one.calls, 0);
    const message = `seed ${seed}, run ${run}`;
    for (const [window, calls] of [
      ['start', expected.all],
      [60, expected.last60],
      [10, expected.last10],
    ] as const) {
      const snapshot = map.snapshot(names, window);
      equal(sum(snapshot.edges), calls, message);
      equal(sum(snapshot.services), calls, message);
      equal(snapshot.totals.calls, calls, message);
      looked += snapshot.edges.length;
    }
    equal(
      map.snapshot(names).edges.reduce((all, one) => all + one.errors, 0),
      expected.errors,
      message,
    );
  }
  ok(looked > 1000);
});

test('too many edges become one from other for each server, and the sums stay right', () => {
  const map = new LiveMap();
  let calls = 0;
  for (let client = 1; client <= 6000; client++) {
    map.add(
      rowsOf([{ client: client + 100, server: 1 + (client % 3), calls: 2 }]),
      TEXTS,
      100 + (client % 70),
    );
    calls += 2;
  }
  const { edges, services, totals } = map.snapshot(namesOf());
  equal(edges.length, 4096 + 3);
  equal(
    services.reduce((all, one) => all + one.calls, 0),
    calls,
  );
  equal(totals.calls, calls);
  equal(map.otherCalls, (6000 - 4096) * 2);
  deepEqual(
    edges
      .filter((one) => one.client === 'other')
      .map((one) => one.server)
      .sort(),
    ['e1', 'e2', 'e3'],
  );
});

test('too many servers become other, too', () => {
  const map = new LiveMap();
  for (let server = 1; server <= 6000; server++)
    map.add(rowsOf([{ client: 7, server, calls: 1 }]), TEXTS, 100);
  const { edges, totals } = map.snapshot(namesOf());
  equal(totals.calls, 6000);
  equal(edges.length, 4096 + 1024 + 1);
  deepEqual([edges[0].client, edges[0].server, edges[0].calls], ['other', 'other', 6000 - 4096 - 1024]);
});

test('operations are counted up to a limit, and what is refused is counted', () => {
  const map = new LiveMap();
  const texts = ['', 'http', ...Array.from({ length: 1000 }, (_, k) => `GET /${k}`)];
  for (let server = 1; server <= 70; server++) {
    const rows = Array.from({ length: 1000 }, (_, k): Row => ({
      client: 7,
      server,
      operation: 2 + k,
      calls: 1,
    }));
    map.add(rowsOf(rows), texts, 100);
  }
  equal(map.totals(namesOf()).operations, 65_536);
  equal(map.operationsRefused, 70_000 - 65_536);
});

test('many tallies shorten the window instead of growing it', () => {
  const map = new LiveMap();
  for (let second = 0; second < 12; second++) {
    const rows = Array.from({ length: 4000 }, (_, k): Row => ({ client: 10 + k, server: 1, calls: 1 }));
    map.add(rowsOf(rows), TEXTS, 100 + second);
  }
  const { seconds, totals } = map.snapshot(namesOf(), 60);
  deepEqual([seconds, totals.calls], [8, 8 * 4000]);
  equal(map.snapshot(namesOf()).totals.calls, 12 * 4000);
});

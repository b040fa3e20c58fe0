/** The shop keeps its promises: one seed, one story; a whole truth, none of it on the wire; nothing left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { startCapture } from './capture.mjs';
import { HOPS, hopOf } from './hops.mjs';
import { planActions } from './plan.mjs';
import { startShop } from './shop.mjs';
import { freeBasePort, PORTS, SERVICES, topology } from './topology.mjs';
import { callTrees, expectedCounts, formatTruth, joinTruth, parseTruth } from './truth.mjs';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));
const RECORDED = new URL('shop.pcap.gz', import.meta.url);
const RECORDED_TRUTH = new URL('shop.truth.ndjson.gz', import.meta.url);
const LOAD = { seed: 3, rate: 60, seconds: 5, users: 24 };
const EVERY_RUN_TIME = ['redis', 'nginx', 'python', 'go'];
const SLOWEST_FAST_MICROS = 300_000;
const END_LOOKS = 100;
const TRACING_NAMES = [
  'traceparent',
  'tracestate',
  'x-b3-',
  'b3:',
  'uber-trace-id',
  'x-request-id',
  'x-correlation-id',
  'baggage',
];

/** A process that ended but was not yet reaped by init counts as gone. */
function lives(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Processes whose command line names `text`: also those that the launcher did not tell of. */
function processesNaming(text) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && lives(Number(name)))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text);
      } catch {
        return false;
      }
    });
}

async function waitFor(isSo) {
  for (let look = 0; look < END_LOOKS; look++) {
    if (isSo()) return true;
    await sleep(50);
  }
  return false;
}

/** The payload of each TCP segment of a classic Ethernet pcap: { source, target, payload }. */
function* tcpPayloads(pcap) {
  for (let at = 24; at + 16 <= pcap.length;) {
    const frame = pcap.subarray(at + 16, at + 16 + pcap.readUInt32LE(at + 8));
    at += 16 + frame.length;
    if (frame.length < 54 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 6) continue;
    const tcp = 14 + (frame[14] & 15) * 4;
    const end = 14 + frame.readUInt16BE(16);
    const payload = frame.subarray(tcp + (frame[tcp + 12] >> 4) * 4, end);
    if (payload.length > 0)
      yield { source: frame.readUInt16BE(tcp), target: frame.readUInt16BE(tcp + 2), payload };
  }
}

function findAny(bytes, texts) {
  return texts.filter((text) => bytes.includes(text));
}

describe('a run of the whole shop', () => {
  let folder;
  let shop;
  let truth;
  let seen;
  let pids;
  let capture;
  let pcap;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shop-test-'));
    const truthFolder = mkdtempSync(join(folder, 'truth-'));
    const port = await freeBasePort(19_000);
    const file = join(folder, 'shop.pcap');
    capture = await startCapture(port, file);
    try {
      shop = await startShop({ port, seed: LOAD.seed, truthFolder });
      seen = await shop.load(LOAD);
      await shop.drain();
    } finally {
      pids = shop?.pids() ?? [];
      await shop?.stop();
      if (capture.trouble === undefined) {
        capture.told = await capture.stop();
        pcap = readFileSync(file);
      }
    }
    truth = joinTruth(truthFolder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('every call has a cause, and every call sent was got', () => {
    assert.ok(truth.calls.length > 500, `only ${truth.calls.length} calls`);
    assert.deepEqual(truth.unmatched, []);
    assert.deepEqual(truth.orphans, []);
    const known = new Set(truth.calls.map((call) => call.id));
    assert.equal(known.size, truth.calls.length);
    const children = truth.calls.filter((call) => call.parent !== undefined);
    assert.ok(children.length > 500);
    for (const child of children) assert.ok(known.has(child.parent), `${child.id} has an unknown parent`);
  });

  test('a parent is served by the client of its child, and began before it', () => {
    const byId = new Map(truth.calls.map((call) => [call.id, call]));
    let looked = 0;
    for (const call of truth.calls) {
      const parent = byId.get(call.parent);
      if (parent === undefined) continue;
      looked++;
      assert.equal(parent.server, call.client);
      // nginx tells time in milliseconds only.
      assert.ok(
        parent.start - 2_000 <= call.start,
        `${call.client} asked ${call.server} before it was asked`,
      );
    }
    assert.ok(looked > 500);
  });

  test('the users did what the seed says, and all were answered', () => {
    const planned = planActions(LOAD);
    const expected = planned.map((action) => action.steps.map(({ method, path }) => `${method} ${path}`));
    assert.deepEqual(
      truth.actions.map((action) => action.paths),
      expected,
    );
    assert.equal(seen.actions, planned.length);
    assert.equal(seen.unanswered, 0);
    const { roots } = callTrees(truth.calls);
    const ofUsers = roots.filter((root) => root.action !== undefined);
    assert.equal(ofUsers.length, expected.flat().length);
    assert.ok(roots.every((root) => root.action !== undefined || root.job !== undefined));
  });

  test('every call is one of the hops told of, and every service is asked', () => {
    for (const call of truth.calls) {
      assert.ok(
        hopOf(call),
        `no hop is told of: ${call.client} > ${call.server} ${call.method} ${call.path}`,
      );
    }
    const { services, total } = expectedCounts(truth.calls);
    assert.equal(total, truth.calls.length);
    assert.deepEqual(Object.keys(services).sort(), Object.keys(SERVICES).sort());
  });

  test('a slow checkout is slow because of the assessment three hops below the storefront', () => {
    const { childrenOf } = callTrees(truth.calls);
    const below = (call) => [call, ...childrenOf(call).flatMap(below)];
    let slow = 0;
    let fast = 0;
    for (const checkout of truth.calls.filter(
      (call) => call.server === 'storefront' && call.path.startsWith('/checkout'),
    )) {
      const action = truth.actions.find((each) => each.action === checkout.action);
      const assessment = below(checkout).find((call) => call.path === '/assess');
      if (assessment === undefined) continue;
      if (action.slow) slow++;
      else fast++;
      const byId = new Map(truth.calls.map((call) => [call.id, call]));
      const way = [];
      for (let at = assessment; at !== undefined; at = byId.get(at.parent)) way.push(at.server);
      assert.deepEqual(way, ['risk', 'payments', 'orders', 'storefront', 'edge']);
      if (action.slow) assert.ok(assessment.end - assessment.start > SLOWEST_FAST_MICROS);
    }
    assert.ok(slow > 0 && fast > slow, `${slow} slow, ${fast} fast`);
  });

  test('the truth survives being written and read', () => {
    const back = parseTruth(formatTruth(truth, { seed: LOAD.seed }));
    assert.equal(back.calls.length, truth.calls.length);
    assert.equal(back.actions.length, truth.actions.length);
    assert.equal(back.run.seed, LOAD.seed);
    assert.deepEqual(back.expected.services, expectedCounts(truth.calls).services);
  });

  test('no process is left', async () => {
    assert.ok(pids.length > Object.keys(SERVICES).length);
    assert.ok(await waitFor(() => !pids.some(lives)), `left: ${pids.filter(lives)}`);
  });

  test('no identifier of the truth and no trace header is on the wire', (context) => {
    if (capture.trouble !== undefined) return context.skip(capture.trouble);
    assert.equal(capture.told.dropped, 0);
    const bytes = pcap.toString('latin1').toLowerCase();
    assert.ok(
      findAny(bytes, ['/checkout?v=', '/assess', 'hgetall']).length === 3,
      'the capture does not hold the shop',
    );
    assert.ok(findAny(`${bytes} ${truth.actions[0].action}`, [truth.actions[0].action]).length === 1);
    const secret = [
      shop.run,
      ...truth.calls.map((call) => call.id),
      ...truth.actions.map((action) => action.action),
    ];
    assert.ok(secret.length > 1_000);
    assert.deepEqual(findAny(bytes, secret), []);
    assert.deepEqual(findAny(bytes, TRACING_NAMES), []);
  });

  test('the unique path goes no further than the fronts', (context) => {
    if (capture.trouble !== undefined) return context.skip(capture.trouble);
    const nameOf = new Map(shop.services.map(({ name, port }) => [port, name]));
    const met = new Set();
    for (const { target, payload } of tcpPayloads(pcap)) {
      if (/[?&]v=\d+ HTTP/.test(payload.toString('latin1'))) met.add(nameOf.get(target));
    }
    assert.deepEqual(met, new Set(['edge', 'office', 'storefront']));
  });
});

test('the same seed gives the same actions, another seed gives others', () => {
  assert.deepEqual(planActions(LOAD), planActions(LOAD));
  assert.notDeepEqual(planActions(LOAD), planActions({ ...LOAD, seed: 6 }));
  const paths = planActions({ ...LOAD, seconds: 60 }).flatMap((action) =>
    action.steps.map((step) => step.path),
  );
  assert.ok(paths.length > 3_000);
  assert.equal(new Set(paths).size, paths.length);
});

test('a share of checkouts is slow, and it is a small one', () => {
  const checkouts = planActions({ seed: 3, rate: 50, seconds: 600, users: 40 }).filter(
    ({ kind }) => kind === 'checkout',
  );
  const slow = checkouts.filter((action) => action.slow).length;
  assert.ok(checkouts.length > 1_000);
  assert.ok(
    slow / checkouts.length > 0.04 && slow / checkouts.length < 0.12,
    `${slow} of ${checkouts.length}`,
  );
});

test('at least a third of the hops carry no identifier, and some carry small integers', () => {
  const withNone = HOPS.filter((hop) => hop.identifier === 'none').length;
  assert.ok(withNone * 3 >= HOPS.length, `${withNone} of ${HOPS.length}`);
  const http = HOPS.filter((hop) => hop.server !== 'redis' && hop.server !== 'dns');
  assert.ok(http.filter((hop) => hop.identifier === 'none').length * 3 >= http.length);
  assert.ok(HOPS.some((hop) => hop.identifier === 'integer'));
});

test('a port that comes round again joins in order of time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-truth-test-'));
  const ends = (service, to, n, start) => {
    const more = { protocol: 'http', n, method: 'GET', path: '/', status: 200, start, end: start + 5 };
    const out = {
      t: 'out',
      service,
      to,
      local: '127.0.0.1:40000',
      peer: '127.0.0.1:18003',
      ...more,
      cause: { job: service },
    };
    const incoming = {
      t: 'in',
      service: to,
      local: '127.0.0.1:18003',
      peer: '127.0.0.1:40000',
      ...more,
      start: start + 1,
    };
    return [out, incoming];
  };
  const events = [...ends('office', 'catalogue', 1, 2_000), ...ends('storefront', 'catalogue', 1, 1_000)];
  writeFileSync(join(folder, 'all.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const { calls, unmatched, orphans } = joinTruth(folder);
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual([unmatched, orphans], [[], []]);
  assert.deepEqual(
    calls.map(({ client, start }) => [client, start]),
    [
      ['storefront', 1_000],
      ['office', 2_000],
    ],
  );
});

test('what is left out is said in one line each, and the shop works without it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-test-'));
  const shop = await startShop({
    port: await freeBasePort(20_000),
    without: EVERY_RUN_TIME,
    truthFolder: folder,
  });
  let seen;
  let again;
  try {
    seen = await shop.load({ seed: 2, rate: 60, seconds: 2, users: 12 });
    again = await shop.load({ seed: 2, rate: 60, seconds: 1, users: 12 });
    await shop.drain();
  } finally {
    await shop.stop();
  }
  const truth = joinTruth(folder);
  rmSync(folder, { recursive: true, force: true });
  assert.equal(shop.said.length, EVERY_RUN_TIME.length);
  for (const name of EVERY_RUN_TIME)
    assert.ok(
      shop.said.some((line) => line.startsWith(`without ${name}: `)),
      name,
    );
  assert.ok(shop.services.every((service) => service.language === 'node'));
  assert.ok(seen.requests > 50 && again.requests > 20);
  assert.equal(seen.unanswered + again.unanswered, 0);
  assert.deepEqual([truth.orphans, truth.unmatched], [[], []]);
});

/** The command, with what it says on standard error, once it said where the services are. */
async function startCommand(words) {
  const child = spawn(process.execPath, [RUN, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  const command = {
    child,
    text: '',
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  };
  child.stderr.on('data', (part) => {
    command.text += part;
  });
  await waitFor(() => /shop: edge \d+/.test(command.text) || child.exitCode !== null);
  return command;
}

test('a signal ends the shop with exit code 0 and leaves no process', async () => {
  const port = await freeBasePort(21_000);
  const { child, ended } = await startCommand([
    '--no-load',
    '--port',
    String(port),
    '--without',
    'go,python',
  ]);
  const folder = /shop-[A-Za-z0-9]{6}/.exec(
    processesNaming('storefront.mjs').map(commandLine).join(' '),
  )?.[0];
  assert.ok(folder !== undefined && processesNaming(folder).length > 5);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.ok(await waitFor(() => processesNaming(folder).length === 0));
});

function commandLine(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
}

test('a launcher that is killed takes the shop with it', async () => {
  const port = await freeBasePort(22_000);
  const { child, ended } = await startCommand(['--port', String(port), '--without', 'go']);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === child.pid;
      } catch {
        return false;
      }
    });
  assert.ok(children.length >= Object.keys(SERVICES).length, `only ${children.length} children`);
  const folders = new Set(children.map((pid) => /\/(shop-[A-Za-z0-9]{6})\//.exec(commandLine(pid))?.[1]));
  folders.delete(undefined);
  assert.equal(folders.size, 1);
  child.kill('SIGKILL');
  await ended;
  assert.ok(await waitFor(() => !children.some((pid) => lives(Number(pid)))), 'some outlive the launcher');
  rmSync(join(tmpdir(), [...folders][0]), { recursive: true, force: true });
});

test('a port in use is told with the service that wanted it', async () => {
  const port = await freeBasePort(23_000);
  const shop = await startShop({ port, without: EVERY_RUN_TIME });
  try {
    await assert.rejects(
      startShop({ port, without: EVERY_RUN_TIME }),
      /is in use, edge cannot listen there: choose another/,
    );
  } finally {
    await shop.stop();
  }
});

test('wrong options end with one sentence and exit code 1', async () => {
  const cases = [
    [['--for', 'soon'], /--for must be a time such as 20s/],
    [['--rate', 'x'], /--rate must be a number/],
    [['--without', 'cobol'], /--without knows redis, nginx, python, go, not "cobol"/],
    [['--colour'], /Unknown option '--colour'/],
  ];
  for (const [words, sentence] of cases) {
    const { ended, text } = await startCommandToEnd(words);
    assert.equal(ended, 1);
    assert.match(text, sentence);
    assert.equal(text.trim().split('\n').length, 1);
  }
});

async function startCommandToEnd(words) {
  const child = spawn(process.execPath, [RUN, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (part) => {
    text += part;
  });
  const ended = await new Promise((resolve) => child.once('close', resolve));
  return { ended, text };
}

test('services are moved by a topology or by the environment', () => {
  const given = { orders: { bind: '10.9.0.7:8080', url: '10.9.1.7:80', prefix: 'ip netns exec orders' } };
  const places = topology(18_000, given, { SHOP_URL_RISK: '10.9.1.8:81' });
  assert.deepEqual(places.orders, {
    bindHost: '10.9.0.7',
    bindPort: 8080,
    host: '10.9.1.7',
    port: 80,
    prefix: ['ip', 'netns', 'exec', 'orders'],
  });
  assert.equal(places.risk.bindHost, '127.0.0.1');
  assert.deepEqual([places.risk.host, places.risk.port], ['10.9.1.8', 81]);
  assert.throws(() => topology(18_000, { shelf: {} }, {}), /names "shelf", which is no service/);
  assert.throws(() => topology(18_000, {}, { SHOP_BIND_EDGE: 'here' }), /bind of edge must be HOST:PORT/);
});

test('errors, retries, and cache hits and misses are in the recording', () => {
  const { calls } = parseTruth(gunzipSync(readFileSync(RECORDED_TRUTH)).toString());
  const having = (isOne) => calls.filter(isOne).length;
  const http = calls.filter((call) => call.protocol === 'http');
  assert.ok(http.filter((call) => call.status >= 400 && call.status < 500).length > 20);
  assert.ok(http.filter((call) => call.status >= 500).length > 5);
  assert.ok(having((call) => call.attempt > 1) > 5);
  const asked = having(
    (call) => call.client === 'catalogue' && call.protocol === 'redis' && call.method === 'GET',
  );
  const missed = having(
    (call) => call.client === 'catalogue' && call.protocol === 'redis' && call.method === 'SET',
  );
  assert.ok(missed > 20 && asked > missed * 1.5, `${asked} asked, ${missed} missed`);
});

test('the recorded capture holds the calls of its truth and none of its identifiers', () => {
  const pcap = gunzipSync(readFileSync(RECORDED));
  const { run, calls, actions, expected } = parseTruth(gunzipSync(readFileSync(RECORDED_TRUTH)).toString());
  assert.deepEqual([run.orphans, run.unmatched], [0, 0]);
  assert.ok(calls.length > 5_000 && expected.total === calls.length);
  const bytes = pcap.toString('latin1');
  const ids = [...calls.map((call) => call.id), ...actions.map((action) => action.action)];
  assert.deepEqual(
    findAny(
      bytes,
      ids.filter((_, at) => at % 20 === 0),
    ),
    [],
  );
  const basePort = run.services[0].port;
  const heads = {};
  for (const { target, payload } of tcpPayloads(pcap)) {
    if (target < basePort || target >= basePort + PORTS) continue;
    if (!/^(GET|POST|PUT|DELETE) /.test(payload.toString('latin1', 0, 7))) continue;
    const { name } = run.services.find((service) => service.port === target);
    heads[name] = (heads[name] ?? 0) + 1;
  }
  const http = Object.entries(expected.services).filter(([, protocols]) => protocols.http > 0);
  assert.deepEqual(heads, Object.fromEntries(http.map(([name, protocols]) => [name, protocols.http])));
});

/**
 * Secrets do not leave the sensor: what is planted in the traffic reaches no output of the real command, in no
 * form and as no hash that anybody can compute.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DEFAULT_LIMITS } from '../src/base/limits.ts';
import { createMemory } from '../src/base/memory.ts';
import { VANTAGE_FILE } from '../src/record/codes.ts';
import { Ledger } from '../src/record/coverage.ts';
import { NativeEncoder } from '../src/record/native.ts';
import { CALL_COLUMNS, CONNECTION_COLUMNS } from '../src/record/schema.ts';
import { readCapture } from '../src/wire/capture/pcap-file.ts';
import { Engine, type EngineSink } from '../src/wire/engine.ts';
import { PROTOCOLS } from '../src/wire/protocols/index.ts';
import { createScan } from '../src/wire/scan/create-scan.ts';
import { loadScanModule } from '../src/wire/worker/scan-module.ts';
import { CaptureMaker, dnsMessage, redisCommand } from './support/capture-maker.ts';
import { CliHome } from './support/cli-run.ts';
import { writePcap, writePcapng } from './support/pcap-writer.ts';
import { plantSecrets } from './support/planted-secrets.ts';
import { Haystack, Secret } from './support/secret-forms.ts';
import { crc32, digestTexts, fnv, hashNumbers, xxh32, xxh64 } from './support/unkeyed-hashes.ts';

const planted = plantSecrets();
const home = new CliHome();
after(() => home.remove());

/** Fails with every secret that an output holds. */
function assertNoSecret(content: string | Uint8Array, what: string): void {
  const haystack = new Haystack(content);
  const found: string[] = [];
  for (const secret of planted.secrets) {
    const forms = secret.in(haystack);
    if (forms.length > 0) found.push(`${secret.place} (${secret.text}) as ${forms[0]}`);
  }
  assert.deepEqual(found, [], what);
}

test('there are at least 40 secrets, all different, none part of another', () => {
  const texts = planted.secrets.map((secret) => secret.text);
  assert.ok(texts.length >= 40, String(texts.length));
  for (const text of texts) {
    assert.equal(texts.filter((other) => other.toLowerCase().includes(text.toLowerCase())).length, 1, text);
    assert.ok(text.length >= 10, text);
  }
});

test('the check sees every secret in the traffic itself, and every form and hash of one', () => {
  const raw = new Haystack(Buffer.concat(planted.frames).toString('latin1'));
  // Of those over several segments the pieces lie apart.
  const unseen = planted.secrets.filter((secret) => secret.in(raw).length === 0).map(({ place }) => place);
  assert.deepEqual(unseen, ['split over segments', 'out of order', 'AUTH over segments']);
  const secret = new Secret('c4nary-of-the-check', 'here');
  const { text } = secret;
  const base64 = (before: string): string => Buffer.from(before + text).toString('base64');
  const written = [text, text.toUpperCase(), [...text].reverse().join(''), encodeURIComponent(text)];
  written.push(base64(''), base64('a'), base64('ab'), Buffer.from(text).toString('hex'));
  for (const [, digest] of digestTexts(text)) written.push(`"${digest}"`);
  for (const { value } of hashNumbers(text)) written.push(`,${value},`, ` ${value.toString(16)} `);
  for (const one of written) assert.ok(secret.in(new Haystack(`x ${one} y`)).length > 0, one);
  for (const { name, value, bytes } of hashNumbers(text)) {
    const block = Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');
    assert.ok(secret.in(new Haystack(block)).length > 0, name);
    assert.ok(secret.in(new Haystack(block.reverse())).length > 0, name);
  }
  assert.ok(written.length > 50);
});

test('the hashes of the check are those that others compute', () => {
  const bytes = Buffer.from('123456789');
  assert.equal(crc32(bytes), 0xcbf43926n);
  assert.equal(fnv(Buffer.from('a'), 32, true), 0xe40c292cn);
  assert.equal(fnv(Buffer.from('a'), 64, true), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv(Buffer.from('a'), 64, false), 0xaf63bd4c8601b7ben);
  assert.equal(xxh32(Buffer.alloc(0)), 0x02cc5d05n);
  assert.equal(xxh64(Buffer.alloc(0)), 0xef46db3751d8e999n);
  assert.equal(xxh32(Buffer.from('abc')), 0x32d153ffn);
  assert.equal(xxh64(Buffer.from('abc')), 0x44bc2cf5ad770999n);
  const long = Buffer.from('Nobody inspects the spammish repetition');
  assert.equal(xxh32(long), 0xe2293b2fn);
  assert.equal(xxh64(long), 0xfbcea83c8a378bf1n);
});

const WAYS: readonly (readonly [name: string, words: readonly string[], debug: boolean])[] = [
  ['JSON, with fingerprints of bodies', ['-o', 'json', '--body-fingerprints', '--coverage'], true],
  ['JSON', ['-o', 'json'], false],
  ['CSV', ['-o', 'csv', '--body-fingerprints', '--coverage'], true],
  ['a table', ['-o', 'table', '--body-fingerprints', '--coverage'], true],
  ['a coloured table', ['--color', 'always'], false],
  [
    'JSON, few names and short targets',
    ['-o', 'json', '--limits-strings', '1024', '--limits-target-bytes', '48'],
    true,
  ],
];

for (const [name, words, debug] of WAYS) {
  test(`read: no planted secret is in ${name}, on standard error, or in a file`, async () => {
    const file = home.write('planted.pcap', writePcap(planted.frames));
    const environment = debug ? { EASTWEST_DEBUG: '1' } : {};
    const ran = await home.run(['read', file, ...words], { environment });
    assert.equal(ran.code, 0, ran.err);
    assertNoSecret(ran.out, 'standard output');
    assertNoSecret(ran.err, 'standard error');
    let files = 0;
    for (const [path, content] of home.files()) {
      if (path === file) continue;
      assertNoSecret(content, path);
      files++;
    }
    assert.ok(files > 0, 'the key file at least');
    for (const canary of planted.canaries) assert.ok(ran.out.includes(canary), canary);
    if (!words.includes('json')) return;
    const rows = ran.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { protocol: string });
    const count = (protocol: string): number => rows.filter((row) => row.protocol === protocol).length;
    const calls = { http: count('http'), redis: count('redis'), dns: count('dns') };
    assert.deepEqual(calls, planted.calls);
  });
}

test('read: no planted secret is in what is said of a capture that ends within one, or is broken there', async () => {
  const whole = writePcapng(planted.frames);
  let said = 0;
  for (const part of [0.3, 0.6, 0.9]) {
    const cut = whole.slice(0, Math.floor(whole.length * part));
    const ran = await home.run(['read', '-', '--coverage'], {
      input: cut,
      environment: { EASTWEST_DEBUG: '1' },
    });
    assertNoSecret(ran.out + ran.err, `cut at ${part}`);
    cut.fill(0xff, cut.length - 300);
    const broken = await home.run(['read', '-'], { input: cut, environment: { EASTWEST_DEBUG: '1' } });
    assertNoSecret(broken.out + broken.err, `broken at ${part}`);
    if (ran.err !== '' && broken.err !== '') said++;
  }
  assert.ok(said > 0);
});

test('no planted secret is in the blocks, texts and names that leave a worker', async () => {
  const memory = createMemory(4 * 1024 * 1024, 64 * 1024 * 1024);
  const limits = { ...DEFAULT_LIMITS, heapBytes: 64 * 1024 * 1024, connections: 4096 };
  const ledger = new Ledger();
  const scan = createScan(memory, loadScanModule());
  scan.setKey(0x01234567, 0x89abcdef, 0x02468ace, 0x13579bdf);
  const left: Uint8Array[] = [];
  let rows = 0;
  const sink: EngineSink = {
    calls(batch) {
      rows += batch.count;
      left.push(new NativeEncoder(CALL_COLUMNS, engine.strings).encode(batch));
    },
    connections: (batch) =>
      void left.push(new NativeEncoder(CONNECTION_COLUMNS, engine.strings).encode(batch)),
    aggregate: () => undefined,
    addressName: (name) => void left.push(Buffer.from(name)),
    hostName: () => undefined,
  };
  const engine = new Engine({
    memory,
    limits,
    scan,
    ledger,
    protocols: PROTOCOLS,
    sink,
    seed: 7,
    worker: 0,
    run: 1,
    sensor: 'here',
    vantage: VANTAGE_FILE,
    bodies: true,
  });
  const file = home.write('engine.pcap', writePcap(planted.frames));
  const read = await readCapture({ path: file }, memory, engine, { ledger });
  assert.ok(read.ok);
  engine.end();
  for (let id = 1; id <= engine.strings.count; id++) left.push(Buffer.from(engine.strings.text(id)));
  const { http, redis, dns } = planted.calls;
  assert.equal(rows, http + redis + dns);
  const all = Buffer.concat(left);
  assertNoSecret(all, 'blocks');
  for (const canary of planted.canaries) assert.ok(all.includes(canary), canary);
});

test('what is told around a secret: the operation has a star for it, the host its port, the name its domain', async () => {
  const maker = new CaptureMaker();
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  const get = (target: string, host: string): void =>
    maker.tcp(80, [
      ['client', `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`],
      ['server', ok],
    ]);
  get('/reset/AKIAIOSFODNN7EXAMPLE/now', 'session-management-service:8080');
  get('/a', 'ada:hunter@auth:8080');
  get('/b', 'AKIAIOSFODNN7EXAMPLE.shop.local:81');
  get('/c', '[fd00::1]:8080');
  maker.tcp(6379, [
    ['client', redisCommand('GET', 'session:a81f22') + redisCommand('GET', 'x;token=a1:y')],
    ['server', '$-1\r\n$-1\r\n'],
  ]);
  const labels = ['AKIAIOSFODNN7EXAMPLE', 'Shop', 'local'];
  maker.udp(53, dnsMessage(1, labels, 1, undefined), dnsMessage(1, labels, 1, []));
  const file = home.write('around.pcap', writePcap(maker.frames));
  const { out } = await home.run(['read', file, '-o', 'json']);
  const rows = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { operation: string; target: string; host: string });
  const told = rows.map(({ operation, target, host }) => [operation, target, host]);
  assert.deepEqual(
    told.toSorted((a, b) => (a.join() < b.join() ? -1 : 1)),
    [
      ['A *.shop.local', '***.shop.local', ''],
      ['GET /a', '/a', 'auth:8080'],
      ['GET /b', '/b', '***.shop.local:81'],
      ['GET /c', '/c', '[fd00::1]:8080'],
      ['GET /reset/{id}/now', '/reset/***/now', 'session-management-service:8080'],
      ['GET session:*', 'session:***', ''],
      ['GET x;token=*', 'x;token=***', ''],
    ],
  );
});

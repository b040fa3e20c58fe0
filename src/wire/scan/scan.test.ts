/** The SIMD module and the plain twin are equal on every input, whatever lies around the range. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { body, bytes, head, target } from '../../../test/support/scan-texts.ts';
import { Texts, Twins, makePlainBench, makeSimdBench } from '../../../test/support/scan-twins.ts';
import { randomFrom } from '../../../test/support/random.ts';
import type { Random } from '../../../test/support/random.ts';
import { createMemory } from '../../base/memory.ts';
import { loadScanModule } from '../worker/scan-module.ts';
import { createScan, isSimd } from './create-scan.ts';
import { headerId } from './names.ts';

const SEED = 20240501;
const ROUNDS = 3000;

function compareMany(name: string, make: (random: Random) => Uint8Array, rounds: number): void {
  const random = randomFrom(SEED);
  const twins = new Twins(SEED);
  for (let round = 0; round < rounds; round++) {
    twins.compare(make(random), round & 63, `${name}, seed ${SEED}, round ${round},`);
  }
  assert.equal(twins.compared, rounds);
  assert.ok(twins.written > rounds / 100, `${twins.written} things found in ${rounds} texts`);
}

test('the built module is there and is what createScan uses', () => {
  const bytesOfModule = loadScanModule();
  assert.ok(bytesOfModule !== undefined, 'dist/scan.wasm is built');
  assert.ok(WebAssembly.validate(bytesOfModule));
  assert.ok(bytesOfModule.length < 16_384, 'the module stays a few kB');
  const { scan } = makeSimdBench();
  assert.ok(isSimd(scan));
  // A function that WebAssembly exports has its number for a name: nothing of ours stands in between.
  assert.match(scan.findHeaders.name, /^\d+$/);
  assert.ok(!isSimd(makePlainBench().scan));
});

test('without a module, and with one that is no module, the scan is the plain one', () => {
  const memory = createMemory(65_536, 65_536);
  assert.ok(!isSimd(createScan(memory, undefined)));
  assert.ok(!isSimd(createScan(memory, new Uint8Array([0, 97, 115, 109]))));
});

test('the module takes a memory of 450 MB that cannot grow, and works at its far end', () => {
  const memory = createMemory(64 * 1024 * 1024, 384 * 1024 * 1024);
  const scan = createScan(memory, loadScanModule());
  assert.ok(isSimd(scan));
  const start = memory.heapEnd - 8;
  memory.u8.set(Buffer.from('host: x\n'), start);
  memory.u8[start + 7] = 10;
  assert.equal(scan.findByte(start, memory.heapEnd, 10), start + 7);
  assert.equal(scan.findByte(start, memory.heapEnd, 11), -1);
});

test('two scans on two memories keep their keys and seeds apart', () => {
  const first = new Texts(makeSimdBench());
  const second = new Texts(makeSimdBench());
  second.scan.setKey(9, 9, 9, 9);
  second.scan.setSeed(9);
  assert.notEqual(first.sipHash('a text'), second.sipHash('a text'));
  const [start, end] = first.put('a text');
  second.put('a text');
  assert.notEqual(first.scan.hash(start, end), second.scan.hash(start, end));
});

test('the comparison sees a twin that is wrong in one thing', () => {
  const twins = new Twins(SEED);
  const text = Buffer.from('/users/1234');
  twins.compare(text, 0, 'canary');
  twins.plain.scan.setKey(9, 9, 9, 9);
  assert.throws(() => twins.compare(text, 0, 'canary'), assert.AssertionError);
});

test('both twins are equal on random bytes', () => {
  compareMany('bytes', bytes, ROUNDS);
});

test('both twins are equal on heads', () => {
  compareMany('head', (random) => Buffer.from(head(random), 'latin1'), ROUNDS);
});

test('both twins are equal on targets', () => {
  compareMany('target', (random) => Buffer.from(target(random), 'latin1'), 2 * ROUNDS);
});

test('both twins are equal on bodies', () => {
  compareMany('body', (random) => Buffer.from(body(random), 'latin1'), ROUNDS);
});

test('both twins are equal on texts at every alignment and of every length', () => {
  const twins = new Twins(SEED);
  const text = Buffer.from(
    '/users/1234/550e8400-e29b-41d4-a716-446655440000?a=b&password=x%40y&k=eyJhbGciOiJIUzI1NiJ9',
  );
  for (let shift = 0; shift < 64; shift++) {
    for (let length = 0; length <= text.length; length += shift % 3 === 0 ? 1 : 7) {
      twins.compare(text.subarray(0, length), shift, 'alignment');
    }
  }
  assert.ok(twins.compared > 2000);
});

test('both twins are equal on a head cut at every size, and it is complete only when whole', () => {
  const text = Buffer.from(
    'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1,\r\n  10.0.0.2\r\n' +
      'content-length:5 \r\nB3: 1-2\r\n\r\nhello',
  );
  const twins = new Twins(SEED);
  const whole = text.length - 5;
  for (let length = 0; length <= text.length; length++) {
    twins.compare(text.subarray(0, length), length & 31, 'cut');
    const { past } = new Texts(twins.simd).headers(text.subarray(0, length).toString());
    assert.equal(past, length >= whole ? whole : 0);
  }
  assert.equal(twins.compared, text.length + 1);
});

test('both twins are equal on texts longer than the decoded view, and on nothing', () => {
  const twins = new Twins(SEED);
  const simd = new Texts(twins.simd);
  const plain = new Texts(twins.plain);
  const long = `/a?x=%41${'b'.repeat(66_000)}&password=hunter2`;
  for (const text of ['', long, long.replace('%41', 'c'), `/${'1/a-'.repeat(20_000)}`]) {
    assert.equal(simd.redact(text, 100_000), plain.redact(text, 100_000));
    assert.equal(simd.template(text, 100_000), plain.template(text, 100_000));
    assert.deepEqual(simd.fingerprints(text), plain.fingerprints(text));
  }
  assert.ok(!simd.redact(long, 100_000).includes('hunter2'));
});

test('equal and equalLower are the same in both twins, and see a difference in any byte', () => {
  const random = randomFrom(SEED);
  const twins = [makeSimdBench(), makePlainBench()];
  let different = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const length = random.below(70);
    const text = new Uint8Array(length).map(() => random.below(256));
    const lower = text.map((c) => (c >= 65 && c <= 90 ? c | 0x20 : c));
    const wrong = random.below(length + 1);
    const said = twins.map(({ memory, scan }) => {
      const a = memory.inputStart + (round & 31);
      const b = memory.heapStart + random.below(1);
      memory.u8.set(text, a);
      memory.u8.set(lower, b);
      const before = scan.equalLower(a, b, length);
      memory.u8[b + wrong] ^= 1 << (round & 7);
      const after = scan.equalLower(a, b, length);
      memory.u8.set(text, b);
      const same = scan.equal(a, b, length);
      memory.u8[b + wrong] ^= 1;
      return [before, after, same, scan.equal(a, b, length)];
    });
    const inside = wrong < length;
    assert.deepEqual(said[0], said[1], `seed ${SEED}, round ${round}`);
    assert.deepEqual(said[0], [true, !inside, true, !inside], `seed ${SEED}, round ${round}`);
    if (inside) different++;
  }
  assert.ok(different > ROUNDS / 2);
});

for (const [name, make] of [['SIMD', makeSimdBench] as const, ['plain', makePlainBench] as const]) {
  test(`${name}: headers are told by name in any case, trimmed, unfolded, in order`, () => {
    const texts = new Texts(make());
    const first = 'POST /a HTTP/1.1\r\nHOST:  a.b \r\nAccept: */*\r\n';
    const head = `${first}b3: 1\r\nCookie: a=1;\r\n\tb=2\r\nCOOKIE:\r\n\r\n`;
    const said = texts.headers(`${head}X`);
    assert.equal(said.past, head.length);
    assert.deepEqual(said.found, [
      [headerId('host'), 'a.b'],
      [headerId('b3'), '1'],
      [headerId('cookie'), 'a=1;\r\n\tb=2'],
      [headerId('cookie'), ''],
    ]);
  });

  test(`${name}: line feeds alone end lines, no more headers than asked are written, NUL is refused`, () => {
    const texts = new Texts(make());
    assert.deepEqual(texts.headers('Host: a\nHost: b\nHost: c\n\n', 2), {
      past: 25,
      found: [
        [headerId('host'), 'a'],
        [headerId('host'), 'b'],
      ],
    });
    assert.equal(texts.headers('Host: a\0\r\n\r\n').past, -1);
    assert.equal(texts.headers('Host: a\r\n\r\n\0').past, 11);
    assert.equal(texts.headers('\r\n').past, 2);
    assert.deepEqual(texts.headers('Host : a\r\nHost\r\n: x\r\n\r\n').found, []);
  });
}

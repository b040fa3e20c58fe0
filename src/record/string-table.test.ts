import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fnv } from '../../test/support/call-fixture.ts';
import { randomFrom } from '../../test/support/random.ts';
import { createMemory } from '../base/memory.ts';
import { STRING_BYTES_MAX, StringTable } from './string-table.ts';

const memory = createMemory(65_536, 65_536);
const AT = memory.inputStart;

function put(text: string): number {
  const bytes = new TextEncoder().encode(text);
  memory.u8.set(bytes, AT);
  return AT + bytes.length;
}

test('a text has one id, wherever it lies, and gives its bytes back', () => {
  const table = new StringTable(memory, fnv(memory), 10, 1000);
  const id = table.intern(AT, put('GET'));
  assert.equal(id, 1);
  assert.equal(table.intern(AT, put('POST')), 2);
  assert.equal(table.intern(AT, put('GET')), 1);
  assert.equal(table.internText('POST'), 2);
  assert.equal(table.internBytes(Uint8Array.of(0x47, 0x45, 0x54)), 1);
  assert.deepEqual([table.text(0), table.text(1), table.text(2)], ['', 'GET', 'POST']);
  assert.equal(table.count, 2);
});

test('the empty text is 0 and counts as nothing', () => {
  const table = new StringTable(memory, fnv(memory), 10, 1000);
  assert.equal(table.intern(AT, AT), 0);
  assert.equal(table.intern(AT + 5, AT), 0);
  assert.equal(table.internText(''), 0);
  assert.equal(table.find(AT, AT), 0);
  assert.deepEqual([table.count, table.refused], [0, 0]);
});

test('a text is found without being taken in', () => {
  const table = new StringTable(memory, fnv(memory), 10, 1000);
  assert.equal(table.find(AT, put('x')), 0);
  assert.equal(table.count, 0);
  const id = table.intern(AT, AT + 1);
  assert.equal(table.find(AT, put('x')), id);
});

test('texts whose hashes are equal are told apart by their bytes', () => {
  const table = new StringTable(memory, { hash: () => -7 }, 100, 1000);
  const ids = ['a', 'b', 'ab', 'ba', 'aa'].map((text) => table.intern(AT, put(text)));
  assert.deepEqual(ids, [1, 2, 3, 4, 5]);
  assert.equal(table.intern(AT, put('ba')), 4);
});

test('a full table refuses new texts, counts them, and still knows the old', () => {
  const byCount = new StringTable(memory, fnv(memory), 3, 1000);
  for (const text of ['a', 'b', 'c']) byCount.intern(AT, put(text));
  assert.equal(byCount.intern(AT, put('d')), 0);
  assert.equal(byCount.intern(AT, put('d')), 0);
  assert.deepEqual([byCount.refused, byCount.count], [2, 3]);
  assert.equal(byCount.intern(AT, put('b')), 2);

  const byBytes = new StringTable(memory, fnv(memory), 100, 5);
  assert.equal(byBytes.intern(AT, put('abcd')), 1);
  assert.equal(byBytes.intern(AT, put('ef')), 0);
  assert.equal(byBytes.intern(AT, put('g')), 2);
  assert.equal(byBytes.refused, 1);
});

test('a text that is too long is cut, counted, and found again by its beginning', () => {
  const table = new StringTable(memory, fnv(memory), 10, 10_000);
  const long = 'x'.repeat(STRING_BYTES_MAX + 1);
  const id = table.intern(AT, put(long));
  assert.equal(table.text(id).length, STRING_BYTES_MAX);
  assert.equal(table.cut, 1);
  assert.equal(table.find(AT, put(long)), id);
  assert.equal(table.internText(`${long}yz`), id);
  assert.equal(table.internText('x'.repeat(100_000)), id);
});

test('65,536 distinct texts have distinct ids, and each is found again', () => {
  const table = new StringTable(memory, fnv(memory), 65_536, 1024 * 1024);
  for (let round = 0; round < 2; round++) {
    for (let number = 1; number <= 65_536; number++) {
      assert.equal(table.intern(AT, put(`text ${number}`)), number);
    }
  }
  assert.equal(table.refused, 0);
  assert.equal(table.text(65_536), 'text 65536');
});

test('random texts have the ids that a map gives them', () => {
  const seed = 31;
  const random = randomFrom(seed);
  const table = new StringTable(memory, fnv(memory), 5000, 100_000);
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const length = 1 + random.below(3);
    for (let at = AT; at < AT + length; at++) memory.u8[at] = random.below(16);
    const key = Buffer.from(memory.u8.subarray(AT, AT + length)).toString('hex');
    const id = model.get(key) ?? model.size + 1;
    model.set(key, id);
    assert.equal(table.intern(AT, AT + length), id, `seed ${seed}, step ${step}`);
  }
  assert.ok(model.size > 2000);
});

test('looking a known text up allocates nothing', () => {
  const table = new StringTable(memory, fnv(memory), 10, 1000);
  const end = put('GET /users/{id}');
  let sum = 0;
  const lookUp = (): void => {
    for (let turn = 0; turn < 100_000; turn++) sum += table.intern(AT, end) + table.find(AT, end);
  };
  lookUp();
  lookUp();
  const before = process.memoryUsage().heapUsed;
  lookUp();
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(sum, 600_000);
  assert.ok(grown < 100_000, `${grown} bytes for 200,000 look-ups`);
});

test('what can be made up without end leaves the last sixteenth to the others', () => {
  const table = new StringTable(memory, fnv(memory), 32, 4000);
  for (let number = 0; number < 64; number++) table.internSparing(AT, put(`host-${number}`));
  assert.deepEqual([table.count, table.refused], [30, 34]);
  assert.equal(table.internSparing(AT, put('host-3')), 4, 'what is known stays known');
  assert.equal(table.intern(AT, put('200')), 31);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fnv } from '../../test/support/call-fixture.ts';
import { createMemory } from '../base/memory.ts';
import { Ledger, reasonNumber } from './coverage.ts';
import { Operations } from './operations.ts';
import { StringTable } from './string-table.ts';

const memory = createMemory(65_536, 65_536);
const METHOD = memory.inputStart;
const TEMPLATE = METHOD + 8192;

function setUp(perServer: number, strings = 1000): Setup {
  const table = new StringTable(memory, fnv(memory), strings, 1024 * 1024);
  const ledger = new Ledger();
  return { table, ledger, operations: new Operations(memory, table, ledger, perServer) };
}

interface Setup {
  readonly table: StringTable;
  readonly ledger: Ledger;
  readonly operations: Operations;
}

function put(at: number, text: string): number {
  const bytes = new TextEncoder().encode(text);
  memory.u8.set(bytes, at);
  return at + bytes.length;
}

/** The operation's text. */
function say({ operations, table }: Setup, server: number, method: string, template: string): string {
  const methodEnd = put(METHOD, method);
  const templateEnd = put(TEMPLATE, template);
  return table.text(operations.operation(server, 7, METHOD, methodEnd, TEMPLATE, templateEnd));
}

test('an operation is method and template, and either alone', () => {
  const setup = setUp(10);
  assert.equal(say(setup, 1, 'GET', '/users/{id}'), 'GET /users/{id}');
  assert.equal(say(setup, 1, 'SELECT', 'orders'), 'SELECT orders');
  assert.equal(say(setup, 1, 'PING', ''), 'PING');
  assert.equal(say(setup, 1, '', '/x'), '/x');
  assert.equal(say(setup, 1, '', ''), '');
  assert.equal(setup.operations.limited, 0);
});

test('the method may be given as a string id', () => {
  const setup = setUp(10);
  const method = setup.table.internText('DELETE');
  const end = put(TEMPLATE, '/carts/{id}');
  const operation = setup.operations.operationOf(1, 7, method, TEMPLATE, end);
  assert.equal(setup.table.text(operation), 'DELETE /carts/{id}');
  assert.equal(say(setup, 1, 'DELETE', '/carts/{id}'), 'DELETE /carts/{id}');
  assert.equal(setup.table.text(setup.operations.operationOf(1, 7, 0, TEMPLATE, end)), '/carts/{id}');
});

test('past its number a server has METHOD /*, counted, and keeps what it had', () => {
  const setup = setUp(2);
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /b');
  assert.equal(say(setup, 1, 'GET', '/c'), 'GET /*');
  assert.equal(say(setup, 1, 'POST', '/a'), 'POST /*');
  assert.equal(say(setup, 1, 'HGET', 'cart:*'), 'HGET *');
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
  assert.equal(setup.operations.limited, 3);
  assert.equal(setup.ledger.counts[reasonNumber('operation-limit')], 3);
});

test('one server at its number takes nothing from another', () => {
  const setup = setUp(1);
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /*');
  assert.equal(say(setup, 2, 'GET', '/b'), 'GET /b');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /*', 'known elsewhere is not granted here');
});

test('a scanner with a million random paths makes the configured number and no more', () => {
  const setup = setUp(100, 10_000);
  const seen = new Set<number>();
  const methodEnd = put(METHOD, 'GET');
  const before = setup.table.count;
  for (let path = 0; path < 1_000_000; path++) {
    let end = TEMPLATE;
    memory.u8[end++] = 0x2f;
    for (let left = path; left > 0; left = Math.floor(left / 26)) memory.u8[end++] = 0x61 + (left % 26);
    seen.add(setup.operations.operation(1, 7, METHOD, methodEnd, TEMPLATE, end));
  }
  assert.equal(seen.size, 101);
  assert.equal(setup.table.count - before, 101);
  assert.equal(setup.operations.limited, 999_900);
});

test('a scanner that invents methods too ends at * /*', () => {
  const setup = setUp(5);
  const seen = new Set<string>();
  for (let number = 0; number < 10_000; number++) seen.add(say(setup, 1, `M${number}`, `/${number}`));
  assert.equal(seen.size, 5 + 16 + 1);
  assert.ok(seen.has('* /*') && seen.has('M5 /*') && !seen.has('M21 /*'));
  assert.equal(say(setup, 1, 'NEW', 'key'), '*');
});

test('a full string table leaves what it has no room for at * /*', () => {
  const setup = setUp(100, 4);
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /b');
  assert.equal(say(setup, 1, 'GET', '/c'), '* /*');
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
});

test('more servers than there is room for have METHOD /* only', () => {
  const setup = setUp(3, 10);
  for (let server = 1; server <= 16_384; server++) assert.equal(say(setup, server, 'GET', '/a'), 'GET /a');
  assert.equal(say(setup, 16_385, 'GET', '/a'), '* /*');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /b');
});

test('a set from main grants operations beyond the number of the worker, once, and never takes back', () => {
  const setup = setUp(1);
  assert.equal(say(setup, 1, 'GET', '/a'), 'GET /a');
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /*');
  const templates = [{ serverLow: 1, serverHigh: 7, operation: 'GET /b' }];
  assert.equal(setup.operations.apply({ version: 3, templates }), true);
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /b');
  assert.equal(setup.operations.apply({ version: 3, templates: [] }), false);
  assert.equal(setup.operations.apply({ version: 4, templates: [] }), true);
  assert.equal(say(setup, 1, 'GET', '/b'), 'GET /b');
  assert.equal(setup.operations.version, 4);
});

test('methods and templates of any length are cut, not refused', () => {
  const setup = setUp(10);
  const text = say(setup, 1, 'M'.repeat(3000), `/${'t'.repeat(3000)}`);
  assert.equal(text, 'M'.repeat(1024));
  assert.equal(say(setup, 2, 'GET', `/${'t'.repeat(3000)}`).length, 1024);
});

test('a known operation, and a refused one, allocate nothing', () => {
  const setup = setUp(1);
  say(setup, 1, 'GET', '/other');
  const methodEnd = put(METHOD, 'GET');
  const known = put(TEMPLATE, '/other');
  const refused = put(TEMPLATE + 100, '/unknown');
  let sum = 0;
  const ask = (): void => {
    for (let turn = 0; turn < 50_000; turn++) {
      sum += setup.operations.operation(1, 7, METHOD, methodEnd, TEMPLATE, known) > 0 ? 1 : 0;
      sum += setup.operations.operation(1, 7, METHOD, methodEnd, TEMPLATE + 100, refused) > 0 ? 1 : 0;
    }
  };
  ask();
  ask();
  const before = process.memoryUsage().heapUsed;
  ask();
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(sum, 300_000);
  assert.ok(grown < 100_000, `${grown} bytes for 100,000 operations`);
});

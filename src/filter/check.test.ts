import { test } from 'node:test';
import { equal, ok } from 'node:assert/strict';
import { parseFilter } from './check.ts';
import { compilePredicate } from './predicate.ts';
import { formatProblem, type FilterRow } from './types.ts';

/** The filter, and the one line that refuses it. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['statsu == "404"', 'column 1: there is no field "statsu"; did you mean "status"?'],
  ['error && latency > 3', 'column 10: there is no field "latency"'],
  [
    'status >= 500',
    'column 1: a string and an int are not compared; write status == "404" or int(status) >= 400',
  ],
  ['duration > 250', 'column 1: a duration and an int are not compared; write duration("250ms")'],
  [
    'start > "2026"',
    'column 1: a timestamp and a string are not compared; write timestamp("2026-01-31T12:00:00Z")',
  ],
  ['status == null', 'column 1: status is never null; an absent text is ""'],
  ['request_bytes == null', 'column 1: request_bytes is never null'],
  ['null', 'column 1: null stands only beside == and !='],
  ['status', 'column 1: the filter is of type string, and has to be true or false'],
  ['!status', 'column 2: status is a string; a bool is wanted here'],
  ['error || 1', 'column 10: this is an int; a bool is wanted here'],
  ['weight + 1 > 2.0', 'column 1: a double + an int is not defined; convert one with double()'],
  ['weight % 2.0 > 2.0', 'column 1: a double has no % in filters'],
  ['call + 1u > 2u', 'column 1: a uint has no + in filters'],
  ['error < true', 'column 1: a bool has no order'],
  ['status in ["a", 1]', 'column 17: an int in a list to look a string up in'],
  ['status in [host]', 'column 12: a list holds constants only'],
  ['status in host', 'column 11: behind in stands a list; host is a string'],
  ['1 in flags', 'column 1: flags is a list of string; an int is never in it'],
  ['flags == flags', 'column 1: lists are not compared; use in or size()'],
  ['[1] == [1]', 'column 1: a list stands only behind in'],
  ['host.name == ""', 'column 1: fields have no parts'],
  ['host.startWith("a")', 'column 1: there is no method startWith(); did you mean startsWith()?'],
  ['sise(host) > 1', 'column 1: there is no function sise(); did you mean size()?'],
  ['size() > 1', 'column 1: size() takes one argument'],
  ['size(weight) > 1', 'column 6: size() is of a string or a list, not of double'],
  ['host.matches(target)', 'column 14: matches() takes its pattern as a constant text'],
  [
    'host.matches("a(?=b)")',
    'column 14: in the pattern, at character 3: (? begins only (?: groups, and (?i) at the very beginning',
  ],
  ['duration > duration("5 s")', 'column 21: this is no duration; for example "250ms", "1m30s"'],
  [
    'start > timestamp("2026-02-30T00:00:00Z")',
    'column 19: this is no timestamp; for example "2026-01-31T12:00:00Z", from 1970 to 2261',
  ],
  ['error ? first_byte : end', 'column 1: first_byte may be null and is no outcome of ?:'],
  ['error ? 1 : 2.0', 'column 1: the two outcomes are an int and a double'],
  ['9223372036854775808 > 1', 'column 1: an int has 64 bits: 9223372036854775807 at most'],
  ['b"a" == host', 'column 1: bytes are not in the subset of CEL that filters have'],
  ['{"a": 1} == host', 'column 1: map is not in the subset of CEL that filters have'],
  ['["a"].exists(x, x == host)', 'column 1: there is no method exists()'],
  ['host == "x', 'column 9: this text has no closing quote'],
  ['host == ', 'column 9: the filter ends too early'],
  ['host = "x"', 'column 6: "=" is not expected here'],
  ['host == "x" )', 'column 13: ")" is not expected here'],
  ['package == 1', 'column 1: package is a reserved word of CEL'],
  ['', 'column 1: the filter is empty'],
  ['host == "\ud800"', 'column 10: half a character (surrogate)'],
];

test('a filter that is wrong is refused in one line with its column', () => {
  for (const [expression, message] of REFUSED) {
    const parsed = parseFilter(expression);
    ok(!parsed.ok, `${expression} is accepted`);
    equal(formatProblem(parsed.error), message, expression);
  }
});

test('length, nesting, lists and nodes have limits', () => {
  const refused = (expression: string, words: string): void => {
    const parsed = parseFilter(expression);
    ok(!parsed.ok, `${expression.slice(0, 40)} is accepted`);
    ok(parsed.error.message.includes(words), parsed.error.message);
  };
  refused(`host == "${'x'.repeat(9000)}"`, 'at most 8192 characters');
  refused(`${'!'.repeat(40)}error`, 'nested deeper than 32');
  refused(`${'!'.repeat(3000)}error`, 'nested');
  refused(`${'!'.repeat(8000)}error`, 'at most 4096 parts');
  refused(`${'('.repeat(4000)}error${')'.repeat(4000)}`, 'nested too deeply');
  refused(`server_port in [${'1,'.repeat(1001)}]`, 'at most 1000 items');
  equal(parseFilter(Array.from({ length: 700 }, () => 'error').join(' || ')).ok, true);
  equal(parseFilter(`server_port in [${'1,'.repeat(1000)}]`).ok, true);
});

function chooses(expression: string, row: FilterRow): boolean {
  const parsed = parseFilter(expression);
  ok(parsed.ok, `${expression} ${parsed.ok ? '' : parsed.error.message}`);
  return compilePredicate(parsed.value)(row);
}

test('64-bit integers are compared exactly, as text, BigInt and number', () => {
  for (const call of ['9007199254740993', 9007199254740993n]) {
    equal(chooses('call == 9007199254740993u', { call }), true);
    equal(chooses('call == 9007199254740992u', { call }), false);
    equal(chooses('call == 9007199254740992.0', { call }), false);
    equal(chooses('call > 9007199254740992.0', { call }), true);
  }
  equal(chooses('call == 18446744073709551615u', { call: '18446744073709551615' }), true);
  equal(chooses('request_bytes > -9223372036854775808', { request_bytes: 0 }), true);
});

test('a null or missing value is an error: it does not match, nor decide for its neighbours', () => {
  const row = { first_byte: null, status: '404' };
  equal(chooses('first_byte == null', row), true);
  equal(chooses('first_byte == duration("1s")', row), false);
  equal(chooses('first_byte != duration("1s")', row), true);
  equal(chooses('first_byte > duration("1s")', row), false);
  equal(chooses('!(first_byte > duration("1s"))', row), false);
  equal(chooses('first_byte > duration("1s") || status == "404"', row), true);
  equal(chooses('host == ""', row), false);
  equal(chooses('int(status) / 0 == 1 || int(status) >= 400', row), true);
  equal(chooses('first_byte == null', { first_byte: '0' }), true);
});

test('the filters that help and documents show are accepted', () => {
  const row = {
    outcome: 'server error',
    end: '300000000',
    operation: 'GET /users/{id}',
    flags: ['gap'],
    start: '2026-01-31T12:00:01Z',
    status: '503',
  };
  for (const expression of [
    'error && duration > duration("250ms")',
    'operation.startsWith("GET /users/")',
    'operation.matches("^(GET|HEAD) /users/")',
    '"gap" in flags',
    'start >= timestamp("2026-01-31T12:00:00Z")',
    'status in ["502", "503"] || duration_ms > 1000.0',
    'int(status) >= 500',
    'operation.lowerAscii().contains("users")',
  ]) {
    equal(chooses(expression, row), true, expression);
  }
});

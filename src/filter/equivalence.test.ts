import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { Environment } from '@marcbachmann/cel-js';
import { FLAGS } from '../record/codes.ts';
import { CALL_COLUMNS } from '../record/schema.ts';
import { parseFilter } from './check.ts';
import { compilePredicate } from './predicate.ts';
import { compileSql } from './sql.ts';
import type { Filter, FilterRow } from './types.ts';
import { openChdb } from '../../test/support/chdb.ts';
import {
  ERROR,
  Generator,
  generateRow,
  type Case,
  type Outcome,
  type Row,
} from '../../test/support/filter-cases.ts';
import { randomFrom } from '../../test/support/random.ts';

const SEED = 11_235;
const CASES = 1000;
const ROWS = 60;

function generate(): { cases: readonly { made: Case; filter: Filter }[]; rows: readonly Row[] } {
  const random = randomFrom(SEED);
  const generator = new Generator(random);
  const rows = Array.from({ length: ROWS }, (_, index) => generateRow(random, index));
  const cases = Array.from({ length: CASES }, () => {
    const made = generator.bool(3);
    const parsed = parseFilter(made.text);
    ok(parsed.ok, `seed ${SEED}: ${made.text}: ${parsed.ok ? '' : parsed.error.message}`);
    return { made, filter: parsed.value };
  });
  return { cases, rows };
}

/** The row as JSON has it (64-bit as text), or as plain values. */
function filterRow(row: Row, asText: boolean): FilterRow {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row.values)) {
    if (['duration', 'duration_ms', 'error'].includes(name)) continue;
    fields[name] = asText ? textOf(value) : value;
  }
  return fields;
}

function textOf(value: Outcome): unknown {
  if (Array.isArray(value)) return value.map(textOf);
  return typeof value === 'bigint' ? String(value) : value;
}

test('1,000 generated filters choose what a plain evaluator chooses', () => {
  const { cases, rows } = generate();
  const seen = { match: 0, other: 0, error: 0 };
  for (const { made, filter } of cases) {
    const predicate = compilePredicate(filter);
    for (let index = 0; index < rows.length; index++) {
      const expected = made.run(rows[index]);
      const row = filterRow(rows[index], index % 2 === 0);
      equal(
        predicate(row),
        expected === true,
        `seed ${SEED}: ${made.text} on ${JSON.stringify(filterRow(rows[index], true))}`,
      );
      seen[expected === ERROR ? 'error' : expected === true ? 'match' : 'other']++;
    }
  }
  equal(seen.match + seen.other + seen.error, CASES * ROWS);
  ok(seen.match > 5000 && seen.other > 5000 && seen.error > 500, JSON.stringify(seen));
});

test("the parser's own evaluator agrees where it knows all that a filter uses", () => {
  const { cases, rows } = generate();
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  let compared = 0;
  // That evaluator orders texts by UTF-16 units (docs/decisions/cel.md): where it matters it is no judge.
  const astral = /[\ud800-\udfff\uffff]/;
  const judged = rows.filter((row) => !Object.values(row.values).some((value) => astral.test(String(value))));
  for (const { made } of cases) {
    if (!made.plain || astral.test(made.text)) continue;
    const evaluate = environment.parse(made.text);
    for (const row of judged) {
      let outcome: unknown;
      try {
        outcome = evaluate(row.values);
      } catch {
        outcome = ERROR;
      }
      const expected: Outcome = made.run(row);
      equal(outcome, expected, `seed ${SEED}: ${made.text} on row ${rows.indexOf(row)}`);
      compared++;
    }
  }
  ok(compared > 5000, `${compared} compared`);
});

const RESOLVED = [
  'client_address String',
  'client_port UInt16',
  'server_address String',
  'client_service String',
  'server_service String',
];

function createTable(): string {
  const columns = CALL_COLUMNS.map((column) => `${column.name} ${column.type}`);
  return `CREATE TABLE calls (${[...columns, ...RESOLVED].join(', ')}) ENGINE = Memory`;
}

function insertRow(row: Row): string {
  const { values } = row;
  const nanos = values.start as bigint;
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
  const flags = (values.flags as string[]).reduce(
    (bits, name) => bits | (1 << FLAGS.indexOf(name as 'gap')),
    0,
  );
  const record: Record<string, unknown> = {
    ...filterRow(row, true),
    start: `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`,
    first_byte: String(values.first_byte ?? 0n),
    trace_id: Buffer.from(String(values.trace_id), 'hex').toString('latin1').padEnd(16, '\u0000'),
    fingerprints: (values.fingerprints as bigint[]).map(String),
    flags,
  };
  return JSON.stringify(record);
}

test('SQL in the real engine gives the same as the plain evaluator: true, false or NULL', async (context) => {
  const session = await openChdb();
  if (session === undefined) return context.skip('chDB is not installed');
  const { cases, rows } = generate();
  session.query('CREATE DATABASE filters', 'CSV');
  session.query('USE filters', 'CSV');
  session.query(createTable(), 'CSV');
  session.query(`INSERT INTO calls FORMAT JSONEachRow ${rows.map(insertRow).join('\n')}`, 'CSV');
  let compared = 0;
  for (let from = 0; from < cases.length; from += 25) {
    const batch = cases.slice(from, from + 25);
    const columns = batch.map(
      ({ filter }, index) => `ifNull(toUInt8(${compileSql(filter)}), 2) AS e${index}`,
    );
    const answer: string = session.query(
      `SELECT ${columns.join(', ')} FROM calls ORDER BY sequence`,
      'JSONCompactEachRow',
    );
    const lines: unknown[] = answer
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    equal(lines.length, rows.length);
    for (let index = 0; index < batch.length; index++) {
      const { made, filter } = batch[index];
      const got = lines.map((line) => (Array.isArray(line) ? Number(line[index]) : -1));
      const expected = rows.map((row) => code(made.run(row)));
      deepEqual(got, expected, `seed ${SEED}: ${made.text}\n${compileSql(filter)}`);
      compared += rows.length;
    }
  }
  session.cleanup();
  equal(compared, CASES * ROWS);
});

function code(outcome: Outcome): number {
  return outcome === ERROR ? 2 : outcome === true ? 1 : 0;
}

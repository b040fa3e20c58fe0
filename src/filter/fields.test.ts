import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { CALL_COLUMNS } from '../record/schema.ts';
import { parseFilter } from './check.ts';
import { FIELDS, findField } from './fields.ts';
import { ROOT } from '../../test/support/golden-text.ts';

const DOCUMENT = readFileSync(new URL('docs/formats/filter.md', ROOT), 'utf8');

test('docs/formats/filter.md lists exactly the fields, with type and meaning', () => {
  const rows = [...DOCUMENT.matchAll(/^\| `([a-z_]+)` \| ([a-z()]+)( or null)? \| (.+) \|$/gm)];
  const listed = rows.map((row) => [row[1], row[2], row[3] !== undefined, row[4]]);
  const expected = FIELDS.map((field) => [field.name, field.type, field.nullable === true, field.meaning]);
  ok(expected.length > 30);
  deepEqual(listed, expected);
});

test('every filter in docs/formats/filter.md is accepted', () => {
  const blocks = [...DOCUMENT.matchAll(/```cel\n([^`]+)```/g)].flatMap((block) =>
    block[1].trim().split('\n'),
  );
  ok(blocks.length >= 8, `${blocks.length} examples`);
  for (const expression of blocks) {
    const parsed = parseFilter(expression);
    equal(parsed.ok ? '' : parsed.error.message, '', expression);
  }
});

test('every column of calls is a field', () => {
  ok(CALL_COLUMNS.length > 20);
  for (const column of CALL_COLUMNS) ok(findField(column.name) !== undefined, column.name);
});

/** Blocks as the real engine reads them: chDB, ClickHouse in the process, is the judge of the format. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createFixture, decodedCells, randomBatch, randomStrings } from '../../test/support/call-fixture.ts';
import { randomFrom } from '../../test/support/random.ts';
import { CallBatch } from './call-batch.ts';
import { ConnectionBatch, ConnectionRow } from './connection-batch.ts';
import { NativeEncoder } from './native.ts';
import { readBlock } from './native-reader.ts';
import { CALL_COLUMNS, CONNECTION_COLUMNS, type Column } from './schema.ts';

/** The part of chDB's Session that is used; the package is not one of ours. */
interface Session {
  query(query: string, format?: string): string;
  queryAsync(query: string, options: { format: string }): Promise<{ bytes(): Uint8Array; text(): string }>;
  close?(): void;
  cleanup(): void;
}

const folder = mkdtempSync(join(tmpdir(), 'eastwest-native-'));
const session = await openSession();
const skip = session === undefined ? 'needs chDB (npm install chdb)' : false;

after(() => {
  session?.cleanup();
  rmSync(folder, { recursive: true, force: true });
});

async function openSession(): Promise<Session | undefined> {
  const packageName: string = 'chdb';
  let module: unknown;
  try {
    module = await import(packageName);
  } catch {
    return undefined;
  }
  const { Session } = module as { Session: new (path: string) => Session };
  return new Session(join(folder, 'engine'));
}

/** The rows of a query; every cell is text. */
async function rowsOf(query: string): Promise<string[][]> {
  assert.ok(session !== undefined);
  const text = (await session.queryAsync(query, { format: 'JSONCompactEachRow' })).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as string[]);
}

/** The expression that gives a cell as `Cells` has it. */
function cellExpression({ name, type }: Column): string {
  if (type.startsWith('DateTime64'))
    return `toString(reinterpretAsUInt64(toUnixTimestamp64Nano(\`${name}\`)))`;
  if (type.startsWith('Array')) return `arrayStringConcat(arrayMap(x -> toString(x), \`${name}\`), ',')`;
  if (type === 'Float32') return `toString(reinterpretAsUInt32(\`${name}\`))`;
  if (type.includes('String')) return `lower(hex(\`${name}\`))`;
  return `toString(\`${name}\`)`;
}

test(
  'chDB sees the names and types of the schema, and every value of 4,000 random calls',
  { skip },
  async () => {
    const random = randomFrom(21);
    const fixture = createFixture();
    const { batch, expected } = randomBatch(fixture, random, 4000, randomStrings(fixture, random, 700));
    const bytes = new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch);
    const path = join(folder, 'calls.native');
    writeFileSync(path, bytes);

    const described = await rowsOf(`DESCRIBE TABLE file('${path}', 'Native')`);
    assert.deepEqual(
      described.map((row) => ({ name: row[0], type: row[1] })),
      CALL_COLUMNS.map(({ name, type }) => ({ name, type })),
    );

    const rows = await rowsOf(
      `SELECT ${CALL_COLUMNS.map(cellExpression).join(', ')} FROM file('${path}', 'Native')
     SETTINGS max_threads = 1, output_format_json_quote_64bit_integers = 1`,
    );
    assert.equal(rows.length, 4000);
    rows.forEach((cells, row) => {
      const seen = Object.fromEntries(CALL_COLUMNS.map(({ name }, column) => [name, cells[column]]));
      assert.deepEqual(seen, expected[row], `seed 21, row ${row}`);
    });
  },
);

test('a block that chDB writes is read to the same values', { skip }, async () => {
  const random = randomFrom(22);
  const fixture = createFixture();
  const { batch, expected } = randomBatch(fixture, random, 1000, randomStrings(fixture, random, 300));
  const path = join(folder, 'back.native');
  writeFileSync(path, new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch));
  assert.ok(session !== undefined);
  const result = await session.queryAsync(
    `SELECT * FROM file('${path}', 'Native') SETTINGS max_threads = 1`,
    {
      format: 'Native',
    },
  );
  const bytes = result.bytes();
  let rows = 0;
  for (let at = 0; at < bytes.length;) {
    const read = readBlock(bytes, at);
    assert.ok(read.ok, read.ok ? '' : read.error);
    for (let row = 0; row < read.value.rows; row++, rows++) {
      assert.deepEqual(decodedCells(read.value, row), expected[rows], `seed 22, row ${rows}`);
    }
    at = read.value.end;
  }
  assert.equal(rows, 1000);
});

test('chDB takes a dictionary with more than 65,536 texts, and a block without rows', { skip }, async () => {
  const fixture = createFixture(70_000);
  const random = randomFrom(23);
  const ids = randomStrings(fixture, random, 66_000);
  const { batch } = randomBatch(fixture, random, 66_000, ids);
  const hosts = batch.columns[CALL_COLUMNS.findIndex(({ name }) => name === 'host')];
  assert.ok(hosts.kind === 'name');
  hosts.ids.set(ids);
  const encoder = new NativeEncoder(CALL_COLUMNS, fixture.strings);
  const path = join(folder, 'large.native');
  writeFileSync(path, encoder.encode(batch));
  const [[rows, texts]] = await rowsOf(
    `SELECT toString(count()), toString(uniqExact(host)) FROM file('${path}', 'Native')`,
  );
  assert.deepEqual([rows, texts], ['66000', '66000']);

  writeFileSync(path, encoder.encode(new CallBatch(fixture.memory, 1, 1)));
  assert.deepEqual(await rowsOf(`SELECT toString(count()) FROM file('${path}', 'Native')`), [['0']]);
});

test('chDB reads a connection, with its addresses', { skip }, async () => {
  const { memory, strings } = createFixture();
  const row = new ConnectionRow();
  memory.u8.set([10, 0, 0, 1, 192, 168, 0, 255], memory.heapStart);
  row.clientAt = memory.heapStart;
  row.serverAt = memory.heapStart + 4;
  row.connection = 77;
  row.transport = 2;
  row.openedSeconds = 1_790_000_000;
  row.gapBytes = 2 ** 40;
  row.protocol = strings.internText('dns');
  const batch = new ConnectionBatch(memory, 1);
  assert.ok(batch.add(row));
  const path = join(folder, 'connections.native');
  writeFileSync(path, new NativeEncoder(CONNECTION_COLUMNS, strings).encode(batch));
  const rows = await rowsOf(
    `SELECT toString(connection), toString(client_address), toString(server_address), toString(transport),
       toString(opened), toString(gap_bytes), toString(protocol) FROM file('${path}', 'Native')`,
  );
  assert.deepEqual(rows, [
    [
      '77',
      '::ffff:10.0.0.1',
      '::ffff:192.168.0.255',
      'udp',
      '2026-09-21 14:13:20.000000000',
      '1099511627776',
      'dns',
    ],
  ]);
});

test('chDB makes tables of both schemas, with the types unchanged', { skip }, async () => {
  assert.ok(session !== undefined);
  const tables: [string, readonly Column[]][] = [
    ['calls', CALL_COLUMNS],
    ['connections', CONNECTION_COLUMNS],
  ];
  for (const [table, columns] of tables) {
    const list = columns.map(({ name, type }) => `\`${name}\` ${type}`).join(', ');
    session.query(`CREATE TABLE ${table} (${list}) ENGINE = Memory`);
    const described = await rowsOf(`DESCRIBE TABLE ${table}`);
    assert.deepEqual(
      described.map((row) => ({ name: row[0], type: row[1] })),
      columns.map(({ name, type }) => ({ name, type })),
    );
  }
});

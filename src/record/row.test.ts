import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import {
  createFixture,
  putTime,
  randomBatch,
  randomStrings,
  type Fixture,
} from '../../test/support/call-fixture.ts';
import { randomFrom } from '../../test/support/random.ts';
import type { Block } from './block.ts';
import { CallBatch } from './call-batch.ts';
import { FLAGS, OUTCOMES, VANTAGES } from './codes.ts';
import { CSV_HEADER, csvLine, guardCsv, quoteCsv } from './csv.ts';
import { jsonLine } from './escape.ts';
import { NativeEncoder } from './native.ts';
import { readBlock } from './native-reader.ts';
import * as oc from './open-call.ts';
import { callRow, flagNames, type CallPeers } from './row.ts';
import { CALL_COLUMNS } from './schema.ts';

/** Built output lies in dist/src/record; documents do not move. */
const FORMATS = new URL('../../../docs/formats/', import.meta.url);
const PEERS: CallPeers = {
  clientAddress: '10.0.0.1',
  clientPort: 40_000,
  serverAddress: '2001:db8::1',
  clientService: 'cart',
  serverService: '',
};

interface Schema {
  readonly properties: Readonly<Record<string, { enum?: string[]; items?: { enum?: string[] } }>>;
  readonly required: readonly string[];
}
const schema = JSON.parse(readFileSync(new URL('call.schema.json', FORMATS), 'utf8')) as Schema;
const isCall: ValidateFunction = new Ajv({ strict: true, allErrors: true }).compile(schema);

function encoded(fixture: Fixture, batch: CallBatch): Block {
  const read = readBlock(new NativeEncoder(CALL_COLUMNS, fixture.strings).encode(batch));
  assert.ok(read.ok);
  return read.value;
}

function knownCall(): Block {
  const fixture = createFixture();
  const { memory, context, openCall, strings } = fixture;
  const at = openCall >> 2;
  memory.i32.fill(0, at, at + oc.OPEN_CALL_BYTES / 4);
  putTime(fixture, oc.OC_START, 1_790_000_000, 678);
  putTime(fixture, oc.OC_REQUEST_END, 1_790_000_000, 1678);
  putTime(fixture, oc.OC_END, 1_790_000_005, 678);
  memory.i32[at + oc.OC_CALL] = -1;
  memory.i32[at + oc.OC_CALL + 1] = -1;
  memory.i32[at + oc.OC_METHOD] = strings.internText('GET');
  memory.i32[at + oc.OC_OPERATION] = strings.internText('GET /a');
  memory.i32[at + oc.OC_STATUS] = strings.internText('200');
  memory.u8.set(new TextEncoder().encode('/a?"x",\u001b'), openCall + 4096);
  memory.i32[at + oc.OC_TARGET] = openCall + 4096;
  memory.i32[at + oc.OC_TARGET_BYTES] = 8;
  memory.i32[at + oc.OC_OUTCOME] = 1;
  memory.i32[at + oc.OC_FLAGS] = 1 << 2;
  memory.u8.set([0xab, 0xcd], openCall + oc.OC_TRACE * 4);
  memory.f64[(at + oc.OC_REQUEST_BYTES) >> 1] = 2 ** 40;
  memory.i32[at + oc.OC_FINGERPRINT_COUNT] = 2;
  memory.i32[at + oc.OC_FINGERPRINTS] = 5;
  memory.i32[at + oc.OC_FINGERPRINTS + 3] = 1;
  context.connection = 3;
  context.serverPort = 8080;
  context.vantage = 5;
  context.protocol = strings.internText('http');
  context.weight = 10 / 3;
  context.flags = 1 << 6;
  const batch = new CallBatch(memory, 1, 100);
  assert.ok(batch.add(openCall, context));
  return encoded(fixture, batch);
}

const KNOWN = {
  call: '18446744073709551615',
  connection: 3,
  worker: 0,
  run: 0,
  sequence: 0,
  stream: 0,
  start: '2026-09-21T14:13:20.000000678Z',
  request_end: '1000',
  first_byte: '0',
  end: '5000000000',
  client_endpoint: '0',
  server_endpoint: '0',
  server_port: 8080,
  sensor: '',
  vantage: 'file',
  protocol: 'http',
  method: 'GET',
  operation: 'GET /a',
  target: '/a?"x",\u001b',
  host: '',
  status: '200',
  outcome: 'ok',
  request_bytes: '1099511627776',
  response_bytes: '0',
  retransmits: 0,
  trace_id: 'abcd0000000000000000000000000000',
  span_id: '',
  parent_span_id: '',
  fingerprints: ['5', '4294967296'],
  principal: '0',
  weight: 3.333333,
  flags: ['mid-stream', 'body skipped'],
  client_address: '10.0.0.1',
  client_port: 40_000,
  server_address: '2001:db8::1',
  client_service: 'cart',
  server_service: '',
};

test('a row has the names, units and texts of the format', () => {
  const row = callRow(knownCall(), 0, PEERS);
  assert.deepEqual(row, KNOWN);
  assert.ok(isCall(row), JSON.stringify(isCall.errors));
});

test('rows of random calls keep to the JSON schema, and their lines parse to the same', () => {
  const random = randomFrom(61);
  const fixture = createFixture();
  const strings = randomStrings(fixture, random, 100);
  const { batch } = randomBatch(fixture, random, 2000, strings);
  const protocols = batch.columns[CALL_COLUMNS.findIndex(({ name }) => name === 'protocol')];
  assert.ok(protocols.kind === 'name');
  protocols.ids.fill(fixture.strings.internText('http'));
  const block = encoded(fixture, batch);
  for (let row = 0; row < block.rows; row++) {
    const call = callRow(block, row, PEERS);
    assert.ok(isCall(call), `seed 61, row ${row}: ${JSON.stringify(isCall.errors)}`);
    assert.deepEqual(JSON.parse(jsonLine(call)), call);
  }
});

test('the JSON schema refuses a missing, an unknown and a numeric 64-bit member', () => {
  const { call: _, ...without } = KNOWN;
  assert.equal(isCall(without), false);
  assert.equal(isCall({ ...KNOWN, extra: 1 }), false);
  assert.equal(isCall({ ...KNOWN, call: 5 }), false);
  assert.equal(isCall({ ...KNOWN, flags: ['nonsense'] }), false);
  assert.equal(isCall(KNOWN), true);
});

test('schema, JSON schema, rows, CSV and the document name the same columns in the same order', () => {
  const stored = CALL_COLUMNS.map(({ name }) => name as string);
  const resolved = ['client_address', 'client_port', 'server_address', 'client_service', 'server_service'];
  const all = [...stored, ...resolved];
  assert.deepEqual(Object.keys(schema.properties), all);
  assert.deepEqual(schema.required, all);
  assert.deepEqual(Object.keys(callRow(knownCall(), 0, PEERS)), all);
  assert.deepEqual(CSV_HEADER.trimEnd().split(','), all);

  const document = readFileSync(fileURLToPath(new URL('call.md', FORMATS)), 'utf8');
  const columns = [...document.matchAll(/^\| `([a-z_]+)` \| ([^|]+) \|/gm)];
  assert.deepEqual(
    columns.slice(0, stored.length).map((match) => match[1]),
    stored,
  );
  for (const [index, { type }] of CALL_COLUMNS.entries()) {
    const told = columns[index][2];
    assert.equal(told, type.startsWith('Enum8') ? 'Enum8' : type);
  }
  for (const name of resolved) assert.ok(document.includes(`| \`${name}\` |`), name);
  for (const [code, name] of OUTCOMES.entries())
    assert.ok(document.includes(`| \`${name}\` | ${code} |`), name);
  for (const [bit, name] of FLAGS.entries()) assert.ok(document.includes(`| \`${name}\` | ${bit} |`), name);
});

test('the JSON schema lists the outcomes, vantages and flags of the code', () => {
  assert.deepEqual(schema.properties['outcome'].enum, OUTCOMES);
  assert.deepEqual(schema.properties['vantage'].enum, VANTAGES);
  assert.deepEqual(schema.properties['flags'].items?.enum, FLAGS);
  assert.deepEqual(flagNames(0), []);
  assert.deepEqual(flagNames(0x1ff), [...FLAGS]);
});

test('a CSV line quotes what needs it and shows controls', () => {
  const line = csvLine(callRow(knownCall(), 0, PEERS));
  assert.equal(
    line,
    '18446744073709551615,3,0,0,0,0,2026-09-21T14:13:20.000000678Z,1000,0,5000000000,0,0,8080,,file,http,GET,' +
      'GET /a,"/a?""x"",\\x1b",,200,ok,1099511627776,0,0,abcd0000000000000000000000000000,,,5;4294967296,0,' +
      '3.333333,mid-stream;body skipped,10.0.0.1,40000,2001:db8::1,cart,\r\n',
  );
});

test('a cell that a spreadsheet would take for a formula gets an apostrophe', () => {
  assert.equal(guardCsv('=HYPERLINK("http://x")'), '\'=HYPERLINK("http://x")');
  for (const text of ['+1', '-1', '@SUM(A1)', '＝1']) assert.equal(guardCsv(text), `'${text}`);
  assert.equal(guardCsv('\t=1'), "'\\t=1");
  assert.equal(guardCsv('\r=1'), "'\\r=1");
  assert.equal(guardCsv('/a=1'), '/a=1');
  assert.equal(guardCsv(''), '');
  assert.equal(quoteCsv('a,b'), '"a,b"');
  assert.equal(quoteCsv('a"b'), '"a""b"');
  assert.equal(quoteCsv('a b'), 'a b');
});

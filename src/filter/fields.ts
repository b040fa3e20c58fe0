/**
 * The one list of fields that a filter may name, on the command line, in the API and on screen.
 * docs/formats/filter.md shows it; a test keeps the two equal. `sql` speaks of the columns of `calls`
 * (src/record/schema.ts); the names at the end are resolved on read, so the store gives their expressions.
 */
import { FLAGS } from '../record/codes.ts';
import { readInteger } from './numbers.ts';
import type { Field, FilterRow } from './types.ts';

/** Outcomes that are the server's or the network's failure; a client error (404) is an answer. */
export const ERROR_OUTCOMES = ['server error', 'reset', 'timeout', 'unanswered'] as const;

const errorOutcomes: ReadonlySet<unknown> = new Set(ERROR_OUTCOMES);
const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function hexOrEmpty(column: string, bytes: number): string {
  return `if(${column} = toFixedString('', ${bytes}), '', lower(hex(${column})))`;
}

function readError(row: FilterRow): unknown {
  return typeof row.outcome === 'string' ? errorOutcomes.has(row.outcome) : undefined;
}

function readMilliseconds(row: FilterRow): unknown {
  const nanos = readInteger(row.end);
  return nanos === undefined ? undefined : Number(nanos) / 1e6;
}

/** The column is a Float32, and a row shows it rounded: both become the same double again. */
function readWeight(row: FilterRow): unknown {
  return typeof row.weight === 'number' ? Math.fround(row.weight) : undefined;
}

/** 0 ns says that no answer was seen, or, in a row, that nothing is there at all. */
function readFirstByte(row: FilterRow): unknown {
  const nanos = row.first_byte;
  return nanos === undefined || nanos === null || readInteger(nanos) === 0 ? null : nanos;
}

const RESOLVED: readonly Field[] = [
  {
    name: 'client_address',
    type: 'string',
    sql: 'client_address',
    meaning: 'address of the caller, as text',
  },
  { name: 'client_port', type: 'int', sql: 'client_port', meaning: 'port of the caller' },
  {
    name: 'server_address',
    type: 'string',
    sql: 'server_address',
    meaning: 'address of the server, as text',
  },
  { name: 'client_service', type: 'string', sql: 'client_service', meaning: 'name of the calling service' },
  { name: 'server_service', type: 'string', sql: 'server_service', meaning: 'name of the called service' },
];

const WHEN: readonly Field[] = [
  { name: 'start', type: 'timestamp', sql: 'start', meaning: 'when the first byte of the request was seen' },
  {
    name: 'request_end',
    type: 'duration',
    sql: 'request_end',
    meaning: 'from start to the last request byte',
  },
  {
    name: 'first_byte',
    type: 'duration',
    nullable: true,
    sql: 'nullIf(first_byte, 0)',
    meaning: 'from start to the first byte of the answer; null when none was seen',
    read: readFirstByte,
  },
  { name: 'end', type: 'duration', sql: 'end', meaning: 'from start to the end of the call' },
  {
    name: 'duration',
    type: 'duration',
    sql: 'end',
    meaning: 'the same as end',
    read: (row) => row.end,
  },
  {
    name: 'duration_ms',
    type: 'double',
    sql: '(toFloat64(end) / 1e6)',
    meaning: 'the same in milliseconds',
    read: readMilliseconds,
  },
];

const WHAT: readonly Field[] = [
  { name: 'protocol', type: 'string', sql: 'protocol', meaning: 'http, dns, redis, …' },
  { name: 'method', type: 'string', sql: 'method', meaning: 'the verb: GET, HGETALL, A' },
  {
    name: 'operation',
    type: 'string',
    sql: 'operation',
    meaning: 'the endpoint as a template: GET /users/{id}',
  },
  { name: 'target', type: 'string', sql: 'target', meaning: 'the thing acted on, as sent, redacted' },
  { name: 'host', type: 'string', sql: 'host', meaning: 'the host that the request names' },
  { name: 'status', type: 'string', sql: 'status', meaning: "the protocol's status as text: 404, NXDOMAIN" },
  {
    name: 'outcome',
    type: 'string',
    sql: 'toString(outcome)',
    meaning: 'how the call ended: ok, timeout, …',
  },
  {
    name: 'error',
    type: 'bool',
    sql: `(toString(outcome) IN (${quoted(ERROR_OUTCOMES)}))`,
    meaning: 'outcome is server error, reset, timeout or unanswered',
    read: readError,
  },
];

const AMOUNTS: readonly Field[] = [
  { name: 'request_bytes', type: 'int', sql: 'request_bytes', meaning: 'bytes of the request' },
  { name: 'response_bytes', type: 'int', sql: 'response_bytes', meaning: 'bytes of the answer' },
  { name: 'retransmits', type: 'int', sql: 'retransmits', meaning: 'segments sent again during the call' },
  {
    name: 'weight',
    type: 'double',
    sql: 'toFloat64(weight)',
    meaning: '1 / sampling probability',
    read: readWeight,
  },
];

const IDENTITY: readonly Field[] = [
  { name: 'call', type: 'uint', sql: 'call', meaning: 'keyed hash that all observers of the call share' },
  { name: 'connection', type: 'int', sql: 'connection', meaning: 'number of the connection' },
  { name: 'worker', type: 'int', sql: 'worker', meaning: 'the worker that read it' },
  { name: 'run', type: 'int', sql: 'run', meaning: 'the run of the sensor' },
  { name: 'sequence', type: 'int', sql: 'sequence', meaning: 'place of the call on its connection' },
  { name: 'stream', type: 'int', sql: 'stream', meaning: 'stream or message id' },
  { name: 'client_endpoint', type: 'uint', sql: 'client_endpoint', meaning: 'endpoint id of the caller' },
  { name: 'server_endpoint', type: 'uint', sql: 'server_endpoint', meaning: 'endpoint id of the server' },
  { name: 'server_port', type: 'int', sql: 'server_port', meaning: 'port of the server' },
  { name: 'sensor', type: 'string', sql: 'sensor', meaning: 'name of the sensor' },
  {
    name: 'vantage',
    type: 'string',
    sql: 'toString(vantage)',
    meaning: 'where it was seen: client side, file, …',
  },
];

const JOINS: readonly Field[] = [
  { name: 'trace_id', type: 'string', sql: hexOrEmpty('trace_id', 16), meaning: 'trace id in hex, or empty' },
  { name: 'span_id', type: 'string', sql: hexOrEmpty('span_id', 8), meaning: 'span id in hex, or empty' },
  {
    name: 'parent_span_id',
    type: 'string',
    sql: hexOrEmpty('parent_span_id', 8),
    meaning: 'parent span id in hex, or empty',
  },
  {
    name: 'fingerprints',
    type: 'list(uint)',
    sql: 'fingerprints',
    meaning: 'keyed hashes of identifiers in the call',
  },
  {
    name: 'principal',
    type: 'uint',
    sql: 'principal',
    meaning: 'keyed hash of user or session, 0 if unknown',
  },
  {
    name: 'flags',
    type: 'list(string)',
    sql: `arrayMap(bit -> [${quoted(FLAGS)}][bit + 1], bitPositionsToArray(flags))`,
    meaning: 'encrypted, weak, mid-stream, one-sided, gap, truncated, …',
  },
];

export const FIELDS: readonly Field[] = [...WHEN, ...RESOLVED, ...WHAT, ...AMOUNTS, ...IDENTITY, ...JOINS];

const byName = new Map(FIELDS.map((field) => [field.name, field]));

export function findField(name: string): Field | undefined {
  return byName.get(name);
}

export function fieldNames(): Iterable<string> {
  return byName.keys();
}

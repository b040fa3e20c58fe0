/**
 * The columns of `calls` and `connections`, in order: the one list that the encoder, the decoder, the rows
 * of the command line and the store's tables are made from. Meaning and units: docs/formats/call.md.
 */
import { OUTCOMES, VANTAGES } from './codes.ts';

/** Raise it when a column is added, removed or changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A column: its name in snake_case, its type as ClickHouse writes it. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** `Enum8` of names whose place is their code. */
export function enumType(names: readonly string[]): string {
  return `Enum8(${names.map((name, code) => `'${name}' = ${code}`).join(', ')})`;
}

export const TRANSPORTS = ['unknown', 'tcp', 'udp'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

const TIME = "DateTime64(9, 'UTC')";
const NAME = 'LowCardinality(String)';

export const CALL_COLUMNS = [
  { name: 'call', type: 'UInt64' },
  { name: 'connection', type: 'UInt32' },
  { name: 'worker', type: 'UInt8' },
  { name: 'run', type: 'UInt32' },
  { name: 'sequence', type: 'UInt32' },
  { name: 'stream', type: 'UInt32' },
  { name: 'start', type: TIME },
  { name: 'request_end', type: 'UInt64' },
  { name: 'first_byte', type: 'UInt64' },
  { name: 'end', type: 'UInt64' },
  { name: 'client_endpoint', type: 'UInt64' },
  { name: 'server_endpoint', type: 'UInt64' },
  { name: 'server_port', type: 'UInt16' },
  { name: 'sensor', type: NAME },
  { name: 'vantage', type: enumType(VANTAGES) },
  { name: 'protocol', type: NAME },
  { name: 'method', type: NAME },
  { name: 'operation', type: NAME },
  { name: 'target', type: 'String' },
  { name: 'host', type: NAME },
  { name: 'status', type: NAME },
  { name: 'outcome', type: enumType(OUTCOMES) },
  { name: 'request_bytes', type: 'UInt64' },
  { name: 'response_bytes', type: 'UInt64' },
  { name: 'retransmits', type: 'UInt32' },
  { name: 'trace_id', type: 'FixedString(16)' },
  { name: 'span_id', type: 'FixedString(8)' },
  { name: 'parent_span_id', type: 'FixedString(8)' },
  { name: 'fingerprints', type: 'Array(UInt64)' },
  { name: 'principal', type: 'UInt64' },
  { name: 'weight', type: 'Float32' },
  { name: 'flags', type: 'UInt32' },
] as const satisfies readonly Column[];
export type CallColumn = (typeof CALL_COLUMNS)[number]['name'];

/** Bytes count payload, request side first; `round_trip` is in ns, 0 when not known. */
export const CONNECTION_COLUMNS = [
  { name: 'connection', type: 'UInt32' },
  { name: 'worker', type: 'UInt8' },
  { name: 'run', type: 'UInt32' },
  { name: 'sensor', type: NAME },
  { name: 'client_address', type: 'IPv6' },
  { name: 'server_address', type: 'IPv6' },
  { name: 'client_port', type: 'UInt16' },
  { name: 'server_port', type: 'UInt16' },
  { name: 'transport', type: enumType(TRANSPORTS) },
  { name: 'protocol', type: NAME },
  { name: 'opened', type: TIME },
  { name: 'closed', type: TIME },
  { name: 'round_trip', type: 'UInt64' },
  { name: 'client_bytes', type: 'UInt64' },
  { name: 'server_bytes', type: 'UInt64' },
  { name: 'client_packets', type: 'UInt64' },
  { name: 'server_packets', type: 'UInt64' },
  { name: 'retransmits', type: 'UInt32' },
  { name: 'gap_bytes', type: 'UInt64' },
  { name: 'flags', type: 'UInt32' },
] as const satisfies readonly Column[];
export type ConnectionColumn = (typeof CONNECTION_COLUMNS)[number]['name'];

/**
 * A call as an object with the names of docs/formats/call.schema.json: what `-o json` prints, a line each,
 * and what the API answers. 64-bit values are decimal text, since JSON readers round numbers to 53 bits.
 */
import type { Block } from './block.ts';
import { FLAGS, type FlagName } from './codes.ts';

/** What the row itself does not hold: addresses stand in `connections`, names are resolved on read. */
export interface CallPeers {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly clientService: string;
  readonly serverService: string;
}

export interface CallRow {
  call: string;
  connection: number;
  worker: number;
  run: number;
  sequence: number;
  stream: number;
  start: string;
  request_end: string;
  first_byte: string;
  end: string;
  client_endpoint: string;
  server_endpoint: string;
  server_port: number;
  sensor: string;
  vantage: string;
  protocol: string;
  method: string;
  operation: string;
  target: string;
  host: string;
  status: string;
  outcome: string;
  request_bytes: string;
  response_bytes: string;
  retransmits: number;
  trace_id: string;
  span_id: string;
  parent_span_id: string;
  fingerprints: string[];
  principal: string;
  weight: number;
  flags: FlagName[];
  client_address: string;
  client_port: number;
  server_address: string;
  client_service: string;
  server_service: string;
}

/** A weight is a Float32: more digits than these are noise. */
const WEIGHT_DIGITS = 7;

export function callRow(block: Block, row: number, peers: CallPeers): CallRow {
  return {
    call: block.u64('call', row),
    connection: block.number('connection', row),
    worker: block.number('worker', row),
    run: block.number('run', row),
    sequence: block.number('sequence', row),
    stream: block.number('stream', row),
    start: block.time('start', row),
    request_end: block.u64('request_end', row),
    first_byte: block.u64('first_byte', row),
    end: block.u64('end', row),
    client_endpoint: block.u64('client_endpoint', row),
    server_endpoint: block.u64('server_endpoint', row),
    server_port: block.number('server_port', row),
    sensor: block.text('sensor', row),
    vantage: block.text('vantage', row),
    protocol: block.text('protocol', row),
    method: block.text('method', row),
    operation: block.text('operation', row),
    target: block.text('target', row),
    host: block.text('host', row),
    status: block.text('status', row),
    outcome: block.text('outcome', row),
    request_bytes: block.u64('request_bytes', row),
    response_bytes: block.u64('response_bytes', row),
    retransmits: block.number('retransmits', row),
    trace_id: idText(block, 'trace_id', row),
    span_id: idText(block, 'span_id', row),
    parent_span_id: idText(block, 'parent_span_id', row),
    fingerprints: block.u64List('fingerprints', row),
    principal: block.u64('principal', row),
    weight: Number(block.number('weight', row).toPrecision(WEIGHT_DIGITS)),
    flags: flagNames(block.number('flags', row)),
    client_address: peers.clientAddress,
    client_port: peers.clientPort,
    server_address: peers.serverAddress,
    client_service: peers.clientService,
    server_service: peers.serverService,
  };
}

/** The names of the bits that are set, in the order of FLAGS. */
export function flagNames(bits: number): FlagName[] {
  return FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

/** Trace ids of zeros are invalid (W3C Trace Context, 3.2.2.3): they stand for none. */
function idText(block: Block, name: string, row: number): string {
  return block.isZero(name, row) ? '' : block.hex(name, row);
}

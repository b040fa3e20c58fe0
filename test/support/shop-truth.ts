/** What the shop really did beside what was captured of it: connection by connection, call by call. */
import assert from 'node:assert/strict';
import type { TruthCall } from '../../examples/shop/truth.mjs';
import type { CallRow } from '../../src/record/row.ts';

/** Service at a place as seen on the wire, or undefined for what is not of the shop. */
export type ServiceAt = (address: string, port: number) => string | undefined;

/** `service protocol` → calls. */
export type ServiceCounts = Readonly<Record<string, number>>;

export function countRows(rows: readonly CallRow[], serviceAt: ServiceAt): ServiceCounts {
  return count(rows, (row) => {
    const service = serviceAt(row.server_address, row.server_port);
    return service === undefined ? undefined : `${service} ${row.protocol}`;
  });
}

export function countTruth(truth: readonly TruthCall[]): ServiceCounts {
  return count(truth, (call) => `${call.server} ${call.protocol}`);
}

/**
 * Calls per service and per edge are those of the truth, and on each connection they are the same ones, in
 * the same order: method, and for HTTP and DNS what was answered.
 */
export function assertTrue(
  rows: readonly CallRow[],
  truth: readonly TruthCall[],
  serviceAt: ServiceAt,
): void {
  assert.ok(truth.length > 0, 'the truth holds calls');
  assert.deepEqual(countRows(rows, serviceAt), countTruth(truth));
  assert.deepEqual(
    edgesOf(rows, truth, serviceAt),
    count(truth, (call) => `${call.client} ${call.server}`),
  );
  const seen = byConnection(
    rows,
    (row) => `${row.client_address}:${row.client_port} ${serviceAt(row.server_address, row.server_port)}`,
    (row) => row.sequence,
    (row) => [row.method, row.protocol === 'http' ? row.status : ''].join(' '),
  );
  const done = byConnection(
    truth,
    connectionOf,
    (call) => call.n,
    (call) => [call.method, call.protocol === 'http' ? call.status : ''].join(' '),
  );
  // Ports of datagrams are used again at once, and ordinals begin anew: their order is not known.
  const isUnordered = new Set(truth.filter((call) => call.protocol === 'dns').map(connectionOf));
  for (const [connection, calls] of done) {
    const told = seen.get(connection);
    if (isUnordered.has(connection)) assert.deepEqual(told?.toSorted(), calls.toSorted(), connection);
    else assert.deepEqual(told, calls, connection);
  }
}

/** The client of a row by its port, which the truth knows. */
function edgesOf(rows: readonly CallRow[], truth: readonly TruthCall[], serviceAt: ServiceAt): ServiceCounts {
  const clients = new Map(truth.map((call) => [connectionOf(call), call.client]));
  return count(rows, (row) => {
    const service = serviceAt(row.server_address, row.server_port);
    if (service === undefined) return undefined;
    return `${clients.get(`${row.client_address}:${row.client_port} ${service}`)} ${service}`;
  });
}

function connectionOf(call: TruthCall): string {
  return `${call.client_address}:${call.client_port} ${call.server}`;
}

function count<T>(things: readonly T[], keyOf: (thing: T) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const thing of things) {
    const key = keyOf(thing);
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function byConnection<T>(
  things: readonly T[],
  keyOf: (thing: T) => string,
  orderOf: (thing: T) => number,
  textOf: (thing: T) => string,
): Map<string, string[]> {
  const found = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const list = found.get(key);
    if (list === undefined) found.set(key, [thing]);
    else list.push(thing);
  }
  const texts = new Map<string, string[]>();
  for (const [key, list] of found) {
    list.sort((a, b) => orderOf(a) - orderOf(b));
    texts.set(key, list.map(textOf));
  }
  return texts;
}

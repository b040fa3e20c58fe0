/**
 * The captures of other projects that tests may read, kept outside the repository: their folder is in
 * EASTWEST_CORPORA, or beside the repository. Tests that need them are named in test/needs-data.json.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// From dist/test/support: the repository is three folders up, and the data beside it.
const BESIDE = fileURLToPath(new URL('../../../../shared/corpora/', import.meta.url));
const ORACLE = 'oracle.tshark.json';
/** The same, with a protocol named for a port that tshark does not know it by. */
const DECODE_AS = 'oracle.decode_as.json';

export const CORPORA = process.env['EASTWEST_CORPORA'] ?? BESIDE;

/** For `skip` of a test: why, or false when the captures are there. */
export const CORPORA_MISSING: string | false = existsSync(join(CORPORA, ORACLE))
  ? false
  : 'the captures are not there: set EASTWEST_CORPORA to their folder';

/** What tshark said of a capture. */
export interface OracleEntry {
  readonly frames: number;
  /** How often each protocol stands in a frame. */
  readonly protocols: Readonly<Record<string, number>>;
  /** `tcp.port==5432,http` */
  readonly decode_as?: string;
  /** By protocol: counts by field, or histograms of a field's values. */
  readonly l7?: Readonly<Record<string, Readonly<Record<string, number | Readonly<Record<string, number>>>>>>;
}

/**
 * Requests of HTTP over TCP, by method: `http.request` leaves out notifications (SUBSCRIBE).
 * It counts SSDP, which is HTTP over UDP, with them; those are known by their methods.
 */
export function httpRequests(entry: OracleEntry): number {
  const methods = entry.l7?.['http']?.['http.request.method'];
  if (typeof methods !== 'object') return 0;
  let requests = 0;
  for (const [method, count] of Object.entries(methods)) {
    const ssdp = entry.protocols['ssdp'] !== undefined && (method === 'M-SEARCH' || method === 'NOTIFY');
    if (!ssdp) requests += count;
  }
  return requests;
}

/** Queries of DNS; those of multicast DNS, LLMNR and NetBIOS names are counted apart. */
export function dnsQueries(entry: OracleEntry): number {
  const queries = entry.l7?.['dns']?.['queries'];
  return typeof queries === 'number' ? queries : 0;
}

/** Rows of Zeek's redis log by capture; one row is a command. */
export function zeekRedis(): ReadonlyMap<string, number> {
  const zeek: unknown = JSON.parse(readFileSync(join(CORPORA, 'cases/zeek.json'), 'utf8'));
  const rows = new Map<string, number>();
  if (typeof zeek !== 'object' || zeek === null || !('cases' in zeek)) return rows;
  const cases = zeek.cases as { protocol: string; pcap: string; rows: unknown[] }[];
  for (const entry of cases) {
    if (entry.protocol === 'redis') rows.set(`zeek+zeek/${entry.pcap}`, entry.rows.length);
  }
  return rows;
}

/** By path in the folder. */
export function readOracle(): ReadonlyMap<string, OracleEntry> {
  return readEntries(ORACLE);
}

/** As `readOracle`, where tshark was told which port speaks HTTP. */
export function readHttpDecodedAs(): ReadonlyMap<string, OracleEntry> {
  const entries = [...readEntries(DECODE_AS)];
  return new Map(entries.filter(([, entry]) => entry.decode_as?.endsWith(',http') === true));
}

function readEntries(name: string): ReadonlyMap<string, OracleEntry> {
  const oracle: unknown = JSON.parse(readFileSync(join(CORPORA, name), 'utf8'));
  if (typeof oracle !== 'object' || oracle === null || !('files' in oracle)) return new Map();
  return new Map(Object.entries(oracle.files as Record<string, OracleEntry>));
}

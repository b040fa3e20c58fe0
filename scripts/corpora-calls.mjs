/**
 * Calls of the captures that a file of cases names, as its scorer wants them (tools/score.py):
 *
 *   node scripts/corpora-calls.mjs CORPORA cases/zeek.json zeek+zeek/ > calls.ndjson
 *   python3 CORPORA/tools/score.py CORPORA/cases/zeek.json calls.ndjson --prefix zeek+zeek/ --protocol http
 *
 * The third word is what stands before the paths of the cases. The command must be built.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../bin/eastwest', import.meta.url));
const PROTOCOLS = new Set(['http', 'dns', 'redis']);
/** Response codes of DNS by name (RFC 6895); others are in their name. */
const CODES =
  'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE'.split(' ');
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

const [corpora, cases, prefix = ''] = process.argv.slice(2);
if (corpora === undefined || cases === undefined) {
  process.stderr.write('usage: node scripts/corpora-calls.mjs CORPORA CASES [PREFIX]\n');
  process.exit(2);
}
const wanted = JSON.parse(readFileSync(join(corpora, cases), 'utf8')).cases.filter(({ protocol }) =>
  PROTOCOLS.has(protocol),
);
for (const file of new Set(wanted.map(({ pcap }) => prefix + pcap))) {
  for (const row of callsOf(join(corpora, file))) {
    // What a server of Redis sends by itself is no command.
    if (row.protocol === 'redis' && row.outcome === 'one-way') continue;
    process.stdout.write(`${JSON.stringify({ file, ...scored(row) })}\n`);
  }
}

/** Rows of one capture, in the order in which they began. */
function callsOf(path) {
  const words = [COMMAND, 'read', '-o', 'json', '--quiet', path];
  const text = execFileSync(process.execPath, words, {
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).toString();
  const rows = text.split('\n').filter((line) => line !== '');
  return rows.map((line) => JSON.parse(line)).toSorted((a, b) => (a.start < b.start ? -1 : 1));
}

function scored(row) {
  const ends = {
    proto: row.protocol,
    client: `${row.client_address}:${row.client_port}`,
    server: `${row.server_address}:${row.server_port}`,
  };
  // An answer of DNS tells its question, seen or not.
  const asked = row.method !== '';
  const answered = row.status !== '' || row.response_bytes !== '0';
  return { ...ends, request: asked ? request(row) : null, response: answered ? response(row) : null };
}

function request(row) {
  if (row.protocol === 'http') return { kind: '1', method: row.method, path: row.target, host: row.host };
  const qtype = row.method === 'ANY' ? '*' : row.method;
  if (row.protocol === 'dns') return { id: row.stream, qname: row.target, qtype };
  return { command: row.method, key: row.target, text: `${row.method} ${row.target}`.trim() };
}

function response(row) {
  if (row.protocol === 'http') return { kind: '1', status_code: Number(row.status) };
  if (row.protocol === 'dns') return { id: row.stream, rcode: code(row.status) };
  return { success: row.outcome === 'ok', error: row.status };
}

function code(name) {
  const known = CODES.indexOf(name);
  return known >= 0 ? known : Number(/\d+$/.exec(name)?.[0] ?? Number.NaN);
}

/**
 * `npm run bench`: what each level of the work costs, beside other programs on the same captures. Prints
 * tables and the floors, writes bench/out/bench.json, and always ends with 0: it measures.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { makeCaptures } from './captures.ts';
import type { Level } from './drive.ts';
import { measure, type Measured } from './measure.ts';
import { buildReference, httpry, reference, tcpflow, tshark, type Peer } from './peers.ts';
import { CONNECTIONS_CAPTURE, DNS_CAPTURE, HTTP_CAPTURE, REDIS_CAPTURE } from './places.ts';
import { floorText, holds, short, tableText, write, type Floor, type Result } from './results.ts';

const PASSES = 5;
/**
 * µs a call of Suricata and of tshark, measured in one run on one capture: the only way to compare without
 * it.
 */
const SURICATA_TO_TSHARK = 19 / 275;

interface Row {
  readonly name: string;
  readonly level: Level;
  readonly how: readonly ('bodies' | 'plain')[];
}

/**
 * Redaction, templates, ids, trace headers and fingerprints of heads are on in `protocol` and `records`, as
 * always.
 */
const ROWS: readonly Row[] = [
  { name: 'header walk', level: 'walk', how: [] },
  { name: 'decode', level: 'decode', how: [] },
  { name: 'protocol', level: 'calls', how: [] },
  { name: 'records', level: 'records', how: [] },
  { name: 'records, bodies', level: 'records', how: ['bodies'] },
  { name: 'records, plain', level: 'records', how: ['plain'] },
];

const results: Result[] = [];
const floors: Floor[] = [];

function add(name: string, value: number, unit: string, against = ''): void {
  results.push({ name, value, unit, against });
}

/** Of one capture: our levels, and its peers. */
function capture(protocol: string, path: string, program: string | undefined): void {
  const how = readFileSync(`${path}.txt`, 'utf8').trim();
  const measured = ROWS.map((row) => measure(row.level, path, PASSES, ...row.how));
  const records = measured[3];
  const isHttp = protocol === 'http';
  const peers: (Peer | undefined)[] = [
    isHttp && program !== undefined ? reference(program, path, PASSES) : undefined,
    tshark(protocol, path),
    isHttp ? httpry(path) : undefined,
    isHttp ? tcpflow(path) : undefined,
  ];
  const { calls, frames, bytes } = records;
  process.stdout.write(
    `\n${protocol}: ${calls} calls, ${frames} packets, ${(bytes / 1e6).toFixed(1)} MB (${how})\n`,
  );
  const rows = [
    ['', 'calls/CPU s', 'GB/s', 'packets/s', 'µs/call', 'CPU s', 'cold CPU s', 'MB resident', '× records'],
  ];
  ROWS.forEach((row, index) => rows.push(ourRow(protocol, row.name, measured[index], records)));
  for (const peer of peers) if (peer !== undefined) rows.push(peerRow(protocol, peer, records));
  process.stdout.write(tableText(rows));
  floorsOf(protocol, records, peers);
}

function ourRow(protocol: string, name: string, got: Measured, records: Measured): string[] {
  const key = `${protocol}.${name.replaceAll(/[ ,]+/g, '-')}`;
  add(`${key}.cpu`, got.cpuS, 's');
  add(`${key}.bytes`, got.bytes / got.cpuS / 1e9, 'GB/s');
  add(`${key}.packets`, records.frames / got.cpuS, 'packets/s');
  add(`${key}.resident`, got.residentBytes / 1e6, 'MB');
  if (got.calls > 0) add(`${key}.calls`, got.calls / got.cpuS, 'calls/s');
  return [
    name,
    got.calls > 0 ? short(got.calls / got.cpuS) : '',
    short(got.bytes / got.cpuS / 1e9),
    short(records.frames / got.cpuS),
    got.calls > 0 ? short((got.cpuS / got.calls) * 1e6) : '',
    got.cpuS.toFixed(3),
    got.coldS.toFixed(3),
    short(got.residentBytes / 1e6),
    short(got.cpuS / records.cpuS),
  ];
}

function peerRow(protocol: string, peer: Peer, records: Measured): string[] {
  add(`${protocol}.records.times-faster`, peer.cpuS / records.cpuS, '×', peer.name);
  const { calls, frames, bytes } = records;
  return [
    peer.name,
    short(calls / peer.cpuS),
    short(bytes / peer.cpuS / 1e9),
    short(frames / peer.cpuS),
    short((peer.cpuS / calls) * 1e6),
    peer.cpuS.toFixed(3),
    '',
    '',
    short(peer.cpuS / records.cpuS),
  ];
}

function floorsOf(protocol: string, records: Measured, peers: readonly (Peer | undefined)[]): void {
  const find = (name: string): Peer | undefined => peers.find((peer) => peer?.name === name);
  const slow = find('tshark');
  const fast = find('reference.c');
  if (fast !== undefined) {
    if (fast.calls !== records.calls) process.stdout.write(`reference.c tells ${String(fast.calls)} calls\n`);
    floors.push({
      what: 'HTTP/1.1 to records against the C reference',
      value: fast.cpuS / records.cpuS,
      bar: 0.4,
      unit: '×',
    });
  }
  if (protocol === 'http') {
    const mb = records.residentBytes / 1e6;
    floors.push({ what: 'resident in the HTTP run', value: mb, bar: 120, atMost: true, unit: 'MB' });
  }
  if (slow === undefined) return;
  const faster = slow.cpuS / records.cpuS;
  const bar = protocol === 'http' ? 100 : 50;
  floors.push({
    what: `${protocol} to records, times faster than tshark -T fields`,
    value: faster,
    bar,
    unit: '×',
  });
  if (protocol !== 'http') return;
  const suricata = faster * SURICATA_TO_TSHARK;
  floors.push({
    what: 'HTTP/1.1 to records, times cheaper than Suricata (by way of tshark)',
    value: suricata,
    bar: 7,
    unit: '×',
  });
}

/** 10,000 connections open at once. */
function resident(): void {
  const rest = spawnSync(process.execPath, ['-e', 'console.log(process.resourceUsage().maxRSS * 1024)'], {
    encoding: 'utf8',
  });
  const got = measure('records', CONNECTIONS_CAPTURE, 1);
  const mb = got.residentBytes / 1e6;
  add('connections.records.resident', mb, 'MB');
  add('node.resident', Number(rest.stdout) / 1e6, 'MB');
  process.stdout.write(
    `\nconnections: ${got.calls} calls on 10,000 connections open at once: ${short(mb)} MB resident ` +
      `at most, of which Node at rest ${short(Number(rest.stdout) / 1e6)}; ` +
      `first pass ${short((got.coldS / got.calls) * 1e6)} µs a call\n`,
  );
  floors.push({ what: 'resident at 10,000 connections', value: mb, bar: 120, atMost: true, unit: 'MB' });
}

await makeCaptures();
const program = buildReference();
if (program === undefined) process.stdout.write('no C compiler: reference.c is left out\n');
const began = performance.now();
process.stdout.write(
  `Node ${process.version}; CPU time (user and system) of a process each, ` +
    `median of ${PASSES} passes after the first\n`,
);
process.stdout.write(
  'on: redaction, templates, call ids, trace headers, fingerprints of heads; bodies only where it says so\n',
);
capture('http', HTTP_CAPTURE, program);
capture('redis', REDIS_CAPTURE, program);
capture('dns', DNS_CAPTURE, program);
resident();
process.stdout.write('\n');
for (const floor of floors) {
  add(
    floor.what,
    floor.value,
    floor.unit,
    `${floor.atMost === true ? 'at most' : 'at least'} ${floor.bar}: ` +
      (holds(floor) ? 'pass' : 'falls short'),
  );
  process.stdout.write(`${floorText(floor)}\n`);
}
write('bench', results);
process.stdout.write(
  `\n${((performance.now() - began) / 1000).toFixed(0)} s; bench/out/bench.json has all figures\n`,
);

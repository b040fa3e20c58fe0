/**
 * Other programs on the same capture: the reference in C, tshark, httpry, tcpflow, where they are
 * installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { median } from './measure.ts';
import { OUT, ROOT } from './places.ts';
import { findTool } from './processes.ts';

export interface Peer {
  readonly name: string;
  readonly cpuS: number;
  /** What it found, where it tells; else undefined. */
  readonly calls: number | undefined;
}

/** The fields that a person would ask for to see calls; by protocol. */
const TSHARK: Readonly<Record<string, { readonly filter: string; readonly fields: readonly string[] }>> = {
  http: {
    filter: 'http',
    fields: [
      'http.request.method',
      'http.request.uri',
      'http.host',
      'http.response.code',
      'http.request_in',
      'http.time',
    ],
  },
  redis: {
    filter: 'resp',
    fields: ['resp.array.length', 'resp.bulk_string.value', 'resp.string', 'resp.error'],
  },
  dns: { filter: 'dns', fields: ['dns.id', 'dns.qry.name', 'dns.qry.type', 'dns.flags.rcode', 'dns.time'] },
};
const TSHARK_FIELDS = ['frame.number', 'frame.time_epoch', 'ip.src', 'ip.dst', 'tcp.stream'];

/** Runs a program to its end; user and system time of it and its children. Output goes nowhere. */
export function cpuOf(command: readonly string[]): number {
  const done = spawnSync('/bin/sh', ['-c', '"$@" > /dev/null 2>&1; echo $?; times', 'sh', ...command], {
    encoding: 'utf8',
  });
  const lines = done.stdout.trim().split('\n');
  if (lines[0] !== '0') throw new Error(`${command.join(' ')} ended with ${lines[0]}`);
  const times = [...lines[2].matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** Builds bench/reference.c; undefined without a compiler. */
export function buildReference(): string | undefined {
  const compiler = findTool('gcc') ?? findTool('cc');
  if (compiler === undefined) return undefined;
  mkdirSync(OUT, { recursive: true });
  const program = `${OUT}reference`;
  const built = spawnSync(compiler, ['-O3', '-march=native', '-o', program, `${ROOT}bench/reference.c`], {
    stdio: 'inherit',
  });
  if (built.status !== 0) throw new Error('bench/reference.c does not build');
  return program;
}

export function reference(program: string, path: string, passes: number): Peer {
  const done = spawnSync(program, [path, String(passes + 1)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the reference ended with ${String(done.status)}: ${done.stderr}`);
  const lines = done.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { cpuS: number; calls: number });
  return {
    name: 'reference.c',
    cpuS: median(lines.slice(1).map((line) => line.cpuS)),
    calls: lines[0].calls,
  };
}

export function tshark(protocol: string, path: string): Peer | undefined {
  const program = findTool('tshark');
  if (program === undefined) return undefined;
  const { filter, fields } = TSHARK[protocol];
  const asked = [...TSHARK_FIELDS, ...fields].flatMap((field) => ['-e', field]);
  return {
    name: 'tshark',
    cpuS: cpuOf([program, '-n', '-r', path, '-Y', filter, '-T', 'fields', ...asked]),
    calls: undefined,
  };
}

export function httpry(path: string): Peer | undefined {
  const program = findTool('httpry');
  if (program === undefined) return undefined;
  return { name: 'httpry', cpuS: cpuOf([program, '-r', path, '-o', '/dev/null']), calls: undefined };
}

export function tcpflow(path: string): Peer | undefined {
  const program = findTool('tcpflow');
  if (program === undefined) return undefined;
  const place = mkdtempSync(`${tmpdir()}/eastwest-tcpflow-`);
  try {
    return { name: 'tcpflow', cpuS: cpuOf([program, '-r', path, '-o', place]), calls: undefined };
  } finally {
    rmSync(place, { recursive: true });
  }
}

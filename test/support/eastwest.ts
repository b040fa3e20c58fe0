/**
 * The command itself as a child, for tests of the whole: started as a user starts it, with a configuration
 * folder of its own, watched until its rings are open, asked to end as by Ctrl-C.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CallRow } from '../../src/record/row.ts';

const COMMAND = fileURLToPath(new URL('../../../bin/eastwest', import.meta.url));
/** Looks at a condition, 20 ms apart; a loaded machine takes its time. */
const LOOKS_MAX = 1500;
const LOOK_MS = 20;
const END_MS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** Goes before the command: `['ip', 'netns', 'exec', NAME]`, `['setpriv', …]`. */
  readonly prefix?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves once `isSo` answers true; throws with `what` when it never does. */
export async function waitFor(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    if (await isSo()) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

export class Eastwest {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #folder = mkdtempSync(join(tmpdir(), 'eastwest-live-'));
  readonly #ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(words: readonly string[], options: StartOptions = {}) {
    const [program, ...rest] = [...(options.prefix ?? []), process.execPath, COMMAND, ...words];
    const environment = {
      ...process.env,
      XDG_CONFIG_HOME: this.#folder,
      NO_COLOR: '1',
      ...options.environment,
    };
    this.child = spawn(program, rest, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = once(this.child, 'close').then(([code, signal]: unknown[]) => {
      rmSync(this.#folder, { recursive: true, force: true });
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.stdout,
        stderr: this.stderr,
      };
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('eastwest was not started');
    return this.child.pid;
  }

  /** All rings (one a worker and interface) are open and receive. */
  async listens(rings: number): Promise<void> {
    await waitFor(`${rings} rings; ${this.stderr}`, () => {
      if (this.child.exitCode !== null) throw new Error(`eastwest ended early: ${this.stderr}`);
      return runningSockets(this.pid) === rings;
    });
  }

  /** Rings that receive from the interface of that name now; it may be there again under another number. */
  rings(name: string): number {
    const index = interfaceIndex(this.pid, name);
    return index === undefined ? 0 : runningSockets(this.pid, index);
  }

  /** Resolves when the process has ended and its output was read; one that does not end is killed. */
  async ended(): Promise<Ended> {
    const patience = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    const how = await this.#ended;
    clearTimeout(patience);
    return how;
  }

  /** Ctrl-C, as the terminal sends it. */
  async interrupt(): Promise<Ended> {
    if (this.child.exitCode === null) this.child.kill('SIGINT');
    return this.ended();
  }
}

/** The objects of `-o json`. */
export function rowsOf(stdout: string): CallRow[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CallRow);
}

/** `340 calls, 12 operations, 3 services, 0 dropped` in what a command printed last. */
export function totalsOf(text: string): {
  calls: number;
  operations: number;
  services: number;
  dropped: number;
} {
  const found = [...text.matchAll(/^(\d+) calls, (\d+) operations, (\d+) services, (\d+) dropped$/gm)].at(-1);
  if (found === undefined) throw new Error(`no line of totals in: ${text}`);
  const [calls, operations, services, dropped] = found.slice(1).map(Number);
  return { calls, operations, services, dropped };
}

/** A line of the whole ledger (`--coverage`): how often and how many bytes, as printed. */
export function coverageOf(text: string, reason: string): string {
  const found = new RegExp(`^${reason} +(\\S+)`, 'm').exec(text);
  if (found === null) throw new Error(`no ${reason} in: ${text}`);
  return found[1];
}

/** The number of an interface in the network namespace of a process; undefined when it is not there. */
function interfaceIndex(pid: number, name: string): number | undefined {
  const said = spawnSync('nsenter', ['-t', String(pid), '-n', 'ip', '-o', 'link', 'show', 'dev', name]);
  return said.status === 0 ? Number.parseInt(said.stdout.toString(), 10) : undefined;
}

/**
 * Packet sockets of a process that are bound and receive (column R of /proc/PID/net/packet), of all
 * interfaces or one.
 */
function runningSockets(pid: number, index?: number): number {
  const own = new Set<string>();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      own.add(readlinkSync(`/proc/${pid}/fd/${name}`));
    }
  } catch {
    // A descriptor was closed meanwhile: the next look will tell.
    return -1;
  }
  let running = 0;
  for (const line of readFileSync(`/proc/${pid}/net/packet`, 'latin1').split('\n').slice(1)) {
    const cells = line.trim().split(/\s+/);
    if (cells.length >= 9 && cells[5] === '1' && own.has(`socket:[${cells[8]}]`)) {
      if (index === undefined || Number(cells[4]) === index) running++;
    }
  }
  return running;
}

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => {
      try {
        const stat = readFileSync(`/proc/${one}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

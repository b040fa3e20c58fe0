/**
 * Processes in /proc: which one holds a socket, and what it is. Needs CAP_SYS_PTRACE (or root) for processes
 * of other users; what is closed is counted and not asked for again soon. Reading is bounded by a number of
 * descriptors per scan, so that a host with many processes costs several scans instead of one long pause.
 */
import { closeSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { parseCgroup, type CgroupFacts } from './cgroup.ts';
import { processName } from './process-name.ts';

export interface ProcessInfo {
  readonly pid: number;
  /** The name that its service goes by, see process-name. */
  readonly name: string;
  readonly comm: string;
  /** Its arguments; they may hold secrets and are never shown or stored. */
  readonly command: readonly string[];
  readonly executable: string | undefined;
  readonly cgroup: CgroupFacts;
  /** Ticks since boot when it started: with the pid, unique on the host. */
  readonly started: number;
}

/** About 4 µs each: a scan takes at most about 0.1 s. */
const DESCRIPTORS_PER_SCAN = 24_000;
const PROCESSES_MAX = 32_768;
const INFOS_MAX = 4096;
/** Owners known to hold sockets are asked first: a server is often a client, too. */
const HOLDERS_MAX = 1024;
const CLOSED_MAX = 8192;
const COMMAND_BYTES = 4096;
const CGROUP_BYTES = 8192;
const STAT_BYTES = 1024;

export class Processes {
  readonly #root: string;
  readonly #infos = new Map<number, ProcessInfo>();
  readonly #holders = new Set<number>();
  /** Processes whose descriptors we may not see, until the next full round. */
  readonly #closed = new Set<number>();
  /** Where the last scan stopped: pids from here on come first. */
  #cursor = 0;
  /** Processes whose descriptors were closed to us in the last round. */
  get closed(): number {
    return this.#closed.size;
  }

  constructor(root = '/proc') {
    this.#root = root;
  }

  /** Pids, ascending; at most PROCESSES_MAX. */
  pids(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.#root);
    } catch {
      return [];
    }
    const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
    return pids.sort((a, b) => a - b).slice(0, PROCESSES_MAX);
  }

  /**
   * Looks for the holders of sockets, by inode; what it finds it takes out of `wanted` and adds to `owners`.
   * Answers whether every process was asked: what is still wanted then has no holder that we may see.
   */
  findOwners(wanted: Set<number>, owners: Map<number, number>): boolean {
    let budget = DESCRIPTORS_PER_SCAN;
    const asked = new Set<number>();
    for (const pid of this.#holders) {
      if (wanted.size === 0) return true;
      asked.add(pid);
      budget -= this.#scan(pid, wanted, owners);
      if (budget <= 0) return false;
    }
    // pid 1 last: it holds the sockets that it activates services by, as they do.
    const pids = this.pids().filter((pid) => pid !== 1);
    const first = pids.findIndex((pid) => pid >= this.#cursor);
    const order = first <= 0 ? [...pids, 1] : [...pids.slice(first), ...pids.slice(0, first), 1];
    for (const pid of order) {
      if (wanted.size === 0) return true;
      if (asked.has(pid) || this.#closed.has(pid)) continue;
      budget -= this.#scan(pid, wanted, owners);
      if (budget > 0) continue;
      this.#cursor = pid + 1;
      return false;
    }
    this.#cursor = 0;
    return true;
  }

  /** Processes that were closed to us may be asked again: rights and pids change. */
  forgetClosed(): void {
    this.#closed.clear();
  }

  /** What a process is; undefined when it is gone. */
  info(pid: number): ProcessInfo | undefined {
    const stat = this.#read(`${pid}/stat`, STAT_BYTES);
    const started = startTime(stat);
    if (stat === undefined || started === undefined) {
      this.#infos.delete(pid);
      return undefined;
    }
    const known = this.#infos.get(pid);
    const argumentsOf = this.#read(`${pid}/cmdline`, COMMAND_BYTES) ?? '';
    const command = argumentsOf.replace(/\0+$/, '').split('\0');
    // A process may become another program, or write another title.
    if (known?.started === started && known.command.join('\0') === command.join('\0')) return known;
    const executable = this.#link(`${pid}/exe`)?.replace(/ \(deleted\)$/, '');
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const info = {
      pid,
      name: processName({ arguments: command, comm, executable, folder: this.#link(`${pid}/cwd`) }),
      comm,
      command,
      executable,
      cgroup: parseCgroup(this.#read(`${pid}/cgroup`, CGROUP_BYTES) ?? ''),
      started,
    };
    if (this.#infos.size >= INFOS_MAX) this.#infos.clear();
    this.#infos.set(pid, info);
    return info;
  }

  /** The inode of a process's network namespace, or undefined. */
  networkNamespace(pid: number | 'self'): string | undefined {
    return this.#link(`${pid}/ns/net`);
  }

  /** A file under a process's /proc entry, at most `bytes` of it; undefined when it cannot be read. */
  text(pid: number | 'self', name: string, bytes: number): string | undefined {
    return this.#read(`${pid}/${name}`, bytes);
  }

  /** Asks one process; answers how many descriptors it has. */
  #scan(pid: number, wanted: Set<number>, owners: Map<number, number>): number {
    const folder = `${this.#root}/${pid}/fd`;
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if ((code === 'EACCES' || code === 'EPERM') && this.#closed.size < CLOSED_MAX) this.#closed.add(pid);
      this.#holders.delete(pid);
      return 1;
    }
    for (const name of names) {
      let target: string;
      try {
        target = readlinkSync(`${folder}/${name}`);
      } catch {
        continue; // Closed since.
      }
      if (!target.startsWith('socket:[')) continue;
      const inode = Number(target.slice(8, -1));
      if (!wanted.delete(inode)) continue;
      owners.set(inode, pid);
      if (this.#holders.size < HOLDERS_MAX) this.#holders.add(pid);
    }
    return names.length + 1;
  }

  #link(path: string): string | undefined {
    try {
      return readlinkSync(`${this.#root}/${path}`);
    } catch {
      return undefined;
    }
  }

  #read(path: string, bytes: number): string | undefined {
    return readBounded(`${this.#root}/${path}`, bytes);
  }
}

/** The first bytes of a file as text; /proc files say no size, and one of them may be large. */
export function readBounded(path: string, bytesMax: number): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const chunks: Buffer[] = [];
    let left = bytesMax;
    while (left > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 65_536));
      const read = readSync(descriptor, chunk, 0, chunk.length, null);
      if (read === 0) break;
      chunks.push(chunk.subarray(0, read));
      left -= read;
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Field 22 of /proc/PID/stat; the second one, the command, may hold anything, also parentheses. */
function startTime(stat: string | undefined): number | undefined {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const started = Number(fields?.[19]);
  return Number.isFinite(started) ? started : undefined;
}

/**
 * The network namespaces of this host that we can reach, with their addresses and sockets: ours by sock_diag,
 * others through /proc/PID/net of one process each. Everything is read when somebody asks for it, at most so
 * often as the constants say.
 */
import { networkInterfaces } from 'node:os';
import { isLoopback } from './address-range.ts';
import { localAddresses4, localAddresses6, readSockets } from './proc-net.ts';
import type { Processes } from './proc.ts';
import { SockDiag } from './sock-diag.ts';
import { SocketTable, TCP, UDP } from './socket-table.ts';

/** A port that was not known before may be looked up again after this long. */
const TABLE_MS = 1000;
/** A known port may have passed to another program. */
const TABLE_STALE_MS = 30_000;
/** New namespaces and addresses are looked for so often, when an address is met that is not known. */
const DISCOVER_MS = 5000;
const NAMESPACES_MAX = 256;
/** About 7,000 connections. */
const NET_FILE_BYTES = 1024 * 1024;
const TABLES = [
  { file: 'net/tcp', transport: TCP, family: 4 },
  { file: 'net/tcp6', transport: TCP, family: 6 },
  { file: 'net/udp', transport: UDP, family: 4 },
  { file: 'net/udp6', transport: UDP, family: 6 },
] as const;

/** A namespace: its sockets, as of the last refresh. */
export class NetworkSpace {
  /** A process in it, or `self`. */
  readonly pid: number | 'self';
  readonly #processes: Processes;
  readonly #diag: SockDiag | undefined;
  #table = new SocketTable();
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(processes: Processes, pid: number | 'self', diag: SockDiag | undefined) {
    this.#processes = processes;
    this.pid = pid;
    this.#diag = diag;
  }

  get table(): SocketTable {
    return this.#table;
  }

  /** Inode of the socket that takes what is sent to an address, or 0. */
  server(transport: number, address: string, port: number, nowMs: number): number {
    if (nowMs - this.#readMs >= TABLE_STALE_MS) this.#refresh(nowMs);
    const inode = this.#table.bound(transport, address, port);
    if (inode !== 0 || !this.#refresh(nowMs)) return inode;
    return this.#table.bound(transport, address, port);
  }

  /**
   * Inode of the socket that sent from an address and port to another; 0: gone by now; undefined: it was too
   * soon to look, ask again.
   */
  client(
    transport: number,
    local: string,
    localPort: number,
    remote: string,
    remotePort: number,
    nowMs: number,
  ): number | undefined {
    if (transport === TCP && this.#diag !== undefined) {
      return this.#diag.findConnection(local, localPort, remote, remotePort);
    }
    // What connects now is not in a table of before.
    const isFresh = this.#refresh(nowMs) || nowMs === this.#readMs;
    const inode =
      transport === TCP
        ? this.#table.connected(local, localPort, remote, remotePort)
        : this.#table.bound(UDP, local, localPort, true);
    return inode === 0 && !isFresh ? undefined : inode;
  }

  #refresh(nowMs: number): boolean {
    if (nowMs - this.#readMs < TABLE_MS) return false;
    this.#readMs = nowMs;
    const table = new SocketTable();
    if (this.#diag?.readBound(table) !== true) this.#readText(table);
    this.#table = table;
    return true;
  }

  #readText(table: SocketTable): void {
    for (const { file, transport, family } of TABLES) {
      const text = this.#processes.text(this.pid, file, NET_FILE_BYTES);
      if (text !== undefined) readSockets(text, table, transport, family);
    }
  }
}

export class Namespaces {
  readonly own: NetworkSpace;
  readonly #processes: Processes;
  #ownAddresses = new Set<string>();
  /** By inode of the namespace. */
  #others = new Map<string, NetworkSpace>();
  #otherAddresses = new Map<string, NetworkSpace>();
  #discoveredMs = Number.NEGATIVE_INFINITY;
  /** Namespaces beyond NAMESPACES_MAX at the last look. */
  refused = 0;

  /** Without sock_diag /proc/self/net is read. */
  constructor(processes: Processes, withSockDiag = true) {
    this.#processes = processes;
    this.own = new NetworkSpace(processes, 'self', withSockDiag ? SockDiag.open() : undefined);
  }

  /** The namespace that an address belongs to, or undefined: it is on another host, or closed to us. */
  spaceOf(address: string, nowMs: number): NetworkSpace | undefined {
    const known = this.#known(address);
    if (known !== undefined || nowMs - this.#discoveredMs < DISCOVER_MS) return known;
    this.discover(nowMs);
    return this.#known(address);
  }

  localAddresses(): ReadonlySet<string> {
    return this.#ownAddresses;
  }

  /** How many namespaces besides ours were found. */
  get others(): number {
    return this.#others.size;
  }

  #known(address: string): NetworkSpace | undefined {
    if (isLoopback(address) || this.#ownAddresses.has(address)) return this.own;
    return this.#otherAddresses.get(address);
  }

  /** Looks for addresses and namespaces anew. */
  discover(nowMs: number): void {
    this.#discoveredMs = nowMs;
    this.#ownAddresses = ownAddresses();
    const own = this.#processes.networkNamespace('self');
    const found = new Map<string, NetworkSpace>();
    this.refused = 0;
    for (const pid of this.#processes.pids()) {
      const inode = this.#processes.networkNamespace(pid);
      if (inode === undefined || inode === own || found.has(inode)) continue;
      if (found.size >= NAMESPACES_MAX) {
        this.refused++;
        continue;
      }
      const known = this.#others.get(inode);
      found.set(inode, known?.pid === pid ? known : new NetworkSpace(this.#processes, pid, undefined));
    }
    this.#others = found;
    this.#otherAddresses = new Map();
    for (const space of found.values()) {
      for (const address of this.#addressesOf(space.pid)) {
        // Two namespaces may use one address; the first found has it. Loopback is in all and means ours.
        if (!isLoopback(address) && !this.#otherAddresses.has(address))
          this.#otherAddresses.set(address, space);
      }
    }
  }

  #addressesOf(pid: number | 'self'): string[] {
    const trie = this.#processes.text(pid, 'net/fib_trie', NET_FILE_BYTES) ?? '';
    const inet6 = this.#processes.text(pid, 'net/if_inet6', NET_FILE_BYTES) ?? '';
    return [...localAddresses4(trie), ...localAddresses6(inet6)];
  }
}

function ownAddresses(): Set<string> {
  const found = new Set<string>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) found.add(address.replace(/%.*$/, ''));
  }
  return found;
}

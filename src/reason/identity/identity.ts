/**
 * Who is behind the ends of new connections on this host: socket → process → container, unit or process,
 * as an endpoint id that the worker gives the connection's later calls. Listeners are known exactly; a client
 * is
 * known when its socket is still there when its connection is told to us, and is counted as unknown else.
 */
import { addressText } from '../../record/address.ts';
import {
  LOG_CLIENT,
  LOG_NUMBER,
  LOG_OPENED,
  LOG_PORTS,
  LOG_ROW,
  LOG_SERVER,
  LOG_SERVER_ENDPOINT,
  LOG_TRANSPORT,
  LOG_VERSION,
  LOG_WORDS,
} from '../../record/connection-log.ts';
import { decimal } from '../../record/decimal.ts';
import {
  CONTAINER_PLACES,
  containerName,
  type ContainerName,
  type ContainerPlaces,
} from './container-name.ts';
import { hostIdentity, ownerId, type EndpointId, type OwnerKind } from './endpoint-id.ts';
import type { EndpointNames } from './endpoint-names.ts';
import { Namespaces, type NetworkSpace } from './namespaces.ts';
import { Processes, type ProcessInfo } from './proc.ts';

/** Connections looked at in one call: about 20 µs each. The others are counted as unknown. */
const CONNECTIONS_PER_CALL = 4096;
/** Connections whose process was not found at once wait for the next scans. */
const WAITING_MAX = 4096;
const WAIT_MS = 3000;
/** Scans of all processes' descriptors take up to 0.1 s: they are made as often as costs a twentieth. */
const SCAN_MIN_MS = 200;
const SCAN_SHARE = 20;
/** Processes closed to us are tried again after this long. */
const CLOSED_MS = 60_000;
/** Sockets whose holder is known; the oldest go. */
const OWNERS_MAX = 65_536;
const ENDPOINTS_MAX = 4096;
/** Units that start whatever they are told: what runs in them says nothing about what it is. */
const COARSE_UNIT = /^(?:supervisord?|cron|crond|atd|sshd?|runit|runsvdir|s6|pm2-.+|session-.+)\.service$/;

/** Words of an assignment, as the worker takes them: row, number, side (1 server, 0 client), low, high. */
export const ASSIGNMENT_WORDS = 5;

export interface IdentityOptions {
  /** The key that all sensors share. */
  readonly key: Uint8Array;
  /** What tells this host from others. */
  readonly host?: string;
  readonly names: EndpointNames;
  readonly processes?: Processes;
  readonly namespaces?: Namespaces;
  readonly places?: ContainerPlaces;
}

/** An end of a connection that is on this host and has no owner yet. */
interface End {
  readonly connection: Connection;
  readonly isServer: boolean;
  inode: number;
  /** When it was first looked for. */
  readonly sinceMs: number;
}

interface Connection {
  readonly row: number;
  readonly number: number;
  readonly seconds: number;
  readonly transport: number;
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  /** The id that the worker made of the server's address and port. */
  readonly serverId: string;
  /** It was counted as unknown: it is, once. */
  isUnknown: boolean;
}

interface Owner {
  readonly endpoint: EndpointId;
  readonly names: readonly { name: string; evidence: OwnerKind; detail: string }[];
}

export class Identity {
  readonly #key: Uint8Array;
  readonly #host: string;
  readonly #names: EndpointNames;
  readonly #processes: Processes;
  readonly #namespaces: Namespaces;
  readonly #places: ContainerPlaces;
  /** Socket inode → pid. An inode is never used for another socket while the first is there. */
  readonly #owners = new Map<number, number>();
  readonly #endpoints = new Map<string, Owner>();
  readonly #containers = new Map<string, ContainerName | undefined>();
  /** By worker. */
  readonly #waiting = new Map<number, End[]>();
  #scannedMs = Number.NEGATIVE_INFINITY;
  #scanMs = SCAN_MIN_MS;
  #closedMs = Number.NEGATIVE_INFINITY;
  /** Connections of this host with an end whose process could not be told: `process-unknown`. */
  unknown = 0;

  constructor(options: IdentityOptions) {
    this.#key = options.key;
    this.#host = options.host ?? hostIdentity();
    this.#names = options.names;
    this.#processes = options.processes ?? new Processes();
    this.#namespaces = options.namespaces ?? new Namespaces(this.#processes);
    this.#places = options.places ?? CONTAINER_PLACES;
  }

  /** Addresses of this host, as of the last look. */
  localAddresses(): ReadonlySet<string> {
    return this.#namespaces.localAddresses();
  }

  /** Reads listeners once before the first packets, so that the first calls have names. */
  start(nowMs = performance.now()): void {
    this.#namespaces.discover(nowMs);
    this.#namespaces.own.server(6, '127.0.0.1', 0, nowMs);
    const wanted = new Set<number>();
    for (const socket of this.#namespaces.own.table.listeners()) wanted.add(socket.inode);
    this.#scan(wanted, nowMs);
  }

  /**
   * A worker's new connections (an empty log lets those that wait be asked for again; call it every second).
   * Names go to EndpointNames, which must have read the same log before. Answers what to tell that worker,
   * ASSIGNMENT_WORDS for each end that became known.
   */
  connections(log: Int32Array, worker = 0, nowMs = performance.now()): Int32Array<ArrayBuffer> {
    const waited = this.#waiting.get(worker) ?? [];
    // Nothing more is known of those that wait until the next scan.
    const isDue = nowMs - this.#scannedMs >= this.#scanMs;
    if (!isDue && log.length === 0) return new Int32Array(0);
    const ends = isDue ? waited : [];
    const waiting = isDue ? [] : waited;
    this.#waiting.delete(worker);
    const bytes = new Uint8Array(log.buffer, log.byteOffset, log.byteLength);
    for (let at = 0, count = 0; at + LOG_WORDS <= log.length; at += LOG_WORDS) {
      const connection = connectionAt(log, bytes, at);
      this.#addEnds(connection, ends, ++count > CONNECTIONS_PER_CALL, nowMs);
    }
    const open = ends.filter((end) => this.#findSocket(end, nowMs));
    const isComplete = this.#findProcesses(open, nowMs);
    const assignments: number[] = [];
    const infos = new Map<number, ProcessInfo | undefined>();
    for (const end of open) {
      const pid = this.#owners.get(end.inode);
      const info = pid === undefined ? undefined : this.#infoOf(pid, infos);
      if (info !== undefined) this.#assign(end, info, assignments);
      else if (isComplete && end.inode !== 0 && pid === undefined) this.#count(end.connection);
      else if (nowMs - end.sinceMs >= WAIT_MS || waiting.length >= WAITING_MAX) this.#count(end.connection);
      else waiting.push(end);
      if (pid !== undefined && info === undefined) this.#owners.delete(end.inode);
    }
    if (waiting.length > 0) this.#waiting.set(worker, waiting);
    return Int32Array.from(assignments);
  }

  /** A process is looked at once in a call: few processes have most connections. */
  #infoOf(pid: number, infos: Map<number, ProcessInfo | undefined>): ProcessInfo | undefined {
    if (infos.has(pid)) return infos.get(pid);
    const info = this.#processes.info(pid);
    infos.set(pid, info);
    return info;
  }

  /** Notes the ends that are on this host. */
  #addEnds(to: Connection, ends: End[], isTooMany: boolean, nowMs: number): void {
    for (const isServer of [true, false]) {
      if (this.#spaceOf(to, isServer, nowMs) === undefined) continue;
      if (isTooMany) this.#count(to);
      else ends.push({ connection: to, isServer, inode: 0, sinceMs: nowMs });
    }
  }

  #count(connection: Connection): void {
    if (!connection.isUnknown) this.unknown++;
    connection.isUnknown = true;
  }

  #spaceOf(connection: Connection, isServer: boolean, nowMs: number): NetworkSpace | undefined {
    return this.#namespaces.spaceOf(isServer ? connection.server : connection.client, nowMs);
  }

  /** Finds an end's socket; false when it will never be found. */
  #findSocket(end: End, nowMs: number): boolean {
    if (end.inode !== 0) return true;
    const { transport, client, clientPort, server, serverPort } = end.connection;
    const space = this.#spaceOf(end.connection, end.isServer, nowMs);
    if (space !== undefined) {
      const inode = end.isServer
        ? space.server(transport, server, serverPort, nowMs)
        : space.client(transport, client, clientPort, server, serverPort, nowMs);
      end.inode = inode ?? 0;
      // A listener may be there at the next look.
      if (end.isServer || inode !== 0) return true;
    }
    this.#count(end.connection);
    return false;
  }

  /** Finds the holders of sockets that are not known; answers whether every process was asked. */
  #findProcesses(ends: readonly End[], nowMs: number): boolean {
    const wanted = new Set<number>();
    for (const { inode } of ends) if (inode !== 0 && !this.#owners.has(inode)) wanted.add(inode);
    return wanted.size === 0 || this.#scan(wanted, nowMs);
  }

  #scan(wanted: Set<number>, nowMs: number): boolean {
    if (nowMs - this.#scannedMs < this.#scanMs) return false;
    this.#scannedMs = nowMs;
    if (nowMs - this.#closedMs >= CLOSED_MS) {
      this.#closedMs = nowMs;
      this.#processes.forgetClosed();
    }
    while (this.#owners.size > OWNERS_MAX) {
      for (const oldest of this.#owners.keys()) {
        this.#owners.delete(oldest);
        if (this.#owners.size <= OWNERS_MAX / 2) break;
      }
    }
    const began = performance.now();
    const isComplete = this.#processes.findOwners(wanted, this.#owners);
    this.#scanMs = Math.max(SCAN_MIN_MS, SCAN_SHARE * (performance.now() - began));
    return isComplete;
  }

  #assign(end: End, info: ProcessInfo, to: number[]): void {
    const { connection, isServer } = end;
    const owner = this.#ownerOf(info);
    const { id, low, high } = owner.endpoint;
    for (const { name, evidence, detail } of owner.names) {
      this.#names.owner(id, name, evidence, connection.seconds, detail);
      // Rows written before, and by workers that were not told yet, carry the id of the address.
      if (isServer) this.#names.owner(connection.serverId, name, evidence, connection.seconds, detail);
    }
    // A program may serve several services of the configuration, by port: its rows keep the address then.
    if (isServer && !this.#names.place(id, connection.server, connection.serverPort, connection.seconds))
      return;
    to.push(connection.row, connection.number, isServer ? 1 : 0, low, high);
  }

  #ownerOf(info: ProcessInfo): Owner {
    const { containerId, unit, user } = info.cgroup;
    const isUnit = unit !== undefined && !COARSE_UNIT.test(unit);
    const kind = containerId !== undefined ? 'container' : isUnit ? 'unit' : 'process';
    const unitName = user === undefined ? (unit ?? '') : `${user}/${unit}`;
    const what = kind === 'container' ? (containerId ?? '') : kind === 'unit' ? unitName : info.name;
    const key = `${kind} ${what} ${info.name}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) return known;
    const names: { name: string; evidence: OwnerKind; detail: string }[] = [];
    const container = this.#containerOf(info);
    if (container !== undefined) names.push({ ...container, evidence: 'container' });
    else if (isUnit)
      names.push({ name: unit.replace(/\.service$/, ''), evidence: 'unit', detail: info.cgroup.path });
    names.push({ name: info.name, evidence: 'process', detail: detailOf(info) });
    const owner = { endpoint: ownerId(this.#key, this.#host, kind, what), names };
    if (this.#endpoints.size >= ENDPOINTS_MAX) this.#endpoints.clear();
    this.#endpoints.set(key, owner);
    return owner;
  }

  #containerOf(info: ProcessInfo): ContainerName | undefined {
    const { containerId } = info.cgroup;
    if (containerId === undefined) return undefined;
    if (this.#containers.has(containerId)) return this.#containers.get(containerId);
    if (this.#containers.size >= ENDPOINTS_MAX) this.#containers.clear();
    const name = containerName(info, this.#places);
    this.#containers.set(containerId, name);
    return name;
  }
}

/** Without the arguments, which may hold passwords. */
function detailOf(info: ProcessInfo): string {
  const { containerId, runtime } = info.cgroup;
  const container =
    containerId === undefined ? '' : `, ${runtime ?? 'container'} ${containerId.slice(0, 12)}`;
  return `pid ${info.pid}, ${info.executable ?? info.comm}${container}`;
}

function connectionAt(log: Int32Array, bytes: Uint8Array, at: number): Connection {
  const length = log[at + LOG_VERSION] === 4 ? 4 : 16;
  return {
    row: log[at + LOG_ROW],
    number: log[at + LOG_NUMBER],
    seconds: log[at + LOG_OPENED] >>> 0,
    transport: log[at + LOG_TRANSPORT],
    client: addressText(bytes, (at + LOG_CLIENT) * 4, length),
    clientPort: log[at + LOG_PORTS] & 0xffff,
    server: addressText(bytes, (at + LOG_SERVER) * 4, length),
    serverPort: log[at + LOG_PORTS] >>> 16,
    serverId: decimal(log[at + LOG_SERVER_ENDPOINT], log[at + LOG_SERVER_ENDPOINT + 1]),
    isUnknown: false,
  };
}

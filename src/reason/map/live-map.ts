/**
 * Services and edges from the workers' aggregates: since the start, and in the last seconds. Kept by endpoint
 * id and named when somebody looks, so that a name learnt later names what came before. Everything is
 * bounded; what is over a limit is added up as `other`, so the sums stay right.
 */
import {
  AGGREGATE_COUNTS,
  AGGREGATE_KEY_WORDS,
  COUNT_CALLS,
  KEY_OPERATION,
  KEY_PROTOCOL,
  type AggregateRows,
} from '../../record/aggregate.ts';
import { decimal } from '../../record/decimal.ts';
import { Tally } from './tally.ts';

/** Of endpoint ids and protocol, about 1.5 kB each; past it the clients of a server are one. */
const EDGES_MAX = 4096;
/** Edges from `other`, one for each server and protocol; past it there is one for all. */
const OTHER_EDGES_MAX = 1024;
/** Pairs of server and operation. A worker's own limit is for each server. */
const OPERATIONS_MAX = 65_536;
/** Seconds that a window can look back. */
const WINDOW_MAX_SECONDS = 60;
/** Tallies of seconds, about 700 bytes each; past it the oldest seconds go, the window is told shorter. */
const SECOND_TALLIES_MAX = 32_768;
/** What `rate` covers where the window is everything since the start: calls a second, lately. */
const LATELY_SECONDS = 10;
/** Endpoint id 0 stands for none. */
const OTHER = '0';
const OTHER_NAME = 'other';

/** Seconds back from the newest aggregate, or everything since the start. */
export type MapWindow = 10 | 60 | 'start';

/** What the map needs of EndpointNames. */
export interface NamesOfEndpoints {
  best(id: string): { readonly name: string };
}

export interface MapFigures {
  readonly calls: number;
  /** Calls a second in the window; where that is `start`, in the last 10 s. */
  readonly rate: number;
  readonly errors: number;
  /** 0 to 1, of the calls whose end is known. */
  readonly errorShare: number;
  readonly p50Ns: number | undefined;
  readonly p99Ns: number | undefined;
}

/** Calls that a service answered. */
export interface MapService extends MapFigures {
  readonly name: string;
}

export interface MapEdge extends MapFigures {
  readonly client: string;
  readonly server: string;
  readonly protocol: string;
}

export interface MapTotals {
  readonly calls: number;
  readonly errors: number;
  readonly clientErrors: number;
  readonly unknown: number;
  /** Distinct pairs of serving name and operation, since the start. */
  readonly operations: number;
  /** Distinct names that answered calls, since the start: who only asks is a client, not a service. */
  readonly services: number;
}

export interface MapSnapshot {
  /** Seconds that the window really covers. */
  readonly seconds: number;
  /** Most calls first. */
  readonly services: readonly MapService[];
  readonly edges: readonly MapEdge[];
  readonly totals: MapTotals;
}

interface Edge {
  readonly client: string;
  readonly server: string;
  readonly protocol: string;
  readonly total: Tally;
}

export class LiveMap {
  readonly #edges = new Map<string, Edge>();
  #otherEdges = 0;
  readonly #operations = new Map<string, Set<string>>();
  #operationCount = 0;
  /** Second → its tallies; the newest WINDOW_MAX_SECONDS. */
  readonly #seconds = new Map<number, Map<Edge, Tally>>();
  #secondTallies = 0;
  #first = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  /** Nothing before is in `#seconds` any more, other than by its age. */
  #trimmedTo = Number.NEGATIVE_INFINITY;
  readonly #all = new Tally();

  /** Calls that are shown under `other`. */
  otherCalls = 0;
  /** Rows whose operation was not counted among `operations` for the limit. */
  operationsRefused = 0;

  /** Adds what a worker told of a second; `texts` are that worker's, by string id. */
  add(rows: AggregateRows, texts: readonly string[], seconds: number): void {
    this.#first = Math.min(this.#first, seconds);
    this.#newest = Math.max(this.#newest, seconds);
    this.#forgetOld();
    const second = this.#second(seconds);
    for (let row = 0; row < rows.rows; row++) {
      const at = row * AGGREGATE_KEY_WORDS;
      const client = decimal(rows.keys[at], rows.keys[at + 1]);
      const server = decimal(rows.keys[at + 2], rows.keys[at + 3]);
      this.#addOperation(server, texts[rows.keys[at + KEY_OPERATION]] ?? '');
      const edge = this.#edge(client, server, texts[rows.keys[at + KEY_PROTOCOL]] ?? '');
      if (edge.client === OTHER && client !== OTHER)
        this.otherCalls += rows.counts[row * AGGREGATE_COUNTS + COUNT_CALLS];
      edge.total.addRow(rows, row);
      this.#all.addRow(rows, row);
      if (second !== undefined) this.#tally(second, edge).addRow(rows, row);
    }
    this.#forgetMany();
  }

  snapshot(names: NamesOfEndpoints, window: MapWindow = 'start'): MapSnapshot {
    const services = new Map<string, Shown>();
    const edges = new Map<string, Shown & { client: string; server: string; protocol: string }>();
    const all = new Tally();
    const visit = (edge: Edge, tally: Tally, isRate: boolean): void => {
      const client = nameOf(names, edge.client);
      const server = nameOf(names, edge.server);
      const { protocol } = edge;
      const key = JSON.stringify([client, server, protocol]);
      const shownEdge = getOr(edges, key, () => ({
        client,
        server,
        protocol,
        tally: new Tally(),
        lately: 0,
      }));
      const shownService = getOr(services, server, () => ({ tally: new Tally(), lately: 0 }));
      if (isRate) {
        shownEdge.lately += tally.calls;
        shownService.lately += tally.calls;
        return;
      }
      shownEdge.tally.add(tally);
      shownService.tally.add(tally);
      all.add(tally);
    };
    const rateSeconds = window === 'start' ? LATELY_SECONDS : window;
    if (window === 'start') for (const edge of this.#edges.values()) visit(edge, edge.total, false);
    else this.#visitSeconds(window, (edge, tally) => visit(edge, tally, false));
    this.#visitSeconds(rateSeconds, (edge, tally) => visit(edge, tally, true));
    const covered = this.#covered(rateSeconds);
    return {
      seconds: window === 'start' ? this.#covered(Number.POSITIVE_INFINITY) : covered,
      services: [...services].map(([name, one]) => ({ name, ...figures(one, covered) })).sort(busiestFirst),
      edges: [...edges.values()]
        .map((one) => ({
          client: one.client,
          server: one.server,
          protocol: one.protocol,
          ...figures(one, covered),
        }))
        .sort(busiestFirst),
      totals: this.#totalsOf(all, names),
    };
  }

  /** Since the start. */
  totals(names: NamesOfEndpoints): MapTotals {
    return this.#totalsOf(this.#all, names);
  }

  #totalsOf(tally: Tally, names: NamesOfEndpoints): MapTotals {
    const { calls, errors, clientErrors, unknown } = tally;
    const services = new Set<string>();
    for (const { server } of this.#edges.values()) services.add(nameOf(names, server));
    // Endpoints of one name (instances, an address before its process was found) share operations.
    const byName = new Map<string, ReadonlySet<string>[]>();
    for (const [server, operations] of this.#operations) {
      getOr(byName, nameOf(names, server), () => []).push(operations);
    }
    let operations = 0;
    for (const sets of byName.values()) operations += sets.length === 1 ? sets[0].size : union(sets);
    return { calls, errors, clientErrors, unknown, operations, services: services.size };
  }

  #edge(client: string, server: string, protocol: string): Edge {
    const key = `${client} ${server} ${protocol}`;
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    if (this.#edges.size - this.#otherEdges >= EDGES_MAX) return this.#otherEdge(server, protocol);
    const made = { client, server, protocol, total: new Tally() };
    this.#edges.set(key, made);
    return made;
  }

  /** All clients of a server as one; past that limit, all of all. */
  #otherEdge(server: string, protocol: string): Edge {
    const known = this.#edges.get(`${OTHER} ${server} ${protocol}`);
    if (known !== undefined) return known;
    const isLast = this.#otherEdges >= OTHER_EDGES_MAX;
    const to = isLast ? OTHER : server;
    const by = isLast ? OTHER_NAME : protocol;
    return getOr(this.#edges, `${OTHER} ${to} ${by}`, () => {
      this.#otherEdges++;
      return { client: OTHER, server: to, protocol: by, total: new Tally() };
    });
  }

  #addOperation(server: string, operation: string): void {
    const known = this.#operations.get(server);
    if (known?.has(operation) === true) return;
    if (this.#operationCount >= OPERATIONS_MAX) {
      this.operationsRefused++;
      return;
    }
    this.#operationCount++;
    getOr(this.#operations, server, () => new Set<string>()).add(operation);
  }

  /** Undefined: that second is older than any window. */
  #second(seconds: number): Map<Edge, Tally> | undefined {
    if (seconds <= this.#newest - WINDOW_MAX_SECONDS || seconds < this.#trimmedTo) return undefined;
    return getOr(this.#seconds, seconds, () => new Map<Edge, Tally>());
  }

  #tally(second: Map<Edge, Tally>, edge: Edge): Tally {
    const known = second.get(edge);
    if (known !== undefined) return known;
    this.#secondTallies++;
    const made = new Tally();
    second.set(edge, made);
    return made;
  }

  #forgetOld(): void {
    for (const seconds of this.#seconds.keys()) {
      if (seconds <= this.#newest - WINDOW_MAX_SECONDS) this.#forget(seconds);
    }
  }

  #forgetMany(): void {
    while (this.#secondTallies > SECOND_TALLIES_MAX && this.#seconds.size > 1) {
      const oldest = Math.min(...this.#seconds.keys());
      this.#forget(oldest);
      this.#trimmedTo = Math.max(this.#trimmedTo, oldest + 1);
    }
  }

  #forget(seconds: number): void {
    this.#secondTallies -= this.#seconds.get(seconds)?.size ?? 0;
    this.#seconds.delete(seconds);
  }

  #visitSeconds(window: number, visit: (edge: Edge, tally: Tally) => void): void {
    for (const [seconds, tallies] of this.#seconds) {
      if (seconds <= this.#newest - window) continue;
      for (const [edge, tally] of tallies) visit(edge, tally);
    }
  }

  /** Seconds of a window that lie since the start (and, for one that is bounded, are still there). */
  #covered(window: number): number {
    if (this.#newest < this.#first) return 0;
    const from = Number.isFinite(window) ? Math.max(this.#first, this.#trimmedTo) : this.#first;
    return Math.max(1, Math.min(window, this.#newest - from + 1));
  }
}

interface Shown {
  readonly tally: Tally;
  /** Calls in the window of `rate`. */
  lately: number;
}

function figures({ tally, lately }: Shown, seconds: number): MapFigures {
  return {
    calls: tally.calls,
    rate: seconds > 0 ? lately / seconds : 0,
    errors: tally.errors,
    errorShare: tally.errorShare,
    p50Ns: tally.quantile(0.5),
    p99Ns: tally.quantile(0.99),
  };
}

function nameOf(names: NamesOfEndpoints, id: string): string {
  return id === OTHER ? OTHER_NAME : names.best(id).name;
}

/** Calls, then names, so that equal ones stay put. */
function busiestFirst(a: MapService | MapEdge, b: MapService | MapEdge): number {
  return b.calls - a.calls || (labelOf(a) < labelOf(b) ? -1 : 1);
}

function labelOf(one: MapService | MapEdge): string {
  return 'name' in one ? one.name : `${one.client} ${one.server} ${one.protocol}`;
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function union(sets: readonly ReadonlySet<string>[]): number {
  const all = new Set<string>();
  for (const set of sets) for (const one of set) all.add(one);
  return all.size;
}

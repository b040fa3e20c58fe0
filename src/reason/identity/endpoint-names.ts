/**
 * Who an endpoint id was: names with their evidence, from the configuration, processes, DNS answers, Host
 * headers and name blocks. Ids are decimal text, as in JSON. Rows carry ids and names are resolved when they
 * are read, so what is learnt later names earlier rows. Order of evidence: docs/formats/services.md.
 */
import { addressText } from '../../record/address.ts';
import {
  LOG_CLIENT,
  LOG_CLIENT_ENDPOINT,
  LOG_OPENED,
  LOG_PORTS,
  LOG_SERVER,
  LOG_SERVER_ENDPOINT,
  LOG_VERSION,
  LOG_WORDS,
} from '../../record/connection-log.ts';
import { decimal } from '../../record/decimal.ts';
import { ServiceRules, isLoopback, parseAddress, type ServiceRule } from './address-range.ts';
import { NameList, byPrecedence, type EndpointName, type Evidence } from './name-list.ts';

/**
 * Each, about 500 bytes an endpoint. Servers and what processes own last: past the limit new ones are not
 * kept. Clients known by their address only pass: those first seen are forgotten.
 */
const PASSING_MAX = 32_768;
const PASSING_FORGOTTEN = 1024;
const LASTING_MAX = 32_768;
/** Addresses with names: whoever answers DNS queries could fill more. */
const ADDRESSES_MAX = 32_768;
/** Addresses and ports that one endpoint was seen at. */
const PLACES_MAX = 16;
const SERVERS_AT_ADDRESS_MAX = 64;
/** Addresses looked at to make room for one. */
const SECOND_CHANCES = 8;

interface Place {
  readonly address: string;
  /** Undefined: seen as a client there. */
  readonly port: number | undefined;
}

interface Endpoint {
  readonly places: Place[];
  readonly names: NameList;
  /** The best name for now, and the state of knowledge that it was found in. */
  best: EndpointName | undefined;
  bestVersion: number;
}

interface KnownAddress {
  readonly names: NameList;
  /** Ids of what serves there. */
  readonly servers: Set<string>;
}

const UNKNOWN: EndpointName = {
  name: 'unknown',
  evidence: 'address',
  from: 0,
  to: 0,
  detail: 'not known any more',
};

export class EndpointNames {
  readonly #rules: ServiceRules;
  readonly #passing = new Map<string, Endpoint>();
  readonly #lasting = new Map<string, Endpoint>();
  readonly #addresses = new Map<string, KnownAddress>();
  /** Endpoints and addresses that a limit did not let in, or pushed out. */
  refused = 0;
  /** Grows with whatever may change a name. */
  version = 1;

  constructor(services: readonly ServiceRule[] = []) {
    this.#rules = new ServiceRules(services);
  }

  /** Learns where the endpoints of new connections are: a worker's connection log. */
  connections(log: Int32Array): void {
    const bytes = new Uint8Array(log.buffer, log.byteOffset, log.byteLength);
    for (let at = 0; at + LOG_WORDS <= log.length; at += LOG_WORDS) {
      const client = decimal(log[at + LOG_CLIENT_ENDPOINT], log[at + LOG_CLIENT_ENDPOINT + 1]);
      const server = decimal(log[at + LOG_SERVER_ENDPOINT], log[at + LOG_SERVER_ENDPOINT + 1]);
      const length = log[at + LOG_VERSION] === 4 ? 4 : 16;
      const seconds = log[at + LOG_OPENED] >>> 0;
      // An id of the log is made of its address and port: a known one need not be read again.
      if (!this.#passing.has(client) && !this.#lasting.has(client)) {
        this.place(client, addressText(bytes, (at + LOG_CLIENT) * 4, length), undefined, seconds);
      }
      // A Host header may have named it before.
      if ((this.#lasting.get(server)?.places.length ?? 0) === 0) {
        this.place(
          server,
          addressText(bytes, (at + LOG_SERVER) * 4, length),
          log[at + LOG_PORTS] >>> 16,
          seconds,
        );
      }
    }
  }

  /**
   * An endpoint was seen at an address: as a server on `port`, or as a client. False, and nothing noted, when
   * the configuration gives that place another name than one where it was seen before: the endpoint is two
   * services then, which only their addresses tell apart.
   */
  place(id: string, address: string, port: number | undefined, seconds: number): boolean {
    const known = this.#lasting.get(id) ?? this.#passing.get(id);
    if (known?.places.some((one) => one.address === address && one.port === port) === true) return true;
    if (known !== undefined && this.#isAnotherService(known, address, port)) return false;
    const endpoint = this.#endpoint(id, port !== undefined);
    if (endpoint === undefined) return true;
    if (endpoint.places.length >= PLACES_MAX) endpoint.places.shift();
    endpoint.places.push({ address, port });
    endpoint.names.add(placeText(address, port), 'address', seconds, 'seen on the wire');
    if (port !== undefined) {
      const servers = this.#address(address)?.servers;
      if (servers !== undefined && servers.size < SERVERS_AT_ADDRESS_MAX) servers.add(id);
    }
    this.version++;
    return true;
  }

  /** A name that the host gave: container, unit or process behind a socket. */
  owner(
    id: string,
    name: string,
    evidence: 'container' | 'unit' | 'process',
    seconds: number,
    detail: string,
  ): void {
    const endpoint = this.#endpoint(id, true);
    if (endpoint?.names.add(name, evidence, seconds, detail) === true) this.version++;
  }

  /** A request named its server. Addresses and `localhost` name nobody. */
  host(serverId: string, host: string, seconds: number): void {
    const name = hostName(host);
    if (name === undefined) return;
    const endpoint = this.#endpoint(serverId, true);
    if (endpoint?.names.add(name, 'host', seconds, 'named by its clients (Host, SNI)') === true)
      this.version++;
  }

  /** A DNS answer: many names may stand for one address. */
  dns(name: string, address: string, seconds: number): void {
    this.#nameAddress(name, address, 'dns', seconds, `DNS answer for ${address}`);
  }

  /** A name block of a pcapng file. */
  nameBlock(address: string, name: string, seconds = 0): void {
    this.#nameAddress(name, address, 'name-block', seconds, `name block of the capture for ${address}`);
  }

  /** The best name: for now, or for a row of the time `at` (seconds since 1970). */
  best(id: string, at?: number): EndpointName {
    const endpoint = this.#lasting.get(id) ?? this.#passing.get(id);
    if (endpoint === undefined) return UNKNOWN;
    if (at !== undefined) return this.#bestOf(endpoint, at);
    if (endpoint.best === undefined || endpoint.bestVersion !== this.version) {
      endpoint.best = this.#bestOf(endpoint, undefined);
      endpoint.bestVersion = this.version;
    }
    return endpoint.best;
  }

  /** All names, best first; what the table `endpoints` keeps. */
  all(id: string, at?: number): readonly EndpointName[] {
    const endpoint = this.#lasting.get(id) ?? this.#passing.get(id);
    return endpoint === undefined ? [] : this.#namesOf(endpoint).sort(byPrecedence(at)).map(plain);
  }

  /** Every id that is kept. */
  *ids(): Iterable<string> {
    yield* this.#lasting.keys();
    yield* this.#passing.keys();
  }

  /** The ids that go by a name now: a filter by service is one by these. */
  idsNamed(name: string): string[] {
    const found: string[] = [];
    for (const id of this.ids()) if (this.best(id).name === name) found.push(id);
    return found;
  }

  #isAnotherService(endpoint: Endpoint, address: string, port: number | undefined): boolean {
    const name = this.#rules.find(address, port)?.name;
    if (name === undefined) return false;
    return endpoint.places.some((one) => (this.#rules.find(one.address, one.port)?.name ?? name) !== name);
  }

  #bestOf(endpoint: Endpoint, at: number | undefined): EndpointName {
    const best = this.#namesOf(endpoint).sort(byPrecedence(at))[0];
    if (best === undefined) return UNKNOWN;
    return (best.evidence === 'address' ? this.#onlyServiceAt(endpoint) : undefined) ?? plain(best);
  }

  #namesOf(endpoint: Endpoint): (EndpointName & { readonly count?: number })[] {
    const names: (EndpointName & { readonly count?: number })[] = [...endpoint.names.names()];
    for (const { address, port } of endpoint.places) {
      const rule = this.#rules.find(address, port);
      if (rule !== undefined) {
        const where = rule.port === undefined ? rule.address : placeText(rule.address, rule.port);
        names.push({ name: rule.name, evidence: 'config', from: 0, to: 0, detail: `services: ${where}` });
      }
      // Everything on a host shares its loopback addresses: a name of one of them names nobody.
      if (!isLoopback(address)) names.push(...(this.#addresses.get(address)?.names.names() ?? []));
    }
    return names;
  }

  /** A client without a name, at an address where exactly one named service is: it is taken for that one. */
  #onlyServiceAt(endpoint: Endpoint): EndpointName | undefined {
    const place = endpoint.places[0];
    if (endpoint.places.length !== 1 || place.port !== undefined || isLoopback(place.address))
      return undefined;
    let only: EndpointName | undefined;
    for (const id of this.#addresses.get(place.address)?.servers ?? []) {
      const server = this.#lasting.get(id);
      const name = server === undefined ? undefined : this.#namesOf(server).sort(byPrecedence(undefined))[0];
      if (name === undefined || name.evidence === 'address') return undefined;
      if (only !== undefined && only.name !== name.name) return undefined;
      only = name;
    }
    if (only === undefined) return undefined;
    const { name, from, to } = only;
    return { name, evidence: 'address', from, to, detail: `the only service seen at ${place.address}` };
  }

  #nameAddress(name: string, address: string, evidence: Evidence, seconds: number, detail: string): void {
    const clean = hostName(name);
    if (clean === undefined || isLoopback(address)) return;
    if (this.#address(address)?.names.add(clean, evidence, seconds, detail) === true) this.version++;
  }

  #endpoint(id: string, lasts: boolean): Endpoint | undefined {
    const server = this.#lasting.get(id);
    if (server !== undefined) return server;
    const client = this.#passing.get(id);
    if (client !== undefined && !lasts) return client;
    if (lasts && this.#lasting.size >= LASTING_MAX) {
      this.refused++;
      return undefined;
    }
    const made = client ?? { places: [], names: new NameList(), best: undefined, bestVersion: 0 };
    if (lasts) {
      // Seen as a client before: one endpoint, which lasts from now on.
      this.#passing.delete(id);
      this.#lasting.set(id, made);
      return made;
    }
    if (this.#passing.size >= PASSING_MAX) this.#forgetPassing();
    this.#passing.set(id, made);
    return made;
  }

  /** Many at once: the first key of a Map is slow to find among deleted ones. */
  #forgetPassing(): void {
    for (const oldest of this.#passing.keys()) {
      this.#passing.delete(oldest);
      this.refused++;
      if (this.#passing.size <= PASSING_MAX - PASSING_FORGOTTEN) return;
    }
  }

  #address(address: string): KnownAddress | undefined {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    if (this.#addresses.size >= ADDRESSES_MAX && !this.#forgetAddress()) {
      this.refused++;
      return undefined;
    }
    const made = { names: new NameList(), servers: new Set<string>() };
    this.#addresses.set(address, made);
    return made;
  }

  /** Makes room by an old address where nothing serves; those where something does go to the end. */
  #forgetAddress(): boolean {
    let tries = 0;
    for (const [address, known] of this.#addresses) {
      this.#addresses.delete(address);
      if (known.servers.size === 0) {
        this.refused++;
        return true;
      }
      this.#addresses.set(address, known);
      if (++tries >= SECOND_CHANCES) return false;
    }
    return false;
  }
}

function plain({ name, evidence, from, to, detail }: EndpointName): EndpointName {
  return { name, evidence, from, to, detail };
}

function placeText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A host as a name: without port and final dot, in lower case; undefined for what names nobody. */
function hostName(text: string): string | undefined {
  const host = (text.startsWith('[') ? text : text.replace(/:\d{0,5}$/, '')).replace(/\.$/, '').toLowerCase();
  if (host === '' || host === 'localhost' || host.startsWith('[')) return undefined;
  return parseAddress(host) === undefined && parseAddress(text) === undefined ? host : undefined;
}

/**
 * Who is in the shop and where: the one list of services, their languages, and the address that each of
 * them listens on and is reached at. By default all live on 127.0.0.1 at fixed distances from a base port.
 * A topology file or SHOP_* variables move any of them elsewhere, for instance into a network namespace:
 *
 *   { "orders": { "bind": "10.9.0.7:8080", "url": "10.9.1.7:80", "prefix": "ip netns exec orders" } }
 *   SHOP_BIND_ORDERS=10.9.0.7:8080  SHOP_URL_ORDERS=10.9.1.7:80  SHOP_PREFIX_ORDERS="ip netns exec orders"
 *
 * `bind` is where it listens, `url` is what callers connect to (they differ behind NAT), `prefix` goes
 * before the command that starts it. `load` stands for the visitors: only its prefix counts.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * Name → language when its run-time is there, place behind the base port, protocol spoken, what it serves.
 * PostgreSQL would join here as { language: 'postgres', offset: 14, protocol: 'postgres' } below `orders`,
 * a gRPC service as { language: 'go', offset: 15, protocol: 'grpc' } below `pricing`; both ports stay free.
 */
export const SERVICES = {
  edge: { language: 'nginx', offset: 0, protocol: 'http', applications: ['shop', 'office'] },
  storefront: { language: 'node', offset: 1, protocol: 'http', applications: ['shop'] },
  office: { language: 'node', offset: 2, protocol: 'http', applications: ['office'] },
  catalogue: { language: 'python', offset: 3, protocol: 'http', applications: ['shop', 'office'] },
  users: { language: 'node', offset: 4, protocol: 'http', applications: ['shop', 'office'] },
  carts: { language: 'go', offset: 5, protocol: 'http', applications: ['shop'] },
  orders: { language: 'go', offset: 6, protocol: 'http', applications: ['shop', 'office'] },
  inventory: { language: 'go', offset: 7, protocol: 'http', applications: ['shop', 'office'] },
  payments: { language: 'node', offset: 8, protocol: 'http', applications: ['shop', 'office'] },
  risk: { language: 'python', offset: 9, protocol: 'http', applications: ['shop'] },
  pricing: { language: 'node', offset: 10, protocol: 'http', applications: ['shop', 'office'] },
  reports: { language: 'python', offset: 11, protocol: 'http', applications: ['office'] },
  redis: { language: 'redis', offset: 12, protocol: 'redis', applications: ['shop', 'office'] },
  dns: { language: 'node', offset: 13, protocol: 'dns', applications: ['shop', 'office'] },
};

/** Ports from the base on that belong to the shop, two of them kept for what joins later. */
export const PORTS = 16;

/** The users are a process too: they have a command prefix, and a name in the truth, but no address. */
export const LOAD = 'load';

function splitAddress(text, what) {
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (at <= 0 || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`${what} must be HOST:PORT, not "${text}"`);
  }
  return { host: text.slice(0, at), port };
}

function prefixOf(value, what) {
  if (value === undefined) return [];
  if (typeof value === 'string') return value.split(/\s+/).filter((word) => word !== '');
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value;
  throw new Error(`${what} must be a list of words`);
}

function readMoves(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the topology ${file} cannot be read (${error.code})`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the topology ${file} is no JSON: ${error.message}`, { cause: error });
  }
}

/** The whole topology: a base port, what a file or an object says, then what the environment says. */
export function topology(basePort, given = {}, environment = process.env) {
  const moves = typeof given === 'string' ? readMoves(given) : given;
  for (const name of Object.keys(moves)) {
    if (SERVICES[name] === undefined && name !== LOAD) {
      const known = Object.keys(SERVICES).join(', ');
      throw new Error(`topology names "${name}", which is no service of the shop: ${known}`);
    }
  }
  const places = {};
  for (const name of [...Object.keys(SERVICES), LOAD]) {
    const upper = name.toUpperCase();
    const move = moves[name] ?? {};
    const prefix = prefixOf(environment[`SHOP_PREFIX_${upper}`] ?? move.prefix, `prefix of ${name}`);
    const port = basePort + (SERVICES[name]?.offset ?? 0);
    const bindText = environment[`SHOP_BIND_${upper}`] ?? move.bind ?? `127.0.0.1:${port}`;
    const bind = splitAddress(bindText, `bind of ${name}`);
    const url = splitAddress(environment[`SHOP_URL_${upper}`] ?? move.url ?? bindText, `url of ${name}`);
    places[name] = { bindHost: bind.host, bindPort: bind.port, host: url.host, port: url.port, prefix };
  }
  return places;
}

function portIsFree(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function datagramPortIsFree(host, port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}

/** The first base port from `from` on whose whole range is free on loopback; looks at 200 ranges. */
export async function freeBasePort(from = 18_000) {
  for (let base = from, tries = 0; tries < 200 && base + PORTS < 32_000; base += PORTS, tries++) {
    if ((await takenService(topology(base, {}, {}))) === undefined) return base;
  }
  throw new Error(`no ${PORTS} free ports in a row between ${from} and 32000: end what uses them`);
}

/** The first service whose port is taken, or undefined. Those behind a prefix are not ours to try. */
export async function takenService(places) {
  for (const name of Object.keys(SERVICES)) {
    const place = places[name];
    if (place.prefix.length > 0) continue;
    const isFree = SERVICES[name].protocol === 'dns' ? datagramPortIsFree : portIsFree;
    if (!(await isFree(place.bindHost, place.bindPort))) return name;
  }
  return undefined;
}

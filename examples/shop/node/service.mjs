/**
 * What every Node service of the shop stands on: routes, calls to others, and the truth about both.
 *
 * A service is started as `node NAME.mjs NAME CONFIG` and talks with its launcher over its own pipes:
 * it writes `ready` when it listens; on `drain` it ends its jobs and writes `idle N` once nothing is in
 * flight (N: requests served so far); when its standard input ends, it ends too. So nothing is left behind
 * however the launcher ends, and no probe for readiness is ever on the wire.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { hash32, randomFrom } from '../random.mjs';
import { newAgent, sendHttp } from './http-client.mjs';
import { newRedis } from './redis-client.mjs';
import { newResolver } from './resolver.mjs';
import { nowMicros, openTruth, socketName } from './truth-log.mjs';

const RETRY_WAIT_MS = 15;
const BODY_BYTES_MAX = 1 << 20;

export function readConfig() {
  const [name, file] = process.argv.slice(2);
  return { name, ...JSON.parse(readFileSync(file, 'utf8')) };
}

/** Follows the launcher's orders. `busy` tells what is in flight, `served` how much was done. */
export function obeyLauncher({ truth, busy, served, onDrain, onEnd }) {
  const end = () => {
    onEnd?.();
    truth.flush();
    process.exit(0);
  };
  const orders = createInterface({ input: process.stdin });
  orders.on('line', async (line) => {
    if (line !== 'drain') return;
    onDrain?.();
    while (busy() > 0) await sleep(5);
    truth.flush();
    process.stdout.write(`idle ${served()}\n`);
  });
  orders.once('close', end);
  process.on('SIGTERM', end);
  process.on('SIGINT', () => {});
  process.stdout.on('error', end);
}

/** What a handler answers when it wants another status than 200. */
export function answer(status, value, headers = {}) {
  return { status, value, headers, isAnswer: true };
}

function compile(routes) {
  return Object.entries(routes).map(([pattern, handler]) => {
    const [method, path] = pattern.split(' ');
    return { method, segments: path.split('/'), handler };
  });
}

function findRoute(routes, method, path) {
  const segments = path.split('/');
  for (const route of routes) {
    if (route.method !== method || route.segments.length !== segments.length) continue;
    const fits = route.segments.every((part, at) => part[0] === ':' || part === segments[at]);
    if (!fits) continue;
    const values = {};
    route.segments.forEach((part, at) => {
      if (part[0] === ':') values[part.slice(1)] = segments[at];
    });
    return { handler: route.handler, values };
  }
  return undefined;
}

async function readBody(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > BODY_BYTES_MAX) throw new Error('body too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What a handler may do, each bound to the incoming call that causes it:
 * `http(to, method, path, value)`, `redis(…words)`, `pipeline(commands)`, `address(name)`, `work(ms)`.
 */
function newContext(shared, cause) {
  const { config, truth, agent, redis, lookUp, random } = shared;
  const http = async (to, method, path, value, options = {}) => {
    const place = config.places[to];
    const tries = 1 + (options.retries ?? 0);
    for (let attempt = 1; ; attempt++) {
      const got = await sendHttp(agent, truth, {
        service: config.name,
        to,
        host: options.host ?? place.host,
        port: place.port,
        method,
        path,
        headers:
          value === undefined ? { accept: 'application/json' } : { 'content-type': 'application/json' },
        body: value === undefined ? undefined : JSON.stringify(value),
        cause,
        attempt,
      });
      const failed = got.status === 0 || got.status >= 500;
      if (!failed || attempt >= tries) return { status: got.status, value: parseJson(got.body) };
      await sleep(RETRY_WAIT_MS);
    }
  };
  return {
    http,
    redis: (...words) => redis(cause, words),
    pipeline: (commands) => redis(cause, ...commands),
    address: (name) => lookUp(name, cause),
    random,
    /** Takes about `ms` milliseconds, as a disk or a database would. */
    work: (ms) => sleep(ms * (0.6 + 0.8 * random())),
  };
}

function write(response, answered) {
  const wrapped = answered?.isAnswer === true ? answered : answer(200, answered);
  const isText = typeof wrapped.value === 'string';
  const body = Buffer.from(isText ? wrapped.value : JSON.stringify(wrapped.value ?? {}));
  response.writeHead(wrapped.status, {
    'content-type': isText ? 'text/html; charset=utf-8' : 'application/json',
    'content-length': body.length,
    ...wrapped.headers,
  });
  response.end(body);
  return wrapped.status;
}

/** Names an incoming call by its connection's ends and its ordinal there: what its children call `cause`. */
export function incomingOf(socket, ordinals) {
  const n = (ordinals.get(socket) ?? 0) + 1;
  ordinals.set(socket, n);
  const local = socketName(socket.localAddress, socket.localPort);
  return { local, peer: socketName(socket.remoteAddress, socket.remotePort), n };
}

/** Starts a service with `routes` ('GET /stock/:id' → async (call) => value | answer(…)) and `jobs`. */
export function startService(routes, jobs = []) {
  const config = readConfig();
  const { name, places } = config;
  const truth = openTruth(config.truthFolder, name);
  const random = randomFrom(config.seed ^ hash32(name));
  const agent = newAgent();
  const shared = { config, truth, agent, random };
  shared.redis = newRedis(truth, name, places.redis.host, places.redis.port);
  shared.lookUp = newResolver(truth, name, places.dns, random);
  const compiled = compile(routes);
  const ordinals = new WeakMap();
  let busy = 0;
  let served = 0;

  const serve = async (request, response) => {
    const start = nowMicros();
    const cause = incomingOf(request.socket, ordinals);
    busy++;
    let status = 500;
    try {
      const url = new URL(request.url, 'http://shop');
      const route = findRoute(compiled, request.method, url.pathname);
      const text = await readBody(request);
      const call = newContext(shared, cause);
      call.query = url.searchParams;
      call.headers = request.headers;
      call.values = route?.values ?? {};
      call.text = text;
      call.body = text === '' ? undefined : parseJson(text);
      call.config = config;
      const result = route === undefined ? answer(404, { error: 'no such page' }) : await route.handler(call);
      status = write(response, result);
    } catch (error) {
      status = write(response, answer(500, { error: String(error.message) }));
    }
    busy--;
    served++;
    const { method, url: path } = request;
    truth.write({
      t: 'in',
      service: name,
      protocol: 'http',
      ...cause,
      method,
      path,
      status,
      start,
      end: nowMicros(),
    });
  };

  const server = createServer({ keepAlive: true, noDelay: true }, serve);
  // The side that calls decides when a kept connection ends: closing it here would race with a request.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.listen(places[name].bindPort, places[name].bindHost, () => process.stdout.write('ready\n'));

  const timers = jobs.map(({ everyMs, job }) => {
    return setInterval(async () => {
      busy++;
      await job(newContext(shared, { job: job.name })).catch(() => {});
      busy--;
    }, everyMs);
  });
  const onDrain = () => timers.forEach((timer) => clearInterval(timer));
  obeyLauncher({ truth, busy: () => busy, served: () => served, onDrain });
}

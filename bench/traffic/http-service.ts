/**
 * One small service of the HTTP capture: JSON over HTTP/1.1 keep-alive, heads of 500 to 600 bytes, bodies of
 * 300 bytes to 2 kB, a fifth of them chunked. The gateway asks two or three others for each request.
 * Arguments: role, seed. Runs until it is ended.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Random } from '../../test/support/random.ts';
import { hex, randomOf, uuid } from './random.ts';
import { SERVICE_ADDRESSES, SERVICE_PORT } from './shop-places.ts';

const BODIES = 512;
const WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel', 'india', 'juliet'];

const role = process.argv[2];
const random = randomOf(Number(process.argv[3]), Object.keys(SERVICE_ADDRESSES).indexOf(role) + 1000);
const bodies = Array.from({ length: BODIES }, () => Buffer.from(body(random)));
const token = `Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.${hex(random, 128)}.${hex(random, 43)}`;
const agent = new Agent({ keepAlive: true, maxSockets: 96, maxFreeSockets: 96, scheduling: 'fifo' });

function body(from: Random): string {
  const bytes = 300 + from.below(1700);
  const items: unknown[] = [];
  for (let length = 100; length < bytes; length += 72) {
    const name = `${from.pick(WORDS)} ${from.pick(WORDS)}`;
    items.push({ sku: hex(from, 8), name, price: from.below(50_000) / 100, count: from.below(9) });
  }
  return JSON.stringify({ id: hex(from, 12), service: role, at: 1_700_000_000 + from.below(1e6), items });
}

/** Asks another service; `done` runs once its answer has been read, or has failed. */
function ask(to: string, method: string, path: string, trace: string, id: string, done: () => void): void {
  const sent = method === 'GET' ? undefined : random.pick(bodies);
  const headers: Record<string, string | number> = {
    host: `${to}.prod.svc.cluster.local`,
    accept: 'application/json',
    'accept-encoding': 'gzip, deflate, br',
    'user-agent': `${role}/2.4.1 node/20.20.2 (linux; x64) internal-http-client/7.1`,
    'x-request-id': id,
    traceparent: `00-${trace}-${hex(random, 16)}-01`,
    authorization: token,
    'x-tenant': `acme-${random.below(40)}`,
  };
  if (sent !== undefined) {
    headers['content-type'] = 'application/json; charset=utf-8';
    headers['content-length'] = sent.length;
  }
  const asked = request(
    { host: SERVICE_ADDRESSES[to], port: SERVICE_PORT, method, path, agent, headers, setHost: false },
    (answer) => {
      answer.resume();
      answer.on('end', done);
    },
  );
  asked.on('error', done);
  asked.end(sent);
}

/** What the gateway asks for: service, method, path. */
function plan(url: string): [string, string, string][] {
  if (url.startsWith('/api/v1/products')) {
    return [
      ['catalog', 'GET', `/catalog/items/${random.below(50_000)}?lang=en&currency=USD`],
      ['recommendations', 'GET', `/recommendations/similar/${random.below(50_000)}`],
      ['users', 'GET', `/users/${random.below(200_000)}/preferences`],
    ];
  }
  if (url.startsWith('/api/v1/cart')) {
    return [
      ['users', 'GET', `/users/${random.below(200_000)}`],
      ['cart', 'POST', `/carts/${uuid(random)}/lines`],
      ['catalog', 'GET', `/catalog/items/${random.below(50_000)}/stock`],
    ];
  }
  if (url.startsWith('/api/v1/checkout')) {
    return [
      ['cart', 'GET', `/carts/${uuid(random)}`],
      ['orders', 'POST', '/orders'],
      ['users', 'PUT', `/users/${random.below(200_000)}/last-order`],
    ];
  }
  return [
    ['recommendations', 'GET', `/recommendations/home?user=${random.below(200_000)}&n=20`],
    ['catalog', 'GET', '/catalog/featured'],
  ];
}

function answer(asked: IncomingMessage, response: ServerResponse): void {
  const dice = random.below(1000);
  const usual = asked.method === 'POST' ? 201 : 200;
  const status = dice < 965 ? usual : dice < 975 ? 304 : dice < 990 ? 404 : dice < 997 ? 500 : 204;
  const headers: Record<string, string | number> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store, max-age=0',
    server: `${role}/2.4.1`,
    'x-request-id': String(asked.headers['x-request-id'] ?? '-'),
    'x-served-by': `${role}-7d9f8b6c5-${10_000 + random.below(6)}`,
    vary: 'Accept-Encoding, Origin',
    'x-ratelimit-limit': '10000',
    'x-ratelimit-remaining': String(random.below(10_000)),
    etag: `W/"${hex(random, 27)}"`,
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
  };
  const bytes = random.pick(bodies);
  if (status === 304 || status === 204) response.writeHead(status, headers).end();
  else if (random.oneIn(5)) {
    response.writeHead(status, headers);
    response.write(bytes.subarray(0, bytes.length >> 1));
    response.end(bytes.subarray(bytes.length >> 1));
  } else response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
}

createServer({ keepAliveTimeout: 600_000 }, (asked, response) => {
  asked.resume();
  asked.on('end', () => {
    if (role !== 'gateway') {
      answer(asked, response);
      return;
    }
    const trace = hex(random, 32);
    const id = String(asked.headers['x-request-id'] ?? hex(random, 32));
    const asks = plan(asked.url ?? '/');
    let left = asks.length;
    for (const [to, method, path] of asks) {
      ask(to, method, path, trace, id, () => {
        if (--left === 0) answer(asked, response);
      });
    }
  });
}).listen(SERVICE_PORT, SERVICE_ADDRESSES[role], 1024, () => process.stdout.write('ready\n'));

/** Stands in for nginx where it is missing: passes every request on to one of the two fronts. */
import { createServer } from 'node:http';
import { newAgent, sendHttp } from '../http-client.mjs';
import { incomingOf, obeyLauncher, readConfig } from '../service.mjs';
import { nowMicros, openTruth } from '../truth-log.mjs';

const config = readConfig();
const truth = openTruth(config.truthFolder, config.name);
const agent = newAgent();
const ordinals = new WeakMap();
let busy = 0;
let served = 0;

/** These speak of one connection only, RFC 9110 section 7.6.1. */
function withoutHopHeaders(headers) {
  const kept = { ...headers };
  delete kept.connection;
  delete kept['keep-alive'];
  return kept;
}

async function pass(request, response) {
  const { method, url } = request;
  const start = nowMicros();
  const cause = incomingOf(request.socket, ordinals);
  busy++;
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = parts.length === 0 ? undefined : Buffer.concat(parts);
  const to = url.startsWith('/office/') ? 'office' : 'storefront';
  const { host, port } = config.places[to];
  const headers = withoutHopHeaders(request.headers);
  const asked = { service: config.name, to, host, port, method, path: url, headers, body, cause };
  const got = await sendHttp(agent, truth, asked);
  const status = got.status === 0 ? 502 : got.status;
  const answered = withoutHopHeaders(got.headers);
  response.writeHead(status, { ...answered, 'content-length': Buffer.byteLength(got.body) });
  response.end(got.body);
  busy--;
  served++;
  truth.write({
    t: 'in',
    service: config.name,
    protocol: 'http',
    ...cause,
    method,
    path: url,
    status,
    start,
    end: nowMicros(),
  });
}

const server = createServer({ keepAlive: true, noDelay: true }, pass);
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.headersTimeout = 0;
const { bindHost, bindPort } = config.places[config.name];
server.listen(bindPort, bindHost, () => process.stdout.write('ready\n'));
obeyLauncher({ truth, busy: () => busy, served: () => served });

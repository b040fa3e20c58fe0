/**
 * HTTP calls that know which connection they took: the local port and the ordinal on it go to the truth.
 * Connections are kept and reused, as a service mesh-less application does.
 */
import { Agent, request } from 'node:http';
import { nowMicros, socketName } from './truth-log.mjs';

const ordinals = new WeakMap();

export function newAgent(socketsMax = 64) {
  return new Agent({ keepAlive: true, maxSockets: socketsMax, scheduling: 'lifo' });
}

/**
 * One request and its answer: { status, headers, body }. Status 0 means that no answer came.
 * `asked`: { service, to, host, port, method, path, headers, body, cause, attempt, timeoutMs }.
 */
export function sendHttp(agent, truth, asked) {
  return new Promise((resolve) => {
    const body = asked.body === undefined ? undefined : Buffer.from(asked.body);
    const headers = { ...asked.headers };
    if (body !== undefined) headers['content-length'] = body.length;
    const start = nowMicros();
    let local;
    let peer;
    let ordinal = 0;
    let done = false;
    const finish = (status, answer, bytes, error) => {
      if (done) return;
      done = true;
      if (local !== undefined) {
        truth.write({
          t: 'out',
          service: asked.service,
          protocol: 'http',
          to: asked.to,
          local,
          peer,
          n: ordinal,
          method: asked.method,
          path: asked.path,
          status,
          attempt: asked.attempt ?? 1,
          cause: asked.cause,
          start,
          end: nowMicros(),
          ...(error === undefined ? {} : { error }),
        });
      }
      resolve({ status, headers: answer?.headers ?? {}, body: bytes ?? '' });
    };
    const { host, port, method, path } = asked;
    const sent = request({ host, port, method, path, headers, agent });
    sent.once('socket', (socket) => {
      const note = () => {
        ordinal = (ordinals.get(socket) ?? 0) + 1;
        ordinals.set(socket, ordinal);
        local = socketName(socket.localAddress, socket.localPort);
        peer = socketName(socket.remoteAddress, socket.remotePort);
      };
      if (socket.connecting) socket.once('connect', note);
      else note();
    });
    sent.once('response', (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.once('end', () => finish(answer.statusCode, answer, Buffer.concat(parts).toString()));
      answer.once('error', (error) => finish(0, undefined, undefined, error.code));
    });
    sent.once('error', (error) => finish(0, undefined, undefined, error.code ?? 'error'));
    sent.setTimeout(asked.timeoutMs ?? 10_000, () => sent.destroy(new Error('timeout')));
    sent.end(body);
  });
}

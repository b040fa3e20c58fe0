/**
 * A resolver as the C library's: for each name a new socket, A and AAAA on it at once, the search
 * domain first. Answers are kept as long as they say, so that look-ups come back every second or so.
 */
import { createSocket } from 'node:dgram';
import { decodeAnswer, encodeQuery, TYPE_A, TYPE_AAAA } from './dns-wire.mjs';
import { nowMicros, socketName } from './truth-log.mjs';

const KEEP_MS = 1_000;
const TIMEOUT_MS = 1_000;
const TRIES = 3;
const NAME_ERROR = 3;

function writeTruth(truth, service, asked) {
  const { type, local, peer, n, name, cause, status, attempt, start } = asked;
  truth.write({
    t: 'out',
    service,
    protocol: 'dns',
    to: 'dns',
    local,
    peer,
    n,
    method: type === TYPE_A ? 'A' : 'AAAA',
    path: name,
    status,
    attempt,
    cause,
    start,
    end: nowMicros(),
  });
}

export function newResolver(truth, service, server, random) {
  const kept = new Map();

  const ask = (name, cause) =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4');
      const open = new Map();
      let code = 0;
      let address;
      let ordinal = 0;
      let tries = 0;
      let timer;
      const send = () => {
        if (++tries > TRIES) {
          socket.close();
          reject(new Error(`no answer for ${name}`));
          return;
        }
        for (const type of [TYPE_A, TYPE_AAAA]) {
          const id = Math.floor(random() * 65_536);
          open.set(id, { type, n: ++ordinal, start: nowMicros(), attempt: tries });
          socket.send(encodeQuery(id, name, type));
        }
        timer = setTimeout(send, TIMEOUT_MS);
      };
      socket.on('message', (packet) => {
        const answer = decodeAnswer(packet);
        const asked = open.get(answer.id);
        if (asked === undefined) return;
        open.delete(answer.id);
        const { address: host, port } = socket.address();
        const ends = { local: socketName(host, port), peer: socketName(server.host, server.port) };
        writeTruth(truth, service, { ...asked, ...ends, name, cause, status: answer.code });
        if (asked.type === TYPE_A) {
          code = answer.code;
          address = answer.address;
        }
        if (open.size > 0) return;
        clearTimeout(timer);
        socket.close();
        resolve({ code, address });
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        socket.close();
        reject(error);
      });
      socket.connect(server.port, server.host, send);
    });

  /** The address of `name` inside `shop.internal`. */
  return async function lookUp(name, cause) {
    const known = kept.get(name);
    if (known !== undefined && known.until > performance.now()) return known.address;
    let found = await ask(`${name}.${service}.shop.internal`, cause);
    if (found.code === NAME_ERROR) found = await ask(`${name}.shop.internal`, cause);
    kept.set(name, { address: found.address, until: performance.now() + KEEP_MS });
    return found.address;
  };
}

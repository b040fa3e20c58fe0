/**
 * A Redis client of one connection: commands are pipelined, answers come back in order.
 * RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { connect } from 'node:net';
import { nowMicros, socketName } from './truth-log.mjs';

function encode(words) {
  let text = `*${words.length}\r\n`;
  for (const word of words) {
    const value = String(word);
    text += `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  }
  return text;
}

/** One value at `at`: [value, next position], or undefined when bytes are missing. */
export function decodeResp(bytes, at) {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  const kind = String.fromCharCode(bytes[at]);
  if (kind === '+') return [line, next];
  if (kind === '-') return [new Error(line), next];
  if (kind === ':') return [Number(line), next];
  const length = Number(line);
  if (length < 0) return [undefined, next];
  if (kind === '$') {
    if (bytes.length < next + length + 2) return undefined;
    return [bytes.toString('utf8', next, next + length), next + length + 2];
  }
  const values = [];
  let position = next;
  for (let left = length; left > 0; left--) {
    const element = decodeResp(bytes, position);
    if (element === undefined) return undefined;
    values.push(element[0]);
    position = element[1];
  }
  return [values, position];
}

function writeTruth(truth, service, { words, cause, start, n, local, peer }, isFine) {
  truth.write({
    t: 'out',
    service,
    protocol: 'redis',
    to: 'redis',
    local,
    peer,
    n,
    method: words[0],
    path: String(words[1] ?? ''),
    status: isFine ? 200 : 500,
    attempt: 1,
    cause,
    start,
    end: nowMicros(),
  });
}

export function newRedis(truth, service, host, port) {
  let socket;
  let ordinal = 0;
  let waiting = [];
  let unread = Buffer.alloc(0);

  const answer = (entry, value, error) => {
    writeTruth(truth, service, entry, error === undefined && !(value instanceof Error));
    if (error !== undefined) entry.reject(error);
    else if (value instanceof Error) entry.reject(value);
    else entry.resolve(value);
  };
  const onData = (part) => {
    unread = unread.length === 0 ? part : Buffer.concat([unread, part]);
    let at = 0;
    while (at < unread.length) {
      const decoded = decodeResp(unread, at);
      if (decoded === undefined) break;
      at = decoded[1];
      answer(waiting.shift(), decoded[0]);
    }
    unread = unread.subarray(at);
  };
  const open = () =>
    new Promise((resolve, reject) => {
      const opened = connect({ host, port, noDelay: true });
      opened.once('connect', () => {
        opened.removeAllListeners('error');
        opened.on('error', () => {});
        opened.on('data', onData);
        opened.once('close', () => {
          socket = undefined;
          const left = waiting;
          waiting = [];
          unread = Buffer.alloc(0);
          for (const entry of left) answer(entry, undefined, new Error('redis closed the connection'));
        });
        ordinal = 0;
        resolve(opened);
      });
      opened.once('error', (error) => {
        socket = undefined;
        reject(error);
      });
    });

  /** Sends several commands in one write; resolves with the last answer. */
  return async function redis(cause, ...commands) {
    socket ??= open();
    const live = await socket;
    const local = socketName(live.localAddress, live.localPort);
    const peer = socketName(live.remoteAddress, live.remotePort);
    const answers = commands.map(
      (words) =>
        new Promise((resolve, reject) => {
          ordinal++;
          waiting.push({ words, cause, start: nowMicros(), n: ordinal, local, peer, resolve, reject });
        }),
    );
    live.write(commands.map(encode).join(''));
    const values = await Promise.all(answers);
    return values[values.length - 1];
  };
}

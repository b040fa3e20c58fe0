/**
 * Stands in for redis-server where it is missing: the few commands that the shop uses, in memory, in
 * RESP2. A cache that forgets by time, hashes, lists, MULTI and EXEC.
 */
import { createServer } from 'node:net';
import { obeyLauncher, readConfig } from '../service.mjs';
import { decodeResp } from '../redis-client.mjs';
import { openTruth } from '../truth-log.mjs';

const config = readConfig();
const place = config.places[config.name];
const truth = openTruth(config.truthFolder, config.name);
const store = new Map();
let served = 0;

function find(key) {
  const entry = store.get(key);
  if (entry === undefined) return undefined;
  if (entry.until <= performance.now()) {
    store.delete(key);
    return undefined;
  }
  return entry;
}

function put(key, value) {
  const entry = { value, until: Infinity };
  store.set(key, entry);
  return entry;
}

function hashAt(key) {
  return (find(key) ?? put(key, new Map())).value;
}

function add(key, amount) {
  const entry = find(key) ?? put(key, '0');
  entry.value = String(Number(entry.value) + amount);
  return Number(entry.value);
}

function stop(text, length) {
  const at = Number(text);
  return at < 0 ? length + at : at;
}

const OK = { simple: 'OK' };

const commands = {
  PING: () => ({ simple: 'PONG' }),
  GET: ([key]) => find(key)?.value,
  SET: ([key, value, , seconds]) => {
    const entry = put(key, value);
    if (seconds !== undefined) entry.until = performance.now() + Number(seconds) * 1000;
    return OK;
  },
  DEL: (keys) => keys.filter((key) => store.delete(key)).length,
  EXPIRE: ([key, seconds]) => {
    const entry = find(key);
    if (entry === undefined) return 0;
    entry.until = performance.now() + Number(seconds) * 1000;
    return 1;
  },
  INCR: ([key]) => add(key, 1),
  INCRBY: ([key, amount]) => add(key, Number(amount)),
  DECRBY: ([key, amount]) => add(key, -Number(amount)),
  HGET: ([key, field]) => find(key)?.value.get(field),
  HMGET: ([key, ...fields]) => fields.map((field) => find(key)?.value.get(field)),
  HGETALL: ([key]) => [...(find(key)?.value ?? [])].flat(),
  HSET: ([key, ...pairs]) => {
    const hash = hashAt(key);
    const before = hash.size;
    for (let at = 0; at < pairs.length; at += 2) hash.set(pairs[at], pairs[at + 1]);
    return hash.size - before;
  },
  HINCRBY: ([key, field, amount]) => {
    const hash = hashAt(key);
    hash.set(field, String(Number(hash.get(field) ?? 0) + Number(amount)));
    return Number(hash.get(field));
  },
  LPUSH: ([key, ...values]) => (find(key) ?? put(key, [])).value.unshift(...values),
  LTRIM: ([key, from, to]) => {
    const entry = find(key);
    if (entry !== undefined) entry.value = entry.value.slice(Number(from), stop(to, entry.value.length) + 1);
    return OK;
  },
  LRANGE: ([key, from, to]) => {
    const list = find(key)?.value ?? [];
    return list.slice(Number(from), stop(to, list.length) + 1);
  },
};

function encode(value) {
  if (value === undefined) return '$-1\r\n';
  if (typeof value === 'number') return `:${value}\r\n`;
  if (typeof value === 'string') return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  if (Array.isArray(value)) return `*${value.length}\r\n${value.map(encode).join('')}`;
  return value.simple === undefined ? `-${value.error}\r\n` : `+${value.simple}\r\n`;
}

function run(session, [word, ...rest]) {
  const name = word.toUpperCase();
  served++;
  if (name === 'MULTI') {
    session.queue = [];
    return OK;
  }
  if (name === 'EXEC') {
    const queue = session.queue ?? [];
    session.queue = undefined;
    return queue.map((job) => job());
  }
  const command = commands[name];
  if (command === undefined) return { error: `ERR unknown command '${name}'` };
  if (session.queue === undefined) return command(rest);
  session.queue.push(() => command(rest));
  return { simple: 'QUEUED' };
}

const server = createServer({ noDelay: true }, (socket) => {
  const session = { queue: undefined };
  let unread = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (part) => {
    unread = unread.length === 0 ? part : Buffer.concat([unread, part]);
    let at = 0;
    let out = '';
    for (let next; at < unread.length; at = next[1]) {
      next = decodeResp(unread, at);
      if (next === undefined) break;
      out += encode(run(session, next[0]));
    }
    unread = unread.subarray(at);
    if (out !== '') socket.write(out);
  });
});
server.listen(place.bindPort, place.bindHost, () => process.stdout.write('ready\n'));
obeyLauncher({ truth, busy: () => 0, served: () => served });

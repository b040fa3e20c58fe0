/**
 * Joins what the shop's processes wrote into calls and trees, after the run.
 *
 * A call that a client says it sent (its address and port, the ordinal on that connection, whom it asked) is
 * the call that the server says it got from that address and port with that ordinal. What the server then
 * sent names that incoming call as its cause. nginx cannot tell its upstream port: what a front got and no
 * client claims came through the edge, and its path, unique in the run, says which request it was.
 *
 * `node truth.mjs FOLDER [FILE]` writes the joined truth of a folder.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const MICROS = 1_000_000;

function readEvents(folder) {
  const events = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ndjson')) continue;
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .forEach((line, at) => {
        if (line === '') return;
        try {
          events.push(JSON.parse(line));
        } catch {
          throw new Error(`${file}, line ${at + 1}: not a line of truth: ${line.slice(0, 80)}`);
        }
      });
  }
  return events;
}

/** nginx tells the end and the length in seconds; the others tell start and end in microseconds. */
function withMicros(event) {
  if (event.endSeconds === undefined) return event;
  const { endSeconds, tookSeconds, ...rest } = event;
  const end = Math.round(endSeconds * MICROS);
  return { ...rest, start: end - Math.round(tookSeconds * MICROS), end };
}

function connectionKey(service, peer, n) {
  return `${service} ${peer} ${n}`;
}

/** What both ends of a call know of it. A look-up opens a new socket, whose port soon comes round again. */
function callKey(service, event, client) {
  if (event.protocol === 'dns') return `${service} ${client} ${event.method} ${event.path}`;
  return connectionKey(service, client, event.n);
}

/** Key → events in order of time: a port that was used twice has two. */
function indexBy(events, keyOf) {
  const index = new Map();
  for (const event of [...events].sort((one, other) => one.start - other.start)) {
    const key = keyOf(event);
    const list = index.get(key);
    if (list === undefined) index.set(key, [event]);
    else list.push(event);
  }
  return index;
}

function portOf(address) {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function hostOf(address) {
  return address.slice(0, address.lastIndexOf(':'));
}

function newCall(out, incoming) {
  const sent = out ?? incoming;
  return {
    t: 'call',
    id: '',
    parent: undefined,
    action: undefined,
    job: undefined,
    client: out?.service ?? 'edge',
    server: out?.to ?? incoming.service,
    protocol: sent.protocol,
    client_address: hostOf(out?.local ?? incoming.peer),
    client_port: portOf(out?.local ?? incoming.peer),
    server_address: hostOf(incoming?.local ?? out.peer),
    server_port: portOf(incoming?.local ?? out.peer),
    n: sent.n,
    attempt: out?.attempt ?? 1,
    method: sent.method,
    path: sent.path,
    status: incoming?.status ?? out.status,
    start: sent.start,
    end: sent.end,
    out,
    incoming,
  };
}

/** Outs with their ins; what has no partner is told. Redis is a server that writes no truth. */
function pairEnds(outs, ins) {
  const waiting = indexBy(ins, (event) => callKey(event.service, event, event.peer));
  const calls = [];
  const unmatched = [];
  for (const out of [...outs].sort((one, other) => one.start - other.start)) {
    const incoming = waiting.get(callKey(out.to, out, out.local))?.shift();
    if (incoming === undefined && out.protocol !== 'redis') unmatched.push(out);
    else calls.push(newCall(out, incoming));
  }
  for (const left of waiting.values()) {
    for (const incoming of left) calls.push(newCall(undefined, incoming));
  }
  return { calls, unmatched };
}

function linkParents(calls, edgeCalls) {
  const byIncoming = indexBy(
    calls.filter((call) => call.incoming !== undefined).map((call) => ({ start: call.incoming.start, call })),
    ({ call }) => connectionKey(call.server, call.incoming.peer, call.incoming.n),
  );
  const lastBefore = (list, start) => list?.filter((entry) => entry.start <= start).pop() ?? list?.[0];
  const orphans = [];
  for (const call of calls) {
    const cause = call.out?.cause;
    if (call.out === undefined) call.parent = edgeCalls.get(call.path)?.id;
    else if (cause?.action !== undefined) call.action = cause.action;
    else if (cause?.job !== undefined) call.job = cause.job;
    else if (cause !== undefined) {
      const key = connectionKey(call.client, cause.peer, cause.n);
      call.parent = lastBefore(byIncoming.get(key), call.start)?.call.id;
    }
    if (call.parent === undefined && call.action === undefined && call.job === undefined) orphans.push(call);
  }
  return orphans;
}

/** Actions go down the tree: every call below a user's request belongs to what the user did. */
function spreadActions(calls) {
  const byId = new Map(calls.map((call) => [call.id, call]));
  const rootOf = (call) => {
    let at = call;
    for (let depth = 0; at.parent !== undefined && depth < 64; depth++)
      at = byId.get(at.parent) ?? { ...at, parent: undefined };
    return at;
  };
  for (const call of calls) {
    const root = rootOf(call);
    call.action = root.action;
    call.job = root.job;
  }
}

/**
 * The truth of one run: `calls` (each with `id`, `parent`, `action`), `actions`, `orphans` (calls without a
 * cause), `unmatched` (sent, but no server tells of it). The last two are empty when all is well.
 */
export function joinTruth(folder) {
  const events = readEvents(folder).map(withMicros);
  const ofKind = (kind) => events.filter((event) => event.t === kind);
  const { calls, unmatched } = pairEnds(ofKind('out'), ofKind('in'));
  calls.sort((one, other) => one.start - other.start);
  calls.forEach((call, at) => {
    const text = `${call.client_address}:${call.client_port} ${call.server} ${call.n} ${call.start} ${at}`;
    call.id = createHash('sha256').update(text).digest('hex').slice(0, 16);
  });
  const edgeCalls = new Map(calls.filter((call) => call.server === 'edge').map((call) => [call.path, call]));
  const orphans = linkParents(calls, edgeCalls);
  spreadActions(calls);
  for (const call of calls) {
    delete call.out;
    delete call.incoming;
  }
  return {
    actions: ofKind('action').sort((one, other) => one.ordinal - other.ordinal),
    calls,
    orphans,
    unmatched,
  };
}

/**
 * What an observer of every packet must have counted:
 * { total, services: { orders: { http: 12 } }, edges: [{ client, server, protocol, calls }] }, by server.
 */
export function expectedCounts(calls) {
  const services = {};
  const edges = new Map();
  for (const { client, server, protocol } of calls) {
    services[server] ??= {};
    services[server][protocol] = (services[server][protocol] ?? 0) + 1;
    const key = `${client} ${server} ${protocol}`;
    const edge = edges.get(key) ?? { client, server, protocol, calls: 0 };
    edge.calls++;
    edges.set(key, edge);
  }
  return { total: calls.length, services, edges: [...edges.values()] };
}

/** The truth as lines: one `run`, then `action`s, then `call`s, last one `expected`. */
export function formatTruth(truth, run = {}) {
  const first = { t: 'run', ...run, orphans: truth.orphans.length, unmatched: truth.unmatched.length };
  const last = { t: 'expected', ...expectedCounts(truth.calls) };
  return [first, ...truth.actions, ...truth.calls, last].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Reads back what `formatTruth` wrote: { run, actions, calls, expected }. */
export function parseTruth(text) {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const ofKind = (kind) => lines.filter((line) => line.t === kind);
  return {
    run: ofKind('run')[0],
    actions: ofKind('action'),
    calls: ofKind('call'),
    expected: ofKind('expected')[0],
  };
}

/** Children of each call in order of time, and the roots: { roots, childrenOf(call) }. */
export function callTrees(calls) {
  const children = new Map();
  const roots = [];
  for (const call of calls) {
    if (call.parent === undefined) roots.push(call);
    else if (children.has(call.parent)) children.get(call.parent).push(call);
    else children.set(call.parent, [call]);
  }
  return { roots, childrenOf: (call) => children.get(call.id) ?? [] };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder, file] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write('usage: node truth.mjs FOLDER [FILE]\n');
    process.exit(2);
  }
  const text = formatTruth(joinTruth(folder));
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
}

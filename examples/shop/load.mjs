/**
 * The users of the shop: carries out the plan against the edge, each user with a cookie jar and a kept
 * connection of their own, one action of a user after another. Started by the launcher as
 * `node load.mjs load CONFIG`; `stop` on standard input ends it early, the end of standard input at once.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { newAgent, sendHttp } from './node/http-client.mjs';
import { nowMicros, openTruth } from './node/truth-log.mjs';
import { readConfig } from './node/service.mjs';
import { eachAction } from './plan.mjs';

const SOCKETS_OF_A_USER = 2;

const config = readConfig();
const truth = openTruth(config.truthFolder, config.name);
const edge = config.places.edge;
const people = new Map();
const summary = { actions: 0, requests: 0, clientErrors: 0, serverErrors: 0, unanswered: 0 };
let stopped = false;

function personOf(user) {
  let person = people.get(user);
  if (person === undefined) {
    person = { agent: newAgent(SOCKETS_OF_A_USER), cookies: new Map(), last: Promise.resolve() };
    people.set(user, person);
  }
  return person;
}

function keepCookies(person, headers) {
  for (const line of headers['set-cookie'] ?? []) {
    const [pair] = line.split(';');
    const at = pair.indexOf('=');
    person.cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

function count(status) {
  summary.requests++;
  if (status === 0) summary.unanswered++;
  else if (status >= 500) summary.serverErrors++;
  else if (status >= 400) summary.clientErrors++;
}

async function step(person, action, { method, path, body }) {
  const headers = {
    host: 'shop.example',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) shop-visitor',
    accept: '*/*',
  };
  if (person.cookies.size > 0) {
    headers.cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  if (body !== undefined) headers['content-type'] = 'application/json';
  const got = await sendHttp(person.agent, truth, {
    service: config.name,
    to: 'edge',
    host: edge.host,
    port: edge.port,
    method,
    path,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cause: { action },
  });
  keepCookies(person, got.headers);
  count(got.status);
  return got.status;
}

/** Out of band, and different in every run: it cannot be met on the wire by chance. */
function actionId(ordinal) {
  return createHash('sha256').update(`${config.run} ${ordinal}`).digest('hex').slice(0, 16);
}

async function act(person, action) {
  const id = actionId(action.ordinal);
  const start = nowMicros();
  const statuses = [];
  for (const each of action.steps) statuses.push(await step(person, id, each));
  summary.actions++;
  const { ordinal, user, application, kind, slow } = action;
  const paths = action.steps.map((each) => `${each.method} ${each.path}`);
  truth.write({
    t: 'action',
    action: id,
    ordinal,
    user,
    application,
    kind,
    slow,
    paths,
    statuses,
    start,
    end: nowMicros(),
  });
}

async function run() {
  const begin = performance.now();
  for (const action of eachAction(config.load)) {
    const wait = action.atMs - (performance.now() - begin);
    if (wait > 0) await Promise.race([sleep(wait), told]);
    if (stopped) break;
    const person = personOf(action.user);
    person.last = person.last.then(() => act(person, action));
  }
  const left = config.load.seconds * 1000 - (performance.now() - begin);
  if (left > 0 && !stopped) await Promise.race([sleep(left), told]);
  await Promise.all([...people.values()].map((person) => person.last));
  truth.flush();
  process.stdout.write(`done ${JSON.stringify(summary)}\n`, () => process.exit(0));
}

let tell;
const told = new Promise((resolve) => {
  tell = resolve;
});
const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  if (line !== 'stop') return;
  stopped = true;
  tell();
});
orders.once('close', () => {
  truth.flush();
  process.exit(0);
});
process.on('SIGINT', () => {});
void run();

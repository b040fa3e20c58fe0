/**
 * The shop as a whole: starts its services, lets users loose on it, waits until nothing is in flight, and
 * leaves no process behind. `startShop` is what the command, the tests and the recording share.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGo, commandOf, findProgram, pythonServes, startProcess } from './processes.mjs';
import { slowIssuersOf } from './random.mjs';
import { freeBasePort, LOAD, SERVICES, takenService, topology } from './topology.mjs';

const LOAD_PROGRAM = fileURLToPath(new URL('load.mjs', import.meta.url));
const DRAIN_ROUNDS_MAX = 50;
const CAN_BE_LEFT_OUT = {
  redis: { program: 'redis-server', says: 'a stand-in in Node keeps sessions, carts and cache in memory' },
  nginx: { program: 'nginx', says: 'a stand-in in Node is the edge proxy' },
  python: { program: 'python3', says: 'stand-ins in Node serve catalogue, risk and reports' },
  go: { program: 'go', says: 'stand-ins in Node serve carts, orders and inventory' },
};

/** Which run-times are here; what is not is said in one line each. */
export function lookAround(without, say) {
  const programs = {};
  for (const [name, { program, says }] of Object.entries(CAN_BE_LEFT_OUT)) {
    if (without.includes(name)) {
      say(`without ${name}: ${says}`);
      continue;
    }
    const found = findProgram(program);
    if (found === undefined) {
      say(`${program} is not installed: ${says}`);
      continue;
    }
    if (name === 'python' && !pythonServes(found)) {
      say(`${program} is older than 3.8 or does not run: ${says}`);
      continue;
    }
    const built = name === 'go' ? buildGo(found, say) : { program: found };
    if (built.program === undefined) say(`the Go services do not compile (${built.trouble}): ${says}`);
    else programs[name] = built.program;
  }
  return programs;
}

async function choosePlaces(options) {
  const base = options.port === 0 ? await freeBasePort() : (options.port ?? 18_000);
  const places = topology(base, options.topology);
  const taken = await takenService(places);
  if (taken !== undefined) {
    const { bindHost, bindPort } = places[taken];
    throw new Error(`${bindHost}:${bindPort} is in use, ${taken} cannot listen there: choose another --port`);
  }
  return places;
}

function checkWithout(without) {
  const wrong = without.find((name) => CAN_BE_LEFT_OUT[name] === undefined);
  if (wrong === undefined) return;
  throw new Error(`--without knows ${Object.keys(CAN_BE_LEFT_OUT).join(', ')}, not "${wrong}"`);
}

/** Rounds of asking until two in a row tell the same: nothing in flight, and nothing came in between. */
async function drainProcesses(processes) {
  let before = '';
  for (let round = 0; round < DRAIN_ROUNDS_MAX; round++) {
    const told = [];
    for (const each of processes) {
      if (!each.obeys) continue;
      const line = await each.ask('drain', (text) => text.startsWith('idle '));
      if (line === undefined) throw new Error(`${each.name} ended while the shop came to rest`);
      told.push(`${each.name} ${line}`);
    }
    const now = told.join(', ');
    if (now === before) return;
    before = now;
  }
  throw new Error(`the shop does not come to rest: ${before}`);
}

/** Writes the configuration that all services read, and says what each of them is started with. */
async function prepare(options, say) {
  const without = options.without ?? [];
  checkWithout(without);
  const places = await choosePlaces(options);
  const programs = lookAround(without, say);
  const folder = mkdtempSync(join(tmpdir(), 'shop-'));
  const seed = options.seed ?? 1;
  const { truthFolder } = options;
  const run = randomBytes(8).toString('hex');
  const config = { run, seed, slowIssuers: slowIssuersOf(seed), truthFolder, places };
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  const services = Object.entries(SERVICES).map(([name, service]) => {
    const isHere = service.language === 'node' || programs[service.language] !== undefined;
    const { bindHost: address, bindPort: port } = places[name];
    const { protocol, applications } = service;
    return { name, language: isHere ? service.language : 'node', address, port, protocol, applications };
  });
  const startOf = ({ name, language }) =>
    commandOf(name, { language, programs, folder, configFile, places, truthFolder });
  return { config, folder, services, startOf };
}

/** Rejects when a service ends that nobody told to. */
function watch(processes, isStopping) {
  const failed = new Promise((_, reject) => {
    for (const each of processes) {
      each.ended.then(({ how, words }) => {
        if (!isStopping()) reject(new Error(`${each.name} ended (${how}): ${words}`));
      });
    }
  });
  failed.catch(() => {});
  return failed;
}

/** The users, started anew for each `load`: they count their actions and views on from the last time. */
function newUsers({ config, folder }, failed) {
  const before = { actionsBefore: 0, viewsBefore: 0 };
  let current;
  const load = async (wanted = {}) => {
    if (current !== undefined && !current.isEnded()) throw new Error('the users are still there');
    const asked = { seed: config.seed, rate: 50, seconds: 20, users: 40, ...wanted, ...before };
    const file = join(folder, 'load.json');
    writeFileSync(file, JSON.stringify({ ...config, load: asked }));
    const how = { command: [process.execPath, LOAD_PROGRAM, LOAD, file], isReady: () => true, obeys: false };
    current = startProcess(LOAD, how, config.places[LOAD].prefix);
    const isDone = (line) => line.startsWith('done ');
    const line = await Promise.race([current.ask(undefined, isDone), failed]);
    const { words } = await current.ended;
    if (line === undefined) throw new Error(`the users left early: ${words}`);
    const summary = JSON.parse(line.slice('done '.length));
    before.actionsBefore += summary.actions;
    before.viewsBefore += summary.requests;
    return summary;
  };
  const stopLoad = () => {
    if (current !== undefined && !current.isEnded()) current.tell('stop');
  };
  return { load, stopLoad, processes: () => (current === undefined ? [] : [current]) };
}

/**
 * Starts the shop and resolves once every service listens.
 *
 * options: `port` (base, default 18000; 0 finds free ones), `seed` (1), `without` (names of run-times to
 * leave out), `topology` (a file or an object, see topology.mjs), `truthFolder` (each process writes its
 * truth there; none without), `say` (gets each line worth telling). The types are in shop.d.mts.
 */
export async function startShop(options = {}) {
  const said = [];
  const prepared = await prepare(options, (line) => {
    said.push(line);
    options.say?.(line);
  });
  const { config, folder, services, startOf } = prepared;
  const processes = services.map((service) => {
    return startProcess(service.name, startOf(service), config.places[service.name].prefix);
  });
  let stopping;
  const failed = watch(processes, () => stopping !== undefined);
  const users = newUsers(prepared, failed);
  const everybody = () => [...processes, ...users.processes()];
  const endAll = async () => {
    await Promise.all(everybody().map((each) => each.end()));
    rmSync(folder, { recursive: true, force: true });
  };
  const stop = () => {
    stopping ??= endAll();
    return stopping;
  };
  try {
    await Promise.all(processes.map((each) => each.ready));
  } catch (error) {
    await stop();
    throw error;
  }
  /** Lets users loose; when the shop is stopped meanwhile, there is nothing to tell. */
  const load = async (wanted) => {
    try {
      return await users.load(wanted);
    } catch (error) {
      if (stopping !== undefined) return undefined;
      throw error;
    }
  };
  const { seed, run } = config;
  const { stopLoad } = users;
  const drain = () => drainProcesses(processes);
  const pids = () => everybody().map((each) => each.pid);
  return { services, said, seed, run, failed, pids, load, stopLoad, drain, stop };
}

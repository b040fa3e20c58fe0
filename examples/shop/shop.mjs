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
function lookAround(without, say) {
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
      if (each.obeys) told.push(`${each.name} ${await each.ask('drain', (line) => line.startsWith('idle '))}`);
    }
    const now = told.join(', ');
    if (now === before) return;
    before = now;
  }
  throw new Error(`the shop does not come to rest: ${before}`);
}

/**
 * Starts the shop and resolves once every service listens.
 *
 * options: `port` (base, default 18000; 0 finds free ones), `seed` (1), `without` (names of run-times to
 * leave out), `topology` (a file or an object, see topology.mjs), `truthFolder` (each process writes its
 * truth there; none without), `say` (gets each line worth telling).
 */
export async function startShop(options = {}) {
  const said = [];
  const say = (line) => {
    said.push(line);
    options.say?.(line);
  };
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
    const language = service.language === 'node' || programs[service.language] !== undefined ? service.language : 'node';
    const { bindHost: address, bindPort: port } = places[name];
    return { name, language, address, port, protocol: service.protocol, applications: service.applications };
  });
  const processes = services.map(({ name, language }) => {
    const how = commandOf(name, { language, programs, folder, configFile, places, truthFolder });
    return startProcess(name, how, places[name].prefix);
  });

  let stopping;
  let loading;
  const stop = () => {
    stopping ??= Promise.all([...processes, ...(loading === undefined ? [] : [loading])].map((each) => each.end())).then(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    return stopping;
  };
  /** Rejects when a service ends that nobody told to. */
  const failed = new Promise((_, reject) => {
    for (const each of processes) {
      each.ended.then(({ how, words }) => {
        if (stopping === undefined) reject(new Error(`${each.name} ended (${how}): ${words}`));
      });
    }
  });
  failed.catch(() => {});

  /** Lets users loose: { rate, seconds, users, seed }; resolves with what they saw, all answered. */
  const load = async (wanted = {}) => {
    const asked = { seed, rate: 50, seconds: 20, users: 40, ...wanted };
    const file = join(folder, 'load.json');
    writeFileSync(file, JSON.stringify({ ...config, load: asked }));
    const isDone = (line) => line.startsWith('done ');
    const how = { command: [process.execPath, LOAD_PROGRAM, LOAD, file], isReady: () => true, obeys: false };
    loading = startProcess(LOAD, how, places[LOAD].prefix);
    const line = await Promise.race([loading.ask(undefined, isDone), failed]);
    if (line === undefined) {
      if (stopping !== undefined) return undefined;
      throw new Error(`the load generator ended early: ${(await loading.ended).words}`);
    }
    await loading.ended;
    return JSON.parse(line.slice('done '.length));
  };
  /** Asks the users to stop early; `load` then resolves once what they asked for is answered. */
  const stopLoad = () => {
    if (loading !== undefined && !loading.isEnded()) loading.tell('stop');
  };

  try {
    await Promise.all(processes.map((each) => each.ready));
  } catch (error) {
    await stop();
    throw error;
  }
  const drain = () => drainProcesses(processes);
  const pids = () => [...processes, ...(loading === undefined ? [] : [loading])].map((each) => each.pid);
  return { services, said, seed, run, failed, pids, load, stopLoad, drain, stop };
}

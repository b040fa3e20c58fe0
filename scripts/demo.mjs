#!/usr/bin/env node
/**
 * `npm run demo [-- --for 20s]`: from a fresh clone to the API calls of a running application. Installs,
 * builds, starts the shop (examples/shop) and lets eastwest watch it. `up` is there before the shop sends its
 * first packet, and stays until nothing is in flight. Where capture is not allowed, a recording is read.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { startEastwest } from './demo-eastwest.mjs';
import { build, install, Misuse, ROOT, tell } from './install.mjs';

const HELP = `Usage: npm run demo [-- options]

  --for 20s    how long users stay in the shop (ms, s, m; default: until Ctrl-C)
  --rate 50    actions of users a second
  --seed 1     the same seed, the same actions
`;
const FOREVER_SECONDS = 86_400;
/** npm hands Ctrl-C on to a script that has got it from the terminal already. */
const SAME_SIGNAL_MS = 500;
/** The kernel hands a block of packets over when it is full, or after some 100 ms. */
const LAST_PACKETS_MS = 500;
const ROWS_SHOWN = 12;

function say(line) {
  process.stderr.write(`demo: ${line}\n`);
}

function readArguments(words) {
  let values;
  try {
    const text = { type: 'string' };
    const options = { for: text, rate: text, seed: text, help: { type: 'boolean' } };
    ({ values } = parseArgs({ args: words, options }));
  } catch (error) {
    throw new Misuse(`${error.message.split('. ')[0]}; "npm run demo -- --help" lists what there is`);
  }
  const time = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(values.for ?? `${FOREVER_SECONDS}s`);
  if (time === null) throw new Misuse(`--for must be a time such as 20s or 2m, not "${values.for}"`);
  return {
    help: values.help === true,
    seconds: Number(time[1]) * { ms: 0.001, s: 1, m: 60 }[time[2]],
    rate: numberOf(values.rate ?? '50', 'rate', 0.1, 2_000),
    seed: numberOf(values.seed ?? '1', 'seed', 0, 0xffffffff),
  };
}

function numberOf(text, name, least, most) {
  const value = Number(text);
  if (text !== '' && value >= least && value <= most) return value;
  throw new Misuse(`--${name} must be a number from ${least} to ${most}, not "${text}"`);
}

/** What eastwest may do here: undefined, or the sentence that says why it cannot capture. */
async function whyNotLive() {
  const { openPacketSocket } = await import(join(ROOT, 'dist/src/wire/capture/ring.js'));
  const { libc } = await import(join(ROOT, 'dist/src/wire/capture/libc.js'));
  const socket = openPacketSocket();
  if (!socket.ok) return socket.error.message;
  libc()?.close(socket.value);
  return undefined;
}

/** The filter, or undefined without libpcap, which compiles it. */
async function filterFor(basePort, ports) {
  const { compileFilter } = await import(join(ROOT, 'dist/src/wire/capture/bpf.js'));
  const expression = `portrange ${basePort}-${basePort + ports - 1}`;
  const compiled = compileFilter(expression, 1);
  if (compiled.ok) return expression;
  say('libpcap is not installed (apt install libpcap0.8): everything on lo is shown, not the shop alone');
  return undefined;
}

/** A configuration file with a name for each service of the shop. JSON is YAML. */
function writeConfig(folder, services, more) {
  const file = join(folder, 'eastwest.yaml');
  const named = services.map(({ name, address, port }) => ({ name, address, port }));
  const config = { ...more, 'key-file': join(folder, 'key'), services: named };
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`);
  return file;
}

/** The first signal ends the load, the second everything at once. */
function listenToSignals(onFirst, onSecond) {
  let firstMs;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (firstMs === undefined) onFirst();
      else if (nowMs - firstMs > SAME_SIGNAL_MS) onSecond();
      firstMs ??= nowMs;
    });
  }
}

async function live(asked, folder) {
  const shopModule = join(ROOT, 'examples/shop/shop.mjs');
  const { lookAround, startShop } = await import(shopModule);
  const { freeBasePort, PORTS, SERVICES } = await import(join(ROOT, 'examples/shop/topology.mjs'));
  const port = await freeBasePort();
  const services = Object.entries(SERVICES).map(([name, { offset }]) => {
    return { name, address: '127.0.0.1', port: port + offset };
  });
  const bpf = await filterFor(port, PORTS);
  const config = writeConfig(folder, services, { interface: ['lo'], ...(bpf === undefined ? {} : { bpf }) });
  lookAround([], say);
  const state = { stopped: false, shop: undefined, eastwest: undefined };
  listenToSignals(
    () => {
      state.stopped = true;
      state.shop?.stopLoad();
    },
    () => {
      state.eastwest?.kill();
      void state.shop?.stop();
    },
  );
  say(`the shop on 127.0.0.1:${port}, watched on lo; Ctrl-C ends both`);
  const eastwest = startEastwest(['up', '--config', config], 'inherit');
  state.eastwest = eastwest;
  try {
    await eastwest.listening();
    state.shop = await startShop({ port, seed: asked.seed });
    if (!state.stopped) await loadUntilEnd(state.shop, eastwest, asked);
    await Promise.race([state.shop.drain(), eastwest.ended]);
    await sleep(LAST_PACKETS_MS);
    return await eastwest.stop();
  } finally {
    await eastwest.stop();
    await state.shop?.stop();
  }
}

async function loadUntilEnd(shop, eastwest, { rate, seconds }) {
  // Also when eastwest ends by itself: the users have nobody to show them.
  void eastwest.ended.then(() => shop.stopLoad());
  await Promise.race([shop.load({ rate, seconds }), shop.failed]);
}

/** Reads the recorded shop: the first calls, then the summary. */
async function recorded(folder) {
  const recording = join(ROOT, 'examples/shop/shop.pcap.gz');
  const truth = gunzipSync(readFileSync(join(ROOT, 'examples/shop/shop.truth.ndjson.gz'))).toString();
  const { services } = JSON.parse(truth.slice(0, truth.indexOf('\n')));
  const config = writeConfig(folder, services, {});
  const eastwest = startEastwest(['read', '--config', config, recording], 'pipe');
  listenToSignals(
    () => void eastwest.stop(),
    () => eastwest.kill(),
  );
  let rows = -1;
  const last = [];
  for await (const line of createInterface({ input: eastwest.output })) {
    rows++;
    if (rows <= ROWS_SHOWN) process.stdout.write(`${line}\n`);
    last.push(line);
    // The totals and the ledger in one line each, and the empty line before them.
    if (last.length > 3) last.shift();
  }
  const more = rows - ROWS_SHOWN - last.length;
  if (more > 0) process.stdout.write(`… ${more} more calls\n${last.join('\n')}\n`);
  return eastwest.ended;
}

await tell('demo', async () => {
  const asked = readArguments(process.argv.slice(2));
  if (asked.help) {
    process.stdout.write(HELP);
    return 0;
  }
  install(say);
  say('building');
  build();
  const why = await whyNotLive();
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-demo-'));
  try {
    if (why === undefined) return await live(asked, folder);
    say(`${why} So a recording of the shop is read: examples/shop/shop.pcap.gz.`);
    return await recorded(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

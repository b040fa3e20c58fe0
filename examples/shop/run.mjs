#!/usr/bin/env node
/** Starts the shop, lets seeded users loose on it, stops everything. `node run.mjs --help` tells how. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startShop } from './shop.mjs';
import { formatTruth, joinTruth } from './truth.mjs';

export { startShop };

const HELP = `Usage: node examples/shop/run.mjs [options]

  --for 20s          how long the users stay (s, m; default: until Ctrl-C)
  --rate 50          actions of users a second
  --users 40         how many users; a tenth of them work in the back office
  --seed 1           the same seed, the same actions and the same slow checkouts
  --port 18000       first of 16 ports on 127.0.0.1; 0 finds free ones
  --without LIST     leave out: redis, nginx, python, go (stand-ins in Node take their place)
  --topology FILE    addresses and command prefixes of services (see topology.mjs)
  --truth FILE       write what really happened: actions, calls, counts, one JSON object a line
  --drain            after the users left, wait until nothing is in flight
  --no-load          start the services only, until Ctrl-C

Examples:
  node examples/shop/run.mjs --for 20s --drain --truth shop.truth.ndjson
  node examples/shop/run.mjs --without redis,go --rate 10
`;
const FOREVER_SECONDS = 86_400;

function numberOf(text, name, least, most) {
  const value = Number(text);
  if (text === '' || !(value >= least && value <= most)) {
    throw new Error(`--${name} must be a number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

function secondsOf(text) {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (found === null) throw new Error(`--for must be a time such as 20s or 2m, not "${text}"`);
  return Number(found[1]) * { ms: 0.001, s: 1, m: 60 }[found[2] ?? 's'];
}

function readArguments(words) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = {
    for: text,
    rate: text,
    users: text,
    seed: text,
    port: text,
    without: text,
    topology: text,
    truth: text,
  };
  const { values } = parseArgs({
    args: words,
    options: { ...options, drain: flag, 'no-load': flag, help: flag },
  });
  return {
    help: values.help,
    seconds: values.for === undefined ? FOREVER_SECONDS : secondsOf(values.for),
    rate: numberOf(values.rate ?? '50', 'rate', 0.1, 2_000),
    users: numberOf(values.users ?? '40', 'users', 2, 1_800),
    seed: numberOf(values.seed ?? '1', 'seed', 0, 0xffffffff),
    port: numberOf(values.port ?? '18000', 'port', 0, 65_000),
    without: (values.without ?? '').split(',').filter((name) => name !== ''),
    topology: values.topology,
    truth: values.truth,
    drain: values.drain,
    noLoad: values['no-load'],
  };
}

function say(line) {
  process.stderr.write(`shop: ${line}\n`);
}

/** The first signal asks the users to stop, the second stops everything at once. */
function listenToSignals() {
  const told = { count: 0, shop: undefined };
  const signalled = new Promise((resolve) => {
    const onSignal = () => {
      told.count++;
      told.shop?.stopLoad();
      if (told.count > 1) void told.shop?.stop();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  });
  return { told, signalled };
}

function tellWhatUsersSaw({ actions, requests, clientErrors, serverErrors, unanswered }) {
  const errors = `${clientErrors} client errors, ${serverErrors} server errors, ${unanswered} unanswered`;
  say(`${actions} actions, ${requests} requests, ${errors}`);
}

async function useShop(shop, asked, { told, signalled }) {
  told.shop = shop;
  say(shop.services.map(({ name, language, port }) => `${name} ${port} (${language})`).join(', '));
  if (told.count > 0) return;
  if (asked.noLoad) await Promise.race([signalled, shop.failed]);
  else {
    const { rate, seconds, users } = asked;
    const seen = await shop.load({ rate, seconds, users });
    if (seen !== undefined) tellWhatUsersSaw(seen);
  }
  if (asked.drain && told.count < 2) await shop.drain();
}

/** Runs the shop as asked; with a truth folder, writes what happened once all has ended. */
async function runShop(asked, truthFolder) {
  const signals = listenToSignals();
  const { port, seed, without, topology, rate, users, seconds } = asked;
  const shop = await startShop({ port, seed, without, topology, truthFolder, say });
  try {
    await useShop(shop, asked, signals);
  } finally {
    await shop.stop();
  }
  if (truthFolder === undefined) return;
  const truth = joinTruth(truthFolder);
  writeFileSync(asked.truth, formatTruth(truth, { seed, rate, users, seconds, services: shop.services }));
  say(`${truth.calls.length} calls in ${asked.truth}`);
}

async function main() {
  const asked = readArguments(process.argv.slice(2));
  if (asked.help) {
    process.stdout.write(HELP);
    return;
  }
  const truthFolder = asked.truth === undefined ? undefined : mkdtempSync(join(tmpdir(), 'shop-truth-'));
  try {
    await runShop(asked, truthFolder);
  } finally {
    if (truthFolder !== undefined) rmSync(truthFolder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main().catch((error) => {
    process.stderr.write(`shop: ${error.message}\n`);
    process.exitCode = 1;
  });
}

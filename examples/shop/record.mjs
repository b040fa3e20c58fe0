#!/usr/bin/env node
/**
 * Makes shop.pcap.gz and shop.truth.ndjson.gz: 20 seconds of the shop on loopback, recorded by tcpdump from
 * before its first packet until after its last, and what really happened meanwhile.
 * Needs tcpdump and the right to capture; to be had whole: nginx, redis-server, python3, go.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { startCapture } from './capture.mjs';
import { startShop } from './shop.mjs';
import { formatTruth, joinTruth } from './truth.mjs';

const PORT = 18_000;
const LOAD = { seed: 7, rate: 50, seconds: 20, users: 40 };
const BYTES_MAX = 5_000_000;
const HERE = fileURLToPath(new URL('.', import.meta.url));

function say(line) {
  process.stderr.write(`record: ${line}\n`);
}

/** Compressed as small as it gets, with no name or time of this machine in the header. */
function writeGzip(name, bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  writeFileSync(join(HERE, name), packed);
  say(`${name}: ${packed.length} bytes (${bytes.length} unpacked)`);
  if (packed.length > BYTES_MAX) throw new Error(`${name} is larger than ${BYTES_MAX} bytes`);
}

async function record(folder) {
  const file = join(folder, 'shop.pcap');
  const truthFolder = mkdtempSync(join(folder, 'truth-'));
  const capture = await startCapture(PORT, file);
  if (capture.trouble !== undefined) throw new Error(capture.trouble);
  let shop;
  try {
    shop = await startShop({ port: PORT, seed: LOAD.seed, truthFolder, say });
    if (shop.said.some((line) => line.includes('stand-in')))
      throw new Error('the recording wants the whole shop');
    await shop.load(LOAD);
    await shop.drain();
  } finally {
    await shop?.stop();
  }
  const { captured, dropped } = await capture.stop();
  if (dropped !== 0) throw new Error(`${dropped} packets were dropped: record again`);
  const truth = joinTruth(truthFolder);
  const gaps = [...truth.orphans, ...truth.unmatched];
  if (gaps.length > 0) throw new Error(`the truth has ${gaps.length} gaps, first ${JSON.stringify(gaps[0])}`);
  say(`${captured} packets, ${truth.calls.length} calls`);
  writeGzip('shop.pcap.gz', readFileSync(file));
  writeGzip('shop.truth.ndjson.gz', Buffer.from(formatTruth(truth, { ...LOAD, services: shop.services })));
}

const folder = mkdtempSync(join(tmpdir(), 'shop-record-'));
try {
  await record(folder);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

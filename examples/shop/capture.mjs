/** Records the shop's packets on the loopback interface with tcpdump. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './processes.mjs';
import { PORTS } from './topology.mjs';

const BUFFER_KIB = 32_768;
const STILL_MS = 200;
const LOOKS_MAX = 50;

/** tcpdump has written all there is once the file stays as long as it was. */
async function waitUntilStill(file) {
  let before = -1;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { size } = statSync(file);
    if (size === before) return;
    before = size;
    await sleep(STILL_MS);
  }
}

/**
 * Starts recording the 16 ports from `basePort` into `file`. Resolves with { stop } once tcpdump listens,
 * or with { trouble } where it is missing or may not. `stop` resolves with { captured, dropped }.
 */
export async function startCapture(basePort, file) {
  const program = findProgram('tcpdump');
  if (program === undefined) return { trouble: 'tcpdump is not installed' };
  const into = openSync(file, 'w');
  const filter = `portrange ${basePort}-${basePort + PORTS - 1}`;
  const words = [
    '-i',
    'lo',
    '-w',
    '-',
    '-U',
    '--immediate-mode',
    '-B',
    String(BUFFER_KIB),
    '-s',
    '0',
    filter,
  ];
  const child = spawn(program, words, { stdio: ['ignore', into, 'pipe'], detached: true });
  closeSync(into);
  let told = '';
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve('ended'));
  });
  const listening = new Promise((resolve) => {
    child.stderr.on('data', (part) => {
      told += part;
      if (told.includes('listening on')) resolve('listening');
    });
  });
  if ((await Promise.race([listening, ended])) !== 'listening') {
    return { trouble: `tcpdump does not start: ${told.trim().split('\n').pop()}` };
  }
  const stop = async () => {
    await waitUntilStill(file);
    child.kill('SIGINT');
    await ended;
    const number = (pattern) => Number(pattern.exec(told)?.[1] ?? NaN);
    return {
      captured: number(/(\d+) packets? captured/),
      dropped: number(/(\d+) packets? dropped by kernel/),
    };
  };
  return { stop };
}

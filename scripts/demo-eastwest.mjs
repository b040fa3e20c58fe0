/** eastwest as a child of the demo: in a process group of its own, so that Ctrl-C comes through the demo. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, Trouble } from './install.mjs';

const LOOK_MS = 20;
const LISTEN_MS = 20_000;
/** After it was asked to end; it writes out what it has. */
const STOP_MS = 10_000;

/** Inodes of the packet sockets of this host that receive. https://man7.org/linux/man-pages/man7/packet.7.html */
function runningPacketSockets() {
  const lines = readFileSync('/proc/net/packet', 'latin1').split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return new Set(fields.filter((field) => field[5] === '1').map((field) => field[8]));
}

/** Whether the process holds a socket that receives packets: from then on it misses none. */
function captures(pid) {
  try {
    const sockets = runningPacketSockets();
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return sockets.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
    });
  } catch {
    // A descriptor was closed between the two looks, or the process is gone: the next look tells.
    return false;
  }
}

export function startEastwest(words, standardOutput) {
  const preload = join(ROOT, 'scripts/end-with-parent.mjs');
  const child = spawn(process.execPath, ['--import', preload, join(ROOT, 'bin/eastwest'), ...words], {
    stdio: ['ignore', standardOutput, 'inherit', 'ipc'],
    detached: true,
  });
  let isOver = false;
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  }).finally(() => {
    isOver = true;
  });
  // Only a process in the terminal's own group hears of a new size.
  process.on('SIGWINCH', () => child.kill('SIGWINCH'));
  const listening = async () => {
    for (let waitedMs = 0; waitedMs < LISTEN_MS; waitedMs += LOOK_MS) {
      if (isOver) throw new Trouble(`eastwest ended at once (exit code ${await ended})`);
      if (captures(child.pid)) return;
      await sleep(LOOK_MS);
    }
    throw new Trouble('eastwest does not begin to capture');
  };
  const stop = async () => {
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const code = await ended;
    clearTimeout(timer);
    return code;
  };
  return { ended, listening, stop, kill: () => child.kill('SIGKILL'), output: child.stdout };
}

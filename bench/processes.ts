/** Programs that the bench starts and ends, and which of them are here. */
import { spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where Debian keeps programs that are not on an ordinary user's path. */
const MORE_PLACES = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

/** The path of a program, or undefined when it is not installed. */
export function findTool(name: string): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(':'), ...MORE_PLACES];
  return places.map((place) => `${place}/${name}`).find((path) => existsSync(path));
}

/** True when this process may make network namespaces and capture in them. */
export function mayCapture(): boolean {
  const name = `ew-bench-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false;
  spawnSync('ip', ['netns', 'del', name]);
  return findTool('tcpdump') !== undefined;
}

/** Waits until a child's output holds `text`; throws when it ends before, or takes longer than `waitMs`. */
export async function waitForText(child: ChildProcess, text: string, waitMs: number): Promise<void> {
  let got = '';
  const take = (bytes: Buffer): void => {
    got += bytes.toString('latin1');
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const until = performance.now() + waitMs;
  while (!got.includes(text)) {
    if (child.exitCode !== null || performance.now() > until) {
      throw new Error(`${child.spawnargs.join(' ')} did not say “${text}”: ${got}`);
    }
    await sleep(20);
  }
}

/** Ends a child, and waits for it. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

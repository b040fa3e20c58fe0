/**
 * A process that measures one thing and says it as JSON on its last line, so that no measurement warms up or
 * fills the memory of another. Arguments: level, capture, passes, then any of `bodies`, `plain`.
 */
import { spawnSync } from 'node:child_process';
import { Driver, type Level, type Pass } from './drive.ts';
import { SCRIPTS } from './places.ts';

export interface Measured extends Pass {
  /** All passes after the first, CPU seconds each; `cpuS` is their median. */
  readonly passesS: readonly number[];
  /** The first pass, with everything cold. */
  readonly coldS: number;
  /** Most resident memory of the process, in bytes, start of Node included. */
  readonly residentBytes: number;
}

/** Share of rows by which two passes over a damaged capture may differ. */
const ROWS_DIFFER = 0.01;

/** Starts a process for it. */
export function measure(
  level: Level,
  path: string,
  passes: number,
  ...how: ('bodies' | 'plain')[]
): Measured {
  const args = [`${SCRIPTS}measure.js`, level, path, String(passes), ...how];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (done.status !== 0) throw new Error(`measuring ${level} of ${path} ended with ${String(done.status)}`);
  return JSON.parse(done.stdout) as Measured;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

async function main(level: Level, path: string, passes: number, how: readonly string[]): Promise<void> {
  const driver = new Driver({ level, bodies: how.includes('bodies'), plain: how.includes('plain') });
  const cold = await driver.pass(path);
  const measured: Pass[] = [];
  for (let pass = 0; pass < passes; pass++) measured.push(await driver.pass(path));
  const passesS = measured.map((pass) => pass.cpuS);
  // When a hole is given up depends on the frames before it, and with that how halves are told: a few rows.
  const differ = measured.map((pass) => Math.abs(pass.calls - cold.calls));
  if (Math.max(...differ) > cold.calls * ROWS_DIFFER) throw new Error('passes differ in their calls');
  const residentBytes = process.resourceUsage().maxRSS * 1024;
  const result: Measured = { ...cold, cpuS: median(passesS), passesS, coldS: cold.cpuS, residentBytes };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

if (process.argv[1]?.endsWith('bench/measure.js') === true) {
  const [level, path, passes, ...how] = process.argv.slice(2);
  await main(level as Level, path, Number(passes), how);
}

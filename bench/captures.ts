/**
 * Makes the captures that are missing: of real servers where they are installed and this process may capture,
 * else synthetic ones. `--again` makes all anew, `--synthetic` asks for no server.
 */
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { CAPTURES, CONNECTIONS_CAPTURE, DNS_CAPTURE, HTTP_CAPTURE, REDIS_CAPTURE } from './places.ts';
import { captureDns, captureHttp, captureRedis } from './real-captures.ts';
import { syntheticConnections, syntheticDns, syntheticHttp, syntheticRedis } from './synthetic.ts';

type Maker = (path: string) => Promise<string | undefined>;

const MAKERS: readonly {
  readonly path: string;
  readonly real: Maker | undefined;
  readonly synthetic: Maker;
}[] = [
  { path: HTTP_CAPTURE, real: captureHttp, synthetic: syntheticHttp },
  { path: REDIS_CAPTURE, real: captureRedis, synthetic: syntheticRedis },
  { path: DNS_CAPTURE, real: captureDns, synthetic: syntheticDns },
  { path: CONNECTIONS_CAPTURE, real: undefined, synthetic: syntheticConnections },
];

export interface MakeOptions {
  readonly again?: boolean;
  readonly synthetic?: boolean;
}

/** Makes what is missing; how each was made stands beside it in a text file. */
export async function makeCaptures(options: MakeOptions = {}): Promise<void> {
  mkdirSync(CAPTURES, { recursive: true });
  for (const { path, real, synthetic } of MAKERS) {
    if (existsSync(path) && options.again !== true) continue;
    const making = `${path}.part`;
    let made = options.synthetic === true ? undefined : await real?.(making);
    let how = 'real servers';
    if (made === undefined) {
      made = await synthetic(making);
      how = 'synthetic';
    }
    writeFileSync(`${path}.txt`, `${how}: ${made}\n`);
    renameSync(making, path);
    process.stderr.write(`${path}: ${how}, ${made}, ${(statSync(path).size / 1e6).toFixed(1)} MB\n`);
  }
}

if (process.argv[1]?.endsWith('bench/captures.js') === true) {
  const args = process.argv.slice(2);
  await makeCaptures({ again: args.includes('--again'), synthetic: args.includes('--synthetic') });
}

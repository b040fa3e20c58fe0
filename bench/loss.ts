/**
 * `npm run bench:loss`: captures with packets deleted and displaced, call by call against the clean one.
 * Prints a table, writes bench/out/loss.json, and always ends with 0: it measures.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { makeCaptures } from './captures.ts';
import { compare, Times, type Comparison } from './loss/compare.ts';
import {
  deletePackets,
  displacePackets,
  firstFrames,
  readFrames,
  unchanged,
  writeVariant,
  type Capture,
  type Variant,
} from './loss/frames.ts';
import { callsOf } from './loss/rows.ts';
import { tsharkLoss, tsharkPairs, type TsharkLoss } from './loss/tshark-pairs.ts';
import { measure } from './measure.ts';
import { DNS_CAPTURE, HTTP_CAPTURE, REDIS_CAPTURE } from './places.ts';
import { write, type Result } from './results.ts';
import { SEED as FIRST_SEED } from './traffic/random.ts';

const PASSES = 5;
/** `--seed N` deletes and displaces others; `--no-cpu` and `--no-tshark` leave those out. */
const SEED =
  FIRST_SEED +
  (process.argv.includes('--seed') ? Number(process.argv[process.argv.indexOf('--seed') + 1]) : 0);
const PLACES = 20;
/** tshark gets the beginning of the capture: it takes a quarter of a millisecond a call. */
const TSHARK_FRAMES = 100_000;

interface Damage {
  readonly name: string;
  readonly make: (capture: Capture) => Variant;
  /** Least share of right calls in percent. */
  readonly rightPercent: number;
  /** Packets have other times than in the clean capture. */
  readonly restamped?: boolean;
}

const DAMAGES: readonly Damage[] = [
  { name: '0.5 % deleted', make: (capture) => deletePackets(capture, 0.005, SEED), rightPercent: 98 },
  { name: '2 % deleted', make: (capture) => deletePackets(capture, 0.02, SEED + 1), rightPercent: 93 },
  {
    name: '1 % displaced',
    make: (capture) => displacePackets(capture, 0.01, PLACES, SEED + 2, false),
    rightPercent: 100,
  },
  {
    name: '1 % displaced, restamped',
    make: (capture) => displacePackets(capture, 0.01, PLACES, SEED + 2, true),
    rightPercent: 100,
    restamped: true,
  },
];

/** CPU on a damaged capture against the clean one. */
const CPU_RATIO_MAX = 1.5;

interface Line extends Comparison {
  readonly protocol: string;
  readonly damage: string;
  readonly cpuRatio: number;
  readonly verdict: string;
  readonly tshark: TsharkLoss | undefined;
}

/** What tshark tells of the beginning of the capture, undamaged and damaged. */
class Tshark {
  readonly #protocol: string;
  readonly #capture: Capture;
  readonly #part: string;
  readonly #clean: ReadonlySet<string> | undefined;

  constructor(protocol: string, capture: Capture, part: string) {
    this.#protocol = protocol;
    this.#capture = firstFrames(capture, TSHARK_FRAMES);
    this.#part = part;
    if (!process.argv.includes('--no-tshark')) this.#clean = this.#pairs(unchanged);
  }

  of(damage: Damage): TsharkLoss | undefined {
    if (this.#clean === undefined || damage.restamped === true) return undefined;
    const told = this.#pairs(damage.make);
    return told === undefined ? undefined : tsharkLoss(this.#clean, told);
  }

  #pairs(make: (capture: Capture) => Variant): ReadonlySet<string> | undefined {
    writeVariant(this.#capture, make(this.#capture), this.#part);
    return tsharkPairs(this.#protocol, this.#part);
  }
}

async function lossOf(protocol: string, path: string): Promise<Line[]> {
  const capture = readFrames(path);
  const base = capture.times[0];
  const clean = await callsOf(path, base);
  const lines: Line[] = [];
  const place = mkdtempSync(`${tmpdir()}/eastwest-bench-`);
  const part = `${place}/damaged.pcap`;
  const tshark = new Tshark(protocol, capture, part);
  for (const damage of DAMAGES) {
    const beside = tshark.of(damage);
    const variant = damage.make(capture);
    writeVariant(capture, variant, part);
    const told = await callsOf(part, base);
    const comparison = compare(clean, told, new Times(capture, variant, base));
    // One right after the other, so that both meet the same machine.
    const cpuRatio = process.argv.includes('--no-cpu') ? 0 : cpuRatioOf(part, path);
    const line = {
      ...comparison,
      protocol,
      damage: damage.name,
      cpuRatio,
      verdict: verdictOf(comparison, damage, cpuRatio),
      tshark: beside,
    };
    print(line);
    lines.push(line);
  }
  rmSync(place, { recursive: true });
  return lines;
}

function cpuRatioOf(damaged: string, clean: string): number {
  return measure('records', damaged, PASSES).cpuS / measure('records', clean, PASSES).cpuS;
}

function verdictOf(got: Comparison, damage: Damage, cpuRatio: number): string {
  const short: string[] = [];
  if ((100 * got.right) / got.calls < damage.rightPercent) short.push(`right < ${damage.rightPercent} %`);
  if (got.wrong > 0) short.push('wrong > 0');
  if (got.blamed > 0) short.push('blamed > 0');
  if (cpuRatio > CPU_RATIO_MAX) short.push(`CPU > ${CPU_RATIO_MAX}×`);
  return short.length === 0 ? 'PASS' : `FALLS SHORT: ${short.join(', ')}`;
}

function print(line: Line): void {
  const share = (count: number): string => `${((100 * count) / line.calls).toFixed(2)} %`;
  process.stdout.write(
    `${line.protocol.padEnd(6)}${line.damage.padEnd(26)}${String(line.calls).padStart(7)} calls  ` +
      `right ${share(line.right)} (at best ${share(line.possible)}; inexact ${line.rightInexact}, ` +
      `lost by us ${line.lostByUs}, better ${line.better})  ` +
      `half ${share(line.half)} (cut requests ${line.cutRequests}, open ${line.open})  ` +
      `missing ${share(line.missing)}  wrong ${line.wrong}  blamed ${line.blamed}  stray ${line.stray}  ` +
      `CPU ${line.cpuRatio.toFixed(2)}×  ${line.verdict}\n`,
  );
  if (line.tshark !== undefined) {
    const { pairs, right, other } = line.tshark;
    process.stdout.write(
      `      tshark: right ${((100 * right) / pairs).toFixed(2)} %, ${other} pairs that it does not tell of ` +
        `the clean capture, of ${pairs} at the beginning\n`,
    );
  }
  if (!process.argv.includes('--examples')) return;
  const worst = Object.entries(line.lostOn)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 4);
  for (const [connection, count] of worst) process.stdout.write(`    ${count} lost by us on ${connection}\n`);
  for (const example of line.examples) process.stdout.write(`    ${example}\n`);
}

function resultsOf(line: Line): Result[] {
  const name = `${line.protocol}, ${line.damage}`;
  const share = (what: string, count: number): Result => ({
    name: `${name}: ${what}`,
    value: (100 * count) / line.calls,
    unit: '%',
    against: 'calls of the clean capture',
  });
  const count = (what: string, value: number): Result => ({
    name: `${name}: ${what}`,
    value,
    unit: 'calls',
    against: '',
  });
  const results = [
    share('right', line.right),
    share('right at best', line.possible),
    share('half', line.half),
    share('missing', line.missing),
    count('wrong', line.wrong),
    count('blamed on the application', line.blamed),
    { name: `${name}: CPU`, value: line.cpuRatio, unit: '×', against: 'the clean capture' },
  ];
  if (line.tshark === undefined) return results;
  const value = (100 * line.tshark.right) / line.tshark.pairs;
  return [
    ...results,
    { name: `${name}: right in tshark`, value, unit: '%', against: 'its pairs of the clean capture' },
  ];
}

await makeCaptures();
const captures: readonly [string, string][] = [
  ['http', HTTP_CAPTURE],
  ['redis', REDIS_CAPTURE],
  ['dns', DNS_CAPTURE],
];
const wanted = process.argv.slice(2).filter((arg) => ['http', 'redis', 'dns'].includes(arg));
const lines: Line[] = [];
for (const [protocol, path] of captures) {
  if (existsSync(path) && (wanted.length === 0 || wanted.includes(protocol)))
    lines.push(...(await lossOf(protocol, path)));
}
write('loss', lines.flatMap(resultsOf));

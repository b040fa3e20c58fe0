/** What a bench has found: printed as tables, kept as JSON. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { OUT, ROOT } from './places.ts';

export interface Result {
  /** `capture.what.quantity` */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /**
   * For a ratio: what it is a ratio to; for a floor: the least (or, with `at most`, the largest) value.
   * Else empty.
   */
  readonly against: string;
}

export interface Floor {
  readonly what: string;
  readonly value: number;
  readonly bar: number;
  /** `bar` is the most that is allowed, not the least. */
  readonly atMost?: boolean;
  readonly unit: string;
}

export function holds(floor: Floor): boolean {
  return floor.atMost === true ? floor.value <= floor.bar : floor.value >= floor.bar;
}

export function floorText(floor: Floor): string {
  const bar = `${floor.atMost === true ? '≤' : '≥'} ${short(floor.bar)}`;
  const verdict = holds(floor) ? 'PASS       ' : 'FALLS SHORT';
  return `${verdict}  ${floor.what}: ${short(floor.value)} ${floor.unit} (${bar})`;
}

/** Three digits that count. */
export function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** Lines of cells, the first column to the left, the others to the right. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

/**
 * Writes bench/out/NAME.json; with `--record` also the ratios and shares among them to bench/recorded.json.
 */
export function write(name: string, results: readonly Result[]): void {
  mkdirSync(OUT, { recursive: true });
  writeFileSync(`${OUT}${name}.json`, `${JSON.stringify(results, undefined, 1)}\n`);
  if (!process.argv.includes('--record')) return;
  const path = `${ROOT}bench/recorded.json`;
  const before: Record<string, Result[]> = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Result[]>)
    : {};
  // Absolute figures are of this machine alone.
  before[name] = results.filter(
    (result) => result.unit === '×' || result.unit === '%' || result.unit === 'calls',
  );
  writeFileSync(path, `${JSON.stringify(before, undefined, 1)}\n`);
}

/**
 * What `eastwest up` shows: services, edges, totals and coverage from one plain object, as lines that fit the
 * terminal; redrawn in place there, printed now and then elsewhere. And the last lines of a run.
 */
import { COVERAGE_REASONS, type CoverageReason } from '../record/coverage.ts';
import { escapeTerminal } from '../record/escape.ts';
import { formatBytes, formatCount, formatDuration, formatRate, formatShare } from './format.ts';
import { formatTable, paint, truncate, type Cell, type TableColumn } from './table.ts';

export interface ServiceSummary {
  readonly name: string;
  readonly calls: number;
  /** Calls a second, lately. */
  readonly rate: number;
  /** 0 to 1. */
  readonly errorShare: number;
  readonly p50Ns: number | undefined;
  readonly p99Ns: number | undefined;
}

export interface EdgeSummary {
  readonly client: string;
  readonly server: string;
  readonly protocol: string;
  readonly calls: number;
  readonly rate: number;
  readonly errorShare: number;
  readonly p50Ns: number | undefined;
  readonly p99Ns: number | undefined;
}

export interface Totals {
  readonly calls: number;
  readonly operations: number;
  readonly services: number;
  /** Packets that the kernel or a full queue dropped. */
  readonly dropped: number;
}

export interface CoverageEntry {
  readonly count: number;
  readonly bytes: number;
}

/** By reason; what is missing or 0 did not happen. */
export type CoverageSummary = Readonly<Partial<Record<CoverageReason, CoverageEntry>>>;

export interface LiveSummary {
  readonly elapsedMs: number;
  /** In the order to be shown, largest first. */
  readonly services: readonly ServiceSummary[];
  readonly edges: readonly EdgeSummary[];
  readonly totals: Totals;
  readonly coverage: CoverageSummary;
}

/** Nothing is lost or unread under these reasons: they are told only in the long ledger. */
const HARMLESS: readonly CoverageReason[] = [
  'not-ip',
  'not-transport',
  'copy',
  'duplicate-view',
  'own-traffic',
];
export const NOTHING_LOST = 'complete, nothing lost or unread';
const ERROR_RED = 0.05;
/** Below this a table's figures alone may not fit. */
const NARROW_COLUMNS = 70;

const SERVICE_COLUMNS: readonly TableColumn[] = [
  { title: 'SERVICE', align: 'left', shrinkTo: 8 },
  { title: 'CALLS', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'ERRORS', align: 'right' },
  { title: 'P50', align: 'right' },
  { title: 'P99', align: 'right' },
];
const EDGE_COLUMNS: readonly TableColumn[] = [
  { title: 'CLIENT', align: 'left', shrinkTo: 8 },
  { title: 'SERVER', align: 'left', shrinkTo: 8 },
  { title: 'PROTOCOL', align: 'left' },
  ...SERVICE_COLUMNS.slice(1),
];

/** The last line that programs look for: `N calls, M operations, K services, D dropped`, digits only. */
export function totalsLine(totals: Totals): string {
  const { calls, operations, services, dropped } = totals;
  return `${calls} calls, ${operations} operations, ${services} services, ${dropped} dropped`;
}

/** The summary in at most `columns` × `rows` places. */
export function liveLines(summary: LiveSummary, columns: number, rows: number, color: boolean): string[] {
  const foot = [totalsLine(summary.totals), `coverage: ${coverageShort(summary.coverage)}`];
  // On a narrow terminal lines are cut, and a cut must not lose the end of a colour.
  const painted = color && columns >= NARROW_COLUMNS;
  const head = paint(`eastwest up · ${formatDuration(summary.elapsedMs * 1e6)}`, 'bold', painted);
  // Head, two title lines, three empty lines and the foot stand around the tables; two lines may say "more",
  // and the cursor takes the last.
  const room = Math.max(2, rows - foot.length - 9);
  const serviceRoom = Math.min(
    summary.services.length,
    Math.max(Math.ceil(room / 2), room - summary.edges.length),
  );
  const edgeRoom = Math.max(1, room - serviceRoom);
  const services = summary.services.slice(0, serviceRoom);
  const edges = summary.edges.slice(0, edgeRoom);
  const serviceRows = services.map((one) => [{ text: one.name, color: 'cyan' as const }, ...figures(one)]);
  const lines = [
    head,
    '',
    ...formatTable(SERVICE_COLUMNS, serviceRows, columns, painted),
    ...more(summary.services.length - services.length, 'services', painted),
    '',
    ...edgeTable(edges, columns, painted),
    ...more(summary.edges.length - edges.length, 'edges', painted),
    '',
  ];
  const fitted = painted ? lines : lines.map((line) => truncate(line, columns));
  const kept = fitted.slice(0, Math.max(1, rows - 1 - foot.length));
  return [...kept, ...foot.map((line) => truncate(line, columns))];
}

/** On a narrow terminal the protocol gives its place to the figures. */
function edgeTable(edges: readonly EdgeSummary[], columns: number, color: boolean): string[] {
  const narrow = columns < NARROW_COLUMNS;
  const rows = edges.map((edge) => {
    const names = narrow ? [edge.client, edge.server] : [edge.client, edge.server, edge.protocol];
    return [...names, ...figures(edge)];
  });
  const shown = narrow ? EDGE_COLUMNS.filter((column) => column.title !== 'PROTOCOL') : EDGE_COLUMNS;
  return formatTable(shown, rows, columns, color);
}

function figures(of: ServiceSummary | EdgeSummary): (string | Cell)[] {
  const errors = formatShare(of.errorShare);
  const color = of.errorShare >= ERROR_RED ? 'red' : of.errorShare > 0 ? 'yellow' : 'plain';
  return [
    formatCount(of.calls),
    formatRate(of.rate),
    { text: errors, color },
    formatDuration(of.p50Ns),
    formatDuration(of.p99Ns),
  ];
}

function more(count: number, what: string, color: boolean): string[] {
  return count > 0 ? [paint(`… and ${formatCount(count)} more ${what}`, 'dim', color)] : [];
}

/** The ledger in one line: the reasons that cost something, largest first, or that there are none. */
export function coverageShort(coverage: CoverageSummary): string {
  const happened = entries(coverage).filter(([reason]) => !HARMLESS.includes(reason));
  if (happened.length === 0) return NOTHING_LOST;
  happened.sort((a, b) => b[1].bytes - a[1].bytes || b[1].count - a[1].count);
  return happened.map(([reason, entry]) => `${reason} ${amount(entry)}`).join(', ');
}

/** The whole ledger as a table: every reason, also those that did not happen. */
export function coverageLines(coverage: CoverageSummary, columns: number, color: boolean): string[] {
  const rows = COVERAGE_REASONS.map((reason) => {
    const entry = coverage[reason] ?? { count: 0, bytes: 0 };
    return [reason, formatCount(entry.count), formatBytes(entry.bytes)];
  });
  const ledger: readonly TableColumn[] = [
    { title: 'COVERAGE', align: 'left' },
    { title: 'COUNT', align: 'right' },
    { title: 'BYTES', align: 'right' },
  ];
  return formatTable(ledger, rows, columns, color);
}

function entries(coverage: CoverageSummary): [CoverageReason, CoverageEntry][] {
  return COVERAGE_REASONS.flatMap((reason): [CoverageReason, CoverageEntry][] => {
    const entry = coverage[reason];
    return entry === undefined || (entry.count === 0 && entry.bytes === 0) ? [] : [[reason, entry]];
  });
}

function amount(entry: CoverageEntry): string {
  return entry.bytes > 0
    ? `${formatCount(entry.count)} (${formatBytes(entry.bytes)})`
    : formatCount(entry.count);
}

/** The end of a run: totals, then the ledger, whole when asked for. */
export function endLines(
  totals: Totals,
  coverage: CoverageSummary,
  whole: boolean,
  columns: number,
  color: boolean,
): string[] {
  const ledger = whole ? coverageLines(coverage, columns, color) : [`coverage: ${coverageShort(coverage)}`];
  return [totalsLine(totals), ...ledger];
}

/** One line for a log: `12.0s  340 calls, …; coverage: …; cart 20.0/s 1.5% p99 12.0ms`. */
export function plainLine(summary: LiveSummary): string {
  const busiest = summary.services.slice(0, 3).map((one) => {
    const name = escapeTerminal(one.name);
    const errors = formatShare(one.errorShare);
    return `${name} ${formatRate(one.rate)} errors ${errors} p99 ${formatDuration(one.p99Ns)}`;
  });
  const parts = [`${formatDuration(summary.elapsedMs * 1e6)}  ${totalsLine(summary.totals)}`, ...busiest];
  return `${parts.join('; ')}; coverage: ${coverageShort(summary.coverage)}`;
}

/** Where there is no terminal, a line this often is enough. */
const PLAIN_MS = 10_000;

/** Draws summaries: over the last one on a terminal, as a line each ten seconds elsewhere. */
export class SummaryScreen {
  private readonly target: { write(text: string): unknown };
  private readonly terminal: boolean;
  private readonly color: boolean;
  private readonly size: () => { readonly columns: number; readonly rows: number };
  private linesDrawn = 0;
  private nextPlainMs = PLAIN_MS;

  constructor(
    target: { write(text: string): unknown },
    terminal: boolean,
    color: boolean,
    size: () => { readonly columns: number; readonly rows: number },
  ) {
    this.target = target;
    this.terminal = terminal;
    this.color = color;
    this.size = size;
  }

  draw(summary: LiveSummary): void {
    if (!this.terminal) {
      if (summary.elapsedMs < this.nextPlainMs) return;
      this.nextPlainMs = summary.elapsedMs + PLAIN_MS;
      this.target.write(`${plainLine(summary)}\n`);
      return;
    }
    const { columns, rows } = this.size();
    const lines = liveLines(summary, columns, rows, this.color);
    // Over the last one, each line cleared behind its end and the rest at last: no flicker, and nothing that
    // tmux takes for a cleared screen, which it would keep in its history once a second.
    if (this.linesDrawn === 0) this.target.write(`${lines.join('\n')}\n`);
    else this.target.write(`\u001b[${this.linesDrawn}F${lines.join('\u001b[K\n')}\u001b[K\n\u001b[J`);
    this.linesDrawn = lines.length;
  }

  /** What is written next stands below the last summary. */
  leave(): void {
    this.linesDrawn = 0;
  }
}

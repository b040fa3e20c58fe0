/**
 * A progress line on standard error, redrawn in place: share, bytes, rate, time left. Only on a terminal;
 * the caller gives the clock and calls `update` as often as it likes.
 */
import { escapeTerminal } from '../record/escape.ts';
import { formatBytes, formatDuration, formatShare } from './format.ts';
import { truncate } from './table.ts';

/** Faster than this no one reads, and drawing costs. */
const REDRAW_MS = 100;
/** The rate is smoothed over about this long. */
const SMOOTH_MS = 3000;
const BAR_PLACES = 24;
const CLEAR_LINE = '\r\u001b[2K';

export interface ProgressTarget {
  write(text: string): unknown;
}

export class Progress {
  private readonly target: ProgressTarget;
  private readonly columns: () => number;
  private readonly bytesTotal: number | undefined;
  private lastMs: number | undefined;
  private lastBytes = 0;
  private bytesPerMs: number | undefined;
  private drawn = false;

  /** `bytesTotal` undefined: not known (standard input, a file that grows), and no time left is told. */
  constructor(target: ProgressTarget, columns: () => number, bytesTotal: number | undefined) {
    this.target = target;
    this.columns = columns;
    this.bytesTotal = bytesTotal;
  }

  /** `label` names what is read now; it is escaped. */
  update(nowMs: number, bytes: number, label: string): void {
    if (this.lastMs === undefined) {
      this.lastMs = nowMs;
      this.lastBytes = bytes;
    }
    const passedMs = nowMs - this.lastMs;
    if (this.drawn && passedMs < REDRAW_MS) return;
    if (passedMs > 0) {
      const now = (bytes - this.lastBytes) / passedMs;
      const part = this.bytesPerMs === undefined ? 1 : 1 - Math.exp(-passedMs / SMOOTH_MS);
      this.bytesPerMs = (this.bytesPerMs ?? 0) * (1 - part) + now * part;
      this.lastMs = nowMs;
      this.lastBytes = bytes;
    }
    const line = progressLine(bytes, this.bytesTotal, this.bytesPerMs, label);
    // The last place stays free: some terminals wrap when it is written.
    this.target.write(CLEAR_LINE + truncate(line, Math.max(10, this.columns() - 1)));
    this.drawn = true;
  }

  /** Takes the line away, before anything else is printed or at the end. */
  clear(): void {
    if (this.drawn) this.target.write(CLEAR_LINE);
    this.drawn = false;
  }
}

/** `[██████      ] 50%  512 MiB of 1.00 GiB  320 MiB/s  1.60s left  capture.pcap`. */
export function progressLine(
  bytes: number,
  bytesTotal: number | undefined,
  bytesPerMs: number | undefined,
  label: string,
): string {
  const rate = bytesPerMs === undefined ? '' : `  ${formatBytes(bytesPerMs * 1000)}/s`;
  const name = escapeTerminal(label);
  if (bytesTotal === undefined || bytesTotal <= 0) return `${formatBytes(bytes)}${rate}  ${name}`;
  const share = Math.min(1, bytes / bytesTotal);
  const full = Math.floor(share * BAR_PLACES);
  const bar = `[${'█'.repeat(full)}${' '.repeat(BAR_PLACES - full)}]`;
  const left =
    bytesPerMs === undefined || bytesPerMs <= 0 || bytes >= bytesTotal
      ? ''
      : `  ${formatDuration(((bytesTotal - bytes) / bytesPerMs) * 1e6)} left`;
  const amount = `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`;
  return `${bar} ${formatShare(share)}  ${amount}${rate}${left}  ${name}`;
}

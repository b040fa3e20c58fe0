/**
 * Rows of calls on standard output, as lines for people, JSON lines or CSV; waits when the reader is slow.
 */
import { once } from 'node:events';
import { CSV_HEADER, csvLine } from '../record/csv.ts';
import { escapeTerminal, jsonLine } from '../record/escape.ts';
import type { CallRow } from '../record/row.ts';
import { formatDuration } from './format.ts';
import { displayWidth, paint, truncate, type CellColor } from './table.ts';

export type RowFormat = 'table' | 'json' | 'csv';

export interface RowTarget {
  readonly stdout: NodeJS.WritableStream;
  readonly color: boolean;
  /** Places of a line; lines of the table are cut there. */
  readonly columns: () => number;
}

interface LineColumn {
  readonly title: string;
  readonly width: number;
  readonly right?: boolean;
  readonly text: (row: CallRow) => string;
  readonly color?: (row: CallRow) => CellColor;
}

const LINE_COLUMNS: readonly LineColumn[] = [
  { title: 'TIME', width: 15, text: (row) => row.start.slice(11, 26) },
  { title: 'CLIENT', width: 20, text: (row) => row.client_service },
  { title: 'SERVER', width: 20, text: (row) => row.server_service },
  { title: 'PROTOCOL', width: 8, text: (row) => row.protocol },
  { title: 'STATUS', width: 8, text: (row) => row.status, color: statusColor },
  { title: 'TOOK', width: 8, right: true, text: took },
];
/** What is left of the line goes to method and target. */
const CALL_TITLE = 'CALL';
const GAP = '  ';
/** Text is gathered up to this before it is written. */
const WRITE_CHARACTERS = 65_536;

export class RowOutput {
  readonly #target: RowTarget;
  readonly #format: RowFormat;
  #text = '';
  #begun = false;
  /** Rows written. */
  rows = 0;

  constructor(target: RowTarget, format: RowFormat) {
    this.#target = target;
    this.#format = format;
  }

  /** Puts one row; `flush` writes it at the latest. */
  async put(row: CallRow): Promise<void> {
    if (!this.#begun) this.begin();
    this.rows++;
    if (this.#format === 'json') this.#text += `${jsonLine(row)}\n`;
    else if (this.#format === 'csv') this.#text += csvLine(row);
    else this.#text += `${this.#line(row)}\n`;
    if (this.#text.length >= WRITE_CHARACTERS) await this.flush();
  }

  /** The title line, where the format has one; also for no rows at all. */
  begin(): void {
    this.#begun = true;
    if (this.#format === 'csv') this.#text += CSV_HEADER;
    if (this.#format === 'table') this.#text += `${this.#titles()}\n`;
  }

  async flush(): Promise<void> {
    const { stdout } = this.#target;
    const text = this.#text;
    this.#text = '';
    if (text === '' || stdout.write(text)) return;
    // A reader that went away raises an error, which ends the process (main.ts).
    await once(stdout, 'drain');
  }

  #titles(): string {
    const titles = LINE_COLUMNS.map((column) => pad(column.title, column.width, column.right === true));
    return paint([...titles, CALL_TITLE].join(GAP), 'dim', this.#target.color);
  }

  #line(row: CallRow): string {
    const { color, columns } = this.#target;
    const cells = LINE_COLUMNS.map((column) => {
      const text = pad(
        truncate(escapeTerminal(column.text(row)), column.width),
        column.width,
        column.right === true,
      );
      return paint(text, column.color?.(row) ?? 'plain', color);
    });
    const used = LINE_COLUMNS.reduce((sum, column) => sum + column.width + GAP.length, 0);
    const call = escapeTerminal(callText(row));
    return [...cells, truncate(call, Math.max(20, columns() - used))].join(GAP);
  }
}

/** `GET shop:8080/cart/7`, and what is not certain about it. */
function callText(row: CallRow): string {
  const host = row.protocol === 'http' && row.host !== '' && row.target.startsWith('/') ? row.host : '';
  const parts = [row.method, `${host}${row.target}`.trim(), row.outcome === 'ok' ? '' : `(${row.outcome})`];
  // That bodies are not read is the rule, not a doubt.
  const flags = row.flags.filter((flag) => flag !== 'body skipped');
  if (flags.length > 0) parts.push(`[${flags.join(', ')}]`);
  return parts.filter((part) => part !== '').join(' ');
}

function took(row: CallRow): string {
  return row.end === '0' ? '' : formatDuration(Number(row.end));
}

function statusColor(row: CallRow): CellColor {
  if (row.outcome === 'ok' || row.outcome === 'one-way') return 'green';
  return row.outcome === 'client error' || row.outcome === 'open' || row.outcome === 'unknown'
    ? 'yellow'
    : 'red';
}

function pad(text: string, width: number, right: boolean): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return right ? spaces + text : text + spaces;
}

/**
 * Tables for a terminal: aligned columns without borders, fitted to a width by shortening texts, wide
 * characters counted as two. Every cell is escaped here, so that no name from the wire can move the cursor.
 */
import textWidth from 'fast-string-truncated-width';
import { escapeTerminal } from '../record/escape.ts';

export type CellColor = 'plain' | 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

export interface Cell {
  readonly text: string;
  readonly color: CellColor;
}

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** May be shortened, down to this many places, when the table is too wide. Else it keeps its width. */
  readonly shrinkTo?: number;
}

const GAP = '  ';
const ELLIPSIS = '…';
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
const SGR: Readonly<Record<CellColor, number>> = {
  plain: 0,
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};

/** Lines of a table: title line first, each at most `width` places (unless nothing can be shortened). */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly (string | Cell)[])[],
  width: number,
  color: boolean,
): string[] {
  const cells = rows.map((row) => row.map((cell): Cell => toCell(cell)));
  const titles = columns.map((column): Cell => ({ text: column.title, color: 'dim' }));
  const widths = fitWidths(columns, [titles, ...cells], width);
  return [titles, ...cells].map((row) => formatRow(columns, row, widths, color));
}

function toCell(cell: string | Cell): Cell {
  if (typeof cell === 'string') return { text: escapeTerminal(cell), color: 'plain' };
  return { text: escapeTerminal(cell.text), color: cell.color };
}

function fitWidths(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  width: number,
): number[] {
  const widths = columns.map((_, index) => {
    let widest = 0;
    for (const row of rows) widest = Math.max(widest, displayWidth(row[index]?.text ?? ''));
    return widest;
  });
  let excess = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1) - width;
  // The widest gives first, a place at a time: columns end alike rather than one being eaten.
  while (excess > 0) {
    let widest = -1;
    for (let index = 0; index < columns.length; index++) {
      const least = columns[index].shrinkTo;
      if (least === undefined || widths[index] <= least) continue;
      if (widest < 0 || widths[index] > widths[widest]) widest = index;
    }
    if (widest < 0) break;
    widths[widest]--;
    excess--;
  }
  return widths;
}

function formatRow(
  columns: readonly TableColumn[],
  row: readonly Cell[],
  widths: readonly number[],
  color: boolean,
): string {
  let line = '';
  for (let index = 0; index < columns.length; index++) {
    const cell = row[index] ?? { text: '', color: 'plain' };
    const text = truncate(cell.text, widths[index]);
    const space = ' '.repeat(Math.max(0, widths[index] - displayWidth(text)));
    const painted = paint(text, cell.color, color);
    if (index > 0) line += GAP;
    line += columns[index].align === 'right' ? space + painted : painted + space;
  }
  return line.trimEnd();
}

/** Colours a text that is already harmless. */
export function paint(text: string, color: CellColor, enabled: boolean): string {
  return !enabled || color === 'plain' || text === '' ? text : `\u001b[${SGR[color]}m${text}\u001b[0m`;
}

/** Places that a text takes on a terminal. */
export function displayWidth(text: string): number {
  return textWidth(text).width;
}

/** The text, or its beginning with `…`, in at most `width` places. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return '';
  // The library can say where to cut, too, but counts too little before it (3.0.3, after `█`).
  let kept = '';
  let places = 1;
  for (const { segment } of GRAPHEMES.segment(text)) {
    places += displayWidth(segment);
    if (places > width) break;
    kept += segment;
  }
  return kept + ELLIPSIS;
}

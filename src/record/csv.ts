/**
 * Calls as CSV (https://www.rfc-editor.org/rfc/rfc4180): CR LF after each line, cells quoted when they need
 * it. Text from the wire is escaped as for a terminal, so a cell is one line; and a cell that a spreadsheet
 * would take for a formula gets an apostrophe before it (OWASP, CSV Injection).
 */
import { escapeTerminal } from './escape.ts';
import type { CallRow } from './row.ts';

/** All of CallRow, in its order. True: text that the wire, DNS or a configuration can choose. */
const COLUMNS: Readonly<Record<keyof CallRow, boolean>> = {
  call: false,
  connection: false,
  worker: false,
  run: false,
  sequence: false,
  stream: false,
  start: false,
  request_end: false,
  first_byte: false,
  end: false,
  client_endpoint: false,
  server_endpoint: false,
  server_port: false,
  sensor: true,
  vantage: false,
  protocol: false,
  method: true,
  operation: true,
  target: true,
  host: true,
  status: true,
  outcome: false,
  request_bytes: false,
  response_bytes: false,
  retransmits: false,
  trace_id: false,
  span_id: false,
  parent_span_id: false,
  fingerprints: false,
  principal: false,
  weight: false,
  flags: false,
  client_address: true,
  client_port: false,
  server_address: true,
  client_service: true,
  server_service: true,
};
const NAMES = Object.keys(COLUMNS) as (keyof CallRow)[];

/** Lists are one cell. */
const LIST_SEPARATOR = ';';
/** The full-width forms are formulas in some locales. */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;
const QUOTED = /[",\r\n]/;

export const CSV_HEADER = `${NAMES.join(',')}\r\n`;

/** One line, CR LF included. */
export function csvLine(row: CallRow): string {
  let line = '';
  for (let column = 0; column < NAMES.length; column++) {
    const name = NAMES[column];
    const value = row[name];
    const text = Array.isArray(value) ? value.join(LIST_SEPARATOR) : String(value);
    line += `${column === 0 ? '' : ','}${quoteCsv(COLUMNS[name] ? guardCsv(text) : text)}`;
  }
  return `${line}\r\n`;
}

/** Text from the wire as one visible line that no spreadsheet takes for a formula. */
export function guardCsv(text: string): string {
  const shown = escapeTerminal(text);
  return FORMULA.test(text) || FORMULA.test(shown) ? `'${shown}` : shown;
}

/** A cell, in quotes when it holds a quote, a comma or a line break. */
export function quoteCsv(cell: string): string {
  return QUOTED.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

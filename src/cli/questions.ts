/** The short questions of `observe` (`--client`, `--status` …) and `--filter`, as one predicate on rows. */
import { nearest } from '../base/nearest.ts';
import { parseFilter } from '../filter/check.ts';
import { compilePredicate, type Predicate } from '../filter/predicate.ts';
import { formatProblem } from '../filter/types.ts';
import { PROTOCOLS } from '../wire/protocols/index.ts';
import { CliError, EXIT_USAGE } from './exit.ts';
import type { OptionKey } from './options.ts';

const PROTOCOL_NAMES = [...new Set(PROTOCOLS.map((protocol) => protocol.name))];

type Test = (row: Readonly<Record<string, unknown>>, value: string) => boolean;

const isClient: Test = (row, value) => row.client_service === value || row.client_address === value;
const isServer: Test = (row, value) => row.server_service === value || row.server_address === value;

const TESTS: readonly (readonly [OptionKey, Test])[] = [
  ['client', isClient],
  ['server', isServer],
  ['service', (row, value) => isClient(row, value) || isServer(row, value)],
  ['operation', (row, value) => typeof row.operation === 'string' && row.operation.includes(value)],
  ['status', (row, value) => typeof row.status === 'string' && hasStatus(row.status, value)],
  ['protocol', (row, value) => row.protocol === value],
];

/** `404`, `NXDOMAIN`, or a class: `5xx`. */
function hasStatus(status: string, wanted: string): boolean {
  if (/^[1-9]xx$/i.test(wanted)) return status.length === 3 && status[0] === wanted[0];
  return status.toLowerCase() === wanted.toLowerCase();
}

/** All questions together; several values of one are alternatives. Undefined when nothing was asked. */
export function rowPredicate(asked: ReadonlyMap<OptionKey, unknown>): Predicate | undefined {
  const parts: Predicate[] = [];
  for (const [key, test] of TESTS) {
    const values = asked.get(key);
    if (!Array.isArray(values) || values.length === 0) continue;
    const wanted = values.map(String);
    for (const value of wanted) checkValue(key, value);
    parts.push((row) => wanted.some((value) => test(row as Readonly<Record<string, unknown>>, value)));
  }
  const filter = asked.get('filter');
  if (typeof filter === 'string') parts.push(filterPredicate(filter));
  if (parts.length === 0) return undefined;
  return (row) => parts.every((part) => part(row));
}

/** What can match nothing is a slip, and better said than answered with silence. */
function checkValue(key: OptionKey, value: string): void {
  if (value === '') throw new CliError(EXIT_USAGE, `--${key}: is empty; give a value or leave it out`);
  if (key !== 'protocol' || PROTOCOL_NAMES.includes(value)) return;
  const meant = nearest(value, PROTOCOL_NAMES);
  const advice = meant === undefined ? `known are ${PROTOCOL_NAMES.join(', ')}` : `did you mean ${meant}?`;
  throw new CliError(EXIT_USAGE, `--protocol: there is no ${JSON.stringify(value)}; ${advice}`);
}

function filterPredicate(expression: string): Predicate {
  const parsed = parseFilter(expression);
  if (parsed.ok) return compilePredicate(parsed.value);
  throw new CliError(EXIT_USAGE, `--filter: ${formatProblem(parsed.error)}`);
}

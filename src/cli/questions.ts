/** The short questions of `observe` (`--client`, `--status` …) and `--filter`, as one predicate on rows. */
import { parseFilter } from '../filter/check.ts';
import { compilePredicate, type Predicate } from '../filter/predicate.ts';
import { formatProblem } from '../filter/types.ts';
import { CliError, EXIT_USAGE } from './exit.ts';
import type { OptionKey } from './options.ts';

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
    parts.push((row) => wanted.some((value) => test(row as Readonly<Record<string, unknown>>, value)));
  }
  const filter = asked.get('filter');
  if (typeof filter === 'string') parts.push(filterPredicate(filter));
  if (parts.length === 0) return undefined;
  return (row) => parts.every((part) => part(row));
}

function filterPredicate(expression: string): Predicate {
  const parsed = parseFilter(expression);
  if (parsed.ok) return compilePredicate(parsed.value);
  throw new CliError(EXIT_USAGE, `--filter: ${formatProblem(parsed.error)}`);
}

/** A row as the fields of a golden's `=` line. */
import type { CallRow } from '../../src/record/row.ts';
import type { Golden } from './goldens.ts';

export type Fields = Record<string, string>;

export function fieldsOf(call: CallRow): Fields {
  return {
    method: call.method || '-',
    target: call.target || '-',
    status: call.status || '-',
    outcome: call.outcome.replaceAll(' ', '-'),
    up: call.request_bytes,
    down: call.response_bytes,
    host: call.host || '-',
    operation: call.operation || '-',
    flags: call.flags.map((name) => name.replaceAll(' ', '-')).join(',') || '-',
    trace: call.trace_id || '-',
    fingerprints: String(call.fingerprints.length),
  };
}

/** The keys of a golden that a row shows; the others are of the protocol alone. */
const SHOWN = new Set([
  'method',
  'target',
  'status',
  'outcome',
  'up',
  'down',
  'host',
  'flags',
  'trace',
  'fingerprints',
]);

/** The golden with those keys only that a row shows. */
export function shownKeys(golden: Golden): Golden {
  const calls = golden.calls.map(({ fields }) => ({ fields: fields.filter(([name]) => SHOWN.has(name)) }));
  return { ...golden, calls };
}

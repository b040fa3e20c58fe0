/**
 * The same question to tshark: which pairs it tells of a damaged capture, of those that it tells of the
 * clean one.
 */
import { spawnSync } from 'node:child_process';
import { findTool } from '../processes.ts';

export interface TsharkLoss {
  readonly pairs: number;
  readonly right: number;
  /**
   * Pairs that it does not tell of the clean capture; some are the same messages, known by another packet.
   */
  readonly other: number;
}

/** By protocol: the filter of answers, and the field with the number of the request's frame. */
const ANSWERS: Readonly<Record<string, { readonly filter: string; readonly request: string }>> = {
  http: { filter: 'http', request: 'http.request_in' },
  dns: { filter: 'dns', request: 'dns.response_to' },
};
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Pairs as the times of their frames; undefined when tshark is not here or does not pair the protocol. */
export function tsharkPairs(protocol: string, path: string): ReadonlySet<string> | undefined {
  const program = findTool('tshark');
  const answers = ANSWERS[protocol];
  if (program === undefined || answers === undefined) return undefined;
  const fields = ['frame.number', 'frame.time_epoch', answers.request].flatMap((field) => ['-e', field]);
  const args = ['-n', '-r', path, '-Y', answers.filter, '-T', 'fields', ...fields];
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX });
  if (done.status !== 0) throw new Error(`tshark ended with ${String(done.status)}: ${done.stderr}`);
  const times = new Map<string, string>();
  const pairs = new Set<string>();
  for (const line of done.stdout.split('\n')) {
    const [frame, time, requests] = line.split('\t');
    if (time === undefined) continue;
    times.set(frame, time);
    for (const request of (requests ?? '').split(',')) {
      if (request !== '') pairs.add(`${times.get(request) ?? `?${request}`} ${time}`);
    }
  }
  return pairs;
}

export function tsharkLoss(clean: ReadonlySet<string>, told: ReadonlySet<string>): TsharkLoss {
  let right = 0;
  for (const pair of told) if (clean.has(pair)) right++;
  return { pairs: clean.size, right, other: told.size - right };
}

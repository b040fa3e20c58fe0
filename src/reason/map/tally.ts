/** Calls added up: counts as record/aggregate has them, and latencies in the buckets of record/latency. */
import {
  AGGREGATE_COUNTS,
  COUNT_CALLS,
  COUNT_CLIENT_ERRORS,
  COUNT_ERRORS,
  COUNT_UNKNOWN,
  type AggregateRows,
} from '../../record/aggregate.ts';
import { LATENCY_BUCKETS, latencyQuantile } from '../../record/latency.ts';

export class Tally {
  readonly counts = new Float64Array(AGGREGATE_COUNTS);
  readonly latencies = new Uint32Array(LATENCY_BUCKETS);

  addRow(rows: AggregateRows, row: number): void {
    const at = row * AGGREGATE_COUNTS;
    for (let k = 0; k < AGGREGATE_COUNTS; k++) this.counts[k] += rows.counts[at + k];
    const from = row * LATENCY_BUCKETS;
    for (let k = 0; k < LATENCY_BUCKETS; k++) this.latencies[k] += rows.latencies[from + k];
  }

  add(other: Tally): void {
    for (let k = 0; k < AGGREGATE_COUNTS; k++) this.counts[k] += other.counts[k];
    for (let k = 0; k < LATENCY_BUCKETS; k++) this.latencies[k] += other.latencies[k];
  }

  get calls(): number {
    return this.counts[COUNT_CALLS];
  }

  /** Server errors, resets, timeouts, unanswered. */
  get errors(): number {
    return this.counts[COUNT_ERRORS];
  }

  get clientErrors(): number {
    return this.counts[COUNT_CLIENT_ERRORS];
  }

  /** Unknown (our loss) and open ones: neither good nor bad. */
  get unknown(): number {
    return this.counts[COUNT_UNKNOWN];
  }

  /** 0 to 1, of the calls whose end is known. */
  get errorShare(): number {
    const known = this.calls - this.unknown;
    return known > 0 ? this.errors / known : 0;
  }

  /** In nanoseconds; undefined where no answer was timed. */
  quantile(q: number): number | undefined {
    return latencyQuantile(this.latencies, 0, q);
  }
}

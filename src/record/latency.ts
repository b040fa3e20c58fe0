/**
 * Latencies in buckets that can be added up: four to an octave from 1 µs to about 17 minutes, so that a
 * quantile is within 12 % of the true one. Bucket 0 holds what took less than 1 µs.
 */
export const LATENCY_BUCKETS = 124;
const US = 1000;

/** The bucket of a duration in nanoseconds. */
export function latencyBucket(ns: number): number {
  const us = ns >= 0x7fffffff * US ? 0x7fffffff : (ns / US) | 0;
  if (us < 1) return 0;
  const octave = 31 - Math.clz32(us);
  const quarter = octave < 2 ? (us << (2 - octave)) & 3 : (us >> (octave - 2)) & 3;
  return Math.min(1 + octave * 4 + quarter, LATENCY_BUCKETS - 1);
}

/** The middle of a bucket in nanoseconds. */
export function latencyOf(bucket: number): number {
  if (bucket <= 0) return US / 2;
  const octave = (bucket - 1) >> 2;
  const quarter = (bucket - 1) & 3;
  return 2 ** octave * (1 + (quarter + 0.5) / 4) * US;
}

/**
 * The quantile `q` (0 … 1) in nanoseconds of the buckets at [offset, offset + LATENCY_BUCKETS); undefined
 * where nothing was counted.
 */
export function latencyQuantile(buckets: ArrayLike<number>, offset: number, q: number): number | undefined {
  let total = 0;
  for (let k = 0; k < LATENCY_BUCKETS; k++) total += buckets[offset + k];
  if (total === 0) return undefined;
  let rest = Math.max(1, Math.ceil(total * q));
  for (let k = 0; k < LATENCY_BUCKETS; k++) {
    rest -= buckets[offset + k];
    if (rest <= 0) return latencyOf(k);
  }
  return latencyOf(LATENCY_BUCKETS - 1);
}

/**
 * Times as 64-bit nanoseconds in two words, without BigInt (which allocates) and without the rounding of a
 * double (which has 53 bits; nanoseconds since 1970 have 61). Seconds are unsigned 32-bit: until 2106.
 */

const WORD = 4294967296;
const HALF = 65536;
const NANOS_PER_SECOND = 1e9;
/** Fewer seconds and their nanoseconds fit one word. */
const SECONDS_IN_WORD = 4;

/** Writes seconds × 10⁹ + nanos as (low, high) at `words[at]`; 0 ≤ seconds < 2³², 0 ≤ nanos < 10⁹. */
export function putNanos(words: Int32Array, at: number, seconds: number, nanos: number): void {
  if (seconds < SECONDS_IN_WORD) {
    // Most are durations.
    words[at] = (seconds * NANOS_PER_SECOND + nanos) | 0;
    words[at + 1] = 0;
    return;
  }
  // Both products stay below 2⁴⁶: exact in a double. Its low 16 bits come of the integer product, since `%`
  // of
  // doubles is a call of C: 7 of 10 ns.
  const high = NANOS_PER_SECOND * (seconds >>> 16);
  const highLow = Math.imul(NANOS_PER_SECOND, seconds >>> 16) & 0xffff;
  const low = highLow * HALF + NANOS_PER_SECOND * (seconds & 0xffff) + nanos;
  words[at] = low | 0;
  words[at + 1] = Math.floor(high / HALF) + Math.floor(low / WORD);
}

/** Writes the time from one moment to a later one; 0 when the later is unset (0, 0) or before the first. */
export function putDuration(
  words: Int32Array,
  at: number,
  seconds: number,
  nanos: number,
  laterSeconds: number,
  laterNanos: number,
): void {
  let whole = laterSeconds - seconds;
  let part = laterNanos - nanos;
  if (part < 0) {
    part += NANOS_PER_SECOND;
    whole -= 1;
  }
  if (whole < 0 || (laterSeconds === 0 && laterNanos === 0)) {
    words[at] = 0;
    words[at + 1] = 0;
    return;
  }
  putNanos(words, at, whole, part);
}

/** Writes a whole number below 2⁵³ as (low, high). */
export function putCount(words: Int32Array, at: number, count: number): void {
  words[at] = count | 0;
  words[at + 1] = (count / WORD) | 0;
}

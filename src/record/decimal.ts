/**
 * 64-bit numbers of two words as text for people: decimal, and nanoseconds since 1970 as RFC 3339 in UTC
 * (https://www.rfc-editor.org/rfc/rfc3339). Doubles hold neither exactly; BigInt is slow for every cell.
 */

const WORD = 4294967296;
const HALF = 65536;
const BILLION = 1e9;
/** Below this high word, the whole number is below 2⁵³. */
const EXACT_HIGH = 0x20_0000;

/** An unsigned 64-bit number in decimal. */
export function decimal(low: number, high: number): string {
  const top = high >>> 0;
  if (top < EXACT_HIGH) return String(top * WORD + (low >>> 0));
  const part = billionths(low, high);
  return String(billions(low, high)) + String(part).padStart(9, '0');
}

/** Signed nanoseconds since 1970 as `2026-01-02T03:04:05.000000678Z`. */
export function timestamp(low: number, high: number): string {
  if (high < 0) return timestampBefore1970(low, high);
  return instant(billions(low, high), billionths(low, high));
}

/** Signed nanoseconds since 1970, rounded to the milliseconds that a double holds. */
export function milliseconds(low: number, high: number): number {
  return ((high | 0) * WORD + (low >>> 0)) / 1e6;
}

function timestampBefore1970(low: number, high: number): string {
  const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
  const rest = ((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return instant(Number((value - rest) / 1_000_000_000n), Number(rest));
}

function instant(seconds: number, nanos: number): string {
  // 2⁶³ ns are 292 years: within what Date can say.
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`;
}

/** The number divided by 10⁹, long division by 16 bits at a time: no step exceeds 2⁵³. */
function billions(low: number, high: number): number {
  const first = high >>> 0;
  const second = (first % BILLION) * HALF + (low >>> 16);
  const third = (second % BILLION) * HALF + (low & 0xffff);
  return (
    Math.floor(first / BILLION) * WORD + Math.floor(second / BILLION) * HALF + Math.floor(third / BILLION)
  );
}

/** The number modulo 10⁹. */
function billionths(low: number, high: number): number {
  const second = ((high >>> 0) % BILLION) * HALF + (low >>> 16);
  return ((second % BILLION) * HALF + (low & 0xffff)) % BILLION;
}

/**
 * Whole numbers without loss, durations and timestamps. A row has them as numbers, BigInt or decimal text
 * (64-bit values in JSON); a filter compares them exactly, also beyond 2⁵³.
 */

export const INT_MIN = -(2n ** 63n);
export const INT_MAX = 2n ** 63n - 1n;
export const UINT_MAX = 2n ** 64n - 1n;

const DECIMAL = /^-?[0-9]{1,20}$/;
/** Up to 18 digits: whatever they are, they fit into 64 bits, here and in ClickHouse. */
export const INTEGER_TEXT = /^[+-]?[0-9]{1,18}$/;

/** The one form of a whole number: a plain number where that is exact. */
export function integer(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** What a row has as a whole number, or undefined. */
export function readInteger(value: unknown): number | bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
  if (typeof value === 'bigint') return integer(value);
  if (typeof value === 'string' && DECIMAL.test(value)) return integer(BigInt(value));
  return undefined;
}

/** `[+-]?[0-9]+` as CEL's int(string), up to 18 digits. */
export function parseInteger(text: string): number | bigint | undefined {
  if (!INTEGER_TEXT.test(text)) return undefined;
  return integer(BigInt(text.startsWith('+') ? text.slice(1) : text));
}

const NANOS: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  ns: 1n,
};
const DURATION = /^([+-]?)((?:[0-9]{1,15}(?:\.[0-9]{1,9})?(?:h|ms|us|µs|ns|m|s))+|0)$/;
const DURATION_PART = /([0-9]+)(?:\.([0-9]+))?(h|ms|us|µs|ns|m|s)/g;

/** Nanoseconds of `1h30m`, `250ms`, `-1.5s`: Go's syntax, as CEL has it; parts of a nanosecond are cut. */
export function parseDuration(text: string): number | bigint | undefined {
  const whole = DURATION.exec(text);
  if (whole === null) return undefined;
  let nanos = 0n;
  for (const part of whole[2].matchAll(DURATION_PART)) {
    const unit = NANOS[part[3]];
    nanos += BigInt(part[1]) * unit;
    const fraction = part[2];
    if (fraction !== undefined) nanos += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  }
  if (whole[1] === '-') nanos = -nanos;
  return nanos >= INT_MIN && nanos <= INT_MAX ? integer(nanos) : undefined;
}

const DATE = '([0-9]{4})-([0-9]{2})-([0-9]{2})';
const TIME = '([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\\.([0-9]{1,9}))?';
const ZONE = '(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))';
const TIMESTAMP = new RegExp(`^${DATE}[Tt]${TIME}${ZONE}$`);

/** Nanoseconds since 1970 of an RFC 3339 time, 1970 to 2261: what DateTime64(9) holds of it. */
export function parseTimestamp(text: string): number | bigint | undefined {
  const part = TIMESTAMP.exec(text);
  if (part === null) return undefined;
  const [year, month, day, hour, minute, second] = part.slice(1, 7).map(Number);
  if (year < 1970 || year > 2261 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) {
    return undefined;
  }
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (date.getUTCDate() !== day) return undefined;
  const offsetMinutes = part[8] === undefined ? 0 : Number(part[9]) * 60 + Number(part[10]);
  const seconds = date.getTime() / 1000 - (part[8] === '-' ? -offsetMinutes : offsetMinutes) * 60;
  if (seconds < 0) return undefined;
  return integer(BigInt(seconds) * 1_000_000_000n + BigInt((part[7] ?? '').padEnd(9, '0')));
}

/** A moment of a row: nanoseconds since 1970, or its RFC 3339 text. */
export function readTimestamp(value: unknown): number | bigint | undefined {
  const nanos = readInteger(value);
  if (nanos !== undefined) return nanos;
  return typeof value === 'string' ? parseTimestamp(value) : undefined;
}

/** -1, 0 or 1; undefined when one is NaN. Number against BigInt is exact in JavaScript. */
export function compareNumbers(a: number | bigint, b: number | bigint): number | undefined {
  if (a < b) return -1;
  if (a > b) return 1;
  return a >= b ? 0 : undefined;
}

/**
 * Texts by code point, as CEL and as ClickHouse (which compares UTF-8 bytes: the same order). JavaScript's
 * own `<` goes by UTF-16 units, which puts U+10000 before U+FFFF.
 */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Units in the order of the code points they begin or end: surrogates behind all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Characters of a text as CEL counts them: code points. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const before = text.charCodeAt(at - 1);
    if (unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff) count--;
  }
  return count;
}

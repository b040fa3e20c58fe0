/**
 * The time stamps of one pcapng interface: a 64-bit count of ticks, with if_tsresol and if_tsoffset
 * (draft-ietf-opsawg-pcapng, section 4.2), as seconds and nanoseconds. Counts of nanoseconds do not fit a
 * double, so the division is done by hand, 16 bits at a time; BigInt would allocate for every frame.
 */
const MICROSECONDS = 6;
/** Divisors above it would overflow the 53 bits of a double together with 16 more. */
const TICKS_BITS_MAX = 30;
const TICKS_DIGITS_MAX = 9;
const TWO_32 = 2 ** 32;
/** Below it the pair is exact as one double, and so is what a rounded quotient gives back. */
const HIGH_EXACT = 2 ** 20;
/** Above it 16 bits more than a remainder would not be exact. */
const DIVISOR_MAX = 2 ** 36;

export class PcapngClock {
  /** What the count is divided by before there are at most 10^9 (or 2^30) ticks a second. */
  readonly #scale: number;
  readonly #ticks: number;
  readonly #nanosPerTick: number;
  readonly #offsetS: number;
  #high = 0;
  #low = 0;
  #rest = 0;

  seconds = 0;
  nanos = 0;

  /** `resolution` as in if_tsresol: 10^-n, or with the top bit set 2^-n. */
  constructor(resolution: number = MICROSECONDS, offsetS = 0) {
    const digits = resolution & 127;
    const most = resolution > 127 ? TICKS_BITS_MAX : TICKS_DIGITS_MAX;
    const base = resolution > 127 ? 2 : 10;
    this.#ticks = base ** Math.min(digits, most);
    this.#scale = base ** Math.max(0, digits - most);
    this.#nanosPerTick = 1e9 / this.#ticks;
    this.#offsetS = offsetS;
  }

  set(high: number, low: number): void {
    this.#high = high;
    this.#low = low;
    if (this.#scale > 1) this.#divide(this.#scale);
    this.#divide(this.#ticks);
    this.seconds = this.#high * TWO_32 + this.#low + this.#offsetS;
    this.nanos = Math.floor(this.#rest * this.#nanosPerTick);
  }

  /**
   * Divides the pair. The quotient of doubles may be one too large, which the remainder, always exact, tells:
   * `%` on doubles costs ten times as much.
   */
  #divide(divisor: number): void {
    if (divisor > DIVISOR_MAX) {
      this.#tiny(divisor);
      return;
    }
    if (this.#high < HIGH_EXACT) {
      const whole = this.#high * TWO_32 + this.#low;
      const quotient = this.#quotient(whole, divisor);
      this.#high = Math.floor(quotient / TWO_32);
      this.#low = quotient - this.#high * TWO_32;
      return;
    }
    const high = this.#quotient(this.#high, divisor);
    const upper = this.#quotient(this.#rest * 65_536 + (this.#low >>> 16), divisor);
    const lower = this.#quotient(this.#rest * 65_536 + (this.#low & 0xffff), divisor);
    this.#high = high;
    this.#low = upper * 65_536 + lower;
  }

  /** Quotient of two whole numbers; leaves the remainder in `#rest`. */
  #quotient(dividend: number, divisor: number): number {
    const quotient = Math.floor(dividend / divisor);
    const rest = dividend - quotient * divisor;
    if (rest >= 0) {
      this.#rest = rest;
      return quotient;
    }
    this.#rest = rest + divisor;
    return quotient - 1;
  }

  /** Ticks so small that 2^64 of them are less than a few months: the count becomes a rounded one. */
  #tiny(divisor: number): void {
    this.#low = Math.floor((this.#high * TWO_32 + this.#low) / divisor);
    this.#high = 0;
    this.#rest = 0;
  }
}

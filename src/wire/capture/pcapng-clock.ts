/**
 * The time stamps of one pcapng interface: a 64-bit count of ticks, with if_tsresol and if_tsoffset
 * (draft-ietf-opsawg-pcapng, section 4.2), as seconds and nanoseconds. Counts of nanoseconds do not fit a
 * double, so the division is done by hand, 16 bits at a time; BigInt would allocate for every frame.
 */
const MICROSECONDS = 6;
/** Divisors above it would overflow the 53 bits of a double together with 16 more. */
const TICKS_BITS_MAX = 30;
const TICKS_DIGITS_MAX = 9;
/** 64 bits hold fewer than 10^20. */
const DIGITS_MAX = 19;

export class PcapngClock {
  /** What the count is divided by before there are at most 10^9 (or 2^30) ticks a second. */
  readonly #scale: number;
  readonly #ticks: number;
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
    this.#offsetS = offsetS;
  }

  set(high: number, low: number): void {
    this.#high = high;
    this.#low = low;
    if (this.#scale > 1) this.#divide(this.#scale);
    this.#divide(this.#ticks);
    this.seconds = this.#high * 0x1_0000_0000 + this.#low + this.#offsetS;
    const nanos = this.#ticks === 1e9 ? this.#rest : Math.floor((this.#rest * 1e9) / this.#ticks);
    this.nanos = nanos;
  }

  /** Long division of the pair in digits of 16 bits; exact for divisors up to 2^37. */
  #divide(divisor: number): void {
    if (divisor > 2 ** 37) {
      // Only whole multiples of 2^64 remain of such a count: it is less than one tick.
      this.#rest = 0;
      this.#low = divisor > 10 ** DIGITS_MAX ? 0 : Math.floor((this.#high * 2 ** 32 + this.#low) / divisor);
      this.#high = 0;
      return;
    }
    const high = Math.floor(this.#high / divisor);
    const middle = (this.#high % divisor) * 65_536 + (this.#low >>> 16);
    const upper = Math.floor(middle / divisor);
    const tail = (middle % divisor) * 65_536 + (this.#low & 0xffff);
    this.#high = high;
    this.#low = upper * 65_536 + Math.floor(tail / divisor);
    this.#rest = tail % divisor;
  }
}

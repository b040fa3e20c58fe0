/**
 * The fast hash for tables: two 32-bit lanes folded by 32 × 32 → 64-bit products, in the manner of wyhash
 * (https://github.com/wangyi-fudan/wyhash), seeded in both lanes. Constants are our own odd numbers.
 */
const FIRST = 0x6a1e9f35;
const SECOND = 0x3c8dd2a7;

export class PlainHash {
  readonly #u8: Uint8Array;
  #seed = 0;
  /** High word of the last product. */
  #carry = 0;

  constructor(u8: Uint8Array) {
    this.#u8 = u8;
  }

  setSeed(seed: number): void {
    this.#seed = seed | 0;
  }

  hash(start: number, end: number): number {
    const u8 = this.#u8;
    let a = this.#product(this.#seed, end - start);
    let b = this.#carry ^ this.#seed;
    let p = start;
    while (end - p >= 8) {
      a = this.#product(
        a ^ (u8[p] | (u8[p + 1] << 8) | (u8[p + 2] << 16) | (u8[p + 3] << 24)),
        b ^ (u8[p + 4] | (u8[p + 5] << 8) | (u8[p + 6] << 16) | (u8[p + 7] << 24)),
      );
      b = this.#carry;
      p += 8;
    }
    let low = 0;
    let high = 0;
    for (let q = end - 1; q >= p; q--) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | u8[q];
    }
    a = this.#product(a ^ low, b ^ high);
    b = this.#carry;
    return this.#product(a, b) ^ this.#carry;
  }

  /** Low word of the product of the two, keyed; the high one goes to #carry. By 16-bit halves. */
  #product(first: number, second: number): number {
    const a = (first ^ FIRST) >>> 0;
    const b = (second ^ SECOND) >>> 0;
    const aLow = a & 0xffff;
    const aHigh = a >>> 16;
    const bLow = b & 0xffff;
    const bHigh = b >>> 16;
    const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
    const cross = aLow * bHigh + (middle & 0xffff);
    this.#carry = (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) | 0;
    return Math.imul(a, b);
  }
}

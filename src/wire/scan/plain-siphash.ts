/**
 * SipHash-2-4 (Aumasson and Bernstein, https://www.aumasson.jp/siphash/siphash.pdf) on 32-bit halves:
 * BigInt would allocate on every step.
 */
export class PlainSipHash {
  /** High word of the last hash. */
  high = 0;
  readonly #u8: Uint8Array;
  #k0 = 0;
  #k1 = 0;
  #k2 = 0;
  #k3 = 0;

  constructor(u8: Uint8Array) {
    this.#u8 = u8;
  }

  setKey(k0: number, k1: number, k2: number, k3: number): void {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
    this.#k2 = k2 | 0;
    this.#k3 = k3 | 0;
  }

  /** The low word; the high one is in `high`. Halves are named low (l) and high (h) of v0 to v3. */
  hash(start: number, end: number): number {
    return this.#hash(start, end, 0, 0, 0);
  }

  /** The same of two words and the range behind them. */
  hashBehind(first: number, second: number, start: number, end: number): number {
    return this.#hash(start, end, 1, first, second);
  }

  #hash(start: number, end: number, ahead: number, first: number, second: number): number {
    const u8 = this.#u8;
    const length = end - start + 8 * ahead;
    const blocks = (end - start) >>> 3;
    let l0 = this.#k0 ^ 0x70736575;
    let h0 = this.#k1 ^ 0x736f6d65;
    let l1 = this.#k2 ^ 0x6e646f6d;
    let h1 = this.#k3 ^ 0x646f7261;
    let l2 = this.#k0 ^ 0x6e657261;
    let h2 = this.#k1 ^ 0x6c796765;
    let l3 = this.#k2 ^ 0x79746573;
    let h3 = this.#k3 ^ 0x74656462;
    // Whole blocks, then the tail with the length in its top byte (two rounds each), then four rounds.
    for (let block = -ahead; block <= blocks + 1; block++) {
      let low = 0;
      let high = 0;
      let rounds = 2;
      if (block < 0) {
        low = first | 0;
        high = second | 0;
      } else if (block <= blocks) {
        const at = start + block * 8;
        const stop = block < blocks ? at + 8 : end;
        for (let p = stop - 1; p >= at; p--) {
          high = (high << 8) | (low >>> 24);
          low = (low << 8) | u8[p];
        }
        if (block === blocks) high |= length << 24;
      } else {
        l2 ^= 0xff;
        rounds = 4;
      }
      l3 ^= low;
      h3 ^= high;
      for (; rounds > 0; rounds--) {
        let l = (l0 + l1) | 0;
        h0 = (h0 + h1 + (l >>> 0 < l0 >>> 0 ? 1 : 0)) | 0;
        l0 = l;
        l = (l1 << 13) | (h1 >>> 19);
        h1 = ((h1 << 13) | (l1 >>> 19)) ^ h0;
        l1 = l ^ l0;
        l = h0;
        h0 = l0;
        l0 = l;
        l = (l2 + l3) | 0;
        h2 = (h2 + h3 + (l >>> 0 < l2 >>> 0 ? 1 : 0)) | 0;
        l2 = l;
        l = (l3 << 16) | (h3 >>> 16);
        h3 = ((h3 << 16) | (l3 >>> 16)) ^ h2;
        l3 = l ^ l2;
        l = (l0 + l3) | 0;
        h0 = (h0 + h3 + (l >>> 0 < l0 >>> 0 ? 1 : 0)) | 0;
        l0 = l;
        l = (l3 << 21) | (h3 >>> 11);
        h3 = ((h3 << 21) | (l3 >>> 11)) ^ h0;
        l3 = l ^ l0;
        l = (l2 + l1) | 0;
        h2 = (h2 + h1 + (l >>> 0 < l2 >>> 0 ? 1 : 0)) | 0;
        l2 = l;
        l = (l1 << 17) | (h1 >>> 15);
        h1 = ((h1 << 17) | (l1 >>> 15)) ^ h2;
        l1 = l ^ l2;
        l = h2;
        h2 = l2;
        l2 = l;
      }
      l0 ^= low;
      h0 ^= high;
    }
    this.high = h0 ^ h1 ^ h2 ^ h3;
    return l0 ^ l1 ^ l2 ^ l3;
  }
}

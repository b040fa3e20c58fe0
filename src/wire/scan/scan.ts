/**
 * The primitives that all text protocols share, on ranges of the worker's memory. There are two makers:
 * `createScan` (SIMD, AssemblyScript, built to dist/scan.wasm) and `createPlainScan` (TypeScript). They
 * are equal on every input: the plain one is the oracle in tests and the fallback.
 *
 * Ranges are (start, end), end exclusive. SIMD may read 63 bytes past `end` (the memory has a guard), and
 * never lets them change a result.
 */
export interface Scan {
  /** Position of the first `byte` in the range, or -1. */
  findByte(start: number, end: number, byte: number): number;
  /** Position just past the next CR LF, or -1. */
  afterCrlf(start: number, end: number): number;
  /** Position of the first byte < 0x21, 0x7f, or one of `?#&=;"` …: the end of a token of a target. */
  findTokenEnd(start: number, end: number): number;
  /**
   * The lines of an HTTP-like head that begins at `start`: finds the empty line that ends it, and for each
   * header whose name is in HEADER_NAMES (scan/names.ts) writes (name id, value start, value end), blanks
   * trimmed, as three words into `out` (an index of i32), in order, at most `most` headers. A line folded by
   * leading blanks belongs to the value before it. LF alone ends a line too.
   * Returns the position just past the head, 0 when it is not complete, -1 when a line holds a NUL.
   * The number of headers written is in `headers()`.
   */
  findHeaders(start: number, end: number, out: number, most: number): number;
  headers(): number;
  /** Equal bytes, and equal but for ASCII case (`lower` is already lower case). */
  equal(a: number, b: number, bytes: number): boolean;
  equalLower(start: number, lower: number, bytes: number): boolean;
  /** SipHash-2-4 of the range with the worker's key; the low word is returned, the high is in `high()`. */
  sipHash(start: number, end: number): number;
  /** A fast hash for tables, 32 bits; seeded, so that traffic cannot choose its slot. */
  hash(start: number, end: number): number;
  high(): number;
  /** The key of sipHash, as four words; the same for all sensors. */
  setKey(k0: number, k1: number, k2: number, k3: number): void;
  /**
   * Templates a path by the static rules (digits, UUID, hex, base64, e-mail and token segments → `{id}`),
   * without the query. Writes to `to` at most `most` bytes; returns the bytes written.
   */
  template(start: number, end: number, to: number, most: number): number;
}

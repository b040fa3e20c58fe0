/**
 * The primitives that all text protocols share, on ranges of the worker's memory. There are two makers:
 * `createScan` (SIMD, AssemblyScript, built to dist/scan.wasm) and `createPlainScan` (TypeScript). They
 * are equal on every input: the plain one is the oracle in tests and the fallback.
 *
 * Ranges are (start, end), end exclusive. SIMD may read 63 bytes past `end` (the memory has a guard), and
 * never lets them change a result. `out` and `to` never overlap the range read.
 */
export interface Scan {
  /** Position of the first `byte` in the range, or -1. */
  findByte(start: number, end: number, byte: number): number;
  /** Position just past the next CR LF, or -1. */
  afterCrlf(start: number, end: number): number;
  /**
   * The lines of an HTTP-like head that begins at `start`: finds the empty line that ends it, and for each
   * header whose name is in HEADER_NAMES (scan/names.ts) writes (name id, value start, value end), blanks
   * trimmed, as three words into `out` (an index of i32), in order, at most `most` headers. A line folded by
   * leading blanks belongs to the value before it. LF alone ends a line too.
   * Returns the position just past the head, 0 when it is not complete, -1 when a line holds a NUL.
   * `start` may be the request line's: it is no header. Blanks before a colon make a name unknown.
   * The number of headers written is in `headers()`, 0 unless the head is complete.
   */
  findHeaders(start: number, end: number, out: number, most: number): number;
  headers(): number;
  /** Equal bytes, and equal but for ASCII case (the range at `lower` is already lower case). */
  equal(a: number, b: number, bytes: number): boolean;
  equalLower(start: number, lower: number, bytes: number): boolean;
  /** Writes zeros to [start, start + bytes); `bytes` is a multiple of 16. */
  clear(start: number, bytes: number): void;
  /**
   * Reads 1 to 2 * `bytes` hex digits into the `bytes` bytes at `to`, as a number in network order: fewer
   * digits get zeros before them. False, and nothing written, when the range is anything else.
   */
  hex(start: number, end: number, to: number, bytes: number): boolean;
  /**
   * SipHash-2-4 of the range with the worker's key; the low word is returned, the high one is in `high()`.
   */
  sipHash(start: number, end: number): number;
  /** High word of the last sipHash. */
  high(): number;
  /**
   * SipHash-2-4 of two words (little-endian) and the range behind them: writes its low and high word at `out`
   * (an index of i32).
   */
  callId(sequence: number, key: number, start: number, end: number, out: number): void;
  /** The key of sipHash and fingerprints, as four words; the same for all sensors. */
  setKey(k0: number, k1: number, k2: number, k3: number): void;
  /**
   * A fast hash for tables, 32 bits; seeded, so that traffic cannot choose its slot. Never leaves the
   * worker.
   */
  hash(start: number, end: number): number;
  setSeed(seed: number): void;
  /**
   * Templates a path by the static rules (segments that are digits, UUID, hex, base64, e-mail or token-like
   * become `{id}`), without the query and fragment. Writes at most `most` bytes to `to`; returns the bytes
   * written. What a parameter's name makes secret stays: template what `redact` wrote. Rules:
   * docs/formats/identifiers.md.
   */
  template(start: number, end: number, to: number, most: number): number;
  /**
   * Copies a target (path and query, or an absolute URL) to `to` with secrets replaced by `***`: the user
   * info of a URL, the values of parameters with a sensitive name (password, token, api_key, …; matched
   * without case, in any part of the name), and whatever has the shape of a secret wherever it stands (JWT,
   * cloud
   * and source-hosting keys, long random tokens). Writes at most `most` bytes, returns the bytes written.
   * `redacted()` tells how many places were replaced. Rules: docs/formats/redaction.md.
   */
  redact(start: number, end: number, to: number, most: number): number;
  redacted(): number;
  /**
   * Finds identifiers in a text (numbers of 4 digits and more, UUIDs, hex hashes, e-mail addresses, tokens),
   * normalises them (leading zeros dropped, lower case for hex, UUID and e-mail), and writes the keyed
   * SipHash
   * of each new one as two words (low, high) at `out` (an index of i32), after the `have` that stand there
   * already, at most `most` in all. Returns how many stand there then. A value always has the same hash,
   * whatever text it stands in.
   */
  fingerprints(start: number, end: number, out: number, have: number, most: number): number;
}

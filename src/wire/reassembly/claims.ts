/**
 * Views of one connection on both sides of a NAT lie in rows, often workers, of their own. Both sides'
 * initial sequence numbers survive translation: who claims the pair first counts the calls, the others only
 * watch. A connection joined in the middle claims its call ids instead.
 *
 * The table may lie in shared memory: workers then decide it among themselves with one atomic exchange per
 * connection, before the first call is parsed, and nobody has to be asked or to hold calls back.
 */
const SLOT_WORDS = 7; // lock, first, second, owner, seconds, nanos, place
const PROBES = 8;
const SLOTS = 1 << 15;

export const CLAIMS_WORDS = SLOTS * SLOT_WORDS;
/** A claim holds so long: TCP tries a SYN again after 1, 3, 7 s. */
const CLAIM_SECONDS = 10;

const LOCK = 0;
const FIRST = 1;
const SECOND = 2;
const OWNER = 3;
const SECONDS = 4;
const NANOS = 5;
const PLACE = 6;

export class Claims {
  readonly #words: Int32Array;

  /** `words` has CLAIMS_WORDS zeros, shared between workers or not. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /**
   * True when the pair of words is claimed by another owner at another place (interface and direction)
   * since at most CLAIM_SECONDS; else it is `owner`'s from now on. At one place nothing is seen twice under
   * two addresses: equal numbers there are chance, or made. Where all slots of its bucket are taken, the
   * oldest is given up.
   */
  taken(first: number, second: number, owner: number, place: number, seconds: number): boolean {
    return this.takenAt(first, second, owner, place, seconds, 0, CLAIM_SECONDS * 1e9);
  }

  /** As `taken`, with the time in full and how near in time the other claim must be, in ns. */
  takenAt(
    first: number,
    second: number,
    owner: number,
    place: number,
    seconds: number,
    nanos: number,
    withinNs: number,
  ): boolean {
    const words = this.#words;
    let hash = Math.imul(first ^ (second >>> 3), 0x9e3779b1) ^ second;
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const base = (((hash ^ (hash >>> 13)) >>> 0) % (SLOTS / PROBES)) * PROBES * SLOT_WORDS;
    // The lock of a bucket is that of its first slot. It is held for a few nanoseconds: spin.
    while (Atomics.compareExchange(words, base + LOCK, 0, 1) !== 0);
    const slot = find(words, base, first, second);
    const found = words[slot + FIRST] === first && words[slot + SECOND] === second;
    const age = Math.abs((seconds - words[slot + SECONDS]) * 1e9 + nanos - words[slot + NANOS]);
    const other =
      found &&
      words[slot + OWNER] !== owner &&
      words[slot + OWNER] !== 0 &&
      words[slot + PLACE] !== place &&
      age <= withinNs;
    if (!other) {
      words[slot + FIRST] = first;
      words[slot + SECOND] = second;
      words[slot + OWNER] = owner;
      words[slot + SECONDS] = seconds;
      words[slot + NANOS] = nanos;
      words[slot + PLACE] = place;
    }
    Atomics.store(words, base + LOCK, 0);
    return other;
  }
}

/** The slot of the pair, or the one of its bucket that was claimed longest ago. */
function find(words: Int32Array, base: number, first: number, second: number): number {
  let oldest = base;
  for (let slot = base; slot < base + PROBES * SLOT_WORDS; slot += SLOT_WORDS) {
    if (words[slot + FIRST] === first && words[slot + SECOND] === second) return slot;
    if (words[slot + SECONDS] < words[oldest + SECONDS]) oldest = slot;
  }
  return oldest;
}

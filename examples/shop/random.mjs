/** Seeded chance. Small (mulberry32), so that every language of the shop could have the same one. */

/** Uniform numbers in [0, 1) from a 32-bit seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** FNV-1a, 32 bits: gives each service its own stream from one seed. */
export function hash32(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

export const ISSUERS = 40;

/** Three of forty card issuers answer slowly: the seed picks them, and with them the slow checkouts. */
export function slowIssuersOf(seed) {
  const first = hash32(`issuer ${seed}`) % ISSUERS;
  return [0, 13, 29].map((step) => ((first + step) % ISSUERS) + 1);
}

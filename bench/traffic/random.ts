/**
 * Seeded randomness of the generators: the same seed asks the same things, in whatever order they get
 * through.
 */
import { randomFrom, type Random } from '../../test/support/random.ts';

export const SEED = 20_240_611;

/** One stream of numbers per user, role or connection, independent of how they interleave. */
export function randomOf(seed: number, index: number): Random {
  return randomFrom((Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0);
}

export function hex(random: Random, digits: number): string {
  let text = '';
  while (text.length < digits) text += random.below(0x10000).toString(16).padStart(4, '0');
  return text.slice(0, digits);
}

export function uuid(random: Random): string {
  const [a, b, c, d, e] = [8, 4, 3, 3, 12].map((digits) => hex(random, digits));
  return `${a}-${b}-4${c}-a${d}-${e}`;
}

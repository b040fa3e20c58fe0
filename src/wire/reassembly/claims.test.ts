import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFrom } from '../../../test/support/random.ts';
import { Claims, CLAIMS_WORDS } from './claims.ts';

const NOW = 1_700_000_000;

describe('claims', () => {
  it('belong to who comes first, at another place than who comes later', () => {
    const claims = new Claims(new Int32Array(CLAIMS_WORDS));
    assert.equal(claims.taken(1, 2, 7, 1, NOW), false);
    assert.equal(claims.taken(1, 2, 8, 3, NOW), true, 'another view');
    assert.equal(claims.taken(1, 2, 7, 1, NOW), false, 'its own');
    assert.equal(claims.taken(1, 3, 8, 3, NOW), false, 'another pair');
  });

  it('do not count at one place, where nothing is seen twice under two addresses', () => {
    const claims = new Claims(new Int32Array(CLAIMS_WORDS));
    assert.equal(claims.taken(1, 2, 7, 1, NOW), false);
    assert.equal(claims.taken(1, 2, 8, 1, NOW), false);
  });

  it('hold for seconds, forward and back in time', () => {
    for (const late of [11, -11]) {
      const claims = new Claims(new Int32Array(CLAIMS_WORDS));
      claims.taken(1, 2, 7, 1, NOW);
      assert.equal(claims.taken(1, 2, 8, 3, NOW + late), false, `${late} s`);
    }
    for (const late of [9, -9]) {
      const claims = new Claims(new Int32Array(CLAIMS_WORDS));
      claims.taken(1, 2, 7, 1, NOW);
      assert.equal(claims.taken(1, 2, 8, 3, NOW + late), true, `${late} s`);
    }
  });

  it('of datagrams hold for a fraction of a second', () => {
    const claims = new Claims(new Int32Array(CLAIMS_WORDS));
    assert.equal(claims.takenAt(5, 6, 7, 1, NOW, 900_000_000, 200e6), false);
    assert.equal(claims.takenAt(5, 6, 8, 3, NOW + 1, 50_000_000, 200e6), true);
    assert.equal(claims.takenAt(5, 6, 8, 3, NOW + 1, 200_000_000, 200e6), false);
  });

  it('are shared by those who have the same words', () => {
    const words = new Int32Array(new SharedArrayBuffer(CLAIMS_WORDS * 4));
    const one = new Claims(words);
    const two = new Claims(words);
    assert.equal(one.taken(9, 9, 1, 1, NOW), false);
    assert.equal(two.taken(9, 9, 2, 5, NOW), true);
    assert.ok(words.some((word) => word !== 0));
  });

  it('give up the oldest of a full bucket, and never take a stranger for another view', () => {
    const claims = new Claims(new Int32Array(CLAIMS_WORDS));
    const random = randomFrom(5);
    let wrong = 0;
    for (let step = 0; step < 200_000; step++) {
      // Pairs that never repeat: each is new to the table, however full it is.
      if (claims.taken(step, random.below(0x7fffffff), 1 + (step & 0xff), step & 7, NOW + step / 1000))
        wrong++;
    }
    assert.equal(wrong, 0);
    assert.equal(claims.taken(1, 2, 7, 1, NOW + 200), false);
    assert.equal(claims.taken(1, 2, 8, 3, NOW + 200), true);
  });
});

import { test } from 'node:test';
import { equal } from 'node:assert/strict';
import { nearest } from './nearest.ts';

const KNOWN = ['status', 'server_port', 'operation', 'host', 'interface'];

test('a slip of one or two letters finds the word that was meant', () => {
  for (const [word, meant] of [
    ['statsu', 'status'],
    ['Status', 'status'],
    ['server_prot', 'server_port'],
    ['opration', 'operation'],
    ['hots', 'host'],
  ]) {
    equal(nearest(word, KNOWN), meant);
  }
});

test('a word that is far from all finds nothing', () => {
  for (const word of ['latency', 'x', '', 'q'.repeat(1000)]) equal(nearest(word, KNOWN), undefined);
});

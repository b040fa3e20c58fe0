/** The primitives allocate nothing once warm, and stay linear in hostile texts of 64 KiB. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Texts, makePlainBench, makeSimdBench } from '../../../test/support/scan-twins.ts';
import type { ScanBench } from '../../../test/support/scan-twins.ts';

const ROUNDS = 4000;
/**
 * Until the engine has compiled what is hot it may box numbers; the trials end with the first one that is
 * still.
 */
const TRIALS = 60;
/** One object a round would be 64 kB and more; the measuring itself takes some hundred bytes. */
const STILL_BYTES = ROUNDS * 4;
const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n';
const TARGET = '/users/550e8400-e29b-41d4-a716-446655440000/1234?password=x%40y&mail=a%40b.com';

function runAll({ memory, scan }: ScanBench, head: number, target: number, end: number): number {
  const to = memory.heapStart;
  const out = (to + 4096) >> 2;
  let sum = scan.findHeaders(head, target, out, 8) + scan.headers();
  sum += scan.template(target, end, to, 1024) + scan.redact(target, end, to, 1024) + scan.redacted();
  sum += scan.fingerprints(target, end, out, 0, 8) + scan.sipHash(target, end) + scan.high();
  sum += scan.hash(target, end) + scan.findByte(target, end, 10) + scan.afterCrlf(head, target);
  return (sum + (scan.equal(target, target, 20) ? 1 : 0) + (scan.equalLower(target, target, 20) ? 1 : 0)) | 0;
}

for (const [name, make] of [['SIMD', makeSimdBench] as const, ['plain', makePlainBench] as const]) {
  test(`${name}: nothing is allocated once warm`, () => {
    const bench = make();
    const [head, end] = new Texts(bench).put(HEAD + TARGET);
    const target = head + HEAD.length;
    let sum = 0;
    for (let round = 0; round < ROUNDS; round++) sum = (sum + runAll(bench, head, target, end)) | 0;
    let least = Infinity;
    for (let trial = 0; trial < TRIALS && least >= STILL_BYTES; trial++) {
      const before = process.memoryUsage().heapUsed;
      for (let round = 0; round < ROUNDS; round++) sum = (sum + runAll(bench, head, target, end)) | 0;
      const grown = process.memoryUsage().heapUsed - before;
      // A collection in between would make it negative, and prove nothing.
      if (grown >= 0 && grown < least) least = grown;
    }
    assert.ok(Number.isInteger(sum));
    assert.ok(least < STILL_BYTES, `${least} bytes in ${ROUNDS} rounds`);
  });

  test(`${name}: hostile texts of 64 KiB end, and give no more than the room asked for`, () => {
    const bench = make();
    const { memory, scan } = bench;
    const out = (memory.heapStart + 131_072) >> 2;
    const units = [
      '%25',
      '%2541',
      ':',
      'session:',
      'a=',
      'password=;',
      'a@',
      '://a@',
      'eyJaaaaaaaaaaaaaa.',
      '-',
      'AKIA-',
    ];
    units.push(
      '1.',
      '1,',
      '1=',
      '=',
      ';',
      '1a-',
      '/1',
      'host:\n',
      ' \n',
      'a@b.',
      'password',
      '+',
      '***',
      '\r',
      '2024-01-01-',
    );
    for (const unit of units) {
      const [start, end] = new Texts(bench).put(unit.repeat(65_536 / unit.length));
      assert.ok(scan.template(start, end, memory.heapStart, 1024) <= 1024, unit);
      assert.ok(scan.redact(start, end, memory.heapStart, 1024) <= 1024, unit);
      assert.ok(scan.fingerprints(start, end, out, 0, 8) <= 8, unit);
      assert.ok(scan.findHeaders(start, end, out, 8) <= end, unit);
      assert.ok(scan.headers() <= 8, unit);
    }
    assert.ok(units.length > 20);
  });
}

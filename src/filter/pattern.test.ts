import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { parsePattern } from './pattern.ts';
import { compilePattern } from './pattern-machine.ts';
import { randomFrom } from '../../test/support/random.ts';

function found(pattern: string, text: string): boolean {
  const parsed = parsePattern(pattern);
  ok(parsed.ok, `${pattern} is refused`);
  return compilePattern(parsed.value)(text);
}

test('patterns find what RE2 would find', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['', '', true],
    ['abc', 'xxabcxx', true],
    ['^abc$', 'xabc', false],
    ['^GET /users/[0-9]+$', 'GET /users/42', true],
    ['a.c', 'a\nc', false],
    ['a.c', 'a😀c', true],
    ['(a|b)*c', 'ababac', true],
    ['^(?:ab){2,3}$', 'abab', true],
    ['^(?:ab){2,3}$', 'abababab', false],
    ['^a{0}b$', 'b', true],
    ['^a{2,}$', 'aaaa', true],
    ['[^0-9]', '123', false],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['^\\d\\w\\s\\D$', '1_ x', true],
    ['\\x41\\.', 'A.', true],
    ['(?i)^héllo[x-z]$', 'HéLLOY', true],
    ['(?i)k', '\u212a', false],
    ['(a*)*b', 'aaac', false],
    ['a??b', 'b', true],
    ['^$', '', true],
    ['a|', 'zzz', true],
  ];
  for (const [pattern, text, expected] of cases)
    equal(found(pattern, text), expected, `${pattern} in ${text}`);
});

test('what is outside the subset is refused with its place', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['a(b', 3],
    ['ab)', 2],
    ['[ab', 3],
    ['a**', 2],
    ['*a', 0],
    ['a{200}', 1],
    ['a{3,2}', 1],
    ['a{x}', 1],
    ['(?=a)', 1],
    ['(?<n>a)', 1],
    ['\\bword', 0],
    ['\\1', 0],
    ['\\p{L}', 0],
    ['a\\', 1],
    ['\\xg1', 0],
    ['[b-a]', 4],
    ['[[:alpha:]]', 1],
    ['((a{50}){50})', 0],
  ];
  for (const [pattern, at] of cases) {
    const parsed = parsePattern(pattern);
    ok(!parsed.ok, `${pattern} is accepted`);
    equal(parsed.error.at, at, pattern);
  }
  equal(parsePattern('a'.repeat(257)).ok, false);
});

test('patterns that make a backtracking engine run for ever end at once', () => {
  const text = 'a'.repeat(20_000);
  for (const pattern of ['(a+)+$b', '(a|aa)+$b', '(.*a){20}b', '(a*)*b']) equal(found(pattern, text), false);
});

test('generated patterns agree with the engine of JavaScript', () => {
  const seed = 20_261;
  const random = randomFrom(seed);
  let positive = 0;
  for (let round = 0; round < 3000; round++) {
    const pattern = generate(3);
    const text = Array.from({ length: random.below(9) }, () => random.pick(Array.from('abcAB1 \n-😀'))).join(
      '',
    );
    const expected = new RegExp(pattern, 'u').test(text);
    equal(
      found(pattern, text),
      expected,
      `seed ${seed}, round ${round}: ${pattern} in ${JSON.stringify(text)}`,
    );
    if (expected) positive++;
  }
  ok(positive > 500 && positive < 2800, `${positive} of 3000 match`);

  function generate(depth: number): string {
    const atom = (): string =>
      random.pick(['a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', '\\S', '[a-c1-3]', '😀']);
    if (depth === 0) return atom();
    switch (random.below(7)) {
      case 0:
        return `(${generate(depth - 1)}|${generate(depth - 1)})`;
      case 1:
        return `(?:${generate(depth - 1)})${random.pick(['*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'])}`;
      case 2:
        return `^${generate(depth - 1)}`;
      case 3:
        return `${generate(depth - 1)}$`;
      case 4:
        return atom() + random.pick(['*', '+', '?']);
      default:
        return generate(depth - 1) + generate(depth - 1);
    }
  }
});

test('the text for RE2 is written from what was understood', () => {
  const written = (pattern: string): string => {
    const parsed = parsePattern(pattern);
    ok(parsed.ok);
    return parsed.value.re2;
  };
  deepEqual(
    ['a.b', '(?i)a|\\.', "x'{0}"].map((p) => parsePattern(p).ok),
    [true, true, true],
  );
  equal(written('a\\.b'), '(?-s)a\\.b');
  equal(written('(?i)a|\\.'), '(?-s)(?:[Aa]|\\.)');
  equal(written("'+"), "(?-s)(?:\\')+");
  equal(written('\\d{2,}'), '(?-s)(?:[0-9]){2,}');
});

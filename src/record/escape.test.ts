import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../test/support/random.ts';
import { escapeTerminal, jsonLine } from './escape.ts';
import { decodeText } from './text.ts';

const decode = (...bytes: number[]): string => decodeText(Uint8Array.from(bytes), 0, bytes.length);

test('controls, escape sequences and line breaks are shown, not obeyed', () => {
  assert.equal(escapeTerminal('GET /a?b=c d~'), 'GET /a?b=c d~');
  assert.equal(escapeTerminal('\x1b[2J\x1b]0;title\x07'), '\\x1b[2J\\x1b]0;title\\x07');
  assert.equal(escapeTerminal('a\nb\rc\td\0\x7f'), 'a\\nb\\rc\\td\\x00\\x7f');
  assert.equal(escapeTerminal('\x9b31m'), '\\u{9b}31m');
});

test('characters that turn, hide or break text are shown by number', () => {
  assert.equal(escapeTerminal('a\u202eb\u2066c\u200f\u061c'), 'a\\u{202e}b\\u{2066}c\\u{200f}\\u{61c}');
  assert.equal(escapeTerminal('\u2028\u2029\u200b\ufeff'), '\\u{2028}\\u{2029}\\u{200b}\\u{feff}');
  assert.equal(escapeTerminal('\u{e0041}\ud800'), '\\u{e0041}\\u{d800}');
});

test('letters of all languages stay as they are', () => {
  for (const text of ['größe', 'привет', '日本語', 'مرحبا', '😀']) assert.equal(escapeTerminal(text), text);
});

test('no random text has a control left in it', () => {
  const random = randomFrom(41);
  for (let trial = 0; trial < 2000; trial++) {
    const bytes = Uint8Array.from({ length: 40 }, () => random.below(random.oneIn(2) ? 256 : 64));
    const shown = escapeTerminal(decodeText(bytes, 0, 40));
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f\u2028-\u202e]/, `seed 41, trial ${trial}`);
  }
});

test('a line of JSON is harmless on a terminal and parses to the same value', () => {
  const value = { target: '/\x1b[2J\x9b\x7f\u202e\u{e0041}\n\u2028', list: ['é'] };
  const line = jsonLine(value);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u{e0041}]/u);
  assert.deepEqual(JSON.parse(line), value);
  assert.ok(line.includes('é'));
});

test('bytes that are not UTF-8 are shown one by one, and the rest is decoded', () => {
  assert.equal(decode(0x61, 0xff, 0x62), 'a\\xffb');
  assert.equal(decode(0xc3, 0xa9, 0xc3), 'é\\xc3');
  assert.equal(decode(0xe2, 0x82, 0xac, 0xe2, 0x82), '€\\xe2\\x82');
  assert.equal(decode(0xc0, 0xaf), '\\xc0\\xaf');
  assert.equal(decode(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80');
  assert.equal(decode(0xf4, 0x90, 0x80, 0x80), '\\xf4\\x90\\x80\\x80');
  assert.equal(decode(0xf0, 0x9f, 0x98, 0x80), '😀');
  assert.equal(decode(0xef, 0xbb, 0xbf, 0x61), '\ufeffa');
  assert.equal(decode(), '');
});

test('valid text decodes as the platform decodes it, and broken text never throws', () => {
  const random = randomFrom(43);
  let valid = 0;
  for (let trial = 0; trial < 5000; trial++) {
    const bytes = Uint8Array.from({ length: 1 + random.below(100) }, () =>
      random.oneIn(20) ? random.below(256) : random.below(128),
    );
    const text = decodeText(bytes, 0, bytes.length);
    const platform = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    if (platform.includes('\ufffd')) continue;
    valid++;
    assert.equal(text, platform, `seed 43, trial ${trial}`);
  }
  assert.ok(valid > 500);
});

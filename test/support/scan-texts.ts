/** Seeded texts for the scan's tests: heads, targets, bodies and noise, near to what traffic holds. */
import { HEADER_NAMES } from '../../src/wire/scan/names.ts';
import type { Random } from './random.ts';

const OTHER_NAMES = [
  'User-Agent',
  'Accept',
  'Date',
  'Server',
  'X-Request-Ids',
  'Hos',
  'Content-Lengths',
  'B',
  'b33',
  'x-b3',
];
const HEX = '0123456789abcdef';
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const WORDS = [
  'api',
  'v1',
  'v2.1',
  'users',
  'orders',
  'oauth2',
  'index.html',
  'internal',
  'a',
  'getV2User',
  'x86_64',
  '***',
];
const NAMES = [
  'page',
  'id',
  'Password',
  'api_key',
  'country_code',
  'code',
  'sid',
  'userPin',
  'next',
  'q',
  'X-Amz-Signature',
  'auth',
];
const PREFIXES = ['AKIA', 'ghp_', 'github_pat_', 'glpat-', 'xoxb-', 'sk_live_', 'npm_', 'AIza', 'eyJ', 'sk-'];

export function letters(random: Random, alphabet: string, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += alphabet[random.below(alphabet.length)];
  return text;
}

function anyCase(random: Random, text: string): string {
  const way = random.below(4);
  if (way === 0) return text.toUpperCase();
  if (way === 1) return [...text].map((c) => (random.oneIn(2) ? c.toUpperCase() : c)).join('');
  return text;
}

/** Something that may be an identifier, or a secret, or near to one. */
export function token(random: Random): string {
  switch (random.below(12)) {
    case 0:
      return String(random.below(10 ** (1 + random.below(9))));
    case 1:
      return letters(random, HEX, 8) + '-' + [4, 4, 4, 12].map((n) => letters(random, HEX, n)).join('-');
    case 2:
      return anyCase(random, letters(random, HEX, 4 + random.below(70)));
    case 3:
      return letters(random, BASE62, 1 + random.below(60));
    case 4:
      return letters(random, BASE62 + '-_', 1 + random.below(60));
    case 5:
      return `${random.pick(WORDS)}@${random.pick(['example.com', 'a.b.co', '.com', 'a.c', 'a.co1'])}`;
    case 6:
      return random.pick(PREFIXES) + letters(random, BASE62, random.below(45));
    case 7:
      return `eyJ${[30, 20, 9].map((n) => letters(random, BASE62, random.below(n))).join('.')}`;
    case 8:
      return random.pick(['2024-01-02', '10.0.0.1', '12345.67', '-1234', '00012345', '2024-01-02T10:11:12Z']);
    case 9:
      return letters(random, BASE62 + '+/', 22 + random.below(22)) + random.pick(['', '=', '==']);
    case 10:
      return `${random.pick(WORDS)}${random.pick(['-', '_', '.', ':', ''])}${random.below(100000)}`;
    default:
      return random.pick(WORDS);
  }
}

/** Escapes some bytes, now and then twice. */
export function escaped(random: Random, text: string): string {
  let out = '';
  for (const c of text) {
    const code = c.charCodeAt(0).toString(16).padStart(2, '0');
    if (random.oneIn(9))
      out += `%${random.oneIn(4) ? '25' : ''}${random.oneIn(2) ? code.toUpperCase() : code}`;
    else out += c;
  }
  return out;
}

export function target(random: Random): string {
  let text = random.pick([
    '',
    '',
    '',
    'http://h:80',
    'https://user:pw@host',
    '//u@h',
    'redis://:secret1@h/0',
    'session:',
    'u:p@h:443',
  ]);
  for (let i = random.below(6); i > 0; i--)
    text += `/${random.oneIn(2) ? random.pick(WORDS) : token(random)}`;
  if (random.oneIn(6)) text += `;${random.pick(NAMES)}=${token(random)}`;
  let separator = '?';
  for (let i = random.below(5); i > 0; i--) {
    const name = anyCase(random, random.pick(NAMES));
    text += separator + name + random.pick(['=', '=', '=', ':', '']) + token(random);
    separator = random.pick(['&', '&', ';', '#', ',']);
  }
  if (random.oneIn(3)) text = escaped(random, text);
  return random.oneIn(8) ? mutated(random, text) : text;
}

export function mutated(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const noise = random.pick([
    '%',
    '%2',
    '%zz',
    '\0',
    '\xff',
    '@',
    '==',
    ';;',
    '::',
    '//',
    '***',
    '\r\n',
    ' ',
  ]);
  return text.slice(0, at) + noise + text.slice(at + random.below(3));
}

export function head(random: Random): string {
  let text = random.pick(['', 'GET /users/1 HTTP/1.1\r\n', 'HTTP/1.1 200 OK\r\n']);
  for (let i = random.below(16); i > 0; i--) {
    const name = random.oneIn(3) ? random.pick(OTHER_NAMES) : anyCase(random, random.pick(HEADER_NAMES));
    const blank = random.pick(['', ' ', ' ', ' ', '  ', '\t']);
    text += `${name}${random.oneIn(12) ? ' ' : ''}${random.oneIn(20) ? '' : ':'}${blank}`;
    text += random.oneIn(6)
      ? ''
      : letters(random, `${BASE62} :;=/`, random.below(random.oneIn(5) ? 120 : 24));
    text += random.pick(['', '', '', ' ', '\t', '\r']) + random.pick(['\r\n', '\r\n', '\r\n', '\n']);
    while (random.oneIn(8))
      text += random.pick([' ', '\t', ' folded', ' \r', '  x ']) + random.pick(['\r\n', '\n']);
  }
  if (!random.oneIn(6)) text += random.pick(['\r\n', '\r\n', '\n']);
  text += letters(random, BASE62, random.below(30));
  return random.oneIn(10) ? mutated(random, text) : text;
}

export function body(random: Random): string {
  let text = '{';
  for (let i = random.below(8); i > 0; i--)
    text += `"${random.pick(NAMES)}":"${token(random)}", ${random.pick(WORDS)} `;
  return text;
}

export function bytes(random: Random): Uint8Array {
  const length = random.below(200);
  const all = random.oneIn(3);
  const alphabet = '\r\n\0:@%=&;/?#.-_~+0129afAFzZ \t*';
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++)
    out[i] = all ? random.below(256) : alphabet.charCodeAt(random.below(alphabet.length));
  return out;
}

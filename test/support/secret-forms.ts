/**
 * Looks for a secret in whatever shape an output could carry it: as it is, in another case, escaped, encoded,
 * reversed, or as a hash that anybody can compute.
 */
import { digestTexts, hashNumbers } from './unkeyed-hashes.ts';

/** An output: its text, with bytes as latin1 where they are none, and what was prepared for looking. */
export class Haystack {
  readonly text: string;
  readonly lower: string;
  /** Runs of letters and digits, in lower case: numbers of 32 bits are only looked for as a whole one. */
  readonly words: ReadonlySet<string>;
  readonly bytes: boolean;

  constructor(content: string | Uint8Array) {
    this.bytes = typeof content !== 'string';
    this.text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
    this.lower = this.text.toLowerCase();
    this.words = new Set(this.lower.match(/[0-9a-z]+/g) ?? []);
  }
}

interface Needle {
  readonly form: string;
  readonly text: string;
  /** As it is, in any case, as a word of its own, as bytes of a block. */
  readonly how: 'as it is' | 'any case' | 'word' | 'bytes';
}

export class Secret {
  readonly text: string;
  /** Where it was planted. */
  readonly place: string;
  readonly #needles: readonly Needle[];

  constructor(text: string, place: string) {
    this.text = text;
    this.place = place;
    this.#needles = [...writtenForms(text), ...hashForms(text)];
  }

  /** Names of the forms in which the output holds it. */
  in(haystack: Haystack): string[] {
    return this.#needles.filter((needle) => holds(haystack, needle)).map((needle) => needle.form);
  }
}

function holds(haystack: Haystack, { text, how }: Needle): boolean {
  switch (how) {
    case 'as it is':
      return haystack.text.includes(text);
    case 'any case':
      return haystack.lower.includes(text);
    case 'word':
      return haystack.words.has(text);
    case 'bytes':
      return haystack.bytes && haystack.text.includes(text);
  }
}

function writtenForms(text: string): Needle[] {
  const bytes = Buffer.from(text);
  const each = (form: (byte: number, hex: string) => string): string =>
    [...bytes].map((byte) => form(byte, byte.toString(16).padStart(2, '0'))).join('');
  const forms: Record<string, string> = {
    plain: text,
    reversed: [...text].reverse().join(''),
    'percent-encoded': encodeURIComponent(text),
    'percent-encoded twice': encodeURIComponent(encodeURIComponent(text)),
    'percent-encoded whole': each((_, hex) => `%${hex}`),
    form: new URLSearchParams({ x: text }).toString().slice(2),
    hex: bytes.toString('hex'),
    '\\x escapes': each((_, hex) => `\\x${hex}`),
    '\\u escapes': each((_, hex) => `\\u00${hex}`),
    '\\DDD escapes': each((byte) => `\\${String(byte).padStart(3, '0')}`),
    'character references': each((byte) => `&#${byte};`),
    JSON: JSON.stringify(text).slice(1, -1),
  };
  const needles: Needle[] = Object.entries(forms).map(([form, written]) => ({
    form,
    text: written.toLowerCase(),
    how: 'any case' as const,
  }));
  for (let shift = 0; shift < 3; shift++) {
    // What stands before it moves the groups of base64; the digits at both ends depend on neighbours.
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = shifted.toString('base64url');
    const from = shift === 0 ? 0 : shift + 1;
    const inside = whole.slice(from, Math.floor((shifted.length * 8) / 6));
    needles.push({ form: `base64url, shift ${shift}`, text: inside, how: 'as it is' });
    const ordinary = inside.replaceAll('-', '+').replaceAll('_', '/');
    needles.push({ form: `base64, shift ${shift}`, text: ordinary, how: 'as it is' });
  }
  return needles;
}

/** Of the secret, and of what a program might hash in its place. */
function hashForms(secret: string): Needle[] {
  const said = [secret, secret.toLowerCase(), secret.toUpperCase(), `Bearer ${secret}`];
  said.push(secret.replaceAll(/[-_]/g, '').toLowerCase(), encodeURIComponent(secret), `session:${secret}`);
  const needles: Needle[] = [];
  for (const text of new Set(said)) {
    for (const [name, digest] of digestTexts(text)) {
      const how = name.endsWith('hex') ? 'any case' : 'as it is';
      needles.push({ form: `${name} of ${text}`, text: digest, how });
    }
    for (const { name, value, bytes } of hashNumbers(text)) {
      const hex = value.toString(16).padStart(bytes * 2, '0');
      const raw = Buffer.from(hex, 'hex');
      const form = `${name} of ${text}`;
      needles.push({ form: `${form}, decimal`, text: value.toString(), how: 'word' });
      needles.push({ form: `${form}, hex`, text: hex, how: bytes === 8 ? 'any case' : 'word' });
      needles.push({ form: `${form}, bytes`, text: raw.toString('latin1'), how: 'bytes' });
      needles.push({ form: `${form}, bytes reversed`, text: raw.reverse().toString('latin1'), how: 'bytes' });
    }
  }
  return needles;
}

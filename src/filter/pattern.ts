/**
 * Patterns of `matches`: the part of RE2's syntax (https://github.com/google/re2/wiki/Syntax) that means the
 * same everywhere. JavaScript's own engine backtracks, so that `(a+)+$` on 40 characters runs for hours; a
 * pattern is therefore parsed here, run by a machine whose cost is linear in the text (pattern-machine.ts),
 * and written anew for RE2 from what was understood. Case is folded for ASCII letters only.
 */
import { fail, ok, type Result } from '../base/result.ts';
import { FILTER_LIMITS } from './types.ts';

/** Pairs of code points, first and last, ascending and apart. */
export type Ranges = readonly number[];

export type PatternNode =
  | { readonly kind: 'empty' | 'begin' | 'end' }
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number };

export interface Pattern {
  readonly root: PatternNode;
  /** The same pattern for RE2, which has to be told that `.` does not match a line feed in ClickHouse. */
  readonly re2: string;
}

export interface PatternProblem {
  readonly message: string;
  /** Where in the pattern, in characters. */
  readonly at: number;
}

/** Repeats beyond this are refused by us; RE2's own limit is 1,000. */
const REPEAT_MAX = 100;
const GROUPS_DEEP_MAX = 20;
const LAST = 0x10ffff;

const DIGIT = [48, 57];
const WORD = [48, 57, 65, 90, 95, 95, 97, 122];
const SPACE = [9, 10, 12, 13, 32, 32];
const NAMED: Readonly<Record<string, Ranges>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROL: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };
const ANY_BUT_NEWLINE = complement([10, 10]);
const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

export function parsePattern(text: string): Result<Pattern, PatternProblem> {
  const characters = [...text];
  if (characters.length > FILTER_LIMITS.patternCharacters) {
    return fail({ message: `a pattern has at most ${FILTER_LIMITS.patternCharacters} characters`, at: 0 });
  }
  const parser = new PatternParser(characters);
  const root = parser.parse();
  if (parser.problem !== undefined) return fail(parser.problem);
  const steps = countSteps(root);
  if (steps > FILTER_LIMITS.patternSteps) {
    return fail({ message: `the pattern repeats too much (${steps} steps)`, at: 0 });
  }
  return ok({ root, re2: `(?-s)${writeRe2(root)}` });
}

class PatternParser {
  problem: PatternProblem | undefined;
  private readonly text: readonly string[];
  private at = 0;
  private depth = 0;
  private folded = false;

  constructor(text: readonly string[]) {
    this.text = text;
  }

  parse(): PatternNode {
    if (this.text.slice(0, 4).join('') === '(?i)') {
      this.folded = true;
      this.at = 4;
    }
    const root = this.choice();
    if (this.at < this.text.length) this.refuse('this ) closes nothing');
    return root;
  }

  private refuse(message: string): void {
    this.problem ??= { message, at: this.at };
    this.at = this.text.length;
  }

  private choice(): PatternNode {
    const parts = [this.sequence()];
    while (this.text[this.at] === '|') {
      this.at++;
      parts.push(this.sequence());
    }
    return parts.length === 1 ? parts[0] : { kind: 'choice', parts };
  }

  private sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.at < this.text.length && this.text[this.at] !== '|' && this.text[this.at] !== ')') {
      parts.push(this.repeated());
    }
    if (parts.length === 0) return { kind: 'empty' };
    return parts.length === 1 ? parts[0] : { kind: 'sequence', parts };
  }

  private repeated(): PatternNode {
    const part = this.atom();
    const range = this.repeatRange();
    if (range === undefined) return part;
    if (part.kind === 'begin' || part.kind === 'end') this.refuse('an anchor cannot be repeated');
    // Lazy or not changes what is captured, never whether a text matches.
    if (this.text[this.at] === '?') this.at++;
    if (this.at < this.text.length && '*+?'.includes(this.text[this.at])) this.refuse('a repeat of a repeat');
    return { kind: 'repeat', part, min: range[0], max: range[1] };
  }

  private repeatRange(): readonly [number, number] | undefined {
    const character = this.text[this.at];
    if (character === '*' || character === '+' || character === '?') {
      this.at++;
      return [character === '+' ? 1 : 0, character === '?' ? 1 : Infinity];
    }
    if (character !== '{') return undefined;
    const counts = /^\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}/.exec(
      this.text.slice(this.at, this.at + 12).join(''),
    );
    if (counts === null) {
      this.refuse('{ begins a repeat such as {2,5}; write \\{ for the character');
      return undefined;
    }
    const min = Number(counts[1]);
    const max = counts[2] === undefined ? min : counts[3] === undefined ? Infinity : Number(counts[3]);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX)) {
      this.refuse(`a repeat counts to ${REPEAT_MAX} at most`);
    } else if (max < min) this.refuse('the repeat ends before it begins');
    else this.at += counts[0].length;
    return [min, max];
  }

  private atom(): PatternNode {
    const character = this.text[this.at];
    if (character === '(') return this.group();
    if (character === '[') return this.bracket();
    if (character === '\\') return { kind: 'set', ranges: this.fold(this.escape()) };
    if ('*+?{'.includes(character)) this.refuse(`${character} has nothing to repeat`);
    this.at++;
    if (character === '^') return { kind: 'begin' };
    if (character === '$') return { kind: 'end' };
    if (character === '.') return { kind: 'set', ranges: ANY_BUT_NEWLINE };
    const code = character.codePointAt(0) as number;
    return { kind: 'set', ranges: this.fold([code, code]) };
  }

  private group(): PatternNode {
    this.at++;
    if (this.text[this.at] === '?') {
      if (this.text[this.at + 1] !== ':') {
        this.refuse('(? begins only (?: groups, and (?i) at the very beginning');
        return { kind: 'empty' };
      }
      this.at += 2;
    }
    if (++this.depth > GROUPS_DEEP_MAX) this.refuse('groups are nested too deeply');
    const inner = this.choice();
    this.depth--;
    if (this.text[this.at] !== ')') this.refuse('this group is not closed');
    else this.at++;
    return inner;
  }

  private escape(): Ranges {
    const character = this.text[this.at + 1];
    if (character === undefined) {
      this.refuse('the pattern ends with a backslash');
      return [];
    }
    if (character === 'x') return this.hexEscape();
    const named =
      NAMED[character] ?? (character in CONTROL ? [CONTROL[character], CONTROL[character]] : undefined);
    if (named !== undefined) {
      this.at += 2;
      return named;
    }
    if (!PUNCTUATION.test(character)) {
      this.refuse(`\\${character} is not known; there are \\d \\w \\s \\D \\W \\S \\t \\n \\r \\f \\v \\xNN`);
      return [];
    }
    this.at += 2;
    const code = character.charCodeAt(0);
    return [code, code];
  }

  private hexEscape(): Ranges {
    const digits = this.text.slice(this.at + 2, this.at + 4).join('');
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      this.refuse('\\x wants two hexadecimal digits');
      return [];
    }
    this.at += 4;
    const code = Number.parseInt(digits, 16);
    return [code, code];
  }

  private bracket(): PatternNode {
    this.at++;
    const negated = this.text[this.at] === '^';
    if (negated) this.at++;
    const ranges: number[] = [];
    let first = true;
    while (this.at < this.text.length && (first || this.text[this.at] !== ']')) {
      first = false;
      this.bracketItem(ranges);
    }
    if (this.text[this.at] !== ']') this.refuse('this [ is not closed');
    this.at++;
    const set = this.fold(merge(ranges));
    return { kind: 'set', ranges: negated ? complement(set) : set };
  }

  private bracketItem(ranges: number[]): void {
    if (this.text[this.at] === '[' && this.text[this.at + 1] === ':') this.refuse('[:class:] is not known');
    const low = this.bracketCharacter();
    if (this.text[this.at] !== '-' || this.text[this.at + 1] === ']' || this.at + 1 >= this.text.length) {
      ranges.push(...low);
      return;
    }
    this.at++;
    const high = this.bracketCharacter();
    if (
      low.length !== 2 ||
      low[0] !== low[1] ||
      high.length !== 2 ||
      high[0] !== high[1] ||
      high[0] < low[0]
    ) {
      this.refuse('the range goes from a character to a later one');
      return;
    }
    ranges.push(low[0], high[0]);
  }

  private bracketCharacter(): Ranges {
    if (this.text[this.at] === '\\') return this.escape();
    if (this.at >= this.text.length) return [];
    const code = this.text[this.at++].codePointAt(0) as number;
    return [code, code];
  }

  private fold(ranges: Ranges): Ranges {
    if (!this.folded) return ranges;
    const both = [...ranges];
    for (let at = 0; at < ranges.length; at += 2) {
      addShifted(both, ranges[at], ranges[at + 1], 65, 90, 32);
      addShifted(both, ranges[at], ranges[at + 1], 97, 122, -32);
    }
    return merge(both);
  }
}

function addShifted(into: number[], low: number, high: number, from: number, to: number, by: number): void {
  const start = Math.max(low, from);
  const end = Math.min(high, to);
  if (start <= end) into.push(start + by, end + by);
}

function merge(ranges: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at < ranges.length; at += 2) pairs.push([ranges[at], ranges[at + 1]]);
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [low, high] of pairs) {
    const last = merged.length - 1;
    if (last > 0 && low <= merged[last] + 1) merged[last] = Math.max(merged[last], high);
    else merged.push(low, high);
  }
  return merged;
}

function complement(ranges: Ranges): number[] {
  const rest: number[] = [];
  let next = 0;
  for (let at = 0; at < ranges.length; at += 2) {
    if (ranges[at] > next) rest.push(next, ranges[at] - 1);
    next = ranges[at + 1] + 1;
  }
  if (next <= LAST) rest.push(next, LAST);
  return rest;
}

/** Steps that the machine will have: a bound before anything is built. */
export function countSteps(node: PatternNode): number {
  switch (node.kind) {
    case 'empty':
      return 0;
    case 'begin':
    case 'end':
    case 'set':
      return 1;
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + countSteps(part), 0);
    case 'choice':
      return node.parts.reduce((sum, part) => sum + countSteps(part) + 2, 0);
    case 'repeat': {
      const times = node.max === Infinity ? node.min + 1 : node.max;
      return (countSteps(node.part) + 2) * times;
    }
  }
}

function writeRe2(node: PatternNode): string {
  switch (node.kind) {
    case 'empty':
      return '(?:)';
    case 'begin':
      return '^';
    case 'end':
      return '$';
    case 'set':
      return writeSet(node.ranges);
    case 'sequence':
      return node.parts.map(writeRe2).join('');
    case 'choice':
      return `(?:${node.parts.map(writeRe2).join('|')})`;
    case 'repeat':
      return `(?:${writeRe2(node.part)})${writeRepeat(node.min, node.max)}`;
  }
}

function writeRepeat(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

function writeSet(ranges: Ranges): string {
  if (ranges.length === 2 && ranges[0] === ranges[1]) return writeCharacter(ranges[0]);
  // RE2 knows no empty set: everything but everything.
  if (ranges.length === 0) return `[^\\x{0}-\\x{10FFFF}]`;
  let text = '[';
  for (let at = 0; at < ranges.length; at += 2) {
    text += writeCharacter(ranges[at]);
    if (ranges[at + 1] !== ranges[at]) text += `-${writeCharacter(ranges[at + 1])}`;
  }
  return `${text}]`;
}

function writeCharacter(code: number): string {
  const character = String.fromCodePoint(code);
  if (PUNCTUATION.test(character)) return `\\${character}`;
  // Controls, and what a text cannot hold (surrogates) or RE2's reader may trip over, by number.
  const plain = code >= 32 && code !== 127 && code < 0xd800;
  return plain ? character : `\\x{${code.toString(16)}}`;
}

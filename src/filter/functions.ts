/** Functions and methods that a filter may call; the list is in docs/formats/filter.md. */
import { nearest } from '../base/nearest.ts';
import { Refusal, check, constant, wanted } from './check.ts';
import { INT_MAX, parseDuration, parseInteger, parseTimestamp } from './numbers.ts';
import { parsePattern } from './pattern.ts';
import type { Syntax } from './parse.ts';
import type { Node } from './types.ts';

const FUNCTIONS = ['size', 'int', 'double', 'duration', 'timestamp', 'matches'];
const METHODS = ['startsWith', 'endsWith', 'contains', 'matches', 'size', 'lowerAscii'];

/** `name(arguments)`. */
export function checkFunction(name: string, given: readonly Syntax[], syntax: Syntax, depth: number): Node {
  switch (name) {
    case 'size':
      mustHave(1, name, given, syntax);
      return checkSize(given[0], depth);
    case 'int':
      mustHave(1, name, given, syntax);
      return checkInt(given[0], depth);
    case 'double':
      mustHave(1, name, given, syntax);
      return checkDouble(given[0], depth);
    case 'duration':
    case 'timestamp':
      mustHave(1, name, given, syntax);
      return checkTime(name, given[0], depth);
    case 'matches':
      mustHave(2, name, given, syntax);
      return checkMatches(given[0], given[1], depth);
    default:
      throw new Refusal(`there is no function ${name}()${hint(name, [...FUNCTIONS, ...METHODS])}`, syntax);
  }
}

/** `receiver.name(arguments)`. */
export function checkMethod(
  name: string,
  receiver: Syntax,
  given: readonly Syntax[],
  syntax: Syntax,
  depth: number,
): Node {
  switch (name) {
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      mustHave(1, name, given, syntax);
      const text = wanted('string', receiver, depth);
      return { kind: 'text', type: 'bool', test: name, text, part: wanted('string', given[0], depth) };
    }
    case 'matches':
      mustHave(1, name, given, syntax);
      return checkMatches(receiver, given[0], depth);
    case 'size':
      mustHave(0, name, given, syntax);
      return checkSize(receiver, depth);
    case 'lowerAscii':
      mustHave(0, name, given, syntax);
      return { kind: 'lower', type: 'string', operand: wanted('string', receiver, depth) };
    default:
      throw new Refusal(`there is no method ${name}()${hint(name, [...METHODS, ...FUNCTIONS])}`, syntax);
  }
}

function hint(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : `; did you mean ${meant}()?`;
}

function mustHave(count: number, name: string, given: readonly Syntax[], syntax: Syntax): void {
  if (given.length === count) return;
  throw new Refusal(`${name}() takes ${count === 1 ? 'one argument' : `${count} arguments`}`, syntax);
}

function checkSize(syntax: Syntax, depth: number): Node {
  const operand = check(syntax, depth);
  if (operand.type !== 'string' && !operand.type.startsWith('list')) {
    throw new Refusal(`size() is of a string or a list, not of ${operand.type}`, syntax);
  }
  return { kind: 'size', type: 'int', operand };
}

function checkInt(syntax: Syntax, depth: number): Node {
  const operand = check(syntax, depth);
  if (operand.type !== 'string' && operand.type !== 'uint' && operand.type !== 'int') {
    throw new Refusal(`int() is of a string or a uint, not of ${operand.type}`, syntax);
  }
  if (operand.kind === 'constant') {
    const { value } = operand;
    const whole = typeof value === 'string' ? parseInteger(value) : (value as number | bigint);
    if (whole === undefined || whole > INT_MAX)
      throw new Refusal('this is no int of up to 18 digits', syntax);
    return constant('int', whole);
  }
  return operand.type === 'int' ? operand : { kind: 'toInt', type: 'int', operand };
}

function checkDouble(syntax: Syntax, depth: number): Node {
  const operand = check(syntax, depth);
  if (operand.type !== 'int' && operand.type !== 'uint' && operand.type !== 'double') {
    throw new Refusal(`double() is of a number, not of ${operand.type}`, syntax);
  }
  if (operand.kind === 'constant') return constant('double', Number(operand.value));
  return operand.type === 'double' ? operand : { kind: 'toDouble', type: 'double', operand };
}

function checkTime(name: 'duration' | 'timestamp', syntax: Syntax, depth: number): Node {
  const operand = check(syntax, depth);
  const duration = name === 'duration';
  const example = duration ? '"250ms", "1m30s"' : '"2026-01-31T12:00:00Z", from 1970 to 2261';
  if (operand.kind !== 'constant' || typeof operand.value !== 'string') {
    throw new Refusal(`${name}() takes a text: ${example}`, syntax);
  }
  const nanos = duration ? parseDuration(operand.value) : parseTimestamp(operand.value);
  if (nanos === undefined) throw new Refusal(`this is no ${name}; for example ${example}`, syntax);
  return constant(name, nanos);
}

function checkMatches(receiver: Syntax, given: Syntax, depth: number): Node {
  const text = wanted('string', receiver, depth);
  const written = check(given, depth);
  if (written.kind !== 'constant' || typeof written.value !== 'string') {
    throw new Refusal('matches() takes its pattern as a constant text', given);
  }
  const pattern = parsePattern(written.value);
  if (!pattern.ok) {
    const at = pattern.error.at + 1;
    throw new Refusal(`in the pattern, at character ${at}: ${pattern.error.message}`, given);
  }
  return { kind: 'matches', type: 'bool', text, pattern: pattern.value };
}

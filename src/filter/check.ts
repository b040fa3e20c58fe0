/**
 * Types and meaning of an expression, as CEL's specification has them for the subset in
 * docs/formats/filter.md. A filter that passes cannot fail later for its form: what is left are values
 * (a null where a number is wanted, an overflow), which make a call not match.
 */
import { fail, ok } from '../base/result.ts';
import { nearest } from '../base/nearest.ts';
import { checkFunction, checkMethod } from './functions.ts';
import { fieldNames, findField } from './fields.ts';
import { INT_MAX, INT_MIN, UINT_MAX, compareNumbers, integer } from './numbers.ts';
import { brokenSurrogate, parseExpression, type Syntax } from './parse.ts';
import { FILTER_LIMITS } from './types.ts';
import type {
  ArithmeticOperator,
  CompareOperator,
  Constant,
  FilterProblem,
  FilterResult,
  FilterType,
  Node,
  Scalar,
} from './types.ts';

/** Leaves the recursion of the checker; never leaves this folder. */
export class Refusal extends Error {
  readonly problem: FilterProblem;

  constructor(message: string, where: { readonly start: number; readonly end: number }) {
    super(message);
    this.problem = { message, start: where.start, end: where.end };
  }
}

/** Parses and checks a filter. */
export function parseFilter(expression: string): FilterResult {
  const parsed = parseExpression(expression);
  if (!parsed.ok) return parsed;
  try {
    const root = check(parsed.value, 0);
    if (root.type !== 'bool') {
      throw new Refusal(`the filter is of type ${root.type}, and has to be true or false`, parsed.value);
    }
    return ok({ expression, root });
  } catch (error) {
    if (error instanceof Refusal) return fail(error.problem);
    throw error;
  }
}

export function check(syntax: Syntax, depth: number): Node {
  if (depth > FILTER_LIMITS.depth) {
    throw new Refusal(`the filter is nested deeper than ${FILTER_LIMITS.depth}`, syntax);
  }
  switch (syntax.op) {
    case 'value':
      return checkLiteral(syntax.args, syntax);
    case 'id':
      return checkName(syntax.args, syntax);
    case '!_':
      return { kind: 'not', type: 'bool', operand: wanted('bool', syntax.args, depth + 1) };
    case '-_':
      return checkNegation(syntax, syntax.args, depth + 1);
    case '&&':
    case '||':
      return checkLogic(syntax, depth + 1);
    case '==':
    case '!=':
      return checkEquality(syntax.op === '!=', syntax.args, syntax, depth + 1);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return checkOrder(syntax.op, syntax.args, syntax, depth + 1);
    case 'in':
      return checkIn(syntax.args[0], syntax.args[1], depth + 1);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return checkArithmetic(syntax.op, syntax.args, syntax, depth + 1);
    case '?:':
      return checkChoice(syntax.args, syntax, depth + 1);
    case 'call':
      return checkFunction(syntax.args[0], syntax.args[1], syntax, depth + 1);
    case 'rcall':
      return checkMethod(syntax.args[0], syntax.args[1], syntax.args[2], syntax, depth + 1);
    case 'list':
      throw new Refusal('a list stands only behind in', syntax);
    case '.':
      throw new Refusal('fields have no parts', syntax);
    default:
      throw new Refusal(`${syntax.op} is not in the subset of CEL that filters have`, syntax);
  }
}

/** Checks an operand that has to have a type. */
export function wanted(type: FilterType, syntax: Syntax, depth: number): Node {
  const node = check(syntax, depth);
  if (node.type !== type) {
    throw new Refusal(`${describe(node)} is ${article(node.type)}; ${article(type)} is wanted here`, syntax);
  }
  return node;
}

export function constant(type: FilterType, value: Scalar): Constant {
  return { kind: 'constant', type, value };
}

export function isNumeric(type: FilterType): boolean {
  return type === 'int' || type === 'uint' || type === 'double';
}

function describe(node: Node): string {
  return node.kind === 'field' ? node.field.name : 'this';
}

function article(type: FilterType): string {
  return type === 'int' ? `an ${type}` : `a ${type}`;
}

function checkLiteral(value: unknown, syntax: Syntax): Node {
  switch (typeof value) {
    case 'string': {
      if (brokenSurrogate(value) >= 0)
        throw new Refusal('the text holds half a character (surrogate)', syntax);
      return constant('string', value);
    }
    case 'boolean':
      return constant('bool', value);
    case 'number':
      return constant('double', value);
    case 'bigint':
      if (value > INT_MAX) throw new Refusal('an int has 64 bits: 9223372036854775807 at most', syntax);
      return constant('int', integer(value));
    default:
  }
  if (value === null) throw new Refusal('null stands only beside == and !=', syntax);
  // The parser's own class for `3u`, which it does not export.
  if (typeof value === 'object' && 'value' in value && typeof value.value === 'bigint') {
    if (value.value > UINT_MAX) throw new Refusal('a uint has 64 bits', syntax);
    return constant('uint', integer(value.value));
  }
  throw new Refusal('bytes are not in the subset of CEL that filters have', syntax);
}

function checkName(name: string, syntax: Syntax): Node {
  const field = findField(name);
  if (field !== undefined) return { kind: 'field', type: field.type, field };
  const meant = nearest(name, fieldNames());
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
  throw new Refusal(`there is no field "${name}"${hint}`, syntax);
}

function checkNegation(syntax: Syntax, operand: Syntax, depth: number): Node {
  // The smallest int is written as the negative of a number that is no int.
  if (operand.op === 'value' && typeof operand.args === 'bigint') {
    if (-operand.args < INT_MIN)
      throw new Refusal('an int has 64 bits: -9223372036854775808 at least', syntax);
    return constant('int', integer(-operand.args));
  }
  const node = check(operand, depth);
  if (node.type !== 'int' && node.type !== 'double') {
    throw new Refusal(
      `${describe(node)} is ${article(node.type)}; only int and double have a minus`,
      operand,
    );
  }
  if (node.kind === 'constant' && typeof node.value === 'number') return constant(node.type, -node.value);
  return { kind: 'negate', type: node.type, operand: node };
}

/** Chains become one node, so that a hundred alternatives are not a hundred levels. */
function checkLogic(syntax: Syntax, depth: number): Node {
  const operator = syntax.op;
  const operands: Node[] = [];
  const pending: Syntax[] = [syntax];
  while (pending.length > 0) {
    const next = pending.pop() as Syntax;
    if (next.op === operator && (next.op === '&&' || next.op === '||'))
      pending.push(next.args[1], next.args[0]);
    else operands.push(wanted('bool', next, depth));
  }
  return { kind: operator === '&&' ? 'and' : 'or', type: 'bool', operands };
}

function checkEquality(
  negated: boolean,
  sides: readonly [Syntax, Syntax],
  syntax: Syntax,
  depth: number,
): Node {
  for (const [side, other] of [sides, [sides[1], sides[0]]]) {
    if (side.op === 'value' && side.args === null) return checkNull(negated, other, depth);
  }
  const left = check(sides[0], depth);
  const right = check(sides[1], depth);
  mustCompare(left, right, syntax);
  if (left.type.startsWith('list')) throw new Refusal('lists are not compared; use in or size()', syntax);
  return { kind: 'equal', type: 'bool', negated, left, right };
}

function checkNull(negated: boolean, operand: Syntax, depth: number): Node {
  const node = check(operand, depth);
  if (node.kind === 'field' && node.field.nullable === true) {
    return { kind: 'isNull', type: 'bool', field: node.field, negated };
  }
  const hint = node.type === 'string' ? '; an absent text is ""' : '';
  throw new Refusal(`${describe(node)} is never null${hint}`, operand);
}

function mustCompare(left: Node, right: Node, syntax: Syntax): void {
  if (left.type === right.type || (isNumeric(left.type) && isNumeric(right.type))) return;
  let hint = '';
  for (const [text, other] of [
    [left, right],
    [right, left],
  ]) {
    if (text.type === 'string' && isNumeric(other.type)) {
      const name = text.kind === 'field' ? text.field.name : 'text';
      hint = `; write ${name} == "404" or int(${name}) >= 400`;
    }
    if (text.type === 'duration' && isNumeric(other.type)) hint = '; write duration("250ms")';
    if (text.type === 'timestamp') hint = '; write timestamp("2026-01-31T12:00:00Z")';
  }
  throw new Refusal(`${article(left.type)} and ${article(right.type)} are not compared${hint}`, syntax);
}

function checkOrder(
  operator: CompareOperator,
  sides: readonly [Syntax, Syntax],
  syntax: Syntax,
  depth: number,
): Node {
  const left = check(sides[0], depth);
  const right = check(sides[1], depth);
  mustCompare(left, right, syntax);
  if (left.type === 'bool' || left.type.startsWith('list')) {
    throw new Refusal(`${article(left.type)} has no order`, syntax);
  }
  return { kind: 'compare', type: 'bool', operator, left, right };
}

function checkIn(left: Syntax, right: Syntax, depth: number): Node {
  const operand = check(left, depth);
  if (right.op === 'list') {
    if (operand.type === 'bool' || operand.type.startsWith('list')) {
      throw new Refusal(`${article(operand.type)} is not looked for in a list`, left);
    }
    const values = right.args.flatMap((item) => listItem(item, operand, depth));
    return { kind: 'oneOf', type: 'bool', operand, values };
  }
  const list = check(right, depth);
  if (list.type !== 'list(string)' && list.type !== 'list(uint)') {
    throw new Refusal(`behind in stands a list; ${describe(list)} is ${article(list.type)}`, right);
  }
  const item = list.type === 'list(string)' ? 'string' : 'uint';
  if (operand.type === item) return { kind: 'member', type: 'bool', operand, list };
  if (operand.kind === 'constant' && item === 'uint' && isNumeric(operand.type)) {
    const value = convertConstant(operand, 'uint');
    if (value !== undefined) return { kind: 'member', type: 'bool', operand: value, list };
    return constant('bool', false);
  }
  throw new Refusal(`${describe(list)} is a list of ${item}; ${article(operand.type)} is never in it`, left);
}

/** The item as a constant of the operand's own type; nothing when no value of that type equals it. */
function listItem(syntax: Syntax, operand: Node, depth: number): readonly Constant[] {
  const item = check(syntax, depth);
  if (item.kind !== 'constant') throw new Refusal('a list holds constants only', syntax);
  if (item.type === operand.type) return [item];
  if (!isNumeric(item.type) || !isNumeric(operand.type)) {
    throw new Refusal(`${article(item.type)} in a list to look ${article(operand.type)} up in`, syntax);
  }
  const converted = convertConstant(item, operand.type);
  return converted === undefined ? [] : [converted];
}

function convertConstant(item: Constant, type: FilterType): Constant | undefined {
  const value = item.value as number | bigint;
  if (type === 'double') {
    const double = Number(value);
    return compareNumbers(double, value) === 0 ? constant('double', double) : undefined;
  }
  if (typeof value === 'number' && !Number.isInteger(value)) return undefined;
  const whole = BigInt(value);
  const fits = type === 'uint' ? whole >= 0n && whole <= UINT_MAX : whole >= INT_MIN && whole <= INT_MAX;
  return fits ? constant(type, integer(whole)) : undefined;
}

function checkArithmetic(
  operator: ArithmeticOperator,
  sides: readonly [Syntax, Syntax],
  syntax: Syntax,
  depth: number,
): Node {
  const left = check(sides[0], depth);
  const right = check(sides[1], depth);
  const type = left.type;
  if (type !== right.type) {
    const hint = isNumeric(type) && isNumeric(right.type) ? '; convert one with double()' : '';
    throw new Refusal(`${article(type)} ${operator} ${article(right.type)} is not defined${hint}`, syntax);
  }
  const known =
    type === 'int' ||
    (type === 'double' && operator !== '%') ||
    (type === 'duration' && (operator === '+' || operator === '-'));
  if (!known) throw new Refusal(`${article(type)} has no ${operator} in filters`, syntax);
  return { kind: 'arithmetic', type, operator, left, right };
}

function checkChoice(parts: readonly [Syntax, Syntax, Syntax], syntax: Syntax, depth: number): Node {
  const condition = wanted('bool', parts[0], depth);
  const chosen = check(parts[1], depth);
  const otherwise = check(parts[2], depth);
  if (chosen.type !== otherwise.type) {
    throw new Refusal(`the two outcomes are ${article(chosen.type)} and ${article(otherwise.type)}`, syntax);
  }
  for (const branch of [chosen, otherwise]) {
    if (branch.kind === 'field' && branch.field.nullable === true) {
      throw new Refusal(`${branch.field.name} may be null and is no outcome of ?:`, syntax);
    }
  }
  return { kind: 'choose', type: chosen.type, condition, chosen, otherwise };
}

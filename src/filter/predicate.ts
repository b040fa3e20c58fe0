/**
 * A checked filter as a function on a row: closures, one per node, chosen once by type. CEL's errors are
 * `undefined` here and NULL in SQL, and travel alike: `false && error` is false, `true || error` is true,
 * anything else with an error is one, and a filter that ends in one does not match.
 */
import { compilePattern } from './pattern-machine.ts';
import {
  INT_MAX,
  INT_MIN,
  compareNumbers,
  compareTexts,
  countCharacters,
  integer,
  parseInteger,
  readInteger,
  readTimestamp,
} from './numbers.ts';
import type {
  ArithmeticOperator,
  CompareOperator,
  Field,
  Filter,
  FilterRow,
  Node,
  Scalar,
  Value,
} from './types.ts';

/** Takes a row as `callRow` of src/record makes it. */
export type Predicate = (row: object) => boolean;
type Evaluate<T = Value> = (row: FilterRow) => T | undefined;
type Numeric = number | bigint;

/** The filter as a fast function; it keeps no row. */
export function compilePredicate(filter: Filter): Predicate {
  const evaluate = compile(filter.root);
  return (row) => evaluate(row as FilterRow) === true;
}

function compile(node: Node): Evaluate {
  switch (node.kind) {
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'field':
      return compileField(node.field);
    case 'isNull': {
      const read = compileField(node.field);
      const { negated } = node;
      return (row) => {
        const value = read(row);
        return value === undefined ? undefined : (value === null) !== negated;
      };
    }
    case 'not': {
      const operand = compile(node.operand);
      return (row) => {
        const value = operand(row);
        return typeof value === 'boolean' ? !value : undefined;
      };
    }
    case 'and':
      return compileLogic(node.operands.map(compile), false);
    case 'or':
      return compileLogic(node.operands.map(compile), true);
    case 'equal':
      return compileEqual(node.left, node.right, node.negated);
    case 'compare':
      return compileCompare(node.operator, node.left, node.right);
    case 'oneOf':
      return compileOneOf(compile(node.operand), new Set(node.values.map((value) => value.value)));
    case 'member':
      return compileMember(compile(node.operand), compile(node.list));
    case 'choose':
      return compileChoice(compile(node.condition), compile(node.chosen), compile(node.otherwise));
    case 'arithmetic':
      return compileArithmetic(
        node.operator,
        node.type === 'double',
        numeric(node.left),
        numeric(node.right),
      );
    case 'negate':
      return compileNegation(numeric(node.operand), node.type === 'double');
    default:
      return compileText(node);
  }
}

function compileText(
  node: Extract<Node, { kind: 'text' | 'matches' | 'size' | 'lower' | 'toInt' | 'toDouble' }>,
): Evaluate {
  switch (node.kind) {
    case 'text': {
      const { test } = node;
      const text = compile(node.text);
      const part = compile(node.part);
      return (row) => {
        const whole = text(row);
        const piece = part(row);
        return typeof whole === 'string' && typeof piece === 'string'
          ? whole[testMethod(test)](piece)
          : undefined;
      };
    }
    case 'matches': {
      const text = compile(node.text);
      const matches = compilePattern(node.pattern);
      return (row) => {
        const whole = text(row);
        return typeof whole === 'string' ? matches(whole) : undefined;
      };
    }
    case 'size': {
      const operand = compile(node.operand);
      return (row) => {
        const value = operand(row);
        if (typeof value === 'string') return countCharacters(value);
        return Array.isArray(value) ? value.length : undefined;
      };
    }
    case 'lower': {
      const operand = compile(node.operand);
      return (row) => {
        const value = operand(row);
        return typeof value === 'string' ? lowerAscii(value) : undefined;
      };
    }
    case 'toInt': {
      const operand = compile(node.operand);
      return (row) => toInt(operand(row));
    }
    case 'toDouble': {
      const operand = numeric(node.operand);
      return (row) => {
        const value = operand(row);
        return value === undefined ? undefined : Number(value);
      };
    }
  }
}

function testMethod(test: 'startsWith' | 'endsWith' | 'contains'): 'startsWith' | 'endsWith' | 'includes' {
  return test === 'contains' ? 'includes' : test;
}

function compileField(field: Field): Evaluate {
  const { name } = field;
  const read = field.read ?? ((row: FilterRow): unknown => row[name]);
  const nullable = field.nullable === true;
  const convert = converter(field);
  return (row) => {
    const value = read(row);
    if (value === null) return nullable ? null : undefined;
    return convert(value);
  };
}

/** What a row has, as a value of the field's type; undefined when it is none. */
function converter(field: Field): (value: unknown) => Value | undefined {
  switch (field.type) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : undefined);
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    case 'double':
      return (value) => (typeof value === 'number' ? value : undefined);
    case 'int':
    case 'uint':
    case 'duration':
      return readInteger;
    case 'timestamp':
      return readTimestamp;
    case 'list(string)':
      return (value) => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined);
    case 'list(uint)':
      return (value) =>
        Array.isArray(value) ? value.map(readInteger).filter((item) => item !== undefined) : undefined;
  }
}

/** An operand that is a number, a duration or a timestamp; null counts as an error there. */
function numeric(node: Node): Evaluate<Numeric> {
  const evaluate = compile(node);
  return (row) => {
    const value = evaluate(row);
    return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
  };
}

function compileLogic(operands: readonly Evaluate[], decisive: boolean): Evaluate {
  return (row) => {
    let failed = false;
    for (let at = 0; at < operands.length; at++) {
      const value = operands[at](row);
      if (value === decisive) return decisive;
      if (value === undefined) failed = true;
    }
    return failed ? undefined : !decisive;
  };
}

function compileEqual(left: Node, right: Node, negated: boolean): Evaluate {
  const a = compile(left);
  const b = compile(right);
  return (row) => {
    const x = a(row);
    const y = b(row);
    if (x === undefined || y === undefined) return undefined;
    return sameValue(x, y) !== negated;
  };
}

function sameValue(x: Value, y: Value): boolean {
  if (x === y) return true;
  // An int beyond 2⁵³ is a BigInt and may still equal a double.
  if (typeof x === 'bigint' && typeof y === 'number') return compareNumbers(x, y) === 0;
  if (typeof x === 'number' && typeof y === 'bigint') return compareNumbers(x, y) === 0;
  return false;
}

function compileCompare(operator: CompareOperator, left: Node, right: Node): Evaluate {
  const holds = ORDER[operator];
  if (left.type === 'string') {
    const a = compile(left);
    const b = compile(right);
    return (row) => {
      const x = a(row);
      const y = b(row);
      return typeof x === 'string' && typeof y === 'string' ? holds(compareTexts(x, y)) : undefined;
    };
  }
  const a = numeric(left);
  const b = numeric(right);
  return (row) => {
    const x = a(row);
    const y = b(row);
    if (x === undefined || y === undefined) return undefined;
    const order = compareNumbers(x, y);
    return order !== undefined && holds(order);
  };
}

const ORDER: Readonly<Record<CompareOperator, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function compileOneOf(operand: Evaluate, values: ReadonlySet<Scalar>): Evaluate {
  return (row) => {
    const value = operand(row);
    if (value === undefined) return undefined;
    // A set finds NaN, which equals nothing.
    return value === value && values.has(value as Scalar);
  };
}

function compileMember(operand: Evaluate, list: Evaluate): Evaluate {
  return (row) => {
    const value = operand(row);
    const items = list(row);
    if (value === undefined || !Array.isArray(items)) return undefined;
    return items.includes(value);
  };
}

function compileChoice(condition: Evaluate, then: Evaluate, otherwise: Evaluate): Evaluate {
  return (row) => {
    const chosen = condition(row);
    if (typeof chosen !== 'boolean') return undefined;
    return chosen ? then(row) : otherwise(row);
  };
}

function toInt(value: Value | undefined): Numeric | undefined {
  if (typeof value === 'string') return parseInteger(value);
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' && value <= INT_MAX ? value : undefined;
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function compileNegation(operand: Evaluate<Numeric>, double: boolean): Evaluate {
  return (row) => {
    const value = operand(row);
    if (value === undefined) return undefined;
    return double ? -Number(value) : inRange(-BigInt(value));
  };
}

function compileArithmetic(
  operator: ArithmeticOperator,
  double: boolean,
  left: Evaluate<Numeric>,
  right: Evaluate<Numeric>,
): Evaluate {
  const compute = double ? DOUBLES[operator] : wholeArithmetic(operator);
  return (row) => {
    const x = left(row);
    const y = right(row);
    return x === undefined || y === undefined ? undefined : compute(x, y);
  };
}

const DOUBLES: Readonly<Record<ArithmeticOperator, (x: Numeric, y: Numeric) => number>> = {
  '+': (x, y) => Number(x) + Number(y),
  '-': (x, y) => Number(x) - Number(y),
  '*': (x, y) => Number(x) * Number(y),
  '/': (x, y) => Number(x) / Number(y),
  '%': () => Number.NaN,
};

const WHOLES: Readonly<Record<ArithmeticOperator, (x: bigint, y: bigint) => bigint>> = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
  '/': (x, y) => x / y,
  '%': (x, y) => x % y,
};

/** 64-bit arithmetic: plain numbers while the outcome is exact, BigInt else; overflow is an error. */
function wholeArithmetic(operator: ArithmeticOperator): (x: Numeric, y: Numeric) => Numeric | undefined {
  const exact = WHOLES[operator];
  const divides = operator === '/' || operator === '%';
  return (x, y) => {
    if (typeof x === 'number' && typeof y === 'number' && !divides) {
      const outcome = operator === '+' ? x + y : operator === '-' ? x - y : x * y;
      if (Number.isSafeInteger(outcome)) return outcome + 0;
    }
    const divisor = BigInt(y);
    if (divides && divisor === 0n) return undefined;
    return inRange(exact(BigInt(x), divisor));
  };
}

function inRange(value: bigint): Numeric | undefined {
  return value >= INT_MIN && value <= INT_MAX ? integer(value) : undefined;
}

/**
 * A checked filter as a ClickHouse expression for WHERE, over the columns of `calls`. NULL is CEL's error:
 * three-valued logic is the same in both. The text is printable ASCII whatever the filter held; literals
 * are quoted here and nowhere else (https://clickhouse.com/docs/sql-reference/syntax#string).
 */
import type { Constant, Field, Filter, Node, Scalar } from './types.ts';

/** The store's own expressions for fields, by name: services resolved to sets of endpoint ids, joins. */
export type FieldExpressions = Readonly<Record<string, string>>;

/** The filter in parentheses; rows for which it is NULL do not match. */
export function compileSql(filter: Filter, expressions: FieldExpressions = {}): string {
  return `(${new SqlWriter(expressions).write(filter.root)})`;
}

/** A text as a literal of ClickHouse: quotes, backslashes, controls, all beyond ASCII as escapes. */
export function quoteText(text: string): string {
  let quoted = "'";
  for (const byte of new TextEncoder().encode(text)) {
    if (byte === 0x27 || byte === 0x5c) quoted += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) quoted += String.fromCharCode(byte);
    else quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${quoted}'`;
}

class SqlWriter {
  private readonly expressions: FieldExpressions;
  private names = 0;

  constructor(expressions: FieldExpressions) {
    this.expressions = expressions;
  }

  write(node: Node): string {
    switch (node.kind) {
      case 'constant':
        return literal(node);
      case 'field':
        return this.field(node.field);
      case 'isNull':
        return `${node.negated ? 'isNotNull' : 'isNull'}(${this.field(node.field)})`;
      case 'not':
        return `(NOT ${this.write(node.operand)})`;
      case 'and':
      case 'or': {
        const operands = node.operands.map((operand) => this.write(operand));
        return `(${operands.join(node.kind === 'and' ? ' AND ' : ' OR ')})`;
      }
      case 'equal':
        return this.equal(node.left, node.right, node.negated);
      case 'compare':
        return `(${this.write(node.left)} ${node.operator} ${this.write(node.right)})`;
      case 'oneOf':
        return this.oneOf(node.operand, node.values);
      case 'member':
        return this.member(node.operand, node.list);
      case 'choose': {
        // `if` takes a NULL for false.
        const chosen = this.write(node.chosen);
        const otherwise = this.write(node.otherwise);
        return this.once(node.condition, (condition) => `if(${condition}, ${chosen}, ${otherwise})`);
      }
      case 'arithmetic':
        return this.arithmetic(node);
      case 'negate': {
        const operand = this.write(node.operand);
        return node.type === 'double' ? `(-${operand})` : fit(`-toInt128(${operand})`);
      }
      default:
        return this.text(node);
    }
  }

  private text(
    node: Extract<Node, { kind: 'text' | 'matches' | 'size' | 'lower' | 'toInt' | 'toDouble' }>,
  ): string {
    switch (node.kind) {
      case 'text': {
        const both = `${this.write(node.text)}, ${this.write(node.part)}`;
        return node.test === 'contains' ? `(position(${both}) > 0)` : `${node.test}(${both})`;
      }
      case 'matches':
        return `match(${this.write(node.text)}, ${quoteText(node.pattern.re2)})`;
      case 'size': {
        const operand = this.write(node.operand);
        return node.operand.type === 'string' ? `lengthUTF8(${operand})` : `length(${operand})`;
      }
      case 'lower':
        return `lower(${this.write(node.operand)})`;
      case 'toInt': {
        const operand = this.write(node.operand);
        if (node.operand.type !== 'string') return fit(operand);
        // toInt64OrNull wraps around beyond 64 bits; 18 digits always fit.
        return `toInt64OrNull(extract(${operand}, '^[+-]?[0-9]{1,18}$'))`;
      }
      case 'toDouble':
        return `toFloat64(${this.write(node.operand)})`;
    }
  }

  private field(field: Field): string {
    return this.expressions[field.name] ?? field.sql;
  }

  /** A null equals only a null; an error on either side is one. */
  private equal(left: Node, right: Node, negated: boolean): string {
    const operator = negated ? '!=' : '=';
    const differs = negated ? '1' : '0';
    if (isNullable(left) && isNullable(right)) {
      const a = this.write(left);
      const b = this.write(right);
      const same = negated ? '0' : '1';
      return `if(isNull(${a}) AND isNull(${b}), ${same}, ifNull(${a} ${operator} ${b}, ${differs}))`;
    }
    if (!isNullable(left) && !isNullable(right))
      return `(${this.write(left)} ${operator} ${this.write(right)})`;
    const [field, other] = isNullable(left) ? [left, right] : [right, left];
    return this.once(other, (value) => `ifNull(${this.write(field)} ${operator} ${value}, ${differs})`);
  }

  /**
   * An expression that needs its operand to be no error: NULL when it is. The operand is written once,
   * as the parameter of a lambda where it may fail, since each copy would double a nested filter.
   */
  private once(operand: Node, body: (value: string) => string): string {
    const written = this.write(operand);
    if (!canFail(operand)) return body(written);
    const name = `v${++this.names}`;
    return `arrayMap(${name} -> if(isNull(${name}), NULL, ${body(name)}), [${written}])[1]`;
  }

  private oneOf(operand: Node, values: readonly Constant[]): string {
    const value = this.write(operand);
    const empty = values.length === 0;
    if (isNullable(operand))
      return empty ? '0' : `ifNull(${value} IN (${values.map(literal).join(', ')}), 0)`;
    if (empty) return `if(isNull(${value}), NULL, 0)`;
    return `(${value} IN (${values.map(literal).join(', ')}))`;
  }

  private member(operand: Node, list: Node): string {
    const items = this.write(list);
    return this.once(operand, (value) => `has(${items}, ${value})`);
  }

  private arithmetic(node: Extract<Node, { kind: 'arithmetic' }>): string {
    const left = this.write(node.left);
    const right = this.write(node.right);
    if (node.type === 'double') return `(${left} ${node.operator} ${right})`;
    // 128 bits hold every outcome of two 64-bit operands: what does not fit back is an overflow.
    const a = `toInt128(${left})`;
    const b = `toInt128(${right})`;
    if (node.operator === '/') return fit(`intDivOrZero(${a}, nullIf(${b}, 0))`);
    if (node.operator === '%') return fit(`moduloOrZero(${a}, nullIf(${b}, 0))`);
    return fit(`${a} ${node.operator} ${b}`);
  }
}

function fit(expression: string): string {
  return `accurateCastOrNull(${expression}, 'Int64')`;
}

function isNullable(node: Node): boolean {
  return node.kind === 'field' && node.field.nullable === true;
}

/** Whether a value may be an error: a null where none may be, an overflow, a division by zero, no number. */
function canFail(node: Node): boolean {
  switch (node.kind) {
    case 'constant':
    case 'isNull':
      return false;
    case 'field':
      return node.field.nullable === true;
    case 'toInt':
      return true;
    case 'arithmetic':
      return node.type !== 'double' || canFail(node.left) || canFail(node.right);
    case 'negate':
      return node.type !== 'double' || canFail(node.operand);
    case 'and':
    case 'or':
      return node.operands.some(canFail);
    case 'equal':
      return [node.left, node.right].some((side) => !isNullable(side) && canFail(side));
    case 'compare':
      return canFail(node.left) || canFail(node.right);
    case 'oneOf':
      return !isNullable(node.operand) && canFail(node.operand);
    case 'text':
      return canFail(node.text) || canFail(node.part);
    case 'matches':
      return canFail(node.text);
    case 'choose':
      return canFail(node.condition) || canFail(node.chosen) || canFail(node.otherwise);
    default:
      return canFail(node.operand);
  }
}

function literal(node: Constant): string {
  const { value } = node;
  switch (node.type) {
    case 'string':
      return quoteText(String(value));
    case 'bool':
      return value === true ? 'true' : 'false';
    case 'uint':
      return `toUInt64('${value}')`;
    case 'double':
      return double(value);
    case 'timestamp':
      return `fromUnixTimestamp64Nano(toInt64('${value}'), 'UTC')`;
    default:
      return `toInt64('${value}')`;
  }
}

function double(value: Scalar): string {
  return `toFloat64(${Object.is(value, -0) ? '-0.' : String(value)})`;
}

/**
 * What the parts of the filter share: CEL types, the checked expression, and the problem that stops one.
 * Grammar and meaning: docs/formats/filter.md; CEL itself: https://github.com/google/cel-spec
 */
import type { Result } from '../base/result.ts';
import type { Pattern } from './pattern.ts';

export type FilterType =
  | 'string'
  | 'int'
  | 'uint'
  | 'double'
  | 'bool'
  | 'duration'
  | 'timestamp'
  | 'list(string)'
  | 'list(uint)';

/**
 * A value while filtering. Whole numbers are plain numbers up to 2⁵³ - 1 and BigInt beyond, never the one
 * for the other, so that equal integers are identical; durations and timestamps are whole nanoseconds.
 */
export type Scalar = string | number | bigint | boolean;
export type Value = Scalar | null | readonly Scalar[];

/** A call as the live tail and `-o json` have it: by field name. 64-bit numbers also as decimal text. */
export type FilterRow = Readonly<Record<string, unknown>>;

export interface Field {
  readonly name: string;
  readonly type: FilterType;
  /** May be null: then every use but `==`, `!=` and `in` is an error, and the call does not match. */
  readonly nullable?: true;
  /** The expression over the columns of `calls` that has the field's value. */
  readonly sql: string;
  readonly meaning: string;
  /** For a field that the row does not have by this name. */
  readonly read?: (row: FilterRow) => unknown;
}

export type CompareOperator = '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type TextTest = 'startsWith' | 'endsWith' | 'contains';

export interface Constant {
  readonly kind: 'constant';
  readonly type: FilterType;
  readonly value: Scalar;
}

/** A checked expression: every node has its type, constants are folded, names are resolved. */
export type Node =
  | Constant
  | { readonly kind: 'field'; readonly type: FilterType; readonly field: Field }
  | { readonly kind: 'not'; readonly type: 'bool'; readonly operand: Node }
  | { readonly kind: 'and' | 'or'; readonly type: 'bool'; readonly operands: readonly Node[] }
  | { readonly kind: 'isNull'; readonly type: 'bool'; readonly field: Field; readonly negated: boolean }
  | {
      readonly kind: 'equal';
      readonly type: 'bool';
      readonly negated: boolean;
      readonly left: Node;
      readonly right: Node;
    }
  | {
      readonly kind: 'compare';
      readonly type: 'bool';
      readonly operator: CompareOperator;
      readonly left: Node;
      readonly right: Node;
    }
  | {
      readonly kind: 'oneOf';
      readonly type: 'bool';
      readonly operand: Node;
      readonly values: readonly Constant[];
    }
  | { readonly kind: 'member'; readonly type: 'bool'; readonly operand: Node; readonly list: Node }
  | {
      readonly kind: 'text';
      readonly type: 'bool';
      readonly test: TextTest;
      readonly text: Node;
      readonly part: Node;
    }
  | { readonly kind: 'matches'; readonly type: 'bool'; readonly text: Node; readonly pattern: Pattern }
  | { readonly kind: 'size'; readonly type: 'int'; readonly operand: Node }
  | { readonly kind: 'lower'; readonly type: 'string'; readonly operand: Node }
  | { readonly kind: 'toInt'; readonly type: 'int'; readonly operand: Node }
  | { readonly kind: 'toDouble'; readonly type: 'double'; readonly operand: Node }
  | { readonly kind: 'negate'; readonly type: 'int' | 'double'; readonly operand: Node }
  | {
      readonly kind: 'arithmetic';
      readonly type: 'int' | 'double' | 'duration';
      readonly operator: ArithmeticOperator;
      readonly left: Node;
      readonly right: Node;
    }
  | {
      readonly kind: 'choose';
      readonly type: FilterType;
      readonly condition: Node;
      readonly chosen: Node;
      readonly otherwise: Node;
    };

/** What is wrong with an expression; [start, end) are UTF-16 positions in it. */
export interface FilterProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** A checked filter; `root` is of type bool. */
export interface Filter {
  readonly expression: string;
  readonly root: Node;
}

export type FilterResult = Result<Filter, FilterProblem>;

/** Limits of an expression: it may come from the network, and is compiled into SQL. */
export const FILTER_LIMITS = {
  /** Characters; a screen full is 2,000. */
  characters: 8192,
  /** Nesting; the parser and the compilers recurse, and ClickHouse's own limit is 1,000. */
  depth: 32,
  /** Nodes in all. */
  nodes: 4096,
  /** Items of one list. */
  listItems: 1000,
  /** Characters of one pattern of `matches`. */
  patternCharacters: 256,
  /** Steps of a compiled pattern: a text of n characters costs at most n × steps. */
  patternSteps: 1000,
} as const;

/** One line: `column 8: there is no field "statsu"; did you mean "status"?`. Columns count from 1. */
export function formatProblem(problem: FilterProblem): string {
  return `column ${problem.start + 1}: ${problem.message}`;
}

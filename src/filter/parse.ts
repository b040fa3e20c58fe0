/**
 * Text to syntax tree, by the one CEL parser (docs/decisions/cel.md). Only its parser is used: types,
 * meaning, limits and messages are ours (check.ts), so that the predicate and the SQL have one source.
 */
import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { fail, ok, type Result } from '../base/result.ts';
import { FILTER_LIMITS, type FilterProblem } from './types.ts';

export type Syntax = ASTNode;

/** The parser counts an operand of `&&` as no level, and ours is the stricter count: see check.ts. */
const PARSER_DEPTH = 100;

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: {
    maxAstNodes: FILTER_LIMITS.nodes,
    maxDepth: PARSER_DEPTH,
    maxListElements: FILTER_LIMITS.listItems,
    maxCallArguments: 4,
  },
});

export function parseExpression(expression: string): Result<Syntax, FilterProblem> {
  if (expression.length > FILTER_LIMITS.characters) {
    const start = FILTER_LIMITS.characters;
    const message = `a filter has at most ${FILTER_LIMITS.characters} characters`;
    return fail({ message, start, end: expression.length });
  }
  const broken = brokenSurrogate(expression);
  if (broken >= 0) return fail({ message: 'half a character (surrogate)', start: broken, end: broken + 1 });
  if (expression.trim() === '') return fail({ message: 'the filter is empty', start: 0, end: 0 });
  try {
    return ok(environment.parse(expression).ast);
  } catch (error) {
    return fail(problemOf(error, expression));
  }
}

function problemOf(error: unknown, expression: string): FilterProblem {
  const everything = { start: 0, end: expression.length };
  if (error instanceof ParseError) {
    const range = error.range ?? everything;
    return { message: sentence(error, expression), start: range.start, end: range.end };
  }
  // `!!!!…` recurses in the parser without being counted by its limit.
  if (error instanceof RangeError) return { message: 'the filter is nested too deeply', ...everything };
  throw error;
}

/** The parser's words where they are clear, ours where they speak of its inner names. */
function sentence(error: ParseError, expression: string): string {
  const range = error.range;
  const text = range === undefined ? '' : expression.slice(range.start, range.end);
  if (error.code === 'reserved_identifier') return `${text} is a reserved word of CEL`;
  if (error.code === 'unterminated_string') return 'this text has no closing quote';
  if (error.code === 'limit_exceeded') return limitSentence(error.summary);
  if (error.code === 'unexpected_token' || error.code === 'unexpected_character' || text === '') {
    return text === '' ? 'the filter ends too early' : `"${text}" is not expected here`;
  }
  return lowerFirst(error.summary);
}

function limitSentence(summary: string): string {
  if (summary.includes('maxListElements')) return `a list has at most ${FILTER_LIMITS.listItems} items`;
  if (summary.includes('maxDepth')) return 'the filter is nested too deeply';
  if (summary.includes('maxAstNodes')) return `a filter has at most ${FILTER_LIMITS.nodes} parts`;
  if (summary.includes('maxCallArguments')) return 'too many arguments';
  return lowerFirst(summary);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Where half of a surrogate pair stands alone, or -1. */
export function brokenSurrogate(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(at + 1);
    if (unit >= 0xdc00 || !(next >= 0xdc00 && next <= 0xdfff)) return at;
    at++;
  }
  return -1;
}

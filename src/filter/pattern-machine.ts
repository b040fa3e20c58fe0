/**
 * Runs a pattern over a text: Thompson's simulation (https://swtch.com/~rsc/regexp/regexp1.html). All threads
 * advance together, each step of the program at most once a character, so the cost is bounded by
 * characters × steps for every pattern and every text.
 */
import type { Pattern, PatternNode, Ranges } from './pattern.ts';

const SET = 0; // a: number of the set; then the next step
const SPLIT = 1; // a, b: both go on
const JUMP = 2; // a
const BEGIN = 3;
const END = 4;
const MATCH = 5;

interface Program {
  readonly operation: number[];
  readonly a: number[];
  readonly b: number[];
  readonly sets: Ranges[];
}

/** A function that tells whether the pattern is found anywhere in a text. */
export function compilePattern(pattern: Pattern): (text: string) => boolean {
  const program: Program = { operation: [], a: [], b: [], sets: [] };
  emit(program, pattern.root);
  push(program, MATCH, 0, 0);
  const machine = new Machine(program);
  return (text) => machine.run(text);
}

function push(program: Program, operation: number, a: number, b: number): number {
  program.operation.push(operation);
  program.a.push(a);
  program.b.push(b);
  return program.operation.length - 1;
}

function emit(program: Program, node: PatternNode): void {
  switch (node.kind) {
    case 'empty':
      return;
    case 'begin':
      push(program, BEGIN, 0, 0);
      return;
    case 'end':
      push(program, END, 0, 0);
      return;
    case 'set':
      program.sets.push(node.ranges);
      push(program, SET, program.sets.length - 1, 0);
      return;
    case 'sequence':
      for (const part of node.parts) emit(program, part);
      return;
    case 'choice':
      emitChoice(program, node.parts);
      return;
    case 'repeat':
      emitRepeat(program, node.part, node.min, node.max);
      return;
  }
}

function emitChoice(program: Program, parts: readonly PatternNode[]): void {
  const jumps: number[] = [];
  for (let at = 0; at < parts.length; at++) {
    if (at === parts.length - 1) {
      emit(program, parts[at]);
      break;
    }
    const split = push(program, SPLIT, program.operation.length + 1, 0);
    emit(program, parts[at]);
    jumps.push(push(program, JUMP, 0, 0));
    program.b[split] = program.operation.length;
  }
  for (const jump of jumps) program.a[jump] = program.operation.length;
}

function emitRepeat(program: Program, part: PatternNode, min: number, max: number): void {
  for (let count = 0; count < min; count++) emit(program, part);
  if (max === Infinity) {
    const split = push(program, SPLIT, program.operation.length + 1, 0);
    emit(program, part);
    push(program, JUMP, split, 0);
    program.b[split] = program.operation.length;
    return;
  }
  const splits: number[] = [];
  for (let count = min; count < max; count++) {
    splits.push(push(program, SPLIT, program.operation.length + 1, 0));
    emit(program, part);
  }
  for (const split of splits) program.b[split] = program.operation.length;
}

class Machine {
  private readonly program: Program;
  /** In which round a step was last added: each is added once a round. */
  private readonly seen: Uint32Array;
  private readonly stack: number[] = [];
  private round = 0;
  private current: number[] = [];
  private following: number[] = [];

  constructor(program: Program) {
    this.program = program;
    this.seen = new Uint32Array(program.operation.length);
  }

  run(text: string): boolean {
    if (this.round > 0x7fffffff) {
      this.seen.fill(0);
      this.round = 0;
    }
    this.current.length = 0;
    this.round++;
    let at = 0;
    while (true) {
      if (this.add(this.current, 0, at, text.length)) return true;
      if (at >= text.length) return false;
      const code = text.codePointAt(at) as number;
      const next = at + (code > 0xffff ? 2 : 1);
      if (this.advance(code, next, text.length)) return true;
      at = next;
    }
  }

  private advance(code: number, next: number, length: number): boolean {
    const { a, sets } = this.program;
    this.following.length = 0;
    this.round++;
    for (const step of this.current) {
      if (contains(sets[a[step]], code) && this.add(this.following, step + 1, next, length)) return true;
    }
    const done = this.current;
    this.current = this.following;
    this.following = done;
    return false;
  }

  /** Adds what is reached from a step without reading; true when that is the end of the pattern. */
  private add(list: number[], from: number, at: number, length: number): boolean {
    const { operation, a, b } = this.program;
    const { stack, seen, round } = this;
    stack.length = 0;
    stack.push(from);
    while (stack.length > 0) {
      const step = stack.pop() as number;
      if (seen[step] === round) continue;
      seen[step] = round;
      const code = operation[step];
      if (code === MATCH) return true;
      if (code === SET) list.push(step);
      else if (code === SPLIT) stack.push(b[step], a[step]);
      else if (code === JUMP) stack.push(a[step]);
      else if (code === BEGIN ? at === 0 : at === length) stack.push(step + 1);
    }
    return false;
  }
}

function contains(ranges: Ranges, code: number): boolean {
  for (let at = 0; at < ranges.length; at += 2) {
    if (code < ranges[at]) return false;
    if (code <= ranges[at + 1]) return true;
  }
  return false;
}

/**
 * Generated filters, each with a plain evaluator built beside its text: the oracle for src/filter. It shares
 * no code with it: ints are always BigInt, an error is a symbol, nothing is compiled.
 */
import type { Random } from './random.ts';

export const ERROR = Symbol('error');
export type Outcome = string | bigint | number | boolean | null | readonly (string | bigint)[] | typeof ERROR;

/** A call as the oracle sees it; `values` by field name. */
export interface Row {
  readonly values: Readonly<Record<string, Outcome>>;
}

export interface Case {
  readonly text: string;
  /** Uses only what CEL's own type checker also takes, so that another evaluator can judge it. */
  readonly plain: boolean;
  run(row: Row): Outcome;
}

const STRINGS = [
  'method',
  'operation',
  'target',
  'host',
  'status',
  'outcome',
  'protocol',
  'trace_id',
  'server_service',
];
const INTS = [
  'request_bytes',
  'response_bytes',
  'client_port',
  'server_port',
  'retransmits',
  'sequence',
  'connection',
];
const UINTS = ['call', 'principal', 'client_endpoint'];
const DOUBLES = ['weight', 'duration_ms'];
const DURATIONS = ['request_end', 'first_byte', 'end', 'duration'];
export const TEXTS = [
  '',
  'GET',
  'get',
  'GET /users/{id}',
  'cart:42',
  '200',
  '404',
  '-17',
  '+5',
  'ok',
  'timeout',
  'http',
  "it's",
  'back\\slash',
  "'; DROP TABLE calls; --",
  'tab\tnl\nnul\u0000',
  'größe',
  '日本',
  '😀',
  '\uffff',
  '\u2018quote\u2019',
  '{x:String}',
  '%_?',
];
const INT_VALUES = [
  0n,
  1n,
  -1n,
  7n,
  200n,
  404n,
  443n,
  65535n,
  9007199254740992n,
  9007199254740993n,
  2n ** 63n - 1n,
];
const UINT_VALUES = [0n, 1n, 9007199254740993n, 2n ** 63n, 2n ** 64n - 1n];
const DOUBLE_VALUES = [0, 1, 0.1, 1.5, -2.25, 200, 9007199254740992, 1e18, 1e300, 2 ** 63];
const DURATION_TEXTS: readonly (readonly [string, bigint])[] = [
  ['0', 0n],
  ['1ns', 1n],
  ['250ms', 250_000_000n],
  ['1.5s', 1_500_000_000n],
  ['1m30s', 90_000_000_000n],
  ['-2us', -2000n],
  ['2501h', 9_003_600_000_000_000n],
];
const TIMES: readonly (readonly [string, bigint])[] = [
  ['2026-01-31T12:00:00Z', 1_769_860_800_000_000_000n],
  ['2026-01-31T13:00:00.000000001+01:00', 1_769_860_800_000_000_001n],
  ['1970-01-01T00:00:00Z', 0n],
];
const FLAG_NAMES = ['encrypted', 'weak', 'gap', 'truncated', 'body skipped', 'no such'];
const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['^GET', /^GET/u],
  ['[0-9]{2,3}$', /[0-9]{2,3}$/u],
  ['(?i)get', /[gG][eE][tT]/u],
  ['a.*t|^$', /a[^\n]*t|^$/u],
  ['^.$', /^[^\n]$/u],
  ["\\\\|'", /\\|'/u],
  ['[^a-z]$', /[^a-z]$/u],
  ['日|😀', /日|😀/u],
  ['/users/\\{id\\}', /\/users\/\{id\}/u],
];
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

export function generateRow(random: Random, sequence: number): Row {
  const end = random.pick([
    0n,
    1n,
    999n,
    250_000_000n,
    1_500_000_000n,
    90_000_000_000n,
    9_003_600_000_000_001n,
  ]);
  const outcome = random.pick([
    'ok',
    'unknown',
    'client error',
    'server error',
    'timeout',
    'unanswered',
    'open',
  ]);
  const values: Record<string, Outcome> = {};
  for (const name of STRINGS) values[name] = random.pick(TEXTS);
  for (const name of INTS)
    values[name] = random.pick(INT_VALUES.filter((value) => value >= 0n && value < 65_536n));
  values.request_bytes = random.pick(INT_VALUES.filter((value) => value >= 0n));
  values.response_bytes = random.pick(INT_VALUES.filter((value) => value >= 0n));
  for (const name of UINTS) values[name] = random.pick(UINT_VALUES);
  const firstByte = random.pick([null, null, 1n, 250_000_000n, 999n]);
  return {
    values: {
      ...values,
      trace_id: random.pick(['', '6162636465666768696a6b6c6d6e6f70']),
      sequence: BigInt(sequence),
      start: random.pick(TIMES)[1] + random.pick([0n, 1n, 1_000_000_000n]),
      end,
      duration: end,
      duration_ms: Number(end) / 1e6,
      request_end: random.pick([0n, 1n, 250_000_000n]),
      first_byte: firstByte,
      outcome,
      error: ['server error', 'reset', 'timeout', 'unanswered'].includes(outcome),
      weight: random.pick([1, 0.5, 1.5, 100]),
      flags: FLAG_NAMES.slice(0, 5).filter(() => random.oneIn(3)),
      fingerprints: UINT_VALUES.filter(() => random.oneIn(3)),
    },
  };
}

function literal(text: string): string {
  const quoted = text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  return `"${quoted.replaceAll('\u0000', '\\u0000')}"`;
}
const isError = (...all: readonly Outcome[]): boolean => all.includes(ERROR);
const inRange = (value: bigint): Outcome => (value < MIN || value > MAX ? ERROR : value);

/** Makes expressions; each method gives one of the type that it is named after. */
export class Generator {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  bool(depth: number): Case {
    const { random } = this;
    if (depth <= 0) return this.comparison(0);
    switch (random.below(11)) {
      case 0:
      case 1:
        return this.logic('&&', depth);
      case 2:
      case 3:
        return this.logic('||', depth);
      case 4: {
        const operand = this.bool(depth - 1);
        return this.make(`!(${operand.text})`, operand.plain, (row) => {
          const value = operand.run(row);
          return value === ERROR ? ERROR : value !== true;
        });
      }
      case 5:
        return this.choose(this.bool(depth - 1), this.bool(depth - 1), this.bool(depth - 1));
      case 6:
        return this.membership(depth);
      case 7:
        return this.textTest(depth);
      default:
        return this.comparison(depth);
    }
  }

  private make(text: string, plain: boolean, run: (row: Row) => Outcome): Case {
    return { text, plain, run };
  }

  private field(name: string, plain: boolean): Case {
    return this.make(name, plain, (row) => row.values[name]);
  }

  private logic(operator: '&&' | '||', depth: number): Case {
    const a = this.bool(depth - 1);
    const b = this.bool(depth - 1);
    const decisive = operator === '||';
    return this.make(`(${a.text} ${operator} ${b.text})`, a.plain && b.plain, (row) => {
      const x = a.run(row);
      const y = b.run(row);
      if (x === decisive || y === decisive) return decisive;
      return isError(x, y) ? ERROR : !decisive;
    });
  }

  private choose(condition: Case, then: Case, otherwise: Case): Case {
    const text = `(${condition.text} ? ${then.text} : ${otherwise.text})`;
    return this.make(text, condition.plain && then.plain && otherwise.plain, (row) => {
      const value = condition.run(row);
      if (value === ERROR) return ERROR;
      return value === true ? then.run(row) : otherwise.run(row);
    });
  }

  private comparison(depth: number): Case {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
        return this.random.oneIn(2)
          ? this.field('error', true)
          : this.nullTest(random.oneIn(2) ? '==' : '!=', 'first_byte');
      case 1:
        return this.compare(this.string(depth), this.string(depth), true);
      case 2:
        return this.compare(this.int(depth), this.int(depth), true);
      case 3:
        return this.compare(this.number(depth), this.number(depth), false);
      case 4:
        return this.compare(this.double(depth), this.double(depth), true);
      case 5:
        return this.compare(this.duration(depth), this.duration(depth), false);
      case 6:
        return this.compare(this.field('start', false), this.timestamp(), false);
      default:
        return this.compare(this.string(depth), this.string(0), true);
    }
  }

  private nullTest(operator: '==' | '!=', name: string): Case {
    const text = this.random.oneIn(2) ? `${name} ${operator} null` : `null ${operator} ${name}`;
    return this.make(text, false, (row) => (row.values[name] === null) === (operator === '=='));
  }

  private compare(a: Case, b: Case, plain: boolean): Case {
    const operator = this.random.pick(['==', '!=', '<', '<=', '>', '>=']);
    return this.make(`${a.text} ${operator} ${b.text}`, plain && a.plain && b.plain, (row) => {
      const x = a.run(row);
      const y = b.run(row);
      if (isError(x, y)) return ERROR;
      if (operator === '==' || operator === '!=') return same(x, y) === (operator === '==');
      if (x === null || y === null) return ERROR;
      const order = typeof x === 'string' ? byCodePoint(x, String(y)) : byNumber(x as bigint, y as bigint);
      if (order === undefined) return false;
      if (operator === '<') return order < 0;
      if (operator === '<=') return order <= 0;
      return operator === '>' ? order > 0 : order >= 0;
    });
  }

  private membership(depth: number): Case {
    const { random } = this;
    const kind = random.below(6);
    if (kind === 0)
      return this.inList(
        this.string(depth),
        this.several(TEXTS).map((text) => [literal(text), text]),
        true,
      );
    if (kind === 1) {
      const items = [...this.several(INT_VALUES).map((n) => [String(n), n] as const), ['2.5', 2.5] as const];
      return this.inList(this.number(depth), items, false);
    }
    if (kind === 2) {
      const items = this.several(DURATION_TEXTS).map(
        ([text, nanos]) => [`duration("${text}")`, nanos] as const,
      );
      return this.inList(this.duration(depth), items, false);
    }
    if (kind === 3) {
      const value = random.pick(UINT_VALUES);
      return this.make(`${value}u in fingerprints`, false, (row) =>
        (row.values.fingerprints as bigint[]).includes(value),
      );
    }
    if (kind === 4) {
      return this.make('principal in fingerprints', false, (row) =>
        (row.values.fingerprints as bigint[]).includes(row.values.principal as bigint),
      );
    }
    const flag = this.random.pick(FLAG_NAMES);
    return this.make(`${literal(flag)} in flags`, true, (row) =>
      (row.values.flags as string[]).includes(flag),
    );
  }

  private several<T>(items: readonly T[]): T[] {
    return Array.from({ length: this.random.below(4) }, () => this.random.pick(items));
  }

  private inList(operand: Case, items: readonly (readonly [string, Outcome])[], plain: boolean): Case {
    const text = `${operand.text} in [${items.map((item) => item[0]).join(', ')}]`;
    return this.make(`(${text})`, plain && operand.plain && items.length > 0, (row) => {
      const value = operand.run(row);
      return value === ERROR ? ERROR : items.some((item) => same(value, item[1]));
    });
  }

  private textTest(depth: number): Case {
    const text = this.string(depth - 1);
    if (this.random.oneIn(3)) {
      const [pattern, expression] = this.random.pick(PATTERNS);
      return this.make(`${text.text}.matches(r"""${pattern}""")`, false, (row) => {
        const value = text.run(row);
        return typeof value === 'string' ? expression.test(value) : ERROR;
      });
    }
    const test = this.random.pick(['startsWith', 'endsWith', 'contains'] as const);
    const part = this.string(0);
    return this.make(`${text.text}.${test}(${part.text})`, text.plain && part.plain, (row) => {
      const whole = text.run(row);
      const piece = part.run(row);
      if (typeof whole !== 'string' || typeof piece !== 'string') return ERROR;
      if (test === 'contains') return whole.includes(piece);
      return test === 'startsWith' ? whole.startsWith(piece) : whole.endsWith(piece);
    });
  }

  private string(depth: number): Case {
    const { random } = this;
    if (depth > 0 && random.oneIn(6)) {
      const inner = this.string(depth - 1);
      return this.make(`${inner.text}.lowerAscii()`, inner.plain, (row) => {
        const value = inner.run(row);
        return typeof value === 'string' ? value.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : ERROR;
      });
    }
    if (depth > 0 && random.oneIn(8))
      return this.choose(this.bool(depth - 2), this.string(0), this.string(0));
    if (random.oneIn(2)) return this.field(random.pick(STRINGS), true);
    const text = random.pick(TEXTS);
    return this.make(literal(text), true, () => text);
  }

  private int(depth: number): Case {
    const { random } = this;
    if (depth > 0) {
      switch (random.below(7)) {
        case 0:
        case 1:
          return this.arithmetic(this.int(depth - 1), this.int(depth - 1));
        case 2: {
          const inner = this.int(depth - 1);
          return this.make(`-(${inner.text})`, inner.plain, (row) => {
            const value = inner.run(row);
            return typeof value === 'bigint' ? inRange(-value) : ERROR;
          });
        }
        case 3: {
          const inner = this.field(random.pick(STRINGS), true);
          return this.make(`size(${inner.text})`, true, (row) => BigInt([...String(inner.run(row))].length));
        }
        case 4: {
          const inner = this.field('status', true);
          return this.make('int(status)', false, (row) => {
            const value = String(inner.run(row));
            return ['200', '404', '-17', '+5'].includes(value) ? BigInt(Number(value)) : ERROR;
          });
        }
        default:
      }
    }
    if (random.oneIn(2)) return this.field(random.pick(INTS), true);
    const value = random.pick(INT_VALUES);
    return this.make(String(value), true, () => value);
  }

  private arithmetic(a: Case, b: Case): Case {
    const operator = this.random.pick(['+', '-', '*', '/', '%']);
    return this.make(`(${a.text} ${operator} ${b.text})`, a.plain && b.plain, (row) => {
      const x = a.run(row);
      const y = b.run(row);
      if (typeof x !== 'bigint' || typeof y !== 'bigint') return ERROR;
      if (operator === '+') return inRange(x + y);
      if (operator === '-') return inRange(x - y);
      if (operator === '*') return inRange(x * y);
      if (y === 0n) return ERROR;
      return operator === '/' ? inRange(x / y) : x % y;
    });
  }

  private double(depth: number): Case {
    const { random } = this;
    if (depth > 0 && random.oneIn(3)) {
      const a = this.double(depth - 1);
      const b = this.double(depth - 1);
      const operator = random.pick(['+', '-', '*', '/']);
      return this.make(`(${a.text} ${operator} ${b.text})`, a.plain && b.plain, (row) => {
        const x = a.run(row);
        const y = b.run(row);
        if (typeof x !== 'number' || typeof y !== 'number') return ERROR;
        if (operator === '+') return x + y;
        if (operator === '-') return x - y;
        return operator === '*' ? x * y : x / y;
      });
    }
    if (depth > 0 && random.oneIn(4)) {
      const inner = this.int(depth - 1);
      return this.make(`double(${inner.text})`, inner.plain, (row) => {
        const value = inner.run(row);
        return typeof value === 'bigint' ? Number(value) : ERROR;
      });
    }
    if (random.oneIn(2)) return this.field(random.pick(DOUBLES), true);
    const value = random.pick(DOUBLE_VALUES);
    const text = String(value);
    return this.make(/[.e]/.test(text) ? text : `${text}.0`, true, () => value);
  }

  /** Any numeric type: comparing across them is exact. */
  private number(depth: number): Case {
    const { random } = this;
    if (random.oneIn(3)) return this.int(depth);
    if (random.oneIn(2)) return this.double(depth);
    if (random.oneIn(2)) return this.field(random.pick(UINTS), false);
    const value = random.pick(UINT_VALUES);
    return this.make(`${value}u`, false, () => value);
  }

  private duration(depth: number): Case {
    const { random } = this;
    if (depth > 0 && random.oneIn(3)) {
      const a = this.duration(depth - 1);
      const b = this.duration(0);
      const operator = random.pick(['+', '-']);
      return this.make(`(${a.text} ${operator} ${b.text})`, false, (row) => {
        const x = a.run(row);
        const y = b.run(row);
        if (typeof x !== 'bigint' || typeof y !== 'bigint') return ERROR;
        return inRange(operator === '+' ? x + y : x - y);
      });
    }
    if (random.oneIn(2)) return this.field(random.pick(DURATIONS), false);
    const [text, nanos] = random.pick(DURATION_TEXTS);
    return this.make(`duration("${text}")`, false, () => nanos);
  }

  private timestamp(): Case {
    const [text, nanos] = this.random.pick(TIMES);
    return this.make(`timestamp("${text}")`, false, () => nanos);
  }
}

function same(x: Outcome, y: Outcome): boolean {
  if (typeof x === 'number' && typeof y === 'number') return x === y;
  if ((typeof x === 'bigint' || typeof x === 'number') && (typeof y === 'bigint' || typeof y === 'number')) {
    return byNumber(x, y) === 0;
  }
  return x === y;
}

/** Exact, by turning the double into the integer below it. */
function byNumber(x: bigint | number, y: bigint | number): number | undefined {
  if (typeof x === 'bigint' && typeof y === 'bigint') return x < y ? -1 : x > y ? 1 : 0;
  if (typeof x === 'number' && typeof y === 'number') {
    if (Number.isNaN(x) || Number.isNaN(y)) return undefined;
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (typeof x === 'number') {
    const turned = byNumber(y, x);
    return turned === undefined ? undefined : -turned;
  }
  const double = y as number;
  if (Number.isNaN(double)) return undefined;
  if (!Number.isFinite(double)) return double > 0 ? -1 : 1;
  const floor = BigInt(Math.floor(double));
  if (x !== floor) return x < floor ? -1 : 1;
  return Math.floor(double) === double ? 0 : -1;
}

function byCodePoint(x: string, y: string): number {
  return Buffer.compare(Buffer.from(x), Buffer.from(y));
}

import { test } from 'node:test';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { CliError, EXIT_CODES, EXIT_INTERRUPTED, EXIT_NO_RIGHT } from './exit.ts';
import { wantsColor, type Io } from './io.ts';
import { configDocument, exitCodesDocument } from './option-docs.ts';
import { DEFAULT_LIMITS } from '../base/limits.ts';
import { OPTIONS, limitName } from './options.ts';
import { run, type Handlers, type ObserveOptions, type ReadOptions, type UpOptions } from './program.ts';
import { matchesGolden } from '../../test/support/golden-text.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly up: UpOptions | undefined;
  readonly read: ReadOptions | undefined;
  readonly observe: ObserveOptions | undefined;
}

function testIo(environment: Record<string, string>): { io: Io; texts: () => { out: string; err: string } } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io: Io = {
    stdout,
    stderr,
    environment: { HOME: '/nonexistent', ...environment },
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    size: () => ({ columns: 80, rows: 24 }),
    signal: new AbortController().signal,
  };
  const drain = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { io, texts: () => ({ out: drain(stdout), err: drain(stderr) }) };
}

async function runWords(
  words: readonly string[],
  environment: Record<string, string> = {},
  change: Partial<Handlers> = {},
): Promise<Ran> {
  const { io, texts } = testIo(environment);
  let up: UpOptions | undefined;
  let read: ReadOptions | undefined;
  let observe: ObserveOptions | undefined;
  const handlers: Handlers = {
    up: async (options) => void (up = options),
    read: async (options) => void (read = options),
    observe: async (options) => void (observe = options),
    ...change,
  };
  const code = await run(words, handlers, io, '1.2.3');
  return { code, ...texts(), up, read, observe };
}

test('help of the program and of each command is as written, and ends with 0', async () => {
  for (const words of [['--help'], ['up', '--help'], ['read', '-h'], ['observe', '--help']]) {
    const { code, out, err } = await runWords(words);
    equal(code, 0);
    equal(err, '');
    for (const line of out.split('\n')) ok(line.length <= 110, line);
    matchesGolden(`test/cli/help-${words.length === 1 ? 'eastwest' : words[0]}.txt`, out);
  }
});

test('the version is printed alone', async () => {
  const { code, out } = await runWords(['--version']);
  deepEqual([code, out], [0, '1.2.3\n']);
});

test('the documents of options and exit codes are what the declarations say', () => {
  ok(OPTIONS.length > 30);
  matchesGolden('docs/formats/config.md', configDocument());
  matchesGolden('docs/formats/exit-codes.md', exitCodesDocument());
});

test('every limit of the engine can be set', () => {
  const names = OPTIONS.filter((option) => option.limit === true).map((option) => limitName(option.key));
  deepEqual(names.toSorted(), Object.keys(DEFAULT_LIMITS).toSorted());
  for (const option of OPTIONS.filter((one) => one.limit === true)) {
    const value = Number(option.default);
    ok(value >= (option.min ?? NaN) && value <= (option.max ?? NaN), option.key);
  }
});

test('errors of usage are one line and end with 2', async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['reed', 'x'], "unknown command 'reed'; did you mean read? See eastwest --help"],
    [['read'], "missing required argument 'FILE'; see eastwest --help"],
    [['read', 'x', '--quite'], "unknown option '--quite'; did you mean --quiet? See eastwest --help"],
    [['up', '--output', 'json'], "unknown option '--output'; see eastwest --help"],
    [['up', 'extra'], "too many arguments for 'up'. Expected 0 arguments but got 1; see eastwest --help"],
    [['read', 'x', '-o'], "option '-o, --output <FORMAT>' argument missing; see eastwest --help"],
    [
      ['read', 'x', '-o', 'jsno'],
      '--output: is "jsno", and has to be one of table, json, csv; did you mean json?',
    ],
    [['up', '--workers', '0'], '--workers: is 0; the least is 1'],
    [['up', '--workers', 'two'], '--workers: is no whole number: "two"'],
    [['up', '--for', '20'], '--for: is no time such as 20s or 1m30s: "20"'],
    [['up', '--services', 'cart'], '--services: has "cart", which is not NAME=ADDRESS[:PORT]'],
    [
      ['up', '--services', 'cart=10.0.0.300'],
      '--services: has "10.0.0.300", which is no address and no range such as 10.1.0.0/16',
    ],
    [['up', '--limits-strings', '7'], '--limits-strings: is 7; the least is 1024'],
    [
      ['up', '--config', '/nonexistent/e.yaml'],
      'configuration: cannot read /nonexistent/e.yaml (ENOENT); name a readable file',
    ],
    [
      ['observe', '-f', 'statsu == "1"'],
      '--filter: column 1: there is no field "statsu"; did you mean "status"?',
    ],
    [['observe', '-f', ''], '--filter: is empty'],
  ];
  for (const [words, message] of cases) {
    const { code, out, err, up, read, observe } = await runWords(words);
    deepEqual([code, out, err], [2, '', `eastwest: ${message}\n`], words.join(' '));
    deepEqual([up, read, observe], [undefined, undefined, undefined]);
  }
  const alone = await runWords([]);
  equal(alone.code, 2);
  ok(alone.err.startsWith('Usage: eastwest'));
});

test('flags become typed options', async () => {
  const words = 'up -i eth0 --interface lo,docker0 --for 1m30s --no-quiet --coverage --workers 4'.split(' ');
  const { code, up } = await runWords([
    ...words,
    '--services',
    'a=10.0.0.1:80,b=fd00::/8',
    '--limits-heap-bytes',
    '128MiB',
  ]);
  equal(code, 0);
  ok(up !== undefined);
  const { configuration } = up;
  deepEqual(configuration.interface, ['eth0', 'lo', 'docker0']);
  equal(configuration.for, 90_000);
  equal(configuration.quiet, false);
  equal(configuration.coverage, true);
  equal(configuration.workers, 4);
  equal(configuration.limits.heapBytes, 128 * 1024 * 1024);
  equal(configuration.limits.connections, 262_144);
  equal(configuration.keyFile, '/nonexistent/.config/eastwest/key');
  deepEqual(configuration.services, [
    { name: 'a', address: '10.0.0.1', port: 80 },
    { name: 'b', address: 'fd00::/8', port: undefined },
  ]);
});

test('a flag wins over the environment, which wins over the default', async () => {
  const environment = {
    EASTWEST_WORKERS: '3',
    EASTWEST_COVERAGE: 'yes',
    EASTWEST_LIMITS_STRINGS: '2048',
    EASTWEST_BPF: '',
  };
  const { up } = await runWords(['up', '--workers', '5'], environment);
  equal(up?.configuration.workers, 5);
  equal(up?.configuration.coverage, true);
  equal(up?.configuration.limits.strings, 2048);
  equal(up?.configuration.bpf, undefined);
  const wrong = await runWords(['up'], { EASTWEST_WORKRES: '3' });
  equal(
    wrong.err,
    'eastwest: environment: there is no variable EASTWEST_WORKRES; did you mean EASTWEST_WORKERS?\n',
  );
  const range = await runWords(['up'], { EASTWEST_WORKERS: '300' });
  deepEqual([range.code, range.err], [2, 'eastwest: EASTWEST_WORKERS: is 300; the most is 64\n']);
});

test('questions and filter become one predicate', async () => {
  const row = {
    client_service: 'web',
    server_service: 'cart',
    server_address: '10.0.0.1',
    operation: 'GET /users/{id}',
    status: '503',
    protocol: 'http',
    outcome: 'server error',
  };
  const cases: readonly (readonly [readonly string[], boolean])[] = [
    [['--client', 'web'], true],
    [['--client', 'cart'], false],
    [['--server', '10.0.0.1'], true],
    [['--service', 'web', '--service', 'other'], true],
    [['--operation', 'GET /users'], true],
    [['--status', '5xx'], true],
    [['--status', '404', '--status', '503'], true],
    [['--status', '4xx'], false],
    [['--protocol', 'redis'], false],
    [['--protocol', 'http', '--filter', 'error'], true],
    [['--protocol', 'http', '--filter', '!error'], false],
  ];
  for (const [words, expected] of cases) {
    const { observe, err } = await runWords(['observe', ...words]);
    ok(observe?.matches !== undefined, err);
    equal(observe.matches(row), expected, words.join(' '));
  }
  equal((await runWords(['observe'])).observe?.matches, undefined);
});

test('what a handler throws is told in one line, with its code', async () => {
  const refuse = async (): Promise<void> => {
    throw new CliError(EXIT_NO_RIGHT, 'capture: eth0: no right;\n do this \u001b[31m');
  };
  const { code, err } = await runWords(['up'], {}, { up: refuse });
  deepEqual([code, err], [3, 'eastwest: capture: eth0: no right; do this \\x1b[31m\n']);
  const bug = async (): Promise<void> => {
    throw new TypeError('x is undefined');
  };
  const quiet = await runWords(['up'], {}, { up: bug });
  deepEqual(
    [quiet.code, quiet.err],
    [1, 'eastwest: unexpected error: x is undefined; set EASTWEST_DEBUG=1 to see where\n'],
  );
  const debug = await runWords(['up'], { EASTWEST_DEBUG: '1' }, { up: bug });
  ok(debug.err.includes('at '), debug.err);
  equal((await runWords(['read', 'a', '-'], {}, { read: async () => EXIT_INTERRUPTED })).code, 5);
  deepEqual((await runWords(['read', 'a', '-'])).read?.files, ['a', '-']);
  deepEqual(
    EXIT_CODES.map((one) => one.code),
    [0, 1, 2, 3, 4, 5],
  );
});

test('colour is for terminals, unless told otherwise', () => {
  const { io } = testIo({});
  const terminal = { ...io, stdoutIsTerminal: true };
  equal(wantsColor(io, 'auto'), false);
  equal(wantsColor(terminal, 'auto'), true);
  equal(wantsColor({ ...terminal, environment: { NO_COLOR: '1' } }, 'auto'), false);
  equal(wantsColor({ ...terminal, environment: { TERM: 'dumb' } }, 'auto'), false);
  equal(wantsColor(io, 'always'), true);
  equal(wantsColor(terminal, 'never'), false);
});

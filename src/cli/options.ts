/**
 * The one declaration of options. Flags, environment variables, keys of the configuration file, `--help` and
 * docs/formats/config.md are derived from it, so that none can be forgotten or differ.
 * `limits.strings` is `--limits-strings`, EASTWEST_LIMITS_STRINGS, and `strings` under `limits` in YAML.
 */
import { DEFAULT_LIMITS, type Limits } from '../base/limits.ts';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type CommandName = 'up' | 'read' | 'observe';

export type OptionKind =
  | 'flag'
  | 'text'
  | 'texts'
  | 'integer'
  | 'bytes'
  /** Milliseconds inside, `20s` outside. */
  | 'duration'
  | 'choice'
  | 'services';

/** A named part of the application: all ports of an address or range, or one. */
export interface Service {
  readonly name: string;
  /** An address or a CIDR range. */
  readonly address: string;
  readonly port: number | undefined;
}

interface Declared {
  readonly kind: OptionKind;
  readonly commands: readonly CommandName[];
  readonly help: string;
  readonly short?: string;
  /** How the value is called in help: `NAME`, `N`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly default?: unknown;
  /** A question of one run: a flag only, neither in the file nor in the environment. */
  readonly flagOnly?: true;
  /** Shown in help under `Limits:` and explained in docs/formats/config.md. */
  readonly limit?: true;
}

const ALL = ['up', 'read', 'observe'] as const;
const LIVE = ['up', 'observe'] as const;

const EVERYDAY = {
  interface: {
    kind: 'texts',
    commands: LIVE,
    short: 'i',
    value: 'NAME',
    default: ['any'],
    help: 'interfaces to capture from, or any; may be repeated',
  },
  bpf: {
    kind: 'text',
    commands: LIVE,
    value: 'EXPRESSION',
    help: "capture only packets that match this tcpdump filter: 'tcp port 80'",
  },
  workers: {
    kind: 'integer',
    commands: LIVE,
    short: 'w',
    value: 'N',
    min: 1,
    max: 64,
    default: 1,
    help: 'threads that read packets; each takes a part of the connections',
  },
  for: { kind: 'duration', commands: LIVE, value: 'TIME', help: 'end by itself after this time: 20s, 5m' },
  output: {
    kind: 'choice',
    commands: ['read', 'observe'],
    short: 'o',
    value: 'FORMAT',
    choices: ['table', 'json', 'csv'],
    default: 'table',
    help: 'how calls are printed',
  },
  quiet: {
    kind: 'flag',
    commands: ALL,
    short: 'q',
    default: false,
    help: 'no progress, no refreshing summary',
  },
  coverage: {
    kind: 'flag',
    commands: ALL,
    default: false,
    help: 'at the end, list every reason why something was not seen or read',
  },
  services: {
    kind: 'services',
    commands: ALL,
    value: 'NAME=ADDRESS[:PORT]',
    default: [],
    help: 'name services by address or range: cart=10.0.0.1:80,db=10.1.0.0/16',
  },
  'body-fingerprints': {
    kind: 'flag',
    commands: ALL,
    default: false,
    help: 'also take keyed hashes of identifiers in the first bytes of bodies',
  },
  'key-file': {
    kind: 'text',
    commands: ALL,
    value: 'FILE',
    help: 'file with the key of all hashes, the same for all hosts; made at first start',
  },
  color: {
    kind: 'choice',
    commands: ALL,
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    default: 'auto',
    help: 'colour; auto is on a terminal, unless NO_COLOR is set',
  },
} as const satisfies Record<string, Declared>;

const QUESTION = { kind: 'texts', commands: ['observe'], flagOnly: true } as const;

const QUESTIONS = {
  client: {
    ...QUESTION,
    value: 'NAME',
    help: 'only calls of this client: service or address; may be repeated',
  },
  server: { ...QUESTION, value: 'NAME', help: 'only calls to this server: service or address' },
  service: { ...QUESTION, value: 'NAME', help: 'only calls of or to this service or address' },
  operation: { ...QUESTION, value: 'TEXT', help: "only calls whose operation contains this: 'GET /users'" },
  status: { ...QUESTION, value: 'STATUS', help: 'only calls with this status: 404, 5xx, NXDOMAIN' },
  protocol: { ...QUESTION, value: 'NAME', help: 'only calls of this protocol: http, dns, redis' },
  filter: {
    kind: 'text',
    commands: ['read', 'observe'],
    flagOnly: true,
    short: 'f',
    value: 'CEL',
    help: 'only calls for which this expression is true (docs/formats/filter.md)',
  },
} as const satisfies Record<string, Declared>;

const LIMIT = { commands: ALL, value: 'N', limit: true } as const;

const LIMITS = {
  'limits.heap-bytes': {
    ...LIMIT,
    kind: 'bytes',
    min: 64 * 1024 * 1024,
    // Places in it are numbers of 31 bits, and the input lies before it.
    max: 2 ** 31 - 2 ** 26,
    help: 'memory of a worker',
  },
  'limits.connections': {
    ...LIMIT,
    kind: 'integer',
    min: 64,
    max: 4_194_304,
    help: 'connections known at once',
  },
  'limits.message-bytes': {
    ...LIMIT,
    kind: 'bytes',
    min: 4096,
    max: 2 ** 24,
    help: 'most bytes of an unfinished head',
  },
  'limits.open-calls-per-connection': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    help: 'requests of a connection that wait for an answer',
  },
  'limits.reassembly-bytes-per-connection': {
    ...LIMIT,
    kind: 'bytes',
    min: 65_536,
    max: 2 ** 28,
    help: 'out-of-order bytes kept for a connection',
  },
  'limits.reassembly-segments-per-connection': {
    ...LIMIT,
    kind: 'integer',
    min: 16,
    max: 65_536,
    help: 'out-of-order segments kept for a connection',
  },
  'limits.fragmented-datagrams': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 65_536,
    help: 'IP datagrams being put together at once',
  },
  'limits.hole-frames': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    help: 'bytes missing in the capture are given up after this many further frames',
  },
  'limits.hole-ms': {
    ...LIMIT,
    kind: 'integer',
    min: 0,
    max: 60_000,
    help: 'and this many milliseconds, both where their receiver acknowledged them',
  },
  'limits.hole-max-ms': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 600_000,
    help: 'or in any case after this many milliseconds',
  },
  'limits.hole-max-frames': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    help: 'and, in a file, this many further frames',
  },
  'limits.idle-ms': {
    ...LIMIT,
    kind: 'integer',
    min: 1000,
    max: 86_400_000,
    help: 'connections without packets for so many milliseconds are forgotten',
  },
  'limits.datagram-answer-ms': {
    ...LIMIT,
    kind: 'integer',
    min: 100,
    max: 600_000,
    help: 'milliseconds that a UDP request waits for its answer',
  },
  'limits.operations-per-server': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 100_000,
    help: 'names of operations per server; the rest is GET /*',
  },
  'limits.strings': {
    ...LIMIT,
    kind: 'integer',
    min: 1024,
    max: 16_777_216,
    help: 'distinct texts per worker',
  },
  'limits.target-bytes': {
    ...LIMIT,
    kind: 'bytes',
    min: 16,
    max: 65_536,
    help: 'bytes of a target that are kept',
  },
  'limits.body-bytes': {
    ...LIMIT,
    kind: 'bytes',
    min: 0,
    max: 1_048_576,
    help: 'bytes of a body looked at when asked',
  },
  'limits.block-rows': {
    ...LIMIT,
    kind: 'integer',
    min: 1,
    max: 1_048_576,
    help: 'rows of a block of calls',
  },
  'limits.block-ms': {
    ...LIMIT,
    kind: 'integer',
    min: 10,
    max: 60_000,
    help: 'milliseconds after which a block that is not full leaves',
  },
} as const satisfies Record<string, Declared>;

const DECLARED = { ...EVERYDAY, ...QUESTIONS, ...LIMITS };
export type OptionKey = keyof typeof DECLARED;

/** An option with all its names. */
export interface OptionDeclaration extends Declared {
  readonly key: OptionKey;
  readonly flag: string;
  readonly environment: string;
  readonly path: readonly string[];
}

export const OPTIONS: readonly OptionDeclaration[] = (Object.keys(DECLARED) as OptionKey[]).map(declare);

function declare(key: OptionKey): OptionDeclaration {
  const declared: Declared = DECLARED[key];
  const flag = `--${key.replaceAll('.', '-')}`;
  return {
    ...declared,
    ...(declared.limit === true ? { default: DEFAULT_LIMITS[limitName(key)] } : {}),
    key,
    flag,
    environment: `EASTWEST_${key.replaceAll(/[.-]/g, '_').toUpperCase()}`,
    path: key.split('.'),
  };
}

/** `limits.heap-bytes` → `heapBytes`. */
export function limitName(key: OptionKey): keyof Limits {
  const name = key
    .slice('limits.'.length)
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return name as keyof Limits;
}

/** Everything that a command may be told; what its command does not take has its default. */
export interface Configuration {
  readonly interface: readonly string[];
  readonly bpf: string | undefined;
  readonly workers: number;
  /** Milliseconds. */
  readonly for: number | undefined;
  readonly output: 'table' | 'json' | 'csv';
  readonly quiet: boolean;
  readonly coverage: boolean;
  readonly services: readonly Service[];
  readonly bodyFingerprints: boolean;
  readonly keyFile: string;
  readonly color: 'auto' | 'always' | 'never';
  readonly limits: Limits;
}

/** The key file when none is named: `~/.config/eastwest/key`. */
export function defaultKeyFile(environment: Readonly<Record<string, string | undefined>>): string {
  return join(configurationFolder(environment), 'key');
}

/** Where a configuration file is looked for when none is named. */
export function defaultConfigFile(environment: Readonly<Record<string, string | undefined>>): string {
  return join(configurationFolder(environment), 'config.yaml');
}

function configurationFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment.XDG_CONFIG_HOME;
  return join(
    base === undefined || base === '' ? join(environment.HOME ?? homedir(), '.config') : base,
    'eastwest',
  );
}

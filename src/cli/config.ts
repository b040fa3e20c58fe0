/**
 * What a command was told, from four places: flag before environment before configuration file before
 * default. Whatever is wrong is refused with the place where it stands: file, line, column and key; the
 * variable; or the flag.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LineCounter, isMap, isNode, isScalar, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { nearest } from '../base/nearest.ts';
import type { Result } from '../base/result.ts';
import type { Limits } from '../base/limits.ts';
import { ROW_BYTES } from '../wire/reassembly/row.ts';
import { CliError, EXIT_USAGE } from './exit.ts';
import {
  OPTIONS,
  defaultConfigFile,
  defaultKeyFile,
  limitName,
  type CommandName,
  type Configuration,
  type OptionDeclaration,
  type OptionKey,
  type Service,
} from './options.ts';
import { checkService, inRange, isAddressOrRange, readBytes, readDuration, readValue } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Values by key: those of the flags that were given, as text, or true and false for flags without value. */
export type GivenFlags = ReadonlyMap<OptionKey, string | boolean | readonly string[]>;
type Values = Map<OptionKey, unknown>;

/** A configuration file is read by a person, too. */
const FILE_BYTES_MAX = 1024 * 1024;
/** A worker's memory is made of pages. */
const PAGE_BYTES = 65_536;
/** Beside the connections: partial messages of a thousand of them, 16 KiB each. */
const PARTIAL_BYTES_MIN = 16 * 1024 * 1024;
/** Keys that are not options of a command but of the program. */
const CONFIG_VARIABLE = 'EASTWEST_CONFIG';
const OTHER_VARIABLES = [CONFIG_VARIABLE, 'EASTWEST_DEBUG'];

export interface Sources {
  readonly command: CommandName;
  readonly flags: GivenFlags;
  /** `--config`. */
  readonly file: string | undefined;
  readonly environment: Environment;
}

/** Everything together, or a CliError with code 2. */
export function resolveConfiguration(sources: Sources): Configuration {
  const values: Values = new Map();
  for (const option of OPTIONS) values.set(option.key, option.default);
  addAll(values, readFromFile(sources));
  addAll(values, readFromEnvironment(sources.environment));
  addAll(values, readFromFlags(sources.flags));
  return configurationOf(values, sources.environment);
}

/** The value of a question (flag only), after the same checks. */
export function readQuestions(flags: GivenFlags): ReadonlyMap<OptionKey, unknown> {
  return readFromFlags(flags);
}

function addAll(values: Values, more: Values): void {
  for (const [key, value] of more) values.set(key, value);
}

function configurationOf(values: Values, environment: Environment): Configuration {
  const limits: Record<string, unknown> = {};
  for (const option of OPTIONS) {
    if (option.limit === true) limits[limitName(option.key)] = values.get(option.key);
  }
  // Each value was checked by the reader of its option's kind; the types say the same as the declaration.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it is inferred from the property
  const value = <T>(key: OptionKey): T => values.get(key) as T;
  return {
    interface: value('interface'),
    bpf: value('bpf'),
    workers: value('workers'),
    for: value('for'),
    output: value('output'),
    quiet: value('quiet'),
    coverage: value('coverage'),
    services: value('services'),
    bodyFingerprints: value('body-fingerprints'),
    keyFile: value<string | undefined>('key-file') ?? defaultKeyFile(environment),
    color: value('color'),
    limits: fittingLimits(limits as unknown as Limits),
  };
}

/** Connections and what is partial share the heap: without room for the second nothing could be read. */
function fittingLimits(limits: Limits): Limits {
  const heapBytes = Math.floor(limits.heapBytes / PAGE_BYTES) * PAGE_BYTES;
  const least = limits.connections * ROW_BYTES + PARTIAL_BYTES_MIN;
  if (heapBytes >= least) return { ...limits, heapBytes };
  const mebibytes = Math.ceil(least / (1024 * 1024));
  throw new CliError(
    EXIT_USAGE,
    `limits.heap-bytes: is too small for ${limits.connections} connections; ` +
      `make it ${mebibytes}MiB, or limits.connections smaller`,
  );
}

function readFromFlags(flags: GivenFlags): Values {
  const values: Values = new Map();
  for (const [key, given] of flags) {
    const option = OPTIONS.find((one) => one.key === key) as OptionDeclaration;
    if (typeof given === 'boolean') {
      values.set(key, given);
      continue;
    }
    const texts = typeof given === 'string' ? [given] : given;
    values.set(key, readTexts(option, texts, option.flag));
  }
  return values;
}

function readTexts(option: OptionDeclaration, texts: readonly string[], where: string): unknown {
  const read = texts.map((text) => {
    // A question is a text of its own (`GET /a,b`); a setting may list several, as in the environment.
    if (option.flagOnly === true && option.kind === 'texts') return [text];
    const value = readValue(option, text);
    if (!value.ok) throw new CliError(EXIT_USAGE, `${where}: ${value.error}`);
    return value.value;
  });
  return option.kind === 'texts' || option.kind === 'services' ? read.flat() : read.at(-1);
}

function readFromEnvironment(environment: Environment): Values {
  const values: Values = new Map();
  const known = new Map(
    OPTIONS.filter((option) => option.flagOnly !== true).map((one) => [one.environment, one]),
  );
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('EASTWEST_') || text === undefined || OTHER_VARIABLES.includes(name)) continue;
    const option = known.get(name);
    if (option === undefined) {
      const hint = didYouMean(nearest(name, [...known.keys(), ...OTHER_VARIABLES]));
      throw new CliError(EXIT_USAGE, `environment: there is no variable ${name}${hint}`);
    }
    if (text !== '') values.set(option.key, readTexts(option, [text], name));
  }
  return values;
}

function didYouMean(word: string | undefined): string {
  return word === undefined ? '' : `; did you mean ${word}?`;
}

function readFromFile(sources: Sources): Values {
  const named = sources.file ?? sources.environment[CONFIG_VARIABLE];
  const explicit = named !== undefined && named !== '';
  const file = explicit ? named : defaultConfigFile(sources.environment);
  let bytes: Uint8Array;
  try {
    bytes = readAtMost(file, FILE_BYTES_MAX + 1);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!explicit && (code === 'ENOENT' || code === 'ENOTDIR')) return new Map();
    throw new CliError(EXIT_USAGE, `configuration: cannot read ${file} (${code}); name a readable file`);
  }
  if (bytes.length > FILE_BYTES_MAX)
    throw new CliError(EXIT_USAGE, `configuration: ${file} is larger than 1 MiB; name a configuration file`);
  return parseConfiguration(new TextDecoder().decode(bytes), file);
}

/** The beginning of a file, also of one that does not end (`/dev/zero`) or has no length (a pipe). */
function readAtMost(path: string, most: number): Uint8Array {
  const bytes = Buffer.alloc(most);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    while (length < most) {
      const read = readSync(file, bytes, length, most - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** The values of a configuration file's text. `file` is its name in messages. */
export function parseConfiguration(text: string, file: string): Values {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const refuse = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new CliError(EXIT_USAGE, `${file}:${line}:${col}: ${message}`);
  };
  const broken = document.errors[0];
  if (broken !== undefined) refuse(broken.pos[0], `this is no YAML: ${firstLine(broken.message)}`);
  const content: unknown = document.toJS({ maxAliasCount: 100 });
  if (content === null || content === undefined) return new Map();
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      const key = issue.keys[0];
      const known = knownKeys(path);
      refuse(
        offsetOfKey(document, path, key),
        `there is no key "${[...path, key].join('.')}"${didYouMean(nearest(key, known))}`,
      );
    }
    const name = path.length === 0 ? 'the configuration' : path.join('.');
    refuse(offsetOf(document, path), `${name} ${issue.message}`);
  }
  return valuesOf(parsed.data as Readonly<Record<string, unknown>>);
}

function valuesOf(data: Readonly<Record<string, unknown>>): Values {
  const values: Values = new Map();
  for (const option of OPTIONS) {
    let value: unknown = data;
    for (const part of option.path) value = isRecord(value) ? value[part] : undefined;
    if (value !== undefined) values.set(option.key, value);
  }
  return values;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0];
}

function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function offsetOfKey(document: Document, path: readonly (string | number)[], key: string): number {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(map)) {
    for (const item of map.items) {
      if (isScalar(item.key) && String(item.key.value) === key && item.key.range) return item.key.range[0];
    }
  }
  return offsetOf(document, path);
}

function knownKeys(path: readonly (string | number)[]): string[] {
  if (path[0] === 'services') return ['name', 'address', 'cidr', 'port'];
  const inFile = OPTIONS.filter(
    (option) => option.flagOnly !== true && path.every((part, at) => option.path[at] === part),
  );
  return [...new Set(inFile.map((option) => option.path[path.length]))];
}

const text = z.string('has to be a text').min(1, 'is empty');

const serviceSchema = z
  .strictObject(
    {
      name: text,
      address: text
        .refine((value) => isAddressOrRange(value) && !value.includes('/'), 'is no IP address')
        .optional(),
      cidr: text
        .refine((value) => isAddressOrRange(value) && value.includes('/'), 'is no range such as 10.1.0.0/16')
        .optional(),
      port: z
        .int('has to be a whole number')
        .min(1, 'has to be 1 to 65535')
        .max(65_535, 'has to be 1 to 65535')
        .optional(),
    },
    'has to be a map with name, address or cidr, and port',
  )
  .transform((service, context): Service => {
    const address = service.address ?? service.cidr;
    if (address === undefined || (service.address !== undefined && service.cidr !== undefined)) {
      context.addIssue({ code: 'custom', message: 'needs either address or cidr' });
      return z.NEVER;
    }
    const checked = checkService(service.name, address, service.port);
    if (checked.ok) return checked.value;
    context.addIssue({ code: 'custom', message: checked.error });
    return z.NEVER;
  });

function schemaOf(option: OptionDeclaration): z.ZodType {
  switch (option.kind) {
    case 'flag':
      return z.boolean('has to be true or false');
    case 'text':
      return text;
    case 'texts':
      return z.union(
        [text.transform((one) => [one]), z.array(text).min(1, 'is empty')],
        'has to be a text or a list of texts',
      );
    case 'integer':
      return checked(z.int('has to be a whole number'), (value) => inRange(option, value));
    case 'bytes':
      return checked(z.union([z.int(), z.string()], 'has to be a size such as 65536 or 64KiB'), (value) =>
        readBytes(option, String(value)),
      );
    case 'duration':
      return checked(z.string('has to be a time such as 20s'), readDuration);
    case 'choice':
      return checked(z.string('has to be a text'), (value) => readValue(option, value));
    case 'services':
      return z.array(serviceSchema, 'has to be a list');
  }
}

/** A schema whose value goes through one of our readers, which knows units and ranges. */
function checked<T>(schema: z.ZodType<T>, read: (value: T) => Result<unknown, string>): z.ZodType {
  return schema.transform((value, context): unknown => {
    const result = read(value);
    if (result.ok) return result.value;
    context.addIssue({ code: 'custom', message: result.error });
    return z.NEVER;
  });
}

function makeFileSchema(): z.ZodType {
  const top: Record<string, z.ZodType> = {};
  const groups = new Map<string, Record<string, z.ZodType>>();
  for (const option of OPTIONS) {
    if (option.flagOnly === true) continue;
    const [first, second] = option.path;
    if (second === undefined) top[first] = schemaOf(option).optional();
    else {
      const group = groups.get(first) ?? {};
      group[second] = schemaOf(option).optional();
      groups.set(first, group);
    }
  }
  for (const [name, group] of groups) top[name] = z.strictObject(group, 'has to be a map').optional();
  return z.strictObject(top, 'has to be a map of keys');
}

const fileSchema = makeFileSchema();

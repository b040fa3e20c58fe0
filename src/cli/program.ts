/**
 * The command line: commands, flags and help, from the declaration in options.ts. What the commands do is
 * injected, so that help and errors are tested without an engine.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Predicate } from '../filter/predicate.ts';
import { readQuestions, resolveConfiguration, type GivenFlags } from './config.ts';
import { CliError, EXIT_CODES, EXIT_FINE, EXIT_USAGE, reportFailure, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';
import {
  OPTIONS,
  type CommandName,
  type Configuration,
  type OptionDeclaration,
  type OptionKey,
} from './options.ts';
import { rowPredicate } from './questions.ts';

export interface UpOptions {
  readonly configuration: Configuration;
}

export interface ReadOptions {
  readonly configuration: Configuration;
  /** Paths, folders, globs, and `-` for standard input, as given. At least one. */
  readonly files: readonly string[];
  /** Which rows to print; undefined: all. */
  readonly matches: Predicate | undefined;
}

export interface ObserveOptions {
  readonly configuration: Configuration;
  readonly matches: Predicate | undefined;
}

/** Each ends with its exit code (none: 0), or throws a CliError. */
export interface Handlers {
  up(options: UpOptions, io: Io): Promise<ExitCode | void>;
  read(options: ReadOptions, io: Io): Promise<ExitCode | void>;
  observe(options: ObserveOptions, io: Io): Promise<ExitCode | void>;
}

const HELP_WIDTH = 100;

const EXIT_HELP = `
Exit codes:
${EXIT_CODES.map(({ code, meaning }) => `  ${code}  ${meaning}`).join('\n')}
  up and observe run until they are stopped: Ctrl-C is their normal end (0). For read it is 5.`;

const CONFIG_HELP = `
Options, but for questions such as --filter, are also keys of the configuration file (--config, default
~/.config/eastwest/config.yaml) and variables: --key-file is key-file: and EASTWEST_KEY_FILE. Flags win
over variables, variables over the file.
Limits (--limits-connections and more): docs/formats/config.md.`;

const EXAMPLES: Readonly<Record<CommandName, string>> = {
  up: `
Examples:
  eastwest up                                everything that this host sees
  eastwest up -i eth0 --bpf 'tcp port 8080'  one interface, one port
  eastwest up --for 20s                      end by itself, with a summary
  eastwest up --services cart=10.0.0.1:80    with names that you know`,
  read: `
Examples:
  eastwest read capture.pcapng               calls as a table, then a summary
  eastwest read -o json captures/ | jq .     one object a line
  eastwest read -o csv 'day-*.pcap.gz'       several files, compressed or not
  tcpdump -w - -U | eastwest read -          standard input
  eastwest read capture.pcap -f 'error'      only the calls that failed`,
  observe: `
Examples:
  eastwest observe                           calls as they end
  eastwest observe --service cart --status 5xx
  eastwest observe -f 'duration > duration("250ms") && operation.startsWith("GET /users")'
  eastwest observe -o json --for 1m          one object a line, for a minute`,
};

/** Runs a command line without the program's own name; gives the exit code and never throws. */
export async function run(
  words: readonly string[],
  handlers: Handlers,
  io: Io,
  version: string,
): Promise<ExitCode> {
  let code: ExitCode = EXIT_FINE;
  const program = createProgram(handlers, io, version, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT_FINE;
      if (error.code === 'commander.help') return words[0] === 'help' ? EXIT_FINE : EXIT_USAGE;
    }
    const debug = io.environment.EASTWEST_DEBUG === '1';
    return reportFailure(error instanceof CommanderError ? usageError(error) : error, io.stderr, debug);
  }
}

function usageError(error: CommanderError): CliError {
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?')
    .replace(/\.$/, '');
  return new CliError(EXIT_USAGE, `${message}${message.endsWith('?') ? ' See' : '; see'} eastwest --help`);
}

/** The commander program; `end` takes the exit code of the command that ran. */
export function createProgram(
  handlers: Handlers,
  io: Io,
  version: string,
  end: (code: ExitCode) => void,
): Command {
  const program = prepare(new Command('eastwest'), io)
    .description('Reads the packets between services and turns them into API calls.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText(
      'after',
      `${EXAMPLES.up}\n  eastwest read capture.pcapng\n  eastwest observe --status 5xx\n${EXIT_HELP}`,
    );

  const add = (name: CommandName, usage: string, description: string): Command => {
    const command = program.command(usage).description(description).helpOption('-h, --help', 'print help');
    prepare(command, io);
    command.addOption(new Option('-c, --config <FILE>', 'the configuration file'));
    for (const option of OPTIONS) if (option.commands.includes(name)) addOption(command, option);
    return command.addHelpText('after', `${EXAMPLES[name]}\n${CONFIG_HELP}\n${EXIT_HELP}`);
  };

  add('up', 'up', 'watch the traffic of this host live, with a summary that refreshes').action(
    async (_options: unknown, command: Command) => {
      end((await handlers.up({ configuration: configure('up', command, io) }, io)) ?? EXIT_FINE);
    },
  );
  add('read', 'read', 'turn captures (pcap, pcapng, gzip, zstd) into calls')
    .argument('<FILE...>', 'files, folders, globs, or - for standard input')
    .action(async (files: string[], _options: unknown, command: Command) => {
      const configuration = configure('read', command, io);
      const matches = rowPredicate(readQuestions(questionsOf(command)));
      end((await handlers.read({ configuration, files, matches }, io)) ?? EXIT_FINE);
    });
  add('observe', 'observe', 'print live calls as they end').action(
    async (_options: unknown, command: Command) => {
      const configuration = configure('observe', command, io);
      const matches = rowPredicate(readQuestions(questionsOf(command)));
      end((await handlers.observe({ configuration, matches }, io)) ?? EXIT_FINE);
    },
  );
  return program;
}

/** No command of commander's own exits or prints an error. */
function prepare(command: Command, io: Io): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

function addOption(command: Command, option: OptionDeclaration): void {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.kind === 'flag' ? '' : ` <${option.value ?? 'VALUE'}>`;
  const made = new Option(`${short}${option.flag}${value}`, describe(option));
  if (option.limit === true) made.hideHelp();
  if (option.kind === 'texts' || option.kind === 'services') {
    made.argParser((text: string, before: unknown): string[] => [
      ...(Array.isArray(before) ? before : []),
      text,
    ]);
  }
  command.addOption(made);
  if (option.kind === 'flag') command.addOption(new Option(`--no-${option.key}`).hideHelp());
}

/** The help of an option with its choices and default. */
function describe(option: OptionDeclaration): string {
  const notes: string[] = [];
  if (option.choices !== undefined) notes.push(option.choices.join(' | '));
  const { default: value } = option;
  if (typeof value === 'string' || typeof value === 'number') notes.push(`default ${value}`);
  if (Array.isArray(value) && value.length > 0) notes.push(`default ${value.join(',')}`);
  return notes.length === 0 ? option.help : `${option.help} (${notes.join('; ')})`;
}

function configure(name: CommandName, command: Command, io: Io): Configuration {
  const file: unknown = command.opts().config;
  return resolveConfiguration({
    command: name,
    flags: flagsOf(command, false),
    file: typeof file === 'string' ? file : undefined,
    environment: io.environment,
  });
}

function questionsOf(command: Command): GivenFlags {
  return flagsOf(command, true);
}

function flagsOf(command: Command, questions: boolean): GivenFlags {
  const given = new Map<OptionKey, string | boolean | readonly string[]>();
  for (const option of OPTIONS) {
    if ((option.flagOnly === true) !== questions) continue;
    const attribute = new Option(option.flag).attributeName();
    if (command.getOptionValueSource(attribute) !== 'cli') continue;
    const value: unknown = command.getOptionValue(attribute);
    if (typeof value === 'string' || typeof value === 'boolean') given.set(option.key, value);
    else if (Array.isArray(value)) given.set(option.key, value.map(String));
  }
  return given;
}

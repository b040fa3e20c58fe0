/** The process: signals, closed pipes, the exit. The one file that ends it; bin/eastwest imports it. */
import { readFileSync } from 'node:fs';
import { CliError, EXIT_FAILURE, EXIT_FINE, EXIT_INTERRUPTED, reportFailure, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';
import { run, type Handlers } from './program.ts';

/** Each command's engine is loaded when it runs: `--help` and errors of usage come at once. */
const commands: Handlers = {
  up: async (options, io) => (await import('./up.ts')).up(options, io),
  read: async (options, io) => (await import('./read.ts')).read(options, io),
  observe: async (options, io) => (await import('./observe.ts')).observe(options, io),
};

export async function main(handlers: Handlers = commands): Promise<void> {
  const interrupted = new AbortController();
  const io = processIo(interrupted.signal);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interrupted.signal.aborted) process.exit(EXIT_INTERRUPTED);
      interrupted.abort();
    });
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => endOfOutput(error));
  process.on('uncaughtException', (error) => process.exit(report(error)));
  process.on('unhandledRejection', (error) => process.exit(report(error)));
  const code = await run(process.argv.slice(2), handlers, io, version());
  await flush(process.stdout);
  await flush(process.stderr);
  process.exit(code);
}

function report(error: unknown): ExitCode {
  return reportFailure(error, process.stderr, process.env.EASTWEST_DEBUG === '1');
}

/** `eastwest read … | head`: nobody reads on, and nothing is wrong. */
function endOfOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT_FINE);
  const why = error.code === 'ENOSPC' ? 'the disk is full' : error.message;
  process.exit(
    report(new CliError(EXIT_FAILURE, `output: cannot be written: ${why}; what was read is incomplete`)),
  );
}

function processIo(signal: AbortSignal): Io {
  const { stdout, stderr } = process;
  return {
    stdout,
    stderr,
    environment: process.env,
    stdoutIsTerminal: stdout.isTTY === true,
    stderrIsTerminal: stderr.isTTY === true,
    size: () => ({
      columns: stdout.columns ?? stderr.columns ?? 80,
      rows: stdout.rows ?? stderr.rows ?? 24,
    }),
    signal,
  };
}

/** From the package beside `dist`. */
function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const found =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  return typeof found === 'string' ? found : 'unknown';
}

async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}

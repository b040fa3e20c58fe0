/**
 * How the command ends: the exit codes, the one error that handlers throw, and the one place that prints it.
 * A user sees one line, `eastwest: what: where; what to do`; a stack trace only with EASTWEST_DEBUG=1.
 */
import { escapeTerminal } from '../record/escape.ts';

export const EXIT_FINE = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
export const EXIT_NO_RIGHT = 3;
export const EXIT_UNREADABLE = 4;
export const EXIT_INTERRUPTED = 5;
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5;

/** For `--help` and docs/formats/exit-codes.md. */
export const EXIT_CODES: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  { code: EXIT_FINE, meaning: 'fine' },
  { code: EXIT_FAILURE, meaning: 'failure' },
  { code: EXIT_USAGE, meaning: 'usage: wrong command, flag, configuration or filter' },
  { code: EXIT_NO_RIGHT, meaning: 'no right to capture' },
  { code: EXIT_UNREADABLE, meaning: 'input unreadable' },
  { code: EXIT_INTERRUPTED, meaning: 'interrupted before the end' },
];

/** An end that is expected: `message` says what, where and what to do, in one sentence or two. */
export class CliError extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Prints why a run failed and gives its exit code. Nothing else in the program prints an error. */
export function reportFailure(
  error: unknown,
  standardError: { write(text: string): unknown },
  debug: boolean,
): ExitCode {
  const code = error instanceof CliError ? error.code : EXIT_FAILURE;
  const message = error instanceof Error ? error.message : String(error);
  const prefix = error instanceof CliError ? '' : 'unexpected error: ';
  const hint = error instanceof CliError || debug ? '' : '; set EASTWEST_DEBUG=1 to see where';
  standardError.write(`eastwest: ${oneLine(prefix + message)}${hint}\n`);
  if (debug && error instanceof Error) standardError.write(`${escapeLines(error.stack ?? '')}\n`);
  return code;
}

function oneLine(message: string): string {
  return escapeTerminal(message.trim().replaceAll(/\s*\n\s*/g, ' '));
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeTerminal).join('\n');
}

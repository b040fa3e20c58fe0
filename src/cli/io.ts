/** What a command may know of and do to its surroundings; tests give their own. */
import type { Environment } from './config.ts';

export interface Io {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly environment: Environment;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Size of the terminal now, or 80 × 24. */
  size(): { readonly columns: number; readonly rows: number };
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. The second ends the process at once, with code 5. */
  readonly signal: AbortSignal;
}

/** Whether to colour what goes to standard output: `--color`, then NO_COLOR (https://no-color.org). */
export function wantsColor(io: Io, when: 'auto' | 'always' | 'never'): boolean {
  if (when !== 'auto') return when === 'always';
  const { NO_COLOR: none, TERM: terminal } = io.environment;
  return io.stdoutIsTerminal && (none === undefined || none === '') && terminal !== 'dumb';
}

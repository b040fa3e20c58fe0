/** PLACEHOLDER, to be replaced: the command `observe` is not built yet, and says so. */
import { CliError, EXIT_FAILURE } from './exit.ts';
import type { Io } from './io.ts';
import type { ObserveOptions } from './program.ts';

export async function observe(_options: ObserveOptions, _io: Io): Promise<void> {
  throw new CliError(EXIT_FAILURE, 'observe: is not built into this version yet');
}

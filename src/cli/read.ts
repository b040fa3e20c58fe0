/** PLACEHOLDER, to be replaced: the command `read` is not built yet, and says so. */
import { CliError, EXIT_FAILURE } from './exit.ts';
import type { Io } from './io.ts';
import type { ReadOptions } from './program.ts';

export async function read(_options: ReadOptions, _io: Io): Promise<void> {
  throw new CliError(EXIT_FAILURE, 'read: is not built into this version yet');
}

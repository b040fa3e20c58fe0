/** PLACEHOLDER, to be replaced: the command `up` is not built yet, and says so. */
import { CliError, EXIT_FAILURE } from './exit.ts';
import type { Io } from './io.ts';
import type { UpOptions } from './program.ts';

export async function up(_options: UpOptions, _io: Io): Promise<void> {
  throw new CliError(EXIT_FAILURE, 'up: is not built into this version yet');
}

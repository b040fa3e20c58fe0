/** A process of the command line with commands that only wait, write or fail: for src/cli/main.test.ts. */
import { once } from 'node:events';
import { EXIT_INTERRUPTED } from '../../src/cli/exit.ts';
import type { Io } from '../../src/cli/io.ts';
import { main } from '../../src/cli/main.ts';

/** Nothing here waits longer, so that no test leaves a process behind. */
const PATIENCE_MS = 20_000;

async function interrupted(io: Io): Promise<void> {
  const patience = setTimeout(() => process.exit(99), PATIENCE_MS);
  io.stderr.write('ready\n');
  if (!io.signal.aborted) await once(io.signal, 'abort');
  clearTimeout(patience);
}

async function writeForEver(io: Io): Promise<void> {
  io.stderr.write('ready\n');
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    if (!io.stdout.write('a row\n'.repeat(1000))) await once(io.stdout, 'drain');
  }
}

await main({
  up: async (_options, io) => interrupted(io),
  read: async ({ files }, io) => {
    if (files[0] === 'endless') return writeForEver(io);
    if (files[0] === 'bug') {
      setImmediate(() => {
        throw new Error('a bug');
      });
    }
    await interrupted(io);
    return EXIT_INTERRUPTED;
  },
  observe: async (_options, io) => {
    await interrupted(io);
    io.stderr.write('heard\n');
    // Does not end by itself.
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  },
});

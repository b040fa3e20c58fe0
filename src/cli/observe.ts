/** `eastwest observe`: live calls as they end, from a capture of its own. */
import { EXIT_FINE, type ExitCode } from './exit.ts';
import { wantsColor, type Io } from './io.ts';
import { liveSource, until } from './live.ts';
import { endLines } from './live-summary.ts';
import type { ObserveOptions } from './program.ts';
import { RowOutput } from './row-output.ts';
import { Sensor } from './sensor.ts';

export async function observe(options: ObserveOptions, io: Io): Promise<ExitCode> {
  const { configuration } = options;
  const color = wantsColor(io, configuration.color);
  const columns = (): number => (io.stdoutIsTerminal ? io.size().columns : 200);
  const output = new RowOutput({ stdout: io.stdout, color, columns }, configuration.output);
  const sensor = new Sensor({
    configuration,
    source: liveSource(configuration),
    workers: configuration.workers,
    onRow: async (row) => {
      if (options.matches === undefined || options.matches(row)) await output.put(row);
    },
    onBlock: () => output.flush(),
  });
  await sensor.ready();
  output.begin();
  await output.flush();
  await until(configuration.for, io.signal, sensor);
  sensor.stop();
  await sensor.done();
  await output.flush();
  const lines = endLines(sensor.totals(), sensor.coverage(), configuration.coverage, columns(), color);
  if (!configuration.quiet) io.stderr.write(`${lines.join('\n')}\n`);
  return EXIT_FINE;
}

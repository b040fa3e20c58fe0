/** `eastwest up`: the traffic of this host, live, as a summary that refreshes. */
import { EXIT_FINE, type ExitCode } from './exit.ts';
import { wantsColor, type Io } from './io.ts';
import { endLines, SummaryScreen } from './live-summary.ts';
import type { UpOptions } from './program.ts';
import { liveSource, until } from './live.ts';
import { Sensor } from './sensor.ts';

const REFRESH_MS = 1000;

export async function up(options: UpOptions, io: Io): Promise<ExitCode> {
  const { configuration } = options;
  const sensor = new Sensor({
    configuration,
    source: liveSource(configuration),
    workers: configuration.workers,
  });
  await sensor.ready();
  const color = wantsColor(io, configuration.color);
  const screen = new SummaryScreen(io.stdout, io.stdoutIsTerminal, color, () => io.size());
  const refresh = configuration.quiet
    ? undefined
    : setInterval(() => screen.draw(sensor.summary()), REFRESH_MS);
  await until(configuration.for, io.signal, sensor);
  clearInterval(refresh);
  sensor.stop();
  await sensor.done();
  const columns = io.stdoutIsTerminal ? io.size().columns : 200;
  if (!configuration.quiet && io.stdoutIsTerminal) {
    screen.draw(sensor.summary());
    screen.leave();
  }
  const lines = endLines(sensor.totals(), sensor.coverage(), configuration.coverage, columns, color);
  io.stdout.write(`${lines.join('\n')}\n`);
  return EXIT_FINE;
}

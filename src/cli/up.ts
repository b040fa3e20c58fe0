/** `eastwest up`: the traffic of this host, live, as a summary that refreshes. */
import { EXIT_FINE, type ExitCode } from './exit.ts';
import { wantsColor, type Io } from './io.ts';
import { endLines, liveLines, SummaryScreen } from './live-summary.ts';
import type { UpOptions } from './program.ts';
import { liveSource, until } from './live.ts';
import { Sensor } from './sensor.ts';

const REFRESH_MS = 1000;
/** The last summary of a run that does not end on a terminal: the larger edges of a middling application. */
const FILE_COLUMNS = 120;
const FILE_ROWS = 60;

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
  let failure: unknown;
  try {
    await until(configuration.for, io.signal, sensor);
    sensor.stop();
    await sensor.done();
  } catch (error) {
    // What was seen until then is told all the same.
    failure = error;
  }
  clearInterval(refresh);
  const size = io.stdoutIsTerminal ? io.size() : { columns: FILE_COLUMNS, rows: FILE_ROWS };
  const summary = sensor.summary();
  if (!configuration.quiet && io.stdoutIsTerminal) {
    screen.draw(summary);
    screen.leave();
  } else if (!configuration.quiet) {
    io.stdout.write(`${liveLines(summary, size.columns, size.rows, color).join('\n')}\n`);
  }
  // The summary ends with the totals and the ledger in short; alone they are printed where it is not.
  if (configuration.quiet || configuration.coverage) {
    const lines = endLines(summary.totals, summary.coverage, configuration.coverage, size.columns, color);
    io.stdout.write(`${lines.join('\n')}\n`);
  }
  if (failure !== undefined) throw failure;
  return EXIT_FINE;
}

/** `eastwest read`: captures become calls. */
import { statSync } from 'node:fs';
import { escapeTerminal } from '../record/escape.ts';
import { captureFileErrorText } from '../wire/capture/capture-file-error.ts';
import { expandInputs } from '../wire/capture/inputs.ts';
import type { FromWorker } from '../wire/worker/messages.ts';
import { CliError, EXIT_FINE, EXIT_INTERRUPTED, EXIT_UNREADABLE, EXIT_USAGE, type ExitCode } from './exit.ts';
import { wantsColor, type Io } from './io.ts';
import { endLines, NOTHING_LOST } from './live-summary.ts';
import type { ReadOptions } from './program.ts';
import { Progress } from './progress.ts';
import { RowOutput } from './row-output.ts';
import { Sensor } from './sensor.ts';

export async function read(options: ReadOptions, io: Io): Promise<ExitCode> {
  const { configuration } = options;
  const inputs = findInputs(options.files);
  const color = wantsColor(io, configuration.color);
  const columns = (): number => (io.stdoutIsTerminal ? io.size().columns : 200);
  const output = new RowOutput({ stdout: io.stdout, color, columns }, configuration.output);
  const files = new Files(inputs, io, configuration.quiet);
  const sensor = new Sensor({
    configuration,
    source: { kind: 'files', files: inputs.files },
    workers: 1,
    onRow: async (row) => {
      if (options.matches !== undefined && !options.matches(row)) return;
      files.hideProgress();
      await output.put(row);
    },
    onBlock: () => output.flush(),
    onMessage: (message) => files.take(message),
  });
  const stop = (): void => sensor.stop();
  io.signal.addEventListener('abort', stop, { once: true });
  if (io.signal.aborted) stop();
  await sensor.done();
  io.signal.removeEventListener('abort', stop);
  files.hideProgress();
  if (output.rows === 0) output.begin();
  await output.flush();
  // The summary is for people; a program that reads rows gets rows only.
  const summaryTo = configuration.output === 'table' ? io.stdout : io.stderr;
  if (!configuration.quiet || configuration.output === 'table') {
    const { coverage } = configuration;
    const lines = endLines(sensor.totals(), sensor.coverage(), coverage, columns(), color);
    // A ledger of what was read does not speak for what could not be.
    const told = files.unreadable
      ? lines.map((line) => line.replace(NOTHING_LOST, 'of what could be read, nothing is lost'))
      : lines;
    summaryTo.write(`${configuration.output === 'table' ? '\n' : ''}${told.join('\n')}\n`);
  }
  if (io.signal.aborted) return EXIT_INTERRUPTED;
  return files.unreadable ? EXIT_UNREADABLE : EXIT_FINE;
}

interface Inputs {
  readonly files: readonly string[];
  /** What was named and cannot be found, as sentences. */
  readonly missing: readonly string[];
}

/**
 * What can be read of what was named. One wrong path does not take the others with it; only wrong ones do.
 */
function findInputs(paths: readonly string[]): Inputs {
  const files: string[] = [];
  const missing: string[] = [];
  for (const path of paths) {
    if (path === '')
      throw new CliError(EXIT_USAGE, 'read: a path is empty; name a file, a folder or a pattern');
    const found = expandInputs([path]);
    if (found.ok) files.push(...found.value);
    else missing.push(captureFileErrorText(found.error));
  }
  const all = expandInputs(files.filter((file) => file === '-'));
  if (!all.ok) throw new CliError(EXIT_USAGE, `read: ${captureFileErrorText(all.error)}`);
  if (files.length === 0 && missing.length === 1) throw new CliError(EXIT_UNREADABLE, `read: ${missing[0]}`);
  return { files, missing };
}

/** What is said of files while they are read: progress, warnings, errors. */
class Files {
  unreadable = false;
  readonly #io: Io;
  readonly #progress: Progress | undefined;
  #doneBytes = 0;
  #nowBytes = 0;

  constructor({ files, missing }: Inputs, io: Io, quiet: boolean) {
    this.#io = io;
    this.unreadable = missing.length > 0;
    for (const sentence of missing) this.#say(sentence);
    if (!io.stderrIsTerminal || quiet) return;
    this.#progress = new Progress(io.stderr, () => io.size().columns, bytesOf(files));
  }

  take(message: FromWorker): void {
    switch (message.kind) {
      case 'progress':
        this.#nowBytes = message.read;
        this.#progress?.update(performance.now(), this.#doneBytes + message.read, message.file);
        return;
      case 'file':
        this.#doneBytes += this.#nowBytes;
        this.#nowBytes = 0;
        if (message.warning !== undefined) this.#say(message.warning);
        return;
      case 'unreadable':
        this.unreadable = true;
        this.#say(message.failure.message);
        return;
      default:
        return;
    }
  }

  hideProgress(): void {
    this.#progress?.clear();
  }

  #say(sentence: string): void {
    this.hideProgress();
    this.#io.stderr.write(`eastwest: read: ${escapeTerminal(sentence)}\n`);
  }
}

/** Size of all files; undefined when one has none (standard input, a pipe). */
function bytesOf(files: readonly string[]): number | undefined {
  let bytes = 0;
  for (const file of files) {
    if (file === '-') return undefined;
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined || !stats.isFile()) return undefined;
    bytes += stats.size;
  }
  return bytes;
}

/** The real command in a process of its own: how it ended, how much it wrote, and its peak of memory. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From dist/test/support. */
const COMMAND = fileURLToPath(new URL('../../../bin/eastwest', import.meta.url));

export interface Measured {
  readonly code: number | null;
  readonly stderr: string;
  /** Lines of standard output. */
  readonly lines: number;
  /** Peak of resident memory, bytes. */
  readonly resident: number;
}

/** Runs the command; one that takes longer than `maxMs` is ended, and its code is null. */
export async function runMeasured(words: readonly string[], maxMs: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-measured-'));
  const report = join(folder, 'resident');
  // Each thread reports as it ends; the peak is the process's.
  const measure = `import { appendFileSync } from 'node:fs';
    const report = ${JSON.stringify(report)};
    process.on('exit', () => appendFileSync(report, process.resourceUsage().maxRSS + '\\n'));`;
  const hook = `data:text/javascript,${encodeURIComponent(measure)}`;
  try {
    const child = spawn(process.execPath, ['--import', hook, COMMAND, ...words], {
      env: { ...process.env, XDG_CONFIG_HOME: folder, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: maxMs,
    });
    let lines = 0;
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => {
      for (const byte of part) if (byte === 10) lines++;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const kilobytes = code === null ? [] : readFileSync(report, 'utf8').trim().split('\n').map(Number);
    return { code, stderr, lines, resident: Math.max(0, ...kilobytes) * 1024 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the real command, bin/eastwest, in a process of its own with a home of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** From dist/test/support to the root. */
export const COMMAND = new URL('../../../bin/eastwest', import.meta.url).pathname;
/** The same key in every run, so that hashes are the same. */
const KEY = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
/** No run of a test takes longer; one that hangs ends, and its test fails. */
const RUN_MS = 60_000;

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunWays {
  /** Bytes for standard input, or a way to write them; closed when it returns. */
  readonly input?: Uint8Array | string;
  readonly environment?: Readonly<Record<string, string>>;
  /** In place of node: `setpriv …`, `sh -c`. */
  readonly before?: readonly string[];
  /** Called when the process has started. */
  readonly started?: (child: ReturnType<typeof spawn>) => void;
}

/** A folder of its own, with a home in it that holds the key. Removed by `remove`. */
export class CliHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'eastwest-test-'));
  readonly home = join(this.folder, 'home');

  constructor() {
    const configuration = join(this.home, '.config', 'eastwest');
    mkdirSync(configuration, { recursive: true });
    writeFileSync(join(configuration, 'key'), `${KEY}\n`, { mode: 0o600 });
  }

  /** Writes a file below the folder and answers its path. */
  write(name: string, content: Uint8Array | string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Everything that lies below the folder, by path. */
  files(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(path, readFileSync(path));
    }
    return found;
  }

  run(words: readonly string[], ways: RunWays = {}): Promise<Ran> {
    const [program, ...before] = [...(ways.before ?? []), process.execPath, COMMAND, ...words];
    const child = spawn(program, before, {
      cwd: this.folder,
      env: { PATH: process.env['PATH'], HOME: this.home, ...ways.environment },
      timeout: RUN_MS,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.stdin.on('error', () => undefined);
    if (ways.started === undefined) child.stdin.end(ways.input ?? '');
    else ways.started(child);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        resolve({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
      });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

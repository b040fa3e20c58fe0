/** Real servers that tests start on loopback, each with a folder of its own that goes with it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface RealServer {
  readonly port: number;
  readonly folder: string;
  stop(): Promise<void>;
}

/** The path of an installed program, or undefined. Servers live in sbin, which a user's PATH may leave out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** For `it(name, { skip: missing('redis-server') }, …)`: false, or which program is not there. */
export function missing(...names: readonly string[]): string | false {
  const absent = names.filter((name) => findProgram(name) === undefined);
  return absent.length === 0 ? false : `not installed: ${absent.join(', ')}`;
}

/** Starts a program that listens on a TCP port of loopback, and waits until it takes connections. */
export async function startServer(
  name: string,
  makeArguments: (port: number, folder: string) => readonly string[],
): Promise<RealServer> {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  const folder = mkdtempSync(join(tmpdir(), `eastwest-${name}-`));
  const port = await freePort();
  const child = spawn(path, makeArguments(port, folder), {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) break;
    if (await accepts(port)) return { port, folder, stop };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await stop();
  throw new Error(`${name} did not come up: ${errors}`);
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else {
      child.once('exit', () => {
        resolve();
      });
      child.kill('SIGKILL');
    }
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

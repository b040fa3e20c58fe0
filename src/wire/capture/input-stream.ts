/**
 * Standard input and named pipes as streams that can be left at any time. A plain file stream waits for them
 * in a thread that nothing wakes, so that neither Ctrl-C nor the end of the worker would be heard; sockets
 * are told by the kernel when there is something to read.
 */
import { closeSync, constants, createReadStream, fstatSync, open, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';

/** Standard input, whatever it is. */
export function standardInput(): Readable {
  if (isatty(0)) return new ReadStream(0);
  const stats = fstatSync(0);
  if (stats.isFIFO() || stats.isSocket()) return new Socket({ fd: 0, readable: true, writable: false });
  return createReadStream('', { fd: 0 });
}

/** A named pipe, once somebody writes to it; undefined when the signal came first. */
export async function namedPipe(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Readable | undefined> {
  const leave = (): void => wake(path);
  signal?.addEventListener('abort', leave, { once: true });
  try {
    const file = await new Promise<number>((resolve, reject) => {
      open(path, 'r', (error, opened) => (error === null ? resolve(opened) : reject(error)));
    });
    if (signal?.aborted !== true) return new Socket({ fd: file, readable: true, writable: false });
    closeSync(file);
    return undefined;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}

/** Opening a pipe waits for a writer: for a moment we are one (fifo(7)). */
function wake(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch {
    // Nobody is waiting any more.
  }
}

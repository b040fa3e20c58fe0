/** Starts test/support/peer in namespaces: a server, and a client that is told what to ask. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Container } from './container-host.ts';
import type { Network } from './netns.ts';

const PROGRAM = fileURLToPath(new URL('peer.js', import.meta.url));

export interface Ports {
  readonly http: number;
  readonly redis: number;
  readonly dns: number;
}

/** Where a server listens. */
export const SERVED: Ports = { http: 8080, redis: 6379, dns: 53 };

/** Numbers apart: a DNS question with the same id, asked again at once, would be the same call. */
const NUMBERS_APART = 400;
let clients = 0;

export type Order = 'pipeline' | 'keep-alive' | 'redis' | 'dns';

export async function startServer(network: Network, at: Container): Promise<ChildProcess> {
  const child = network.spawn(at.namespace, process.execPath, [PROGRAM, 'serve', at.address]);
  await new Asking(child).answered();
  return child;
}

export async function startClient(
  network: Network,
  at: Container,
  to: string,
  ports: Ports,
): Promise<Asking> {
  const first = String((clients++ * NUMBERS_APART) & 0x7fff);
  const numbers = [ports.http, ports.redis, ports.dns].map(String);
  const child = network.spawn(at.namespace, process.execPath, [PROGRAM, 'ask', to, first, ...numbers]);
  const asking = new Asking(child);
  await asking.answered();
  return asking;
}

export class Asking {
  readonly #child: ChildProcess;
  readonly #lines: NodeJS.AsyncIterator<string>;

  constructor(child: ChildProcess) {
    const { stdout } = child;
    if (stdout === null) throw new Error('a peer has its output piped');
    this.#child = child;
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Asks so many times and waits for all answers. */
  async ask(what: Order, count: number): Promise<void> {
    this.#child.stdin?.write(`${what} ${count}\n`);
    await this.answered();
  }

  async answered(): Promise<void> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('a peer ended before it had answered');
  }

  /** Closes its connections. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

/**
 * A service for tests of who is behind a socket: a child process, named by its script, that listens on TCP
 * and UDP, IPv4 and IPv6, and connects where it is told. It ends when its standard input does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

const SCRIPT = `
import { createServer, connect } from 'node:net';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
const held = [];
const listen = (host) => new Promise((done) => {
  const server = createServer((socket) => {
    held.push(socket);
    socket.on('error', () => {});
    socket.write('x');
  });
  server.once('error', () => done(0));
  server.listen(0, host, () => done(server.address().port));
});
const bind = (type, host) => new Promise((done) => {
  const socket = createSocket(type);
  socket.once('error', () => done(0));
  socket.bind(0, host, () => done(socket.address().port));
});
const host = process.argv[2] ?? '127.0.0.1';
const ports = {
  tcp4: await listen(host), tcp6: await listen('::1'), any: await listen('::'),
  udp4: await bind('udp4', host), udp6: await bind('udp6', '::1'),
};
console.log(JSON.stringify({ pid: process.pid, ...ports }));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { host, port } = JSON.parse(line);
  // The byte says that the other side has accepted.
  const socket = connect(port, host);
  socket.once('data', () => console.log(JSON.stringify({ localPort: socket.localPort })));
  socket.on('error', () => console.log(JSON.stringify({ localPort: 0 })));
  held.push(socket);
}).on('close', () => process.exit(0));
`;

/** Ports that it listens on; 0 where the host has no IPv6. */
export interface ChildPorts {
  readonly pid: number;
  readonly tcp4: number;
  readonly tcp6: number;
  /** On `::`, for both families. */
  readonly any: number;
  readonly udp4: number;
  readonly udp6: number;
}

export class SocketChild {
  readonly ports: ChildPorts;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, lines: AsyncIterator<string>, ports: ChildPorts) {
    this.#child = child;
    this.#folder = folder;
    this.#lines = lines;
    this.ports = ports;
  }

  /** `prefix` goes before node: `ip netns exec NAME`. */
  static async start(name: string, host = '127.0.0.1', prefix: readonly string[] = []): Promise<SocketChild> {
    const folder = mkdtempSync(join(tmpdir(), 'socket-child-'));
    const script = join(folder, `${name}.mjs`);
    writeFileSync(script, SCRIPT);
    const [program, ...rest] = [...prefix, process.execPath, script, host];
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('no output to read');
    const reader: Interface = createInterface({ input: child.stdout });
    const lines = reader[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) throw new Error(`${name} did not start`);
    return new SocketChild(child, folder, lines, JSON.parse(first.value) as ChildPorts);
  }

  /** Opens a connection that stays; answers its local port. */
  async connect(host: string, port: number): Promise<number> {
    this.#child.stdin?.write(`${JSON.stringify({ host, port })}\n`);
    const line = await this.#lines.next();
    const { localPort } = JSON.parse(String(line.value)) as { localPort: number };
    if (localPort === 0) throw new Error(`no connection to ${host} ${port}`);
    return localPort;
  }

  /** Ends it and waits until it is gone. */
  async close(): Promise<void> {
    const ended = new Promise((done) => this.#child.once('exit', done));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

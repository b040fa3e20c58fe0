/**
 * A TCP proxy on loopback that keeps what both sides of each connection sent, in the order in which it
 * came: what a capture between them would hold, without the right to capture.
 */
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { CLIENT, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Side } from '../../src/wire/protocols/protocol.ts';
import type { Turn } from './drive.ts';

export interface RecordingProxy {
  readonly port: number;
  /** What each connection said, in the order in which they were opened. */
  readonly connections: readonly Turn[][];
  close(): Promise<void>;
}

/** Listens on a free port of loopback and passes every connection on to `targetPort`. */
export async function startRecordingProxy(targetPort: number): Promise<RecordingProxy> {
  const connections: Turn[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const turns: Turn[] = [];
    connections.push(turns);
    const target = connect(targetPort, '127.0.0.1');
    pass(client, target, turns, CLIENT);
    pass(target, client, turns, SERVER);
    sockets.add(client).add(target);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}

function pass(from: Socket, to: Socket, turns: Turn[], side: Side): void {
  from.on('data', (bytes: Buffer) => {
    turns.push({ side, bytes: Uint8Array.from(bytes), lost: 0 });
    to.write(bytes);
  });
  from.on('end', () => {
    to.end();
  });
  from.on('error', () => {
    to.destroy();
  });
}

import { test } from 'node:test';
import { equal, notEqual, ok } from 'node:assert/strict';
import { SocketChild } from '../../../test/support/socket-child.ts';
import { Processes } from './proc.ts';
import { readSockets } from './proc-net.ts';
import { SockDiag } from './sock-diag.ts';
import { SocketTable, TCP, UDP } from './socket-table.ts';

const diag = SockDiag.open();
const skip = diag === undefined ? 'no netlink sock_diag here (Linux with glibc)' : false;

/** The pid behind a socket, as far as it may be seen. */
function ownerOf(inode: number): number | undefined {
  const owners = new Map<number, number>();
  new Processes().findOwners(new Set([inode]), owners);
  return owners.get(inode);
}

test(
  'sock_diag finds listeners of TCP and UDP, of IPv4 and IPv6, and /proc their process',
  { skip },
  async (t) => {
    const child = await SocketChild.start('orders');
    t.after(() => child.close());
    const table = new SocketTable();
    ok(diag?.readBound(table));
    const { tcp4, tcp6, any, udp4, udp6, pid } = child.ports;
    let looked = 0;
    for (const [transport, address, port] of [
      [TCP, '127.0.0.1', tcp4],
      [TCP, '::1', tcp6],
      [TCP, '::1', any],
      [TCP, '127.0.0.1', any],
      [UDP, '127.0.0.1', udp4],
      [UDP, '::1', udp6],
    ] as const) {
      if (port === 0) continue; // No IPv6 on this host.
      const inode = table.bound(transport, address, port);
      notEqual(inode, 0, `${transport} ${address} ${port}`);
      equal(ownerOf(inode), pid);
      looked++;
    }
    ok(looked >= 2);
    equal(table.bound(TCP, '127.0.0.2', tcp4), 0, 'another address');
    equal(table.bound(UDP, '127.0.0.1', tcp4), 0, 'another transport');
  },
);

test(
  'sock_diag tells the owners of both ends of a connection, and nothing of one that is gone',
  { skip },
  async (t) => {
    const server = await SocketChild.start('server-side');
    const client = await SocketChild.start('client-side');
    t.after(() => Promise.all([server.close(), client.close()]));
    let looked = 0;
    for (const [address, port] of [
      ['127.0.0.1', server.ports.tcp4],
      ['127.0.0.1', server.ports.any],
      ['::1', server.ports.tcp6],
    ] as const) {
      if (port === 0) continue;
      const localPort = await client.connect(address, port);
      equal(ownerOf(diag?.findConnection(address, localPort, address, port) ?? 0), client.ports.pid);
      equal(ownerOf(diag?.findConnection(address, port, address, localPort) ?? 0), server.ports.pid);
      looked++;
    }
    ok(looked >= 2);
    equal(diag?.findConnection('127.0.0.1', 1, '127.0.0.1', server.ports.tcp4), 0);
    equal(
      diag?.findConnection('127.0.0.1', server.ports.tcp4, '127.0.0.1', 1),
      0,
      'only the listener is there',
    );
    equal(diag?.findConnection('no address', 1, '127.0.0.1', 1), 0);
  },
);

test('the text of /proc/net says the same of listeners as sock_diag', { skip }, async (t) => {
  const child = await SocketChild.start('orders');
  t.after(() => child.close());
  const byDiag = new SocketTable();
  const byText = new SocketTable();
  ok(diag?.readBound(byDiag));
  const processes = new Processes();
  for (const [file, transport, family] of [
    ['net/tcp', TCP, 4],
    ['net/tcp6', TCP, 6],
    ['net/udp', UDP, 4],
    ['net/udp6', UDP, 6],
  ] as const) {
    readSockets(processes.text('self', file, 1 << 20) ?? '', byText, transport, family);
  }
  for (const [transport, address, port] of [
    [TCP, '127.0.0.1', child.ports.tcp4],
    [UDP, '127.0.0.1', child.ports.udp4],
  ] as const) {
    const inode = byText.bound(transport, address, port);
    notEqual(inode, 0);
    equal(inode, byDiag.bound(transport, address, port));
  }
});

import { test } from 'node:test';
import { deepEqual, equal } from 'node:assert/strict';
import { localAddresses4, localAddresses6, readSockets } from './proc-net.ts';
import { SocketTable, TCP, UDP } from './socket-table.ts';

const TCP4 = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 501 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 502 1 0000000000000000 100 0 0 10 0
   2: 0500000A:9C40 0600000A:18EB 01 00000000:00000000 00:00000000 00000000  1000        0 503 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:C38C 0100007F:4A3E 06 00000000:00000000 03:00000249 00000000     0        0 0 3 0000000000000000
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 601 1 0 100 0 0 10 0
   1: 0000000000000000FFFF00000500000A:0050 0000000000000000FFFF00000600000A:9C41 01 00000000:00000000 00:00000000 00000000     0        0 602 1 0 20 4 30 10 -1
   2: B80D0120000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 603 1 0 100 0 0 10 0
`;

function table(): SocketTable {
  const made = new SocketTable();
  readSockets(TCP4, made, TCP, 4);
  readSockets(TCP6, made, TCP, 6);
  return made;
}

test('listeners are found by address and port: exact before any, the own family before the other', () => {
  const sockets = table();
  equal(sockets.bound(TCP, '10.0.0.5', 8080), 501);
  equal(sockets.bound(TCP, '127.0.0.1', 8081), 502);
  equal(sockets.bound(TCP, '10.0.0.5', 8081), 0, 'it listens on loopback only');
  equal(sockets.bound(TCP, '10.0.0.5', 80), 601, 'an IPv6 socket takes IPv4, too');
  equal(sockets.bound(TCP, 'fd00::1', 80), 601);
  equal(sockets.bound(TCP, 'fd00::1', 8080), 0, 'an IPv4 socket takes no IPv6');
  equal(sockets.bound(TCP, '2001:db8::1', 81), 603);
  equal(sockets.bound(UDP, '10.0.0.5', 8080), 0);
});

test('connections are found by both ends, mapped addresses as IPv4; those without a holder are left out', () => {
  const sockets = table();
  equal(sockets.connected('10.0.0.5', 40_000, '10.0.0.6', 6379), 503);
  equal(sockets.connected('10.0.0.5', 80, '10.0.0.6', 40_001), 602);
  equal(sockets.connected('10.0.0.6', 6379, '10.0.0.5', 40_000), 0);
  equal(sockets.connected('127.0.0.1', 50_060, '127.0.0.1', 19_006), 0);
  equal(sockets.size, 6);
});

test('broken lines are passed over', () => {
  const sockets = new SocketTable();
  readSockets('head\n\n x\n 0: 00:1 00:2 0A\n 1: 00000000:1F90\n last line without an end', sockets, TCP, 4);
  readSockets('', sockets, TCP, 4);
  equal(sockets.size, 0);
});

test('the addresses of a namespace are its LOCAL leaves, and the lines of if_inet6', () => {
  const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 172.17.0.2
        /32 host LOCAL
     |-- 172.17.255.255
        /32 link BROADCAST
Local:
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 172.17.0.2
        /32 host LOCAL
`;
  deepEqual(localAddresses4(trie), ['172.17.0.2', '127.0.0.1']);
  const inet6 =
    'fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n00000000000000000000000000000001 01 80 10 80 lo\n';
  deepEqual(localAddresses6(inet6), ['fe80::fc:ff:fe00:1', '::1']);
});

/**
 * Sockets and addresses of a network namespace as the text files of /proc/PID/net
 * (https://man7.org/linux/man-pages/man5/proc_pid_net.5.html): the way into namespaces that are not ours,
 * where sock_diag does not reach, and the fallback in ours.
 */
import { addressText } from '../../record/address.ts';
import { SocketTable, TCP, UDP } from './socket-table.ts';

const TCP_LISTEN = 0x0a;

/** Adds the sockets of /proc/PID/net/tcp, tcp6, udp or udp6. */
export function readSockets(text: string, table: SocketTable, transport: number, family: 4 | 6): void {
  let start = text.indexOf('\n') + 1;
  for (let end = text.indexOf('\n', start); start > 0 && end > start; end = text.indexOf('\n', start)) {
    const fields = text.slice(start, end).trim().split(/\s+/);
    start = end + 1;
    const local = placeOf(fields[1], family);
    const remote = placeOf(fields[2], family);
    const inode = Number(fields[9]);
    // Without an inode nobody holds it any more (TIME_WAIT).
    if (local === undefined || remote === undefined || !(inode > 0)) continue;
    if (transport === UDP || Number.parseInt(fields[3], 16) === TCP_LISTEN) {
      const { address, port } = local;
      table.addBound({
        transport,
        family,
        address,
        port,
        inode,
        onlyV6: false,
        connected: remote.port !== 0,
      });
    } else if (transport === TCP) {
      table.addConnected(local.address, local.port, remote.address, remote.port, inode);
    }
  }
}

/** `0100007F:1F90`: words in the machine's order, which is little-endian on all that we run on. */
function placeOf(text: string | undefined, family: 4 | 6): { address: string; port: number } | undefined {
  const digits = family === 4 ? 8 : 32;
  if (text?.[digits] !== ':') return undefined;
  const bytes = new Uint8Array(digits / 2);
  for (let word = 0; word < digits; word += 8) {
    for (let byte = 0; byte < 4; byte++) {
      const at = word + 6 - byte * 2;
      bytes[word / 2 + byte] = Number.parseInt(text.slice(at, at + 2), 16);
    }
  }
  return { address: addressText(bytes, 0, bytes.length), port: Number.parseInt(text.slice(digits + 1), 16) };
}

/** IPv4 addresses of a namespace from /proc/PID/net/fib_trie: leaves that are LOCAL. */
export function localAddresses4(text: string): string[] {
  const found = new Set<string>();
  let leaf = '';
  for (const line of text.split('\n')) {
    const address = /\|-- (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1];
    if (address !== undefined) leaf = address;
    else if (leaf !== '' && /\/32 host LOCAL/.test(line)) found.add(leaf);
  }
  return [...found];
}

/** IPv6 addresses of a namespace from /proc/PID/net/if_inet6. */
export function localAddresses6(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const digits = /^[0-9a-f]{32}/.exec(line)?.[0];
    return digits === undefined ? [] : [addressText(Buffer.from(digits, 'hex'), 0, 16)];
  });
}

/**
 * The sockets of one network namespace: what is bound to a port (TCP listeners, UDP sockets), and, where they
 * were read from text, connected ones. Addresses as addressText writes them; the socket's inode is its name.
 */
export const TCP = 6;
export const UDP = 17;

export interface BoundSocket {
  /** 6 TCP, 17 UDP. */
  readonly transport: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  /** An IPv6 socket that takes no IPv4 connections. */
  readonly onlyV6: boolean;
  /** UDP: it speaks to one peer only. */
  readonly connected: boolean;
}

/** Sockets read of one namespace: memory and time of a refresh are bounded by it. */
export const SOCKETS_MAX = 65_536;

export class SocketTable {
  readonly #bound = new Map<number, BoundSocket[]>();
  readonly #connected = new Map<string, number>();
  size = 0;
  /** Sockets beyond SOCKETS_MAX. */
  refused = 0;

  addBound(socket: BoundSocket): void {
    if (!this.#counts()) return;
    const key = (socket.transport << 16) | socket.port;
    const list = this.#bound.get(key);
    if (list === undefined) this.#bound.set(key, [socket]);
    else list.push(socket);
  }

  addConnected(local: string, localPort: number, remote: string, remotePort: number, inode: number): void {
    if (!this.#counts()) return;
    this.#connected.set(pairKey(local, localPort, remote, remotePort), inode);
  }

  /** Inode of the socket that takes what is sent to an address and port, or 0. */
  bound(transport: number, address: string, port: number, wantConnected = false): number {
    const family = address.includes(':') ? 6 : 4;
    let best = 0;
    let bestRank = -1;
    for (const socket of this.#bound.get((transport << 16) | port) ?? []) {
      const rank = rankOf(socket, address, family, wantConnected);
      // SO_REUSEPORT: of equal sockets the first; they are one program's as a rule.
      if (rank <= bestRank) continue;
      best = socket.inode;
      bestRank = rank;
    }
    return best;
  }

  /** Inode of a TCP connection's local end, or 0. */
  connected(local: string, localPort: number, remote: string, remotePort: number): number {
    return this.#connected.get(pairKey(local, localPort, remote, remotePort)) ?? 0;
  }

  /** What listens: of TCP all, of UDP what is not connected. */
  *listeners(): Iterable<BoundSocket> {
    for (const list of this.#bound.values()) {
      for (const socket of list) if (!socket.connected) yield socket;
    }
  }

  #counts(): boolean {
    if (this.size < SOCKETS_MAX) {
      this.size++;
      return true;
    }
    this.refused++;
    return false;
  }
}

/** -1: it does not take it. An exact address before any, the same family before the other. */
function rankOf(socket: BoundSocket, address: string, family: number, wantConnected: boolean): number {
  const exact = socket.address === address;
  const any = socket.address === '0.0.0.0' || socket.address === '::';
  if (!exact && !any) return -1;
  if (!exact && socket.family !== family && (family === 6 || socket.onlyV6)) return -1;
  return (exact ? 4 : 0) + (socket.family === family ? 2 : 0) + (socket.connected === wantConnected ? 1 : 0);
}

function pairKey(local: string, localPort: number, remote: string, remotePort: number): string {
  return `${local} ${localPort} ${remote} ${remotePort}`;
}

/**
 * Sockets of this process's network namespace, asked of the kernel by netlink sock_diag
 * (https://man7.org/linux/man-pages/man7/sock_diag.7.html): all that are bound in one dump, and the owner of
 * one connection without reading the others. Needs no rights. Constants are those of linux/inet_diag.h.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { addressText } from '../../record/address.ts';
import { parseAddress } from './address-range.ts';
import { SOCKETS_MAX, SocketTable, TCP, UDP } from './socket-table.ts';

interface NetlinkCalls {
  socket(domain: number, type: number, protocol: number): number;
  send(descriptor: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(descriptor: number, bytes: Uint8Array, length: number, flags: number): number;
}

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;
const AF_INET = 2;
const AF_INET6 = 10;

/** struct nlmsghdr, then struct inet_diag_req_v2. */
const HEADER_BYTES = 16;
const REQUEST_BYTES = HEADER_BYTES + 56;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** States as bits: a connection in progress or held; TIME_WAIT and SYN_RECV have no owner. */
const TCP_LISTEN = 10;
const LISTENING = 1 << TCP_LISTEN;
const ANY_STATE = 0xfff;
/** Offsets in struct inet_diag_msg. */
const MESSAGE_STATE = 1;
const MESSAGE_ID = 4;
const MESSAGE_INODE = 68;
const MESSAGE_BYTES = 72;
/** struct inet_diag_sockid: both ports, then both addresses of 16 bytes. */
const ID_SOURCE = 4;
const ID_TARGET = 20;
const ID_COOKIE = 40;
const INET_DIAG_SKV6ONLY = 11;
/** The kernel writes parts of at most 32 KiB. */
const BUFFER_BYTES = 65_536;
/** Parts of one answer: as many sockets as a table takes, 128 bytes each, and no endless loop. */
const PARTS_MAX = (SOCKETS_MAX * 128) / 8192;

export class SockDiag {
  readonly #calls: NetlinkCalls;
  readonly #descriptor: number;
  readonly #request = Buffer.alloc(REQUEST_BYTES);
  readonly #answer = Buffer.alloc(BUFFER_BYTES);
  #sequence = 0;

  private constructor(calls: NetlinkCalls, descriptor: number) {
    this.#calls = calls;
    this.#descriptor = descriptor;
  }

  /** Undefined where there is no glibc or no netlink: /proc/net answers there. It is held for good. */
  static open(): SockDiag | undefined {
    const calls = netlinkCalls();
    if (calls === undefined) return undefined;
    const descriptor = calls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
    return descriptor < 0 ? undefined : new SockDiag(calls, descriptor);
  }

  /** Adds TCP listeners and all UDP sockets; false when the kernel refused a question. */
  readBound(table: SocketTable): boolean {
    let answered = true;
    for (const family of [AF_INET, AF_INET6]) {
      answered = this.#dump(table, family, TCP, LISTENING) && answered;
      answered = this.#dump(table, family, UDP, ANY_STATE) && answered;
    }
    return answered;
  }

  /** Inode of the TCP connection whose local end is the first address, or 0: gone, or nobody's any more. */
  findConnection(local: string, localPort: number, remote: string, remotePort: number): number {
    const request = this.#begin(local.includes(':') ? AF_INET6 : AF_INET, TCP, ANY_STATE, 0);
    const id = HEADER_BYTES + 8;
    request.writeUInt16BE(localPort, id);
    request.writeUInt16BE(remotePort, id + 2);
    if (!writeAddress(request, id + ID_SOURCE, local) || !writeAddress(request, id + ID_TARGET, remote))
      return 0;
    request.fill(0xff, id + ID_COOKIE, id + ID_COOKIE + 8); // INET_DIAG_NOCOOKIE.
    if (!this.#send()) return 0;
    const bytes = this.#receive();
    if (bytes < HEADER_BYTES + MESSAGE_BYTES || this.#answer.readUInt16LE(4) !== SOCK_DIAG_BY_FAMILY)
      return 0;
    // Where there is no such connection the kernel answers with the listener.
    if (this.#answer[HEADER_BYTES + MESSAGE_STATE] === TCP_LISTEN) return 0;
    return this.#answer.readUInt32LE(HEADER_BYTES + MESSAGE_INODE);
  }

  #dump(table: SocketTable, family: number, transport: number, states: number): boolean {
    this.#begin(family, transport, states, NLM_F_DUMP);
    if (!this.#send()) return false;
    for (let part = 0; part < PARTS_MAX; part++) {
      const bytes = this.#receive();
      if (bytes < HEADER_BYTES) return false;
      for (let at = 0; at + HEADER_BYTES <= bytes;) {
        const length = this.#answer.readUInt32LE(at);
        const type = this.#answer.readUInt16LE(at + 4);
        if (type === NLMSG_DONE) return true;
        if (type === NLMSG_ERROR || length < HEADER_BYTES || at + length > bytes) return false;
        if (type === SOCK_DIAG_BY_FAMILY)
          this.#take(table, at + HEADER_BYTES, at + length, family, transport);
        at += (length + 3) & ~3;
      }
    }
    return false;
  }

  #take(table: SocketTable, at: number, end: number, family: number, transport: number): void {
    if (end - at < MESSAGE_BYTES) return;
    const bytes = this.#answer;
    const length = family === AF_INET ? 4 : 16;
    const id = at + MESSAGE_ID;
    table.addBound({
      transport,
      family: family === AF_INET ? 4 : 6,
      address: addressText(bytes, id + ID_SOURCE, length),
      port: bytes.readUInt16BE(id),
      inode: bytes.readUInt32LE(at + MESSAGE_INODE),
      onlyV6: family === AF_INET6 && isOnlyV6(bytes, at + MESSAGE_BYTES, end),
      connected: bytes.readUInt16BE(id + 2) !== 0,
    });
  }

  #begin(family: number, transport: number, states: number, flags: number): Buffer {
    const request = this.#request;
    request.fill(0);
    request.writeUInt32LE(REQUEST_BYTES, 0);
    request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
    request.writeUInt16LE(NLM_F_REQUEST | flags, 6);
    request.writeUInt32LE(++this.#sequence >>> 0, 8);
    request[HEADER_BYTES] = family;
    request[HEADER_BYTES + 1] = transport;
    request.writeUInt32LE(states, HEADER_BYTES + 4);
    return request;
  }

  #send(): boolean {
    return this.#calls.send(this.#descriptor, this.#request, REQUEST_BYTES, 0) === REQUEST_BYTES;
  }

  /** The kernel has answered by the time `send` returns. What an earlier question left is passed over. */
  #receive(): number {
    for (let tries = 0; tries < 64; tries++) {
      const bytes = this.#calls.recv(this.#descriptor, this.#answer, BUFFER_BYTES, MSG_DONTWAIT);
      if (bytes < HEADER_BYTES || this.#answer.readUInt32LE(8) === this.#sequence >>> 0) return bytes;
    }
    return -1;
  }
}

function isOnlyV6(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at + 4 <= end;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) return false;
    if (bytes.readUInt16LE(at + 2) === INET_DIAG_SKV6ONLY && length > 4) return bytes[at + 4] !== 0;
    at += (length + 3) & ~3;
  }
  return false;
}

function writeAddress(to: Buffer, at: number, text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  for (let byte = address.bits / 8 - 1, value = address.value; byte >= 0; byte--, value >>= 8n) {
    to[at + byte] = Number(value & 0xffn);
  }
  return true;
}

let bound: NetlinkCalls | undefined;

function netlinkCalls(): NetlinkCalls | undefined {
  if (bound !== undefined || process.platform !== 'linux') return bound;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load('libc.so.6');
    bound = {
      socket: library.func('int socket(int, int, int)'),
      // Their results are of 64 bits, but never larger than the buffer or smaller than -1.
      send: library.func('int send(int, void *, size_t, int)'),
      recv: library.func('int recv(int, void *, size_t, int)'),
    };
  } catch {
    return undefined;
  }
  return bound;
}

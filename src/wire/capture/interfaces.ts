/**
 * The network interfaces of this thread's network namespace, asked of the kernel itself: /sys may show
 * another namespace's, and `os.networkInterfaces()` leaves out those without an address.
 * See netdevice(7), https://man7.org/linux/man-pages/man7/netdevice.7.html.
 */
import { readFileSync } from 'node:fs';
import { libc } from './libc.ts';

export interface InterfaceState {
  readonly index: number;
  /** ARPHRD_* number: what its frames begin with. */
  readonly hardware: number;
  readonly up: boolean;
}

export const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;
/** Interfaces whose frames are IP packets: tunnels, tun, ppp, WireGuard. */
const ARPHRD_RAW: readonly number[] = [512, 768, 769, 776, 778, 65_534];

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFHWADDR = 0x8927;
const IFF_UP = 1;
/** struct ifreq: the name, then a union. */
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;

/** Names in the kernel's order, `lo` first as a rule. */
export function listInterfaces(): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/thread-self/net/dev', 'latin1');
  } catch {
    return [];
  }
  const lines = text.split('\n').slice(2);
  return lines.flatMap((line) => {
    const end = line.indexOf(':');
    return end < 0 ? [] : [line.slice(0, end).trim()];
  });
}

/** 0: there is none of this name. */
export function interfaceIndex(name: string): number {
  if (!isInterfaceName(name)) return 0;
  return libc()?.if_nametoindex(name) ?? 0;
}

export function interfaceState(name: string): InterfaceState | undefined {
  const c = libc();
  const index = interfaceIndex(name);
  if (c === undefined || index === 0) return undefined;
  const descriptor = c.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return undefined;
  const request = Buffer.alloc(REQUEST_BYTES);
  request.write(name, 'latin1');
  const union = new Uint16Array(request.buffer, request.byteOffset + NAME_BYTES, 1);
  const flagsRead = c.ioctl(descriptor, SIOCGIFFLAGS, request);
  const up = (union[0] & IFF_UP) !== 0;
  const hardwareRead = c.ioctl(descriptor, SIOCGIFHWADDR, request);
  const hardware = union[0];
  c.close(descriptor);
  // It may vanish between the questions.
  return flagsRead === 0 && hardwareRead === 0 ? { index, hardware, up } : undefined;
}

/** Whether frames of this hardware are IP packets without a header before them. */
export function isRawHardware(hardware: number): boolean {
  return ARPHRD_RAW.includes(hardware);
}

function isInterfaceName(name: string): boolean {
  return name.length > 0 && name.length < NAME_BYTES && !name.includes('\0');
}

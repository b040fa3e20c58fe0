/**
 * The few calls of the C library that a capture needs, through koffi, whose native part comes built in its
 * npm package. Loaded on first use: reading files must work where there is neither glibc nor koffi.
 */
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';
import type * as Koffi from 'koffi';

export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(descriptor: number, address: Uint8Array, bytes: number): number;
  setsockopt(descriptor: number, level: number, name: number, value: Uint8Array, bytes: number): number;
  getsockopt(descriptor: number, level: number, name: number, value: Uint8Array, bytes: Uint8Array): number;
  mmap(
    address: bigint,
    bytes: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset: number,
  ): bigint;
  munmap(address: bigint, bytes: number): number;
  poll(descriptors: Uint8Array, count: number, timeoutMs: number): number;
  close(descriptor: number): number;
  ioctl(descriptor: number, request: number, argument: Uint8Array): number;
  if_nametoindex(name: string): number;
  /** errno of the last call of this thread; read it before anything else is called. */
  errno(): number;
  /** Where an array's bytes lie in the process. */
  address(bytes: Uint8Array): bigint;
  /** Memory of the process as a buffer; it must stay mapped while the buffer is used. */
  view(address: bigint, bytes: number): ArrayBuffer;
}

export const EPERM = 1;
export const EINTR = 4;
export const EACCES = 13;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENETDOWN = 100;

/** koffi itself; a package of CommonJS, loaded when first asked for. */
export function loadKoffi(): typeof Koffi {
  return createRequire(import.meta.url)('koffi') as typeof Koffi;
}

let bound: Libc | undefined;

/** The bindings, or undefined where there is no glibc (then there is no AF_PACKET as we know it either). */
export function libc(): Libc | undefined {
  if (bound !== undefined || process.platform !== 'linux') return bound;
  try {
    bound = bindLibc(loadKoffi());
  } catch {
    return undefined;
  }
  return bound;
}

function bindLibc(koffi: typeof Koffi): Libc {
  const library = koffi.load('libc.so.6');
  // An unsigned result: MAP_FAILED is then 2^64 - 1, and no address ever becomes `null`.
  const mmap = library.func('uint64_t mmap(uint64_t, size_t, int, int, int, int64_t)');
  return {
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, void *, uint32_t)'),
    setsockopt: library.func('int setsockopt(int, int, int, void *, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
    mmap: (address, bytes, protection, flags, descriptor, offset) =>
      BigInt(mmap(address, bytes, protection, flags, descriptor, offset) as number | bigint),
    munmap: library.func('int munmap(uint64_t, size_t)'),
    poll: library.func('int poll(void *, unsigned long, int)'),
    close: library.func('int close(int)'),
    ioctl: library.func('int ioctl(int, unsigned long, void *)'),
    if_nametoindex: library.func('unsigned int if_nametoindex(str)'),
    errno: () => koffi.errno(),
    address: (bytes) => koffi.address(bytes),
    view: (address, bytes) => koffi.view(address, bytes),
  };
}

const SYSTEM_ERRORS = getSystemErrorMap();

/** The system's words for an errno: `EPERM (operation not permitted)`. */
export function errnoText(errno: number): string {
  const entry = SYSTEM_ERRORS.get(-errno);
  return entry === undefined ? `error ${errno}` : `${entry[0]} (${entry[1]})`;
}

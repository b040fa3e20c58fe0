/**
 * Compiles filter expressions (`tcp port 80`) to classic BPF, with libpcap where it is installed: its
 * language is what everybody knows, https://www.tcpdump.org/manpages/pcap-filter.7.html. Nothing else of
 * libpcap is used: a packet read through it costs many times what the ring does.
 *
 * Two things to know. The kernel takes VLAN tags off before a program looks, so that `vlan` would match
 * nothing: it is refused. And on `any` a program sees each frame with the header of its own interface: it is
 * compiled for Ethernet, which is right for Ethernet, veth, bridges and loopback, and not for tunnels.
 */
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { LINK_ETHERNET, LINK_RAW } from '../decode/packet.ts';
import type { CaptureError } from './capture-error.ts';
import { libc, loadKoffi } from './libc.ts';
import type { FilterProgram } from './packet-filter.ts';
import { FILTER_INSTRUCTIONS_MAX } from './packet-filter.ts';

/** What a program answers for a frame that it takes: more bytes than any frame has. */
const SNAP_BYTES = 262_144;
const OPTIMISE = 1;
const NETMASK_UNKNOWN = 0xffff_ffff;
/** libpcap's own number for raw IP; the one of files differs. */
const DLT_RAW = 12;
/** Debian's name for it, and that of others. */
const LIBRARIES = ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so'];

interface Pcap {
  /** An opaque handle, undefined (as `null`) on failure. */
  openDead(link: number, snapBytes: number): unknown;
  compile(handle: unknown, program: Uint8Array, text: string, optimise: number, netmask: number): number;
  errorText(handle: unknown): string;
  freeCode(program: Uint8Array): void;
  close(handle: unknown): void;
}

let loaded: Pcap | undefined;

/** `link` is LINK_ETHERNET or LINK_RAW. */
export function compileFilter(expression: string, link: number): Result<FilterProgram, CaptureError> {
  if (expression.includes('\0')) {
    return fail({ kind: 'filter', message: 'The filter holds a NUL byte.' });
  }
  if (/\bvlan\b/.test(expression)) {
    const advice = 'filter by address or port, or capture on the VLAN interface itself';
    const message = `The filter \`${expression}\` uses vlan, whose tags are not in live frames: ${advice}.`;
    return fail({ kind: 'filter', message });
  }
  const pcap = loadPcap(LIBRARIES);
  if (pcap === undefined) {
    const message =
      'Filters need libpcap, which is not installed: `apt install libpcap0.8`, or leave out --bpf.';
    return fail({ kind: 'no-libpcap', message });
  }
  const handle = pcap.openDead(link === LINK_RAW ? DLT_RAW : LINK_ETHERNET, SNAP_BYTES);
  const program = Buffer.alloc(16); // struct bpf_program: a 32-bit count, then, aligned, the pointer.
  if (pcap.compile(handle, program, expression, OPTIMISE, NETMASK_UNKNOWN) !== 0) {
    const reason = pcap.errorText(handle);
    pcap.close(handle);
    return fail({ kind: 'filter', message: `The filter \`${expression}\` is wrong: ${reason}.` });
  }
  const compiled = copyProgram(program);
  pcap.freeCode(program);
  pcap.close(handle);
  if (compiled.count > FILTER_INSTRUCTIONS_MAX) {
    return fail({ kind: 'filter', message: `The filter \`${expression}\` is too long for the kernel.` });
  }
  return ok(compiled);
}

function copyProgram(program: Buffer): FilterProgram {
  const count = new Uint32Array(program.buffer, program.byteOffset, 1)[0];
  const address = new BigUint64Array(program.buffer, program.byteOffset + 8, 1)[0];
  const c = libc();
  if (c === undefined || count === 0) return { instructions: new Uint8Array(0), count: 0 };
  return { instructions: new Uint8Array(c.view(address, count * 8)).slice(), count };
}

/** The first of `names` that can be loaded, once. */
function loadPcap(names: readonly string[]): Pcap | undefined {
  if (loaded !== undefined || libc() === undefined) return loaded;
  for (const name of names) {
    try {
      const library = loadKoffi().load(name);
      loaded = {
        openDead: library.func('void *pcap_open_dead(int, int)'),
        compile: library.func('int pcap_compile(void *, void *, str, int, uint32_t)'),
        errorText: library.func('str pcap_geterr(void *)'),
        freeCode: library.func('void pcap_freecode(void *)'),
        close: library.func('void pcap_close(void *)'),
      };
      return loaded;
    } catch {
      // Not under this name.
    }
  }
  return undefined;
}

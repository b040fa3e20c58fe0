/**
 * Classic BPF programs for a packet socket, https://docs.kernel.org/networking/filter.html: as libpcap
 * compiles them (bpf.ts), and the few lines that we put before them ourselves. Jumps are relative, so a
 * prologue may stand before any program.
 */
import { errnoText } from './libc.ts';
import type { Libc } from './libc.ts';

export interface FilterProgram {
  /** `count` instructions of 8 bytes (struct sock_filter), in the byte order of this machine. */
  readonly instructions: Uint8Array;
  readonly count: number;
}

/** BPF_MAXINSNS of the kernel. */
export const FILTER_INSTRUCTIONS_MAX = 4096;

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_IMMEDIATE = 0x00; // BPF_LD | BPF_IMM
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const EVERYTHING = 0x7fff_ffff;
/** Loads beyond SKF_AD_OFF read what the kernel knows of the packet instead of its bytes. */
const PACKET_TYPE = 0xffff_f000 + 4;
const HARDWARE_TYPE = 0xffff_f000 + 28;
const ARPHRD_LOOPBACK = 772;
const PACKET_OUTGOING = 4;

/** [code, jump if true, jump if false, constant] */
type Instruction = readonly [number, number, number, number];

function assemble(instructions: readonly Instruction[]): FilterProgram {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, whenTrue, whenFalse, constant]] of instructions.entries()) {
    const at = index * 8;
    new Uint16Array(bytes.buffer, bytes.byteOffset + at, 1)[0] = code;
    bytes[at + 2] = whenTrue;
    bytes[at + 3] = whenFalse;
    new Uint32Array(bytes.buffer, bytes.byteOffset + at + 4, 1)[0] = constant;
  }
  return { instructions: bytes, count: instructions.length };
}

/** Takes nothing: stands while a socket is bound but not yet set up. */
export const NOTHING_PROGRAM = assemble([[RETURN, 0, 0, 0]]);
const EVERYTHING_PROGRAM = assemble([[RETURN, 0, 0, EVERYTHING]]);

/**
 * A loopback packet is seen twice, going out and coming in. On one interface the kernel can leave out the
 * first (PACKET_IGNORE_OUTGOING), on `any` only this can: elsewhere both directions are wanted.
 */
const LOOPBACK_ONCE = assemble([
  [LOAD_WORD, 0, 0, HARDWARE_TYPE],
  [JUMP_EQUAL, 0, 3, ARPHRD_LOOPBACK],
  [LOAD_WORD, 0, 0, PACKET_TYPE],
  [JUMP_EQUAL, 0, 1, PACKET_OUTGOING],
  [RETURN, 0, 0, 0],
  [LOAD_IMMEDIATE, 0, 0, 0], // A program expects its accumulator to be 0.
]);

/** The program, or everything, without the outgoing half of loopback. */
export function withLoopbackOnce(program: FilterProgram | undefined): FilterProgram {
  const after = program ?? EVERYTHING_PROGRAM;
  const instructions = Buffer.concat([LOOPBACK_ONCE.instructions, after.instructions]);
  return { instructions, count: LOOPBACK_ONCE.count + after.count };
}

/** Puts a program on a socket, undefined: takes the present one away. Answers an error's text, if any. */
export function attachFilter(
  c: Libc,
  descriptor: number,
  program: FilterProgram | undefined,
): string | undefined {
  if (program === undefined) {
    c.setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, Buffer.alloc(4), 4);
    return undefined; // It fails only when there is none, which is what we want.
  }
  if (program.count > FILTER_INSTRUCTIONS_MAX) return `more than ${FILTER_INSTRUCTIONS_MAX} instructions`;
  // struct sock_fprog: a 16-bit count, then, aligned, the pointer.
  const description = Buffer.alloc(16);
  new Uint16Array(description.buffer, description.byteOffset, 1)[0] = program.count;
  new BigUint64Array(description.buffer, description.byteOffset + 8, 1)[0] = c.address(program.instructions);
  const done = c.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, description, description.length);
  return done === 0 ? undefined : errnoText(c.errno());
}

/**
 * One packet socket and its TPACKET_V3 ring, https://docs.kernel.org/networking/packet_mmap.html. The kernel
 * fills blocks and hands each over when it is full or RETIRE_MS old; we read it and give it back.
 *
 * The idea: the ring lies in the worker's own memory. Mapped with MAP_FIXED over pages of the WebAssembly
 * memory ('wasm'), a packet is parsed where the kernel put it. Where that is refused, the ring lies elsewhere
 * and a block is copied into the memory, once, when it is retired ('copy').
 */
import { assert } from '../../base/assert.ts';
import { fail, ok } from '../../base/result.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Result } from '../../base/result.ts';
import { ringFailure } from './capture-error.ts';
import type { CaptureError } from './capture-error.ts';
import type { FrameSink } from './frame-sink.ts';
import { libc } from './libc.ts';
import type { Libc } from './libc.ts';
import { NOTHING_PROGRAM, attachFilter } from './packet-filter.ts';
import type { FilterProgram } from './packet-filter.ts';
import { BLOCK_BYTES_USED, BLOCK_IS_OURS, BLOCK_STATUS, TALLY_VLAN, readBlock } from './ring-block.ts';

export type Mapping = 'wasm' | 'copy';

export interface RingOptions {
  readonly memory: WireMemory;
  /** The ring's part of the input region: whole blocks, page-aligned. */
  readonly start: number;
  readonly bytes: number;
  /** A power of two of pages, BLOCK_BYTES_MIN or more. */
  readonly blockBytes?: number | undefined;
  /** 0: all interfaces. */
  readonly interfaceIndex: number;
  /** Rings with the same number (16 bits) and interface share its connections. */
  readonly fanoutGroup?: number | undefined;
  readonly filter?: FilterProgram | undefined;
  /** 'auto' maps into the WebAssembly memory and copies where that is refused. */
  readonly mapping: Mapping | 'auto';
  /** Leaves out what this host sends: on `lo` it comes in again. */
  readonly ignoreOutgoing?: boolean | undefined;
  /** Takes also frames for other hosts, which a mirror port brings. */
  readonly promiscuous?: boolean | undefined;
  /** An unbound packet socket to use instead of a new one, which would need CAP_NET_RAW. */
  readonly descriptor?: number | undefined;
}

export interface RingStatistics {
  /** Packets that passed the filter, and of these, how many the full ring did not take. */
  readonly packets: number;
  readonly drops: number;
  /** How many times the ring was full. */
  readonly freezes: number;
}

/**
 * A packet must fit into a block, or it is cut: GSO makes them 64 KiB. (BIG TCP, which must be switched on
 * for an interface, makes up to 512 KiB: give larger blocks there.)
 */
export const BLOCK_BYTES_MIN = 256 * 1024;
/**
 * Small, because a block is handed over at RETIRE_MS however empty: at low rates a ring covers a pause of
 * its reader of blocks x RETIRE_MS. Seen: 4 MiB in blocks of 1 MiB lost packets after a pause of 80 ms.
 */
export const BLOCK_BYTES = BLOCK_BYTES_MIN;
/** How old a block gets before it is handed over: the delay of a packet on an idle interface. */
const RETIRE_MS = 20;
/** Blocks read by one `poll`, so that a flood cannot keep its caller from other work. */
const BLOCKS_PER_POLL = 16;
/** TPACKET_V3 packs frames; the size only has to be plausible to the kernel. */
const FRAME_BYTES = 2048;

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_FANOUT = 18;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const TPACKET_V3 = 2;
/** PACKET_FANOUT_HASH is symmetric: both directions meet. The flag puts IPv4 fragments together first. */
const FANOUT_HASH_DEFRAGMENTED = 0x8000;
const ETH_P_ALL_NETWORK_ORDER = 0x0300;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export const POLLIN = 1;
export const POLLERR = 8;

/** A packet socket that receives nothing yet; the one step that needs CAP_NET_RAW. */
export function openPacketSocket(): Result<number, CaptureError> {
  const c = libc();
  if (c === undefined) {
    return fail({
      kind: 'unsupported',
      message: 'Live capture needs Linux with glibc; files can be read here.',
    });
  }
  const descriptor = c.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(ringFailure('open a packet socket', c.errno()));
  return ok(descriptor);
}

export function openRing(options: RingOptions): Result<Ring, CaptureError> {
  const { memory, start, bytes } = options;
  const blockBytes = options.blockBytes ?? BLOCK_BYTES;
  assert(blockBytes >= BLOCK_BYTES_MIN && (blockBytes & (blockBytes - 1)) === 0, 'block of a power of two');
  assert(bytes % blockBytes === 0 && bytes > 0, 'ring of whole blocks');
  assert(start >= memory.inputStart && start + bytes <= memory.inputEnd, 'ring within the input region');
  assert(start % 65_536 === 0, 'ring begins at a page');
  const opened: Result<number, CaptureError> =
    options.descriptor === undefined ? openPacketSocket() : ok(options.descriptor);
  if (!opened.ok) return opened;
  const c = libc();
  assert(c !== undefined, 'a socket was opened');
  const descriptor = opened.value;
  const setUp = setUpRing(c, descriptor, blockBytes, options);
  if (setUp !== undefined) {
    c.close(descriptor);
    return fail(setUp);
  }
  const mapped = mapRing(c, descriptor, options);
  if (!mapped.ok) {
    c.close(descriptor);
    return mapped;
  }
  const ring = new Ring(c, descriptor, blockBytes, mapped.value, options);
  const started = ring.attach(options.interfaceIndex);
  if (started !== undefined) {
    ring.close();
    return fail(started);
  }
  return ok(ring);
}

/** Everything that comes before memory is mapped: version, a closed filter, the ring itself. */
function setUpRing(
  c: Libc,
  descriptor: number,
  blockBytes: number,
  options: RingOptions,
): CaptureError | undefined {
  if (!setWords(c, descriptor, PACKET_VERSION, [TPACKET_V3])) {
    return ringFailure('use TPACKET_V3', c.errno());
  }
  // Older kernels than 4.20 do not know it; the reader leaves these frames out as well.
  if (options.ignoreOutgoing === true) setWords(c, descriptor, PACKET_IGNORE_OUTGOING, [1]);
  const closed = attachFilter(c, descriptor, NOTHING_PROGRAM);
  if (closed !== undefined) return { kind: 'ring', message: `Cannot filter a packet socket: ${closed}.` };
  const blocks = options.bytes / blockBytes;
  const request = [blockBytes, blocks, FRAME_BYTES, (blockBytes / FRAME_BYTES) * blocks, RETIRE_MS, 0, 0];
  if (!setWords(c, descriptor, PACKET_RX_RING, request)) {
    return ringFailure(`allocate a ring of ${blocks} blocks of ${blockBytes} bytes`, c.errno());
  }
  return undefined;
}

interface MappedRing {
  readonly mapping: Mapping;
  readonly address: bigint;
}

function mapRing(c: Libc, descriptor: number, options: RingOptions): Result<MappedRing, CaptureError> {
  if (options.mapping !== 'copy') {
    const wanted = c.address(options.memory.u8) + BigInt(options.start);
    const flags = MAP_SHARED | MAP_FIXED;
    const address = c.mmap(wanted, options.bytes, PROT_READ_WRITE, flags, descriptor, 0);
    if (address === wanted) return ok({ mapping: 'wasm', address });
    if (options.mapping === 'wasm') {
      return fail(ringFailure("map the ring into the worker's memory", c.errno()));
    }
    // A refused MAP_FIXED may have taken the old pages away.
    restorePages(c, wanted, options.bytes);
  }
  const address = c.mmap(0n, options.bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
  if (address === MAP_FAILED) return fail(ringFailure('map the ring', c.errno()));
  return ok({ mapping: 'copy', address });
}

/** Puts ordinary pages where the ring was: the WebAssembly memory must never have a hole. */
function restorePages(c: Libc, address: bigint, bytes: number): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  const restored = c.mmap(address, bytes, PROT_READ_WRITE, flags, -1, 0);
  assert(restored === address, 'ordinary pages are given back to the memory');
}

function setWords(c: Libc, descriptor: number, name: number, words: readonly number[]): boolean {
  const value = new Uint8Array(Int32Array.from(words).buffer);
  return c.setsockopt(descriptor, SOL_PACKET, name, value, value.length) === 0;
}

export class Ring {
  readonly descriptor: number;
  readonly mapping: Mapping;
  /** 0: all interfaces. */
  interfaceIndex = -1;
  /** Frames whose VLAN tag the kernel took off, and loopback frames left out, ever: TALLY_*. */
  readonly tally = new Float64Array(2);

  readonly #c: Libc;
  readonly #options: RingOptions;
  readonly #blockBytes: number;
  readonly #blocks: number;
  readonly #address: bigint;
  /** The words of the ring where it is mapped, and where its first one is in them. */
  #words: Int32Array;
  readonly #wordsStart: number;
  #bytes: Uint8Array;
  #next = 0;
  #open = true;
  readonly #pollDescriptor = new Uint8Array(8);
  readonly #value = new Int32Array(4);

  constructor(c: Libc, descriptor: number, blockBytes: number, mapped: MappedRing, options: RingOptions) {
    this.#c = c;
    this.descriptor = descriptor;
    this.mapping = mapped.mapping;
    this.#options = options;
    this.#blockBytes = blockBytes;
    this.#blocks = options.bytes / blockBytes;
    this.#address = mapped.address;
    if (mapped.mapping === 'wasm') {
      this.#words = options.memory.i32;
      this.#wordsStart = options.start >> 2;
      this.#bytes = options.memory.u8;
    } else {
      const view = c.view(mapped.address, options.bytes);
      this.#words = new Int32Array(view);
      this.#wordsStart = 0;
      this.#bytes = new Uint8Array(view);
    }
    const words = new Int32Array(this.#pollDescriptor.buffer);
    words[0] = descriptor;
    words[1] = POLLIN;
  }

  /**
   * Binds to an interface and begins to receive. Called again, for an interface that came back: that works
   * without rights, but not within a fanout group.
   */
  attach(interfaceIndex: number): CaptureError | undefined {
    const c = this.#c;
    // Until the group is joined, this socket would get what belongs to the others.
    attachFilter(c, this.descriptor, NOTHING_PROGRAM);
    const address = new Uint8Array(20);
    const halves = new Uint16Array(address.buffer);
    halves[0] = AF_PACKET;
    halves[1] = ETH_P_ALL_NETWORK_ORDER;
    new Int32Array(address.buffer)[1] = interfaceIndex;
    if (c.bind(this.descriptor, address, address.length) !== 0) {
      return ringFailure('bind to the interface', c.errno());
    }
    this.interfaceIndex = interfaceIndex;
    const { fanoutGroup, filter, promiscuous } = this.#options;
    if (promiscuous === true && interfaceIndex > 0) {
      // Not all devices can; they then bring what they bring.
      setWords(c, this.descriptor, PACKET_ADD_MEMBERSHIP, [interfaceIndex, PACKET_MR_PROMISC, 0, 0]);
    }
    if (fanoutGroup !== undefined) {
      const group = (FANOUT_HASH_DEFRAGMENTED << 16) | (fanoutGroup & 0xffff);
      if (!setWords(c, this.descriptor, PACKET_FANOUT, [group])) {
        return ringFailure('join the workers that share the interface', c.errno());
      }
    }
    const refused = attachFilter(c, this.descriptor, filter);
    if (refused === undefined) return undefined;
    return { kind: 'filter', message: `The kernel does not take the filter: ${refused}.` };
  }

  /** Reads blocks that are ready, at most BLOCKS_PER_POLL, without waiting. Answers the frames delivered. */
  read(sink: FrameSink): number {
    const { memory, start } = this.#options;
    let delivered = 0;
    for (let blocks = 0; blocks < BLOCKS_PER_POLL && this.#open; blocks++) {
      const offset = this.#next * this.#blockBytes;
      const header = this.#wordsStart + (offset >> 2);
      const words = this.#words;
      // Atomic, so that nothing of the block is read before its status.
      if ((Atomics.load(words, header + BLOCK_STATUS) & BLOCK_IS_OURS) === 0) break;
      this.#next = this.#next + 1 === this.#blocks ? 0 : this.#next + 1;
      if (this.mapping === 'wasm') {
        delivered += readBlock(memory.i32, start + offset, sink, this.tally);
        if (this.#open) Atomics.store(words, header + BLOCK_STATUS, 0);
      } else {
        const used = words[header + BLOCK_BYTES_USED];
        memory.u8.set(this.#bytes.subarray(offset, offset + used), start);
        Atomics.store(words, header + BLOCK_STATUS, 0);
        delivered += readBlock(memory.i32, start, sink, this.tally);
      }
    }
    return delivered;
  }

  /** As `read`; waits for a block when none is ready. It blocks the thread. */
  poll(sink: FrameSink, timeoutMs: number): number {
    const delivered = this.read(sink);
    if (delivered > 0) return delivered;
    this.#c.poll(this.#pollDescriptor, 1, timeoutMs);
    return this.read(sink);
  }

  /** Since the last time. */
  statistics(): RingStatistics {
    const value = new Int32Array(3);
    const bytes = new Int32Array([12]);
    const read = this.#c.getsockopt(
      this.descriptor,
      SOL_PACKET,
      PACKET_STATISTICS,
      new Uint8Array(value.buffer),
      new Uint8Array(bytes.buffer),
    );
    if (read !== 0) return { packets: 0, drops: 0, freezes: 0 };
    return { packets: value[0] >>> 0, drops: value[1] >>> 0, freezes: value[2] >>> 0 };
  }

  /** The socket's pending error (ENETDOWN when its interface went), which is thereby taken. */
  takeError(): number {
    this.#value[0] = 0;
    this.#value[1] = 4;
    const bytes = new Uint8Array(this.#value.buffer);
    this.#c.getsockopt(this.descriptor, SOL_SOCKET, SO_ERROR, bytes.subarray(0, 4), bytes.subarray(4, 8));
    return this.#value[0];
  }

  get vlanFrames(): number {
    return this.tally[TALLY_VLAN];
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { bytes } = this.#options;
    this.#words = new Int32Array(0);
    this.#bytes = new Uint8Array(0);
    if (this.mapping === 'wasm') restorePages(this.#c, this.#address, bytes);
    else this.#c.munmap(this.#address, bytes);
    this.#c.close(this.descriptor);
  }
}

/**
 * Live capture for one worker: a ring for each interface, all in the worker's input region, read in turn.
 * `poll` waits for any of them; it blocks the thread, so its caller looks at its messages between two polls.
 *
 * Interfaces come and go (containers, tunnels). One that vanished is looked for each second and captured
 * again under the same name. What the kernel dropped is read each second into the ledger.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { fail, ok } from '../../base/result.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Result } from '../../base/result.ts';
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import { LINK_ETHERNET, LINK_RAW } from '../decode/packet.ts';
import { compileFilter } from './bpf.ts';
import type { CaptureError } from './capture-error.ts';
import type { FrameSink } from './frame-sink.ts';
import { ARPHRD_ETHER, ARPHRD_LOOPBACK } from './interfaces.ts';
import { interfaceState, isRawHardware, listInterfaces } from './interfaces.ts';
import type { InterfaceState } from './interfaces.ts';
import { libc } from './libc.ts';
import { withLoopbackOnce } from './packet-filter.ts';
import type { FilterProgram } from './packet-filter.ts';
import { BLOCK_BYTES, POLLERR, POLLIN, openPacketSocket, openRing } from './ring.ts';
import type { Mapping, Ring } from './ring.ts';

export const ANY = 'any';

/**
 * Input memory to give for each interface: 64 blocks cover 1.3 s of a paused reader at low rates (see
 * BLOCK_BYTES), and 16 MiB at high ones. Less works; the kernel then drops sooner, and counts it.
 */
export const INTERFACE_BYTES = 16 * 1024 * 1024;

export interface LiveOptions {
  readonly memory: WireMemory;
  /** Names, or `any` for all that there are and will be. */
  readonly interfaces: readonly string[];
  /** In libpcap's language. */
  readonly filter?: string | undefined;
  /** How many workers share the interfaces; each opens its own source with the same options. */
  readonly workers: number;
  /** Which of them this is, from 0: the first counts what concerns the interface and not a ring. */
  readonly worker?: number | undefined;
  /** Set to share with another process's workers; otherwise made from this process's identity. */
  readonly fanoutGroup?: number | undefined;
  readonly mapping?: Mapping | 'auto' | undefined;
  /** Takes also frames for other hosts on named interfaces, as a mirror port brings them. On by default. */
  readonly promiscuous?: boolean | undefined;
  readonly ledger: Ledger;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: (() => number) | undefined;
}

/** Cumulative since the source was opened. */
export interface LiveStatistics {
  /** Frames delivered. */
  readonly frames: number;
  /** Packets that passed the filter, of which `drops` found no room in a ring, `freezes` times full. */
  readonly packets: number;
  readonly drops: number;
  readonly freezes: number;
  /** Frames that had a VLAN tag, which is not in their bytes. */
  readonly vlanFrames: number;
}

export interface LiveInterface {
  readonly name: string;
  /** 'down': there, but switched off. 'gone': no such interface now, or it could not be captured again. */
  readonly state: 'up' | 'down' | 'gone';
  /** The kernel's number of it, as frames carry it; 0 for `any`. */
  readonly index: number;
  readonly mapping: Mapping;
}

const KERNEL_DROP = reasonNumber('kernel-drop');
const INTERFACE_GONE = reasonNumber('interface-gone');
const TICK_MS = 1000;
/** A ring needs one block to fill while the other is read. */
const BLOCKS_MIN = 2;

interface Slot {
  readonly name: string;
  readonly start: number;
  readonly filter: FilterProgram | undefined;
  ring: Ring | undefined;
  index: number;
  state: 'up' | 'down' | 'gone';
  mapping: Mapping;
  /** In a fanout group: an unused socket, for when the interface comes back and rights are given up. */
  spare: number;
}

export function openLive(options: LiveOptions): Result<LiveSource, CaptureError> {
  const { memory } = options;
  const names = options.interfaces.includes(ANY) ? [ANY] : [...new Set(options.interfaces)];
  const roomBlocks = (memory.inputEnd - memory.inputStart) / BLOCK_BYTES;
  const blocks = Math.floor(roomBlocks / Math.max(1, names.length));
  if (names.length === 0)
    return fail({ kind: 'no-interface', message: 'No interface to capture on is named.' });
  if (blocks < BLOCKS_MIN) {
    const most = Math.floor(roomBlocks / BLOCKS_MIN);
    const room = `${names.length} interfaces do not fit into the input memory`;
    return fail({ kind: 'ring', message: `${room}: name at most ${most}, or any.` });
  }
  const source = new LiveSource(options, blocks * BLOCK_BYTES);
  for (const [position, name] of names.entries()) {
    const refused = source.open(name, memory.inputStart + position * blocks * BLOCK_BYTES);
    if (refused !== undefined) {
      source.close();
      return fail(refused);
    }
  }
  return ok(source);
}

export class LiveSource {
  readonly #options: LiveOptions;
  readonly #ringBytes: number;
  readonly #fanoutBase: number;
  readonly #now: () => number;
  readonly #slots: Slot[] = [];
  #pollDescriptors = new Int32Array(0);
  #pollBytes = new Uint8Array(0);
  #nextTick: number;
  #frames = 0;
  #packets = 0;
  #drops = 0;
  #freezes = 0;
  #vlanFramesBefore = 0;

  constructor(options: LiveOptions, ringBytes: number) {
    this.#options = options;
    this.#ringBytes = ringBytes;
    this.#fanoutBase = options.fanoutGroup ?? processNumber();
    this.#now = options.now ?? (() => performance.now());
    this.#nextTick = this.#now() + TICK_MS;
  }

  /** Adds an interface, whose ring begins at `start`; for openLive. */
  open(name: string, start: number): CaptureError | undefined {
    const state = name === ANY ? undefined : interfaceState(name);
    if (name !== ANY && state === undefined) {
      // Without the right there is no ring on any interface: that is then the first thing to say.
      const right = openPacketSocket();
      if (!right.ok) return right.error;
      libc()?.close(right.value);
      const there = [...listInterfaces(), ANY].join(', ');
      return {
        kind: 'no-interface',
        message: `There is no interface ${JSON.stringify(name)}; there are: ${there}.`,
      };
    }
    const filter = filterFor(name, state, this.#options.filter);
    if (!filter.ok) return filter.error;
    const slot: Slot = {
      name,
      start,
      filter: filter.value,
      ring: undefined,
      index: state?.index ?? 0,
      state: state === undefined || state.up ? 'up' : 'down',
      mapping: 'copy',
      spare: -1,
    };
    const refused = this.#openRing(slot, state);
    if (refused !== undefined) return refused;
    this.#slots.push(slot);
    this.#listDescriptors();
    return undefined;
  }

  /**
   * Delivers what is ready, at most a few MiB; waits up to `timeoutMs` when nothing is. Answers the frames
   * delivered.
   */
  poll(sink: FrameSink, timeoutMs: number): number {
    if (this.#now() >= this.#nextTick) this.#tick();
    let frames = this.#read(sink);
    if (frames === 0) {
      this.#wait(timeoutMs);
      frames = this.#read(sink);
    }
    this.#frames += frames;
    return frames;
  }

  statistics(): LiveStatistics {
    this.#readCounters();
    let vlanFrames = this.#vlanFramesBefore;
    for (const slot of this.#slots) vlanFrames += slot.ring?.vlanFrames ?? 0;
    return {
      frames: this.#frames,
      packets: this.#packets,
      drops: this.#drops,
      freezes: this.#freezes,
      vlanFrames,
    };
  }

  interfaces(): LiveInterface[] {
    return this.#slots.map(({ name, state, index, mapping }) => ({ name, state, index, mapping }));
  }

  close(): void {
    this.#readCounters();
    for (const slot of this.#slots) {
      slot.ring?.close();
      slot.ring = undefined;
      if (slot.spare >= 0) libc()?.close(slot.spare);
      slot.spare = -1;
    }
    this.#slots.length = 0;
    this.#listDescriptors();
  }

  #read(sink: FrameSink): number {
    let frames = 0;
    for (let position = 0; position < this.#slots.length; position++) {
      const ring = this.#slots[position].ring;
      if (ring !== undefined) frames += ring.read(sink);
    }
    return frames;
  }

  #wait(timeoutMs: number): void {
    const descriptors = this.#pollDescriptors;
    const ready = libc()?.poll(this.#pollBytes, this.#slots.length, timeoutMs) ?? 0;
    if (ready <= 0) return; // Nothing came, or a signal.
    for (let position = 0; position < this.#slots.length; position++) {
      if (((descriptors[position * 2 + 1] >>> 16) & POLLERR) === 0) continue;
      // The error stays, and poll returns at once, until it is taken.
      this.#slots[position].ring?.takeError();
      this.#check(this.#slots[position]);
    }
  }

  /** One pair of words for each slot: descriptor; events asked and seen (16 bits each). */
  #listDescriptors(): void {
    this.#pollDescriptors = new Int32Array(this.#slots.length * 2);
    this.#pollBytes = new Uint8Array(this.#pollDescriptors.buffer);
    for (const [position, slot] of this.#slots.entries()) {
      this.#pollDescriptors[position * 2] = slot.ring?.descriptor ?? -1; // Negative: left out by poll.
      this.#pollDescriptors[position * 2 + 1] = POLLIN;
    }
  }

  #tick(): void {
    this.#nextTick = this.#now() + TICK_MS;
    this.#readCounters();
    for (const slot of this.#slots) this.#check(slot);
  }

  #readCounters(): void {
    for (const slot of this.#slots) {
      if (slot.ring === undefined) continue;
      const { packets, drops, freezes } = slot.ring.statistics();
      this.#packets += packets;
      this.#drops += drops;
      this.#freezes += freezes;
      if (drops > 0) this.#options.ledger.add(KERNEL_DROP, drops, 0);
    }
  }

  /** Compares a slot with the interface that now has its name. */
  #check(slot: Slot): void {
    if (slot.name === ANY) return;
    const now = interfaceState(slot.name);
    const same = now !== undefined && slot.ring !== undefined && now.index === slot.index;
    const lost = !same || !now.up;
    const counts = (this.#options.worker ?? 0) === 0;
    if (counts && lost && slot.state === 'up') this.#options.ledger.add(INTERFACE_GONE, 1, 0);
    if (same) {
      // Switched off and on again, the kernel goes on by itself.
      slot.state = now.up ? 'up' : 'down';
      return;
    }
    slot.state = 'gone'; // Its ring stays: what it holds is still read.
    if (now === undefined || this.#reopen(slot, now) !== undefined) return;
    slot.index = now.index;
    slot.state = now.up ? 'up' : 'down';
  }

  /** The same name, another interface. A socket can be bound again, but not one of a fanout group. */
  #reopen(slot: Slot, state: InterfaceState): CaptureError | undefined {
    if (slot.ring !== undefined && this.#options.workers <= 1) return slot.ring.attach(state.index);
    if (slot.ring !== undefined) {
      this.#readCounters();
      this.#vlanFramesBefore += slot.ring.vlanFrames;
      slot.ring.close();
      slot.ring = undefined;
    }
    const refused = this.#openRing(slot, state);
    this.#listDescriptors();
    return refused;
  }

  #openRing(slot: Slot, state: InterfaceState | undefined): CaptureError | undefined {
    const { memory, workers, mapping, promiscuous } = this.#options;
    const loopback = state?.hardware === ARPHRD_LOOPBACK;
    const index = state?.index ?? 0;
    const opened = openRing({
      memory,
      start: slot.start,
      bytes: this.#ringBytes,
      interfaceIndex: index,
      fanoutGroup: workers > 1 ? fanoutGroup(this.#fanoutBase, index) : undefined,
      filter: slot.filter,
      mapping: mapping ?? 'auto',
      ignoreOutgoing: loopback,
      promiscuous: promiscuous !== false && !loopback,
      descriptor: slot.spare >= 0 ? slot.spare : undefined,
    });
    slot.spare = -1;
    if (workers > 1) {
      const spare = openPacketSocket();
      if (spare.ok) slot.spare = spare.value;
    }
    if (!opened.ok) return opened.error;
    slot.ring = opened.value;
    slot.mapping = opened.value.mapping;
    return undefined;
  }
}

function filterFor(
  name: string,
  state: InterfaceState | undefined,
  expression: string | undefined,
): Result<FilterProgram | undefined, CaptureError> {
  let program: FilterProgram | undefined;
  if (expression !== undefined && expression.trim() !== '') {
    const raw = state !== undefined && isRawHardware(state.hardware);
    const known =
      raw || state === undefined || state.hardware === ARPHRD_ETHER || state.hardware === ARPHRD_LOOPBACK;
    if (!known) {
      return fail({
        kind: 'filter',
        message: `Frames of ${name} cannot be filtered: leave out --bpf for it.`,
      });
    }
    const compiled = compileFilter(expression, raw ? LINK_RAW : LINK_ETHERNET);
    if (!compiled.ok) return compiled;
    program = compiled.value;
  }
  return ok(name === ANY ? withLoopbackOnce(program) : program);
}

/** One group (16 bits) for each interface; spread, so that neighbouring numbers do not meet. */
export function fanoutGroup(base: number, interfaceIndex: number): number {
  return (Math.imul(base ^ Math.imul(interfaceIndex, 0x9e37_79b1), 0x85eb_ca6b) >>> 16) & 0xffff;
}

/**
 * A number of this process that its threads agree on and another process hardly has: two of them in one
 * fanout group would take each other's packets, unnoticed. The process id alone is 1 in every container.
 */
function processNumber(): number {
  const status = readFileSync('/proc/self/stat', 'latin1');
  const identity = [
    process.pid,
    readlinkSync('/proc/self/ns/pid'),
    status.slice(status.lastIndexOf(')')).split(' ')[20], // starttime, in ticks since boot
  ].join(' ');
  let number = 0x811c_9dc5;
  for (let index = 0; index < identity.length; index++) {
    number = Math.imul(number ^ identity.charCodeAt(index), 0x0100_0193);
  }
  return number >>> 0;
}

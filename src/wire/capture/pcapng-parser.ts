/**
 * The blocks of a pcapng file: sections in either byte order, interfaces, packets (enhanced, simple and the
 * obsolete kind), names, statistics. https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
 *
 * A block that does not describe itself consistently ends the file; one that only holds something unknown is
 * passed over.
 */
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import { PCAPNG_SECTION } from './capture-format.ts';
import type { FrameSink } from './frame-sink.ts';
import { PcapngClock } from './pcapng-clock.ts';
import { readNames } from './pcapng-names.ts';
import { FRAME_BYTES_MAX, read16, read32 } from './record-parser.ts';
import type { RecordParser } from './record-parser.ts';

/** What a capture file tells besides frames. */
export interface CaptureNames {
  /** A name block said that the address (as text) has this name. */
  onName?: ((address: string, name: string) => void) | undefined;
  /** An interface of the file has this number in the frames, and this name. */
  onInterface?: ((networkInterface: number, name: string) => void) | undefined;
}

interface Interface {
  readonly link: number;
  readonly snapBytes: number;
  readonly number: number;
  readonly clock: PcapngClock;
  /** Drops that were put into the ledger already; the blocks carry running totals. */
  dropped: number;
}

const TRUNCATED = reasonNumber('truncated-frame');
const MALFORMED = reasonNumber('malformed-frame');
const KERNEL_DROP = reasonNumber('kernel-drop');

const BLOCK_INTERFACE = 1;
const BLOCK_PACKET = 2; // Obsolete.
const BLOCK_SIMPLE = 3;
const BLOCK_NAMES = 4;
const BLOCK_STATISTICS = 5;
const BLOCK_ENHANCED = 6;

const ORDER_MAGIC = 0x1a2b3c4d;
const SECTION_MAJOR = 1;
const BLOCK_HEADER_BYTES = 8;
/** Type, length, length again. */
const BLOCK_BYTES_MIN = 12;
const SECTION_BYTES_MIN = 28;
const ENHANCED_FIXED_BYTES = 20;
const SIMPLE_FIXED_BYTES = 4;

const OPTION_IF_NAME = 2;
const OPTION_IF_RESOLUTION = 9;
const OPTION_IF_OFFSET = 14;
const OPTION_FLAGS = 2;
const OPTION_DROPS = 4;
const OPTION_IF_DROP = 5;
const OPTION_OS_DROP = 7;
const FLAG_OUTBOUND = 2;

/** Interfaces of one section; writers have tens. A hostile file would make millions. */
const INTERFACES_MAX = 65_536;

export class PcapngParser implements RecordParser {
  readonly #u8: Uint8Array;
  readonly #sink: FrameSink;
  readonly #ledger: Ledger;
  readonly #capacity: number;
  readonly #names: CaptureNames;
  readonly #numbers = new Map<string, number>();
  #sections = 0;
  #interfaces: Interface[] = [];
  #big = false;

  skip = 0;
  failure: string | undefined;
  inFrame = false;
  frames = 0;
  frameBytes = 0;
  readonly links = new Set<number>();

  /** Blocks of more than `capacity` bytes are left out, and counted when they held a frame. */
  constructor(u8: Uint8Array, sink: FrameSink, ledger: Ledger, capacity: number, names: CaptureNames) {
    this.#u8 = u8;
    this.#sink = sink;
    this.#ledger = ledger;
    this.#capacity = capacity;
    this.#names = names;
  }

  get interfaces(): number {
    return this.#numbers.size;
  }

  take(from: number, end: number): number {
    const u8 = this.#u8;
    let at = from;
    while (end - at >= BLOCK_BYTES_MIN) {
      // A section's type reads the same in both orders, and its third word tells the order.
      if (u8[at] === 0x0a && read32(u8, at, true) === PCAPNG_SECTION && !this.#order(at)) return at;
      const type = read32(u8, at, this.#big);
      const stated = read32(u8, at + 4, this.#big);
      // Lengths are multiples of 4; a writer that forgot to round still padded.
      const bytes = (stated + 3) & ~3;
      const least = type === PCAPNG_SECTION ? SECTION_BYTES_MIN : BLOCK_BYTES_MIN;
      if (stated < least || stated > FRAME_BYTES_MAX) {
        this.failure = `a block states an impossible length of ${stated} bytes`;
        return at;
      }
      this.inFrame = type === BLOCK_ENHANCED || type === BLOCK_SIMPLE || type === BLOCK_PACKET;
      if (end - at < bytes) {
        if (bytes > this.#capacity) this.#leaveOut(bytes);
        return at;
      }
      if (read32(u8, at + bytes - 4, this.#big) !== stated) {
        this.failure = 'a block states two different lengths';
        return at;
      }
      this.#block(type, at + BLOCK_HEADER_BYTES, at + bytes - 4);
      if (this.failure !== undefined) return at;
      at += bytes;
      this.inFrame = false;
    }
    return at;
  }

  /** A new section: its byte order, and no interfaces yet. */
  #order(at: number): boolean {
    if (read32(this.#u8, at + 8, true) === ORDER_MAGIC) this.#big = true;
    else if (read32(this.#u8, at + 8, false) === ORDER_MAGIC) this.#big = false;
    else {
      this.failure = 'a section has no byte order';
      return false;
    }
    return true;
  }

  #leaveOut(bytes: number): void {
    this.skip = bytes;
    if (!this.inFrame) return;
    this.#ledger.add(TRUNCATED, 1, bytes);
    this.frames++;
  }

  #block(type: number, at: number, end: number): void {
    switch (type) {
      case BLOCK_ENHANCED:
        if (end - at < ENHANCED_FIXED_BYTES) this.#malformed(end - at);
        else this.#packet(at, end, read32(this.#u8, at, this.#big), OPTION_DROPS);
        return;
      case BLOCK_PACKET:
        // Interface and drops share the first word; the rest is as in the enhanced block.
        if (end - at < ENHANCED_FIXED_BYTES) this.#malformed(end - at);
        else this.#packet(at, end, read16(this.#u8, at, this.#big), 0);
        return;
      case BLOCK_SIMPLE:
        this.#simple(at, end);
        return;
      case BLOCK_INTERFACE:
        this.#interface(at, end);
        return;
      case BLOCK_NAMES:
        if (this.#names.onName !== undefined) readNames(this.#u8, at, end, this.#big, this.#names.onName);
        return;
      case BLOCK_STATISTICS:
        this.#statistics(at, end);
        return;
      case PCAPNG_SECTION:
        // Another major version may mean anything.
        if (read16(this.#u8, at + 4, this.#big) !== SECTION_MAJOR)
          this.failure = 'a section has an unknown version';
        this.#interfaces = [];
        this.#sections++;
        return;
      default:
        return;
    }
  }

  #packet(at: number, end: number, index: number, dropsOption: number): void {
    const u8 = this.#u8;
    const big = this.#big;
    const from = this.#interfaces[index];
    const captured = read32(u8, at + 12, big);
    const frameAt = at + ENHANCED_FIXED_BYTES;
    if (from === undefined || captured > end - frameAt) {
      this.#malformed(end - frameAt);
      return;
    }
    const wireBytes = read32(u8, at + 16, big);
    const clock = from.clock;
    clock.set(read32(u8, at + 4, big), read32(u8, at + 8, big));
    let outgoing = 0;
    const options = frameAt + ((captured + 3) & ~3);
    if (options < end) {
      const flagsAt = findOption(u8, options, end, OPTION_FLAGS, 4, big);
      if (flagsAt > 0 && (read32(u8, flagsAt, big) & 3) === FLAG_OUTBOUND) outgoing = 1;
      const dropsAt = dropsOption === 0 ? 0 : findOption(u8, options, end, dropsOption, 8, big);
      if (dropsAt > 0) this.#dropped(from, from.dropped + read64(u8, dropsAt, big));
    }
    this.#deliver(from, frameAt, captured, wireBytes, clock.seconds, clock.nanos, outgoing);
  }

  /** No time, no interface but the first, and the captured length follows from the snap length. */
  #simple(at: number, end: number): void {
    const from = this.#interfaces[0];
    if (from === undefined || end - at < SIMPLE_FIXED_BYTES) {
      this.#malformed(end - at);
      return;
    }
    const wireBytes = read32(this.#u8, at, this.#big);
    const frameAt = at + SIMPLE_FIXED_BYTES;
    let captured = wireBytes < end - frameAt ? wireBytes : end - frameAt;
    if (from.snapBytes !== 0 && captured > from.snapBytes) captured = from.snapBytes;
    this.#deliver(from, frameAt, captured, wireBytes, 0, 0, 0);
  }

  #deliver(
    from: Interface,
    frameAt: number,
    captured: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    outgoing: number,
  ): void {
    this.frames++;
    this.frameBytes += captured;
    const onWire = wireBytes > captured ? wireBytes : captured;
    this.#sink.frame(from.link, frameAt, frameAt + captured, onWire, seconds, nanos, from.number, outgoing);
  }

  #interface(at: number, end: number): void {
    if (end - at < 8 || this.#interfaces.length >= INTERFACES_MAX) {
      this.failure = end - at < 8 ? 'an interface block is too short' : 'there are too many interfaces';
      return;
    }
    const u8 = this.#u8;
    const big = this.#big;
    const link = read16(u8, at, big);
    const nameAt = findOption(u8, at + 8, end, OPTION_IF_NAME, 1, big);
    const resolutionAt = findOption(u8, at + 8, end, OPTION_IF_RESOLUTION, 1, big);
    const offsetAt = findOption(u8, at + 8, end, OPTION_IF_OFFSET, 8, big);
    const name = nameAt > 0 ? textAt(u8, nameAt, nameAt + read16(u8, nameAt - 2, big)) : '';
    // The same name in another section is the same interface: files are joined end to end.
    const key = name === '' ? `${this.#sections} ${this.#interfaces.length}` : name;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(key, number);
      if (name !== '') this.#names.onInterface?.(number, name);
    }
    this.links.add(link);
    this.#interfaces.push({
      link,
      snapBytes: read32(u8, at + 4, big),
      number,
      clock: new PcapngClock(
        resolutionAt > 0 ? u8[resolutionAt] : undefined,
        offsetAt > 0 ? signed64(u8, offsetAt, big) : 0,
      ),
      dropped: 0,
    });
  }

  #statistics(at: number, end: number): void {
    if (end - at < 12) return;
    const from = this.#interfaces[read32(this.#u8, at, this.#big)];
    if (from === undefined) return;
    let dropped = 0;
    for (const option of [OPTION_IF_DROP, OPTION_OS_DROP]) {
      const found = findOption(this.#u8, at + 12, end, option, 8, this.#big);
      if (found > 0) dropped += read64(this.#u8, found, this.#big);
    }
    this.#dropped(from, dropped);
  }

  #dropped(from: Interface, total: number): void {
    if (total <= from.dropped) return;
    this.#ledger.add(KERNEL_DROP, total - from.dropped, 0);
    from.dropped = total;
  }

  #malformed(bytes: number): void {
    this.frames++;
    this.#ledger.add(MALFORMED, 1, bytes < 0 ? 0 : bytes);
  }
}

/** Position of the value of an option with at least `bytes` bytes, or 0. */
function findOption(
  u8: Uint8Array,
  from: number,
  end: number,
  code: number,
  bytes: number,
  big: boolean,
): number {
  let at = from;
  while (end - at >= 4) {
    const found = read16(u8, at, big);
    const length = read16(u8, at + 2, big);
    if (found === 0 || length > end - at - 4) return 0;
    if (found === code && length >= bytes) return at + 4;
    at += 4 + ((length + 3) & ~3);
  }
  return 0;
}

/** Counts; what does not fit a double is no count. */
function read64(u8: Uint8Array, at: number, big: boolean): number {
  const first = read32(u8, at, big);
  const second = read32(u8, at + 4, big);
  return big ? first * 0x1_0000_0000 + second : second * 0x1_0000_0000 + first;
}

function signed64(u8: Uint8Array, at: number, big: boolean): number {
  const high = read32(u8, big ? at : at + 4, big) | 0;
  return high * 0x1_0000_0000 + read32(u8, big ? at + 4 : at, big);
}

const DECODER = new TextDecoder();

/** Text up to a NUL. */
function textAt(u8: Uint8Array, start: number, end: number): string {
  const nul = u8.subarray(start, end).indexOf(0);
  return DECODER.decode(u8.slice(start, nul < 0 ? end : start + nul));
}

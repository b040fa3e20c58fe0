/**
 * The records of a pcap file: micro- and nanoseconds, both byte orders, and Kuznetzov's variant.
 * https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
 */
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import { PCAP_MODIFIED, PCAP_NANOSECONDS } from './capture-format.ts';
import type { FrameSink } from './frame-sink.ts';
import { frameBytesMax, read32 } from './record-parser.ts';
import type { RecordParser } from './record-parser.ts';

const TRUNCATED = reasonNumber('truncated-frame');
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** Followed by interface (4), protocol (2), packet type, padding. */
const MODIFIED_HEADER_BYTES = 24;
const MODIFIED_OUTGOING = 4;
/** Interface numbers stay small integers. */
const INTERFACE_MASK = 0x3fff_ffff;
/** The upper half of the field tells of frame check sequences. */
const LINK_MASK = 0xffff;

export class PcapParser implements RecordParser {
  readonly #u8: Uint8Array;
  /** One load for a number at any alignment, in either byte order: half of what four bytes cost. */
  readonly #view: DataView;
  readonly #sink: FrameSink;
  readonly #ledger: Ledger;
  readonly #capacity: number;
  #begun = false;
  #big = false;
  #headerBytes = RECORD_HEADER_BYTES;
  #nanosPerTick = 1000;
  #link = 0;
  #bytesMax = 0;

  skip = 0;
  failure: string | undefined;
  inFrame = true;
  frames = 0;
  frameBytes = 0;
  readonly links = new Set<number>();
  interfaces = 1;

  /** Records of more than `capacity` bytes are counted and left out. */
  constructor(u8: Uint8Array, sink: FrameSink, ledger: Ledger, capacity: number) {
    this.#u8 = u8;
    this.#view = new DataView(u8.buffer, u8.byteOffset, u8.byteLength);
    this.#sink = sink;
    this.#ledger = ledger;
    this.#capacity = capacity;
  }

  take(from: number, end: number): number {
    let at = from;
    if (!this.#begun) {
      if (end - at < FILE_HEADER_BYTES) return at;
      this.#begin(at);
      at += FILE_HEADER_BYTES;
    }
    const view = this.#view;
    const little = !this.#big;
    const headerBytes = this.#headerBytes;
    while (end - at >= headerBytes) {
      const captured = view.getUint32(at + 8, little);
      if (captured > this.#bytesMax) {
        this.failure = `a record states ${captured} bytes, more than the file's limit of ${this.#bytesMax}`;
        return at;
      }
      const frameAt = at + headerBytes;
      if (end - frameAt < captured) {
        if (headerBytes + captured > this.#capacity) {
          this.#ledger.add(TRUNCATED, 1, captured);
          this.frames++;
          this.skip = headerBytes + captured;
        }
        return at;
      }
      this.#deliver(at, frameAt, captured);
      at = frameAt + captured;
    }
    return at;
  }

  #begin(at: number): void {
    const u8 = this.#u8;
    this.#begun = true;
    this.#big = u8[at] === 0xa1;
    const magic = read32(u8, at, this.#big);
    if (magic === PCAP_NANOSECONDS) this.#nanosPerTick = 1;
    if (magic === PCAP_MODIFIED) this.#headerBytes = MODIFIED_HEADER_BYTES;
    // The version is not looked at: there are files with others, and they read as 2.4.
    this.#bytesMax = frameBytesMax(read32(u8, at + 16, this.#big));
    this.#link = read32(u8, at + 20, this.#big) & LINK_MASK;
    this.links.add(this.#link);
  }

  #deliver(at: number, frameAt: number, captured: number): void {
    const view = this.#view;
    const little = !this.#big;
    let seconds = view.getUint32(at, little);
    let nanos = view.getUint32(at + 4, little) * this.#nanosPerTick;
    if (nanos >= 1e9) {
      seconds += Math.floor(nanos / 1e9);
      nanos %= 1e9;
    }
    let networkInterface = 0;
    let outgoing = 0;
    if (this.#headerBytes === MODIFIED_HEADER_BYTES) {
      networkInterface = view.getUint32(at + 16, little) & INTERFACE_MASK;
      outgoing = this.#u8[at + 22] === MODIFIED_OUTGOING ? 1 : 0;
    }
    const wireBytes = view.getUint32(at + 12, little);
    this.frames++;
    this.frameBytes += captured;
    this.#sink.frame(
      this.#link,
      frameAt,
      frameAt + captured,
      // Some writers leave the length on the wire out, or state less than they kept.
      wireBytes > captured ? wireBytes : captured,
      seconds,
      nanos,
      networkInterface,
      outgoing,
    );
  }
}

/** Writes capture files for tests: pcap and pcapng, both byte orders, micro- and nanoseconds. */
import { concat } from './frames.ts';

/** A frame, bare or with what the capture says of it. */
export type CaptureFrame =
  | Uint8Array
  | {
      readonly bytes: Uint8Array;
      readonly seconds?: number;
      readonly nanos?: number;
      /** Length on the wire, where the snap length cut the frame. */
      readonly wireBytes?: number;
      /** pcapng: index into `interfaces`. */
      readonly networkInterface?: number;
      /** pcapng, and pcap's modified kind. */
      readonly outgoing?: boolean;
    };

export interface PcapOptions {
  readonly big?: boolean;
  readonly nanoseconds?: boolean;
  /** Kuznetzov's variant. */
  readonly modified?: boolean;
  readonly link?: number;
  readonly snapBytes?: number;
}

export interface PcapngInterface {
  readonly link?: number;
  readonly name?: string;
  readonly snapBytes?: number;
  /** if_tsresol as the file holds it; 6 (microseconds) unless told. 9 or less, or 2^-n with the top bit. */
  readonly resolution?: number;
  readonly offsetS?: number;
}

export interface PcapngOptions {
  readonly big?: boolean;
  readonly interfaces?: readonly PcapngInterface[];
  /** Name blocks: address bytes and names. */
  readonly names?: readonly (readonly [Uint8Array, ...string[]])[];
  /** A statistics block of the first interface with this many drops. */
  readonly drops?: number;
  /** Which kind of packet block. */
  readonly block?: 'enhanced' | 'simple' | 'obsolete';
}

/** Frames without a time are one millisecond apart, from here. */
const START_S = 1_700_000_000;

/** A whole pcap file. */
export function writePcap(frames: readonly CaptureFrame[], options: PcapOptions = {}): Uint8Array {
  const { u16, u32 } = words(options.big === true);
  const kind = options.modified === true ? 0xa1b2cd34 : 0xa1b2c3d4;
  const magic = options.nanoseconds === true ? 0xa1b23c4d : kind;
  const parts = [u32(magic), u16(2), u16(4), u32(0), u32(0), u32(options.snapBytes ?? 262_144)];
  parts.push(u32(options.link ?? 1));
  for (const [index, given] of frames.entries()) {
    const frame = complete(given, index);
    const fraction = options.nanoseconds === true ? frame.nanos : Math.floor(frame.nanos / 1000);
    parts.push(u32(frame.seconds), u32(fraction), u32(frame.bytes.length), u32(frame.wireBytes));
    if (options.modified === true) {
      parts.push(u32(frame.networkInterface), u16(0x0800), Uint8Array.of(frame.outgoing ? 4 : 0, 0));
    }
    parts.push(frame.bytes);
  }
  return concat(...parts);
}

/** One section of a pcapng file: a whole file, to which others may be appended. */
export function writePcapng(frames: readonly CaptureFrame[], options: PcapngOptions = {}): Uint8Array {
  const { u16, u32, u64 } = words(options.big === true);
  const block = (type: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const body = padded(concat(...parts));
    return concat(u32(type), u32(body.length + 12), body, u32(body.length + 12));
  };
  const option = (code: number, value: Uint8Array): Uint8Array =>
    concat(u16(code), u16(value.length), padded(value));
  const interfaces = options.interfaces ?? [{}];
  const parts = [block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), u32(0xffffffff), u32(0xffffffff))];
  for (const one of interfaces) {
    const all = [u16(one.link ?? 1), u16(0), u32(one.snapBytes ?? 0)];
    if (one.name !== undefined) all.push(option(2, new TextEncoder().encode(one.name)));
    if (one.resolution !== undefined) all.push(option(9, Uint8Array.of(one.resolution)));
    if (one.offsetS !== undefined) all.push(option(14, u64(BigInt(one.offsetS))));
    parts.push(block(1, ...all, option(0, new Uint8Array(0))));
  }
  for (const [address, ...names] of options.names ?? []) {
    const value = concat(address, ...names.map((name) => new TextEncoder().encode(`${name}\0`)));
    parts.push(block(4, u16(address.length === 4 ? 1 : 2), u16(value.length), padded(value), u32(0)));
  }
  for (const [index, given] of frames.entries()) {
    const frame = complete(given, index);
    const from = interfaces[frame.networkInterface] ?? {};
    const ticks = ticksOf(frame.seconds - (from.offsetS ?? 0), frame.nanos, from.resolution ?? 6);
    const time = [u32(Number(ticks >> 32n)), u32(Number(ticks & 0xffffffffn))];
    const sizes = [u32(frame.bytes.length), u32(frame.wireBytes)];
    if (options.block === 'simple') parts.push(block(3, u32(frame.wireBytes), frame.bytes));
    else if (options.block === 'obsolete') {
      parts.push(block(2, u16(frame.networkInterface), u16(0xffff), ...time, ...sizes, frame.bytes));
    } else {
      const flags = frame.outgoing ? concat(option(2, u32(2)), u32(0)) : new Uint8Array(0);
      parts.push(block(6, u32(frame.networkInterface), ...time, ...sizes, padded(frame.bytes), flags));
    }
  }
  if (options.drops !== undefined) {
    parts.push(block(5, u32(0), u32(0), u32(0), option(5, u64(BigInt(options.drops))), u32(0)));
  }
  return concat(...parts);
}

interface Complete {
  readonly bytes: Uint8Array;
  readonly seconds: number;
  readonly nanos: number;
  readonly wireBytes: number;
  readonly networkInterface: number;
  readonly outgoing: boolean;
}

function complete(frame: CaptureFrame, index: number): Complete {
  const given = frame instanceof Uint8Array ? { bytes: frame } : frame;
  return {
    seconds: START_S + Math.floor(index / 1000),
    nanos: (index % 1000) * 1_000_000,
    wireBytes: given.bytes.length,
    networkInterface: 0,
    outgoing: false,
    ...given,
  };
}

function ticksOf(seconds: number, nanos: number, resolution: number): bigint {
  const perSecond = resolution > 127 ? 1n << BigInt(resolution - 128) : 10n ** BigInt(resolution);
  return BigInt(seconds) * perSecond + (BigInt(nanos) * perSecond) / 1_000_000_000n;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array((bytes.length + 3) & ~3);
  whole.set(bytes);
  return whole;
}

interface Words {
  u16(value: number): Uint8Array;
  u32(value: number): Uint8Array;
  u64(value: bigint): Uint8Array;
}

function words(big: boolean): Words {
  const make = (bytes: number, set: (view: DataView) => void): Uint8Array => {
    const array = new Uint8Array(bytes);
    set(new DataView(array.buffer));
    return array;
  };
  return {
    u16: (value) => make(2, (view) => view.setUint16(0, value, !big)),
    u32: (value) => make(4, (view) => view.setUint32(0, value, !big)),
    u64: (value) => make(8, (view) => view.setBigUint64(0, BigInt.asUintN(64, value), !big)),
  };
}

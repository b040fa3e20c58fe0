/**
 * A capture as a list of its records, with packets deleted or displaced: seeded, the same each time. What
 * comes out also tells, for each frame, when it is in the new capture.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { randomFrom } from '../../test/support/random.ts';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;

export interface Capture {
  readonly bytes: Buffer;
  /** Where each record begins, and where the last one ends. */
  readonly starts: Float64Array;
  /** When, in ns since 1970. */
  readonly times: BigInt64Array;
  readonly nanoseconds: boolean;
}

/** Places in a capture, in the order in which they are to be written. */
export interface Variant {
  readonly order: Int32Array;
  /** Of each place of `order`: the time that it gets. */
  readonly times: BigInt64Array;
  /** Of the capture's frames: 1 when it is not in `order`. */
  readonly deleted: Uint8Array;
}

/** Reads a little-endian pcap file. */
export function readFrames(path: string): Capture {
  const bytes = readFileSync(path);
  const magic = bytes.readUInt32LE(0);
  if (magic !== MAGIC_NANOSECONDS && magic !== MAGIC_MICROSECONDS)
    throw new Error(`${path} is no pcap file of ours`);
  const nanoseconds = magic === MAGIC_NANOSECONDS;
  const starts: number[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    starts.push(at);
    at += RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 8);
  }
  if (at !== bytes.length) throw new Error(`${path} ends inside a record`);
  const times = BigInt64Array.from(starts, (start) => timeAt(bytes, start, nanoseconds));
  return { bytes, starts: Float64Array.from([...starts, at]), times, nanoseconds };
}

function timeAt(bytes: Buffer, at: number, nanoseconds: boolean): bigint {
  const fraction = BigInt(bytes.readUInt32LE(at + 4)) * (nanoseconds ? 1n : 1000n);
  return BigInt(bytes.readUInt32LE(at)) * 1_000_000_000n + fraction;
}

/** The first `frames` of a capture. */
export function firstFrames(capture: Capture, frames: number): Capture {
  const count = Math.min(frames, capture.times.length);
  return {
    ...capture,
    starts: capture.starts.subarray(0, count + 1),
    times: capture.times.subarray(0, count),
  };
}

/** Each packet is deleted with `probability`. */
export function deletePackets(capture: Capture, probability: number, seed: number): Variant {
  const random = randomFrom(seed);
  const frames = capture.times.length;
  const deleted = new Uint8Array(frames);
  const order: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    if (random.below(1_000_000) < probability * 1_000_000) deleted[frame] = 1;
    else order.push(frame);
  }
  return {
    order: Int32Array.from(order),
    times: BigInt64Array.from(order, (frame) => capture.times[frame]),
    deleted,
  };
}

/**
 * Each packet is moved, with `probability`, by 1 to `places` places, earlier or later. It keeps its time, or
 * (`restamp`) all get the times of their new places, as a capture would have them.
 */
export function displacePackets(
  capture: Capture,
  probability: number,
  places: number,
  seed: number,
  restamp: boolean,
): Variant {
  const random = randomFrom(seed);
  const frames = capture.times.length;
  const wanted = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    wanted[frame] = frame;
    if (random.below(1_000_000) >= probability * 1_000_000) continue;
    // Half a place more puts it behind (before) the packet that stands there.
    const by = 1 + random.below(places) + 0.5;
    wanted[frame] += random.oneIn(2) ? by : -by;
  }
  const order = Int32Array.from(wanted.keys()).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const times = restamp ? capture.times.slice() : BigInt64Array.from(order, (frame) => capture.times[frame]);
  return { order, times, deleted: new Uint8Array(frames) };
}

/** As it is. */
export function unchanged(capture: Capture): Variant {
  const order = Int32Array.from(capture.times.keys());
  return { order, times: capture.times, deleted: new Uint8Array(order.length) };
}

export function writeVariant(capture: Capture, variant: Variant, path: string): void {
  const parts: Buffer[] = [capture.bytes.subarray(0, FILE_HEADER_BYTES)];
  for (let place = 0; place < variant.order.length; place++) {
    const frame = variant.order[place];
    const from = capture.starts[frame];
    const record = capture.bytes.subarray(from, capture.starts[frame + 1]);
    if (variant.times[place] === capture.times[frame]) parts.push(record);
    else {
      const stamped = Buffer.from(record);
      const time = variant.times[place];
      stamped.writeUInt32LE(Number(time / 1_000_000_000n), 0);
      stamped.writeUInt32LE(Number((time % 1_000_000_000n) / (capture.nanoseconds ? 1n : 1000n)), 4);
      parts.push(stamped);
    }
  }
  writeFileSync(path, Buffer.concat(parts));
}

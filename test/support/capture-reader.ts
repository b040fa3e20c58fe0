/** Reads captures in tests, from bytes, streams or files of a folder that goes away with the process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after } from 'node:test';
import { createMemory } from '../../src/base/memory.ts';
import type { WireMemory } from '../../src/base/memory.ts';
import type { Result } from '../../src/base/result.ts';
import { Ledger, reasonNumber } from '../../src/record/coverage.ts';
import type { CoverageReason } from '../../src/record/coverage.ts';
import { captureFileErrorText } from '../../src/wire/capture/capture-file-error.ts';
import type { CaptureFileError } from '../../src/wire/capture/capture-file-error.ts';
import type { FrameSink } from '../../src/wire/capture/frame-sink.ts';
import { readCapture } from '../../src/wire/capture/pcap-file.ts';
import type { CaptureOptions, CaptureSummary } from '../../src/wire/capture/pcap-file.ts';
import { concat, tcpFrame } from './frames.ts';
import type { CaptureFrame } from './pcap-writer.ts';

export const INPUT_BYTES = 65_536;
export const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** A sink that keeps a line for each frame, and checks that frames lie in the input region. */
export class Frames implements FrameSink {
  readonly memory: WireMemory;
  readonly lines: string[] = [];

  constructor(memory: WireMemory) {
    this.memory = memory;
  }

  frame(
    link: number,
    start: number,
    end: number,
    wireBytes: number,
    seconds: number,
    nanos: number,
    networkInterface: number,
    outgoing: number,
  ): void {
    assert.ok(start >= this.memory.inputStart && start <= end && end <= this.memory.inputEnd);
    assert.ok(wireBytes >= end - start && nanos >= 0 && nanos < 1e9 && Number.isInteger(seconds));
    const bytes = Buffer.from(this.memory.u8.subarray(start, end)).toString('hex');
    this.lines.push(`${link} ${seconds}.${nanos} #${networkInterface} ${outgoing} ${wireBytes} ${bytes}`);
  }
}

export interface Read {
  readonly result: Result<CaptureSummary, CaptureFileError>;
  readonly lines: string[];
  readonly ledger: Ledger;
  readonly summary: CaptureSummary;
  readonly error: string;
}

export const MEMORY = createMemory(INPUT_BYTES, 65_536);

export async function read(
  source: string | Uint8Array | Readable,
  options: Partial<CaptureOptions> = {},
  sink = new Frames(MEMORY),
): Promise<Read> {
  const ledger = new Ledger();
  const stream = source instanceof Uint8Array ? chunks(source, source.length) : source;
  const input = typeof stream === 'string' ? { path: stream } : { path: '-', stream };
  const result = await readCapture(input, sink.memory, sink, { ledger, ...options });
  const summary = result.ok ? result.value : result.error.delivered;
  const error = result.ok ? '' : captureFileErrorText(result.error);
  return { result, lines: sink.lines, ledger, summary: summary as CaptureSummary, error };
}

export function chunks(bytes: Uint8Array, size: number): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) pieces.push(bytes.slice(at, at + size));
  return Readable.from(pieces);
}

let files = 0;
export function save(bytes: Uint8Array | string): string {
  const path = join(FOLDER, `${files++}.pcap`);
  writeFileSync(path, bytes);
  return path;
}

export function count(read: Read, reason: CoverageReason): number {
  return read.ledger.counts[reasonNumber(reason)];
}

export const FRAMES: readonly CaptureFrame[] = [
  { bytes: tcpFrame({ payload: 'one' }), seconds: 1_700_000_000, nanos: 123_456_000 },
  {
    bytes: tcpFrame({ payload: 'twotwo' }).slice(0, 40),
    seconds: 1_700_000_000,
    nanos: 999_999_000,
    wireBytes: 1514,
  },
  { bytes: new Uint8Array(0), seconds: 1_700_000_001, nanos: 0 },
  { bytes: tcpFrame({ payload: 'four' }), seconds: 4_000_000_000, nanos: 1000 },
];

/** The line that `Frames` keeps of a frame. */
export function lineOf(frame: CaptureFrame, link = 1): string {
  assert.ok(!(frame instanceof Uint8Array));
  const { bytes, seconds = 0, nanos = 0, wireBytes = bytes.length } = frame;
  const side = frame.outgoing === true ? 1 : 0;
  const hex = Buffer.from(bytes).toString('hex');
  return `${link} ${seconds}.${nanos} #${frame.networkInterface ?? 0} ${side} ${wireBytes} ${hex}`;
}

/** Counts frames. */
export class Counter implements FrameSink {
  frames = 0;
  frame(): void {
    this.frames++;
  }
}

// Six frames of 60 bytes by `zstd -19` 1.5.4: byte i in frame i, a second apart from 1,700,000,000.
export const ZSTD =
  'KLUv/WTgAPUBABKCBw7gbVQoECywJFjwsrlypzO/SAQA2bbV2jb4vuMwNQ2gQHKW7QFgeHMg6QJJF0i6INkFSc+6T45bYGcDGCRLpg==';

/** A zstd frame with one raw block, without a content size. */
export function zstdRaw(bytes: Uint8Array): Uint8Array {
  const header = 1 | (bytes.length << 3);
  return concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, header, header >> 8, header >> 16), bytes);
}

/**
 * What `npm run fuzz` runs with one seed after another, for as long as it is told: the hostile rounds of the
 * tests without their end. A round throws when something is wrong; the same seed shows it again.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Ledger } from '../../src/record/coverage.ts';
import { readCapture } from '../../src/wire/capture/pcap-file.ts';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import type { Protocol } from '../../src/wire/protocols/protocol.ts';
import { goldenDialogue, writeSegment } from '../support/dialogue.ts';
import { extension, fragments4, fragments6, tcpFrame, udpDatagram, udpFrame } from '../support/frames.ts';
import type { Golden } from '../support/goldens.ts';
import { mutateSegments } from '../support/mutate-segments.ts';
import { Observer } from '../support/observer.ts';
import { writePcap, writePcapng } from '../support/pcap-writer.ts';
import { goldensOf, mutationRound } from '../support/protocol-battery.ts';
import { randomFrom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import { body, bytes, head, target } from '../support/scan-texts.ts';
import { Twins } from '../support/scan-twins.ts';
import { createTestContext } from '../support/wire-context.ts';

export interface FuzzTarget {
  readonly name: string;
  run(seed: number): void | Promise<void>;
}

/** Making the twins costs as much as some texts. */
const TEXTS_A_SEED = 16;
const SEGMENT_ROOM_BYTES = 66_000;
/** A capture of more segments than this adds nothing but time. */
const CAPTURE_FRAMES_MAX = 40;
/** Values of fields that decide: lengths, versions, protocols, signs. */
const SHARP = [0, 1, 4, 6, 17, 44, 0x45, 0x7f, 0x80, 0xff];
/** Link types with and without a decoder. */
const LINKS = [0, 1, 9, 12, 101, 108, 113, 147, 239, 276];

export function fuzzTargets(): FuzzTarget[] {
  const alone = PROTOCOLS.map((protocol) => protocolAlone(protocol));
  const inEngine = PROTOCOLS.map((protocol) => protocolInEngine(protocol));
  return [...alone, ...inEngine, captures(), scans()];
}

function nameOf(protocol: Protocol): string {
  return `${protocol.name}/${protocol.transport}`;
}

/** Messages changed byte by byte: the same calls however they are cut. */
export function protocolAlone(protocol: Protocol): FuzzTarget {
  const context = createTestContext();
  const goldens = goldensOf(protocol);
  return {
    name: `protocol ${nameOf(protocol)}`,
    run: (seed) => {
      mutationRound(protocol, context, goldens, seed);
    },
  };
}

/** Packets changed, lost, repeated and out of order: no throw, no hang, memory comes back. */
function protocolInEngine(protocol: Protocol): FuzzTarget {
  const goldens = goldensOf(protocol);
  const observer = new Observer({ bodies: true, keep: false });
  return {
    name: `engine ${nameOf(protocol)}`,
    run: (seed) => {
      const random = randomFrom(seed);
      const golden = random.pick(goldens);
      const { segments } = goldenDialogue(golden, random.pick([0, 0, 7, 64]));
      observer.seeAll(mutateSegments(segments, random)).end();
    },
  };
}

/** Capture files changed byte by byte, read and handed to the engine. */
function captures(): FuzzTarget {
  const goldens = PROTOCOLS.flatMap((protocol) => goldensOf(protocol));
  const observer = new Observer({ keep: false });
  const { memory, engine } = observer;
  const sink = {
    frame(link: number, start: number, end: number, wireBytes: number, ...more: FrameRest): void {
      assert.ok(start >= memory.inputStart && start <= end && end <= memory.inputEnd, 'a frame in the input');
      engine.frame(link, start, end, wireBytes, ...more);
    },
  };
  return {
    name: 'captures',
    run: async (seed) => {
      const random = randomFrom(seed);
      const file = mutate(captureOf(random, goldens), random);
      const stream = Readable.from([file]);
      await readCapture({ path: '-', stream }, memory, sink, { ledger: new Ledger() });
      observer.end();
    },
  };
}

type FrameRest = [seconds: number, nanos: number, networkInterface: number, outgoing: number];

function captureOf(random: Random, goldens: readonly Golden[]): Uint8Array {
  const frames = random.oneIn(3) ? oddFrames() : goldenFrames(random.pick(goldens));
  const link = random.oneIn(4) ? random.pick(LINKS) : 1;
  const big = random.oneIn(2);
  const changed = frames.map((frame) => (random.oneIn(4) ? mutate(frame, random) : frame));
  const file = random.oneIn(2)
    ? writePcap(changed, { big, link })
    : writePcapng(changed, { big, interfaces: [{ link }] });
  return random.oneIn(8) ? gzipSync(file, { level: 1 }) : file;
}

function goldenFrames(golden: Golden): Uint8Array[] {
  const segments = goldenDialogue(golden).segments.slice(0, CAPTURE_FRAMES_MAX);
  const room = new Uint8Array(SEGMENT_ROOM_BYTES);
  return segments.map((segment) => {
    const packet = room.slice(0, writeSegment(room, 0, segment));
    const frame = new Uint8Array(14 + packet.length);
    frame[12] = 8;
    frame.set(packet, 14);
    return frame;
  });
}

/** Tags, extension headers, fragments. */
function oddFrames(): Uint8Array[] {
  const v6 = { source: 'fd00::1', target: 'fd00::2' };
  const large = udpDatagram({ payload: 'z'.repeat(100) });
  return [
    tcpFrame({ vlans: [[0x88a8, 1] as const, [0x8100, 2] as const], payload: 'hello' }),
    udpFrame({
      ...v6,
      extensions: [[0, extension(8)] as const, [60, extension(16)] as const],
      payload: 'hello',
    }),
    ...fragments4({ id: 5 }, 17, large, 32),
    ...fragments6(v6, 17, large, 32),
  ];
}

function mutate(original: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(original);
  if (changed.length === 0) return changed;
  for (let left = random.below(5); left > 0; left--) {
    changed[random.below(changed.length)] = random.oneIn(2) ? random.below(256) : random.pick(SHARP);
  }
  return random.oneIn(5) ? changed.slice(0, random.below(changed.length + 1)) : changed;
}

/** The SIMD primitives and their plain twins say the same; what lies around the texts is of the seed too. */
function scans(): FuzzTarget {
  const makers = [
    bytes,
    ...[head, target, body].map((make) => (random: Random) => Buffer.from(make(random), 'latin1')),
  ];
  return {
    name: 'scan twins',
    run: (seed) => {
      const random = randomFrom(seed);
      const twins = new Twins(seed);
      for (let text = 0; text < TEXTS_A_SEED; text++) {
        twins.compare(random.pick(makers)(random), random.below(64), `seed ${seed}, text ${text},`);
      }
    },
  };
}

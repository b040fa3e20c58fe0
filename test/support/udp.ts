/** UDP datagrams with known content, and a sink that counts them. */
import { createSocket } from 'node:dgram';
import type { WireMemory } from '../../src/base/memory.ts';
import type { FrameSink } from '../../src/wire/capture/frame-sink.ts';

/** After this many datagrams `between` is called: a reader that waits until the end would lose some. */
const BURST = 10;

/** Sends `count` datagrams of `bytes` bytes, their ordinal in the first four; resolves when all are sent. */
export async function sendDatagrams(
  port: number,
  count: number,
  bytes: number,
  between: () => void = () => {},
  host = '127.0.0.1',
): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const payload = Buffer.alloc(bytes, ordinal & 0xff);
    payload.writeUInt32BE(ordinal, 0);
    await new Promise<void>((resolve, reject) => {
      socket.send(payload, port, host, (error) => (error ? reject(error) : resolve()));
    });
    if (ordinal % BURST === BURST - 1) between();
  }
  await new Promise<void>((resolve) => socket.close(resolve));
}

/** Keeps the Ethernet frames of IPv4 UDP datagrams to one port, as text; counts everything. */
export class DatagramSink implements FrameSink {
  readonly frames: string[] = [];
  readonly outgoing: number[] = [];
  readonly interfaces = new Set<number>();
  readonly links = new Set<number>();
  all = 0;
  cut = 0;
  readonly #memory: WireMemory;
  readonly #port: number;

  constructor(memory: WireMemory, port: number) {
    this.#memory = memory;
    this.#port = port;
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
    this.all++;
    const u8 = this.#memory.u8;
    const ip = link === 1 ? start + 14 : start;
    if (u8[ip] !== 0x45 || u8[ip + 9] !== 17 || ((u8[ip + 22] << 8) | u8[ip + 23]) !== this.#port) return;
    if (end - start !== wireBytes) this.cut++;
    if (seconds < 1_600_000_000 || nanos < 0 || nanos > 999_999_999) throw new Error('time of a frame');
    this.links.add(link);
    this.interfaces.add(networkInterface);
    this.outgoing.push(outgoing);
    this.frames.push(Buffer.from(u8.subarray(start, end)).toString('latin1'));
  }

  /** The ordinals of the datagrams, as they came. */
  ordinals(): number[] {
    return this.frames.map((frame) => Buffer.from(frame, 'latin1').readUInt32BE(14 + 28));
  }
}

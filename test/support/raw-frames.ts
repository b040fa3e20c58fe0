/** Puts frames of our own making on an interface: Ethernet by a packet socket, raw IP by a tun device. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { interfaceIndex } from '../../src/wire/capture/interfaces.ts';
import { libc, loadKoffi } from '../../src/wire/capture/libc.ts';
import { openPacketSocket } from '../../src/wire/capture/ring.ts';
import { run } from './netns.ts';

const AF_PACKET = 17;
const TUNSETIFF = 0x4004_54ca;
const IFF_TUN_WITHOUT_HEADER = 0x1001;

/** Sends one Ethernet frame out of an interface. */
export function sendFrame(name: string, frame: Uint8Array): void {
  const c = libc();
  const opened = openPacketSocket();
  if (c === undefined || !opened.ok) throw new Error('no packet socket');
  const sendto = loadKoffi()
    .load('libc.so.6')
    .func('int64_t sendto(int, void *, size_t, int, void *, uint32_t)');
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(interfaceIndex(name), 4);
  const sent: unknown = sendto(opened.value, frame, frame.length, 0, address, address.length);
  c.close(opened.value);
  if (Number(sent) !== frame.length) throw new Error(`sent ${String(sent)} of ${frame.length} bytes`);
}

/** An IPv4 UDP datagram, 10.214.0.2 to 10.214.0.1, checksums left 0. */
export function datagram(port: number, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(28 + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 17;
  packet.set([10, 214, 0, 2, 10, 214, 0, 1], 12);
  packet.writeUInt16BE(40_000, 20);
  packet.writeUInt16BE(port, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  packet.set(payload, 28);
  return packet;
}

/** A tun device, up; what is written to it arrives there as received. It goes when closed. */
export class Tun {
  readonly name: string;
  readonly #descriptor: number;

  constructor(name: string) {
    this.name = name;
    this.#descriptor = openSync('/dev/net/tun', 'r+');
    const request = Buffer.alloc(40);
    request.write(name, 'latin1');
    request.writeUInt16LE(IFF_TUN_WITHOUT_HEADER, 16);
    if (libc()?.ioctl(this.#descriptor, TUNSETIFF, request) !== 0) throw new Error('no tun device');
    run('ip', ['link', 'set', name, 'up']);
  }

  write(packet: Uint8Array): void {
    writeSync(this.#descriptor, packet);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

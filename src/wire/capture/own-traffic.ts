/**
 * Recognises what eastwest itself sends and receives (its API, OTLP, the store's URL), so that it does not
 * watch itself. Asked once for each decoded packet: a table by port decides nearly all of them.
 */
import { isIP } from 'node:net';
import type { WireMemory } from '../../base/memory.ts';
import type { Packet } from '../decode/packet.ts';

const NONE = 0;
/** The port is ours on some addresses. */
const SOME = 1;
/** … on all. */
const EVERY = 2;
/** An entry: port, address bytes (4 or 16), and the address in 16. */
const ENTRY_BYTES = 20;
const ENTRY_ADDRESS = 4;

export class OwnTraffic {
  readonly #ports = new Uint8Array(65_536);
  #entries = new Uint8Array(0);

  /**
   * A port of ours, and the address it is at (IPv4 or IPv6 text). Without one the port is ours on every
   * address: say it only of ports that nobody else in the captured network uses. Answers false, and adds
   * nothing, when the text is no address or the number no port.
   */
  add(port: number, address?: string): boolean {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
    if (address === undefined) {
      this.#ports[port] = EVERY;
      return true;
    }
    const bytes = addressBytes(address);
    if (bytes === undefined) return false;
    if (this.#ports[port] === NONE) this.#ports[port] = SOME;
    const entries = new Uint8Array(this.#entries.length + ENTRY_BYTES);
    entries.set(this.#entries);
    const at = this.#entries.length;
    entries[at] = port >>> 8;
    entries[at + 1] = port & 0xff;
    entries[at + 2] = bytes.length;
    entries.set(bytes, at + ENTRY_ADDRESS);
    this.#entries = entries;
    return true;
  }

  /** Whether one end of the packet is ours. */
  matches(packet: Packet, memory: WireMemory): boolean {
    const u8 = memory.u8;
    return (
      this.#isOwn(packet.targetPort, u8, packet.targetAt, packet.addressBytes) ||
      this.#isOwn(packet.sourcePort, u8, packet.sourceAt, packet.addressBytes)
    );
  }

  #isOwn(port: number, u8: Uint8Array, at: number, bytes: number): boolean {
    const kind = this.#ports[port];
    if (kind !== SOME) return kind === EVERY;
    const entries = this.#entries;
    for (let entry = 0; entry < entries.length; entry += ENTRY_BYTES) {
      if (((entries[entry] << 8) | entries[entry + 1]) !== port || entries[entry + 2] !== bytes) continue;
      let same = 0;
      while (same < bytes && entries[entry + ENTRY_ADDRESS + same] === u8[at + same]) same++;
      if (same === bytes) return true;
    }
    return false;
  }
}

/** 4 or 16 bytes; an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is IPv4 on the wire. */
function addressBytes(text: string): Uint8Array | undefined {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (isIP(bare) === 4) return Uint8Array.from(bare.split('.'), Number);
  if (isIP(bare) !== 6) return undefined;
  const [head, tail] = bare.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = 16 - before.length - after.length;
  const bytes = Uint8Array.from([...before, ...Array.from({ length: zeros }, () => 0), ...after]);
  const mapped =
    bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
  return mapped ? bytes.slice(12) : bytes;
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

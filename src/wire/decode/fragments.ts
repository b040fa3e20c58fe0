/**
 * IP datagrams being put together (RFC 791, section 3.2; RFC 8200, section 4.5). A datagram owns a slab
 * while it is partial; a bit per 8 bytes tells what has come, so fragments may come in any order, twice, or
 * overlapping, and the bytes that came first stay.
 *
 * A finished datagram is lent to the decoder until the next frame. Copies of a fragment on another interface
 * or direction make a datagram of their own there, as the packets would.
 */
import type { Limits } from '../../base/limits.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Slabs } from '../../base/slab.ts';
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import type { Packet } from './packet.ts';

const MALFORMED = reasonNumber('malformed-frame');
const INCOMPLETE = reasonNumber('fragment-incomplete');
const LIMIT = reasonNumber('fragment-limit');
const HEAP_LIMIT = reasonNumber('heap-limit');

/** Linux waits as long for the rest (net.ipv4.ipfrag_time); 60 s of RFC 8200 only cost memory. */
export const FRAGMENT_TIMEOUT_S = 30;
/** The length field of an IP header has 16 bits. */
const DATAGRAM_BYTES_MAX = 65_535;
const UNIT_BYTES = 8;
const BITMAP_BYTES = 1024; // A bit for each of the 8192 units.
const ADDRESSES_BYTES = 32;
/** Most datagrams are answers just above an MTU. */
const CAPACITY_MIN = 4096;

const UNKNOWN = -1;

export class Fragments {
  readonly #u8: Uint8Array;
  readonly #slabs: Slabs;
  readonly #ledger: Ledger;
  readonly #slots: number;
  /** By slot; version 0 is a free one. */
  readonly #version: Uint8Array;
  readonly #id: Int32Array;
  readonly #view: Int32Array;
  readonly #protocol: Int16Array;
  readonly #since: Float64Array;
  readonly #address: Int32Array;
  readonly #capacity: Int32Array;
  readonly #total: Int32Array;
  readonly #units: Int32Array;
  readonly #count: Int32Array;
  readonly #bytes: Int32Array;
  readonly #addresses: Uint8Array;
  readonly #bitmap: Uint8Array;
  #live = 0;

  /** The datagram that was finished last: [start, end), and the protocol that its payload begins with. */
  start = 0;
  end = 0;
  protocol = 0;
  #lentCapacity = 0;

  constructor(memory: WireMemory, slabs: Slabs, limits: Limits, ledger: Ledger) {
    const slots = limits.fragmentedDatagrams;
    this.#u8 = memory.u8;
    this.#slabs = slabs;
    this.#ledger = ledger;
    this.#slots = slots;
    this.#version = new Uint8Array(slots);
    this.#id = new Int32Array(slots);
    this.#view = new Int32Array(slots);
    this.#protocol = new Int16Array(slots);
    this.#since = new Float64Array(slots);
    this.#address = new Int32Array(slots);
    this.#capacity = new Int32Array(slots);
    this.#total = new Int32Array(slots);
    this.#units = new Int32Array(slots);
    this.#count = new Int32Array(slots);
    this.#bytes = new Int32Array(slots);
    this.#addresses = new Uint8Array(slots * ADDRESSES_BYTES);
    this.#bitmap = new Uint8Array(slots * BITMAP_BYTES);
  }

  /** Datagrams that wait for fragments. */
  get live(): number {
    return this.#live;
  }

  /** Gives back the datagram that was lent. */
  release(): void {
    if (this.start === 0) return;
    this.#slabs.free(this.start, this.#lentCapacity);
    this.start = 0;
    this.end = 0;
  }

  /**
   * Takes the fragment [at, end) of the packet's addresses at byte `offset` of its datagram, `more` 0 in
   * the last one. True when it made the datagram whole: `start`, `end` and `protocol` tell where.
   */
  add(
    packet: Packet,
    id: number,
    protocol: number,
    at: number,
    end: number,
    offset: number,
    more: number,
  ): boolean {
    const bytes = end - at;
    // All but the last are whole units; the kernel of a receiver refuses others as we do.
    const odd = more !== 0 && (bytes & (UNIT_BYTES - 1)) !== 0;
    if (bytes <= 0 || odd || offset + bytes > DATAGRAM_BYTES_MAX) {
      this.#ledger.add(MALFORMED, 1, bytes);
      return false;
    }
    let slot = this.#find(packet, id, protocol);
    if (slot < 0) slot = this.#open(packet, id, protocol);
    if (slot < 0) {
      this.#ledger.add(LIMIT, 1, bytes);
      return false;
    }
    if (!this.#place(slot, at, bytes, offset, more)) return false;
    if (offset === 0) this.#protocol[slot] = protocol;
    const total = this.#total[slot];
    if (total < 0 || this.#units[slot] !== (total + UNIT_BYTES - 1) >> 3) return false;
    this.start = this.#address[slot];
    this.end = this.start + total;
    this.protocol = this.#protocol[slot];
    this.#lentCapacity = this.#capacity[slot];
    this.#version[slot] = 0;
    this.#live--;
    return true;
  }

  /** Gives up what has waited too long at `seconds`, the time of the packets. */
  expire(seconds: number): void {
    if (this.#live === 0) return;
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#version[slot] !== 0 && this.#old(slot, seconds)) this.#drop(slot, INCOMPLETE);
    }
  }

  /** Nothing more will come: whatever is partial is counted. */
  finish(): void {
    for (let slot = 0; slot < this.#slots && this.#live > 0; slot++) {
      if (this.#version[slot] !== 0) this.#drop(slot, INCOMPLETE);
    }
  }

  /** Old in either direction: captures may be read in any order. */
  #old(slot: number, seconds: number): boolean {
    const age = seconds - this.#since[slot];
    return age > FRAGMENT_TIMEOUT_S || age < -FRAGMENT_TIMEOUT_S;
  }

  #find(packet: Packet, id: number, protocol: number): number {
    if (this.#live === 0) return -1;
    const u8 = this.#u8;
    const view = viewOf(packet);
    const length = packet.addressBytes;
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#id[slot] !== id || this.#version[slot] !== packet.version) continue;
      if (this.#view[slot] !== view) continue;
      // In IPv6 the number alone tells datagrams of two hosts apart; later fragments may name another header.
      if (packet.version === 4 && this.#protocol[slot] !== protocol) continue;
      let same = true;
      for (let i = 0, base = slot * ADDRESSES_BYTES; i < length && same; i++) {
        same =
          this.#addresses[base + i] === u8[packet.sourceAt + i] &&
          this.#addresses[base + length + i] === u8[packet.targetAt + i];
      }
      if (!same) continue;
      if (!this.#old(slot, packet.seconds)) return slot;
      this.#drop(slot, INCOMPLETE);
      return -1;
    }
    return -1;
  }

  /** A slot for a new datagram; when all are taken, the oldest goes. */
  #open(packet: Packet, id: number, protocol: number): number {
    if (this.#slots === 0) return -1;
    let slot = 0;
    let oldest = 0;
    while (slot < this.#slots && this.#version[slot] !== 0) {
      if (this.#since[slot] < this.#since[oldest]) oldest = slot;
      slot++;
    }
    if (slot === this.#slots) {
      this.#drop(oldest, this.#old(oldest, packet.seconds) ? INCOMPLETE : LIMIT);
      slot = oldest;
    }
    const length = packet.addressBytes;
    const base = slot * ADDRESSES_BYTES;
    for (let i = 0; i < length; i++) {
      this.#addresses[base + i] = this.#u8[packet.sourceAt + i];
      this.#addresses[base + length + i] = this.#u8[packet.targetAt + i];
    }
    this.#bitmap.fill(0, slot * BITMAP_BYTES, (slot + 1) * BITMAP_BYTES);
    this.#version[slot] = packet.version;
    this.#id[slot] = id;
    this.#view[slot] = viewOf(packet);
    this.#protocol[slot] = protocol;
    this.#since[slot] = packet.seconds;
    this.#address[slot] = 0;
    this.#capacity[slot] = 0;
    this.#total[slot] = UNKNOWN;
    this.#units[slot] = 0;
    this.#count[slot] = 0;
    this.#bytes[slot] = 0;
    this.#live++;
    return slot;
  }

  /** Copies the units that have not come yet. False when the fragment contradicts what is known. */
  #place(slot: number, at: number, bytes: number, offset: number, more: number): boolean {
    const last = offset + bytes;
    const total = this.#total[slot];
    if (total >= 0 && (last > total || (more === 0 && last !== total))) {
      this.#ledger.add(MALFORMED, 1, bytes);
      return false;
    }
    if (!this.#reserve(slot, last)) {
      this.#drop(slot, HEAP_LIMIT);
      this.#ledger.add(HEAP_LIMIT, 1, bytes);
      return false;
    }
    if (more === 0) {
      // What came before may not lie beyond the end, or the count of units would lie.
      if (total < 0 && this.#beyond(slot, last)) {
        this.#ledger.add(MALFORMED, 1, bytes);
        return false;
      }
      this.#total[slot] = last;
    }
    this.#count[slot]++;
    this.#bytes[slot] += bytes;
    const u8 = this.#u8;
    const bitmap = this.#bitmap;
    const base = slot * BITMAP_BYTES;
    const to = this.#address[slot];
    for (let unit = offset >> 3; unit << 3 < last; unit++) {
      const mask = 1 << (unit & 7);
      if ((bitmap[base + (unit >> 3)] & mask) !== 0) continue;
      bitmap[base + (unit >> 3)] |= mask;
      this.#units[slot]++;
      const from = unit << 3;
      const until = from + UNIT_BYTES < last ? from + UNIT_BYTES : last;
      for (let i = from; i < until; i++) u8[to + i] = u8[at + i - offset];
    }
    return true;
  }

  #beyond(slot: number, end: number): boolean {
    const base = slot * BITMAP_BYTES;
    for (let unit = (end + UNIT_BYTES - 1) >> 3; unit < BITMAP_BYTES << 3; unit++) {
      if ((this.#bitmap[base + (unit >> 3)] & (1 << (unit & 7))) !== 0) return true;
    }
    // A last fragment that ends inside a unit that came whole would cut it.
    const inside = end & (UNIT_BYTES - 1);
    const unit = end >> 3;
    return inside !== 0 && (this.#bitmap[base + (unit >> 3)] & (1 << (unit & 7))) !== 0;
  }

  /** Room for the first `bytes` bytes of the datagram. */
  #reserve(slot: number, bytes: number): boolean {
    const capacity = this.#capacity[slot];
    if (bytes <= capacity) return true;
    let wanted = capacity === 0 ? CAPACITY_MIN : capacity;
    while (wanted < bytes) wanted <<= 1;
    const address = this.#slabs.alloc(wanted);
    if (address === 0) return false;
    if (capacity !== 0) {
      const held = this.#address[slot];
      this.#u8.copyWithin(address, held, held + capacity);
      this.#slabs.free(held, capacity);
    }
    this.#address[slot] = address;
    this.#capacity[slot] = wanted;
    return true;
  }

  #drop(slot: number, reason: number): void {
    this.#ledger.add(reason, this.#count[slot], this.#bytes[slot]);
    if (this.#capacity[slot] !== 0) this.#slabs.free(this.#address[slot], this.#capacity[slot]);
    this.#version[slot] = 0;
    this.#live--;
  }
}

function viewOf(packet: Packet): number {
  return (packet.networkInterface << 1) | packet.outgoing;
}

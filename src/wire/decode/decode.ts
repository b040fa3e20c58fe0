/**
 * From a frame to the payload of TCP or UDP, in place: IPv4 (RFC 791), IPv6 and its extension headers
 * (RFC 8200), TCP (RFC 9293), UDP (RFC 768), fragments of both. Whatever is not delivered is counted.
 *
 * Nothing here trusts a length: positions in the Packet always lie in the frame, or in the slab of a
 * reassembled datagram, which is valid until the next call. Checksums are not looked at, since captures on
 * a host see packets before the network card writes them.
 */
import type { Limits } from '../../base/limits.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Slabs } from '../../base/slab.ts';
import { reasonNumber } from '../../record/coverage.ts';
import type { Ledger } from '../../record/coverage.ts';
import { Fragments } from './fragments.ts';
import { AT_CUT, AT_MALFORMED, AT_NOT_IP, findNetworkLayer } from './link.ts';
import { LINK_ETHERNET, TRANSPORT_TCP, TRANSPORT_UDP } from './packet.ts';
import type { Packet } from './packet.ts';

/** The Packet is filled. */
export const DECODED = 0;
/** What `decode` answers else; all but KEPT are in the ledger. */
export const UNKNOWN_LINK = 1;
export const NOT_IP = 2;
export const NOT_TRANSPORT = 3;
export const MALFORMED = 4;
export const TRUNCATED = 5;
/** A fragment that waits for others (or was refused, and counted). */
export const KEPT = 6;

/** By answer: its reason in the ledger. */
const REASONS = new Int32Array([
  0,
  reasonNumber('unknown-link'),
  reasonNumber('not-ip'),
  reasonNumber('not-transport'),
  reasonNumber('malformed-frame'),
  reasonNumber('truncated-frame'),
]);

/** Extension headers of one packet that are followed. RFC 8200 has each once, one of them twice. */
export const EXTENSION_HEADERS_MAX = 12;

/** Super-packets end at 512 KiB (GSO_MAX_SIZE of Linux); a capture that states more is wrong. */
const WIRE_BYTES_MAX = 1024 * 1024;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;

const ETHERTYPE_IPV4 = 0x0800;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const EXTENSION_BYTES = 8;
const UDP_BYTES = 8;
const TCP_BYTES = 20;
/** Up to the flags: a snap length of 68 ends there under IPv6, and the rest is not needed. */
const TCP_BYTES_NEEDED = 14;
const IPV4_MORE = 0x2000;
const IPV4_OFFSET = 0x1fff;

export class Decoder {
  readonly #u8: Uint8Array;
  /** Numbers of several bytes in one load, in network order. */
  readonly #view: DataView;
  readonly #ledger: Ledger;
  readonly #fragments: Fragments;
  /** Wire bytes of the frame at hand, for the ledger. */
  #wireBytes = 0;

  constructor(memory: WireMemory, slabs: Slabs, limits: Limits, ledger: Ledger) {
    this.#u8 = memory.u8;
    this.#view = new DataView(memory.memory.buffer);
    this.#ledger = ledger;
    this.#fragments = new Fragments(memory, slabs, limits, ledger);
  }

  /**
   * Decodes the frame [start, end) of link type `link`, `wireBytes` long on the wire. `packet` has its time
   * and interface already. DECODED, or why not.
   */
  decode(packet: Packet, link: number, start: number, end: number, wireBytes: number): number {
    if (this.#fragments.start !== 0) this.#fragments.release();
    const captured = end - start;
    const onWire = wireBytes > captured && wireBytes <= WIRE_BYTES_MAX ? wireBytes : captured;
    this.#wireBytes = onWire;
    const u8 = this.#u8;
    if (
      link === LINK_ETHERNET &&
      captured > 14 &&
      this.#view.getUint16(start + 12) === ETHERTYPE_IPV4 &&
      u8[start + 14] >> 4 === 4
    ) {
      return this.#ipv4(packet, start + 14, end, start + onWire);
    }
    const at = findNetworkLayer(u8, packet, link, start, end);
    if (at < 0) {
      if (at === AT_NOT_IP) return this.#refuse(NOT_IP);
      if (at === AT_CUT) return this.#refuse(onWire > captured || captured === 0 ? TRUNCATED : MALFORMED);
      return this.#refuse(at === AT_MALFORMED ? MALFORMED : UNKNOWN_LINK);
    }
    if (at >= end) return this.#cut(at, start + onWire, 1);
    const version = u8[at] >> 4;
    if (version === 4) return this.#ipv4(packet, at, end, start + onWire);
    if (version === 6) return this.#ipv6(packet, at, end, start + onWire);
    return this.#refuse(MALFORMED);
  }

  /** Once a second of packet time: gives up datagrams whose fragments did not come. */
  tick(seconds: number): void {
    this.#fragments.expire(seconds);
  }

  /** The capture is over: counts the datagrams that are not whole. */
  finish(): void {
    this.#fragments.release();
    this.#fragments.finish();
  }

  /** `wireEnd` is where the frame ended on the wire; [at, end) is what was captured. */
  #ipv4(packet: Packet, at: number, end: number, wireEnd: number): number {
    if (end - at < IPV4_BYTES) return this.#cut(at, wireEnd, IPV4_BYTES);
    const view = this.#view;
    const first = view.getInt32(at);
    const second = view.getInt32(at + 4);
    const headerBytes = ((first >>> 24) & 15) << 2;
    let totalBytes = first & 0xffff;
    // Super-packets that do not fit the field have 0 there (BIG TCP, segmentation offload).
    if (totalBytes === 0) totalBytes = wireEnd - at;
    if (headerBytes < IPV4_BYTES || totalBytes < headerBytes) return this.#refuse(MALFORMED);
    packet.version = 4;
    packet.sourceAt = at + 12;
    packet.targetAt = at + 16;
    packet.addressBytes = 4;
    packet.ipId = second >>> 16;
    const protocol = this.#u8[at + 9];
    const payloadAt = at + headerBytes;
    // The IP length rules: behind it are padding and the trailer of the link.
    const packetEnd = at + totalBytes;
    const capturedEnd = packetEnd < end ? packetEnd : end;
    const fragment = second & 0xffff;
    if ((fragment & (IPV4_MORE | IPV4_OFFSET)) !== 0) {
      const offset = (fragment & IPV4_OFFSET) << 3;
      const more = fragment & IPV4_MORE;
      return this.#fragment(packet, packet.ipId, protocol, payloadAt, capturedEnd, packetEnd, offset, more);
    }
    if (protocol === TRANSPORT_TCP) return this.#tcp(packet, payloadAt, capturedEnd, packetEnd);
    return this.#protocol(packet, protocol, payloadAt, capturedEnd, packetEnd, true);
  }

  #ipv6(packet: Packet, at: number, end: number, wireEnd: number): number {
    if (end - at < IPV6_BYTES) return this.#cut(at, wireEnd, IPV6_BYTES);
    const u8 = this.#u8;
    packet.version = 6;
    packet.sourceAt = at + 8;
    packet.targetAt = at + 24;
    packet.addressBytes = 16;
    packet.ipId = 0;
    const bytes = (u8[at + 4] << 8) | u8[at + 5];
    const payloadAt = at + IPV6_BYTES;
    // 0 is a jumbogram (RFC 2675) or a super-packet: an option says how long, and the frame does too.
    const packetEnd = bytes === 0 ? wireEnd : payloadAt + bytes;
    const capturedEnd = packetEnd < end ? packetEnd : end;
    return this.#protocol(packet, u8[at + 6], payloadAt, capturedEnd, packetEnd, true);
  }

  /**
   * Follows the headers between IP and the transport. `whole` is false in a datagram that fragments made:
   * another fragment header there is an attack.
   */
  #protocol(
    packet: Packet,
    first: number,
    from: number,
    end: number,
    wireEnd: number,
    whole: boolean,
  ): number {
    const u8 = this.#u8;
    let protocol = first;
    let at = from;
    for (let headers = 0; headers <= EXTENSION_HEADERS_MAX; headers++) {
      if (protocol === TRANSPORT_TCP) return this.#tcp(packet, at, end, wireEnd);
      if (protocol === TRANSPORT_UDP) return this.#udp(packet, at, end, wireEnd);
      if (protocol !== AUTHENTICATION && (packet.version === 4 || !isExtension(protocol))) {
        return this.#refuse(NOT_TRANSPORT);
      }
      if (end - at < EXTENSION_BYTES) return this.#cut(at, wireEnd, EXTENSION_BYTES);
      const next = u8[at];
      if (protocol === FRAGMENT) {
        if (!whole) return this.#refuse(MALFORMED);
        const offset = ((u8[at + 2] << 8) | u8[at + 3]) & 0xfff8;
        const more = u8[at + 3] & 1;
        // An atomic fragment is the whole datagram (RFC 6946).
        if (offset !== 0 || more !== 0) {
          const id = (u8[at + 4] << 24) | (u8[at + 5] << 16) | (u8[at + 6] << 8) | u8[at + 7];
          return this.#fragment(packet, id, next, at + EXTENSION_BYTES, end, wireEnd, offset, more);
        }
        at += EXTENSION_BYTES;
      } else {
        at += protocol === AUTHENTICATION ? (u8[at + 1] + 2) << 2 : (u8[at + 1] + 1) << 3;
      }
      protocol = next;
    }
    return this.#refuse(MALFORMED);
  }

  #tcp(packet: Packet, at: number, end: number, wireEnd: number): number {
    if (end - at < TCP_BYTES_NEEDED) return this.#cut(at, wireEnd, TCP_BYTES);
    const view = this.#view;
    const ports = view.getInt32(at);
    const offsetAndFlags = view.getUint16(at + 12);
    const payloadAt = at + ((offsetAndFlags >> 12) << 2);
    if (payloadAt < at + TCP_BYTES || payloadAt > wireEnd) return this.#refuse(MALFORMED);
    packet.transport = TRANSPORT_TCP;
    packet.sourcePort = ports >>> 16;
    packet.targetPort = ports & 0xffff;
    packet.sequence = view.getInt32(at + 4);
    packet.acknowledgement = view.getInt32(at + 8);
    packet.flags = offsetAndFlags & 0xff;
    packet.payloadStart = payloadAt < end ? payloadAt : end;
    packet.payloadEnd = end;
    packet.payloadBytes = wireEnd - payloadAt;
    if (wireEnd > end) this.#ledger.add(REASONS[TRUNCATED], 1, wireEnd - end);
    return DECODED;
  }

  #udp(packet: Packet, at: number, end: number, wireEnd: number): number {
    if (end - at < UDP_BYTES) return this.#cut(at, wireEnd, UDP_BYTES);
    const u8 = this.#u8;
    let bytes = (u8[at + 4] << 8) | u8[at + 5];
    // 0 is a jumbogram (RFC 2675, section 4).
    if (bytes === 0) bytes = wireEnd - at;
    if (bytes < UDP_BYTES) return this.#refuse(MALFORMED);
    const datagramEnd = at + bytes;
    const payloadEnd = datagramEnd < end ? datagramEnd : end;
    packet.transport = TRANSPORT_UDP;
    packet.sourcePort = (u8[at] << 8) | u8[at + 1];
    packet.targetPort = (u8[at + 2] << 8) | u8[at + 3];
    packet.sequence = 0;
    packet.acknowledgement = 0;
    packet.flags = 0;
    packet.payloadStart = at + UDP_BYTES;
    packet.payloadEnd = payloadEnd;
    packet.payloadBytes = bytes - UDP_BYTES;
    // A datagram longer than its packet says so by payloadBytes, as one that the snap length cut.
    if (datagramEnd > payloadEnd) this.#ledger.add(REASONS[TRUNCATED], 1, datagramEnd - payloadEnd);
    return DECODED;
  }

  #fragment(
    packet: Packet,
    id: number,
    protocol: number,
    at: number,
    end: number,
    wireEnd: number,
    offset: number,
    more: number,
  ): number {
    // A fragment cut by the snap length cannot make its datagram whole.
    if (wireEnd > end) return this.#refuse(TRUNCATED);
    if (!this.#fragments.add(packet, id, protocol, at, end, offset, more)) return KEPT;
    const made = this.#fragments;
    return this.#protocol(packet, made.protocol, made.start, made.end, made.end, false);
  }

  /** The capture ends within the `bytes` bytes that a header at `at` needs; so did the frame, or not. */
  #cut(at: number, wireEnd: number, bytes: number): number {
    return this.#refuse(wireEnd - at < bytes ? MALFORMED : TRUNCATED);
  }

  #refuse(answer: number): number {
    this.#ledger.add(REASONS[answer], 1, this.#wireBytes);
    return answer;
  }
}

/** Those that a transport may follow; behind the mobility header, for one, nothing comes (RFC 6275). */
function isExtension(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === FRAGMENT || protocol === DESTINATION;
}

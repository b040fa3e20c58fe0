/**
 * Reads one retired block of a TPACKET_V3 ring, https://docs.kernel.org/networking/packet_mmap.html: a block
 * header, then frames of any length, each a tpacket3_hdr and a sockaddr_ll before the bytes. All offsets are
 * those of <linux/if_packet.h>, in 32-bit words; little-endian machines only, as all that Node runs on.
 *
 * A VLAN tag never lies in the bytes: the kernel takes it off and keeps it beside them. Frames are delivered
 * without it and decode as they are, since addresses and ports decide; how many had one is counted.
 */
import { LINK_ETHERNET, LINK_RAW } from '../decode/packet.ts';
import type { FrameSink } from './frame-sink.ts';

/** Block header: who owns it. Bit 0 set: we do. */
export const BLOCK_STATUS = 2;
export const BLOCK_IS_OURS = 1;
const BLOCK_PACKETS = 3;
const BLOCK_FIRST = 4;
/** Bytes of the block in use, header included. */
export const BLOCK_BYTES_USED = 5;

const FRAME_NEXT = 0;
const FRAME_SECONDS = 1;
const FRAME_NANOS = 2;
const FRAME_CAPTURED = 3;
const FRAME_WIRE = 4;
const FRAME_STATUS = 5;
const FRAME_OFFSETS = 6; // tp_mac, tp_net: 16 bits each
const ADDRESS_PROTOCOL = 12; // sockaddr_ll: family, protocol in network order
const ADDRESS_INTERFACE = 13;
const ADDRESS_KIND = 14; // hatype (16 bits), packet type (8)

const STATUS_VLAN = 1 << 4; // TP_STATUS_VLAN_VALID
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const PACKET_OUTGOING = 4;
const PROTOCOL_IPV4 = 0x0008; // 0x0800 and 0x86dd, read as little-endian
const PROTOCOL_IPV6 = 0xdd86;

/** Delivered for frames that are neither Ethernet nor IP at once (802.11, InfiniBand): no link we read. */
export const LINK_UNREADABLE = -1;

/** Index in `tally`: frames whose VLAN tag was taken off. */
export const TALLY_VLAN = 0;
/** Index in `tally`: frames that left by loopback, whose other half is delivered. */
export const TALLY_LOOPBACK = 1;

/** Delivers the frames of the block at `block` (in the worker's memory); answers how many. */
export function readBlock(i32: Int32Array, block: number, sink: FrameSink, tally: Float64Array): number {
  const header = block >> 2;
  let delivered = 0;
  let at = block + i32[header + BLOCK_FIRST];
  for (let left = i32[header + BLOCK_PACKETS]; left > 0; left--) {
    const word = at >> 2;
    const kind = i32[word + ADDRESS_KIND];
    const hardware = kind & 0xffff;
    const outgoing = ((kind >>> 16) & 0xff) === PACKET_OUTGOING ? 1 : 0;
    if (outgoing === 1 && hardware === ARPHRD_LOOPBACK) {
      tally[TALLY_LOOPBACK]++;
    } else {
      const offsets = i32[word + FRAME_OFFSETS];
      const begin = offsets & 0xffff;
      let start = at + begin;
      const end = start + i32[word + FRAME_CAPTURED];
      let wireBytes = i32[word + FRAME_WIRE];
      let link = LINK_ETHERNET;
      if (hardware !== ARPHRD_ETHER && hardware !== ARPHRD_LOOPBACK) {
        const protocol = i32[word + ADDRESS_PROTOCOL] >>> 16;
        link = protocol === PROTOCOL_IPV4 || protocol === PROTOCOL_IPV6 ? LINK_RAW : LINK_UNREADABLE;
        // Whatever this device puts before it (tun, ppp, sit, wireguard): the packet itself begins here.
        const skip = Math.min((offsets >>> 16) - begin, end - start);
        start += skip;
        wireBytes -= skip;
      }
      if ((i32[word + FRAME_STATUS] & STATUS_VLAN) !== 0) tally[TALLY_VLAN]++;
      const seconds = i32[word + FRAME_SECONDS] >>> 0;
      const networkInterface = i32[word + ADDRESS_INTERFACE];
      sink.frame(link, start, end, wireBytes, seconds, i32[word + FRAME_NANOS], networkInterface, outgoing);
      delivered++;
    }
    at += i32[word + FRAME_NEXT];
  }
  return delivered;
}

/**
 * From a frame to its IP header: Ethernet with VLAN tags, Linux cooked captures, loopback, PPP, MPLS, raw.
 * Numbers: https://www.tcpdump.org/linktypes.html, https://www.iana.org/assignments/ieee-802-numbers.
 *
 * The answer is the position of the IP header, or one of the negative codes. Which version it is, the header
 * itself tells: a wrong type beside a right header does not cost us the packet.
 */
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW,
} from './packet.ts';
import type { Packet } from './packet.ts';

/** Neither IPv4 nor IPv6. */
export const AT_NOT_IP = -1;
/** The frame ends inside its link header. */
export const AT_CUT = -2;
export const AT_UNKNOWN_LINK = -3;
export const AT_MALFORMED = -4;

/** Raw IP as two BSDs number it; files written there carry these. */
const LINK_RAW_BSD = 12;
const LINK_RAW_OPENBSD = 14;
const LINK_PPP = 9;
const LINK_PPP_HDLC = 50;
const LINK_CISCO_HDLC = 104;
const LINK_NFLOG = 239;

/** Attributes of an NFLOG packet: https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html */
const NFLOG_HEADER_BYTES = 4;
const NFLOG_IN = 4;
const NFLOG_OUT = 5;
const NFLOG_PAYLOAD = 9;
/** More attributes than the kernel has kinds of. */
const NFLOG_ATTRIBUTES_MAX = 32;

/** Tags or labels of one frame that are followed. Providers stack two or three; more is an attack. */
export const TAGS_MAX = 8;

const TYPE_IPV4 = 0x0800;
const TYPE_IPV6 = 0x86dd;
const TYPE_VLAN = 0x8100;
const TYPE_QINQ = 0x88a8;
const TYPE_QINQ_OLD = 0x9100;
const TYPE_MPLS = 0x8847;
const TYPE_MPLS_MULTICAST = 0x8848;
const TYPE_PPPOE_SESSION = 0x8864;
/** Linux gives 802.2 frames of cooked captures this type. */
const TYPE_LINUX_LLC = 4;
/** Below this the field is a length and an LLC header follows (IEEE 802.3, 3.2.6). */
const TYPE_MIN = 0x0600;
/** LLC (3 bytes), organisation (3), EtherType (2). */
const SNAP_BYTES = 8;

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
const PPP_MPLS = 0x0281;

const COOKED_OUTGOING = 4;
/** Interface numbers stay small integers. */
const INTERFACE_MASK = 0x3fff_ffff;

/** Whether frames of this link type are read at all. */
export function isKnownLink(link: number): boolean {
  switch (link) {
    case LINK_ETHERNET:
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_NULL:
    case LINK_LOOP:
    case LINK_LINUX_SLL:
    case LINK_LINUX_SLL2:
    case LINK_PPP:
    case LINK_PPP_HDLC:
    case LINK_CISCO_HDLC:
    case LINK_NFLOG:
      return true;
    default:
      return false;
  }
}

/**
 * Position of the IP header of the frame [start, end), or a negative code. Cooked captures know more than
 * the source that delivered them: they set `outgoing`, and version 2 `networkInterface`, of `packet`.
 */
export function findNetworkLayer(
  u8: Uint8Array,
  packet: Packet,
  link: number,
  start: number,
  end: number,
): number {
  switch (link) {
    case LINK_ETHERNET:
      if (end - start < 14) return AT_CUT;
      return byType(u8, (u8[start + 12] << 8) | u8[start + 13], start + 14, end);
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_IPV4:
    case LINK_IPV6:
      return start;
    case LINK_NULL:
    case LINK_LOOP:
      return loopback(u8, start, end);
    case LINK_LINUX_SLL:
      if (end - start < 16) return AT_CUT;
      if (((u8[start] << 8) | u8[start + 1]) === COOKED_OUTGOING) packet.outgoing = 1;
      return byType(u8, (u8[start + 14] << 8) | u8[start + 15], start + 16, end);
    case LINK_LINUX_SLL2:
      if (end - start < 20) return AT_CUT;
      if (u8[start + 10] === COOKED_OUTGOING) packet.outgoing = 1;
      packet.networkInterface =
        ((u8[start + 4] << 24) | (u8[start + 5] << 16) | (u8[start + 6] << 8) | u8[start + 7]) &
        INTERFACE_MASK;
      return byType(u8, (u8[start] << 8) | u8[start + 1], start + 20, end);
    case LINK_PPP:
    case LINK_PPP_HDLC:
      return ppp(u8, start, end);
    case LINK_CISCO_HDLC:
      if (end - start < 4) return AT_CUT;
      return byType(u8, (u8[start + 2] << 8) | u8[start + 3], start + 4, end);
    case LINK_NFLOG:
      return nflog(u8, packet, start, end);
    default:
      return AT_UNKNOWN_LINK;
  }
}

/** Follows an EtherType and whatever it wraps; `at` is the byte after it. */
function byType(u8: Uint8Array, first: number, from: number, end: number): number {
  let type = first;
  let at = from;
  for (let tags = 0; tags <= TAGS_MAX; tags++) {
    switch (type) {
      case TYPE_IPV4:
      case TYPE_IPV6:
        return at;
      case TYPE_VLAN:
      case TYPE_QINQ:
      case TYPE_QINQ_OLD:
        if (end - at < 4) return AT_CUT;
        type = (u8[at + 2] << 8) | u8[at + 3];
        at += 4;
        break;
      case TYPE_PPPOE_SESSION:
        // Version, code, session, length; then PPP without address and control (RFC 2516, section 4).
        if (end - at < 6) return AT_CUT;
        return ppp(u8, at + 6, end);
      case TYPE_MPLS:
      case TYPE_MPLS_MULTICAST:
        return mpls(u8, at, end);
      default:
        // Below TYPE_MIN it is a length (or Linux's type 4), and LLC follows. LLC with SNAP of
        // organisation 0 carries an EtherType (RFC 1042).
        if (type >= TYPE_MIN || (type < SNAP_BYTES && type !== TYPE_LINUX_LLC)) return AT_NOT_IP;
        if (end - at < SNAP_BYTES) return AT_CUT;
        if (u8[at] !== 0xaa || u8[at + 1] !== 0xaa || u8[at + 2] !== 3) return AT_NOT_IP;
        if ((u8[at + 3] | u8[at + 4] | u8[at + 5]) !== 0) return AT_NOT_IP;
        type = (u8[at + 6] << 8) | u8[at + 7];
        at += SNAP_BYTES;
        break;
    }
  }
  return AT_MALFORMED;
}

/** The address family, in the order of the host that captured (NULL) or of the network (LOOP). */
function loopback(u8: Uint8Array, start: number, end: number): number {
  if (end - start < 4) return AT_CUT;
  const family = u8[start] !== 0 || u8[start + 1] !== 0 ? u8[start] : u8[start + 3];
  switch (family) {
    case 2: // AF_INET everywhere
    case 10: // AF_INET6 of Linux
    case 24: // … of NetBSD and OpenBSD
    case 28: // … of FreeBSD
    case 30: // … of macOS
      return start + 4;
    default:
      return AT_NOT_IP;
  }
}

/**
 * Attributes with lengths in the order of the host that captured; big-endian ones are not told apart, and not
 * read. The payload is IP, and the interfaces tell the copies apart that several rules log.
 */
function nflog(u8: Uint8Array, packet: Packet, start: number, end: number): number {
  let at = start + NFLOG_HEADER_BYTES;
  for (let attributes = 0; attributes < NFLOG_ATTRIBUTES_MAX; attributes++) {
    if (end - at < 4) return AT_CUT;
    const length = u8[at] | (u8[at + 1] << 8);
    const type = (u8[at + 2] | (u8[at + 3] << 8)) & 0x7fff;
    if (length < 4) return AT_MALFORMED;
    if (type === NFLOG_PAYLOAD) return at + 4;
    if ((type === NFLOG_IN || type === NFLOG_OUT) && length === 8 && end - at >= 8) {
      const index = (u8[at + 4] << 24) | (u8[at + 5] << 16) | (u8[at + 6] << 8) | u8[at + 7];
      packet.networkInterface = index & INTERFACE_MASK;
      packet.outgoing = type === NFLOG_OUT ? 1 : 0;
    }
    at += (length + 3) & ~3;
  }
  return AT_MALFORMED;
}

/** PPP (RFC 1661, RFC 1662): address and control may be left out, the protocol be one byte. */
function ppp(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  if (end - at < 2) return AT_CUT;
  if (u8[at] === 0xff && u8[at + 1] === 3) at += 2;
  if (end - at < 2) return AT_CUT;
  let protocol = u8[at++];
  // The low bit tells the last byte of the number.
  if ((protocol & 1) === 0) protocol = (protocol << 8) | u8[at++];
  if (protocol === PPP_IPV4 || protocol === PPP_IPV6) return at;
  return protocol === PPP_MPLS ? mpls(u8, at, end) : AT_NOT_IP;
}

/** Labels to the bottom of the stack (RFC 3032); what follows says by its first bits whether it is IP. */
function mpls(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let labels = 0; labels < TAGS_MAX; labels++) {
    if (end - at < 4) return AT_CUT;
    const bottom = u8[at + 2] & 1;
    at += 4;
    if (bottom === 0) continue;
    if (at >= end) return AT_CUT;
    const version = u8[at] >> 4;
    return version === 4 || version === 6 ? at : AT_NOT_IP;
  }
  return AT_MALFORMED;
}

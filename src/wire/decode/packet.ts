/**
 * What `decode` learns of one frame: positions in the worker's memory and numbers. There is one Packet per
 * worker, written anew for each frame; nothing keeps a reference to it.
 */
export class Packet {
  /** When, from the capture: seconds since 1970 and nanoseconds of that second. */
  seconds = 0;
  nanos = 0;
  /** Which capture interface saw it (a small number of the source's), and whether this host sent it there. */
  networkInterface = 0;
  outgoing = 0;

  /** 4 or 6. */
  version = 0;
  /** Where the addresses lie; `addressBytes` (4 or 16) bytes each. */
  sourceAt = 0;
  targetAt = 0;
  addressBytes = 0;
  /** IP identification of an IPv4 packet, else 0: copies of one packet share it. */
  ipId = 0;

  /** TRANSPORT_TCP or TRANSPORT_UDP. */
  transport = 0;
  sourcePort = 0;
  targetPort = 0;
  /** TCP only; sequence numbers as signed 32-bit integers: compare by `(a - b) | 0`. */
  sequence = 0;
  acknowledgement = 0;
  flags = 0;

  /** The transport's payload: [payloadStart, payloadEnd) is in memory; on the wire it had `payloadBytes`. */
  payloadStart = 0;
  payloadEnd = 0;
  payloadBytes = 0;
}

export const TRANSPORT_TCP = 6;
export const TRANSPORT_UDP = 17;

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;

/** Link types of a frame, as numbered at https://www.tcpdump.org/linktypes.html. */
export const LINK_NULL = 0;
export const LINK_ETHERNET = 1;
export const LINK_RAW = 101;
export const LINK_LOOP = 108;
export const LINK_LINUX_SLL = 113;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;
export const LINK_LINUX_SLL2 = 276;

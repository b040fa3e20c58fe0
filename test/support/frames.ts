/**
 * Builds frames for tests: Ethernet, IPv4 or IPv6, TCP or UDP, with lengths that fit unless told otherwise.
 * Checksums are 0, as on a host whose network card writes them.
 */
export interface IpOptions {
  /** Addresses as text; both of one version. */
  readonly source?: string;
  readonly target?: string;
  /** IPv4 identification. */
  readonly id?: number;
  /** Bytes of IPv4 options, a multiple of 4. */
  readonly ipOptions?: Uint8Array;
  /** IPv6 extension headers before the transport: the number of each and its bytes (see `extension`). */
  readonly extensions?: readonly (readonly [number, Uint8Array])[];
  /** The IP length field, where it is not to be true (0 for super-packets). */
  readonly ipBytes?: number;
  /** VLAN tags, outermost first: [type, id]. */
  readonly vlans?: readonly (readonly [number, number])[];
  /** Bytes behind the packet: padding, frame check sequence. */
  readonly trailer?: number;
}

export interface TcpOptions extends IpOptions {
  readonly sourcePort?: number;
  readonly targetPort?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** TCP_* bits; ACK alone unless told. */
  readonly flags?: number;
  /** Bytes of TCP options, a multiple of 4. */
  readonly tcpOptions?: Uint8Array;
  readonly payload?: Uint8Array | string;
}

export interface UdpOptions extends IpOptions {
  readonly sourcePort?: number;
  readonly targetPort?: number;
  /** The UDP length field, where it is not to be true. */
  readonly udpBytes?: number;
  readonly payload?: Uint8Array | string;
}

/** An Ethernet frame with a TCP segment. */
export function tcpFrame(options: TcpOptions = {}): Uint8Array {
  return ethernet(ipPacket(options, 6, tcpSegment(options)), options);
}

/** An Ethernet frame with a UDP datagram. */
export function udpFrame(options: UdpOptions = {}): Uint8Array {
  return ethernet(ipPacket(options, 17, udpDatagram(options)), options);
}

export function tcpSegment(options: TcpOptions = {}): Uint8Array {
  const extra = options.tcpOptions ?? new Uint8Array(0);
  return concat(
    u16(options.sourcePort ?? 40_000),
    u16(options.targetPort ?? 80),
    u32(options.sequence ?? 1000),
    u32(options.acknowledgement ?? 2000),
    Uint8Array.of(((20 + extra.length) / 4) << 4, options.flags ?? 16, 0xff, 0xff, 0, 0, 0, 0),
    extra,
    toBytes(options.payload),
  );
}

export function udpDatagram(options: UdpOptions = {}): Uint8Array {
  const payload = toBytes(options.payload);
  return concat(
    u16(options.sourcePort ?? 40_000),
    u16(options.targetPort ?? 53),
    u16(options.udpBytes ?? 8 + payload.length),
    u16(0),
    payload,
  );
}

/** An IP packet of `protocol` around `payload`; IPv6 when the addresses are. */
export function ipPacket(
  options: IpOptions,
  protocol: number,
  payload: Uint8Array,
  fragment = 0,
): Uint8Array {
  const source = addressBytes(options.source ?? '10.0.0.1');
  const target = addressBytes(options.target ?? '10.0.0.2');
  if (source.length === 4) {
    const extra = options.ipOptions ?? new Uint8Array(0);
    const headerBytes = 20 + extra.length;
    return concat(
      Uint8Array.of(0x40 | (headerBytes / 4), 0),
      u16(options.ipBytes ?? headerBytes + payload.length),
      u16(options.id ?? 1),
      u16(fragment),
      Uint8Array.of(64, protocol, 0, 0),
      source,
      target,
      extra,
      payload,
    );
  }
  const extensions = options.extensions ?? [];
  const numbers = [...extensions.map(([number]) => number), protocol];
  const body = concat(
    ...extensions.map(([, bytes], index) => concat(Uint8Array.of(numbers[index + 1]), bytes.subarray(1))),
    payload,
  );
  return concat(
    Uint8Array.of(0x60, 0, 0, 0),
    u16(options.ipBytes ?? body.length),
    Uint8Array.of(numbers[0], 64),
    source,
    target,
    body,
  );
}

/**
 * Cuts the payload of an IPv4 packet into fragments of at most `bytes` bytes (a multiple of 8) and answers
 * their Ethernet frames in order.
 */
export function fragments4(
  options: IpOptions,
  protocol: number,
  payload: Uint8Array,
  bytes: number,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += bytes) {
    const more = at + bytes < payload.length ? 0x2000 : 0;
    const piece = payload.subarray(at, at + bytes);
    frames.push(ethernet(ipPacket(options, protocol, piece, more | (at >> 3)), options));
  }
  return frames;
}

/** The same for IPv6, with `id` in the fragment header. */
export function fragments6(
  options: IpOptions,
  protocol: number,
  payload: Uint8Array,
  bytes: number,
  id = 7,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += bytes) {
    const more = at + bytes < payload.length ? 1 : 0;
    const header = concat(Uint8Array.of(0, 0), u16(at | more), u32(id));
    const extensions = [...(options.extensions ?? []), [44, header] as const];
    const piece = payload.subarray(at, at + bytes);
    frames.push(ethernet(ipPacket({ ...options, extensions }, protocol, piece), options));
  }
  return frames;
}

/** An empty IPv6 extension header of `bytes` bytes (a multiple of 8); its first byte is filled later. */
export function extension(bytes = 8): Uint8Array {
  const header = new Uint8Array(bytes);
  header[1] = bytes / 8 - 1;
  return header;
}

/** An Ethernet frame around an IP packet. */
export function ethernet(packet: Uint8Array, options: IpOptions = {}): Uint8Array {
  const type = packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
  const tags = (options.vlans ?? []).map(([tag, id]) => concat(u16(tag), u16(id)));
  const hosts = Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);
  return concat(hosts, ...tags, u16(type), packet, new Uint8Array(options.trailer ?? 0));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function toBytes(payload: Uint8Array | string | undefined): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : (payload ?? new Uint8Array(0));
}

/** `10.0.0.1` or `fd00::1` as 4 or 16 bytes. */
export function addressBytes(text: string): Uint8Array {
  if (!text.includes(':')) return Uint8Array.from(text.split('.'), Number);
  const [before, after] = text.split('::');
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const head = groups(before);
  const tail = groups(after);
  const zeros = after === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return concat(...[...head, ...zeros, ...tail].map(u16));
}

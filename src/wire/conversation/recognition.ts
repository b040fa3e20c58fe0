/**
 * Which protocol a connection speaks, and who is its client: by the content of both sides, never by the
 * port alone. Ports only say which protocol is asked first.
 */
import { TRANSPORT_UDP } from '../decode/packet.ts';
import {
  MAYBE,
  NO,
  SURE,
  type Guess,
  type Protocol,
  type Side,
  type WireContext,
} from '../protocols/protocol.ts';
import { CONNECTION_CLIENT_SURE, R_CLIENT, R_FLAGS, R_KIND, R_PORTS } from '../reassembly/row.ts';

/** Nothing that we know. */
export const GUESS_NONE = -1;
/** Not certain yet: more bytes, or the other side's, will tell. */
export const GUESS_WAIT = -2;
/** TLS records. */
export const GUESS_TLS = -3;

/** What is enough: something sure, the only one that could be, or (nothing more comes) the first of those. */
export type Enough = 0 | 1 | 2;
export const SURE_ONLY: Enough = 0;
export const ONLY_ONE: Enough = 1;
export const FIRST_OF_ALL: Enough = 2;

/**
 * What could be is believed of both sides only where each has so many bytes: two or three could be
 * anything's, a greeting of SOCKS is also the length of a DNS message. The shortest answer of Redis has as
 * many.
 */
const EVIDENCE_BYTES_MIN = 4;

/**
 * Looks at the bytes [start, end) of `direction`, and those of the other direction if any (otherStart > 0).
 * Returns protocol * 2 + direction of the client, or GUESS_….
 */
export function guess(
  context: WireContext,
  protocols: readonly Protocol[],
  at: number,
  direction: number,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
  enough: Enough,
): number {
  const i32 = context.i32;
  const udp = i32[at + R_KIND] >> 8 === TRANSPORT_UDP;
  if (!udp && isTls(context.u8, start, end)) return GUESS_TLS;
  const known = (i32[at + R_FLAGS] & CONNECTION_CLIENT_SURE) !== 0;
  const ports = i32[at + R_PORTS];
  const evidence = Math.min(end - start, otherEnd - otherStart) >= EVIDENCE_BYTES_MIN;
  let maybe = GUESS_NONE;
  let turned = GUESS_NONE;
  for (let pass = 0; pass < 2; pass++) {
    for (let index = 0; index < protocols.length; index++) {
      const protocol = protocols[index];
      if (protocol.transport !== 'both' && (protocol.transport === 'udp') !== udp) continue;
      if (usesPort(protocol, ports) !== (pass === 0)) continue;
      for (let client = 0; client < 2; client++) {
        const isTurned = known && i32[at + R_CLIENT] !== client;
        const side = client === direction ? 0 : 1;
        const here = protocol.recognise(context, start, end, side);
        if (here === NO) continue;
        let there: Guess = MAYBE;
        if (otherEnd > otherStart) {
          there = protocol.recognise(context, otherStart, otherEnd, (1 - side) as Side);
          if (there === NO) continue;
        }
        const choice = index * 2 + client;
        if (isTurned) {
          if (here === SURE && turned === GUESS_NONE) turned = choice;
          continue;
        }
        if (here === SURE || there === SURE) return choice;
        if (enough === SURE_ONLY || (enough === FIRST_OF_ALL && maybe >= 0)) continue;
        // Two that could be: a port must not decide between them.
        const alone = evidence && (maybe === GUESS_NONE || enough === FIRST_OF_ALL);
        maybe = alone ? choice : GUESS_WAIT;
      }
    }
  }
  // Who opened a connection is asked through it where a tunnel leads back: only if nothing else fits.
  return maybe === GUESS_NONE ? turned : maybe;
}

function usesPort(protocol: Protocol, ports: number): boolean {
  for (let k = 0; k < protocol.ports.length; k++) {
    const port = protocol.ports[k];
    if (port === (ports & 0xffff) || port === ports >>> 16) return true;
  }
  return false;
}

/** A TLS record: handshake, version 3.x (RFC 8446, section 5.1), and a length that a record can have. */
function isTls(u8: Uint8Array, start: number, end: number): boolean {
  if (end - start < 6) return false;
  const length = (u8[start + 3] << 8) | u8[start + 4];
  return (
    u8[start] === 0x16 &&
    u8[start + 1] === 3 &&
    u8[start + 2] <= 4 &&
    length > 0 &&
    length <= 16_640 &&
    (u8[start + 5] === 1 || u8[start + 5] === 2)
  );
}

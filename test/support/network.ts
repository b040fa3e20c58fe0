/** What a network and a capture do to segments on their way to an observer, by a seed. */
import { TCP_SYN } from '../../src/wire/decode/packet.ts';
import type { Segment } from './dialogue.ts';
import type { Random } from './random.ts';

/** Segments that were lost on the way come again so many segments of all connections later. */
const AGAIN_MAX = 30;
const DISPLACED_MAX = 20;
/** Queues of a capture bring datagrams out of order by milliseconds, not more. */
const DATAGRAM_DISPLACED_MAX = 4;
const DATAGRAM_DISPLACED_NS = 4e6;
/** A beginning that comes after the first answers cannot be told from none. */
const SYN_DISPLACED_MAX = 2;

/** Everything is seen at least once: displaced, repeated, repeated in other pieces, lost and sent again. */
export function disturb(segments: readonly Segment[], random: Random, percent: number): Segment[] {
  const places: [place: number, segment: Segment][] = [];
  const lastOf = new Map(segments.map((segment, index) => [segment.client.port, index]));
  for (const [index, segment] of segments.entries()) {
    const last = (lastOf.get(segment.client.port) ?? index) + 0.25;
    const hit = random.below(1000) < percent * 10;
    // Nothing comes again once the connection is over.
    const later = Math.min(index + 1 + random.below(AGAIN_MAX) + 0.5, last);
    const again = { ...segment, ipId: 30_000 + random.below(30_000) };
    if (!hit || segment.udp || (segment.flags & TCP_SYN) !== 0) {
      const near =
        nanosBetween(segment, segments[index + DATAGRAM_DISPLACED_MAX + 1]) < DATAGRAM_DISPLACED_NS;
      const tcp = (segment.flags & TCP_SYN) === 0 ? DISPLACED_MAX : SYN_DISPLACED_MAX;
      const most = segment.udp ? (near ? DATAGRAM_DISPLACED_MAX : 0) : tcp;
      const displaced = random.below(1000) < percent * 10 && most > 0 ? 1 + random.below(most) + 0.5 : 0;
      places.push([index + displaced, segment]);
      continue;
    }
    const kind = random.below(3);
    // Lost between sender and observer: only the second one is seen.
    if (kind === 0) places.push([later, again]);
    else {
      places.push([index, segment]);
      if (kind === 1) places.push([later, again]);
      else for (const piece of pieces(again, random)) places.push([later, piece]);
    }
  }
  const moved = places.toSorted((a, b) => a[0] - b[0]).map(([, segment]) => segment);
  // The capture's clock: what comes late has the time of its place, not of when it was made.
  let before = moved[0];
  return moved.map((segment) => {
    if (nanosBetween(before, segment) >= 0) before = segment;
    return { ...segment, seconds: before.seconds ?? 0, nanos: before.nanos ?? 0 };
  });
}

/** An observer that misses packets. */
export function lose(segments: readonly Segment[], random: Random, percent: number): Segment[] {
  return segments.filter(() => random.below(1000) >= percent * 10);
}

function nanosBetween(one: Segment, other: Segment | undefined): number {
  if (other === undefined) return 1e12;
  return ((other.seconds ?? 0) - (one.seconds ?? 0)) * 1e9 + (other.nanos ?? 0) - (one.nanos ?? 0);
}

function pieces(segment: Segment, random: Random): Segment[] {
  if (segment.bytes.length < 2) return [segment];
  const cut = 1 + random.below(segment.bytes.length - 1);
  return [
    { ...segment, bytes: segment.bytes.subarray(0, cut), flags: segment.flags & ~1 },
    { ...segment, bytes: segment.bytes.subarray(cut), sequence: (segment.sequence + cut) | 0 },
  ];
}

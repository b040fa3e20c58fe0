/** Hostile variants of a conversation: bytes, headers and order changed by a seed. */
import type { Segment } from './dialogue.ts';
import type { Random } from './random.ts';

/** Bytes that formats are made of. */
const SHARP = [0, 1, 9, 10, 13, 32, 36, 42, 44, 45, 47, 48, 57, 58, 59, 61, 102, 127, 128, 192, 255];

export function mutateSegments(segments: readonly Segment[], random: Random): Segment[] {
  const out = [...segments];
  for (let left = 1 + random.below(5); left > 0 && out.length > 0; left--) {
    const at = random.below(out.length);
    const segment = out[at];
    const kind = random.below(10);
    if (kind < 4) out[at] = { ...segment, bytes: mutateBytes(segment.bytes, random) };
    else if (kind === 4) out.splice(at, 1);
    else if (kind === 5) out.splice(random.below(out.length), 0, { ...segment, ipId: random.below(65_536) });
    else if (kind === 6) out.splice(random.below(out.length), 0, ...out.splice(at, 1));
    else if (kind === 7) out[at] = { ...segment, sequence: (segment.sequence + shift(random)) | 0 };
    else if (kind === 8)
      out[at] = { ...segment, acknowledgement: (segment.acknowledgement + shift(random)) | 0 };
    else out[at] = mutateHeader(segment, random);
  }
  return out;
}

function mutateHeader(segment: Segment, random: Random): Segment {
  const kind = random.below(4);
  if (kind === 0) return { ...segment, flags: random.below(64) };
  if (kind === 1) return { ...segment, cutBytes: random.below(3000) };
  if (kind === 2) return { ...segment, place: random.below(3) };
  return { ...segment, side: random.oneIn(2) ? 0 : 1 };
}

/** A little, a window, or anywhere. */
function shift(random: Random): number {
  return random.below(random.pick([4, 100, 70_000, 0xffffffff])) - 2;
}

function mutateBytes(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let left = 1 + random.below(3); left > 0 && bytes.length > 0; left--) {
    const at = random.below(bytes.length);
    const kind = random.below(8);
    if (kind < 3) bytes[at] = random.below(256);
    else if (kind === 3) bytes[at] = random.pick(SHARP);
    else if (kind === 4) bytes = bytes.slice(0, 1 + at);
    else if (kind === 5) bytes = bytes.slice(at);
    else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at >> 1)]);
  }
  return bytes;
}

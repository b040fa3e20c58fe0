/**
 * What is missing of a direction, as the other side proves it: by acknowledging bytes that we have not seen,
 * or by answering them. Functions of a connection's row; what is done about it is in tcp.ts.
 */
import {
  D_ACKNOWLEDGED,
  D_FLAGS,
  D_NEXT,
  D_SEGMENTS,
  DIRECTION_ACKED,
  DIRECTION_SEEN,
  DIRECTION_WORDS,
  R_DIRECTION,
} from './row.ts';

/** A jump of the sequence number beyond any window is another stream, not a hole. */
export const JUMP_BYTES = 64 * 1024 * 1024;

/** A segment that acknowledges `ack` of the direction `other` answers bytes that we have not seen yet. */
export function isEarly(i32: Int32Array, other: number, ack: number, hasAck: boolean): boolean {
  if (!hasAck || (i32[other + D_FLAGS] & DIRECTION_SEEN) === 0) return false;
  const missing = (ack - i32[other + D_NEXT]) | 0;
  // One more than all data acknowledges a FIN, whether we have seen it or not.
  return missing > 1 && missing < JUMP_BYTES;
}

/** True when bytes of the direction are missing that something later proves, or a segment waits. */
export function isMissing(i32: Int32Array, at: number, direction: number): boolean {
  const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
  return i32[d + D_SEGMENTS] !== 0 || unseenBytes(i32, at, direction) > 0;
}

/** Bytes that the other side acknowledged and that never came, where nothing waits behind them. */
export function unseenBytes(i32: Int32Array, at: number, direction: number): number {
  const d = at + R_DIRECTION + direction * DIRECTION_WORDS;
  const other = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
  if ((i32[d + D_FLAGS] & DIRECTION_SEEN) === 0 || (i32[other + D_FLAGS] & DIRECTION_ACKED) === 0) return 0;
  const bytes = (i32[other + D_ACKNOWLEDGED] - i32[d + D_NEXT]) | 0;
  // A FIN takes one number. One byte that we have not seen is taken for a FIN that we have not seen.
  return bytes > 1 && bytes < JUMP_BYTES ? bytes : 0;
}

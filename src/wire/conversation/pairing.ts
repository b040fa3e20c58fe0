/**
 * Which request an answer belongs to, where protocols answer in order. As long as no byte was lost that is
 * the oldest one. After a hole the order proves nothing, since a request or an answer may have been in it;
 * then only a position proves something:
 *
 *  - A client that waits for its answers acknowledged, when it sent a request, all that the server had
 *    sent before: the answer begins exactly at that position (the *anchor*).
 *  - A client that pipelines sends several requests at one such position: the anchor holds for the first of
 *    them, the others follow in order. Whether a request is the first is known only if the one before it
 *    was seen and lies right before it.
 *  - A client that never waits for all answers gives no anchor at all.
 *
 * What cannot be proved is told as two halves, marked as our loss: never a wrong pair. One thing is taken for
 * granted, and marks the rows as joined in the middle: that a client waits which was not seen to pipeline.
 */
import * as oc from '../../record/open-call.ts';
import {
  CONNECTION_ANSWER_LOST,
  CONNECTION_CONTINUOUS,
  CONNECTION_MID_STREAM,
  CONNECTION_PIPELINED,
  CONNECTION_WAITED,
  R_FLAGS,
} from '../reassembly/row.ts';
import { PHASE_AFTER_HOLE, PHASE_FIRST, PHASE_REQUEST_DONE, PHASE_UNPROVED } from './open-calls.ts';

/** What to do with the oldest open request when an answer begins. */
export type Verdict = 0 | 1 | 2 | 3;
/** It is the answer's. */
export const PAIR: Verdict = 0;
/** Its own answer was lost: it is told as a half; look at the next one. */
export const DROP: Verdict = 1;
/** The answer belongs to something older that was lost: it is told as a half. */
export const ORPHAN: Verdict = 2;
/** Neither can be proved: both are told as halves. */
export const BOTH: Verdict = 3;

/**
 * Judges whether the answer at `position` of the server's stream, in a segment that acknowledged
 * `acknowledged` of the client's, belongs to the open request `call` of the connection `at`.
 */
export function judge(
  i32: Int32Array,
  at: number,
  call: number,
  position: number,
  acknowledged: number,
): Verdict {
  const flags = i32[at + R_FLAGS];
  const word = call >> 2;
  const phase = i32[word + oc.OC_PHASE];
  if ((phase & PHASE_AFTER_HOLE) === 0 && (flags & CONNECTION_ANSWER_LOST) === 0) return PAIR;
  // A server answers what it has received (an early answer to an unfinished request cannot be proved).
  if ((phase & PHASE_REQUEST_DONE) === 0) return ORPHAN;
  if (((acknowledged - i32[word + oc.OC_SEQUENCE_END]) | 0) < 0) return ORPHAN;
  const anchor = i32[word + oc.OC_ACKNOWLEDGED];
  const ahead = (position - anchor) | 0;
  if (ahead < 0) return ORPHAN;
  if ((flags & CONNECTION_CONTINUOUS) !== 0) return DROP;
  if (ahead > 0) return DROP;
  if ((phase & PHASE_UNPROVED) !== 0) return BOTH;
  const waited = (flags & CONNECTION_WAITED) !== 0;
  if ((flags & CONNECTION_PIPELINED) !== 0) {
    // Who joins in the middle meets the beginning of a group most likely: a group leaves as few segments.
    const first = (phase & PHASE_FIRST) !== 0 || (waited && isFirstOfGroup(i32, word));
    return first ? PAIR : BOTH;
  }
  // Nearly every client waits. Where this one was not seen to do so yet, what we tell of it is marked.
  if (!waited) i32[at + R_FLAGS] |= CONNECTION_MID_STREAM;
  return PAIR;
}

/** True when the request before this one was seen, ends where this one begins, and was sent earlier. */
function isFirstOfGroup(i32: Int32Array, word: number): boolean {
  if ((i32[word + oc.OC_PHASE] & PHASE_AFTER_HOLE) !== 0) return false;
  return i32[word + oc.OC_SPARE] === 1;
}

/**
 * How a client sends: waiting for each answer, in groups, or without ever waiting. What `judge` may
 * conclude from a position depends on it. Only what is certain is noted: while bytes of the server are
 * missing, open calls prove nothing.
 */
import * as oc from '../../record/open-call.ts';
import {
  CONNECTION_ANSWER_LOST,
  CONNECTION_CONTINUOUS,
  CONNECTION_MID_STREAM,
  CONNECTION_PIPELINED,
  CONNECTION_WAITED,
  D_FIRST,
  D_FLAGS,
  D_NEXT,
  D_READ_ACK,
  DIRECTION_HOLE,
  DIRECTION_SEEN,
  DIRECTION_WORDS,
  R_DIRECTION,
  R_FLAGS,
  R_GROUP_ANSWERS,
  R_GROUP_REQUESTS,
  R_OPEN_COUNT,
  R_REQUEST_ACK,
  R_SEEN,
} from '../reassembly/row.ts';
import { PHASE_FIRST, PHASE_UNPROVED } from './open-calls.ts';

/** R_GROUP_REQUESTS of a group that lost bytes: however many follow, it stays below 0. */
export const GROUP_BROKEN = -0x40000000;
/** After so much silence on both sides nothing is outstanding any more: order can be trusted anew. */
const QUIET_SECONDS = 5;

/** Notes the request `call`, just put into the queue of the connection `at`. */
export function noteRequest(
  i32: Int32Array,
  at: number,
  call: number,
  direction: number,
  seconds: number,
): void {
  const word = call >> 2;
  const ack = i32[word + oc.OC_ACKNOWLEDGED];
  const advanced = i32[word + oc.OC_ORDINAL] === 0 || ((ack - i32[at + R_REQUEST_ACK]) | 0) > 0;
  i32[word + oc.OC_SPARE] = advanced ? 1 : 0;
  i32[at + R_REQUEST_ACK] = ack;
  const hole = (i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_FLAGS] & DIRECTION_HOLE) !== 0;
  const flags = i32[at + R_FLAGS];
  const client = at + R_DIRECTION + direction * DIRECTION_WORDS;
  if (hole && i32[word + oc.OC_SEQUENCE] === i32[client + D_FIRST]) i32[word + oc.OC_PHASE] |= PHASE_FIRST;
  if (hole && !answeredBefore(i32, at, call, direction)) i32[word + oc.OC_PHASE] |= PHASE_UNPROVED;
  if (seconds - i32[at + R_SEEN] >= QUIET_SECONDS && i32[at + R_OPEN_COUNT] === 1) {
    i32[at + R_FLAGS] = flags & ~(CONNECTION_PIPELINED | CONNECTION_CONTINUOUS);
    return;
  }
  const server = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
  const known = (i32[server + D_FLAGS] & DIRECTION_SEEN) !== 0 && ((ack - i32[server + D_NEXT]) | 0) <= 0;
  const waited = countGroup(i32, at, advanced, hole, known && ack === i32[server + D_NEXT]);
  if (hole) return;
  // What was lost before says nothing against a client that had all answers of a group before the next.
  if (waited) i32[at + R_FLAGS] |= CONNECTION_WAITED;
  // Two requests at one position, one right behind the other: whatever else is missing, the first was open.
  if (!advanced) i32[at + R_FLAGS] |= CONNECTION_PIPELINED;
  if (!advanced || !known || i32[word + oc.OC_ORDINAL] === 0) return;
  const lost = (flags & CONNECTION_ANSWER_LOST) !== 0;
  if (i32[at + R_OPEN_COUNT] >= 2) {
    if (!lost) i32[at + R_FLAGS] |= CONNECTION_PIPELINED | CONNECTION_CONTINUOUS;
  } else if (!lost) i32[at + R_FLAGS] |= CONNECTION_WAITED;
  else if ((flags & CONNECTION_PIPELINED) !== 0) {
    // Nothing else is open as far as we know. That is taken for waiting, and what follows is marked.
    i32[at + R_FLAGS] |= CONNECTION_WAITED | CONNECTION_MID_STREAM;
  }
}

/**
 * Counts the requests of a group (sent at one position) against the answers that began since. True when a
 * group of several has just ended with all its answers, and nothing of it was lost.
 */
function countGroup(
  i32: Int32Array,
  at: number,
  advanced: boolean,
  hole: boolean,
  allSeen: boolean,
): boolean {
  const requests = i32[at + R_GROUP_REQUESTS];
  if (!advanced) {
    i32[at + R_GROUP_REQUESTS] = hole ? GROUP_BROKEN : requests + 1;
    return false;
  }
  const waited = allSeen && requests > 1 && requests === i32[at + R_GROUP_ANSWERS];
  i32[at + R_GROUP_REQUESTS] = hole ? GROUP_BROKEN : 1;
  i32[at + R_GROUP_ANSWERS] = 0;
  return waited;
}

/**
 * True when the server had received all bytes before the request when it sent the last ones that the client
 * knew: what was lost is answered, unless the client pipelines. Joined in the middle there is nothing to
 * look at, and a client is taken for one that waits until it is seen to do otherwise.
 */
function answeredBefore(i32: Int32Array, at: number, call: number, direction: number): boolean {
  const server = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
  const sequence = i32[(call >> 2) + oc.OC_SEQUENCE];
  const isFirstSeen = sequence === i32[at + R_DIRECTION + direction * DIRECTION_WORDS + D_FIRST];
  if (isFirstSeen || (i32[server + D_FLAGS] & DIRECTION_SEEN) === 0) return true;
  const next = i32[server + D_NEXT];
  if (next === i32[server + D_FIRST] || next !== i32[(call >> 2) + oc.OC_ACKNOWLEDGED]) return false;
  return ((i32[server + D_READ_ACK] - sequence) | 0) >= 0;
}

/**
 * How a client sends: waiting for each answer, in groups, or without ever waiting. What `judge` may
 * conclude from a position depends on it. Only what is certain is noted: while bytes of the server are
 * missing, open calls prove nothing.
 */
import * as oc from '../../record/open-call.ts';
import {
  CONNECTION_ANSWER_LOST,
  CONNECTION_CONTINUOUS,
  CONNECTION_PIPELINED,
  D_FLAGS,
  D_NEXT,
  DIRECTION_HOLE,
  DIRECTION_SEEN,
  DIRECTION_WORDS,
  R_DIRECTION,
  R_FLAGS,
  R_OPEN_COUNT,
  R_REQUEST_ACK,
  R_SEEN,
} from '../reassembly/row.ts';

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
  if (seconds - i32[at + R_SEEN] >= QUIET_SECONDS && i32[at + R_OPEN_COUNT] === 1) {
    i32[at + R_FLAGS] = flags & ~(CONNECTION_PIPELINED | CONNECTION_CONTINUOUS);
    return;
  }
  const server = at + R_DIRECTION + (1 - direction) * DIRECTION_WORDS;
  const known = (i32[server + D_FLAGS] & DIRECTION_SEEN) !== 0 && ((ack - i32[server + D_NEXT]) | 0) <= 0;
  if (i32[at + R_OPEN_COUNT] < 2 || !known || hole || (flags & CONNECTION_ANSWER_LOST) !== 0) return;
  i32[at + R_FLAGS] |= advanced ? CONNECTION_PIPELINED | CONNECTION_CONTINUOUS : CONNECTION_PIPELINED;
}

/**
 * How a call ends whose connection is over. Only what is certain is told as the application's doing:
 * whatever our own loss may explain stays unknown.
 */
import {
  FLAG_GAP,
  FLAG_ONE_SIDED,
  FLAG_TRUNCATED,
  OUTCOME_CANCELLED,
  OUTCOME_OPEN,
  OUTCOME_RESET,
  OUTCOME_UNANSWERED,
  OUTCOME_UNKNOWN,
} from '../../record/codes.ts';
import * as oc from '../../record/open-call.ts';
import { TRANSPORT_TCP } from '../decode/packet.ts';
import {
  CONNECTION_ANSWER_LOST,
  CONNECTION_RESET,
  D_GAP,
  D_PACKETS,
  DIRECTION_WORDS,
  R_CLIENT,
  R_DIRECTION,
  R_FLAGS,
  R_KIND,
  R_PROTOCOL,
} from '../reassembly/row.ts';
import {
  PHASE_AFTER_HOLE,
  PHASE_ANSWER_BEGUN,
  PHASE_ANSWER_DONE,
  PHASE_REQUEST_DONE,
  PHASE_REQUEST_LOST,
} from './open-calls.ts';

export type Ending = 0 | 1 | 2;
/** Both ends finished, or one reset. */
export const ENDED: Ending = 0;
/** Nothing came for so long that it is forgotten. */
export const IDLE: Ending = 1;
/** The capture ended before the connection did. */
export const CAPTURE_ENDED: Ending = 2;

/** Proof of loss within this time of a call may explain that its answer was not seen. */
const LOSS_SECONDS = 60;

/** Sets outcome and flags of an open call; `lossSeen` is when loss was last proved. */
export function endingOf(i32: Int32Array, at: number, call: number, ending: Ending, lossSeen: number): void {
  const word = call >> 2;
  const phase = i32[word + oc.OC_PHASE];
  const reset = (i32[at + R_FLAGS] & CONNECTION_RESET) !== 0;
  const begun = (phase & PHASE_ANSWER_BEGUN) !== 0;
  const server = at + R_DIRECTION + (1 - i32[at + R_CLIENT]) * DIRECTION_WORDS;
  if ((phase & PHASE_ANSWER_DONE) !== 0) return;
  if (begun) {
    // A request that lost its end says nothing against an answer of which nothing is missing.
    const ofRequest = (phase & PHASE_REQUEST_LOST) !== 0 && i32[server + D_GAP] === 0;
    const gap = (i32[word + oc.OC_FLAGS] & FLAG_GAP) !== 0 && !ofRequest;
    if (ending === CAPTURE_ENDED) i32[word + oc.OC_OUTCOME] = OUTCOME_OPEN;
    else if (reset && !gap) i32[word + oc.OC_OUTCOME] = OUTCOME_RESET;
    // Its end never came: what was told of it stands.
    else if (!gap) i32[word + oc.OC_FLAGS] |= FLAG_TRUNCATED;
    return;
  }
  const silent = i32[at + R_KIND] >> 8 === TRANSPORT_TCP && i32[server + D_PACKETS] === 0;
  const uncertain =
    (phase & (PHASE_AFTER_HOLE | PHASE_REQUEST_LOST)) !== 0 ||
    (i32[at + R_FLAGS] & CONNECTION_ANSWER_LOST) !== 0 ||
    i32[server + D_GAP] > 0 ||
    lossSeen >= i32[word + oc.OC_START] - LOSS_SECONDS;
  i32[word + oc.OC_FLAGS] |= FLAG_ONE_SIDED;
  if (uncertain) {
    i32[word + oc.OC_OUTCOME] = OUTCOME_UNKNOWN;
    i32[word + oc.OC_FLAGS] |= FLAG_GAP;
    // The rest is spoken in a protocol that we do not read (h2c): what was told before stands.
  } else if (i32[at + R_PROTOCOL] <= 0) return;
  else if (silent) i32[word + oc.OC_OUTCOME] = OUTCOME_UNKNOWN;
  else if (ending === ENDED && (phase & PHASE_REQUEST_DONE) === 0)
    i32[word + oc.OC_OUTCOME] = OUTCOME_CANCELLED;
  else if (reset) i32[word + oc.OC_OUTCOME] = OUTCOME_RESET;
  else i32[word + oc.OC_OUTCOME] = ending === CAPTURE_ENDED ? OUTCOME_OPEN : OUTCOME_UNANSWERED;
}

/**
 * DNS over UDP and TCP (RFC 1035, 6891, 7766), and what shares its messages: multicast DNS (RFC 6762) and
 * LLMNR (RFC 4795).
 *
 * A message says by itself what it is: its QR bit tells a query from an answer, its id pairs them, whatever
 * the ports and the side. Over TCP each message has its length before it: two protocols of one name, because
 * nothing in a message tells which transport it came by.
 */
import { PROTOCOL_SCRATCH } from '../../base/memory.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import {
  FLAG_TRUNCATED,
  OUTCOME_CLIENT_ERROR,
  OUTCOME_OK,
  OUTCOME_SERVER_ERROR,
} from '../../record/codes.ts';
import {
  NAME_TEXT_MAX,
  afterName,
  isOpcode,
  writeCode,
  lowerName,
  writeName,
  writeNameAsSent,
  writeOpcode,
  writeType,
} from './dns-texts.ts';
import type { Guess, Protocol, Side, WireContext } from './protocol.ts';
import { LOST, MAYBE, NEED_MORE, NO, SERVER, SURE } from './protocol.ts';

const HEADER_BYTES = 12;
/** Bytes of a message that are looked at; EDNS asks for no more. Longer ones (zone transfers) pass by. */
const MESSAGE_LOOK_MAX = 4096;
const DATAGRAM_BYTES_MAX = 65_535;
/** Questions in a message that is believed; multicast DNS asks for a few dozens. */
const QUESTIONS_MAX = 64;
/** Records of a message that are walked. */
const RECORDS_MAX = 256;
/** Type, class, ttl and length of a record. */
const RECORD_BYTES = 10;

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const TYPE_NB = 32;
const TYPE_OPT = 41;
const TYPE_IXFR = 251;
const TYPE_AXFR = 252;
const CLASS_IN = 1;
const OPCODE_QUERY = 0;
const OPCODE_INVERSE = 1;

// Places in the scratch of protocols, each with room for a name.
const NAME = PROTOCOL_SCRATCH;
const OWNER = NAME + NAME_TEXT_MAX;
/** The name that the records seen so far lead to. */
const CHAIN = OWNER + NAME_TEXT_MAX;
/** A name as it is told, and on its way there. */
const TOLD = CHAIN + NAME_TEXT_MAX;
const AS_SENT = TOLD + NAME_TEXT_MAX;
const TEXT = AS_SENT + NAME_TEXT_MAX;
/** A shorter label has no secret's shape (SECRET_MIN of the scan). */
const SHAPED_MIN = 16;
const DOT = 0x2e;
const EQUALS = 0x3d;

/** State: id + 1 of the zone transfer whose first answer was seen. Its other messages are no answers. */
const TRANSFER = 0;
const STATE_WORDS = 1;

// Own words of a call.
/** The request was seen, so that its answer need not tell the question again. */
const WORD_ASKED = 0;
const WORD_TYPE = 1;

export const dns: Protocol = {
  name: 'dns',
  transport: 'udp',
  ports: [53, 5353, 5355],
  lookBytesMax: DATAGRAM_BYTES_MAX,
  stateWords: STATE_WORDS,
  keyed: true,
  separator: DOT,

  recognise(context, start, end, side) {
    return recogniseMessage(context.u8, start, end, true, side);
  },

  parse(context, state, start, end, _side, out) {
    const nameBytes = questionName(context.u8, start, end);
    if (nameBytes < 0) return LOST;
    sayMessage(context, state, start, end, nameBytes, out);
    return end - start;
  },

  lost() {},

  resync(_context, start) {
    return start;
  },
};

export const dnsOverTcp: Protocol = {
  name: 'dns',
  transport: 'tcp',
  ports: [53],
  lookBytesMax: 2 + MESSAGE_LOOK_MAX,
  stateWords: STATE_WORDS,
  keyed: true,
  separator: DOT,

  recognise(context, start, end, side) {
    return recogniseStream(context.u8, start, end, side);
  },

  parse(context, state, start, end, _side, out) {
    const u8 = context.u8;
    if (end - start < 2) return NEED_MORE;
    const length = u16(u8, start);
    if (length < HEADER_BYTES) return LOST;
    const look = Math.min(length, MESSAGE_LOOK_MAX);
    const message = start + 2;
    if (end - message < look) {
      // A header that cannot be one need not be waited for.
      if (end - message >= HEADER_BYTES && !isHeader(u8, message)) return LOST;
      return NEED_MORE;
    }
    const nameBytes = questionName(u8, message, message + look);
    if (nameBytes < 0) return LOST;
    sayMessage(context, state, message, message + look, nameBytes, out);
    if (length > look) out.skip(length - look);
    return 2 + look;
  },

  lost(context, state) {
    context.i32[state + TRANSFER] = 0;
  },

  resync(context, start, end, side) {
    return recogniseStream(context.u8, start, end, side) === SURE ? start : -1;
  },
};

function u16(u8: Uint8Array, at: number): number {
  return (u8[at] << 8) | u8[at + 1];
}

function u32(u8: Uint8Array, at: number): number {
  return u16(u8, at) * 65_536 + u16(u8, at + 2);
}

/** The fixed part could be a message's. */
function isHeader(u8: Uint8Array, message: number): boolean {
  return isOpcode((u8[message + 2] >> 3) & 15) && u16(u8, message + 4) <= QUESTIONS_MAX;
}

/**
 * Writes the first question's name to NAME and returns its bytes, 0 when there is no question; -1 when the
 * header or a question is malformed. Says nothing yet.
 */
function questionName(u8: Uint8Array, message: number, end: number): number {
  if (end - message < HEADER_BYTES || !isHeader(u8, message)) return -1;
  if (u16(u8, message + 4) === 0) return 0;
  if (afterQuestions(u8, message, end) < 0) return -1;
  return writeName(u8, message, message + HEADER_BYTES, end, NAME);
}

/** Position past all questions, or -1. */
function afterQuestions(u8: Uint8Array, message: number, end: number): number {
  let at = message + HEADER_BYTES;
  for (let left = u16(u8, message + 4); left > 0; left--) {
    const name = afterName(u8, at, end);
    if (name < 0 || name + 4 > end) return -1;
    at = name + 4;
  }
  return at;
}

/** Tells the message; the first question's name lies at NAME. One call a message, whatever it asks. */
function sayMessage(
  context: WireContext,
  state: number,
  message: number,
  end: number,
  nameBytes: number,
  out: CallWriter,
): void {
  const { u8, i32 } = context;
  const id = u16(u8, message);
  const flags = u16(u8, message + 2);
  const isAnswer = (flags & 0x8000) !== 0;
  if (isAnswer && i32[state + TRANSFER] === id + 1) return;
  if (i32[state + TRANSFER] === id + 1) i32[state + TRANSFER] = 0;

  if (!isAnswer) {
    out.request(id, questionCheck(u8, message, end));
    sayQuestion(context, message, end, nameBytes, out);
    out.setWord(WORD_ASKED, 1);
    // Multicast DNS: id 0, no recursion desired. Whoever answers does so to all, on a flow of its own.
    if (id === 0 && (flags & 0x0100) === 0) out.oneWay();
    out.done();
    return;
  }
  out.response(id, questionCheck(u8, message, end));
  const asked = out.word(WORD_ASKED) !== 0;
  const type = asked ? out.word(WORD_TYPE) : sayQuestion(context, message, end, nameBytes, out);
  if (type === TYPE_AXFR || type === TYPE_IXFR) i32[state + TRANSFER] = id + 1;
  if ((flags & 0x0200) !== 0) out.flag(FLAG_TRUNCATED);
  const extended = walkRecords(context, message, end, nameBytes, out);
  const code = (flags & 15) | extended;
  out.status(TEXT, TEXT + writeCode(u8, code, TEXT));
  out.outcome(outcomeOf(code));
  out.done();
}

/**
 * A hash of the first question, whatever its case (resolvers vary it, servers may not repeat that); 0 when
 * there is none. Ids have 16 bits: another question comes by the same one soon.
 */
function questionCheck(u8: Uint8Array, message: number, end: number): number {
  if (u16(u8, message + 4) === 0) return 0;
  const from = message + HEADER_BYTES;
  const stop = Math.min(afterName(u8, from, end) + 2, end);
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < stop; at++) {
    const byte = u8[at];
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    hash = Math.imul(hash ^ folded, 0x01000193);
  }
  return hash === 0 ? 1 : hash;
}

/** Method, target and identity from the first question; returns its type, 0 when there is none. */
function sayQuestion(
  context: WireContext,
  message: number,
  end: number,
  nameBytes: number,
  out: CallWriter,
): number {
  const u8 = context.u8;
  const opcode = (u8[message + 2] >> 3) & 15;
  let type = 0;
  if (u16(u8, message + 4) > 0) {
    const at = message + HEADER_BYTES;
    const name = afterName(u8, at, end);
    type = u16(u8, name);
    out.identity(at, name + 4);
  }
  const isQuery = opcode === OPCODE_QUERY && type !== 0;
  const bytes = isQuery ? writeType(u8, type, TEXT) : writeOpcode(u8, opcode, TEXT);
  out.method(TEXT, TEXT + bytes);
  // The method comes first: the operation is built of both.
  if (type !== 0) {
    const told = redactedName(context, message, message + HEADER_BYTES, end, NAME, nameBytes);
    out.target(told > 0 ? TOLD : NAME, told > 0 ? TOLD + told : NAME + nameBytes);
  }
  out.setWord(WORD_TYPE, isQuery ? type : 0);
  return isQuery ? type : 0;
}

/**
 * Tells which addresses the question's name (or, without a question, each owner) stands for, and returns the
 * upper bits of the response code, which an OPT record holds. Ends quietly at what is malformed or was cut
 * off: the answer itself is known.
 */
function walkRecords(
  context: WireContext,
  message: number,
  end: number,
  nameBytes: number,
  out: CallWriter,
): number {
  const u8 = context.u8;
  let at = afterQuestions(u8, message, end);
  const answers = u16(u8, message + 6);
  const records = Math.min(answers + u16(u8, message + 8) + u16(u8, message + 10), RECORDS_MAX);
  const hasQuestion = nameBytes > 0;
  const isQuery = ((u8[message + 2] >> 3) & 15) === OPCODE_QUERY;
  u8.copyWithin(CHAIN, NAME, NAME + nameBytes);
  let chainBytes = nameBytes;
  let ttlMax = 0xffff_ffff;
  let extended = 0;
  for (let i = 0; i < records; i++) {
    const fixed = afterName(u8, at, end);
    if (fixed < 0 || fixed + RECORD_BYTES > end) break;
    const type = u16(u8, fixed);
    const data = fixed + RECORD_BYTES;
    const dataEnd = data + u16(u8, fixed + 8);
    if (dataEnd > end) break;
    const ttl = u32(u8, fixed + 4);
    // Multicast DNS uses the class's upper bit: other records of the name are to be forgotten.
    const isIn = (u16(u8, fixed + 2) & 0x7fff) === CLASS_IN;
    const isAddress =
      (type === TYPE_A && dataEnd - data === 4) || (type === TYPE_AAAA && dataEnd - data === 16);
    if (type === TYPE_OPT) extended = u8[fixed + 4] << 4;
    else if (!isQuery || !isIn || (!isAddress && type !== TYPE_CNAME)) {
      // Nothing that names an address.
    } else if (!hasQuestion) {
      const ownerBytes = isAddress ? writeName(u8, message, at, end, OWNER) : 0;
      if (ownerBytes > 0) {
        const told = redactedName(context, message, at, end, OWNER, ownerBytes);
        if (told > 0) out.addressName(TOLD, TOLD + told, data, dataEnd, ttl);
        else out.addressName(OWNER, OWNER + ownerBytes, data, dataEnd, ttl);
      }
    } else if (i < answers) {
      const ownerBytes = writeName(u8, message, at, end, OWNER);
      if (ownerBytes === chainBytes && same(u8, OWNER, CHAIN, ownerBytes)) {
        ttlMax = Math.min(ttlMax, ttl);
        if (isAddress) {
          const told = redactedName(context, message, message + HEADER_BYTES, end, NAME, nameBytes);
          if (told > 0) out.addressName(TOLD, TOLD + told, data, dataEnd, ttlMax);
          else out.addressName(NAME, NAME + nameBytes, data, dataEnd, ttlMax);
        } else chainBytes = Math.max(0, writeName(u8, message, data, dataEnd, CHAIN));
      }
    }
    at = dataEnd;
  }
  return extended;
}

/**
 * A name that may hold a secret, without it and in lower case, at TOLD; returns its bytes, 0 when it can be
 * told as it is. The shapes of many secrets are in their case, so they are looked for in what was sent.
 */
function redactedName(
  context: WireContext,
  message: number,
  at: number,
  end: number,
  name: number,
  nameBytes: number,
): number {
  const u8 = context.u8;
  let run = 0;
  let special = false;
  for (let p = name; p < name + nameBytes && !special; p++) {
    run = u8[p] === DOT ? 0 : run + 1;
    special = run >= SHAPED_MIN || u8[p] === EQUALS;
  }
  if (!special) return 0;
  const sent = writeNameAsSent(u8, message, at, end, AS_SENT);
  if (sent <= 0) return 0;
  const told = context.scan.redact(AS_SENT, AS_SENT + sent, TOLD, NAME_TEXT_MAX);
  lowerName(u8, TOLD, TOLD + told);
  return told;
}

function same(u8: Uint8Array, a: number, b: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i++) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}

/** The table is in docs/protocols/dns.md. SERVFAIL and NOTIMP are the server's, NXDOMAIN is not. */
function outcomeOf(code: number): number {
  if (code === 0) return OUTCOME_OK;
  return code === 2 || code === 4 ? OUTCOME_SERVER_ERROR : OUTCOME_CLIENT_ERROR;
}

/** Two bytes of length, then a message of which at least the header must be there. */
function recogniseStream(u8: Uint8Array, start: number, end: number, side: Side): Guess {
  if (end - start < 2 + HEADER_BYTES) return couldBeginStream(u8, start, end, side) ? MAYBE : NO;
  const length = u16(u8, start);
  if (length < HEADER_BYTES) return NO;
  const message = start + 2;
  return recogniseMessage(u8, message, Math.min(end, message + length), end - message >= length, side);
}

/** The beginning of a header, as far as it is there: many protocols begin with a length or a small number. */
function couldBeginStream(u8: Uint8Array, start: number, end: number, side: Side): boolean {
  const bytes = end - start;
  if (bytes >= 2 && u16(u8, start) < HEADER_BYTES + 5) return false;
  if (bytes >= 5 && (u8[start + 4] >> 7 === 1) !== (side === SERVER)) return false;
  if (bytes >= 5 && !isOpcode((u8[start + 4] >> 3) & 15)) return false;
  // No answer's bits in a query, and the reserved one in neither.
  if (bytes >= 6 && (u8[start + 5] & (side === SERVER ? 0x40 : 0xcf)) !== 0) return false;
  return bytes < 8 || u16(u8, start + 6) <= QUESTIONS_MAX;
}

/**
 * Random bytes must not pass: the bits that are fixed, counts that the rest bears out, exact questions of
 * a known class, and (when `whole`) records that end where the message ends.
 */
function recogniseMessage(u8: Uint8Array, message: number, end: number, whole: boolean, side: Side): Guess {
  if (end - message < HEADER_BYTES || !isHeader(u8, message)) return NO;
  const flags = u16(u8, message + 2);
  const opcode = (flags >> 11) & 15;
  const isAnswer = (flags & 0x8000) !== 0;
  if (isAnswer !== (side === SERVER)) return NO; // Who asks first is the client.
  if ((flags & 0x0040) !== 0) return NO; // Z
  const questions = u16(u8, message + 4);
  const records = u16(u8, message + 6) + u16(u8, message + 8) + u16(u8, message + 10);
  if (!isAnswer) {
    // A query has no code and no recursion available, and asks something: an inverse one by an answer.
    if ((flags & 0x008f) !== 0) return NO;
    if (questions === 0 && (opcode !== OPCODE_INVERSE || records === 0)) return NO;
    // Only NOTIFY speaks with authority, only multicast DNS and UPDATE bring answers.
    if ((flags & 0x0400) !== 0 && opcode !== 4) return NO;
    if (records > RECORDS_MAX) return NO;
  } else if (questions === 0 && records === 0) {
    return end - message === HEADER_BYTES && whole && (flags & 15) !== 0 ? MAYBE : NO;
  }
  const at = recogniseQuestions(u8, message, end, questions);
  if (at < 0) return NO;
  if (at === 0) return whole ? NO : MAYBE;
  if (!whole) return questions > 0 ? SURE : MAYBE;
  const last = afterRecords(u8, at, end, records);
  if (last === end) return SURE;
  // Cut off by the capture, or truncated by the server in the middle of a record.
  return questions > 0 && last < 0 && records > 0 ? MAYBE : NO;
}

/** Position past the questions, 0 when they go on beyond `end`, -1 when they are none. */
function recogniseQuestions(u8: Uint8Array, message: number, end: number, questions: number): number {
  let at = message + HEADER_BYTES;
  for (let i = 0; i < questions; i++) {
    const name = afterName(u8, at, end);
    if (name < 0) return isCutName(u8, at, end) ? 0 : -1;
    if (name + 4 > end) return 0;
    if (writeName(u8, message, at, end, OWNER) < 0) return -1;
    const type = u16(u8, name);
    const klass = u16(u8, name + 2) & 0x7fff;
    const isKnown = klass === 1 || klass === 3 || klass === 4 || klass === 254 || klass === 255;
    if (!isKnown || type === 0 || type === TYPE_NB || isNetbiosName(u8, at)) return -1;
    at = name + 4;
  }
  return at;
}

/** A name whose labels are well formed as far as they are there. */
function isCutName(u8: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end && at - from < 256) {
    const length = u8[at];
    if (length >= 0xc0) return at + 1 === end;
    if (length > 63 || length === 0) return false;
    at += 1 + length;
  }
  return at >= end;
}

/** NetBIOS names are a label of 32 letters from A to P; its service is another protocol of the same shape. */
function isNetbiosName(u8: Uint8Array, at: number): boolean {
  if (u8[at] !== 32) return false;
  for (let i = 1; i <= 32; i++) if (u8[at + i] < 0x41 || u8[at + i] > 0x50) return false;
  return true;
}

/** Position past `records` records, or -1. */
function afterRecords(u8: Uint8Array, from: number, end: number, records: number): number {
  let at = from;
  for (let i = 0; i < records; i++) {
    const fixed = afterName(u8, at, end);
    if (fixed < 0 || fixed + RECORD_BYTES > end) return -1;
    at = fixed + RECORD_BYTES + u16(u8, fixed + 8);
    if (at > end) return -1;
  }
  return at;
}

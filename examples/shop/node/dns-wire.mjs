/** Just enough of DNS for a look-up and its answer, RFC 1035 section 4. */

export const TYPE_A = 1;
export const TYPE_AAAA = 28;
const CLASS_IN = 1;
const RECURSION_DESIRED = 0x0100;
const ANSWER_BITS = 0x8580; // answer, authoritative, recursion desired and available
const NAME_ERROR = 3;

function encodeName(name) {
  const parts = name.split('.').map((label) => {
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

export function encodeQuery(id, name, type) {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(RECURSION_DESIRED, 2);
  head.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(CLASS_IN, 2);
  return Buffer.concat([head, encodeName(name), tail]);
}

/** { id, name, type, end } of the first question, or undefined when it is no query. */
export function decodeQuery(packet) {
  if (packet.length < 17) return undefined;
  const labels = [];
  let at = 12;
  while (at < packet.length && packet[at] !== 0 && packet[at] < 64) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + packet[at]));
    at += 1 + packet[at];
  }
  if (at + 5 > packet.length) return undefined;
  return {
    id: packet.readUInt16BE(0),
    name: labels.join('.'),
    type: packet.readUInt16BE(at + 1),
    end: at + 5,
  };
}

/** The answer to `packet`: one IPv4 address, none of this type (''), or no such name (undefined). */
export function encodeAnswer(packet, question, address, ttlSeconds) {
  const head = Buffer.from(packet.subarray(0, question.end));
  head.writeUInt16BE(address === undefined ? ANSWER_BITS | NAME_ERROR : ANSWER_BITS, 2);
  head.writeUInt16BE(address ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (!address) return head;
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(4, 10);
  address.split('.').forEach((part, place) => record.writeUInt8(Number(part), 12 + place));
  return Buffer.concat([head, record]);
}

/** { id, code, address } of an answer; the address is the first A record's, when there is one. */
export function decodeAnswer(packet) {
  const code = packet.readUInt16BE(2) & 15;
  const id = packet.readUInt16BE(0);
  const question = decodeQuery(packet);
  if (packet.readUInt16BE(6) === 0 || question === undefined) return { id, code, address: undefined };
  const at = question.end;
  return { id, code, address: [...packet.subarray(at + 12, at + 16)].join('.') };
}

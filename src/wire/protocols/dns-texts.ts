/**
 * The texts of DNS that are numbers on the wire: types, opcodes and response codes
 * (https://www.iana.org/assignments/dns-parameters/), written where a range of memory is needed, and names in
 * presentation format (RFC 1035 section 5.1, RFC 4343).
 */
const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const TYPES: readonly (readonly [number, string])[] = [
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [10, 'NULL'],
  [11, 'WKS'],
  [12, 'PTR'],
  [13, 'HINFO'],
  [14, 'MINFO'],
  [15, 'MX'],
  [16, 'TXT'],
  [17, 'RP'],
  [18, 'AFSDB'],
  [24, 'SIG'],
  [25, 'KEY'],
  [28, 'AAAA'],
  [29, 'LOC'],
  [33, 'SRV'],
  [35, 'NAPTR'],
  [36, 'KX'],
  [37, 'CERT'],
  [39, 'DNAME'],
  [41, 'OPT'],
  [42, 'APL'],
  [43, 'DS'],
  [44, 'SSHFP'],
  [45, 'IPSECKEY'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [49, 'DHCID'],
  [50, 'NSEC3'],
  [51, 'NSEC3PARAM'],
  [52, 'TLSA'],
  [53, 'SMIMEA'],
  [55, 'HIP'],
  [59, 'CDS'],
  [60, 'CDNSKEY'],
  [61, 'OPENPGPKEY'],
  [62, 'CSYNC'],
  [63, 'ZONEMD'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [99, 'SPF'],
  [108, 'EUI48'],
  [109, 'EUI64'],
  [249, 'TKEY'],
  [250, 'TSIG'],
  [251, 'IXFR'],
  [252, 'AXFR'],
  [253, 'MAILB'],
  [254, 'MAILA'],
  [255, 'ANY'],
  [256, 'URI'],
  [257, 'CAA'],
];
const CODES: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
  'DSOTYPENI',
];
/** RFC 6891 gives response codes four more bits. */
const EXTENDED_CODES: readonly string[] = [
  'BADVERS',
  'BADKEY',
  'BADTIME',
  'BADMODE',
  'BADNAME',
  'BADALG',
  'BADTRUNC',
  'BADCOOKIE',
];
const OPCODES: readonly string[] = ['QUERY', 'IQUERY', 'STATUS', '', 'NOTIFY', 'UPDATE', 'DSO'];

const TYPE_TEXTS: (Uint8Array | undefined)[] = Array.from({ length: 258 });
for (const [type, name] of TYPES) TYPE_TEXTS[type] = letters(name);
const CODE_TEXTS: (Uint8Array | undefined)[] = Array.from({ length: 24 });
for (const [code, name] of CODES.entries()) CODE_TEXTS[code] = letters(name);
for (const [index, name] of EXTENDED_CODES.entries()) CODE_TEXTS[16 + index] = letters(name);
const OPCODE_TEXTS = OPCODES.map(letters);
const TYPE_PREFIX = letters('TYPE');
const CODE_PREFIX = letters('RCODE');

/** Writes `AAAA`, or `TYPE1234` (RFC 3597), to `to`; returns the bytes written. */
export function writeType(u8: Uint8Array, type: number, to: number): number {
  return writeText(u8, type < TYPE_TEXTS.length ? TYPE_TEXTS[type] : undefined, TYPE_PREFIX, type, to);
}

/** Writes `NXDOMAIN`, or `RCODE12`. */
export function writeCode(u8: Uint8Array, code: number, to: number): number {
  return writeText(u8, code < CODE_TEXTS.length ? CODE_TEXTS[code] : undefined, CODE_PREFIX, code, to);
}

/** Writes the name of a known opcode: `UPDATE`. */
export function writeOpcode(u8: Uint8Array, opcode: number, to: number): number {
  return writeText(u8, OPCODE_TEXTS[opcode], CODE_PREFIX, opcode, to);
}

/** Opcodes 3 and 7 to 15 are not assigned. */
export function isOpcode(opcode: number): boolean {
  return opcode < OPCODES.length && opcode !== 3;
}

function writeText(
  u8: Uint8Array,
  text: Uint8Array | undefined,
  prefix: Uint8Array,
  number: number,
  to: number,
): number {
  const letters = text ?? prefix;
  for (let i = 0; i < letters.length; i++) u8[to + i] = letters[i];
  return text === undefined
    ? letters.length + writeDecimal(u8, number, to + letters.length, 0)
    : letters.length;
}

/** Writes a number in at least `least` digits. */
function writeDecimal(u8: Uint8Array, number: number, to: number, least: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  if (digits < least) digits = least;
  let rest = number;
  for (let i = digits - 1; i >= 0; i--) {
    u8[to + i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return digits;
}

/** A name has at most 255 bytes on the wire; each may take four in presentation format. */
export const NAME_TEXT_MAX = 1024;
const NAME_WIRE_MAX = 255;
/** From an upper-case letter to its lower case. */
const CASE = 0x20;
/** Pointers followed in one name. Each must point before the one that led to it, so there is no loop. */
const HOPS_MAX = 16;

/**
 * Writes the name at `at` of the message at `message` in presentation format, lower case, without the
 * final dot (`.` for the root). Returns the bytes written, or -1 when it is malformed.
 */
export function writeName(u8: Uint8Array, message: number, at: number, end: number, to: number): number {
  return writeLabels(u8, message, at, end, to, CASE);
}

/** As `writeName`, with the letters as they were sent. */
export function writeNameAsSent(
  u8: Uint8Array,
  message: number,
  at: number,
  end: number,
  to: number,
): number {
  return writeLabels(u8, message, at, end, to, 0);
}

/** `fold` is added to upper-case letters. */
function writeLabels(
  u8: Uint8Array,
  message: number,
  at: number,
  end: number,
  to: number,
  fold: number,
): number {
  let position = at;
  let lowest = at;
  let hops = 0;
  let wire = 1;
  let out = to;
  for (;;) {
    if (position >= end) return -1;
    const length = u8[position];
    if (length === 0) break;
    if (length >= 0xc0) {
      if (position + 1 >= end) return -1;
      const target = message + (((length & 0x3f) << 8) | u8[position + 1]);
      if (target >= lowest || target < message + 12 || ++hops > HOPS_MAX) return -1;
      lowest = target;
      position = target;
      continue;
    }
    wire += length + 1;
    if (length > 63 || position + 1 + length > end || wire > NAME_WIRE_MAX) return -1;
    if (out > to) u8[out++] = 0x2e;
    out = writeLabel(u8, position + 1, position + 1 + length, out, fold);
    position += 1 + length;
  }
  if (out === to) u8[out++] = 0x2e;
  return out - to;
}

/** Lowers the letters of a range. */
export function lowerName(u8: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) if (u8[i] >= 0x41 && u8[i] <= 0x5a) u8[i] += CASE;
}

function writeLabel(u8: Uint8Array, start: number, end: number, to: number, fold: number): number {
  let out = to;
  for (let i = start; i < end; i++) {
    const byte = u8[i];
    if (byte >= 0x41 && byte <= 0x5a) u8[out++] = byte + fold;
    else if (byte === 0x2e || byte === 0x5c) {
      u8[out++] = 0x5c;
      u8[out++] = byte;
    } else if (byte > 0x20 && byte < 0x7f) u8[out++] = byte;
    else {
      u8[out++] = 0x5c;
      out += writeDecimal(u8, byte, out, 3);
    }
  }
  return out;
}

/** Position past the name at `at`, or -1. */
export function afterName(u8: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end) {
    const length = u8[position];
    if (length === 0) return position + 1;
    if (length >= 0xc0) return position + 2 <= end ? position + 2 : -1;
    if (length > 63 || position - at > NAME_WIRE_MAX) return -1;
    position += 1 + length;
  }
  return -1;
}

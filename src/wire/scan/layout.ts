/**
 * Where the scan keeps its tables and scratch in the low part of the worker's memory, below SCRATCH of
 * base/memory.ts. Both makers use the same places; this file is compiled by tsc and by AssemblyScript,
 * so it holds nothing but numbers. The scan module's own data, if it ever has any, begins at 1024.
 */

/** One byte of class bits (below) for each byte value. */
export const CLASS_AT = 8192;
/** Header names: for each hash of the first four bytes the id of a name, 0 where there is none. */
export const FIRST_NAME_AT = 8448;
export const NAME_MULTIPLIER = 0x9e3779b1;
/**
 * A row per name id (id 0 is not used): 32 bytes of text with its colon, 32 of case mask (0x20 under
 * letters), one bit for each byte that must agree, the length of the name, the next id with the same hash or
 * 0.
 */
export const NAMES_AT = 10240;
export const NAME_ROW_BYTES = 80;
export const NAME_CASE = 32;
export const NAME_BITS = 64;
export const NAME_LENGTH = 68;
export const NAME_NEXT = 69;
/** With its colon a name fills at most two vectors. */
export const NAME_BYTES_MAX = 31;
export const NAMES_MAX = 120;
/** Lower-case copies that are hashed: hex, UUID, e-mail. */
export const LOWER_AT = 20480;
export const LOWER_BYTES = 256;
/** Shapes of secrets: per prefix 16 bytes: length, least tail, text. A row of length 0 ends them. */
export const PREFIX_AT = 21504;
export const PREFIX_ROW_BYTES = 16;
export const PREFIXES_MAX = 63;
/** One byte for each byte value: 1 where a prefix begins with it. */
export const PREFIX_FIRST_AT = 23552;
/** Automata of sensitive names: 32 words of 16 bits a state (sensitive.ts). */
export const ANYWHERE_AT = 24576;
export const ANYWHERE_STATES_MAX = 640;
export const WORDS_AT = 65536;
export const WORDS_STATES_MAX = 256;
/**
 * A text with its percent escapes decoded, and for each byte the place it came from (one more at the end).
 */
export const VIEW_AT = 98304;
export const VIEW_BYTES_MAX = 65536;
export const PLACES_AT = 196608;

export const DIGIT = 1;
export const LOWER = 2;
export const UPPER = 4;
/** 0–9, a–f, A–F. */
export const HEX = 8;
/** `-` and `_`. */
export const DASH = 16;
/** `~` and bytes from 0x80: they may stand in a part of a path, and say nothing of it. */
export const OTHER = 32;
/** What a parameter's name begins after: ? & ; # / , = */
export const BEFORE_NAME = 64;
/** `.` and `+`: they join words in the local part of an e-mail address. */
export const JOINT = 128;
export const ALNUM = 7;
export const WORD = 23;
export const PART = 55;

/** Entries of the automata: flags above the state's number. */
export const ACCEPT = 0x8000;
export const ACCEPT_WHOLE = 0x4000;
export const STATE = 0x3fff;
/** Symbols are 0–25 for letters; all digits are one. */
export const SYMBOL_DIGIT = 26;

/** What `shape` may say of a part. */
export const SHAPE_NONE = 0;
export const SHAPE_NUMBER = 1;
export const SHAPE_HEX = 2;
export const SHAPE_TOKEN = 3;
/** A run of four digits or more among other things. */
export const SHAPE_MIXED = 4;

/** Fewest significant digits of a number that is an identifier. */
export const NUMBER_DIGITS_MIN = 4;
export const HEX_MIN = 8;
/** With dashes in between, so that `feed-2024` is none. */
export const HEX_DASHED_MIN = 16;
export const TOKEN_MIN = 12;
export const TOKEN_MIXED_MIN = 16;
/** Shortest run of letters, digits, - and _ in which a secret by shape is looked for. */
export const SECRET_MIN = 16;
/** Shortest run that is a secret by its density alone. */
export const SECRET_RANDOM_MIN = 32;
/** Shortest second part of a JWT. */
export const JWT_PART_MIN = 8;
/** After `name:` a digit is looked for in this many bytes, so that hostile text costs no square. */
export const COLON_LOOK_MAX = 256;
/** After `;` a name and `=` are looked for in this many bytes. */
export const NAME_LOOK_MAX = 64;
/** RFC 5321, 4.5.3.1.3: a path has 256 bytes, two of them brackets. */
export const EMAIL_MAX = 254;

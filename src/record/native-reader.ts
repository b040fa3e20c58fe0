/**
 * Reads one block of ClickHouse's Native format, of the types in schema.ts and their relatives.
 * https://clickhouse.com/docs/interfaces/formats/Native
 *
 * The one idea: a block is checked whole once (every length, every index), so that the accessors of Block
 * need no checks. Nothing is copied: columns are places in the bytes, which must not change.
 */
import { fail, ok, type Result } from '../base/result.ts';
import { Block, type BlockColumn } from './block.ts';

/** Far more than any table of ours; bounds what a hostile header makes us do. */
const COLUMNS_MAX = 1024;
/** A type's name; Enum8 of a few dozen names is the longest. */
const TYPE_BYTES_MAX = 16_384;
const DICTIONARY_VERSION = 1;
const DICTIONARY_KEYS_ONLY = 0x600;

const WIDTHS: ReadonlyMap<string, number> = new Map([
  ['UInt8', 1],
  ['Int8', 1],
  ['Bool', 1],
  ['UInt16', 2],
  ['Int16', 2],
  ['UInt32', 4],
  ['Int32', 4],
  ['Float32', 4],
  ['DateTime', 4],
  ['UInt64', 8],
  ['Int64', 8],
  ['Float64', 8],
  ['IPv6', 16],
]);

/** Reads the block that begins at `start`; `Block.end` is where the next one begins. Errors are sentences. */
export function readBlock(bytes: Uint8Array, start = 0): Result<Block, string> {
  const reader = new Reader(bytes, start);
  const columns: BlockColumn[] = [];
  const count = reader.length();
  const rows = reader.length();
  if (reader.broken) return fail('the block ends within its head');
  if (count > COLUMNS_MAX) return fail(`the block says it has ${count} columns, more than ${COLUMNS_MAX}`);
  // Every row takes a byte or more in each column.
  if (rows > (count === 0 ? 0 : bytes.length)) return fail(`the block says it has ${rows} rows: too many`);
  for (let index = 0; index < count; index++) {
    const name = reader.text(TYPE_BYTES_MAX);
    const type = reader.text(TYPE_BYTES_MAX);
    if (reader.broken) return fail(`the block ends within the name of column ${index}`);
    const column = reader.column(name, type, rows);
    if (typeof column === 'string') return fail(`column ${name}: ${column}`);
    columns.push(column);
  }
  return ok(new Block(bytes, rows, columns, reader.at));
}

class Reader {
  at: number;
  /** True once something was read past the end; what was read then is 0. */
  broken = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.at = start;
  }

  /** A number in groups of seven bits; at most 2³¹ - 1 is taken. */
  length(): number {
    let value = 0;
    let factor = 1;
    for (let group = 0; group < 5; group++) {
      if (this.at >= this.#bytes.length) break;
      const byte = this.#bytes[this.at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value <= 0x7fffffff) return value;
        break;
      }
      factor *= 0x80;
    }
    this.broken = true;
    return 0;
  }

  text(bytesMax: number): string {
    const length = this.length();
    if (length > bytesMax || !this.#has(length)) {
      this.broken = true;
      return '';
    }
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }

  /** The column's data, or what is wrong with it. */
  column(name: string, type: string, rows: number): BlockColumn | string {
    const width = widthOf(type);
    if (width > 0) return this.#fixed(name, type, rows, width);
    if (type === 'String') return this.#texts(name, type, rows);
    if (type === 'LowCardinality(String)') return this.#dictionary(name, type, rows);
    if (type === 'Array(UInt64)') return this.#lists(name, type, rows);
    return `the type ${type.slice(0, 80)} is not read`;
  }

  #fixed(name: string, type: string, rows: number, width: number): BlockColumn | string {
    const at = this.at;
    if (!this.#has(rows * width)) return 'the block ends within its values';
    this.at += rows * width;
    return { kind: 'fixed', name, type, at, width, names: enumNames(type) };
  }

  #texts(name: string, type: string, rows: number): BlockColumn | string {
    const starts = new Uint32Array(rows);
    const ends = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      const length = this.length();
      if (this.broken || !this.#has(length)) return 'the block ends within its texts';
      starts[row] = this.at;
      this.at += length;
      ends[row] = this.at;
    }
    return { kind: 'text', name, type, starts, ends };
  }

  #lists(name: string, type: string, rows: number): BlockColumn | string {
    const ends = new Uint32Array(rows);
    let before = 0;
    for (let row = 0; row < rows; row++) {
      const end = this.#u64();
      if (this.broken || end < before || end > this.#bytes.length) return 'its offsets are not in order';
      ends[row] = end;
      before = end;
    }
    const at = this.at;
    if (!this.#has(before * 8)) return 'the block ends within its values';
    this.at += before * 8;
    return { kind: 'list', name, type, at, ends };
  }

  #dictionary(name: string, type: string, rows: number): BlockColumn | string {
    if (rows === 0) return { kind: 'name', name, type, places: new Uint32Array(0), keys: [] };
    const version = this.#u64();
    const flags = this.#u64();
    const count = this.#u64();
    if (this.broken) return 'the block ends within its dictionary';
    const width = 2 ** (flags & 0xff);
    if (version !== DICTIONARY_VERSION || (flags & ~0xff) !== DICTIONARY_KEYS_ONLY || width > 4) {
      return 'its dictionary is of a kind that is not read';
    }
    if (!this.#has(count)) return 'the block ends within its dictionary';
    const keys = this.#texts(name, type, count);
    if (typeof keys === 'string' || keys.kind !== 'text') return 'the block ends within its dictionary';
    if (this.#u64() !== rows || this.broken) return 'its dictionary is for another count of rows';
    if (!this.#has(rows * width)) return 'the block ends within its values';
    const places = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      let place = 0;
      for (let byte = width - 1; byte >= 0; byte--) place = place * 256 + this.#bytes[this.at + byte];
      if (place >= count) return 'a value lies outside its dictionary';
      places[row] = place;
      this.at += width;
    }
    return { kind: 'name', name, type, places, keys: keyRanges(keys.starts, keys.ends) };
  }

  /** 64 bits as a number; what is above 2⁵³ is no length, and breaks the block. */
  #u64(): number {
    if (!this.#has(8)) {
      this.broken = true;
      return 0;
    }
    let value = 0;
    for (let byte = 7; byte >= 0; byte--) value = value * 256 + this.#bytes[this.at + byte];
    this.at += 8;
    if (!Number.isSafeInteger(value)) this.broken = true;
    return value;
  }

  #has(bytes: number): boolean {
    return bytes <= this.#bytes.length - this.at;
  }
}

function keyRanges(
  starts: Uint32Array,
  ends: Uint32Array,
): { start: number; end: number; text: undefined }[] {
  return Array.from(starts, (start, key) => ({ start, end: ends[key], text: undefined }));
}

/** Bytes of a value of a type of fixed width, else 0. */
function widthOf(type: string): number {
  const width = WIDTHS.get(type);
  if (width !== undefined) return width;
  if (type.startsWith('DateTime64(')) return 8;
  if (type.startsWith('DateTime(')) return 4;
  if (type.startsWith('Enum8(')) return 1;
  const fixedString = /^FixedString\(([1-9][0-9]{0,5})\)$/.exec(type);
  return fixedString === null ? 0 : Number(fixedString[1]);
}

/** Code → name of an Enum8; undefined for other types. */
function enumNames(type: string): ReadonlyMap<number, string> | undefined {
  if (!type.startsWith('Enum8(')) return undefined;
  const names = new Map<number, string>();
  for (const pair of type.matchAll(/'((?:[^'\\]|\\.)*)' = (-?[0-9]{1,3})/g)) {
    names.set(Number(pair[2]), pair[1].replaceAll(/\\(.)/g, '$1'));
  }
  return names;
}

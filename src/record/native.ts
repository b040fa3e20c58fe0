/**
 * A batch as one block of ClickHouse's Native format: per column its name, its type and its data, whole.
 * https://clickhouse.com/docs/interfaces/formats/Native
 *
 * The batch lies as the format wants it, so that a block is a few copies. Only names (LowCardinality) are
 * translated: their ids in the worker's table become places in a dictionary of the block. One encoder per
 * worker; it allocates the block, which the caller may transfer, and nothing else.
 */
import { assert } from '../base/assert.ts';
import type { Batch, FixedData, ListData, NameData, TextData } from './columns.ts';
import type { Column } from './schema.ts';
import type { StringTable } from './string-table.ts';

/** Serialisation version of LowCardinality: a shared dictionary with additional keys. */
const DICTIONARY_VERSION = 1;
/** Flags of a dictionary: has additional keys, needs an update; the low byte is the width of indexes. */
const DICTIONARY_FLAGS = 0x600;
/** Version, flags, count of keys, count of rows: 64 bits each. */
const DICTIONARY_HEAD_BYTES = 32;
/** Stamps are signed 32-bit numbers, one per dictionary. */
const STAMP_MAX = 0x7fffffff;

export class NativeEncoder {
  readonly #schema: readonly Column[];
  readonly #strings: StringTable;
  readonly #names: readonly Uint8Array[]; // Per column: name and type, lengths before them.
  // String id → its place in the dictionary being made, true where the stamp is that of this dictionary.
  readonly #stamps: Int32Array;
  readonly #places: Int32Array;
  #stamp = 0;
  // Ids of the dictionaries of the block, in order, one column after the other.
  #keys: Int32Array;
  readonly #keysEnd: Int32Array; // Column → end in #keys.

  #out: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(schema: readonly Column[], strings: StringTable) {
    this.#schema = schema;
    this.#strings = strings;
    this.#names = schema.map((column) => concat(textWithLength(column.name), textWithLength(column.type)));
    this.#stamps = new Int32Array(strings.capacity + 1);
    this.#places = new Int32Array(strings.capacity + 1);
    this.#keys = new Int32Array(1024);
    this.#keysEnd = new Int32Array(schema.length);
  }

  /** The rows of a batch as one block, in a buffer of its own; `batch` may be cleared then. */
  encode(batch: Batch): Uint8Array<ArrayBuffer> {
    assert(batch.columns.length === this.#schema.length, 'a batch has the columns of its schema');
    const rows = batch.count;
    let keysEnd = 0;
    let bytes = lengthBytes(this.#schema.length) + lengthBytes(rows);
    for (let index = 0; index < batch.columns.length; index++) {
      const column = batch.columns[index];
      if (column.kind === 'name' && rows > 0) keysEnd = this.#gatherKeys(column.ids, rows, keysEnd);
      this.#keysEnd[index] = keysEnd;
      bytes += this.#names[index].length;
      if (rows > 0) bytes += this.#dataBytes(batch, index);
    }

    const out = new Uint8Array(bytes);
    this.#out = out;
    this.#at = 0;
    this.#length(this.#schema.length);
    this.#length(rows);
    for (let index = 0; index < batch.columns.length; index++) {
      out.set(this.#names[index], this.#at);
      this.#at += this.#names[index].length;
      if (rows > 0) this.#data(batch, index);
    }
    assert(this.#at === bytes, 'a block has the size that was told');
    this.#out = EMPTY;
    return out;
  }

  /** Appends the distinct ids of a column to #keys, in order of appearance; returns the new end. */
  #gatherKeys(ids: Int32Array, rows: number, from: number): number {
    const stamps = this.#stamps;
    if (this.#stamp === STAMP_MAX) {
      stamps.fill(0);
      this.#stamp = 0;
    }
    const stamp = ++this.#stamp;
    let end = from;
    for (let row = 0; row < rows; row++) {
      const id = ids[row];
      if (stamps[id] === stamp) continue;
      stamps[id] = stamp;
      if (end === this.#keys.length) {
        const larger = new Int32Array(end * 2);
        larger.set(this.#keys);
        this.#keys = larger;
      }
      this.#keys[end++] = id;
    }
    return end;
  }

  #dataBytes(batch: Batch, index: number): number {
    const rows = batch.count;
    const column = batch.columns[index];
    switch (column.kind) {
      case 'fixed':
        return rows * column.width;
      case 'list':
        return rows * 8 + column.ends[rows - 1] * 8;
      case 'text':
        return textBytes(column, rows);
      case 'name': {
        const from = index === 0 ? 0 : this.#keysEnd[index - 1];
        const keys = this.#keysEnd[index] - from;
        let bytes = DICTIONARY_HEAD_BYTES + rows * indexWidth(keys);
        for (let key = from; key < from + keys; key++) {
          const length = this.#strings.endOf(this.#keys[key]) - this.#strings.startOf(this.#keys[key]);
          bytes += lengthBytes(length) + length;
        }
        return bytes;
      }
    }
  }

  #data(batch: Batch, index: number): void {
    const column = batch.columns[index];
    switch (column.kind) {
      case 'fixed':
        return this.#fixed(column, batch.count);
      case 'list':
        return this.#list(column, batch.count);
      case 'text':
        return this.#text(column, batch.count);
      case 'name':
        return this.#dictionary(column, batch.count, index);
    }
  }

  #fixed(column: FixedData, rows: number): void {
    const bytes = rows * column.width;
    this.#out.set(column.bytes.subarray(0, bytes), this.#at);
    this.#at += bytes;
  }

  #text(column: TextData, rows: number): void {
    let from = 0;
    for (let row = 0; row < rows; row++) {
      const end = column.ends[row];
      this.#lengthAndBytes(column.bytes, from, end);
      from = end;
    }
  }

  #list(column: ListData, rows: number): void {
    for (let row = 0; row < rows; row++) this.#u64(column.ends[row]);
    const words = column.words;
    const bytes = column.ends[rows - 1] * 8;
    this.#out.set(new Uint8Array(words.buffer, words.byteOffset, bytes), this.#at);
    this.#at += bytes;
  }

  #dictionary(column: NameData, rows: number, index: number): void {
    const from = index === 0 ? 0 : this.#keysEnd[index - 1];
    const end = this.#keysEnd[index];
    const width = indexWidth(end - from);
    this.#u64(DICTIONARY_VERSION);
    this.#u64(DICTIONARY_FLAGS | (width >> 1)); // 1, 2, 4 bytes are 0, 1, 2.
    this.#u64(end - from);
    const strings = this.#strings;
    for (let key = from; key < end; key++) {
      const id = this.#keys[key];
      this.#places[id] = key - from;
      this.#lengthAndBytes(strings.arena, strings.startOf(id), strings.endOf(id));
    }
    this.#u64(rows);
    const out = this.#out;
    const places = this.#places;
    let at = this.#at;
    for (let row = 0; row < rows; row++) {
      const place = places[column.ids[row]];
      out[at] = place;
      if (width > 1) out[at + 1] = place >>> 8;
      if (width > 2) {
        out[at + 2] = place >>> 16;
        out[at + 3] = place >>> 24;
      }
      at += width;
    }
    this.#at = at;
  }

  #lengthAndBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#length(end - start);
    const out = this.#out;
    let to = this.#at;
    for (let at = start; at < end; at++) out[to++] = bytes[at];
    this.#at = to;
  }

  /** A number below 2³¹ as 64 bits; fresh memory is zero. */
  #u64(value: number): void {
    const out = this.#out;
    out[this.#at] = value;
    out[this.#at + 1] = value >>> 8;
    out[this.#at + 2] = value >>> 16;
    out[this.#at + 3] = value >>> 24;
    this.#at += 8;
  }

  /** A number below 2³¹ in groups of seven bits (LEB128). */
  #length(value: number): void {
    let left = value;
    while (left >= 0x80) {
      this.#out[this.#at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#out[this.#at++] = left;
  }
}

const EMPTY = new Uint8Array(0);

function indexWidth(keys: number): number {
  return keys <= 0x100 ? 1 : keys <= 0x1_0000 ? 2 : 4;
}

function textBytes(column: TextData, rows: number): number {
  let bytes = column.ends[rows - 1];
  let from = 0;
  for (let row = 0; row < rows; row++) {
    bytes += lengthBytes(column.ends[row] - from);
    from = column.ends[row];
  }
  return bytes;
}

function lengthBytes(value: number): number {
  let bytes = 1;
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes++;
  return bytes;
}

function textWithLength(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const length = new Uint8Array(lengthBytes(bytes.length));
  let left = bytes.length;
  for (let at = 0; at < length.length; at++, left >>>= 7)
    length[at] = at + 1 < length.length ? left | 0x80 : left;
  return concat(length, bytes);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

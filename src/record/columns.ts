/**
 * A column of a batch, already as ClickHouse lays it out in memory (little-endian, 64-bit numbers as two
 * words), so that encoding a block is copying.
 */

/** Values of one width: `bytes` is a view over the whole column. */
export interface FixedData {
  readonly kind: 'fixed';
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** Texts one after the other; `ends[row]` is where that of `row` ends, the next one's start. */
export interface TextData {
  readonly kind: 'text';
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

/** Ids of a StringTable. */
export interface NameData {
  readonly kind: 'name';
  readonly ids: Int32Array;
}

/** Lists of 64-bit numbers, (low, high) each; `ends` counts numbers. */
export interface ListData {
  readonly kind: 'list';
  readonly words: Int32Array;
  readonly ends: Int32Array;
}

export type ColumnData = FixedData | TextData | NameData | ListData;

/** Rows of a table: `columns` in the order of its schema. */
export interface Batch {
  readonly count: number;
  readonly columns: readonly ColumnData[];
}

/** A fixed column over a typed array. */
export function fixed(array: ArrayBufferView, width: number): FixedData {
  return { kind: 'fixed', width, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) };
}

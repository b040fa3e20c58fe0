/**
 * Rows of a decoded block, cell by cell. Made by `readBlock`, which has checked all ranges. Accessors of the
 * wrong kind for a column are our bug and assert; a column that is not there reads as empty or 0, so that a
 * reader of a newer schema takes an older block.
 */
import { assert } from '../base/assert.ts';
import { ADDRESS_BYTES, addressText } from './address.ts';
import { decimal, milliseconds, timestamp } from './decimal.ts';
import { decodeText } from './text.ts';

interface FixedColumn {
  readonly kind: 'fixed';
  readonly name: string;
  readonly type: string;
  readonly at: number;
  readonly width: number;
  readonly names: ReadonlyMap<number, string> | undefined;
}
interface TextColumn {
  readonly kind: 'text';
  readonly name: string;
  readonly type: string;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}
interface NameColumn {
  readonly kind: 'name';
  readonly name: string;
  readonly type: string;
  readonly places: Uint32Array;
  readonly keys: { readonly start: number; readonly end: number; text: string | undefined }[];
}
interface ListColumn {
  readonly kind: 'list';
  readonly name: string;
  readonly type: string;
  readonly at: number;
  readonly ends: Uint32Array;
}
export type BlockColumn = FixedColumn | TextColumn | NameColumn | ListColumn;

export class Block {
  readonly rows: number;
  readonly columns: readonly BlockColumn[];
  /** Just past the block in its bytes. */
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #byName: ReadonlyMap<string, BlockColumn>;

  constructor(bytes: Uint8Array, rows: number, columns: readonly BlockColumn[], end: number) {
    this.rows = rows;
    this.columns = columns;
    this.end = end;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#byName = new Map(columns.map((column) => [column.name, column]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** String, LowCardinality(String), the name of an Enum8; see `decodeText` for bytes that are not UTF-8. */
  text(name: string, row: number): string {
    const column = this.#column(name, row);
    if (column === undefined) return '';
    switch (column.kind) {
      case 'text':
        return decodeText(this.#bytes, column.starts[row], column.ends[row]);
      case 'name': {
        const key = column.keys[column.places[row]];
        return (key.text ??= decodeText(this.#bytes, key.start, key.end));
      }
      case 'fixed': {
        if (column.names === undefined) break;
        const code = this.#view.getInt8(column.at + row);
        return column.names.get(code) ?? String(code);
      }
      case 'list':
        break;
    }
    assert(false, 'the column holds text');
  }

  /** A number of up to 32 bits or a float; the code of an Enum8; 64 bits as the nearest double. */
  number(name: string, row: number): number {
    const column = this.#column(name, row);
    if (column === undefined) return 0;
    assert(column.kind === 'fixed', 'the column holds numbers');
    const at = column.at + row * column.width;
    const view = this.#view;
    if (column.type === 'Float32') return view.getFloat32(at, true);
    if (column.type === 'Float64') return view.getFloat64(at, true);
    const signed = column.type.startsWith('Int') || column.names !== undefined;
    switch (column.width) {
      case 1:
        return signed ? view.getInt8(at) : view.getUint8(at);
      case 2:
        return signed ? view.getInt16(at, true) : view.getUint16(at, true);
      case 4:
        return signed ? view.getInt32(at, true) : view.getUint32(at, true);
      default: {
        assert(column.width === 8, 'the column holds numbers');
        const high = signed || column.type.startsWith('DateTime') ? this.#high(at) : this.#high(at) >>> 0;
        return high * 4294967296 + this.#low(at);
      }
    }
  }

  /** Whether all bytes of a cell of fixed width are 0: absent, for ids. */
  isZero(name: string, row: number): boolean {
    const column = this.#column(name, row);
    if (column === undefined) return true;
    assert(column.kind === 'fixed', 'the column has a fixed width');
    const at = column.at + row * column.width;
    for (let byte = at; byte < at + column.width; byte++) if (this.#bytes[byte] !== 0) return false;
    return true;
  }

  /** An unsigned 64-bit number in decimal. */
  u64(name: string, row: number): string {
    const at = this.#wide(name, row);
    return at < 0 ? '0' : decimal(this.#low(at), this.#high(at));
  }

  /** The words of a 64-bit number, as signed 32-bit numbers. */
  low(name: string, row: number): number {
    const at = this.#wide(name, row);
    return at < 0 ? 0 : this.#low(at) | 0;
  }

  high(name: string, row: number): number {
    const at = this.#wide(name, row);
    return at < 0 ? 0 : this.#high(at);
  }

  /** A DateTime64(9) in RFC 3339, UTC, with nanoseconds. */
  time(name: string, row: number): string {
    const at = this.#wide(name, row);
    return at < 0 ? timestamp(0, 0) : timestamp(this.#low(at), this.#high(at));
  }

  /** A DateTime64(9) in milliseconds since 1970, rounded as a double is. */
  timeMs(name: string, row: number): number {
    const at = this.#wide(name, row);
    return at < 0 ? 0 : milliseconds(this.#low(at), this.#high(at));
  }

  /** The bytes of a cell of fixed width, in hexadecimal. */
  hex(name: string, row: number): string {
    const bytes = this.bytes(name, row);
    let text = '';
    for (let at = 0; at < bytes.length; at++) text += HEX[bytes[at]];
    return text;
  }

  /** The bytes of a text or of a cell of fixed width: a view. */
  bytes(name: string, row: number): Uint8Array {
    const column = this.#column(name, row);
    if (column === undefined) return new Uint8Array(0);
    switch (column.kind) {
      case 'text':
        return this.#bytes.subarray(column.starts[row], column.ends[row]);
      case 'name': {
        const key = column.keys[column.places[row]];
        return this.#bytes.subarray(key.start, key.end);
      }
      case 'fixed':
        return this.#bytes.subarray(column.at + row * column.width, column.at + (row + 1) * column.width);
      case 'list':
        assert(false, 'the column holds bytes');
    }
  }

  /** An IPv6 cell as text, IPv4 where it is mapped; empty for the unspecified address. */
  address(name: string, row: number): string {
    const column = this.#column(name, row);
    if (column === undefined || this.isZero(name, row)) return '';
    assert(column.kind === 'fixed' && column.width === ADDRESS_BYTES, 'the column holds addresses');
    return addressText(this.#bytes, column.at + row * ADDRESS_BYTES, ADDRESS_BYTES);
  }

  /** The numbers of an Array(UInt64), in decimal. */
  u64List(name: string, row: number): string[] {
    const column = this.#column(name, row);
    if (column === undefined) return [];
    assert(column.kind === 'list', 'the column holds lists');
    const numbers: string[] = [];
    for (let index = row === 0 ? 0 : column.ends[row - 1]; index < column.ends[row]; index++) {
      const at = column.at + index * 8;
      numbers.push(decimal(this.#low(at), this.#high(at)));
    }
    return numbers;
  }

  #column(name: string, row: number): BlockColumn | undefined {
    assert(row >= 0 && row < this.rows, 'the row lies in the block');
    return this.#byName.get(name);
  }

  /** Where the 64-bit cell lies; -1 when there is no such column. */
  #wide(name: string, row: number): number {
    const column = this.#column(name, row);
    if (column === undefined) return -1;
    assert(column.kind === 'fixed' && column.width === 8, 'the column holds 64-bit numbers');
    return column.at + row * 8;
  }

  #low(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #high(at: number): number {
    return this.#view.getInt32(at + 4, true);
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * Connections by address and port, both directions in one row: buckets of chained rows in the worker's
 * memory. Rows are handed out from one region, the last freed first, so that few pages are touched. The
 * bucket hash is seeded: traffic cannot choose its chain.
 */
import { assert } from '../../base/assert.ts';
import type { WireMemory } from '../../base/memory.ts';
import type { Packet } from '../decode/packet.ts';
import { R_CLIENT, R_HASH, R_HIGH, R_KIND, R_LOW, R_NEXT, R_PORTS, ROW_WORDS } from './row.ts';

export class ConnectionTable {
  readonly #u8: Uint8Array;
  readonly #view: DataView;
  readonly #i32: Int32Array;
  readonly #buckets: Int32Array;
  readonly #mask: number;
  readonly #capacity: number;
  readonly #seed: number;
  /** Word index of row 0. */
  readonly #base: number;
  #freeFirst = 0;
  /** Rows handed out at least once: [0, used). */
  used = 0;
  /** Rows in use. */
  count = 0;
  /** Direction of the packet last looked up: 0 when its source is the lower endpoint. */
  direction = 0;

  // The key of the packet last looked up, so that `create` need not read it again.
  readonly #low = new Int32Array(4);
  readonly #high = new Int32Array(4);
  #ports = 0;
  #kind = 0;
  #hash = 0;

  constructor(memory: WireMemory, start: number, capacity: number, seed: number) {
    assert(start % 64 === 0, 'rows are aligned');
    this.#u8 = memory.u8;
    this.#view = new DataView(memory.memory.buffer);
    this.#i32 = memory.i32;
    this.#base = start >> 2;
    this.#capacity = capacity;
    this.#seed = seed | 0;
    const buckets = 1 << (32 - Math.clz32(capacity * 2 - 1));
    this.#buckets = new Int32Array(buckets);
    this.#mask = buckets - 1;
  }

  /** Word index of a row. */
  at(row: number): number {
    return this.#base + row * ROW_WORDS;
  }

  rowOf(at: number): number {
    return (at - this.#base) / ROW_WORDS;
  }

  /** The row of the packet's connection as a word index, or 0. Sets `direction`. */
  find(packet: Packet): number {
    return packet.version === 4 ? this.#find4(packet) : this.#find6(packet);
  }

  /** A new row for the packet last looked up by `find`, all zero but its key; 0 when the table is full. */
  create(): number {
    const i32 = this.#i32;
    let row = this.#freeFirst - 1;
    if (row >= 0) this.#freeFirst = i32[this.at(row) + R_NEXT];
    else if (this.used < this.#capacity) row = this.used++;
    else return 0;
    this.count++;
    const at = this.at(row);
    i32.fill(0, at, at + ROW_WORDS);
    for (let k = 0; k < 4; k++) {
      i32[at + R_LOW + k] = this.#low[k];
      i32[at + R_HIGH + k] = this.#high[k];
    }
    i32[at + R_PORTS] = this.#ports;
    i32[at + R_KIND] = this.#kind;
    i32[at + R_HASH] = this.#hash;
    i32[at + R_CLIENT] = -1;
    const bucket = this.#hash & this.#mask;
    i32[at + R_NEXT] = this.#buckets[bucket];
    this.#buckets[bucket] = row + 1;
    return at;
  }

  /** Takes a row out of its bucket: `find` no longer answers it, its words stay until `free`. */
  detach(at: number): void {
    const i32 = this.#i32;
    const row = this.rowOf(at);
    assert(i32[at + R_KIND] !== 0, 'row is in use');
    const bucket = i32[at + R_HASH] & this.#mask;
    let next = this.#buckets[bucket];
    if (next === row + 1) this.#buckets[bucket] = i32[at + R_NEXT];
    else {
      while (next !== 0) {
        const before = this.#base + (next - 1) * ROW_WORDS;
        next = i32[before + R_NEXT];
        if (next === row + 1) i32[before + R_NEXT] = i32[at + R_NEXT];
        if (next === row + 1) break;
      }
      assert(next !== 0, 'row is in its bucket');
    }
  }

  /** A detached row may be handed out again. */
  free(at: number): void {
    this.#i32[at + R_KIND] = 0;
    this.#i32[at + R_NEXT] = this.#freeFirst;
    this.#freeFirst = this.rowOf(at) + 1;
    this.count--;
  }

  /** The key stays in locals, and is kept only where `create` will ask for it. */
  #find4(packet: Packet): number {
    const source = this.#view.getInt32(packet.sourceAt, true);
    const target = this.#view.getInt32(packet.targetAt, true);
    const sourcePort = packet.sourcePort;
    const targetPort = packet.targetPort;
    const forward = source < target || (source === target && sourcePort <= targetPort);
    const low = forward ? source : target;
    const high = forward ? target : source;
    const ports = forward ? sourcePort | (targetPort << 16) : targetPort | (sourcePort << 16);
    const kind = 4 | (packet.transport << 8);
    const hash = mix(mix(mix(this.#seed ^ kind, low), high), ports);
    this.direction = forward ? 0 : 1;
    const i32 = this.#i32;
    const base = this.#base;
    for (let next = this.#buckets[hash & this.#mask]; next !== 0;) {
      const at = base + (next - 1) * ROW_WORDS;
      if (
        i32[at + R_PORTS] === ports &&
        i32[at + R_LOW] === low &&
        i32[at + R_HIGH] === high &&
        i32[at + R_KIND] === kind
      ) {
        return at;
      }
      next = i32[at + R_NEXT];
    }
    this.#low.fill(0, 1);
    this.#high.fill(0, 1);
    this.#low[0] = low;
    this.#high[0] = high;
    this.#ports = ports;
    this.#kind = kind;
    this.#hash = hash;
    return 0;
  }

  #find6(packet: Packet): number {
    this.#key6(packet);
    const i32 = this.#i32;
    for (let next = this.#buckets[this.#hash & this.#mask]; next !== 0;) {
      const at = this.#base + (next - 1) * ROW_WORDS;
      if (i32[at + R_HASH] === this.#hash && this.#same6(at)) return at;
      next = i32[at + R_NEXT];
    }
    return 0;
  }

  #key6(packet: Packet): void {
    const u8 = this.#u8;
    let order = 0;
    for (let k = 0; k < 16 && order === 0; k++) order = u8[packet.sourceAt + k] - u8[packet.targetAt + k];
    const forward = order < 0 || (order === 0 && packet.sourcePort <= packet.targetPort);
    this.direction = forward ? 0 : 1;
    const low = forward ? packet.sourceAt : packet.targetAt;
    const high = forward ? packet.targetAt : packet.sourceAt;
    this.#ports = forward
      ? packet.sourcePort | (packet.targetPort << 16)
      : packet.targetPort | (packet.sourcePort << 16);
    this.#kind = 6 | (packet.transport << 8);
    let hash = mix(this.#seed ^ this.#kind, this.#ports);
    for (let k = 0; k < 4; k++) {
      this.#low[k] = word(u8, low + 4 * k);
      this.#high[k] = word(u8, high + 4 * k);
      hash = mix(mix(hash, this.#low[k]), this.#high[k]);
    }
    this.#hash = hash;
  }

  #same6(at: number): boolean {
    const i32 = this.#i32;
    if (i32[at + R_PORTS] !== this.#ports || i32[at + R_KIND] !== this.#kind) return false;
    for (let k = 0; k < 4; k++) {
      if (i32[at + R_LOW + k] !== this.#low[k] || i32[at + R_HIGH + k] !== this.#high[k]) return false;
    }
    return true;
  }
}

/** Little-endian word at any alignment; as a row keeps it, the bytes are in network order. */
function word(u8: Uint8Array, at: number): number {
  return u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24);
}

function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x9e3779b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

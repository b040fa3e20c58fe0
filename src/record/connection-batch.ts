/**
 * Connections as columns, until they leave as one block: a row when a connection ends, and again each time
 * that what is known of a long one is told; the last one counts. `add` allocates nothing.
 */
import { assert } from '../base/assert.ts';
import type { WireMemory } from '../base/memory.ts';
import { ADDRESS_BYTES, putAddress } from './address.ts';
import { fixed, type Batch, type ColumnData } from './columns.ts';
import { putCount, putNanos } from './nanos.ts';
import { CONNECTION_COLUMNS, type ConnectionColumn } from './schema.ts';

/** What `add` takes: one object per worker, filled anew before each. */
export class ConnectionRow {
  connection = 0;
  worker = 0;
  run = 0;
  /** String ids. */
  sensor = 0;
  protocol = 0;
  /** Places of the addresses in the worker's memory, `addressBytes` (4 or 16) each. */
  clientAt = 0;
  serverAt = 0;
  addressBytes = 4;
  clientPort = 0;
  serverPort = 0;
  /** Place in TRANSPORTS. */
  transport = 0;
  openedSeconds = 0;
  openedNanos = 0;
  closedSeconds = 0;
  closedNanos = 0;
  /** Below 10⁹ × 2³²; 0 when not known. */
  roundTripNanos = 0;
  /** Payload sent by each side. */
  clientBytes = 0;
  serverBytes = 0;
  clientPackets = 0;
  serverPackets = 0;
  retransmits = 0;
  gapBytes = 0;
  /** FLAG_* bits. */
  flags = 0;
}

export class ConnectionBatch implements Batch {
  readonly capacity: number;
  count = 0;
  /** As CONNECTION_COLUMNS. */
  readonly columns: readonly ColumnData[];

  readonly #u8: Uint8Array;
  readonly #connection: Int32Array;
  readonly #worker: Uint8Array;
  readonly #run: Int32Array;
  readonly #sensor: Int32Array;
  readonly #clientAddress: Uint8Array;
  readonly #serverAddress: Uint8Array;
  readonly #clientPort: Uint16Array;
  readonly #serverPort: Uint16Array;
  readonly #transport: Uint8Array;
  readonly #protocol: Int32Array;
  readonly #opened: Int32Array;
  readonly #closed: Int32Array;
  readonly #roundTrip: Int32Array;
  readonly #clientBytes: Int32Array;
  readonly #serverBytes: Int32Array;
  readonly #clientPackets: Int32Array;
  readonly #serverPackets: Int32Array;
  readonly #retransmits: Int32Array;
  readonly #gapBytes: Int32Array;
  readonly #flags: Int32Array;

  constructor(memory: WireMemory, capacity: number) {
    assert(capacity > 0, 'a batch has room');
    this.#u8 = memory.u8;
    this.capacity = capacity;
    const words = (count: number): Int32Array => new Int32Array(capacity * count);
    this.#connection = words(1);
    this.#worker = new Uint8Array(capacity);
    this.#run = words(1);
    this.#sensor = words(1);
    this.#clientAddress = new Uint8Array(capacity * ADDRESS_BYTES);
    this.#serverAddress = new Uint8Array(capacity * ADDRESS_BYTES);
    this.#clientPort = new Uint16Array(capacity);
    this.#serverPort = new Uint16Array(capacity);
    this.#transport = new Uint8Array(capacity);
    this.#protocol = words(1);
    this.#opened = words(2);
    this.#closed = words(2);
    this.#roundTrip = words(2);
    this.#clientBytes = words(2);
    this.#serverBytes = words(2);
    this.#clientPackets = words(2);
    this.#serverPackets = words(2);
    this.#retransmits = words(1);
    this.#gapBytes = words(2);
    this.#flags = words(1);
    this.columns = this.#inOrder();
  }

  /** False, and nothing copied, when there is no room: send the batch, `clear` it, add again. */
  add(from: ConnectionRow): boolean {
    const row = this.count;
    if (row === this.capacity) return false;
    const pair = row * 2;
    this.#connection[row] = from.connection;
    this.#worker[row] = from.worker;
    this.#run[row] = from.run;
    this.#sensor[row] = from.sensor;
    this.#protocol[row] = from.protocol;
    putAddress(this.#clientAddress, row * ADDRESS_BYTES, this.#u8, from.clientAt, from.addressBytes);
    putAddress(this.#serverAddress, row * ADDRESS_BYTES, this.#u8, from.serverAt, from.addressBytes);
    this.#clientPort[row] = from.clientPort;
    this.#serverPort[row] = from.serverPort;
    this.#transport[row] = from.transport;
    putNanos(this.#opened, pair, from.openedSeconds, from.openedNanos);
    putNanos(this.#closed, pair, from.closedSeconds, from.closedNanos);
    putCount(this.#roundTrip, pair, from.roundTripNanos);
    putCount(this.#clientBytes, pair, from.clientBytes);
    putCount(this.#serverBytes, pair, from.serverBytes);
    putCount(this.#clientPackets, pair, from.clientPackets);
    putCount(this.#serverPackets, pair, from.serverPackets);
    this.#retransmits[row] = from.retransmits;
    putCount(this.#gapBytes, pair, from.gapBytes);
    this.#flags[row] = from.flags;
    this.count = row + 1;
    return true;
  }

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
  }

  #inOrder(): readonly ColumnData[] {
    const byName: Record<ConnectionColumn, ColumnData> = {
      connection: fixed(this.#connection, 4),
      worker: fixed(this.#worker, 1),
      run: fixed(this.#run, 4),
      sensor: { kind: 'name', ids: this.#sensor },
      client_address: fixed(this.#clientAddress, ADDRESS_BYTES),
      server_address: fixed(this.#serverAddress, ADDRESS_BYTES),
      client_port: fixed(this.#clientPort, 2),
      server_port: fixed(this.#serverPort, 2),
      transport: fixed(this.#transport, 1),
      protocol: { kind: 'name', ids: this.#protocol },
      opened: fixed(this.#opened, 8),
      closed: fixed(this.#closed, 8),
      round_trip: fixed(this.#roundTrip, 8),
      client_bytes: fixed(this.#clientBytes, 8),
      server_bytes: fixed(this.#serverBytes, 8),
      client_packets: fixed(this.#clientPackets, 8),
      server_packets: fixed(this.#serverPackets, 8),
      retransmits: fixed(this.#retransmits, 4),
      gap_bytes: fixed(this.#gapBytes, 8),
      flags: fixed(this.#flags, 4),
    };
    return CONNECTION_COLUMNS.map((column) => byName[column.name]);
  }
}

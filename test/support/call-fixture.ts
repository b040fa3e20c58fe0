/**
 * Finished calls with random values in every column, written where the conversation would write them, and
 * the text that every reader of a block should give for each cell. Values are computed with BigInt here:
 * another way than the code under test.
 */
import { createMemory, type WireMemory } from '../../src/base/memory.ts';
import type { Block } from '../../src/record/block.ts';
import { CallBatch, CallContext } from '../../src/record/call-batch.ts';
import { OUTCOMES, VANTAGES } from '../../src/record/codes.ts';
import * as oc from '../../src/record/open-call.ts';
import { CALL_COLUMNS, type CallColumn } from '../../src/record/schema.ts';
import { StringTable } from '../../src/record/string-table.ts';
import type { Random } from './random.ts';

/** Every cell as text: numbers in decimal, times in ns, bytes in hex, enums by name, weight as its bits. */
export type Cells = Record<CallColumn, string>;

export interface Fixture {
  readonly memory: WireMemory;
  readonly strings: StringTable;
  readonly context: CallContext;
  readonly openCall: number;
}

const PAGE = 65_536;

export function createFixture(stringCapacity = 65_536): Fixture {
  const memory = createMemory(PAGE, 2 * PAGE);
  const strings = new StringTable(memory, fnv(memory), stringCapacity, 4 * 1024 * 1024);
  return { memory, strings, context: new CallContext(), openCall: memory.heapStart };
}

/** FNV-1a: any hash will do for a table. */
export function fnv(memory: WireMemory): { hash(start: number, end: number): number } {
  return {
    hash(start: number, end: number): number {
      let hash = 0x811c9dc5;
      for (let at = start; at < end; at++) hash = Math.imul(hash ^ memory.u8[at], 0x01000193);
      return hash ^ (hash >>> 15);
    },
  };
}

/** Fills the fixture's open call and context at random; the cells that its row should have. */
export function randomCall(fixture: Fixture, random: Random, strings: readonly number[]): Cells {
  const { memory, context, openCall } = fixture;
  const at = openCall >> 2;
  const i32 = memory.i32;
  const word = (): number => random.below(4294967296) | 0;
  for (let index = 0; index < oc.OPEN_CALL_BYTES / 4; index++) i32[at + index] = word();

  context.connection = random.below(4294967296);
  context.worker = random.below(256);
  context.run = random.below(4294967296);
  context.serverPort = random.below(65_536);
  context.clientLow = word();
  context.clientHigh = word();
  context.serverLow = word();
  context.serverHigh = word();
  context.vantage = random.below(VANTAGES.length);
  context.sensor = random.pick(strings);
  context.protocol = random.pick(strings);
  context.weight = Math.fround(1 + random.below(1000) / 7);
  context.flags = 1 << random.below(9);

  const times = randomTimes(fixture, random);
  for (const name of [oc.OC_METHOD, oc.OC_OPERATION, oc.OC_HOST, oc.OC_STATUS]) {
    i32[at + name] = random.oneIn(4) ? 0 : random.pick(strings);
  }
  const target = randomTarget(fixture, random);
  i32[at + oc.OC_OUTCOME] = random.below(OUTCOMES.length);
  const requestBytes = random.pick([0, 1, 1460, 4294967295, 4294967296, 2 ** 53 - 1]);
  const responseBytes = random.below(4294967296) * random.pick([1, 65_536]);
  memory.f64[(at + oc.OC_REQUEST_BYTES) >> 1] = requestBytes;
  memory.f64[(at + oc.OC_RESPONSE_BYTES) >> 1] = responseBytes;
  i32[at + oc.OC_FINGERPRINT_COUNT] = random.below(oc.FINGERPRINTS_MAX + 1);
  if (random.oneIn(3)) i32.fill(0, at + oc.OC_TRACE, at + oc.OC_FINGERPRINT_COUNT);

  return cellsOf(fixture, times, target, requestBytes, responseBytes);
}

function cellsOf(
  { memory, strings, context, openCall }: Fixture,
  times: Pick<Cells, 'start' | 'request_end' | 'first_byte' | 'end'>,
  target: string,
  requestBytes: number,
  responseBytes: number,
): Cells {
  const at = openCall >> 2;
  const i32 = memory.i32;
  const u32 = (index: number): string => String(i32[at + index] >>> 0);
  const u64 = (index: number): string => pair(i32[at + index], i32[at + index + 1]);
  const hex = (index: number, bytes: number): string =>
    Buffer.from(memory.u8.subarray(openCall + index * 4, openCall + index * 4 + bytes)).toString('hex');
  const name = (id: number): string =>
    Buffer.from(strings.arena.subarray(strings.startOf(id), strings.endOf(id))).toString('hex');
  const fingerprints = Array.from({ length: i32[at + oc.OC_FINGERPRINT_COUNT] }, (_, index) =>
    u64(oc.OC_FINGERPRINTS + index * 2),
  );
  return {
    call: u64(oc.OC_CALL),
    connection: String(context.connection),
    worker: String(context.worker),
    run: String(context.run),
    sequence: u32(oc.OC_ORDINAL),
    stream: u32(oc.OC_KEY),
    ...times,
    client_endpoint: pair(context.clientLow, context.clientHigh),
    server_endpoint: pair(context.serverLow, context.serverHigh),
    server_port: String(context.serverPort),
    sensor: name(context.sensor),
    vantage: VANTAGES[context.vantage],
    protocol: name(context.protocol),
    method: name(i32[at + oc.OC_METHOD]),
    operation: name(i32[at + oc.OC_OPERATION]),
    target,
    host: name(i32[at + oc.OC_HOST]),
    status: name(i32[at + oc.OC_STATUS]),
    outcome: OUTCOMES[i32[at + oc.OC_OUTCOME]],
    request_bytes: String(requestBytes),
    response_bytes: String(responseBytes),
    retransmits: u32(oc.OC_RETRANSMITS),
    trace_id: hex(oc.OC_TRACE, 16),
    span_id: hex(oc.OC_SPAN, 8),
    parent_span_id: hex(oc.OC_PARENT, 8),
    fingerprints: fingerprints.join(','),
    principal: u64(oc.OC_PRINCIPAL),
    weight: String(floatBits(context.weight)),
    flags: String((i32[at + oc.OC_FLAGS] | context.flags) >>> 0),
  };
}

function randomTimes(
  fixture: Fixture,
  random: Random,
): Pick<Cells, 'start' | 'request_end' | 'first_byte' | 'end'> {
  const seconds = random.pick([0, 1, 1_790_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]);
  const nanos = random.pick([0, 1, 999_999_999, random.below(1_000_000_000)]);
  putTime(fixture, oc.OC_START, seconds, nanos);
  const later = (index: number): string => {
    let laterSeconds = Math.min(2 ** 32 - 1, seconds + random.pick([0, 0, 1, 5, 10_000_000]));
    let laterNanos = random.below(1_000_000_000);
    if (random.oneIn(5)) laterSeconds = laterNanos = 0;
    if (random.oneIn(9)) laterSeconds = Math.max(0, seconds - 3);
    putTime(fixture, index, laterSeconds, laterNanos);
    const passed = nanosOf(laterSeconds, laterNanos) - nanosOf(seconds, nanos);
    return passed < 0n ? '0' : String(passed);
  };
  return {
    start: String(nanosOf(seconds, nanos)),
    request_end: later(oc.OC_REQUEST_END),
    first_byte: later(oc.OC_FIRST_BYTE),
    end: later(oc.OC_END),
  };
}

export function putTime(fixture: Fixture, index: number, seconds: number, nanos: number): void {
  fixture.memory.u32[(fixture.openCall >> 2) + index] = seconds;
  fixture.memory.u32[(fixture.openCall >> 2) + index + 1] = nanos;
}

function randomTarget({ memory, openCall }: Fixture, random: Random): string {
  const at = openCall >> 2;
  const from = openCall + 4096;
  const length = random.pick([0, 1, 20, 127, 128, 300]);
  for (let index = 0; index < length; index++) memory.u8[from + index] = random.below(256);
  memory.i32[at + oc.OC_TARGET] = random.oneIn(6) ? 0 : from;
  memory.i32[at + oc.OC_TARGET_BYTES] = length;
  if (memory.i32[at + oc.OC_TARGET] === 0) return '';
  return Buffer.from(memory.u8.subarray(from, from + length)).toString('hex');
}

/** The cells of a decoded row, as `randomCall` tells them. */
export function decodedCells(block: Block, row: number): Cells {
  const cells: Partial<Cells> = {};
  for (const { name, type } of CALL_COLUMNS) {
    if (type === 'UInt64' || type.startsWith('DateTime64')) cells[name] = block.u64(name, row);
    else if (type.startsWith('Enum8')) cells[name] = block.text(name, row);
    else if (type.startsWith('Array')) cells[name] = block.u64List(name, row).join(',');
    else if (type === 'Float32') cells[name] = String(floatBits(block.number(name, row)));
    else if (type.startsWith('UInt')) cells[name] = String(block.number(name, row));
    else cells[name] = block.hex(name, row);
  }
  return cells as Cells;
}

/** `count` distinct texts of one byte and more, some of them not UTF-8. */
export function randomStrings(fixture: Fixture, random: Random, count: number): number[] {
  const ids: number[] = [];
  for (let index = 0; index < count; index++) {
    const tail = Array.from({ length: random.below(12) }, () => random.below(256));
    ids.push(fixture.strings.internBytes(new Uint8Array([...Buffer.from(`${index}/`), ...tail])));
  }
  return ids;
}

/** A batch of `rows` random calls and their cells. */
export function randomBatch(
  fixture: Fixture,
  random: Random,
  rows: number,
  strings: readonly number[],
): { batch: CallBatch; expected: Cells[] } {
  const batch = new CallBatch(fixture.memory, Math.max(1, rows), 1024 * 1024 * 8);
  const expected: Cells[] = [];
  for (let row = 0; row < rows; row++) {
    expected.push(randomCall(fixture, random, strings));
    if (!batch.add(fixture.openCall, fixture.context)) throw new Error('the batch has room');
  }
  return { batch, expected };
}

export function nanosOf(seconds: number, nanos: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

function pair(low: number, high: number): string {
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

function floatBits(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0];
}

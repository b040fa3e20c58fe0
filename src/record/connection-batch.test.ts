import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFixture } from '../../test/support/call-fixture.ts';
import { addressText } from './address.ts';
import { ConnectionBatch, ConnectionRow } from './connection-batch.ts';
import { NativeEncoder } from './native.ts';
import { readBlock } from './native-reader.ts';
import { CONNECTION_COLUMNS } from './schema.ts';

test('a connection comes back from a block as it went in', () => {
  const fixture = createFixture();
  const { memory, strings } = fixture;
  const row = new ConnectionRow();
  memory.u8.set([10, 0, 0, 1, 192, 168, 0, 255], memory.heapStart);
  Object.assign(row, {
    connection: 2 ** 32 - 1,
    worker: 3,
    run: 9,
    sensor: strings.internText('edge'),
    protocol: strings.internText('redis'),
    clientAt: memory.heapStart,
    serverAt: memory.heapStart + 4,
    clientPort: 65_535,
    serverPort: 6379,
    transport: 1,
    openedSeconds: 1_790_000_000,
    openedNanos: 1,
    closedSeconds: 1_790_000_009,
    closedNanos: 2,
    roundTripNanos: 5_000_000_000,
    clientBytes: 2 ** 40,
    serverBytes: 7,
    clientPackets: 2 ** 33,
    serverPackets: 1,
    retransmits: 4,
    gapBytes: 1460,
    flags: 4,
  });
  const batch = new ConnectionBatch(memory, 2);
  assert.ok(batch.add(row));
  memory.u8.set([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], memory.heapStart);
  row.serverAt = memory.heapStart;
  row.addressBytes = 16;
  assert.ok(batch.add(row));
  assert.equal(batch.add(row), false);

  const read = readBlock(new NativeEncoder(CONNECTION_COLUMNS, strings).encode(batch));
  assert.ok(read.ok);
  const block = read.value;
  assert.equal(block.rows, 2);
  const numbers = ['connection', 'worker', 'run', 'client_port', 'server_port', 'retransmits', 'flags'];
  assert.deepEqual(
    numbers.map((name) => block.number(name, 0)),
    [2 ** 32 - 1, 3, 9, 65_535, 6379, 4, 4],
  );
  const wide = [
    'round_trip',
    'client_bytes',
    'server_bytes',
    'client_packets',
    'server_packets',
    'gap_bytes',
  ];
  assert.deepEqual(
    wide.map((name) => block.u64(name, 0)),
    ['5000000000', '1099511627776', '7', '8589934592', '1', '1460'],
  );
  const texts = ['sensor', 'protocol', 'transport'];
  assert.deepEqual(
    texts.map((name) => block.text(name, 0)),
    ['edge', 'redis', 'tcp'],
  );
  assert.equal(block.time('opened', 0), '2026-09-21T14:13:20.000000001Z');
  assert.equal(block.time('closed', 0), '2026-09-21T14:13:29.000000002Z');
  assert.equal(block.address('client_address', 0), '10.0.0.1');
  assert.equal(block.address('server_address', 0), '192.168.0.255');
  assert.equal(block.address('server_address', 1), '2001:db8::1');
});

test('addresses are written as RFC 5952 writes them', () => {
  const cases: [string, string][] = [
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['00000000000000000000ffff7f000001', '127.0.0.1'],
  ];
  for (const [hex, text] of cases) assert.equal(addressText(Buffer.from(hex, 'hex'), 0, 16), text);
  assert.equal(addressText(Uint8Array.of(9, 255, 0, 1, 2), 1, 4), '255.0.1.2');
});

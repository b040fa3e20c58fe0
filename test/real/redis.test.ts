/** A real redis-server, asked through a recording proxy: every command sent is one call, told right. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CLIENT, SERVER } from '../../src/wire/protocols/protocol.ts';
import { redis } from '../../src/wire/protocols/redis.ts';
import { Driver } from '../support/drive.ts';
import type { Turn } from '../support/drive.ts';
import { missing, startServer } from '../support/real-server.ts';
import type { RealServer } from '../support/real-server.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import type { RecordingProxy } from '../support/recording-proxy.ts';
import { createTestContext } from '../support/wire-context.ts';

const skip = missing('redis-server');
const context = createTestContext();

/** A command's words, and what its call must be: `METHOD target status outcome`. */
type Step = readonly [words: readonly string[], call: string];

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

class Client {
  readonly #socket: Socket;
  #received = '';
  #marks = 0;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (bytes: Buffer) => (this.#received += bytes.toString('latin1')));
  }

  send(...commands: readonly (readonly string[])[]): void {
    this.#socket.write(commands.map(encode).join(''));
  }

  /** Waits until the server has sent this text. */
  async until(text: string): Promise<void> {
    while (!this.#received.includes(text)) await once(this.#socket, 'data');
  }

  /** Sends commands and one more whose answer shows that all were answered. */
  async ask(...commands: readonly (readonly string[])[]): Promise<void> {
    const mark = `mark-${this.#marks++}-`;
    this.send(...commands, ['PING', mark]);
    await this.until(`${mark}\r\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The calls of a recorded connection: the same whole and cut, without a loss. */
function calls(turns: readonly Turn[]): string[] {
  const [whole, ...cuts] = [0, 1, 7, 1448].map((size) => {
    const driver = new Driver(redis, context);
    for (const turn of turns) driver.turn(turn, size, false);
    driver.close(false);
    assert.equal(driver.losses, 0, `cut ${size}`);
    return driver.writer.calls.map((call) => call.fields());
  });
  for (const cut of cuts) assert.deepEqual(cut, whole);
  return whole.map(({ method, target, status, outcome }) => `${method} ${target} ${status} ${outcome}`);
}

function first(turns: readonly Turn[], side: number): Uint8Array {
  return turns.find((turn) => turn.side === side)?.bytes ?? new Uint8Array(0);
}

const RESP2: readonly Step[] = [
  [['PING'], 'PING - - ok'],
  [['set', 'cart:1', 'x'.repeat(100_000)], 'SET cart:1 - ok'],
  [['GET', 'cart:1'], 'GET cart:1 - ok'],
  [['GET', 'nothing'], 'GET nothing - ok'],
  [['HSET', 'user:1', 'name', 'Ada', 'mail', 'ada@shop.example'], 'HSET user:1 - ok'],
  [['HGETALL', 'user:1'], 'HGETALL user:1 - ok'],
  [['LPUSH', 'user:1', 'x'], 'LPUSH user:1 WRONGTYPE client-error'],
  [['NOSUCH', 'a'], 'NOSUCH a ERR client-error'],
  [['EVALSHA', 'ffffffffffffffffffffffffffffffffffffffff', '1', 'k'], 'EVALSHA k NOSCRIPT client-error'],
  [['EVAL', 'return {1, {2, KEYS[1]}, false}', '1', 'k:9', 'a'], 'EVAL k:9 - ok'],
  [['RPUSH', 'list', ...Array.from({ length: 2000 }, (_, i) => `item-${i}`)], 'RPUSH list - ok'],
  [['LRANGE', 'list', '0', '-1'], 'LRANGE list - ok'],
  [['XADD', 'log', '*', 'f', 'v'], 'XADD log - ok'],
  [['XREAD', 'COUNT', '1', 'STREAMS', 'log', '0'], 'XREAD log - ok'],
  [['XINFO', 'STREAM', 'log', 'FULL'], 'XINFO STREAM log - ok'],
  [['CONFIG', 'GET', 'max*'], 'CONFIG GET max* - ok'],
  [['CLIENT', 'LIST'], 'CLIENT LIST - - ok'],
  [['COMMAND'], 'COMMAND - - ok'],
  [['COMMAND', 'DOCS', 'GET', 'SET'], 'COMMAND DOCS - - ok'],
  [['OBJECT', 'ENCODING', 'list'], 'OBJECT ENCODING list - ok'],
  [['SCAN', '0'], 'SCAN - - ok'],
  [['MULTI'], 'MULTI - - ok'],
  [['INCR', 'n'], 'INCR n - ok'],
  [['LPUSH', 'n', 'x'], 'LPUSH n - ok'],
  [['LRANGE', 'list', '0', '2'], 'LRANGE list - ok'],
  [['EXEC'], 'EXEC - - ok'],
  [['EXEC'], 'EXEC - ERR client-error'],
  [['MULTI'], 'MULTI - - ok'],
  [['SET', 'wrong'], 'SET wrong ERR client-error'],
  [['EXEC'], 'EXEC - EXECABORT client-error'],
  [['BLPOP', 'empty', '0.01'], 'BLPOP empty - ok'],
  [['AUTH', 'ada', 'hunter22222'], 'AUTH ada WRONGPASS client-error'],
  [['CLIENT', 'REPLY', 'SKIP'], 'CLIENT REPLY - - one-way'],
  [['INCR', 'n'], 'INCR n - one-way'],
  [['CLIENT', 'REPLY', 'OFF'], 'CLIENT REPLY - - one-way'],
  [['INCR', 'n'], 'INCR n - one-way'],
  [['CLIENT', 'REPLY', 'ON'], 'CLIENT REPLY - - ok'],
  [['SELECT', '3'], 'SELECT - - ok'],
];

const RESP3: readonly Step[] = [
  [['HELLO', '3'], 'HELLO - - ok'],
  [['HSET', 'h', 'a', '1', 'b', '2'], 'HSET h - ok'],
  [['HGETALL', 'h'], 'HGETALL h - ok'],
  [['ZADD', 'z', '1.5', 'm'], 'ZADD z - ok'],
  [['ZSCORE', 'z', 'm'], 'ZSCORE z - ok'],
  [['ZRANGE', 'z', '0', '-1', 'WITHSCORES'], 'ZRANGE z - ok'],
  [['SADD', 's', 'a', 'b'], 'SADD s - ok'],
  [['SMEMBERS', 's'], 'SMEMBERS s - ok'],
  [['GET', 'none'], 'GET none - ok'],
  [['INFO', 'server'], 'INFO - - ok'],
  [['COMMAND', 'DOCS', 'GET'], 'COMMAND DOCS - - ok'],
  [['XADD', 'log', '*', 'f', 'v'], 'XADD log - ok'],
  [['XREAD', 'STREAMS', 'log', '0'], 'XREAD log - ok'],
  [['BZPOPMIN', 'none', '0.01'], 'BZPOPMIN none - ok'],
  [['LPUSH', 'h', 'x'], 'LPUSH h WRONGTYPE client-error'],
  [['HELLO', '2'], 'HELLO - - ok'],
  [['HGETALL', 'h'], 'HGETALL h - ok'],
];

describe('a real redis-server', { skip }, () => {
  let server: RealServer;
  let proxy: RecordingProxy;

  before(async () => {
    const bare = ['--bind', '127.0.0.1', '--save', '', '--enable-debug-command', 'yes'];
    server = await startServer('redis-server', (port, folder) => [
      '--port',
      `${port}`,
      '--dir',
      folder,
      ...bare,
    ]);
    proxy = await startRecordingProxy(server.port);
  });
  after(async () => {
    await proxy.close();
    await server.stop();
  });

  /** Opens a connection through the proxy; its turns are those of `proxy.connections` at the same index. */
  function open(): { client: Client; turns: () => readonly Turn[] } {
    const index = opened++;
    return { client: new Client(proxy.port), turns: () => proxy.connections[index] };
  }
  let opened = 0;

  for (const [name, steps] of [
    ['RESP2', RESP2],
    ['RESP3', RESP3],
  ] as const) {
    it(`${name}: every command is one call, written one by one or all at once`, async () => {
      const { client, turns } = open();
      for (const [words] of steps) {
        client.send(words);
      }
      await client.ask();
      const expected = [...steps.map(([, call]) => call), 'PING - - ok'];
      assert.deepEqual(calls(turns()), expected);
      assert.equal(redis.recognise(context, ...place(first(turns(), CLIENT)), CLIENT), 2);
      assert.notEqual(redis.recognise(context, ...place(first(turns(), SERVER)), SERVER), 0);
      client.close();

      const again = open();
      await again.client.ask(...steps.map(([words]) => words));
      assert.deepEqual(calls(again.turns()), expected);
      again.client.close();
    });
  }

  for (const version of ['2', '3']) {
    it(`pub/sub over RESP${version}: confirmations and messages are pushes`, async () => {
      const { client, turns } = open();
      client.send(['HELLO', version], ['SUBSCRIBE', 'news', 'sport'], ['PSUBSCRIBE', 'n*']);
      await client.until('psubscribe\r\n$2\r\nn*\r\n:3\r\n');
      const other = open();
      await other.client.ask(['PUBLISH', 'news', 'one'], ['PUBLISH', 'sport', 'two']);
      await client.until('two\r\n');
      await client.ask(['UNSUBSCRIBE'], ['PUNSUBSCRIBE', 'n*']);
      const told = calls(turns());
      assert.deepEqual(
        told.filter((call) => call.endsWith(' ok')),
        [
          'HELLO - - ok',
          'SUBSCRIBE news - ok',
          'PSUBSCRIBE n* - ok',
          'UNSUBSCRIBE - - ok',
          'PUNSUBSCRIBE n* - ok',
          'PING - - ok',
        ],
      );
      const pushes = told.filter((call) => call.endsWith(' one-way'));
      assert.deepEqual(pushes.slice(0, 4), [
        'subscribe sport - one-way',
        'message news - one-way',
        'pmessage news - one-way',
        'message sport - one-way',
      ]);
      assert.match(pushes[4], /^unsubscribe (news|sport) - one-way$/);
      assert.equal(told.length, 11);
      client.close();
      other.client.close();
    });
  }

  it('a blocked command is answered by what another connection pushes', async () => {
    const { client, turns } = open();
    client.send(['BLPOP', 'jobs', '0']);
    const other = open();
    await other.client.ask(['RPUSH', 'jobs', 'job-4711']);
    await client.until('job-4711\r\n');
    await client.ask();
    assert.deepEqual(calls(turns()), ['BLPOP jobs - ok', 'PING - - ok']);
    assert.deepEqual(calls(other.turns()), ['RPUSH jobs - ok', 'PING - - ok']);
    client.close();
    other.client.close();
  });

  it('invalidations of tracked keys are pushes', async () => {
    const { client, turns } = open();
    await client.ask(['HELLO', '3'], ['CLIENT', 'TRACKING', 'ON'], ['GET', 'tracked']);
    const other = open();
    await other.client.ask(['SET', 'tracked', '2']);
    await client.until('invalidate\r\n*1\r\n$7\r\ntracked\r\n');
    assert.equal(calls(turns()).at(-1), 'invalidate tracked - one-way');
    client.close();
    other.client.close();
  });

  it('attributes and every type of RESP3 that the server can show are one answer each', async () => {
    const { client, turns } = open();
    const kinds = [
      'string',
      'integer',
      'double',
      'null',
      'array',
      'set',
      'map',
      'attrib',
      'bignum',
      'true',
      'verbatim',
    ];
    await client.ask(['HELLO', '3'], ...kinds.map((kind) => ['DEBUG', 'PROTOCOL', kind]));
    const expected = ['HELLO - - ok', ...kinds.map(() => 'DEBUG PROTOCOL - - ok'), 'PING - - ok'];
    assert.deepEqual(calls(turns()), expected);
    client.close();
  });

  it('what MONITOR shows is no answer', async () => {
    const { client, turns } = open();
    client.send(['MONITOR']);
    await client.until('+OK\r\n');
    const other = open();
    await other.client.ask(['SET', 'seen', '1'], ['AUTH', 'hunter22222']);
    await client.until('"PING"');
    const told = calls(turns());
    assert.equal(told[0], 'MONITOR - - ok');
    assert.ok(told.length >= 3);
    assert.deepEqual(new Set(told.slice(1)), new Set(['monitor - - one-way']));
    client.close();
    other.client.close();
  });

  it('inline commands, as typed', async () => {
    const index = opened++;
    const socket = connect(proxy.port, '127.0.0.1');
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.write('PING\r\nset "a b" 1\r\n\r\nget "a b"\nECHO last\r\n');
    while (!received.includes('last')) await once(socket, 'data');
    assert.deepEqual(calls(proxy.connections[index]), [
      'PING - - ok',
      'SET a b - ok',
      'GET a b - ok',
      'ECHO - - ok',
    ]);
    socket.destroy();
  });

  it('a replica: its handshake is calls, the replication stream is none', async () => {
    const index = opened++;
    const master = ['--bind', '127.0.0.1', '--save', '', '--replicaof', '127.0.0.1', `${proxy.port}`];
    const replica = await startServer('redis-server', (port, folder) =>
      ['--port', `${port}`, '--dir', folder].concat(master),
    );
    const other = new Client(replica.port);
    for (let tries = 0; tries < 300 && !(await isReplicated(replica.port)); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const turns = proxy.connections[index];
    const driver = new Driver(redis, context);
    for (const turn of turns) driver.turn(turn, 0, false);
    driver.close(false);
    assert.equal(driver.losses, 0);
    const told = driver.writer.calls.map((call) => `${call.method} ${call.outcome}`);
    assert.deepEqual(new Set(told), new Set(['PING 1', 'REPLCONF 1', 'PSYNC 1']));
    assert.ok(turns.some(({ side, bytes }) => side === SERVER && Buffer.from(bytes).includes('REDIS00')));
    other.close();
    await replica.stop();
  });
});

async function isReplicated(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
  socket.write('INFO replication\r\nECHO end-of-info\r\n');
  while (!received.includes('end-of-info')) await once(socket, 'data');
  socket.destroy();
  return received.includes('master_link_status:up');
}

function place(bytes: Uint8Array): readonly [number, number] {
  const start = context.memory.inputStart + 4096;
  context.u8.set(bytes.subarray(0, 8192), start);
  return [start, start + Math.min(bytes.length, 8192)];
}

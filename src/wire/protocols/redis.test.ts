import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Driver } from '../../../test/support/drive.ts';
import { protocolBattery } from '../../../test/support/protocol-battery.ts';
import { createTestContext } from '../../../test/support/wire-context.ts';
import type { CallWriter } from '../../record/call-writer.ts';
import { CLIENT, MAYBE, NO, SERVER, SURE } from './protocol.ts';
import type { Side } from './protocol.ts';
import { redis } from './redis.ts';

const context = createTestContext();

/** The text lies in memory, with bytes behind it that would change the answer, were they read. */
function place(text: string): readonly [number, number] {
  const start = context.memory.inputStart + 4096;
  context.u8.set(Buffer.from(`${text}\r\n*1\r\n$4\r\nPING\r\n+OK\r\n`, 'latin1'), start);
  return [start, start + text.length];
}

function guess(text: string, side: Side): number {
  const [start, end] = place(text);
  return redis.recognise(context, start, end, side);
}

function resync(text: string, side: Side): number {
  const [start, end] = place(text);
  const at = redis.resync(context, start, end, side);
  return at < 0 ? -1 : at - start;
}

describe('redis', () => {
  protocolBattery(redis);

  it('is sure of a known command in an array of strings', () => {
    for (const text of [
      '*1\r\n$4\r\nPING\r\n',
      '*2\r\n$3\r\nget\r\n$6\r\ncart',
      '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nx',
    ])
      assert.equal(guess(text, CLIENT), SURE, text);
  });

  it('may be Redis while too little is there, or when the word is not known', () => {
    for (const text of [
      '',
      '*',
      '*1\r',
      '*1\r\n$4\r\nPI',
      '*2\r\n$8\r\nJSON.GET\r\n',
      'PING\r\n',
      'get k\r\n',
      'PI',
    ])
      assert.equal(guess(text, CLIENT), MAYBE, text);
    for (const text of [
      '',
      '+',
      '+OK\r\n',
      '$5\r\nhel',
      '-ERR no\r\n',
      ':12\r\n',
      '$-1\r\n',
      '*2\r\n$3\r\nGET\r\n',
    ])
      assert.equal(guess(text, SERVER), MAYBE, text);
  });

  it('is sure of pushes and of what only RESP3 has', () => {
    for (const text of [
      '%7\r\n$6\r\nserver\r\n',
      '>2\r\n$10\r\ninvalidate\r\n',
      '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n',
    ])
      assert.equal(guess(text, SERVER), SURE, text);
  });

  it('tells the sides of a subscriber apart, though SUBSCRIBE is a command too', () => {
    const confirmed = '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n';
    assert.equal(guess(confirmed, CLIENT), NO);
    assert.equal(guess(confirmed, SERVER), SURE);
    const asked = '*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n';
    assert.equal(guess(asked, CLIENT), SURE);
    assert.notEqual(guess(asked, SERVER), SURE);
  });

  it('leaves what only looks like Redis to others', () => {
    const clients = [
      'GET / HTTP/1.1\r\n',
      'EHLO mail.example\r\n',
      'CONNECT {}\r\n',
      'SUB news 1\r\n',
      'USER ada\r\n',
    ];
    clients.push(
      '* OK [CAPABILITY IMAP4rev1] ready\r\n',
      '*x\r\n',
      '*1\r\n:1\r\n',
      'HELO x\r\n',
      '\x16\x03\x01',
      'STAT\r\n',
    );
    for (const text of clients) assert.equal(guess(text, CLIENT), NO, text);
    const servers = [
      'INFO {"server_id":"x"}\r\n',
      'PONG\r\n',
      '+OK POP3 server ready\r\n',
      'HTTP/1.1 200 OK\r\n',
      'END\r\n',
    ];
    servers.push(
      '220 mail.example ESMTP\r\n',
      'VALUE k 0 1\r\nx\r\nEND\r\n',
      'STORED\r\n',
      '5\r\n',
      '* OK ready\r\n',
      '-err no\r\n',
    );
    for (const text of servers) assert.equal(guess(text, SERVER), NO, text);
  });

  it('finds the next command after a hole, at the start of a segment or behind a line', () => {
    assert.equal(resync('*1\r\n$4\r\nPING\r\n', CLIENT), 0);
    assert.equal(resync('alue\r\n*1\r\n$4\r\nPING\r\n', CLIENT), 6);
    assert.equal(resync('alue *1\r\n$4\r\nPING', CLIENT), -1);
    assert.equal(resync('*1\r\n', CLIENT), -1);
  });

  it('believes the server only from the start of a segment whose values follow on one another', () => {
    assert.equal(resync('+OK\r\n$5\r\nhello\r\n:1\r\n', SERVER), 0);
    assert.equal(resync('$5000\r\nhello', SERVER), 0);
    assert.equal(resync('lo\r\n+OK\r\n', SERVER), -1);
    assert.equal(resync('+OK\r\nrest of a value', SERVER), -1);
  });

  it('gives up what cannot be RESP', () => {
    const hopeless: readonly (readonly [Side, string])[] = [
      [SERVER, '.\r\n'], // The end of a stream that never began.
      [SERVER, '*?\r\n*?\r\n*?\r\n*?\r\n*?\r\n'], // Streams in streams, deeper than is kept.
      [SERVER, '$3\r\nabcd\r\n'],
      [SERVER, '$?\r\n+no chunk\r\n'],
      [SERVER, '$-2\r\n'],
      [SERVER, '*1099511627776\r\n'],
      [SERVER, 'VALUE k 0 1\r\n'],
      [CLIENT, '*2\r\n$3\r\nGET\r\n$2\r\nabc\r\n'],
      [CLIENT, '*2\r\n$3\r\nGET\r\n:1\r\n'],
      [CLIENT, '*1048577\r\n$3\r\nGET\r\n'],
      [CLIENT, '*x\r\n'],
      [CLIENT, '\x00\x01\r\n'],
    ];
    for (const [side, text] of hopeless) {
      const driver = new Driver(redis, context);
      driver.feed(side, Buffer.from(text, 'latin1'));
      assert.ok(driver.losses > 0, JSON.stringify(text));
    }
    const driver = new Driver(redis, context);
    driver.feed(SERVER, Buffer.from('*?\r\n*?\r\n*?\r\n*?\r\n.\r\n.\r\n.\r\n.\r\n'));
    assert.equal(driver.losses, 0, 'streams as deep as is kept');
    assert.equal(driver.writer.calls.length, 1);
  });

  it('never asks for more than it said it would look at', () => {
    const start = context.memory.inputStart;
    const state = context.memory.heapStart >> 2;
    const heads = [
      '*',
      '*2\r\n$3\r\nGET\r\n$1024\r\n',
      'SET ',
      '+',
      '$512\r\n',
      '>2\r\n$10\r\n',
      '*3\r\n$6\r\nCONFIG\r\n$32\r\n',
    ];
    let tried = 0;
    for (const head of heads) {
      for (const side of [CLIENT, SERVER] as const) {
        context.i32.fill(0, state, state + redis.stateWords);
        context.u8.fill(0x31, start, start + redis.lookBytesMax);
        context.u8.set(Buffer.from(head), start);
        const taken = redis.parse(context, state, start, start + redis.lookBytesMax, side, DEAF);
        assert.notEqual(taken, 0, `${head} on side ${side}`);
        tried++;
      }
    }
    assert.equal(tried, 2 * heads.length);
  });
});

/** Takes everything and keeps nothing. */
const DEAF = new Proxy({}, { get: (_, name) => (name === 'selected' ? true : () => 0) }) as CallWriter;

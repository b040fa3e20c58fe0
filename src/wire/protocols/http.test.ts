import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { protocolBattery } from '../../../test/support/protocol-battery.ts';
import { createTestContext } from '../../../test/support/wire-context.ts';
import { isTextual } from './http-headers.ts';
import { http } from './http.ts';
import { CLIENT, MAYBE, NO, SERVER, SURE } from './protocol.ts';
import type { Side } from './protocol.ts';

const context = createTestContext();

/** The text lies in memory, with bytes behind it that would change the answer, were they read. */
function place(text: string): readonly [number, number] {
  const start = context.memory.inputStart + 4096;
  context.u8.set(Buffer.from(`${text}\r\nHTTP/1.1 200 OK\r\nGET / HTTP/1.1\r\n`, 'latin1'), start);
  return [start, start + text.length];
}

function guess(text: string, side: Side): number {
  const [start, end] = place(text);
  return http.recognise(context, start, end, side);
}

function resync(text: string, side: Side): number {
  const [start, end] = place(text);
  const at = http.resync(context, start, end, side);
  return at < 0 ? -1 : at - start;
}

describe('http', () => {
  protocolBattery(http);

  it('is sure of a whole first line, whatever the method', () => {
    for (const line of [
      'GET / HTTP/1.1',
      'MADEUP /x HTTP/1.0',
      'OPTIONS * HTTP/1.1',
      '\r\nGET / HTTP/1.1',
      'GET HTTP/1.1',
    ]) {
      assert.equal(guess(`${line}\r\n`, CLIENT), SURE, line);
    }
  });

  it('may be HTTP while the first line is not whole', () => {
    for (const part of [
      '',
      'G',
      'GET',
      'GET ',
      'GET /',
      'GET /long/path?a=b HTT',
      'MADEUP /x',
      'CONNECT db:1',
    ]) {
      assert.equal(guess(part, CLIENT), MAYBE, part);
    }
    for (const part of ['', '\r\n', 'H', 'HTTP/1.', 'HTTP/1.1', 'HTTP/1.1 20', 'HTTP/1.1 200']) {
      assert.equal(guess(part, SERVER), MAYBE, part);
    }
  });

  it('is sure of a status line', () => {
    for (const line of [
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 404\r',
      'HTTP/1.1  500 ',
      '\n\r\nHTTP/1.1 204 \r\n',
    ]) {
      assert.equal(guess(line, SERVER), SURE, line);
    }
  });

  it('leaves what only looks like HTTP to others', () => {
    const clients = [
      'PRI * HTTP/2.0\r\n',
      'PRI ',
      'GET /\r\n',
      'PING\r\n',
      'EHLO mail.example\r\n',
      '\x16\x03\x01',
      'MADEUP x',
    ];
    clients.push(
      'GET / HTTP/2.0\r\n',
      'OPTIONS rtsp://h RTSP/1.0\r\n',
      ' GET / HTTP/1.1\r\n',
      'x'.repeat(40),
      '*1\r\n$4\r\nPING\r\n',
    );
    for (const text of clients) assert.equal(guess(text, CLIENT), NO, text);
    const servers = [
      'RTSP/1.0 200 OK\r\n',
      'ICY 200 OK\r\n',
      'HTTP/2.0 200 OK\r\n',
      'HTTP/1.1 2xx X',
      'HTTP/1.1 099 X',
    ];
    servers.push(
      '220 mail.example ESMTP\r\n',
      '+OK\r\n',
      'HTTP/1.x 200 OK',
      'HTTP/1.1200 OK',
      'http/1.1 200 OK',
    );
    for (const text of servers) assert.equal(guess(text, SERVER), NO, text);
  });

  it('finds the next request after a hole at the start of a segment or after an empty line', () => {
    assert.equal(resync('GET /a HTTP/1.1\r\nHost: h\r\n\r\n', CLIENT), 0);
    assert.equal(resync('POST /half', CLIENT), 0);
    assert.equal(resync('st: h\r\n\r\nGET /a HTTP/1.1\r\n', CLIENT), 9);
    assert.equal(resync('\n\nGET /a HTTP/1.1\n', CLIENT), 2);
  });

  it('does not take lines of a body for a request', () => {
    for (const text of [
      '{"log":"x"}\r\nGET /a HTTP/1.1\r\n',
      'xGE',
      'word word word',
      '\r\n\r\nGET /a',
      'a\r\n\r\nnot a first line\r\n',
    ]) {
      assert.equal(resync(text, CLIENT), -1, text);
    }
  });

  it('finds the next answer after a hole at the start of a segment or of a line', () => {
    assert.equal(resync('HTTP/1.1 200 OK\r\n', SERVER), 0);
    assert.equal(resync('HTTP/1.', SERVER), 0);
    assert.equal(resync('rest\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n', SERVER), 11);
    assert.equal(resync('body HTTP/1.1 200 OK\r\nmore', SERVER), -1);
    assert.equal(resync('body\r\nHTTP/1.1 20', SERVER), -1);
  });

  it('offers bodies of media types that can be read', () => {
    const isText = (type: string): boolean => isTextual(context.u8, ...place(type));
    const readable = ['text/plain', 'application/json', 'application/vnd.api+json', 'application/soap+xml'];
    readable.push(
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'APPLICATION/XML',
      '',
    );
    readable.push(
      'application/javascript',
      'application/graphql',
      'application/yaml',
      'application/x-ndjson',
    );
    for (const type of readable) assert.equal(isText(type), true, type);
    const others = ['image/png', 'application/octet-stream', 'video/mp4', 'application/grpc', 'font/woff2'];
    others.push('application/x-protobuf', 'application/zip', 'application/octet-stream; name=a.json', 'x');
    for (const type of others) assert.equal(isText(type), false, type);
  });
});

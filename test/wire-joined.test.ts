/** Connections joined in the middle: what the first packets seen of a side prove, through the whole engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT, SERVER } from '../src/wire/protocols/protocol.ts';
import { Dialogue } from './support/dialogue.ts';
import type { Segment } from './support/dialogue.ts';
import { Observer } from './support/observer.ts';

function told(segments: Iterable<Segment>): string[] {
  const observer = new Observer();
  observer.seeAll(segments);
  return observer.end().map((call) => `${call.method} ${call.target} ${call.status} ${call.outcome}`);
}

function request(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

function answer(status: number): string {
  return `HTTP/1.1 ${status} Said\r\nContent-Length: 2\r\n\r\nok`;
}

const CALLS = ['GET /one 201 ok', 'GET /two 202 ok', 'GET /three 203 ok'];

test('the first answer after joining is not hidden by the second one that comes before it', () => {
  const dialogue = new Dialogue().client(request('/one') + request('/two') + request('/three')).ack(SERVER);
  dialogue.server(answer(201)).server(answer(202)).server(answer(203));
  const [requests, acknowledged, first, second, third] = dialogue.segments;
  // The first answer was lost on its way to where we look, and sent again.
  assert.deepEqual(told([requests, acknowledged, second, first, third]), CALLS);
});

test('a keep-alive probe of the server before its first bytes is no hole before them', () => {
  const dialogue = new Dialogue().client(request('/one') + request('/two') + request('/three')).ack(SERVER);
  dialogue.server(answer(201)).server(answer(202)).server(answer(203)).ack(CLIENT);
  const [requests, probe, ...answers] = dialogue.segments;
  assert.deepEqual(told([requests, { ...probe, sequence: probe.sequence - 1 }, ...answers]), CALLS);
});

test('an answer whose request was before the capture is counted once, though it is seen on both sides of a NAT', () => {
  const dialogue = new Dialogue().open().client(request('/zero')).server(answer(200)).client(request('/one'));
  const { segments } = dialogue.server(answer(201)).close();
  const [first, ...others] = segments.slice(4).map((segment) => [
    { ...segment, place: 1 },
    {
      ...segment,
      place: 2,
      client: { address: '172.16.0.1', port: 7 },
      server: { address: '172.16.0.2', port: 8 },
    },
  ]);
  assert.equal(first[0].side, SERVER);
  assert.deepEqual(told([...first, ...others.flat()]), ['  200 ok', 'GET /one 201 ok']);
});

/** A real dnsmasq, asked by dig through recording proxies over UDP and TCP: every question is one call. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { CLIENT, SERVER, SURE } from '../../src/wire/protocols/protocol.ts';
import { dns, dnsOverTcp } from '../../src/wire/protocols/dns.ts';
import type { Protocol } from '../../src/wire/protocols/protocol.ts';
import { drive } from '../support/drive.ts';
import type { Turn } from '../support/drive.ts';
import { findProgram, missing, startServer } from '../support/real-server.ts';
import type { RealServer } from '../support/real-server.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import type { RecordingProxy } from '../support/recording-proxy.ts';
import { createTestContext } from '../support/wire-context.ts';

const skip = missing('dnsmasq', 'dig');
const context = createTestContext();
const run = promisify(execFile);

const BARE = [
  '--keep-in-foreground',
  '--conf-file=/dev/null',
  '--pid-file=',
  '--listen-address=127.0.0.1',
  '--bind-interfaces',
  '--no-resolv',
  '--no-hosts',
];
const ZONE = [
  '--address=/cart.shop.test/10.1.2.3',
  '--address=/six.shop.test/fd00::17',
  '--host-record=lb.shop.test,10.9.9.1,fd00::1,60',
  '--cname=www.shop.test,lb.shop.test',
  '--txt-record=shop.test,hello world',
  '--srv-host=_http._tcp.shop.test,lb.shop.test,8080',
  '--mx-host=shop.test,lb.shop.test',
  '--local=/test/',
];

/** What is asked, and what its call must be; names are those told for addresses. */
const QUESTIONS: readonly (readonly [words: string, call: string, names: string])[] = [
  ['cart.shop.test A', 'A cart.shop.test NOERROR ok', 'cart.shop.test=0a010203'],
  ['CART.Shop.test A', 'A cart.shop.test NOERROR ok', 'cart.shop.test=0a010203'],
  ['six.shop.test AAAA', 'AAAA six.shop.test NOERROR ok', 'six.shop.test=fd000000000000000000000000000017'],
  ['www.shop.test A', 'A www.shop.test NOERROR ok', 'www.shop.test=0a090901'],
  ['shop.test TXT', 'TXT shop.test NOERROR ok', '-'],
  ['_http._tcp.shop.test SRV', 'SRV _http._tcp.shop.test NOERROR ok', '-'],
  ['shop.test MX', 'MX shop.test NOERROR ok', '-'],
  ['-x 10.9.9.1', 'PTR 1.9.9.10.in-addr.arpa NOERROR ok', '-'],
  ['nothing.test A', 'A nothing.test NXDOMAIN client-error', '-'],
  ['elsewhere.example A', 'A elsewhere.example REFUSED client-error', '-'],
  ['cart.shop.test TYPE65', 'HTTPS cart.shop.test NXDOMAIN client-error', '-'],
  ['cart.shop.test A +noedns', 'A cart.shop.test NOERROR ok', 'cart.shop.test=0a010203'],
];

const STATUSES = QUESTIONS.map(([, call]) => call.split(' ')[2]);

/** A UDP proxy on loopback that keeps the datagrams of both sides. */
async function startUdpProxy(targetPort: number): Promise<{ port: number; turns: Turn[]; socket: Socket }> {
  const turns: Turn[] = [];
  const socket = createSocket('udp4');
  let asker = 0;
  socket.on('message', (bytes, from) => {
    const side = from.port === targetPort ? SERVER : CLIENT;
    turns.push({ side, bytes: Uint8Array.from(bytes), lost: 0 });
    if (side === CLIENT) asker = from.port;
    socket.send(bytes, side === CLIENT ? targetPort : asker, '127.0.0.1');
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return { port: socket.address().port, turns, socket };
}

function check(protocol: Protocol, turns: readonly Turn[], udp: boolean): void {
  const calls = drive(protocol, context, turns, { udp }).map((call) => call.fields());
  assert.deepEqual(
    calls.map(({ method, target, status, outcome }) => `${method} ${target} ${status} ${outcome}`),
    QUESTIONS.map(([, call]) => call),
  );
  assert.deepEqual(
    calls.map(({ names }) => names.replaceAll(/\/\d+/g, '')),
    QUESTIONS.map(([, , names]) => names),
  );
  for (const { side, bytes } of turns) {
    const start = context.memory.inputStart + 4096;
    context.u8.set(bytes, start);
    assert.equal(protocol.recognise(context, start, start + bytes.length, side), SURE);
  }
}

describe('a real dnsmasq', { skip }, () => {
  let server: RealServer;
  let tcp: RecordingProxy;

  before(async () => {
    server = await startServer('dnsmasq', (port) => [`--port=${port}`, ...BARE, ...ZONE]);
    tcp = await startRecordingProxy(server.port);
  });
  after(async () => {
    await tcp.close();
    await server.stop();
  });

  it('over UDP', async () => {
    const { port, turns, socket } = await startUdpProxy(server.port);
    const told: string[] = [];
    for (const [words] of QUESTIONS) told.push(...(await dig(port, words.split(' '))));
    assert.deepEqual(told, STATUSES, 'dig sees the same');
    socket.close();
    assert.equal(turns.length, 2 * QUESTIONS.length);
    check(dns, turns, true);
  });

  it('over TCP, all on one connection', async () => {
    const words = QUESTIONS.flatMap(([question]) => [...question.split(' '), '+tcp', '+keepopen']);
    assert.deepEqual(await dig(tcp.port, words), STATUSES, 'dig sees the same');
    assert.equal(tcp.connections.length, 1);
    check(dnsOverTcp, tcp.connections[0], false);
  });
});

/** Asks, and returns the status of each answer as dig understood it. */
async function dig(port: number, words: readonly string[]): Promise<string[]> {
  const path = findProgram('dig');
  assert.ok(path !== undefined);
  const { stdout } = await run(path, ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=5', ...words]);
  return [...stdout.matchAll(/status: (\w+)/g)].map((match) => match[1]);
}

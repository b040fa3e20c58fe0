import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Driver } from '../../../test/support/drive.ts';
import { readGoldens } from '../../../test/support/goldens.ts';
import { protocolBattery } from '../../../test/support/protocol-battery.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { createTestContext } from '../../../test/support/wire-context.ts';
import { dns, dnsOverTcp } from './dns.ts';
import { CLIENT, MAYBE, NO, SERVER, SURE } from './protocol.ts';
import type { Protocol, Side } from './protocol.ts';

const context = createTestContext();

function guess(protocol: Protocol, bytes: Uint8Array, side: Side): number {
  const start = context.memory.inputStart + 4096;
  context.u8.fill(0, start, start + bytes.length + 64);
  context.u8.set(bytes, start);
  return protocol.recognise(context, start, start + bytes.length, side);
}

function goldenTurns(transport: string): readonly { readonly side: Side; readonly bytes: Uint8Array }[] {
  return readGoldens('dns')
    .filter(
      ({ options }) =>
        (options.get('transport') ?? 'tcp') === transport && options.get('recognised') !== 'no',
    )
    .flatMap(({ turns }) => turns);
}

describe('dns over UDP', () => {
  protocolBattery(dns);

  it('takes no random datagram for DNS, and few of those made of small numbers', () => {
    for (const [limit, most] of [
      [256, 0],
      [4, 20],
    ]) {
      const random = randomFrom(limit);
      let taken = 0;
      for (let i = 0; i < 100_000; i++) {
        const bytes = Uint8Array.from({ length: 12 + random.below(60) }, () => random.below(limit));
        if (guess(dns, bytes, CLIENT) !== NO || guess(dns, bytes, SERVER) !== NO) taken++;
      }
      assert.ok(taken <= most, `seed ${limit}: ${taken} of 100,000`);
    }
  });

  it('leaves other protocols over UDP alone', () => {
    const ntp = new Uint8Array(48);
    ntp[0] = 0x23;
    const others: readonly Uint8Array[] = [
      ntp,
      Buffer.from('<34>Oct 11 22:14:15 web su: failed for root on /dev/pts/8'),
      Buffer.from('M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\r\n'),
      Buffer.from('80600001000000a012345678deadbeefdeadbeefdeadbeef', 'hex'), // RTP
      Buffer.from('c30000000108010203040506070800000044', 'hex'), // QUIC
      Buffer.from('01010006abcdef0123456789000000000000000000', 'hex'), // DHCP, RADIUS
      Buffer.from('16fefd000000000000000000360100002a00000000', 'hex'), // DTLS
      Buffer.from('cart.requests:1|c\ncart.errors:0|c'),
      new Uint8Array(12),
      new Uint8Array(40),
    ];
    for (const bytes of others) {
      assert.equal(guess(dns, bytes, CLIENT), NO, Buffer.from(bytes).toString('hex'));
      assert.equal(guess(dns, bytes, SERVER), NO, Buffer.from(bytes).toString('hex'));
    }
  });

  it('is sure of whole messages, and knows the client by the query bit', () => {
    const turns = goldenTurns('udp');
    let sure = 0;
    for (const { side, bytes } of turns) {
      if (guess(dns, bytes, side) === SURE) sure++;
      assert.equal(guess(dns, bytes, side === CLIENT ? SERVER : CLIENT), NO);
    }
    // Those cut off, with a loop, or that repeat no question could be DNS.
    assert.ok(sure >= turns.length - 4, `${sure} of ${turns.length}`);
  });

  it('could be sure of a message that the capture cut off', () => {
    const whole = goldenTurns('udp').find(({ side, bytes }) => side === SERVER && bytes.length > 60);
    assert.ok(whole !== undefined);
    assert.equal(guess(dns, whole.bytes.subarray(0, whole.bytes.length - 5), SERVER), MAYBE);
  });
});

describe('dns over TCP', () => {
  protocolBattery(dnsOverTcp);

  it('may be DNS while the header is not there', () => {
    const { bytes } = goldenTurns('tcp')[0];
    for (let length = 0; length < 14; length++) {
      assert.equal(guess(dnsOverTcp, bytes.subarray(0, length), CLIENT), MAYBE, `${length} bytes`);
    }
    assert.equal(guess(dnsOverTcp, bytes, CLIENT), SURE);
  });

  it('gives up a length that no message has, and a header that is none', () => {
    for (const bytes of [
      [0, 5, 1, 2, 3, 4, 5],
      [0xff, 0xff, 0, 1, 0x78, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0],
    ]) {
      const driver = new Driver(dnsOverTcp, context);
      driver.feed(CLIENT, Uint8Array.from(bytes));
      assert.ok(driver.losses > 0, bytes.join(' '));
      assert.equal(driver.writer.calls.length, 0);
    }
  });

  it('goes on after a hole only where a message begins', () => {
    const { bytes } = goldenTurns('tcp')[0];
    const start = context.memory.inputStart + 4096;
    context.u8.set(bytes, start);
    assert.equal(dnsOverTcp.resync(context, start, start + bytes.length, CLIENT), start);
    assert.equal(dnsOverTcp.resync(context, start + 3, start + bytes.length, CLIENT), -1);
  });
});

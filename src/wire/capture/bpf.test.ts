import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { LINK_ETHERNET, LINK_RAW } from '../decode/packet.ts';
import { compileFilter } from './bpf.ts';
import { withLoopbackOnce } from './packet-filter.ts';

const probe = compileFilter('tcp', LINK_ETHERNET);
const skip = !probe.ok && probe.error.kind === 'no-libpcap' ? 'no libpcap here (libpcap0.8)' : false;

/** The program as `code jt jf k` lines, which is what `tcpdump -ddd` prints. */
function text(instructions: Uint8Array): string[] {
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  return Array.from({ length: instructions.length / 8 }, (_, index) => {
    const at = index * 8;
    return [
      view.getUint16(at, true),
      view.getUint8(at + 2),
      view.getUint8(at + 3),
      view.getUint32(at + 4, true),
    ].join(' ');
  });
}

test('expressions are compiled for Ethernet and for raw IP', { skip }, () => {
  const ethernet = compileFilter('ip', LINK_ETHERNET);
  const raw = compileFilter('tcp port 80 or udp port 53', LINK_RAW);
  assert.ok(ethernet.ok && raw.ok);
  // ldh [12]; jeq #0x800; ret #262144; ret #0
  assert.deepEqual(text(ethernet.value.instructions), [
    '40 0 0 12',
    '21 0 1 2048',
    '6 0 0 262144',
    '6 0 0 0',
  ]);
  assert.ok(raw.value.count > 5);
  assert.equal(raw.value.instructions.length, raw.value.count * 8);
});

test('a program equals the one that tcpdump makes', { skip }, (t) => {
  const expressions = ['tcp port 80', 'host 10.0.0.1 and not port 22', 'ip6 and udp', 'net 10.0.0.0/8'];
  if (spawnSync('tcpdump', ['--version']).error !== undefined) return t.skip('no tcpdump here');
  for (const expression of expressions) {
    const compiled = compileFilter(expression, LINK_ETHERNET);
    assert.ok(compiled.ok, expression);
    const dumped = spawnSync('tcpdump', ['-ddd', '-y', 'EN10MB', expression], { encoding: 'utf8' });
    if (dumped.status !== 0) return t.skip(`tcpdump cannot compile here: ${dumped.stderr.trim()}`);
    assert.deepEqual(
      text(compiled.value.instructions),
      dumped.stdout.trim().split('\n').slice(1),
      expression,
    );
  }
  return undefined;
});

test("a wrong expression gives libpcap's own message", { skip }, () => {
  for (const [expression, reason] of [
    ['tcp prot 80', /syntax error/],
    ['tcp port 99999', /99999/],
    ['tcp port', /syntax error/],
  ] as const) {
    const compiled = compileFilter(expression, LINK_ETHERNET);
    assert.ok(!compiled.ok);
    assert.equal(compiled.error.kind, 'filter');
    assert.ok(compiled.error.message.startsWith(`The filter \`${expression}\` is wrong: `));
    assert.match(compiled.error.message, reason);
  }
});

test('vlan is refused, since its tags are not in live frames', () => {
  const compiled = compileFilter('vlan 10 and tcp', LINK_ETHERNET);
  assert.ok(!compiled.ok && compiled.error.kind === 'filter');
  assert.match(compiled.error.message, /^The filter `vlan 10 and tcp` uses vlan/);
});

test('the loopback prologue stands before a program', { skip }, () => {
  assert.ok(probe.ok);
  const whole = withLoopbackOnce(probe.value);
  assert.equal(whole.count, 6 + probe.value.count);
  assert.deepEqual(text(whole.instructions).slice(6), text(probe.value.instructions));
});

import { test } from 'node:test';
import { equal } from 'node:assert/strict';
import { ServiceRules, parseAddress, parseRange } from './address-range.ts';

const RULES = new ServiceRules([
  { name: 'everything', address: '10.0.0.0/8' },
  { name: 'web-anywhere', address: '10.0.0.0/8', port: 80 },
  { name: 'cart-net', address: '10.1.2.0/24' },
  { name: 'cart', address: '10.1.2.3' },
  { name: 'cart-admin', address: '10.1.2.3', port: 9000 },
  { name: 'mapped', address: '::ffff:172.16.0.0/108' },
  { name: 'six', address: 'fd00:1::/32' },
  { name: 'six-db', address: 'fd00:1::5', port: 5432 },
  { name: 'all-of-six', address: '::/0' },
  { name: 'second', address: '10.1.2.3' },
  { name: 'never', address: 'no address' },
]);

test('the most specific range names an address, and of equal ranges the one with the port', () => {
  const cases: readonly [string, number | undefined, string | undefined][] = [
    ['10.9.9.9', 443, 'everything'],
    ['10.9.9.9', 80, 'web-anywhere'],
    ['10.1.2.9', 80, 'cart-net'],
    ['10.1.2.3', 80, 'cart'],
    ['10.1.2.3', 9000, 'cart-admin'],
    ['10.1.2.3', undefined, 'cart'],
    ['10.9.9.9', undefined, 'everything'],
    ['11.0.0.1', 80, undefined],
    ['::ffff:10.9.9.9', 443, 'everything'],
    ['172.31.255.255', 1, 'mapped'],
    ['172.32.0.0', 1, undefined],
    ['fd00:1:ffff::1', 5432, 'six'],
    ['fd00:1::5', 5432, 'six-db'],
    ['fd00:1:0:0:0:0:0:5', 5432, 'six-db'],
    ['fd00:1::5', 80, 'six'],
    ['2001:db8::1', 80, 'all-of-six'],
    ['fe80::1%eth0', 80, 'all-of-six'],
    ['rubbish', 80, undefined],
  ];
  for (const [address, port, name] of cases)
    equal(RULES.find(address, port)?.name, name, `${address} ${port}`);
});

test('addresses are read as numbers, and what is none is refused', () => {
  equal(parseAddress('0.0.0.0')?.value, 0n);
  equal(parseAddress('255.255.255.255')?.value, 0xffffffffn);
  equal(parseAddress('::1')?.value, 1n);
  equal(parseAddress('::')?.value, 0n);
  equal(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')?.value, (1n << 128n) - 1n);
  equal(parseAddress('::ffff:1.2.3.4')?.value, 0x01020304n);
  for (const bad of ['', '1.2.3', '1.2.3.4/8', '::1::', 'host']) equal(parseAddress(bad), undefined, bad);
  for (const bad of ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '::/129', '::ffff:1.2.3.4/90', '/8']) {
    equal(parseRange(bad), undefined, bad);
  }
});

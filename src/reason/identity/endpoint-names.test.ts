import { test } from 'node:test';
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { logOf } from '../../../test/support/log-entries.ts';
import { EndpointNames } from './endpoint-names.ts';
import { EVIDENCE } from './name-list.ts';

/** One connection 10.0.0.9:40000 → 10.0.0.5:8080; ids 1 (client) and 2 (server). */
const LOG = logOf([
  {
    number: 1,
    client: '10.0.0.9',
    clientPort: 40_000,
    server: '10.0.0.5',
    serverPort: 8080,
    clientId: [1, 0],
    serverId: [2, 0],
  },
]);

function learned(services: ConstructorParameters<typeof EndpointNames>[0] = []): EndpointNames {
  const names = new EndpointNames(services);
  names.connections(LOG);
  return names;
}

test('evidence has an order: each stronger kind takes the name over, and all are kept', () => {
  const names = learned();
  const best = (): string => names.best('2').name;
  equal(best(), '10.0.0.5:8080');
  names.dns('Cart.Example.', '10.0.0.5', 1000);
  equal(best(), 'cart.example');
  names.host('2', 'cart.internal:8080', 1000);
  equal(best(), 'cart.internal');
  names.nameBlock('10.0.0.5', 'cart-block');
  equal(best(), 'cart-block');
  names.owner('2', 'cart-process', 'process', 1000, 'pid 1');
  equal(best(), 'cart-process');
  names.owner('2', 'cart-unit', 'unit', 1000, 'cart.service');
  equal(best(), 'cart-unit');
  names.owner('2', 'cart-container', 'container', 1000, 'docker');
  equal(best(), 'cart-container');
  const evidence = names.all('2').map((one) => one.evidence);
  deepEqual(evidence, EVIDENCE.slice(1));
  const configured = learned([{ name: 'cart', address: '10.0.0.0/24', port: 8080 }]);
  configured.owner('2', 'cart-container', 'container', 1000, 'docker');
  deepEqual(configured.best('2'), {
    name: 'cart',
    evidence: 'config',
    from: 0,
    to: 0,
    detail: 'services: 10.0.0.0/24:8080',
  });
});

test('a name learnt later names rows of before; of two owners a row has the one of its time', () => {
  const names = learned();
  equal(names.best('2', 500).name, '10.0.0.5:8080');
  names.owner('2', 'old', 'process', 1000, 'pid 1');
  names.owner('2', 'old', 'process', 2000, 'pid 1');
  equal(names.best('2', 500).name, 'old');
  names.owner('2', 'new', 'process', 3000, 'pid 2');
  equal(names.best('2').name, 'new');
  equal(names.best('2', 1500).name, 'old');
  equal(names.best('2', 2100).name, 'old');
  equal(names.best('2', 2900).name, 'new');
  equal(names.best('2', 9000).name, 'new');
});

test('a client without a name is taken for the only service seen at its address', () => {
  const names = learned();
  const peer = { client: '10.0.0.5', clientPort: 41_000, server: '10.0.0.6', serverPort: 6379 };
  names.connections(logOf([{ number: 2, ...peer, clientId: [3, 0], serverId: [4, 0] }]));
  equal(names.best('3').name, '10.0.0.5');
  names.host('2', 'cart', 1000);
  equal(names.best('3').name, 'cart');
  equal(names.best('3').evidence, 'address');
  const other = { client: '10.0.0.9', clientPort: 2, server: '10.0.0.5', serverPort: 9090 };
  names.connections(logOf([{ number: 3, ...other, clientId: [1, 0], serverId: [5, 0] }]));
  equal(names.best('3').name, '10.0.0.5', 'something without a name is there, too');
  names.host('5', 'metrics', 1000);
  equal(names.best('3').name, '10.0.0.5', 'two services are there');
});

test('loopback is shared by all: names of its addresses name nobody, clients there stay addresses', () => {
  const names = new EndpointNames();
  const peer = { client: '127.0.0.1', clientPort: 40_000, server: '127.0.0.1', serverPort: 8080 };
  names.connections(logOf([{ number: 1, ...peer, clientId: [1, 0], serverId: [2, 0] }]));
  names.dns('users.shop.internal', '127.0.0.1', 1000);
  names.nameBlock('127.0.0.1', 'me');
  names.host('2', 'localhost', 1000);
  names.host('2', '127.0.0.1:8080', 1000);
  names.host('2', '[::1]:8080', 1000);
  names.host('2', '::1', 1000);
  equal(names.best('2').name, '127.0.0.1:8080');
  names.host('2', 'users', 1000);
  equal(names.best('2').name, 'users');
  equal(names.best('1').name, '127.0.0.1');
});

test('a flood of Host headers does not push out the one that is really used', () => {
  const names = learned();
  for (let k = 0; k < 5000; k++) {
    names.host('2', 'real.example', 1000);
    names.host('2', `scan-${k}.example`, 1000);
  }
  equal(names.best('2').name, 'real.example');
  ok(names.all('2').length <= 9);
});

test('texts are cut, and empty ones are no names', () => {
  const names = learned();
  names.dns('x'.repeat(5000), '10.0.0.5', 1000);
  equal(names.best('2').name.length, 253);
  names.owner('2', '', 'process', 1000, '');
  equal(names.best('2').evidence, 'dns');
});

test('one endpoint of two configured services keeps to the first place: the other keeps its address', () => {
  const names = new EndpointNames([
    { name: 'shop', address: '10.0.0.5', port: 80 },
    { name: 'admin', address: '10.0.0.5', port: 81 },
  ]);
  ok(names.place('77', '10.0.0.5', 80, 1000));
  ok(!names.place('77', '10.0.0.5', 81, 1000));
  ok(names.place('77', '10.0.0.5', 9090, 1000), 'a port without a name of its own');
  equal(names.best('77').name, 'shop');
});

test('clients that pass are forgotten first, servers and owners stay, and it is counted', () => {
  const names = learned();
  names.owner('99', 'orders', 'process', 1000, 'pid 5');
  let made = 0;
  for (let k = 0; k < 40_000; k++, made++)
    names.place(`c${k}`, `10.${k >> 16}.${(k >> 8) & 255}.${k & 255}`, undefined, 1000);
  equal(made, 40_000);
  equal(names.refused, Math.ceil((40_001 - 32_768) / 1024) * 1024, 'in groups of 1024');
  equal(names.best('1').name, 'unknown', 'the client that came first');
  equal(names.best('2').name, '10.0.0.5:8080');
  equal(names.best('99').name, 'orders');
  equal(names.best('c39999').name, '10.0.156.63');
});

test('a flood of DNS answers keeps the names of addresses that serve', () => {
  const names = learned();
  names.dns('cart.example', '10.0.0.5', 1000);
  for (let k = 0; k < 40_000; k++) names.dns(`n${k}.example`, `11.0.${k >> 8}.${k & 255}`, 1000);
  equal(names.best('2').name, 'cart.example');
  notEqual(names.refused, 0);
});

test('the ids of a name are found, whatever named them', () => {
  const names = learned([{ name: 'cart', address: '10.0.0.5' }]);
  names.owner('88', 'cart', 'process', 1000, 'pid 1');
  deepEqual(names.idsNamed('cart').sort(), ['2', '88']);
  deepEqual(names.idsNamed('nobody'), []);
});

test('the configuration names a server also when its Host header was told before its place', () => {
  const names = new EndpointNames([{ name: 'front', address: '10.0.0.5', port: 8080 }]);
  names.host('2', 'shop.example', 1000);
  names.connections(LOG);
  equal(names.best('2').name, 'front');
});

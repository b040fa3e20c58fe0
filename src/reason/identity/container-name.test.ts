import { test } from 'node:test';
import { equal } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCgroup } from './cgroup.ts';
import { containerName, workloadOf } from './container-name.ts';
import type { ProcessInfo } from './proc.ts';

const ID = '3f2a9c1d5b7e4f60812233445566778899aabbccddeeff00112233445566aa77';
const UID = '0e5b2c1a-77d4-4c0f-9a3e-5d6f7a8b9c0d';

function processIn(group: string): ProcessInfo {
  const rest = { comm: 'node', command: [], executable: undefined, started: 1 };
  return { pid: 42, name: 'node', cgroup: parseCgroup(`0::${group}\n`), ...rest };
}

test('a container goes by its compose service, else by the name that Docker keeps', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'container-name-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, ID));
  const info = processIn(`/system.slice/docker-${ID}.scope`);
  const places = { docker: folder, proc: folder };
  const tell = (text: string): void => writeFileSync(join(folder, ID, 'config.v2.json'), text);
  equal(containerName(info, places), undefined);
  tell(
    JSON.stringify({
      ID,
      Name: '/shop-cart-1',
      Config: { Labels: { 'com.docker.compose.service': 'cart' } },
    }),
  );
  equal(containerName(info, places)?.name, 'cart');
  tell(JSON.stringify({ ID, Name: '/jolly_noether', Config: { Labels: null } }));
  equal(containerName(info, places)?.name, 'jolly_noether');
  for (const broken of ['', '{', 'null', '[]', '{"Name":7,"Config":"x"}', '{"Name":"/"}']) {
    tell(broken);
    equal(containerName(info, places), undefined, broken);
  }
});

test('a container of a pod goes by the workload that its host name tells', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'container-name-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '42/root/etc'), { recursive: true });
  const info = processIn(`/kubepods/burstable/pod${UID}/${ID}`);
  const places = { docker: folder, proc: folder };
  equal(containerName(info, places), undefined);
  writeFileSync(join(folder, '42/root/etc/hostname'), 'cart-7d9f8c6b5-x2x4q\n');
  equal(containerName(info, places)?.name, 'cart');
  writeFileSync(join(folder, '42/root/etc/hostname'), `${hostname()}\n`);
  equal(containerName(info, places), undefined, 'a pod on the network of its host');
});

test('suffixes of Kubernetes are cut from pods, words are not', () => {
  for (const [pod, workload] of [
    ['cart-7d9f8c6b5-x2x4q', 'cart'],
    ['shop-cart-5c689d88bb-qwb2z', 'shop-cart'],
    ['node-exporter-x2x4q', 'node-exporter'],
    ['db-0', 'db'],
    ['db-primary-12', 'db-primary'],
    ['shop-cache', 'shop-cache'],
    ['shop-users', 'shop-users'],
    ['plain', 'plain'],
  ]) {
    equal(workloadOf(pod), workload, pod);
  }
});

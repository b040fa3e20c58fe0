import { test } from 'node:test';
import { deepEqual, equal } from 'node:assert/strict';
import { parseCgroup } from './cgroup.ts';

const ID = '3f2a9c1d5b7e4f60812233445566778899aabbccddeeff00112233445566aa77';
const OTHER_ID = 'ffffffff5b7e4f60812233445566778899aabbccddeeff00112233445566aa77';
const UID = '0e5b2c1a-77d4-4c0f-9a3e-5d6f7a8b9c0d';
const UID_IN_GROUP = UID.replaceAll('-', '_');
const STATIC_UID = '9c1185a5c5e9fc54612808977ee8f548';

type Expected = { id?: string; runtime?: string; pod?: string; unit?: string; user?: number };

/** What /proc/PID/cgroup holds: shapes that the runtimes and systemd make, ids and uids made up. */
const CASES: readonly [what: string, text: string, expected: Expected][] = [
  ['docker, version 2, systemd driver', `0::/system.slice/docker-${ID}.scope`, { id: ID, runtime: 'docker' }],
  ['docker, version 2, cgroupfs driver', `0::/docker/${ID}`, { id: ID, runtime: 'docker' }],
  [
    'docker, version 1',
    `12:pids:/docker/${ID}\n2:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/`,
    { id: ID, runtime: 'docker' },
  ],
  ['docker, init inside a container', `0::/docker/${ID}/init.scope`, { id: ID, runtime: 'docker' }],
  ['docker in docker: the inner one', `0::/docker/${OTHER_ID}/docker/${ID}`, { id: ID, runtime: 'docker' }],
  [
    'containerd in Kubernetes, systemd driver',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_IN_GROUP}.slice/cri-containerd-${ID}.scope`,
    { id: ID, runtime: 'containerd', pod: UID },
  ],
  [
    'containerd in Kubernetes, cgroupfs driver: the runtime is not told',
    `11:memory:/kubepods/besteffort/pod${UID}/${ID}\n0::/`,
    { id: ID, pod: UID },
  ],
  [
    'containerd with the colon form',
    `1:name=systemd:/system.slice/containerd.service/kubepods-pod${UID_IN_GROUP}.slice:cri-containerd:${ID}`,
    { id: ID, runtime: 'containerd', pod: UID, unit: 'containerd.service' },
  ],
  [
    'a static pod',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${STATIC_UID}.slice/cri-containerd-${ID}.scope`,
    { id: ID, runtime: 'containerd', pod: STATIC_UID },
  ],
  [
    'cri-o',
    `0::/kubepods.slice/kubepods-pod${UID_IN_GROUP}.slice/crio-${ID}.scope`,
    { id: ID, runtime: 'cri-o', pod: UID },
  ],
  ['the monitor of cri-o is not the container', `0::/system.slice/crio-conmon-${ID}.scope`, {}],
  ['podman as root', `0::/machine.slice/libpod-${ID}.scope/container`, { id: ID, runtime: 'podman' }],
  [
    'podman of a user',
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
    { id: ID, runtime: 'podman', user: 1000 },
  ],
  [
    'the monitor of podman is not the container',
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-${ID}.scope`,
    { user: 1000 },
  ],
  ['nerdctl', `0::/system.slice/nerdctl-${ID}.scope`, { id: ID, runtime: 'containerd' }],
  ['a unit of systemd', '0::/system.slice/nginx.service', { unit: 'nginx.service' }],
  [
    'an instance of a template, in a slice of its own',
    String.raw`0::/system.slice/system-postgresql.slice/postgresql@15-main.service`,
    { unit: 'postgresql@15-main.service' },
  ],
  ['an escaped name', String.raw`0::/system.slice/my\x2dshop.service`, { unit: 'my-shop.service' }],
  [
    'version 1 with systemd',
    '9:memory:/system.slice/redis-server.service\n1:name=systemd:/system.slice/redis-server.service',
    { unit: 'redis-server.service' },
  ],
  [
    'a unit of a user',
    '0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service',
    { unit: 'syncthing.service', user: 1000 },
  ],
  ['a session of a user', '0::/user.slice/user-1000.slice/session-4.scope', { user: 1000 }],
  [
    'the user manager itself is no unit',
    '0::/user.slice/user-1001.slice/user@1001.service/init.scope',
    { user: 1001 },
  ],
  ['nothing', '', {}],
  ['the root', '1:cpu:/\n0::/', {}],
  ['63 digits are no container', `0::/docker/${ID.slice(1)}`, {}],
  ['rubbish', 'a\n::\n0:\n:::::\n', {}],
];

test('containers, pods, units and users are read from the groups that runtimes and systemd make', () => {
  for (const [what, text, expected] of CASES) {
    const { containerId, runtime, podUid, unit, user } = parseCgroup(`${text}\n`);
    const { id, runtime: expectedRuntime, pod, unit: expectedUnit, user: expectedUser } = expected;
    deepEqual(
      { containerId, runtime, podUid, unit, user },
      { containerId: id, runtime: expectedRuntime, podUid: pod, unit: expectedUnit, user: expectedUser },
      what,
    );
  }
});

test('the innermost slice and the path that says most are kept', () => {
  const facts = parseCgroup(
    '3:cpu:/some/where/long/enough/to/win\n0::/system.slice/system-ssh.slice/a.service\n',
  );
  equal(facts.path, '/system.slice/system-ssh.slice/a.service');
  equal(facts.slice, 'system-ssh.slice');
  equal(parseCgroup('3:cpu:/only\n0::/\n').path, '/only');
});

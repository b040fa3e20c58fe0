/**
 * Network namespaces, veth pairs, bridges and nftables rules for tests, made by `ip` and `nft`, and taken
 * away again by `close`. All names hold this process's id, so that two test runs do not meet.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

let ordinal = 0;

/** For `test(name, { skip: noNamespaces() })`: false, or why none can be made here. */
export function noNamespaces(): string | false {
  const name = `ew-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) {
    return 'no network namespaces here (iproute2, CAP_SYS_ADMIN and CAP_NET_ADMIN)';
  }
  const probe = interfaceName('p');
  const made = spawnSync('ip', [
    '-n',
    name,
    'link',
    'add',
    probe,
    'type',
    'veth',
    'peer',
    'name',
    `${probe}x`,
  ]);
  spawnSync('ip', ['netns', 'del', name]);
  return made.status === 0 ? false : 'no veth pairs here (kernel module veth)';
}

/** The same for rules of nftables (NAT). */
export function noNft(): string | false {
  return spawnSync('nft', ['--version']).status === 0 ? false : 'no nft here (nftables)';
}

/** A name for an interface, unique on this host: at most 15 characters. */
export function interfaceName(label: string): string {
  ordinal++;
  return `ew${process.pid % 1_000_000}${label}${ordinal}`;
}

/** Two addresses of a /30 that no other test run on this host has, within 10.128.0.0/9. */
export function addressPair(): { near: string; far: string; bits: '/30' } {
  ordinal++;
  const subnet = (process.pid % 65_536) * 32 + (ordinal % 32);
  const prefix = `10.${128 + (subnet >>> 14)}.${(subnet >>> 6) & 255}`;
  const host = (subnet & 63) * 4;
  return { near: `${prefix}.${host + 1}`, far: `${prefix}.${host + 2}`, bits: '/30' };
}

/** Runs a program to its end and answers its output; a failure throws with what it said. */
export function run(command: string, args: readonly string[], input?: string): string {
  const done = spawnSync(command, args, { encoding: 'utf8', input: input ?? '' });
  if (done.status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${done.stderr || String(done.error ?? done.status)}`);
  }
  return done.stdout;
}

export class Network {
  readonly #namespaces: string[] = [];
  readonly #links: string[] = [];
  readonly #children: ChildProcess[] = [];

  /** A namespace with `lo` up. */
  namespace(label: string): string {
    ordinal++;
    const name = `ew-${process.pid}-${ordinal}-${label}`;
    run('ip', ['netns', 'add', name]);
    this.#namespaces.push(name);
    run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return name;
  }

  /** Runs `ip` in a namespace, or (undefined) in the test's own. */
  ip(namespace: string | undefined, ...args: string[]): string {
    return run('ip', namespace === undefined ? args : ['-n', namespace, ...args]);
  }

  /** A pair of interfaces, both up; each in a namespace or (undefined) here. Addresses as `10.0.0.1/24`. */
  veth(
    near: { name: string; namespace?: string; address?: string; master?: string },
    far: { name: string; namespace?: string; address?: string; master?: string },
  ): void {
    // Made in the near end's namespace: a name may be taken here and free there.
    this.ip(near.namespace, 'link', 'add', near.name, 'type', 'veth', 'peer', 'name', far.name);
    if (near.namespace === undefined) this.#links.push(near.name);
    if (far.namespace !== undefined) this.ip(near.namespace, 'link', 'set', far.name, 'netns', far.namespace);
    else if (near.namespace !== undefined) this.ip(near.namespace, 'link', 'set', far.name, 'netns', '1');
    for (const end of [near, far]) {
      if (end.master !== undefined) this.ip(end.namespace, 'link', 'set', end.name, 'master', end.master);
      // Without duplicate address detection an IPv6 address can be used at once.
      if (end.address !== undefined) {
        const nodad = end.address.includes(':') ? ['nodad'] : [];
        this.ip(end.namespace, 'addr', 'add', end.address, 'dev', end.name, ...nodad);
      }
      this.ip(end.namespace, 'link', 'set', end.name, 'up');
    }
  }

  bridge(name: string, namespace?: string, address?: string): void {
    this.ip(namespace, 'link', 'add', name, 'type', 'bridge');
    if (namespace === undefined) this.#links.push(name);
    if (address !== undefined) this.ip(namespace, 'addr', 'add', address, 'dev', name);
    this.ip(namespace, 'link', 'set', name, 'up');
  }

  /** Loads rules of nftables in a namespace of ours. */
  nft(namespace: string, rules: string): void {
    this.exec(namespace, 'nft', ['-f', '-'], rules);
  }

  /** Runs a program in a namespace to its end. */
  exec(namespace: string, command: string, args: readonly string[], input?: string): string {
    return run('ip', ['netns', 'exec', namespace, command, ...args], input);
  }

  /** Starts a program in a namespace; `close` ends it. `ip` replaces itself by it. */
  spawn(namespace: string, command: string, args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    return child;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const link of this.#links) spawnSync('ip', ['link', 'del', link]);
    for (const name of this.#namespaces) spawnSync('ip', ['netns', 'del', name]);
    this.#children.length = 0;
    this.#links.length = 0;
    this.#namespaces.length = 0;
  }
}

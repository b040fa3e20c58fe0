/**
 * Captures of real servers: nginx before small services, Redis, dnsmasq, each alone in a network namespace of
 * its own with segments of at most 1500 bytes, as on a network.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Network } from '../test/support/netns.ts';
import { SCRIPTS } from './places.ts';
import { endChild, findTool, mayCapture, waitForText } from './processes.ts';
import { SEED } from './traffic/random.ts';
import {
  DNS_ADDRESS,
  FRONT_ADDRESS,
  REDIS_ADDRESS,
  SERVICE_ADDRESSES,
  SERVICE_PORT,
} from './traffic/shop-places.ts';

/** 256 connections, and about 120,000 calls: a request of a user makes 4.9 in all. */
const HTTP_USERS = 256;
const HTTP_REQUESTS = 96;
const REDIS_CLIENTS = 24;
const REDIS_COMMANDS = 4200;
const DNS_CLIENTS = 20;
const DNS_QUESTIONS = 4000;
const START_MS = 15_000;
/** tcpdump's buffer in KiB: nothing may be dropped. */
const BUFFER_KIB = 262_144;

const NGINX = `worker_processes 1; daemon off; error_log stderr crit; pid PLACE/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 600;
  client_body_temp_path PLACE/body; proxy_temp_path PLACE/proxy; fastcgi_temp_path PLACE/fastcgi;
  uwsgi_temp_path PLACE/uwsgi; scgi_temp_path PLACE/scgi;
  upstream gateway {
    server ${SERVICE_ADDRESSES['gateway']}:${SERVICE_PORT}; keepalive 512; keepalive_requests 1000000;
  }
  server {
    listen ${FRONT_ADDRESS}:80 backlog=2048;
    location / {
      proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host shop.example.com; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`;

class Lab {
  readonly #network = new Network();
  readonly #namespace: string;
  readonly #children: ChildProcess[] = [];
  readonly place = mkdtempSync(`${tmpdir()}/eastwest-bench-`);

  constructor() {
    this.#namespace = this.#network.namespace('bench');
    const link = ['link', 'set', 'dev', 'lo', 'mtu', '1500', 'gso_max_segs', '1', 'gso_max_size', '1500'];
    this.#network.ip(this.#namespace, ...link);
    for (const address of [FRONT_ADDRESS, ...Object.values(SERVICE_ADDRESSES), REDIS_ADDRESS, DNS_ADDRESS]) {
      this.#network.ip(this.#namespace, 'addr', 'add', `${address}/32`, 'dev', 'lo');
    }
  }

  start(command: string, args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#namespace, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }

  script(name: string, ...args: (string | number)[]): ChildProcess {
    return this.start(process.execPath, [`${SCRIPTS}traffic/${name}.js`, ...args.map(String)]);
  }

  /** Runs a script to its end and answers its last line. */
  async run(name: string, ...args: (string | number)[]): Promise<string> {
    const child = this.script(name, ...args);
    let said = '';
    child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const status = await new Promise((resolve) => child.once('close', resolve));
    if (status !== 0) throw new Error(`${name} ended with ${String(status)}: ${said}`);
    return said.trim();
  }

  /** Captures what `work` makes; throws when the kernel dropped any of it. */
  async capture(path: string, filter: string, work: () => Promise<string>): Promise<string> {
    const args = [
      '-i',
      'lo',
      '-s',
      '0',
      '--time-stamp-precision=nano',
      '-B',
      String(BUFFER_KIB),
      '-Z',
      'root',
      '-w',
      path,
      ...filter.split(' '),
    ];
    const tcpdump = this.start('tcpdump', args);
    let said = '';
    tcpdump.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await waitForText(tcpdump, 'listening on', START_MS);
    const done = await work();
    await sleep(1000);
    await endChild(tcpdump, 'SIGINT');
    if (!said.includes('\n0 packets dropped by kernel')) throw new Error(`tcpdump lost packets: ${said}`);
    return done;
  }

  async close(): Promise<void> {
    for (const child of this.#children) await endChild(child, 'SIGTERM');
    this.#network.close();
    rmSync(this.place, { recursive: true });
  }
}

async function inLab(work: (lab: Lab) => Promise<string>): Promise<string> {
  const lab = new Lab();
  try {
    return await work(lab);
  } finally {
    await lab.close();
  }
}

/** Each answers what was made, or undefined when a server or the right to capture is missing. */
export async function captureHttp(path: string): Promise<string | undefined> {
  const nginx = findTool('nginx');
  if (nginx === undefined || !mayCapture()) return undefined;
  return await inLab(async (lab) => {
    for (const role of Object.keys(SERVICE_ADDRESSES)) {
      await waitForText(lab.script('http-service', role, SEED), 'ready', START_MS);
    }
    writeFileSync(`${lab.place}/nginx.conf`, NGINX.replaceAll('PLACE', lab.place));
    lab.start(nginx, ['-c', `${lab.place}/nginx.conf`]);
    await sleep(500);
    return await lab.capture(
      path,
      'tcp',
      async () => await lab.run('http-load', SEED, HTTP_USERS, HTTP_REQUESTS),
    );
  });
}

export async function captureRedis(path: string): Promise<string | undefined> {
  const redis = findTool('redis-server');
  if (redis === undefined || !mayCapture()) return undefined;
  return await inLab(async (lab) => {
    const server = lab.start(redis, [
      '--bind',
      REDIS_ADDRESS,
      '--protected-mode',
      'no',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      lab.place,
    ]);
    await waitForText(server, 'Ready to accept connections', START_MS);
    return await lab.capture(
      path,
      'tcp',
      async () => await lab.run('redis-load', SEED, REDIS_CLIENTS, REDIS_COMMANDS),
    );
  });
}

export async function captureDns(path: string): Promise<string | undefined> {
  const dnsmasq = findTool('dnsmasq');
  if (dnsmasq === undefined || !mayCapture()) return undefined;
  return await inLab(async (lab) => {
    const zones = ['--address=/svc.cluster.local/10.9.0.3', '--address=/svc.cluster.local/fd00::3'];
    const place = ['-a', DNS_ADDRESS, '--bind-interfaces', '-u', 'root', `--pid-file=${lab.place}/pid`];
    const rules = ['--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--local=/absent.cluster.local/'];
    lab.start(dnsmasq, ['-k', '-p', '53', ...place, ...rules, ...zones]);
    await sleep(500);
    return await lab.capture(
      path,
      'udp port 53',
      async () => await lab.run('dns-load', SEED, DNS_CLIENTS, DNS_QUESTIONS),
    );
  });
}

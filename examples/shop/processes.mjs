/**
 * The shop's processes, each a child in a process group of its own (so that Ctrl-C reaches the launcher
 * alone) that ends when its standard input ends (so that nothing outlives a launcher that was killed).
 * Programs that do not watch their input are started by a shell which watches it for them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const READY_MS = 30_000;
const END_MS = 4_000;
const BUILD_MS = 300_000;
const LAST_WORDS_MAX = 2_000;
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin'];

/** Its subshell waits for the end of standard input, then ends the program, which has the shell's pid. */
const WATCHED = 'exec 3<&0; (read -r _ <&3; kill -TERM $$) 2>/dev/null & exec "$@" 3<&- </dev/null';

/** Where a program is, or undefined. */
export function findProgram(name) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS]) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Whether this Python runs at all and is new enough. */
export function pythonServes(python) {
  const check = 'import sys; sys.exit(sys.version_info < (3, 8))';
  return spawnSync(python, ['-c', check], { timeout: READY_MS }).status === 0;
}

/** Compiles the Go services once for each state of their sources: { program } or { trouble }. */
export function buildGo(go, say) {
  const folder = join(HERE, 'go');
  const hash = createHash('sha256').update(go).update(process.arch);
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'eastwest-shop');
  const program = join(cache, `shop-${hash.digest('hex').slice(0, 16)}`);
  if (statSync(program, { throwIfNoEntry: false }) !== undefined) return { program };
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    return { trouble: error.message };
  }
  say('compiling the Go services (once)');
  const half = `${program}.${process.pid}`;
  const built = spawnSync(go, ['build', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', half, '.'], {
    cwd: folder,
    env: {
      ...process.env,
      CGO_ENABLED: '0',
      GOFLAGS: '',
      GOPROXY: 'off',
      GO111MODULE: 'on',
      GOTOOLCHAIN: 'local',
    },
    timeout: BUILD_MS,
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    return {
      trouble: (built.stderr ?? '').trim().split('\n').pop() || String(built.error ?? 'go build failed'),
    };
  }
  renameSync(half, program);
  return { program };
}

function nginxConfig(folder, places, truthFolder) {
  const { edge, storefront, office } = places;
  const account = process.getuid?.() === 0 ? `user ${userInfo().username};` : '';
  const truth =
    '{"t":"in","service":"edge","protocol":"http","local":"$server_addr:$server_port",' +
    '"peer":"$remote_addr:$remote_port","n":$connection_requests,"method":"$request_method",' +
    '"path":"$request_uri","status":$status,"endSeconds":$msec,"tookSeconds":$request_time}';
  const log =
    truthFolder === undefined ? 'access_log off;' : `access_log ${join(truthFolder, 'edge.ndjson')} truth;`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const upstream = (name, at) =>
    `upstream ${name} { server ${at.host}:${at.port}; keepalive 64; ` +
    'keepalive_requests 1000000; keepalive_timeout 1h; }';
  return `
daemon off;
${account}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
  ${temporary.join('\n  ')}
  log_format truth escape=json '${truth}';
  ${log}
  ${upstream('storefront', storefront)}
  ${upstream('office', office)}
  server {
    listen ${edge.bindHost}:${edge.bindPort};
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_next_upstream off;
    location /office/ { proxy_pass http://office; }
    location / { proxy_pass http://storefront; }
  }
}
`;
}

/** How a service is started: { command, isReady(line), obeys }. `obeys`: it understands `drain`. */
export function commandOf(name, { language, programs, folder, configFile, places, truthFolder }) {
  const saysReady = (line) => line === 'ready';
  const own = (command) => ({ command: [...command, name, configFile], isReady: saysReady, obeys: true });
  const watched = (command, isReady) => ({
    command: ['/bin/sh', '-c', WATCHED, name, ...command],
    isReady,
    obeys: false,
  });
  if (language === 'go') return own([programs.go]);
  if (language === 'python') return own([programs.python, join(HERE, 'python', `${name}.py`)]);
  if (language === 'redis') {
    const { bindHost, bindPort } = places.redis;
    const settings = ['--port', String(bindPort), '--bind', bindHost, '--protected-mode', 'no', '--save', ''];
    const more = [
      '--appendonly',
      'no',
      '--dir',
      folder,
      '--daemonize',
      'no',
      '--logfile',
      '',
      '--maxmemory',
      '64mb',
    ];
    return watched([programs.redis, ...settings, ...more], (line) =>
      line.includes('Ready to accept connections'),
    );
  }
  if (language === 'nginx') {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(folder, places, truthFolder));
    const command = [programs.nginx, '-p', folder, '-e', 'stderr', '-c', file];
    return watched(command, (line) => line.includes('start worker process '));
  }
  return own([process.execPath, join(HERE, 'node', 'services', `${name}.mjs`)]);
}

/** A running child: { name, pid, ready, ended, isEnded(), tell(order), ask(order, isAnswer), end() }. */
export function startProcess(name, { command, isReady, obeys }, prefix) {
  const [program, ...rest] = [...prefix, ...command];
  const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment });
  let lastWords = '';
  const listeners = new Set();
  let settleReady;
  const over = { ended: false };
  const ready = new Promise((resolve, reject) => {
    settleReady = { resolve, reject };
  });
  ready.catch(() => {});
  const timer = setTimeout(() => settleReady.reject(new Error(`${name} was not ready in time`)), READY_MS);
  const onLine = (line) => {
    if (isReady(line)) settleReady.resolve();
    for (const listener of listeners) listener(line);
    lastWords = `${lastWords}${line}\n`.slice(-LAST_WORDS_MAX);
  };
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', onLine);
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => {
    const finish = (how) => {
      over.ended = true;
      clearTimeout(timer);
      child.stdin.destroy();
      const words = lastWords.trim().split('\n').pop();
      settleReady.reject(new Error(`${name} ended before it was ready (${how}): ${words}`));
      resolve({ how, words });
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) => finish(signal ?? `exit code ${code}`));
  });
  void ready.then(() => clearTimeout(timer));

  const tell = (order) => child.stdin.write(`${order}\n`);
  /** Sends an order, if any, and waits for the line that `isAnswer` knows, or the end of the process. */
  const ask = (order, isAnswer) =>
    Promise.race([
      ended.then(() => undefined),
      new Promise((resolve) => {
        const listener = (line) => {
          if (!isAnswer(line)) return;
          listeners.delete(listener);
          resolve(line);
        };
        listeners.add(listener);
        if (order !== undefined) tell(order);
      }),
    ]);
  const end = async () => {
    if (over.ended) return;
    child.stdin.end();
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      await Promise.race([ended, sleep(END_MS, undefined, { ref: false })]);
      if (over.ended) return;
      child.kill(signal);
    }
    await ended;
  };
  return { name, pid: child.pid, obeys, ready, ended, isEnded: () => over.ended, tell, ask, end };
}

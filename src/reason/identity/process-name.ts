/**
 * The name of a service from its command line. The program is the name, unless it is an interpreter or a
 * runner: then what it runs is. The rules with examples are in docs/formats/services.md. Pure; the texts may
 * be anything, since a process chooses its own command line.
 */

export interface CommandFacts {
  /** Of /proc/PID/cmdline; empty for kernel threads. */
  readonly arguments: readonly string[];
  /** Of /proc/PID/comm: at most 15 bytes. */
  readonly comm: string;
  readonly executable: string | undefined;
  readonly folder: string | undefined;
}

/** Names are cut here; the kernel's own limit of a file name is 255. */
const NAME_MAX = 128;

/** Programs whose own name says nothing: what they run is the name. Versions (`python3.11`) are cut first. */
const INTERPRETERS = new Set([
  'node',
  'nodejs',
  'bun',
  'deno',
  'tsx',
  'ts-node',
  'python',
  'pypy',
  'ruby',
  'perl',
  'php',
  'java',
  'dotnet',
  'sh',
  'bash',
  'dash',
  'zsh',
  'ash',
  'lua',
  'luajit',
  'rscript',
  'mono',
]);
/** Options that take the next argument, by interpreter. */
const WITH_VALUE: Readonly<Record<string, readonly string[]>> = {
  node: ['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--title'],
  python: ['-W', '-X', '--check-hash-based-pycs'],
  ruby: ['-I', '-r', '-C', '-E'],
  perl: ['-I', '-M'],
  php: ['-d', '-c', '-S', '-t'],
  java: [
    '-cp',
    '-classpath',
    '--class-path',
    '-p',
    '--module-path',
    '--add-opens',
    '--add-exports',
    '--add-modules',
  ],
};
/** Options after which there is no script but program text. */
const INLINE = new Set(['-e', '-p', '-c', '-pe', '--eval', '--print', '-i']);
const VERBS_OF_DENO = new Set(['run', 'serve', 'x', 'exec']);

/** Scripts that start another program's code: `uvicorn shop.main:app` is shop. */
const RUNNERS = new Set(['gunicorn', 'uvicorn', 'hypercorn', 'daphne', 'waitress-serve', 'granian']);

/** Names that say as much as `main` does: the folder is asked instead. */
const GENERIC = new Set([
  'index',
  'main',
  'server',
  'app',
  'application',
  'start',
  'run',
  'cli',
  'wsgi',
  'asgi',
  'manage',
  'service',
  'worker',
  'artisan',
  '__main__',
]);
const GENERIC_FOLDERS = new Set([
  '',
  '.',
  '..',
  'src',
  'dist',
  'lib',
  'build',
  'bin',
  'out',
  'app',
  'target',
  'release',
  'debug',
  'cmd',
  'root',
  'home',
  'tmp',
  'usr',
  'opt',
  'srv',
  'var',
  'code',
  'workspace',
  'www',
  'node_modules',
  'local',
  'services',
  'server',
]);
const FOLDERS_UP_MAX = 4;

/** Programs that everybody knows by another name. */
const KNOWN: Readonly<Record<string, string>> = {
  'redis-server': 'redis',
  'valkey-server': 'valkey',
  'nats-server': 'nats',
  mysqld: 'mysql',
  mariadbd: 'mariadb',
  mongod: 'mongodb',
  apache2: 'apache',
  httpd: 'apache',
};
/** Words after a program that do not say which part of it runs. */
const GENERIC_WORDS = new Set([
  'serve',
  'server',
  'start',
  'run',
  'up',
  'daemon',
  'agent',
  'worker',
  'exec',
  'listen',
  'standalone',
  'web',
  'start-dev',
]);
const SYSTEM_FOLDERS = /^\/(?:usr\/)?s?bin\//;
const EXTENSION = /\.(?:[mc]?[jt]sx?|pyc?|pyz|rb|pl|php|phar|sh|jar|war|dll|exe|lua|r|ksh)$/i;
/** A version or build at the end: `-1.4.2`, `-2.0.0-SNAPSHOT`. */
const VERSION = /[-_]v?\d+(?:\.\d+)+(?:[-.][0-9a-z.]+)*$/i;
/** A digest that a build put behind a name; at least one digit, so that no word is taken for one. */
const DIGEST = /[-_.](?=[a-f]*\d)[0-9a-f]{12,64}$/;
const WORD = /^[a-z][a-z0-9]{1,30}(?:-[a-z0-9]{1,30}){0,3}$/;

/** The name that a process goes by; never empty. */
export function processName(facts: CommandFacts): string {
  const name = nameOf(facts) || baseName(facts.comm) || 'process';
  return name.slice(0, NAME_MAX);
}

function nameOf(facts: CommandFacts): string {
  const [zeroth, ...rest] = facts.arguments;
  if (zeroth === undefined || zeroth === '') return facts.comm;
  const title = titleName(
    zeroth,
    rest.every((one) => one === ''),
  );
  if (title !== undefined) return KNOWN[title] ?? title;
  const base = baseName(zeroth.replace(/^-/, ''));
  const program = base.toLowerCase().replace(/[\d.]+$/, '');
  if (INTERPRETERS.has(program)) return scriptName(program, rest, facts.folder) ?? base;
  if (RUNNERS.has(base)) return runnerName(base, rest, facts.folder);
  if (base === 'beam.smp' || base === 'beam')
    return rest.some((one) => one.includes('rabbit')) ? 'rabbitmq' : base;
  return programName(base, rest, facts.executable ?? zeroth);
}

/**
 * The name in a title that the process wrote over its arguments: `nginx: worker process`,
 * `redis-server *:6379`, `gunicorn: master [shop]`.
 */
function titleName(zeroth: string, alone: boolean): string | undefined {
  const colon = zeroth.indexOf(': ');
  if (colon > 0) {
    const inBrackets = /\[([\w.:-]{1,64})\]\s*$/.exec(zeroth)?.[1];
    const program = baseName(zeroth.slice(0, colon));
    return RUNNERS.has(program) && inBrackets !== undefined
      ? (inBrackets.split(/[.:]/)[0] ?? program)
      : program;
  }
  const space = zeroth.indexOf(' ');
  if (space <= 0 || !alone) return undefined;
  return baseName(zeroth.slice(0, space));
}

/** What an interpreter runs, or undefined: program text, or a prompt. */
function scriptName(
  program: string,
  rest: readonly string[],
  folder: string | undefined,
): string | undefined {
  const kind = program === 'nodejs' || program === 'tsx' || program === 'ts-node' ? 'node' : program;
  const withValue = WITH_VALUE[kind === 'pypy' ? 'python' : kind] ?? [];
  for (let at = 0; at < rest.length; at++) {
    const argument = rest[at];
    if (argument === '-jar') return fileName(rest[at + 1], folder);
    if (argument === '-m' && kind !== 'node') return moduleName(rest.slice(at + 1), folder);
    if (withValue.includes(argument)) at++;
    else if (INLINE.has(argument)) return undefined;
    else if (argument.startsWith('-')) continue;
    else if ((kind === 'deno' || kind === 'bun' || kind === 'dotnet') && VERBS_OF_DENO.has(argument))
      continue;
    else if (kind === 'java') return argument.split('/').at(-1)?.split('.').at(-1);
    else if (RUNNERS.has(baseName(argument)))
      return runnerName(baseName(argument), rest.slice(at + 1), folder);
    else return fileName(argument, folder);
  }
  return undefined;
}

function moduleName(rest: readonly string[], folder: string | undefined): string | undefined {
  const module = rest[0];
  if (module === undefined || module === '') return undefined;
  if (RUNNERS.has(module)) return runnerName(module, rest.slice(1), folder);
  const parts = module.split(/[./]/).filter((part) => !GENERIC.has(part) && part !== '');
  return parts.at(-1) ?? module;
}

/** `uvicorn shop.main:app --port 80`: the module that is no generic word, else the folder. */
function runnerName(runner: string, rest: readonly string[], folder: string | undefined): string {
  const target = rest.find((one) => /^[\w.]+:[\w().]+$/.test(one));
  const parts = (target?.split(':')[0] ?? '').split('.').filter((part) => part !== '' && !GENERIC.has(part));
  return parts[0] ?? (target === undefined ? undefined : folderName(folder ?? '')) ?? runner;
}

/** A script or archive by its file's name, or by its folder's where the file's says nothing. */
function fileName(path: string | undefined, folder: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  const name = baseName(path).replace(EXTENSION, '').replace(VERSION, '');
  if (!GENERIC.has(name.toLowerCase())) return name;
  const above = path.startsWith('/') || folder === undefined ? path : `${folder}/${path}`;
  return folderName(above.slice(0, Math.max(0, above.lastIndexOf('/')))) ?? name;
}

/** The innermost folder that says something. */
function folderName(path: string): string | undefined {
  const segments = path.split('/').filter((segment) => segment !== '.' && segment !== '');
  for (let up = 1; up <= FOLDERS_UP_MAX && up <= segments.length; up++) {
    const segment = segments[segments.length - up];
    // A user's own folder: /home/anna/src names nobody `anna`.
    if (segments[segments.length - up - 1] === 'home') return undefined;
    if (segment !== '..' && !GENERIC_FOLDERS.has(segment.toLowerCase())) return segment;
    // Further up it is no longer the service's own folder.
    if (['tmp', 'usr', 'opt', 'srv', 'var', 'root'].includes(segment)) return undefined;
  }
  return undefined;
}

/** A program; one that is not the system's and is given a word is that part of it: `shop orders`. */
function programName(base: string, rest: readonly string[], executable: string): string {
  const name = base.replace(EXTENSION, '').replace(DIGEST, '').replace(VERSION, '') || base;
  const known = KNOWN[name];
  if (known !== undefined) return known;
  const word = rest[0] ?? '';
  const isPart = WORD.test(word) && !GENERIC_WORDS.has(word) && word !== name;
  return isPart && executable.startsWith('/') && !SYSTEM_FOLDERS.test(executable) ? `${name}-${word}` : name;
}

function baseName(path: string): string {
  const end = path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

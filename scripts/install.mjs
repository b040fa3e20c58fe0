/** What must be there before anything runs: a new enough Node, the packages of the lock file, a build. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Only tests use it; docs/decisions/chdb.md says why it is not in the lock file. */
const CHDB = 'chdb@3.4.0';

/** A failure that is told in one sentence, without a stack. */
export class Trouble extends Error {
  code = 1;
}

/** The words after the command are wrong. */
export class Misuse extends Trouble {
  code = 2;
}

/** Runs a script's body; what goes wrong is one line on standard error, and an exit code that is not 0. */
export async function tell(name, body) {
  // Nobody reads on (`| head`): there is nobody to tell.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(1));
  try {
    process.exitCode = await body();
  } catch (error) {
    const words = error instanceof Trouble ? error.message : (error.stack ?? String(error));
    process.stderr.write(`${name}: ${words}\n`);
    process.exitCode = error instanceof Trouble ? error.code : 1;
  }
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Trouble(`Node ${process.versions.node} is too old; install Node 20.19 or later`);
}

/** The first package of the lock file that is not there in that version, or undefined. */
function missingPackage() {
  const readPackages = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return 'node_modules';
  const wanted = readPackages('package-lock.json');
  const here = readPackages('node_modules/.package-lock.json');
  return Object.keys(wanted).find((path) => {
    // Packages for other platforms are optional, and never here.
    if (path === '' || wanted[path].optional === true) return false;
    return here[path]?.version !== wanted[path].version || !existsSync(join(ROOT, path));
  });
}

function npm(words) {
  // Windows has npm.cmd, which only a shell starts; eastwest does not run there.
  const done = spawnSync('npm', words, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.error !== undefined) return `npm does not start (${done.error.code})`;
  if (done.status === 0) return undefined;
  const lines = done.stderr.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim());
  const told = lines.filter((line) => line !== '' && !line.startsWith('A complete log'));
  return `npm ${words[0]} failed: ${told.slice(0, 2).join('; ')}`;
}

/** Installs what the lock file has and node_modules has not. */
export function install(say) {
  checkNode();
  if (missingPackage() === undefined) return;
  say('installing the packages of package-lock.json into node_modules (npm ci), once');
  // Also where NODE_ENV is production: the compiler is a development package.
  const trouble = npm(['ci', '--include=dev']);
  if (trouble !== undefined) throw new Trouble(`${trouble}; run "npm ci" to see all of it`);
}

/** Installs the engine that some tests compare with. Without it they are skipped. */
export function installChdb(say) {
  try {
    createRequire(import.meta.url).resolve('chdb');
    return;
  } catch {
    // Not there yet.
  }
  say(`installing ${CHDB} for tests (about 550 MB), once`);
  const trouble = npm(['install', '--no-save', '--no-package-lock', CHDB]);
  if (trouble !== undefined) say(`tests that need ${CHDB} are skipped: ${trouble}`);
}

export function build() {
  const done = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (done.status !== 0) throw new Trouble('the build failed');
}

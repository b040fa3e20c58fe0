/**
 * Builds dist: the scan module (AssemblyScript to WebAssembly), then the TypeScript. Only what changed is made
 * again, and what has no source any more is taken away, so that no old test runs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SCAN_SOURCES = join(ROOT, 'src/wire/scan/assembly');
const SCAN_MODULE = join(ROOT, 'dist/scan.wasm');
/** Folders that tsc writes to dist; the rest of dist is not looked at. */
const COMPILED = ['src', 'test', 'bench'];

function run(tool, words) {
  const done = spawnSync(process.execPath, [join(ROOT, 'node_modules', tool), ...words], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (done.status !== 0) {
    process.stderr.write(`build: ${tool} ended with ${done.status ?? done.signal ?? done.error?.code}\n`);
    process.exit(1);
  }
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.path, entry.name));
}

function scanIsCurrent() {
  if (!existsSync(SCAN_MODULE)) return false;
  const builtMs = statSync(SCAN_MODULE).mtimeMs;
  // This file has the flags, the lock file has the compiler's version.
  const inputs = [
    ...filesUnder(SCAN_SOURCES),
    fileURLToPath(import.meta.url),
    join(ROOT, 'package-lock.json'),
  ];
  return inputs.every((file) => statSync(file).mtimeMs < builtMs);
}

function buildScan() {
  // Data and stack of the module stay below the scratch of base/memory.ts.
  const memory = ['--importMemory', '--memoryBase', '1024', '--initialMemory', '16'];
  const features = ['--enable', 'simd', '--enable', 'bulk-memory'];
  const how = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='];
  const out = ['-o', 'dist/scan.wasm'];
  run('assemblyscript/bin/asc.js', [join(SCAN_SOURCES, 'index.ts'), ...how, ...features, ...memory, ...out]);
}

function removeStale() {
  for (const folder of COMPILED) {
    for (const file of filesUnder(join(ROOT, 'dist', folder))) {
      const source = file.replace(join(ROOT, 'dist'), ROOT).replace(/\.js(\.map)?$/, '.ts');
      if (!existsSync(source)) rmSync(file);
    }
  }
}

if (!existsSync(join(ROOT, 'node_modules/typescript'))) {
  process.stderr.write('build: the packages are not installed; run "npm ci"\n');
  process.exit(1);
}
mkdirSync(join(ROOT, 'dist'), { recursive: true });
if (!scanIsCurrent()) buildScan();
removeStale();
run('typescript/bin/tsc', ['-p', 'tsconfig.json']);

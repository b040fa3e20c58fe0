// Builds dist: the scan module (AssemblyScript → WebAssembly), then the TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULE = 'src/wire/scan/assembly/index.ts';

function run(tool, args) {
  const done = spawnSync(process.execPath, [`${ROOT}node_modules/${tool}`, ...args], { cwd: ROOT, stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

mkdirSync(`${ROOT}dist`, { recursive: true });
if (existsSync(`${ROOT}${MODULE}`)) {
  // Data and stack of the module stay below the scratch of base/memory.ts.
  run('assemblyscript/bin/asc.js', [
    MODULE, '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory',
    '--importMemory', '--memoryBase', '1024', '--initialMemory', '16', '--use', 'abort=', '-o', 'dist/scan.wasm',
  ]);
}
run('typescript/bin/tsc', ['-p', 'tsconfig.json']);

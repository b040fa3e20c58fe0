/**
 * `npm run check`: types, lint, format, tests; what must hold before a commit. `--no-tests` leaves the tests
 * out. Each step runs whatever the one before said, so that one run shows all that is wrong.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, ROOT, tell } from './install.mjs';

function step(name, file, words) {
  const started = performance.now();
  // The linter and the formatter colour what goes to a file, too.
  const env = process.stdout.isTTY === true ? process.env : { ...process.env, NO_COLOR: '1' };
  const how = { cwd: ROOT, stdio: 'inherit', env };
  const done = spawnSync(process.execPath, [join(ROOT, file), ...words], how);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  return { name, passed: done.status === 0, seconds };
}

await tell('check', () => {
  install((line) => process.stdout.write(`check: ${line}\n`));
  const steps = [
    // The build is the check of types: tsc runs once.
    step('types', 'scripts/build.mjs', []),
    step('lint', 'node_modules/oxlint/bin/oxlint', ['--deny-warnings']),
    step('format', 'node_modules/oxfmt/bin/oxfmt', ['--check']),
  ];
  if (!process.argv.includes('--no-tests')) steps.push(step('tests', 'scripts/test.mjs', []));
  for (const { name, passed, seconds } of steps) {
    process.stdout.write(`check: ${name} ${passed ? 'pass' : 'FAIL'} (${seconds} s)\n`);
  }
  return steps.every(({ passed }) => passed) ? 0 : 1;
});

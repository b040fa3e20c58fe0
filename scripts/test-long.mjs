/** `npm run test:long [-- WORD…]`: the tests that take longer than a person waits for. */
import { build, install, installChdb, tell } from './install.mjs';
import { chosen, runTests, testFiles } from './run-tests.mjs';

function say(line) {
  process.stdout.write(`test:long: ${line}\n`);
}

await tell('test:long', async () => {
  install(say);
  installChdb(say);
  build();
  const files = testFiles('dist', '.long.test.js');
  if (files.length === 0) {
    say('there is no long test (*.long.test.ts)');
    return 0;
  }
  return runTests(chosen(files, process.argv.slice(2)), { alone: true });
});

/** `npm test [-- WORD…]`: installs what is missing, builds, runs every test, or those whose path holds a word. */
import { build, install, installChdb, tell } from './install.mjs';
import { chosen, runTests, testFiles } from './run-tests.mjs';

function say(line) {
  process.stdout.write(`test: ${line}\n`);
}

await tell('test', async () => {
  install(say);
  installChdb(say);
  build();
  const built = testFiles('dist', '.test.js').filter((file) => !file.endsWith('.long.test.js'));
  const files = [...built, ...testFiles('examples', '.test.mjs')];
  return runTests(chosen(files, process.argv.slice(2)), { alone: false });
});

/** The package as users install it: packed, installed in an empty folder, run by its name. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** From dist/test. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), 'eastwest-package-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

function run(program: string, words: readonly string[], cwd: string): { out: string; err: string } {
  const home = join(FOLDER, 'home');
  mkdirSync(home, { recursive: true });
  // npm keeps its packages where they are; eastwest makes its key in a home of its own.
  const env = { ...process.env, ...(program === 'npm' ? {} : { HOME: home, XDG_CONFIG_HOME: home }) };
  const done = spawnSync(program, words, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.equal(done.status, 0, `${program} ${words.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return { out: done.stdout, err: done.stderr };
}

test('the package, installed in an empty folder, tells its version and reads the recorded shop', () => {
  const packed = run('npm', ['pack', '--json', '--pack-destination', FOLDER], ROOT);
  const [{ filename, files }] = JSON.parse(packed.out) as [{ filename: string; files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const path of ['bin/eastwest', 'dist/scan.wasm', 'README.md', 'LICENSE', 'docs/formats/config.md']) {
    assert.ok(paths.includes(path), `${path} is in the package`);
  }
  assert.deepEqual(
    paths.filter((path) => /\.test\.m?js$|\.map$|^src\/|^test\/|^dist\/test\//.test(path)),
    [],
  );

  const place = join(FOLDER, 'place');
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{"private":true}');
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(FOLDER, filename)], place);
  const command = join(place, 'node_modules/.bin/eastwest');
  assert.equal(run(command, ['--version'], place).out, `${version}\n`);
  const capture = join(place, 'node_modules/eastwest/examples/shop/shop.pcap.gz');
  const { out, err } = run(command, ['read', '-o', 'json', capture], place);
  const calls = out.trimEnd().split('\n');
  assert.match(err, new RegExp(`^${calls.length} calls, \\d+ operations, \\d+ services, 0 dropped$`, 'm'));
  assert.ok(calls.length > 5000, `${calls.length} calls`);
  assert.ok(err.includes('coverage: complete'), err);
});

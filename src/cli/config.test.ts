import { test } from 'node:test';
import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfiguration, resolveConfiguration } from './config.ts';
import { CliError } from './exit.ts';
import { loadKey } from './key-file.ts';
import { ROOT } from '../../test/support/golden-text.ts';

function refusal(text: string): string {
  try {
    parseConfiguration(text, 'e.yaml');
  } catch (error) {
    ok(error instanceof CliError, String(error));
    equal(error.code, 2);
    return error.message;
  }
  return 'accepted';
}

test('what is wrong in the file is refused with file, line, column and key', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['quiet: true\nintreface: eth0\n', 'e.yaml:2:1: there is no key "intreface"; did you mean interface?'],
    [
      'limits:\n  conections: 5\n',
      'e.yaml:2:3: there is no key "limits.conections"; did you mean connections?',
    ],
    ['zzz: 1\n', 'e.yaml:1:1: there is no key "zzz"'],
    ['filter: error\n', 'e.yaml:1:1: there is no key "filter"'],
    ['quiet: true\nworkers: 99\n', 'e.yaml:2:10: workers is 99; the most is 64'],
    ['workers: two\n', 'e.yaml:1:10: workers has to be a whole number'],
    ['workers: 1.5\n', 'e.yaml:1:10: workers has to be a whole number'],
    ['quiet: "yes"\n', 'e.yaml:1:8: quiet has to be true or false'],
    [
      'output: jsno\n',
      'e.yaml:1:9: output is "jsno", and has to be one of table, json, csv; did you mean json?',
    ],
    ['for: 20\n', 'e.yaml:1:6: for has to be a time such as 20s'],
    ['for: 20 s\n', 'e.yaml:1:6: for is no time such as 20s or 1m30s: "20 s"'],
    ['interface: []\n', 'e.yaml:1:12: interface is empty'],
    ['interface: 5\n', 'e.yaml:1:12: interface has to be a text or a list of texts'],
    ['limits: 5\n', 'e.yaml:1:9: limits has to be a map'],
    [
      'limits:\n  heap-bytes: 64KB\n',
      'e.yaml:2:15: limits.heap-bytes is no size such as 65536 or 64KiB: "64KB"',
    ],
    ['services: {a: 1}\n', 'e.yaml:1:11: services has to be a list'],
    ['services:\n  - name: a\n', 'e.yaml:2:5: services.0 needs either address or cidr'],
    ['services:\n  - {name: a, address: 10.0.0.300}\n', 'e.yaml:2:24: services.0.address is no IP address'],
    [
      'services:\n  - {name: a, cidr: 10.0.0.0}\n',
      'e.yaml:2:21: services.0.cidr is no range such as 10.1.0.0/16',
    ],
    [
      'services:\n  - {name: a, address: 10.0.0.1, prot: 1}\n',
      'e.yaml:2:34: there is no key "services.0.prot"; did you mean port?',
    ],
    [
      'services:\n  - {name: a, address: 10.0.0.1, port: 0}\n',
      'e.yaml:2:40: services.0.port has to be 1 to 65535',
    ],
    ['- 1\n', 'e.yaml:1:1: the configuration has to be a map of keys'],
    ['workers: 1\nworkers: 2\n', 'e.yaml:2:1: this is no YAML: Map keys must be unique'],
  ];
  for (const [text, message] of cases) equal(refusal(text), message, text);
  ok(refusal('a: [1\n').startsWith('e.yaml:2:1: this is no YAML: '), refusal('a: [1\n'));
});

test('the file of the document is accepted, and an empty one too', () => {
  const document = readFileSync(new URL('docs/formats/config.md', ROOT), 'utf8');
  const example = /```yaml\n([^`]+)```/.exec(document);
  ok(example !== null);
  const values = parseConfiguration(example[1], 'e.yaml');
  deepEqual(values.get('interface'), ['eth0', 'docker0']);
  equal(values.get('limits.connections'), 100_000);
  deepEqual(values.get('services'), [
    { name: 'cart', address: '10.0.0.1', port: 80 },
    { name: 'databases', address: '10.1.0.0/16', port: undefined },
  ]);
  for (const empty of ['', '# nothing\n', '---\n']) equal(parseConfiguration(empty, 'e.yaml').size, 0);
});

test('the environment wins over the file, which is found by flag, variable or in its place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-config-'));
  try {
    const file = join(folder, 'e.yaml');
    writeFileSync(file, 'workers: 7\nfor: 5s\nlimits:\n  heap-bytes: 128MiB\n');
    const resolve = (flag: string | undefined, environment: Record<string, string>) =>
      resolveConfiguration({
        command: 'up',
        flags: new Map(),
        file: flag,
        environment: { HOME: folder, ...environment },
      });
    const byFlag = resolve(file, {});
    deepEqual([byFlag.workers, byFlag.for, byFlag.limits.heapBytes], [7, 5000, 128 * 1024 * 1024]);
    equal(resolve(undefined, { EASTWEST_CONFIG: file }).workers, 7);
    equal(resolve(file, { EASTWEST_WORKERS: '2' }).workers, 2);
    equal(resolve(undefined, {}).workers, 1);
    throws(() => resolve(folder, {}), /cannot read .* \(EISDIR\)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the key is made once, for its owner only, and then read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eastwest-key-'));
  try {
    const file = join(folder, 'deep', 'key');
    const made = loadKey(file);
    equal(made.length, 16);
    ok(made.some((byte) => byte !== 0));
    equal(statSync(file).mode & 0o777, 0o600);
    deepEqual(loadKey(file), made);
    ok(Buffer.compare(Buffer.from(loadKey(join(folder, 'other'))), Buffer.from(made)) !== 0);
    chmodSync(file, 0o644);
    throws(() => loadKey(file), /open to everybody; run "chmod 600 /);
    chmodSync(file, 0o600);
    writeFileSync(file, 'short\n');
    throws(() => loadKey(file), /holds no key of 32 hexadecimal digits/);
    throws(() => loadKey(join(file, 'below')), CliError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

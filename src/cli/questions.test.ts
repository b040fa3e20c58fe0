import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError, EXIT_USAGE } from './exit.ts';
import { rowPredicate } from './questions.ts';

test('a protocol that is not read and an empty value are refused, a known one asks', () => {
  const refused = (key: 'protocol' | 'client', value: string): string => {
    try {
      rowPredicate(new Map([[key, [value]]]));
    } catch (error) {
      assert.ok(error instanceof CliError && error.code === EXIT_USAGE);
      return error.message;
    }
    return 'accepted';
  };
  assert.match(refused('protocol', 'htp'), /^--protocol: there is no "htp"; did you mean http\?$/);
  assert.match(refused('protocol', 'kafka9'), /known are http, redis, dns$/);
  assert.match(refused('client', ''), /^--client: is empty/);
  const asks = rowPredicate(new Map([['protocol', ['redis']]]));
  assert.deepEqual([asks?.({ protocol: 'redis' }), asks?.({ protocol: 'dns' })], [true, false]);
});

import { test } from 'node:test';
import { equal, ok } from 'node:assert/strict';
import { parseFilter } from './check.ts';
import { compileSql, quoteText } from './sql.ts';

function sql(expression: string, expressions?: Readonly<Record<string, string>>): string {
  const parsed = parseFilter(expression);
  ok(parsed.ok, `${expression} ${parsed.ok ? '' : parsed.error.message}`);
  return compileSql(parsed.value, expressions);
}

test('a filter becomes the expression that one would write', () => {
  for (const [expression, expected] of [
    ['status == "404"', "((status = '404'))"],
    [
      'error && duration > duration("250ms")',
      "(((toString(outcome) IN ('server error', 'reset', 'timeout', 'unanswered')) AND " +
        "(end > toInt64('250000000'))))",
    ],
    ['first_byte == null', '(isNull(nullIf(first_byte, 0)))'],
    ['server_port in [80, 443, 2.5]', "((server_port IN (toInt64('80'), toInt64('443'))))"],
    ['server_port in [2.5]', '(if(isNull(server_port), NULL, 0))'],
    [
      'host.contains("a") || !host.endsWith("b")',
      "(((position(host, 'a') > 0) OR (NOT endsWith(host, 'b'))))",
    ],
    [
      'request_bytes + 1 > 2',
      "((accurateCastOrNull(toInt128(request_bytes) + toInt128(toInt64('1')), 'Int64') > toInt64('2')))",
    ],
    ['host.matches("^a+$")', "(match(host, '(?-s)^(?:a)+$'))"],
    ['18446744073709551615u in fingerprints', "(has(fingerprints, toUInt64('18446744073709551615')))"],
    ['weight > 1e300', '((toFloat64(weight) > toFloat64(1e+300)))'],
    [
      'start >= timestamp("2026-01-31T12:00:00Z")',
      "((start >= fromUnixTimestamp64Nano(toInt64('1769860800000000000'), 'UTC')))",
    ],
  ]) {
    equal(sql(expression), expected, expression);
  }
});

test('the store may say what a field is', () => {
  equal(
    sql('client_service == "cart"', { client_service: 'dictGet(names, client_endpoint)' }),
    "((dictGet(names, client_endpoint) = 'cart'))",
  );
});

test('no text leaves its quotes: what stands between them is one escaped ASCII literal', () => {
  const hostile = [
    "'",
    "\\'",
    '\\',
    "' OR 1=1 --",
    "\\' OR 1=1 --",
    '/*',
    '\u0000',
    '\n',
    '\u2018 \u2019',
    '😀',
    '{x:String}',
    '`"',
    '\u007f',
  ];
  for (const text of hostile) {
    const quoted = quoteText(text);
    ok(/^'(?:[ -&(-[\]-~]|\\['\\]|\\x[0-9a-f]{2})*'$/.test(quoted), quoted);
    // Undone by the rules of the engine, it is the text again.
    const bytes = quoted.slice(1, -1).replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex, character) => {
      return hex === undefined ? String(character) : String.fromCharCode(Number.parseInt(String(hex), 16));
    });
    equal(Buffer.from(bytes, 'latin1').toString('utf8'), text);
    const inFilter = sql(`host == ${JSON.stringify(text).replaceAll('\u007f', '\\u007f')}`);
    equal(inFilter, `((host = ${quoted}))`);
  }
});

test('nesting does not multiply the text', () => {
  let expression = 'error';
  for (let depth = 0; depth < 14; depth++)
    expression = `(request_bytes / 2 == 1 && ${expression} ? error : true)`;
  ok(sql(expression).length < 20 * expression.length, String(sql(expression).length));
});

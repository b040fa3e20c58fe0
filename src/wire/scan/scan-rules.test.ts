/**
 * What counts as an identifier and as a secret: the tables of docs/formats/identifiers.md and redaction.md.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escaped, letters, target } from '../../../test/support/scan-texts.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { Texts, makePlainBench, makeSimdBench } from '../../../test/support/scan-twins.ts';

const UUID = '550e8400-e29b-41d4-a716-446655440000';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P';

const TEMPLATES: readonly (readonly [string, string])[] = [
  ['', ''],
  ['/', '/'],
  ['//', '//'],
  ['*', '*'],
  ['/users', '/users'],
  ['/users/', '/users/'],
  ['/users/1', '/users/{id}'],
  ['/users/1234?expand=5#6', '/users/{id}'],
  ['/users?page=2', '/users'],
  ['/users#7', '/users'],
  ['/v1/users/00042/orders/7', '/v1/users/{id}/orders/{id}'],
  ['/2024-01-02', '/{id}'],
  ['/12-34_5', '/{id}'],
  [`/a/${UUID}`, '/a/{id}'],
  [`/a/${UUID.toUpperCase()}/b`, '/a/{id}/b'],
  ['/commit/9fceb02', '/commit/9fceb02'], // seven hex digits
  ['/commit/9fceb02d', '/commit/{id}'],
  ['/commit/9fceb02d0ae598e95dc970b74767f19372d61af8', '/commit/{id}'],
  ['/deadbeef', '/deadbeef'], // no digit
  ['/feed-2024', '/{id}'],
  ['/feed-24', '/feed-24'],
  ['/cus_9s6XKzkNRiz8i3', '/{id}'],
  ['/f/dGhpcyBpcyBhIHRlc3Q5MQ==', '/f/{id}'],
  ['/f/V1StGXR8_Z5jdHi6B-myT', '/f/{id}'],
  ['/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/{id}'],
  ['/bob@example.com/mails', '/{id}/mails'],
  ['/bob%40example.com', '/{id}'],
  ['/lodash@4.17.21', '/lodash@{id}'],
  ['/@angular/core', '/@angular/core'],
  ['/order-1234', '/{id}'],
  ['/order1234', '/{id}'],
  ['/order-12', '/order-12'],
  ['/users/1234.json', '/users/{id}.json'],
  ['/users/7.json', '/users/{id}.json'],
  ['/static/main.3f4e9a1b.js', '/static/main.{id}.js'],
  ['/static/jquery-3.6.0.min.js', '/static/jquery-3.6.0.min.js'],
  ['/ip/10.0.0.1', '/ip/{id}'],
  ['/ip/10.0.0.1:8080', '/ip/{id}'],
  ['/users/1,2,3', '/users/{id}'],
  ['/users;id=123/x', '/users;id={id}/x'],
  ["/Orders(123)/Items('a')", "/Orders({id})/Items('a')"],
  ['cart:123', 'cart:{id}'],
  ['cart:123:items', 'cart:{id}:items'],
  ['/a%2F12/b', '/a%2F{id}/b'],
  ['/My%20Documents', '/My%20Documents'],
  ['/invite/***/accept', '/invite/{id}/accept'],
  ['http://shop.example:8080/users/12', '/users/{id}'],
  ['http://shop.example', '/'],
  ['/v1', '/v1'],
  ['/v2.1/a', '/v2.1/a'],
  ['/v1beta1/pods', '/v1beta1/pods'],
  ['/index.html', '/index.html'],
  ['/oauth2/token', '/oauth2/token'],
  ['/oauth2callback', '/oauth2callback'],
  ['/i18n-resources', '/i18n-resources'],
  ['/x86_64-linux-gnu', '/x86_64-linux-gnu'],
  ['/getting-started-with-kubernetes', '/getting-started-with-kubernetes'],
  ['/package.Service/GetV2User', '/package.Service/GetV2User'],
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/caf\u00e9', '/caf\u00e9'],
];

const REDACTIONS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['/users/1234?page=2&limit=50', '/users/1234?page=2&limit=50'],
  ['/login?user=bob&password=hunter2', '/login?user=bob&password=***'],
  ['/login?PASSWORD=hunter2&x=1', '/login?PASSWORD=***&x=1'],
  ['/login?p%61ssword=hunter2', '/login?p%61ssword=***'],
  ['/login?p%2561ssword=hunter2', '/login?p%2561ssword=***'],
  ['/login?password%3Dhunter2%26a%3Db', '/login?password%3D***%26a%3Db'],
  ['/login?password=', '/login?password='],
  ['/login?password=a%26b&x=1', '/login?password=***&x=1'],
  ['/login?password=a=b', '/login?password=***'],
  ['/login?user[password]=x&y=1', '/login?user[password]=***&y=1'],
  ['/login?user%5Bpassword%5D=x', '/login?user%5Bpassword%5D=***'],
  ['/?api_key=1&apikey=2&api-key=3&Api.Key=4', '/?api_key=***&apikey=***&api-key=***&Api.Key=***'],
  ['/?x-api-key=1&access_key=2&AWSAccessKeyId=3', '/?x-api-key=***&access_key=***&AWSAccessKeyId=***'],
  [
    '/?private_key=a&client_secret=b&refresh_token=c',
    '/?private_key=***&client_secret=***&refresh_token=***',
  ],
  ['/?auth=a&authorization=b&author=c', '/?auth=***&authorization=***&author=c'],
  ['/?sid=1&connect.sid=2&side=3&inside=4', '/?sid=***&connect.sid=***&side=3&inside=4'],
  ['/?sig=1&signature=2&design=3', '/?sig=***&signature=***&design=3'],
  ['/?X-Amz-Credential=1&X-Amz-Signature=2', '/?X-Amz-Credential=***&X-Amz-Signature=***'],
  ['/?pwd=1&passwd=2&otp=3&pin=4&cvv=5&card=6', '/?pwd=***&passwd=***&otp=***&pin=***&cvv=***&card=***'],
  ['/?userPin=1&user_pin=2&shipping=3&spin=4', '/?userPin=***&user_pin=***&shipping=3&spin=4'],
  ['/?jwt=1&csrf=2&JSESSIONID=3&PHPSESSID=4', '/?jwt=***&csrf=***&JSESSIONID=***&PHPSESSID=***'],
  ['/cb?code=abc&state=s', '/cb?code=***&state=s'],
  ['/?country_code=de&zipcode=1', '/?country_code=de&zipcode=1'],
  ['/a;jsessionid=12AB/b?c=d', '/a;jsessionid=***/b?c=d'],
  ['/a;password=x;y=1', '/a;password=***;y=1'],
  ['/?password=ab;cd&x=1', '/?password=***&x=1'],
  ['/?password=ab;x=1', '/?password=***;x=1'],
  ['/?token=a/b?c&x=1', '/?token=***&x=1'],
  ['/cb#access_token=abc&token_type=x', '/cb#access_token=***&token_type=***'],
  ['grant_type=password&client_secret=a/b', 'grant_type=password&client_secret=***'],
  ['http://user:pass@host/a', 'http://***@host/a'],
  ['http://user:p@ss@host/a', 'http://***@host/a'],
  ['http://token@host', 'http://***@host'],
  ['//user:pass@host/a', '//***@host/a'],
  ['user:pass@host:443', '***@host:443'],
  ['host:443', 'host:443'],
  ['http://host/a@b', 'http://host/a@b'],
  ['/?next=http://u:p@h/x&y=1', '/?next=http://***@h/x&y=1'],
  ['/?next=https%3A%2F%2Fu%3Ap%40h%2Fx&y=a@b', '/?next=https%3A%2F%2F***%40h%2Fx&y=a@b'],
  ['/?mail=bob@example.com', '/?mail=bob@example.com'],
  [`/a/${JWT}/b`, '/a/***/b'],
  [`/?x=${JWT}&y=1`, '/?x=***&y=1'],
  ['/k/AKIAIOSFODNN7EXAMPLE', '/k/***'],
  ['/k/my-AKIAIOSFODNN7EXAMPLE', '/k/my-***'],
  [`/k/ghp_${'aB3'.repeat(12)}`, '/k/***'],
  [`/k/github_pat_${'aB3_'.repeat(12)}`, '/k/***'],
  [`/k/glpat-${'aB3x'.repeat(5)}`, '/k/***'],
  ['/k/xoxb-123456789012-abc', '/k/***'],
  [`/k/AIza${'Sy4'.repeat(12)}`, '/k/***'],
  ['/k/sk_live_4eC39HqLyjWDarjt', '/k/***'],
  [`/k/npm_${'aB3'.repeat(12)}`, '/k/***'],
  ['/k/q7Zp2XvN9tRk4LmW8sYb3HcJ6fDg1AeU', '/k/***'],
  ['/k/abc%2BDe3fGh%2F4iJkL5mNo6PqR7sTu8VwX9yZ', '/k/***'],
  [`/k/${UUID}`, `/k/${UUID}`],
  [`/k/${UUID.toUpperCase()}`, `/k/${UUID.toUpperCase()}`],
  ['/k/9fceb02d0ae598e95dc970b74767f19372d61af8', '/k/9fceb02d0ae598e95dc970b74767f19372d61af8'],
  ['/k/How-To-Build-10-Apps-In-2024-With-One-Tool', '/k/How-To-Build-10-Apps-In-2024-With-One-Tool'],
  ['/k/GetUserAccountInformationV2WithDetails', '/k/GetUserAccountInformationV2WithDetails'],
  ['session:a81f22', 'session:***'],
  ['user:session:a81f22', 'user:session:***'],
  ['session:user:a81f22', 'session:***'],
  ['/v1/token:revoke', '/v1/token:revoke'],
  ['cart:1234', 'cart:1234'],
  ['/?f={"password":"hunter","x":1}', '/?f={"password":"***","x":1}'],
  ['/?f=%7B%22password%22%3A%22hunter%22%7D&y=1', '/?f=%7B%22password%22%3A%22***%22%7D&y=1'],
  ['/?f={"a":{"token":%20"x\\"y"},"b":2}', '/?f={"a":{"token":%20"***"},"b":2}'],
  ['/?f="{\\"secret\\":\\"hunter\\",1}"', '/?f="{\\"secret\\":\\"***",1}"'],
  ["/?f={'otp':'x'}", "/?f={'otp':'***'}"],
  ['/?f={"tokens":["a","b"],"c":1}', '/?f={"tokens":[***],"c":1}'],
  ['/?f={"password":"hunter', '/?f={"password":"***'],
  ['/?f={"password":"hunter\\', '/?f={"password":"***'],
  ['/?f={"password":"","x":"y"}', '/?f={"password":"","x":"y"}'],
  ['/?f={"token":true}', '/?f={"token":true}'],
  ['/?h=Authorization:%20Bearer%20abc1&x=1', '/?h=Authorization:%20***&x=1'],
  ['token: revoke it', 'token: revoke it'],
];

for (const [name, make] of [['SIMD', makeSimdBench] as const, ['plain', makePlainBench] as const]) {
  test(`${name}: template keeps words and versions, and makes {id} of what is like an identifier`, () => {
    const texts = new Texts(make());
    for (const [path, expected] of TEMPLATES) assert.equal(texts.template(path), expected, path);
  });

  test(`${name}: redact hides secrets by name, by place and by shape, and nothing else`, () => {
    const texts = new Texts(make());
    for (const [text, expected] of REDACTIONS) {
      assert.equal(texts.redact(text), expected, text);
      const stars = expected.split('***').length - 1;
      assert.equal(texts.scan.redacted(), stars, text);
    }
  });

  test(`${name}: what is cut to the room is the beginning of the whole`, () => {
    const texts = new Texts(make());
    for (let room = 0; room < 24; room++) {
      assert.equal(texts.template('/users/1234/orders', room), '/users/{id}/orders'.slice(0, room));
      assert.equal(texts.redact('/a?password=x&b=c', room), '/a?password=***&b=c'.slice(0, room));
    }
  });

  test(`${name}: an identifier has one fingerprint, whatever text it stands in`, () => {
    const texts = new Texts(make());
    const same: readonly (readonly string[])[] = [
      [
        '1234',
        '/users/1234',
        '"id":1234',
        '"id":"1234"',
        'id=01234',
        'order-1234',
        'user_1234,',
        '/users/1234.json',
      ],
      [
        UUID,
        UUID.toUpperCase(),
        UUID.replaceAll('-', ''),
        `/a/${UUID}?b`,
        `"x":"${UUID}"`,
        'id=550e8400%2De29b-41d4-a716-446655440000',
      ],
      [
        'bob@example.com',
        'Bob@Example.COM',
        'mail=bob%40example.com',
        'mail=bob%2540example.com',
        '<bob@example.com>.',
      ],
      ['9fceb02d', '/c/9FCEB02D', 'x-9fceb02d'],
      ['cus_9s6XKzkNRiz8i3', '/c/cus_9s6XKzkNRiz8i3?', '"c":"cus_9s6XKzkNRiz8i3"'],
      ['order1234', '/order1234/'],
    ];
    const seen = new Set<string>();
    for (const group of same) {
      const first = texts.fingerprints(group[0]);
      assert.equal(first.length, 1, group[0]);
      for (const text of group) assert.deepEqual(texts.fingerprints(text), first, text);
      seen.add(first[0]);
    }
    assert.equal(seen.size, same.length);
  });

  test(`${name}: a fingerprint is the sipHash of the normal form`, () => {
    const texts = new Texts(make());
    assert.deepEqual(texts.fingerprints('id=01234'), [texts.sipHash('1234')]);
    assert.deepEqual(texts.fingerprints(UUID.toUpperCase()), [texts.sipHash(UUID.replaceAll('-', ''))]);
    assert.deepEqual(texts.fingerprints('Bob%40Example.com'), [texts.sipHash('bob@example.com')]);
  });

  test(`${name}: words, short numbers, dates, versions and decimals have none`, () => {
    const texts = new Texts(make());
    const none = [
      '',
      '/users/123',
      '0012',
      '2024-05-01',
      '2024-05-01T10:00:00Z',
      '12345.67',
      'v1',
      'deadbeef',
      '10.0.0.1',
      'a@b',
      '@',
      '%40',
      'oauth2callback',
    ];
    for (const text of none) assert.deepEqual(texts.fingerprints(text), [], text);
  });

  test(`${name}: fingerprints are added behind those there, each once, and not beyond the most`, () => {
    const texts = new Texts(make());
    const out = texts.memory.heapStart >> 2;
    const [start, end] = texts.put('1234 5678 1234 bob@example.com');
    assert.equal(texts.scan.fingerprints(start, end, out, 0, 8), 3);
    assert.equal(texts.scan.fingerprints(start, end, out, 3, 8), 3);
    const [from, to] = texts.put('5678 9999 8888');
    assert.equal(texts.scan.fingerprints(from, to, out, 3, 4), 4);
    assert.equal(texts.scan.fingerprints(from, to, out, 4, 4), 4);
  });
}

test('a secret planted in any target is hidden, and what holds none is a copy', () => {
  const seed = 99;
  const random = randomFrom(seed);
  const texts = new Texts(makeSimdBench());
  const secret = 'hunter';
  let copies = 0;
  for (let round = 0; round < 3000; round++) {
    const text = target(random);
    const said = texts.redact(text);
    if (texts.scan.redacted() === 0) {
      assert.equal(said, text, `seed ${seed}, round ${round}`);
      copies++;
    }
    const name = escaped(random, random.pick(['password', 'Api-Key', 'user[pin]', 'CLIENT_SECRET', 'sid']));
    const sign = random.oneIn(4) ? '%3D' : '=';
    const before = text + random.pick(['?', '&', '#', ';']);
    const planted = before + name + sign + secret + random.pick(['', '&a=b', '#c', ';d=e']);
    assert.ok(!texts.redact(planted).includes(secret), `seed ${seed}, round ${round}: ${planted}`);
  }
  assert.ok(copies > 300);
});

test('random tokens of 40 bytes are hidden wherever they stand, nearly all of them', () => {
  const random = randomFrom(7);
  const texts = new Texts(makeSimdBench());
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  let hidden = 0;
  for (let round = 0; round < 1000; round++) {
    const token = letters(random, alphabet, 40);
    if (!texts.redact(`/a/${token}?b=${token}`).includes(token)) hidden++;
  }
  assert.ok(hidden >= 950, `${hidden} of 1000`);
});

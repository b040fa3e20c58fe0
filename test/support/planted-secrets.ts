/**
 * Conversations in which secrets are planted, each secret in one place, beside a word that is none
 * (`canary-…`) and has to be found.
 */
import { CaptureMaker, dnsMessage, dnsName, dnsText, redisCommand as command } from './capture-maker.ts';
import { Secret } from './secret-forms.ts';

export interface Planted {
  readonly frames: readonly Uint8Array[];
  readonly secrets: readonly Secret[];
  /** Calls that a reader has to find, so that the secrets were really read. */
  readonly calls: { readonly http: number; readonly redis: number; readonly dns: number };
  /** Texts that are no secrets and must be told. */
  readonly canaries: readonly string[];
}

export const CANARY = 'canary-visible-page';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
const HTTP = 80;
const REDIS = 6379;
const DNS = 53;
const A = 1;
const CNAME = 5;
const TXT = 16;

class Planter {
  readonly maker = new CaptureMaker();
  readonly secrets: Secret[] = [];
  http = 0;
  redis = 0;
  dns = 0;

  /** Notes a secret and answers it. */
  secret(place: string, text: string): string {
    this.secrets.push(new Secret(text, place));
    return text;
  }

  /** A request line with a target. */
  get(target: string, ...headers: readonly string[]): void {
    this.request(`GET ${target}`, headers, '', OK);
  }

  request(line: string, headers: readonly string[], body: string, answer: string): void {
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const host = headers.some((header) => /^host:/i.test(header)) ? [] : ['Host: shop.local'];
    const head = [`${line} HTTP/1.1`, ...host, ...headers, ...length, '', ''].join('\r\n');
    this.maker.tcp(HTTP, [
      ['client', head + body],
      ['server', answer],
    ]);
    this.http++;
  }

  /** Commands of one connection, all sent at once, and their answers. */
  commands(commands: readonly string[], answers: readonly string[]): void {
    this.maker.tcp(REDIS, [
      ['client', commands.join('')],
      ['server', answers.join('')],
    ]);
    this.redis += answers.length;
  }

  question(
    labels: readonly string[],
    type: number,
    answers: readonly (readonly [number, Uint8Array])[],
  ): void {
    const id = 100 + this.dns++;
    this.maker.udp(DNS, dnsMessage(id, labels, type, undefined), dnsMessage(id, labels, type, answers));
  }
}

export function plantSecrets(): Planted {
  const planter = new Planter();
  plantInTargets(planter);
  plantByShape(planter);
  plantInHeads(planter);
  plantInBodies(planter);
  plantInPieces(planter);
  plantInRedis(planter);
  plantInRedisErrors(planter);
  plantInDns(planter);
  planter.get(`/${CANARY}?page=2`);
  planter.commands([command('GET', 'cart:canary-visible-key')], ['$-1\r\n']);
  planter.question(['canary-visible-name', 'local'], A, [[A, Uint8Array.of(10, 0, 0, 9)]]);
  const { maker, secrets, http, redis, dns } = planter;
  const canaries = [CANARY, 'canary-visible-key', 'canary-visible-name'];
  return { frames: maker.frames, secrets, calls: { http, redis, dns }, canaries };
}

function plantInTargets(planter: Planter): void {
  const s = planter.secret.bind(planter);
  planter.get(`http://ada:${s('user info of an absolute target', 'abs0lute-hunter')}@shop.local/a`);
  planter.get(`http://${s('user name alone of an absolute target', 'us3rname-hunter')}@shop.local/a`);
  planter.request(
    `CONNECT ada:${s('user info of CONNECT', 'c0nnect-hunter')}@shop.local:443`,
    [`Proxy-Authorization: Basic ${basic(s('Proxy-Authorization', 'pr0xy-hunter-pw'))}`],
    '',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
  );
  planter.get(`/a?user=ada&password=${s('parameter password', 'quer4-hunter-pw')}&x=1`);
  planter.get(`/a?p%61sswo%72d=${s('escaped name', '3scaped-name-pw')}`);
  planter.get(`/a?password=${encodeURIComponent(s('escaped value', 'v@l/ue&wi=th%s;igns'))}&x=1`);
  planter.get(`/a?next=%2Fb%3Fpassword%3D${s('parameter in a parameter', 'n3sted-hunter-pw')}%26x%3D1`);
  planter.get(`/a?next=https%3A%2F%2Fada%3A${s('user info in a parameter', 'n3xt-hunter-pw')}%40shop%2Fx`);
  planter.get(`/a?api_key=${s('parameter api_key', 'ap1-key-of-the-shop')}`);
  planter.get(`/a?x=1;client_secret=${s('parameters parted by semicolons', 'semic0lon-secret')};y=2`);
  planter.get(`/cb#access_token=${s('fragment', 'fr4gment-token-abc')}`);
  planter.get(`/cb?code=${s('code of OAuth', '0auth-code-abcdef')}&state=s`);
  planter.get(`/o?X-Amz-Signature=${s('signature of a signed URL', 's1gnature-of-url')}`);
  planter.get(`/a;jsessionid=${s('matrix parameter', 'm4trix-session-id')}/b?c=d`);
  planter.get(`/a?filter=%7B%22password%22%3A%22${s('JSON in a parameter', 'js0n-in-a-query')}%22%7D`);
  planter.get(`/a?filter={"password":"${s('JSON in a parameter, not escaped', 'hunterhunter')}"}`);
  planter.get(`/a?filter={"token":%20"${s('JSON with a blank', 'blank-bef0re-token')}","x":1}`);
  planter.get(`/a?header=Authorization:%20Bearer%20${s('a header in a parameter', 'h3ader-as-parameter')}`);
  planter.get(`/${'long/'.repeat(202)}?password=${s('a target longer than is kept', 'l0ng-target-hunter')}`);
}

function plantByShape(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P';
  planter.get(`/verify/${s('JWT in a path', jwt)}/now`);
  planter.get(`/keys/${s('AWS key in a path', 'AKIAIOSFODNN7PLANTED')}`);
  planter.get(`/hook?x=${s('GitHub token in a parameter', `ghp_${'aB3dE6gH9'.repeat(4)}`)}`);
  planter.get(`/reset/${s('random text in a path', 'q7Zp2XvN9tRk4LmW8sYb3HcJ6fDg1AeU5wTx0Qi')}`);
  planter.get(`/s/${s('Slack token', 'xoxb-123456789012-abcdefghij')}/x`);
  planter.get(`/pay?k=${s('Stripe key', 'sk_live_4eC39HqLyjWDarjtPlant')}`);
  planter.get('/h', `Host: ${s('AWS key in Host', 'AKIAIOSFODNN7HOSTNAM')}.shop.local`);
  planter.get('/h', `Host: ada:${s('user info in Host', 'h0st-hunter-pw')}@shop.local`);
  planter.request(`${s('AWS key as a method', 'AKIAIOSFODNN7METHODS')} /m`, [], '', OK);
}

function plantInHeads(planter: Planter): void {
  const s = planter.secret.bind(planter);
  planter.get('/a', `Authorization: Basic ${basic(s('Authorization Basic', 'bas1c-hunter-pw'))}`);
  planter.get('/a', `Authorization: Bearer ${s('Authorization Bearer', 'be4rer-token-12345')}`);
  planter.get(
    '/a',
    `Authorization: Digest username="ada",\r\n response="${s('folded header', 'f0lded-digest-abc')}"`,
  );
  planter.get('/a', `Cookie: theme=dark; JSESSIONID=${s('session cookie', 'sess10n-cookie-12345')}; x=1`);
  planter.get('/a', `Cookie: remember=${s('other cookie', 'rem3mber-cookie-999')}`);
  planter.get('/a', `X-API-Key: ${s('X-API-Key', 'x-4pi-key-12345')}`);
  planter.get('/a', `X-Auth-Token: ${s('X-Auth-Token', 'x-4uth-token-12345')}`);
  planter.get('/a', `X-Session-Id: ${s('X-Session-Id', 'x-sess1on-123456789')}`);
  planter.get('/a', `Referer: https://shop.local/b?token=${s('Referer', 'r3ferer-token-1234')}`);
  planter.get('/a', `Sec-WebSocket-Protocol: bearer, ${s('WebSocket protocol', 'w3bsocket-token-123')}`);
  const setCookie = `Set-Cookie: sid=${s('Set-Cookie', 's3t-cookie-1234567')}; HttpOnly`;
  planter.request('POST /login', [], 'a=b', `HTTP/1.1 200 OK\r\n${setCookie}\r\nContent-Length: 0\r\n\r\n`);
  const location = `Location: /cb?code=${s('Location', 'l0cation-code-12345')}`;
  planter.request('GET /authorize', [], '', `HTTP/1.1 302 Found\r\n${location}\r\nContent-Length: 0\r\n\r\n`);
  const reason = s('reason of a status', 'r3ason-phrase-1234');
  planter.request('GET /r', [], '', `HTTP/1.1 401 bad token ${reason}\r\nContent-Length: 0\r\n\r\n`);
}

function plantInBodies(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const json = JSON.stringify({ user: 'ada', password: s('JSON body', 'j5on-body-hunter'), id: 12_345 });
  planter.request('POST /login', ['Content-Type: application/json'], json, OK);
  const form = `user=ada&password=${s('form body', 'f0rm-body-hunter')}`;
  planter.request('POST /login', ['Content-Type: application/x-www-form-urlencoded'], form, OK);
  const problem = JSON.stringify({ error: `wrong password ${s('body of an error', '3rror-body-hunter')}` });
  const type = 'Content-Type: application/json';
  const failed = `HTTP/1.1 500 Oops\r\n${type}\r\nContent-Length: ${problem.length}\r\n\r\n${problem}`;
  planter.request('POST /login', [], 'x', failed);
  const token = s('chunked answer', 'ch0nked-answer-token');
  const chunks = `9\r\n{"token":\r\n${(token.length + 3).toString(16)}\r\n"${token}"}\r\n0\r\n`;
  const trailer = `X-Trailer-Token: ${s('trailer', 'tr4iler-token-12345')}\r\n\r\n`;
  const chunked = `HTTP/1.1 200 OK\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${trailer}`;
  planter.request('GET /token', [], '', chunked);
}

/** Over segments, over requests of one connection, sent again, out of order, joined late, seen from one side. */
function plantInPieces(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const { maker } = planter;
  const split = s('split over segments', 'spl1t-hunter-password');
  const head = `GET /a?password=${split} HTTP/1.1\r\nHost: shop.local\r\n\r\n`;
  maker.tcp(HTTP, [
    ['client', [head.slice(0, 24), head.slice(24, 29), head.slice(29)]],
    ['server', OK],
  ]);
  const pipelined = ['p1peline-first-pw', 'p1peline-second-pw'].map((text) => s('pipelined requests', text));
  const requests = pipelined.map((text) => `GET /p?password=${text} HTTP/1.1\r\nHost: shop.local\r\n\r\n`);
  maker.tcp(HTTP, [
    ['client', requests.join('')],
    ['server', OK + OK],
  ]);
  const again = `GET /r?token=${s('sent again', 'retr4nsmitted-token')} HTTP/1.1\r\nHost: shop.local\r\n\r\n`;
  maker.tcp(
    HTTP,
    [
      ['client', again],
      ['server', OK],
    ],
    { retransmit: true },
  );
  const displaced = `GET /d?token=${s('out of order', 'displ4ced-token-123')} HTTP/1.1\r\nHost: shop.local\r\n\r\n`;
  maker.tcp(
    HTTP,
    [
      ['client', [displaced.slice(0, 20), displaced.slice(20)]],
      ['server', OK],
    ],
    { backwards: true },
  );
  const joined = `GET /j?token=${s('joined later', 'j0ined-token-12345')} HTTP/1.1\r\nHost: shop.local\r\n\r\n`;
  maker.tcp(
    HTTP,
    [
      ['client', joined],
      ['server', OK],
    ],
    { joined: true },
  );
  const alone = `GET /o?token=${s('one side only', '0nesided-token-123')} HTTP/1.1\r\nHost: shop.local\r\n\r\n`;
  maker.tcp(HTTP, [['client', alone]], { only: 'client' });
  const half = `GET /open?token=${s('unfinished head', 'unf1nished-token-12')} HTTP/1.1\r\nHost: shop`;
  maker.tcp(HTTP, [['client', half]], { open: true });
  const odd = `POST /unknown?token=${s('a protocol nobody knows', 'unkn0wn-token-1234')} GOPHER/7\r\n\r\n`;
  maker.tcp(7777, [
    ['client', odd],
    ['server', odd],
  ]);
  planter.http += 7;
}

function plantInRedis(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const ok = '+OK\r\n';
  planter.commands([command('AUTH', s('AUTH', 'r3dis-auth-hunter'))], [ok]);
  planter.commands([command('auth', 'ada', s('AUTH with a user', 'r3dis-user-hunter'))], [ok]);
  planter.commands([`AUTH ${s('inline AUTH', 'inl1ne-auth-hunter')}\r\n`], [ok]);
  planter.commands([`AUTH ada "${s('inline AUTH in quotes', 'qu0ted-auth-hunter')}"\r\n`], [ok]);
  const hello = command('HELLO', '3', 'AUTH', 'ada', s('HELLO … AUTH', 'hell0-auth-hunter'), 'SETNAME', 'x');
  planter.commands([hello], ['%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n']);
  for (const parameter of ['requirepass', 'masterauth', 'masteruser', 'tls-key-file-pass']) {
    const value = s(`CONFIG SET ${parameter}`, `c0nfig-${parameter}-pw`);
    const change = command('CONFIG', 'SET', parameter, value);
    const answer = `*2\r\n$${parameter.length}\r\n${parameter}\r\n$${value.length}\r\n${value}\r\n`;
    planter.commands([change, command('CONFIG', 'GET', parameter)], [ok, answer]);
  }
  const several = s('CONFIG SET of several parameters', 's3veral-parameters-pw');
  planter.commands([command('CONFIG', 'SET', 'maxmemory', '1', 'requirepass', several)], [ok]);
  const acl = [
    s('ACL SETUSER >', 'acl-passw0rd-one'),
    s('ACL SETUSER #', '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8'),
    s('ACL SETUSER <', 'acl-passw0rd-two'),
  ];
  const rules = ['on', `>${acl[0]}`, `#${acl[1]}`, `<${acl[2]}`, '~*', '+@all'];
  const user = `*2\r\n$9\r\npasswords\r\n*1\r\n$64\r\n${acl[1]}\r\n`;
  planter.commands(
    [command('ACL', 'SETUSER', 'bob', ...rules), command('ACL', 'GETUSER', 'bob')],
    [ok, user],
  );
  const place = ['MIGRATE', '10.0.0.7', '6379', 'cart:1', '0', '500'];
  planter.commands([command(...place, 'AUTH', s('MIGRATE AUTH', 'm1grate-auth-hunter'))], [ok]);
  planter.commands([command(...place, 'AUTH2', 'ada', s('MIGRATE AUTH2', 'm1grate-auth2-hunter'))], [ok]);
  planter.commands(
    [command('SENTINEL', 'SET', 'm', 'auth-pass', s('SENTINEL SET', 's3ntinel-auth-pw'))],
    [ok],
  );
  planter.commands([command('GET', `session:${s('key session:…', 'a81f22c0dd77be')}`)], ['$-1\r\n']);
  planter.commands(
    [command('GET', `user:7:refresh_token:${s('token in a key', 'tok3n-in-a-key')}`)],
    ['$-1\r\n'],
  );
  planter.commands(
    [command('DEL', `cache:${s('key by its shape', `glpat-${'aB3xY'.repeat(5)}`)}`)],
    [':1\r\n'],
  );
  planter.commands([command('SET', 'cart:1', s('value', 'v4lue-token-1234567'))], [ok]);
  const held = s('answer', 'answ3r-token-1234567');
  planter.commands([command('GET', 'cart:2')], [`$${held.length}\r\n${held}\r\n`]);
  const script = `redis.call('AUTH', '${s('script', 'scr1pt-text-hunter')}')`;
  planter.commands([command('EVAL', script, '1', 'cart:3')], [':1\r\n']);
  const queued = command('AUTH', s('AUTH in MULTI', 'mult1-auth-hunter'));
  planter.commands([command('MULTI'), queued, command('EXEC')], [ok, '+QUEUED\r\n', '*1\r\n+OK\r\n']);
  const pieces = command('AUTH', s('AUTH over segments', 'spl1t-auth-hunter-pw'));
  planter.maker.tcp(REDIS, [
    ['client', [pieces.slice(0, 20), pieces.slice(20, 28), pieces.slice(28)]],
    ['server', ok],
  ]);
  planter.redis++;
  const message = command('PUBLISH', 'news', s('message', 'publ1shed-token-123'));
  planter.commands([message], [':1\r\n']);
}

function plantInRedisErrors(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const mistyped = s('password typed as a command', 'passw0rd-as-command');
  planter.commands(
    [command('PING'), `${mistyped}\r\n`],
    ['+PONG\r\n', `-ERR unknown command '${mistyped}', with args beginning with: \r\n`],
  );
  const argument = s('error that repeats an argument', 'arg0ment-in-an-error');
  planter.commands(
    [command('SETX', 'cart:1', argument)],
    [`-ERR unknown command 'SETX', with args beginning with: 'cart:1' '${argument}'\r\n`],
  );
  const refused = s('AUTH refused', 'r3fused-auth-hunter');
  planter.commands([command('AUTH', refused)], [`-WRONGPASS invalid password ${refused}\r\n`]);
  const wrong = s('AUTH with too many arguments', 't0o-many-arguments');
  planter.commands([command('AUTH', 'a', 'b', wrong)], ['-ERR syntax error\r\n']);
  const watched = s('line of MONITOR', 'm0nitored-auth-pw');
  planter.commands([command('MONITOR')], ['+OK\r\n', `+1700000000.1 [0 10.0.0.1:1] "AUTH" "${watched}"\r\n`]);
}

function plantInDns(planter: Planter): void {
  const s = planter.secret.bind(planter);
  const address: readonly [number, Uint8Array] = [A, Uint8Array.of(10, 0, 0, 2)];
  planter.question(['shop', 'local'], TXT, [[TXT, dnsText(`token=${s('answer TXT', 'txt-rec0rd-token')}`)]]);
  planter.question([s('label, an AWS key', 'AKIAIOSFODNN7DNSNAME'), 'local'], A, [address]);
  planter.question([s('label, a GitHub token', `ghp_${'zY8xW5vU2'.repeat(4)}`), 'local'], A, [address]);
  const random = s('label, random text', 'Zk7Wq2XvN9tRp4LmG8sYb3HcJ6fDu1AeT5wOx0Qi');
  planter.question([random, 'shop', 'local'], A, [address]);
  const target = s('name that an answer leads to', 'AKIAIOSFODNN7CNAMETO');
  planter.question(['alias', 'local'], CNAME, [[CNAME, dnsName([target, 'local'])]]);
}

function basic(secret: string): string {
  return Buffer.from(`ada:${secret}`).toString('base64');
}

import { test } from 'node:test';
import { equal, ok } from 'node:assert/strict';
import { processName } from './process-name.ts';

type Case = readonly [
  expected: string,
  command: string,
  more?: { executable?: string; folder?: string; comm?: string },
];

/** Arguments are parted by blanks; `_` in one stands for a blank. */
const CASES: readonly Case[] = [
  ['checkout', 'node checkout.js'],
  ['checkout', 'node --require ./trace.js --max-old-space-size=512 /srv/checkout.mjs --port 80'],
  ['checkout', '/usr/bin/node dist/server.js', { folder: '/srv/checkout' }],
  ['checkout', 'node /srv/checkout/src/index.ts'],
  ['server', 'node server.js', { folder: '/srv' }],
  ['server', 'node server.js', { folder: '/home/anna' }],
  ['server', 'node server.js'],
  ['node', 'node -e setInterval(()=>{},1000)'],
  ['node', 'node'],
  ['users', 'tsx users.ts'],
  ['risk', 'python3 /srv/risk.py'],
  ['risk', 'python3.11 -u -X dev risk.py --port 1'],
  ['reports', 'python3 app.py', { folder: '/srv/reports' }],
  ['http', 'python3 -m http.server 8000'],
  ['shop', 'python3 -m uvicorn shop.main:app --port 80'],
  ['shop', '/usr/bin/python3 /usr/local/bin/gunicorn shop.wsgi:application -w 4'],
  ['billing', '/usr/bin/python3 /usr/local/bin/uvicorn main:app', { folder: '/srv/billing' }],
  ['shop', 'gunicorn:_worker_[shop.wsgi]'],
  ['python3', 'python3 -c import_time'],
  ['checkout', 'java -Xmx512m -cp /lib/a.jar:/lib/b.jar -jar /opt/checkout-1.4.2-SNAPSHOT.jar --spring.x=y'],
  ['Kafka', 'java -Xmx1g -cp libs/* kafka.Kafka config/server.properties'],
  ['Billing', 'dotnet Billing.dll'],
  ['Billing', 'dotnet exec /app/Billing.dll'],
  ['api', 'deno run --allow-net api.ts'],
  ['rails', 'ruby bin/rails server'],
  ['nginx', 'nginx:_master_process_/usr/sbin/nginx_-g_daemon_off;'],
  ['nginx', 'nginx:_worker_process'],
  ['postgres', 'postgres:_checkpointer_'],
  ['postgres', '/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql'],
  ['php-fpm', 'php-fpm:_pool_www'],
  ['redis', '/usr/bin/redis-server_127.0.0.1:6379'],
  ['redis', 'redis-server *:6379'],
  ['redis', 'redis-server /etc/redis.conf'],
  ['mysql', '/usr/sbin/mysqld'],
  ['rabbitmq', '/usr/lib/erlang/bin/beam.smp -W w -- -s rabbit boot'],
  [
    'shop-orders',
    '/home/anna/.cache/shop-0123456789abcdef orders /tmp/c.json',
    { executable: '/home/anna/.cache/shop-0123456789abcdef' },
  ],
  ['orders', 'orders orders /tmp/c.json', { executable: '/opt/shop' }],
  ['etcd', '/usr/local/bin/etcd --name a'],
  ['temporal', '/usr/local/bin/temporal server'],
  ['psql', 'psql shop', { executable: '/usr/bin/psql' }],
  ['inventory', './inventory', { executable: '/srv/inventory' }],
  ['--x', '---x'],
  ['bash', '-bash'],
  ['bash', '/bin/bash -c sleep_1'],
  ['start-db', 'bash /srv/start-db.sh'],
  ['kworker', '', { comm: 'kworker' }],
];

test('a service is named after what its interpreter runs, or its program', () => {
  for (const [expected, command, more] of CASES) {
    const words = command === '' ? [] : command.split(' ').map((word) => word.replaceAll('_', ' '));
    const facts = {
      arguments: words,
      comm: more?.comm ?? 'comm',
      executable: more?.executable,
      folder: more?.folder,
    };
    equal(processName(facts), expected, command);
  }
});

test('any command line gives a short name that is not empty', () => {
  const hostile = [
    '\u0000',
    '/',
    '//',
    ' ',
    ': x',
    'a'.repeat(10_000),
    `node\u0000${'../'.repeat(2000)}index.js`,
    '-',
  ];
  for (const text of hostile) {
    for (const executable of [undefined, '/x']) {
      const name = processName({ arguments: text.split('\u0000'), comm: '', executable, folder: '' });
      ok(name.length > 0 && name.length <= 128, JSON.stringify(text.slice(0, 20)));
    }
  }
});

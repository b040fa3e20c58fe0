/**
 * Users of the shop: each has one connection to nginx and asks the next thing once the last was answered.
 * Arguments: seed, users, requests of each.
 */
import { Agent, request } from 'node:http';
import type { Random } from '../../test/support/random.ts';
import { hex, randomOf } from './random.ts';
import { FRONT_ADDRESS } from './shop-places.ts';

const [seed, users, requests] = process.argv.slice(2).map(Number);
const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36';

async function user(index: number): Promise<number> {
  const random = randomOf(seed, index);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const cookie = `session=${hex(random, 96)}; theme=dark; ab=exp-17`;
  let failed = 0;
  for (let count = 0; count < requests; count++) if (!(await ask(random, agent, cookie))) failed++;
  agent.destroy();
  return failed;
}

async function ask(random: Random, agent: Agent, cookie: string): Promise<boolean> {
  const dice = random.below(100);
  const post = dice >= 45 && dice < 85;
  const path =
    dice < 45
      ? `/api/v1/products/${random.below(50_000)}`
      : dice < 70
        ? '/api/v1/cart'
        : dice < 85
          ? '/api/v1/checkout'
          : `/api/v1/home?page=${random.below(5)}`;
  const note = 'x'.repeat(250 + random.below(700));
  const body = post ? JSON.stringify({ sku: random.below(1_000_000), quantity: 1, note }) : undefined;
  const headers: Record<string, string | number> = {
    host: 'shop.example.com',
    'user-agent': AGENT,
    accept: 'application/json, text/plain, */*',
    'accept-language': 'en-US,en;q=0.9',
    'accept-encoding': 'gzip, deflate, br',
    referer: 'https://shop.example.com/departments/kitchen?sort=price',
    cookie,
  };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = body.length;
  }
  const method = post ? 'POST' : 'GET';
  return await new Promise<boolean>((resolve) => {
    const asked = request(
      { host: FRONT_ADDRESS, port: 80, method, path, agent, headers, setHost: false },
      (got) => {
        got.resume();
        got.on('end', () => resolve(got.statusCode !== undefined && got.statusCode < 502));
      },
    );
    asked.on('error', () => resolve(false));
    asked.end(body);
  });
}

const failed = await Promise.all(Array.from({ length: users }, (_, index) => user(index)));
const sum = failed.reduce((before, count) => before + count, 0);
process.stdout.write(`${users * requests} requests, ${sum} failed\n`);

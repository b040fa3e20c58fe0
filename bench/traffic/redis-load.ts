/**
 * Clients of Redis: mixed commands, some clients with pipelines of 2 to 16, values of 16 bytes to 1 kB.
 * Arguments: seed, clients, commands of each.
 */
import { createConnection, type Socket } from 'node:net';
import type { Random } from '../../test/support/random.ts';
import { hex, randomOf, uuid } from './random.ts';
import { REDIS_ADDRESS } from './shop-places.ts';

const [seed, clients, commands] = process.argv.slice(2).map(Number);

function command(random: Random): string[] {
  const id = random.below(10_000);
  const dice = random.below(100);
  if (dice < 30) return ['GET', `product:${id}`];
  if (dice < 45) return ['SET', `product:${id}`, value(random), 'EX', '300'];
  if (dice < 55) return ['HGETALL', `user:${id}`];
  if (dice < 62) return ['HSET', `user:${id}`, 'name', hex(random, 12), 'cart', uuid(random)];
  if (dice < 70) return ['INCR', `visits:${random.below(100)}`];
  if (dice < 76) return ['LPUSH', `feed:${random.below(200)}`, value(random)];
  if (dice < 82) return ['LRANGE', `feed:${random.below(200)}`, '0', '4'];
  if (dice < 88)
    return ['MGET', `product:${id}`, `product:${random.below(10_000)}`, `product:${random.below(10_000)}`];
  if (dice < 92) return ['LTRIM', `feed:${random.below(200)}`, '0', '99'];
  if (dice < 95) return ['EXPIRE', `user:${id}`, '3600'];
  if (dice < 98) return ['DEL', `product:${id}`];
  // An error of the application: a list is no number.
  return ['INCR', `feed:${random.below(200)}`];
}

function value(random: Random): string {
  return hex(random, 16 + (random.oneIn(4) ? random.below(1000) : random.below(120)));
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

async function client(index: number): Promise<void> {
  const random = randomOf(seed, index + 5000);
  const socket = createConnection({ host: REDIS_ADDRESS, port: 6379, noDelay: true });
  const pipelines = index % 4 === 3;
  for (let sent = 0; sent < commands;) {
    const count = Math.min(commands - sent, pipelines ? 2 + random.below(15) : 1);
    await exchange(socket, Array.from({ length: count }, () => encode(command(random))).join(''), count);
    sent += count;
  }
  socket.end();
}

/** Sends, and waits for `count` replies. */
async function exchange(socket: Socket, text: string, count: number): Promise<void> {
  let got = '';
  let left = count;
  let at = 0;
  socket.write(text);
  while (left > 0) {
    const end = replyEnd(got, at);
    if (end > 0) {
      at = end;
      left--;
      continue;
    }
    got += await new Promise<string>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('data', (bytes) => {
        socket.off('error', reject);
        resolve(bytes.toString('latin1'));
      });
    });
  }
}

/** Where the reply that begins at `at` ends; 0 when it is not whole. */
function replyEnd(text: string, at: number): number {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return 0;
  const length = Number(text.slice(at + 1, line));
  if (text[at] === '$') {
    const end = length < 0 ? line + 2 : line + 2 + length + 2;
    return end <= text.length ? end : 0;
  }
  let end = line + 2;
  if (text[at] !== '*') return end;
  for (let item = 0; item < length; item++) {
    end = replyEnd(text, end);
    if (end === 0) return 0;
  }
  return end;
}

await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
process.stdout.write(`${clients * commands} commands\n`);

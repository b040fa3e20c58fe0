/**
 * A small server or client that tests start in a network namespace. `peer.js serve ADDRESS` answers HTTP on
 * 8080, Redis on 6379 and DNS on 53, where every name has that address.
 * `peer.js ask ADDRESS FIRST HTTP_PORT REDIS_PORT DNS_PORT` takes orders by line, each `KIND NUMBER`, and
 * answers `done` when all answers have come; what it asks for is numbered from FIRST. Connections stay open.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Ends the body of each HTTP answer, and is nowhere else in it. */
const HTTP_END = '!';
const REDIS_OK = '+OK\r\n';
const BODY = 'x'.repeat(700);

async function serve(address: string): Promise<void> {
  const http = createHttpServer((request, response) => {
    request.resume().on('end', () => response.end(`${request.url}${BODY}${HTTP_END}`));
  });
  const redis = createServer((socket) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      // SET takes five lines behind its array header: each command is seven.
      const lines = text.split('\r\n');
      const whole = Math.floor((lines.length - 1) / 7);
      text = lines.slice(whole * 7).join('\r\n');
      socket.write(REDIS_OK.repeat(whole));
    });
    socket.on('error', () => socket.destroy());
  });
  const dns = createSocket('udp4');
  dns.on('message', (question, from) => dns.send(dnsAnswer(question, address), from.port, from.address));
  await Promise.all([
    new Promise<void>((resolve) => http.listen(8080, resolve)),
    new Promise<void>((resolve) => redis.listen(6379, resolve)),
    new Promise<void>((resolve) => dns.bind(53, resolve)),
  ]);
}

/** The question again, as an answer with one address. */
function dnsAnswer(question: Buffer, address: string): Buffer {
  const record = Buffer.from('c00c000100010000003c0004', 'hex');
  const answer = Buffer.concat([question, record, Buffer.from(address.split('.').map(Number))]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  return answer;
}

function dnsQuestion(id: number): Buffer {
  const name = `h${id}`;
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length]);
  return Buffer.concat([head, Buffer.from(`${name}\x04test\0\0\x01\0\x01`, 'latin1')]);
}

class Asker {
  readonly #address: string;
  readonly #ports: readonly number[];
  #http: Socket | undefined;
  #redis: Socket | undefined;
  readonly #dns = createSocket('udp4');
  #asked: number;

  constructor(address: string, ports: readonly number[], first: number) {
    this.#address = address;
    this.#ports = ports;
    this.#asked = first;
  }

  async obey(kind: string, count: number): Promise<void> {
    switch (kind) {
      case 'pipeline':
        return this.#ask(await this.#httpSocket(), this.#heads(count), HTTP_END, count);
      case 'keep-alive':
        for (let k = 0; k < count; k++)
          await this.#ask(await this.#httpSocket(), this.#heads(1), HTTP_END, 1);
        return;
      case 'redis':
        return this.#ask(await this.#redisSocket(), this.#commands(count), REDIS_OK, count);
      case 'dns':
        for (let k = 0; k < count; k++) await this.#resolve();
        return;
      default:
        throw new Error(`no order: ${kind}`);
    }
  }

  async #httpSocket(): Promise<Socket> {
    this.#http ??= await this.#open(this.#ports[0]);
    return this.#http;
  }

  async #redisSocket(): Promise<Socket> {
    this.#redis ??= await this.#open(this.#ports[1]);
    return this.#redis;
  }

  async #open(port: number): Promise<Socket> {
    const socket = connect(port, this.#address);
    socket.setNoDelay(true).setEncoding('latin1');
    await once(socket, 'connect');
    return socket;
  }

  /** GET and POST in turn, each with a path of its own. */
  #heads(count: number): string {
    let text = '';
    for (let k = 0; k < count; k++) {
      const ordinal = ++this.#asked;
      text +=
        ordinal % 2 === 0
          ? `GET /items/${ordinal} HTTP/1.1\r\nHost: shop.test\r\n\r\n`
          : `POST /orders/${ordinal} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 700\r\n\r\n${BODY}`;
    }
    return text;
  }

  #commands(count: number): string {
    let text = '';
    for (let k = 0; k < count; k++) {
      const key = `item:${++this.#asked}`;
      text += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$3\r\nabc\r\n`;
    }
    return text;
  }

  async #ask(socket: Socket, text: string, end: string, count: number): Promise<void> {
    let answers = '';
    const all = new Promise<void>((resolve) => {
      const take = (part: string): void => {
        answers += part;
        if (answers.split(end).length - 1 < count) return;
        socket.off('data', take);
        resolve();
      };
      socket.on('data', take);
    });
    socket.write(text);
    await all;
  }

  async #resolve(): Promise<void> {
    const answered = once(this.#dns, 'message');
    this.#dns.send(dnsQuestion(++this.#asked), this.#ports[2], this.#address);
    await answered;
  }
}

const [mode, address, first, ...ports] = process.argv.slice(2);
process.stdin.on('end', () => process.exit());
if (mode === 'serve') {
  process.stdin.resume();
  await serve(address);
  console.log('done');
} else {
  const asker = new Asker(address, ports.map(Number), Number(first));
  console.log('done');
  for await (const line of createInterface({ input: process.stdin })) {
    const [kind, count] = line.split(' ');
    await asker.obey(kind, Number(count));
    console.log('done');
  }
}

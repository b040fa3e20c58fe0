/**
 * Stub resolvers: each has a socket of its own and up to `OPEN` questions in flight, random names, A and
 * AAAA, some that do not exist. Arguments: seed, clients, questions of each.
 */
import { createSocket } from 'node:dgram';
import { hex, randomOf } from './random.ts';
import { DNS_ADDRESS } from './shop-places.ts';

const [seed, clients, questions] = process.argv.slice(2).map(Number);
const OPEN = 4;
const TRIES_MS = 2000;
const TYPE_A = 1;
const TYPE_AAAA = 28;

function question(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  const head = Buffer.of(id >> 8, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  return Buffer.concat([head, ...labels, Buffer.of(0, 0, type, 0, 1)]);
}

async function client(index: number): Promise<number> {
  const random = randomOf(seed, index + 9000);
  const socket = createSocket('udp4');
  const open = new Set<number>();
  let sent = 0;
  let lost = 0;
  await new Promise<void>((resolve) => {
    const send = (): void => {
      while (open.size < OPEN && sent < questions) {
        const id = random.below(65_536);
        if (open.has(id)) continue;
        open.add(id);
        const zone = random.oneIn(12) ? 'absent.cluster.local' : 'svc.cluster.local';
        const host = random.oneIn(3) ? hex(random, 8) : `service-${random.below(300)}`;
        const name = `${host}.team-${random.below(12)}.${zone}`;
        socket.send(question(id, name, random.oneIn(2) ? TYPE_A : TYPE_AAAA), 53, DNS_ADDRESS);
        sent++;
      }
      if (open.size === 0 && sent === questions) resolve();
    };
    // A datagram may be lost in a full socket buffer: go on without it.
    const timer = setInterval(() => {
      lost += open.size;
      open.clear();
      send();
    }, TRIES_MS);
    socket.on('message', (bytes) => {
      open.delete(bytes.readUInt16BE(0));
      timer.refresh();
      send();
    });
    socket.once('close', () => clearInterval(timer));
    send();
  });
  socket.close();
  return lost;
}

const lost = await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
process.stdout.write(
  `${clients * questions} questions, ${lost.reduce((sum, count) => sum + count, 0)} lost\n`,
);

/** The shop's name server: `NAME.shop.internal` for every service, on UDP. */
import { createSocket } from 'node:dgram';
import { obeyLauncher, readConfig } from '../service.mjs';
import { decodeQuery, encodeAnswer, TYPE_A, TYPE_AAAA } from '../dns-wire.mjs';
import { nowMicros, openTruth, socketName } from '../truth-log.mjs';

const ZONE = '.shop.internal';
const TTL_SECONDS = 1;
const SOURCES_MAX = 4_096;

const config = readConfig();
const place = config.places[config.name];
const truth = openTruth(config.truthFolder, config.name);
const ordinals = new Map();
let served = 0;

function addressOf(question) {
  const name = question.name.toLowerCase();
  if (!name.endsWith(ZONE)) return undefined;
  const known = config.places[name.slice(0, -ZONE.length)];
  if (known === undefined) return undefined;
  return question.type === TYPE_A ? known.host : '';
}

function ordinalOf(peer) {
  const n = (ordinals.get(peer) ?? 0) + 1;
  ordinals.delete(peer);
  ordinals.set(peer, n);
  if (ordinals.size > SOURCES_MAX) ordinals.delete(ordinals.keys().next().value);
  return n;
}

const socket = createSocket('udp4');
socket.on('message', (packet, from) => {
  const start = nowMicros();
  const question = decodeQuery(packet);
  if (question === undefined) return;
  const address = addressOf(question);
  socket.send(encodeAnswer(packet, question, address, TTL_SECONDS), from.port, from.address);
  served++;
  const peer = socketName(from.address, from.port);
  truth.write({
    t: 'in',
    service: config.name,
    protocol: 'dns',
    local: socketName(place.bindHost, place.bindPort),
    peer,
    n: ordinalOf(peer),
    method: question.type === TYPE_AAAA ? 'AAAA' : 'A',
    path: question.name,
    status: address === undefined ? 3 : 0,
    start,
    end: nowMicros(),
  });
});
socket.bind(place.bindPort, place.bindHost, () => process.stdout.write('ready\n'));
obeyLauncher({ truth, busy: () => 0, served: () => served });

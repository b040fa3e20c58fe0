/**
 * What every protocol passes in the real engine: packets with headers go in, rows of the Native block come
 * out. Its goldens, whole and cut at every size; repeated, out of order, joined without a beginning, with
 * each segment lost; and hostile ones. A protocol enters by its line in the register.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import { CLIENT, NO, SERVER, SURE } from '../../src/wire/protocols/protocol.ts';
import type { Protocol, Side } from '../../src/wire/protocols/protocol.ts';
import { fieldsOf, shownKeys } from '../support/call-fields.ts';
import type { Fields } from '../support/call-fields.ts';
import { goldenDialogue } from '../support/dialogue.ts';
import type { Segment } from '../support/dialogue.ts';
import { Driver } from '../support/drive.ts';
import { assertCalls, readGoldens } from '../support/goldens.ts';
import type { Golden } from '../support/goldens.ts';
import { mutateSegments } from '../support/mutate-segments.ts';
import { Observer } from '../support/observer.ts';
import { randomFrom } from '../support/random.ts';
import { createTestContext } from '../support/wire-context.ts';

/** Above this many bytes in a turn not every size is tried: a step sees the same bytes again and again. */
const EVERY_SIZE_MAX = 2048;
const SOME_SIZES = [61, 509, 1448, 4093, 16_384];
const MUTATIONS = 3000;
/** Slabs of one connection: both sides' partial messages, what waits, open calls with target and body. */
const SLABS_MAX = 16 * 1024 * 1024;
/** Bytes of a segment when each one is lost in turn, beside the golden's lines as they are. */
const LOSS_SIZE = 24;
/** Goldens with more segments of that size are only tried line by line. */
const LOSSES_MAX = 60;

const context = createTestContext();

for (const protocol of PROTOCOLS) {
  describe(`${protocol.name} over ${protocol.transport}, in the engine`, () => battery(protocol));
}

function battery(protocol: Protocol): void {
  const goldens = readGoldens(protocol.name).filter(
    (golden) => protocol.transport === 'both' || protocol.transport === transportOf(golden),
  );
  const observers = [new Observer(), new Observer({ bodies: true })];
  const observerOf = (golden: Golden): Observer => observers[golden.options.get('bodies') === 'yes' ? 1 : 0];
  // What the engine must tell exactly: nothing was lost or made no sense, and the opening is known.
  const exact = goldens.filter((golden) => isLossless(protocol, golden) && isKnown(protocol, golden));

  for (const golden of exact) {
    it(`${golden.file}: gives its calls, as the protocol alone does`, () =>
      whole(protocol, observerOf(golden), golden));
  }
  for (const golden of goldens.filter((one) => !exact.includes(one))) {
    it(`${golden.file}: gives no call that was not there`, () => {
      const calls = rowsOf(observerOf(golden), [goldenDialogue(golden).segments])[0];
      assertNothingWrong(golden, calls, expectedFields(golden), 'whole');
    });
  }
  it('is told exactly in most goldens', () => {
    assert.ok(exact.length * 10 >= goldens.length * 7, `${exact.length} of ${goldens.length}`);
  });

  const streams = exact.filter((golden) => transportOf(golden) === 'tcp');
  if (protocol.transport !== 'udp') {
    it('gives the same calls however its segments are cut', () => {
      for (const golden of streams) everyCut(observerOf(golden), golden);
    });
    it('gives the same calls when any one segment comes again, at once or later', () => {
      for (const golden of streams) same(observerOf(golden), golden, retransmissions(golden), 'sent again');
    });
    it('gives the same calls when any two neighbours come in the other order', () => {
      for (const golden of streams) same(observerOf(golden), golden, swaps(golden), 'swapped');
    });
    it('gives the same calls from any port', () => {
      for (const golden of streams) same(observerOf(golden), golden, otherPorts(golden), 'ports');
    });
    it('gives the same calls when sequence numbers wrap', () => {
      for (const golden of streams) same(observerOf(golden), golden, wraps(golden), 'wrapped');
    });
    it('gives the same calls when the beginning of the connection was not seen', () => {
      // Of those that pipeline the first answers cannot be proved to be of the first requests.
      const simple = streams.filter((golden) => golden.calls.length === 1);
      let alike = 0;
      for (const golden of streams) alike += joined(observerOf(golden), golden);
      assert.ok(simple.length > 0 && alike * 10 >= simple.length * 9, `${alike}, simple ${simple.length}`);
    });
  }
  it('tells nothing wrong when any one segment is lost to us', () => {
    let losses = 0;
    for (const golden of exact) losses += everyLoss(observerOf(golden), golden);
    assert.ok(losses > goldens.length);
  });
  it('is recognised by its content, and by nobody else', () => recognition(protocol, goldens));
  it('survives hostile bytes and packets', () => hostile(protocol, goldens));
}

function transportOf(golden: Golden): string {
  return golden.options.get('transport') ?? 'tcp';
}

/** True when the protocol alone makes sense of all bytes. */
function isLossless(protocol: Protocol, golden: Golden): boolean {
  if (golden.turns.some(({ lost }) => lost > 0)) return false;
  const driver = new Driver(protocol, context);
  for (const turn of golden.turns) driver.turn(turn, 0, transportOf(golden) === 'udp');
  return driver.losses === 0;
}

/** True when the first bytes of the sides that speak are enough to know the protocol. */
function isKnown(protocol: Protocol, golden: Golden): boolean {
  if (golden.options.get('recognised') === 'no') return false;
  const sides = ([CLIENT, SERVER] as const).filter((side) => opening(golden, side) !== undefined);
  const guesses = sides.map((side) => guessOf(protocol, golden, side));
  if (guesses.includes(NO)) return false;
  return sides.length === 2 || guesses.includes(SURE);
}

function opening(golden: Golden, side: Side): Uint8Array | undefined {
  return golden.turns.find((turn) => turn.side === side && turn.bytes.length > 0)?.bytes;
}

function guessOf(protocol: Protocol, golden: Golden, side: Side): number {
  const bytes = opening(golden, side);
  if (bytes === undefined) return NO;
  const start = context.memory.inputStart;
  context.u8.set(bytes, start);
  context.u8.fill(0x0a, start + bytes.length, start + bytes.length + 64);
  return protocol.recognise(context, start, start + bytes.length, side);
}

function whole(protocol: Protocol, observer: Observer, golden: Golden): void {
  const driver = new Driver(protocol, context);
  driver.writer.bodies = golden.options.get('bodies') === 'yes';
  for (const turn of golden.turns) driver.turn(turn, 0, transportOf(golden) === 'udp');
  driver.close(golden.options.get('end') === 'reset');
  const alone = driver.writer.calls.map((call) => call.fields());
  let [calls] = rowsOf(observer, [goldenDialogue(golden).segments]);
  // What is spoken after an upgrade is for another protocol to tell.
  if (driver.writer.upgraded !== undefined) calls = calls.slice(0, alone.length);
  assertCalls(shownKeys(golden), calls, 'whole');
  const names = ['method', 'target', 'status', 'outcome', 'up', 'down', 'host', 'trace', 'fingerprints'];
  const pick = (fields: Fields): string[] => names.map((name) => `${name}=${fields[name]}`);
  assert.deepEqual(calls.map(pick), alone.map(pick), `${golden.file}: the engine and the protocol alone`);
}

/** Runs each list of segments on a connection of its own, and answers the rows of each. */
function rowsOf(observer: Observer, runs: readonly (readonly Segment[])[]): Fields[][] {
  const ports = new Map<string, number>();
  for (const [index, segments] of runs.entries()) {
    // One second between them: what one does is over when the next begins.
    observer.seconds++;
    const port = 20_000 + index;
    for (const segment of segments) {
      const client = { ...segment.client, port };
      ports.set(`${client.port} ${segment.server.port}`, index);
      observer.see({ ...segment, client });
    }
  }
  // A question without an answer is known to have none only after a while.
  observer.wait(observer.limits.datagramAnswerMs / 1000 + 1);
  const rows: Fields[][] = runs.map(() => []);
  for (const call of observer.end()) {
    const index =
      ports.get(`${call.client_port} ${call.server_port}`) ??
      ports.get(`${call.server_port} ${call.client_port}`);
    assert.ok(index !== undefined, 'a row is of a connection that was seen');
    rows[index].push(fieldsOf(call));
  }
  return rows;
}

function same(observer: Observer, golden: Golden, runs: readonly (readonly Segment[])[], hint: string): void {
  assert.ok(runs.length > 0, `${golden.file}: something was tried`);
  const [clean] = rowsOf(observer, [goldenDialogue(golden).segments]);
  for (const [index, calls] of rowsOf(observer, runs).entries()) {
    assert.deepEqual(calls, clean, `${golden.file}, ${hint}, run ${index}`);
  }
}

function everyCut(observer: Observer, golden: Golden): void {
  if (golden.options.get('cut') === 'no') return;
  const longest = Math.max(...golden.turns.map(({ bytes }) => bytes.length));
  const sizes =
    longest <= EVERY_SIZE_MAX ? Array.from({ length: longest }, (_, index) => index + 1) : SOME_SIZES;
  same(
    observer,
    golden,
    sizes.map((size) => goldenDialogue(golden, size).segments),
    `cut, sizes ${sizes[0]} and on`,
  );
}

function retransmissions(golden: Golden): Segment[][] {
  const { segments } = goldenDialogue(golden);
  return segments.flatMap((segment, index) => {
    const again = { ...segment, ipId: 60_000 };
    return [index + 1, Math.min(index + 3, segments.length)].map((place) =>
      segments.toSpliced(place, 0, again),
    );
  });
}

function swaps(golden: Golden): Segment[][] {
  const { segments } = goldenDialogue(golden);
  return segments.slice(1).map((segment, index) => segments.toSpliced(index, 2, segment, segments[index]));
}

/** Ports that others are known by, the client's too. */
function otherPorts(golden: Golden): Segment[][] {
  const ports = [...new Set(PROTOCOLS.flatMap((protocol) => protocol.ports)), 443, 1024];
  return ports.map((port) => goldenDialogue(golden, 0, { server: { address: '10.1.0.7', port } }).segments);
}

function wraps(golden: Golden): Segment[][] {
  return [-2, -3, -30, -100, 0x7fffffff - 20, -0x80000000].map(
    (first) => goldenDialogue(golden, 0, { first: [first, first - 7] }).segments,
  );
}

/** Joined at the start of the data: 1 when the calls are the same but for the flag, else nothing is wrong. */
function joined(observer: Observer, golden: Golden): number {
  const dialogue = goldenDialogue(golden);
  const [clean] = rowsOf(observer, [dialogue.segments]);
  const [calls] = rowsOf(observer, [dialogue.segments.slice(3)]);
  const unflagged = calls.map((call) => ({
    ...call,
    flags: call.flags.replace(/,?mid-stream/, '').replace(/^,/, '') || '-',
  }));
  const alike = JSON.stringify(unflagged) === JSON.stringify(clean);
  if (!alike) assertNothingWrong(golden, calls, clean, 'joined at the start of data');
  return alike ? 1 : 0;
}

function everyLoss(observer: Observer, golden: Golden): number {
  const [clean] = rowsOf(observer, [goldenDialogue(golden).segments]);
  let count = 0;
  for (const size of golden.options.get('cut') === 'no' ? [0] : [0, LOSS_SIZE]) {
    const { segments } = goldenDialogue(golden, size);
    if (segments.length > LOSSES_MAX && size > 0) continue;
    for (let lost = 0; lost < segments.length; lost++) {
      if (segments[lost].bytes.length === 0) continue;
      const [calls] = rowsOf(observer, [segments.toSpliced(lost, 1)]);
      assertNothingWrong(golden, calls, clean, `size ${size}, segment ${lost} of ${segments.length} lost`);
      count++;
    }
  }
  return count;
}

function expectedFields(golden: Golden): Fields[] {
  return golden.calls.map(({ fields }) => Object.fromEntries(fields));
}

/**
 * What holds with any loss: a row is of a call that was there; request and answer in one row belong
 * together; what we do not know is unknown, never the application's failure.
 */
function assertNothingWrong(
  golden: Golden,
  calls: readonly Fields[],
  truth: readonly Fields[],
  hint: string,
): void {
  const left = [...truth];
  const udp = transportOf(golden) === 'udp';
  for (const call of calls) {
    const text = `${golden.file}, ${hint}: ${JSON.stringify(call)}`;
    if (call.method === '-') {
      // Bytes in the middle of an answer may look like one. That is told as weak, and as nobody's failure.
      const weak = call.flags.includes('weak') && ['ok', 'unknown'].includes(call.outcome);
      assert.ok(
        weak || truth.some((one) => one.status === call.status),
        `an answer that was not there: ${text}`,
      );
      continue;
    }
    if (call.outcome === 'one-way') {
      // A confirmation without its request is told as a message of the server's, which it is.
      const name = call.method.toLowerCase();
      assert.ok(
        truth.some((one) => one.method.toLowerCase() === name),
        `a message that was not there: ${text}`,
      );
      continue;
    }
    const index = left.findIndex(
      (one) =>
        one.method === call.method &&
        (call.flags.includes('gap') || one.target === call.target) &&
        (call.status === '-' || one.status === call.status) &&
        (call.outcome === 'unknown' ||
          one.outcome === call.outcome ||
          (udp && call.outcome === 'unanswered')),
    );
    assert.ok(index >= 0, `a call that was not there: ${text}`);
    left.splice(index, 1);
  }
}

/** Each side's opening alone: no other protocol of the transport claims it for certain. */
function recognition(protocol: Protocol, goldens: readonly Golden[]): void {
  const others = PROTOCOLS.filter(
    (other) =>
      other !== protocol &&
      (other.transport === 'both' || protocol.transport === 'both' || other.transport === protocol.transport),
  );
  let known = 0;
  for (const golden of goldens) {
    const guesses = ([CLIENT, SERVER] as const).map((side) => guessOf(protocol, golden, side));
    if (golden.options.get('recognised') === 'no') {
      assert.ok(!guesses.includes(SURE), `${golden.file}: ${protocol.name} claims it`);
      continue;
    }
    if (guesses.some((guess) => guess !== NO)) known++;
    for (const other of others) {
      for (const side of [CLIENT, SERVER] as const) {
        const sure = guessOf(other, golden, side) === SURE;
        assert.ok(!sure, `${golden.file}: ${other.name} claims it`);
      }
    }
  }
  assert.ok(known > 0);
}

/** Seeded mutations: never a throw, an end of every step, memory given back, no limit passed. */
function hostile(protocol: Protocol, goldens: readonly Golden[]): void {
  let steps = 0;
  const counted = PROTOCOLS.map((one): Protocol => ({
    ...one,
    parse: (...step) => {
      steps++;
      return one.parse(...step);
    },
  }));
  const observer = new Observer({ protocols: counted, keep: false, bodies: true });
  for (let seed = 1; seed <= MUTATIONS; seed++) {
    const random = randomFrom(seed);
    const golden = random.pick(goldens);
    const segments = mutateSegments(goldenDialogue(golden, random.pick([0, 0, 7, 64])).segments, random);
    let bytes = 0;
    for (const segment of segments) bytes += segment.bytes.length;
    steps = 0;
    try {
      observer.seeAll(segments).end();
    } catch (error) {
      throw new Error(`${protocol.name}, seed ${seed}, ${golden.file}`, { cause: error });
    }
    // A step consumes a byte, waits for a segment, or skips a byte after a loss.
    assert.ok(
      steps <= 4 * bytes + 8 * segments.length + 16,
      `seed ${seed}: ${steps} steps for ${bytes} bytes`,
    );
  }
  assert.ok(observer.slabBytesMax <= SLABS_MAX, `${observer.slabBytesMax} bytes of slabs`);
  assert.ok(observer.rows > MUTATIONS / 2, `${observer.rows} rows`);
}

describe('the battery', () => {
  const [golden] = readGoldens('http').filter((one) => one.file === 'keep-alive.txt');
  const [clean] = rowsOf(new Observer(), [goldenDialogue(golden).segments]);

  it('finds a wrong pair, a blamed application and a call that was not there', () => {
    assert.ok(clean.length > 1 && clean[0].status !== '-');
    assertNothingWrong(golden, clean, clean, 'as it was');
    for (const wrong of [{ status: '599' }, { outcome: 'unanswered' }, { target: '/never' }]) {
      const calls = [{ ...clean[0], ...wrong }, ...clean.slice(1)];
      assert.throws(() => assertNothingWrong(golden, calls, clean, 'canary'), JSON.stringify(wrong));
    }
    assert.throws(() => assertNothingWrong(golden, [...clean, clean[0]], clean, 'canary'), 'told twice');
  });
});

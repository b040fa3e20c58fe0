/**
 * What every protocol passes on its own, without the engine: its goldens, the same goldens cut at every
 * size, recognition, and seeded mutations. A protocol's test file calls `protocolBattery` once.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CLIENT, NO, SERVER } from '../../src/wire/protocols/protocol.ts';
import type { Protocol, WireContext } from '../../src/wire/protocols/protocol.ts';
import { drive, Driver } from './drive.ts';
import type { DriveOptions, Turn } from './drive.ts';
import { assertCalls, readGoldens } from './goldens.ts';
import type { Golden } from './goldens.ts';
import { randomFrom } from './random.ts';
import type { Random } from './random.ts';
import { createTestContext } from './wire-context.ts';

/** Above this many bytes in a turn not every size is tried: a step sees the same bytes again and again. */
const EVERY_SIZE_MAX = 2048;
const SOME_SIZES = [61, 509, 1448, 4093, 16_384, 65_535];
const MUTATIONS = 3000;

export function protocolBattery(protocol: Protocol): void {
  const context = createTestContext();
  const goldens = goldensOf(protocol);

  for (const golden of goldens) {
    it(`${golden.file}: gives its calls`, () => {
      const calls = drive(protocol, context, golden.turns, optionsOf(golden));
      assertCalls(
        golden,
        calls.map((call) => call.fields()),
        'whole',
      );
    });
    if (golden.options.get('cut') !== 'no' && golden.options.get('transport') !== 'udp') {
      it(`${golden.file}: gives the same calls however it is cut`, () => everyCut(protocol, context, golden));
    }
    it(`${golden.file}: is recognised as the golden says`, () => recognised(protocol, context, golden));
  }

  it('survives hostile bytes', () => mutations(protocol, context, goldens));
}

/** A name may be of two protocols, one for each transport (DNS). */
export function goldensOf(protocol: Protocol): Golden[] {
  const goldens = readGoldens(protocol.name).filter((golden) => {
    const transport = golden.options.get('transport') ?? 'tcp';
    return protocol.transport === 'both' || protocol.transport === transport;
  });
  assert.ok(goldens.length > 0, `goldens of ${protocol.name} over ${protocol.transport}`);
  return goldens;
}

function optionsOf(golden: Golden): Partial<DriveOptions> {
  return {
    end: golden.options.get('end') === 'reset' ? 'reset' : 'fin',
    udp: golden.options.get('transport') === 'udp',
    bodies: golden.options.get('bodies') === 'yes',
  };
}

function everyCut(protocol: Protocol, context: WireContext, golden: Golden): void {
  const options = optionsOf(golden);
  const whole = drive(protocol, context, golden.turns, options).map((call) => call.fields());
  const longest = Math.max(...golden.turns.map(({ bytes }) => bytes.length));
  const sizes =
    longest <= EVERY_SIZE_MAX ? Array.from({ length: longest }, (_, index) => index + 1) : SOME_SIZES;
  for (const size of sizes) {
    const cut = drive(protocol, context, golden.turns, { ...options, size }).map((call) => call.fields());
    assert.deepEqual(cut, whole, `${golden.file}, cut every ${size} bytes`);
  }
  assert.ok(sizes.length > 0, 'some size was tried');
}

/** The first bytes of one side at least are this protocol's; of none where the golden says so. */
function recognised(protocol: Protocol, context: WireContext, golden: Golden): void {
  const guesses = [CLIENT, SERVER].map((side) => {
    const turn = golden.turns.find((one) => one.side === side && one.bytes.length > 0);
    if (turn === undefined) return NO;
    const start = context.memory.inputStart;
    context.u8.set(turn.bytes, start);
    context.u8.fill(0x0a, start + turn.bytes.length, start + turn.bytes.length + 64);
    return protocol.recognise(context, start, start + turn.bytes.length, side);
  });
  const expected = golden.options.get('recognised') !== 'no';
  assert.equal(
    guesses.some((guess) => guess !== NO),
    expected,
    `${golden.file}: guesses ${guesses.join(' and ')}`,
  );
}

/**
 * Flipped, dropped, doubled and foreign bytes: never a throw, never a step without progress, an end. Where
 * nothing was lost, and where something was, it is so however the bytes are cut.
 */
function mutations(protocol: Protocol, context: WireContext, goldens: readonly Golden[]): void {
  let compared = 0;
  for (let seed = 1; seed <= MUTATIONS; seed++) {
    if (mutationRound(protocol, context, goldens, seed)) compared++;
  }
  const streams = goldens.some((golden) => golden.options.get('transport') !== 'udp');
  assert.ok(!streams || compared > MUTATIONS / 20, `only ${compared} mutations went without loss`);
}

/** One seed of it; true when nothing was lost, so that cut and whole were compared call by call. */
export function mutationRound(
  protocol: Protocol,
  context: WireContext,
  goldens: readonly Golden[],
  seed: number,
): boolean {
  const random = randomFrom(seed);
  const golden = random.pick(goldens);
  const udp = golden.options.get('transport') === 'udp';
  const turns = golden.turns.map((turn) => mutate(turn, random));
  const size = 1 + random.below(9);
  const whole = hostileRun(protocol, context, turns, udp, 0, seed);
  if (udp || turns.some(({ bytes }) => bytes.length > EVERY_SIZE_MAX)) return false;
  const cut = hostileRun(protocol, context, turns, udp, size, seed);
  assert.equal(cut.losses > 0, whole.losses > 0, `seed ${seed}, ${golden.file}, cut ${size}: lost or not`);
  if (whole.losses > 0) return false;
  assert.deepEqual(cut.calls, whole.calls, `seed ${seed}, ${golden.file}, cut ${size}`);
  return true;
}

function hostileRun(
  protocol: Protocol,
  context: WireContext,
  turns: readonly Turn[],
  udp: boolean,
  size: number,
  seed: number,
): { losses: number; calls: Record<string, string>[] } {
  const driver = new Driver(protocol, context);
  let bytes = 0;
  try {
    for (const turn of turns) {
      bytes += turn.bytes.length;
      driver.turn(turn, size, udp);
    }
    driver.close(false);
  } catch (error) {
    throw new Error(`seed ${seed}, cut ${size}`, { cause: error });
  }
  // A step consumes a byte, or waits for a piece, or skips a byte after a loss.
  assert.ok(
    driver.steps <= 3 * bytes + turns.length,
    `seed ${seed}: ${driver.steps} steps for ${bytes} bytes`,
  );
  return { losses: driver.losses, calls: driver.writer.calls.map((call) => call.fields()) };
}

function mutate(turn: Turn, random: Random): Turn {
  if (turn.bytes.length === 0) return turn;
  let bytes = Uint8Array.from(turn.bytes);
  for (let left = random.below(4); left > 0; left--) {
    const at = random.below(bytes.length);
    const kind = random.below(8);
    if (kind < 3) bytes[at] = random.below(256);
    else if (kind === 3) bytes[at] = random.pick(SHARP);
    else if (kind === 4) bytes = bytes.slice(0, 1 + at);
    else if (kind === 5) bytes = bytes.slice(at);
    else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at >> 1)]);
  }
  return { ...turn, bytes };
}

/** Bytes that formats are made of. */
const SHARP = [0, 1, 9, 10, 13, 32, 36, 42, 44, 45, 47, 48, 57, 58, 59, 61, 102, 127, 128, 192, 255];

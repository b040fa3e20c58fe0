/**
 * A small memory with everything that a protocol may use, for tests that run without a worker.
 * The scan is the plain one unless another maker is given.
 */
import { createMemory } from '../../src/base/memory.ts';
import type { WireMemory } from '../../src/base/memory.ts';
import { Slabs } from '../../src/base/slab.ts';
import { createPlainScan } from '../../src/wire/scan/plain-scan.ts';
import type { Scan } from '../../src/wire/scan/scan.ts';
import type { WireContext } from '../../src/wire/protocols/protocol.ts';

const INPUT_BYTES = 1024 * 1024;
const HEAP_BYTES = 1024 * 1024;

export function createTestContext(makeScan: (memory: WireMemory) => Scan = createPlainScan): WireContext {
  const memory = createMemory(INPUT_BYTES, HEAP_BYTES);
  const scan = makeScan(memory);
  scan.setKey(1, 2, 3, 4);
  scan.setSeed(5);
  const slabs = new Slabs(memory, memory.heapStart + 4096, memory.heapEnd);
  return { memory, u8: memory.u8, i32: memory.i32, slabs, scan };
}

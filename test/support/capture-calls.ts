/** Captures through the engine as a worker composes it, one after the other, over one memory. */
import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../src/base/limits.ts';
import { createMemory } from '../../src/base/memory.ts';
import { VANTAGE_FILE } from '../../src/record/codes.ts';
import { Ledger } from '../../src/record/coverage.ts';
import { NativeEncoder } from '../../src/record/native.ts';
import { readBlock } from '../../src/record/native-reader.ts';
import { callRow } from '../../src/record/row.ts';
import type { CallPeers, CallRow } from '../../src/record/row.ts';
import { CALL_COLUMNS } from '../../src/record/schema.ts';
import type { CaptureFileError } from '../../src/wire/capture/capture-file-error.ts';
import { readCapture } from '../../src/wire/capture/pcap-file.ts';
import { Engine } from '../../src/wire/engine.ts';
import { PROTOCOLS } from '../../src/wire/protocols/index.ts';
import { createScan } from '../../src/wire/scan/create-scan.ts';
import { loadScanModule } from '../../src/wire/worker/scan-module.ts';

const INPUT_BYTES = 4 * 1024 * 1024;
const NOBODY: CallPeers = {
  clientAddress: '',
  clientPort: 0,
  serverAddress: '',
  clientService: '',
  serverService: '',
};

export interface CaptureCalls {
  /** In the order in which they ended; who called is not told. */
  readonly calls: readonly CallRow[];
  /** Why the capture could not be read, or not to its end. */
  readonly error: CaptureFileError | undefined;
}

export class CaptureCallsReader {
  readonly #memory = createMemory(INPUT_BYTES, DEFAULT_LIMITS.heapBytes);
  readonly #scan = createScan(this.#memory, loadScanModule());

  async read(path: string): Promise<CaptureCalls> {
    this.#scan.setKey(1, 2, 3, 4);
    const ledger = new Ledger();
    const calls: CallRow[] = [];
    let encoder: NativeEncoder | undefined;
    const engine = new Engine({
      memory: this.#memory,
      limits: DEFAULT_LIMITS,
      scan: this.#scan,
      ledger,
      protocols: PROTOCOLS,
      sink: {
        calls: (batch, log) => {
          log.take();
          if (batch.count === 0) return;
          encoder ??= new NativeEncoder(CALL_COLUMNS, engine.strings);
          const block = readBlock(encoder.encode(batch));
          assert.ok(block.ok, block.ok ? '' : block.error);
          for (let row = 0; row < block.value.rows; row++) calls.push(callRow(block.value, row, NOBODY));
        },
        connections() {},
        aggregate: (aggregate) => void aggregate.take(),
        addressName() {},
        hostName() {},
      },
      seed: 7,
      worker: 0,
      run: 1,
      sensor: 'test',
      vantage: VANTAGE_FILE,
      bodies: true,
    });
    const result = await readCapture({ path }, this.#memory, engine, { ledger });
    engine.end();
    assert.deepEqual(engine.usage(), { connections: 0, slabBytes: 0 }, `${path}: rows and slabs come back`);
    return { calls, error: result.ok ? undefined : result.error };
  }
}

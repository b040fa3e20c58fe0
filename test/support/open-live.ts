/** Run without the right to capture: prints why `lo`, and one that does not exist, cannot be opened. */
import { createMemory } from '../../src/base/memory.ts';
import { Ledger } from '../../src/record/coverage.ts';
import { openLive } from '../../src/wire/capture/live-source.ts';

for (const name of ['lo', 'nosuch0']) {
  const memory = createMemory(1024 * 1024, 65_536);
  const opened = openLive({ memory, interfaces: [name], workers: 1, ledger: new Ledger() });
  console.log(JSON.stringify(opened.ok ? { kind: 'opened', message: '' } : opened.error));
}

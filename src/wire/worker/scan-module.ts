/** The bytes of the scan module, dist/scan.wasm, which the build puts there; the pure folders read no file. */
import { readFileSync } from 'node:fs';

/** Undefined when there is none: the scan is then the plain one, with the same results. */
export function loadScanModule(): Uint8Array | undefined {
  try {
    // From dist/src/wire/worker/ to dist/.
    return new Uint8Array(readFileSync(new URL('../../../scan.wasm', import.meta.url)));
  } catch {
    return undefined;
  }
}

/**
 * The bytes of the scan module, dist/scan.wasm, which the build puts there; the pure folders read no file.
 */
import { existsSync, readFileSync } from 'node:fs';

/** Undefined when there is none: the scan is then the plain one, with the same results. */
export function loadScanModule(): Uint8Array | undefined {
  // From dist/src/wire/worker/ to dist/.
  const place = new URL('../../../scan.wasm', import.meta.url);
  return existsSync(place) ? new Uint8Array(readFileSync(place)) : undefined;
}

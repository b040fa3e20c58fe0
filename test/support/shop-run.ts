/** The shop for tests: its modules, a run of it with users, and the truth of that run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as ShopModule from '../../examples/shop/shop.mjs';
import type { LoadOptions, Shop, ShopOptions } from '../../examples/shop/shop.mjs';
import type * as TruthModule from '../../examples/shop/truth.mjs';
import type { TruthCall } from '../../examples/shop/truth.mjs';

/** From dist: the shop is not compiled. */
const FOLDER = new URL('../../../examples/shop/', import.meta.url);

async function modules(): Promise<{
  startShop: typeof ShopModule.startShop;
  joinTruth: typeof TruthModule.joinTruth;
}> {
  const shop = (await import(new URL('shop.mjs', FOLDER).href)) as typeof ShopModule;
  const truth = (await import(new URL('truth.mjs', FOLDER).href)) as typeof TruthModule;
  return { startShop: shop.startShop, joinTruth: truth.joinTruth };
}

/** One run, from the start of its services to their end, and the calls that it made. */
export async function runShop(
  options: ShopOptions,
  load: LoadOptions,
  during: (shop: Shop) => Promise<void> = async () => undefined,
): Promise<readonly TruthCall[]> {
  const { startShop, joinTruth } = await modules();
  const truthFolder = mkdtempSync(join(tmpdir(), 'shop-truth-'));
  try {
    const shop = await startShop({ ...options, truthFolder });
    try {
      await shop.load(load);
      await shop.drain();
      await during(shop);
    } finally {
      await shop.stop();
    }
    const { calls, orphans, unmatched } = joinTruth(truthFolder);
    if (orphans.length > 0 || unmatched.length > 0) {
      throw new Error(`the truth has ${orphans.length} orphans and ${unmatched.length} unmatched`);
    }
    return calls;
  } finally {
    rmSync(truthFolder, { recursive: true, force: true });
  }
}

/** The first of 16 free ports in a row, from `from` on. */
export async function freePorts(from: number): Promise<number> {
  const topology = (await import(new URL('topology.mjs', FOLDER).href)) as {
    freeBasePort(from: number): Promise<number>;
  };
  return topology.freeBasePort(from);
}

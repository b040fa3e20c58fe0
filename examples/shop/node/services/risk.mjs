/** Stands in for python/risk.py where Python is missing. Some card issuers answer slowly. */
import { startService } from '../service.mjs';

const SLOW_MS = 550;

async function assess(call) {
  const { amount = 0, issuer = 0 } = call.body ?? {};
  const slow = call.config.slowIssuers.includes(issuer);
  await call.work(slow ? SLOW_MS : 6);
  return { risk: ((issuer * 7 + Math.round(amount)) % 100) / 100 };
}

startService({ 'POST /assess': assess });

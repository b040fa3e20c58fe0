/** Takes money and gives it back. Asks risk first, by a name that DNS knows, without any id. */
import { answer, startService } from '../service.mjs';

const LIMIT = 2_000;
const BROKEN_SHARE = 0.02;

async function charge(call) {
  const { amount, issuer } = call.body ?? {};
  const host = await call.address('risk');
  const assessed = await call.http('risk', 'POST', '/assess', { amount, issuer }, { host });
  if (assessed.status !== 200) return answer(502, { error: 'risk did not answer' });
  if (amount > LIMIT || assessed.value.risk > 0.97) return answer(402, { error: 'declined' });
  if (call.random() < BROKEN_SHARE) return answer(500, { error: 'ledger is locked' });
  await call.pipeline([
    ['INCR', 'payments:count'],
    ['INCRBY', 'payments:sum', Math.round(amount * 100)],
  ]);
  return answer(201, { paid: amount });
}

async function refund(call) {
  await call.work(20);
  await call.redis('DECRBY', 'payments:sum', Math.round((call.body?.amount ?? 0) * 100));
  return { refunded: call.body?.amount ?? 0 };
}

startService({ 'POST /charge': charge, 'POST /refund': refund });

/** What things cost. Keeps exchange rates fresh with a job that no call causes. */
import { answer, startService } from '../service.mjs';

const RATES_EVERY_MS = 2_000;
let rates = { EUR: 1, USD: 1.08, GBP: 0.85 };

async function refreshRates(call) {
  const text = await call.redis('GET', 'rates');
  if (text === undefined) await call.redis('SET', 'rates', JSON.stringify(rates), 'EX', 5);
  else rates = JSON.parse(text);
}

function listPrice(id) {
  return 5 + ((id * 37) % 240);
}

async function show(call) {
  const id = Number(call.values.id);
  const changed = await call.redis('HGET', 'prices', id);
  return { id, price: changed === undefined ? listPrice(id) : Number(changed) };
}

async function quote(call) {
  const products = call.body?.products;
  if (!Array.isArray(products) || products.length === 0) return answer(400, { error: 'no products' });
  const changed = await call.redis('HMGET', 'prices', ...products);
  await call.work(2);
  const prices = products.map((id, at) => (changed[at] === undefined ? listPrice(id) : Number(changed[at])));
  return { prices, total: prices.reduce((sum, price) => sum + price, 0) };
}

async function change(call) {
  const price = Number(call.body?.price);
  if (!(price > 0)) return answer(422, { error: 'a price is more than nothing' });
  await call.redis('HSET', 'prices', Number(call.values.id), price);
  return { price };
}

startService(
  {
    'GET /rates': async () => rates,
    'GET /price/:id': show,
    'POST /quote': quote,
    'PUT /price/:id': change,
  },
  [{ everyMs: RATES_EVERY_MS, job: refreshRates }],
);

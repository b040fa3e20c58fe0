/** Stands in for go/inventory.go where Go is missing: what is in stock, in memory. */
import { answer, startService } from '../service.mjs';

const COUNT = 204;
const BUSY_SHARE = 0.08;
const stock = Array.from({ length: COUNT + 1 }, (_, id) => 40 + ((id * 11) % 160));

async function show(call) {
  const id = Number(call.values.id);
  await call.work(1);
  return stock[id] === undefined ? answer(404, { error: 'no such product' }) : { id, stock: stock[id] };
}

async function reserve(call) {
  if (call.random() < BUSY_SHARE) return answer(503, { error: 'stock is being counted' });
  await call.work(3);
  const items = call.body?.items ?? [];
  if (items.some((item) => !(stock[item.product] >= item.quantity)))
    return answer(409, { error: 'sold out' });
  for (const item of items) {
    stock[item.product] -= item.quantity;
    if (stock[item.product] < 10) stock[item.product] += 150;
  }
  return { reserved: items.length };
}

async function restock(call) {
  for (const item of call.body?.items ?? []) stock[item.product] += item.quantity;
  return { ok: true };
}

async function levels(call) {
  await call.work(25);
  return { levels: stock.slice(1) };
}

startService({
  'GET /stock/:id': show,
  'POST /reserve': reserve,
  'POST /restock': restock,
  'GET /levels': levels,
});

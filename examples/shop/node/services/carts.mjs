/** Stands in for go/carts.go where Go is missing: one hash in Redis for each user's cart. */
import { answer, startService } from '../service.mjs';

const KEEP_SECONDS = 600;

async function show(call) {
  const flat = await call.redis('HGETALL', `cart:${call.values.user}`);
  const items = [];
  for (let at = 0; at < flat.length; at += 2) {
    items.push({ product: Number(flat[at]), quantity: Number(flat[at + 1]) });
  }
  return { items };
}

async function add(call) {
  const { product, quantity } = call.body ?? {};
  if (!(product > 0 && quantity > 0)) return answer(400, { error: 'what, and how many?' });
  const stock = await call.http('inventory', 'GET', `/stock/${product}`);
  if (stock.status !== 200) return answer(stock.status === 404 ? 404 : 502, { error: 'no such product' });
  if (stock.value.stock < quantity) return answer(409, { error: 'not that many left' });
  const key = `cart:${call.values.user}`;
  await call.pipeline([
    ['MULTI'],
    ['HINCRBY', key, product, quantity],
    ['EXPIRE', key, KEEP_SECONDS],
    ['EXEC'],
  ]);
  return answer(201, { added: product });
}

async function empty(call) {
  await call.redis('DEL', `cart:${call.values.user}`);
  return { emptied: true };
}

startService({ 'GET /carts/:user': show, 'POST /carts/:user/items': add, 'DELETE /carts/:user': empty });

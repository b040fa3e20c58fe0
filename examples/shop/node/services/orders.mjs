/** Stands in for go/orders.go where Go is missing: checkout, order lists, refunds. */
import { answer, startService } from '../service.mjs';

const LIST = 5;

async function place(call) {
  const { user, issuer } = call.body ?? {};
  const cart = await call.http('carts', 'GET', `/carts/${user}`);
  const items = cart.value?.items ?? [];
  if (items.length === 0) return answer(409, { error: 'the cart is empty' });
  const [quote, reserved] = await Promise.all([
    call.http('pricing', 'POST', '/quote', { products: items.map((item) => item.product) }),
    call.http('inventory', 'POST', '/reserve', { items }, { retries: 2 }),
  ]);
  if (quote.status !== 200) return answer(502, { error: 'no price' });
  if (reserved.status !== 200) return answer(reserved.status === 409 ? 409 : 503, { error: 'not in stock' });
  const amount = quote.value.total;
  const paid = await call.http('payments', 'POST', '/charge', { amount, issuer });
  if (paid.status !== 201) {
    await call.http('inventory', 'POST', '/restock', { items });
    return answer(paid.status === 402 ? 402 : 502, { error: 'not paid' });
  }
  const id = await call.redis('INCR', 'orders:last');
  await call.pipeline([
    ['HSET', `order:${id}`, 'user', user, 'amount', amount, 'items', JSON.stringify(items)],
    ['LPUSH', `orders:${user}`, id],
    ['LTRIM', `orders:${user}`, 0, 19],
  ]);
  await call.http('carts', 'DELETE', `/carts/${user}`);
  return answer(201, { order: id, amount });
}

async function read(call, id) {
  const flat = await call.redis('HGETALL', `order:${id}`);
  if (flat.length === 0) return undefined;
  const order = { id: Number(id) };
  for (let at = 0; at < flat.length; at += 2) order[flat[at]] = flat[at + 1];
  return order;
}

async function list(call) {
  const ids = await call.redis('LRANGE', `orders:${call.query.get('user')}`, 0, LIST - 1);
  return { orders: ids.map(Number) };
}

async function show(call) {
  return (await read(call, call.values.id)) ?? answer(404, { error: 'no such order' });
}

async function refund(call) {
  const order = await read(call, call.values.id);
  if (order === undefined) return answer(404, { error: 'no such order' });
  const paid = await call.http('payments', 'POST', '/refund', { amount: Number(order.amount) });
  if (paid.status !== 200) return answer(502, { error: 'not refunded' });
  await call.http('inventory', 'POST', '/restock', { items: JSON.parse(order.items) });
  return { refunded: order.id };
}

async function recent(call) {
  const last = Number((await call.redis('GET', 'orders:last')) ?? 0);
  const orders = [];
  for (let id = last; id > Math.max(0, last - LIST); id--) orders.push(await read(call, id));
  return { orders };
}

startService({
  'POST /orders': place,
  'GET /orders': list,
  'GET /orders/:id': show,
  'POST /orders/:id/refund': refund,
  'GET /recent': recent,
});

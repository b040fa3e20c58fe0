/** The web shop's front: pages for visitors, made from what the services behind answer. */
import { answer, startService } from '../service.mjs';
import { openSession, userOf } from '../sessions.mjs';

const COOKIE = 'session';

function page(title, ...parts) {
  const body = parts.map((part) => (typeof part === 'string' ? part : `<pre>${JSON.stringify(part)}</pre>`));
  return `<!doctype html><title>${title}</title><h1>${title}</h1>${body.join('\n')}`;
}

function failed(...answers) {
  const worst = answers.find((each) => each.status === 0 || each.status >= 400);
  if (worst === undefined) return undefined;
  const status = worst.status === 0 ? 502 : worst.status;
  return answer(status, page('Sorry', worst.value?.error ?? 'no answer'));
}

const SIGN_IN = answer(401, page('Please sign in'));

async function home(call) {
  const [user, featured, rates] = await Promise.all([
    userOf(call, COOKIE),
    call.http('catalogue', 'GET', '/featured'),
    call.http('pricing', 'GET', '/rates'),
  ]);
  return (
    failed(featured, rates) ?? page('Shop', user === undefined ? 'Welcome' : 'Hello again', featured.value)
  );
}

async function search(call) {
  const words = encodeURIComponent(call.query.get('q') ?? '');
  const found = await call.http('catalogue', 'GET', `/search?q=${words}`, undefined, { retries: 1 });
  const bad = failed(found);
  if (bad !== undefined) return bad;
  const products = found.value.products.map((product) => product.id);
  if (products.length === 0) return page('Nothing found');
  const quote = await call.http('pricing', 'POST', '/quote', { products });
  return failed(quote) ?? page('Found', found.value, quote.value);
}

async function product(call) {
  const { id } = call.values;
  const found = await call.http('catalogue', 'GET', `/products/${id}`, undefined, { retries: 1 });
  const bad = failed(found);
  if (bad !== undefined) return bad;
  const [price, stock] = await Promise.all([
    call.http('pricing', 'GET', `/price/${id}`),
    call.http('inventory', 'GET', `/stock/${id}`),
  ]);
  return failed(price, stock) ?? page(found.value.name, found.value.text, price.value, stock.value);
}

async function login(call) {
  const checked = await call.http('users', 'POST', '/check', call.body);
  return failed(checked) ?? answer(200, page('Hello'), await openSession(call, COOKIE, checked.value.user));
}

async function showCart(call) {
  const user = await userOf(call, COOKIE);
  if (user === undefined) return SIGN_IN;
  const cart = await call.http('carts', 'GET', `/carts/${user}`);
  const bad = failed(cart);
  if (bad !== undefined) return bad;
  const products = cart.value.items.map((item) => item.product);
  if (products.length === 0) return page('Your cart is empty');
  const quote = await call.http('pricing', 'POST', '/quote', { products });
  return failed(quote) ?? page('Your cart', cart.value, quote.value);
}

async function addToCart(call) {
  const user = await userOf(call, COOKIE);
  if (user === undefined) return SIGN_IN;
  const added = await call.http('carts', 'POST', `/carts/${user}/items`, call.body);
  return failed(added) ?? page('Added');
}

async function checkout(call) {
  const user = await userOf(call, COOKIE);
  if (user === undefined) return SIGN_IN;
  const order = await call.http('orders', 'POST', '/orders', { user, issuer: call.body?.issuer });
  return failed(order) ?? answer(201, page('Thank you', order.value));
}

async function orders(call) {
  const user = await userOf(call, COOKIE);
  if (user === undefined) return SIGN_IN;
  const list = await call.http('orders', 'GET', `/orders?user=${user}`);
  const bad = failed(list);
  if (bad !== undefined) return bad;
  const details = [];
  for (const id of list.value.orders.slice(0, 2)) {
    details.push(await call.http('orders', 'GET', `/orders/${id}`));
  }
  return failed(...details) ?? page('Your orders', ...details.map((each) => each.value));
}

async function account(call) {
  const user = await userOf(call, COOKIE);
  if (user === undefined) return SIGN_IN;
  const [who, list] = await Promise.all([
    call.http('users', 'GET', `/users/${user}`),
    call.http('orders', 'GET', `/orders?user=${user}`),
  ]);
  return failed(who, list) ?? page('Your account', who.value, list.value);
}

startService({
  'GET /': home,
  'GET /search': search,
  'GET /product/:id': product,
  'POST /login': login,
  'GET /cart': showCart,
  'POST /cart': addToCart,
  'POST /checkout': checkout,
  'GET /orders': orders,
  'GET /account': account,
});

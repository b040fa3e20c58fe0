/**
 * Every hop of the shop: who asks whom for what, and which identifier the request carries: `integer` (a
 * small sequential number), `token` (a session), `name`, or `none`. In many hops there is nothing that would
 * tell which request of the caller caused it. The test holds this list against what really happens.
 */

/** [client, server, method, path, identifier] */
export const HOPS = [
  ['load', 'edge', '*', '*', 'token'],
  ['edge', 'storefront', '*', '*', 'token'],
  ['edge', 'office', '*', '*', 'token'],
  ['storefront', 'redis', 'GET', 'session:*', 'token'],
  ['storefront', 'redis', 'SET', 'session:*', 'token'],
  ['storefront', 'catalogue', 'GET', '/featured', 'none'],
  ['storefront', 'catalogue', 'GET', '/search', 'none'],
  ['storefront', 'catalogue', 'GET', '/products/*', 'integer'],
  ['storefront', 'pricing', 'GET', '/rates', 'none'],
  ['storefront', 'pricing', 'GET', '/price/*', 'integer'],
  ['storefront', 'pricing', 'POST', '/quote', 'integer'],
  ['storefront', 'inventory', 'GET', '/stock/*', 'integer'],
  ['storefront', 'users', 'POST', '/check', 'name'],
  ['storefront', 'users', 'GET', '/users/*', 'integer'],
  ['storefront', 'carts', 'GET', '/carts/*', 'integer'],
  ['storefront', 'carts', 'POST', '/carts/*/items', 'integer'],
  ['storefront', 'orders', 'POST', '/orders', 'integer'],
  ['storefront', 'orders', 'GET', '/orders', 'integer'],
  ['storefront', 'orders', 'GET', '/orders/*', 'integer'],
  ['office', 'redis', 'GET', 'staff:*', 'token'],
  ['office', 'redis', 'SET', 'staff:*', 'token'],
  ['office', 'users', 'POST', '/check', 'name'],
  ['office', 'dns', '*', '*', 'none'],
  ['office', 'reports', 'GET', '/stock-report', 'none'],
  ['office', 'reports', 'GET', '/export', 'none'],
  ['office', 'pricing', 'PUT', '/price/*', 'integer'],
  ['office', 'catalogue', 'DELETE', '/cache/*', 'integer'],
  ['office', 'orders', 'POST', '/orders/*/refund', 'integer'],
  ['reports', 'catalogue', 'GET', '/categories', 'none'],
  ['reports', 'catalogue', 'GET', '/products', 'none'],
  ['reports', 'inventory', 'GET', '/levels', 'none'],
  ['reports', 'orders', 'GET', '/recent', 'none'],
  ['catalogue', 'redis', 'GET', 'product:*', 'integer'],
  ['catalogue', 'redis', 'SET', 'product:*', 'integer'],
  ['catalogue', 'redis', 'DEL', 'product:*', 'integer'],
  ['catalogue', 'redis', 'GET', 'search:*', 'none'],
  ['catalogue', 'redis', 'SET', 'search:*', 'none'],
  ['catalogue', 'redis', 'GET', 'featured', 'none'],
  ['catalogue', 'redis', 'SET', 'featured', 'none'],
  ['users', 'redis', '*', 'user:*', 'integer'],
  ['pricing', 'redis', 'GET', 'rates', 'none'],
  ['pricing', 'redis', 'SET', 'rates', 'none'],
  ['pricing', 'redis', 'HGET', 'prices', 'integer'],
  ['pricing', 'redis', 'HMGET', 'prices', 'integer'],
  ['pricing', 'redis', 'HSET', 'prices', 'integer'],
  ['carts', 'inventory', 'GET', '/stock/*', 'integer'],
  ['carts', 'redis', 'MULTI', '', 'none'],
  ['carts', 'redis', 'EXEC', '', 'none'],
  ['carts', 'redis', '*', 'cart:*', 'integer'],
  ['orders', 'carts', 'GET', '/carts/*', 'integer'],
  ['orders', 'carts', 'DELETE', '/carts/*', 'integer'],
  ['orders', 'pricing', 'POST', '/quote', 'integer'],
  ['orders', 'inventory', 'POST', '/reserve', 'integer'],
  ['orders', 'inventory', 'POST', '/restock', 'integer'],
  ['orders', 'payments', 'POST', '/charge', 'none'],
  ['orders', 'payments', 'POST', '/refund', 'none'],
  ['orders', 'redis', 'INCR', 'orders:last', 'none'],
  ['orders', 'redis', 'GET', 'orders:last', 'none'],
  ['orders', 'redis', 'HSET', 'order:*', 'integer'],
  ['orders', 'redis', 'HGETALL', 'order:*', 'integer'],
  ['orders', 'redis', '*', 'orders:*', 'integer'],
  ['payments', 'dns', '*', '*', 'none'],
  ['payments', 'risk', 'POST', '/assess', 'none'],
  ['payments', 'redis', 'INCR', 'payments:count', 'none'],
  ['payments', 'redis', 'INCRBY', 'payments:sum', 'none'],
  ['payments', 'redis', 'DECRBY', 'payments:sum', 'none'],
].map(([client, server, method, path, identifier]) => ({ client, server, method, path, identifier }));

function fits(pattern, text) {
  if (pattern === '*') return true;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`).test(text);
}

/** The hop that a call of the truth belongs to, or undefined. The query is not looked at. */
export function hopOf(call) {
  const path = call.path.split('?')[0];
  return HOPS.find((hop) => {
    if (hop.client !== call.client || hop.server !== call.server) return false;
    return fits(hop.method, call.method) && fits(hop.path, path);
  });
}

/** Stands in for python/catalogue.py where Python is missing: products, search, a cache in Redis. */
import { readFileSync } from 'node:fs';
import { answer, startService } from '../service.mjs';

const words = JSON.parse(readFileSync(new URL('../../words.json', import.meta.url), 'utf8'));
const COUNT = words.adjectives.length * words.nouns.length;
const PAGE = 50;
const FLAKY_SHARE = 0.05;

const products = Array.from({ length: COUNT }, (_, at) => {
  const adjective = words.adjectives[at % words.adjectives.length];
  const noun = words.nouns[Math.floor(at / words.adjectives.length)];
  const category = words.categories[at % words.categories.length];
  const text = `A ${adjective} ${noun} for the ${category}. `.repeat(3).trim();
  return { id: at + 1, name: `${adjective} ${noun}`, category, text };
});

async function cached(call, key, seconds, make) {
  const kept = await call.redis('GET', key);
  if (kept !== undefined) return JSON.parse(kept);
  const made = await make();
  await call.redis('SET', key, JSON.stringify(made), 'EX', seconds);
  return made;
}

async function show(call) {
  const found = products[Number(call.values.id) - 1];
  if (found === undefined) return answer(404, { error: 'no such product' });
  return cached(call, `product:${found.id}`, 4, async () => {
    await call.work(8);
    return found;
  });
}

function featured(call) {
  return cached(call, 'featured', 2, async () => {
    await call.work(15);
    return { products: products.slice(0, 5).map(({ id, name }) => ({ id, name })) };
  });
}

async function search(call) {
  const word = call.query.get('q') ?? '';
  if (words.brokenWords.includes(word)) return answer(500, { error: 'cannot parse the query' });
  if (call.random() < FLAKY_SHARE) return answer(503, { error: 'index is busy' });
  return cached(call, `search:${word}`, 3, async () => {
    await call.work(words.slowWords.includes(word) ? 220 : 12);
    const hits = products.filter(({ name }) => name.includes(word)).slice(0, 8);
    return { products: hits.map(({ id, name }) => ({ id, name })) };
  });
}

async function list(call) {
  const from = (Number(call.query.get('page') ?? 1) - 1) * PAGE;
  await call.work(10);
  return { products: products.slice(from, from + PAGE).map(({ id, name }) => ({ id, name })) };
}

startService({
  'GET /products/:id': show,
  'GET /featured': featured,
  'GET /search': search,
  'GET /categories': async () => ({ categories: words.categories }),
  'GET /products': list,
  'DELETE /cache/:id': async (call) => ({ gone: await call.redis('DEL', `product:${call.values.id}`) }),
});

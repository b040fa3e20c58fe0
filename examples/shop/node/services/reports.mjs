/** Stands in for python/reports.py where Python is missing. Serves the back office only. */
import { answer, startService } from '../service.mjs';

const PAGES = 3;

async function stockReport(call) {
  const [categories, levels] = await Promise.all([
    call.http('catalogue', 'GET', '/categories'),
    call.http('inventory', 'GET', '/levels', undefined, { retries: 1 }),
  ]);
  if (categories.status !== 200 || levels.status !== 200) return answer(502, { error: 'incomplete' });
  return { categories: categories.value.categories, levels: levels.value.levels };
}

async function exportAll(call) {
  const rows = [];
  for (let page = 1; page <= PAGES; page++) {
    const got = await call.http('catalogue', 'GET', `/products?page=${page}`);
    rows.push(...(got.value?.products ?? []));
    await call.work(40);
  }
  const recent = await call.http('orders', 'GET', '/recent');
  return { rows, orders: recent.value?.orders ?? [] };
}

startService({ 'GET /stock-report': stockReport, 'GET /export': exportAll });

/** The back office's front: stock report, price change, refund, export. Serves staff only. */
import { answer, startService } from '../service.mjs';
import { openSession, userOf } from '../sessions.mjs';

const COOKIE = 'staff';

function passOn(got, ...others) {
  const worst = [got, ...others].find((each) => each.status === 0 || each.status >= 400);
  const told = worst ?? got;
  return answer(told.status === 0 ? 502 : told.status, told.value);
}

/** Wraps a handler: only staff with a session get through. */
function forStaff(handler) {
  return async (call) => {
    const user = await userOf(call, COOKIE);
    return user === undefined ? answer(403, { error: 'staff only' }) : handler(call);
  };
}

async function login(call) {
  const checked = await call.http('users', 'POST', '/check', call.body);
  if (checked.status !== 200) return passOn(checked);
  if (!checked.value.staff) return answer(403, { error: 'staff only' });
  return answer(200, { ok: true }, await openSession(call, COOKIE, checked.value.user));
}

async function stock(call) {
  const host = await call.address('reports');
  return passOn(await call.http('reports', 'GET', '/stock-report', undefined, { host }));
}

async function exportAll(call) {
  const host = await call.address('reports');
  return passOn(await call.http('reports', 'GET', '/export', undefined, { host }));
}

async function changePrice(call) {
  const { id } = call.values;
  const changed = await call.http('pricing', 'PUT', `/price/${id}`, call.body);
  if (changed.status !== 200) return passOn(changed);
  return passOn(changed, await call.http('catalogue', 'DELETE', `/cache/${id}`));
}

async function refund(call) {
  return passOn(await call.http('orders', 'POST', `/orders/${call.values.id}/refund`, {}));
}

startService({
  'POST /office/login': login,
  'GET /office/stock': forStaff(stock),
  'GET /office/export': forStaff(exportAll),
  'PUT /office/price/:id': forStaff(changePrice),
  'POST /office/refund/:id': forStaff(refund),
});

/** Who may sign in, and what is known of them. */
import { answer, startService } from '../service.mjs';

const USERS = 2_000;
const STAFF_FROM = 1_900;

async function check(call) {
  const { name, password } = call.body ?? {};
  const user = Number(String(name ?? '').replace(/^[a-z]+/, ''));
  await call.work(4);
  if (!(user >= 1 && user <= USERS) || password !== `secret of ${name}`) {
    return answer(401, { error: 'wrong name or password' });
  }
  return { user, staff: user >= STAFF_FROM };
}

async function show(call) {
  const id = Number(call.values.id);
  if (!(id >= 1 && id <= USERS)) return answer(404, { error: 'no such user' });
  const known = await call.redis('HGETALL', `user:${id}`);
  if (known.length === 0) {
    await call.work(12);
    await call.pipeline([
      ['HSET', `user:${id}`, 'since', 2010 + (id % 14), 'points', id * 3],
      ['EXPIRE', `user:${id}`, 20],
    ]);
  }
  return { user: id, since: 2010 + (id % 14), points: id * 3 };
}

startService({ 'POST /check': check, 'GET /users/:id': show });

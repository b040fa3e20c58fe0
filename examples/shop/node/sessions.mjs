/** Sessions by cookie, kept in Redis: both fronts of the shop share the way, not the sessions. */

const SECONDS = 1_800;

function tokenFrom(random) {
  let token = '';
  while (token.length < 24) token += Math.floor(random() * 36).toString(36);
  return token;
}

/** The user's number of the session in the cookie, or undefined. */
export async function userOf(call, cookie) {
  const found = new RegExp(`(?:^|; )${cookie}=([a-z0-9]+)`).exec(call.headers.cookie ?? '');
  if (found === null) return undefined;
  const user = await call.redis('GET', `${cookie}:${found[1]}`);
  return user === undefined ? undefined : Number(user);
}

/** Opens a session and returns the header that sets its cookie. */
export async function openSession(call, cookie, user) {
  const token = tokenFrom(call.random);
  await call.redis('SET', `${cookie}:${token}`, user, 'EX', SECONDS);
  return { 'set-cookie': `${cookie}=${token}; Path=/; HttpOnly` };
}

/**
 * What the users of the shop do, decided before the first request: the same seed, rate, length and number
 * of users give the same list of actions, whatever the services answer. An action is what one user wants
 * at one moment; its steps are the requests that a browser makes for it, one after another.
 */
import { hash32, ISSUERS, randomFrom, slowIssuersOf } from './random.mjs';

const PRODUCTS = 204;
const PRODUCTS_OF_INTEREST = 60;
const FIRST_STAFF = 1_900;
const STAFF_SHARE = 0.1;
const OFFICE_SHARE = 0.1;
const WORDS = ['lamp', 'amber', 'kettle', 'calm', 'oar', 'quilt', 'jar', 'gentle', 'mirror', 'light'];

/** What a visitor who is signed in does next, and how often. */
const SHOP_WEIGHTS = [
  ['browse', 12],
  ['search', 18],
  ['product', 26],
  ['add', 12],
  ['cart', 6],
  ['checkout', 9],
  ['orders', 5],
  ['account', 4],
  ['slow-search', 1],
  ['missing-product', 1.5],
  ['broken-search', 0.7],
  ['too-many', 0.8],
];
const OFFICE_WEIGHTS = [
  ['stock-report', 5],
  ['price-change', 4],
  ['refund', 3],
  ['export', 1.5],
  ['bad-price', 0.5],
];

function choose(random, weights) {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  let left = random() * total;
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return weights[0][0];
}

function pick(random, count) {
  return 1 + Math.floor(random() * count);
}

/** Popular products come up far more often than others: that is what makes a cache worth having. */
function pickProduct(random) {
  return random() < 0.8 ? pick(random, PRODUCTS_OF_INTEREST) : pick(random, PRODUCTS);
}

function shopSteps(kind, { random, person, slowIssuers }) {
  const get = (path) => ({ method: 'GET', path });
  const post = (path, body) => ({ method: 'POST', path, body });
  const word = () => WORDS[Math.floor(random() * WORDS.length)];
  switch (kind) {
    case 'browse':
      return [get('/')];
    case 'search':
      return random() < 0.4
        ? [get(`/search?q=${word()}`), get(`/product/${pickProduct(random)}`)]
        : [get(`/search?q=${word()}`)];
    case 'slow-search':
      return [get('/search?q=anything')];
    case 'broken-search':
      return [get(`/search?q=${encodeURIComponent('[broken')}`)];
    case 'product':
      return [get(`/product/${pickProduct(random)}`)];
    case 'missing-product':
      return [get(`/product/${PRODUCTS + pick(random, 90)}`)];
    case 'add':
      person.items++;
      return [post('/cart', { product: pickProduct(random), quantity: pick(random, 2) })];
    case 'too-many':
      return [post('/cart', { product: pickProduct(random), quantity: 900 })];
    case 'cart':
      return [get('/cart')];
    case 'orders':
      return [get('/orders')];
    case 'account':
      return [get('/account')];
    default: {
      const fill = person.items === 0 && random() < 0.9;
      person.items = 0;
      const issuer = pick(random, ISSUERS);
      const product = { product: pickProduct(random), quantity: 1 };
      const order = { ...post('/checkout', { issuer }), slow: slowIssuers.includes(issuer) };
      return fill ? [post('/cart', product), order] : [order];
    }
  }
}

function officeSteps(kind, random, orders) {
  const id = pickProduct(random);
  switch (kind) {
    case 'stock-report':
      return [{ method: 'GET', path: '/office/stock' }];
    case 'export':
      return [{ method: 'GET', path: '/office/export' }];
    case 'price-change':
      return [{ method: 'PUT', path: `/office/price/${id}`, body: { price: 5 + pick(random, 200) } }];
    case 'bad-price':
      return [{ method: 'PUT', path: `/office/price/${id}`, body: { price: -1 } }];
    default:
      return [{ method: 'POST', path: `/office/refund/${pick(random, Math.max(3, orders))}` }];
  }
}

function loginSteps(random, person) {
  const name = `${person.staff ? 'staff' : 'user'}${person.user}`;
  const path = person.staff ? '/office/login' : '/login';
  const right = { method: 'POST', path, body: { name, password: `secret of ${name}` } };
  if (random() > 0.06) return [right];
  return [{ ...right, body: { name, password: 'forgotten' } }, right];
}

function nextAction(random, person, slowIssuers, orders) {
  const mustSignIn = !person.signedIn && (person.staff || random() < 0.7);
  if (mustSignIn) {
    person.signedIn = true;
    return { kind: 'login', steps: loginSteps(random, person) };
  }
  if (person.staff) {
    const kind = choose(random, OFFICE_WEIGHTS);
    return { kind, steps: officeSteps(kind, random, orders) };
  }
  const weights = person.signedIn ? SHOP_WEIGHTS : SHOP_WEIGHTS.slice(0, 3);
  const kind = choose(random, weights);
  return { kind, steps: shopSteps(kind, { random, person, slowIssuers }) };
}

/** Marks a path with a number that is unique in the run: only by it can a hop through nginx be joined. */
function mark(path, number) {
  return `${path}${path.includes('?') ? '&' : '?'}v=${number}`;
}

/**
 * The actions of a run, one after another in order of time:
 * { ordinal, atMs, user, application, kind, slow, steps }.
 * `rate` actions a second (exponential gaps) for `seconds`, by `users` users of whom a tenth are staff.
 * A second run on the same shop counts on from `actionsBefore` and `viewsBefore`.
 */
export function* eachAction({
  seed = 1,
  rate = 50,
  seconds = 20,
  users = 40,
  actionsBefore = 0,
  viewsBefore = 0,
}) {
  const random = randomFrom(seed ^ hash32('users'));
  const slowIssuers = slowIssuersOf(seed);
  const staffCount = Math.max(1, Math.round(users * STAFF_SHARE));
  const newPerson = (user, staff) => ({ user, staff, signedIn: false, items: 0 });
  const visitors = Array.from({ length: Math.max(1, users - staffCount) }, (_, at) =>
    newPerson(at + 1, false),
  );
  const staff = Array.from({ length: staffCount }, (_, at) => newPerson(FIRST_STAFF + at, true));
  let ordinal = actionsBefore;
  let views = viewsBefore;
  let orders = 0;
  for (let atMs = 0; ;) {
    atMs += (-Math.log(1 - random()) / rate) * 1000;
    if (atMs >= seconds * 1000) return;
    const crowd = random() < OFFICE_SHARE ? staff : visitors;
    const person = crowd[Math.floor(random() * crowd.length)];
    const { kind, steps } = nextAction(random, person, slowIssuers, orders);
    if (kind === 'checkout') orders++;
    yield {
      ordinal: ++ordinal,
      atMs: Math.round(atMs),
      user: person.user,
      application: person.staff ? 'office' : 'shop',
      kind,
      slow: steps.some((step) => step.slow === true),
      steps: steps.map(({ method, path, body }) => ({ method, path: mark(path, ++views), body })),
    };
  }
}

/** All of them at once. */
export function planActions(wanted) {
  return [...eachAction(wanted)];
}

/**
 * Names of one thing with their evidence, few of them: a name that keeps being seen stays, and a flood of
 * names that are seen once (a scanner's Host headers) only wears itself out. When there is no room, every
 * name of the same evidence loses one count and those at 0 go: the heavy hitters of Misra and Gries,
 * https://doi.org/10.1016/0167-6423(82)90012-0.
 */

/** How a name was learnt. Order is precedence: the first that there is names the endpoint. */
export const EVIDENCE = [
  'config',
  'container',
  'unit',
  'process',
  'name-block',
  'host',
  'dns',
  'address',
] as const;
export type Evidence = (typeof EVIDENCE)[number];

export interface EndpointName {
  readonly name: string;
  readonly evidence: Evidence;
  /** Seconds since 1970 when it was first and last seen. */
  readonly from: number;
  readonly to: number;
  /** For people: `pid 812, /usr/bin/node`, `answer for 10.0.0.7`. */
  readonly detail: string;
}

interface Held extends EndpointName {
  to: number;
  detail: string;
  count: number;
}

/** Of each evidence. */
const NAMES_MAX = 8;
/** The longest DNS name as text (RFC 1035 section 2.3.4); all texts come from outside. */
const NAME_MAX = 253;
const DETAIL_MAX = 200;

const RANK = new Map<string, number>(EVIDENCE.map((one, index) => [one, index]));

export class NameList {
  #held: Held[] = [];

  get size(): number {
    return this.#held.length;
  }

  /** Notes that a name was seen; answers whether the list changed in more than its times. */
  add(name: string, evidence: Evidence, seconds: number, detail: string): boolean {
    const short = name.slice(0, NAME_MAX);
    if (short === '') return false;
    const same = this.#held.find((one) => one.name === short && one.evidence === evidence);
    if (same !== undefined) {
      same.count++;
      same.to = Math.max(same.to, seconds);
      same.detail = detail.slice(0, DETAIL_MAX);
      // Alone of its evidence it stands where it stood.
      return this.#held.some((one) => one.evidence === evidence && one !== same);
    }
    const alike = this.#held.filter((one) => one.evidence === evidence);
    if (alike.length >= NAMES_MAX) {
      for (const one of alike) one.count--;
      this.#held = this.#held.filter((one) => one.count > 0);
      return true;
    }
    const held = {
      name: short,
      evidence,
      from: seconds,
      to: seconds,
      detail: detail.slice(0, DETAIL_MAX),
      count: 1,
    };
    this.#held.push(held);
    return true;
  }

  names(): readonly (EndpointName & { readonly count: number })[] {
    return this.#held;
  }
}

/**
 * Best first: by evidence; of one evidence the one that held at `at`, or nearest to it, so that a name learnt
 * later names earlier rows too and a successor does not rename its predecessor's; then the one seen more
 * often, then the newest.
 */
export function byPrecedence(at: number | undefined) {
  return (a: EndpointName & { count?: number }, b: EndpointName & { count?: number }): number =>
    (RANK.get(a.evidence) ?? 0) - (RANK.get(b.evidence) ?? 0) ||
    distance(a, at) - distance(b, at) ||
    (b.count ?? 0) - (a.count ?? 0) ||
    b.to - a.to ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Without a moment, that of the owners of a socket that came last. What is not of a process holds always. */
function distance(name: EndpointName, at: number | undefined): number {
  if (name.evidence !== 'process' && name.evidence !== 'unit' && name.evidence !== 'container') return 0;
  if (at === undefined) return -name.to;
  return at < name.from ? name.from - at : at > name.to ? at - name.to : 0;
}

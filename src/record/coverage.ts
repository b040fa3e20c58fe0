/**
 * The coverage ledger: what was not seen, not read or not kept, by reason. Nothing is lost without an entry
 * here. Counts are per worker and cumulative; main takes the difference every second.
 */
export const COVERAGE_REASONS = [
  /** The kernel had no room in the ring. */
  'kernel-drop',
  /** The reader of a ring did not keep up and frames were shed before parsing. */
  'shed',
  /** The file or frame ended before its stated length. */
  'truncated-frame',
  'malformed-frame',
  /** A link type that we do not read. */
  'unknown-link',
  /** Neither IPv4 nor IPv6 (ARP, LLDP …). Nothing is wrong. */
  'not-ip',
  /** IP, but neither TCP nor UDP (ICMP, tunnels that we do not open). */
  'not-transport',
  /** A fragment whose datagram was never complete. */
  'fragment-incomplete',
  'fragment-limit',
  /** Bytes of a TCP stream that the peer acknowledged and that we never saw. */
  'gap',
  /** Bytes that could not be placed in a message (after a gap, or joined mid-message). */
  'resync',
  /** Bytes on connections whose protocol we do not know. */
  'unknown-protocol',
  /** Bytes on connections that switched to something we do not read (WebSocket …). */
  'not-decoded',
  /** Bytes on encrypted connections. */
  'encrypted',
  /** Connections joined after their beginning (count of connections). */
  'mid-stream',
  'connection-limit',
  'message-limit',
  'open-call-limit',
  'reassembly-limit',
  'heap-limit',
  'operation-limit',
  'string-limit',
  /** Copies of packets seen at another interface or direction. Nothing is lost. */
  'copy',
  /** A connection that another view (beyond a NAT, or another worker) counts. Nothing is lost. */
  'duplicate-view',
  /** eastwest's own traffic. */
  'own-traffic',
  /** Rows that a full queue or a closed output did not take. */
  'row-not-written',
  'sampled-out',
  /** Processes behind a socket that could not be told in time (count of connections). */
  'process-unknown',
  /** Capture interfaces that vanished (count). */
  'interface-gone',
] as const;
export type CoverageReason = (typeof COVERAGE_REASONS)[number];

const NUMBER = new Map<string, number>(COVERAGE_REASONS.map((reason, index) => [reason, index]));

/** The number of a reason; for constants at the top of a file. */
export function reasonNumber(reason: CoverageReason): number {
  return NUMBER.get(reason) as number;
}

/** Pairs of endpoints that are told apart; the rest is `other`. */
const PAIRS_MAX = 1024;

export class Ledger {
  /** By reason: how many times (packets, connections, rows), and how many bytes. */
  readonly counts = new Float64Array(COVERAGE_REASONS.length);
  readonly bytes = new Float64Array(COVERAGE_REASONS.length);
  /** The same for the pairs of endpoints first met, `client server reason` → [count, bytes]. */
  readonly pairs = new Map<string, [number, number]>();

  /** Counts `count` events and `bytes` bytes under a reason; allocates nothing. */
  add(reason: number, count: number, bytes: number): void {
    this.counts[reason] += count;
    this.bytes[reason] += bytes;
  }

  /** As `add`, and for a pair of endpoints; off the hot path (a loss has just happened). */
  addPair(reason: number, count: number, bytes: number, client: string, server: string): void {
    this.add(reason, count, bytes);
    this.pair(reason, count, bytes, client, server);
  }

  /** For a pair only: the sums have it already. */
  pair(reason: number, count: number, bytes: number, client: string, server: string): void {
    let key = `${client} ${server} ${reason}`;
    if (!this.pairs.has(key) && this.pairs.size >= PAIRS_MAX) key = `other other ${reason}`;
    const row = this.pairs.get(key);
    if (row === undefined) this.pairs.set(key, [count, bytes]);
    else {
      row[0] += count;
      row[1] += bytes;
    }
  }
}

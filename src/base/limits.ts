/**
 * Every limit of a worker, with its reason. Reaching one is counted in the coverage ledger under the
 * reason named beside it; nothing here is ever exceeded. Units last in the name.
 */
export interface Limits {
  /** The worker's memory below: code data, input, connections, heap. Reserved, not touched, at start. */
  readonly heapBytes: number;
  /** Connections known at once (reason `connection-limit`): a row is 432 bytes. */
  readonly connections: number;
  /** Most bytes kept of one unfinished head or frame (reason `message-limit`). nginx takes 32 KiB. */
  readonly messageBytes: number;
  /** Requests of one connection waiting for their answer (reason `open-call-limit`). */
  readonly openCallsPerConnection: number;
  /** Out-of-order bytes kept for one connection, both directions (reason `reassembly-limit`). */
  readonly reassemblyBytesPerConnection: number;
  /** Out-of-order segments kept for one connection (reason `reassembly-limit`). */
  readonly reassemblySegmentsPerConnection: number;
  /** IP datagrams being put together at once (reason `fragment-limit`). */
  readonly fragmentedDatagrams: number;
  /** A hole that the receiver acknowledged is our loss once this many frames went by … */
  readonly holeFrames: number;
  /** … and this much time; */
  readonly holeMs: number;
  /** or, in any case, after this much time: */
  readonly holeMaxMs: number;
  /**
   * in a file, and so many frames. A quiet capture leaves seconds between two frames, and merged ones have
   * packets displaced by a few, whatever their stamps.
   */
  readonly holeMaxFrames: number;
  /** A connection without packets is forgotten after this long; its open calls end. */
  readonly idleMs: number;
  /** A UDP request waits this long for its answer. Resolvers give up after 5 s. */
  readonly datagramAnswerMs: number;
  /** Names of operations per server endpoint; the rest is `GET /*` (reason `operation-limit`). */
  readonly operationsPerServer: number;
  /** Distinct texts (methods, operations, hosts, statuses) per worker (reason `string-limit`). */
  readonly strings: number;
  /** Most bytes of a target that a row keeps (flag truncated). */
  readonly targetBytes: number;
  /** Bytes of a body offered to who asked (fingerprints). */
  readonly bodyBytes: number;
  /** Rows in one block of calls: its columns take 8 MB; whoever stores blocks may join them. */
  readonly blockRows: number;
  /** A block that is not full leaves after this long. */
  readonly blockMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  heapBytes: 384 * 1024 * 1024,
  connections: 262_144,
  messageBytes: 65_536,
  openCallsPerConnection: 1024,
  reassemblyBytesPerConnection: 1024 * 1024,
  reassemblySegmentsPerConnection: 512,
  fragmentedDatagrams: 256,
  holeFrames: 256,
  holeMs: 10,
  holeMaxMs: 5000,
  holeMaxFrames: 32,
  idleMs: 15 * 60_000,
  datagramAnswerMs: 5000,
  operationsPerServer: 1000,
  strings: 65_536,
  targetBytes: 1024,
  bodyBytes: 2048,
  blockRows: 16_384,
  blockMs: 1000,
};

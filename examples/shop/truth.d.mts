/** Types of truth.mjs for those who use it from TypeScript. */

export interface TruthCall {
  readonly t: 'call';
  readonly id: string;
  readonly parent?: string;
  /** The user's action at the root, or the job that nobody asked for. */
  readonly action?: string;
  readonly job?: string;
  readonly client: string;
  readonly server: string;
  readonly protocol: 'http' | 'redis' | 'dns';
  readonly client_address: string;
  readonly client_port: number;
  readonly server_address: string;
  readonly server_port: number;
  /** Ordinal of the request on its connection, from 1. */
  readonly n: number;
  readonly attempt: number;
  readonly method: string;
  readonly path: string;
  /** HTTP status; DNS response code; for Redis 200, or 500 for an error. */
  readonly status: number;
  /** Microseconds since 1970. */
  readonly start: number;
  readonly end: number;
}

export interface TruthAction {
  readonly t: 'action';
  readonly action: string;
  readonly ordinal: number;
  readonly user: number;
  readonly application: 'shop' | 'office';
  readonly kind: string;
  readonly slow: boolean;
  readonly paths: readonly string[];
  readonly statuses: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Truth {
  readonly actions: readonly TruthAction[];
  readonly calls: readonly TruthCall[];
  readonly orphans: readonly TruthCall[];
  readonly unmatched: readonly unknown[];
}

export interface ExpectedCounts {
  readonly total: number;
  /** Server → protocol → calls. */
  readonly services: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly edges: readonly { client: string; server: string; protocol: string; calls: number }[];
}

export interface TruthFile {
  readonly run: Readonly<Record<string, unknown>>;
  readonly actions: readonly TruthAction[];
  readonly calls: readonly TruthCall[];
  readonly expected: ExpectedCounts;
}

export function joinTruth(folder: string): Truth;
export function expectedCounts(calls: readonly TruthCall[]): ExpectedCounts;
export function formatTruth(truth: Truth, run?: Readonly<Record<string, unknown>>): string;
export function parseTruth(text: string): TruthFile;
export function callTrees(calls: readonly TruthCall[]): {
  readonly roots: readonly TruthCall[];
  childrenOf(call: TruthCall): readonly TruthCall[];
};

/** Types of shop.mjs for those who use it from TypeScript. */

export interface ShopService {
  readonly name: string;
  readonly language: 'node' | 'python' | 'go' | 'nginx' | 'redis';
  /** Where it listens. */
  readonly address: string;
  readonly port: number;
  readonly protocol: 'http' | 'redis' | 'dns';
  readonly applications: readonly ('shop' | 'office')[];
}

export interface ServiceMove {
  readonly bind?: string;
  readonly url?: string;
  readonly prefix?: string | readonly string[];
}

export interface ShopOptions {
  /** First of 16 ports on 127.0.0.1 (default 18000); 0 finds free ones. */
  readonly port?: number;
  readonly seed?: number;
  /** Run-times to leave out: redis, nginx, python, go. */
  readonly without?: readonly string[];
  /** A file, or service → where it listens, how it is reached, what goes before its command. */
  readonly topology?: string | Readonly<Record<string, ServiceMove>>;
  /** An existing folder into which each process writes its truth; none without. */
  readonly truthFolder?: string;
  readonly say?: (line: string) => void;
}

export interface LoadOptions {
  /** Actions of users a second (default 50). */
  readonly rate?: number;
  readonly seconds?: number;
  readonly users?: number;
  readonly seed?: number;
}

export interface LoadSummary {
  readonly actions: number;
  readonly requests: number;
  readonly clientErrors: number;
  readonly serverErrors: number;
  readonly unanswered: number;
}

export interface Shop {
  readonly services: readonly ShopService[];
  /** What was left out, one line each. */
  readonly said: readonly string[];
  readonly seed: number;
  readonly run: string;
  /** Rejects when a service ends that nobody told to. */
  readonly failed: Promise<never>;
  pids(): number[];
  /** Resolves once the time is over and all is answered; undefined when the shop was stopped meanwhile. */
  load(options?: LoadOptions): Promise<LoadSummary | undefined>;
  stopLoad(): void;
  /** Waits until nothing is in flight; no job starts a call afterwards. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export function startShop(options?: ShopOptions): Promise<Shop>;

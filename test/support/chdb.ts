/**
 * The real engine for tests: chDB, when it is installed. It is no dependency of the package's engine half,
 * so a test that wants it says in its skip reason that it is missing.
 */
export interface ChdbSession {
  query(sql: string, format: string): string;
  cleanup(): void;
}

interface ChdbModule {
  readonly Session: new () => ChdbSession;
}

function isChdb(module: unknown): module is ChdbModule {
  return typeof module === 'object' && module !== null && 'Session' in module;
}

/** A session on a directory of its own, or undefined without chDB. */
export async function openChdb(): Promise<ChdbSession | undefined> {
  const name = 'chdb';
  try {
    const module: unknown = await import(name);
    const found = isChdb(module) ? module : undefined;
    return found === undefined ? undefined : new found.Session();
  } catch {
    return undefined;
  }
}

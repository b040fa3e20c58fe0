/** What the live commands share: where packets come from, and when to end. */
import type { LiveStart } from '../wire/worker/messages.ts';
import type { Configuration } from './options.ts';
import type { Sensor } from './sensor.ts';

export function liveSource(configuration: Configuration): LiveStart {
  return {
    kind: 'live',
    interfaces: configuration.interface,
    filter: configuration.bpf,
    workers: configuration.workers,
    mapping: 'auto',
  };
}

/** Waits until the time is up, the user stops it, or the sensor ends by itself. */
export async function until(forMs: number | undefined, signal: AbortSignal, sensor: Sensor): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (forMs !== undefined) timer = setTimeout(resolve, forMs);
  });
  try {
    await Promise.race([stopped, sensor.done()]);
  } finally {
    clearTimeout(timer);
  }
}

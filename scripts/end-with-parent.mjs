/** Loaded into a child that must not outlive its parent: ends it when the channel to the parent closes. */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.channel !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The channel alone keeps nobody waiting.
  process.channel.unref();
}

/** Loaded into a child that must not outlive its parent: ends it when the channel to the parent closes. */
import { isMainThread } from 'node:worker_threads';

// Workers of the child are given this file as well.
if (isMainThread) {
  const end = () => process.kill(process.pid, 'SIGTERM');
  if (process.connected) {
    process.once('disconnect', end);
    // The channel alone keeps nobody waiting.
    process.channel.unref();
  } else {
    end();
  }
}

/** What this process may do: tests that need more are skipped by name, with the reason. */
import { libc } from '../../src/wire/capture/libc.ts';
import { openPacketSocket } from '../../src/wire/capture/ring.ts';

/** True where packets can be captured (CAP_NET_RAW). */
export function canCapture(): boolean {
  const socket = openPacketSocket();
  if (socket.ok) libc()?.close(socket.value);
  return socket.ok;
}

/** For `test(name, { skip: noCapture() })`: false, or why live capture cannot be tested here. */
export function noCapture(): string | false {
  return canCapture() ? false : 'no right to capture here (CAP_NET_RAW)';
}

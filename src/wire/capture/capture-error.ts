/**
 * Why a capture could not be opened. The message is one sentence for the user: what, where, what to do.
 */
import { realpathSync } from 'node:fs';
import { EACCES, ENODEV, EPERM, errnoText } from './libc.ts';

export type CaptureErrorKind =
  /** Not allowed to capture here: CAP_NET_RAW is missing. */
  | 'no-right'
  | 'no-interface'
  /** The filter expression is wrong, or cannot be used on this interface. */
  | 'filter'
  /** Filters need libpcap, which is not there. */
  | 'no-libpcap'
  /** Not Linux, or a C library that is not glibc. */
  | 'unsupported'
  /** The kernel refused the ring; the message holds its reason. */
  | 'ring';

export interface CaptureError {
  readonly kind: CaptureErrorKind;
  readonly message: string;
}

/** What a refused step of opening a ring means to the user. */
export function ringFailure(step: string, errno: number): CaptureError {
  if (errno === EPERM || errno === EACCES) return { kind: 'no-right', message: noRightMessage() };
  if (errno === ENODEV) return { kind: 'no-interface', message: 'The interface is no longer there.' };
  return { kind: 'ring', message: `Cannot ${step}: ${errnoText(errno)}.` };
}

function noRightMessage(): string {
  // File capabilities belong to the program itself, not to a link to it.
  const node = realpathSync(process.execPath);
  return (
    'Live capture needs the capability CAP_NET_RAW, which this process does not have: ' +
    `grant it once with \`sudo setcap cap_net_raw+ep ${node}\`, or run eastwest with sudo.`
  );
}

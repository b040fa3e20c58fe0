/**
 * Endpoint ids that main gives: of host and container, unit or process. HMAC-SHA-256 with the key that all
 * sensors share, cut to 64 bits: nobody who sees ids can try names, and any sensor with the key makes the
 * same one of the same thing (https://www.rfc-editor.org/rfc/rfc2104).
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { decimal } from '../../record/decimal.ts';

export type OwnerKind = 'container' | 'unit' | 'process';

export interface EndpointId {
  readonly low: number;
  readonly high: number;
  /** Decimal text, as `client_endpoint` and `server_endpoint` in JSON. */
  readonly id: string;
}

/** The id of `host NUL kind NUL name`, as two signed words; never 0, which means none. */
export function ownerId(key: Uint8Array, host: string, kind: OwnerKind, name: string): EndpointId {
  const digest = createHmac('sha256', key).update(`${host}\0${kind}\0${name}`).digest();
  const low = digest.readInt32LE(0) || 1;
  const high = digest.readInt32LE(4);
  return { low, high, id: decimal(low, high) };
}

/**
 * What tells this host from others: machine-id(5) and the host's name, since machines that were cloned have
 * the same machine-id, and containers often the same name.
 */
export function hostIdentity(): string {
  let machine = '';
  try {
    machine = readFileSync('/etc/machine-id', 'latin1').trim().slice(0, 64);
  } catch {
    // Not a systemd host: the name alone.
  }
  return `${machine} ${hostname()}`;
}

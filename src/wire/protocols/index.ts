/** Every protocol we read, a line each. Order breaks ties between equally sure guesses. */
import { dns, dnsOverTcp } from './dns.ts';
import { http } from './http.ts';
import type { Protocol } from './protocol.ts';
import { redis } from './redis.ts';

export const PROTOCOLS: readonly Protocol[] = [http, redis, dns, dnsOverTcp];

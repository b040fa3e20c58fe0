/** Addresses and CIDR ranges as numbers, and the rules `services` of the configuration on them. */
import { isIP } from 'node:net';

/** A `services` entry: all ports of an address or range, or one. */
export interface ServiceRule {
  readonly name: string;
  /** An address or a CIDR range, IPv4 or IPv6. */
  readonly address: string;
  readonly port?: number | undefined;
}

interface Parsed {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Range extends Parsed {
  readonly prefix: number;
}

/** An address as a number; an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is IPv4. */
export function parseAddress(text: string): Parsed | undefined {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  const version = isIP(bare);
  if (version === 4) return { bits: 32, value: ofBytes(bare.split('.').map(Number)) };
  if (version === 0) return undefined;
  const [head, tail] = bare.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: Math.max(0, 16 - before.length - after.length) }, () => 0);
  const value = ofBytes([...before, ...zeros, ...after]);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function ofBytes(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** `10.0.0.0/8`, `fd00::/16`, or an address alone. */
export function parseRange(text: string): Range | undefined {
  const slash = text.lastIndexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { ...address, prefix: address.bits };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits)) return undefined;
  // A range of mapped addresses (::ffff:10.0.0.0/104) is one of IPv4.
  const mapped = address.bits === 32 && text.includes(':');
  const prefix = Number(digits) - (mapped ? 96 : 0);
  return prefix < 0 || prefix > address.bits ? undefined : { ...address, prefix };
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** The service of an address and port: the most specific range first; of equal ones, that with a port. */
export class ServiceRules {
  readonly #rules: { rule: ServiceRule; range: Range }[] = [];

  /** Rules whose address cannot be read are left out: the configuration has refused them before. */
  constructor(rules: readonly ServiceRule[]) {
    for (const rule of rules) {
      const range = parseRange(rule.address);
      if (range !== undefined) this.#rules.push({ rule, range });
    }
    const portFirst = (rule: ServiceRule): number => (rule.port === undefined ? 1 : 0);
    // The sort is stable: of two equal rules the first in the configuration counts.
    this.#rules.sort((a, b) => b.range.prefix - a.range.prefix || portFirst(a.rule) - portFirst(b.rule));
  }

  /** `port` undefined: a client, of which only rules for all ports may speak. */
  find(address: string, port: number | undefined): ServiceRule | undefined {
    if (this.#rules.length === 0) return undefined;
    const parsed = parseAddress(address);
    if (parsed === undefined) return undefined;
    for (const { rule, range } of this.#rules) {
      if (range.bits !== parsed.bits || (rule.port !== undefined && rule.port !== port)) continue;
      const rest = BigInt(range.bits - range.prefix);
      if (parsed.value >> rest === range.value >> rest) return rule;
    }
    return undefined;
  }
}

/**
 * Values of options as text: one reader for flags and environment variables. What is wrong comes back as
 * half a sentence, to which the caller adds where it stood.
 */
import { isIP } from 'node:net';
import { fail, ok, type Result } from '../base/result.ts';
import { nearest } from '../base/nearest.ts';
import type { OptionDeclaration, Service } from './options.ts';

export type ValueResult = Result<unknown, string>;

const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNITS_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};
const PORT_MAX = 65_535;

/** The value that a text stands for. */
export function readValue(option: OptionDeclaration, text: string): ValueResult {
  switch (option.kind) {
    case 'flag':
      return readFlag(text);
    case 'text':
      return text === '' ? fail('is empty') : ok(text);
    case 'texts': {
      const items = splitList(text);
      return items.length === 0 ? fail('is empty') : ok(items);
    }
    case 'integer':
      return /^[0-9]{1,15}$/.test(text)
        ? inRange(option, Number(text))
        : fail(`is no whole number: "${text}"`);
    case 'bytes':
      return readBytes(option, text);
    case 'duration':
      return readDuration(text);
    case 'choice':
      return readChoice(option, text);
    case 'services':
      return readServices(text);
  }
}

export function readChoice(option: OptionDeclaration, text: string): ValueResult {
  const choices = option.choices ?? [];
  if (choices.includes(text)) return ok(text);
  const meant = nearest(text, choices);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return fail(`is "${text}", and has to be one of ${choices.join(', ')}${hint}`);
}

export function inRange(option: OptionDeclaration, value: number): ValueResult {
  const { min, max } = option;
  if (min !== undefined && value < min) return fail(`is ${value}; the least is ${min}`);
  if (max !== undefined && value > max) return fail(`is ${value}; the most is ${max}`);
  return ok(value);
}

/** `20s`, `1m30s`, `500ms`, as milliseconds. */
export function readDuration(text: string): ValueResult {
  if (!/^(?:[0-9]{1,9}(?:\.[0-9]{1,3})?(?:ms|s|m|h))+$/.test(text))
    return fail(`is no time such as 20s or 1m30s: "${text}"`);
  let total = 0;
  for (const part of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) total += Number(part[1]) * UNITS_MS[part[2]];
  return total > 0 ? ok(Math.round(total)) : fail('is no time at all');
}

/** `65536`, `64KiB`, `2MiB`. */
export function readBytes(option: OptionDeclaration, text: string): ValueResult {
  const parts = /^([0-9]{1,15})(B|KiB|MiB|GiB)?$/.exec(text);
  if (parts === null) return fail(`is no size such as 65536 or 64KiB: "${text}"`);
  return inRange(option, Number(parts[1]) * UNITS_BYTES[parts[2] ?? '']);
}

function readFlag(text: string): ValueResult {
  const lower = text.toLowerCase();
  if (TRUE.includes(lower)) return ok(true);
  if (FALSE.includes(lower)) return ok(false);
  return fail(`is "${text}", and has to be true or false`);
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `cart=10.0.0.1:80,db=10.1.0.0/16,web=[fd00::1]:443`. */
function readServices(text: string): ValueResult {
  const services: Service[] = [];
  for (const item of splitList(text)) {
    const parts = /^([^=]+)=(?:\[([^\]]+)\]|([^:]+|[0-9a-fA-F:]+(?:\/[0-9]+)?))(?::([0-9]+))?$/.exec(item);
    if (parts === null) return fail(`has "${item}", which is not NAME=ADDRESS[:PORT]`);
    const service = checkService(
      parts[1],
      parts[2] ?? parts[3],
      parts[4] === undefined ? undefined : Number(parts[4]),
    );
    if (!service.ok) return service;
    services.push(service.value);
  }
  return ok(services);
}

/** A service of the configuration, checked. */
export function checkService(
  name: string,
  address: string,
  port: number | undefined,
): Result<Service, string> {
  if (!isAddressOrRange(address))
    return fail(`has "${address}", which is no address and no range such as 10.1.0.0/16`);
  if (port !== undefined && (port < 1 || port > PORT_MAX))
    return fail(`has the port ${port}; ports go from 1 to 65535`);
  return ok({ name, address, port });
}

export function isAddressOrRange(text: string): boolean {
  const [address, bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

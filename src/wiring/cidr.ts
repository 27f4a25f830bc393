import { isIP } from 'node:net';
import { InvalidValueError, rule } from '../validation';

const RULE = 'must be an address block';
const FIX = "write for example '10.0.0.0/24'";

/** Checks an IPv4 or IPv6 address with the length of its prefix. */
export const cidrCheck = rule((value) => typeof value === 'string' && isCidr(value), RULE, FIX);

/** @throws InvalidValueError when the text is no address block. */
export function refuseBadCidr(text: string): void {
  if (!isCidr(text)) throw new InvalidValueError({ prop: 'cidr', value: text, rule: RULE, fix: FIX });
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  const version = isIP(address);
  return more.length === 0 && version !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
}

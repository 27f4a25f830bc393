import { InvalidArgumentError } from '../errors';

/** A whole number of 1 or more. @throws InvalidArgumentError when it is none */
export function validateCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError(`${name}: ${String(value)} is no such number; give a whole number of 1 or more`);
}

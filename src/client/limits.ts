import { InvalidArgumentError } from './errors';
import type { Milliseconds } from './time';

/** Timers of Node.js take no more than this; it is 24.8 days. */
const MAX_TIMER = 2 ** 31 - 1;

/** A whole number of 1 or more. @throws InvalidArgumentError when it is none */
export function validateCount(name: string, value: number, max = Infinity): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  const wanted = max === Infinity ? 'of 1 or more' : `from 1 to ${max}`;
  throw new InvalidArgumentError(`${name}: ${String(value)} is not a count; give a whole number ${wanted}`);
}

/** A time that a timer can wait. @throws InvalidArgumentError when it is none */
export function validateTimeout(name: string, timeout: Milliseconds): Milliseconds {
  if (typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMER) return timeout;
  throw new InvalidArgumentError(
    `${name}: ${String(timeout)} is not a time to wait; give milliseconds above 0 and up to ${MAX_TIMER}`,
  );
}

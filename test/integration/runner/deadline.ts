import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface DeadlineOptions {
  /** In milliseconds. @default 30000 */
  readonly timeout?: number;
  /** Between two looks, in milliseconds. @default 50 */
  readonly interval?: number;
}

/**
 * Looks again and again until a condition holds.
 *
 * @param condition gives something truthy when it holds; a throw counts as not yet
 * @returns what the condition gave
 * @throws Error with the last look when the time is over
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeout = 30_000, interval = 50 }: DeadlineOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + timeout;
  for (;;) {
    let last: unknown;
    try {
      last = await condition();
      if (last) return last as NonNullable<Exclude<T, false>>;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      throw new Error(`${what}: not within ${timeout} ms; at last it was ${describeValue(last)}`, {
        cause: last instanceof Error ? last : undefined,
      });
    }
    await delay(interval);
  }
}

function describeValue(value: unknown): string {
  return value instanceof Error ? value.message : inspect(value);
}

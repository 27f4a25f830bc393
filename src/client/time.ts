import { InvalidArgumentError } from './errors';

/** A number of milliseconds. */
export type Milliseconds = number;

/** A point in time: a `Date` or milliseconds since the Unix epoch, as `Date.now()` gives them. */
export type Instant = Date | Milliseconds;

/** A length of time: milliseconds, or a string with units as in MetricsQL, such as `'5m'` or `'1h30m'`. */
export type DurationValue = Milliseconds | string;

/** Timers of Node.js take no more than this; it is 24.8 days. */
const MAX_TIMER = 2 ** 31 - 1;

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/i;

export function validateTimeout(name: string, timeout: number): Milliseconds {
  if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= MAX_TIMER)) {
    throw new InvalidArgumentError(
      `${name}: ${String(timeout)} is not a time-out; give milliseconds above 0 and up to ${MAX_TIMER}`,
    );
  }
  return timeout;
}

/** Seconds with exactly three decimals: a form that the server cannot take for a year or for another unit. */
export function formatInstant(name: string, instant: Instant): string {
  const time = toMilliseconds(name, instant);
  if (time < 0) {
    throw new InvalidArgumentError(`${name}: ${time} lies before 1970; VictoriaMetrics stores no such time`);
  }
  return `${Math.floor(time / 1000)}.${String(time % 1000).padStart(3, '0')}`;
}

export function toMilliseconds(name: string, instant: Instant): Milliseconds {
  const time = instant instanceof Date ? instant.getTime() : instant;
  if (!Number.isSafeInteger(time)) {
    throw new InvalidArgumentError(
      `${name}: ${String(instant)} is not a time; give a valid Date or whole milliseconds since the Unix epoch`,
    );
  }
  return time;
}

export function formatDuration(name: string, duration: DurationValue): string {
  if (typeof duration === 'string') {
    if (!DURATION.test(duration)) {
      throw new InvalidArgumentError(
        `${name}: '${duration}' is not a duration; give milliseconds as a number, or a number with a unit (ms, s, m, h, d, w, y) such as '5m'`,
      );
    }
    return duration;
  }
  if (!Number.isSafeInteger(duration) || duration < 1) {
    throw new InvalidArgumentError(
      `${name}: ${String(duration)} is not a duration; give whole milliseconds of 1 or more`,
    );
  }
  // The server computes trunc(seconds * 1000) in floating point, which turns 1.001 into 1000 ms.
  let seconds = duration / 1000;
  while (Math.trunc(seconds * 1000) < duration) seconds += seconds * Number.EPSILON;
  return String(seconds);
}

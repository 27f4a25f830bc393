import { InvalidArgumentError } from './errors';

/** A number of milliseconds. */
export type Milliseconds = number;

/** A point in time: a `Date` or milliseconds since the Unix epoch, as `Date.now()` gives them. */
export type Instant = Date | Milliseconds;

/** A length of time: milliseconds, or a string with units as in MetricsQL, such as `'5m'` or `'1h30m'`. */
export type DurationValue = Milliseconds | string;

const UNITS: Readonly<Record<string, Milliseconds>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};
/** Upper case is refused, as by the server: in a query `5M` are five million. */
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/;
const PART_OF_DURATION = /(\d+(?:\.\d+)?)(ms|[smhdwy])/g;

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

/** How long a duration is. @throws InvalidArgumentError when it is none of a millisecond or more */
export function durationMilliseconds(name: string, duration: DurationValue): Milliseconds {
  const milliseconds = typeof duration === 'string' ? parseDuration(duration) : duration;
  const whole = typeof duration === 'string' || Number.isSafeInteger(duration);
  if (whole && milliseconds >= 1 && milliseconds <= Number.MAX_SAFE_INTEGER) return milliseconds;
  throw new InvalidArgumentError(
    `${name}: ${typeof duration === 'string' ? JSON.stringify(duration) : String(duration)} is not a duration; ` +
      `give whole milliseconds of 1 or more, or numbers with units (ms, s, m, h, d, w, y) such as '5m'`,
  );
}

function parseDuration(text: string): Milliseconds {
  if (!DURATION.test(text)) return NaN;
  let milliseconds = 0;
  for (const [, count, unit] of text.matchAll(PART_OF_DURATION)) milliseconds += Number(count) * UNITS[unit!]!;
  return milliseconds;
}

/** Seconds, or the string as it is. @throws InvalidArgumentError when it is no duration */
export function formatDuration(name: string, duration: DurationValue): string {
  const milliseconds = durationMilliseconds(name, duration);
  if (typeof duration === 'string') return duration;
  // The server computes trunc(seconds * 1000) in floating point, which turns 1.001 into 1000 ms.
  let seconds = milliseconds / 1000;
  while (Math.trunc(seconds * 1000) < milliseconds) seconds += seconds * Number.EPSILON;
  return String(seconds);
}

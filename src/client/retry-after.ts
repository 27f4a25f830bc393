import type { Milliseconds } from './time';

/**
 * How long a `Retry-After` header asks to wait: a number of seconds, or a date.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 *
 * @param now milliseconds since the Unix epoch
 * @returns undefined when there is no header or it cannot be read
 */
export function parseRetryAfter(header: string | undefined, now: Milliseconds): Milliseconds | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  // A date starts with the name of its day; Date.parse alone would take '-5' for a year.
  const date = /^[a-z]/i.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

import { Duration } from 'cdk8s';
import { duration as durationCheck, milliseconds, type Check } from '../validation';
import { DURATION_UNITS, goDuration } from '../values';

const UNITS: Readonly<Record<string, number>> = DURATION_UNITS;
const NOTATION = /^-?(?:(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+|\d+(?:\.\d+)?)$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smhdwy])?/g;

/** The milliseconds of `1h30m` and its like as vmalert reads them; a bare number is seconds. */
export function parseRuleDuration(text: string): number | undefined {
  if (!NOTATION.test(text)) return undefined;
  const amount = [...text.matchAll(PART)].reduce(
    (sum, [, number, unit = 's']) => sum + Number(number) * UNITS[unit]!,
    0,
  );
  return text.startsWith('-') ? -amount : amount;
}

/** A cdk8s Duration as rule files have it. */
export function ruleDuration(duration: Duration): string {
  return goDuration(Duration.millis(Math.ceil(milliseconds(duration))));
}

/** Checks a duration, a cdk8s `Duration` or as in a rule file, and gives it as in a rule file. */
export function ruleDurationCheck({ signed = false } = {}): Check {
  return (value, prop, problems) => {
    if (typeof value === 'object') {
      const checked = durationCheck(value, prop, problems);
      return checked === undefined ? undefined : ruleDuration(checked as Duration);
    }
    const text = typeof value === 'number' ? String(value) : value;
    const amount = typeof text === 'string' ? parseRuleDuration(text) : undefined;
    if (amount !== undefined && (signed || amount >= 0)) return text;
    problems.add({
      prop,
      value,
      rule: signed ? 'is no duration' : 'is no duration of at least 0',
      fix: "write for example '30s', '5m' or '1h30m'",
    });
    return undefined;
  };
}

import { all, listOf, rule, type Check } from '../validation';
import { fields, filled, text } from './fields';

/** A set of times that routes name. */
export interface TimeIntervalProps {
  /** What routes name it by. */
  readonly name: string;
  /** The times: each that is in one of these. */
  readonly timeIntervals: readonly TimesProps[];
}

/** Times that fulfil all of these. */
export interface TimesProps {
  /** Parts of the day. @default - all day */
  readonly times?: readonly DayTimeProps[];
  /** For example `monday:friday` or `sunday`. @default - all */
  readonly weekdays?: readonly string[];
  /** For example `1:5`, or `-3:-1` for the last three. @default - all */
  readonly daysOfMonth?: readonly string[];
  /** For example `december` or `1:3`. @default - all */
  readonly months?: readonly string[];
  /** For example `2026:2030`. @default - all */
  readonly years?: readonly string[];
  /** A time zone like `Europe/Berlin`. @default UTC */
  readonly location?: string;
}

/** A part of the day. */
export interface DayTimeProps {
  /** For example `09:00`. */
  readonly startTime: string;
  /** For example `17:00`, or `24:00`. */
  readonly endTime: string;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** `a` or `a:b`, of which neither is unknown, and b is not before a. */
function range(numberOf: (text: string) => number | undefined, meaning: string): Check {
  return all(
    text,
    rule(
      (value) => {
        const [begin, end, ...more] = (value as string).toLowerCase().split(':').map(numberOf);
        if (begin === undefined || more.length > 0) return false;
        if ((value as string).includes(':') && end === undefined) return false;
        // Negative days count from the end of the month, so that -1 is after 15.
        return end === undefined || begin <= end || (begin > 0 && end < 0);
      },
      `is no range of ${meaning}`,
      'write one, or the first and the last with a : between them',
    ),
  );
}

const within = (text: string, least: number, most: number): number | undefined =>
  /^-?\d+$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined;
const named =
  (names: readonly string[]) =>
  (text: string): number | undefined =>
    names.includes(text) ? names.indexOf(text) + 1 : undefined;

const timeOfDay: Check = rule(
  (value) => typeof value === 'string' && /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.test(value),
  'is no time of day',
  "write for example '09:00'",
);

const dayTime: Check = all(
  fields<DayTimeProps>({ startTime: timeOfDay, endTime: timeOfDay }, 'startTime', 'endTime'),
  rule(
    (value) => {
      const { start_time: start, end_time: end } = value as {
        readonly start_time?: string;
        readonly end_time?: string;
      };
      return start === undefined || end === undefined || start < end;
    },
    'ends before it begins',
    "write two: until '24:00', and from '00:00'",
  ),
);

const times: Check = fields<TimesProps>({
  times: listOf(dayTime),
  weekdays: listOf(range(named(WEEKDAYS), 'the days sunday to saturday')),
  daysOfMonth: listOf(
    range((day) => (day === '0' ? undefined : within(day, -31, 31)), 'days from 1 to 31 or -31 to -1'),
  ),
  months: listOf(range((month) => named(MONTHS)(month) ?? within(month, 1, 12), 'months')),
  years: listOf(range((year) => within(year, 0, 9999), 'years')),
  location: rule(isTimeZone, 'is no time zone', "write for example 'Europe/Berlin'"),
});

function isTimeZone(value: unknown): boolean {
  if (value === 'Local') return true;
  try {
    return (
      typeof value === 'string' && new Intl.DateTimeFormat('en', { timeZone: value }) instanceof Intl.DateTimeFormat
    );
  } catch {
    return false;
  }
}

export const timeIntervalCheck: Check = fields<TimeIntervalProps>(
  { name: filled, timeIntervals: listOf(times) },
  'name',
  'timeIntervals',
);

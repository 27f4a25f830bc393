import { rule, type Check } from '../validation';

const UNITS = [
  'none',
  'short',
  'percentunit',
  'percent',
  // Time: seconds and so on, a duration in words, a point in time in milliseconds.
  'ns',
  'ms',
  's',
  'm',
  'h',
  'd',
  'dtdurations',
  'dateTimeFromNow',
  // Amounts of data: by 1024, by 1000, and of both by second.
  'bytes',
  'decbytes',
  'binBps',
  'Bps',
  // Rates by second.
  'reqps',
  'ops',
  'cps',
  'rps',
  'wps',
  'iops',
  'pps',
  // Money.
  'currencyUSD',
  'currencyEUR',
] as const;

/** A unit by its id in Grafana, or one of your own: `suffix:samples/s`. */
export type PanelUnit = (typeof UNITS)[number] | `suffix:${string}`;

export const unitCheck: Check = rule(
  (value) => (UNITS as readonly unknown[]).includes(value) || (typeof value === 'string' && /^suffix:./.test(value)),
  'is no unit of a dashboard',
  `use one of ${UNITS.join(', ')}, or suffix:TEXT`,
);

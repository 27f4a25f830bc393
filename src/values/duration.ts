import type { Duration } from 'cdk8s';
import { milliseconds } from '../validation';

/** The units of Prometheus and VictoriaMetrics, in milliseconds, from the largest to the smallest. */
export const DURATION_UNITS = {
  y: 31_536_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
} as const;

const PROMETHEUS = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** A duration in Prometheus' notation, which VictoriaMetrics and Alertmanager read as well. */
export function prometheusDuration(duration: Duration): string {
  const amount = milliseconds(duration);
  return amount % 1000 === 0 ? `${amount / 1000}s` : `${Math.ceil(amount)}ms`;
}

/** The milliseconds of `1h30m` and its like, Prometheus' notation. */
export function parsePrometheusDuration(text: string): number | undefined {
  const amounts = text === '' ? undefined : (PROMETHEUS.exec(text)?.slice(1) as (string | undefined)[] | undefined);
  return amounts?.reduce((sum, amount, index) => sum + Number(amount ?? 0) * Object.values(DURATION_UNITS)[index]!, 0);
}

/** A duration in Go's notation, in the largest unit that keeps it whole; days are not known there. */
export function goDuration(duration: Duration): string {
  const length = milliseconds(duration);
  return Number.isInteger(length) ? inLargestUnit(length, 'h', 'm', 's') : `${Math.round(length * 1e6)}ns`;
}

/** A duration as people write long ones: as in Go's notation, but in days where they are whole. */
export function longDuration(duration: Duration): string {
  return inLargestUnit(Math.ceil(milliseconds(duration)), 'd', 'h', 'm', 's');
}

function inLargestUnit(length: number, ...units: readonly (keyof typeof DURATION_UNITS)[]): string {
  const unit = units.find((one) => length >= DURATION_UNITS[one] && length % DURATION_UNITS[one] === 0) ?? 'ms';
  return `${length / DURATION_UNITS[unit]}${unit}`;
}

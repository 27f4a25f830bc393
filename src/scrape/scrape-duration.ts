import type { Duration } from 'cdk8s';
import { milliseconds } from '../validation';

const UNITS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const NOTATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** A duration as both vmagent and Prometheus read it. */
export function scrapeDuration(duration: Duration): string {
  const amount = milliseconds(duration);
  return amount % 1000 === 0 ? `${amount / 1000}s` : `${Math.ceil(amount)}ms`;
}

/** The milliseconds of `1h30m` and its like, the notation that both vmagent and Prometheus read. */
export function parseScrapeDuration(text: string): number | undefined {
  const amounts = text === '' ? undefined : (NOTATION.exec(text)?.slice(1) as (string | undefined)[] | undefined);
  return amounts?.reduce((sum, amount, index) => sum + Number(amount ?? 0) * Object.values(UNITS)[index]!, 0);
}

/** A metric with matchers; of a counter, how fast it grows a second. */
export interface Series {
  readonly of: (metric: string, matchers?: string) => string;
  readonly rate: (metric: string, matchers?: string) => string;
}

/** Series that the variables of a dashboard choose, which have the names of the labels. */
export function chosenBy(...labels: readonly string[]): Series {
  const chosen = labels.map((label) => `${label}=~"$${label}"`);
  const of = (metric: string, matchers?: string): string =>
    `${metric}{${[...chosen, ...(matchers === undefined ? [] : [matchers])].join(',')}}`;
  return { of, rate: (metric, matchers) => `rate(${of(metric, matchers)}[$__rate_interval])` };
}

/** The percentiles that tell of most, of many and of the worst. */
export const PERCENTILES = [
  { legend: 'p50', share: 0.5 },
  { legend: 'p95', share: 0.95 },
  { legend: 'p99', share: 0.99 },
] as const;

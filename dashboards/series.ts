/** A metric with matchers; of a counter, how fast it grows a second. */
export interface Series {
  readonly of: (metric: string, ...matchers: readonly string[]) => string;
  readonly rate: (metric: string, ...matchers: readonly string[]) => string;
}

/** Series that have what all of the matchers say. */
export function seriesWith(...common: readonly string[]): Series {
  const of: Series['of'] = (metric, ...matchers) => `${metric}{${[...common, ...matchers].join(',')}}`;
  return { of, rate: (metric, ...matchers) => `rate(${of(metric, ...matchers)}[$__rate_interval])` };
}

/** Series that the variables of a dashboard choose, which have the names of the labels. */
export function chosenBy(...labels: readonly string[]): Series {
  return seriesWith(...labels.map(chosen));
}

/** The values of a label that a variable chooses, which has its name. */
export function chosen(label: string): string {
  return `${label}=~"$${label}"`;
}

/** Series of the chosen cluster, and those that no cluster is told of: objectives may sum over all of them. */
export const ofClusterOrNone = seriesWith('cluster=~"$cluster|"');

/** The percentiles that tell of most, of many and of the worst. */
export const PERCENTILES = [
  { legend: 'p50', share: 0.5 },
  { legend: 'p95', share: 0.95 },
  { legend: 'p99', share: 0.99 },
] as const;

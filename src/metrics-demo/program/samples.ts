import type { Registry } from 'prom-client';

/** One value with all its labels, as a scrape would read it. */
export interface Point {
  /** Of histograms with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its values. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly Point[];
}

/** All that the registry holds, at one moment. */
export async function collect(registry: Registry): Promise<Family[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    // As it is, and not as its type says it: a number.
    type: type as unknown as Family['type'],
    points: values.map((value) => ({
      name: (value as { readonly metricName?: string }).metricName ?? name,
      labels: Object.fromEntries(Object.entries(value.labels).map(([label, text]) => [label, String(text)])),
      value: value.value,
    })),
  }));
}

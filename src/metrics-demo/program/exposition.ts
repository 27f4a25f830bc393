import { Registry, type Metric } from 'prom-client';

/** A page of metrics. */
export interface Page {
  readonly contentType: string;
  readonly text: string;
}

/** What prom-client needs of a metric to write it. */
interface Source {
  name: string;
  get(): Promise<{ readonly name: string; readonly type: unknown }>;
  getForPromString?(): ReturnType<Source['get']>;
}

/**
 * Renders all metrics in the format that the client prefers.
 *
 * @param accept the header of the request
 */
export async function renderPage(registry: Registry, accept = ''): Promise<Page> {
  if (!prefersOpenMetrics(accept)) return { contentType: registry.contentType, text: await registry.metrics() };
  const contentType = Registry.OPENMETRICS_CONTENT_TYPE;
  const page = new Registry<typeof contentType>();
  page.setContentType(contentType);
  for (const metric of registry.getMetricsAsArray()) page.registerMetric(renamable(metric as unknown as Source));
  return { contentType, text: await page.metrics() };
}

/** OpenMetrics wants counters without `_total` in the name of the family: prom-client renames the metric itself. */
function renamable(metric: Source): Metric {
  const copy = Object.create(metric) as Source;
  copy.get = async () => ({ ...(await metric.get()), name: copy.name });
  if (metric.getForPromString)
    copy.getForPromString = async () => ({ ...(await metric.getForPromString!()), name: copy.name });
  return copy as unknown as Metric;
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1, as far as scrapers use it. */
function prefersOpenMetrics(accept: string): boolean {
  const quality = (type: string): number => {
    const range = accept.split(',').find((each) => each.trim().startsWith(type));
    return range === undefined ? 0 : Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1);
  };
  return quality('application/openmetrics-text') > quality('text/plain');
}

/*
 * The HTTP API of VictoriaMetrics, as regular expressions of whole paths: those of a single node, and in a cluster what
 * follows the tenant.
 */

/** Formats whose path follows that of the Prometheus API. */
export const WRITE_PATHS = ['/api/v1/(write|push)', '/api/v1/import(/(csv|native|prometheus(/.*)?))?'];

/** The others, each in a folder of its own. */
export const OTHER_WRITE_PATHS = [
  '/datadog/.+',
  '/influx/(write|api/v2/write|query|health)',
  '/newrelic(/.+)?',
  '/opentelemetry/(v1/metrics|api/v1/push)',
  '/zabbixconnector/api/v1/history',
];

/** Querying only: nothing that deletes, resets, tells of scraping, or of rules, which belong to no tenant. */
export const READ_PATHS = [
  '/api/v1/(query|query_range|query_exemplars|series|series/count|labels|label/[^/]+/values|metadata)',
  '/api/v1/export(/(csv|native))?',
  '/api/v1/status/(active_queries|buildinfo|metric_names_stats|top_queries|tsdb)',
  '/(expand-with-exprs|federate|prettify-query)',
  '/(graph|vmui)(/.*)?',
];

export const GRAPHITE_READ_PATHS = [
  '/graphite/(metrics/(expand|find|index\\.json)/?|render|functions(/.*)?)',
  '/graphite/tags(/(findSeries|autoComplete/(tags|values)))?',
];

/** What stands among the paths of queries and is none. */
const CHANGING_PATHS = ['/graphite/tags/delSeries', '/graphite/tags/tagMultiSeries', '/graphite/tags/tagSeries'];

/** Where all of the Prometheus API is as well. */
export function belowPrometheus(paths: readonly string[]): string[] {
  return paths.map((path) => `/prometheus${path}`);
}

const QUERIES = whole([...READ_PATHS, ...belowPrometheus(READ_PATHS), ...GRAPHITE_READ_PATHS]);

const FOLDERS = OTHER_WRITE_PATHS.map((path) => /^\/\w+/.exec(path)![0]);
const WRITES = whole([...WRITE_PATHS, ...belowPrometheus(WRITE_PATHS), ...FOLDERS].map((path) => `${path}(/.*)?`));

/** Whether requests for the path, and `below` for those below it as well, are answered and change nothing. */
export function onlyAnswers(path: string, { below = false } = {}): boolean {
  return QUERIES.test(path) && !(below && CHANGING_PATHS.some((changing) => changing.startsWith(`${path}/`)));
}

/** Whether requests for the path, and for those below it, bring data and show none. */
export function onlyStores(path: string): boolean {
  return WRITES.test(path);
}

function whole(paths: readonly string[]): RegExp {
  return new RegExp(`^(?:${paths.join('|')})$`);
}

import { Duration, type Size } from 'cdk8s';
import type { FlagSet, VmselectFlags } from '../flags';
import { atLeastOne, duration, object, size, type Check } from '../validation';
import type { Endpoint, Wired } from '../wiring';

/** That of the binaries. */
export const DEFAULT_MAX_QUERY_DURATION = Duration.seconds(30);

/** What a single query may cost. */
export interface QueryLimits {
  /** Slower queries are cancelled. @default - 30 s */
  readonly maxQueryDuration?: Duration;
  /** Queries that run at once, in each process. @default - by the number of CPUs */
  readonly maxConcurrentRequests?: number;
  /** How long a query waits for its turn before it is refused. @default - 10 s */
  readonly maxQueueDuration?: Duration;
  /** Series that one query may look at; in a cluster on each vmstorage node. @default - by the memory of the process */
  readonly maxUniqueTimeseries?: number;
  /** Series that `/api/v1/series` may return. @default - 30,000 */
  readonly maxSeries?: number;
  /** Raw samples that one query may scan. @default - 1,000,000,000 */
  readonly maxSamplesPerQuery?: number;
  /** Points of one series that a range query may return. @default - 30,000 */
  readonly maxPointsPerTimeseries?: number;
  /** Memory that one query may take. @default - no limit */
  readonly maxMemoryPerQuery?: Size;
}

export const queryLimitsCheck: Check = object<QueryLimits>({
  maxQueryDuration: duration,
  maxConcurrentRequests: atLeastOne,
  maxQueueDuration: duration,
  maxUniqueTimeseries: atLeastOne,
  maxSeries: atLeastOne,
  maxSamplesPerQuery: atLeastOne,
  maxPointsPerTimeseries: atLeastOne,
  maxMemoryPerQuery: size,
});

type QueryFlags = Pick<
  VmselectFlags,
  | 'search.maxQueryDuration'
  | 'search.maxConcurrentRequests'
  | 'search.maxQueueDuration'
  | 'search.maxSeries'
  | 'search.maxSamplesPerQuery'
  | 'search.maxPointsPerTimeseries'
  | 'search.maxMemoryPerQuery'
> & { readonly 'search.maxUniqueTimeseries'?: number };

export function setQueryFlags(flags: FlagSet<QueryFlags>, limits: QueryLimits = {}): void {
  flags
    .set('search.maxQueryDuration', limits.maxQueryDuration, 'queryLimits.maxQueryDuration')
    .set('search.maxConcurrentRequests', limits.maxConcurrentRequests, 'queryLimits.maxConcurrentRequests')
    .set('search.maxQueueDuration', limits.maxQueueDuration, 'queryLimits.maxQueueDuration')
    .set('search.maxUniqueTimeseries', limits.maxUniqueTimeseries, 'queryLimits.maxUniqueTimeseries')
    .set('search.maxSeries', limits.maxSeries, 'queryLimits.maxSeries')
    .set('search.maxSamplesPerQuery', limits.maxSamplesPerQuery, 'queryLimits.maxSamplesPerQuery')
    .set('search.maxPointsPerTimeseries', limits.maxPointsPerTimeseries, 'queryLimits.maxPointsPerTimeseries')
    .set('search.maxMemoryPerQuery', limits.maxMemoryPerQuery, 'queryLimits.maxMemoryPerQuery');
}

/** Passes requests for rules and alerts on, as clients of Prometheus expect them beside the query API. */
export function passAlertsOn(
  server: Wired,
  flags: FlagSet<Pick<VmselectFlags, 'vmalert.proxyURL'>>,
  vmalert: Endpoint,
): void {
  flags.set('vmalert.proxyURL', vmalert.url, 'showAlerts');
  vmalert.connectFrom(server);
}

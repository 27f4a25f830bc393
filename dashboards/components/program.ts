import { Variables, type DashboardVariable } from '../../src';
import { chosen, seriesWith, type Series } from '../series';

/** Queries for the series of one program, or of several, that the variables of its dashboard choose. */
export interface Program extends Series {
  /** How much a counter grew in the time that is shown. */
  readonly growth: (metric: string) => string;
  /** The 99th percentile of a histogram of VictoriaMetrics, or of Prometheus where its buckets have `le`. */
  readonly p99: (metric: string, by?: readonly string[], bucket?: 'vmrange' | 'le') => string;
  /** Tenant, cluster, job and instance. */
  readonly variables: readonly DashboardVariable[];
}

/** @param jobs the label `job` of the programs; All of the variable would be all jobs that there are */
export function program(...jobs: readonly string[]): Program {
  const ofJobs = jobs.length === 1 ? `job="${jobs[0]}"` : `job=~"${jobs.join('|')}"`;
  const { of, rate } = seriesWith(ofJobs, chosen('cluster'), chosen('job'), chosen('instance'));
  const targets = { metric: 'up', matchers: ofJobs };
  return {
    of,
    rate,
    growth: (metric) => `sum(increase(${of(metric)}[$__range]))`,
    p99: (metric, by = [], bucket = 'vmrange') =>
      `histogram_quantile(0.99, sum by (${[...by, bucket].join(', ')}) (${rate(`${metric}_bucket`)}))`,
    variables: [Variables.tenant(), Variables.cluster(targets), Variables.job(targets), Variables.instance(targets)],
  };
}

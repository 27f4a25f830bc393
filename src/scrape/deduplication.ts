import { Duration } from 'cdk8s';
import { milliseconds, type Problems } from '../validation';
import type { WriteEndpoint } from '../wiring';
import { jobPath } from './job-problems';
import type { ScrapeJob } from './scrape-job';

/** What is known of the agents and the storage when all jobs are. */
export interface Collection {
  /** How many processes scrape each target. */
  readonly copies: number;
  /** The prop that says so. */
  readonly copiesProp: string;
  readonly interval: Duration;
  readonly jobs: readonly ScrapeJob[];
  readonly targets: readonly { readonly prop: string; readonly endpoint: WriteEndpoint }[];
}

/**
 * Several processes that scrape the same targets write every sample several times. The storage keeps one of them in
 * each deduplication interval, so that this must be the scrape interval. Of a storage outside of the stack nothing is
 * known.
 */
export function checkDeduplication(
  { copies, copiesProp, interval, jobs, targets }: Collection,
  problems: Problems,
): void {
  if (copies < 2 || jobs.length === 0) return;
  const wanted = milliseconds(interval);
  for (const { prop, endpoint } of targets.filter((target) => target.endpoint.isInternal)) {
    const kept = endpoint.dedupInterval;
    const length = kept === undefined ? 0 : milliseconds(kept);
    problems.when(length !== wanted, {
      prop,
      value: endpoint.url,
      rule:
        `${copies} replicas scrape every target each ${interval.toHumanString()}, and the storage keeps one sample of a series ` +
        (kept === undefined ? 'for each of them' : `in ${kept.toHumanString()}`),
      fix: `set \`dedupInterval: ${written(wanted)}\` on the storage, or \`${copiesProp}\` to 1`,
    });
    if (length !== wanted) continue;
    for (const { name, intervalSeconds } of jobs) {
      problems.when(intervalSeconds !== undefined && intervalSeconds * 1000 < wanted, {
        prop: `${jobPath(name)}.interval`,
        value: Duration.seconds(intervalSeconds ?? 0),
        rule: `is shorter than the dedupInterval of the storage (${interval.toHumanString()}), which keeps one sample of a series in that time`,
        fix: `scrape it no more often than each ${interval.toHumanString()}, or shorten \`global.interval\` and the \`dedupInterval\` of the storage`,
      });
    }
  }
}

/** As a user writes it. */
function written(length: number): string {
  return length % 1000 === 0 ? `Duration.seconds(${length / 1000})` : `Duration.millis(${length})`;
}

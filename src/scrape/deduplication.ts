import { Duration } from 'cdk8s';
import { milliseconds, type Problems } from '../validation';
import { parsePrometheusDuration } from '../values';
import type { WriteEndpoint } from '../wiring';
import { jobPath } from './job-problems';
import { setsLabel, type RenderedRule } from './relabeling';
import type { ScrapeJob } from './scrape-job';

/** By it a target says how often it is scraped. */
const INTERVAL_LABEL = '__scrape_interval__';

/** What is known of the agents and the storage when all jobs are. */
export interface Collection {
  /** How many processes scrape each target. */
  readonly copies: number;
  /** The prop that says so. */
  readonly copiesProp: string;
  readonly interval: Duration;
  /** How often rules are evaluated, whose results go to the targets as well. @default - there are none */
  readonly evaluationInterval?: Duration;
  readonly jobs: readonly ScrapeJob[];
  readonly targets: readonly { readonly prop: string; readonly endpoint: WriteEndpoint }[];
}

/**
 * The storage keeps one sample of a series in each deduplication interval. Several processes that scrape the same targets
 * write every sample several times, so that for them it must be the scrape interval: of a longer one copies remain. Of
 * what one process scrapes more often than that, samples are lost. Of a storage outside of the stack nothing is known.
 */
export function checkDeduplication(collection: Collection, problems: Problems): void {
  for (const { prop, endpoint } of collection.targets.filter((target) => target.endpoint.isInternal)) {
    const { dedupInterval } = endpoint;
    const fits = collection.copies < 2 || checkCopies(collection, prop, endpoint, problems);
    if (dedupInterval && fits) checkIntervals(collection, dedupInterval, problems);
  }
}

/** @returns whether the storage keeps one of the samples of all processes, where they scrape as often as most jobs. */
function checkCopies(
  { copies, copiesProp, interval, jobs }: Collection,
  prop: string,
  endpoint: WriteEndpoint,
  problems: Problems,
): boolean {
  if (jobs.length === 0) return true;
  const kept = endpoint.dedupInterval;
  const wanted = milliseconds(interval);
  const fits = kept !== undefined && milliseconds(kept) === wanted;
  problems.when(!fits, {
    prop,
    value: endpoint.url,
    rule:
      `${copies} replicas scrape every target each ${interval.toHumanString()}, and the storage keeps one sample of a series ` +
      (kept === undefined ? 'for each of them' : `in ${kept.toHumanString()}`),
    fix: `set \`dedupInterval: ${written(wanted)}\` on the storage, or \`${copiesProp}\` to 1`,
  });
  return fits;
}

function checkIntervals(
  { copies, copiesProp, interval, evaluationInterval, jobs }: Collection,
  kept: Duration,
  problems: Problems,
): void {
  const least = milliseconds(kept);
  const length = kept.toHumanString();
  const check = (
    prop: string,
    value: Duration,
    fix = `set it to ${length} or more, or shorten the \`dedupInterval\` of the storage`,
  ): void =>
    problems.when(milliseconds(value) < least, {
      prop,
      value,
      rule: `is shorter than the dedupInterval of the storage (${length}), which keeps one sample of a series in that time`,
      fix,
    });
  if (jobs.some(({ intervalSeconds }) => intervalSeconds === undefined)) check('global.interval', interval);
  if (evaluationInterval) check('evaluationInterval', evaluationInterval);
  for (const job of jobs) {
    const path = jobPath(job.name);
    const ofTargets = targetIntervals(job);
    const ofJob = job.intervalSeconds === undefined ? [] : [Duration.millis(job.intervalSeconds * 1000)];
    const intervals = [
      ...ofJob.map((value) => ({ prop: `${path}.interval`, value })),
      ...ofTargets.known.map((value) => ({ prop: `${path}.${INTERVAL_LABEL}`, value })),
    ];
    for (const { prop, value } of intervals) {
      check(
        prop,
        value,
        copies > 1
          ? `scrape it no more often than each ${length}, or shorten \`global.interval\` and the \`dedupInterval\` of the storage`
          : undefined,
      );
      problems.when(copies > 1 && milliseconds(value) > least, {
        prop,
        value,
        rule: `is longer than the dedupInterval of the storage (${length}), which so keeps the samples of each of the ${copies} replicas`,
        fix: `scrape it each ${length} as the other jobs, by another agent, or set \`${copiesProp}\` to 1`,
      });
    }
    problems.when(copies > 1 && ofTargets.others, {
      prop: path,
      value: INTERVAL_LABEL,
      rule:
        `each target may have an interval of its own, and of a longer one than its dedupInterval (${length}) the storage ` +
        `keeps the samples of each of the ${copies} replicas`,
      fix: `set \`interval\` of the job instead of the label, or \`${copiesProp}\` to 1`,
    });
  }
}

/** The intervals that a job sets target by target: those that it says, and whether there are others. */
function targetIntervals(job: ScrapeJob): { readonly known: readonly Duration[]; readonly others: boolean } {
  const { relabel_configs: rules = [], static_configs: statics = [] } = job.render(String) as {
    readonly relabel_configs?: readonly RenderedRule[];
    readonly static_configs?: readonly { readonly labels?: Readonly<Record<string, string>> }[];
  };
  const texts = [
    ...statics.flatMap(({ labels = {} }) => (Object.hasOwn(labels, INTERVAL_LABEL) ? [labels[INTERVAL_LABEL]!] : [])),
    ...rules
      .filter((one) => setsLabel(one, INTERVAL_LABEL))
      .map(({ action = 'replace', replacement = '' }) => (action === 'replace' ? replacement : '')),
  ];
  const lengths = texts.map(parsePrometheusDuration);
  return {
    known: lengths.flatMap((length) => (length ? [Duration.millis(length)] : [])),
    others: lengths.some((length) => !length),
  };
}

/** As a user writes it. */
function written(length: number): string {
  return length % 1000 === 0 ? `Duration.seconds(${length / 1000})` : `Duration.millis(${length})`;
}

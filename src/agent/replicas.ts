import { Duration } from 'cdk8s';
import { all, integer, listOf, milliseconds, object, type Check, type Problems } from '../validation';
import { labelNameCheck, type ScrapeJob } from '../scrape';
import type { RemoteWriteProps } from './remote-write';

/** Targets shared out among the replicas. */
export interface ShardingProps {
  /** How many replicas scrape each target; with more than one the storage must deduplicate. @default 1 */
  readonly replicationFactor?: number;
  /** Labels by whose values targets are shared out: those with the same values go to the same replica. @default - all */
  readonly byLabels?: readonly string[];
}

export const shardingCheck: Check = object<ShardingProps>({
  replicationFactor: integer({ min: 1 }),
  byLabels: listOf(labelNameCheck),
});

/** Series shared out among the targets of `remoteWrite`, instead of sent to each of them. */
export interface ShardByUrlProps {
  /** To how many targets each series is sent. @default 1 */
  readonly replicas?: number;
  /** Labels by whose values series are shared out. @default - all */
  readonly labels?: readonly string[];
  /** Labels that do not count for it. @default - none */
  readonly ignoreLabels?: readonly string[];
}

export const shardByUrlCheck: Check = all(
  object<ShardByUrlProps>({
    replicas: integer({ min: 1 }),
    labels: listOf(labelNameCheck),
    ignoreLabels: listOf(labelNameCheck),
  }),
  (value, prop, problems) => {
    const { labels, ignoreLabels } = value as ShardByUrlProps;
    problems.when(!!labels?.length && !!ignoreLabels?.length, {
      prop: `${prop}.ignoreLabels`,
      value: ignoreLabels,
      rule: '`labels` says already by which labels series are shared out',
      fix: 'remove one of the two',
    });
    return value;
  },
);

/** How many processes scrape a target. */
export function copiesOf(replicas: number, sharding: ShardingProps | undefined): number {
  return sharding ? (sharding.replicationFactor ?? 1) : replicas;
}

export function checkSharding(replicas: number, sharding: ShardingProps | undefined, problems: Problems): void {
  if (sharding === undefined) return;
  const { replicationFactor = 1 } = sharding;
  problems.when(replicas < 2, {
    prop: 'sharding',
    value: sharding,
    rule: 'there is one replica, and nobody to share the targets with',
    fix: 'set `replicas` to 2 or more, or remove it',
  });
  problems.when(replicas >= 2 && replicationFactor > replicas, {
    prop: 'sharding.replicationFactor',
    value: replicationFactor,
    rule: `there are ${replicas} replicas to scrape a target`,
    fix: `set \`replicas\` to ${replicationFactor} or more, or lower it`,
  });
}

export function checkShardByUrl(targets: number, sharding: ShardByUrlProps | undefined, problems: Problems): void {
  if (sharding === undefined) return;
  problems.when((sharding.replicas ?? 1) >= targets, {
    prop: 'shardByUrl.replicas',
    value: sharding.replicas ?? 1,
    rule: `each series would be sent to every one of the ${targets} targets`,
    fix: 'add targets to `remoteWrite`, or remove `shardByUrl`',
  });
}

/** What is known of the agents and the storage when all jobs are. */
export interface Collection {
  /** How many processes scrape each target. */
  readonly copies: number;
  /** The prop that says so. */
  readonly copiesProp: string;
  readonly interval: Duration;
  readonly jobs: readonly ScrapeJob[];
  readonly targets: readonly (Pick<RemoteWriteProps, 'endpoint'> & { readonly prop: string })[];
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
        prop: `scrape['${name}'].interval`,
        value: Duration.seconds(intervalSeconds ?? 0),
        rule: `is shorter than the dedupInterval of the storage (${interval.toHumanString()}), which keeps one sample of a series in that time`,
        fix: `scrape it no more often than each ${interval.toHumanString()}, or shorten \`global.interval\` and the \`dedupInterval\` of the storage`,
      });
    }
  }
}

/** Labels that differ from replica to replica make different series of what should be copies. */
export function checkEqualLabels(
  copies: number,
  prop: string,
  labels: Readonly<Record<string, string>> = {},
  problems: Problems,
): void {
  for (const [name, value] of Object.entries(labels)) {
    problems.when(copies > 1 && value.includes('%{'), {
      prop: `${prop}['${name}']`,
      value,
      rule: 'the value differs from replica to replica, and the storage would take their samples for different series',
      fix: 'remove the label: the storage removes the copies',
    });
  }
}

/** As a user writes it. */
function written(length: number): string {
  return length % 1000 === 0 ? `Duration.seconds(${length / 1000})` : `Duration.millis(${length})`;
}

import { labelNameCheck } from '../scrape';
import { all, atLeastOne, listOf, object, type Check, type Problems } from '../validation';

/** Targets shared out among the replicas. */
export interface ShardingProps {
  /** How many replicas scrape each target; with more than one the storage must deduplicate. @default 1 */
  readonly replicationFactor?: number;
  /** Labels by whose values targets are shared out: those with the same values go to the same replica. @default - all */
  readonly byLabels?: readonly string[];
}

export const shardingCheck: Check = object<ShardingProps>({
  replicationFactor: atLeastOne,
  byLabels: listOf(labelNameCheck),
});

/** Series shared out among the targets of `remoteWrite`, instead of sent to each of them. */
export interface ShardByUrlProps {
  /** To how many targets each series is sent. @default 1 */
  readonly replicas?: number;
  /** Labels by whose values series are shared out. @default - all */
  readonly byLabels?: readonly string[];
  /** Labels that do not count for it. @default - none */
  readonly ignoreLabels?: readonly string[];
}

export const shardByUrlCheck: Check = all(
  object<ShardByUrlProps>({
    replicas: atLeastOne,
    byLabels: listOf(labelNameCheck),
    ignoreLabels: listOf(labelNameCheck),
  }),
  (value, prop, problems) => {
    const { byLabels, ignoreLabels } = value as ShardByUrlProps;
    problems.when(!!byLabels?.length && !!ignoreLabels?.length, {
      prop: `${prop}.ignoreLabels`,
      value: ignoreLabels,
      rule: '`byLabels` says already by which labels series are shared out',
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

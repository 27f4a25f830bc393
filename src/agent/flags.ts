import { Duration } from 'cdk8s';
import { FlagSet, LIBRARY, vmagentFlags, type VmagentFlags } from '../flags';
import type { Problems } from '../validation';
import { setGracefulFlags, setIngestionFlags } from '../victoria-metrics';
import type { ProcessingFiles } from './processing';
import type { VmAgentProps } from './props';
import { setTargetFlags, type Target } from './remote-write';
import { setStreamAggregationFlags } from './stream-aggregation';

/** What the flags of an agent are made from. */
export interface AgentModel {
  readonly props: VmAgentProps;
  readonly targets: readonly Target[];
  /** What is done to samples for all targets. */
  readonly ofAll: ProcessingFiles;
  /** The file with the scrape jobs; none where there is nothing to scrape. */
  readonly scrapePath: string | undefined;
  /** What stands in a flag for the name of the pod. */
  readonly podName: string;
  readonly queuePath: string;
}

export function agentFlags(
  { props, targets, ofAll, scrapePath, podName, queuePath }: AgentModel,
  problems: Problems,
): FlagSet<VmagentFlags> {
  const { replicas = 1, sharding, shardByUrl, seriesLimits } = props;
  const flags = new FlagSet(vmagentFlags, problems);
  setIngestionFlags(flags, props.labelLimits, props.listeners, '');
  setGracefulFlags(flags, props, '');
  setTargetFlags(flags, targets);
  setStreamAggregationFlags(flags, props.streamAggregation, ofAll.aggregationFile);
  flags
    .set('remoteWrite.tmpDataPath', queuePath, 'queue')
    .set('remoteWrite.relabelConfig', ofAll.relabelFile, 'relabelConfigs')
    .set('remoteWrite.label', pairs(props.remoteWriteLabels), 'remoteWriteLabels')
    .set('remoteWrite.maxHourlySeries', seriesLimits?.hourly, 'seriesLimits.hourly')
    .set('remoteWrite.maxDailySeries', seriesLimits?.daily, 'seriesLimits.daily')
    .set('remoteWrite.shardByURL', shardByUrl && true, 'shardByUrl')
    .set('remoteWrite.shardByURLReplicas', shardByUrl?.replicas, 'shardByUrl.replicas')
    .set('remoteWrite.shardByURL.labels', shardByUrl?.byLabels, 'shardByUrl.byLabels')
    .set('remoteWrite.shardByURL.ignoreLabels', shardByUrl?.ignoreLabels, 'shardByUrl.ignoreLabels')
    .set('promscrape.config', scrapePath, 'scrape')
    .set('promscrape.configCheckInterval', scrapePath === undefined ? undefined : Duration.seconds(30), LIBRARY)
    // All ports of a pod become one target where an annotation names the port, and each would be logged as an error.
    .set('promscrape.suppressDuplicateScrapeTargetErrors', scrapePath === undefined ? undefined : true, LIBRARY)
    .set('promscrape.cluster.membersCount', sharding && replicas, 'replicas')
    .set('promscrape.cluster.memberNum', sharding && podName, LIBRARY)
    .set('promscrape.cluster.replicationFactor', sharding?.replicationFactor, 'sharding.replicationFactor')
    .set('promscrape.cluster.shardByLabels', sharding?.byLabels, 'sharding.byLabels')
    // Each replica scrapes at another time, so that of their samples the storage keeps always those of the same.
    .set('promscrape.cluster.name', replicas > 1 && !sharding ? podName : undefined, LIBRARY)
    .set('enableMultitenantHandlers', props.multitenant, 'multitenant')
    .refuse(
      ['remoteWrite.keepDanglingQueues'],
      'what waits for targets of the past has no limit, and would fill the volume',
      'remove it',
    )
    .refuse(['dryRun', 'promscrape.config.dryRun'], 'the process would check its files and exit', 'remove it');
  // The URLs of the stack hold no secret, and tell in the agent's metrics which target is meant.
  if (targets.every(({ endpoint }) => endpoint.isInternal)) flags.set('remoteWrite.showURL', true, LIBRARY);
  checkExtraFlags(props.extraFlags, targets.length, problems);
  return flags;
}

function pairs(labels: Readonly<Record<string, string>> | undefined): string[] | undefined {
  return labels && Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}

/** Lists for something else than the targets of `remoteWrite` in turn. */
const OTHER_LISTS = /^remoteWrite\.(label$|shardByURL)/;

/** Of a list as long as that of the targets each gets its own value; of any other, a wrong one or none. */
function checkExtraFlags(extraFlags: Partial<VmagentFlags> = {}, targets: number, problems: Problems): void {
  for (const [name, value] of Object.entries(extraFlags) as [string, unknown][]) {
    const perTarget = name.startsWith('remoteWrite.') && !OTHER_LISTS.test(name);
    problems.when(perTarget && Array.isArray(value) && value.length > 1 && value.length !== targets, {
      prop: `extraFlags['${name}']`,
      value,
      rule: `-${name} takes one value for all targets, or one for each of the ${targets} in \`remoteWrite\``,
      fix: "give one for each, '' where the default should hold",
    });
  }
}

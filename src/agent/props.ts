import type { VmagentFlags } from '../flags';
import {
  globalScrapeCheck,
  labelsCheck,
  relabelConfigsCheck,
  scrapeSourcesCheck,
  type GlobalScrapeProps,
  type RelabelConfig,
  type ScrapeSource,
} from '../scrape';
import { atLeastOne, boolean, filledListOf, forbidden, object, type Shape } from '../validation';
import {
  GRACEFUL_SHAPE,
  labelLimitsCheck,
  listenersCheck,
  SERVER_SHAPE,
  VERSION_SHAPE,
  type GracefulProps,
  type LabelLimits,
  type Listeners,
  type SeriesLimits,
  type ServerProps,
  type VersionProps,
} from '../victoria-metrics';
import type { WriteEndpoint } from '../wiring';
import { INSTANCE_SHAPE, volumeCheck, type InstanceProps, type VolumeProps } from '../workload';
import { targetCheck, type AgentRemoteWriteProps } from './remote-write';
import { shardByUrlCheck, shardingCheck, type ShardByUrlProps, type ShardingProps } from './sharding';
import { streamAggregationCheck, type StreamAggregationProps } from './stream-aggregation';

/** vmagent: scrapes and takes metrics, and sends them on. */
export interface VmAgentProps extends ServerProps<VmagentFlags>, GracefulProps, InstanceProps, VersionProps {
  /**
   * Where samples are sent; each target gets all of them, unless `shardByUrl` is set.
   *
   * What waits on disk belongs to a URL at a place in this list: add new targets at the end. What waits for a target
   * that is removed or moved is lost.
   */
  readonly remoteWrite: readonly (WriteEndpoint | AgentRemoteWriteProps)[];
  /**
   * How many pods. Several of them scrape the same targets, so that the storage must have the scrape interval as its
   * `dedupInterval`; or they share the targets, see `sharding`. What is pushed goes through one of them.
   *
   * With a queue on claims, what a pod that is scaled away has not sent yet stays on its claim, and is sent when a pod of
   * that number comes back: scale in while nothing waits, by the metric `vmagent_remotewrite_pending_data_bytes`.
   *
   * @default 1
   */
  readonly replicas?: number;
  /**
   * Shares the targets out among the replicas. It makes the pods those of a StatefulSet, with what `queue` says of that.
   *
   * @default - each replica scrapes all
   */
  readonly sharding?: ShardingProps;
  /** Shares the series out among the targets of `remoteWrite`. @default - each target gets all */
  readonly shardByUrl?: ShardByUrlProps;
  /**
   * Where samples wait while a target is away. With a claim they outlive the pod, which then belongs to a StatefulSet.
   *
   * A running agent that gets or loses its StatefulSet leaves the old object behind, since `kubectl apply` without
   * `--prune` deletes nothing: two sets of pods then scrape and send everything. Delete the old one, whose name is that
   * of the new one: `kubectl delete deployment NAME`, or `kubectl delete statefulset NAME` on the way back, when nothing
   * waits on its claims any more.
   *
   * @default - the node's disk, with 1 GiB for each target
   */
  readonly queue?: VolumeProps;
  /** What is scraped, beside the stack. @default - nothing */
  readonly scrape?: readonly ScrapeSource[];
  /** What holds for all scrape jobs: interval, timeout, external labels. @default - every 30 s */
  readonly global?: GlobalScrapeProps;
  /**
   * Whether every component of the chart is scraped, also those that are made later. Those of other charts, of which
   * NodeExporter usually is one, are given to `scrape` by `Scrape.component`.
   *
   * @default true
   */
  readonly scrapeStack?: boolean;
  /** Relabeling of all samples before they are sent. @default - none */
  readonly relabelConfigs?: readonly RelabelConfig[];
  /**
   * Aggregation of all samples before they are sent. Its rules make the pods those of a StatefulSet, with what `queue`
   * says of that: a pod ends before the next one begins, since two would write different values to the same series.
   *
   * @default - none
   */
  readonly streamAggregation?: StreamAggregationProps;
  /**
   * Labels of all samples when they are sent, in place of any of the same name that they have; unlike
   * `global.externalLabels`, which leave those alone.
   *
   * @default - none
   */
  readonly remoteWriteLabels?: Readonly<Record<string, string>>;
  /** What the labels of a sample may be. @default - no limits */
  readonly labelLimits?: LabelLimits;
  /** How many different series each pod may send; samples of further ones are dropped and counted. @default - no limit */
  readonly seriesLimits?: SeriesLimits;
  /** Listeners beside the HTTP port. @default - none */
  readonly listeners?: Listeners;
  /**
   * Takes data for any tenant, see `ingest(tenant)`. Targets of the stack must be for `Tenant.MULTITENANT`: the tenant
   * of a sample travels in its labels. What is scraped, or comes without a tenant, belongs to the default one.
   *
   * @default false
   */
  readonly multitenant?: boolean;
}

export const SHAPE: Shape<VmAgentProps & { readonly autoscaling?: never }> = {
  ...SERVER_SHAPE,
  ...GRACEFUL_SHAPE,
  ...INSTANCE_SHAPE,
  ...VERSION_SHAPE,
  remoteWrite: filledListOf(
    targetCheck,
    'vmagent does not start without a target',
    'write for example [cluster.write()]',
  ),
  replicas: atLeastOne,
  sharding: shardingCheck,
  shardByUrl: shardByUrlCheck,
  queue: volumeCheck,
  scrape: scrapeSourcesCheck,
  global: globalScrapeCheck,
  scrapeStack: boolean,
  relabelConfigs: relabelConfigsCheck,
  streamAggregation: streamAggregationCheck,
  remoteWriteLabels: labelsCheck,
  labelLimits: labelLimitsCheck,
  seriesLimits: object<SeriesLimits>({ hourly: atLeastOne, daily: atLeastOne }),
  listeners: listenersCheck,
  multitenant: boolean,
  autoscaling: forbidden(
    'a replica more scrapes every target once more, or takes over the targets of another',
    'remove it and set `replicas`',
  ),
};

/** What the checks make of the props: a bare endpoint has become an object. */
export type CheckedVmAgentProps = Partial<VmAgentProps> & { readonly remoteWrite?: readonly AgentRemoteWriteProps[] };

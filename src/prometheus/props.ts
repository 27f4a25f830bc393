import type { Duration, Size } from 'cdk8s';
import {
  globalScrapeCheck,
  labelNameCheck,
  scrapeSourcesCheck,
  type GlobalScrapeProps,
  type ScrapeSource,
} from '../scrape';
import {
  all,
  anyText,
  atLeastOne,
  boolean,
  duration,
  externalUrl,
  forbidden,
  listOf,
  rule,
  size,
  text,
  type Check,
  type Shape,
} from '../validation';
import { notifyEndpointCheck, type Endpoint, type NotifyEndpoint, type WriteEndpoint } from '../wiring';
import {
  INSTANCE_SHAPE,
  volumeCheck,
  WORKLOAD_SHAPE,
  type Files,
  type InstanceProps,
  type VolumeProps,
  type WorkloadProps,
} from '../workload';
import { targetCheck, type PrometheusRemoteWriteProps } from './remote-write';
import { ruleFilesCheck } from './rule-files';

/** A Prometheus, or an identical pair of them. */
export interface PrometheusProps extends WorkloadProps, InstanceProps {
  /** Where each pod keeps its own data, and what it has still to send. */
  readonly volume: VolumeProps;
  /** How long a pod keeps its own data, whatever the storage behind `remoteWrite` keeps. @default Duration.days(15) */
  readonly retention?: Duration;
  /**
   * How much of the volume the data may take, up to 85 %; then the oldest goes first. The rest is for compaction.
   *
   * @default - 80 % of the volume; no limit where that says no size
   */
  readonly retentionSize?: Size;
  /** Where samples are sent; each target gets all of them. @default - nowhere */
  readonly remoteWrite?: readonly (WriteEndpoint | PrometheusRemoteWriteProps)[];
  /**
   * How many pods. Several of them scrape the same targets and evaluate the same rules, so that the storage must have
   * the scrape interval as its `dedupInterval`.
   *
   * @default 1
   */
  readonly replicas?: number;
  /**
   * The external label with the name of the pod, where there are several. It is taken off what goes to Alertmanager and
   * to `remoteWrite`, where copies are told by their equal labels.
   *
   * @default prometheus_replica
   */
  readonly replicaLabel?: string;
  /** What is scraped. @default - nothing */
  readonly scrape?: readonly ScrapeSource[];
  /** What holds for all scrape jobs: interval, timeout, external labels. @default - every 30 s */
  readonly global?: GlobalScrapeProps;
  /**
   * Whether every component of the chart is scraped, also those that are made later. A VmAgent of the same chart does
   * it already.
   *
   * @default false
   */
  readonly scrapeStack?: boolean;
  /**
   * Files with recording and alerting rules: name, ending in `.yaml` or `.yml`, and content. They are checked, but for
   * the grammar of expressions and templates.
   *
   * @default - none
   */
  readonly ruleFiles?: Files;
  /** How often rules are evaluated. @default - the scrape interval */
  readonly evaluationInterval?: Duration;
  /** Alertmanagers; of one in the stack every pod is told of each alert. @default - none */
  readonly alertmanagers?: readonly NotifyEndpoint[];
  /** Where users reach the web page, for links in alerts. @default - not known */
  readonly externalUrl?: string;
  /** Features that are off by default, as in `--enable-feature`. @default - none */
  readonly features?: readonly string[];
  /**
   * Args that no prop covers, each as `--name` or `--name=value`. Their names are checked against the version that this
   * library was made for, whatever `image` is.
   *
   * @default - none
   */
  readonly extraArgs?: readonly string[];
}

const alertmanagerCheck: Check = all(
  notifyEndpointCheck,
  rule(
    (value) => !(value as Endpoint).url.includes('?'),
    'Prometheus appends /api/v2/alerts to it, which parameters would swallow',
    'remove what follows the ?',
  ),
);

export const SHAPE: Shape<PrometheusProps & { readonly autoscaling?: never }> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  volume: volumeCheck,
  retention: duration,
  retentionSize: size,
  remoteWrite: listOf(targetCheck),
  replicas: atLeastOne,
  replicaLabel: labelNameCheck,
  scrape: scrapeSourcesCheck,
  global: globalScrapeCheck,
  scrapeStack: boolean,
  ruleFiles: ruleFilesCheck,
  evaluationInterval: duration,
  alertmanagers: listOf(alertmanagerCheck),
  externalUrl: externalUrl('https://prometheus.example.com'),
  features: listOf(text(/^[a-z0-9-]+$/, "the name of a feature, e.g. 'native-histograms'")),
  extraArgs: listOf(anyText),
  autoscaling: forbidden('each replica scrapes every target once more', 'remove it and set `replicas`'),
};

/** What the checks make of the props: a bare endpoint has become an object. */
export type CheckedPrometheusProps = Omit<Partial<PrometheusProps>, 'remoteWrite'> & {
  readonly remoteWrite?: readonly PrometheusRemoteWriteProps[];
};

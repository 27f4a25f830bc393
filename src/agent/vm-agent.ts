import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import type { VmagentFlags } from '../flags';
import {
  checkDeduplication,
  checkScrapeJobs,
  DEFAULT_SCRAPE_INTERVAL,
  scrapeConfigFile,
  ScrapeJobs,
  type RelabelConfig,
} from '../scrape';
import { checkProps, checkRequired, InvalidValueError, milliseconds, Problems, wholeSeconds } from '../validation';
import { Cpu, IMAGES, Tenant } from '../values';
import {
  FINISH_SECONDS,
  imageOfVersion,
  IngestEndpoints,
  listenerPorts,
  SHUTDOWN_DELAY,
  VictoriaMetricsServer,
} from '../victoria-metrics';
import { checkDistinctTargets, type WriteEndpoint } from '../wiring';
import {
  fieldEnv,
  instanceName,
  isEphemeral,
  secretPath,
  StackDefaults,
  type Controller,
  type Files,
  type GracePeriod,
  type VolumeProps,
} from '../workload';
import { checkEqualCopies, jobTexts, labelTexts, ruleTexts, varyingVariables } from './equal-copies';
import { agentFlags } from './flags';
import { SHAPE, type CheckedVmAgentProps, type VmAgentProps } from './props';
import { externalLabelRules, PROCESSING_FOLDER, processingFiles } from './processing';
import { secretsOf, targetsOf, type Target } from './remote-write';
import { JOBS_FOLDER, jobFiles, SCRAPE_FILE, SCRAPE_FOLDER } from './scrape-files';
import { checkShardByUrl, checkSharding, copiesOf } from './sharding';
import { checkOutputsDiffer } from './stream-aggregation';

const QUEUE_PATH = '/queue';

/** vmagent puts variables of its environment into flags and files. */
const POD_NAME = '%{POD_NAME}';

/** How long a stopping vmagent waits for a target, one after the other. */
const SEND_SECONDS = 10;

/** More than it takes to write to disk what is in memory. */
const WRITE_SECONDS = 30;

/**
 * vmagent: scrapes targets, takes pushed metrics, and sends both on. What a target does not take waits on disk.
 *
 * A Deployment, or a StatefulSet where pods must be told apart, or one must end before the next begins: with its queue on
 * a claim, with shards, and with rules of aggregation. Unless told otherwise a pod requests 50m CPU and 200Mi memory, is
 * limited to 500Mi memory and not in CPU, has 37 s and 10 s more for each target beyond `shutdownDelay` to end, and
 * readiness and liveness probes.
 *
 * Samples are acknowledged when they are in memory. They are sent within about a second; while a target is away they are
 * on disk within about six. What was not there yet is lost when the process is killed, with one request of each of its
 * `queues` that was under way. A clean exit loses nothing of a queue on a claim.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/vmagent/
 */
export class VmAgent extends VictoriaMetricsServer<VmagentFlags> {
  private readonly props: VmAgentProps;
  private readonly targets: readonly Target[];

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: VmAgentProps) {
    const problems = new Problems();
    const checked = checkProps(given, SHAPE, problems) as CheckedVmAgentProps;
    checkRequired(given, 'remoteWrite', problems, {
      rule: 'vmagent must be told where to send what it collects',
      fix: 'write for example `remoteWrite: [cluster.write()]`',
    });
    const props = { ...checked, remoteWrite: checked.remoteWrite ?? [] };
    const { replicas = 1, sharding, queue = { ephemeral: true }, shutdownDelay = SHUTDOWN_DELAY, global = {} } = props;
    const { interval = DEFAULT_SCRAPE_INTERVAL } = global;
    const targets = targetsOf(props.remoteWrite, queue, POD_NAME, problems);
    const relabelConfigs = [...externalLabelRules(global.externalLabels), ...(props.relabelConfigs ?? [])];
    const ofAll = processingFiles({ ...props, relabelConfigs }, '', POD_NAME);
    const aggregates = [ofAll, ...targets].some(({ aggregationFile }) => aggregationFile !== undefined);
    const copies = copiesOf(replicas, sharding);
    const { scrape = [], scrapeStack = true } = props;
    const jobs = new ScrapeJobs(scrape, scrapeStack);
    const instance = instanceName(props.name, id, '-vmagent', problems);

    const scrapePath = jobs.none ? undefined : `${SCRAPE_FOLDER}/${SCRAPE_FILE}`;
    const flags = agentFlags({ props, targets, ofAll, scrapePath, podName: POD_NAME, queuePath: QUEUE_PATH }, problems);
    super(scope, id, {
      controller: controllerOf(props, queue, aggregates),
      name: `${instance}-vmagent`,
      identity: { name: 'vmagent', instance, component: 'agent' },
      image: imageOfVersion(IMAGES.vmagent, props.version, problems),
      flags,
      httpPort: 8429,
      extraPorts: listenerPorts(props.listeners, ''),
      env: [fieldEnv('POD_NAME', 'metadata.name')],
      secrets: () => [...targets.flatMap(secretsOf), ...jobs.secrets()],
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would delay scrapes.
      resources: {
        cpu: { request: Cpu.millis(50) },
        memory: { request: Size.mebibytes(200), limit: Size.mebibytes(500) },
      },
      liveness: true,
      gracePeriod: gracePeriod(shutdownDelay, targets.length),
      props,
      prefix: '',
      problems,
    });
    this.props = props;
    this.targets = targets;

    checkSharding(replicas, sharding, problems);
    checkShardByUrl(targets.length, props.shardByUrl, problems);
    checkClash(global.externalLabels, props.remoteWriteLabels, problems);
    const texts = [
      ...labelTexts('global.externalLabels', global.externalLabels),
      ...labelTexts('remoteWriteLabels', props.remoteWriteLabels),
      ...ruleTexts('relabelConfigs', props.relabelConfigs),
      ...targets.flatMap((target) => ruleTexts(`${target.prop}.relabelConfigs`, target.relabelConfigs)),
    ];
    const varying = varyingVariables(props.env);
    checkEqualCopies(copies, texts, varying, problems);
    checkDistinctTargets(targets, problems);
    if (props.multitenant) checkTenants(targets, problems);
    checkOutputsDiffer(props.streamAggregation, replicas, 'streamAggregation', problems);
    for (const { prop, streamAggregation } of targets) {
      checkOutputsDiffer(streamAggregation, replicas, `${prop}.streamAggregation`, problems);
    }
    problems.later((late) => {
      checkScrapeJobs({ global, jobs: jobs.all() }, 'vmagent', late);
      checkEqualCopies(copies, jobs.given.flatMap(jobTexts), varying, late);
      const copiesProp = sharding ? 'sharding.replicationFactor' : 'replicas';
      checkDeduplication({ copies, copiesProp, interval, jobs: jobs.all(), targets }, late);
    });

    for (const { endpoint } of targets) endpoint.connectFrom(this);
    const files = [ofAll, ...targets].reduce<Files>((joined, each) => ({ ...joined, ...each.files }), {});
    if (Object.keys(files).length > 0) this.addConfigFiles('remote-write', PROCESSING_FOLDER, files);
    if (jobs.none) return;
    const ofJobs = jobFiles(jobs.given, StackDefaults.of(this).serverSideApply ?? false, problems);
    const scrapeFile = (): string =>
      ofJobs
        ? scrapeConfigFile({ global, jobs: jobs.ofStack(), secretPath }, [`${JOBS_FOLDER}/*.yaml`])
        : scrapeConfigFile({ global, jobs: jobs.all(), secretPath });
    this.addConfigFiles('scrape', SCRAPE_FOLDER, () => ({ [SCRAPE_FILE]: scrapeFile() }), { reloaded: true });
    if (ofJobs) this.addConfigFiles('scrape-jobs', JOBS_FOLDER, ofJobs, { reloaded: true, split: true });
    const externalLabels = { ...global.externalLabels, ...props.remoteWriteLabels };
    jobs.runBy(this, {
      interval,
      writesTo: unchanged(targets, props.relabelConfigs, externalLabels),
      externalLabels,
      problems,
    });
  }

  /** Where to send Prometheus remote write. */
  public write(tenant?: Tenant): WriteEndpoint {
    return this.ingest(tenant).remoteWrite;
  }

  /**
   * Where to send data by any protocol.
   *
   * @param tenant for an agent that is `multitenant`; the default tenant when left out
   * @throws InvalidValueError when it is no tenant, or the agent is not `multitenant`.
   */
  public ingest(given?: Tenant): IngestEndpoints {
    const { multitenant = false, listeners } = this.props;
    if (given !== undefined && !multitenant) {
      throw new InvalidValueError({
        prop: 'tenant',
        value: given,
        rule: 'the agent takes data for one tenant, that of its targets',
        fix: 'set `multitenant: true`, or leave the tenant out',
      });
    }
    return new IngestEndpoints((portName, props) => this.endpointProps(portName, props), {
      tenant: multitenant ? Tenant.from(given) : undefined,
      listeners,
      dedupInterval: this.dedupInterval,
      prefix: '',
    });
  }

  /** That of the storage behind all targets, where they agree. */
  private get dedupInterval(): Duration | undefined {
    const [first, ...others] = this.targets.map(({ endpoint }) => endpoint.dedupInterval);
    const agreed = others.every((other) => first && other && milliseconds(other) === milliseconds(first));
    return agreed ? first : undefined;
  }
}

/**
 * Each pod of a StatefulSet has a name that stays, as claims, shards and outputs of aggregation need it; and no other pod
 * has it before it has ended: two processes that aggregate for a while would write different values to the same series.
 */
function controllerOf({ replicas = 1, sharding }: VmAgentProps, volume: VolumeProps, aggregates: boolean): Controller {
  if (isEphemeral(volume) && !sharding && !aggregates) {
    return { kind: 'Deployment', replicas, data: { volume, mountPath: QUEUE_PATH } };
  }
  return { kind: 'StatefulSet', replicas, data: { volume, mountPath: QUEUE_PATH }, balanced: true };
}

function gracePeriod(shutdownDelay: Duration, targets: number): GracePeriod {
  const least = wholeSeconds(shutdownDelay) + FINISH_SECONDS + SEND_SECONDS * targets;
  return { standard: Duration.seconds(least + WRITE_SECONDS), least: Duration.seconds(least) };
}

/** Where samples are sent as they are, with labels that are known here. */
function unchanged(
  targets: readonly Target[],
  ofAll: readonly RelabelConfig[] = [],
  labels: Readonly<Record<string, string>>,
): WriteEndpoint[] {
  if (ofAll.length > 0 || Object.values(labels).some((value) => value.includes('%{'))) return [];
  return targets.filter(({ relabelConfigs = [] }) => relabelConfigs.length === 0).map(({ endpoint }) => endpoint);
}

function checkClash(
  external: Readonly<Record<string, string>> = {},
  ofAll: Readonly<Record<string, string>> = {},
  problems: Problems,
): void {
  for (const [name, value] of Object.entries(ofAll)) {
    problems.when(Object.hasOwn(external, name), {
      prop: `remoteWriteLabels['${name}']`,
      value,
      rule: '`global.externalLabels` has the label as well, whose value nobody would ever see',
      fix: 'remove one of the two: this one replaces a label that samples have, the other does not',
    });
  }
}

function checkTenants(targets: readonly Target[], problems: Problems): void {
  for (const { prop, endpoint } of targets) {
    problems.when(endpoint.isInternal && String(endpoint.tenant) !== String(Tenant.MULTITENANT), {
      prop,
      value: endpoint.url,
      rule: 'all samples would become those of one tenant, since the URL says which',
      fix: 'write to a cluster by `cluster.write(Tenant.MULTITENANT)`, or remove `multitenant`',
    });
  }
}

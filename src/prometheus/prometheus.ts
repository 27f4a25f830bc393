import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, PlainArgs } from '../flags';
import { checkDeduplication, checkScrapeJobs, DEFAULT_SCRAPE_INTERVAL, ScrapeJobs } from '../scrape';
import { checkProps, checkRequired, kibibytes, Problems } from '../validation';
import { Cpu, IMAGES, longDuration } from '../values';
import { checkDistinctTargets, clientSecrets, ReadEndpoint } from '../wiring';
import {
  capacityOf,
  fieldEnv,
  instanceName,
  livenessProbe,
  readinessProbe,
  secretPath,
  setExternalUrl,
  Workload,
  type VolumeProps,
} from '../workload';
import { configFile, RULE_FOLDER } from './config';
import { KNOWN_ARGS } from './known-args';
import { SHAPE, type CheckedPrometheusProps, type PrometheusProps } from './props';

const PORT_NAME = 'http';
const PORT = 9090;
const DATA_PATH = '/prometheus';
const CONFIG_FOLDER = '/etc/prometheus/config';
const CONFIG_FILE = 'prometheus.yml';
const DEFAULT_RETENTION = Duration.days(15);
const DEFAULT_REPLICA_LABEL = 'prometheus_replica';

/** Of its volume Prometheus needs some for compaction and for what is not in blocks yet. */
const USUAL_SHARE = 0.8;
const LARGEST_SHARE = 0.85;

/**
 * Prometheus with a storage of its own, a StatefulSet: scrapes targets, evaluates rules, and sends samples on.
 *
 * What a target of `remoteWrite` does not take is read again from the log on the volume, which goes back about two hours.
 * A clean exit has a minute to send the rest, but for the last scrape. What waits longer, or when the process is killed,
 * is never sent: after its start Prometheus sends only what is newer. Its own queries find all of it. A VmAgent with its
 * queue on a claim sends what waits after a restart, too.
 *
 * A change of jobs, rules and other config is read by the running pods within about two minutes; wrong config is refused
 * and logged. Unless told otherwise a pod requests 200m CPU and 400Mi memory, is limited to 2Gi memory and not in CPU, has
 * 10 minutes to end, and readiness and liveness probes. It asks clients for no credentials: put a VmAuth in front.
 *
 * @see https://prometheus.io/docs/prometheus/latest/
 */
export class Prometheus extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: PrometheusProps) {
    const problems = new Problems();
    const checked = checkProps(given, SHAPE, problems) as CheckedPrometheusProps;
    checkRequired(given, 'volume', problems, {
      rule: 'Prometheus must be told where to keep its data',
      fix: 'set `volume: { size: Size.gibibytes(50) }`',
    });
    const props = { ...checked, volume: checked.volume ?? { ephemeral: true as const } };
    const {
      replicas = 1,
      global = {},
      remoteWrite = [],
      alertmanagers = [],
      ruleFiles = {},
      scrapeStack = false,
    } = props;
    const { interval = DEFAULT_SCRAPE_INTERVAL } = global;
    const hasRules = Object.keys(ruleFiles).length > 0;
    const jobs = new ScrapeJobs(props.scrape ?? [], scrapeStack);
    const instance = instanceName(props.name, id, '-prometheus', problems);
    const args = prometheusArgs(props, problems);
    super(scope, id, {
      controller: {
        kind: 'StatefulSet',
        replicas,
        data: { volume: props.volume, mountPath: DATA_PATH },
        balanced: true,
      },
      name: `${instance}-prometheus`,
      identity: { name: 'prometheus', instance, component: 'server' },
      image: IMAGES.prometheus,
      args: () => args.render(),
      env: replicas > 1 ? [fieldEnv('POD_NAME', 'metadata.name')] : [],
      secrets: () => [
        ...remoteWrite.flatMap(({ endpoint, tls }) => clientSecrets(endpoint.credentials, tls)),
        ...alertmanagers.flatMap(({ credentials }) => clientSecrets(credentials)),
        ...jobs.secrets(),
      ],
      ports: [{ name: PORT_NAME, port: PORT, appProtocol: 'http' }],
      metrics: [{ portName: PORT_NAME }],
      // The memory request of kube-prometheus; Prometheus keeps below nine tenths of the limit where it can.
      resources: {
        cpu: { request: Cpu.millis(200) },
        memory: { request: Size.mebibytes(400), limit: Size.gibibytes(2) },
      },
      probes: {
        readiness: readinessProbe({ httpGet: { path: '/-/ready', port: PORT_NAME } }),
        // Answers from the start, also while the log is read again, which may take long: so no startup probe.
        liveness: livenessProbe({ httpGet: { path: '/-/healthy', port: PORT_NAME } }),
      },
      // The grace period of the Prometheus operator. Sending the last samples may take a minute.
      gracePeriod: { standard: Duration.minutes(10), least: Duration.seconds(90) },
      props,
      prefix: '',
      problems,
    });
    const replicaLabel = replicas > 1 ? (props.replicaLabel ?? DEFAULT_REPLICA_LABEL) : undefined;
    checkReplicasAreToldApart(props, replicaLabel, problems);
    checkDistinctTargets(remoteWrite, problems);
    const { scrape: wanted } = (given as Partial<PrometheusProps> | undefined) ?? {};
    problems.when([wanted ?? []].flat(2).length === 0 && !scrapeStack, {
      prop: 'scrape',
      value: wanted,
      rule: 'there is nothing to scrape',
      fix: 'write for example `scrape: [Scrape.annotatedPods()]`, or set `scrapeStack: true`',
    });
    problems.later((late) => {
      checkScrapeJobs({ global, jobs: jobs.all() }, 'prometheus', late);
      const targets = remoteWrite.map(({ endpoint }, index) => ({ prop: `remoteWrite[${index}]`, endpoint }));
      const evaluationInterval = hasRules ? props.evaluationInterval : undefined;
      const collection = { copies: replicas, copiesProp: 'replicas', interval, evaluationInterval, jobs: jobs.all() };
      checkDeduplication({ ...collection, targets }, late);
    });

    for (const { endpoint } of remoteWrite) endpoint.connectFrom(this);
    for (const endpoint of alertmanagers) endpoint.connectFrom(this);
    const config = (): string => configFile(props, jobs.all(), replicaLabel, secretPath);
    this.addConfigFiles('config', CONFIG_FOLDER, () => ({ [CONFIG_FILE]: config() }), { reloaded: true });
    if (hasRules) {
      this.addConfigFiles('rules', RULE_FOLDER, ruleFiles, { reloaded: true, split: true });
    }
    jobs.runBy(this, {
      interval,
      writesTo: remoteWrite
        .filter(({ relabelConfigs = [] }) => relabelConfigs.length === 0)
        .map(({ endpoint }) => endpoint),
      externalLabels: global.externalLabels ?? {},
      problems,
    });
  }

  /** Where to query what a pod keeps itself; which of several answers is left to the Service. */
  public read(): ReadEndpoint {
    return new ReadEndpoint(this.endpointProps(PORT_NAME));
  }
}

const HTTP = 'the probes of the pod and everything that is wired to it speak plain HTTP without credentials';
const READ_ONLY = 'whoever may query could store or delete data, or end the process';

function prometheusArgs(
  props: CheckedPrometheusProps & { readonly volume: VolumeProps },
  problems: Problems,
): PlainArgs {
  const { retention = DEFAULT_RETENTION, externalUrl, features = [] } = props;
  const args = new PlainArgs(problems, [], KNOWN_ARGS);
  setExternalUrl(args, externalUrl);
  return (
    args
      .set('config.file', `${CONFIG_FOLDER}/${CONFIG_FILE}`, LIBRARY)
      // Every Prometheus 3 knows the feature; `--config.auto-reload` came with 3.12.
      .set('enable-feature', ['auto-reload-config', ...features].join(','), 'features')
      .set('config.auto-reload', undefined, LIBRARY)
      .set('storage.tsdb.path', DATA_PATH, LIBRARY)
      .set('storage.tsdb.retention.time', longDuration(retention), 'retention')
      .set('storage.tsdb.retention.size', retentionSize(props, problems), 'retentionSize')
      .set('web.listen-address', `:${PORT}`, LIBRARY)
      .refuse(['web.config.file'], HTTP, 'remove it, and put a VmAuth in front')
      .refuse(['web.enable-lifecycle', 'web.enable-admin-api'], READ_ONLY, 'remove it')
      .refuse(
        ['web.enable-remote-write-receiver', 'web.enable-otlp-receiver'],
        READ_ONLY,
        'remove it, and push to the storage or to a VmAgent',
      )
      .refuse(['agent'], 'it would have no storage, queries and rules', 'remove it, or use a VmAgent')
      .addExtra(props.extraArgs)
  );
}

/** How much the data may take, as Prometheus writes it: its MB has 1024 KB. */
function retentionSize(
  { volume, retentionSize: given }: CheckedPrometheusProps & { readonly volume: VolumeProps },
  problems: Problems,
): string | undefined {
  const capacity = capacityOf(volume);
  const limit = given ?? (capacity && Size.kibibytes(Math.floor(kibibytes(capacity) * USUAL_SHARE)));
  problems.when(
    given !== undefined && capacity !== undefined && kibibytes(given) > kibibytes(capacity) * LARGEST_SHARE,
    {
      prop: 'retentionSize',
      value: given,
      rule: `is more than 85 % of the volume, which has ${capacity?.asString()}: the rest would not do for compaction`,
      fix: 'lower it, enlarge the volume, or leave it out for 80 %',
    },
  );
  return limit && `${Math.max(1, Math.floor(kibibytes(limit) / 1024))}MB`;
}

function checkReplicasAreToldApart(props: CheckedPrometheusProps, label: string | undefined, problems: Problems): void {
  problems.when(props.replicaLabel !== undefined && label === undefined, {
    prop: 'replicaLabel',
    value: props.replicaLabel,
    rule: 'there is one replica, and nothing to tell apart',
    fix: 'set `replicas` to 2, or remove it',
  });
  problems.when(label !== undefined && Object.hasOwn(props.global?.externalLabels ?? {}, label), {
    prop: `global.externalLabels['${label}']`,
    value: label === undefined ? undefined : props.global?.externalLabels?.[label],
    rule: 'the label has the name of the pod, which tells the replicas apart',
    fix: 'rename the label, or set `replicaLabel`',
  });
}

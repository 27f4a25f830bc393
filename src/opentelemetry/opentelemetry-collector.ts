import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkProps, checkRequired, kibibytes, Problems, wholeSeconds } from '../validation';
import { Cpu, IMAGES } from '../values';
import { checkDistinctTargets, type Endpoint } from '../wiring';
import {
  doubleDollars,
  fieldEnv,
  instanceName,
  isEphemeral,
  livenessProbe,
  readinessProbe,
  scaling,
  secretPath,
  Workload,
  yamlText,
  type Controller,
  type EnvVar,
  type PortProps,
} from '../workload';
import { checkTypes } from './component-types';
import { checkPipelines, checkStateful, joinPipelines, KINDS, type ComponentsByKind } from './config';
import {
  isRemoteWrite,
  renderAuthenticator,
  renderExporter,
  secretsOf,
  timeoutOf,
  type Components,
  type ExporterProps,
} from './exporter';
import { SHAPE, type CheckedProps, type OpenTelemetryCollectorProps } from './props';
import { queueBytes } from './queue';
import { checkReferences } from './references';

const CONFIG_FOLDER = '/etc/otelcol';
const CONFIG_FILE = 'config.yaml';
const QUEUE_PATH = '/queue';
const QUEUE_STORAGE = 'file_storage/queue';
const CLIENTS = 'bearertokenauth/clients';

const GRPC_PORT: PortProps = { name: 'otlp-grpc', port: 4317, appProtocol: 'grpc' };
const HTTP_PORT: PortProps = { name: 'otlp-http', port: 4318, appProtocol: 'http' };
const METRICS_PORT: PortProps = { name: 'metrics', port: 8888, podsOnly: true };
const HEALTH_PORT: PortProps = { name: 'health', port: 13133, podsOnly: true };

const DEFAULT_MEMORY_LIMIT = Size.mebibytes(512);

/** Of the memory limit, in percent, as the collector's Helm chart has it. */
const GO_MEMORY_PERCENT = 80;

/** More than it takes to answer clients that wait, and to close their connections. */
const CLOSE_SECONDS = 30;

/**
 * An OpenTelemetry Collector: takes metrics by OTLP and sends them on, joined to larger requests. What a target does not
 * take at once waits in a queue and is tried again. Once that is full, or memory runs short, clients are told to come
 * back later. Dropped is what a target refuses for good, what is still in memory when a pod ends and its target is away,
 * and by remote write what is not taken within `timeout`.
 *
 * A Deployment, or a StatefulSet where the queue is on a claim. Unless told otherwise a pod requests 100m CPU and 200Mi
 * memory, is limited to 512Mi memory and not in CPU, has 60 s to end, and readiness and liveness probes. A pod that ends
 * refuses connections at once, while some clients may still be sent to it: they try again, as OTLP wants it of them.
 *
 * Traces and logs pass as well, by pipelines in `config`. Metrics of programs that are scraped are vmagent's business.
 *
 * @see https://opentelemetry.io/docs/collector/
 */
export class OpenTelemetryCollector extends Workload {
  private readonly props: CheckedProps;
  private readonly variables: Set<string>;

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: OpenTelemetryCollectorProps) {
    const problems = new Problems();
    const props = checkProps(given, SHAPE, problems) as CheckedProps;
    checkRequired(given, 'exporters', problems, {
      rule: 'the collector must be told where to send what it takes',
      fix: 'write for example `exporters: [cluster.ingest().otlp]`',
    });
    const { exporters = [], queue, bearerToken, receiverPorts = [], config = {} } = props;
    const memoryLimit = props.resources?.memory?.limit ?? DEFAULT_MEMORY_LIMIT;
    const instance = instanceName(props.name, id, '-otelcol', problems);
    const controller = controllerOf(props, problems);
    const env: readonly EnvVar[] = [
      { name: 'GOMEMLIMIT', value: `${Math.floor((kibibytes(memoryLimit) * GO_MEMORY_PERCENT) / 100)}KiB` },
      fieldEnv('POD_IP', 'status.podIP'),
    ];
    const requests = exporters
      .filter((exporter) => !isRemoteWrite(exporter))
      .map(timeoutOf)
      .map(wholeSeconds);
    const longest = Math.max(CLOSE_SECONDS, ...requests);
    super(scope, id, {
      controller,
      name: `${instance}-otelcol`,
      identity: { name: 'otelcol', instance, component: 'collector' },
      image: IMAGES.openTelemetryCollector,
      args: () => [`--config=${CONFIG_FOLDER}/${CONFIG_FILE}`],
      secrets: () => [...exporters.flatMap(secretsOf), ...(bearerToken ? [bearerToken] : [])],
      env,
      ports: [
        GRPC_PORT,
        HTTP_PORT,
        METRICS_PORT,
        HEALTH_PORT,
        ...receiverPorts.map(({ name, port, protocol = 'TCP' }, index) => ({
          name,
          port,
          protocols: [protocol],
          source: `receiverPorts[${index}]`,
        })),
      ],
      metrics: [{ portName: METRICS_PORT.name }],
      // The example of the collector's Helm chart, without its CPU limit, which would delay requests.
      resources: {
        cpu: { request: Cpu.millis(100) },
        memory: { request: Size.mebibytes(200), limit: DEFAULT_MEMORY_LIMIT },
      },
      probes: {
        readiness: readinessProbe({ httpGet: { path: '/', port: HEALTH_PORT.name } }),
        // A busy process may be slow to answer; only one that no longer accepts connections is beyond help.
        liveness: livenessProbe({ tcpSocket: { port: HEALTH_PORT.name } }),
      },
      gracePeriod: { standard: Duration.seconds(longest + CLOSE_SECONDS), least: Duration.seconds(longest) },
      props,
      prefix: '',
      problems,
    });
    this.props = props;
    this.variables = new Set([...env, ...(props.env ?? [])].map(({ name }) => name));

    checkDistinctTargets(exporters, problems, 'exporters');
    checkQueue(props, problems);
    const components = joinComponents(ownComponents(props, queueBytes(exporters, queue, memoryLimit, problems)), props);
    const pipelines = joinPipelines(
      {
        receivers: ['otlp'],
        processors: ['memory_limiter'],
        exporters: Object.keys(components.exporters).filter((name) => !Object.hasOwn(config.exporters ?? {}, name)),
      },
      config.service?.pipelines,
    );
    if (props.image === undefined) checkTypes(config, problems);
    checkPipelines(pipelines, components, problems);
    checkStateful(components.processors, controller.autoscaling?.maxReplicas ?? controller.replicas, problems);
    problems.later((late) => {
      for (const kind of KINDS) checkReferences(config[kind], `config.${kind}`, this.variables, late);
    });

    for (const { endpoint } of exporters) endpoint.connectFrom(this);
    this.addConfigFiles('config', CONFIG_FOLDER, {
      [CONFIG_FILE]: render(components, pipelines, props.logLevel),
    });
  }

  /** Adds variables to the main container, to which `config` may refer. A literal that looks like a secret is reported. */
  public override addEnv(...variables: readonly EnvVar[]): this {
    for (const { name } of variables) this.variables.add(name);
    return super.addEnv(...variables);
  }

  /**
   * Where to send metrics by OTLP over HTTP: the value of `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`. Clients that add the path
   * themselves, as with `OTEL_EXPORTER_OTLP_ENDPOINT`, want `http://` and the `address` alone.
   */
  public otlpHttp(): Endpoint {
    return this.endpoint(HTTP_PORT.name, { path: '/v1/metrics', credentials: this.clientCredentials, writes: true });
  }

  /** Where to send any signal by OTLP over gRPC: clients want the `address`, with `http://` before it where a URL is asked for. */
  public otlpGrpc(): Endpoint {
    return this.endpoint(GRPC_PORT.name, { scheme: 'tcp', credentials: this.clientCredentials, writes: true });
  }

  private get clientCredentials(): Endpoint['credentials'] {
    const { bearerToken } = this.props;
    return bearerToken && { bearerToken };
  }
}

type Replicated = Exclude<Controller, { kind: 'DaemonSet' }>;

/** Pods with claims must be told apart. */
function controllerOf(props: CheckedProps, problems: Problems): Replicated {
  const { queue } = props;
  const replicas = scaling(props, '', problems);
  problems.when(props.autoscaling !== undefined && queue !== undefined && !isEphemeral(queue), {
    prop: 'autoscaling',
    value: props.autoscaling,
    rule: 'what waits on the claim of a pod that is scaled in stays there until the pod is scaled out again',
    fix: 'remove it, or keep the queue in memory or on the disk of the node: `queue: { ephemeral: true }`',
  });
  if (queue === undefined) return { kind: 'Deployment', ...replicas };
  return isEphemeral(queue)
    ? { kind: 'Deployment', ...replicas, data: { volume: queue, mountPath: QUEUE_PATH } }
    : { kind: 'StatefulSet', ...replicas, data: { volume: queue, mountPath: QUEUE_PATH }, balanced: true };
}

/** The exporter of remote write keeps what waits in memory. */
function checkQueue({ exporters = [], queue }: CheckedProps, problems: Problems): void {
  for (const [index, exporter] of exporters.entries()) {
    problems.when(queue !== undefined && isRemoteWrite(exporter), {
      prop: `exporters[${index}]`,
      value: exporter.endpoint.url,
      rule: 'what waits for a target of remote write stays in memory, whatever `queue` says',
      fix: 'send OTLP: cluster.ingest().otlp, or remove `queue`',
    });
  }
}

function ownComponents(props: CheckedProps, queues: readonly number[]): ComponentsByKind {
  const { exporters = [], queue, bearerToken } = props;
  const storage = queue && QUEUE_STORAGE;
  const each = (make: (exporter: ExporterProps, number: number) => Components): Components =>
    Object.fromEntries(exporters.flatMap((exporter, index) => Object.entries(make(exporter, index + 1))));
  const auth = bearerToken && { authenticator: CLIENTS };
  return {
    receivers: {
      otlp: {
        protocols: {
          grpc: {
            endpoint: `:${GRPC_PORT.port}`,
            auth,
            // Clients keep one connection: without an end to it a new pod would get no work.
            keepalive: { server_parameters: { max_connection_age: '1m', max_connection_age_grace: '30s' } },
          },
          http: { endpoint: `:${HTTP_PORT.port}`, auth },
        },
      },
    },
    processors: {
      // Shares of the memory limit of the container, as the Helm chart has them: from 55 % on clients are refused.
      memory_limiter: { check_interval: '1s', limit_percentage: 80, spike_limit_percentage: 25 },
    },
    exporters: each((exporter, number) => renderExporter(exporter, number, { bytes: queues[number - 1]!, storage })),
    connectors: {},
    extensions: {
      health_check: { endpoint: `:${HEALTH_PORT.port}` },
      ...(bearerToken && { [CLIENTS]: { filename: doubleDollars(secretPath(bearerToken)) } }),
      ...(queue && { [QUEUE_STORAGE]: QUEUE_SETTINGS }),
      ...each(renderAuthenticator),
    },
  };
}

const QUEUE_SETTINGS = {
  directory: QUEUE_PATH,
  // A file that is broken is put aside, rather than that the process never starts again.
  recreate: true,
  // Else a file stays as large as it once was.
  compaction: { on_rebound: true, cleanup_on_start: true, directory: QUEUE_PATH },
} as const;

/** So that metrics have the names that rules and dashboards know; the default only since 0.152. */
const PLAIN_NAMES = { without_type_suffix: true, without_units: true, without_scope_info: true } as const;

function joinComponents(own: ComponentsByKind, { config = {} }: CheckedProps): ComponentsByKind {
  return Object.fromEntries(KINDS.map((kind) => [kind, { ...own[kind], ...config[kind] }])) as ComponentsByKind;
}

function render(
  { connectors, ...others }: ComponentsByKind,
  pipelines: object,
  logLevel: CheckedProps['logLevel'],
): string {
  const service = {
    extensions: Object.keys(others.extensions),
    telemetry: {
      logs: logLevel && { level: logLevel },
      metrics: {
        readers: [
          { pull: { exporter: { prometheus: { host: '${env:POD_IP}', port: METRICS_PORT.port, ...PLAIN_NAMES } } } },
        ],
      },
    },
    pipelines,
  };
  const connected = Object.keys(connectors).length > 0 ? { connectors } : {};
  return yamlText({ ...others, ...connected, service });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { escapeExpansion } from '../flags';
import {
  all,
  atLeastOne,
  boolean,
  checkProps,
  duration,
  integer,
  kibibytes,
  milliseconds,
  oneOf,
  Problems,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import { Cpu, IMAGES } from '../values';
import { clientSecrets, Endpoint, writeEndpointCheck, type WriteEndpoint } from '../wiring';
import {
  credentialFiles,
  fieldEnv,
  INSTANCE_SHAPE,
  instanceName,
  livenessProbe,
  readinessProbe,
  Workload,
  WORKLOAD_SHAPE,
  type EnvVar,
  type InstanceProps,
  type WorkloadProps,
} from '../workload';
import { PORT, SCENARIOS, type Scenario, type Variable } from './environment';

/** A demo that makes up the metrics of a shop. */
export interface MetricsDemoProps extends WorkloadProps, InstanceProps {
  /**
   * How many pods. Each has traffic and scenarios of its own: a port-forward reaches one, and a scenario that is started in one
   * alone does not make all alerts fire, as of `traffic-drop` while the others have traffic.
   *
   * @default 1
   */
  readonly replicas?: number;
  /**
   * Whether the pods serve `/metrics` and are annotated for agents that look for it, as those with
   * `Scrape.annotatedPods()` do. Let them in by `demo.http().connectFrom(agent)`.
   *
   * @default true
   */
  readonly scrape?: boolean;
  /**
   * Where metrics are pushed by Prometheus remote write, with the label `job` `metrics-demo-remote-write`. What sums over all
   * jobs counts each way out: use one, or give each a tenant of its own.
   *
   * @default - nowhere
   */
  readonly remoteWrite?: WriteEndpoint;
  /**
   * Where metrics are pushed by OTLP over HTTP, with the label `job` `metrics-demo-otlp`: `cluster.ingest().otlp` or
   * `collector.otlpHttp()`.
   *
   * @default - nowhere
   */
  readonly otlp?: Endpoint;
  /**
   * Where it runs, such as `staging`: the attribute `deployment.environment.name` of what is pushed by OTLP.
   *
   * @default - no such attribute
   */
  readonly deploymentEnvironment?: string;
  /** From one push to the next, in whole seconds. @default Duration.seconds(15) */
  readonly pushInterval?: Duration;
  /** What happens from the start; others are started over HTTP. @default normal */
  readonly scenario?: Scenario;
  /** The same seed, pod name and clock make the same metrics. @default 1 */
  readonly seed?: number;
  /**
   * Whether the image has the program, at `/app/program.js`, as that of the Dockerfile beside it.
   *
   * @default false: it comes from a ConfigMap, and the image is one of Node.js, 20 or later
   */
  readonly programInImage?: boolean;
}

const writeEndpoint: Check = all(
  writeEndpointCheck,
  rule(
    (value) => (value as Endpoint).path.endsWith('/api/v1/write'),
    'remote write goes to a URL that ends in /api/v1/write',
    "write cluster.write() or WriteEndpoint.external('https://host/api/v1/write')",
  ),
);

const otlpEndpoint: Check = all(
  rule(
    (value) => Endpoint.is(value),
    'must be an Endpoint',
    "write cluster.ingest().otlp or Endpoint.external('https://host/v1/metrics')",
  ),
  rule(
    (value) => {
      const { kind, url, path } = value as Endpoint;
      return kind === 'http' && /^https?:/.test(url) && path.endsWith('/v1/metrics');
    },
    'OTLP over HTTP goes to a URL that ends in /v1/metrics',
    'write cluster.ingest().otlp or collector.otlpHttp()',
  ),
);

const wholeSecondsCheck: Check = all(
  duration,
  rule(
    (value) => milliseconds(value as Duration) % 1000 === 0,
    'must be whole seconds',
    'write for example Duration.seconds(15)',
  ),
);

const SHAPE: Shape<MetricsDemoProps> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  replicas: atLeastOne,
  scrape: boolean,
  remoteWrite: writeEndpoint,
  otlp: otlpEndpoint,
  deploymentEnvironment: text(),
  pushInterval: wholeSecondsCheck,
  scenario: oneOf(...SCENARIOS),
  seed: integer({ min: 0 }),
  programInImage: boolean,
};

const PORT_NAME = 'http';
const PROGRAM_FOLDER = '/app';
const PROGRAM_FILE = 'program.js';
const MEMORY_LIMIT = Size.mebibytes(192);

/** Of the memory limit, in percent: the rest is for code, stacks, buffers, and what the scenario `memory-growth` takes. */
const HEAP_PERCENT = 40;

/** Node.js itself, with what the demo counts. */
const LEAST_MEMORY = Size.mebibytes(128);

/**
 * A demo workload: a process that behaves like the API of a shop. Its requests, users, orders, cache and exporter of spans are
 * made up, from a seed and the clock; its metrics have the names that the rules and dashboards for applications expect. They
 * can be scraped and pushed, by remote write and OTLP. Scenarios (`POST /scenarios/high-errors`, ended by `DELETE`) make the
 * alerts fire.
 *
 * The program is mounted from a ConfigMap into a stock image of Node.js. It starts and runs without anything else; what it
 * cannot push is told by its log. Unless told otherwise a pod requests 20m CPU and 96Mi memory, is limited to 192Mi memory and
 * not in CPU, has 30 s to end, in which it pushes for the last time, and readiness and liveness probes.
 */
export class MetricsDemo extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: MetricsDemoProps = {}) {
    const problems = new Problems();
    const props = checkProps(given, SHAPE, problems);
    const { scrape = true, remoteWrite, otlp, replicas = 1, programInImage = false, podAnnotations } = props;
    checkWaysOut(given, problems);
    problems.when(programInImage && props.image === undefined, {
      prop: 'programInImage',
      value: true,
      rule: 'the default image is one of Node.js alone',
      fix: "set `image` to one that was built with the Dockerfile, e.g. Image.parse('registry.local/metrics-demo:1')",
    });
    const memoryLimit = props.resources?.memory?.limit ?? MEMORY_LIMIT;
    problems.when(kibibytes(memoryLimit) < kibibytes(LEAST_MEMORY), {
      prop: 'resources.memory.limit',
      value: memoryLimit,
      rule: `Node.js with the program needs ${LEAST_MEMORY.asString()}, and would be killed`,
      fix: `give it at least Size.mebibytes(${LEAST_MEMORY.toMebibytes()})`,
    });
    const instance = instanceName(props.name, id, '-metrics-demo', problems);
    super(scope, id, {
      controller: { kind: 'Deployment', replicas },
      name: `${instance}-metrics-demo`,
      identity: { name: 'metrics-demo', instance, component: 'demo' },
      image: IMAGES.node,
      command: ['node'],
      args: () => [
        // Without it the memory of a scenario that has ended would be given back some time later.
        '--expose-gc',
        `--max-old-space-size=${Math.floor((kibibytes(memoryLimit) * HEAP_PERCENT) / 100 / 1024)}`,
        // What is short-lived would else take up to a fourth of the limit.
        '--max-semi-space-size=2',
        `${PROGRAM_FOLDER}/${PROGRAM_FILE}`,
      ],
      secrets: () => [...clientSecrets(remoteWrite?.credentials), ...clientSecrets(otlp?.credentials)],
      env: environment(props, memoryLimit),
      ports: [{ name: PORT_NAME, port: PORT, appProtocol: 'http' }],
      // By the annotations, as programs of users are.
      metrics: [],
      resources: {
        cpu: { request: Cpu.millis(20) },
        memory: { request: Size.mebibytes(96), limit: MEMORY_LIMIT },
      },
      probes: {
        readiness: readinessProbe({ httpGet: { path: '/ready', port: PORT_NAME } }),
        liveness: livenessProbe({ httpGet: { path: '/health', port: PORT_NAME } }),
      },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(15) },
      props: { ...props, podAnnotations: scrape ? { ...ANNOTATIONS, ...podAnnotations } : podAnnotations },
      prefix: '',
      problems,
    });
    if (!programInImage) {
      const program = readFileSync(join(__dirname, 'bundle', PROGRAM_FILE), 'utf8');
      this.addConfigFiles('program', PROGRAM_FOLDER, { [PROGRAM_FILE]: program });
    }
    for (const endpoint of [remoteWrite, otlp]) endpoint?.connectFrom(this);
  }

  /** The page `/metrics`, and what starts and ends scenarios. */
  public http(): Endpoint {
    return this.endpoint(PORT_NAME);
  }
}

const ANNOTATIONS = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(PORT),
  'prometheus.io/path': '/metrics',
} as const;

function checkWaysOut(given: MetricsDemoProps, problems: Problems): void {
  const { scrape, remoteWrite, otlp, deploymentEnvironment, pushInterval } = given;
  const pushes = remoteWrite !== undefined || otlp !== undefined;
  problems.when(scrape === false && !pushes, {
    prop: 'scrape',
    value: scrape,
    rule: 'nothing is pushed either, so that nobody would see a metric',
    fix: 'remove it, or set `remoteWrite` or `otlp`',
  });
  problems.when(pushInterval !== undefined && !pushes, {
    prop: 'pushInterval',
    value: pushInterval,
    rule: 'nothing is pushed',
    fix: 'remove it, or set `remoteWrite` or `otlp`',
  });
  problems.when(deploymentEnvironment !== undefined && otlp === undefined, {
    prop: 'deploymentEnvironment',
    value: deploymentEnvironment,
    rule: 'nothing is pushed by OTLP',
    fix: 'remove it, or set `otlp`; what is scraped gets such labels from the agent',
  });
}

type Variables = Readonly<Partial<Record<Variable, string | undefined>>>;

function environment(props: Partial<MetricsDemoProps>, memoryLimit: Size): EnvVar[] {
  const { scrape, remoteWrite, otlp, deploymentEnvironment, pushInterval, scenario, seed } = props;
  const variables: Variables = {
    DEPLOYMENT_ENVIRONMENT: deploymentEnvironment,
    LISTEN_ADDRESS: `:${PORT}`,
    MEMORY_LIMIT_BYTES: String(kibibytes(memoryLimit) * 1024),
    ...target('OTLP', otlp),
    PUSH_INTERVAL_SECONDS: pushInterval && String(pushInterval.toSeconds()),
    ...target('REMOTE_WRITE', remoteWrite),
    SCENARIO: scenario,
    SCRAPE: scrape === undefined ? undefined : String(scrape),
    SEED: seed === undefined ? undefined : String(seed),
  };
  return [
    fieldEnv('POD_NAME' satisfies Variable, 'metadata.name'),
    fieldEnv('POD_NAMESPACE' satisfies Variable, 'metadata.namespace'),
    ...Object.entries<string | undefined>(variables).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value: escapeExpansion(value) }],
    ),
  ];
}

function target(prefix: 'OTLP' | 'REMOTE_WRITE', endpoint: Endpoint | undefined): Variables {
  if (!endpoint) return {};
  const { username, passwordFile, bearerTokenFile } = credentialFiles(endpoint.credentials);
  return {
    [`${prefix}_BEARER_TOKEN_FILE`]: bearerTokenFile,
    [`${prefix}_PASSWORD_FILE`]: passwordFile,
    [`${prefix}_URL`]: endpoint.url,
    [`${prefix}_USERNAME`]: username,
  };
}

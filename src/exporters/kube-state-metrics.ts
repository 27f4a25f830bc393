import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, PlainArgs, type ArgTemplate } from '../flags';
import {
  all,
  anyText,
  atLeastOne,
  checkProps,
  filledListOf,
  forbidden,
  listOf,
  object,
  oneOf,
  Problems,
  rule,
  type Check,
  type Shape,
} from '../validation';
import { Cpu, IMAGES, isQualifiedName, namespaceCheck } from '../values';
import {
  fieldEnv,
  INSTANCE_SHAPE,
  instanceName,
  livenessProbe,
  readinessProbe,
  WATCH,
  Workload,
  WORKLOAD_SHAPE,
  type ApiRule,
  type InstanceProps,
  type WorkloadProps,
} from '../workload';

interface Resource {
  readonly apiGroup: string;
  /** Whether its objects belong to namespaces. */
  readonly namespaced: boolean;
}

const namespaced = (apiGroup: string): Resource => ({ apiGroup, namespaced: true });
const ofCluster = (apiGroup: string): Resource => ({ apiGroup, namespaced: false });

/** What kube-state-metrics v2.19 knows. */
const RESOURCES = {
  certificatesigningrequests: ofCluster('certificates.k8s.io'),
  clusterrolebindings: ofCluster('rbac.authorization.k8s.io'),
  clusterroles: ofCluster('rbac.authorization.k8s.io'),
  configmaps: namespaced(''),
  cronjobs: namespaced('batch'),
  daemonsets: namespaced('apps'),
  deployments: namespaced('apps'),
  endpoints: namespaced(''),
  endpointslices: namespaced('discovery.k8s.io'),
  horizontalpodautoscalers: namespaced('autoscaling'),
  ingressclasses: ofCluster('networking.k8s.io'),
  ingresses: namespaced('networking.k8s.io'),
  jobs: namespaced('batch'),
  leases: namespaced('coordination.k8s.io'),
  limitranges: namespaced(''),
  mutatingwebhookconfigurations: ofCluster('admissionregistration.k8s.io'),
  namespaces: ofCluster(''),
  networkpolicies: namespaced('networking.k8s.io'),
  nodes: ofCluster(''),
  persistentvolumeclaims: namespaced(''),
  persistentvolumes: ofCluster(''),
  poddisruptionbudgets: namespaced('policy'),
  pods: namespaced(''),
  replicasets: namespaced('apps'),
  replicationcontrollers: namespaced(''),
  resourcequotas: namespaced(''),
  rolebindings: namespaced('rbac.authorization.k8s.io'),
  roles: namespaced('rbac.authorization.k8s.io'),
  secrets: namespaced(''),
  serviceaccounts: namespaced(''),
  services: namespaced(''),
  statefulsets: namespaced('apps'),
  storageclasses: ofCluster('storage.k8s.io'),
  validatingwebhookconfigurations: ofCluster('admissionregistration.k8s.io'),
  volumeattachments: ofCluster('storage.k8s.io'),
} as const satisfies Readonly<Record<string, Resource>>;

/** A resource of the Kubernetes API that kube-state-metrics tells about. */
export type KubeStateResource = keyof typeof RESOURCES;

const ALL_RESOURCES = Object.keys(RESOURCES) as KubeStateResource[];

const NOT_BY_DEFAULT: ReadonlySet<KubeStateResource> = new Set([
  // As upstream.
  'clusterrolebindings',
  'clusterroles',
  'endpoints',
  'ingressclasses',
  'rolebindings',
  'roles',
  'serviceaccounts',
  // Who may list them may read them.
  'secrets',
]);

/** Keys of labels or annotations by resource: `*` as a resource is all of them, and as the only key any key. */
export type MetadataAllowlist = Readonly<Partial<Record<KubeStateResource | '*', readonly string[]>>>;

/** A kube-state-metrics. */
export interface KubeStateMetricsProps extends WorkloadProps, InstanceProps {
  /**
   * What it tells about; it may list and watch just that.
   *
   * @default - as upstream, but for `secrets`: who may list Secrets may read them. With `namespaces`, what of it
   *   belongs to namespaces
   */
  readonly watchedResources?: readonly KubeStateResource[];
  /**
   * The namespaces that it tells about, in each of which it gets a Role.
   *
   * @default - all, and what belongs to none, by a ClusterRole
   */
  readonly namespaces?: readonly string[];
  /**
   * Pods that share the work, for clusters that are too large for one. With more than one it becomes a StatefulSet.
   *
   * @default 1
   */
  readonly shards?: number;
  /** Metrics to give, by name or regular expression, and no others. @default - all */
  readonly metricAllowlist?: readonly string[];
  /** Metrics to leave out, by name or regular expression. @default - none */
  readonly metricDenylist?: readonly string[];
  /** Labels of objects that become labels of `kube_..._labels`. @default - none */
  readonly metricLabelsAllowlist?: MetadataAllowlist;
  /** Annotations of objects that become labels of `kube_..._annotations`. @default - none */
  readonly metricAnnotationsAllowlist?: MetadataAllowlist;
  /** Args that no prop covers, each as `--name` or `--name=value`. @default - none */
  readonly extraArgs?: readonly string[];
}

/** Its regular expressions are not those of Go but of .NET, which JavaScript's are closer to. */
function compiles(expression: string): boolean {
  try {
    return new RegExp(expression) instanceof RegExp;
  } catch {
    return false;
  }
}

const metricPatterns: Check = filledListOf(
  rule(
    (value) => typeof value === 'string' && /^[^,\s]+$/.test(value) && compiles(value),
    'must be the name of a metric or a regular expression, without commas and spaces',
    "write for example 'kube_secret_.*'",
  ),
);

const metadataKeys: Check = all(
  listOf(
    rule(
      (value) => typeof value === 'string' && (value === '*' || isQualifiedName(value)),
      'must be the key of a label or annotation, or *',
      "write for example 'app.kubernetes.io/name'",
    ),
  ),
  rule(
    (value) => (value as string[]).length === 1 || !(value as string[]).includes('*'),
    '* is every key already',
    'remove it, or all others',
  ),
);

const metadataAllowlist: Check = object(
  Object.fromEntries(
    ['*', ...ALL_RESOURCES].map((name) => [name, metadataKeys]),
  ) as unknown as Shape<MetadataAllowlist>,
);

const SHAPE: Shape<KubeStateMetricsProps & { readonly replicas?: never; readonly autoscaling?: never }> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  // An empty list would mean all to kube-state-metrics.
  watchedResources: filledListOf(oneOf(...ALL_RESOURCES)),
  namespaces: filledListOf(namespaceCheck),
  shards: atLeastOne,
  metricAllowlist: metricPatterns,
  metricDenylist: metricPatterns,
  metricLabelsAllowlist: metadataAllowlist,
  metricAnnotationsAllowlist: metadataAllowlist,
  extraArgs: listOf(anyText),
  replicas: forbidden('each replica would report everything once more', 'set `shards` to share the work'),
  autoscaling: forbidden('each replica would report everything once more', 'set `shards` to share the work'),
};

const PORT_NAME = 'http';
const TELEMETRY_PORT_NAME = 'telemetry';
const POD_NAME = 'POD_NAME';
const POD_NAMESPACE = 'POD_NAMESPACE';

/**
 * kube-state-metrics: what the Kubernetes API says of the objects of a cluster, as metrics.
 *
 * It may list and watch `watchedResources` and nothing else. Unless told otherwise a pod requests 10m CPU and 190Mi
 * memory, is limited to 250Mi memory and not in CPU, has 30 s to end, and readiness and liveness probes. It keeps all
 * objects in memory: a large cluster needs more, or `shards`.
 *
 * @see https://github.com/kubernetes/kube-state-metrics
 */
export class KubeStateMetrics extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: KubeStateMetricsProps = {}) {
    const problems = new Problems();
    const props: KubeStateMetricsProps = checkProps(given, SHAPE, problems);
    const { namespaces, shards = 1 } = props;
    const instance = instanceName(props.name, id, '-kube-state-metrics', problems);
    const watched = watchedResources(props);
    const args = kubeStateMetricsArgs(props, watched, shards, problems);
    super(scope, id, {
      // By the numbers in their names the pods know which part of the work is theirs.
      controller:
        shards > 1 ? { kind: 'StatefulSet', replicas: shards, balanced: false } : { kind: 'Deployment', replicas: 1 },
      name: `${instance}-kube-state-metrics`,
      identity: { name: 'kube-state-metrics', instance, component: 'exporter' },
      image: IMAGES.kubeStateMetrics,
      args: () => args.render(),
      env: shards > 1 ? [fieldEnv(POD_NAME, 'metadata.name'), fieldEnv(POD_NAMESPACE, 'metadata.namespace')] : [],
      ports: [
        { name: PORT_NAME, port: 8080, appProtocol: 'http' },
        { name: TELEMETRY_PORT_NAME, port: 8081, appProtocol: 'http' },
      ],
      metrics: [
        // These tell of other pods and namespaces than its own.
        { portName: PORT_NAME, honorLabels: true },
        { portName: TELEMETRY_PORT_NAME },
      ],
      // The defaults of kube-prometheus, without its CPU limit.
      resources: {
        cpu: { request: Cpu.millis(10) },
        memory: { request: Size.mebibytes(190), limit: Size.mebibytes(250) },
      },
      probes: {
        readiness: readinessProbe({ httpGet: { path: '/readyz', port: TELEMETRY_PORT_NAME } }),
        // Not /livez, which fails with the API server: a restart would not bring that back.
        liveness: livenessProbe({ httpGet: { path: '/healthz', port: PORT_NAME } }),
      },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(5) },
      props,
      prefix: '',
      problems,
    });
    this.allowApi({ rules: watched.map(mayWatch), namespaces: namespaces && sorted(namespaces) });
    if (shards > 1) this.allowApi({ rules: FIND_SHARDS, namespaces: [undefined] });
    checkWatched(props, watched, problems);
  }
}

function mayWatch(resource: KubeStateResource): ApiRule {
  return { apiGroups: [RESOURCES[resource].apiGroup], resources: [resource], verbs: ['list', 'watch'] };
}

/** A pod looks up its StatefulSet, and follows the number of its replicas. */
const FIND_SHARDS: readonly ApiRule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  { apiGroups: ['apps'], resources: ['statefulsets'], verbs: WATCH },
];

/** Neither order nor repetition means anything. */
function sorted<T extends string>(names: readonly T[]): T[] {
  return [...new Set(names)].sort();
}

function watchedResources({ watchedResources: given, namespaces }: KubeStateMetricsProps): KubeStateResource[] {
  if (given) return sorted(given);
  const usual = ALL_RESOURCES.filter((resource) => !NOT_BY_DEFAULT.has(resource));
  return namespaces ? usual.filter((resource) => RESOURCES[resource].namespaced) : usual;
}

function kubeStateMetricsArgs(
  { namespaces, metricAllowlist, metricDenylist, ...props }: KubeStateMetricsProps,
  watched: readonly KubeStateResource[],
  shards: number,
  problems: Problems,
): PlainArgs {
  problems.when(metricAllowlist !== undefined && metricDenylist !== undefined, {
    prop: 'metricDenylist',
    value: metricDenylist,
    rule: 'kube-state-metrics takes either metricAllowlist or metricDenylist',
    fix: 'remove one of them',
  });
  const variable = (name: string): ArgTemplate | undefined => (shards > 1 ? { template: `$(${name})` } : undefined);
  return new PlainArgs(problems)
    .set('port', 8080, LIBRARY)
    .set('telemetry-port', 8081, LIBRARY)
    .set('resources', watched.join(','), 'watchedResources')
    .set('namespaces', namespaces && sorted(namespaces).join(','), 'namespaces')
    .set('pod', variable(POD_NAME), 'shards')
    .set('pod-namespace', variable(POD_NAMESPACE), 'shards')
    .set('shard', undefined, 'shards')
    .set('total-shards', undefined, 'shards')
    .set('metric-allowlist', metricAllowlist?.join(','), 'metricAllowlist')
    .set('metric-denylist', metricDenylist?.join(','), 'metricDenylist')
    .set('metric-labels-allowlist', allowlistText(props.metricLabelsAllowlist), 'metricLabelsAllowlist')
    .set('metric-annotations-allowlist', allowlistText(props.metricAnnotationsAllowlist), 'metricAnnotationsAllowlist')
    .refuse(['config'], 'what the file says wins over all args, and escapes every check', 'use the props')
    .refuse(
      ['custom-resource-state-config', 'custom-resource-state-config-file', 'custom-resource-state-only'],
      'the pods have no role for custom resources, which no prop names',
      'remove it, or run another one with `serviceAccount` and roles of yours',
    )
    .refuse(['node'], 'it would tell about the pods of one node only', 'use `shards`')
    .refuse(
      ['apiserver', 'kubeconfig'],
      'the pod has a token and a way to the API server of its own cluster',
      'remove it',
    )
    .refuse(
      ['auth-filter', 'host', 'telemetry-host', 'tls-config'],
      'the probes of the pod and whoever scrapes it speak plain HTTP to its address, without a token',
      'remove it; the NetworkPolicy lets in only who is wired',
    )
    .addExtra(props.extraArgs);
}

/** In kube-state-metrics' notation: `pods=[app,team],nodes=[*]`. */
function allowlistText(allowlist: MetadataAllowlist | undefined): string | undefined {
  return (
    allowlist &&
    Object.entries(allowlist)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([resource, keys]) => `${resource}=[${keys.join(',')}]`)
      .join(',')
  );
}

function checkWatched(props: KubeStateMetricsProps, watched: readonly KubeStateResource[], problems: Problems): void {
  const ofNoNamespace = watched.filter((resource) => !RESOURCES[resource].namespaced);
  problems.when(props.namespaces !== undefined && ofNoNamespace.length > 0, {
    prop: 'watchedResources',
    value: ofNoNamespace,
    rule: 'what belongs to no namespace would be told once for each of `namespaces`',
    fix: 'remove them, or watch them with a KubeStateMetrics without `namespaces`',
  });
  for (const prop of ['metricLabelsAllowlist', 'metricAnnotationsAllowlist'] as const) {
    for (const resource of Object.keys(props[prop] ?? {}) as (KubeStateResource | '*')[]) {
      problems.when(resource !== '*' && !watched.includes(resource), {
        prop: `${prop}.${resource}`,
        value: props[prop]?.[resource],
        rule: 'the resource is not among those that are watched',
        fix: `add it to \`watchedResources\`, or remove it here`,
      });
    }
  }
}

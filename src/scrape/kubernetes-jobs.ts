import type { SecretPath } from '../flags';
import { anyText, filledListOf, mapOf, type Shape } from '../validation';
import { namespaceCheck } from '../values';
import { namespaceNamed, type ClientTls } from '../wiring';
import { WATCH } from '../workload';
import { DISCOVERY_SHAPE, renderTls, type DiscoveryProps } from './job-props';
import { SCRAPE_LABELS } from './labels';
import type { RelabelConfig } from './relabeling';
import type { Plain, ScrapeDestination, ScrapeJob } from './scrape-job';
import type { JobProblems } from './job-problems';
import { checkJobProps, typedJob } from './typed-job';

/** Which pods or Services are scraped by their annotations. */
export interface AnnotatedProps extends DiscoveryProps {
  /** The namespaces that are looked into. @default - all */
  readonly namespaces?: readonly string[];
  /** Labels that the pods, or the Services, must have. @default - none */
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** How kubelets are scraped. */
export type KubeletProps = DiscoveryProps;

const ANNOTATED_SHAPE: Shape<AnnotatedProps> = {
  ...DISCOVERY_SHAPE,
  namespaces: filledListOf(
    namespaceCheck,
    'names no namespace, so that nothing would be found',
    'name one, or leave it out for all',
  ),
  matchLabels: mapOf(anyText),
};

/** Where Kubernetes puts the token and the authorities into pods that use its API. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const SERVICE_ACCOUNT_TOKEN = `${SERVICE_ACCOUNT}/token`;
const CLUSTER_CA = `${SERVICE_ACCOUNT}/ca.crt`;

export const KUBELET_PORT = 10250;

const META = '__meta_kubernetes_';

/** What reading of each kind of object takes. */
export const READ = {
  pods: { apiGroups: [''], resources: ['pods'], verbs: WATCH },
  services: { apiGroups: [''], resources: ['services'], verbs: WATCH },
  endpoints: { apiGroups: [''], resources: ['endpoints'], verbs: WATCH },
  endpointSlices: { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: WATCH },
  ingresses: { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: WATCH },
  nodes: { apiGroups: [''], resources: ['nodes'], verbs: WATCH },
  namespaces: { apiGroups: [''], resources: ['namespaces'], verbs: WATCH },
} as const;

/** Pods that have ended serve nothing. */
const NOT_ENDED: RelabelConfig = { action: 'drop', sourceLabels: [`${META}pod_phase`], regex: 'Succeeded|Failed' };

/** Nor do containers that run before the others. */
export const RUNNING: readonly RelabelConfig[] = [
  { action: 'drop', sourceLabels: [`${META}pod_container_init`], regex: 'true' },
  NOT_ENDED,
];

/** Pods by their annotations. */
export function annotatedPods(given: AnnotatedProps = {}): ScrapeJob {
  const { name, props, prefix, problems } = checkJobProps(given, ANNOTATED_SHAPE, 'annotated-pods');
  checkWhoGetsCredentials(props, prefix, problems);
  const port = `${META}pod_annotation_prometheus_io_port`;
  return typedJob({
    name,
    props,
    problems,
    apiAccess: [{ rules: [READ.pods], namespaces: props.namespaces }],
    destinations: podsOf(props.namespaces, props.matchLabels),
    fields: () => discovery('pod', props),
    relabelConfigs: [
      ...RUNNING,
      { action: 'keep', sourceLabels: [`${META}pod_annotation_prometheus_io_scrape`], regex: 'true' },
      // Without a port there is nothing to scrape, unless the annotation says one.
      { action: 'drop', sourceLabels: [port, `${META}pod_container_port_number`], regex: ';' },
      { action: 'drop', sourceLabels: [port, `${META}pod_container_port_protocol`], regex: ';(UDP|SCTP)' },
      ...annotations('pod', `${META}pod_ip`),
      { targetLabel: SCRAPE_LABELS.namespace, sourceLabels: [`${META}namespace`] },
      { targetLabel: SCRAPE_LABELS.pod, sourceLabels: [`${META}pod_name`] },
      // Which container serves the port of the annotation is not known; targets of the pod are told apart by nothing
      // else then, so that of several just one is scraped.
      {
        targetLabel: SCRAPE_LABELS.container,
        sourceLabels: [port, `${META}pod_container_name`],
        regex: ';(.+)',
      },
      { targetLabel: SCRAPE_LABELS.node, sourceLabels: [`${META}pod_node_name`] },
    ],
  });
}

/**
 * The pods behind Services by the annotations of the Services. By EndpointSlices: Endpoints are deprecated as of
 * Kubernetes 1.33, and hold 1000 addresses at the most.
 */
export function serviceEndpoints(given: AnnotatedProps = {}): ScrapeJob {
  const { name, props, prefix, problems } = checkJobProps(given, ANNOTATED_SHAPE, 'service-endpoints');
  checkWhoGetsCredentials(props, prefix, problems);
  return typedJob({
    name,
    props,
    problems,
    apiAccess: [{ rules: [READ.endpointSlices, READ.services, READ.pods], namespaces: props.namespaces }],
    destinations: podsOf(props.namespaces, undefined),
    fields: () => discovery('endpointslice', props),
    relabelConfigs: [
      NOT_ENDED,
      { action: 'keep', sourceLabels: [`${META}service_annotation_prometheus_io_scrape`], regex: 'true' },
      // Ports of the pods that the Service does not name are found as well.
      { action: 'keep', sourceLabels: [`${META}endpointslice_port`], regex: '.+' },
      {
        action: 'drop',
        sourceLabels: [`${META}service_annotation_prometheus_io_port`, `${META}endpointslice_port_protocol`],
        regex: ';(UDP|SCTP)',
      },
      ...annotations('service', '__address__'),
      { targetLabel: SCRAPE_LABELS.namespace, sourceLabels: [`${META}namespace`] },
      { targetLabel: SCRAPE_LABELS.service, sourceLabels: [`${META}service_name`] },
      { targetLabel: SCRAPE_LABELS.pod, sourceLabels: [`${META}pod_name`] },
      { targetLabel: SCRAPE_LABELS.node, sourceLabels: [`${META}endpointslice_endpoint_node_name`] },
    ],
  });
}

/** The metrics of the kubelets themselves. */
export function kubelet(given: KubeletProps = {}): ScrapeJob {
  return nodeJob('kubelet', '/metrics', given);
}

/** What the kubelets know of containers. */
export function cadvisor(given: KubeletProps = {}): ScrapeJob {
  return nodeJob('cadvisor', '/metrics/cadvisor', given);
}

/** The API servers, each by its own address. */
export function apiServer(given: DiscoveryProps = {}): ScrapeJob {
  const { name, props, prefix, problems } = checkJobProps(given, DISCOVERY_SHAPE, 'apiserver');
  refuseScheme(props, prefix, problems);
  return typedJob({
    name,
    props,
    problems,
    // The way there is open to whoever may use the API.
    apiAccess: [
      { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
      { rules: [READ.endpointSlices, READ.services, READ.pods], namespaces: ['default'] },
    ],
    fields: (secretPath) => ({
      ...asServiceAccount(props.credentials, { serverName: 'kubernetes.default.svc', ...props.tls }, secretPath),
      kubernetes_sd_configs: [{ role: 'endpointslice', namespaces: { names: ['default'] } }],
    }),
    relabelConfigs: [
      {
        action: 'keep',
        sourceLabels: [`${META}service_name`, `${META}endpointslice_port_name`],
        regex: 'kubernetes;https',
      },
    ],
  });
}

function nodeJob(ownName: string, metricsPath: string, given: KubeletProps): ScrapeJob {
  const { name, props, prefix, problems } = checkJobProps(given, DISCOVERY_SHAPE, ownName);
  refuseScheme(props, prefix, problems);
  // Most clusters let kubelets sign their certificates themselves, so that nothing could verify them.
  const unverified = props.tls?.ca ? {} : { insecureSkipVerify: true };
  return typedJob({
    name,
    props: { metricsPath, ...props },
    problems,
    apiAccess: [{ rules: [READ.nodes, { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }] }],
    destinations: [{ kind: 'nodes', ports: [{ port: KUBELET_PORT }] }],
    fields: (secretPath) => ({
      ...asServiceAccount(props.credentials, { ...unverified, ...props.tls }, secretPath),
      kubernetes_sd_configs: [{ role: 'node' }],
    }),
    relabelConfigs: [{ targetLabel: SCRAPE_LABELS.node, sourceLabels: [`${META}node_name`] }],
  });
}

/** https with the token and the authorities that Kubernetes gives to pods, where the user says nothing else. */
function asServiceAccount(
  credentials: DiscoveryProps['credentials'],
  tls: ClientTls,
  secretPath: SecretPath,
): Record<string, Plain> {
  const ofCluster = tls.ca === undefined && tls.insecureSkipVerify !== true ? { ca_file: CLUSTER_CA } : {};
  return {
    scheme: 'https',
    ...(credentials ? {} : { authorization: { type: 'Bearer', credentials_file: SERVICE_ACCOUNT_TOKEN } }),
    tls_config: { ...ofCluster, ...renderTls(tls, secretPath) },
  };
}

/** Who sets the annotation is sent the credentials. */
function checkWhoGetsCredentials(
  { credentials, namespaces }: AnnotatedProps,
  prefix: string,
  problems: JobProblems,
): void {
  problems.when(credentials !== undefined && namespaces === undefined, {
    prop: `${prefix}namespaces`,
    value: undefined,
    rule: 'whoever sets the annotation, in any namespace, would be sent the `credentials`',
    fix: 'name the namespaces that may have them',
  });
}

function refuseScheme({ scheme }: DiscoveryProps, prefix: string, problems: JobProblems): void {
  problems.when(scheme === 'http', {
    prop: `${prefix}scheme`,
    value: scheme,
    rule: 'they serve metrics over https only, to those with a token',
    fix: 'remove it',
  });
}

/** The annotations `prometheus.io/...` of pods or Services, and the address that a port is put to. */
function annotations(of: 'pod' | 'service', address: string): RelabelConfig[] {
  const annotation = (name: string): string => `${META}${of}_annotation_prometheus_io_${name}`;
  return [
    { targetLabel: '__scheme__', sourceLabels: [annotation('scheme')], regex: '(https?)' },
    { targetLabel: '__metrics_path__', sourceLabels: [annotation('path')], regex: '(.+)' },
    // IPv4, then IPv6, which an address may have in brackets already.
    {
      targetLabel: '__address__',
      sourceLabels: [annotation('port'), address],
      regex: '(\\d+);([\\d.]+)(?::\\d+)?',
      replacement: '$2:$1',
    },
    {
      targetLabel: '__address__',
      sourceLabels: [annotation('port'), address],
      regex: '(\\d+);\\[?([\\da-fA-F]*:[\\da-fA-F:.]*)\\]?(?::\\d+)?',
      replacement: '[$2]:$1',
    },
    { action: 'labelmap', regex: `${annotation('param_')}(.+)`, replacement: '__param_$1' },
  ];
}

function discovery(role: 'pod' | 'endpointslice', { namespaces, matchLabels }: AnnotatedProps): Record<string, Plain> {
  const label = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    kubernetes_sd_configs: [
      {
        role,
        ...(namespaces ? { namespaces: { names: [...namespaces] } } : {}),
        ...(label.length > 0
          ? { selectors: [{ role: role === 'pod' ? 'pod' : 'service', label: label.join(',') }] }
          : {}),
      },
    ],
  };
}

/** Pods of some namespaces or of all, at any port. */
export function podsOf(
  namespaces: readonly string[] | undefined,
  matchLabels: Readonly<Record<string, string>> | undefined,
): ScrapeDestination[] {
  const pods = matchLabels ? { podSelector: { matchLabels } } : {};
  return (namespaces?.map(namespaceNamed) ?? [{}]).map((namespaceSelector) => ({
    kind: 'peer',
    peer: { ...pods, namespaceSelector },
    ports: [],
  }));
}

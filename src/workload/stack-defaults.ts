import type { Construct } from 'constructs';
import {
  boolean,
  checkProps,
  filledListOf,
  listOf,
  object,
  oneOf,
  portNumber,
  Problems,
  rule,
  type Shape,
} from '../validation';
import { IMAGES, isDnsSubdomain, objectNameCheck } from '../values';
import { peerCheck, type NetworkPolicyPeer } from '../wiring';
import type { ApiServerProps } from './kubernetes-api';
import { labelsCheck } from './metadata';
import type { DnsProps } from './network-policy';

/** What holds for every pod of a stack. */
export interface StackDefaultsProps {
  /**
   * A mirror that all default images, and images given without a registry, come from.
   * `registry.local:5000/mirror` turns `docker.io/victoriametrics/vmstorage` into
   * `registry.local:5000/mirror/victoriametrics/vmstorage`.
   *
   * @default - each image's own registry
   */
  readonly imageRegistry?: string;
  /** When a node pulls an image. @default IfNotPresent */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Names of Secrets of type `kubernetes.io/dockerconfigjson`. @default - none */
  readonly imagePullSecrets?: readonly string[];
  /**
   * The domain of the cluster. When given, names are written in full with a trailing dot, which saves the pods'
   * resolvers a few lookups; when not, `service.namespace.svc` works in a cluster with any domain.
   *
   * @default - not written
   */
  readonly clusterDomain?: string;
  /**
   * Whether pods get a NetworkPolicy that allows what is wired and refuses the rest.
   *
   * @default true
   */
  readonly networkPolicies?: boolean;
  /** Where NetworkPolicies let pods look up names. @default - the DNS of most clusters */
  readonly dns?: DnsProps;
  /** Where NetworkPolicies let pods that use the Kubernetes API reach it. @default - any address on 443 and 6443 */
  readonly apiServer?: ApiServerProps;
  /**
   * The addresses of the nodes, for NetworkPolicies of pods that scrape kubelets or pods on the network of their node:
   * no selector finds those.
   *
   * @default - any address, on the ports in question
   */
  readonly nodes?: readonly NetworkPolicyPeer[];
  /**
   * Whether the manifests are applied server-side (`kubectl apply --server-side`, `ServerSideApply=true` in Argo CD),
   * which lets a ConfigMap have 1 MiB instead of 256 KiB, and a Service the same port over TCP and UDP.
   *
   * @default false
   */
  readonly serverSideApply?: boolean;
  /** Labels of every object and pod, beside those of the chart and of calls further up. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
}

const SHAPE: Shape<StackDefaultsProps> = {
  imageRegistry: rule(
    isRegistry,
    'must be a registry host with a dot or a port, or localhost, and optionally a path, without scheme',
    "write for example 'registry.example.com/mirror'",
  ),
  imagePullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
  imagePullSecrets: listOf(
    objectNameCheck('a Secret', 'give the name of a Secret of type kubernetes.io/dockerconfigjson'),
  ),
  clusterDomain: rule(
    (value) => typeof value === 'string' && isDnsSubdomain(value),
    'must be a domain name without a trailing dot',
    "write for example 'cluster.local'",
  ),
  networkPolicies: boolean,
  serverSideApply: boolean,
  dns: object<DnsProps>({
    peers: listOf(peerCheck),
    port: portNumber,
  }),
  apiServer: object<ApiServerProps>({ peers: filledListOf(peerCheck), ports: filledListOf(portNumber) }),
  nodes: filledListOf(peerCheck),
  labels: labelsCheck,
};

function isRegistry(value: unknown): boolean {
  try {
    return typeof value === 'string' && IMAGES.vmstorage.inRegistry(value).registry !== undefined;
  } catch {
    return false;
  }
}

const CONTEXT_KEY = 'cdk8s-victoriametrics.io/stack-defaults';

/** Settings that hold for everything below a construct: a chart, or the whole app. */
export class StackDefaults {
  /**
   * Call it before anything is made below the scope. A later call further down replaces single settings.
   *
   * @throws Error when the scope has children already.
   */
  public static set(scope: Construct, props: StackDefaultsProps): void {
    if (scope.node.children.length > 0) {
      throw new Error(`StackDefaults.set: call it before anything is made below ${scope.node.path || 'the app'}`);
    }
    const problems = new Problems();
    const checked = checkProps(props, SHAPE, problems, 'StackDefaults.');
    problems.reportAt(scope);
    const above = StackDefaults.of(scope);
    const labels = checked.labels && { ...above.labels, ...checked.labels };
    scope.node.setContext(CONTEXT_KEY, { ...above, ...checked, ...(labels ? { labels } : {}) });
  }

  /** The settings that hold at a construct. */
  public static of(scope: Construct): StackDefaultsProps {
    return (scope.node.tryGetContext(CONTEXT_KEY) as StackDefaultsProps | undefined) ?? {};
  }
}

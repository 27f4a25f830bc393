import type { Container, EnvVar, PodSpec, TopologySpreadConstraint, Volume, VolumeMount, Affinity } from './kubernetes';
import type { Probes } from './probes';
import type { WorkloadProps } from './props';
import { podSecurityContext, RESTRICTED_CONTAINER } from './security';
import { expandProtocols, type PortProps } from './service';
import type { StackDefaultsProps } from './stack-defaults';

/** What pods share with their node. */
export interface HostAccess {
  /** Its network: ports are opened on the node, and no NetworkPolicy applies. @default false */
  readonly network?: boolean;
  /** Its processes. @default false */
  readonly pid?: boolean;
}

/** All that the component says about its pods. */
export interface PodParts {
  readonly containerName: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly EnvVar[];
  readonly ports: readonly PortProps[];
  readonly resources: Container['resources'];
  readonly probes: Probes;
  readonly volumes: readonly Volume[];
  readonly volumeMounts: readonly VolumeMount[];
  readonly extraContainers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly host?: HostAccess;
  readonly terminationGracePeriodSeconds: number;
  readonly affinity?: Affinity;
  readonly topologySpreadConstraints: readonly TopologySpreadConstraint[];
}

/** The hardened pod that every component runs in. */
export function podSpec(
  parts: PodParts,
  props: WorkloadProps,
  { imagePullPolicy = 'IfNotPresent', imagePullSecrets }: StackDefaultsProps,
): PodSpec {
  const harden = (container: Container): Container => ({
    imagePullPolicy,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...container,
    securityContext: { ...RESTRICTED_CONTAINER, ...container.securityContext },
  });
  const main = harden({
    name: parts.containerName,
    image: parts.image,
    command: parts.command,
    args: orNothing(parts.args),
    env: orNothing(parts.env),
    ports: expandProtocols(parts.ports).map(({ name, port, protocol }) => ({ name, containerPort: port, protocol })),
    resources: parts.resources,
    readinessProbe: parts.probes.readiness,
    livenessProbe: parts.probes.liveness,
    startupProbe: parts.probes.startup,
    volumeMounts: orNothing(parts.volumeMounts),
  });
  return {
    affinity: parts.affinity,
    automountServiceAccountToken: parts.automountServiceAccountToken,
    containers: [main, ...parts.extraContainers.map(harden)],
    // Without this a pod on the network of its node could not look up names of the cluster.
    dnsPolicy: parts.host?.network ? 'ClusterFirstWithHostNet' : undefined,
    // Without this every Service of the namespace becomes a handful of environment variables.
    enableServiceLinks: false,
    hostNetwork: parts.host?.network,
    hostPID: parts.host?.pid,
    imagePullSecrets: imagePullSecrets?.map((name) => ({ name })),
    initContainers: orNothing(parts.initContainers.map(harden)),
    nodeSelector: props.nodeSelector,
    priorityClassName: props.priorityClassName,
    securityContext: podSecurityContext(props.runAs),
    serviceAccountName: parts.serviceAccountName,
    terminationGracePeriodSeconds: parts.terminationGracePeriodSeconds,
    tolerations: props.tolerations,
    topologySpreadConstraints: orNothing(parts.topologySpreadConstraints),
    volumes: orNothing(parts.volumes),
  };
}

function orNothing<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}

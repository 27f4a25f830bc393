import type { ContainerResources, IServiceAccount } from 'cdk8s-plus-28';
import {
  all,
  anything,
  anyText,
  atLeastOne,
  duration,
  instance,
  integer,
  listOf,
  mapOf,
  object,
  oneOf,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import type { Duration } from 'cdk8s';
import type { Image } from '../values';
import type { DisruptionBudgetProps } from './disruption-budget';
import type { Container, EnvVar, Volume, VolumeMount } from './kubernetes';
import type { ProbeProps, ProbeTimings } from './probes';
import { annotationsCheck, labelsCheck } from './metadata';
import { resourcesCheck } from './resources';
import type { SchedulingProps, SpreadProps } from './scheduling';
import type { RunAs } from './security';
import { SERVICE_SHAPE, type ServiceProps } from './service';

/** What a user may say about any component as a whole. */
export interface InstanceProps {
  /** Begins the names of all objects and is the label `app.kubernetes.io/instance`. @default - the id of the construct */
  readonly name?: string;
}

/** The name is checked by `instanceName`. */
export const INSTANCE_SHAPE: Shape<InstanceProps> = { name: anything };

/** What a user may say about the pods of any component. */
export interface WorkloadProps extends SchedulingProps {
  /** The image of the main container. @default - the version that this library was made for, see `IMAGES` */
  readonly image?: Image;
  /** CPU and memory of the main container, joined amount by amount with the component's own. @default - see the component's class */
  readonly resources?: ContainerResources;
  /** Labels of every object of the component. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the workload object. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels of the pods. @default - none */
  readonly podLabels?: Readonly<Record<string, string>>;
  /** Annotations of the pods. @default - none */
  readonly podAnnotations?: Readonly<Record<string, string>>;
  /** Environment of the main container. @default - none */
  readonly env?: readonly EnvVar[];
  /** Containers beside the main one; they get the hardened security context where they say none. @default - none */
  readonly extraContainers?: readonly Container[];
  /** Containers that run before the main one. @default - none */
  readonly initContainers?: readonly Container[];
  /** Volumes of the pods, beside those of the component. @default - none */
  readonly extraVolumes?: readonly Volume[];
  /** Mounts of the main container. @default - none */
  readonly extraVolumeMounts?: readonly VolumeMount[];
  /** Who the pods are to the API server. @default - a ServiceAccount of its own, without a token */
  readonly serviceAccount?: IServiceAccount;
  /** The user and groups of the pods. @default - 65534 for user, group and volumes */
  readonly runAs?: RunAs;
  /** Timings of the probes that the component has. @default - see the component's class */
  readonly probes?: ProbeProps;
  /** How long Kubernetes waits for a clean exit before it kills the process. @default - see the component's class */
  readonly terminationGracePeriod?: Duration;
  /** How many pods a drain may take down at once; false for no budget. @default - one, for two replicas or more */
  readonly podDisruptionBudget?: DisruptionBudgetProps | false;
  /** How clients reach the pods. @default - ClusterIP */
  readonly service?: ServiceProps;
}

const TIMINGS = object<ProbeTimings>({
  initialDelaySeconds: integer({ min: 0 }),
  periodSeconds: atLeastOne,
  timeoutSeconds: atLeastOne,
  successThreshold: atLeastOne,
  failureThreshold: atLeastOne,
});

const spreadPolicy = oneOf('required', 'preferred', 'none');

const budget = object<DisruptionBudgetProps>({
  maxUnavailable: integer({ min: 0 }),
  minAvailable: integer({ min: 0 }),
});

const envVar = object<EnvVar>({ name: text(), value: anyText, valueFrom: anything }, 'name');

/** Plain data of Kubernetes, of which only what names it is looked at. */
function named(what: string, ...keys: readonly string[]): Check {
  return all(
    mapOf(anything),
    ...['name', ...keys].map((key) =>
      rule(
        (value) => typeof (value as Record<string, unknown>)[key] === 'string',
        `${what} needs \`${key}\``,
        `give it \`${key}\``,
      ),
    ),
  );
}

const container = named('a container', 'image');

export const WORKLOAD_SHAPE: Shape<WorkloadProps> = {
  image: instance('Image', 'inRegistry', "Image.parse('registry/repository:tag')"),
  resources: resourcesCheck,
  labels: labelsCheck,
  annotations: annotationsCheck,
  podLabels: labelsCheck,
  podAnnotations: annotationsCheck,
  env: listOf(envVar),
  extraContainers: listOf(container),
  initContainers: listOf(container),
  extraVolumes: listOf(named('a volume')),
  extraVolumeMounts: listOf(named('a mount', 'mountPath')),
  serviceAccount: instance('ServiceAccount', 'name', "ServiceAccount.fromServiceAccountName(this, 'sa', 'name')"),
  runAs: object<RunAs>({ user: atLeastOne, group: atLeastOne, fsGroup: atLeastOne }),
  probes: object<ProbeProps>({ readiness: TIMINGS, liveness: TIMINGS, startup: TIMINGS }),
  terminationGracePeriod: duration,
  podDisruptionBudget: (value, prop, problems) => (value === false ? value : budget(value, prop, problems)),
  service: object(SERVICE_SHAPE),
  spread: object<SpreadProps>({ hosts: spreadPolicy, zones: spreadPolicy }),
  nodeSelector: mapOf(anyText),
  tolerations: listOf(mapOf(anything)),
  affinity: mapOf(anything),
  priorityClassName: text(),
};

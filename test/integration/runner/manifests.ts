import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Container, Volume } from '../../../src';

/** The part of a manifest that all kinds have. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** As far as the runner reads it. */
export interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly terminationGracePeriodSeconds?: number;
}

/** A set of equal pods. */
export interface WorkloadManifest {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  /** The Service that gives each pod a DNS name; StatefulSets only. */
  readonly serviceName?: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly podSpec: PodSpec;
  /** Names of the volumes that each pod has a claim of its own for. */
  readonly claimTemplates: readonly string[];
  /** How long a pod is ready before a rolling update goes on. The runner makes none; whoever does heeds it. */
  readonly minReadySeconds: number;
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: string | number;
  readonly protocol?: 'TCP' | 'UDP';
}

export interface ServiceManifest {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly type: string;
  readonly headless: boolean;
  readonly publishNotReadyAddresses: boolean;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

/** What the runner needs of the manifests of a stack. */
export interface Manifests {
  readonly workloads: readonly WorkloadManifest[];
  readonly services: readonly ServiceManifest[];
  /** File name to content, by `namespace/name`. */
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Parses the documents of a YAML text, as `app.synthYaml()` gives it. */
export function parseManifests(yaml: string): object[] {
  return parseAllDocuments(yaml, { merge: false })
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as object | null;
    })
    .filter((object) => object !== null);
}

/** Reads all manifests of a folder, as `app.synth()` writes it. */
export function readManifests(folder: string): object[] {
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  if (files.length === 0) throw new Error(`${folder}: holds no YAML file; synthesize the environment first`);
  return files.sort().flatMap((name) => parseManifests(readFileSync(join(folder, name), 'utf8')));
}

/** Where objects live whose manifest names no namespace. */
const DEFAULT_NAMESPACE = 'default';

/** Kinds that run processes and that the runner does not know. */
const UNSUPPORTED_KINDS = new Set(['Pod', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob']);

/** @throws Error when a manifest asks for something that the runner cannot honour and a process would notice. */
export function indexManifests(given: readonly object[]): Manifests {
  const objects = given as readonly KubernetesObject[];
  const workloads: WorkloadManifest[] = [];
  const services: ServiceManifest[] = [];
  const configMaps = new Map<string, Readonly<Record<string, string>>>();
  for (const object of objects) {
    const { kind, metadata } = object;
    if (kind === 'StatefulSet' || kind === 'Deployment' || kind === 'DaemonSet') {
      workloads.push(workloadManifest(object as WorkloadObject, objects));
    } else if (kind === 'Service') {
      services.push(serviceManifest(object as ServiceObject));
    } else if (kind === 'ConfigMap') {
      configMaps.set(`${namespaceOf(object)}/${metadata.name}`, (object as ConfigMapObject).data ?? {});
    } else if (UNSUPPORTED_KINDS.has(kind)) {
      throw new Error(`${kind} ${metadata.name}: the runner cannot run this kind`);
    }
  }
  return { workloads, services, configMaps };
}

interface WorkloadObject extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly template: {
      readonly metadata?: Pick<KubernetesObject['metadata'], 'labels' | 'annotations'>;
      readonly spec: PodSpec;
    };
    readonly minReadySeconds?: number;
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

interface ServiceObject extends KubernetesObject {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
  };
}

interface AutoscalerObject extends KubernetesObject {
  readonly spec: {
    readonly minReplicas?: number;
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
  };
}

interface ConfigMapObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? DEFAULT_NAMESPACE;
}

function workloadManifest(object: WorkloadObject, objects: readonly KubernetesObject[]): WorkloadManifest {
  const { kind, metadata, spec } = object;
  const { template, volumeClaimTemplates = [] } = spec;
  checkHonoured(`${kind} ${metadata.name}`, template.spec);
  return {
    kind,
    name: metadata.name,
    namespace: namespaceOf(object),
    replicas: spec.replicas ?? minReplicas(object, objects) ?? 1,
    serviceName: spec.serviceName,
    podLabels: template.metadata?.labels ?? {},
    podAnnotations: template.metadata?.annotations ?? {},
    podSpec: template.spec,
    claimTemplates: volumeClaimTemplates.map((claim) => claim.metadata.name),
    minReadySeconds: spec.minReadySeconds ?? 0,
  };
}

/** An autoscaler owns the number of pods: there are at least `minReplicas`, and nothing here makes it add any. */
function minReplicas(object: KubernetesObject, objects: readonly KubernetesObject[]): number | undefined {
  const autoscaler = objects.find((candidate): candidate is AutoscalerObject => {
    if (candidate.kind !== 'HorizontalPodAutoscaler' || namespaceOf(candidate) !== namespaceOf(object)) return false;
    const { kind, name } = (candidate as AutoscalerObject).spec.scaleTargetRef;
    return kind === object.kind && name === object.metadata.name;
  });
  return autoscaler && (autoscaler.spec.minReplicas ?? 1);
}

function serviceManifest(object: ServiceObject): ServiceManifest {
  const { metadata, spec } = object;
  if (spec.selector === undefined || spec.type === 'ExternalName') {
    throw new Error(`Service ${metadata.name}: the runner cannot run a Service that selects no pods`);
  }
  return {
    name: metadata.name,
    namespace: namespaceOf(object),
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    type: spec.type ?? 'ClusterIP',
    headless: spec.clusterIP === 'None',
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    selector: spec.selector,
    ports: spec.ports ?? [],
  };
}

const POD_FIELDS = {
  honoured: [
    'automountServiceAccountToken',
    'containers',
    'initContainers',
    'volumes',
    'terminationGracePeriodSeconds',
  ],
  // They decide where a pod runs, what it may do and what it shares, not what its processes are.
  meaningless: [
    'affinity',
    'dnsPolicy',
    'enableServiceLinks',
    'hostIPC',
    'hostNetwork',
    'hostPID',
    'imagePullSecrets',
    'nodeSelector',
    'priorityClassName',
    'restartPolicy',
    'schedulerName',
    'securityContext',
    'serviceAccountName',
    'shareProcessNamespace',
    'tolerations',
    'topologySpreadConstraints',
  ],
} as const;

const CONTAINER_FIELDS = {
  honoured: [
    'args',
    'command',
    'env',
    'envFrom',
    'image',
    'name',
    'ports',
    'readinessProbe',
    'restartPolicy',
    'startupProbe',
    'volumeMounts',
    'workingDir',
  ],
  // The runner never restarts a container by itself, so a liveness probe has nothing to do.
  meaningless: [
    'imagePullPolicy',
    'livenessProbe',
    'resources',
    'securityContext',
    'terminationMessagePath',
    'terminationMessagePolicy',
  ],
} as const;

function checkHonoured(owner: string, podSpec: PodSpec): void {
  const check = (what: string, fields: object, known: typeof POD_FIELDS | typeof CONTAINER_FIELDS): void => {
    const names: readonly string[] = [...known.honoured, ...known.meaningless];
    const unknown = Object.keys(fields).find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`${what}: the runner cannot honour the field ${unknown}`);
  };
  check(owner, podSpec, POD_FIELDS);
  for (const container of [...podSpec.containers, ...(podSpec.initContainers ?? [])]) {
    check(`${owner}, container ${container.name}`, container, CONTAINER_FIELDS);
  }
}

/** Whether the labels of a pod are those that a selector asks for. */
function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** Whether a Service sends connections to a pod when that is ready. */
export function isBehind(
  service: Pick<ServiceManifest, 'namespace' | 'selector'>,
  pod: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  return service.namespace === pod.namespace && selects(service.selector, pod.labels);
}

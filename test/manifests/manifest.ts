import type {
  V1Container,
  V1LabelSelector,
  V1Namespace,
  V1ObjectMeta,
  V1PodSpec,
  V1StatefulSetSpec,
  V1DeploymentSpec,
  V2HorizontalPodAutoscalerSpec,
} from '@kubernetes/client-node';

/** An object as it stands in a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: V1ObjectMeta & { readonly name: string };
  readonly [field: string]: unknown;
}

/** A manifest whose spec is known by its kind. */
export type ManifestWith<Spec> = Manifest & { readonly spec: Spec };

/** Finds what is wrong with the objects of one environment: one sentence for each violation, none when all is well. */
export type Policy = (objects: readonly Manifest[]) => string[];

/** A StatefulSet, Deployment or other object that makes pods. */
export interface Workload {
  readonly manifest: ManifestWith<V1StatefulSetSpec & V1DeploymentSpec>;
  /** `kind namespace/name`, for messages. */
  readonly title: string;
  readonly name: string;
  readonly namespace: string;
  /** The program: `app.kubernetes.io/name` of the pods. */
  readonly program: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly pod: V1PodSpec;
  /** Init containers as well. */
  readonly containers: readonly V1Container[];
}

/** `kind namespace/name`, for messages. */
export function titleOf({ kind, metadata: { namespace, name } }: Manifest): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

export function ofKind<Spec>(objects: readonly Manifest[], kind: string): ManifestWith<Spec>[] {
  return objects.filter((object): object is ManifestWith<Spec> => object.kind === kind);
}

export function findObject(
  objects: readonly Manifest[],
  kind: string,
  namespace: string | undefined,
  name: string,
): Manifest | undefined {
  return objects.find(
    ({ kind: otherKind, metadata }) => otherKind === kind && metadata.name === name && metadata.namespace === namespace,
  );
}

/** Everything with a pod template. */
export function workloads(objects: readonly Manifest[]): Workload[] {
  return objects.flatMap((object) => {
    const manifest = object as Workload['manifest'];
    const { template } = (object as { spec?: Partial<Workload['manifest']['spec']> }).spec ?? {};
    if (!template?.spec) return [];
    const podLabels = template.metadata?.labels ?? {};
    return {
      manifest,
      title: titleOf(manifest),
      name: manifest.metadata.name,
      namespace: manifest.metadata.namespace ?? '',
      program: podLabels['app.kubernetes.io/name'] ?? '',
      podLabels,
      podAnnotations: template.metadata?.annotations ?? {},
      pod: template.spec,
      containers: [...(template.spec.initContainers ?? []), ...template.spec.containers],
    };
  });
}

/** The autoscaler that sets the number of pods. */
export function autoscalerOf(
  { manifest, name, namespace }: Workload,
  objects: readonly Manifest[],
): ManifestWith<V2HorizontalPodAutoscalerSpec> | undefined {
  return ofKind<V2HorizontalPodAutoscalerSpec>(objects, 'HorizontalPodAutoscaler').find(
    ({ metadata, spec: { scaleTargetRef: target } }) =>
      metadata.namespace === namespace && target.kind === manifest.kind && target.name === name,
  );
}

/** How many pods there are at the least and at the most, which differ where they are autoscaled. */
export function replicaRange(workload: Workload, objects: readonly Manifest[]): { min: number; max: number } {
  const { replicas = 1 } = workload.manifest.spec;
  const { minReplicas = 1, maxReplicas } = autoscalerOf(workload, objects)?.spec ?? {};
  return maxReplicas === undefined ? { min: replicas, max: replicas } : { min: minReplicas, max: maxReplicas };
}

/** Whether labels satisfy a selector. An empty selector selects everything, as in a NetworkPolicy or a budget. */
export function matches(selector: V1LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** The labels of a namespace, with the one that Kubernetes sets itself. */
export function namespaceLabels(objects: readonly Manifest[], namespace: string): Record<string, string> {
  const object = findObject(objects, 'Namespace', undefined, namespace) as V1Namespace | undefined;
  return { ...object?.metadata?.labels, 'kubernetes.io/metadata.name': namespace };
}

/** A text that a pod reads at its start, and where it stands. */
export interface PodText {
  readonly place: string;
  readonly text: string;
}

/** The args, environment and ConfigMaps of the pods: wherever an address may be written. */
export function podTexts(workload: Workload, objects: readonly Manifest[]): PodText[] {
  return [
    ...containerTexts(workload),
    ...configMapsOf(workload).flatMap((name) => {
      const object = findObject(objects, 'ConfigMap', workload.namespace, name);
      return object ? configMapTexts(object) : [];
    }),
  ];
}

/** The args and the environment of the containers. */
export function containerTexts({ title, containers }: Workload): PodText[] {
  return containers.flatMap(({ name, args = [], command = [], env = [] }) => [
    ...[...command, ...args].map((text) => ({ place: `${title}: container ${name}: ${flagOf(text)}`, text })),
    ...env.map((variable) => ({
      place: `${title}: container ${name}: env ${variable.name}`,
      text: variable.value ?? '',
    })),
  ]);
}

export function configMapTexts(object: Manifest): PodText[] {
  return Object.entries((object.data ?? {}) as Record<string, string>).map(([key, text]) => ({
    place: `${titleOf(object)}: ${key}`,
    text,
  }));
}

/** The names of the ConfigMaps that the pods read, whatever the way. */
function configMapsOf({ pod, containers }: Workload): string[] {
  const names = [
    ...(pod.volumes ?? []).flatMap(({ configMap, projected }) => [
      configMap?.name,
      ...(projected?.sources ?? []).map((source) => source.configMap?.name),
    ]),
    ...containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ]),
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The name of the flag, without its value, which may be a secret. */
function flagOf(arg: string): string {
  return arg.startsWith('-') ? arg.replace(/=.*$/s, '') : 'argument';
}

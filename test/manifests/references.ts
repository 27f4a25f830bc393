import type { V1Container } from '@kubernetes/client-node';
import { findObject, ofKind, titleOf, workloads, type Manifest, type Policy, type Workload } from './manifest';

/** A named thing that pods need. */
interface Reference {
  readonly kind: 'ConfigMap' | 'PersistentVolumeClaim' | 'Secret';
  readonly name: string;
  /** Which part of it is needed. */
  readonly key?: string;
  /** Whether pods start without it. */
  readonly optional?: boolean;
}

/** A source of files or variables, as all kinds of them spell it. */
interface Source {
  readonly name?: string;
  readonly secretName?: string;
  readonly key?: string;
  readonly items?: readonly { readonly key: string }[];
  readonly optional?: boolean;
}

/** Every ConfigMap, claim and ServiceAccount that pods need is there, with the keys that they read. */
export const resolvedReferences: Policy = (objects) =>
  workloads(objects).flatMap((workload) => {
    const { title, namespace, pod } = workload;
    const account = pod.serviceAccountName ?? 'default';
    return [
      ...(account === 'default' || findObject(objects, 'ServiceAccount', namespace, account)
        ? []
        : [`${title}: there is no ServiceAccount ${account}`]),
      ...referencesOf(workload)
        .filter(({ kind, optional }) => kind !== 'Secret' && !optional)
        .flatMap(({ kind, name, key }) => {
          const object = findObject(objects, kind, namespace, name);
          if (!object) return [`${title}: there is no ${kind} ${name}`];
          const keys = { ...(object.data as object | undefined), ...(object.binaryData as object | undefined) };
          return key === undefined || key in keys ? [] : [`${title}: the ${kind} ${name} has no key ${key}`];
        }),
    ];
  });

/** What is applied in the order of the file makes no pods before what they cannot start without. */
export const neededFirst: Policy = (objects) =>
  workloads(objects).flatMap((workload) => {
    const { title, namespace, pod, manifest } = workload;
    const account = { kind: 'ServiceAccount', name: pod.serviceAccountName ?? 'default' };
    return [account, ...referencesOf(workload)]
      .map(({ kind, name }) => findObject(objects, kind, namespace, name))
      .filter((needed) => needed !== undefined && objects.indexOf(needed) > objects.indexOf(manifest))
      .map((needed) => `${title}: comes before the ${needed!.kind} ${needed!.metadata.name}`);
  });

/** Every mount names a volume or a claim template of the pod. */
export const mountedVolumes: Policy = (objects) =>
  workloads(objects).flatMap(({ title, manifest, pod, containers }) => {
    const volumes = [
      ...(pod.volumes ?? []).map(({ name }) => name),
      ...(manifest.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name),
    ];
    return containers.flatMap((container) =>
      (container.volumeMounts ?? [])
        .filter(({ name }) => !volumes.includes(name))
        .map(({ name }) => `${title}: container ${container.name} mounts '${name}', which is no volume of the pod`),
    );
  });

/** Secrets are made by the operator of the cluster, never by a manifest. */
export const noSecrets: Policy = (objects) =>
  ofKind(objects, 'Secret').map((object) => `${titleOf(object)}: a manifest must not hold a Secret`);

/** The Secrets that pods need, as `namespace/name` or `namespace/name/key`: what must be made beforehand. */
export function secretReferences(objects: readonly Manifest[]): string[] {
  const names = workloads(objects).flatMap((workload) =>
    referencesOf(workload)
      .filter(({ kind }) => kind === 'Secret')
      .map(({ name, key }) => [workload.namespace, name, ...(key === undefined ? [] : [key])].join('/')),
  );
  return [...new Set(names)].sort();
}

function referencesOf({ pod, containers }: Workload): Reference[] {
  return [
    ...(pod.imagePullSecrets ?? []).flatMap((source) => toReferences('Secret', source)),
    ...(pod.volumes ?? []).flatMap(({ configMap, secret, projected, persistentVolumeClaim: claim }) => [
      ...toReferences('ConfigMap', configMap),
      ...toReferences('Secret', secret),
      ...toReferences('PersistentVolumeClaim', claim && { name: claim.claimName }),
      ...(projected?.sources ?? []).flatMap((source) => [
        ...toReferences('ConfigMap', source.configMap),
        ...toReferences('Secret', source.secret),
      ]),
    ]),
    ...containers.flatMap(environmentReferences),
  ];
}

function environmentReferences({ env = [], envFrom = [] }: V1Container): Reference[] {
  return [
    ...env.flatMap(({ valueFrom }) => [
      ...toReferences('ConfigMap', valueFrom?.configMapKeyRef),
      ...toReferences('Secret', valueFrom?.secretKeyRef),
    ]),
    ...envFrom.flatMap(({ configMapRef, secretRef }) => [
      ...toReferences('ConfigMap', configMapRef),
      ...toReferences('Secret', secretRef),
    ]),
  ];
}

function toReferences(kind: Reference['kind'], source: Source | undefined): Reference[] {
  if (!source) return [];
  const reference = { kind, name: source.name ?? source.secretName ?? '', optional: source.optional };
  const keys = source.items?.map(({ key }) => key) ?? [source.key];
  return keys.map((key) => ({ ...reference, key }));
}

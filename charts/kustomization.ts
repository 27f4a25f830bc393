import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Yaml } from 'cdk8s';

/**
 * The name that kustomize takes as well as `kustomization.yaml`. With no extension, so that `kubectl apply -f` of the
 * folder does not take it for a manifest.
 */
const FILE = 'Kustomization';

/** Namespaces, what lets nothing in and out, what pods run as and read, their addresses, and storage before the rest. */
const FIRST_KINDS = [
  'Namespace',
  'NetworkPolicy',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Service',
  'StatefulSet',
];

/**
 * Makes a folder one that `kubectl apply -k`, Argo CD and Flux take.
 *
 * @param manifests the names of its manifests, in the order in which they are applied
 */
export function writeKustomization(folder: string, manifests: readonly string[]): void {
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: manifests,
    sortOptions: { order: 'legacy', legacySortOptions: { orderFirst: FIRST_KINDS, orderLast: [] } },
  };
  writeFileSync(join(folder, FILE), Yaml.stringify(kustomization));
}

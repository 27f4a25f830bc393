import type { RbacV1Subject, V1PolicyRule, V1RoleRef } from '@kubernetes/client-node';
import { findObject, ofKind, titleOf, workloads, type Manifest, type Policy, type Workload } from './manifest';
import { mayReachAnywhere } from './network-policies';

type Role = Manifest & { readonly rules?: readonly V1PolicyRule[] };
type Binding = Manifest & { readonly roleRef: V1RoleRef; readonly subjects?: readonly RbacV1Subject[] };

/** Watching is all that a monitoring stack does. */
const READING = ['get', 'list', 'watch'];

/** Where the API server may be. */
const API_PORTS = [443, 6443];
/** Of these the one that nothing else outside of the cluster listens on: webhooks are at 443 as well. */
const API_ONLY_PORT = 6443;

/** Roles allow reading of named things, and no Secrets. */
export const readingRoles: Policy = (objects) =>
  [...ofKind(objects, 'Role'), ...ofKind(objects, 'ClusterRole')].flatMap((role) => {
    const { rules = [] } = role as unknown as Role;
    const refuse = (reason: string): string => `${titleOf(role)}: ${reason}`;
    return [
      ...(rules.length > 0 ? [] : [refuse('allows nothing')]),
      ...rules.flatMap(({ apiGroups = [], resources = [], nonResourceURLs = [], verbs }) => [
        ...verbs.filter((verb) => !READING.includes(verb)).map((verb) => refuse(`allows to ${verb}`)),
        ...[...apiGroups, ...resources, ...nonResourceURLs]
          .filter((name) => name.includes('*'))
          .map((name) => refuse(`names everything as ${name}`)),
        ...(resources.includes('secrets') ? [refuse('shows Secrets')] : []),
      ]),
    ];
  });

/** Every role is bound, and every binding binds a role that is there to an account that pods use. */
export const resolvedBindings: Policy = (objects) => {
  const all = bindings(objects);
  const bound = new Set(all.map((binding) => roleOf(binding, objects)));
  return [
    ...[...ofKind(objects, 'Role'), ...ofKind(objects, 'ClusterRole')]
      .filter((role) => !bound.has(role))
      .map((role) => `${titleOf(role)}: is bound to nobody`),
    ...all.flatMap((binding) => [
      ...(roleOf(binding, objects)
        ? []
        : [`${titleOf(binding)}: there is no ${binding.roleRef.kind} ${binding.roleRef.name}`]),
      ...(binding.subjects ?? [])
        .filter((subject) => !workloads(objects).some((workload) => isAccountOf(subject, workload)))
        .map(({ kind, namespace, name }) => `${titleOf(binding)}: no pods are the ${kind} ${namespace}/${name}`),
      ...(binding.subjects?.length ? [] : [`${titleOf(binding)}: binds nobody`]),
    ]),
  ];
};

/** Pods have a token, and a way to the API server, exactly where they may do something there. */
export const neededTokens: Policy = (objects) =>
  workloads(objects).flatMap((workload) => {
    const { title, pod } = workload;
    const allowed = bindings(objects).some(({ subjects = [] }) =>
      subjects.some((subject) => isAccountOf(subject, workload)),
    );
    const mounted = pod.automountServiceAccountToken !== false;
    const reaches = API_PORTS.some((port) => mayReachAnywhere(workload, port, objects));
    return [
      ...(mounted && !allowed ? [`${title}: has a token and may do nothing with it`] : []),
      ...(!mounted && allowed ? [`${title}: may use the Kubernetes API and has no token`] : []),
      ...(allowed && !reaches ? [`${title}: may use the Kubernetes API, and its NetworkPolicy refuses the way`] : []),
      ...(!allowed && mayReachAnywhere(workload, API_ONLY_PORT, objects) && !pod.hostNetwork
        ? [`${title}: its NetworkPolicy opens the way to the Kubernetes API, which it may not use`]
        : []),
    ];
  });

function bindings(objects: readonly Manifest[]): Binding[] {
  return [...ofKind(objects, 'RoleBinding'), ...ofKind(objects, 'ClusterRoleBinding')] as unknown as Binding[];
}

function roleOf({ metadata, roleRef }: Binding, objects: readonly Manifest[]): Manifest | undefined {
  const namespace = roleRef.kind === 'ClusterRole' ? undefined : metadata.namespace;
  return findObject(objects, roleRef.kind, namespace, roleRef.name);
}

function isAccountOf({ kind, name, namespace }: RbacV1Subject, workload: Workload): boolean {
  return (
    kind === 'ServiceAccount' &&
    namespace === workload.namespace &&
    name === (workload.pod.serviceAccountName ?? 'default')
  );
}

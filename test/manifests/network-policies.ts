import type {
  V1LabelSelector,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import {
  matches,
  namespaceLabels,
  ofKind,
  titleOf,
  workloads,
  type Manifest,
  type ManifestWith,
  type Policy,
  type Workload,
} from './manifest';
import { containerPorts } from './services';

type Direction = 'ingress' | 'egress';

/** A rule with the names of the manifest; the client calls `from` `_from`. */
interface Rule {
  readonly from?: readonly V1NetworkPolicyPeer[];
  readonly to?: readonly V1NetworkPolicyPeer[];
  readonly ports?: readonly V1NetworkPolicyPort[];
}

type NetworkPolicy = ManifestWith<
  Omit<V1NetworkPolicySpec, Direction> & { readonly podSelector: V1LabelSelector } & Readonly<
      Partial<Record<Direction, readonly Rule[]>>
    >
>;

/** Where a pod is, as far as a NetworkPolicy can tell. */
export interface Pod {
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
  /** On the network of its node, where no policy applies and no selector finds it. @default false */
  readonly onNode?: boolean;
}

/** A port of a pod. */
export interface PodPort {
  readonly port: number;
  readonly name?: string;
  readonly protocol: string;
}

/** The pods that answer DNS are no part of any environment. */
const CLUSTER_DNS: Pod = { labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' };

/** Whether a connection passes the policies of both sides. Tells which side refuses it. */
export function refusals(source: Workload, target: Workload, port: PodPort, objects: readonly Manifest[]): string[] {
  const service = `${port.port}/${port.protocol}`;
  return [
    ...(allows('egress', source, podOf(target), port, objects)
      ? []
      : [`the NetworkPolicy of ${source.title} refuses egress to ${target.title} on ${service}`]),
    ...(allows('ingress', target, podOf(source), port, objects)
      ? []
      : [`the NetworkPolicy of ${target.title} refuses ingress from ${source.title} on ${service}`]),
  ];
}

/** Whether the pods may look up names in the cluster. */
export function mayResolveNames(source: Workload, objects: readonly Manifest[]): boolean {
  return ['UDP', 'TCP'].every((protocol) => allows('egress', source, CLUSTER_DNS, { port: 53, protocol }, objects));
}

/** Whether the pods may open connections to any address on a port, which no policy of the other side refuses. */
export function mayReachAnywhere(source: Workload, port: number, objects: readonly Manifest[]): boolean {
  return policiesOf(source, objects).some(({ spec }) =>
    (spec.egress ?? []).some(
      (rule) => peersOf(rule, 'egress') === undefined && opensPort(rule, { port, protocol: 'TCP' }),
    ),
  );
}

/** Whether a connection passes the policies of both sides. */
export function mayConnect(source: Workload, target: Workload, port: PodPort, objects: readonly Manifest[]): boolean {
  return refusals(source, target, port, objects).length === 0;
}

/** A rule that names no pods of the environment. */
export interface OpenRule {
  readonly direction: Direction;
  /** `anybody` where the rule names nobody. */
  readonly peers: 'anybody' | readonly V1NetworkPolicyPeer[];
  /** None are all. */
  readonly ports: readonly (string | number | undefined)[];
}

/** What the pods may exchange with others than pods of the environment, but for the lookup of names. */
export function openRules(workload: Workload, objects: readonly Manifest[]): OpenRule[] {
  return policiesOf(workload, objects).flatMap(({ spec }) =>
    (['ingress', 'egress'] as const).flatMap((direction) =>
      (spec[direction] ?? []).flatMap((rule) => {
        const peers = peersOf(rule, direction);
        if (peers?.every(({ podSelector }) => podSelector)) return [];
        const ports = (rule.ports ?? []).map(({ port }) => port);
        const isDns = direction === 'egress' && ports.join() === '53,53' && peers !== undefined;
        return isDns ? [] : [{ direction, peers: peers ?? ('anybody' as const), ports }];
      }),
    ),
  );
}

/** Whether pods that are no part of the environment may connect. */
export function admits(target: Workload, stranger: Pod, port: PodPort, objects: readonly Manifest[]): boolean {
  return allows('ingress', target, stranger, port, objects);
}

/** What no policy allows is refused in every namespace that has pods. */
export const deniedByDefault: Policy = (objects) =>
  [...new Set(workloads(objects).map(({ namespace }) => namespace))]
    .filter(
      (namespace) =>
        !networkPolicies(objects).some((policy) => isDefaultDeny(policy) && policy.metadata.namespace === namespace),
    )
    .map((namespace) => `namespace ${namespace}: no NetworkPolicy refuses what no other allows`);

/** Selects all pods, for both directions, and allows nothing. */
function isDefaultDeny({ spec: { podSelector, policyTypes = [], ingress = [], egress = [] } }: NetworkPolicy): boolean {
  const selectsAll = Object.keys(podSelector).length === 0;
  return selectsAll && policyTypes.length === 2 && ingress.length === 0 && egress.length === 0;
}

/** Each workload has exactly one policy of its own, for both directions, but for those that no policy reaches. */
export const isolatedWorkloads: Policy = (objects) =>
  workloads(objects).flatMap((workload) => {
    const own = policiesOf(workload, objects).filter((policy) => !isDefaultDeny(policy));
    if (workload.pod.hostNetwork && own.length === 0) return [];
    if (own.length !== 1) return [`${workload.title}: ${own.length} NetworkPolicies select its pods, not 1`];
    return (['Ingress', 'Egress'] as const)
      .filter((type) => !own[0]?.spec.policyTypes?.includes(type))
      .map((type) => `${workload.title}: its NetworkPolicy lacks the policyType ${type}`);
  });

/** Whether a peer is those that an environment lets in: namespaces of others, which carry its label. */
function isClients({ podSelector, namespaceSelector }: V1NetworkPolicyPeer): boolean {
  return podSelector === undefined && namespaceSelector?.matchLabels?.['metrics-client'] === 'true';
}

/** Every policy selects pods, and every peer chosen by its labels is a pod. */
export const realPeers: Policy = (objects) =>
  networkPolicies(objects).flatMap((policy) => [
    ...(subjects(policy, objects).length > 0 ? [] : [`${titleOf(policy)}: selects no pods`]),
    ...(['ingress', 'egress'] as const).flatMap((direction) =>
      (policy.spec[direction] ?? [])
        .flatMap((rule) => peersOf(rule, direction) ?? [])
        .filter((peer) => !peer.ipBlock && !isClients(peer) && !selectsPods(peer, policy, objects))
        .map((peer) => `${titleOf(policy)}: an ${direction} peer selects no pods: ${JSON.stringify(peer)}`),
    ),
  ]);

/** Every port that a policy opens is a port of the pods behind it. */
export const openedPorts: Policy = (objects) =>
  networkPolicies(objects).flatMap((policy) =>
    subjects(policy, objects).flatMap((workload) =>
      (policy.spec.ingress ?? [])
        .flatMap(({ ports = [] }) => ports)
        .filter((opened) => !podPorts(workload).some((port) => portMatches(opened, port)))
        .map(
          ({ port, protocol = 'TCP' }) =>
            `${titleOf(policy)}: opens ${port}/${protocol}, which no container of ${workload.title} has`,
        ),
    ),
  );

/** What one side allows to pods of the environment, the other side allows as well. */
export const bothSidesAgree: Policy = (objects) => {
  const all = workloads(objects);
  return networkPolicies(objects)
    .flatMap((policy) =>
      (['ingress', 'egress'] as const).flatMap((direction) =>
        (policy.spec[direction] ?? []).flatMap((rule) =>
          subjects(policy, objects).flatMap((subject) =>
            all
              .filter((peer) =>
                (peersOf(rule, direction) ?? []).some(
                  // A peer that is a whole namespace is not about the pods of the stack in particular.
                  (entry) => !entry.ipBlock && entry.podSelector && peerMatches(entry, policy, podOf(peer), objects),
                ),
              )
              .flatMap((peer) => {
                const [source, target] = direction === 'egress' ? [subject, peer] : [peer, subject];
                const ports = podPorts(target).filter((port) => opensPort(rule, port));
                return ports.length > 0
                  ? ports.flatMap((port) => refusals(source, target, port, objects))
                  : [`${titleOf(policy)}: an ${direction} rule to ${peer.title} names no port of ${target.title}`];
              }),
          ),
        ),
      ),
    )
    .filter((violation, index, list) => list.indexOf(violation) === index);
};

function networkPolicies(objects: readonly Manifest[]): NetworkPolicy[] {
  return ofKind<NetworkPolicy['spec']>(objects, 'NetworkPolicy');
}

/** The workloads that a policy is about. */
function subjects({ metadata, spec }: NetworkPolicy, objects: readonly Manifest[]): Workload[] {
  return workloads(objects).filter(
    ({ namespace, podLabels }) => namespace === metadata.namespace && matches(spec.podSelector, podLabels),
  );
}

function policiesOf(workload: Workload, objects: readonly Manifest[]): NetworkPolicy[] {
  return networkPolicies(objects).filter((policy) =>
    subjects(policy, objects).some(({ title }) => title === workload.title),
  );
}

/** Pods that no policy selects for a direction are free in it. */
function allows(
  direction: Direction,
  subject: Workload,
  peer: Pod,
  port: PodPort,
  objects: readonly Manifest[],
): boolean {
  if (subject.pod.hostNetwork) return true;
  const type = direction === 'ingress' ? 'Ingress' : 'Egress';
  const own = policiesOf(subject, objects).filter(({ spec }) => spec.policyTypes?.includes(type));
  return (
    own.length === 0 ||
    own.some((policy) =>
      (policy.spec[direction] ?? []).some(
        (rule) =>
          opensPort(rule, port) &&
          (peersOf(rule, direction)?.some((entry) => peerMatches(entry, policy, peer, objects)) ?? true),
      ),
    )
  );
}

/** The peers of a rule; `undefined` means everybody. */
function peersOf(rule: Rule, direction: Direction): readonly V1NetworkPolicyPeer[] | undefined {
  const peers = direction === 'ingress' ? rule.from : rule.to;
  return peers?.length ? peers : undefined;
}

function opensPort({ ports }: Rule, port: PodPort): boolean {
  return !ports?.length || ports.some((opened) => portMatches(opened, port));
}

function portMatches(opened: V1NetworkPolicyPort, { port, name, protocol }: PodPort): boolean {
  if ((opened.protocol ?? 'TCP') !== protocol) return false;
  if (opened.port === undefined) return true;
  if (typeof opened.port === 'string') return opened.port === name;
  return port >= opened.port && port <= (opened.endPort ?? opened.port);
}

/** The addresses of pods are not known beforehand, so an ipBlock never stands for a pod. */
function peerMatches(
  { podSelector, namespaceSelector, ipBlock }: V1NetworkPolicyPeer,
  policy: NetworkPolicy,
  pod: Pod,
  objects: readonly Manifest[],
): boolean {
  if (ipBlock || pod.onNode) return false;
  const inNamespace = namespaceSelector
    ? matches(namespaceSelector, namespaceLabels(objects, pod.namespace))
    : pod.namespace === policy.metadata.namespace;
  return inNamespace && matches(podSelector ?? {}, pod.labels);
}

function selectsPods(peer: V1NetworkPolicyPeer, policy: NetworkPolicy, objects: readonly Manifest[]): boolean {
  return [...workloads(objects).map(podOf), CLUSTER_DNS].some((pod) => peerMatches(peer, policy, pod, objects));
}

function podOf({ podLabels, namespace, pod }: Workload): Pod {
  return { labels: podLabels, namespace, onNode: pod.hostNetwork };
}

export function podPorts(workload: Workload): PodPort[] {
  return containerPorts(workload).map(({ containerPort, name, protocol = 'TCP' }) => ({
    port: containerPort,
    name,
    protocol,
  }));
}

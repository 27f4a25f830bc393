import { BlockList, isIPv6 } from 'node:net';
import type { Labels } from '../client';
import type { IngressRule, LabelSelector, NetworkPolicy, Pod, PolicyPeer } from './kubernetes';
import { selects } from './stack';

/** The label that every namespace has. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/** Somebody whom a policy lets in. */
export interface Entry {
  readonly policy: string;
  /** Nothing where it is everybody. */
  readonly peer: PolicyPeer | undefined;
}

/** Whether the policy is about the pod. */
export function isAbout({ podSelector }: NetworkPolicy, { labels }: Pod): boolean {
  return chooses(podSelector, labels);
}

/** All whom policies let in at a port of the pod. */
export function entries(policies: readonly NetworkPolicy[], pod: Pod): Entry[] {
  return policies.flatMap(({ name: policy, ingress }) =>
    ingress
      .filter((rule) => isOfPod(rule, pod))
      .flatMap(({ from }): readonly (PolicyPeer | undefined)[] => (from.length === 0 ? [undefined] : from))
      .map((peer) => ({ policy, peer })),
  );
}

/** A pod of the policy's namespace that may be let in. */
export interface Stranger {
  readonly labels: Labels;
  readonly namespace: string;
  /** Nothing while it is not known. */
  readonly ip: string | undefined;
}

/**
 * Whether that lets the stranger in. Nobody can tell where it asks for labels of the namespace other than its name, or
 * for an address that is not known.
 */
export function admits({ peer }: Entry, { labels, namespace, ip }: Stranger): boolean | undefined {
  if (peer === undefined) return true;
  const { podSelector = {}, namespaceSelector, ipBlock } = peer;
  if (ipBlock) return ip === undefined ? undefined : holds(ipBlock, ip);
  if (!chooses(podSelector, labels)) return false;
  if (namespaceSelector === undefined) return true;
  const { matchLabels = {}, matchExpressions = [] } = namespaceSelector;
  const asked = [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
  return asked.every((key) => key === NAMESPACE_NAME)
    ? chooses(namespaceSelector, { [NAMESPACE_NAME]: namespace })
    : undefined;
}

/** As in `everybody (policy a)`. */
export function describe({ policy, peer }: Entry): string {
  return `${peer === undefined ? 'everybody' : JSON.stringify(peer)} (policy ${policy})`;
}

function isOfPod({ ports }: IngressRule, { containers }: Pod): boolean {
  const own = containers.flatMap((container) => container.ports);
  return (
    ports.length === 0 ||
    ports.some(({ port, endPort }) =>
      own.some(({ name, port: number }) => {
        if (port === undefined || port === name) return true;
        return typeof port === 'number' && port <= number && number <= (endPort ?? port);
      }),
    )
  );
}

function chooses({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    selects(matchLabels, labels) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists' || operator === 'DoesNotExist')
        return (value !== undefined) === (operator === 'Exists');
      return (value !== undefined && values.includes(value)) === (operator === 'In');
    })
  );
}

function holds({ cidr, except = [] }: NonNullable<PolicyPeer['ipBlock']>, ip: string): boolean {
  const isIn = (block: string): boolean => {
    const [address = '', prefix] = block.split('/');
    const list = new BlockList();
    list.addSubnet(address, Number(prefix), familyOf(address));
    return list.check(ip, familyOf(ip));
  };
  return isIn(cidr) && !except.some(isIn);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

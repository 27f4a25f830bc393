import type { INetworkPolicyPeer } from 'cdk8s-plus-28';

/** Pods chosen by their labels. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** One side of an allowed connection, as in `NetworkPolicyPeer` of Kubernetes. */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

/** A port as a NetworkPolicy names it. */
export interface NetworkPort {
  readonly port: number;
  /** @default TCP */
  readonly protocol?: 'TCP' | 'UDP';
}

/** The label that Kubernetes sets on every namespace. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

export function namespaceNamed(name: string): LabelSelector {
  return { matchLabels: { [NAMESPACE_NAME]: name } };
}

/** A peer as plain data, or anything of cdk8s-plus that is one: a Deployment, `Pods.select`, `NetworkPolicyIpBlock`. */
export type Peer = NetworkPolicyPeer | INetworkPolicyPeer;

/** What a `LabelSelector` of cdk8s-plus keeps to itself; the package is frozen at Kubernetes 1.28. */
interface Renderable {
  _toKube(): LabelSelector;
}

/** The peers as plain data; namespaces chosen by name and by label are peers of their own. */
export function plainPeers(peer: Peer): NetworkPolicyPeer[] {
  if (!isConstructPeer(peer)) return [peer];
  const { ipBlock, podSelector } = peer.toNetworkPolicyPeerConfig();
  if (ipBlock) return [{ ipBlock: { cidr: ipBlock.cidr, except: ipBlock.except } }];
  const pods = podSelector && (podSelector.labelSelector as unknown as Renderable)._toKube();
  const { names = [], labelSelector } = podSelector?.namespaces ?? {};
  const namespaces = names.map(namespaceNamed);
  if (labelSelector) namespaces.push((labelSelector as unknown as Renderable)._toKube());
  return namespaces.length === 0
    ? [{ podSelector: pods }]
    : namespaces.map((namespaceSelector) => ({ podSelector: pods, namespaceSelector }));
}

function isConstructPeer(peer: Peer): peer is INetworkPolicyPeer {
  return 'toNetworkPolicyPeerConfig' in peer;
}

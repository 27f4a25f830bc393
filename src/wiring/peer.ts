import { all, anyText, listOf, mapOf, object, oneOf, rule, text, type Check } from '../validation';
import { cidrCheck } from './cidr';

/** Pods or namespaces chosen by their labels; all of them where it is empty. */
export interface LabelSelector {
  /** Labels with just these values. @default - none */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Conditions, all of which must hold. @default - none */
  readonly matchExpressions?: readonly LabelExpression[];
}

/** A condition on one label. */
export interface LabelExpression {
  /** The label. */
  readonly key: string;
  /** How its value relates to `values`. */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** For `In` and `NotIn`. @default - none */
  readonly values?: readonly string[];
}

/** One side of an allowed connection, as in `NetworkPolicyPeer` of Kubernetes. */
export interface NetworkPolicyPeer {
  /** Which pods of the namespaces. @default - all */
  readonly podSelector?: LabelSelector;
  /** Which namespaces. @default - that of the NetworkPolicy */
  readonly namespaceSelector?: LabelSelector;
  /** Addresses instead of pods. @default - none */
  readonly ipBlock?: IpBlock;
}

/** Addresses. */
export interface IpBlock {
  /** An address block, e.g. `10.0.0.0/8`. */
  readonly cidr: string;
  /** Blocks within it that are left out. @default - none */
  readonly except?: readonly string[];
}

/** A port as a NetworkPolicy names it. */
export interface NetworkPort {
  /** The number of the port, at the pods. */
  readonly port: number;
  /** What it is opened for. @default TCP */
  readonly protocol?: 'TCP' | 'UDP';
}

const selectorCheck = object<LabelSelector>({
  matchLabels: mapOf(anyText),
  matchExpressions: listOf(
    object<LabelExpression>(
      { key: text(), operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'), values: listOf(anyText) },
      'key',
      'operator',
    ),
  ),
});

/** Checks a peer: a misspelt selector would be dropped by Kubernetes, and select everything. */
export const peerCheck: Check = all(
  object<NetworkPolicyPeer>({
    podSelector: selectorCheck,
    namespaceSelector: selectorCheck,
    ipBlock: object<IpBlock>({ cidr: cidrCheck, except: listOf(cidrCheck) }, 'cidr'),
  }),
  rule(
    (value) => Object.keys(value as object).length > 0,
    'says nobody in particular',
    "give a podSelector, a namespaceSelector or an ipBlock; `{ ipBlock: { cidr: '0.0.0.0/0' } }` is everybody",
  ),
);

/** The label that Kubernetes sets on every namespace. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

export function namespaceNamed(name: string): LabelSelector {
  return { matchLabels: { [NAMESPACE_NAME]: name } };
}

/** What every version of cdk8s-plus calls a NetworkPolicy peer: a Deployment, `Pods.select`, `NetworkPolicyIpBlock`. */
export interface Cdk8sPlusPeer {
  /** What the NetworkPolicy of cdk8s-plus asks. */
  toNetworkPolicyPeerConfig(): {
    readonly ipBlock?: IpBlock;
    readonly podSelector?: {
      readonly labelSelector: object;
      readonly namespaces?: { readonly labelSelector?: object; readonly names?: string[] };
    };
  };
}

/** A peer as plain data, or anything of cdk8s-plus that is one. */
export type Peer = NetworkPolicyPeer | Cdk8sPlusPeer;

/** What a `LabelSelector` of cdk8s-plus keeps to itself. */
interface Renderable {
  _toKube(): LabelSelector;
}

/** The peers as plain data; namespaces chosen by name and by label are peers of their own. */
export function plainPeers(peer: Peer): NetworkPolicyPeer[] {
  if (!isCdk8sPlusPeer(peer)) return [peer];
  const { ipBlock, podSelector } = peer.toNetworkPolicyPeerConfig();
  if (ipBlock) return [{ ipBlock: { cidr: ipBlock.cidr, except: ipBlock.except } }];
  const pods = podSelector && (podSelector.labelSelector as Renderable)._toKube();
  const { names = [], labelSelector } = podSelector?.namespaces ?? {};
  const namespaces = names.map(namespaceNamed);
  if (labelSelector) namespaces.push((labelSelector as Renderable)._toKube());
  return namespaces.length === 0
    ? [{ podSelector: pods }]
    : namespaces.map((namespaceSelector) => ({ podSelector: pods, namespaceSelector }));
}

function isCdk8sPlusPeer(peer: Peer): peer is Cdk8sPlusPeer {
  return typeof peer === 'object' && 'toNetworkPolicyPeerConfig' in peer;
}

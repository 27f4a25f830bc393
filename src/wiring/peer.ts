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

import type { NetworkPolicyPeer } from '../../src';

/** The pods of every namespace with the label `metrics-client: "true"`, that of an ingress controller among them. */
export const METRICS_CLIENTS: readonly NetworkPolicyPeer[] = [
  { namespaceSelector: { matchLabels: { 'metrics-client': 'true' } } },
];

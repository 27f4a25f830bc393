import { namespaceNamed, type Connections, type Flow, type NetworkPolicyPeer } from '../wiring';

/** Where most clusters answer DNS: CoreDNS in kube-system, and NodeLocal DNSCache on its well-known address. */
const CLUSTER_DNS: readonly NetworkPolicyPeer[] = [
  { namespaceSelector: namespaceNamed('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  { ipBlock: { cidr: '169.254.20.10/32' } },
];

/** Exactly the wired flows; DNS only for pods that open connections by name. */
export function networkPolicy(
  matchLabels: Readonly<Record<string, string>>,
  connections: Connections,
  dns: readonly NetworkPolicyPeer[] = CLUSTER_DNS,
): object {
  const egress = connections.egress.map((flow) => rule('to', flow));
  if (connections.resolvesNames) {
    const ports = (['UDP', 'TCP'] as const).map((protocol) => ({ port: 53, protocol }));
    egress.push({ to: dns, ports });
  }
  return {
    podSelector: { matchLabels },
    policyTypes: ['Ingress', 'Egress'],
    ingress: connections.ingress.map((flow) => rule('from', flow)),
    egress,
  };
}

function rule(side: 'from' | 'to', { peer, ports }: Flow): object {
  return {
    ...(peer === undefined ? {} : { [side]: [peer] }),
    ports: ports.map(({ port, protocol = 'TCP' }) => ({ port, protocol })),
  };
}

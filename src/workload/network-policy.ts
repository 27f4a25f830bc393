import { namespaceNamed, type Connections, type Flow, type NetworkPolicyPeer } from '../wiring';

/** Where pods look up names. */
export interface DnsProps {
  /**
   * Who answers.
   *
   * @default - pods labelled `k8s-app: kube-dns` in kube-system, and NodeLocal DNSCache on 169.254.20.10
   */
  readonly peers?: readonly NetworkPolicyPeer[];
  /** The port of the pods behind the DNS service: on OpenShift 5353. @default 53 */
  readonly port?: number;
}

/** Where most clusters answer DNS: CoreDNS in kube-system, and NodeLocal DNSCache on its well-known address. */
const CLUSTER_DNS: readonly NetworkPolicyPeer[] = [
  { namespaceSelector: namespaceNamed('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  { ipBlock: { cidr: '169.254.20.10/32' } },
];

/** Exactly the wired flows; DNS only for pods that open connections by name. */
export function networkPolicy(
  matchLabels: Readonly<Record<string, string>>,
  connections: Connections,
  { peers = CLUSTER_DNS, port: dnsPort = 53 }: DnsProps = {},
): object {
  const egress = connections.egress.map((flow) => rule('to', flow));
  if (connections.resolvesNames) {
    const ports = (['UDP', 'TCP'] as const).map((protocol) => ({ port: dnsPort, protocol }));
    egress.push({ to: peers, ports });
  }
  return {
    podSelector: { matchLabels },
    policyTypes: ['Ingress', 'Egress'],
    // No rules at all refuse everything; an empty list would not be stored.
    ingress: orNothing(connections.ingress.map((flow) => rule('from', flow))),
    egress: orNothing(egress),
  };
}

function rule(side: 'from' | 'to', { peer, ports }: Flow): object {
  return {
    ...(peer === undefined ? {} : { [side]: [peer] }),
    // No ports are all ports.
    ports: ports.length > 0 ? ports.map(({ port, protocol = 'TCP' }) => ({ port, protocol })) : undefined,
  };
}

function orNothing(rules: readonly object[]): readonly object[] | undefined {
  return rules.length > 0 ? rules : undefined;
}

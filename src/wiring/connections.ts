import { portNumber, type Problems } from '../validation';
import { namespaceNamed, peerCheck, type LabelSelector, type NetworkPolicyPeer, type NetworkPort } from './peer';

/** Flows between one peer and one set of ports. */
export interface Flow {
  /** Who is at the other end. @default - everybody */
  readonly peer?: NetworkPolicyPeer;
  /** No ports are all ports. */
  readonly ports: readonly NetworkPort[];
}

/** A set of pods at which connections begin and end. */
export interface Wired {
  /** What may reach them, and what they may reach. */
  readonly connections: Connections;
}

/** What a set of pods may receive and send. Everything else is refused by its NetworkPolicy. */
export class Connections {
  private readonly ingressFlows = new Map<string, Flow>();
  private readonly egressFlows = new Map<string, Flow>();
  private namesAreResolved = false;

  /**
   * @param podSelector the labels of the pods
   * @param namespace their namespace, where the chart says one
   * @param nodes for pods on the network of their nodes, which no selector of pods finds: the addresses of the nodes;
   *   none for any address
   */
  public constructor(
    private readonly podSelector: LabelSelector,
    private readonly namespace: string | undefined,
    private readonly problems: Problems,
    private readonly nodes?: readonly NetworkPolicyPeer[],
  ) {}

  public get ingress(): readonly Flow[] {
    return sorted(this.ingressFlows);
  }

  public get egress(): readonly Flow[] {
    return sorted(this.egressFlows);
  }

  /** Whether the pods look up names, and so must reach the cluster's DNS. */
  public get resolvesNames(): boolean {
    return this.namesAreResolved;
  }

  /** Lets a peer that is no component of the stack reach these pods. */
  public allowFrom(peer: NetworkPolicyPeer, ...ports: readonly NetworkPort[]): void {
    if (this.accepts('allowFrom', peer, ports)) add(this.ingressFlows, { peer, ports });
  }

  /**
   * Lets these pods reach a destination outside of the stack.
   *
   * @param peer everybody when left out
   * @param ports all ports when left out
   */
  public allowTo(peer: NetworkPolicyPeer | undefined, ...ports: readonly NetworkPort[]): void {
    if (this.accepts('allowTo', peer, ports)) add(this.egressFlows, { peer, ports });
  }

  /** Lets these pods look up names. */
  public allowDns(): void {
    this.namesAreResolved = true;
  }

  /** Lets these pods open connections to ports of other pods, on both sides. */
  public connectTo(target: Connections, ...ports: readonly NetworkPort[]): void {
    if ((this.namespace === undefined) !== (target.namespace === undefined)) {
      this.problems.add({
        prop: 'namespace',
        value: this.namespace,
        rule: `is connected to pods in the namespace ${target.namespace ?? '(not set)'}, and only one of the two charts names its namespace`,
        fix: 'set `namespace` on both charts',
      });
    }
    for (const peer of target.asPeersOf(this)) add(this.egressFlows, { peer, ports });
    for (const peer of this.asPeersOf(target)) add(target.ingressFlows, { peer, ports });
    this.allowDns();
  }

  private accepts(method: string, peer: NetworkPolicyPeer | undefined, ports: readonly NetworkPort[]): boolean {
    const accepted = [
      peer === undefined || peerCheck(peer, method, this.problems) !== undefined,
      ...ports.map(({ port }) => portNumber(port, `${method}, port`, this.problems) !== undefined),
    ];
    return accepted.every(Boolean);
  }

  private asPeersOf(other: Connections): readonly (NetworkPolicyPeer | undefined)[] {
    const { podSelector, namespace, nodes } = this;
    if (nodes) return nodes.length > 0 ? nodes : [undefined];
    return namespace === other.namespace || namespace === undefined
      ? [{ podSelector }]
      : [{ podSelector, namespaceSelector: namespaceNamed(namespace) }];
  }
}

/** Ports of one peer are joined into one flow. */
function add(flows: Map<string, Flow>, { peer, ports }: Flow): void {
  const key = JSON.stringify(peer ?? 'everybody');
  const known = flows.get(key);
  const allPorts = ports.length === 0 || known?.ports.length === 0;
  const joined = new Map(
    (allPorts ? [] : [...(known?.ports ?? []), ...ports]).map((port) => [
      `${port.protocol ?? 'TCP'}/${port.port}`,
      port,
    ]),
  );
  flows.set(key, { peer, ports: [...joined.values()].sort((a, b) => a.port - b.port) });
}

/** The order of wiring must not show in the output. */
function sorted(flows: ReadonlyMap<string, Flow>): Flow[] {
  return [...flows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, flow]) => flow);
}

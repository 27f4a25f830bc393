import type { FlagSet, VminsertFlags } from '../flags';
import { Endpoint } from '../wiring';
import type { ClusterModel } from './model';

const DEFAULT_PORTS = { insertPort: 8400, selectPort: 8401 } as const;

/** The nodes of the cluster and those that run elsewhere, at the port of vminsert or of vmselect. */
export function allNodes(
  own: readonly Endpoint[],
  { externalStorageNodes, problems }: ClusterModel,
  port: keyof typeof DEFAULT_PORTS,
): Endpoint[] {
  const nodes = [...own];
  externalStorageNodes.forEach((node, index) => {
    const endpoint = new Endpoint({
      scheme: 'tcp',
      host: node.host,
      port: node[port] ?? DEFAULT_PORTS[port],
      cidr: node.cidr,
    });
    // vminsert and vmselect refuse to start with a node that is listed twice.
    problems.when(
      nodes.some(({ address }) => address === endpoint.address),
      {
        prop: `externalStorageNodes[${index}]`,
        value: endpoint.address,
        rule: 'the node is in the list already',
        fix: 'remove it',
      },
    );
    nodes.push(endpoint);
  });
  return nodes;
}

/** What vminsert and vmselect must be told alike. */
export function setNodeFlags(
  flags: FlagSet<Pick<VminsertFlags, 'storageNode' | 'replicationFactor'>>,
  nodes: readonly Endpoint[],
  replicationFactor: number,
): void {
  flags
    .set(
      'storageNode',
      nodes.map((node) => node.address),
      'vmstorage.replicas',
    )
    .set('replicationFactor', replicationFactor > 1 ? replicationFactor : undefined, 'replicationFactor');
}

import { Endpoint } from '../wiring';
import type { ClusterModel } from './model';

const DEFAULT_PORTS = { insertPort: 8400, selectPort: 8401 } as const;

/** The nodes that run elsewhere, at the port of vminsert or of vmselect. */
export function externalNodes({ externalStorageNodes }: ClusterModel, port: keyof typeof DEFAULT_PORTS): Endpoint[] {
  return externalStorageNodes.map(
    (node) =>
      new Endpoint({ scheme: 'tcp', host: node.host, port: node[port] ?? DEFAULT_PORTS[port], cidr: node.cidr }),
  );
}

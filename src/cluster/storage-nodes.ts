import { Endpoint } from '../wiring';
import type { ExternalStorageNode } from './props';

const DEFAULT_PORTS = { insertPort: 8400, selectPort: 8401 } as const;

/** A node that runs elsewhere, at the port of vminsert or of vmselect. */
export function externalNode(node: ExternalStorageNode, port: keyof typeof DEFAULT_PORTS): Endpoint {
  return new Endpoint({ scheme: 'tcp', host: node.host, port: node[port] ?? DEFAULT_PORTS[port], cidr: node.cidr });
}

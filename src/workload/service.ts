import { oneOf, text, type Shape } from '../validation';
import { annotationsCheck } from './metadata';

/** A port that the process listens on. */
export interface PortProps {
  /** At most 15 characters, as Kubernetes wants it of a port. */
  readonly name: string;
  /** The number of the port, of the pods and of the Service. */
  readonly port: number;
  /** The protocols of transport. @default - TCP */
  readonly protocols?: readonly ('TCP' | 'UDP')[];
  /** The prop that opens the port, with `port` and `udp` below it, for messages. @default - none opens it */
  readonly source?: string;
  /** What speaks on it, for `appProtocol` of the Service. @default - not said */
  readonly appProtocol?: string;
  /** Whether Services leave it out: the pods are asked for it directly. @default false */
  readonly podsOnly?: boolean;
}

/** Changes to the Service of a component. */
export interface ServiceProps {
  /** Who the Service is for: the cluster, or others by its nodes or a load balancer. @default ClusterIP */
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Annotations of the Service. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Which load balancers serve a Service of type LoadBalancer. @default - the default of the cluster */
  readonly loadBalancerClass?: string;
  /** Prefer endpoints in the client's zone (Kubernetes 1.31 and later). @default - all endpoints alike */
  readonly trafficDistribution?: 'PreferClose' | 'PreferSameZone' | 'PreferSameNode';
}

export const SERVICE_SHAPE: Shape<ServiceProps> = {
  type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
  annotations: annotationsCheck,
  loadBalancerClass: text(),
  trafficDistribution: oneOf('PreferClose', 'PreferSameZone', 'PreferSameNode'),
};

/** One entry for each protocol of a port; a second protocol needs a name of its own. */
export function expandProtocols(
  ports: readonly PortProps[],
): { readonly name: string; readonly port: number; readonly protocol: 'TCP' | 'UDP'; readonly appProtocol?: string }[] {
  return ports.flatMap(({ name, port, protocols = ['TCP'], appProtocol }) =>
    protocols.map((protocol, index) => ({
      name: index === 0 ? name : `${name}-${protocol.toLowerCase()}`,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
  );
}

/** The Service that clients use: one stable address, ready pods only. */
export function clientService(
  ports: readonly PortProps[],
  selector: Readonly<Record<string, string>>,
  { type = 'ClusterIP', loadBalancerClass, trafficDistribution }: ServiceProps = {},
): object {
  return { type, loadBalancerClass, trafficDistribution, selector, ports: servicePorts(ports) };
}

/** The Service that gives each pod of a StatefulSet its DNS name, ready or not: peers must find starting pods. */
export function headlessService(ports: readonly PortProps[], selector: Readonly<Record<string, string>>): object {
  return {
    type: 'ClusterIP',
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector,
    ports: servicePorts(ports),
  };
}

/** The Service that resolves to the addresses of all ready pods, for clients that spread their requests themselves. */
export function readyPodsService(ports: readonly PortProps[], selector: Readonly<Record<string, string>>): object {
  return { type: 'ClusterIP', clusterIP: 'None', selector, ports: servicePorts(ports) };
}

function servicePorts(ports: readonly PortProps[]): object[] {
  return expandProtocols(ports.filter(({ podsOnly }) => !podsOnly)).map((entry) => ({
    ...entry,
    targetPort: entry.name,
  }));
}

import type { Container } from '../../../src';
import type { Labels } from './label-selector';
import { isBehind, type ServiceManifest, type ServicePort, type WorkloadManifest } from './manifests';

/** A pod as the Kubernetes API tells about it. */
export interface ListedPod {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly labels: Labels;
  readonly manifest: WorkloadManifest;
}

export interface ListedService {
  readonly manifest: ServiceManifest;
  readonly address: string;
}

/** What the Kubernetes API would list. All pods are called ready: they are listed before they start. */
export interface ClusterState {
  readonly pods: readonly ListedPod[];
  readonly services: readonly ListedService[];
}

/** Something to scrape, with what discovery tells about it. */
export interface Target {
  readonly address: string;
  readonly labels: Labels;
}

type Port = NonNullable<Container['ports']>[number];

const META = '__meta_kubernetes';

/** As in the downward API of the runner. */
const NODE_NAME = 'localhost';

/** Each port of each container of a pod, and the bare address for a container without ports. */
export function podTargets(pod: ListedPod): Target[] {
  return containersOf(pod).flatMap(({ container, isInit }) => {
    const ports = container.ports ?? [];
    return (ports.length > 0 ? ports : [undefined]).map((port) => ({
      address: port ? `${pod.address}:${port.containerPort}` : pod.address,
      labels: { ...podLabels(pod), ...containerLabels(container, isInit, port) },
    }));
  });
}

/** Each port of a Service, at the address that is shared by its pods. */
export function serviceTargets(service: ListedService): Target[] {
  return service.manifest.ports.map((port) => ({
    address: `${service.address}:${port.port}`,
    labels: {
      ...serviceLabels(service),
      [`${META}_service_port_name`]: port.name ?? '',
      [`${META}_service_port_number`]: String(port.port),
      [`${META}_service_port_protocol`]: port.protocol ?? 'TCP',
    },
  }));
}

/** What the roles `endpoints` and `endpointslice` call the same facts. */
interface EndpointNames {
  readonly object: string;
  readonly ready: string;
  readonly port: string;
  readonly address: string;
  readonly nodeName: string;
  readonly objectLabels: (service: ServiceManifest) => Labels;
}

const ENDPOINT_NAMES: Readonly<Record<'endpoints' | 'endpointslice', EndpointNames>> = {
  endpoints: {
    object: `${META}_endpoints`,
    ready: `${META}_endpoint_ready`,
    port: `${META}_endpoint_port`,
    address: `${META}_endpoint_address`,
    nodeName: `${META}_endpoint_node_name`,
    objectLabels: ({ labels, headless }) => ({
      ...labels,
      ...(headless ? { 'service.kubernetes.io/headless': '' } : {}),
    }),
  },
  endpointslice: {
    object: `${META}_endpointslice`,
    ready: `${META}_endpointslice_endpoint_conditions_ready`,
    port: `${META}_endpointslice_port`,
    address: `${META}_endpointslice_address`,
    nodeName: `${META}_endpointslice_endpoint_node_name`,
    objectLabels: ({ name, labels, headless }) => ({
      ...labels,
      ...(headless ? { 'service.kubernetes.io/headless': '' } : {}),
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': name,
    }),
  },
};

export type EndpointRole = keyof typeof ENDPOINT_NAMES;

/** The labels that Kubernetes gives to the Endpoints or EndpointSlice of a Service. */
export function endpointObjectLabels(role: EndpointRole, { manifest }: ListedService): Labels {
  return ENDPOINT_NAMES[role].objectLabels(manifest);
}

/**
 * Each port of a Service at each of its pods, and the other ports of these pods.
 *
 * @param pods all pods of the cluster
 * @param known which Services and pods the discovery sees; it tells nothing more about others
 */
export function endpointTargets(
  role: EndpointRole,
  service: ListedService,
  pods: readonly ListedPod[],
  known: { service(service: ListedService): boolean; pod(pod: ListedPod): boolean },
): Target[] {
  const { manifest } = service;
  const names = ENDPOINT_NAMES[role];
  const ofObject = {
    [`${META}_namespace`]: manifest.namespace,
    [`${names.object}_name`]: manifest.name,
    ...(role === 'endpointslice' ? { [`${names.object}_address_type`]: 'IPv4' } : {}),
    ...prefixed(names.object, names.objectLabels(manifest)),
    ...(known.service(service) ? serviceLabels(service) : {}),
  };
  return pods
    .filter((pod) => isBehind(manifest, pod))
    .flatMap((pod) => {
      const ofPod = {
        ...ofObject,
        [`${names.address}_target_kind`]: 'Pod',
        [`${names.address}_target_name`]: pod.name,
        ...(known.pod(pod) ? podLabels(pod) : {}),
      };
      const opened = containersOf(pod).flatMap(({ container, isInit }) =>
        (container.ports ?? []).map((port) => ({ port, labels: containerLabels(container, isInit, port) })),
      );
      const served = manifest.ports.flatMap((port) => {
        const number = targetPort(port, opened);
        if (number === undefined) return [];
        const container = opened.find((candidate) => candidate.port.containerPort === number);
        return [{ port, number, labels: known.pod(pod) ? container?.labels : {} }];
      });
      const others = opened.filter(({ port }) => !served.some(({ number }) => number === port.containerPort));
      return [
        ...served.map(({ port, number, labels }) => ({
          address: `${pod.address}:${number}`,
          labels: {
            ...ofPod,
            ...labels,
            [names.ready]: 'true',
            [names.nodeName]: NODE_NAME,
            ...(role === 'endpointslice' ? { [names.port]: String(number) } : {}),
            [`${names.port}_name`]: port.name ?? '',
            [`${names.port}_protocol`]: port.protocol ?? 'TCP',
          },
        })),
        // They are found through a port of the Service that leads to the pod.
        ...(served.length > 0 && known.pod(pod) ? others : []).map(({ port, labels }) => ({
          address: `${pod.address}:${port.containerPort}`,
          labels: { ...ofPod, ...labels },
        })),
      ];
    });
}

function targetPort(port: ServicePort, opened: readonly { readonly port: Port }[]): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  return opened.find((candidate) => candidate.port.name === target)?.port.containerPort;
}

/** Init containers that have ended are no targets. */
function containersOf({ manifest }: ListedPod): { readonly container: Container; readonly isInit: boolean }[] {
  const { containers, initContainers = [] } = manifest.podSpec;
  return [
    ...containers.map((container) => ({ container, isInit: false })),
    ...initContainers
      .filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map((container) => ({ container, isInit: true })),
  ];
}

function podLabels({ name, namespace, address, labels, manifest }: ListedPod): Labels {
  // Kubernetes gives the ReplicaSet of a Deployment a name that ends with a hash.
  const [kind, controller] =
    manifest.kind === 'Deployment' ? ['ReplicaSet', `${manifest.name}-5d59d67564`] : [manifest.kind, manifest.name];
  return {
    [`${META}_namespace`]: namespace,
    [`${META}_pod_name`]: name,
    [`${META}_pod_ip`]: address,
    [`${META}_pod_ready`]: 'true',
    [`${META}_pod_phase`]: 'Running',
    [`${META}_pod_node_name`]: NODE_NAME,
    [`${META}_pod_host_ip`]: address,
    [`${META}_pod_uid`]: `uid-of-${namespace}-${name}`,
    [`${META}_pod_controller_kind`]: kind,
    [`${META}_pod_controller_name`]: controller,
    ...prefixed(`${META}_pod`, labels, manifest.podAnnotations),
  };
}

function containerLabels({ name, image }: Container, isInit: boolean, port: Port | undefined): Labels {
  const prefix = `${META}_pod_container`;
  return {
    [`${prefix}_name`]: name,
    [`${prefix}_image`]: image,
    [`${prefix}_init`]: String(isInit),
    ...(port && {
      [`${prefix}_port_name`]: port.name ?? '',
      [`${prefix}_port_number`]: String(port.containerPort),
      [`${prefix}_port_protocol`]: port.protocol ?? 'TCP',
    }),
  };
}

function serviceLabels({ manifest, address }: ListedService): Labels {
  const { name, namespace, type, headless, labels, annotations } = manifest;
  return {
    [`${META}_namespace`]: namespace,
    [`${META}_service_name`]: name,
    [`${META}_service_type`]: type,
    [`${META}_service_cluster_ip`]: headless ? 'None' : address,
    ...prefixed(`${META}_service`, labels, annotations),
  };
}

/** Labels and annotations of an object, under names that Prometheus allows. */
function prefixed(prefix: string, labels: Labels, annotations: Labels = {}): Labels {
  const entries = (kind: string, values: Labels): [string, string][] =>
    Object.entries(values).flatMap(([name, value]): [string, string][] => {
      const suffix = name.replace(/[^a-zA-Z0-9_]/g, '_');
      return [
        [`${prefix}_${kind}_${suffix}`, value],
        [`${prefix}_${kind}present_${suffix}`, 'true'],
      ];
    });
  return Object.fromEntries([...entries('label', labels), ...entries('annotation', annotations)]);
}

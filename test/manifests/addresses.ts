import { findObject, podTexts, replicaRange, workloads, type Manifest, type Policy, type Workload } from './manifest';
import { mayResolveNames, refusals, type PodPort } from './network-policies';
import { containerPorts, governingService, selectedBy, targetOf, type Service } from './services';

/** An address within the cluster, as it stands in the args or a config file of a pod. */
export interface Address {
  readonly place: string;
  readonly host: string;
  readonly service: string;
  readonly namespace: string;
  /** The name of a single pod, where the address has one. */
  readonly pod?: string;
  readonly port?: number;
}

const ADDRESS =
  /(?:(?<scheme>https?):\/\/(?:[^/@\s]*@)?)?(?<host>(?:(?<pod>[-a-z0-9]+)\.)?(?<service>[-a-z0-9]+)\.(?<namespace>[-a-z0-9]+)\.svc(?![-a-z0-9])(?:\.[a-z0-9][-a-z0-9.]*)?)(?::(?<port>\d+))?/g;

const STANDARD_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** The name of the API server, which every cluster has and manifests do not make. */
const API_SERVER = { service: 'kubernetes', namespace: 'default' };

/** Where users reach the process, which is no connection of its own. */
const OWN_URL = /^--?(web\.external-url|external\.url)=/;

/** Every `service.namespace.svc` and `pod.service.namespace.svc` that the pods are told, but that of the API server. */
export function inClusterAddresses(workload: Workload, objects: readonly Manifest[]): Address[] {
  return podTexts(workload, objects)
    .filter(({ text }) => !OWN_URL.test(text))
    .flatMap(({ place, text }) =>
      [...text.matchAll(ADDRESS)].flatMap(({ groups }) => {
        const { scheme = '', host = '', pod, service = '', namespace = '', port } = groups ?? {};
        if (service === API_SERVER.service && namespace === API_SERVER.namespace) return [];
        return { place, host, pod, service, namespace, port: port ? Number(port) : STANDARD_PORTS[scheme] };
      }),
    );
}

/** Every address within the cluster exists, and its NetworkPolicies let the pods connect to it. */
export const reachableAddresses: Policy = (objects) =>
  workloads(objects).flatMap((source) => {
    const addresses = inClusterAddresses(source, objects);
    return [
      ...(addresses.length > 0 && !mayResolveNames(source, objects)
        ? [`${source.title}: connects by name, and its NetworkPolicy refuses DNS`]
        : []),
      ...addresses.flatMap((address) => {
        const problems = checkAddress(address, source, objects);
        return problems.map((problem) => `${address.place}: ${address.host}:${address.port}: ${problem}`);
      }),
    ];
  });

/** The pods behind an address, and the port that they listen on; none for an address of nothing. */
export function destinations(address: Address, objects: readonly Manifest[]): { target: Workload; port: PodPort }[] {
  return resolve(address, objects).flatMap((found) =>
    typeof found === 'string' || typeof found.port === 'string' ? [] : { target: found.target, port: found.port },
  );
}

function checkAddress(address: Address, source: Workload, objects: readonly Manifest[]): string[] {
  return resolve(address, objects).flatMap((found) => {
    if (typeof found === 'string') return [found];
    return typeof found.port === 'string' ? [found.port] : refusals(source, found.target, found.port, objects);
  });
}

/** The pods behind an address with their port; or, as a text, what is wrong with it. */
function resolve(
  address: Address,
  objects: readonly Manifest[],
): (string | { readonly target: Workload; readonly port: PodPort | string })[] {
  const { namespace, pod, port } = address;
  const service = findObject(objects, 'Service', namespace, address.service) as Service | undefined;
  if (!service) return [`there is no Service ${namespace}/${address.service}`];
  if (port === undefined) return ['names no port'];
  const servicePort = service.spec.ports?.find((entry) => entry.port === port);
  // A headless Service gives the addresses of pods, which listen on ports that it does not list, too; a targetPort that
  // differs has no effect there.
  const direct = service.spec.clusterIP === 'None';
  if (!servicePort && !direct) return [`the Service has no port ${port}`];
  const targets = pod === undefined ? selectedBy(service, objects) : ownersOf(pod, service, objects);
  if (targets.length === 0) return [pod === undefined ? 'the Service selects no pods' : 'there is no such pod'];
  return targets.map((target) => {
    const { protocol = 'TCP' } = servicePort ?? {};
    const opened =
      direct || !servicePort
        ? containerPorts(target).find((entry) => entry.containerPort === port && (entry.protocol ?? 'TCP') === protocol)
        : targetOf(servicePort, target);
    return {
      target,
      port: opened
        ? { port: opened.containerPort, name: opened.name, protocol }
        : `no container of ${target.title} listens on it`,
    };
  });
}

/** The StatefulSet that has a pod of this name under this Service. */
function ownersOf(pod: string, service: Service, objects: readonly Manifest[]): Workload[] {
  return workloads(objects).filter(
    (workload) => governingService(workload, objects) === service && podNames(workload, objects).includes(pod),
  );
}

/** The names of the pods of a StatefulSet. */
export function podNames(workload: Workload, objects: readonly Manifest[]): string[] {
  const { kind, spec } = workload.manifest;
  if (kind !== 'StatefulSet') return [];
  const first = spec.ordinals?.start ?? 0;
  return [...Array(replicaRange(workload, objects).min).keys()].map((index) => `${workload.name}-${first + index}`);
}

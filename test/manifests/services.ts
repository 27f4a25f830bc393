import type { V1ContainerPort, V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node';
import {
  findObject,
  matches,
  ofKind,
  titleOf,
  workloads,
  type Manifest,
  type ManifestWith,
  type Policy,
  type Workload,
} from './manifest';

export type Service = ManifestWith<V1ServiceSpec>;

/** The workloads whose pods a Service selects. */
export function selectedBy({ metadata: { namespace }, spec }: Service, objects: readonly Manifest[]): Workload[] {
  const { selector } = spec;
  // A Service without a selector selects nothing, unlike an empty label selector.
  if (!selector || Object.keys(selector).length === 0) return [];
  return workloads(objects).filter(
    (workload) => workload.namespace === namespace && matches({ matchLabels: selector }, workload.podLabels),
  );
}

/** The Service that gives the pods of a StatefulSet their names. */
export function governingService({ manifest, namespace }: Workload, objects: readonly Manifest[]): Service | undefined {
  return findObject(objects, 'Service', namespace, manifest.spec.serviceName ?? '') as Service | undefined;
}

/** The port of a container that a port of a Service leads to. */
export function targetOf(port: V1ServicePort, workload: Workload): V1ContainerPort | undefined {
  const target = port.targetPort ?? port.port;
  return containerPorts(workload).find(
    ({ name, containerPort, protocol = 'TCP' }) =>
      protocol === (port.protocol ?? 'TCP') &&
      (typeof target === 'string' ? name === target : containerPort === target),
  );
}

export function containerPorts({ containers }: Workload): V1ContainerPort[] {
  return containers.flatMap(({ ports = [] }) => ports);
}

/** Every Service selects pods, and each of its ports leads to a port of all of them. */
export const servicePorts: Policy = (objects) =>
  ofKind<V1ServiceSpec>(objects, 'Service').flatMap((service) => {
    const selected = selectedBy(service, objects);
    if (selected.length === 0) return [`${titleOf(service)}: selects no pods`];
    return (service.spec.ports ?? []).flatMap((port) =>
      selected
        .filter((workload) => !targetOf(port, workload))
        .map((workload) => {
          const target = `${port.targetPort ?? port.port}/${port.protocol ?? 'TCP'}`;
          return `${titleOf(service)}: port ${port.port} leads to ${target}, which no container of ${workload.title} has`;
        }),
    );
  });

/** Every StatefulSet has a headless Service, which selects its pods. */
export const governingServices: Policy = (objects) =>
  workloads(objects)
    .filter(({ manifest }) => manifest.kind === 'StatefulSet')
    .flatMap((workload) => {
      const service = governingService(workload, objects);
      const name = workload.manifest.spec.serviceName;
      if (!service) return [`${workload.title}: serviceName '${name}' is no Service of the namespace`];
      return [
        ...(service.spec.clusterIP === 'None' ? [] : [`${workload.title}: its Service ${name} must be headless`]),
        ...(selectedBy(service, objects).some(({ title }) => title === workload.title)
          ? []
          : [`${workload.title}: its Service ${name} does not select its pods`]),
      ];
    });

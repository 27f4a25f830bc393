import { replicaRange, workloads, type Policy } from './manifest';
import { parseQuantity } from './quantity';

/** The scheduler knows what each container needs, and memory has a bound. */
export const statedResources: Policy = (objects) =>
  workloads(objects).flatMap(({ title, containers }) =>
    containers.flatMap(({ name, resources: { requests = {}, limits = {} } = {} }) => [
      ...['cpu', 'memory']
        .filter((resource) => requests[resource] === undefined)
        .map((resource) => `${title}: container ${name} requests no ${resource}`),
      ...(limits.memory === undefined ? [`${title}: container ${name} has no memory limit`] : []),
      ...Object.keys(limits)
        .filter((resource) => amount(requests[resource]) > amount(limits[resource]))
        .map((resource) => `${title}: container ${name} requests more ${resource} than its limit`),
    ]),
  );

/**
 * A CPU limit throttles queries, so only containers whose environment asks for one have it.
 *
 * @param limited the names of these containers
 */
export function cpuLimitsOnlyOn(limited: readonly string[]): Policy {
  return (objects) =>
    workloads(objects).flatMap(({ title, containers }) =>
      containers
        .filter(({ name, resources }) => (resources?.limits?.cpu !== undefined) !== limited.includes(name))
        .map(({ name }) => `${title}: container ${name} must ${limited.includes(name) ? '' : 'not '}have a CPU limit`),
    );
}

/**
 * All pods together fit on one machine.
 *
 * @param machine its cores and bytes of memory; the sum of all requests, at most replicas, must be below
 */
export function fitsOn(machine: { readonly cpu: number; readonly memory: number }): Policy {
  return (objects) =>
    (['cpu', 'memory'] as const).flatMap((resource) => {
      const sum = workloads(objects).reduce(
        (total, workload) =>
          total +
          replicaRange(workload, objects).max *
            workload.containers.reduce((own, { resources }) => own + amount(resources?.requests?.[resource]), 0),
        0,
      );
      return sum < machine[resource]
        ? []
        : [`all pods request ${sum} of ${resource}, and there is ${machine[resource]}`];
    });
}

function amount(quantity: string | undefined): number {
  return quantity === undefined ? 0 : (parseQuantity(quantity) ?? 0);
}

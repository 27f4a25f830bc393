import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

/** The workloads of each chart. */
const WORKLOADS = new WeakMap<Chart, Set<IConstruct>>();

/**
 * Has the chart report objects of the same kind, namespace and name as one of a workload: the later would overwrite the
 * earlier. Charts are not compared: two may well be meant for two clusters.
 */
export function reportDuplicateNames(workload: IConstruct): void {
  const chart = Chart.of(workload);
  const known = WORKLOADS.get(chart);
  if (known) {
    known.add(workload);
    return;
  }
  const workloads = new Set([workload]);
  WORKLOADS.set(chart, workloads);
  chart.node.addValidation({ validate: () => duplicateNames(chart, workloads) });
}

function duplicateNames(chart: Chart, workloads: ReadonlySet<IConstruct>): string[] {
  const objects = new Map<string, ApiObject[]>();
  for (const construct of chart.node.findAll()) {
    if (!ApiObject.isApiObject(construct) || construct.chart !== chart) continue;
    const key = JSON.stringify([construct.apiGroup, construct.kind, construct.metadata.namespace, construct.name]);
    objects.set(key, [...(objects.get(key) ?? []), construct]);
  }
  const isOurs = (object: ApiObject): boolean => object.node.scopes.some((scope) => workloads.has(scope));
  return [...objects.values()]
    .filter((same) => same.length > 1 && same.some(isOurs))
    .map((same) => {
      const { kind, name, metadata } = same[0]!;
      const where = metadata.namespace ? ` in the namespace ${metadata.namespace}` : '';
      return (
        `name = ${name}: ${same.map(({ node }) => node.path).join(' and ')} make the same ${kind}${where}. ` +
        'To fix: give one of the constructs another id or `name`.'
      );
    });
}

import { ApiObject, type Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { registeredIn } from './registry';

/**
 * Has the chart report objects of the same kind, namespace and name as one of a workload: the later would overwrite the
 * earlier. Charts are not compared: two may well be meant for two clusters.
 */
export function reportDuplicateNames(chart: Chart): void {
  chart.node.addValidation({ validate: () => duplicateNames(chart, registeredIn(chart)) });
}

function duplicateNames(chart: Chart, workloads: ReadonlySet<IConstruct>): string[] {
  const objects = new Map<string, ApiObject[]>();
  for (const construct of chart.node.findAll()) {
    if (!ApiObject.isApiObject(construct) || construct.chart !== chart) continue;
    const key = JSON.stringify([construct.apiGroup, construct.kind, construct.metadata.namespace, construct.name]);
    objects.set(key, [...(objects.get(key) ?? []), construct]);
  }
  const workloadOf = (object: ApiObject): IConstruct | undefined =>
    object.node.scopes.find((scope) => workloads.has(scope));
  const found = new Map<string, string[]>();
  for (const same of objects.values()) {
    if (same.length < 2 || !same.some(workloadOf)) continue;
    const makers = same.map((object) => (workloadOf(object) ?? object).node.path).join(' and ');
    const { kind, name, metadata } = same[0]!;
    const where = metadata.namespace ? ` in the namespace ${metadata.namespace}` : '';
    found.set(makers, [...(found.get(makers) ?? []), `${kind} ${name}${where}`]);
  }
  return [...found].map(
    ([makers, names]) =>
      `name: ${makers} make the same ${names.join(', ')}. To fix: give one of them another id or \`name\`.`,
  );
}

import { ApiObject, type Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

/**
 * Tells of objects of the same kind, namespace and name as one of a maker: the later would overwrite the earlier. Charts
 * are not compared: two may well be meant for two clusters.
 */
export function duplicateNames(chart: Chart, makers: ReadonlySet<IConstruct>): string[] {
  const objects = new Map<string, ApiObject[]>();
  for (const construct of chart.node.findAll()) {
    if (!ApiObject.isApiObject(construct) || construct.chart !== chart) continue;
    const key = JSON.stringify([construct.apiGroup, construct.kind, construct.metadata.namespace, construct.name]);
    objects.set(key, [...(objects.get(key) ?? []), construct]);
  }
  const makerOf = (object: ApiObject): IConstruct | undefined => object.node.scopes.find((scope) => makers.has(scope));
  const found = new Map<string, string[]>();
  for (const same of objects.values()) {
    if (same.length < 2 || !same.some(makerOf)) continue;
    const paths = same.map((object) => (makerOf(object) ?? object).node.path).join(' and ');
    const { kind, name, metadata } = same[0]!;
    const where = metadata.namespace ? ` in the namespace ${metadata.namespace}` : '';
    found.set(paths, [...(found.get(paths) ?? []), `${kind} ${name}${where}`]);
  }
  return [...found].map(
    ([paths, names]) =>
      `name: ${paths} make the same ${names.join(', ')}. To fix: give one of them another id or \`name\`.`,
  );
}

import { ApiObject } from 'cdk8s';
import type { IConstruct } from 'constructs';

const CHECKED = new WeakSet<IConstruct>();

/** Has the app report objects of the same kind, namespace and name: the later would overwrite the earlier. */
export function reportDuplicateNames(construct: IConstruct): void {
  const { root } = construct.node;
  if (CHECKED.has(root)) return;
  CHECKED.add(root);
  root.node.addValidation({ validate: () => duplicateNames(root) });
}

function duplicateNames(root: IConstruct): string[] {
  const paths = new Map<string, string[]>();
  for (const object of root.node.findAll()) {
    if (!ApiObject.isApiObject(object)) continue;
    const key = [object.apiGroup, object.kind, object.metadata.namespace ?? '', object.name].join('/');
    paths.set(key, [...(paths.get(key) ?? []), object.node.path]);
  }
  return [...paths].flatMap(([key, owners]) => {
    if (owners.length < 2) return [];
    const [, kind, namespace, name] = key.split('/');
    const where = namespace ? ` in the namespace ${namespace}` : '';
    return [
      `name = ${name}: ${owners.join(' and ')} make the same ${kind}${where}. ` +
        'To fix: give one of the constructs another id or `name`.',
    ];
  });
}

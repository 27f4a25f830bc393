import { isDeepStrictEqual } from 'node:util';
import { titleOf, type Manifest } from '../manifests/manifest';

/** An object as the API server has it. */
export interface LiveObject extends Manifest {
  readonly status?: unknown;
}

/**
 * What became different between two looks at the same objects, one sentence for each object. Controllers report to
 * `status` at any time, which says nothing about what was applied; an object that has none must not even be written.
 */
export function liveChanges(before: readonly LiveObject[], after: readonly LiveObject[]): string[] {
  const earlier = new Map(before.map((object) => [titleOf(object), object]));
  return after.flatMap((object) => {
    const title = titleOf(object);
    const old = earlier.get(title);
    if (!old) return [`${title} is new`];
    const was = applied(old);
    const is = applied(object);
    const fields = Object.keys({ ...was, ...is }).filter((field) => !isDeepStrictEqual(was[field], is[field]));
    return fields.length === 0 ? [] : [`${title} was written: ${fields.join(', ')} changed`];
  });
}

function applied({ status, metadata, ...rest }: LiveObject): Readonly<Record<string, unknown>> {
  const { resourceVersion, managedFields = [], ...own } = metadata;
  return {
    ...rest,
    metadata: own,
    managedFields: managedFields.filter(({ subresource = '' }) => subresource === ''),
    ...(status === undefined ? { resourceVersion } : {}),
  };
}

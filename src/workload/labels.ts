import type { Problems } from '../validation';
import { isLabelValue, isServiceName, type Image } from '../values';
import { MAX_NAME_LENGTH } from './controller';

/** Who the pods are. */
export interface Identity {
  /** The program, e.g. `vmstorage`. */
  readonly name: string;
  /** Which of several, e.g. the id of the `VmCluster`. */
  readonly instance: string;
  /** Its role in the instance, e.g. `storage`. */
  readonly component: string;
}

export type Labels = Readonly<Record<string, string>>;

/**
 * The name that begins the names of all objects of a construct: the given one, or its id.
 *
 * @param suffix the longest that follows it
 */
export function instanceName(given: string | undefined, id: string, suffix: string, problems: Problems): string {
  const limit = MAX_NAME_LENGTH.StatefulSet - suffix.length;
  const name: unknown = given ?? id;
  if (typeof name === 'string' && isServiceName(name) && name.length <= limit) return name;
  problems.add({
    prop: 'name',
    value: name,
    rule: `has at most ${limit} lower-case letters, digits and -, begins with a letter and ends with a letter or digit`,
    fix: 'give the construct a shorter or simpler id, or set its `name`',
  });
  return 'unnamed';
}

/** Labels that select the pods. They never change: a selector of a workload is immutable. */
export function selectorLabels({ name, instance, component }: Identity): Labels {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': component,
  };
}

/** Labels that describe; they may change from one version to the next. */
export function descriptiveLabels(image?: Image): Labels {
  return {
    'app.kubernetes.io/part-of': 'victoriametrics-stack',
    'app.kubernetes.io/managed-by': 'cdk8s',
    ...(image?.tag !== undefined && isLabelValue(image.tag) ? { 'app.kubernetes.io/version': image.tag } : {}),
  };
}

/** Later labels win over earlier ones, but none over the selector. @param prop where the given labels come from */
export function joinLabels(
  selector: Labels,
  problems: Problems,
  ...layers: readonly { readonly prop: string; readonly labels?: Labels }[]
): Labels {
  for (const { prop, labels } of layers) {
    for (const [key, value] of Object.entries(labels ?? {})) {
      problems.when(Object.hasOwn(selector, key) && selector[key] !== value, {
        prop: `${prop}['${key}']`,
        value,
        rule: `the label selects the pods and must stay ${selector[key]}`,
        fix: 'use another key',
      });
    }
  }
  const joined = layers.reduce<Labels>((earlier, { labels }) => ({ ...earlier, ...labels }), {});
  return { ...joined, ...selector };
}

import type { Problems } from '../validation';
import { isLabelValue, type Image } from '../values';

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

/** Labels that select the pods. They never change: a selector of a workload is immutable. */
export function selectorLabels({ name, instance, component }: Identity): Labels {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': component,
  };
}

/** Labels that describe; they may change from one version to the next. */
export function descriptiveLabels(image: Image): Labels {
  return {
    'app.kubernetes.io/part-of': 'victoriametrics-stack',
    'app.kubernetes.io/managed-by': 'cdk8s',
    ...(image.tag !== undefined && isLabelValue(image.tag) ? { 'app.kubernetes.io/version': image.tag } : {}),
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

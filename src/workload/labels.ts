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

/** Labels that select the pods. They never change: a selector of a workload is immutable. */
export function selectorLabels({ name, instance, component }: Identity): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': component,
  };
}

/** Labels that describe; they may change from one version to the next. */
export function descriptiveLabels(image: Image): Record<string, string> {
  return {
    'app.kubernetes.io/part-of': 'victoriametrics-stack',
    'app.kubernetes.io/managed-by': 'cdk8s',
    ...(image.tag !== undefined && isLabelValue(image.tag) ? { 'app.kubernetes.io/version': image.tag } : {}),
  };
}

import type { IntOrString, V1PodDisruptionBudgetSpec, V2HorizontalPodAutoscalerSpec } from '@kubernetes/client-node';
import {
  autoscalerOf,
  findObject,
  matches,
  ofKind,
  replicaRange,
  titleOf,
  workloads,
  type Manifest,
  type ManifestWith,
  type Policy,
  type Workload,
} from './manifest';

type Budget = ManifestWith<V1PodDisruptionBudgetSpec>;

/** The workloads whose pods a budget is about. */
export function budgetSubjects({ metadata, spec }: Budget, objects: readonly Manifest[]): Workload[] {
  return workloads(objects).filter(
    ({ namespace, podLabels }) => namespace === metadata.namespace && matches(spec.selector!, podLabels),
  );
}

/** The budgets that are about a workload. */
export function budgetsOf(workload: Workload, objects: readonly Manifest[]): Budget[] {
  return budgets(objects).filter((budget) =>
    budgetSubjects(budget, objects).some(({ title }) => title === workload.title),
  );
}

/** How many of the pods may be evicted at once. */
export function allowedEvictions({ spec: { maxUnavailable, minAvailable } }: Budget, replicas: number): number {
  if (maxUnavailable !== undefined) return podCount(maxUnavailable, replicas);
  return Math.max(0, replicas - podCount(minAvailable ?? 0, replicas));
}

/** A budget is about one workload, and lets a node be drained. */
export const disruptionBudgets: Policy = (objects) =>
  budgets(objects).flatMap((budget) => {
    const selected = budgetSubjects(budget, objects);
    if (selected.length !== 1) return [`${titleOf(budget)}: selects ${selected.length} workloads, not 1`];
    const replicas = selected[0] ? replicaRange(selected[0], objects).min : 0;
    return allowedEvictions(budget, replicas) >= 1
      ? []
      : [`${titleOf(budget)}: lets none of ${replicas} pods be evicted, which blocks every drain`];
  });

/** No workload has two budgets: the API server then refuses every eviction. */
export const singleBudgets: Policy = (objects) =>
  workloads(objects)
    .filter((workload) => budgetsOf(workload, objects).length > 1)
    .map(({ title }) => `${title}: has more than one PodDisruptionBudget`);

/** An autoscaler has a target, and the target leaves the number of pods to it. */
export const autoscalers: Policy = (objects) => [
  ...ofKind<V2HorizontalPodAutoscalerSpec>(objects, 'HorizontalPodAutoscaler').flatMap((autoscaler) => {
    const { scaleTargetRef, minReplicas = 1, maxReplicas } = autoscaler.spec;
    const title = titleOf(autoscaler);
    const target = findObject(objects, scaleTargetRef.kind, autoscaler.metadata.namespace, scaleTargetRef.name);
    if (!target || target.apiVersion !== scaleTargetRef.apiVersion) {
      return [`${title}: there is no ${scaleTargetRef.apiVersion} ${scaleTargetRef.kind} ${scaleTargetRef.name}`];
    }
    return [
      ...(minReplicas <= maxReplicas ? [] : [`${title}: minReplicas is above maxReplicas`]),
      ...((target.spec as { replicas?: number }).replicas === undefined
        ? []
        : [`${title}: each apply of ${titleOf(target)} would reset the number of pods to its replicas`]),
    ];
  }),
  ...workloads(objects)
    .filter((workload) => workload.manifest.kind !== 'DaemonSet' && workload.manifest.spec.replicas === undefined)
    .filter((workload) => !autoscalerOf(workload, objects))
    .map(({ title }) => `${title}: says no replicas, and has no autoscaler`),
];

function budgets(objects: readonly Manifest[]): Budget[] {
  return ofKind<V1PodDisruptionBudgetSpec>(objects, 'PodDisruptionBudget');
}

/** Kubernetes rounds percentages up. */
function podCount(value: IntOrString, replicas: number): number {
  return typeof value === 'string' ? Math.ceil((Number.parseFloat(value) / 100) * replicas) : value;
}

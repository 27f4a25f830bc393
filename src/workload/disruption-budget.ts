import type { Problems } from '../validation';
import { leastReplicas, mostReplicas, type Controller } from './controller';

/** How many pods may be down at once for a drain or an upgrade of a node. Give one of the two. */
export interface DisruptionBudgetProps {
  /** How many pods may be down. @default 1 */
  readonly maxUnavailable?: number;
  /** How many pods must be up. @default - not set; `maxUnavailable` counts */
  readonly minAvailable?: number;
}

/** How many pods a drain may take down under the budget. */
export function allowedDisruptions({ maxUnavailable, minAvailable }: DisruptionBudgetProps, replicas: number): number {
  return minAvailable === undefined ? (maxUnavailable ?? 1) : Math.max(0, replicas - minAvailable);
}

/**
 * The budget of a workload: the given one, or one pod at a time where there are several; none where there is one, where
 * the user wants none, and for a DaemonSet.
 *
 * @param prop where the user gives it
 */
export function budgetOf(
  controller: Controller,
  given: DisruptionBudgetProps | false | undefined,
  prop: string,
  problems: Problems,
): DisruptionBudgetProps | undefined {
  if (given === false) return undefined;
  const several = controller.kind !== 'DaemonSet' && mostReplicas(controller) > 1;
  if (given === undefined) return several ? { maxUnavailable: 1 } : undefined;
  const replicas = leastReplicas(controller);
  problems.when(controller.kind === 'DaemonSet', {
    prop,
    value: given,
    rule: 'Kubernetes does not evict pods of a DaemonSet',
    fix: 'remove it',
  });
  problems.when(given.maxUnavailable !== undefined && given.minAvailable !== undefined, {
    prop,
    value: given,
    rule: 'takes either maxUnavailable or minAvailable',
    fix: 'remove one of them',
  });
  problems.when(allowedDisruptions(given, replicas) < 1, {
    prop,
    value: given,
    rule: `leaves none of the ${replicas} replicas to be evicted and so blocks every drain of a node`,
    fix: `set \`${prop}: { maxUnavailable: 1 }\`, or \`${prop}: false\` for no budget`,
  });
  return given;
}

/**
 * @param evictUnready whether an unready pod may be evicted although the budget is used up: right for pods without
 *   data, so that a crash-looping pod does not block a drain
 */
export function disruptionBudget(
  { maxUnavailable, minAvailable }: DisruptionBudgetProps,
  matchLabels: Readonly<Record<string, string>>,
  evictUnready: boolean,
): object {
  return {
    ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
    selector: { matchLabels },
    unhealthyPodEvictionPolicy: evictUnready ? 'AlwaysAllow' : 'IfHealthyBudget',
  };
}

/** How many pods may be down at once for a drain or an upgrade of a node. Give one of the two. */
export interface DisruptionBudgetProps {
  /** @default 1 */
  readonly maxUnavailable?: number;
  /** @default - not set; `maxUnavailable` counts */
  readonly minAvailable?: number;
}

/** How many pods a drain may take down under the budget. */
export function allowedDisruptions({ maxUnavailable, minAvailable }: DisruptionBudgetProps, replicas: number): number {
  return minAvailable === undefined ? (maxUnavailable ?? 1) : Math.max(0, replicas - minAvailable);
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

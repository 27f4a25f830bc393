import { atLeastOne, type Problems, type Shape } from '../validation';
import { autoscalingCheck, type AutoscalingProps } from './autoscaling';

/** How many pods of a component without data there are. */
export interface ScalingProps {
  /** How many pods, as long as nothing scales them. @default 2 */
  readonly replicas?: number;
  /** An autoscaler that owns the number of replicas. @default - none */
  readonly autoscaling?: AutoscalingProps;
}

export const SCALING_SHAPE: Shape<ScalingProps> = { replicas: atLeastOne, autoscaling: autoscalingCheck };

export function scaling(
  { replicas, autoscaling }: ScalingProps,
  prefix: string,
  problems: Problems,
): { readonly replicas: number; readonly autoscaling?: AutoscalingProps } {
  problems.when(replicas !== undefined && autoscaling !== undefined, {
    prop: `${prefix}replicas`,
    value: replicas,
    rule: `${prefix}autoscaling decides the number of replicas`,
    fix: `remove it and set \`${prefix}autoscaling.minReplicas\``,
  });
  return { replicas: replicas ?? 2, autoscaling };
}

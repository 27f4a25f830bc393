import { all, atLeastOne, integer, object, type Check, type Shape } from '../validation';

/** A HorizontalPodAutoscaler. */
export interface AutoscalingProps {
  /** The least number of pods. */
  readonly minReplicas: number;
  /** The greatest number of pods. */
  readonly maxReplicas: number;
  /** Percent of the CPU request, on average over the pods. @default 75 */
  readonly targetCpuUtilization?: number;
  /** Percent of the memory request, on average over the pods. @default - memory does not count */
  readonly targetMemoryUtilization?: number;
}

const SHAPE: Shape<AutoscalingProps> = {
  minReplicas: atLeastOne,
  maxReplicas: atLeastOne,
  targetCpuUtilization: integer({ min: 1, max: 1000 }),
  targetMemoryUtilization: integer({ min: 1, max: 1000 }),
};

export const autoscalingCheck: Check = all(object(SHAPE, 'minReplicas', 'maxReplicas'), (value, prop, problems) => {
  const { minReplicas, maxReplicas } = value as AutoscalingProps;
  problems.when(minReplicas > maxReplicas, {
    prop: `${prop}.minReplicas`,
    value: minReplicas,
    rule: `must not be above maxReplicas (${maxReplicas})`,
    fix: `raise \`${prop}.maxReplicas\` or lower \`${prop}.minReplicas\``,
  });
  return value;
});

export function horizontalPodAutoscaler(
  { minReplicas, maxReplicas, targetCpuUtilization = 75, targetMemoryUtilization }: AutoscalingProps,
  target: { readonly apiVersion: string; readonly kind: string; readonly name: string },
): object {
  const metric = (name: string, averageUtilization: number): object => ({
    type: 'Resource',
    resource: { name, target: { type: 'Utilization', averageUtilization } },
  });
  return {
    scaleTargetRef: target,
    minReplicas,
    maxReplicas,
    metrics: [
      metric('cpu', targetCpuUtilization),
      ...(targetMemoryUtilization === undefined ? [] : [metric('memory', targetMemoryUtilization)]),
    ],
  };
}

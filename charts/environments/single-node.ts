import { Duration, Size } from 'cdk8s';
import { Cpu, Retention, Scrape } from '../../src';
import type { MetricsStackProps } from '../metrics-stack';

/** One process on one fast disk. */
export const singleNode: MetricsStackProps = {
  namespace: 'monitoring',
  storage: {
    single: {
      retention: Retention.months(12),
      volume: { size: Size.gibibytes(100), storageClass: 'fast-ssd' },
      resources: {
        cpu: { request: Cpu.units(1), limit: Cpu.units(2) },
        memory: { request: Size.gibibytes(2), limit: Size.gibibytes(4) },
      },
      labelLimits: { maxLabelsPerTimeseries: 50 },
      queryLimits: { maxQueryDuration: Duration.seconds(30) },
      extraFlags: { 'memory.allowedPercent': 80 },
    },
  },
  agent: { scrape: [Scrape.annotatedPods()] },
};

import { Size } from 'cdk8s';
import { Cpu, Retention } from '../../src';
import type { MetricsStackProps } from '../metrics-stack';

const small = {
  cpu: { request: Cpu.millis(50) },
  memory: { request: Size.mebibytes(96), limit: Size.mebibytes(384) },
};

/** A replicated cluster that fits on a laptop. */
export const kind: MetricsStackProps = {
  namespace: 'monitoring',
  storage: {
    cluster: {
      retention: Retention.days(7),
      replicationFactor: 2,
      vmstorage: { replicas: 3, volume: { size: Size.gibibytes(2) }, resources: small },
      vminsert: { replicas: 2, resources: small },
      vmselect: { replicas: 2, resources: small },
    },
  },
};

import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import {
  DefaultDeny,
  StackDefaults,
  VmCluster,
  VmSingle,
  type StackDefaultsProps,
  type VmClusterProps,
  type VmSingleProps,
} from '../src';

/** What makes an environment: a cluster or a single node, and what holds for all of its pods. */
export interface MetricsStackProps {
  readonly namespace: string;
  readonly storage: { readonly cluster: VmClusterProps } | { readonly single: VmSingleProps };
  readonly defaults?: StackDefaultsProps;
}

/** The namespace, in a file of its own so that it is there before what lives in it. */
class NamespaceChart extends Chart {
  public constructor(scope: Construct, id: string, namespace: string, podSecurity: 'restricted' | 'privileged') {
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': podSecurity } },
    });
    new DefaultDeny(this, 'default-deny', { namespace });
  }
}

/** The metrics stack of one environment. */
export class MetricsStack extends Chart {
  public readonly storage: VmCluster | VmSingle;

  public constructor(scope: Construct, id: string, props: MetricsStackProps) {
    super(scope, id, { namespace: props.namespace });
    StackDefaults.set(this, props.defaults ?? {});
    this.addDependency(new NamespaceChart(scope, `${id}-namespace`, props.namespace, 'restricted'));
    this.storage =
      'cluster' in props.storage
        ? new VmCluster(this, 'metrics', props.storage.cluster)
        : new VmSingle(this, 'metrics', props.storage.single);
  }
}

import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';

/**
 * A NetworkPolicy that refuses whatever no other policy of its namespace allows, also for pods that are not of the
 * stack. It is made by hand since other pods of a shared namespace would be cut off as well.
 */
export class DefaultDeny extends Construct {
  /** @param namespace the namespace; that of the chart when left out */
  public constructor(scope: Construct, id: string, { namespace }: { readonly namespace?: string } = {}) {
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'default-deny', namespace },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    });
  }
}

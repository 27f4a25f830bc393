import type { Duration } from 'cdk8s';
import type { VmalertFlags } from '../flags';
import { labelsCheck } from '../scrape';
import {
  all,
  atLeastOne,
  duration,
  externalUrl,
  filledListOf,
  forbidden,
  instance,
  listOf,
  milliseconds,
  rule,
  text,
  type Shape,
} from '../validation';
import {
  GRACEFUL_SHAPE,
  SERVER_SHAPE,
  VERSION_SHAPE,
  type GracefulProps,
  type ServerProps,
  type VersionProps,
} from '../victoria-metrics';
import {
  notifyEndpointCheck,
  readEndpointCheck,
  writeEndpointCheck,
  type NotifyEndpoint,
  type ReadEndpoint,
  type WriteEndpoint,
} from '../wiring';
import { INSTANCE_SHAPE, type InstanceProps } from '../workload';
import { alertLabels } from './rule-group';
import type { Rules } from './rules';

/** vmalert: evaluates rules, stores what they record and tells Alertmanager of alerts. */
export interface VmAlertProps extends ServerProps<VmalertFlags>, GracefulProps, InstanceProps, VersionProps {
  /** Where rules are queried. For rules with a `tenant` of their own: `cluster.read(Tenant.MULTITENANT)`. */
  readonly datasource: ReadEndpoint;
  /** What is evaluated. */
  readonly rules: readonly Rules[];
  /**
   * Where the results of recording rules and the state of alerts are stored. Recording rules want it. For rules with a
   * `tenant` of their own: `cluster.write(Tenant.MULTITENANT)`.
   *
   * @default - nowhere: after a restart alerts wait once more for their `for`
   */
  readonly remoteWrite?: WriteEndpoint;
  /** Where the state of alerts is read at the start. @default - `datasource`, where `remoteWrite` is set */
  readonly remoteRead?: ReadEndpoint;
  /**
   * Who is told of alerts: every replica of each Alertmanager, since they agree among themselves which of them sends a
   * notification.
   *
   * @default - nobody: alerts are evaluated, stored and shown
   */
  readonly notifiers?: readonly NotifyEndpoint[];
  /** How often groups are evaluated that do not say it themselves; at least a second. @default - 1 min */
  readonly evaluationInterval?: Duration;
  /**
   * Labels of all alerts and recorded series; the same for all replicas. A label `x` that a result has already becomes
   * `exported_x`: those that agents set, such as `cluster`, are better left to them.
   *
   * @default - none
   */
  readonly externalLabels?: Readonly<Record<string, string>>;
  /** What the links of alerts begin with, e.g. the root URL of Grafana. @default - the Service of the vmalert */
  readonly externalUrl?: string;
  /**
   * What follows `externalUrl` in the links of alerts, a Go template: see `AlertSource.grafanaExplore`.
   *
   * @default - the page of the alert at the vmalert
   */
  readonly alertSource?: string;
  /**
   * How many pods. All of them evaluate all rules for the same points in time: Alertmanager takes their equal alerts
   * for one, and the storage, which must have a `dedupInterval`, keeps one of their equal samples.
   *
   * @default 1
   */
  readonly replicas?: number;
}

export const SHAPE: Shape<VmAlertProps & { readonly autoscaling?: never }> = {
  ...SERVER_SHAPE,
  ...GRACEFUL_SHAPE,
  ...INSTANCE_SHAPE,
  ...VERSION_SHAPE,
  datasource: readEndpointCheck,
  rules: filledListOf(
    instance('Rules', 'check', "Rules.fromDirectory('rules')"),
    'vmalert has nothing to evaluate',
    "write for example [Rules.fromDirectory('rules')]",
  ),
  remoteWrite: writeEndpointCheck,
  remoteRead: readEndpointCheck,
  notifiers: listOf(notifyEndpointCheck),
  evaluationInterval: all(
    duration,
    rule(
      (value) => milliseconds(value as Duration) >= 1000,
      'vmalert queries for full seconds',
      'set it to Duration.seconds(1) or more',
    ),
  ),
  externalLabels: all(labelsCheck, alertLabels),
  externalUrl: all(
    externalUrl('https://grafana.example.com'),
    rule(
      (value) => !(value as string).endsWith('/'),
      'vmalert appends a path that begins with /',
      'remove the / at the end',
    ),
  ),
  alertSource: all(
    text(),
    rule(
      (value) => /^[^\s/]\S*$/.test((value as string).replace(/\{\{.*?\}\}/gs, '_')),
      'is no part of a URL: it has a blank, or begins with /, which vmalert adds itself',
      "write for example AlertSource.grafanaExplore({ datasource: 'uid' })",
    ),
  ),
  replicas: atLeastOne,
  autoscaling: forbidden('a replica more evaluates every rule once more', 'remove it and set `replicas`'),
};

import type { Duration } from 'cdk8s';
import type { VmalertFlags } from '../flags';
import { labelsCheck } from '../scrape';
import {
  all,
  anything,
  duration,
  forbidden,
  instance,
  integer,
  listOf,
  milliseconds,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import { GRACEFUL_SHAPE, SERVER_SHAPE, versionCheck, type GracefulProps, type ServerProps } from '../victoria-metrics';
import {
  notifyEndpointCheck,
  readEndpointCheck,
  writeEndpointCheck,
  type NotifyEndpoint,
  type ReadEndpoint,
  type WriteEndpoint,
} from '../wiring';
import type { Rules } from './rules';
import { withoutUrlSecret } from './texts';

/** vmalert: evaluates rules, stores what they record and tells Alertmanager of alerts. */
export interface VmAlertProps extends ServerProps<VmalertFlags>, GracefulProps {
  /** Begins the names of all objects and is the label `app.kubernetes.io/instance`. @default - the id of the construct */
  readonly name?: string;
  /**
   * The version, e.g. `v1.150.0`. Flags are checked against the version that this library was made for, whatever is
   * given here; `image` wins.
   *
   * @default - the version that this library was made for
   */
  readonly version?: string;
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

const externalUrl: Check = all(
  text(/^https?:\/\/[^\s/]/, 'a URL that begins with http:// or https://'),
  withoutUrlSecret('manifest'),
  rule(
    (value) => !(value as string).endsWith('/'),
    'vmalert appends a path that begins with /',
    'remove the / at the end',
  ),
);

export const SHAPE: Shape<VmAlertProps & { readonly autoscaling?: never }> = {
  ...SERVER_SHAPE,
  ...GRACEFUL_SHAPE,
  name: anything,
  version: versionCheck,
  datasource: readEndpointCheck,
  rules: all(
    rule(
      (value) => !Array.isArray(value) || value.length > 0,
      'vmalert has nothing to evaluate',
      "write for example [Rules.fromDirectory('rules')]",
    ),
    listOf(instance('Rules', 'check', "Rules.fromDirectory('rules')")),
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
  externalLabels: labelsCheck,
  externalUrl,
  alertSource: all(
    text(),
    rule(
      (value) => /^[^\s/]\S*$/.test((value as string).replace(/\{\{.*?\}\}/gs, '_')),
      'is no part of a URL: it has a blank, or begins with /, which vmalert adds itself',
      "write for example AlertSource.grafanaExplore({ datasource: 'uid' })",
    ),
  ),
  replicas: integer({ min: 1 }),
  autoscaling: forbidden('a replica more evaluates every rule once more', 'remove it and set `replicas`'),
};

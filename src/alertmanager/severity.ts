import { Duration } from 'cdk8s';
import { anything, listOf } from '../validation';
import type { AlertmanagerConfigProps } from './config-props';
import type { ConfigProblems } from './config-problems';
import { fields, filled } from './fields';
import type { GlobalAlertmanagerProps } from './global';
import type { ReceiverIntegrations, ReceiverProps } from './receiver';
import type { InhibitRuleProps, RouteProps } from './route';

/** Where alerts go by their label `severity`. */
export interface SeverityProps {
  /** Told at once, and every 5 minutes as long as it goes on. */
  readonly critical: ReceiverIntegrations;
  /** Told in groups, and every hour as long as it goes on. */
  readonly warning: ReceiverIntegrations;
  /** Told in groups, and daily as long as it goes on. @default - where warnings go */
  readonly info?: ReceiverIntegrations;
  /** Alerts of another severity or of none; told every 12 hours. @default - where warnings go */
  readonly default?: ReceiverIntegrations;
  /**
   * A service that raises the alarm when it hears nothing for some minutes: told every minute as long as the alert
   * `Watchdog`, which always fires, comes through.
   *
   * @default - `Watchdog` is an alert like others
   */
  readonly watchdog?: ReceiverIntegrations;
  /** Alerts with equal values of these labels are one notification. @default - alertname, cluster, service */
  readonly groupBy?: readonly string[];
  /** What holds for all receivers. @default - nothing */
  readonly global?: GlobalAlertmanagerProps;
  /**
   * Labels that tell what an alert is about, besides the usual ones such as `namespace`, `job`, `service`, `instance` and
   * `slo`. A critical alert silences warnings of its name only where all of them are equal: name what your own rules
   * keep, such as `queue`, or one queue silences another.
   *
   * @default - none
   */
  readonly inhibitEqual?: readonly string[];
  /** Inhibition beyond that by severity. @default - none */
  readonly inhibitRules?: readonly InhibitRuleProps[];
}

const check = fields<SeverityProps>(
  {
    critical: anything,
    warning: anything,
    info: anything,
    default: anything,
    watchdog: anything,
    groupBy: listOf(filled),
    global: anything,
    inhibitEqual: listOf(filled),
    inhibitRules: anything,
  },
  'critical',
  'warning',
);

const RECEIVERS = ['critical', 'warning', 'info', 'default', 'watchdog'] as const;

/** The names of the receivers that there are, in order. */
function receiversIn(props: Partial<SeverityProps>): (typeof RECEIVERS)[number][] {
  return RECEIVERS.filter((name) => props[name] !== undefined);
}

/**
 * All labels by which rules tell what an alert is about. What is missing here lets one thing silence another. Labels of
 * parts of a thing are left out where the critical alert is about the whole: `addr` of the Alertmanagers that a vmalert
 * does not reach.
 */
const IDENTIFYING_LABELS = [
  'cluster',
  'namespace',
  'app_instance',
  'job',
  'service',
  'slo',
  'instance',
  'node',
  'pod',
  'container',
  'deployment',
  'statefulset',
  'daemonset',
  'horizontalpodautoscaler',
  'job_name',
  'persistentvolumeclaim',
  'device',
  'fstype',
  'mountpoint',
  'exporter',
  'integration',
  'path',
  'url',
  'vm_account_id',
  'vm_project_id',
];

/** A critical alert silences what is less urgent: its own warnings, and all of a service that is down. */
function inhibitBySeverity(more: readonly string[]): InhibitRuleProps[] {
  return [
    {
      sourceMatchers: ['severity="critical"'],
      targetMatchers: ['severity=~"warning|info"'],
      equal: [...new Set(['alertname', ...IDENTIFYING_LABELS, ...more])],
    },
    {
      // Labels that both alerts lack are equal: without an instance it would silence everything without one.
      sourceMatchers: ['alertname="ServiceDown"', 'severity="critical"', 'instance!=""'],
      targetMatchers: ['severity="warning"'],
      // Pods of two namespaces may have one name.
      equal: ['cluster', 'namespace', 'instance'],
    },
  ];
}

/** Reports names that are no props. */
export function checkSeverityProps(props: unknown, prop: string, problems: ConfigProblems): void {
  check(props, prop, problems);
}

/** The whole config of which the props are the part that differs. */
export function configBySeverity(props: Partial<SeverityProps>): AlertmanagerConfigProps {
  const { groupBy = ['alertname', 'cluster', 'service'], global, inhibitEqual = [], inhibitRules = [] } = props;
  const names = receiversIn(props);
  const or = (name: 'info' | 'default'): string => (names.includes(name) ? name : 'warning');
  const watchdog: RouteProps[] = names.includes('watchdog')
    ? [
        {
          receiver: 'watchdog',
          matchers: ['alertname="Watchdog"'],
          groupBy: ['alertname', 'cluster'],
          groupWait: Duration.seconds(0),
          groupInterval: Duration.minutes(1),
          // Less than the interval of the group, so that each of its turns is told.
          repeatInterval: Duration.seconds(50),
        },
      ]
    : [];
  return {
    ...(global === undefined ? {} : { global }),
    route: {
      receiver: or('default'),
      groupBy,
      groupWait: Duration.seconds(10),
      groupInterval: Duration.seconds(10),
      repeatInterval: Duration.hours(12),
      routes: [
        ...watchdog,
        {
          receiver: 'critical',
          matchers: ['severity="critical"'],
          groupWait: Duration.seconds(0),
          repeatInterval: Duration.minutes(5),
        },
        { receiver: 'warning', matchers: ['severity="warning"'], repeatInterval: Duration.hours(1) },
        { receiver: or('info'), matchers: ['severity="info"'], repeatInterval: Duration.hours(24) },
      ],
    },
    receivers: names.map((name): ReceiverProps => ({ name, ...props[name] })),
    inhibitRules: [...inhibitRules, ...inhibitBySeverity(inhibitEqual)],
  };
}

/** Says in messages the prop that a part of the config was made of. */
export function renameToSeverity(props: Partial<SeverityProps>): (prop: string) => string {
  const names: readonly string[] = receiversIn(props);
  return (prop) =>
    prop
      .replace(/^config\.receivers\[(\d+)\]/, (whole, index: string) =>
        names[Number(index)] === undefined ? whole : `config.${names[Number(index)]}`,
      )
      .replace(/^config\.route\.groupBy/, 'config.groupBy');
}

import { Duration } from 'cdk8s';
import { listOf } from '../validation';
import type { AlertmanagerConfigProps } from './config-props';
import type { ConfigProblems } from './config-problems';
import { fields, freeForm, filled } from './fields';
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
  /** Inhibition beyond that by severity. @default - none */
  readonly inhibitRules?: readonly InhibitRuleProps[];
}

const check = fields<SeverityProps>(
  {
    critical: freeForm,
    warning: freeForm,
    info: freeForm,
    default: freeForm,
    watchdog: freeForm,
    groupBy: listOf(filled),
    global: freeForm,
    inhibitRules: freeForm,
  },
  'critical',
  'warning',
);

const RECEIVERS = ['critical', 'warning', 'info', 'default', 'watchdog'] as const;

/** The names of the receivers that there are, in order. */
function receiversIn(props: Partial<SeverityProps>): (typeof RECEIVERS)[number][] {
  return RECEIVERS.filter((name) => props[name] !== undefined);
}

/** A critical alert silences what is less urgent: its own warnings, and all of a service that is down. */
const INHIBIT_RULES: readonly InhibitRuleProps[] = [
  {
    sourceMatchers: ['severity="critical"'],
    targetMatchers: ['severity=~"warning|info"'],
    // By all labels that tell what an alert is about, where its rule keeps several: of two claims one may fill alone.
    equal: ['alertname', 'cluster', 'namespace', 'service', 'instance', 'persistentvolumeclaim', 'mountpoint'],
  },
  {
    // Labels that both alerts lack are equal: without an instance it would silence everything without one.
    sourceMatchers: ['alertname="ServiceDown"', 'severity="critical"', 'instance!=""'],
    targetMatchers: ['severity="warning"'],
    equal: ['cluster', 'instance'],
  },
];

/** Reports names that are no props. */
export function checkSeverityProps(props: unknown, prop: string, problems: ConfigProblems): void {
  check(props, prop, problems);
}

/** The whole config of which the props are the part that differs. */
export function configBySeverity(props: Partial<SeverityProps>): AlertmanagerConfigProps {
  const { groupBy = ['alertname', 'cluster', 'service'], global, inhibitRules = [] } = props;
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
    inhibitRules: [...inhibitRules, ...INHIBIT_RULES],
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

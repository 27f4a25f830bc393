import { Panels, type Panel } from '../src';
import { ofClusterOrNone } from './series';

const { of } = ofClusterOrNone;

/** Watchdog fires always, and so tells of nothing. */
const FIRING = 'alertstate="firing",alertname!="Watchdog"';

/** How many alerts of a severity fire. */
export function firing(severity: 'critical' | 'warning'): Panel {
  const critical = severity === 'critical';
  return Panels.stat({
    title: critical ? 'Critical alerts' : 'Warnings',
    description: critical
      ? 'Alerts that need somebody now. Begin with the oldest in the table of alerts: the others often follow from it.'
      : 'Alerts that need somebody today. Look at them when nothing critical fires; those of one cause come together.',
    queries: [{ expr: `count(${of('ALERTS', `${FIRING},severity="${severity}"`)}) default 0` }],
    unit: 'short',
    decimals: 0,
    thresholds: critical ? { critical: 1 } : { warning: 1 },
    links: [{ title: 'Rules and notifications', dashboard: 'vm-alert' }],
  });
}

/** Which alerts fire, and since when. */
export function firingAlerts(width: number): Panel {
  return Panels.table({
    title: 'Firing alerts',
    description:
      'What fires now, and for how long. The annotations of an alert say what to do: they are in the notification, and ' +
      'in the rules of the data source under Alerting. An empty table means that nothing fires, as long as the watchdog is alive.',
    labels: {
      alertname: 'Alert',
      severity: 'Severity',
      cluster: 'Cluster',
      namespace: 'Namespace',
      job: 'Job',
      service: 'Service',
      instance: 'Instance',
    },
    queries: [
      {
        // The value of ALERTS_FOR_STATE is when the alert became active.
        expr: `(time() - ${of('ALERTS_FOR_STATE')}) and ignoring (alertstate) ${of('ALERTS', FIRING)}`,
        title: 'For',
      },
    ],
    unit: 'dtdurations',
    sortBy: 'For',
    width,
    height: 8,
    noValue: 'Nothing fires',
    links: [{ title: 'Alertmanager', dashboard: 'alertmanager' }],
  });
}

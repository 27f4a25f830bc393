import { dashboard, Panels } from '../../src';
import { program } from './program';

const { of, p99, rate, growth, variables } = program('alertmanager');

export const alertmanager = dashboard({
  uid: 'alertmanager',
  title: 'Alertmanager',
  description: 'Whether alerts arrive, whether people are told of them, and whether the replicas agree.',
  layer: 'component',
  tags: ['alerting'],
  variables,
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Active alerts',
          description:
            'Alerts that people are told of, as the replica with the most knows them. Look at them in Alertmanager, and at ' +
            'what each says to do.',
          queries: [{ expr: `max(${of('alertmanager_alerts', 'state="active"')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Suppressed alerts',
          description:
            'Alerts that are silenced, or hidden by a worse alert. Many for long: look through the silences, somebody may ' +
            'have forgotten one.',
          queries: [{ expr: `max(${of('alertmanager_alerts', 'state="suppressed"')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Failed notifications',
          description:
            'Notifications that failed in the time that is shown. Somebody was not told: Failed notifications by ' +
            'integration says where, the log of Alertmanager why.',
          queries: [{ expr: growth('alertmanager_notifications_failed_total') }],
          unit: 'short',
          decimals: 0,
          thresholds: { critical: 1 },
        }),
        Panels.stat({
          title: 'Silences in force',
          description: 'Silences that hold now. More than you know of: look who made them, and why, in Alertmanager.',
          queries: [{ expr: `max(${of('alertmanager_silences', 'state="active"')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Replicas that see too few',
          description:
            'Replicas whose cluster has fewer members than there are replicas. Those apart send each notification once ' +
            'more: look at the NetworkPolicy and at port 9094, TCP and UDP.',
          queries: [
            {
              expr:
                `count(${of('alertmanager_cluster_members')} < on (cluster, namespace, app_instance) group_left ` +
                `count by (cluster, namespace, app_instance) (${of('alertmanager_build_info')})) default 0`,
            },
          ],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Replicas with an old config',
          description:
            'Replicas that could not read their last config and go on with the one before. Their log has the reason; amtool ' +
            'check-config finds it as well.',
          queries: [{ expr: `sum(1 - ${of('alertmanager_config_last_reload_successful')})` }],
          unit: 'short',
          thresholds: { critical: 1 },
        }),
      ],
    },
    {
      title: 'Alerts and notifications',
      panels: [
        Panels.timeSeries({
          title: 'Alerts received',
          description:
            'Alerts that each vmalert and Prometheus sends, again and again while they fire, a second. Zero although the ' +
            'watchdog always fires: nobody reaches Alertmanager.',
          queries: [
            {
              expr: `sum by (instance, status) (${rate('alertmanager_alerts_received_total')})`,
              legend: '{{instance}} {{status}}',
            },
          ],
          unit: 'cps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Invalid alerts',
          description: 'Alerts a second that are not taken, for a wrong label or time. The log names what sent them.',
          queries: [
            { expr: `sum by (instance) (${rate('alertmanager_alerts_invalid_total')})`, legend: '{{instance}}' },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Alerts by state',
          description:
            'Active alerts, those suppressed by silences and inhibition, and those not processed yet. Many unprocessed ones ' +
            'for minutes: Alertmanager is overloaded, look at its CPU.',
          queries: [{ expr: `max by (state) (${of('alertmanager_alerts')})`, legend: '{{state}}' }],
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Notifications by integration',
          description: 'Notifications a second. A flood: group by more labels, or lengthen group_interval.',
          queries: [
            {
              expr: `sum by (integration) (${rate('alertmanager_notifications_total')}) > 0`,
              legend: '{{integration}}',
            },
          ],
          unit: 'cps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Failed notifications by integration',
          description:
            'Notifications a second that failed. clientError: credentials or the config are wrong; serverError: the other ' +
            'side is in trouble; else the network, look at the NetworkPolicy.',
          queries: [
            {
              expr: `sum by (integration, reason) (${rate('alertmanager_notifications_failed_total')}) > 0`,
              legend: '{{integration}} {{reason}}',
            },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { critical: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Notification duration, 99th percentile',
          description:
            'How long all but the slowest 1 % of notifications take at most. Above some seconds people learn late: look at the other ' +
            'side.',
          queries: [
            {
              expr: `${p99('alertmanager_notification_latency_seconds', ['integration'], 'le')} > 0`,
              legend: '{{integration}}',
            },
          ],
          unit: 's',
          min: 0,
          thresholds: { warning: 5, critical: 15 },
        }),
      ],
    },
    {
      title: 'Replicas',
      panels: [
        Panels.timeSeries({
          title: 'Members of the cluster',
          description: 'How many replicas each replica sees, itself among them. All lines should show all replicas.',
          queries: [{ expr: of('alertmanager_cluster_members'), legend: '{{instance}}' }],
          unit: 'short',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Gossip that waits',
          description:
            'Messages to other replicas that wait to be sent. A line that rises: the replicas do not reach each other.',
          queries: [{ expr: of('alertmanager_cluster_messages_queued'), legend: '{{instance}}' }],
          unit: 'short',
          min: 0,
          thresholds: { warning: 100 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'CPU',
          description: 'Cores in use. Alertmanager needs next to none; more comes from a flood of alerts.',
          queries: [{ expr: rate('process_cpu_seconds_total'), legend: '{{instance}}' }],
          unit: 'short',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Memory',
          description:
            'Resident memory. It grows with active alerts and silences; compare it with the limit of the pod.',
          queries: [{ expr: of('process_resident_memory_bytes'), legend: '{{instance}}' }],
          unit: 'bytes',
          min: 0,
          width: 6,
        }),
      ],
    },
  ],
});

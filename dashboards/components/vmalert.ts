import { dashboard, Panels } from '../../src';
import { program } from './program';
import { processRow } from './process';

const self = program('vmalert');
const { of, p99, rate, growth, variables } = self;

/** Of replicas, which have the same rules, the largest; of different vmalerts the sum. */
const rules = (metric: string, by: readonly string[] = []): string =>
  `max by (${['cluster', 'namespace', 'app_instance', ...by, 'id'].join(', ')}) (${of(metric)})`;

export const vmalert = dashboard({
  uid: 'vm-alert',
  title: 'vmalert',
  description: 'Whether rules are evaluated in time and without errors, and whether alerts and results arrive.',
  layer: 'component',
  tags: ['victoriametrics', 'alerting'],
  variables,
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Alerts firing',
          description:
            'Alerts that fire; replicas count once. Alerts firing by name says which; the description of each says what to do.',
          queries: [{ expr: `sum(${rules('vmalert_alerts_firing')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Alerts pending',
          description:
            'Alerts whose condition holds, but not yet for as long as they ask. They fire soon: look already.',
          queries: [{ expr: `sum(${rules('vmalert_alerts_pending')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Rules',
          description:
            'Alerting and recording rules that are loaded. Fewer than you wrote: look at the config of the vmalert and at ' +
            'its log.',
          queries: [
            {
              expr:
                `count(${rules('vmalert_alerting_rules_last_evaluation_samples')})` +
                ` + (count(${rules('vmalert_recording_rules_last_evaluation_samples')}) default 0)`,
            },
          ],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Failed evaluations',
          description:
            'Evaluations that failed in the time that is shown. An alert that is not evaluated does not fire: Errors by ' +
            'rule names the rule, the log and the page of the vmalert have the reason.',
          queries: [{ expr: growth('vmalert_execution_errors_total') }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Missed evaluations',
          description:
            'Evaluations that were left out, because the one before took longer than the interval, in the time that is ' +
            'shown. Share of the interval names the group: split it, make its queries cheaper, or lengthen its interval.',
          queries: [{ expr: growth('vmalert_iteration_missed_total') }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Replicas with old rules',
          description:
            'Replicas that could not read the last rules and go on with those before. The log names the file and the rule.',
          queries: [{ expr: `sum(1 - ${of('vmalert_config_last_reload_successful')})` }],
          unit: 'short',
          thresholds: { critical: 1 },
        }),
      ],
    },
    {
      title: 'Evaluation',
      panels: [
        Panels.timeSeries({
          title: 'Alerts firing by name',
          description: 'What fires, over time. One that comes and goes wants a longer `for` or `keep_firing_for`.',
          queries: [
            {
              expr: `sum by (group, alertname) (${rules('vmalert_alerts_firing', ['group', 'alertname'])}) > 0`,
              legend: '{{group}} {{alertname}}',
            },
          ],
          unit: 'short',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Share of the interval',
          description:
            'How much of its interval a group needs for one evaluation, of the ten slowest. Above 100 % it misses ' +
            'evaluations: split it, make its queries cheaper, or lengthen its interval.',
          queries: [
            {
              expr:
                `topk(10, max by (group) (${of('vmalert_iteration_duration_seconds', 'quantile="0.99"')}` +
                ` / ignoring (quantile) ${of('vmalert_iteration_interval_seconds')}))`,
              legend: '{{group}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.5, critical: 0.9 },
        }),
        Panels.timeSeries({
          title: 'Errors by rule',
          description:
            'Failed evaluations a second. All rules at once: the storage does not answer. One rule: its expression, or a ' +
            'limit of the storage that it runs into.',
          queries: [
            {
              expr: `topk(10, sum by (group, alertname) (${rate('vmalert_alerting_rules_errors_total')}))`,
              legend: '{{group}} {{alertname}}',
            },
            {
              expr: `topk(10, sum by (group, recording) (${rate('vmalert_recording_rules_errors_total')}))`,
              legend: '{{group}} {{recording}}',
            },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.001 },
        }),
        Panels.table({
          title: 'Recording rules without result',
          description:
            'Rules that record nothing, so that what is built on them shows nothing. Right for programs that you do not ' +
            'run; else look whether the metrics that they use still exist.',
          queries: [
            {
              title: 'Samples',
              expr: `max by (group, recording) (${of('vmalert_recording_rules_last_evaluation_samples')}) == 0`,
            },
          ],
          labels: { group: 'Group', recording: 'Series' },
          noValue: 'all have one',
          unit: 'short',
          width: 12,
        }),
        Panels.table({
          title: 'Most expensive alerts',
          description:
            'The alerts whose query reads the most series. Those cost the storage the most: use recorded series, or ask ' +
            'for fewer with matchers.',
          queries: [
            {
              title: 'Series read',
              expr: `topk(15, max by (group, alertname) (${of('vmalert_alerting_rules_last_evaluation_series_fetched')}))`,
            },
          ],
          labels: { group: 'Group', alertname: 'Alert' },
          sortBy: 'Series read',
          unit: 'short',
          width: 12,
        }),
      ],
    },
    {
      title: 'What is sent',
      panels: [
        Panels.timeSeries({
          title: 'Notifications',
          description:
            'Alerts sent to each Alertmanager, a second, and those that failed. When all fail nobody is told: look at ' +
            'Alertmanager and at the NetworkPolicy between.',
          queries: [
            { expr: `sum by (addr) (${rate('vmalert_alerts_sent_total')})`, legend: '{{addr}}' },
            { expr: `sum by (addr) (${rate('vmalert_alerts_send_errors_total')})`, legend: '{{addr}} failed' },
          ],
          unit: 'cps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Notification duration, 99th percentile',
          description:
            'How long all but the slowest 1 % of notifications take at most. Above -notifier.sendTimeout they fail: look at the load of ' +
            'Alertmanager.',
          queries: [{ expr: p99('vmalert_alerts_send_duration_seconds', ['addr']), legend: '{{addr}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 1, critical: 10 },
        }),
        Panels.timeSeries({
          title: 'Results stored',
          description:
            'Samples of recorded series and of the state of alerts a second, and those that were dropped. Dropped ones are ' +
            'gaps in dashboards, and alerts that start anew after a restart: look at vminsert.',
          queries: [
            { expr: `sum(${rate('vmalert_remotewrite_sent_rows_total')})`, legend: 'stored' },
            { expr: `sum(${rate('vmalert_remotewrite_dropped_rows_total')})`, legend: 'dropped' },
            { expr: `sum(${rate('vmalert_remotewrite_errors_total')})`, legend: 'failed requests' },
          ],
          unit: 'cps',
          min: 0,
        }),
      ],
    },
    processRow(self),
  ],
});

import { Panels, type DashboardRow } from '../../src';
import type { Program } from './program';

/** What each program of VictoriaMetrics needs to run. */
export function processRow({ of, rate }: Program): DashboardRow {
  return {
    title: 'Resources',
    panels: [
      Panels.timeSeries({
        title: 'CPU',
        description:
          'The share of the cores that a process may use. Near 100 % it is too slow for its work: raise the CPU limit or ' +
          'add replicas.',
        queries: [
          {
            expr: `${rate('process_cpu_seconds_total')} / ${of('process_cpu_cores_available')}`,
            legend: '{{instance}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        thresholds: { warning: 0.8, critical: 0.95 },
      }),
      Panels.timeSeries({
        title: 'Memory',
        description:
          'The share of the memory limit that cannot be given back, without the page cache. Above 80 % a heavy query or a ' +
          'burst of new series may get the process killed: raise the limit, or lower the load.',
        queries: [
          {
            expr: `${of('process_resident_memory_anon_bytes')} / ${of('vm_available_memory_bytes')}`,
            legend: '{{instance}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        thresholds: { warning: 0.8, critical: 0.9 },
      }),
      Panels.timeSeries({
        title: 'Restarts and warnings',
        description:
          'Restarts in the last hour, and warnings and errors in the logs a second. After a restart look at why the ' +
          'container ended (kubectl describe pod); what the logs say tells the rest.',
        queries: [
          {
            expr: `sum by (instance) (changes_prometheus(${of('vm_app_start_timestamp')}[1h]))`,
            legend: '{{instance}} restarts in an hour',
          },
          {
            // A line at zero for those that never warned.
            expr:
              `sum by (instance) (${rate('vm_log_messages_total', 'level!="info"')})` +
              ` or sum by (instance) (${rate('vm_log_messages_total')}) * 0`,
            legend: '{{instance}} warnings a second',
          },
        ],
        unit: 'short',
        min: 0,
      }),
    ],
  };
}

import { dashboard, Panels, SLO_SERIES, Variables } from '../src';
import { firing, firingAlerts } from './alerts';
import { daysLeft, free, TOO_EARLY } from './disk';
import { chosenBy, ofClusterOrNone } from './series';

const ofCluster = chosenBy('cluster');
const { of, rate } = ofCluster;

/** For series that are recorded every 5 minutes only. */
const recorded = (series: string): string => `last_over_time(${ofClusterOrNone.of(series)}[15m])`;

/** Whether all is well, what fires, and how long the disks and the memory last. */
export const overview = dashboard({
  uid: 'overview',
  title: 'Overview',
  description: 'Whether all is well, which alerts fire, and how much capacity is left. Begin here.',
  layer: 'overview',
  refresh: '1m',
  from: 'now-6h',
  variables: [Variables.tenant(), Variables.cluster({ metric: 'up' })],
  rows: [
    {
      title: 'Health',
      panels: [
        firing('critical'),
        firing('warning'),
        Panels.stat({
          title: 'Watchdog',
          description:
            'An alert that always fires. Silent means that samples, rules or both no longer arrive, and that no other ' +
            'alert would tell: look at vmalert, then at the agents.',
          queries: [{ expr: `count(${of('ALERTS', 'alertstate="firing",alertname="Watchdog"')}) > bool 0 default 0` }],
          unit: 'none',
          texts: { 0: 'silent', 1: 'alive' },
          thresholds: { critical: 1, below: true },
          links: [{ title: 'vmalert', dashboard: 'vm-alert' }],
        }),
        Panels.stat({
          title: 'Targets down',
          description:
            'Targets that do not answer scrapes. See by job below which ones, then whether their pods run: kubectl get pods.',
          queries: [{ expr: `count(${of('up')} == 0) default 0` }],
          unit: 'short',
          decimals: 0,
          thresholds: { warning: 1 },
          links: [{ title: 'Kubernetes', dashboard: 'kubernetes' }],
        }),
        Panels.stat({
          title: 'Least error budget left',
          description:
            'Of all service level objectives, the share of the error budget that is left of the one that has least. ' +
            'Below zero it is broken: stop what may do harm, such as rollouts, until it recovers.',
          queries: [{ expr: `min(${recorded(SLO_SERIES.budgetRemaining)})` }],
          unit: 'percentunit',
          decimals: 0,
          noValue: 'No objectives',
          thresholds: { warning: 0.25, critical: 0, below: true },
          links: [{ title: 'Services', dashboard: 'services' }],
        }),
        Panels.stat({
          title: 'Days until a disk is full',
          description:
            'Days until the first disk of the storage is full, as the last day went; 365 is a year or more. Below 14 plan ' +
            'a larger volume or a shorter retention, below 3 do it today.',
          queries: [{ expr: `min(${daysLeft(ofCluster)})` }],
          noValue: TOO_EARLY,
          unit: 'd',
          decimals: 0,
          thresholds: { warning: 14, critical: 3, below: true },
          links: [
            { title: 'Cluster', dashboard: 'vm-cluster' },
            { title: 'Single node', dashboard: 'vm-single-node' },
          ],
        }),
      ],
    },
    {
      title: 'Alerts and targets',
      panels: [
        firingAlerts(16),
        Panels.table({
          title: 'Targets by job',
          description:
            'How many targets each job has, and the share that answers scrapes. Where all of a job are down, look at its ' +
            'workload and at the NetworkPolicy between it and the agent; where one is, at its pod.',
          labels: { cluster: 'Cluster', job: 'Job' },
          queries: [
            { expr: `count by (cluster, job) (${of('up')})`, title: 'Targets' },
            {
              expr: `avg by (cluster, job) (${of('up')})`,
              title: 'Up',
              unit: 'percentunit',
              thresholds: { warning: 1, critical: 0.9, below: true },
            },
          ],
          unit: 'short',
        }),
        Panels.timeSeries({
          title: 'Targets down',
          description:
            'Targets that do not answer, by job. Steps that come and go with rollouts are normal; a step that stays is an ' +
            'outage of the job.',
          queries: [{ expr: `count by (job) (${of('up')} == 0) default 0`, legend: '{{job}}' }],
          unit: 'short',
          decimals: 0,
          min: 0,
          width: 12,
        }),
        Panels.timeSeries({
          title: 'Failed scrapes',
          description:
            'The share of the scrapes of each agent that fail. Above 10 % find the targets on the page /targets of the ' +
            'agent, which shows the error of each.',
          queries: [
            {
              expr: `${rate('vm_promscrape_scrapes_failed_total')} / ${rate('vm_promscrape_scrape_requests_total')}`,
              legend: '{{instance}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.1 },
          width: 12,
          links: [{ title: 'vmagent', dashboard: 'vm-agent' }],
        }),
      ],
    },
    {
      title: 'Objectives',
      panels: [
        Panels.timeSeries({
          title: 'Error budget left',
          description:
            'What is left of the error budget of each service level objective, over its own window. A line that falls ' +
            'fast is an incident; one that ends below zero is a promise that is broken: work on reliability first.',
          queries: [{ expr: `min by (slo) (${recorded(SLO_SERIES.budgetRemaining)})`, legend: '{{slo}}' }],
          unit: 'percentunit',
          max: 1,
          thresholds: { warning: 0.25, critical: 0, below: true },
          noValue: 'No objectives',
          width: 12,
        }),
        Panels.timeSeries({
          title: 'Burn rate',
          description:
            'How many times as fast as the budget allows errors come: at 1 all of it is spent at the end of the window, at ' +
            '14.4 of one of 30 days 2 % in an hour. Above 6 look at the service at once.',
          queries: [
            {
              expr: `max by (slo) (${ofClusterOrNone.of(SLO_SERIES.errorRatio)}) / (1 - max by (slo) (${recorded(SLO_SERIES.objective)}))`,
              legend: '{{slo}}',
            },
          ],
          unit: 'none',
          min: 0,
          thresholds: { warning: 1, critical: 6 },
          noValue: 'No objectives',
          width: 12,
        }),
      ],
    },
    {
      title: 'Capacity left',
      panels: [
        Panels.timeSeries({
          title: 'Disk left',
          description:
            'The share of each disk of the storage that can still be filled. Below 20 % plan, below 10 % enlarge the volume ' +
            'or shorten the retention now: at zero the storage becomes read-only.',
          queries: [{ expr: `${free(ofCluster)} / ${of('vm_total_disk_space_bytes')}`, legend: '{{instance}}' }],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.1, below: true },
        }),
        Panels.timeSeries({
          title: 'Memory left',
          description:
            'The share of its memory limit that each kind of program has left, where it has least. Below 20 % a burst may ' +
            'get it killed: raise the limit, or lower the load (series, concurrent queries).',
          queries: [
            {
              expr: `1 - max by (job) (${of('process_resident_memory_anon_bytes')} / ${of('vm_available_memory_bytes')})`,
              legend: '{{job}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.1, below: true },
        }),
        Panels.timeSeries({
          title: 'CPU left',
          description:
            'The share of its cores that each kind of program has left, where it has least. Near zero it falls behind: ' +
            'raise the CPU, or add replicas.',
          queries: [
            {
              expr: `1 - max by (job) (${rate('process_cpu_seconds_total')} / ${of('process_cpu_cores_available')})`,
              legend: '{{job}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.05, below: true },
        }),
        Panels.timeSeries({
          title: 'Memory left of nodes',
          description:
            'The share of its memory that each node has left. Below 10 % pods get evicted or killed: add nodes, or move ' +
            'what asks for less than it uses.',
          queries: [
            {
              expr: `${of('node_memory_MemAvailable_bytes')} / ${of('node_memory_MemTotal_bytes')}`,
              legend: '{{instance}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.1, below: true },
          width: 12,
          links: [{ title: 'Nodes', dashboard: 'nodes' }],
        }),
        Panels.timeSeries({
          title: 'Fullest claims',
          description:
            'The ten persistent volume claims that are fullest, as the kubelets see them. Above 80 % enlarge the claim, ' +
            'where its storage class allows it, or clean up.',
          queries: [
            {
              expr: `topk_max(10, max by (namespace, persistentvolumeclaim) (1 - ${of('kubelet_volume_stats_available_bytes')} / ${of('kubelet_volume_stats_capacity_bytes')}))`,
              legend: '{{namespace}}/{{persistentvolumeclaim}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.8, critical: 0.95 },
          width: 12,
          links: [{ title: 'Kubernetes', dashboard: 'kubernetes' }],
        }),
      ],
    },
    {
      title: 'Load',
      panels: [
        Panels.timeSeries({
          title: 'Samples stored',
          description:
            'Samples taken in, a second, by cluster. A fall is a loss of monitoring: look at the agents; a rise needs disk, ' +
            'CPU and memory: find out what is new before it costs.',
          queries: [{ expr: `sum by (cluster) (${rate('vm_rows_inserted_total')})`, legend: 'samples {{cluster}}' }],
          unit: 'cps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Active series',
          description:
            'Series with a sample in the last hour, copies included. Memory grows with them: when they double, find the ' +
            'new ones in the cardinality explorer of vmui.',
          queries: [
            {
              expr: `sum by (cluster) (${of('vm_cache_entries', 'type="storage/hour_metric_ids"')})`,
              legend: 'series {{cluster}}',
            },
          ],
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Queries',
          description:
            'Queries, a second, and those that took longer than the storage calls slow. Slow ones in number: find them in ' +
            'Top queries of vmui, and record what dashboards ask for over long times.',
          queries: [
            { expr: `sum(${rate('vm_request_duration_seconds_count')})`, legend: 'all' },
            { expr: `sum(${rate('vm_slow_queries_total')})`, legend: 'slow' },
          ],
          unit: 'reqps',
          min: 0,
        }),
      ],
    },
  ],
});

import { Panels, type Panel, type DashboardRow } from '../../src';
import { daysLeft, free, TOO_EARLY } from '../disk';
import type { Program } from './program';

/** Requests that answer queries, as vmselect and single node count them. */
const queries = ({ rate }: Program): string => rate('vm_request_duration_seconds_count');

/** What tells at once whether the storage is well; a panel of its own is put at the end. */
export function glanceRow(program: Program, last: Panel): DashboardRow {
  const { of, rate } = program;
  return {
    title: 'At a glance',
    panels: [
      Panels.stat({
        title: 'Samples stored',
        description:
          'Samples that are taken in, a second. Zero means that nothing is monitored: look at the agents and at what is ' +
          'between. A jump means a new source: look at Samples by protocol.',
        queries: [{ expr: `sum(${rate('vm_rows_inserted_total')})` }],
        unit: 'cps',
      }),
      Panels.stat({
        title: 'Active series',
        description:
          'Series that got a sample in the last hour, copies included. Memory grows with them: when they have doubled, ' +
          'find the new ones in the cardinality explorer of vmui.',
        queries: [{ expr: `sum(${of('vm_cache_entries', 'type="storage/hour_metric_ids"')})` }],
        unit: 'short',
      }),
      Panels.stat({
        title: 'Queries',
        description:
          'Queries a second, from dashboards, rules and users. Zero while vmalert runs means that queries do not arrive.',
        queries: [{ expr: `sum(${queries(program)})` }],
        unit: 'reqps',
      }),
      Panels.stat({
        title: 'Disk left, fullest',
        description:
          'What is left of the fullest disk. Below 10 % enlarge its volume or shorten the retention now: at zero the ' +
          'storage becomes read-only.',
        queries: [{ expr: `min(${free(program)} / ${of('vm_total_disk_space_bytes')})` }],
        unit: 'percentunit',
        thresholds: { warning: 0.2, critical: 0.1, below: true },
      }),
      Panels.stat({
        title: 'Days until full',
        description:
          'Days until the first disk is full, as the last day went; 365 is a year or more. Below 14 plan a larger ' +
          'volume, below 3 do it today.',
        queries: [{ expr: `min(${daysLeft(program)})` }],
        noValue: TOO_EARLY,
        unit: 'd',
        decimals: 0,
        thresholds: { warning: 14, critical: 3, below: true },
      }),
      last,
    ],
  };
}

export function ingestionRow(
  { of, rate }: Program,
  lost: readonly { readonly expr: string; readonly legend: string }[] = [],
): DashboardRow {
  return {
    title: 'Ingestion',
    panels: [
      Panels.timeSeries({
        title: 'Samples by protocol',
        description:
          'Samples taken in, a second, by the protocol that they came by. A protocol that falls to zero has lost its ' +
          'sender.',
        queries: [{ expr: `sum by (type) (${rate('vm_rows_inserted_total')}) > 0`, legend: '{{type}}' }],
        unit: 'cps',
        min: 0,
        stack: true,
      }),
      Panels.timeSeries({
        title: 'Samples lost',
        description:
          'Samples that are not stored, a second, by reason: too old, too many or too long labels, not readable. It ' +
          'should be zero: the log names some of them; correct the sender, or raise the limit that it names.',
        queries: [
          { expr: `sum by (reason) (${rate('vm_rows_ignored_total')})`, legend: '{{reason}}' },
          { expr: `sum(${rate('vm_rows_invalid_total')})`, legend: 'not readable' },
          ...lost,
        ],
        unit: 'cps',
        min: 0,
        thresholds: { critical: 0.001 },
      }),
      Panels.timeSeries({
        title: 'Inserts at once',
        description:
          'How much of -maxConcurrentInserts is in use. At 100 % inserts wait and senders see errors: give more CPU, add ' +
          'vminsert replicas, or find out what is slow behind (disk, network).',
        queries: [
          {
            expr: `${of('vm_concurrent_insert_current')} / ${of('vm_concurrent_insert_capacity')}`,
            legend: '{{instance}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        max: 1,
        thresholds: { warning: 0.8, critical: 0.95 },
      }),
    ],
  };
}

export function storageRow(program: Program): DashboardRow {
  const { of, rate } = program;
  return {
    title: 'Storage',
    panels: [
      Panels.timeSeries({
        title: 'Days until full by disk',
        description:
          'As the last day went; 365 is a year or more. One node that fills faster than the others holds series that ' +
          'were sent there while another was away; all of them together want larger volumes or a shorter retention.',
        queries: [{ expr: daysLeft(program), legend: '{{instance}}' }],
        noValue: TOO_EARLY,
        unit: 'd',
        min: 0,
        thresholds: { warning: 14, critical: 3, below: true },
        width: 6,
      }),
      Panels.timeSeries({
        title: 'Data on disk',
        description:
          'Bytes of samples and of the index. When the index grows as fast as the samples, series are replaced too ' +
          'often (see New series): find labels with ever new values.',
        queries: [
          { expr: `sum(${of('vm_data_size_bytes', 'type=~"storage/.*"')})`, legend: 'samples' },
          { expr: `sum(${of('vm_data_size_bytes', 'type=~"indexdb/.*"')})`, legend: 'index' },
        ],
        unit: 'bytes',
        min: 0,
        stack: true,
        width: 6,
      }),
      Panels.timeSeries({
        title: 'New series',
        description:
          'Series that were never seen before, a second. Rollouts make peaks; a level that stays high fills index and ' +
          'memory: find the label that changes all the time in the cardinality explorer of vmui and drop it.',
        queries: [{ expr: `sum by (instance) (${rate('vm_new_timeseries_created_total')})`, legend: '{{instance}}' }],
        unit: 'cps',
        min: 0,
        width: 6,
      }),
      Panels.timeSeries({
        title: 'Slow inserts',
        description:
          'The share of samples whose series had to be looked up on disk. Above 5 % for long the storage has too little ' +
          'memory for its active series: give it more. After a restart it is normal for some minutes.',
        queries: [
          {
            expr: `${rate('vm_slow_row_inserts_total')} / ${rate('vm_rows_added_to_storage_total')}`,
            legend: '{{instance}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        thresholds: { warning: 0.05, critical: 0.5 },
        width: 6,
      }),
    ],
  };
}

/** @param limits how busy what answers queries is */
export function queryRow(
  program: Program,
  limits: readonly { readonly expr: string; readonly legend: string }[],
): DashboardRow {
  const { of, rate } = program;
  return {
    title: 'Queries',
    panels: [
      Panels.timeSeries({
        title: 'Queries by path',
        description: 'Requests a second. A sudden rise is a new dashboard or rule: the top queries of vmui name it.',
        queries: [{ expr: `sum by (path) (${queries(program)})`, legend: '{{path}}' }],
        unit: 'reqps',
        min: 0,
        width: 6,
      }),
      Panels.timeSeries({
        title: 'Query latency, 99th percentile',
        description:
          'How long all but the slowest 1 % of queries take at most. Above some seconds dashboards feel broken: the top ' +
          'queries of vmui name the slow ones; record them by a rule, or give more CPU.',
        queries: [
          {
            expr: `max by (path) (${of('vm_request_duration_seconds', 'quantile="0.99"')})`,
            legend: '{{path}}',
          },
        ],
        unit: 's',
        min: 0,
        thresholds: { warning: 5, critical: 10 },
        width: 6,
      }),
      Panels.timeSeries({
        title: 'Failed and slow queries',
        description:
          'Requests that were answered with an error, and queries slower than -search.logSlowQueryDuration, a second. The ' +
          'log has their text.',
        queries: [
          {
            expr: `sum by (path) (${rate('vm_http_request_errors_total', 'path=~".*/api/v1/.*"')}) > 0`,
            legend: 'failed {{path}}',
          },
          { expr: `sum(${rate('vm_slow_queries_total')})`, legend: 'slow' },
        ],
        unit: 'reqps',
        min: 0,
        width: 6,
      }),
      Panels.timeSeries({
        title: 'Queries at once',
        description:
          'How much of the limit of concurrent queries is in use. At 100 % queries wait in line: give more CPU, add ' +
          'replicas, or make the slow queries cheaper; a higher limit alone costs memory.',
        queries: limits,
        unit: 'percentunit',
        min: 0,
        max: 1,
        thresholds: { warning: 0.8, critical: 0.95 },
        width: 6,
      }),
    ],
  };
}

export function cacheRow({ of, rate }: Program): DashboardRow {
  const ofStorage = 'type=~"(storage|indexdb|promql)/.*"';
  return {
    title: 'Caches',
    panels: [
      Panels.timeSeries({
        title: 'Cache misses',
        description:
          'The share of requests to a cache that have to read from disk. storage/tsid above 5 % slows inserts, ' +
          'indexdb/* and storage/metricName slow queries: give more memory, of which caches take their share.',
        queries: [
          {
            expr:
              `sum by (job, type) (${rate('vm_cache_misses_total', ofStorage)})` +
              ` / sum by (job, type) (${rate('vm_cache_requests_total', ofStorage)})`,
            legend: '{{job}} {{type}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        max: 1,
        width: 12,
      }),
      Panels.timeSeries({
        title: 'Caches in use',
        description:
          'How full each cache is. A full one with many misses is too small: give more memory. A full one without misses ' +
          'is just right.',
        queries: [
          {
            expr:
              `sum by (job, type) (${of('vm_cache_size_bytes', ofStorage)})` +
              ` / sum by (job, type) (${of('vm_cache_size_max_bytes', ofStorage)})`,
            legend: '{{job}} {{type}}',
          },
        ],
        unit: 'percentunit',
        min: 0,
        max: 1,
        width: 12,
      }),
    ],
  };
}

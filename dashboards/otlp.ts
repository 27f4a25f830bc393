import { dashboard, Panels, Variables } from '../src';
import { chosenBy, PERCENTILES } from './series';

const { of, rate } = chosenBy('cluster', 'job', 'instance');
const collector = chosenBy('cluster');

/** By what is no success: with no success at all there is no series of it. */
const SUCCESS = `1 - (sum(${rate('otlp_spans_exported_total', 'status!="success"')}) default 0) / sum(${rate('otlp_spans_exported_total')})`;

const GIBIBYTE = 1024 ** 3;

/** Three quarters and nine tenths of the 4 GiB for which the alert on 3.5 GiB is made. */
const MEMORY = { warning: 3 * GIBIBYTE, critical: 3.6 * GIBIBYTE };

/** All kinds of data of the collector: spans, metric points and log records. */
const ofCollector = (counter: string, by: string): string =>
  `sum by (${by}) (${collector.rate('', `__name__=~"otelcol_${counter}_(spans|metric_points|log_records)"`)})`;

/** Spans on their way from applications to the collector and on. */
export const otlp = dashboard({
  uid: 'otlp',
  title: 'OTLP',
  description:
    'Spans on their way: made in applications, exported by OTLP, and what the OpenTelemetry Collector does with what it gets.',
  layer: 'service',
  tags: ['opentelemetry'],
  refresh: '30s',
  from: 'now-1h',
  variables: [
    Variables.tenant(),
    Variables.cluster({ metric: 'otlp_spans_created_total' }),
    Variables.job({ metric: 'otlp_spans_created_total' }),
    Variables.instance({ metric: 'otlp_spans_created_total' }),
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        Panels.stat({
          title: 'Spans created',
          description:
            'Spans a second that applications make. Far below the usual with the usual traffic: sampling or ' +
            'instrumentation was changed.',
          queries: [{ expr: `sum(${rate('otlp_spans_created_total')})` }],
          unit: 'suffix: spans/s',
          decimals: 1,
          sparkline: true,
        }),
        Panels.stat({
          title: 'Spans exported',
          description:
            'Spans a second whose export was tried. Below those that are created the queue grows: see Queue, then the ' +
            'latency of exports.',
          queries: [{ expr: `sum(${rate('otlp_spans_exported_total')})` }],
          unit: 'suffix: spans/s',
          decimals: 1,
          sparkline: true,
        }),
        Panels.stat({
          title: 'Export success',
          description:
            'The share of spans whose export succeeds, 0 to 1. Below 0.99 see the types of errors; below 0.95 bring back ' +
            'the collector, or the network to it, before the queues are full.',
          queries: [{ expr: SUCCESS }],
          unit: 'none',
          decimals: 3,
          thresholds: { warning: 0.99, critical: 0.95, below: true },
        }),
        Panels.stat({
          title: 'Latency p95',
          description:
            'One of twenty exports takes this long or longer. Above 0.5 s the queue is likely to grow: look at CPU, memory ' +
            'and queue of the collector.',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (le) (${rate('otlp_exporter_latency_seconds_bucket')}))`,
            },
          ],
          unit: 's',
          thresholds: { warning: 0.1, critical: 0.5 },
        }),
        Panels.stat({
          title: 'Longest queue',
          description:
            'Spans that wait at the instance where most do. Above 10,000 for long, and it grows: spans will be dropped. ' +
            'Bring back the collector, or export larger batches.',
          queries: [{ expr: `max(${of('otlp_exporter_queue_size')})` }],
          unit: 'short',
          thresholds: { warning: 5000, critical: 10_000 },
        }),
        Panels.stat({
          title: 'Instances down',
          description:
            'Instances that make spans and do not answer scrapes. See whether their pods run: kubectl logs --previous says ' +
            'why one ended.',
          queries: [
            {
              expr: `count(${of('up')} == 0 and on (cluster, namespace, job, instance) last_over_time(${of('otlp_spans_created_total')}[1d])) default 0`,
            },
          ],
          unit: 'short',
          decimals: 0,
          thresholds: { critical: 1 },
        }),
      ],
    },
    {
      title: 'Export',
      panels: [
        Panels.timeSeries({
          title: 'Spans',
          description:
            'Spans created, exported, failed and dropped, a second. Exported below created: the exporter is too slow; failed ' +
            'above zero: see the types of errors; dropped: the queue is full.',
          queries: [
            { expr: `sum(${rate('otlp_spans_created_total')})`, legend: 'created' },
            { expr: `sum(${rate('otlp_spans_exported_total')})`, legend: 'exported' },
            { expr: `sum(${rate('otlp_spans_export_errors_total')}) default 0`, legend: 'failed' },
            { expr: `sum(${rate('otlp_spans_dropped_total')}) default 0`, legend: 'dropped' },
          ],
          unit: 'suffix: spans/s',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Success of exports',
          description:
            'The share of spans whose export succeeds, 0 to 1. A dip of seconds is a rollout of the collector; one that ' +
            'stays loses spans once the queue is full.',
          queries: [{ expr: SUCCESS, legend: 'success' }],
          unit: 'none',
          min: 0,
          max: 1,
          thresholds: { warning: 0.99, critical: 0.95, below: true },
        }),
        Panels.timeSeries({
          title: 'Latency of exports',
          description:
            'How long half, 95 % and 99 % of the exports take at the most. When all rise, the collector is short of CPU or ' +
            'its targets are slow; when only p99 does, one of its replicas is.',
          queries: PERCENTILES.map(({ legend, share }) => ({
            expr: `histogram_quantile(${share}, sum by (le) (${rate('otlp_exporter_latency_seconds_bucket')}))`,
            legend,
          })),
          unit: 's',
          min: 0,
          thresholds: { warning: 0.1, critical: 0.5 },
        }),
        Panels.timeSeries({
          title: 'Queue',
          description:
            'Spans that wait, by exporter. A line that only climbs ends in dropped spans: bring back what the exporter ' +
            'sends to.',
          queries: [{ expr: `sum by (exporter) (${of('otlp_exporter_queue_size')})`, legend: '{{exporter}}' }],
          unit: 'short',
          min: 0,
          thresholds: { critical: 10_000 },
        }),
        Panels.pie({
          title: 'Errors by type',
          description:
            'Spans of the chosen time whose export failed, by why. Timeouts: the collector is slow; unavailable: it is down ' +
            'or not reachable; refused: its limits or credentials.',
          queries: [
            {
              expr: `sum by (type) (increase(${of('otlp_spans_export_errors_total')}[$__range])) > 0`,
              legend: '{{type}}',
            },
          ],
          unit: 'short',
          decimals: 0,
          noValue: 'No errors',
        }),
        Panels.heatmap({
          title: 'Batch sizes',
          description:
            'How many exports had how many spans. Mostly small ones cost more CPU than needed: let the exporter wait longer ' +
            'for a batch; mostly the largest: it hardly keeps up.',
          query: `sum by (le) (increase(${of('otlp_exporter_batch_size_bucket')}[$__rate_interval]))`,
          unit: 'short',
        }),
      ],
    },
    {
      title: 'Applications',
      panels: [
        Panels.timeSeries({
          title: 'Duration of spans',
          description:
            'How long 95 % of the spans take at the most, by kind: those of servers are requests, those of clients the calls ' +
            'within them. When both rise, look at what is called; when only servers do, at the CPU of the applications.',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (kind, le) (${rate('otlp_span_duration_seconds_bucket')}))`,
              legend: '{{kind}}',
            },
          ],
          unit: 's',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'CPU',
          description:
            'CPU that processes with exporters use; 100 % is one core. Above 85 % of one that runs on a single core: make ' +
            'fewer spans (sampling), or add replicas.',
          queries: [
            {
              expr: `${rate('process_cpu_seconds_total')} and on (cluster, namespace, job, instance) ${of('otlp_exporter_queue_size')}`,
              legend: '{{job}} {{instance}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.7, critical: 0.85 },
        }),
        Panels.timeSeries({
          title: 'Memory',
          description:
            'Memory of processes with exporters. A queue that is not emptied is the usual cause of a climb: see Queue.',
          queries: [
            {
              expr: `${of('process_resident_memory_bytes')} and on (cluster, namespace, job, instance) ${of('otlp_exporter_queue_size')}`,
              legend: '{{job}} {{instance}}',
            },
          ],
          unit: 'bytes',
          min: 0,
          thresholds: MEMORY,
        }),
      ],
    },
    {
      title: 'OpenTelemetry Collector',
      panels: [
        Panels.timeSeries({
          title: 'Received',
          description:
            'Spans, metric points and log records that collectors take and refuse, a second, by receiver. Refused ones come ' +
            'back later, for a while: bring back the targets, or raise memory and replicas.',
          queries: [
            { expr: ofCollector('receiver_accepted', 'receiver'), legend: '{{receiver}} taken' },
            { expr: `${ofCollector('receiver_refused', 'receiver')} > 0`, legend: '{{receiver}} refused' },
          ],
          unit: 'cps',
          min: 0,
          width: 12,
        }),
        Panels.timeSeries({
          title: 'Sent',
          description:
            'What collectors send on and what they give up, a second, by exporter. What is given up is lost: their logs ' +
            'say what the target answers.',
          queries: [
            { expr: ofCollector('exporter_sent', 'exporter'), legend: '{{exporter}} sent' },
            { expr: `${ofCollector('exporter_send_failed', 'exporter')} > 0`, legend: '{{exporter}} given up' },
          ],
          unit: 'cps',
          min: 0,
          width: 12,
        }),
        Panels.timeSeries({
          title: 'Queues of collectors',
          description:
            'How full each queue is. Above 80 % clients are soon refused: bring back the target, or raise the size of the ' +
            'queue where the target is only slow at peaks.',
          queries: [
            {
              expr: `${collector.of('otelcol_exporter_queue_size')} / ${collector.of('otelcol_exporter_queue_capacity')}`,
              legend: '{{instance}} {{exporter}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.5, critical: 0.8 },
        }),
        Panels.timeSeries({
          title: 'CPU of collectors',
          description:
            'CPU that collectors use; 100 % is one core. Above 85 % add replicas, or let clients send larger batches.',
          queries: [{ expr: collector.rate('otelcol_process_cpu_seconds'), legend: '{{instance}}' }],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.7, critical: 0.85 },
        }),
        Panels.timeSeries({
          title: 'Memory of collectors',
          description:
            'Memory that collectors use. Near the limit they refuse data: look at their queues, then raise limit or replicas.',
          queries: [{ expr: collector.of('otelcol_process_memory_rss'), legend: '{{instance}}' }],
          unit: 'bytes',
          min: 0,
          thresholds: MEMORY,
        }),
      ],
    },
  ],
});

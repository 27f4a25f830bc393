import { dashboard, Panels } from '../../src';
import { program } from './program';
import { processRow } from './process';

const self = program('vmagent');
const { of, p99, rate, variables } = self;

export const vmagent = dashboard({
  uid: 'vm-agent',
  title: 'vmagent',
  description: 'What the agents scrape and are sent, what waits in their queues, and whether the storage takes it.',
  layer: 'component',
  tags: ['victoriametrics'],
  variables,
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Targets up',
          description:
            'Targets that answer. Fewer than yesterday without a rollout: discovery finds less, look at /targets and ' +
            '/service-discovery of the agent. Replicas that scrape the same count each.',
          queries: [{ expr: `sum(${of('vm_promscrape_targets', 'status="up"')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'Targets down',
          description:
            'Targets that do not answer. Targets down by job says where; /targets of the agent has the error of each: a ' +
            'NetworkPolicy, a wrong port, a process that hangs.',
          queries: [{ expr: `sum(${of('vm_promscrape_targets', 'status="down"')})` }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Samples scraped',
          description: 'Samples of all targets, a second. When it falls, targets are lost or have lost metrics.',
          queries: [{ expr: `sum(${rate('vm_promscrape_scraped_samples_sum')})` }],
          unit: 'cps',
        }),
        Panels.stat({
          title: 'Waiting in queues',
          description:
            'Bytes that a target has not taken yet. Some megabytes are normal; growth means that the target is away or too ' +
            'slow: look at Remote write below.',
          queries: [{ expr: `sum(${of('vmagent_remotewrite_pending_data_bytes')})` }],
          unit: 'bytes',
          thresholds: { warning: 10_485_760 },
        }),
        Panels.stat({
          title: 'Room in queues, fullest',
          description:
            'What is left of the fullest queue. At zero the oldest samples are dropped: bring the target back, or raise ' +
            'maxDiskUsage and the size of the queue.',
          queries: [
            {
              expr:
                `min(${of('vm_persistentqueue_free_disk_space_bytes')} / ` +
                `(${of('vm_persistentqueue_free_disk_space_bytes')} + ${of('vm_persistentqueue_bytes_pending')}))`,
            },
          ],
          unit: 'percentunit',
          thresholds: { warning: 0.5, critical: 0.2, below: true },
        }),
        Panels.stat({
          title: 'Agents with an old config',
          description:
            'Agents that could not read their last scrape config and go on with the one before. Their log has the reason; ' +
            'correct the config.',
          queries: [{ expr: `sum(1 - ${of('vm_promscrape_config_last_reload_successful')})` }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
      ],
    },
    {
      title: 'Scraping',
      panels: [
        Panels.timeSeries({
          title: 'Targets down by job',
          description:
            'The job that lost its targets. All of a job: its config, credentials or NetworkPolicy. One of many: that pod.',
          queries: [
            {
              expr: `sum by (scrape_job) (${of('vm_promscrape_scrape_pool_targets', 'status="down"')})`,
              legend: '{{scrape_job}}',
            },
          ],
          unit: 'short',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Scrapes that fail',
          description:
            'The share of scrapes that fail, and those of them that run into their timeout. Timeouts: the target is slow or ' +
            'its page is too large; raise the timeout of the job or drop metrics at the target.',
          queries: [
            {
              expr:
                `sum by (instance) (${rate('vm_promscrape_scrapes_failed_total')}) / ` +
                `sum by (instance) (${rate('vm_promscrape_scrape_requests_total')})`,
              legend: '{{instance}} all',
            },
            {
              expr:
                `sum by (instance) (${rate('vm_promscrape_scrapes_timed_out_total')}) / ` +
                `sum by (instance) (${rate('vm_promscrape_scrape_requests_total')})`,
              legend: '{{instance}} timeouts',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.02, critical: 0.1 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Scrape duration, 99th percentile',
          description:
            'How long all but the slowest 1 % of scrapes take at most. It must stay well below the scrape interval: find ' +
            'slow targets in /targets of the agent.',
          queries: [{ expr: p99('vm_promscrape_scrape_duration_seconds', ['instance']), legend: '{{instance}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 5, critical: 10 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Scrapes that are too large',
          description:
            'Scrapes a second of which nothing is kept, because the page is larger than -promscrape.maxScrapeSize or has ' +
            'more samples or labels than its limit. Find out which metric grew before you raise the limit.',
          queries: [
            { expr: `sum(${rate('vm_promscrape_max_scrape_size_exceeded_errors_total')})`, legend: 'size of the page' },
            { expr: `sum(${rate('vm_promscrape_scrapes_skipped_by_sample_limit_total')})`, legend: 'sampleLimit' },
            { expr: `sum(${rate('vm_promscrape_scrapes_skipped_by_label_limit_total')})`, legend: 'labelLimit' },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.001 },
          width: 6,
        }),
      ],
    },
    {
      title: 'Samples',
      panels: [
        Panels.timeSeries({
          title: 'Pushed samples by protocol',
          description:
            'Samples that are pushed to the agents, a second, by protocol. One that falls to zero has lost its sender.',
          queries: [{ expr: `sum by (type) (${rate('vmagent_rows_inserted_total')}) > 0`, legend: '{{type}}' }],
          unit: 'cps',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Pushed requests that fail',
          description:
            'Requests of those that push that were answered with an error, a second, and samples that could not be read. ' +
            'The log has the reason; mostly it is the format of the sender.',
          queries: [
            { expr: `sum(${rate('vmagent_http_request_errors_total')})`, legend: 'failed requests' },
            { expr: `sum(${rate('vm_rows_invalid_total')})`, legend: 'samples not readable' },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Samples dropped on purpose',
          description:
            'Samples a second that relabeling drops, by where. A jump after a change of relabelConfigs: it drops more than ' +
            'was meant.',
          queries: [
            {
              expr: `sum(${rate('vmagent_remotewrite_global_relabel_metrics_dropped_total')})`,
              legend: 'for all targets',
            },
            {
              expr: `sum by (url) (${rate('vmagent_remotewrite_relabel_metrics_dropped_total')})`,
              legend: 'for {{url}}',
            },
          ],
          unit: 'cps',
          min: 0,
        }),
      ],
    },
    {
      title: 'Remote write',
      panels: [
        Panels.timeSeries({
          title: 'Sent',
          description:
            'Bytes a second to each target, compressed. Zero while samples come in: the target takes nothing.',
          queries: [{ expr: `sum by (url) (${rate('vmagent_remotewrite_bytes_sent_total')})`, legend: '{{url}}' }],
          unit: 'Bps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Waiting',
          description:
            'Bytes that wait for each target. A line that rises for long will fill its queue: see whether the target ' +
            'answers with errors (Retries) or the connections are busy (Time spent sending).',
          queries: [{ expr: `sum by (url) (${of('vmagent_remotewrite_pending_data_bytes')})`, legend: '{{url}}' }],
          unit: 'bytes',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Time spent sending',
          description:
            'The share of the time in which the connections to a target are busy. Near 100 % the queue grows: raise ' +
            'queues of the target, or make the target faster.',
          queries: [
            {
              expr: `${rate('vmagent_remotewrite_send_duration_seconds_total')} / ` + of('vmagent_remotewrite_queues'),
              legend: '{{instance}} to {{url}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.7, critical: 0.9 },
        }),
        Panels.timeSeries({
          title: 'Retries',
          description:
            'Requests a second that are sent again, because the target did not answer or answered with a status of 5xx or ' +
            '429. Nothing is lost while the queue has room: look at the target.',
          queries: [{ expr: `sum by (url) (${rate('vmagent_remotewrite_retries_count_total')})`, legend: '{{url}}' }],
          unit: 'cps',
          min: 0,
          thresholds: { warning: 0.05 },
        }),
        Panels.timeSeries({
          title: 'Lost',
          description:
            'Samples, requests and bytes a second that are dropped for good: the queue was full, or the target refused them ' +
            'with a status that says that they are wrong. The log has the answer of the target.',
          queries: [
            { expr: `sum(${rate('vmagent_remotewrite_samples_dropped_total')})`, legend: 'samples' },
            { expr: `sum(${rate('vmagent_remotewrite_packets_dropped_total')})`, legend: 'refused requests' },
            { expr: `sum(${rate('vm_persistentqueue_bytes_dropped_total')})`, legend: 'bytes of full queues' },
          ],
          unit: 'cps',
          min: 0,
          thresholds: { critical: 0.001 },
        }),
        Panels.timeSeries({
          title: 'Request duration, 99th percentile',
          description:
            'How long all but the slowest 1 % of requests to a target take at most. When it rises, the target or the ' +
            'network is slow.',
          queries: [{ expr: p99('vmagent_remotewrite_duration_seconds', ['url']), legend: '{{url}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 1, critical: 10 },
        }),
      ],
    },
    processRow(self),
  ],
});

import { dashboard, Panels, Variables } from '../src';
import { firing, firingAlerts } from './alerts';
import { chosenBy } from './series';

const { of, rate } = chosenBy('cluster');

const requests = (...matchers: readonly string[]): string => rate('http_requests_total', ...matchers);
const FAILED = 'status=~"5.."';
const P99 = `histogram_quantile(0.99, sum by (service, le) (${rate('http_request_duration_seconds_bucket')}))`;
const QUEUE = of('vmagent_remotewrite_pending_data_bytes');
const RESTARTS = `increase(${of('kube_pod_container_status_restarts_total')}[15m])`;

/** What changes now: to be watched while an incident lasts. */
export const realtime = dashboard({
  uid: 'realtime',
  title: 'Realtime',
  description:
    'The last 15 minutes, every 5 seconds: to see during an incident whether what you do helps. The storage holds back ' +
    'the newest 30 seconds (-search.latencyOffset), for samples that come late.',
  layer: 'realtime',
  refresh: '5s',
  from: 'now-15m',
  variables: [Variables.tenant(), Variables.cluster({ metric: 'up' })],
  rows: [
    {
      title: 'Now',
      panels: [
        firing('critical'),
        Panels.stat({
          title: 'Requests',
          description: 'Requests a second to all services. When it falls to zero, look at what is in front of them.',
          queries: [{ expr: `sum(${requests()})` }],
          unit: 'reqps',
          sparkline: true,
        }),
        Panels.stat({
          title: 'Failed',
          description: 'The share of requests that fail. It should fall within a minute of what helps.',
          queries: [{ expr: `(sum(${requests(FAILED)}) default 0) / sum(${requests()})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.01, critical: 0.05 },
        }),
        Panels.stat({
          title: 'Latency p99',
          description: 'Of the slowest service: one of a hundred of its requests takes this long or longer.',
          queries: [{ expr: `max(${P99})` }],
          unit: 's',
          thresholds: { warning: 0.5, critical: 1 },
        }),
        Panels.stat({
          title: 'Samples stored',
          description:
            'Samples that the storage takes in, a second. While it is zero, all other panels show the past: bring back the ' +
            'storage or the agents first.',
          queries: [{ expr: `sum(${rate('vm_rows_inserted_total')})` }],
          unit: 'cps',
          sparkline: true,
        }),
        Panels.stat({
          title: 'Restarts',
          description: 'Restarts of containers in the last 15 minutes. The table of restarts says which.',
          queries: [{ expr: `sum(${RESTARTS}) default 0` }],
          unit: 'short',
          decimals: 0,
          thresholds: { warning: 1, critical: 5 },
        }),
      ],
    },
    {
      title: 'Services',
      panels: [
        Panels.timeSeries({
          title: 'Requests by service',
          description: 'Requests a second. Who falls first is where to look; who falls later only follows.',
          queries: [{ expr: `sum by (service) (${requests()})`, legend: '{{service}}' }],
          unit: 'reqps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Failed by service',
          description: 'Requests that fail, a second. Roll back what was changed last at the service that began.',
          queries: [{ expr: `sum by (service) (${requests(FAILED)}) default 0`, legend: '{{service}}' }],
          unit: 'reqps',
          min: 0,
          links: [{ title: 'Services', dashboard: 'services' }],
        }),
        Panels.timeSeries({
          title: 'Latency p99 by service',
          description: 'One of a hundred requests takes this long or longer. A jump to a round number is a timeout.',
          queries: [{ expr: P99, legend: '{{service}}' }],
          unit: 's',
          min: 0,
          thresholds: { critical: 1 },
        }),
      ],
    },
    {
      title: 'Monitoring',
      panels: [
        Panels.timeSeries({
          title: 'Samples stored',
          description:
            'Samples taken in, a second, by instance. A gap while agents run is a storage that refuses or is down.',
          queries: [{ expr: `sum by (instance) (${rate('vm_rows_inserted_total')})`, legend: '{{instance}}' }],
          unit: 'cps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Queues of agents',
          description:
            'What agents could not send yet. It is emptied by itself once the storage is back; while it is, recent samples ' +
            'come late.',
          queries: [{ expr: `sum by (instance) (${QUEUE})`, legend: '{{instance}}' }],
          unit: 'bytes',
          min: 0,
          links: [{ title: 'vmagent', dashboard: 'vm-agent' }],
        }),
        Panels.timeSeries({
          title: 'Queue of spans',
          description: 'Spans that wait in applications. When it climbs, traces of now come late or are lost.',
          queries: [{ expr: `sum by (job) (${of('otlp_exporter_queue_size')})`, legend: '{{job}}' }],
          unit: 'short',
          min: 0,
          links: [{ title: 'OTLP', dashboard: 'otlp' }],
        }),
      ],
    },
    {
      title: 'What happened',
      panels: [
        firingAlerts(12),
        Panels.table({
          title: 'Restarted containers',
          description:
            'Containers that restarted in the last 15 minutes. kubectl logs --previous says why; OOMKilled in kubectl ' +
            'describe pod: raise the memory limit.',
          labels: { cluster: 'Cluster', namespace: 'Namespace', pod: 'Pod', container: 'Container' },
          queries: [{ expr: `sum by (cluster, namespace, pod, container) (${RESTARTS}) > 0`, title: 'Restarts' }],
          unit: 'short',
          decimals: 0,
          sortBy: 'Restarts',
          noValue: 'None restarted',
          width: 12,
        }),
        Panels.timeSeries({
          title: 'Targets down',
          description: 'Targets that do not answer, by job. It shows how far an outage reaches, and when it ends.',
          queries: [{ expr: `count by (job) (${of('up')} == 0) default 0`, legend: '{{job}}' }],
          unit: 'short',
          decimals: 0,
          min: 0,
          width: 24,
        }),
      ],
    },
  ],
});

import { dashboard, Panels, Variables } from '../src';
import { chosenBy, PERCENTILES } from './series';

const { of, rate } = chosenBy('cluster', 'namespace', 'service', 'job', 'instance');
/** By the rules of recording.yaml, of all jobs and instances of a service. */
const recorded = chosenBy('cluster', 'namespace', 'service');
const inNamespace = chosenBy('cluster', 'namespace');

const FAILED = 'status=~"5.."';
const BY_SERVICE = 'sum by (service)';

const latency = (share: number, by = ''): string =>
  `histogram_quantile(${share}, sum by (${by}le) (${rate('http_request_duration_seconds_bucket')}))`;

/** Of the failed requests there is no series where none has failed. */
const errorRatioByService =
  `(${BY_SERVICE} (${rate('http_requests_total', FAILED)}) or 0 * ${BY_SERVICE} (${rate('http_requests_total')}))` +
  ` / (${BY_SERVICE} (${rate('http_requests_total')}) > 0)`;

/** What the users of services notice: requests, errors and latency, and what may be the reason. */
export const services = dashboard({
  uid: 'services',
  title: 'Services',
  description: 'What users of HTTP services notice: requests, errors and latency by service, and what runs short.',
  layer: 'service',
  refresh: '30s',
  from: 'now-3h',
  variables: [
    Variables.tenant(),
    Variables.cluster({ metric: 'http_requests_total' }),
    Variables.namespace({ metric: 'http_requests_total' }),
    Variables.label({ name: 'service', title: 'Service', metric: 'http_requests_total', label: 'service' }),
    Variables.job({ metric: 'http_requests_total' }),
    Variables.instance({ metric: 'http_requests_total' }),
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        Panels.stat({
          title: 'Requests',
          description:
            'Requests a second to the chosen services. Far below the usual: look at what is in front (DNS, certificates, ' +
            'load balancer) before you look at the services.',
          queries: [{ expr: `sum(${rate('http_requests_total')})` }],
          unit: 'reqps',
          sparkline: true,
          width: 6,
        }),
        Panels.stat({
          title: 'Failed',
          description:
            'The share of requests that end with a status of 500 or above. Above 1 % see by service which one fails; was ' +
            'it rolled out lately, roll it back.',
          queries: [
            {
              expr: `(sum(${rate('http_requests_total', FAILED)}) default 0) / sum(${rate('http_requests_total')})`,
            },
          ],
          unit: 'percentunit',
          thresholds: { warning: 0.01, critical: 0.05 },
          width: 6,
        }),
        Panels.stat({
          title: 'Latency p99',
          description:
            'One of a hundred requests takes this long or longer. Above 1 s see by service which one is slow, then what it ' +
            'runs short of below.',
          queries: [{ expr: latency(0.99) }],
          unit: 's',
          thresholds: { warning: 0.5, critical: 1 },
          width: 6,
        }),
        Panels.stat({
          title: 'Active users',
          description:
            'Users that are logged in. Zero at a time when there should be some: log in yourself; when that works, look at ' +
            'what is in front.',
          queries: [{ expr: `sum(${of('active_users')})` }],
          unit: 'short',
          sparkline: true,
          width: 6,
          links: [{ title: 'Business', dashboard: 'business' }],
        }),
      ],
    },
    {
      title: 'By service',
      panels: [
        Panels.table({
          title: 'Services',
          description:
            'One row a service, over the last minutes. The red cells say where to look; choose the service above to see ' +
            'only its panels.',
          labels: { service: 'Service' },
          queries: [
            { expr: `${BY_SERVICE} (${rate('http_requests_total')})`, title: 'Requests', unit: 'reqps' },
            {
              expr: errorRatioByService,
              title: 'Failed',
              unit: 'percentunit',
              thresholds: { warning: 0.01, critical: 0.05 },
            },
            { expr: latency(0.5, 'service, '), title: 'p50' },
            { expr: latency(0.95, 'service, '), title: 'p95' },
            { expr: latency(0.99, 'service, '), title: 'p99', thresholds: { warning: 0.5, critical: 1 } },
          ],
          unit: 's',
          sortBy: 'Requests',
          width: 24,
        }),
        Panels.timeSeries({
          title: 'Requests by service',
          description:
            'Requests a second. A service that alone loses requests has a fault of its own; when all do, it is in front of ' +
            'them.',
          queries: [{ expr: `${BY_SERVICE} (${rate('http_requests_total')})`, legend: '{{service}}' }],
          unit: 'reqps',
          min: 0,
          stack: true,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Failed by service',
          description:
            'The share of requests that fail. Where one service begins and others follow, the first one is the reason: ' +
            'read its logs of that minute.',
          queries: [{ expr: errorRatioByService, legend: '{{service}}' }],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.01, critical: 0.05 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Latency p50 by service',
          description:
            'Half of the requests take this long or longer. It rises when all requests get slower: look at CPU and memory, ' +
            'and at what each request depends on.',
          queries: [{ expr: latency(0.5, 'service, '), legend: '{{service}}' }],
          unit: 's',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Latency p99 by service',
          description:
            'One of a hundred requests takes this long or longer. A rise with the requests is a lack of capacity: add ' +
            'replicas; a rise without is something that the service depends on.',
          queries: [{ expr: latency(0.99, 'service, '), legend: '{{service}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 0.5, critical: 1 },
          width: 6,
        }),
      ],
    },
    {
      title: 'Requests',
      panels: [
        Panels.timeSeries({
          title: 'By status',
          description:
            'Requests a second by status. 5xx is a fault of the service; a rise of 4xx is one of its clients, or of a ' +
            'change that broke them: 401 and 403 after a rotation of credentials, 404 after a rollout, 429 for limits.',
          queries: [{ expr: `sum by (status) (${rate('http_requests_total')})`, legend: '{{status}}' }],
          unit: 'reqps',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Failed by path',
          description:
            'Requests that fail, a second: the ten worst of service, method and path. They say what to look for in the logs.',
          queries: [
            {
              expr: `topk_max(10, sum by (service, method, path) (${rate('http_requests_total', FAILED)}) > 0)`,
              legend: '{{service}} {{method}} {{path}}',
            },
          ],
          unit: 'reqps',
          min: 0,
          noValue: 'No request failed',
        }),
        Panels.timeSeries({
          title: 'Latency',
          description:
            'How long half, 95 % and 99 % of the requests take at the most. When only p99 rises, few requests are slow: one ' +
            'replica, one path, one customer; when p50 rises, all are.',
          queries: PERCENTILES.map(({ legend, share }) => ({ expr: latency(share), legend })),
          unit: 's',
          min: 0,
        }),
        Panels.heatmap({
          title: 'Durations',
          description:
            'How many requests took how long. Two bands are two kinds of requests: a rise of the upper one that the ' +
            'percentiles do not show yet is seen here first.',
          query: `sum by (le) (increase(${of('http_request_duration_seconds_bucket')}[$__rate_interval]))`,
          unit: 's',
          width: 24,
        }),
      ],
    },
    {
      title: 'Over weeks',
      panels: [
        Panels.timeSeries({
          title: 'Against a week ago',
          description:
            'Requests now by those of a week ago at this time. Below 50 % without a holiday, something in front of the ' +
            'service fails; far above 100 % see that capacity lasts.',
          queries: [
            {
              expr: `sum by (service) (${recorded.of('service:http_requests:rate5m')}) / sum by (service) (${recorded.of('service:http_requests:rate5m')} offset 1w)`,
              legend: '{{service}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.75, critical: 0.5, below: true },
          noValue: 'Less than a week of data',
        }),
        Panels.timeSeries({
          title: 'Failed, recorded',
          description:
            'The share of requests that fail, of the namespace where it is highest: recorded, and so quick over weeks. ' +
            'A level that rises with each rollout wants work on reliability before the next feature.',
          queries: [
            {
              expr: `max by (service) (${recorded.of('service:http_requests:error_ratio_rate5m')})`,
              legend: '{{service}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.01, critical: 0.05 },
          noValue: 'Nothing is recorded',
        }),
        Panels.timeSeries({
          title: 'Latency, recorded',
          description:
            'How long half and 99 % of the requests take at the most, in the slowest namespace: recorded, and so quick over ' +
            'weeks. A slow rise is data or traffic that grows: add capacity before users notice.',
          queries: [0.5, 0.99].map((share) => ({
            expr: `max by (service) (${recorded.of('service:http_request_duration_seconds:quantile_rate5m', `quantile="${share}"`)})`,
            legend: `{{service}} p${share * 100}`,
          })),
          unit: 's',
          min: 0,
          noValue: 'Nothing is recorded',
        }),
      ],
    },
    {
      title: 'Saturation',
      panels: [
        Panels.timeSeries({
          title: 'Memory of containers',
          description:
            'The ten containers of the namespaces that are nearest to their memory limit, at which they are killed. Above ' +
            '90 % raise the limit, then find out what keeps the memory.',
          queries: [
            {
              expr:
                `topk_max(10, max by (namespace, pod, container) (${inNamespace.of('container_memory_working_set_bytes', 'container!=""')})` +
                ` / max by (namespace, pod, container) (${inNamespace.of('kube_pod_container_resource_limits', 'resource="memory"')}))`,
              legend: '{{pod}}/{{container}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.8, critical: 0.9 },
        }),
        Panels.timeSeries({
          title: 'Throttled containers',
          description:
            'The share of periods in which a container had used up its CPU limit and waited: the ten worst. Above 25 % ' +
            'requests are slow for it: raise the limit or remove it.',
          queries: [
            {
              expr:
                `topk_max(10, sum by (namespace, pod, container) (${inNamespace.rate('container_cpu_cfs_throttled_periods_total', 'container!=""')})` +
                ` / sum by (namespace, pod, container) (${inNamespace.rate('container_cpu_cfs_periods_total', 'container!=""')}))`,
              legend: '{{pod}}/{{container}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.25, critical: 0.5 },
        }),
        Panels.timeSeries({
          title: 'CPU of processes',
          description:
            'Cores that the processes of the services use, as they say themselves. Where all are near what they may use, ' +
            'add replicas; where one is far above the others, traffic is spread badly.',
          queries: [
            {
              expr: `${inNamespace.rate('process_cpu_seconds_total')} and on (cluster, namespace, job, instance) ${of('http_requests_total')}`,
              legend: '{{job}} {{instance}}',
            },
          ],
          unit: 'none',
          min: 0,
        }),
      ],
    },
    {
      title: 'Service $service',
      repeat: 'service',
      collapsed: true,
      panels: [
        Panels.timeSeries({
          title: 'Requests by path',
          description:
            'Requests a second by method and path. A path that stands out against its past is a client that changed, or one ' +
            'that tries again and again: limit it.',
          queries: [{ expr: `sum by (method, path) (${rate('http_requests_total')})`, legend: '{{method}} {{path}}' }],
          unit: 'reqps',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Failed by status',
          description: 'Requests that fail, a second. 503 and 504 point at what the service depends on, 500 at itself.',
          queries: [{ expr: `sum by (status) (${rate('http_requests_total', FAILED)})`, legend: '{{status}}' }],
          unit: 'reqps',
          min: 0,
          noValue: 'No request failed',
        }),
        Panels.timeSeries({
          title: 'Latency by path, p99',
          description:
            'One of a hundred requests to a path takes this long or longer. One slow path: look at its queries to databases ' +
            'and others; all of them: at CPU and memory.',
          queries: [{ expr: latency(0.99, 'method, path, '), legend: '{{method}} {{path}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 0.5, critical: 1 },
        }),
      ],
    },
  ],
});

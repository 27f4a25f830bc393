import type { TimeSeries } from '../../../src/client';

/** Series of a program that cannot run here, written by hand in the shape in which it exposes them. */
export interface Fixture {
  readonly program: string;
  /** Why it does not run. */
  readonly reason: string;
  /** Labels that the scrape adds. */
  readonly labels: Readonly<Record<string, string>>;
  /** Lines as of a page of metrics: the value, or a first value and by how much it grows a minute, e.g. `5+60`. */
  readonly exposition: string;
  /** When the series end, in milliseconds before now. @default - they go on */
  readonly age?: number;
}

/** The external label of the fixtures, which tells them from what is scraped for real. */
export const FIXTURE_CLUSTER = 'fixtures';

const POD = 'namespace="shop",pod="checkout-0",uid="6f1c"';
const CONTAINER = `${POD},container="checkout"`;
const PHASES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

// A shop in trouble: each table and each count has something to show.
const KUBE_STATE_METRICS = `
kube_pod_info{${POD},node="node-1",host_network="false",created_by_kind="StatefulSet",created_by_name="checkout"} 1
${PHASES.map((phase) => `kube_pod_status_phase{${POD},phase="${phase}"} ${phase === 'Running' ? 1 : 0}`).join('\n')}
kube_pod_status_ready{${POD},condition="true"} 0
kube_pod_status_ready{${POD},condition="false"} 1
kube_pod_container_status_restarts_total{${CONTAINER}} 3+1
kube_pod_container_status_waiting_reason{${CONTAINER},reason="CrashLoopBackOff"} 1
kube_pod_container_status_last_terminated_reason{${CONTAINER},reason="OOMKilled"} 1
kube_pod_container_resource_requests{${CONTAINER},node="node-1",resource="cpu",unit="core"} 0.5
kube_pod_container_resource_requests{${CONTAINER},node="node-1",resource="memory",unit="byte"} 268435456
kube_pod_container_resource_limits{${CONTAINER},node="node-1",resource="memory",unit="byte"} 536870912
kube_deployment_spec_replicas{namespace="shop",deployment="cart"} 3
kube_deployment_status_replicas_available{namespace="shop",deployment="cart"} 2
kube_statefulset_replicas{namespace="shop",statefulset="checkout"} 2
kube_statefulset_status_replicas_ready{namespace="shop",statefulset="checkout"} 1
kube_daemonset_status_desired_number_scheduled{namespace="kube-system",daemonset="cni"} 2
kube_daemonset_status_number_available{namespace="kube-system",daemonset="cni"} 1
kube_job_failed{namespace="shop",job_name="report",condition="true",reason="BackoffLimitExceeded"} 1
kube_node_status_condition{node="node-1",condition="Ready",status="true"} 1
kube_node_status_condition{node="node-1",condition="MemoryPressure",status="true"} 0
kube_node_status_condition{node="node-1",condition="DiskPressure",status="true"} 0
kube_node_status_condition{node="node-1",condition="PIDPressure",status="true"} 0
kube_node_status_allocatable{node="node-1",resource="cpu",unit="core"} 4
kube_node_status_allocatable{node="node-1",resource="memory",unit="byte"} 8589934592
`;

const CADVISOR_POD = 'namespace="shop",pod="checkout-0"';
const CADVISOR_CONTAINER = `${CADVISOR_POD},container="checkout",id="/kubepods/pod6f1c/a",image="shop:1",name="a"`;

const CADVISOR = `
container_cpu_usage_seconds_total{${CADVISOR_CONTAINER},cpu="total"} 10+20
container_cpu_cfs_periods_total{${CADVISOR_CONTAINER}} 0+600
container_cpu_cfs_throttled_periods_total{${CADVISOR_CONTAINER}} 0+60
container_memory_working_set_bytes{${CADVISOR_CONTAINER}} 402653184
container_network_receive_bytes_total{${CADVISOR_POD},interface="eth0",id="/kubepods/pod6f1c",name="p"} 0+60000
container_network_transmit_bytes_total{${CADVISOR_POD},interface="eth0",id="/kubepods/pod6f1c",name="p"} 0+90000
`;

const CLAIM = 'namespace="shop",persistentvolumeclaim="data-checkout-0"';

const KUBELET = `
kubelet_volume_stats_available_bytes{${CLAIM}} 900000000+-1000000
kubelet_volume_stats_capacity_bytes{${CLAIM}} 10000000000
kubelet_volume_stats_inodes_free{${CLAIM}} 600000
kubelet_volume_stats_inodes{${CLAIM}} 655360
`;

const OTELCOL = `
otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 0+6000
otelcol_receiver_accepted_metric_points{receiver="otlp",transport="grpc"} 0+6000
otelcol_receiver_refused_spans{receiver="otlp",transport="grpc"} 0+6
otelcol_receiver_refused_metric_points{receiver="otlp",transport="grpc"} 0+6
otelcol_exporter_sent_spans{exporter="otlp_http/1"} 0+6000
otelcol_exporter_sent_metric_points{exporter="otlp_http/1"} 0+6000
otelcol_exporter_send_failed_spans{exporter="otlp_http/1"} 0+6
otelcol_exporter_send_failed_metric_points{exporter="otlp_http/1"} 0+6
otelcol_exporter_queue_size{exporter="otlp_http/1",data_type="metrics"} 3
otelcol_exporter_queue_capacity{exporter="otlp_http/1",data_type="metrics"} 1000
otelcol_process_memory_rss 60000000
otelcol_process_cpu_seconds 0+6
up 1
`;

const STEP = 15_000;
const PAST = 2 * 3_600_000;
/** Later than the last query, so that no series ends in between. */
const FUTURE = 180_000;

/** What the rules and dashboards use of programs that are not part of the stack of the test. */
export const FIXTURES: readonly Fixture[] = [
  {
    program: 'kube-state-metrics',
    reason: 'it tells about the objects of a Kubernetes API, and there is none',
    labels: { job: 'kube-state-metrics', instance: 'kubernetes-kube-state-metrics-0:8080' },
    exposition: KUBE_STATE_METRICS,
  },
  {
    program: 'cAdvisor',
    reason: 'it is part of the kubelet, and there is none',
    labels: { job: 'cadvisor', instance: 'node-1', node: 'node-1' },
    exposition: CADVISOR,
  },
  {
    program: 'kubelet',
    reason: 'there is no Kubernetes node',
    labels: { job: 'kubelet', instance: 'node-1', node: 'node-1' },
    exposition: KUBELET,
  },
  {
    program: 'recorded by rules, a week ago',
    reason: 'a test does not wait for a week',
    labels: { namespace: 'shop', service: 'checkout' },
    exposition: 'service:http_requests:rate5m 90',
    age: 7 * 24 * 3_600_000 - FUTURE,
  },
  {
    program: 'recorded by the rules of an objective, in the past',
    reason: 'what is left of an error budget is counted over days',
    labels: { slo: 'checkout' },
    exposition: 'slo:errors:rate5m 0.2\nslo:total:rate5m 100',
  },
  {
    program: 'OpenTelemetry Collector',
    reason: 'no package has it',
    labels: {
      job: 'otelcol',
      instance: 'telemetry-otelcol-0:8888',
      namespace: 'monitoring',
      app_instance: 'telemetry',
    },
    exposition: OTELCOL,
  },
];

/** The series of a fixture, with samples of two hours. */
export function seriesOf({ exposition, labels, age = -FUTURE }: Fixture, now: number): TimeSeries[] {
  const start = now - age - PAST;
  const times = [...Array(PAST / STEP).keys()].map((step) => start + step * STEP);
  return exposition
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, name, braces = '', first, perMinute = '0'] =
        /^([\w:]+)(?:\{(.*)\})? ([\d.]+)(?:\+(-?[\d.]+))?$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`no line of a fixture: ${line}`);
      const own = [...braces.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label!, value!] as const);
      return {
        labels: { cluster: FIXTURE_CLUSTER, ...labels, ...Object.fromEntries(own), __name__: name },
        samples: times.map((timestamp) => ({
          timestamp,
          value: Number(first) + (Number(perMinute) * (timestamp - start)) / 60_000,
        })),
      };
    });
}

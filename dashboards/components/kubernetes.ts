import { dashboard, Panels, Variables } from '../../src';
import { chosenBy } from '../series';

const { of } = chosenBy('cluster', 'namespace');
const inCluster = chosenBy('cluster');

/** Several kube-state-metrics may tell about the same object. */
const once = (by: readonly string[], series: string): string => `max by (${['cluster', ...by].join(', ')}) (${series})`;

const POD = ['namespace', 'pod'];
const CONTAINER = [...POD, 'container'];
const CLAIM = ['namespace', 'persistentvolumeclaim'];

const NOT_ENDED = `${once(POD, of('kube_pod_status_phase', 'phase=~"Pending|Running|Unknown"'))} == 1`;
const NOT_READY = `${once(POD, of('kube_pod_status_ready', 'condition="true"'))} == 0 and (${NOT_ENDED})`;

const CONTAINERS = 'container!=""';
const CPU = `sum by (namespace, pod) (rate(${of('container_cpu_usage_seconds_total', CONTAINERS)}[$__rate_interval]))`;
const MEMORY = once(CONTAINER, of('container_memory_working_set_bytes', CONTAINERS));
const MEMORY_LIMIT = once(CONTAINER, of('kube_pod_container_resource_limits', 'resource="memory"'));

const VOLUME_LEFT =
  `${once(CLAIM, of('kubelet_volume_stats_available_bytes'))} / ` +
  once(CLAIM, of('kubelet_volume_stats_capacity_bytes'));

interface Workload {
  readonly kind: string;
  readonly wanted: string;
  readonly there: string;
}

const WORKLOADS: readonly Workload[] = [
  {
    kind: 'deployment',
    wanted: 'kube_deployment_spec_replicas',
    there: 'kube_deployment_status_replicas_available',
  },
  { kind: 'statefulset', wanted: 'kube_statefulset_replicas', there: 'kube_statefulset_status_replicas_ready' },
  {
    kind: 'daemonset',
    wanted: 'kube_daemonset_status_desired_number_scheduled',
    there: 'kube_daemonset_status_number_available',
  },
];

const missing = ({ kind, wanted, there }: Workload): string =>
  `${once(['namespace', kind], of(wanted))} - ${once(['namespace', kind], of(there))} > 0`;

const SHORT = `union(${WORKLOADS.map(missing).join(', ')})`;

/** What is asked for by pods that are not at their end, as a share of what nodes can give. */
const requested = (resource: 'cpu' | 'memory'): string =>
  `sum(${once(['namespace', 'pod', 'container'], inCluster.of('kube_pod_container_resource_requests', `resource="${resource}"`))}` +
  ` and on (cluster, namespace, pod) (${once(POD, inCluster.of('kube_pod_status_phase', 'phase=~"Pending|Running"'))} == 1))` +
  ` / sum(${once(['node'], inCluster.of('kube_node_status_allocatable', `resource="${resource}"`))})`;

export const kubernetes = dashboard({
  uid: 'kubernetes',
  title: 'Kubernetes',
  description: 'Workloads, what they use, their volumes, and what is left of the cluster.',
  layer: 'component',
  tags: ['kubernetes'],
  variables: [
    Variables.tenant(),
    Variables.cluster({ metric: 'kube_pod_info' }),
    Variables.namespace({ metric: 'kube_pod_info' }),
  ],
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Pods not ready',
          description:
            'Pods that take no traffic although they should. Pods by state and Containers that wait say which and why; ' +
            'kubectl describe pod has the events.',
          queries: [{ expr: `count(${NOT_READY}) default 0` }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Workloads short of pods',
          description:
            'Deployments, StatefulSets and DaemonSets with fewer pods than they ask for. The table below names them: is ' +
            'there room on the nodes, can the image be pulled, does the probe pass?',
          queries: [{ expr: `count(${SHORT}) default 0` }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Restarts in an hour',
          description:
            'Containers that ended and were started again. Restarts by container names them; kubectl logs --previous has ' +
            'their last words.',
          queries: [
            {
              expr: `sum(${once(CONTAINER, `increase(${of('kube_pod_container_status_restarts_total')}[1h])`)})`,
            },
          ],
          unit: 'short',
          decimals: 0,
          thresholds: { warning: 1, critical: 10 },
        }),
        Panels.stat({
          title: 'Nodes not ready',
          description:
            'Nodes whose kubelet is silent or unwell. Their pods are moved after five minutes: kubectl describe node, then ' +
            'look at the machine.',
          queries: [
            {
              expr:
                `count(${once(['node'], inCluster.of('kube_node_status_condition', 'condition="Ready"', 'status="true"'))}` +
                ' == 0) default 0',
            },
          ],
          unit: 'short',
          thresholds: { critical: 1 },
        }),
        Panels.stat({
          title: 'CPU requested',
          description:
            'The share of the CPU of all nodes that pods have reserved. Near 100 % new pods stay Pending: add a node, or ' +
            'lower requests that are not used.',
          queries: [{ expr: requested('cpu') }],
          unit: 'percentunit',
          thresholds: { warning: 0.8, critical: 0.95 },
        }),
        Panels.stat({
          title: 'Memory requested',
          description:
            'The share of the memory of all nodes that pods have reserved. Near 100 % new pods stay Pending: add a node, or ' +
            'lower requests that are not used.',
          queries: [{ expr: requested('memory') }],
          unit: 'percentunit',
          thresholds: { warning: 0.8, critical: 0.95 },
        }),
      ],
    },
    {
      title: 'Workloads',
      panels: [
        Panels.timeSeries({
          title: 'Pods by state',
          description:
            'Pending for long: no node has room, or a volume is missing. Failed: look at the Job or at evictions. Unknown: ' +
            'the node is silent.',
          queries: [
            {
              expr: `sum by (phase) (${once([...POD, 'phase'], of('kube_pod_status_phase'))})`,
              legend: '{{phase}}',
            },
          ],
          unit: 'short',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Containers that wait',
          description:
            'CrashLoopBackOff: read the last logs. ImagePullBackOff: name, tag or credentials of the image. ' +
            'CreateContainerConfigError: a ConfigMap or Secret is missing.',
          queries: [
            {
              expr:
                `sum by (namespace, reason) (${once([...CONTAINER, 'reason'], of('kube_pod_container_status_waiting_reason'))})` +
                ' > 0',
              legend: '{{namespace}} {{reason}}',
            },
          ],
          unit: 'short',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Restarts by container',
          description: 'Restarts in 10 minutes, of the ten worst. kubectl logs --previous has the last words of each.',
          queries: [
            {
              expr: `topk(10, ${once(CONTAINER, `increase(${of('kube_pod_container_status_restarts_total')}[10m])`)} > 0)`,
              legend: '{{namespace}}/{{pod}} {{container}}',
            },
          ],
          unit: 'short',
          min: 0,
        }),
        Panels.table({
          title: 'Short of pods',
          description: 'How many pods each workload lacks. Look at its events: kubectl describe.',
          queries: [{ title: 'Missing', expr: SHORT }],
          labels: {
            namespace: 'Namespace',
            deployment: 'Deployment',
            statefulset: 'StatefulSet',
            daemonset: 'DaemonSet',
          },
          noValue: 'none',
          unit: 'short',
        }),
        Panels.table({
          title: 'Killed for memory',
          description:
            'Containers whose last life ended because they used more memory than their limit. Raise the limit, or find the ' +
            'leak in Memory below.',
          queries: [
            {
              title: 'Killed',
              texts: { 1: 'yes' },
              expr: `${once(CONTAINER, of('kube_pod_container_status_last_terminated_reason', 'reason="OOMKilled"'))} > 0`,
            },
          ],
          labels: { namespace: 'Namespace', pod: 'Pod', container: 'Container' },
          noValue: 'none',
          unit: 'short',
        }),
        Panels.table({
          title: 'Failed Jobs',
          description:
            'Jobs that gave up. Read the logs of their pods, then delete the Job so that it no longer counts.',
          queries: [
            {
              title: 'Failed',
              expr: `${once(['namespace', 'job_name'], of('kube_job_failed', 'condition="true"'))} > 0`,
            },
          ],
          labels: { namespace: 'Namespace', job_name: 'Job' },
          noValue: 'none',
          unit: 'short',
        }),
      ],
    },
    {
      title: 'What pods use',
      panels: [
        Panels.timeSeries({
          title: 'CPU',
          description:
            'Cores in use, of the ten pods that use the most. A pod far above its request takes from others.',
          queries: [{ expr: `topk(10, ${CPU})`, legend: '{{namespace}}/{{pod}}' }],
          unit: 'short',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'CPU held back',
          description:
            'The share of periods in which a container was held back by its CPU limit, of the ten worst. Above 25 % it is ' +
            'slow although the node may be idle: raise or remove the limit.',
          queries: [
            {
              expr:
                `topk(10, sum by (namespace, pod, container) (rate(${of('container_cpu_cfs_throttled_periods_total', CONTAINERS)}[$__rate_interval]))` +
                ` / sum by (namespace, pod, container) (rate(${of('container_cpu_cfs_periods_total', CONTAINERS)}[$__rate_interval])))`,
              legend: '{{namespace}}/{{pod}} {{container}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.25, critical: 0.5 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Memory, of the limit',
          description:
            'The working set as a share of the limit, of the ten fullest containers. At 100 % it is killed: raise the limit ' +
            'before.',
          queries: [{ expr: `topk(10, ${MEMORY} / ${MEMORY_LIMIT})`, legend: '{{namespace}}/{{pod}} {{container}}' }],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.8, critical: 0.9 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Network',
          description:
            'Bytes a second, received and sent, of the ten pods with the most traffic. A peak that nobody planned: a backup, ' +
            'a new client or a loop of retries; read the logs of that pod.',
          queries: [
            {
              expr:
                `topk(10, sum by (namespace, pod) (rate(${of('container_network_receive_bytes_total')}[$__rate_interval])` +
                ` + rate(${of('container_network_transmit_bytes_total')}[$__rate_interval])))`,
              legend: '{{namespace}}/{{pod}}',
            },
          ],
          unit: 'Bps',
          min: 0,
          width: 6,
        }),
      ],
    },
    {
      title: 'Volumes and nodes',
      panels: [
        Panels.timeSeries({
          title: 'Space left in volumes',
          description:
            'The ten fullest claims. Enlarge a claim before it is below 10 %: many programs do not survive zero.',
          queries: [{ expr: `bottomk(10, ${VOLUME_LEFT})`, legend: '{{namespace}}/{{persistentvolumeclaim}}' }],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.1, below: true },
        }),
        Panels.timeSeries({
          title: 'Inodes left in volumes',
          description: 'The ten claims with the fewest files left. Look for millions of small files.',
          queries: [
            {
              expr:
                `bottomk(10, ${once(CLAIM, of('kubelet_volume_stats_inodes_free'))} / ` +
                `${once(CLAIM, of('kubelet_volume_stats_inodes'))})`,
              legend: '{{namespace}}/{{persistentvolumeclaim}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.05, below: true },
        }),
        Panels.timeSeries({
          title: 'Nodes under pressure',
          description:
            'Nodes that are short of memory, disk or process ids. The kubelet evicts pods there: look at the node in the ' +
            'dashboard Nodes.',
          queries: [
            {
              expr: `sum by (condition) (${once(
                ['node', 'condition'],
                inCluster.of(
                  'kube_node_status_condition',
                  'condition=~"MemoryPressure|DiskPressure|PIDPressure"',
                  'status="true"',
                ),
              )})`,
              legend: '{{condition}}',
            },
          ],
          unit: 'short',
          min: 0,
          thresholds: { warning: 1 },
        }),
      ],
    },
  ],
});

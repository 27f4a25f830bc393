import { dashboard, Panels } from '../../src';
import { daysUntilFull, TOO_EARLY } from '../disk';
import { program } from './program';

const { of, rate, growth, variables } = program('node-exporter');

/** File systems that keep something. */
const DISKS = 'fstype!~"tmpfs|ramfs"';
const AVAILABLE = of('node_filesystem_avail_bytes', DISKS);
const DAYS_LEFT = daysUntilFull(AVAILABLE, AVAILABLE, '6h', '3h');

/** What pods use among themselves is not the network of the node. */
const DEVICES = 'device!~"lo|veth.*|cali.*|lxc.*|cni.*|docker.*|br-.*"';

const CPU = `1 - avg by (instance) (${rate('node_cpu_seconds_total', 'mode="idle"')})`;
const MEMORY = `1 - ${of('node_memory_MemAvailable_bytes')} / ${of('node_memory_MemTotal_bytes')}`;

export const nodes = dashboard({
  uid: 'nodes',
  title: 'Nodes',
  description: 'CPU, memory, disks, network and clock of each node, from node-exporter.',
  layer: 'component',
  tags: ['kubernetes'],
  variables,
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Nodes',
          description:
            'Nodes that node-exporter tells about. Fewer than the cluster has: look at its DaemonSet and at port 9100 of ' +
            'the nodes.',
          queries: [{ expr: `count(${of('node_uname_info')})` }],
          unit: 'short',
        }),
        Panels.stat({
          title: 'CPU, busiest',
          description: 'The busiest node. For long near 100 %: move pods, or add a node.',
          queries: [{ expr: `max(${CPU})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.8, critical: 0.95 },
        }),
        Panels.stat({
          title: 'Memory, fullest',
          description:
            'The node with the least memory available. Above 90 % the kernel kills: move pods, or add a node.',
          queries: [{ expr: `max(${MEMORY})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.8, critical: 0.9 },
        }),
        Panels.stat({
          title: 'Disk left, fullest',
          description:
            'What is left of the fullest file system. Below 15 % the kubelet begins to evict pods: remove images and logs, ' +
            'or enlarge the disk.',
          queries: [{ expr: `min(${AVAILABLE} / ${of('node_filesystem_size_bytes', DISKS)})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.2, critical: 0.1, below: true },
        }),
        Panels.stat({
          title: 'Days until full',
          description:
            'Days until the first file system is full, as the last six hours went; 365 is a year or more. Below 3 act ' +
            'today: Space left says which.',
          queries: [{ expr: `min(${DAYS_LEFT})` }],
          noValue: TOO_EARLY,
          unit: 'd',
          decimals: 0,
          thresholds: { warning: 14, critical: 3, below: true },
        }),
        Panels.stat({
          title: 'Killed for memory',
          description:
            'Processes that the kernel killed in the time that is shown, for want of memory of a container or of the node. ' +
            'The dashboard Kubernetes names the containers.',
          links: [{ title: 'Containers killed for memory', dashboard: 'kubernetes' }],
          queries: [{ expr: growth('node_vmstat_oom_kill') }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
      ],
    },
    {
      title: 'CPU and memory',
      panels: [
        Panels.timeSeries({
          title: 'CPU',
          description: 'The share of all cores that is in use. Which pods use it shows the dashboard Kubernetes.',
          links: [{ title: 'What pods use', dashboard: 'kubernetes' }],
          queries: [{ expr: CPU, legend: '{{instance}}' }],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.8, critical: 0.95 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'CPU by mode',
          description:
            'Cores in use. Much iowait: the disk is the limit. Much steal: the host of the machine is overbooked. Much ' +
            'softirq: the network.',
          queries: [{ expr: `sum by (mode) (${rate('node_cpu_seconds_total', 'mode!="idle"')})`, legend: '{{mode}}' }],
          unit: 'short',
          min: 0,
          stack: true,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Waiting for CPU, disk and memory',
          description:
            'The share of the time in which some process had to wait (pressure stall information). Above 20 % everything ' +
            'on the node feels slow: give the node less to do, or more of what is short.',
          queries: [
            { expr: rate('node_pressure_cpu_waiting_seconds_total'), legend: '{{instance}} CPU' },
            { expr: rate('node_pressure_io_waiting_seconds_total'), legend: '{{instance}} disk' },
            { expr: rate('node_pressure_memory_waiting_seconds_total'), legend: '{{instance}} memory' },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.2, critical: 0.5 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Memory',
          description:
            'The share of memory that is not available. The page cache does not count. Above 90 %: move pods, or set the ' +
            'requests of the pods right.',
          queries: [{ expr: MEMORY, legend: '{{instance}}' }],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.8, critical: 0.9 },
          width: 6,
        }),
      ],
    },
    {
      title: 'Disks',
      panels: [
        Panels.timeSeries({
          title: 'Space left',
          description:
            'What is left of each file system. Remove what is not needed, or enlarge it, before it is below 10 %.',
          queries: [
            {
              expr: `${AVAILABLE} / ${of('node_filesystem_size_bytes', DISKS)}`,
              legend: '{{instance}} {{mountpoint}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.1, below: true },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Inodes left',
          description:
            'What is left of the files that a file system can hold. Look for a folder with millions of small files.',
          queries: [
            {
              expr: `${of('node_filesystem_files_free', DISKS)} / (${of('node_filesystem_files', DISKS)} > 0)`,
              legend: '{{instance}} {{mountpoint}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.2, critical: 0.05, below: true },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Time that disks are busy',
          description:
            'The share of the time in which a disk has something to do. Near 100 % for long it is the limit: find out which ' +
            'pod reads or writes so much, or use a faster disk.',
          queries: [{ expr: rate('node_disk_io_time_seconds_total'), legend: '{{instance}} {{device}}' }],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.8, critical: 0.95 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Read and written',
          description:
            'Bytes a second. Much reading by a storage: its page cache is too small for its queries, give memory.',
          queries: [
            { expr: `sum by (instance) (${rate('node_disk_read_bytes_total')})`, legend: '{{instance}} read' },
            { expr: `sum by (instance) (${rate('node_disk_written_bytes_total')})`, legend: '{{instance}} written' },
          ],
          unit: 'Bps',
          min: 0,
          width: 6,
        }),
      ],
    },
    {
      title: 'Network and clock',
      panels: [
        Panels.timeSeries({
          title: 'Received and sent',
          description: 'Bytes a second, without the devices of pods. Compare it with what the machine type may do.',
          queries: [
            {
              expr: `sum by (instance) (${rate('node_network_receive_bytes_total', DEVICES)})`,
              legend: '{{instance}} received',
            },
            {
              expr: `sum by (instance) (${rate('node_network_transmit_bytes_total', DEVICES)})`,
              legend: '{{instance}} sent',
            },
          ],
          unit: 'Bps',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Broken and dropped packets',
          description:
            'Packets a second. Errors: cable, card or driver. Drops: more comes in than the node can take, look at softirq ' +
            'in CPU by mode.',
          queries: [
            {
              expr:
                `sum by (instance) (${rate('node_network_receive_errs_total', DEVICES)}` +
                ` + ${rate('node_network_transmit_errs_total', DEVICES)})`,
              legend: '{{instance}} errors',
            },
            {
              expr:
                `sum by (instance) (${rate('node_network_receive_drop_total', DEVICES)}` +
                ` + ${rate('node_network_transmit_drop_total', DEVICES)})`,
              legend: '{{instance}} drops',
            },
          ],
          unit: 'pps',
          min: 0,
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Connections tracked',
          description:
            'How full the table of connections is. At 100 % new connections are dropped: raise nf_conntrack_max, or find the ' +
            'pod that opens so many.',
          queries: [
            {
              expr: `${of('node_nf_conntrack_entries')} / ${of('node_nf_conntrack_entries_limit')}`,
              legend: '{{instance}}',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.75, critical: 0.9 },
          width: 6,
        }),
        Panels.timeSeries({
          title: 'Clock',
          description:
            'How far the clock is from its time server. Samples of a node whose clock is wrong are stored at the wrong time: ' +
            'look at chrony or timesyncd there.',
          queries: [{ expr: `abs(${of('node_timex_offset_seconds')})`, legend: '{{instance}}' }],
          unit: 's',
          min: 0,
          thresholds: { warning: 0.05, critical: 1 },
          width: 6,
        }),
      ],
    },
  ],
});

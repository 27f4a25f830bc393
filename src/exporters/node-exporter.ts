import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, PlainArgs } from '../flags';
import {
  all,
  anyText,
  boolean,
  checkProps,
  forbidden,
  listOf,
  object,
  oneOf,
  integer,
  Problems,
  regexProblem,
  rule,
  text,
  type Shape,
} from '../validation';
import { Cpu, IMAGES } from '../values';
import {
  fieldEnv,
  INSTANCE_SHAPE,
  instanceName,
  livenessProbe,
  pageProbe,
  readinessProbe,
  setWebArgs,
  Workload,
  WORKLOAD_SHAPE,
  webConfigAuthCheck,
  type InstanceProps,
  type WorkloadProps,
  type WebConfigAuth,
} from '../workload';

/** The collectors of node-exporter v1.12 on Linux. */
const COLLECTORS = [
  'arp',
  'bcache',
  'bcachefs',
  'bonding',
  'btrfs',
  'buddyinfo',
  'cgroups',
  'conntrack',
  'cpu',
  'cpu_vulnerabilities',
  'cpufreq',
  'diskstats',
  'dmi',
  'dmmultipath',
  'drbd',
  'drm',
  'edac',
  'entropy',
  'ethtool',
  'fibrechannel',
  'filefd',
  'filesystem',
  'hwmon',
  'infiniband',
  'interrupts',
  'ipvs',
  'kernel_hung',
  'ksmd',
  'lnstat',
  'loadavg',
  'logind',
  'mdadm',
  'meminfo',
  'meminfo_numa',
  'mountstats',
  'netclass',
  'netdev',
  'netstat',
  'network_route',
  'nfs',
  'nfsd',
  'ntp',
  'nvme',
  'nvmesubsystem',
  'os',
  'pcidevice',
  'perf',
  'powersupplyclass',
  'pressure',
  'processes',
  'qdisc',
  'rapl',
  'runit',
  'schedstat',
  'selinux',
  'slabinfo',
  'sockstat',
  'softirqs',
  'softnet',
  'stat',
  'supervisord',
  'swap',
  'sysctl',
  'systemd',
  'tapestats',
  'tcpstat',
  'textfile',
  'thermal_zone',
  'time',
  'timex',
  'udp_queues',
  'uname',
  'vmstat',
  'watchdog',
  'wifi',
  'xfrm',
  'xfs',
  'zfs',
  'zoneinfo',
] as const;

/** A collector of node-exporter. */
export type NodeCollector = (typeof COLLECTORS)[number];

/** A node-exporter on each node. */
export interface NodeExporterProps extends Omit<WorkloadProps, 'spread' | 'podDisruptionBudget'>, InstanceProps {
  /** The port, which is opened on each node and must be free there. @default 9100 */
  readonly port?: number;
  /**
   * The addresses of the node that the port is opened on: that by which the cluster knows the node, or all, public ones
   * among them.
   *
   * @default node
   */
  readonly listenOn?: 'node' | 'all';
  /** Collectors to turn on or off. @default - as node-exporter has them */
  readonly collectors?: Readonly<Partial<Record<NodeCollector, boolean>>>;
  /**
   * A regular expression for paths of the node: file systems mounted there are left out.
   *
   * @default - those of the kernel, of container runtimes, of users, and the volumes of pods
   */
  readonly excludedMountPoints?: string;
  /**
   * A regular expression for network devices that are left out.
   *
   * @default - those of the pods, as the usual network plugins name them
   */
  readonly excludedDevices?: string;
  /** Basic auth for all pages; no NetworkPolicy protects the port. Scrapers send it. @default - none */
  readonly httpAuth?: WebConfigAuth;
  /** Args that no prop covers, each as `--name` or `--name=value`. @default - none */
  readonly extraArgs?: readonly string[];
}

const regularExpression = all(
  text(),
  rule(
    (value) => regexProblem(value as string) === undefined,
    'must be a regular expression as Go knows it, without lookaround and back references',
    "write for example '^(veth.*|cali.*)$'",
  ),
);

const ON_EACH_NODE = 'a DaemonSet has one pod on each node, which a drain leaves alone';

const SHAPE: Shape<NodeExporterProps & Pick<WorkloadProps, 'spread' | 'podDisruptionBudget'>> = {
  ...WORKLOAD_SHAPE,
  spread: forbidden(ON_EACH_NODE, 'remove it; `nodeSelector` and `affinity` choose the nodes'),
  podDisruptionBudget: forbidden(ON_EACH_NODE, 'remove it'),
  ...INSTANCE_SHAPE,
  // Without privileges the process cannot open a lower one on the node.
  port: integer({ min: 1024, max: 65_535 }),
  listenOn: oneOf('node', 'all'),
  collectors: object(
    Object.fromEntries(COLLECTORS.map((name) => [name, boolean])) as Shape<Record<NodeCollector, boolean>>,
  ),
  excludedMountPoints: regularExpression,
  excludedDevices: regularExpression,
  httpAuth: webConfigAuthCheck,
  extraArgs: listOf(anyText),
};

const PORT_NAME = 'http';
const DEFAULT_PORT = 9100;
const NODE_ADDRESS = 'NODE_ADDRESS';
const ROOT_PATH = '/host/root';

// Layers of images and volumes of pods are no file systems of the node: they come and go, and the kubelet reports them.
const CONTAINER_MOUNTS =
  '^/(dev|proc|sys|run/(containerd|credentials|k3s/containerd|netns|user)/.+|' +
  'var/lib/(containerd|containers/storage|docker|kubelet/(plugins|pods))/.+)($|/)';

// One end of a pair is in a pod: veth of most plugins, cali of Calico, lxc of Cilium, eni of AWS, and OVN's hash.
const POD_DEVICES = '^(veth.*|cali.*|lxc.*|eni[a-f0-9]{11}|[a-f0-9]{15})$';

/**
 * node-exporter: the metrics of each Linux node, whatever its taints.
 *
 * It sees the file systems, the network and the processes of its node, which Pod Security allows only in a namespace
 * with `pod-security.kubernetes.io/enforce: privileged`: give it a chart and a namespace of its own,
 * and name it to the agent: `scrape: [Scrape.component(nodes)]`. It changes nothing:
 * it is neither root nor has it capabilities (the clock can be read without SYS_TIME), and its volumes are read-only.
 *
 * Its port is opened on the node, where no NetworkPolicy holds: who reaches the node reads its metrics, unless there is
 * `httpAuth` or a firewall.
 *
 * Unless told otherwise it requests 102m CPU and 180Mi memory, is limited to 180Mi memory and not in CPU, has 30 s to
 * end, and readiness and liveness probes.
 *
 * @see https://github.com/prometheus/node_exporter
 */
export class NodeExporter extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: NodeExporterProps = {}) {
    const problems = new Problems();
    const props: NodeExporterProps = checkProps(given, SHAPE, problems);
    const { port = DEFAULT_PORT, listenOn = 'node', httpAuth } = props;
    const instance = instanceName(props.name, id, '-node-exporter', problems);
    const args = nodeExporterArgs(props, port, listenOn, problems);
    super(scope, id, {
      controller: { kind: 'DaemonSet' },
      name: `${instance}-node-exporter`,
      identity: { name: 'node-exporter', instance, component: 'exporter' },
      image: IMAGES.nodeExporter,
      args: () => args.render(),
      secrets: () => (httpAuth ? [httpAuth.webConfig] : []),
      env: listenOn === 'node' ? [fieldEnv(NODE_ADDRESS, 'status.hostIP')] : [],
      host: { network: true, pid: true },
      volumes: [{ name: 'root', hostPath: { path: '/' } }],
      // File systems that the node mounts later are seen as well.
      volumeMounts: [{ name: 'root', mountPath: ROOT_PATH, readOnly: true, mountPropagation: 'HostToContainer' }],
      ports: [{ name: PORT_NAME, port, appProtocol: 'http' }],
      metrics: [{ portName: PORT_NAME, ofNode: true }],
      credentials: httpAuth,
      // The defaults of kube-prometheus, without its CPU limit.
      resources: {
        cpu: { request: Cpu.millis(102) },
        memory: { request: Size.mebibytes(180), limit: Size.mebibytes(180) },
      },
      probes: {
        readiness: readinessProbe(pageProbe('/', PORT_NAME, httpAuth)),
        liveness: livenessProbe({ tcpSocket: { port: PORT_NAME } }),
      },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(1) },
      props: {
        ...props,
        tolerations: props.tolerations ?? [{ operator: 'Exists' }],
        nodeSelector: { 'kubernetes.io/os': 'linux', ...props.nodeSelector },
      },
      prefix: '',
      problems,
    });
  }
}

function nodeExporterArgs(
  props: NodeExporterProps,
  port: number,
  listenOn: 'node' | 'all',
  problems: Problems,
): PlainArgs {
  const { excludedMountPoints = CONTAINER_MOUNTS, excludedDevices = POD_DEVICES } = props;
  const args = new PlainArgs(problems);
  // The brackets are right for addresses of both families.
  const address = listenOn === 'node' ? { template: `[$(${NODE_ADDRESS})]:${port}` } : `:${port}`;
  setWebArgs(args, address, 'port and listenOn', props.httpAuth);
  args
    .set('path.rootfs', ROOT_PATH, LIBRARY)
    .set('path.procfs', `${ROOT_PATH}/proc`, LIBRARY)
    .set('path.sysfs', `${ROOT_PATH}/sys`, LIBRARY)
    .set('path.udev.data', `${ROOT_PATH}/run/udev/data`, LIBRARY)
    .set('collector.filesystem.mount-points-exclude', excludedMountPoints, 'excludedMountPoints')
    .set('collector.netdev.device-exclude', excludedDevices, 'excludedDevices')
    .set('collector.netclass.ignored-devices', excludedDevices, 'excludedDevices');
  for (const name of COLLECTORS) {
    const wanted = props.collectors?.[name];
    args.set(
      `${wanted === false ? 'no-' : ''}collector.${name}`,
      wanted === undefined ? undefined : true,
      'collectors',
    );
  }
  return args
    .refuse(
      [
        'collector.filesystem.mount-points-include',
        'collector.netdev.device-include',
        'collector.netclass.device-include',
      ],
      'node-exporter does not start with what is included and what is excluded',
      'leave out all else with `excludedMountPoints` or `excludedDevices`',
    )
    .addExtra(props.extraArgs);
}

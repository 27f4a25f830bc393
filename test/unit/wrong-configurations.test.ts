import { Duration, Size } from 'cdk8s';
import {
  Cpu,
  Retention,
  SecretRef,
  StackDefaults,
  VmCluster,
  VmSingle,
  type VmClusterProps,
  type VmSingleProps,
} from '../../src';
import { problemsOf } from './synth';

const volume = { size: Size.gibibytes(10) };

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

const clusterProblems = (props: Loose<VmClusterProps>): string[] =>
  problemsOf((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume }, ...props } as VmClusterProps));

const singleProblems = (props: Loose<VmSingleProps>): string[] =>
  problemsOf((chart) => new VmSingle(chart, 'metrics', { volume, ...props } as VmSingleProps));

const at = (message: string) => `[test/metrics] ${message}`;

/** A title, props, and all messages that they bring. */
type Case<T> = readonly [string, Loose<T>, ...string[]];

const CLUSTER: readonly Case<VmClusterProps>[] = [
  [
    'more copies than nodes',
    { replicationFactor: 3, vmstorage: { replicas: 2, volume } },
    'replicationFactor = 3: needs as many vmstorage nodes that take data, and there are 2 (vmstorage.replicas = 2). ' +
      'To fix: set `vmstorage.replicas` to 5 or more, or `replicationFactor` to 1 or less.',
  ],
  [
    'copies that an outage would cost',
    { replicationFactor: 2, vmstorage: { replicas: 2, volume } },
    'replicationFactor = 2: needs 3 vmstorage nodes that take data, and there are 2 (vmstorage.replicas = 2): with 1 down, ' +
      'new data would be stored fewer than 2 times, and that is never made up for. ' +
      'To fix: set `vmstorage.replicas` to 3 or more, or accept it with `vmstorage.allowReducedReplicationOnOutage: true`.',
  ],
  [
    'exclusion that takes the last spare node',
    { replicationFactor: 2, vmstorage: { replicas: 3, volume, excludeFromWrites: [2] } },
    'replicationFactor = 2: needs 3 vmstorage nodes that take data, and there are 2 (vmstorage.replicas = 3, ' +
      '1 of them excluded from writes): with 1 down, new data would be stored fewer than 2 times, and that is never made up for. ' +
      'To fix: set `vmstorage.replicas` to 4 or more, or accept it with `vmstorage.allowReducedReplicationOnOutage: true`.',
  ],
  [
    'exclusion of all nodes',
    { vmstorage: { replicas: 2, volume, excludeFromWrites: [0, 1] } },
    'replicationFactor = 1: needs as many vmstorage nodes that take data, and there are 0 (vmstorage.replicas = 2, ' +
      '2 of them excluded from writes). To fix: set `vmstorage.replicas` to 3 or more, or take a node out of ' +
      '`vmstorage.excludeFromWrites`.',
  ],
  [
    'exclusion of a node that does not exist',
    { vmstorage: { replicas: 3, volume, excludeFromWrites: [3] } },
    'vmstorage.excludeFromWrites[0] = 3: there is no such node: with 3 replicas the ordinals are 0 to 2. ' +
      'To fix: name an ordinal that exists.',
  ],
  [
    'exclusion of a node twice',
    { vmstorage: { replicas: 3, volume, excludeFromWrites: [1, 1] } },
    'vmstorage.excludeFromWrites[1] = 1: the node is listed twice. To fix: remove one of the two entries.',
  ],
  [
    'a replication factor of zero',
    { replicationFactor: 0 },
    'replicationFactor = 0: must be a whole number from 1 to 1000. To fix: give a whole number from 1 to 1000.',
  ],
  [
    'half a replica',
    { vmstorage: { replicas: 2.5, volume } },
    'vmstorage.replicas = 2.5: must be a whole number from 1 to 1000. To fix: give a whole number from 1 to 1000.',
  ],
  [
    'an autoscaler on vmstorage',
    { vmstorage: { volume, autoscaling: { minReplicas: 2, maxReplicas: 4 } } },
    'vmstorage.autoscaling = {"minReplicas":2,"maxReplicas":4}: vmstorage cannot be autoscaled: a node that is scaled in ' +
      'takes its data with it. To fix: remove it and set `vmstorage.replicas`.',
  ],
  [
    'an autoscaler beside a number of replicas',
    { vminsert: { replicas: 3, autoscaling: { minReplicas: 2, maxReplicas: 4 } } },
    'vminsert.replicas = 3: vminsert.autoscaling decides the number of replicas. ' +
      'To fix: remove it and set `vminsert.autoscaling.minReplicas`.',
  ],
  [
    'an autoscaler with its limits swapped',
    { vmselect: { autoscaling: { minReplicas: 4, maxReplicas: 2 } } },
    'vmselect.autoscaling.minReplicas = 4: must not be above maxReplicas (2). ' +
      'To fix: raise `vmselect.autoscaling.maxReplicas` or lower `vmselect.autoscaling.minReplicas`.',
  ],
  [
    'a disruption budget that blocks every drain',
    { vminsert: { replicas: 2, podDisruptionBudget: { minAvailable: 2 } } },
    'vminsert.podDisruptionBudget = {"minAvailable":2}: leaves none of the 2 replicas to be evicted and so blocks every drain ' +
      'of a node. To fix: set `vminsert.podDisruptionBudget: { maxUnavailable: 1 }`, or `vminsert.podDisruptionBudget: false` for no budget.',
  ],
  [
    'a disruption budget that takes all copies at once',
    { replicationFactor: 2, vmstorage: { volume, podDisruptionBudget: { maxUnavailable: 2 } } },
    'vmstorage.podDisruptionBudget = {"maxUnavailable":2}: lets 2 nodes be evicted at once, and with replicationFactor 2 ' +
      'there is data on just these. To fix: set `vmstorage.podDisruptionBudget: { maxUnavailable: 1 }` or less.',
  ],
  [
    'a disruption budget that says two things',
    { vmselect: { podDisruptionBudget: { maxUnavailable: 1, minAvailable: 1 } } },
    'vmselect.podDisruptionBudget = {"maxUnavailable":1,"minAvailable":1}: takes either maxUnavailable or minAvailable. ' +
      'To fix: remove one of them.',
  ],
  [
    'no volume',
    { vmstorage: { replicas: 2 } },
    'vmstorage.volume = (not set): vmstorage must be told where to keep its data. ' +
      'To fix: set `vmstorage: { volume: { size: Size.gibibytes(100) } }`.',
  ],
  [
    'a claim without a size',
    { vmstorage: { volume: { storageClass: 'fast-ssd' } } },
    'vmstorage.volume.size = (not set): a claim needs a size. To fix: set `vmstorage.volume.size`, e.g. Size.gibibytes(100), ' +
      'or `vmstorage.volume: { ephemeral: true }` to keep nothing.',
  ],
  [
    'a size as text',
    { vmstorage: { volume: { size: '200Gi' } } },
    'vmstorage.volume.size = "200Gi": must be a Size. To fix: write Size.gibibytes(10), with Size from cdk8s.',
  ],
  [
    'more free space demanded than there is',
    { vmstorage: { volume, minFreeDisk: Size.gibibytes(10) } },
    'vmstorage.minFreeDisk = 10Gi: the volume has 10Gi in all, so that no data would ever be accepted. ' +
      'To fix: enlarge `vmstorage.volume` or lower `vmstorage.minFreeDisk`.',
  ],
  [
    'a retention as text',
    { retention: '90d' },
    'retention = "90d": must be a Retention. To fix: write Retention.days(90).',
  ],
  [
    'a future retention below two days',
    { futureRetention: Retention.days(1) },
    'futureRetention = 1d: VictoriaMetrics accepts at least 2 days. To fix: use Retention.days(2) or more, or leave it out.',
  ],
  [
    'a deduplication interval of zero',
    { dedupInterval: Duration.millis(0) },
    'dedupInterval = 0 millis: must be at least a millisecond. To fix: give a longer Duration or leave the prop out.',
  ],
  [
    'a misspelt prop',
    { replicationfactor: 2 },
    'replicationfactor = 2: there is no such prop. To fix: did you mean `replicationFactor`?',
  ],
  [
    'a misspelt prop further down',
    { vmselect: { replica: 2 } },
    'vmselect.replica = 2: there is no such prop. To fix: did you mean `vmselect.replicas`?',
  ],
  [
    'an unknown flag',
    { vmselect: { extraFlags: { 'search.maxQueryDuraton': '30s' } } },
    'vmselect.extraFlags[\'search.maxQueryDuraton\'] = "30s": vmselect v1.150.0 has no flag -search.maxQueryDuraton. ' +
      'To fix: did you mean `search.maxQueryDuration`?',
  ],
  [
    'a flag of another component',
    { vminsert: { extraFlags: { retentionPeriod: '30d' } } },
    'vminsert.extraFlags[\'retentionPeriod\'] = "30d": vminsert has no flag -retentionPeriod: it is one of vmstorage and ' +
      'victoria-metrics. To fix: remove it here.',
  ],
  [
    'a flag with its dash',
    { vminsert: { extraFlags: { '-loggerLevel': 'WARN' } } },
    "vminsert.extraFlags['-loggerLevel'] = \"WARN\": flags are named without their dash here. To fix: write 'loggerLevel'.",
  ],
  [
    'labels longer than VictoriaMetrics can have',
    { labelLimits: { maxLabelValueLength: 70_000 } },
    'labelLimits.maxLabelValueLength = 70000: must be a whole number from 1 to 65535. To fix: give a whole number from 1 to 65535.',
  ],
  [
    'a deprecated flag',
    { vmstorage: { volume, extraFlags: { bigMergeConcurrency: 2 } } },
    "vmstorage.extraFlags['bigMergeConcurrency'] = 2: -bigMergeConcurrency is deprecated in vmstorage v1.150.0 and does nothing. " +
      'To fix: remove it.',
  ],
  [
    'a flag that a prop sets',
    { retention: Retention.days(7), vmstorage: { volume, extraFlags: { retentionPeriod: '30d' } } },
    'vmstorage.extraFlags[\'retentionPeriod\'] = "30d": -retentionPeriod belongs to retention. ' +
      'To fix: remove it here and use retention.',
  ],
  [
    'the list of storage nodes by hand',
    { vminsert: { extraFlags: { storageNode: ['elsewhere:8400'] } } },
    'vminsert.extraFlags[\'storageNode\'] = "elsewhere:8400": -storageNode belongs to vmstorage.replicas. ' +
      'To fix: remove it here and use vmstorage.replicas.',
  ],
  [
    'a flag of the wrong type',
    { vmselect: { extraFlags: { 'search.disableCache': 'yes' } } },
    'vmselect.extraFlags[\'search.disableCache\'] = "yes": -search.disableCache takes true or false. To fix: give a boolean.',
  ],
  [
    'a duration in days where Go knows none',
    { vmselect: { extraFlags: { 'search.logSlowQueryDuration': '1d' } } },
    'vmselect.extraFlags[\'search.logSlowQueryDuration\'] = "1d": -search.logSlowQueryDuration takes a duration in ms, s, m or h. ' +
      "To fix: write Duration.seconds(30) or '30s'.",
  ],
  [
    'a secret in a flag',
    { vmselect: { extraFlags: { deleteAuthKey: 'hunter2' } } },
    'vmselect.extraFlags[\'deleteAuthKey\'] = "***": -deleteAuthKey takes a SecretRef, never the secret itself: the manifest ' +
      "would hold it in the clear. To fix: write SecretRef.of('name-of-the-secret', 'key').",
  ],
  [
    'a password in the URL of a flag',
    { vmselect: { extraFlags: { 'vmalert.proxyURL': 'http://user:hunter2@vmalert:8880' } } },
    'vmselect.extraFlags[\'vmalert.proxyURL\'] = "http://user:***@vmalert:8880": a URL must not carry a secret: it would stand ' +
      'in the manifest in the clear. To fix: use the flags for authorization with a SecretRef or a file.',
  ],
  [
    'a secret in the environment',
    { vminsert: { env: [{ name: 'API_TOKEN', value: 'hunter2' }] } },
    'vminsert.env[\'API_TOKEN\'] = "***": looks like a secret, and would stand in the manifest in the clear. ' +
      "To fix: write valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } }.",
  ],
  [
    'a password in a URL in the environment of a sidecar',
    {
      vminsert: {
        extraContainers: [
          {
            name: 'sidecar',
            image: 'registry.local/sidecar:v1',
            env: [{ name: 'DATABASE', value: 'postgres://app:hunter2@db/app' }],
          },
        ],
      },
    },
    'env of the container sidecar[\'DATABASE\'] = "postgres://app:***@db/app": looks like a secret, and would stand in the ' +
      "manifest in the clear. To fix: write valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } }.",
  ],
  [
    'a token in the parameters of a URL',
    { vmselect: { extraFlags: { 'vmalert.proxyURL': 'http://vmalert:8880/?token=hunter2' } } },
    'vmselect.extraFlags[\'vmalert.proxyURL\'] = "http://vmalert:8880/?token=***": a URL must not carry a secret: it would stand ' +
      'in the manifest in the clear. To fix: use the flags for authorization with a SecretRef or a file.',
  ],
  [
    'a key for metrics that whoever scrapes does not have',
    { vmselect: { extraFlags: { metricsAuthKey: SecretRef.of('auth', 'metrics') } } },
    "vmselect.extraFlags['metricsAuthKey'] = auth/metrics: whoever scrapes the process would not send it. " +
      'To fix: use `vmselect.httpAuth`.',
  ],
  [
    'flags by the environment',
    { vmselect: { extraFlags: { 'envflag.enable': true } } },
    "vmselect.extraFlags['envflag.enable'] = true: flags from the environment escape every check. " +
      'To fix: use `extraFlags` for each flag.',
  ],
  [
    'a shutdown of the listener that outlasts the pod',
    { vminsert: { extraFlags: { 'http.maxGracefulShutdownDuration': '5m' } } },
    'vminsert.extraFlags[\'http.maxGracefulShutdownDuration\'] = "5m": the grace period of the pod is reckoned with its default. ' +
      'To fix: remove it.',
  ],
  [
    'a listen address by hand',
    { vmselect: { extraFlags: { httpListenAddr: ':9999' } } },
    'vmselect.extraFlags[\'httpListenAddr\'] = ":9999": -httpListenAddr belongs to the library itself. To fix: remove it.',
  ],
  [
    'a volume of the name of a mounted Secret',
    {
      vmselect: {
        httpAuth: { username: 'admin', password: SecretRef.of('auth', 'password') },
        extraVolumes: [{ name: 'secret-0', emptyDir: {} }],
      },
    },
    'vmselect.extraVolumes = "secret-0": a pod cannot have two of the same name. To fix: rename one of them.',
  ],
  [
    'a class of a load balancer that there is not',
    { vmselect: { service: { loadBalancerClass: 'internal' } } },
    'vmselect.service.loadBalancerClass = "internal": a Service of type ClusterIP has no load balancer. ' +
      "To fix: set `vmselect.service.type` to 'LoadBalancer', or remove it.",
  ],
  [
    'a grace period that ends before the listener closes',
    { vminsert: { terminationGracePeriod: Duration.seconds(5) } },
    'vminsert.terminationGracePeriod = 5 seconds: the process needs 17 seconds to finish what it has begun, and would be ' +
      'killed before. To fix: give it at least 17 seconds.',
  ],
  [
    'a request above its limit',
    { vmselect: { resources: { memory: { request: Size.gibibytes(2), limit: Size.gibibytes(1) } } } },
    'vmselect.resources.memory.request = "2Gi": a request must not be above its limit (1Gi). ' +
      'To fix: raise `vmselect.resources.memory.limit` or lower the request.',
  ],
  [
    'a request above the limit of the component',
    { vmselect: { resources: { memory: { request: Size.gibibytes(2) } } } },
    'vmselect.resources.memory.request = "2Gi": a request must not be above its limit (1Gi). ' +
      'To fix: raise `vmselect.resources.memory.limit` or lower the request.',
  ],
  [
    'a claim shared by several replicas',
    { vminsert: { extraVolumes: [{ name: 'shared', persistentVolumeClaim: { claimName: 'one' } }] } },
    'vminsert.extraVolumes[\'shared\'].persistentVolumeClaim.claimName = "one": one claim would be shared by 2 replicas, which a ' +
      'ReadWriteOnce volume cannot be. To fix: mount it with `readOnly: true`, or use a volume that each pod has for itself.',
  ],
  [
    'a mount of no volume',
    { vminsert: { extraVolumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] } },
    'vminsert.extraVolumeMounts = "tmp": the pod has no volume of this name. To fix: add it to `vminsert.extraVolumes`.',
  ],
  [
    'two containers of one name',
    { vminsert: { extraContainers: [{ name: 'vminsert', image: 'docker.io/library/busybox:1.36' }] } },
    'vminsert.extraContainers = "vminsert": a pod cannot have two of the same name. To fix: rename one of them.',
  ],
  [
    'a bad label',
    { vminsert: { podLabels: { team: 'metrics & more' } } },
    'vminsert.podLabels[\'team\'] = "metrics & more": keys and values of labels have at most 63 letters, digits, -, _ and ., ' +
      'and begin and end with a letter or digit. To fix: shorten or rename it, or make it an annotation.',
  ],
  [
    'two listeners on one port',
    { vminsert: { listeners: { openTsdb: {}, openTsdbHttp: {} } } },
    'vminsert.listeners.openTsdbHttp.port = 4242: the port opentsdb of the same process has this number. ' +
      'To fix: give one of them another number.',
  ],
  [
    'an external node with its port in the host',
    { externalStorageNodes: [{ host: 'storage.example.com:8400' }] },
    'externalStorageNodes[0].host = "storage.example.com:8400": must be a host name or address without port. ' +
      'To fix: give a host name or address without port.',
  ],
  [
    'an external node twice',
    {
      externalStorageNodes: [
        { host: 'a.example.com', insertPort: 8400 },
        { host: 'a.example.com', selectPort: 8403 },
      ],
    },
    'externalStorageNodes[1] = "a.example.com:8400": the node is in the list already. To fix: remove it.',
  ],
  [
    'an external node that is one of the cluster',
    { externalStorageNodes: [{ host: 'metrics-vmstorage-0.metrics-vmstorage.monitoring.svc', selectPort: 8403 }] },
    'externalStorageNodes[0] = "metrics-vmstorage-0.metrics-vmstorage.monitoring.svc:8400": the node is in the list already. ' +
      'To fix: remove it.',
  ],
  [
    'a version that is none',
    { version: 'latest' },
    'version = "latest": must be a version like \'v1.150.0\', without `-cluster`. ' +
      "To fix: give a version like 'v1.150.0', without `-cluster`.",
  ],
  [
    'a name that is too long',
    { name: 'm'.repeat(43) },
    `name = "${'m'.repeat(43)}": has at most 42 lower-case letters, digits and -, begins with a letter and ends with a letter ` +
      'or digit. To fix: give the construct a shorter or simpler id, or set its `name`.',
  ],
  [
    'a name that no Service may have',
    { name: '9lives' },
    'name = "9lives": has at most 42 lower-case letters, digits and -, begins with a letter and ends with a letter or digit. ' +
      'To fix: give the construct a shorter or simpler id, or set its `name`.',
  ],
  [
    'a number of copies that only a prop may set',
    { vminsert: { extraFlags: { replicationFactor: 5 } } },
    "vminsert.extraFlags['replicationFactor'] = 5: -replicationFactor belongs to replicationFactor. " +
      'To fix: remove it here and use replicationFactor.',
  ],
  [
    'TLS behind the back of the probes',
    { vmselect: { extraFlags: { tls: true } } },
    "vmselect.extraFlags['tls'] = true: the probe of the pod and everything that is wired to it speak plain HTTP from the " +
      'root path. To fix: remove it, and do it in front: in an Ingress, a Gateway or a service mesh.',
  ],
  [
    'basic auth that stops the processes from resetting each other’s caches',
    {
      vmselect: { cache: volume, httpAuth: { username: 'admin', password: SecretRef.of('auth', 'password') } },
    },
    'vmselect.resetCacheAuthKey = (not set): with httpAuth the processes refuse to reset the caches of each other, since they ' +
      'do not send it. To fix: set `vmselect.resetCacheAuthKey` to a SecretRef.',
  ],
  [
    'a Service of vmstorage',
    { vmstorage: { volume, service: { type: 'LoadBalancer' } } },
    'vmstorage.service = {"type":"LoadBalancer"}: vminsert and vmselect find each node by its own name, and nobody else ' +
      'connects to vmstorage. To fix: remove it, or patch the headless Service.',
  ],
  [
    'a load balancer that nobody may reach',
    { vmselect: { cache: volume, service: { type: 'LoadBalancer' } } },
    'vmselect.service.type = "LoadBalancer": opens the Service to the outside of the cluster, and the NetworkPolicy lets nobody ' +
      "in from there. To fix: let clients in at an endpoint, e.g. `write().allowFrom({ ipBlock: { cidr: '10.0.0.0/8' } })`.",
  ],
  [
    'timings of a probe that there is not',
    { vmstorage: { volume, probes: { liveness: { periodSeconds: 30 } } } },
    'vmstorage.probes.liveness = {"periodSeconds":30}: the component has no liveness probe whose timings could be changed. ' +
      'To fix: remove it, or add a probe by a patch.',
  ],
  [
    'a label that selects',
    { vminsert: { podLabels: { 'app.kubernetes.io/name': 'other' } } },
    'vminsert.podLabels[\'app.kubernetes.io/name\'] = "other": the label selects the pods and must stay vminsert. ' +
      'To fix: use another key.',
  ],
  [
    'two volumes at one path',
    {
      vmstorage: {
        volume,
        extraVolumes: [{ name: 'x', emptyDir: {} }],
        extraVolumeMounts: [{ name: 'x', mountPath: '/storage' }],
      },
    },
    'vmstorage.extraVolumeMounts = "/storage": two volumes are mounted at this path. To fix: mount one of them elsewhere.',
  ],
  [
    'a container without an image',
    { vminsert: { extraContainers: [{ name: 'x' }] } },
    'vminsert.extraContainers[0] = {"name":"x"}: a container needs `image`. To fix: give it `image`.',
  ],
  [
    'an autoscaler with a container that has no CPU request',
    {
      vminsert: {
        autoscaling: { minReplicas: 2, maxReplicas: 4 },
        extraContainers: [{ name: 'sidecar', image: 'registry.local/sidecar:v1' }],
      },
    },
    "vminsert.extraContainers['sidecar'].resources.requests.cpu = (not set): the autoscaler needs a cpu request of every " +
      'container. To fix: set it.',
  ],
  [
    'UDP that kubectl apply would lose',
    { vminsert: { listeners: { graphite: { udp: true } } } },
    'vminsert.listeners.graphite.udp = true: a client-side kubectl apply tells the ports of a Service apart by number, and would ' +
      'lose TCP or UDP. To fix: apply server-side and say so with `StackDefaults.set(chart, { serverSideApply: true })`, or leave UDP out.',
  ],
  [
    'a volume below the free space that the binary keeps',
    { vmstorage: { volume: { size: Size.mebibytes(50) } } },
    'vmstorage.minFreeDisk = "100MB by default": the volume has 50Mi in all, so that no data would ever be accepted. ' +
      'To fix: enlarge `vmstorage.volume` or lower `vmstorage.minFreeDisk`.',
  ],
  [
    'not a number of copies',
    { replicationFactor: NaN },
    'replicationFactor = NaN: must be a whole number from 1 to 1000. To fix: give a whole number from 1 to 1000.',
  ],
  [
    'a million nodes',
    { vmstorage: { volume, replicas: 1_000_000 } },
    'vmstorage.replicas = 1000000: must be a whole number from 1 to 1000. To fix: give a whole number from 1 to 1000.',
  ],
];

for (const [title, props, ...messages] of CLUSTER) {
  test(`cluster: ${title}`, () => {
    expect(clusterProblems(props)).toEqual(messages.map(at));
  });
}

test('several problems are told at once', () => {
  const found = clusterProblems({
    replicationFactor: 3,
    retention: '90d',
    vmstorage: { volume, replicas: 2 },
    vmselect: { extraFlags: { nonsense: 1 } },
  });
  expect(found.map((line) => line.split(':')[0])).toEqual([
    '[test/metrics] retention = "90d"',
    '[test/metrics] replicationFactor = 3',
    "[test/metrics] vmselect.extraFlags['nonsense'] = 1",
  ]);
});

test('no props at all', () => {
  const nothing = undefined as unknown as VmClusterProps & VmSingleProps;
  expect(problemsOf((chart) => new VmCluster(chart, 'metrics', nothing))).toEqual([
    at(
      'vmstorage.volume = (not set): vmstorage must be told where to keep its data. ' +
        'To fix: set `vmstorage: { volume: { size: Size.gibibytes(100) } }`.',
    ),
  ]);
  expect(problemsOf((chart) => new VmSingle(chart, 'metrics', nothing))).toHaveLength(1);
});

test('a prop that cannot be shown does not hide the others', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(clusterProblems({ retention: circular, replicationFactor: Symbol('two') })).toEqual([
    at('retention = a Object: must be a Retention. To fix: write Retention.days(90).'),
    at(
      'replicationFactor = Symbol(two): must be a whole number from 1 to 1000. To fix: give a whole number from 1 to 1000.',
    ),
  ]);
});

test('an ephemeral volume that says false is a claim', () => {
  expect(clusterProblems({ vmstorage: { volume: { ephemeral: false } } })).toEqual([
    at(
      'vmstorage.volume.size = (not set): a claim needs a size. To fix: set `vmstorage.volume.size`, e.g. Size.gibibytes(100), ' +
        'or `vmstorage.volume: { ephemeral: true }` to keep nothing.',
    ),
  ]);
  expect(clusterProblems({ vmstorage: { volume: { ...volume, ephemeral: false } } })).toEqual([]);
});

const SINGLE: readonly Case<VmSingleProps>[] = [
  [
    'replicas',
    { replicas: 2 },
    'replicas = 2: a single node is one process with one volume. To fix: remove it, or use VmCluster.',
  ],
  [
    'replication',
    { replicationFactor: 2 },
    'replicationFactor = 2: a single node is one process with one volume. To fix: remove it, or use VmCluster.',
  ],
  [
    'no volume',
    { volume: undefined },
    'volume = (not set): the single node must be told where to keep its data. ' +
      'To fix: set `volume: { size: Size.gibibytes(100) }`.',
  ],
  [
    'a limit of no labels',
    { labelLimits: { maxLabelsPerTimeseries: 0 } },
    'labelLimits.maxLabelsPerTimeseries = 0: must be a whole number of at least 1. To fix: give a whole number of at least 1.',
  ],
  [
    'a duration as a number',
    { queryLimits: { maxQueryDuration: 30 } },
    'queryLimits.maxQueryDuration = 30: must be a Duration. To fix: write Duration.seconds(30), with Duration from cdk8s.',
  ],
  [
    'a password as text',
    { httpAuth: { username: 'admin', password: 'hunter2' } },
    "httpAuth.password = \"***\": must be a SecretRef: a secret in the clear would stand in the manifest. To fix: write SecretRef.of('name-of-the-secret', 'key').",
  ],
  [
    'half of basic auth',
    { httpAuth: { password: SecretRef.of('auth', 'password') } },
    'httpAuth.username = (not set): httpAuth is nothing without it. To fix: set `httpAuth.username`.',
  ],
  [
    'the image of a cluster',
    { version: 'v1.150.0-cluster' },
    'version = "v1.150.0-cluster": must be a version like \'v1.150.0\', without `-cluster`. ' +
      "To fix: give a version like 'v1.150.0', without `-cluster`.",
  ],
  [
    'a duration for a retention',
    { retention: Duration.days(90) },
    'retention = 90 days: must be a Retention. To fix: write Retention.days(90).',
  ],
  [
    'a grace period that ends before the data is on disk',
    { terminationGracePeriod: Duration.seconds(1) },
    'terminationGracePeriod = 1 second: the process needs 30 seconds to finish what it has begun, and would be killed before. ' +
      'To fix: give it at least 30 seconds.',
  ],
  [
    'an image as text',
    { image: 'victoriametrics/victoria-metrics:v1.150.0' },
    'image = "victoriametrics/victoria-metrics:v1.150.0": must be an Image. ' +
      "To fix: write Image.parse('registry/repository:tag').",
  ],
  [
    'root',
    { runAs: { user: 0 } },
    'runAs.user = 0: must be a whole number of at least 1. To fix: give a whole number of at least 1.',
  ],
];

for (const [title, props, ...messages] of SINGLE) {
  test(`single node: ${title}`, () => {
    expect(singleProblems(props)).toEqual(messages.map(at));
  });
}

test('two stacks of one name in one namespace', () => {
  const found = problemsOf((chart) => {
    new VmSingle(chart, 'a', { name: 'metrics', volume });
    new VmSingle(chart, 'b', { name: 'metrics', volume });
  });
  const where = 'in the namespace monitoring';
  expect(found).toEqual([
    `[test] name: test/a and test/b make the same StatefulSet metrics-vmsingle ${where}, Service metrics-vmsingle ${where}, ` +
      `Service metrics-vmsingle-headless ${where}, ServiceAccount metrics-vmsingle ${where}, NetworkPolicy metrics-vmsingle ` +
      `${where}. To fix: give one of them another id or \`name\`.`,
  ]);
});

test('stack defaults', () => {
  const found = problemsOf((chart) => {
    StackDefaults.set(chart, { imageRegistry: 'https://registry.local', clusterDomain: 'cluster.local.' });
  });
  expect(found).toEqual([
    '[test] StackDefaults.imageRegistry = "https://registry.local": must be a registry host with a dot or a port, or localhost, ' +
      "and optionally a path, without scheme. To fix: write for example 'registry.example.com/mirror'.",
    '[test] StackDefaults.clusterDomain = "cluster.local.": must be a domain name without a trailing dot. ' +
      "To fix: write for example 'cluster.local'.",
  ]);
});

test('a secret that is added later', () => {
  const found = problemsOf((chart) =>
    new VmSingle(chart, 'metrics', { volume }).addEnv({ name: 'DB_PASSWORD', value: 'hunter2' }),
  );
  expect(found).toEqual([
    at(
      'env[\'DB_PASSWORD\'] = "***": looks like a secret, and would stand in the manifest in the clear. ' +
        "To fix: write valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } }.",
    ),
  ]);
});

test('secrets are not repeated where they are refused', () => {
  const found = clusterProblems({
    vminsert: { httpAuth: 'admin:hunter2', extraFlags: { 'httpAuth.pasword': 'hunter2' } },
    vmselect: { httpAuth: { username: 'admin', pasword: 'hunter2' }, login: { password: 'hunter2' } },
  });
  expect(found.length).toBeGreaterThanOrEqual(5);
  expect(found.join('\n')).not.toContain('hunter2');
});

test('what is right is not refused', () => {
  expect(
    clusterProblems({
      replicationFactor: 2,
      vmstorage: { replicas: 2, volume, allowReducedReplicationOnOutage: true },
      vmselect: { resources: { cpu: { request: Cpu.millis(100), limit: Cpu.units(1) } } },
    }),
  ).toEqual([]);
});

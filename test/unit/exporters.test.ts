import { Duration, Size } from 'cdk8s';
import { ServiceAccount } from 'cdk8s-plus-28';
import { SecretRef, StackDefaults } from '../../src';
import {
  KubeStateMetrics,
  NodeExporter,
  Pushgateway,
  type KubeStateMetricsProps,
  type NodeExporterProps,
  type PushgatewayProps,
} from '../../src/exporters';
import { LIBRARY, PlainArgs } from '../../src/flags';
import { Problems } from '../../src/validation';
import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

const nodeExporter = (props: NodeExporterProps = {}) => synth((chart) => new NodeExporter(chart, 'nodes', props));
const kubeStateMetrics = (props: KubeStateMetricsProps = {}) =>
  synth((chart) => new KubeStateMetrics(chart, 'cluster', props));
const pushgateway = (props: PushgatewayProps = {}) => synth((chart) => new Pushgateway(chart, 'jobs', props));

const httpAuth = {
  username: 'scraper',
  password: SecretRef.of('web-auth', 'password'),
  webConfig: SecretRef.of('web-config', 'web.yaml'),
};

describe('args of programs without a catalogue', () => {
  const problems = (args: (found: Problems) => PlainArgs): string[] => {
    const found = new Problems();
    args(found);
    return found.messages();
  };

  test('are sorted by name, and repeated in the order of their values', () => {
    const args = new PlainArgs(new Problems())
      .set('web.listen-address', ':9100', LIBRARY)
      .set('no-collector.wifi', true, 'collectors')
      .set('log.level', undefined, 'logLevel')
      .set('enable-feature', ['b', 'a'], 'features')
      .set('shard', 0, 'shard')
      .addExtra(['--runtime.gomaxprocs=2', '--collector.systemd']);
    expect(args.render()).toEqual([
      '--collector.systemd',
      '--no-collector.wifi',
      '--enable-feature=b',
      '--enable-feature=a',
      '--runtime.gomaxprocs=2',
      '--shard=0',
      '--web.listen-address=:9100',
    ]);
  });

  test('are expanded by Kubernetes only where that is meant', () => {
    const args = new PlainArgs(new Problems())
      .set('address', { template: '[$(NODE_ADDRESS)]:1' }, LIBRARY)
      .set('pattern', 'a$(b)$$', 'pattern')
      .addExtra(['--other=$(HOME)$']);
    expect(args.render()).toEqual(['--address=[$(NODE_ADDRESS)]:1', '--other=$$(HOME)$', '--pattern=a$$(b)$$$']);
  });

  test('that belong to a prop are refused, as a switch that is turned off too', () => {
    const found = problems((all) =>
      new PlainArgs(all)
        .set('collector.wifi', undefined, 'collectors')
        .set('port', 1, LIBRARY)
        .addExtra(['--no-collector.wifi', '--port=2']),
    );
    expect(found).toEqual([
      "extraArgs['--no-collector.wifi'] = true: --no-collector.wifi belongs to collectors. " +
        'To fix: remove it here and use collectors.',
      'extraArgs[\'--port\'] = "2": --port belongs to the library itself. To fix: remove it.',
    ]);
  });

  test('are given once, but for those that may be repeated', () => {
    const all = new Problems();
    const args = new PlainArgs(all, ['peer']).addExtra(['--peer=a', '--peer=b', '--log=x', '--log=y', '--no-log']);
    expect(args.render()).toEqual(['--log=x', '--peer=a', '--peer=b']);
    expect(all.messages()).toEqual([
      'extraArgs[\'--log\'] = "y": --log takes one value. To fix: give it once.',
      "extraArgs['--no-log'] = true: --no-log belongs to extraArgs['--log']. " +
        "To fix: remove it here and use extraArgs['--log'].",
    ]);
  });

  test('hold no secrets, and the messages do not either', () => {
    const all = new Problems();
    const extra = ['--api-token=hunter2', '--url=https://me:hunter2@host/', '--token', 'hunter2', '--api-key hunter2'];
    expect(new PlainArgs(all).addExtra(extra).render()).toEqual(['--token']);
    const secret =
      'looks like a secret, and would stand in the manifest in the clear. ' +
      'To fix: use an arg that names a file, and mount the Secret with `extraVolumes` and `extraVolumeMounts`.';
    const form =
      'an arg is one string, a name with two dashes and its value after a =. ' +
      "To fix: write '--name' or '--name=value'.";
    expect(all.messages()).toEqual([
      `extraArgs['--api-token'] = "***": ${secret}`,
      `extraArgs['--url'] = "https://me:***@host/": ${secret}`,
      `extraArgs = "***": ${form}`,
      `extraArgs = "--api-key": ${form}`,
    ]);
  });
});

describe('node-exporter', () => {
  const daemonSet = (props: NodeExporterProps = {}): Manifest =>
    find(nodeExporter(props), 'DaemonSet', 'nodes-node-exporter');

  test('sees its node, reads only, and is allowed nothing', () => {
    const pod = podOf(daemonSet());
    expect(pod).toMatchObject({
      hostNetwork: true,
      hostPID: true,
      automountServiceAccountToken: false,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ operator: 'Exists' }],
      volumes: [{ name: 'root', hostPath: { path: '/' } }],
      securityContext: { runAsNonRoot: true, runAsUser: 65534 },
    });
    expect(pod['containers'][0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      },
      volumeMounts: [{ name: 'root', mountPath: '/host/root', readOnly: true, mountPropagation: 'HostToContainer' }],
      env: [{ name: 'NODE_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    });
    expect(nodeExporter().map(({ kind }) => kind)).toEqual(['ServiceAccount', 'DaemonSet', 'Service']);
  });

  test('listens on the address of its node, or on all', () => {
    const address = '--web.listen-address=';
    const listening = (props: NodeExporterProps) => argsOf(daemonSet(props)).filter((arg) => arg.startsWith(address));
    expect(listening({ port: 9200 })).toEqual([`${address}[$(NODE_ADDRESS)]:9200`]);
    expect(listening({ listenOn: 'all' })).toEqual([`${address}:9100`]);
    expect(podOf(daemonSet({ listenOn: 'all' }))['containers'][0].env).toBeUndefined();
    expect(podOf(daemonSet({ port: 9200 }))['containers'][0].ports).toEqual([
      { name: 'http', containerPort: 9200, protocol: 'TCP' },
    ]);
  });

  test('leaves out what belongs to pods', () => {
    const patternOf = (name: string) => {
      const arg = argsOf(daemonSet()).find((candidate) => candidate.startsWith(`--${name}=`));
      return new RegExp(arg!.slice(name.length + 3));
    };
    const mountPoints = patternOf('collector.filesystem.mount-points-exclude');
    const excluded = ['/proc', '/sys/fs/cgroup', '/run/containerd/io.containerd.runtime.v2.task/k8s.io/1/rootfs'];
    const kept = ['/', '/boot', '/run', '/var/lib/docker', '/var/lib/kubelet', '/developer', '/mnt/data'];
    for (const path of [...excluded, '/var/lib/kubelet/pods/1/volumes/x']) expect(path).toMatch(mountPoints);
    for (const path of kept) expect(path).not.toMatch(mountPoints);
    const devices = patternOf('collector.netdev.device-exclude');
    expect(patternOf('collector.netclass.ignored-devices')).toEqual(devices);
    for (const device of ['veth1a2b', 'cali123', 'lxc0', 'eni0123456789a', '0123456789abcde'])
      expect(device).toMatch(devices);
    for (const device of ['eth0', 'eno1', 'ens5', 'enp3s0', 'bond0', 'cilium_host'])
      expect(device).not.toMatch(devices);
  });

  test('turns collectors on and off, and takes patterns', () => {
    const args = argsOf(
      daemonSet({
        collectors: { wifi: false, systemd: true },
        excludedDevices: '(?i)^veth',
        extraArgs: ['--collector.textfile.directory=/host/root/metrics'],
      }),
    );
    expect(args).toEqual(
      expect.arrayContaining([
        '--no-collector.wifi',
        '--collector.systemd',
        '--collector.netdev.device-exclude=(?i)^veth',
        '--collector.textfile.directory=/host/root/metrics',
      ]),
    );
  });

  test('has basic auth where it is told so, which scrapers learn of', () => {
    let exporter: NodeExporter | undefined;
    const manifests = synth((chart) => (exporter = new NodeExporter(chart, 'nodes', { httpAuth })));
    const workload = find(manifests, 'DaemonSet', 'nodes-node-exporter');
    expect(argsOf(workload)).toContain('--web.config.file=/etc/secrets/web-config/web.yaml');
    expect(podOf(workload)['containers'][0].readinessProbe).toMatchObject({ tcpSocket: { port: 'http' } });
    expect(podOf(workload)['volumes']).toContainEqual({
      name: 'secret-0',
      secret: { secretName: 'web-config', items: [{ key: 'web.yaml', path: 'web.yaml' }] },
    });
    expect(exporter?.metrics.map(({ port, credentials }) => [port, credentials])).toEqual([[9100, httpAuth]]);
  });
});

describe('kube-state-metrics', () => {
  const NAME = 'cluster-kube-state-metrics';
  const rulesOf = (role: Manifest) => role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  const resourcesArg = (args: readonly string[]) =>
    args
      .find((arg) => arg.startsWith('--resources='))!
      .replace('--resources=', '')
      .split(',');

  test('may list and watch just what it tells about', () => {
    const manifests = kubeStateMetrics();
    const rules = rulesOf(find(manifests, 'ClusterRole', `monitoring:${NAME}`));
    expect(new Set(rules.map(({ verbs }) => verbs.join()))).toEqual(new Set(['list,watch']));
    expect(rules.flatMap(({ resources }) => resources).sort()).toEqual(
      resourcesArg(argsOf(find(manifests, 'Deployment', NAME))),
    );
    expect(rules).toContainEqual({ apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: ['list', 'watch'] });
    expect(JSON.stringify(rules)).not.toContain('secrets');
    expect(manifests.filter(({ kind }) => kind === 'Role')).toEqual([]);
    expect(podOf(find(manifests, 'Deployment', NAME))['automountServiceAccountToken']).toBe(true);
  });

  test('tells about chosen resources, whatever their order', () => {
    const manifests = kubeStateMetrics({ watchedResources: ['secrets', 'pods', 'secrets'] });
    expect(resourcesArg(argsOf(find(manifests, 'Deployment', NAME)))).toEqual(['pods', 'secrets']);
    expect(rulesOf(find(manifests, 'ClusterRole', `monitoring:${NAME}`))).toEqual([
      { apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['list', 'watch'] },
    ]);
  });

  test('has a Role in each of its namespaces, and nothing of the cluster', () => {
    const manifests = kubeStateMetrics({ namespaces: ['shop', 'monitoring'] });
    const roles = manifests.filter(({ kind }) => kind.endsWith('Role'));
    expect(roles.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['Role', 'monitoring'],
      ['Role', 'shop'],
    ]);
    const args = argsOf(find(manifests, 'Deployment', NAME));
    expect(args).toContain('--namespaces=monitoring,shop');
    expect(resourcesArg(args)).toContain('pods');
    for (const resource of ['nodes', 'namespaces', 'persistentvolumes']) {
      expect(resourcesArg(args)).not.toContain(resource);
    }
  });

  test('shares its work among shards that find their number themselves', () => {
    const manifests = kubeStateMetrics({ shards: 3, watchedResources: ['nodes'] });
    const statefulSet = find(manifests, 'StatefulSet', NAME);
    expect(statefulSet['spec'].replicas).toBe(3);
    expect(argsOf(statefulSet)).toEqual(
      expect.arrayContaining(['--pod=$(POD_NAME)', '--pod-namespace=$(POD_NAMESPACE)']),
    );
    expect(rulesOf(find(manifests, 'Role', NAME))).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['get', 'list', 'watch'] },
    ]);
  });

  test('writes its lists in its own notation', () => {
    const args = argsOf(
      find(
        kubeStateMetrics({
          metricDenylist: ['kube_secret_.*', 'kube_lease_owner'],
          metricLabelsAllowlist: { pods: ['app', 'team.example/name'], nodes: ['*'] },
          metricAnnotationsAllowlist: { '*': ['owner'] },
        }),
        'Deployment',
        NAME,
      ),
    );
    expect(args).toEqual(
      expect.arrayContaining([
        '--metric-annotations-allowlist=*=[owner]',
        '--metric-denylist=kube_secret_.*,kube_lease_owner',
        '--metric-labels-allowlist=nodes=[*],pods=[app,team.example/name]',
      ]),
    );
  });

  test('serves the state of others beside its own', () => {
    let state: KubeStateMetrics | undefined;
    const manifests = synth((chart) => (state = new KubeStateMetrics(chart, 'cluster')));
    expect(state?.metrics.map(({ portName, port, honorLabels }) => [portName, port, honorLabels])).toEqual([
      ['http', 8080, true],
      ['telemetry', 8081, false],
    ]);
    expect(podOf(find(manifests, 'Deployment', NAME))['containers'][0]).toMatchObject({
      readinessProbe: { httpGet: { path: '/readyz', port: 'telemetry' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
    });
  });

  test('reaches the API server only where that is said to be', () => {
    const manifests = synth((chart) => {
      StackDefaults.set(chart, { apiServer: { peers: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: [6443] } });
      new KubeStateMetrics(chart, 'cluster');
    });
    const policy = find(manifests, 'NetworkPolicy', NAME)['spec'];
    expect(policy.egress[0]).toEqual({
      to: [{ ipBlock: { cidr: '10.0.0.1/32' } }],
      ports: [{ port: 6443, protocol: 'TCP' }],
    });
    expect(policy.ingress).toBeUndefined();
  });

  test('makes no roles for an account that the user brought', () => {
    const manifests = synth((chart) => {
      const serviceAccount = ServiceAccount.fromServiceAccountName(chart, 'account', 'reader');
      return new KubeStateMetrics(chart, 'cluster', { serviceAccount });
    });
    expect(manifests.filter(({ kind }) => kind.includes('Role'))).toEqual([]);
    expect(podOf(find(manifests, 'Deployment', NAME))['serviceAccountName']).toBe('reader');
  });
});

describe('Pushgateway', () => {
  const NAME = 'jobs-pushgateway';

  test('is one process, which keeps nothing unless told so', () => {
    const workload = find(pushgateway(), 'StatefulSet', NAME);
    expect(workload['spec'].replicas).toBe(1);
    expect(workload['spec'].volumeClaimTemplates).toBeUndefined();
    expect(argsOf(workload)).toEqual(['--web.listen-address=:9091']);
    const [container] = podOf(workload)['containers'];
    expect(container.livenessProbe).toBeUndefined();
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/-/ready', port: 'http' } });
  });

  test('keeps what was pushed on a claim', () => {
    const workload = find(pushgateway({ volume: { size: Size.gibibytes(1) } }), 'StatefulSet', NAME);
    expect(argsOf(workload)).toContain('--persistence.file=/data/metrics');
    expect(podOf(workload)['containers'][0].volumeMounts).toEqual([{ name: 'data', mountPath: '/data' }]);
    expect(workload['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('1Gi');
  });

  test('has an endpoint to push to, with its credentials', () => {
    let gateway: Pushgateway | undefined;
    const manifests = synth((chart) => {
      gateway = new Pushgateway(chart, 'jobs', { httpAuth });
      gateway.push().allowFrom({ podSelector: { matchLabels: { job: 'backup' } } });
    });
    const push = gateway!.push();
    expect([push.url, push.writes, push.credentials]).toEqual([
      'http://jobs-pushgateway.monitoring.svc:9091',
      true,
      httpAuth,
    ]);
    expect(gateway!.metrics.map(({ honorLabels, credentials }) => [honorLabels, credentials])).toEqual([
      [true, httpAuth],
    ]);
    expect(find(manifests, 'NetworkPolicy', NAME)['spec'].ingress).toEqual([
      { from: [{ podSelector: { matchLabels: { job: 'backup' } } }], ports: [{ port: 9091, protocol: 'TCP' }] },
    ]);
    expect(podOf(find(manifests, 'StatefulSet', NAME))['containers'][0].readinessProbe).toMatchObject({
      tcpSocket: { port: 'http' },
    });
  });
});

describe('wrong configurations', () => {
  type Case<T> = readonly [string, Loose<T>, ...string[]];
  const at = (message: string) => `[test/wrong] ${message}`;

  const NODE_EXPORTER: readonly Case<NodeExporterProps>[] = [
    [
      'a misspelt collector',
      { collectors: { wify: false } },
      'collectors.wify = false: there is no such prop. To fix: did you mean `collectors.wifi`?',
    ],
    [
      'an arg that belongs to a prop',
      { extraArgs: ['--no-collector.wifi', '--web.listen-address=:9200'] },
      "extraArgs['--no-collector.wifi'] = true: --no-collector.wifi belongs to collectors. " +
        'To fix: remove it here and use collectors.',
      'extraArgs[\'--web.listen-address\'] = ":9200": --web.listen-address belongs to port and listenOn. ' +
        'To fix: remove it here and use port and listenOn.',
    ],
    [
      'another root than the one that is mounted',
      { extraArgs: ['--path.rootfs=/'] },
      'extraArgs[\'--path.rootfs\'] = "/": --path.rootfs belongs to the library itself. To fix: remove it.',
    ],
    [
      'another path than the one that is scraped',
      { extraArgs: ['--web.telemetry-path=/node'] },
      'extraArgs[\'--web.telemetry-path\'] = "/node": the probes of the pod and everything that is wired to it ask at the ' +
        'port, below the root path. To fix: remove it.',
    ],
    [
      'an expression that Go does not know',
      { excludedDevices: '^(?!eth)', excludedMountPoints: '^/(run' },
      'excludedDevices = "^(?!eth)": must be a regular expression as Go knows it, without lookaround and back references. ' +
        "To fix: write for example '^(veth.*|cali.*)$'.",
      'excludedMountPoints = "^/(run": must be a regular expression as Go knows it, without lookaround and back references. ' +
        "To fix: write for example '^(veth.*|cali.*)$'.",
    ],
    [
      'a budget and a spread of pods that are on each node',
      { spread: { hosts: 'required' }, podDisruptionBudget: false },
      'spread = {"hosts":"required"}: a DaemonSet has one pod on each node, which a drain leaves alone. ' +
        'To fix: remove it; `nodeSelector` and `affinity` choose the nodes.',
      'podDisruptionBudget = false: a DaemonSet has one pod on each node, which a drain leaves alone. To fix: remove it.',
    ],
    [
      'no port',
      { port: 0 },
      'port = 0: must be a whole number from 1024 to 65535. To fix: give a whole number from 1024 to 65535.',
    ],
    [
      'auth without its file',
      { httpAuth: { username: 'me', password: httpAuth.password } },
      'httpAuth.webConfig = (not set): httpAuth is nothing without it. To fix: set `httpAuth.webConfig`.',
    ],
  ];

  const KUBE_STATE_METRICS: readonly Case<KubeStateMetricsProps>[] = [
    [
      'replicas that would all tell the same',
      { replicas: 2 },
      'replicas = 2: each replica would report everything once more. To fix: set `shards` to share the work.',
    ],
    [
      'both lists of metrics',
      { metricAllowlist: ['kube_pod_.*'], metricDenylist: ['kube_pod_owner'] },
      'metricDenylist = ["kube_pod_owner"]: kube-state-metrics takes either metricAllowlist or metricDenylist. ' +
        'To fix: remove one of them.',
    ],
    [
      'resources of the cluster with namespaces',
      { namespaces: ['shop'], watchedResources: ['pods', 'nodes'] },
      'watchedResources = ["nodes"]: what belongs to no namespace would be told once for each of `namespaces`. ' +
        'To fix: remove them, or watch them with a KubeStateMetrics without `namespaces`.',
    ],
    [
      'lists that name nothing',
      { namespaces: [], watchedResources: [] },
      'namespaces = []: must not be empty. To fix: name something, or leave the prop out.',
      'watchedResources = []: must not be empty. To fix: name something, or leave the prop out.',
    ],
    [
      'labels of a resource that is not watched',
      { watchedResources: ['pods'], metricLabelsAllowlist: { nodes: ['zone'] } },
      'metricLabelsAllowlist.nodes = ["zone"]: the resource is not among those that are watched. ' +
        'To fix: add it to `watchedResources`, or remove it here.',
    ],
    [
      'labels of a misspelt resource',
      { metricLabelsAllowlist: { pod: ['app'] } },
      'metricLabelsAllowlist.pod = ["app"]: there is no such prop. To fix: did you mean `metricLabelsAllowlist.pods`?',
    ],
    [
      'all labels and one of them',
      { metricLabelsAllowlist: { pods: ['app', '*'] } },
      'metricLabelsAllowlist.pods = ["app","*"]: * is every key already. To fix: remove it, or all others.',
    ],
    [
      'a label that would end the list',
      { metricLabelsAllowlist: { pods: ['app],nodes=[*'] } },
      'metricLabelsAllowlist.pods[0] = "app],nodes=[*": must be the key of a label or annotation, or *. ' +
        "To fix: write for example 'app.kubernetes.io/name'.",
    ],
    [
      'a pattern that would be cut at its comma',
      { metricDenylist: ['kube_pod_.{2,3}'] },
      'metricDenylist[0] = "kube_pod_.{2,3}": must be the name of a metric or a regular expression, without commas and ' +
        "spaces. To fix: write for example 'kube_secret_.*'.",
    ],
    [
      'args that escape the checks or the wiring',
      { extraArgs: ['--config=/etc/ksm.yaml', '--auth-filter', '--shard=1', '--kubeconfig=/k', '--help'] },
      'extraArgs[\'--config\'] = "/etc/ksm.yaml": what the file says wins over all args, and escapes every check. ' +
        'To fix: use the props.',
      "extraArgs['--auth-filter'] = true: the probes of the pod and whoever scrapes it speak plain HTTP to its address, " +
        'without a token. To fix: remove it; the NetworkPolicy lets in only who is wired.',
      'extraArgs[\'--shard\'] = "1": --shard belongs to shards. To fix: remove it here and use shards.',
      'extraArgs[\'--kubeconfig\'] = "/k": the pod has a token and a way to the API server of its own cluster. ' +
        'To fix: remove it.',
      "extraArgs['--help'] = true: the process would print it and exit. To fix: remove it.",
    ],
  ];

  const PUSHGATEWAY: readonly Case<PushgatewayProps>[] = [
    [
      'two processes that do not know of each other',
      { replicas: 2 },
      'replicas = 2: the processes would not know of what is pushed to each other, and each would report its own part. ' +
        'To fix: remove it.',
    ],
    [
      'a claim without a size',
      { volume: {} },
      'volume.size = (not set): a claim needs a size. To fix: set `volume.size`, e.g. Size.gibibytes(100), or ' +
        '`volume: { ephemeral: true }` to keep nothing.',
    ],
    [
      'a file that is on no volume',
      { extraArgs: ['--persistence.file=/tmp/metrics'] },
      'extraArgs[\'--persistence.file\'] = "/tmp/metrics": --persistence.file belongs to volume. ' +
        'To fix: remove it here and use volume.',
    ],
    [
      'an API that wipes everything',
      { extraArgs: ['--web.enable-admin-api'] },
      "extraArgs['--web.enable-admin-api'] = true: whoever may push could then wipe all metrics or end the process. " +
        'To fix: remove it; a DELETE of /metrics/job/NAME removes one group.',
    ],
    [
      'a prefix that the probe does not know',
      { extraArgs: ['--web.external-url=https://example.com/push'] },
      'extraArgs[\'--web.external-url\'] = "https://example.com/push": the probes of the pod and everything that is wired to ' +
        'it ask at the port, below the root path. To fix: remove it.',
    ],
    [
      'less time than writing the file takes',
      { terminationGracePeriod: Duration.seconds(1) },
      'terminationGracePeriod = 1 second: the process needs 5 seconds to finish what it has begun, and would be killed ' +
        'before. To fix: give it at least 5 seconds.',
    ],
    [
      'a password in the clear',
      { httpAuth: { ...httpAuth, password: 'hunter2' } },
      "httpAuth.password = \"***\": must be a SecretRef: a secret in the clear would stand in the manifest. To fix: write SecretRef.of('name-of-the-secret', 'key').",
    ],
  ];

  for (const [title, props, ...messages] of NODE_EXPORTER) {
    test(`node-exporter: ${title}`, () => {
      const found = problemsOf((chart) => new NodeExporter(chart, 'wrong', props as NodeExporterProps));
      expect(found).toEqual(messages.map(at));
    });
  }

  for (const [title, props, ...messages] of KUBE_STATE_METRICS) {
    test(`kube-state-metrics: ${title}`, () => {
      const found = problemsOf((chart) => new KubeStateMetrics(chart, 'wrong', props as KubeStateMetricsProps));
      expect(found).toEqual(messages.map(at));
    });
  }

  for (const [title, props, ...messages] of PUSHGATEWAY) {
    test(`Pushgateway: ${title}`, () => {
      const found = problemsOf((chart) => new Pushgateway(chart, 'wrong', props as PushgatewayProps));
      expect(found).toEqual(messages.map(at));
    });
  }

  test('node-exporter: a port that only root can open, and a filter that excludes another', () => {
    const props = { port: 80, extraArgs: ['--collector.netdev.device-include=eth.*'] };
    expect(problemsOf((chart) => new NodeExporter(chart, 'wrong', props))).toEqual([
      at('port = 80: must be a whole number from 1024 to 65535. To fix: give a whole number from 1024 to 65535.'),
      at(
        'extraArgs[\'--collector.netdev.device-include\'] = "eth.*": node-exporter does not start with what is included and ' +
          'what is excluded. To fix: leave out all else with `excludedMountPoints` or `excludedDevices`.',
      ),
    ]);
  });

  test('kube-state-metrics: custom resources, which it would have no role for', () => {
    const props = { extraArgs: ['--custom-resource-state-config=x'] };
    expect(problemsOf((chart) => new KubeStateMetrics(chart, 'wrong', props))).toEqual([
      at(
        'extraArgs[\'--custom-resource-state-config\'] = "x": the pods have no role for custom resources, which no prop names. ' +
          'To fix: remove it, or run another one with `serviceAccount` and roles of yours.',
      ),
    ]);
  });

  test('kube-state-metrics: a misspelt resource', () => {
    const props = { watchedResources: ['pod'] } as unknown as KubeStateMetricsProps;
    const found = problemsOf((chart) => new KubeStateMetrics(chart, 'wrong', props));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^\[test\/wrong\] watchedResources\[0\] = "pod": must be one of 'certificatesigningrequests', .*, 'pods', .*\. To fix: /,
    );
  });

  test('kube-state-metrics for the whole cluster in a chart without a namespace', () => {
    expect(problemsOf((chart) => new KubeStateMetrics(chart, 'wrong'), {})).toEqual([
      at(
        'namespace = (not set): the pods read the Kubernetes API beyond their own namespace, and what allows it must name ' +
          'the namespace of their ServiceAccount. To fix: set `namespace` on the chart.',
      ),
    ]);
  });
});

test('the compiler refuses what cannot be', () => {
  const refused = [
    // @ts-expect-error -- it is one process
    { replicas: 2 } satisfies PushgatewayProps,
    // @ts-expect-error -- a resource that does not exist
    { watchedResources: ['pod'] } satisfies KubeStateMetricsProps,
    // @ts-expect-error -- a collector that does not exist
    { collectors: { wify: true } } satisfies NodeExporterProps,
  ];
  expect(refused).toHaveLength(3);
});

import { ApiObject, App, Chart, Duration, JsonPatch, Size } from 'cdk8s';
import { Cpu as PlusCpu, ServiceAccount } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import {
  Cpu,
  Image,
  Problems,
  readinessProbe,
  StackDefaults,
  VmCluster,
  VmSingle,
  Workload,
  type SpreadProps,
  type VmSingleProps,
  type WorkloadProps,
} from '../../src';
import { appWith, find, manifestsOf, podOf, problemsOf, synth, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };

const single = (props: Partial<VmSingleProps> = {}): Manifest[] =>
  synth((chart) => new VmSingle(chart, 'metrics', { volume, ...props }));

const workloadOf = (manifests: readonly Manifest[]) => find(manifests, 'StatefulSet', 'metrics-vmsingle');

test('the same input gives the same bytes', () => {
  const yaml = () =>
    appWith((chart) => new VmCluster(chart, 'metrics', { replicationFactor: 2, vmstorage: { volume } })).synthYaml();
  expect(yaml()).toBe(yaml());
});

describe('escape hatches', () => {
  test('a patch of a field newer than Kubernetes 1.28 and of a numeric port are written as they are', () => {
    const app = appWith((chart) => {
      const made = new VmSingle(chart, 'metrics', { volume });
      ApiObject.of(made).addJsonPatch(
        JsonPatch.add('/spec/template/spec/hostUsers', false),
        JsonPatch.add('/spec/template/spec/containers/0/resizePolicy', [
          { resourceName: 'cpu', restartPolicy: 'NotRequired' },
        ]),
        JsonPatch.replace('/spec/template/spec/containers/0/readinessProbe/httpGet/port', 8428),
        JsonPatch.replace('/spec/template/spec/containers/0/resources/requests/memory', '3Gi'),
      );
      ApiObject.of(made.node.findChild('Service')).addJsonPatch(JsonPatch.replace('/spec/ports/0/targetPort', 8428));
    });
    const yaml = app.synthYaml();
    expect(yaml).toContain('hostUsers: false');
    expect(yaml).toContain('targetPort: 8428');
    const workload = workloadOf(manifestsOf(app));
    expect(podOf(workload)['containers'][0]).toMatchObject({
      resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
      readinessProbe: { httpGet: { port: 8428 } },
      resources: { requests: { memory: '3Gi' } },
    });
  });

  test('whatever is added after the construct was made is in the pods', () => {
    const workload = workloadOf(
      synth((chart) => {
        const made = new VmSingle(chart, 'metrics', { volume });
        made
          .addEnv({ name: 'GOGC', value: '50' })
          .addVolume({ name: 'scratch', emptyDir: {} }, { mountPath: '/scratch' })
          .addContainer({ name: 'sidecar', image: 'registry.local/sidecar:v1' })
          .addInitContainer({
            name: 'restore',
            image: 'registry.local/restore:v1',
            securityContext: { readOnlyRootFilesystem: false },
          });
      }),
    );
    const pod = podOf(workload);
    expect(pod['containers'][0].env).toEqual([{ name: 'GOGC', value: '50' }]);
    expect(pod['volumes']).toEqual([{ name: 'scratch', emptyDir: {} }]);
    expect(pod['containers'][0].volumeMounts).toContainEqual({ name: 'scratch', mountPath: '/scratch' });
    const restricted = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    expect(pod['containers'][1]).toMatchObject({
      name: 'sidecar',
      securityContext: { ...restricted, readOnlyRootFilesystem: true },
    });
    expect(pod['initContainers'][0]).toMatchObject({
      name: 'restore',
      securityContext: { ...restricted, readOnlyRootFilesystem: false },
    });
  });
});

describe('config files', () => {
  const withFile = (content: string, size = 1) =>
    synth((chart) => {
      new VmSingle(chart, 'metrics', { volume }).addConfigFiles('relabel', '/etc/relabel', {
        'relabel.yml': content.repeat(size),
      });
    });

  test('are mounted from a ConfigMap with a name that stays', () => {
    const manifests = withFile('- action: keep\n');
    expect(find(manifests, 'ConfigMap', 'metrics-vmsingle-relabel')['data']).toEqual({
      'relabel.yml': '- action: keep\n',
    });
    const pod = podOf(workloadOf(manifests));
    expect(pod['volumes']).toContainEqual({ name: 'relabel', configMap: { name: 'metrics-vmsingle-relabel' } });
    expect(pod['containers'][0].volumeMounts).toContainEqual({
      name: 'relabel',
      mountPath: '/etc/relabel',
      readOnly: true,
    });
  });

  test('roll the pods when they change, and only then', () => {
    const template = (content: string) => workloadOf(withFile(content))['spec'].template as object;
    expect(template('a')).toEqual(template('a'));
    expect(template('a')).not.toEqual(template('b'));
  });

  const withBytes = (bytes: number, serverSideApply?: boolean) =>
    problemsOf((chart) => {
      StackDefaults.set(chart, { serverSideApply });
      new VmSingle(chart, 'metrics', { volume }).addConfigFiles('big', '/etc/big', { 'a.yml': 'x'.repeat(bytes) });
    });

  test('beyond what Kubernetes stores are refused', () => {
    expect(withBytes(1_048_576, true)).toEqual([
      '[test/metrics] files = "a.yml": 1048581 bytes do not fit into the ConfigMap metrics-vmsingle-big: ' +
        'Kubernetes takes 1 MiB. To fix: split the files over several calls, or shorten them.',
    ]);
    expect(withBytes(1_048_571, true)).toEqual([]);
  });

  test('beyond what kubectl apply can copy into an annotation are refused, unless it is not to', () => {
    expect(withBytes(262_144)).toEqual([
      '[test/metrics] files = "a.yml": 262149 bytes make the ConfigMap metrics-vmsingle-big too large for kubectl apply, ' +
        'which keeps a copy in an annotation of at most 256 KiB. To fix: split the files over several calls, or apply ' +
        'server-side and say so with `StackDefaults.set(chart, { serverSideApply: true })`.',
    ]);
    expect(withBytes(262_144, true)).toEqual([]);
    expect(withBytes(250_000)).toEqual([]);
  });
});

describe('stack defaults', () => {
  const withDefaults = (defaults: Parameters<typeof StackDefaults.set>[1], props: Partial<VmSingleProps> = {}) =>
    synth((chart) => {
      StackDefaults.set(chart, defaults);
      new VmSingle(chart, 'metrics', { volume, ...props });
    });

  test('come first', () => {
    expect(() =>
      synth((chart) => {
        new VmSingle(chart, 'metrics', { volume });
        StackDefaults.set(chart, {});
      }),
    ).toThrow('StackDefaults.set: call it before anything is made below test');
  });

  test('a mirror serves default images and images without a registry', () => {
    const imageOf = (props: Partial<VmSingleProps>) =>
      podOf(workloadOf(withDefaults({ imageRegistry: 'registry.local:5000/mirror' }, props)))['containers'][0]
        .image as string;
    expect(imageOf({})).toBe('registry.local:5000/mirror/victoriametrics/victoria-metrics:v1.150.0');
    expect(imageOf({ image: Image.parse('mine/vm:v1') })).toBe('registry.local:5000/mirror/mine/vm:v1');
    expect(imageOf({ image: Image.parse('quay.io/mine/vm:v1') })).toBe('quay.io/mine/vm:v1');
  });

  test('pull policy and pull secrets hold for every pod', () => {
    const pod = podOf(workloadOf(withDefaults({ imagePullPolicy: 'Always', imagePullSecrets: ['regcred'] })));
    expect(pod['imagePullSecrets']).toEqual([{ name: 'regcred' }]);
    expect(pod['containers'][0].imagePullPolicy).toBe('Always');
  });

  test('policies can be switched off for a network that has none', () => {
    expect(withDefaults({ networkPolicies: false }).map(({ kind }) => kind)).not.toContain('NetworkPolicy');
  });

  test('set for the app hold in every chart, and a chart replaces single ones', () => {
    const app = appWith(() => undefined);
    const other = new Chart(app, 'other', { namespace: 'other' });
    StackDefaults.set(other, { imagePullPolicy: 'Never' });
    const inner = new Chart(other, 'inner', { namespace: 'inner' });
    StackDefaults.set(inner, { imagePullSecrets: ['regcred'], labels: { tier: 'data' } });
    const innermost = new Chart(inner, 'innermost', { namespace: 'inner' });
    StackDefaults.set(innermost, { labels: { team: 'metrics' } });
    expect(StackDefaults.of(inner)).toEqual({
      imagePullPolicy: 'Never',
      imagePullSecrets: ['regcred'],
      labels: { tier: 'data' },
    });
    expect(StackDefaults.of(innermost).labels).toEqual({ tier: 'data', team: 'metrics' });
  });
});

describe('labels', () => {
  test('selectors are small and free of versions; everything else may be the user’s', () => {
    const workload = workloadOf(
      single({ labels: { team: 'metrics', 'app.kubernetes.io/part-of': 'shop' }, podLabels: { tier: 'data' } }),
    );
    const selector = {
      'app.kubernetes.io/name': 'vmsingle',
      'app.kubernetes.io/instance': 'metrics',
      'app.kubernetes.io/component': 'single',
    };
    expect(workload['spec'].selector.matchLabels).toEqual(selector);
    expect(workload['spec'].template.metadata.labels).toEqual({
      ...selector,
      'app.kubernetes.io/managed-by': 'cdk8s',
      'app.kubernetes.io/part-of': 'shop',
      'app.kubernetes.io/version': 'v1.150.0',
      team: 'metrics',
      tier: 'data',
    });
  });

  test('those of the chart are on every object and pod', () => {
    const manifests = synth((chart) => new VmSingle(chart, 'metrics', { volume }), {
      namespace: 'monitoring',
      labels: { env: 'test', 'app.kubernetes.io/part-of': 'shop' },
    });
    expect(workloadOf(manifests)['spec'].template.metadata.labels).toMatchObject({
      env: 'test',
      'app.kubernetes.io/part-of': 'shop',
    });
    for (const { metadata } of manifests)
      expect(metadata).toMatchObject({
        namespace: 'monitoring',
        labels: { env: 'test', 'app.kubernetes.io/part-of': 'shop' },
      });
  });

  test('a volume claim template changes with nothing that may change', () => {
    const template = (props: Partial<VmSingleProps>) =>
      workloadOf(single(props))['spec'].volumeClaimTemplates as object;
    expect(template({ version: 'v1.149.0', labels: { team: 'other' } })).toEqual(template({}));
  });
});

test('resources are merged amount by amount; the Cpu of cdk8s-plus fits', () => {
  const resources = (props: Partial<VmSingleProps>) =>
    podOf(workloadOf(single(props)))['containers'][0].resources as object;
  expect(resources({})).toEqual({ requests: { cpu: '250m', memory: '500Mi' }, limits: { memory: '1500Mi' } });
  expect(
    resources({ resources: { cpu: { request: PlusCpu.units(2) }, memory: { limit: Size.gibibytes(4) } } }),
  ).toEqual({ requests: { cpu: '2', memory: '500Mi' }, limits: { memory: '4Gi' } });
  expect(resources({ resources: { cpu: { limit: Cpu.units(4) } } })).toEqual({
    requests: { cpu: '250m', memory: '500Mi' },
    limits: { cpu: '4', memory: '1500Mi' },
  });
});

test('a ServiceAccount of the user takes the place of ours', () => {
  const manifests = synth((chart) => {
    const serviceAccount = ServiceAccount.fromServiceAccountName(chart, 'sa', 'theirs');
    new VmSingle(chart, 'metrics', { volume, serviceAccount });
  });
  expect(podOf(workloadOf(manifests))['serviceAccountName']).toBe('theirs');
  expect(manifests.map(({ kind }) => kind)).not.toContain('ServiceAccount');
});

describe('scheduling', () => {
  const term = (name: string, component: string) => ({
    labelSelector: {
      matchLabels: {
        'app.kubernetes.io/name': name,
        'app.kubernetes.io/instance': 'metrics',
        'app.kubernetes.io/component': component,
      },
    },
    topologyKey: 'kubernetes.io/hostname',
  });
  const cluster = (spread?: SpreadProps) =>
    synth((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume, spread }, vminsert: { spread } }));
  const pods = (manifests: readonly Manifest[]) => ({
    storage: podOf(find(manifests, 'StatefulSet', 'metrics-vmstorage')),
    insert: podOf(find(manifests, 'Deployment', 'metrics-vminsert')),
  });

  test('prefers other hosts and even zones', () => {
    const { storage, insert } = pods(cluster());
    const preferred = (podAffinityTerm: object) => [{ weight: 100, podAffinityTerm }];
    expect(storage['affinity'].podAntiAffinity).toEqual({
      preferredDuringSchedulingIgnoredDuringExecution: preferred(term('vmstorage', 'storage')),
    });
    expect(insert['affinity'].podAntiAffinity).toEqual({
      preferredDuringSchedulingIgnoredDuringExecution: preferred(term('vminsert', 'insert')),
    });
    expect(storage['topologySpreadConstraints']).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1 },
    ]);
    expect(insert['topologySpreadConstraints']).toMatchObject([{ matchLabelKeys: ['pod-template-hash'] }]);
  });

  test('where required, never puts two nodes on a host, and keeps pods that surge even', () => {
    const { storage, insert } = pods(cluster({ hosts: 'required', zones: 'required' }));
    expect(storage['affinity'].podAntiAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: [term('vmstorage', 'storage')],
    });
    expect(insert).not.toHaveProperty('affinity');
    const strict = (topologyKey: string) => ({ topologyKey, whenUnsatisfiable: 'DoNotSchedule' });
    expect(insert['topologySpreadConstraints']).toMatchObject([
      strict('kubernetes.io/hostname'),
      strict('topology.kubernetes.io/zone'),
    ]);
  });

  test('is left to the scheduler where the user wants that', () => {
    const { storage } = pods(cluster({ hosts: 'none', zones: 'none' }));
    expect(storage).not.toHaveProperty('affinity');
    expect(storage).not.toHaveProperty('topologySpreadConstraints');
  });

  test('is of no concern to a single pod', () => {
    const pod = podOf(workloadOf(single()));
    expect(pod).not.toHaveProperty('affinity');
    expect(pod).not.toHaveProperty('topologySpreadConstraints');
  });

  test('keeps what the user says', () => {
    const toleration = { key: 'dedicated', operator: 'Equal', value: 'metrics', effect: 'NoSchedule' } as const;
    const other = { labelSelector: { matchLabels: { app: 'noisy' } }, topologyKey: 'kubernetes.io/hostname' };
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'gpu', operator: 'DoesNotExist' as const }] }],
      },
    };
    const given: WorkloadProps = {
      nodeSelector: { disk: 'ssd' },
      tolerations: [toleration],
      priorityClassName: 'metrics',
      affinity: { nodeAffinity, podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [other] } },
      spread: { hosts: 'required' },
    };
    const pod = podOf(
      find(
        synth((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume, ...given } })),
        'StatefulSet',
        'metrics-vmstorage',
      ),
    );
    expect(pod).toMatchObject({
      nodeSelector: { disk: 'ssd' },
      tolerations: [toleration],
      priorityClassName: 'metrics',
      affinity: {
        nodeAffinity,
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [other, term('vmstorage', 'storage')] },
      },
    });
  });
});

test('timings of probes and the grace period are the user’s where given', () => {
  const pod = podOf(
    workloadOf(
      single({ probes: { readiness: { periodSeconds: 30 } }, terminationGracePeriod: Duration.millis(90_500) }),
    ),
  );
  expect(pod['containers'][0].readinessProbe).toMatchObject({ periodSeconds: 30, timeoutSeconds: 5 });
  expect(pod['terminationGracePeriodSeconds']).toBe(91);
});

test('two charts may make the same names: they may be meant for two clusters', () => {
  const app = new App();
  for (const id of ['staging', 'production']) {
    new VmSingle(new Chart(app, id, { namespace: 'monitoring' }), 'metrics', { volume });
  }
  expect(manifestsOf(app)).toHaveLength(10);
});

/** A component that says only what is special about it. */
class Exporter extends Workload {
  public constructor(scope: Construct, id: string, props: WorkloadProps = {}) {
    super(scope, id, {
      controller: { kind: 'DaemonSet' },
      name: id,
      identity: { name: 'exporter', instance: id, component: 'exporter' },
      image: Image.parse('registry.local/exporter:v1'),
      args: () => ['--listen=:9100'],
      ports: [{ name: 'http', port: 9100 }],
      metrics: [{ portName: 'http' }],
      resources: {
        cpu: { request: Cpu.millis(50) },
        memory: { request: Size.mebibytes(32), limit: Size.mebibytes(64) },
      },
      probes: { readiness: readinessProbe({ httpGet: { path: '/', port: 'http' } }) },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(1) },
      props,
      prefix: '',
      problems: new Problems(),
    });
  }
}

describe('a component of one’s own, on every node', () => {
  const app = appWith((chart) => new Exporter(chart, 'exporter'));
  const manifests = manifestsOf(app);

  test('brings all that belongs to it', () => {
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'ServiceAccount exporter',
      'DaemonSet exporter',
      'Service exporter',
      'NetworkPolicy exporter',
    ]);
  });

  test('is updated node by node, and not told where to be', () => {
    const { spec } = find(manifests, 'DaemonSet', 'exporter');
    expect(spec).not.toHaveProperty('replicas');
    expect(spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });
    expect(spec.template.spec).not.toHaveProperty('topologySpreadConstraints');
    expect(spec.template.spec.securityContext).toMatchObject({ runAsNonRoot: true });
  });
});

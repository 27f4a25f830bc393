import { App, Chart, Duration, Size } from 'cdk8s';
import { ServiceAccount } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import {
  Endpoint,
  Image,
  Problems,
  readinessProbe,
  StackDefaults,
  VmSingle,
  Workload,
  type ApiAccess,
  type Files,
  type HostAccess,
  type WorkloadProps,
} from '../../src';
import { visitWorkloads } from '../../src/workload';
import { find, manifestsOf, podOf, problemsOf, synth, type Manifest } from './synth';

const PODS = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] };
const NODES = { apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch', 'get'] };
const RBAC = ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];

/** A component that uses the Kubernetes API. */
class Watcher extends Workload {
  public constructor(scope: Construct, id: string, props: WorkloadProps = {}, host?: HostAccess) {
    super(scope, id, {
      controller: { kind: 'Deployment', replicas: 1 },
      name: id,
      identity: { name: 'watcher', instance: id, component: 'watcher' },
      image: Image.parse('registry.local/watcher:v1'),
      args: () => [],
      ports: [{ name: 'http', port: 9100 }],
      metrics: [{ portName: 'http' }],
      resources: { memory: { request: Size.mebibytes(32), limit: Size.mebibytes(64) } },
      probes: { readiness: readinessProbe({ httpGet: { path: '/', port: 'http' } }) },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(1) },
      host,
      props,
      prefix: '',
      problems: new Problems(),
    });
  }

  public watch(...accesses: readonly ApiAccess[]): this {
    for (const access of accesses) this.allowApi(access);
    return this;
  }

  public get http(): Endpoint {
    return this.endpoint('http');
  }
}

const policyOf = (manifests: readonly Manifest[], name: string) => find(manifests, 'NetworkPolicy', name)['spec'];
const rbacOf = (manifests: readonly Manifest[]) => manifests.filter(({ kind }) => RBAC.includes(kind));

describe('the Kubernetes API', () => {
  test('is out of reach of pods that do not use it', () => {
    const manifests = synth((chart) => new Watcher(chart, 'watcher').watch({ rules: [] }));
    expect(rbacOf(manifests)).toEqual([]);
    expect(podOf(find(manifests, 'Deployment', 'watcher'))['automountServiceAccountToken']).toBe(false);
    expect(policyOf(manifests, 'watcher')).not.toHaveProperty('egress');
  });

  test('in the whole cluster takes a ClusterRole of a name that no other namespace has', () => {
    const manifests = synth((chart) => new Watcher(chart, 'watcher').watch({ rules: [PODS] }, { rules: [NODES] }));
    expect(rbacOf(manifests).map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      ['ClusterRole', 'monitoring:watcher', undefined],
      ['ClusterRoleBinding', 'monitoring:watcher', undefined],
    ]);
    expect(find(manifests, 'ClusterRole', 'monitoring:watcher')['rules']).toEqual([
      { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list', 'watch'] },
    ]);
    expect(find(manifests, 'ClusterRoleBinding', 'monitoring:watcher')).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'monitoring:watcher' },
      subjects: [{ kind: 'ServiceAccount', name: 'watcher', namespace: 'monitoring' }],
    });
    expect(podOf(find(manifests, 'Deployment', 'watcher'))['automountServiceAccountToken']).toBe(true);
    expect(policyOf(manifests, 'watcher').egress).toContainEqual({
      ports: [
        { port: 443, protocol: 'TCP' },
        { port: 6443, protocol: 'TCP' },
      ],
    });
  });

  test('in named namespaces takes a Role in each, bound to the account of the pods', () => {
    const manifests = synth((chart) =>
      new Watcher(chart, 'watcher').watch({ rules: [PODS], namespaces: [undefined, 'shop'] }).watch({
        rules: [{ ...PODS, resources: ['services'] }],
        namespaces: ['monitoring', 'shop'],
      }),
    );
    expect(rbacOf(manifests).map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      ['Role', 'watcher', 'monitoring'],
      ['RoleBinding', 'watcher', 'monitoring'],
      ['Role', 'monitoring:watcher', 'shop'],
      ['RoleBinding', 'monitoring:watcher', 'shop'],
    ]);
    for (const name of ['watcher', 'monitoring:watcher']) {
      expect(find(manifests, 'Role', name)['rules']).toEqual([{ ...PODS, resources: ['pods', 'services'] }]);
      expect(find(manifests, 'RoleBinding', name)['subjects']).toEqual([
        { kind: 'ServiceAccount', name: 'watcher', namespace: 'monitoring' },
      ]);
    }
  });

  test('is not allowed again in a namespace what is allowed everywhere', () => {
    const manifests = synth((chart) =>
      new Watcher(chart, 'watcher').watch({ rules: [PODS] }, { rules: [PODS], namespaces: [undefined] }),
    );
    expect(rbacOf(manifests).map(({ kind }) => kind)).toEqual(['ClusterRole', 'ClusterRoleBinding']);
  });

  test('is granted by the user who brings the account', () => {
    const manifests = synth((chart) => {
      const serviceAccount = ServiceAccount.fromServiceAccountName(chart, 'account', 'mine');
      new Watcher(chart, 'watcher', { serviceAccount }).watch({ rules: [PODS] });
    });
    expect(rbacOf(manifests)).toEqual([]);
    const pod = podOf(find(manifests, 'Deployment', 'watcher'));
    expect([pod['serviceAccountName'], pod['automountServiceAccountToken']]).toEqual(['mine', true]);
  });

  test('has an address where StackDefaults say so', () => {
    const manifests = synth((chart) => {
      StackDefaults.set(chart, { apiServer: { peers: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: [6443] } });
      new Watcher(chart, 'watcher').watch({ rules: [PODS] });
    });
    expect(policyOf(manifests, 'watcher').egress).toContainEqual({
      to: [{ ipBlock: { cidr: '10.0.0.1/32' } }],
      ports: [{ port: 6443, protocol: 'TCP' }],
    });
  });

  test('beyond the own namespace wants the chart to name that', () => {
    const message =
      '[test/watcher] namespace = (not set): the pods read the Kubernetes API beyond their own namespace, and what ' +
      'allows it must name the namespace of their ServiceAccount. To fix: set `namespace` on the chart.';
    const watch = (access: ApiAccess) => (chart: Chart) => new Watcher(chart, 'watcher').watch(access);
    expect(problemsOf(watch({ rules: [PODS] }), {})).toEqual([message]);
    expect(problemsOf(watch({ rules: [PODS], namespaces: ['shop'] }), {})).toEqual([message]);
    expect(problemsOf(watch({ rules: [PODS], namespaces: [undefined] }), {})).toEqual([]);
  });
});

describe('pods on the network of their node', () => {
  const make = (nodes?: { readonly ipBlock: { readonly cidr: string } }[]) =>
    synth((chart) => {
      if (nodes) StackDefaults.set(chart, { nodes });
      const onHost = new Watcher(chart, 'on-host', {}, { network: true, pid: true });
      onHost.http.connectFrom(new Watcher(chart, 'scraper'));
    });

  test('have no NetworkPolicy, and names of the cluster', () => {
    const manifests = make();
    expect(manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata }) => metadata.name)).toEqual([
      'scraper',
    ]);
    expect(podOf(find(manifests, 'Deployment', 'on-host'))).toMatchObject({
      hostNetwork: true,
      hostPID: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
    });
    expect(podOf(find(manifests, 'Deployment', 'scraper'))).not.toHaveProperty('hostNetwork');
  });

  test('are found at the addresses of the nodes, or at any', () => {
    const ports = [{ port: 9100, protocol: 'TCP' }];
    expect(policyOf(make(), 'scraper').egress).toContainEqual({ ports });
    const nodes = { ipBlock: { cidr: '10.1.0.0/16' } };
    expect(policyOf(make([nodes]), 'scraper').egress).toContainEqual({ to: [nodes], ports });
  });
});

describe('config files', () => {
  const annotations = (manifests: readonly Manifest[]) =>
    find(manifests, 'Deployment', 'watcher')['spec'].template.metadata.annotations as object | undefined;

  test('are asked for when all wiring is done', () => {
    const manifests = synth((chart) => {
      const lines: string[] = [];
      new Watcher(chart, 'watcher').addConfigFiles('config', '/etc/watcher', () => ({ 'a.txt': lines.join() }));
      lines.push('late');
    });
    expect(find(manifests, 'ConfigMap', 'watcher-config')['data']).toEqual({ 'a.txt': 'late' });
    expect(annotations(manifests)).toEqual({ 'checksum/config': expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  test('that the process reads again do not roll the pods', () => {
    const manifests = synth((chart) =>
      new Watcher(chart, 'watcher').addConfigFiles('config', '/etc/watcher', { 'a.txt': 'a' }, { reloaded: true }),
    );
    expect(annotations(manifests)).toBeUndefined();
  });

  test('given late are checked as well', () => {
    const files: Files = { 'a/b': '' };
    expect(
      problemsOf((chart) => new Watcher(chart, 'watcher').addConfigFiles('config', '/etc/watcher', () => files)),
    ).toEqual([
      '[test/watcher] files = "a/b": the name of a file in a ConfigMap consists of letters, digits, -, _ and .. ' +
        'To fix: rename the file.',
    ]);
  });
});

test('a visitor sees the workloads of its chart, whenever they are made, and no others', () => {
  const app = new App();
  const chart = new Chart(app, 'one');
  const seen: string[] = [];
  new Watcher(chart, 'before');
  visitWorkloads(chart, ({ metrics }) => seen.push(...metrics.map(({ name, job, port }) => `${name} ${job} ${port}`)));
  new VmSingle(chart, 'after', { volume: { ephemeral: true } });
  new Watcher(new Chart(app, 'two'), 'elsewhere');
  expect(seen).toEqual(['before watcher 9100', 'after-vmsingle vmsingle 8428']);
});

test('an endpoint at each pod has a headless Service of the ready pods, made once and only when asked for', () => {
  const app = new App();
  const chart = new Chart(app, 'test', { namespace: 'monitoring' });
  const { http } = new Watcher(chart, 'watcher');
  expect(manifestsOf(app).filter(({ kind }) => kind === 'Service')).toHaveLength(1);
  expect([http.eachPod().url, http.eachPod().url]).toEqual(Array(2).fill('http://watcher-pods.monitoring.svc:9100'));
  const { spec } = find(manifestsOf(app), 'Service', 'watcher-pods');
  expect(spec).toMatchObject({ clusterIP: 'None', ports: [{ name: 'http', port: 9100 }] });
  expect(spec).not.toHaveProperty('publishNotReadyAddresses');
  expect(Endpoint.external('https://elsewhere').eachPod().url).toBe('https://elsewhere');
});

test('an open flow to all ports of a peer is not narrowed by one to a single port', () => {
  const manifests = synth((chart) => {
    const { connections } = new Watcher(chart, 'watcher');
    const everywhere = { namespaceSelector: {} };
    connections.allowTo(everywhere);
    connections.allowTo(everywhere, { port: 80 });
  });
  expect(policyOf(manifests, 'watcher').egress).toEqual([{ to: [{ namespaceSelector: {} }] }]);
});

describe('config files that may be split', () => {
  const text = 'x'.repeat(100 * 1024);
  const files = { 'a.txt': text, 'b.txt': text, 'c.txt': text };
  const make = (given: Files, serverSideApply = false) =>
    synth((chart) => {
      StackDefaults.set(chart, { serverSideApply });
      new Watcher(chart, 'watcher').addConfigFiles('config', '/etc/watcher', given, { split: true });
    });
  const maps = (manifests: readonly Manifest[]) =>
    manifests
      .filter(({ kind }) => kind === 'ConfigMap')
      .map(({ metadata, ...rest }) => [metadata.name, Object.keys(rest['data'] as object)]);

  test('are in one folder, from as few ConfigMaps as can be applied', () => {
    const manifests = make(files);
    expect(maps(manifests)).toEqual([
      ['watcher-config-0', ['a.txt', 'b.txt']],
      ['watcher-config-1', ['c.txt']],
    ]);
    expect(podOf(find(manifests, 'Deployment', 'watcher'))['volumes']).toEqual([
      {
        name: 'config',
        projected: {
          sources: [{ configMap: { name: 'watcher-config-0' } }, { configMap: { name: 'watcher-config-1' } }],
        },
      },
    ]);
  });

  test('are in one ConfigMap where that is enough', () => {
    expect(maps(make(files, true))).toEqual([['watcher-config', ['a.txt', 'b.txt', 'c.txt']]]);
    expect(podOf(find(make({ 'a.txt': '' }), 'Deployment', 'watcher'))['volumes']).toEqual([
      { name: 'config', configMap: { name: 'watcher-config' } },
    ]);
  });

  test('are refused where a single file is too large', () => {
    const large = { 'large.txt': text.repeat(3) };
    expect(
      problemsOf((chart) =>
        new Watcher(chart, 'watcher').addConfigFiles('config', '/etc/watcher', large, { split: true }),
      ),
    ).toEqual([expect.stringMatching(/^\[test\/watcher\] files = "large\.txt": 307\d+ bytes make the ConfigMap/)]);
  });
});

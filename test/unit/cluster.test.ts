import { Duration, Size } from 'cdk8s';
import { Retention, SecretRef, StackDefaults, Tenant, VmCluster, VmSingle, type VmClusterProps } from '../../src';
import { argsOf, find, podOf, synth } from './synth';

const volume = { size: Size.gibibytes(10) };

const cluster = (props: Partial<VmClusterProps> = {}) =>
  synth((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume }, ...props }));

describe('replication is wired everywhere it must be', () => {
  const manifests = cluster({ replicationFactor: 2, vmstorage: { volume, replicas: 3 } });
  const storage = argsOf(find(manifests, 'StatefulSet', 'metrics-vmstorage'));
  const insert = argsOf(find(manifests, 'Deployment', 'metrics-vminsert'));
  const select = argsOf(find(manifests, 'Deployment', 'metrics-vmselect'));

  test('vminsert writes two copies', () => expect(insert).toContain('-replicationFactor=2'));
  test('vmselect expects two copies', () => expect(select).toContain('-replicationFactor=2'));
  test('vmselect and vmstorage remove the copies alike', () => {
    expect(select).toContain('-dedup.minScrapeInterval=1ms');
    expect(storage).toContain('-dedup.minScrapeInterval=1ms');
  });
  test('each node is named', () => {
    const nodes = (port: number) =>
      [0, 1, 2].map((n) => `-storageNode=metrics-vmstorage-${n}.metrics-vmstorage.monitoring.svc:${port}`);
    expect(insert.filter((arg) => arg.startsWith('-storageNode'))).toEqual(nodes(8400));
    expect(select.filter((arg) => arg.startsWith('-storageNode'))).toEqual(nodes(8401));
  });
});

test('a node that was updated is found again before the next one goes', () => {
  expect(find(cluster(), 'StatefulSet', 'metrics-vmstorage')['spec']).toMatchObject({ minReadySeconds: 10 });
});

test('without replication nothing speaks of it', () => {
  const args = cluster().flatMap((manifest) =>
    ['StatefulSet', 'Deployment'].includes(manifest.kind) ? argsOf(manifest) : [],
  );
  expect(args.filter((arg) => /replicationFactor|dedup/.test(arg))).toEqual([]);
});

test.each([
  [1, 2],
  [2, 3],
  [3, 5],
])('replicationFactor %i brings %i nodes by default', (replicationFactor, replicas) => {
  const storage = find(cluster({ replicationFactor }), 'StatefulSet', 'metrics-vmstorage');
  expect(storage['spec'].replicas).toBe(replicas);
});

test('a deduplication interval of the user holds on vmstorage and vmselect', () => {
  const manifests = cluster({ replicationFactor: 2, dedupInterval: Duration.seconds(30) });
  for (const [kind, name] of [
    ['StatefulSet', 'metrics-vmstorage'],
    ['Deployment', 'metrics-vmselect'],
  ] as const) {
    expect(argsOf(find(manifests, kind, name))).toContain('-dedup.minScrapeInterval=30s');
  }
});

test('a node excluded from writes is still searched', () => {
  const manifests = cluster({ vmstorage: { volume, replicas: 3, excludeFromWrites: [1] } });
  const nodes = (name: string) =>
    argsOf(find(manifests, 'Deployment', name))
      .filter((arg) => arg.startsWith('-storageNode'))
      .map((arg) => /vmstorage-(\d)/.exec(arg)?.[1]);
  expect(nodes('metrics-vminsert')).toEqual(['0', '2']);
  expect(nodes('metrics-vmselect')).toEqual(['0', '1', '2']);
});

test('nodes elsewhere are written to, searched and allowed', () => {
  const manifests = cluster({
    externalStorageNodes: [
      { host: 'storage.example.com', cidr: '10.0.0.0/24' },
      { host: '10.1.0.7', insertPort: 18400 },
    ],
  });
  expect(argsOf(find(manifests, 'Deployment', 'metrics-vminsert'))).toEqual(
    expect.arrayContaining(['-storageNode=storage.example.com:8400', '-storageNode=10.1.0.7:18400']),
  );
  expect(argsOf(find(manifests, 'Deployment', 'metrics-vmselect'))).toEqual(
    expect.arrayContaining(['-storageNode=storage.example.com:8401', '-storageNode=10.1.0.7:8401']),
  );
  const { egress } = find(manifests, 'NetworkPolicy', 'metrics-vminsert')['spec'];
  expect(egress).toContainEqual({
    to: [{ ipBlock: { cidr: '10.0.0.0/24' } }],
    ports: [{ port: 8400, protocol: 'TCP' }],
  });
  expect(egress).toContainEqual({
    to: [{ ipBlock: { cidr: '10.1.0.7/32' } }],
    ports: [{ port: 18400, protocol: 'TCP' }],
  });
});

test('limits reach the processes that keep them', () => {
  const manifests = cluster({
    retention: Retention.days(90),
    futureRetention: Retention.days(3),
    seriesLimits: { hourly: 1000, daily: 5000 },
    labelLimits: { maxLabelsPerTimeseries: 50, maxLabelNameLength: 128, maxLabelValueLength: 1024 },
    queryLimits: { maxQueryDuration: Duration.minutes(2), maxConcurrentRequests: 100, maxUniqueTimeseries: 1_000_000 },
    vmstorage: { volume, minFreeDisk: Size.gibibytes(1) },
  });
  expect(argsOf(find(manifests, 'StatefulSet', 'metrics-vmstorage'))).toEqual([
    '-futureRetention=3d',
    '-httpListenAddr=:8482',
    '-retentionPeriod=90d',
    '-search.maxUniqueTimeseries=1000000',
    '-storage.maxDailySeries=5000',
    '-storage.maxHourlySeries=1000',
    '-storage.minFreeDiskSpaceBytes=1GiB',
    '-storageDataPath=/storage',
    '-vminsertAddr=:8400',
    '-vmselectAddr=:8401',
  ]);
  expect(argsOf(find(manifests, 'Deployment', 'metrics-vminsert'))).toEqual(
    expect.arrayContaining(['-maxLabelsPerTimeseries=50', '-maxLabelNameLen=128', '-maxLabelValueLen=1024']),
  );
  const select = find(manifests, 'Deployment', 'metrics-vmselect');
  expect(argsOf(select)).toEqual(
    expect.arrayContaining([
      '-search.maxQueryDuration=2m',
      '-search.maxConcurrentRequests=100',
      '-search.maxUniqueTimeseries=1000000',
      '-http.maxGracefulShutdownDuration=2m',
    ]),
  );
  // A query that may run for two minutes is given them when its pod has to go.
  expect(podOf(select)['terminationGracePeriodSeconds']).toBe(10 + 120 + 20);
});

test('a cache on a claim makes vmselect a StatefulSet whose pods know each other', () => {
  const manifests = cluster({ vmselect: { cache: { size: Size.gibibytes(5) } } });
  const select = find(manifests, 'StatefulSet', 'metrics-vmselect');
  expect(select['spec'].serviceName).toBe('metrics-vmselect-headless');
  expect(argsOf(select).filter((arg) => arg.startsWith('-selectNode'))).toEqual([
    '-selectNode=metrics-vmselect-0.metrics-vmselect-headless.monitoring.svc:8481',
    '-selectNode=metrics-vmselect-1.metrics-vmselect-headless.monitoring.svc:8481',
  ]);
  const peers = find(manifests, 'NetworkPolicy', 'metrics-vmselect')['spec'].ingress as unknown;
  expect(peers).toMatchObject([{ ports: [{ port: 8481, protocol: 'TCP' }] }]);
  expect(find(manifests, 'Service', 'metrics-vmselect')['spec'].clusterIP).toBeUndefined();
});

test('an autoscaler owns the number of replicas', () => {
  const manifests = cluster({ vminsert: { autoscaling: { minReplicas: 2, maxReplicas: 5 } } });
  expect(find(manifests, 'Deployment', 'metrics-vminsert')['spec']).not.toHaveProperty('replicas');
  expect(find(manifests, 'HorizontalPodAutoscaler', 'metrics-vminsert')['spec']).toEqual({
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'metrics-vminsert' },
    minReplicas: 2,
    maxReplicas: 5,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 75 } } }],
  });
});

test('the version of the cluster is that of all components, and an image of a component wins', () => {
  const images = cluster({ version: 'v1.149.0' }).flatMap((manifest) =>
    ['StatefulSet', 'Deployment'].includes(manifest.kind) ? [podOf(manifest)['containers'][0].image as string] : [],
  );
  expect(images).toEqual([
    'docker.io/victoriametrics/vmstorage:v1.149.0-cluster',
    'docker.io/victoriametrics/vminsert:v1.149.0-cluster',
    'docker.io/victoriametrics/vmselect:v1.149.0-cluster',
  ]);
});

describe('endpoints', () => {
  const urls: Record<string, string> = {};
  synth((chart) => {
    const made = new VmCluster(chart, 'metrics', {
      vmstorage: { volume },
      vminsert: { listeners: { graphite: {}, openTsdb: {}, openTsdbHttp: { port: 4243 } } },
    });
    const single = new VmSingle(chart, 'one', { volume, listeners: { graphite: {} } });
    const tenant = Tenant.of(42, 7);
    const all = made.ingest(tenant);
    Object.assign(urls, {
      write: made.write().url,
      tenantWrite: made.write(tenant).url,
      multitenantRead: made.read(Tenant.MULTITENANT).url,
      read: made.read().url,
      importText: all.importText.url,
      importJson: all.importJson.url,
      importCsv: all.importCsv.url,
      importNative: all.importNative.url,
      otlp: all.otlp.url,
      influx: all.influx.url,
      datadog: all.datadog.url,
      newRelic: all.newRelic.url,
      openTsdbHttp: all.openTsdbHttp.url,
      graphite: made.ingest().graphite.address,
      openTsdb: made.ingest().openTsdb.url,
      singleWrite: single.write().url,
      singleRead: single.read().url,
      singleOtlp: single.ingest().otlp.url,
      singleGraphite: single.ingest().graphite.url,
      influxV2: all.influxV2.url,
      zabbix: all.zabbix.url,
    });
  });
  const insert = 'http://metrics-vminsert.monitoring.svc:8480/insert';

  test('are where VictoriaMetrics serves the protocols', () => {
    expect(urls).toEqual({
      write: `${insert}/0/prometheus/api/v1/write`,
      tenantWrite: `${insert}/42:7/prometheus/api/v1/write`,
      multitenantRead: 'http://metrics-vmselect.monitoring.svc:8481/select/multitenant/prometheus',
      read: 'http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus',
      importText: `${insert}/42:7/prometheus/api/v1/import/prometheus`,
      importJson: `${insert}/42:7/prometheus/api/v1/import`,
      importCsv: `${insert}/42:7/prometheus/api/v1/import/csv`,
      importNative: `${insert}/42:7/prometheus/api/v1/import/native`,
      otlp: `${insert}/42:7/opentelemetry/v1/metrics`,
      influx: `${insert}/42:7/influx/write`,
      datadog: `${insert}/42:7/datadog`,
      newRelic: `${insert}/42:7/newrelic/infra/v2/metrics/events/bulk`,
      openTsdbHttp: 'http://metrics-vminsert.monitoring.svc:4243/insert/42:7/opentsdb/api/put',
      graphite: 'metrics-vminsert.monitoring.svc:2003',
      openTsdb: 'tcp://metrics-vminsert.monitoring.svc:4242',
      singleWrite: 'http://one-vmsingle.monitoring.svc:8428/api/v1/write',
      singleRead: 'http://one-vmsingle.monitoring.svc:8428',
      singleOtlp: 'http://one-vmsingle.monitoring.svc:8428/opentelemetry/v1/metrics',
      singleGraphite: 'tcp://one-vmsingle.monitoring.svc:2003',
      influxV2: `${insert}/42:7/influx/api/v2/write`,
      zabbix: `${insert}/42:7/zabbixconnector/api/v1/history`,
    });
  });

  test('of a closed listener or of a tenant that the protocol cannot name are refused', () => {
    synth((chart) => {
      const made = new VmCluster(chart, 'metrics', {
        vmstorage: { volume },
        vminsert: { listeners: { graphite: {} } },
      });
      expect(() => made.ingest().openTsdb).toThrow(
        'vminsert.listeners.openTsdb = (not set): an endpoint for openTsdb was asked for, but its listener is closed. ' +
          'To fix: set `vminsert.listeners: { openTsdb: {} }`.',
      );
      expect(() => made.ingest(Tenant.of(1)).graphite).toThrow(
        'tenant = 1: the protocol of graphite names no tenant: all that it brings goes to tenant 0. ' +
          'To fix: leave the tenant out, or send the data through a protocol over HTTP.',
      );
    });
  });
});

test('names are relative where the chart names no namespace, and full where the domain is known', () => {
  const bare = synth((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume, replicas: 1 } }), {});
  expect(argsOf(find(bare, 'Deployment', 'metrics-vminsert'))).toContain(
    '-storageNode=metrics-vmstorage-0.metrics-vmstorage:8400',
  );
  const full = synth((chart) => {
    StackDefaults.set(chart, { clusterDomain: 'cluster.local' });
    new VmCluster(chart, 'metrics', { vmstorage: { volume, replicas: 1 } });
  });
  expect(argsOf(find(full, 'Deployment', 'metrics-vminsert'))).toContain(
    '-storageNode=metrics-vmstorage-0.metrics-vmstorage.monitoring.svc.cluster.local.:8400',
  );
});

test('the listener of OpenTSDB over HTTP wants basic auth as well, that of the line protocols cannot', () => {
  synth((chart) => {
    const httpAuth = { username: 'admin', password: SecretRef.of('auth', 'password') };
    const listeners = { graphite: {}, openTsdbHttp: {} };
    const made = new VmCluster(chart, 'metrics', { vmstorage: { volume }, vminsert: { httpAuth, listeners } });
    expect(made.ingest().openTsdbHttp.credentials).toEqual(httpAuth);
    expect(made.ingest().graphite.credentials).toBeUndefined();
  });
});

test('tenants from JavaScript are read or refused', () => {
  synth((chart) => {
    const made = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
    expect(made.write('42:7' as unknown as Tenant).url).toContain('/insert/42:7/');
    expect(() => made.read('a/../b' as unknown as Tenant)).toThrow('tenant = "a/../b": must be accountID');
  });
});

test('UDP is opened beside TCP where asked for', () => {
  const manifests = synth((chart) => {
    StackDefaults.set(chart, { serverSideApply: true });
    new VmCluster(chart, 'metrics', { vmstorage: { volume }, vminsert: { listeners: { graphite: { udp: true } } } });
  });
  const { ports } = find(manifests, 'Service', 'metrics-vminsert')['spec'] as { ports: object[] };
  expect(ports).toEqual([
    { name: 'http', port: 8480, protocol: 'TCP', targetPort: 'http', appProtocol: 'http' },
    { name: 'graphite', port: 2003, protocol: 'TCP', targetPort: 'graphite' },
    { name: 'graphite-udp', port: 2003, protocol: 'UDP', targetPort: 'graphite-udp' },
  ]);
});

test('basic auth is read from a mounted Secret, and endpoints carry it', () => {
  const password = SecretRef.of('vm-auth', 'password');
  let credentials: unknown;
  const manifests = synth((chart) => {
    const single = new VmSingle(chart, 'metrics', { volume, httpAuth: { username: 'admin', password } });
    credentials = single.write().credentials;
  });
  const statefulSet = find(manifests, 'StatefulSet', 'metrics-vmsingle');
  expect(argsOf(statefulSet)).toEqual(
    expect.arrayContaining(['-httpAuth.username=admin', '-httpAuth.password=file:///etc/secrets/vm-auth/password']),
  );
  expect(podOf(statefulSet)['volumes']).toEqual([
    { name: 'secret-0', secret: { secretName: 'vm-auth', items: [{ key: 'password', path: 'password' }] } },
  ]);
  expect(podOf(statefulSet)['containers'][0].volumeMounts).toContainEqual({
    name: 'secret-0',
    mountPath: '/etc/secrets/vm-auth',
    readOnly: true,
  });
  expect(credentials).toEqual({ username: 'admin', password });
});

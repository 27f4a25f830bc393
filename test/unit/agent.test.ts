import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import {
  InvalidValueError,
  Prometheus,
  ReadEndpoint,
  Scrape,
  SecretRef,
  StackDefaults,
  Tenant,
  VmAgent,
  VmAuth,
  VmCluster,
  VmSingle,
  WriteEndpoint,
  type RelabelConfig,
  type ScrapeJob,
  type VmAgentProps,
  type Volume,
} from '../../src';

import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };
const ELSEWHERE = 'https://metrics.example.com/api/v1/write';
const elsewhere = WriteEndpoint.external(ELSEWHERE);

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

const staticJob = (name: string, more: Partial<ScrapeJob> = {}): ScrapeJob => ({
  name,
  render: () => ({ job_name: name, static_configs: [{ targets: ['10.0.0.1:9100'] }] }),
  ...more,
});

const agent = (props: Partial<VmAgentProps> = {}, more: (chart: Chart) => unknown = () => undefined): Manifest[] =>
  synth((chart) => {
    new VmAgent(chart, 'agent', { remoteWrite: [elsewhere], ...props });
    more(chart);
  });

const deployment = (manifests: readonly Manifest[]) => find(manifests, 'Deployment', 'agent-vmagent');
const statefulSet = (manifests: readonly Manifest[]) => find(manifests, 'StatefulSet', 'agent-vmagent');
const kinds = (manifests: readonly Manifest[]) => manifests.map(({ kind }) => kind).sort();
const flag = (workload: Manifest, name: string) =>
  argsOf(workload)
    .filter((arg) => arg.startsWith(`-${name}=`))
    .map((arg) => arg.slice(name.length + 2));
interface ScrapeFile {
  readonly global: { readonly external_labels?: object };
  readonly scrape_config_files?: readonly string[];
  readonly scrape_configs: readonly { readonly job_name: string }[];
}

const file = (manifests: readonly Manifest[], name: string, key: string) =>
  parse(find(manifests, 'ConfigMap', `agent-vmagent-${name}`)['data'][key] as string);

const jobNames = (manifests: readonly Manifest[]) =>
  (file(manifests, 'scrape', 'scrape.yaml') as ScrapeFile).scrape_configs.map((job) => job.job_name);

/** A job with so many targets. */
const large = (name: string, targets: number): ScrapeJob =>
  Scrape.static({ name, targets: [...Array(targets).keys()].map((index) => `node-${index}.example.com:9100`) });

describe('what a pod is', () => {
  test('without anything to scrape it has no file, no token and no role', () => {
    const manifests = agent({ scrapeStack: false });
    expect(kinds(manifests)).toEqual(['Deployment', 'NetworkPolicy', 'Service', 'ServiceAccount']);
    expect(argsOf(deployment(manifests))).toEqual([
      '-http.shutdownDelay=10s',
      '-httpListenAddr=:8429',
      '-remoteWrite.maxDiskUsagePerURL=1024MiB',
      '-remoteWrite.tmpDataPath=/queue',
      `-remoteWrite.url=${ELSEWHERE}`,
    ]);
    const pod = podOf(deployment(manifests));
    expect(pod['automountServiceAccountToken']).toBe(false);
    expect(pod['volumes']).toEqual([{ name: 'data', emptyDir: {} }]);
    expect(pod['containers'][0].resources).toEqual({
      requests: { cpu: '50m', memory: '200Mi' },
      limits: { memory: '500Mi' },
    });
    expect(pod['terminationGracePeriodSeconds']).toBe(57);
  });

  test('static targets need the file and nothing of the Kubernetes API', () => {
    const manifests = agent({ scrapeStack: false, scrape: [staticJob('one'), [staticJob('two'), staticJob('three')]] });
    expect(kinds(manifests)).toEqual(['ConfigMap', 'Deployment', 'NetworkPolicy', 'Service', 'ServiceAccount']);
    expect(podOf(deployment(manifests))['automountServiceAccountToken']).toBe(false);
    expect(jobNames(manifests)).toEqual(['one', 'two', 'three']);
    expect(argsOf(deployment(manifests))).toEqual(
      expect.arrayContaining([
        '-promscrape.config=/etc/vmagent/scrape/scrape.yaml',
        '-promscrape.configCheckInterval=30s',
      ]),
    );
    // vmagent reads the file again by itself.
    expect(deployment(manifests)['spec'].template.metadata.annotations).toBeUndefined();
  });

  test('a queue on a claim brings a StatefulSet, which goes on under the names of its pods', () => {
    const manifests = agent({ queue: volume, replicas: 2, scrapeStack: false });
    const workload = statefulSet(manifests);
    expect(workload['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('10Gi');
    expect(kinds(manifests)).toContain('PodDisruptionBudget');
    expect(find(manifests, 'Service', 'agent-vmagent')['spec'].clusterIP).toBeUndefined();
  });

  test.each<[string, Partial<VmAgentProps>, string]>([
    ['with one target', {}, '57'],
    ['with three', { remoteWrite: ['a', 'b', 'c'].map((host) => WriteEndpoint.external(`https://${host}/w`)) }, '77'],
    ['with a shorter delay', { shutdownDelay: Duration.seconds(1) }, '48'],
  ])('the grace period lets it send and write what it has, %s', (_, props, seconds) => {
    expect(podOf(deployment(agent(props)))['terminationGracePeriodSeconds']).toBe(Number(seconds));
  });
});

describe('targets', () => {
  test('a target of the stack is reached by both NetworkPolicies, and shown in metrics', () => {
    const manifests = synth((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume });
      new VmAgent(chart, 'agent', { remoteWrite: [single.write()], scrapeStack: false });
    });
    expect(flag(deployment(manifests), 'remoteWrite.url')).toEqual([
      'http://metrics-vmsingle.monitoring.svc:8428/api/v1/write',
    ]);
    expect(flag(deployment(manifests), 'remoteWrite.showURL')).toEqual(['true']);
    const selector = (name: string, instance: string, component: string) => ({
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/component': component,
          'app.kubernetes.io/instance': instance,
          'app.kubernetes.io/name': name,
        },
      },
    });
    const ports = [{ port: 8428, protocol: 'TCP' }];
    expect(find(manifests, 'NetworkPolicy', 'agent-vmagent')['spec'].egress).toContainEqual({
      to: [selector('vmsingle', 'metrics', 'single')],
      ports,
    });
    expect(find(manifests, 'NetworkPolicy', 'metrics-vmsingle')['spec'].ingress).toEqual([
      { from: [selector('vmagent', 'agent', 'agent')], ports },
    ]);
  });

  test('each flag of several targets has a place for each of them', () => {
    const manifests = agent({
      remoteWrite: [
        WriteEndpoint.external('https://a.example.com/w', { credentials: { bearerToken: SecretRef.of('a', 'token') } }),
        elsewhere,
        {
          endpoint: WriteEndpoint.external('https://b.example.com/w', {
            credentials: { username: 'me', password: SecretRef.of('b', 'password') },
          }),
          queues: 4,
          inmemoryQueues: 2,
          maxDiskUsage: Size.gibibytes(2),
          timeout: Duration.seconds(90),
          rateLimit: Size.kibibytes(100),
          headers: { 'X-Scope-OrgID': 'team', 'X-Zone': 'a,b' },
          tls: {
            ca: SecretRef.of('tls', 'ca.crt'),
            cert: SecretRef.of('tls', 'tls.crt'),
            key: SecretRef.of('tls', 'tls.key'),
            serverName: 'b',
            insecureSkipVerify: true,
          },
          protocol: 'prometheus',
          relabelConfigs: [{ action: 'labeldrop', regex: 'pod' }],
          streamAggregation: { rules: [{ interval: Duration.minutes(1), outputs: ['last'] }], keepInput: true },
        },
      ],
      scrapeStack: false,
    });
    expect(argsOf(statefulSet(manifests)).filter((arg) => arg.startsWith('-remoteWrite.'))).toEqual([
      '-remoteWrite.basicAuth.passwordFile=',
      '-remoteWrite.basicAuth.passwordFile=',
      '-remoteWrite.basicAuth.passwordFile=/etc/secrets/b/password',
      '-remoteWrite.basicAuth.username=',
      '-remoteWrite.basicAuth.username=',
      '-remoteWrite.basicAuth.username=me',
      '-remoteWrite.bearerTokenFile=/etc/secrets/a/token',
      '-remoteWrite.bearerTokenFile=',
      '-remoteWrite.bearerTokenFile=',
      '-remoteWrite.forcePromProto=',
      '-remoteWrite.forcePromProto=',
      '-remoteWrite.forcePromProto=true',
      '-remoteWrite.forceVMProto=',
      '-remoteWrite.forceVMProto=',
      '-remoteWrite.forceVMProto=false',
      '-remoteWrite.headers=',
      '-remoteWrite.headers=',
      '-remoteWrite.headers="X-Scope-OrgID:team^^X-Zone:a,b"',
      '-remoteWrite.inmemoryQueues=',
      '-remoteWrite.inmemoryQueues=',
      '-remoteWrite.inmemoryQueues=2',
      '-remoteWrite.maxDiskUsagePerURL=1024MiB',
      '-remoteWrite.maxDiskUsagePerURL=1024MiB',
      '-remoteWrite.maxDiskUsagePerURL=2048MiB',
      '-remoteWrite.queues=',
      '-remoteWrite.queues=',
      '-remoteWrite.queues=4',
      '-remoteWrite.rateLimit=',
      '-remoteWrite.rateLimit=',
      '-remoteWrite.rateLimit=102400',
      '-remoteWrite.sendTimeout=',
      '-remoteWrite.sendTimeout=',
      '-remoteWrite.sendTimeout=90s',
      '-remoteWrite.streamAggr.config=',
      '-remoteWrite.streamAggr.config=',
      '-remoteWrite.streamAggr.config=/etc/vmagent/remote-write/aggregation-3.yaml',
      '-remoteWrite.streamAggr.keepInput=',
      '-remoteWrite.streamAggr.keepInput=',
      '-remoteWrite.streamAggr.keepInput=true',
      '-remoteWrite.tlsCAFile=',
      '-remoteWrite.tlsCAFile=',
      '-remoteWrite.tlsCAFile=/etc/secrets/tls/ca.crt',
      '-remoteWrite.tlsCertFile=',
      '-remoteWrite.tlsCertFile=',
      '-remoteWrite.tlsCertFile=/etc/secrets/tls/tls.crt',
      '-remoteWrite.tlsInsecureSkipVerify=',
      '-remoteWrite.tlsInsecureSkipVerify=',
      '-remoteWrite.tlsInsecureSkipVerify=true',
      '-remoteWrite.tlsKeyFile=',
      '-remoteWrite.tlsKeyFile=',
      '-remoteWrite.tlsKeyFile=/etc/secrets/tls/tls.key',
      '-remoteWrite.tlsServerName=',
      '-remoteWrite.tlsServerName=',
      '-remoteWrite.tlsServerName=b',
      '-remoteWrite.tmpDataPath=/queue',
      '-remoteWrite.url=https://a.example.com/w',
      `-remoteWrite.url=${ELSEWHERE}`,
      '-remoteWrite.url=https://b.example.com/w',
      '-remoteWrite.urlRelabelConfig=',
      '-remoteWrite.urlRelabelConfig=',
      '-remoteWrite.urlRelabelConfig=/etc/vmagent/remote-write/relabel-3.yaml',
    ]);
    const volumes = podOf(statefulSet(manifests))['volumes'] as readonly Volume[];
    expect(volumes.flatMap(({ secret }) => secret?.secretName ?? [])).toEqual(['a', 'b', 'tls']);
  });

  test('files that vmagent reads only once roll the pods', () => {
    const annotations = (regex: string) =>
      deployment(agent({ relabelConfigs: [{ action: 'labeldrop', regex }], scrapeStack: false }))['spec'].template
        .metadata.annotations;
    expect(Object.keys(annotations('a'))).toEqual(['checksum/remote-write']);
    expect(annotations('a')).not.toEqual(annotations('b'));
    const manifests = agent({ relabelConfigs: [{ action: 'labeldrop', regex: 'a' }], scrapeStack: false });
    expect(file(manifests, 'remote-write', 'relabel.yaml')).toEqual([{ action: 'labeldrop', regex: 'a' }]);
    expect(flag(deployment(manifests), 'remoteWrite.relabelConfig')).toEqual([
      '/etc/vmagent/remote-write/relabel.yaml',
    ]);
  });

  test('series are shared out among targets', () => {
    const manifests = agent({
      remoteWrite: ['a', 'b', 'c'].map((host) => WriteEndpoint.external(`https://${host}/w`)),
      shardByUrl: { replicas: 2, ignoreLabels: ['pod', 'node'] },
    });
    expect(argsOf(deployment(manifests)).filter((arg) => arg.startsWith('-remoteWrite.shardByURL'))).toEqual([
      '-remoteWrite.shardByURL=true',
      '-remoteWrite.shardByURL.ignoreLabels=pod',
      '-remoteWrite.shardByURL.ignoreLabels=node',
      '-remoteWrite.shardByURLReplicas=2',
    ]);
  });
});

describe('what waits on disk', () => {
  const limits = (props: Partial<VmAgentProps>) => {
    const workload = agent({ scrapeStack: false, ...props }).find(
      ({ kind }) => kind === 'Deployment' || kind === 'StatefulSet',
    )!;
    return flag(workload, 'remoteWrite.maxDiskUsagePerURL');
  };
  const two = (...sizes: readonly (Size | undefined)[]) =>
    sizes.map((maxDiskUsage, index) => ({ endpoint: WriteEndpoint.external(`https://t${index}/w`), maxDiskUsage }));

  test.each<[string, Partial<VmAgentProps>, string[]]>([
    ['one target gets the claim', { queue: volume }, ['9215MiB']],
    ['several share it', { queue: volume, remoteWrite: two(undefined, undefined) }, ['4351MiB', '4351MiB']],
    [
      'one says what it takes, the other gets the rest',
      { queue: volume, remoteWrite: two(Size.gibibytes(2), undefined) },
      ['2048MiB', '6654MiB'],
    ],
    ['a limit on ephemeral space counts', { queue: { ephemeral: true, sizeLimit: Size.gibibytes(4) } }, ['3378MiB']],
    [
      'without any each target gets a gibibyte',
      { remoteWrite: two(undefined, Size.gibibytes(3)) },
      ['1024MiB', '3072MiB'],
    ],
  ])('%s', (_, props, expected) => expect(limits(props)).toEqual(expected));

  test.each([2, 3, 5, 7, 11, 50, 999])('limits and files never exceed a claim of %i GiB', (gibibytes) => {
    for (let targets = 1; targets <= 12 && targets * 1.06 < gibibytes; targets++) {
      const sum = limits({
        queue: { size: Size.gibibytes(gibibytes) },
        remoteWrite: two(...Array<undefined>(targets).fill(undefined)),
      }).reduce((total, limit) => total + Number.parseInt(limit) + 513, 0);
      expect(sum).toBeLessThanOrEqual(gibibytes * 1024 * 0.95);
      expect(sum).toBeGreaterThan(gibibytes * 1024 * 0.95 - targets - 1);
    }
  });
});

describe('scraping', () => {
  test('all of the chart is scraped, made before or after, through the NetworkPolicies, with a role of its namespace', () => {
    const manifests = synth((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume });
      new VmAgent(chart, 'agent', { remoteWrite: [single.write()], scrape: [staticJob('own')] });
      new VmCluster(chart, 'later', { vmstorage: { volume } });
    });
    expect(jobNames(manifests)).toEqual([
      'own',
      'monitoring/agent-vmagent',
      'monitoring/later-vminsert',
      'monitoring/later-vmselect',
      'monitoring/later-vmstorage',
      'monitoring/metrics-vmsingle',
    ]);
    expect(find(manifests, 'Role', 'agent-vmagent')['rules']).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    ]);
    expect(kinds(manifests)).not.toContain('ClusterRole');
    expect(podOf(deployment(manifests))['automountServiceAccountToken']).toBe(true);
    const { ingress } = find(manifests, 'NetworkPolicy', 'later-vmstorage')['spec'] as {
      readonly ingress: readonly { readonly from: unknown; readonly ports: unknown }[];
    };
    const opened = ingress.filter(({ from }) => JSON.stringify(from).includes('vmagent'));
    expect(opened.map(({ ports }) => ports)).toEqual([[{ port: 8482, protocol: 'TCP' }]]);
  });

  test('what is allowed in the whole cluster is not allowed in a namespace again, whatever the order of the jobs', () => {
    const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] };
    const manifests = agent({
      scrapeStack: false,
      scrape: [
        staticJob('in-one', { apiAccess: [{ rules: [pods], namespaces: ['shop'] }] }),
        staticJob('in-all', { apiAccess: [{ rules: [pods] }] }),
      ],
    });
    expect(kinds(manifests).filter((kind) => kind.endsWith('Role'))).toEqual(['ClusterRole']);
  });

  test('jobs that one ConfigMap cannot hold have files of their own, in several', () => {
    const sizes = [2000, 2000, 1000, 2000];
    const jobs = sizes.map((size, index) => large(`job-${index}`, size));
    const manifests = agent({ scrape: jobs });
    const main = file(manifests, 'scrape', 'scrape.yaml') as ScrapeFile;
    expect(main.scrape_config_files).toEqual(['/etc/vmagent/scrape-jobs/*.yaml']);
    expect(main.scrape_configs.map((job) => job.job_name)).toEqual(['monitoring/agent-vmagent']);
    const maps = manifests.filter(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.includes('scrape-jobs'),
    );
    expect(maps.map(({ data }) => Object.keys(data as object))).toEqual([['1.yaml', '2.yaml', '3.yaml'], ['4.yaml']]);
    for (const { data } of maps) expect(JSON.stringify(data).length).toBeLessThan(256 * 1024);
    const read = maps.flatMap(({ data }) =>
      Object.values(data as Record<string, string>).flatMap((text) => parse(text)),
    );
    expect(read).toEqual(jobs.map((job) => job.render(String)));
    const pod = podOf(deployment(manifests));
    const volume = (pod['volumes'] as readonly Volume[]).find(({ name }) => name === 'scrape-jobs');
    expect(volume?.projected).toMatchObject({
      sources: maps.map(({ metadata }) => ({ configMap: { name: metadata.name } })),
    });
    expect(pod['containers'][0].volumeMounts).toContainEqual({
      name: 'scrape-jobs',
      mountPath: '/etc/vmagent/scrape-jobs',
      readOnly: true,
    });

    const few = agent({ scrape: jobs.slice(0, 1) });
    expect(few.filter(({ kind }) => kind === 'ConfigMap')).toHaveLength(1);
    expect(jobNames(few)).toEqual(['job-0', 'monitoring/agent-vmagent']);
  });

  test('jobs open the ways that they need and bring their Secrets', () => {
    const manifests = agent({
      scrapeStack: false,
      scrape: [
        staticJob('a', { destinations: [{ kind: 'nodes', ports: [{ port: 10250 }] }] }),
        staticJob('b', {
          destinations: [
            { kind: 'peer', peer: { ipBlock: { cidr: '10.1.0.0/16' } }, ports: [{ port: 9100 }] },
            { kind: 'anywhere', ports: [{ port: 9200 }] },
          ],
          secrets: [SecretRef.of('exporter', 'password')],
        }),
      ],
    });
    const { egress } = find(manifests, 'NetworkPolicy', 'agent-vmagent')['spec'];
    expect(egress).toContainEqual({ ports: [{ port: 443 }, { port: 9200 }, { port: 10250 }].map(tcp) });
    expect(egress).toContainEqual({ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [tcp({ port: 9100 })] });
    expect(podOf(deployment(manifests))['volumes']).toContainEqual({
      name: 'secret-0',
      secret: { secretName: 'exporter', items: [{ key: 'password', path: 'password' }] },
    });
  });
});

const tcp = (port: { port: number }) => ({ ...port, protocol: 'TCP' });

describe('several replicas', () => {
  const pair = (props: Partial<VmAgentProps>) =>
    synth((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume, dedupInterval: Duration.seconds(30) });
      new VmAgent(chart, 'agent', { remoteWrite: [single.write()], replicas: 2, ...props });
    });

  test('scrape at different times, under their names', () => {
    const workload = deployment(pair({}));
    expect(argsOf(workload)).toContain('-promscrape.cluster.name=%{POD_NAME}');
    expect(podOf(workload)['containers'][0].env).toEqual([
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ]);
  });

  test('share the targets as a StatefulSet, whose pods have numbers', () => {
    const workload = statefulSet(pair({ replicas: 3, sharding: { replicationFactor: 2, byLabels: ['job'] } }));
    expect(argsOf(workload).filter((arg) => arg.startsWith('-promscrape.cluster'))).toEqual([
      '-promscrape.cluster.memberNum=%{POD_NAME}',
      '-promscrape.cluster.membersCount=3',
      '-promscrape.cluster.replicationFactor=2',
      '-promscrape.cluster.shardByLabels=job',
    ]);
  });

  test('that only take pushed data need no deduplication', () => {
    expect(kinds(agent({ replicas: 2, scrapeStack: false }))).toContain('PodDisruptionBudget');
  });

  test('of shards each target has one, which needs no deduplication', () => {
    expect(
      problemsOf((chart) => {
        const single = new VmSingle(chart, 'metrics', { volume });
        new VmAgent(chart, 'agent', { remoteWrite: [single.write()], replicas: 2, sharding: {} });
      }),
    ).toEqual([]);
  });

  test('the endpoints of an agent tell of the storage behind it', () => {
    synth((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume, dedupInterval: Duration.seconds(30) });
      const other = new VmSingle(chart, 'other', { volume, dedupInterval: Duration.seconds(60) });
      const one = new VmAgent(chart, 'one', { remoteWrite: [single.write()] });
      const both = new VmAgent(chart, 'both', { remoteWrite: [single.write(), other.write()], scrapeStack: false });
      expect(one.write().dedupInterval?.toSeconds()).toBe(30);
      expect(both.write().dedupInterval).toBeUndefined();
    });
  });
});

describe('taking data', () => {
  test('every protocol has its path', () => {
    synth((chart) => {
      const { ingest, write } = ((it) => ({ ingest: it.ingest(), write: it.write() }))(
        new VmAgent(chart, 'agent', { remoteWrite: [elsewhere], listeners: { graphite: {}, openTsdbHttp: {} } }),
      );
      const root = 'http://agent-vmagent.monitoring.svc:8429';
      expect(write.url).toBe(`${root}/api/v1/write`);
      expect(ingest.otlp.url).toBe(`${root}/opentelemetry/v1/metrics`);
      expect(ingest.influx.url).toBe(`${root}/influx/write`);
      expect(ingest.datadog.url).toBe(`${root}/datadog`);
      expect(ingest.graphite.url).toBe('tcp://agent-vmagent.monitoring.svc:2003');
      expect(ingest.openTsdbHttp.url).toBe('http://agent-vmagent.monitoring.svc:4242/api/put');
    });
  });

  test('for any tenant, where the targets take them', () => {
    const manifests = synth((chart) => {
      const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
      const it = new VmAgent(chart, 'agent', { remoteWrite: [cluster.write(Tenant.MULTITENANT)], multitenant: true });
      expect(it.write(Tenant.of(42, 7)).path).toBe('/insert/42:7/prometheus/api/v1/write');
      expect(it.ingest().influx.path).toBe('/insert/0/influx/write');
    });
    expect(argsOf(deployment(manifests))).toContain('-enableMultitenantHandlers=true');
  });

  test('for one tenant only, where it is not said otherwise', () => {
    synth((chart) => {
      const it = new VmAgent(chart, 'agent', { remoteWrite: [elsewhere] });
      expect(() => it.ingest(Tenant.of(1))).toThrow(InvalidValueError);
      expect(() => it.ingest(Tenant.of(1))).toThrow(
        'tenant = 1: the agent takes data for one tenant, that of its targets. ' +
          'To fix: set `multitenant: true`, or leave the tenant out.',
      );
    });
  });

  test('external labels are given to what is pushed and has none of the name, before all other relabeling', () => {
    const manifests = agent({
      global: { externalLabels: { cluster: 'eu', cost: '$1', text: '{{{pod}}' } },
      relabelConfigs: [{ action: 'labeldrop', regex: 'pod' }],
    });
    expect(file(manifests, 'remote-write', 'relabel.yaml')).toEqual([
      { source_labels: ['cluster'], regex: '', target_label: 'cluster', replacement: 'eu' },
      { source_labels: ['cost'], regex: '', target_label: 'cost', replacement: '$$1' },
      { source_labels: ['text'], regex: '', target_label: 'text', replacement: '{${0}{${0}{pod}}' },
      { action: 'labeldrop', regex: 'pod' },
    ]);
    expect((file(manifests, 'scrape', 'scrape.yaml') as ScrapeFile).global.external_labels).toEqual({
      cluster: 'eu',
      cost: '$1',
      text: '{{{pod}}',
    });
  });

  test('limits and labels hold for all that it sends', () => {
    const args = argsOf(
      deployment(
        agent({
          labelLimits: { maxLabelsPerTimeseries: 30, maxLabelNameLength: 100, maxLabelValueLength: 200 },
          seriesLimits: { hourly: 1000, daily: 2000 },
          remoteWriteLabels: { cluster: 'a,b', region: 'eu' },
        }),
      ),
    );
    expect(args).toEqual(
      expect.arrayContaining([
        '-maxLabelsPerTimeseries=30',
        '-maxLabelNameLen=100',
        '-maxLabelValueLen=200',
        '-remoteWrite.maxHourlySeries=1000',
        '-remoteWrite.maxDailySeries=2000',
        '-remoteWrite.label="cluster=a,b"',
        '-remoteWrite.label=region=eu',
      ]),
    );
  });
});

const aggregation: Pick<VmAgentProps, 'streamAggregation'> = {
  streamAggregation: { rules: [{ interval: Duration.minutes(1), outputs: ['total'] }] },
};

describe('stream aggregation', () => {
  test('is written as VictoriaMetrics reads it', () => {
    const manifests = agent({
      scrapeStack: false,
      streamAggregation: {
        rules: [
          {
            name: 'requests',
            match: ['http_requests_total{env="prod"}', '{__name__=~"grpc_.+"}'],
            interval: Duration.seconds(60),
            outputs: ['total', { quantiles: [0.5, 0.99] }],
            by: ['job', 'path'],
            dedupInterval: Duration.seconds(15),
            stalenessInterval: Duration.minutes(2),
            ignoreFirstSampleInterval: Duration.seconds(90),
            noAlignFlushToInterval: true,
            flushOnShutdown: true,
            ignoreOldSamples: true,
            ignoreFirstIntervals: 2,
            dropInputLabels: ['replica'],
            enableWindows: true,
            outputRelabelConfigs: [{ targetLabel: 'from', replacement: 'agent' }],
          },
          { interval: Duration.hours(1), outputs: ['sum_samples'], without: ['pod'], keepMetricNames: true },
        ],
        dropInput: true,
        dropInputLabels: ['az', 'pod'],
      },
    });
    expect(file(manifests, 'remote-write', 'aggregation.yaml')).toEqual([
      {
        name: 'requests',
        match: ['http_requests_total{env="prod"}', '{__name__=~"grpc_.+"}'],
        interval: '1m',
        outputs: ['total', 'quantiles(0.5, 0.99)'],
        by: ['job', 'path'],
        dedup_interval: '15s',
        staleness_interval: '2m',
        ignore_first_sample_interval: '90s',
        no_align_flush_to_interval: true,
        flush_on_shutdown: true,
        ignore_old_samples: true,
        ignore_first_intervals: 2,
        drop_input_labels: ['replica'],
        enable_windows: true,
        output_relabel_configs: [{ target_label: 'from', replacement: 'agent' }],
      },
      { interval: '1h', outputs: ['sum_samples'], without: ['pod'], keep_metric_names: true },
    ]);
    expect(argsOf(statefulSet(manifests)).filter((arg) => arg.startsWith('-streamAggr'))).toEqual([
      '-streamAggr.config=/etc/vmagent/remote-write/aggregation.yaml',
      '-streamAggr.dropInput=true',
      '-streamAggr.dropInputLabels=az',
      '-streamAggr.dropInputLabels=pod',
    ]);
  });

  test('of several replicas has a label that says whose it is, on pods that keep their names', () => {
    const manifests = agent({
      replicas: 2,
      scrapeStack: false,
      streamAggregation: {
        rules: [{ interval: Duration.minutes(1), outputs: ['sum_samples'] }],
        replicaLabel: 'replica',
      },
    });
    expect(file(manifests, 'remote-write', 'aggregation.yaml')[0].output_relabel_configs).toEqual([
      { target_label: 'replica', replacement: '%{POD_NAME}' },
    ]);
    expect(statefulSet(manifests)['spec'].replicas).toBe(2);
  });

  test.each<[string, Partial<VmAgentProps>]>([
    ['for all targets', aggregation],
    ['for one', { remoteWrite: [{ endpoint: elsewhere, ...aggregation }] }],
  ])('of one pod, %s, is not begun by another before it has ended', (_, props) => {
    const { spec } = statefulSet(agent({ scrapeStack: false, ...props }));
    expect(spec.replicas).toBe(1);
  });

  test('may just remove duplicates', () => {
    const manifests = agent({ scrapeStack: false, streamAggregation: { dedupInterval: Duration.seconds(30) } });
    expect(argsOf(deployment(manifests))).toContain('-streamAggr.dedupInterval=30s');
    expect(kinds(manifests)).not.toContain('ConfigMap');
  });
});

const problems = (props: Loose<VmAgentProps>): string[] =>
  problemsOf((chart) => new VmAgent(chart, 'agent', { remoteWrite: [elsewhere], ...props } as VmAgentProps));

/** Two agents at a single node. */
const pairProblems = (props: Partial<VmAgentProps>, dedupInterval?: Duration): string[] =>
  problemsOf((chart) => {
    const single = new VmSingle(chart, 'metrics', { volume, dedupInterval });
    new VmAgent(chart, 'agent', { remoteWrite: [single.write()], replicas: 2, ...props });
  });

const at = (message: string) => `[test/agent] ${message}`;
const minute = Duration.minutes(1);
const aggregating = (rule: object, more: object = {}) => ({
  streamAggregation: { rules: [{ interval: minute, outputs: ['sum_samples'], ...rule }], ...more },
});

/** A title, props, and all messages that they bring. */
type Case = readonly [string, Loose<VmAgentProps>, ...string[]];

const WRONG: readonly Case[] = [
  [
    'no targets',
    { remoteWrite: undefined },
    'remoteWrite = (not set): vmagent must be told where to send what it collects. ' +
      'To fix: write for example `remoteWrite: [cluster.write()]`.',
  ],
  [
    'an empty list of targets',
    { remoteWrite: [] },
    'remoteWrite = []: vmagent does not start without a target. To fix: write for example [cluster.write()].',
  ],
  [
    'a URL instead of an endpoint',
    { remoteWrite: [ELSEWHERE] },
    `remoteWrite[0] = "${ELSEWHERE}": must be a WriteEndpoint. ` +
      "To fix: write cluster.write() or WriteEndpoint.external('https://...').",
  ],
  [
    'an endpoint for queries',
    { remoteWrite: [{ endpoint: ReadEndpoint.external('https://metrics.example.com') }] },
    'remoteWrite[0].endpoint = https://metrics.example.com: ' +
      "must be a WriteEndpoint. To fix: write cluster.write() or WriteEndpoint.external('https://...').",
  ],
  [
    'one target twice',
    { remoteWrite: [elsewhere, { endpoint: elsewhere, queues: 2 }] },
    `remoteWrite[1] = "${ELSEWHERE}": leads to the same storage as remoteWrite[0], which would get every sample twice. ` +
      'To fix: remove one of the two.',
  ],
  [
    'a misspelt prop of a target',
    { remoteWrite: [{ endpoint: elsewhere, maxDiskUse: Size.gibibytes(1) }] },
    'remoteWrite[0].maxDiskUse = 1Gi: there is no such prop. To fix: did you mean `remoteWrite[0].maxDiskUsage`?',
  ],
  [
    'a secret in a header',
    { remoteWrite: [{ endpoint: elsewhere, headers: { Authorization: 'Bearer abc' } }] },
    'remoteWrite[0].headers[\'Authorization\'] = "***": looks like a secret, and would stand in the manifest in the clear. ' +
      'To fix: pass `credentials` with a SecretRef to the endpoint instead.',
  ],
  [
    'a header that would become two',
    { remoteWrite: [{ endpoint: elsewhere, headers: { 'X-Team': 'a^^Host:b' } }] },
    'remoteWrite[0].headers[\'X-Team\'] = "a^^Host:b": must not hold ^^, by which vmagent tells headers apart. ' +
      'To fix: leave these characters out.',
  ],
  [
    'a certificate without its key',
    { remoteWrite: [{ endpoint: elsewhere, tls: { cert: SecretRef.of('tls', 'tls.crt') } }] },
    'remoteWrite[0].tls.key = (not set): a client shows its certificate with its key, not one of them alone. ' +
      'To fix: set `remoteWrite[0].tls.cert` and `remoteWrite[0].tls.key`, or neither.',
  ],
  [
    'TLS for plain HTTP',
    { remoteWrite: [{ endpoint: WriteEndpoint.external('http://metrics:8428/w'), tls: { serverName: 'x' } }] },
    'remoteWrite[0].tls = {"serverName":"x"}: the endpoint is http, so that it would not be used. ' +
      'To fix: remove it, or take an endpoint with https.',
  ],
  [
    'a limit that VictoriaMetrics would raise',
    { remoteWrite: [{ endpoint: elsewhere, maxDiskUsage: Size.mebibytes(100) }] },
    'remoteWrite[0].maxDiskUsage = 100Mi: VictoriaMetrics keeps the queue in files of that size, and would raise the limit ' +
      'to 513Mi. To fix: set it to Size.mebibytes(513) or more.',
  ],
  [
    'a limit beyond the claim',
    {
      queue: { size: Size.gibibytes(4) },
      remoteWrite: [
        { endpoint: elsewhere, maxDiskUsage: Size.gibibytes(4) },
        { endpoint: WriteEndpoint.external('https://other.example.com/w') },
      ],
    },
    'queue.size = 4Gi: the queues may take 5635Mi (remoteWrite[0].maxDiskUsage: 4096Mi and a file of 513Mi, ' +
      'remoteWrite[1]: 1026Mi at the least), and the file system leaves 3891Mi for them. ' +
      'To fix: enlarge it to Size.mebibytes(5932) or more, or lower `maxDiskUsage`.',
  ],
  [
    'a claim too small for its targets',
    { queue: { size: Size.gibibytes(1) } },
    'queue.size = 1Gi: the queues may take 1026Mi (remoteWrite[0]: 1026Mi at the least), and the file system leaves 972Mi ' +
      'for them. To fix: enlarge it to Size.mebibytes(1080) or more.',
  ],
  [
    'ephemeral space too small for its targets',
    { queue: { ephemeral: true, sizeLimit: Size.mebibytes(600) } },
    'queue.sizeLimit = 600Mi: the queues may take 1026Mi (remoteWrite[0]: 1026Mi at the least), and the file system leaves ' +
      '570Mi for them. To fix: enlarge it to Size.mebibytes(1080) or more.',
  ],
  [
    'an autoscaler',
    { autoscaling: { minReplicas: 1, maxReplicas: 3 } },
    'autoscaling = {"minReplicas":1,"maxReplicas":3}: a replica more scrapes every target once more, or takes over the ' +
      'targets of another. To fix: remove it and set `replicas`.',
  ],
  [
    'one shard',
    { sharding: {} },
    'sharding = {}: there is one replica, and nobody to share the targets with. ' +
      'To fix: set `replicas` to 2 or more, or remove it.',
  ],
  [
    'more copies than shards',
    { replicas: 2, sharding: { replicationFactor: 3 } },
    'sharding.replicationFactor = 3: there are 2 replicas to scrape a target. ' +
      'To fix: set `replicas` to 3 or more, or lower it.',
  ],
  [
    'series shared out among one target',
    { shardByUrl: {} },
    'shardByUrl.replicas = 1: each series would be sent to every one of the 1 targets. ' +
      'To fix: add targets to `remoteWrite`, or remove `shardByUrl`.',
  ],
  [
    'series shared out by labels and without labels',
    {
      remoteWrite: [elsewhere, WriteEndpoint.external('https://other.example.com/w')],
      shardByUrl: { byLabels: ['a'], ignoreLabels: ['b'] },
    },
    'shardByUrl.ignoreLabels = ["b"]: `byLabels` says already by which labels series are shared out. ' +
      'To fix: remove one of the two.',
  ],
  [
    'a label that differs between copies',
    { replicas: 2, global: { externalLabels: { replica: '%{POD_NAME}' } } },
    'global.externalLabels[\'replica\'] = "%{POD_NAME}": the value differs from replica to replica, and the storage would ' +
      'take their samples for different series. To fix: remove the label: the storage removes the copies.',
  ],
  ...[
    ['relabelConfigs[0].replacement', { relabelConfigs: [{ targetLabel: 'replica', replacement: '%{POD_NAME}' }] }],
    [
      'remoteWrite[0].relabelConfigs[0].replacement',
      {
        remoteWrite: [
          { endpoint: elsewhere, relabelConfigs: [{ targetLabel: 'replica', replacement: '%{POD_NAME}' }] },
        ],
      },
    ],
    ...[
      Scrape.static({ name: 'x', targets: ['a:1'], labels: { replica: '%{POD_NAME}' } }),
      Scrape.annotatedPods({ name: 'x', labels: { replica: '%{POD_NAME}' } }),
      Scrape.annotatedPods({ name: 'x', relabelConfigs: [{ targetLabel: 'replica', replacement: '%{POD_NAME}' }] }),
      Scrape.annotatedPods({
        name: 'x',
        metricRelabelConfigs: [{ targetLabel: 'replica', replacement: '%{POD_NAME}' }],
      }),
      Scrape.raw({ job_name: 'x', static_configs: [{ targets: ['a:1'], labels: { replica: '%{POD_NAME}' } }] }),
    ].map((job) => ["scrape['x']", { scrape: [job] }] as const),
  ].map(([prop, props], index): Case => [
    `a text that differs between copies, ${index}`,
    { replicas: 2, ...(props as object) },
    `${prop as string} = "%{POD_NAME}": the value differs from replica to replica, and the storage would ` +
      'take their samples for different series. To fix: remove the label: the storage removes the copies.',
  ]),
  [
    'an external label that another replaces',
    { global: { externalLabels: { cluster: 'a' } }, remoteWriteLabels: { cluster: 'b' } },
    'remoteWriteLabels[\'cluster\'] = "b": `global.externalLabels` has the label as well, whose value nobody would ever ' +
      'see. To fix: remove one of the two: this one replaces a label that samples have, the other does not.',
  ],
  [
    'something else than a scrape job',
    { scrape: [{ job_name: 'raw' }] },
    'scrape[0] = {"job_name":"raw"}: must be a scrape job. To fix: write for example Scrape.annotatedPods().',
  ],
  [
    'two scrape jobs of one name',
    { scrape: [staticJob('nodes'), [staticJob('nodes')]] },
    'scrape[\'nodes\'].name = "nodes": another job of the agent has the same name. To fix: give one of the two another `name`.',
  ],
  [
    'a relabeling that does not exist',
    { remoteWrite: [{ endpoint: elsewhere, relabelConfigs: [{ action: 'kep', regex: 'up' }] }] },
    'remoteWrite[0].relabelConfigs[0].action = "kep": there is no such action. To fix: did you mean `keep`?',
  ],
  [
    'a selector that does not end',
    aggregating({ match: '{job="node"' }, { dedupInterval: Duration.seconds(1) }),
    'streamAggregation.rules[0].match = "{job=\\"node\\"": is no series selector: it ends where a comma, `or` or } is due. ' +
      'To fix: write for example \'{job="node",mode!="idle"}\'.',
  ],
  [
    'a flag that the volume depends on',
    { extraFlags: { 'remoteWrite.keepDanglingQueues': true } },
    "extraFlags['remoteWrite.keepDanglingQueues'] = true: what waits for targets of the past has no limit, and would fill " +
      'the volume. To fix: remove it.',
  ],
  [
    'a flag that belongs to a target',
    { extraFlags: { 'remoteWrite.queues': 8 } },
    "extraFlags['remoteWrite.queues'] = 8: -remoteWrite.queues belongs to remoteWrite[...].queues. " +
      'To fix: remove it here and use remoteWrite[...].queues.',
  ],
  [
    'a password among the flags',
    { extraFlags: { 'remoteWrite.basicAuth.password': 'hunter2' } },
    'extraFlags[\'remoteWrite.basicAuth.password\'] = "***": -remoteWrite.basicAuth.password takes a secret from its args ' +
      'only, where everybody can read it. To fix: use the flag of the same name that ends in File.',
  ],
  [
    'a list for other targets',
    {
      remoteWrite: ['a', 'b', 'c'].map((host) => WriteEndpoint.external(`https://${host}/w`)),
      extraFlags: { 'remoteWrite.retryMinInterval': ['1s', '5s'] },
    },
    'extraFlags[\'remoteWrite.retryMinInterval\'] = ["1s","5s"]: -remoteWrite.retryMinInterval takes one value for all ' +
      "targets, or one for each of the 3 in `remoteWrite`. To fix: give one for each, '' where the default should hold.",
  ],
  [
    'a grace period in which it cannot finish',
    { terminationGracePeriod: Duration.seconds(20) },
    'terminationGracePeriod = 20 seconds: the process needs 27 seconds to finish what it has begun, and would be killed ' +
      'before. To fix: give it at least 27 seconds.',
  ],
  [
    'a bad label for all samples',
    { remoteWriteLabels: { 'data-center': 'a' } },
    'remoteWriteLabels[\'data-center\'] = "data-center": must be a label name: letters, digits and _, no digit first. ' +
      'To fix: give a label name: letters, digits and _, no digit first.',
  ],
  [
    'an aggregation of nothing',
    { streamAggregation: { keepInput: true } },
    'streamAggregation.rules = (not set): nothing is aggregated, and no duplicates are removed. ' +
      'To fix: give it a rule, or set `streamAggregation.dedupInterval`.',
  ],
  [
    'an aggregation without an interval',
    { streamAggregation: { rules: [{ outputs: ['avg'] }] } },
    'streamAggregation.rules[0].interval = (not set): streamAggregation.rules[0] is nothing without it. ' +
      'To fix: set `streamAggregation.rules[0].interval`.',
  ],
  [
    'an interval below a second',
    aggregating({ interval: Duration.millis(500) }, { dedupInterval: Duration.seconds(1) }),
    'streamAggregation.rules[0].interval = 500 millis: VictoriaMetrics aggregates over at least a second. ' +
      'To fix: use Duration.seconds(1) or more.',
  ],
  [
    'an unknown output',
    aggregating({ outputs: ['sum_samples', 'summ'] }),
    "streamAggregation.rules[0].outputs[1] = \"summ\": must be one of 'avg', 'count_samples', 'count_series', " +
      "'histogram_bucket', 'increase', 'increase_prometheus', 'last', 'max', 'min', 'rate_avg', 'rate_sum', 'stddev', " +
      "'stdvar', 'sum_samples', 'sum_samples_total', 'total', 'total_prometheus', 'unique_samples'. " +
      "To fix: give one of 'avg', 'count_samples', 'count_series', 'histogram_bucket', 'increase', 'increase_prometheus', " +
      "'last', 'max', 'min', 'rate_avg', 'rate_sum', 'stddev', 'stdvar', 'sum_samples', 'sum_samples_total', 'total', " +
      "'total_prometheus', 'unique_samples'.",
  ],
  [
    'quantiles as text',
    aggregating({ outputs: ['avg', 'quantiles(0.5)'] }),
    'streamAggregation.rules[0].outputs[1] = "quantiles(0.5)": quantiles are given as numbers. ' +
      'To fix: write { quantiles: [0.5, 0.99] }.',
  ],
  [
    'a quantile in percent',
    aggregating({ outputs: [{ quantiles: [0.5, 99] }] }),
    'streamAggregation.rules[0].outputs[0].quantiles[1] = 99: must be a number from 0 to 1. ' +
      'To fix: give a number from 0 to 1.',
  ],
  [
    'one output twice',
    aggregating({ outputs: [{ quantiles: [0.5] }, { quantiles: [0.9] }] }),
    'streamAggregation.rules[0].outputs = "quantiles": the output is listed twice. ' +
      'To fix: write all quantiles in one list.',
  ],
  [
    'an interval that duplicates do not divide',
    aggregating({}, { dedupInterval: Duration.seconds(25) }),
    'streamAggregation.rules[0].interval = 1 minute: must be a multiple of the dedupInterval (25 seconds). ' +
      'To fix: change one of the two.',
  ],
  [
    'staleness below the interval',
    aggregating({ stalenessInterval: Duration.seconds(30) }),
    'streamAggregation.rules[0].stalenessInterval = 30 seconds: must not be shorter than the interval (1 minute). ' +
      'To fix: give a longer one or leave it out.',
  ],
  [
    'labels to keep and to lose',
    aggregating({ by: ['job'], without: ['pod'] }),
    'streamAggregation.rules[0].without = ["pod"]: `by` says already which labels are left. ' +
      'To fix: remove one of the two.',
  ],
  [
    'one name for input and output',
    aggregating({ keepMetricNames: true }, { keepInput: true }),
    'streamAggregation.rules[0].keepMetricNames = true: input and output would be one series, since `keepInput` is set. ' +
      'To fix: remove one of the two.',
  ],
  [
    'one name for several outputs',
    aggregating({ keepMetricNames: true, outputs: [{ quantiles: [0.5, 0.9] }] }),
    'streamAggregation.rules[0].keepMetricNames = true: several outputs would have one name. ' +
      'To fix: remove it, or make a rule for each output.',
  ],
  [
    'replicas that aggregate into the same series',
    { replicas: 2, scrapeStack: false, ...aggregating({}) },
    'streamAggregation.replicaLabel = (not set): each of the 2 replicas aggregates what it sees itself, and all would write ' +
      "to the same series. To fix: set `streamAggregation.replicaLabel: 'replica'`, or `replicas` to 1.",
  ],
  [
    'shards that aggregate for one target into the same series',
    { replicas: 2, sharding: {}, remoteWrite: [{ endpoint: elsewhere, ...aggregating({}) }] },
    'remoteWrite[0].streamAggregation.replicaLabel = (not set): each of the 2 replicas aggregates what it sees itself, and ' +
      "all would write to the same series. To fix: set `remoteWrite[0].streamAggregation.replicaLabel: 'replica'`, " +
      'or `replicas` to 1.',
  ],
];

describe('wrong configurations', () => {
  test.each(WRONG.map(([title, props, ...messages]) => ({ title, props, messages })))('$title', ({ props, messages }) =>
    expect(problems(props)).toEqual(messages.map(at)),
  );

  test('two replicas and a storage that keeps both samples', () => {
    expect(pairProblems({})).toEqual([
      at(
        'remoteWrite[0] = "http://metrics-vmsingle.monitoring.svc:8428/api/v1/write": 2 replicas scrape every target each ' +
          '30 seconds, and the storage keeps one sample of a series for each of them. ' +
          'To fix: set `dedupInterval: Duration.seconds(30)` on the storage, or `replicas` to 1.',
      ),
    ]);
  });

  test('two agents that scrape the same stack into the same storage, which keeps both samples', () => {
    const two = (first: Partial<VmAgentProps>, dedupInterval?: Duration) =>
      problemsOf((chart) => {
        const storage = new VmSingle(chart, 'metrics', { volume, dedupInterval });
        new VmAgent(chart, 'first', { remoteWrite: [storage.write()], ...first });
        new VmAgent(chart, 'second', { remoteWrite: [storage.write()] });
      });
    expect(two({})).toEqual([
      '[test/second] scrapeStack = true: test/first scrapes the stack as well, and the storage at ' +
        'http://metrics-vmsingle.monitoring.svc:8428/api/v1/write would keep the samples of both. To fix: set ' +
        '`scrapeStack: false` on one of the two, or the scrape interval as `dedupInterval` on the storage.',
    ]);
    expect(two({ scrapeStack: false })).toEqual([]);
    expect(two({}, Duration.seconds(30))).toEqual([]);
  });

  test('two targets that lead to the same storage, and share the samples out by relabeling', () => {
    const one = (action: 'keep' | 'drop') => ({
      endpoint: elsewhere,
      relabelConfigs: [{ action, sourceLabels: ['team'], regex: 'shop' }],
    });
    const twice =
      `remoteWrite[1] = "${ELSEWHERE}": leads to the same storage as remoteWrite[0], which would get every sample twice. ` +
      'To fix: remove one of the two.';
    expect(problems({ remoteWrite: [one('keep'), one('drop')] })).toEqual([]);
    expect(problems({ remoteWrite: [elsewhere, one('keep')] })).toEqual([at(twice)]);
  });

  test('the same storage once directly and once through vmauth', () => {
    const tenant = Tenant.of(7);
    const behind = (targets: (cluster: VmCluster, auth: VmAuth) => readonly WriteEndpoint[][]) =>
      problemsOf((chart) => {
        const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
        const user = (name: string, to: WriteEndpoint) => ({ password: SecretRef.of('users', name), routes: [to] });
        const users = { shop: user('shop', cluster.write(tenant)), ops: user('ops', cluster.write()) };
        const auth = new VmAuth(chart, 'door', { users });
        targets(cluster, auth).forEach((remoteWrite, index) => new VmAgent(chart, `agent${index}`, { remoteWrite }));
      });
    const door = 'http://door-vmauth.monitoring.svc:8427/api/v1/write';
    expect(behind((cluster, auth) => [[cluster.write(tenant), auth.write('shop')]])).toEqual([
      `[test/agent0] remoteWrite[1] = "${door}": leads to the same storage as remoteWrite[0], which would get every ` +
        'sample twice. To fix: remove one of the two.',
    ]);
    expect(behind((cluster, auth) => [[cluster.write(tenant)], [auth.write('shop')]])).toEqual([
      '[test/agent1] scrapeStack = true: test/agent0 scrapes the stack as well, and the storage at ' +
        `${door} would keep the samples of both. To fix: set \`scrapeStack: false\` on one of the two, or the scrape ` +
        'interval as `dedupInterval` on the storage.',
    ]);
    expect(behind((cluster, auth) => [[cluster.write(), auth.write('shop')]])).toEqual([]);
    expect(behind((_cluster, auth) => [[auth.write('ops'), auth.write('shop')]])).toEqual([]);
  });

  test('agents of one chart that run the same job into the same storage, which keeps both samples', () => {
    const two = (
      first: Partial<VmAgentProps>,
      second: Partial<VmAgentProps> = {},
      dedupInterval?: Duration,
      prometheus = false,
    ) =>
      problemsOf((chart) => {
        const storage = new VmSingle(chart, 'metrics', { volume, dedupInterval });
        const props = { remoteWrite: [storage.write()], scrape: [Scrape.annotatedPods()], scrapeStack: false };
        new VmAgent(chart, 'first', { ...props, ...first });
        if (prometheus) new Prometheus(chart, 'second', { ...props, volume });
        else new VmAgent(chart, 'second', { ...props, ...second });
      });
    const refused =
      '[test/second] scrape[\'annotated-pods\'] = "annotated-pods": test/first scrapes the same targets as well, and the ' +
      'storage at http://metrics-vmsingle.monitoring.svc:8428/api/v1/write would keep the samples of both. To fix: ' +
      'remove the job from one of the two, or set the scrape interval as `dedupInterval` on the storage.';
    expect(two({})).toEqual([refused]);
    expect(two({}, {}, undefined, true)).toEqual([refused]);
    expect(two({}, { scrape: [Scrape.annotatedPods({ interval: Duration.seconds(10) })] })).toEqual([refused]);
    expect(two({}, { scrape: [Scrape.annotatedPods({ namespaces: ['shop'] })] })).toEqual([]);
    expect(two({}, { global: { externalLabels: { agent: 'second' } } })).toEqual([]);
    expect(two({}, { remoteWrite: [elsewhere] })).toEqual([]);
    expect(two({}, {}, Duration.seconds(30))).toEqual([]);
    expect(two({ remoteWriteLabels: { agent: 'x' } }, { remoteWriteLabels: { agent: 'x' } })).toEqual([refused]);
    expect(two({ remoteWriteLabels: { agent: 'x' } }, { remoteWriteLabels: { agent: 'y' } })).toEqual([]);
    expect(two({ remoteWriteLabels: { pod: '%{POD_NAME}' } }, { remoteWriteLabels: { pod: '%{POD_NAME}' } })).toEqual(
      [],
    );
    expect(two({}, { relabelConfigs: [{ targetLabel: 'agent', replacement: 'second' }] })).toEqual([]);
  });

  test('agents of one chart that share the same targets out on the way into the same storage', () => {
    expect(
      problemsOf((chart) => {
        const endpoint = new VmSingle(chart, 'metrics', { volume }).write();
        for (const action of ['keep', 'drop'] as const) {
          const relabelConfigs = [{ action, sourceLabels: ['team'], regex: 'shop' }];
          new VmAgent(chart, action, { remoteWrite: [{ endpoint, relabelConfigs }], scrape: [Scrape.annotatedPods()] });
        }
      }),
    ).toEqual([]);
  });

  describe('intervals of single targets', () => {
    const ruled = (rule: RelabelConfig): ScrapeJob => Scrape.annotatedPods({ name: 'x', relabelConfigs: [rule] });
    const annotated = { sourceLabels: ['__meta_kubernetes_pod_annotation_interval'], regex: '(.+)' };

    test.each([
      ruled({ ...annotated, targetLabel: '__scrape_interval__' }),
      ruled({ ...annotated, targetLabel: '__scrape_interval__', replacement: '${1}s' }),
      ruled({ action: 'labelmap', regex: '__meta_(.*_interval__)', replacement: '__$1' }),
    ])('that nobody can compare with that of the storage are refused only of several copies, %#', (job) => {
      expect(pairProblems({ scrape: [job] }, Duration.seconds(30))).toEqual([
        at(
          'scrape[\'x\'] = "__scrape_interval__": each target may have an interval of its own, and of a longer one than ' +
            'its dedupInterval (30 seconds) the storage keeps the samples of each of the 2 replicas. ' +
            'To fix: set `interval` of the job instead of the label, or `replicas` to 1.',
        ),
      ]);
      expect(pairProblems({ replicas: 1, scrape: [job] }, Duration.seconds(30))).toEqual([]);
      expect(problems({ scrape: [job] })).toEqual([]);
    });

    test.each([
      (length: string) => ruled({ targetLabel: '__scrape_interval__', replacement: length }),
      (length: string) => Scrape.static({ name: 'x', targets: ['a:1'], labels: { __scrape_interval__: length } }),
      (length: string) => Scrape.annotatedPods({ name: 'x', labels: { __scrape_interval__: length } }),
    ])('that the job says are compared with that of the storage, %#', (jobOf) => {
      const made = (length: string, replicas: number) =>
        pairProblems({ replicas, scrape: [jobOf(length)] }, Duration.seconds(30));
      expect(made('30s', 2)).toEqual([]);
      expect(made('60s', 1)).toEqual([]);
      expect(made('60s', 2)).toEqual([
        at(
          "scrape['x'].__scrape_interval__ = 1 minute: is longer than the dedupInterval of the storage (30 seconds), " +
            'which so keeps the samples of each of the 2 replicas. To fix: scrape it each 30 seconds as the other jobs, ' +
            'by another agent, or set `replicas` to 1.',
        ),
      ]);
      expect(made('5s', 1)).toEqual([
        at(
          "scrape['x'].__scrape_interval__ = 5 seconds: is shorter than the dedupInterval of the storage (30 seconds), " +
            'which keeps one sample of a series in that time. To fix: set it to 30 seconds or more, or shorten the ' +
            '`dedupInterval` of the storage.',
        ),
      ]);
    });
  });

  test('copies with variables that all of them have the same value of', () => {
    const replicas = 2;
    const rules = (...variables: readonly string[]) =>
      variables.map((name) => ({ targetLabel: name.toLowerCase(), replacement: `%{${name}}` }));
    const env = [
      { name: 'CLUSTER', value: 'k1' },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'INDEX', valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } } },
      { name: 'ADDRESS', value: '$(NODE):80' },
      { name: 'WHO', value: 'agent %{POD_NAME}' },
    ];
    const same = rules('CLUSTER', 'NAMESPACE', 'FROM_A_CONFIG_MAP');
    expect(problems({ replicas, env, relabelConfigs: same, remoteWriteLabels: { cluster: '%{CLUSTER}' } })).toEqual([]);
    expect(problems({ replicas, env, scrape: [Scrape.annotatedPods({ relabelConfigs: same })] })).toEqual([]);
    const different = rules('NODE', 'INDEX', 'ADDRESS', 'WHO', 'HOSTNAME');
    expect(problems({ replicas, env, relabelConfigs: different })).toEqual(
      different.map(({ replacement }, index) =>
        at(
          `relabelConfigs[${index}].replacement = "${replacement}": the value differs from replica to replica, and the ` +
            'storage would take their samples for different series. ' +
            'To fix: remove the label: the storage removes the copies.',
        ),
      ),
    );
    const hidden = [{ targetLabel: '__param_agent', replacement: '%{POD_NAME}' }];
    expect(problems({ replicas, scrape: [Scrape.annotatedPods({ relabelConfigs: hidden })] })).toEqual([]);
  });

  test('a job that no ConfigMap can hold', () => {
    const make = (serverSideApply: boolean, targets: number) =>
      problemsOf((chart) => {
        StackDefaults.set(chart, { serverSideApply });
        new VmAgent(chart, 'agent', { remoteWrite: [elsewhere], scrape: [large('many', targets)] });
      });
    const fix =
      "To fix: share its targets out over several jobs, which `labels: { job: 'many' }` makes one for queries";
    expect(make(false, 10_000)).toEqual([
      at(
        'scrape[\'many\'] = "368940 bytes": does not fit into a ConfigMap, of which kubectl apply keeps a copy in an ' +
          `annotation of at most 256 KiB. ${fix}, or apply server-side and say so with ` +
          '`StackDefaults.set(chart, { serverSideApply: true })`.',
      ),
    ]);
    expect(make(true, 10_000)).toEqual([]);
    expect(make(true, 30_000)).toEqual([
      at(`scrape['many'] = "1128940 bytes": does not fit into a ConfigMap. ${fix}.`),
    ]);
  });

  test('two replicas and a storage that keeps samples of another interval', () => {
    expect(pairProblems({ global: { interval: Duration.seconds(15) } }, Duration.seconds(30))).toEqual([
      at(
        'remoteWrite[0] = "http://metrics-vmsingle.monitoring.svc:8428/api/v1/write": 2 replicas scrape every target each ' +
          '15 seconds, and the storage keeps one sample of a series in 30 seconds. ' +
          'To fix: set `dedupInterval: Duration.seconds(15)` on the storage, or `replicas` to 1.',
      ),
    ]);
  });

  test('shards with two copies, and a storage that keeps both', () => {
    expect(pairProblems({ sharding: { replicationFactor: 2 } }, Duration.millis(1))).toEqual([
      at(
        'remoteWrite[0] = "http://metrics-vmsingle.monitoring.svc:8428/api/v1/write": 2 replicas scrape every target each ' +
          '30 seconds, and the storage keeps one sample of a series in 1 milli. ' +
          'To fix: set `dedupInterval: Duration.seconds(30)` on the storage, or `sharding.replicationFactor` to 1.',
      ),
    ]);
  });

  test('two replicas and a job whose samples the storage would take for copies', () => {
    expect(pairProblems({ scrape: [staticJob('fast', { intervalSeconds: 5 })] }, Duration.seconds(30))).toEqual([
      at(
        "scrape['fast'].interval = 5 seconds: is shorter than the dedupInterval of the storage (30 seconds), which " +
          'keeps one sample of a series in that time. To fix: scrape it no more often than each 30 seconds, or shorten ' +
          '`global.interval` and the `dedupInterval` of the storage.',
      ),
    ]);
  });

  test('any tenant, and a target for one', () => {
    expect(
      problemsOf((chart) => {
        const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
        new VmAgent(chart, 'agent', { remoteWrite: [cluster.write()], multitenant: true });
      }),
    ).toEqual([
      at(
        'remoteWrite[0] = "http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write": all samples would ' +
          'become those of one tenant, since the URL says which. ' +
          'To fix: write to a cluster by `cluster.write(Tenant.MULTITENANT)`, or remove `multitenant`.',
      ),
    ]);
  });
});

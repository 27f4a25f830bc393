import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import { Endpoint, NotifyEndpoint, SecretRef, StackDefaults, VmCluster, VmSingle, WriteEndpoint } from '../../src';
import { Alertmanager, AlertmanagerConfig } from '../../src/alertmanager';
import { Prometheus, type PrometheusProps } from '../../src/prometheus';
import { Scrape, type ScrapeJob } from '../../src/scrape';
import { describeWith, findBinary } from '../integration/runner';
import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };
const job = Scrape.static({ name: 'shop', targets: ['shop.example.com:8080'] });
const external = WriteEndpoint.external('https://metrics.example.com/api/v1/write', {
  credentials: { bearerToken: SecretRef.of('metrics', 'token') },
});
const RULES =
  'groups:\n  - name: targets\n    rules:\n      - alert: TargetDown\n        expr: up == 0\n        for: 5m\n';

/** Whatever a rule file may hold, as Prometheus reads it. */
const ALL_OF_RULES = `
groups:
  - name: all
    interval: 1m30s
    query_offset: 0
    limit: 10
    labels: { team: 1 }
    rules:
      - &high
        alert: HighLatency
        expr: |
          # not a " nor a ( counts in a comment
          histogram_quantile(0.9, rate(latency_bucket{path=~"\\\\(.*\\"", zone='"(', raw=\`\\\`}[5m])) > 1
        for: 5m
        keep_firing_for: 0s
        labels: { severity: critical }
        annotations: { summary: '{{ $labels.instance }} is slow }}' }
      - <<: *high
        alert: HigherLatency
        labels:
      - record: instance:constant
        expr: 1
  - name: empty
    rules:
`;

/** Each mistake keeps Prometheus from starting, but for names that not every system behind it takes. */
const WRONG_RULES = `
group: [{ name: x }]
groups:
  - name: shop
    interval: 5
    eval_offset: 1m
    labels: { a-b: c }
    rules:
      - { alert: Down, fro: 5m, expr: 'sum(up{job="shop"} == 0', annotations: { summary: '{{ $labels.instance' } }
      - { record: 'shop:up', expr: up, for: 5m, labels: { __name__: up } }
      - { record: a b, expr: up }
      - { alert: Both, record: both, expr: up }
      - { expr: up }
      - { alert: Never, expr: }
  - { name: twice }
  - { name: twice }
`;

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

type Make = (chart: Chart) => Loose<PrometheusProps>;

const withPrometheus = (make: Make) => (chart: Chart) =>
  new Prometheus(chart, 'apps', { volume, scrape: [job], ...make(chart) } as unknown as PrometheusProps);

const objectsOf = (make: Make = () => ({})): Manifest[] => synth(withPrometheus(make));

function filesOf(objects: readonly Manifest[]): Readonly<Record<string, string>> {
  const mounted = [
    ['config', '/etc/prometheus/config'],
    ['rules', '/etc/prometheus/rules'],
  ] as const;
  return Object.fromEntries(
    mounted.flatMap(([name, folder]) => {
      const data = objects.find((object) => object.metadata.name === `apps-prometheus-${name}`)?.['data'];
      return Object.entries((data ?? {}) as Record<string, string>).map(([file, text]) => [`${folder}/${file}`, text]);
    }),
  );
}

function configOf(make?: Make) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the file
  return parse(filesOf(objectsOf(make))['/etc/prometheus/config/prometheus.yml']!) as Record<string, any>;
}

const clusterOf = (chart: Chart, seconds?: number) =>
  new VmCluster(chart, 'metrics', {
    vmstorage: { volume },
    ...(seconds === undefined ? {} : { dedupInterval: Duration.seconds(seconds) }),
  });

const alertmanagerOf = (chart: Chart) =>
  new Alertmanager(chart, 'alerts', {
    replicas: 2,
    config: AlertmanagerConfig.bySeverity({
      critical: { webhookConfigs: [{ url: Endpoint.external('https://pager.example.com') }] },
      warning: {},
    }),
  });

/** Configs of which each says something that the others do not. */
const CONFIGS: Readonly<Record<string, Make>> = {
  'the least': () => ({}),
  'everything of the stack': (chart) => ({
    scrape: undefined,
    scrapeStack: true,
    remoteWrite: [clusterOf(chart).write()],
  }),
  'a pair': (chart) => ({
    replicas: 2,
    global: { interval: Duration.seconds(15), externalLabels: { cluster: 'production', price: '5$' } },
    remoteWrite: [
      clusterOf(chart, 15).write(),
      {
        endpoint: external,
        keepReplicaLabel: true,
        relabelConfigs: [{ action: 'keep', sourceLabels: ['job'], regex: 'shop' }],
      },
    ],
    alertmanagers: [NotifyEndpoint.external('https://alertmanager.example.com/am')],
  }),
  'all of remote write': () => ({
    remoteWrite: [
      {
        endpoint: external,
        timeout: Duration.seconds(10),
        headers: { 'X-Scope-OrgID': 'team' },
        sendNativeHistograms: true,
        tls: { ca: SecretRef.of('metrics', 'ca.crt'), serverName: 'metrics' },
        relabelConfigs: [{ action: 'labeldrop', regex: 'pod' }],
        queue: {
          capacity: 20_000,
          minShards: 2,
          maxShards: 30,
          maxSamplesPerSend: 10_000,
          batchSendDeadline: Duration.seconds(1),
          minBackoff: Duration.millis(100),
          maxBackoff: Duration.seconds(10),
          retryOnHttp429: true,
          sampleAgeLimit: Duration.hours(1),
        },
      },
      {
        endpoint: WriteEndpoint.external('http://10.0.0.7:8428/api/v1/write', {
          credentials: { username: 'apps', password: SecretRef.of('metrics', 'password') },
        }),
      },
    ],
  }),
  'rules and alerts': (chart) => ({
    ruleFiles: { 'b.yml': RULES, 'a.yaml': 'groups: []', 'c.yaml': ALL_OF_RULES },
    evaluationInterval: Duration.minutes(1),
    alertmanagers: [
      alertmanagerOf(chart).notify(),
      NotifyEndpoint.external('http://alertmanager:9093', {
        credentials: { username: 'apps', password: SecretRef.of('alertmanager', 'password') },
      }),
    ],
  }),
  'all kinds of jobs': () => ({
    scrape: [
      Scrape.annotatedPods(),
      Scrape.serviceEndpoints({ namespaces: ['shop'] }),
      Scrape.nodes(),
      Scrape.apiServer(),
    ],
  }),
};

describe('the pods', () => {
  const objects = objectsOf(() => ({ replicas: 2, retention: Duration.days(30) }));
  const workload = find(objects, 'StatefulSet', 'apps-prometheus');

  test('keep their data on a claim, of which 80 % may be used', () => {
    expect(argsOf(workload)).toEqual([
      '--config.file=/etc/prometheus/config/prometheus.yml',
      '--enable-feature=auto-reload-config',
      '--storage.tsdb.path=/prometheus',
      '--storage.tsdb.retention.size=8192MB',
      '--storage.tsdb.retention.time=30d',
      '--web.listen-address=:9090',
    ]);
    expect(workload['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('10Gi');
    expect(podOf(workload)['containers'][0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/prometheus' });
  });

  test('have their probes, time to end, and no token for static targets', () => {
    const { containers, terminationGracePeriodSeconds, automountServiceAccountToken } = podOf(workload);
    expect(containers[0].readinessProbe.httpGet).toEqual({ path: '/-/ready', port: 'http' });
    expect(containers[0].livenessProbe.httpGet).toEqual({ path: '/-/healthy', port: 'http' });
    expect(containers[0].startupProbe).toBeUndefined();
    expect(terminationGracePeriodSeconds).toBe(600);
    expect(automountServiceAccountToken).toBe(false);
    expect(objects.map(({ kind }) => kind)).not.toContain('ClusterRole');
  });

  test('are not rolled when the config changes, which they read again', () => {
    expect(workload['spec'].template.metadata.annotations).toBeUndefined();
  });

  test.each<[string, Loose<PrometheusProps>, readonly string[]]>([
    ['a limit', { retentionSize: Size.gibibytes(4) }, ['--storage.tsdb.retention.size=4096MB']],
    ['an odd retention', { retention: Duration.minutes(90) }, ['--storage.tsdb.retention.time=90m']],
    ['hours of retention', { retention: Duration.hours(36) }, ['--storage.tsdb.retention.time=36h']],
    [
      'an external URL',
      { externalUrl: 'https://example.com/prometheus' },
      ['--web.external-url=https://example.com/prometheus', '--web.route-prefix=/'],
    ],
    [
      'features',
      { features: ['native-histograms', 'extra-scrape-metrics'] },
      ['--enable-feature=auto-reload-config,native-histograms,extra-scrape-metrics'],
    ],
    ['other args', { extraArgs: ['--log.level=debug'] }, ['--log.level=debug']],
  ])('take %s', (_title, props, args) => {
    expect(
      argsOf(
        find(
          objectsOf(() => props),
          'StatefulSet',
          'apps-prometheus',
        ),
      ),
    ).toEqual(expect.arrayContaining(args));
  });

  test('have no limit where the volume has none', () => {
    const ephemeral = find(
      objectsOf(() => ({ volume: { ephemeral: true } })),
      'StatefulSet',
      'apps-prometheus',
    );
    expect(argsOf(ephemeral)).toContain('--storage.tsdb.retention.time=15d');
    expect(argsOf(ephemeral).join()).not.toContain('retention.size');
  });

  test('mount the Secrets of jobs, targets and Alertmanagers, and nothing secret is written', () => {
    const bearerToken = SecretRef.of('shop', 'token');
    const all = objectsOf((chart) => ({
      ...CONFIGS['rules and alerts']!(chart),
      ...CONFIGS['all of remote write']!(chart),
      scrape: [Scrape.static({ name: 'shop', targets: ['shop:80'], credentials: { bearerToken } })],
    }));
    const secrets = podOf(find(all, 'StatefulSet', 'apps-prometheus'))['volumes'].filter(
      (one: { secret?: unknown }) => one.secret,
    );
    expect(
      secrets.map(({ secret }: { secret: { secretName: string; items: { key: string }[] } }) => [
        secret.secretName,
        ...secret.items.map(({ key }) => key),
      ]),
    ).toEqual([
      ['alertmanager', 'password'],
      ['metrics', 'ca.crt', 'password', 'token'],
      ['shop', 'token'],
    ]);
  });
});

describe('the config', () => {
  test('is the least where nothing is said', () => {
    expect(filesOf(objectsOf())['/etc/prometheus/config/prometheus.yml']).toBe(`global:
  scrape_interval: 30s
  scrape_timeout: 10s
  evaluation_interval: 30s
scrape_configs:
  - job_name: shop
    static_configs:
      - targets:
          - shop.example.com:8080
`);
  });

  test('tells the replicas apart by a label that VictoriaMetrics and Alertmanager do not see', () => {
    const { global, remote_write, alerting } = configOf(CONFIGS['a pair']);
    expect(global).toEqual({
      scrape_interval: '15s',
      scrape_timeout: '10s',
      evaluation_interval: '15s',
      external_labels: { cluster: 'production', price: '5$$', prometheus_replica: '${POD_NAME}' },
    });
    const drop = { action: 'labeldrop', regex: 'prometheus_replica' };
    expect(remote_write).toEqual([
      {
        url: 'http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write',
        write_relabel_configs: [drop],
      },
      {
        url: 'https://metrics.example.com/api/v1/write',
        write_relabel_configs: [{ action: 'keep', source_labels: ['job'], regex: 'shop' }],
        authorization: { type: 'Bearer', credentials_file: '/etc/secrets/metrics/token' },
      },
    ]);
    expect(alerting).toEqual({
      alert_relabel_configs: [drop],
      alertmanagers: [
        {
          scheme: 'https',
          path_prefix: '/am',
          static_configs: [{ targets: ['alertmanager.example.com:443'] }],
        },
      ],
    });
  });

  test('another label may tell replicas apart, and one pod needs none', () => {
    const pair = configOf((chart) => ({ ...CONFIGS['a pair']!(chart), replicaLabel: '__replica__' }));
    expect(pair['global'].external_labels.__replica__).toBe('${POD_NAME}');
    expect(pair['remote_write'][0].write_relabel_configs).toEqual([{ action: 'labeldrop', regex: '__replica__' }]);
    expect(configOf((chart) => ({ remoteWrite: [clusterOf(chart).write()] }))['remote_write']).toEqual([
      { url: 'http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write' },
    ]);
  });

  test('says all of remote write', () => {
    expect(configOf(CONFIGS['all of remote write'])['remote_write']).toEqual([
      {
        url: 'https://metrics.example.com/api/v1/write',
        remote_timeout: '10s',
        headers: { 'X-Scope-OrgID': 'team' },
        write_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }],
        send_native_histograms: true,
        authorization: { type: 'Bearer', credentials_file: '/etc/secrets/metrics/token' },
        tls_config: { ca_file: '/etc/secrets/metrics/ca.crt', server_name: 'metrics' },
        queue_config: {
          capacity: 20_000,
          min_shards: 2,
          max_shards: 30,
          max_samples_per_send: 10_000,
          batch_send_deadline: '1s',
          min_backoff: '100ms',
          max_backoff: '10s',
          retry_on_http_429: true,
          sample_age_limit: '3600s',
        },
      },
      {
        url: 'http://10.0.0.7:8428/api/v1/write',
        basic_auth: { username: 'apps', password_file: '/etc/secrets/metrics/password' },
      },
    ]);
  });

  test('names the rule files, and every pod of an Alertmanager of the stack', () => {
    const { rule_files, global, alerting } = configOf(CONFIGS['rules and alerts']);
    expect(rule_files).toEqual([
      '/etc/prometheus/rules/a.yaml',
      '/etc/prometheus/rules/b.yml',
      '/etc/prometheus/rules/c.yaml',
    ]);
    expect(global.evaluation_interval).toBe('60s');
    expect(alerting.alertmanagers[0]).toEqual({
      static_configs: [
        {
          targets: [0, 1].map(
            (ordinal) => `alerts-alertmanager-${ordinal}.alerts-alertmanager-headless.monitoring.svc:9093`,
          ),
        },
      ],
    });
    expect(alerting.alertmanagers[1]).toEqual({
      basic_auth: { username: 'apps', password_file: '/etc/secrets/alertmanager/password' },
      static_configs: [{ targets: ['alertmanager:9093'] }],
    });
  });

  test('has the components of the stack when asked for, also those that come later, and in the same order', () => {
    const jobsOf = (...ids: readonly string[]) =>
      configOf((chart) => {
        for (const id of ids) new VmSingle(chart, id, { volume });
        return { scrapeStack: true };
      })['scrape_configs'].map(({ job_name }: { job_name: string }) => job_name);
    const expected = ['shop', 'monitoring/a-vmsingle', 'monitoring/apps-prometheus', 'monitoring/b-vmsingle'];
    expect(jobsOf('a', 'b')).toEqual(expected);
    expect(jobsOf('b', 'a')).toEqual(expected);
    const later = synth((chart) => {
      withPrometheus(() => ({ scrapeStack: true }))(chart);
      new VmSingle(chart, 'later', { volume });
    });
    expect(filesOf(later)['/etc/prometheus/config/prometheus.yml']).toContain('monitoring/later-vmsingle');
    expect(JSON.stringify(configOf((chart) => ({ remoteWrite: [clusterOf(chart).write()] })))).not.toContain(
      'vmstorage',
    );
  });
});

test('rule files that one ConfigMap cannot hold are spread over several, and found in one folder', () => {
  const long = `${RULES}# ${'x'.repeat(150_000)}\n`;
  const objects = objectsOf(() => ({ ruleFiles: { 'a.yaml': long, 'b.yaml': long } }));
  const names = ['apps-prometheus-rules-0', 'apps-prometheus-rules-1'];
  expect(names.map((name) => Object.keys(find(objects, 'ConfigMap', name)['data'] as object))).toEqual([
    ['a.yaml'],
    ['b.yaml'],
  ]);
  expect(podOf(find(objects, 'StatefulSet', 'apps-prometheus'))['volumes']).toContainEqual({
    name: 'rules',
    projected: { sources: names.map((name) => ({ configMap: { name } })) },
  });
});

describe('the network', () => {
  const objects = objectsOf((chart) => ({
    remoteWrite: [clusterOf(chart).write()],
    scrape: [Scrape.annotatedPods({ namespaces: ['shop'] })],
    alertmanagers: [NotifyEndpoint.external('http://10.0.0.8:9093')],
  }));
  const policy = find(objects, 'NetworkPolicy', 'apps-prometheus')['spec'];

  test('is open to what is scraped, written to and notified', () => {
    const peers = policy.egress.flatMap(({ to = [] }: { to?: unknown[] }) => to);
    expect(peers).toContainEqual({ ipBlock: { cidr: '10.0.0.8/32' } });
    expect(peers).toContainEqual({
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } },
    });
    expect(JSON.stringify(find(objects, 'NetworkPolicy', 'metrics-vminsert')['spec'].ingress)).toContain('prometheus');
  });

  test('may read just the pods of the namespace', () => {
    expect(podOf(find(objects, 'StatefulSet', 'apps-prometheus'))['automountServiceAccountToken']).toBe(true);
    const roles = objects.filter(({ kind }) => kind.endsWith('Role'));
    expect(roles.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([['Role', 'shop']]);
    expect(roles[0]!['rules']).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }]);
  });

  test('what a pod keeps is queried at the root, and nobody can write there', () => {
    synth((chart) => {
      const read = withPrometheus(() => ({}))(chart).read();
      expect(read.url).toBe('http://apps-prometheus.monitoring.svc:9090');
      expect([read.kind, read.writes, read.authenticated]).toEqual(['query', false, false]);
    });
  });
});

describeWith(['promtool'], 'promtool accepts', () => {
  test.each(Object.entries(CONFIGS))('%s', (_title, make) => {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
    try {
      const write = (path: string, text: string) => {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      };
      for (const [path, text] of Object.entries(filesOf(objectsOf(make)))) {
        const local = text.replaceAll(/(?<= )\/(?:etc|var\/run)\//g, (found) => folder + found);
        for (const [file] of text.matchAll(/(?<= )\/(?:etc\/secrets|var\/run)\/\S+/g)) write(file, 'x');
        write(path, local);
      }
      const config = join(folder, 'etc/prometheus/config/prometheus.yml');
      expect(execFileSync(findBinary('promtool')!, ['check', 'config', config], { encoding: 'utf8' })).toContain(
        'SUCCESS',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

type Case = readonly [string, Make, ...string[]];

const INSERT = 'http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write';

const WRONG: readonly Case[] = [
  [
    'no volume',
    () => ({ volume: undefined }),
    'volume = (not set): Prometheus must be told where to keep its data. To fix: set `volume: { size: Size.gibibytes(50) }`.',
  ],
  [
    'nothing to scrape',
    () => ({ scrape: undefined }),
    'scrape = (not set): there is nothing to scrape. ' +
      'To fix: write for example `scrape: [Scrape.annotatedPods()]`, or set `scrapeStack: true`.',
  ],
  [
    'a pair before a storage that keeps both samples',
    (chart) => ({ replicas: 2, remoteWrite: [clusterOf(chart).write()] }),
    `remoteWrite[0] = "${INSERT}": 2 replicas scrape every target each 30 seconds, and the storage keeps one sample of a ` +
      'series for each of them. To fix: set `dedupInterval: Duration.seconds(30)` on the storage, or `replicas` to 1.',
  ],
  [
    'a pair before a storage with another interval',
    (chart) => ({
      replicas: 2,
      global: { interval: Duration.seconds(15) },
      remoteWrite: [{ endpoint: clusterOf(chart, 30).write() }],
    }),
    `remoteWrite[0] = "${INSERT}": 2 replicas scrape every target each 15 seconds, and the storage keeps one sample of a ` +
      'series in 30 seconds. To fix: set `dedupInterval: Duration.seconds(15)` on the storage, or `replicas` to 1.',
  ],
  [
    'a pair with a job that is too fast for the storage',
    (chart) => ({
      replicas: 2,
      scrape: [
        Scrape.static({ name: 'fast', targets: ['a:1'], interval: Duration.seconds(5), timeout: Duration.seconds(5) }),
      ],
      remoteWrite: [clusterOf(chart, 30).write()],
    }),
    "scrape['fast'].interval = 5 seconds: is shorter than the dedupInterval of the storage (30 seconds), which " +
      'keeps one sample of a series in that time. To fix: scrape it no more often than each 30 seconds, or shorten ' +
      '`global.interval` and the `dedupInterval` of the storage.',
  ],
  [
    'rules that are evaluated too often for the storage',
    (chart) => ({
      ruleFiles: { 'a.yaml': RULES },
      evaluationInterval: Duration.seconds(10),
      remoteWrite: [clusterOf(chart, 30).write()],
    }),
    'evaluationInterval = 10 seconds: is shorter than the dedupInterval of the storage (30 seconds), which keeps one ' +
      'sample of a series in that time. To fix: set it to 30 seconds or more, or shorten the `dedupInterval` of the storage.',
  ],
  [
    'the label of the replicas before VictoriaMetrics',
    (chart) => ({ remoteWrite: [{ endpoint: clusterOf(chart).write(), keepReplicaLabel: true }] }),
    'remoteWrite[0].keepReplicaLabel = true: VictoriaMetrics would take the samples of the replicas for different series, ' +
      'and keep all of them. To fix: remove it.',
  ],
  [
    'an external label with the name of that of the replicas',
    () => ({ replicas: 2, global: { externalLabels: { prometheus_replica: 'a' } } }),
    'global.externalLabels[\'prometheus_replica\'] = "a": the label has the name of the pod, which tells the replicas ' +
      'apart. To fix: rename the label, or set `replicaLabel`.',
  ],
  [
    'a label for replicas that there are not',
    () => ({ replicaLabel: 'replica' }),
    'replicaLabel = "replica": there is one replica, and nothing to tell apart. To fix: set `replicas` to 2, or remove it.',
  ],
  [
    'data that fills the volume',
    () => ({ retentionSize: Size.gibibytes(10) }),
    'retentionSize = 10Gi: is more than 85 % of the volume, which has 10Gi: the rest would not do for compaction. ' +
      'To fix: lower it, enlarge the volume, or leave it out for 80 %.',
  ],
  [
    'a query endpoint to write to',
    (chart) => ({ remoteWrite: [clusterOf(chart).read()] }),
    'remoteWrite[0] = http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus: must be a WriteEndpoint. ' +
      "To fix: write cluster.write() or WriteEndpoint.external('https://...').",
  ],
  [
    'the same target twice',
    (chart) => {
      const cluster = clusterOf(chart);
      return { remoteWrite: [cluster.write(), { endpoint: cluster.write() }] };
    },
    `remoteWrite[1] = "${INSERT}": leads to the same storage as remoteWrite[0], which would get every sample twice. ` +
      'To fix: remove one of the two.',
  ],
  [
    'a queue that cannot work',
    () => ({
      remoteWrite: [
        { endpoint: external, queue: { capacity: 1000, minShards: 60, minBackoff: Duration.seconds(10), shards: 4 } },
      ],
    }),
    'remoteWrite[0].queue.shards = 4: there is no such prop. To fix: use one of capacity, minShards, maxShards, ' +
      'maxSamplesPerSend, batchSendDeadline, minBackoff, maxBackoff, retryOnHttp429, sampleAgeLimit.',
    'remoteWrite[0].queue.capacity = 1000: is less than a request has, which is 2000 ' +
      '(remoteWrite[0].queue.maxSamplesPerSend). To fix: set `remoteWrite[0].queue.capacity` to 6000 or more.',
    'remoteWrite[0].queue.minShards = 60: is more than the most, which is 50 (remoteWrite[0].queue.maxShards). ' +
      'To fix: set `remoteWrite[0].queue.maxShards` to 60 or more, or lower it.',
    'remoteWrite[0].queue.minBackoff = 10 seconds: is longer than the longest, which is 5000 ms ' +
      '(remoteWrite[0].queue.maxBackoff). To fix: set `remoteWrite[0].queue.maxBackoff` to as much, or shorten it.',
  ],
  [
    'relabeling that only vmagent knows',
    () => ({ remoteWrite: [{ endpoint: external, relabelConfigs: [{ action: 'drop', if: '{job="shop"}' }] }] }),
    'remoteWrite[0].relabelConfigs[0].if = "{job=\\"shop\\"}": Prometheus does not know `if`. ' +
      'To fix: remove it, or use a VmAgent.',
  ],
  [
    'a job that only vmagent can run',
    () => ({ scrape: [Scrape.static({ name: 'shop', targets: ['shop:80'], streamParse: true })] }),
    "scrape['shop'].streamParse = true: only vmagent knows it. To fix: remove it, or let a vmagent run the job.",
  ],
  [
    'something else than a job',
    () => ({ scrape: ['shop:8080'] }),
    'scrape[0] = "shop:8080": must be a scrape job. To fix: write for example Scrape.annotatedPods().',
  ],
  [
    'TLS for plain HTTP',
    (chart) => ({ remoteWrite: [{ endpoint: clusterOf(chart).write(), tls: { serverName: 'x' } }] }),
    'remoteWrite[0].tls = {"serverName":"x"}: the endpoint is http, so that it would not be used. ' +
      'To fix: remove it, or take an endpoint with https.',
  ],
  [
    'headers that are secret, or that Prometheus sets itself',
    () => ({
      remoteWrite: [{ endpoint: external, headers: { Authorization: 'Bearer x', 'Content-Type': 'text/plain' } }],
    }),
    'remoteWrite[0].headers[\'Authorization\'] = "***": looks like a secret, and would stand in the manifest in the ' +
      'clear. To fix: pass `credentials` with a SecretRef to the endpoint instead.',
    'remoteWrite[0].headers[\'Content-Type\'] = "text/plain": Prometheus sets it itself, and would not start. ' +
      'To fix: remove it.',
  ],
  [
    'rule files that are none',
    () => ({ ruleFiles: { 'a.json': RULES, 'b.yaml': 'groups: [', 'c.yaml': '- alert: TargetDown' } }),
    'ruleFiles[\'a.json\'] = "a.json": the name of a rule file has letters, digits, -, _ and ., and ends in .yaml or .yml. ' +
      'To fix: rename the file.',
    'ruleFiles[\'b.yaml\'] = "groups: [": Prometheus would not start with it: it is no YAML (Flow sequence in block ' +
      'collection must be sufficiently indented and end with a ] at line 1, column 10:). ' +
      'To fix: write YAML with `groups:`, as `promtool check rules` accepts it.',
    'ruleFiles[\'c.yaml\'] = "- alert: TargetDown": Prometheus would not start with it: it has no list `groups`. ' +
      'To fix: write YAML with `groups:`, as `promtool check rules` accepts it.',
  ],
  [
    'a rule file with an alias of nothing',
    () => ({ ruleFiles: { 'a.yaml': 'groups: [*shop]' } }),
    'ruleFiles[\'a.yaml\'] = "groups: [*shop]": Prometheus would not start with it: it is no YAML (Unresolved alias (the ' +
      'anchor must be set before the alias): shop). To fix: write YAML with `groups:`, as `promtool check rules` accepts it.',
  ],
  [
    'rules that Prometheus would not start with',
    () => ({ ruleFiles: { 'a.yaml': WRONG_RULES } }),
    'ruleFiles[\'a.yaml\'].group = [{"name":"x"}]: there is no such prop. To fix: did you mean `ruleFiles[\'a.yaml\'].groups`?',
    "ruleFiles['a.yaml'].groups['shop'].interval = 5: is no duration of Prometheus. " +
      "To fix: write for example '30s', '5m' or '1h30m'.",
    "ruleFiles['a.yaml'].groups['shop'].eval_offset = \"1m\": there is no such prop. " +
      'To fix: use one of name, interval, query_offset, limit, labels, rules.',
    "ruleFiles['a.yaml'].groups['shop'].labels['a-b'] = \"a-b\": must be a label name: letters, digits and _, no digit " +
      'first. To fix: give a label name: letters, digits and _, no digit first.',
    "ruleFiles['a.yaml'].groups['shop'].rules['Down'].fro = \"5m\": there is no such prop. " +
      "To fix: did you mean `ruleFiles['a.yaml'].groups['shop'].rules['Down'].for`?",
    "ruleFiles['a.yaml'].groups['shop'].rules['Down'].expr = \"sum(up{job=\\\"shop\\\"} == 0\": is no query: a ( is not " +
      'closed. To fix: correct the expression.',
    "ruleFiles['a.yaml'].groups['shop'].rules['Down'].annotations['summary'] = \"{{ $labels.instance\": is no " +
      'template: a {{ is not closed. To fix: correct the template.',
    "ruleFiles['a.yaml'].groups['shop'].rules['shop:up'].for = \"5m\": a recording rule has no such field. " +
      'To fix: remove it, or write an alert.',
    "ruleFiles['a.yaml'].groups['shop'].rules['shop:up'].labels['__name__'] = \"up\": the name of a series is no label " +
      'that rules may set. To fix: remove it: a recording rule names its series by `record`.',
    "ruleFiles['a.yaml'].groups['shop'].rules['a b'].record = \"a b\": the name of a series consists of letters, digits, " +
      "_ and :, no digit first. To fix: write for example 'job:http_requests:rate5m'.",
    'ruleFiles[\'a.yaml\'].groups[\'shop\'].rules[\'Both\'] = {"alert":"Both","record":"both","expr":"up"}: a rule ' +
      'either alerts or records. To fix: keep one of `alert` and `record`.',
    'ruleFiles[\'a.yaml\'].groups[\'shop\'].rules[4] = {"expr":"up"}: a rule either alerts or records. ' +
      'To fix: set one of `alert` and `record`.',
    "ruleFiles['a.yaml'].groups['shop'].rules['Never'].expr = (not set): ruleFiles['a.yaml'].groups['shop']." +
      "rules['Never'] is nothing without it. To fix: set `ruleFiles['a.yaml'].groups['shop'].rules['Never'].expr`.",
    "ruleFiles['a.yaml'].groups['twice'] = \"twice\": another group of the file has the same name. " +
      'To fix: rename one of the two.',
  ],
  [
    'storage in the place of an Alertmanager',
    () => ({ alertmanagers: [external] }),
    'alertmanagers[0] = https://metrics.example.com/api/v1/write: must be a NotifyEndpoint. To fix: write ' +
      "alertmanager.notify() or NotifyEndpoint.external('https://...').",
  ],
  [
    'a plain endpoint and one with parameters in the place of Alertmanagers',
    () => ({
      alertmanagers: [
        Endpoint.external('http://alertmanager:9093'),
        NotifyEndpoint.external('http://alertmanager:9093/?team=shop'),
      ],
    }),
    'alertmanagers[0] = http://alertmanager:9093: must be a NotifyEndpoint. To fix: write ' +
      "alertmanager.notify() or NotifyEndpoint.external('https://...').",
    'alertmanagers[1] = http://alertmanager:9093?team=shop: Prometheus appends /api/v2/alerts to it, which parameters ' +
      'would swallow. To fix: remove what follows the ?',
  ],
  [
    'an external URL with credentials',
    () => ({ externalUrl: 'https://me:secret@example.com' }),
    'externalUrl = "https://me:***@example.com": must be a URL of http or https, without credentials and parameters. ' +
      "To fix: write for example 'https://prometheus.example.com'.",
  ],
  [
    'args that open what nobody guards, or belong to a prop',
    () => ({
      extraArgs: [
        '--web.enable-remote-write-receiver',
        '--web.enable-lifecycle',
        '--web.config.file=/x',
        '--agent',
        '--enable-feature=agent',
        '--storage.tsdb.retention.time=1d',
      ],
    }),
    "extraArgs['--web.enable-remote-write-receiver'] = true: whoever may query could store or delete data, or end the " +
      'process. To fix: remove it, and push to the storage or to a VmAgent.',
    "extraArgs['--web.enable-lifecycle'] = true: whoever may query could store or delete data, or end the process. " +
      'To fix: remove it.',
    'extraArgs[\'--web.config.file\'] = "/x": the probes of the pod and everything that is wired to it speak plain HTTP ' +
      'without credentials. To fix: remove it, and put a VmAuth in front.',
    "extraArgs['--agent'] = true: it would have no storage, queries and rules. To fix: remove it, or use a VmAgent.",
    'extraArgs[\'--enable-feature\'] = "agent": --enable-feature belongs to features. To fix: remove it here and use features.',
    'extraArgs[\'--storage.tsdb.retention.time\'] = "1d": --storage.tsdb.retention.time belongs to retention. ' +
      'To fix: remove it here and use retention.',
  ],
  [
    'args that Prometheus does not know',
    () => ({
      extraArgs: [
        '--storage.tsdb.pth=/x',
        '--log.lvl=debug',
        '--no-web.enable-lifecyle',
        '--storage.agent.path=/x',
        '--quux',
      ],
    }),
    'extraArgs[\'--storage.tsdb.pth\'] = "/x": Prometheus 3.13 has no --storage.tsdb.pth. ' +
      'To fix: did you mean `--storage.tsdb.path`?',
    'extraArgs[\'--log.lvl\'] = "debug": Prometheus 3.13 has no --log.lvl. To fix: did you mean `--log.level`?',
    "extraArgs['--no-web.enable-lifecyle'] = true: Prometheus 3.13 has no --no-web.enable-lifecyle. " +
      'To fix: did you mean `--no-web.enable-lifecycle`?',
    'extraArgs[\'--storage.agent.path\'] = "/x": Prometheus 3.13 has no --storage.agent.path. ' +
      'To fix: did you mean `--storage.tsdb.path`?',
    "extraArgs['--quux'] = true: Prometheus 3.13 has no --quux. " +
      'To fix: remove it; an arg of another version goes into the args by a JSON patch.',
  ],
  [
    'an autoscaler and a misspelt prop',
    () => ({ autoscaling: { maxReplicas: 3 }, remotewrite: [] }),
    'autoscaling = {"maxReplicas":3}: each replica scrapes every target once more. To fix: remove it and set `replicas`.',
    'remotewrite = []: there is no such prop. To fix: did you mean `remoteWrite`?',
  ],
];

describe('wrong configurations', () => {
  const cases = WRONG.map(([title, make, ...messages]) => ({
    title,
    make,
    messages: messages.map((message) => `[test/apps] ${message}`),
  }));

  test.each(cases)('$title', ({ make, messages }) => {
    expect(problemsOf(withPrometheus(make)).sort()).toEqual([...messages].sort());
  });
});

test('a job of a caller may ask for nodes, whose addresses are known', () => {
  const nodes: ScrapeJob = {
    name: 'nodes',
    destinations: [{ kind: 'nodes', ports: [{ port: 9100 }] }],
    render: () => ({ job_name: 'nodes', static_configs: [] }),
  };
  const objects = synth((chart) => {
    StackDefaults.set(chart, { nodes: [{ ipBlock: { cidr: '10.1.0.0/16' } }] });
    withPrometheus(() => ({ scrape: [nodes] }))(chart);
  });
  expect(find(objects, 'NetworkPolicy', 'apps-prometheus')['spec'].egress).toEqual([
    { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [{ port: 9100, protocol: 'TCP' }] },
  ]);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Duration, Size } from 'cdk8s';
import { parse } from 'yaml';
import { Endpoint, SecretRef, VmAgent, VmCluster, VmSingle, WriteEndpoint } from '../../src';
import {
  checkDeduplication,
  checkScrapeJobs,
  componentJob,
  globalScrapeCheck,
  labelNameCheck,
  relabelConfigsCheck,
  renderRelabelConfigs,
  Scrape,
  SCRAPE_LABELS,
  scrapeConfig,
  scrapeConfigFile,
  scrapeSourcesCheck,
  seriesSelectorsCheck,
  type GlobalScrapeProps,
  type RawScrapeConfig,
  type ScrapeJob,
  type ScrapeProgram,
  type ScrapeSource,
} from '../../src/scrape';
import { InvalidValueError, Problems, type Check } from '../../src/validation';
import { ScrapeTarget, type NetworkPolicyPeer } from '../../src/wiring';
import { secretPath } from '../../src/workload';

const volume = { size: Size.gibibytes(10) };

const chartIn = (namespace?: string) => new Chart(new App(), 'test', { namespace });

const clusterIn = (namespace?: string, props = {}) =>
  new VmCluster(chartIn(namespace), 'metrics', { vmstorage: { volume }, ...props });

const singleWith = (props: object) => new VmSingle(chartIn('monitoring'), 'metrics', { volume, ...props });

const jobsOf = (source: ScrapeSource): readonly ScrapeJob[] => [source].flat();

const rendered = (source: ScrapeSource) => jobsOf(source).map((job) => job.render(secretPath));

const textOf = (source: ScrapeSource) => scrapeConfigFile({ jobs: jobsOf(source), secretPath });

function problemsOf(source: ScrapeSource, program: ScrapeProgram = 'vmagent', global?: GlobalScrapeProps): string[] {
  const problems = new Problems();
  checkScrapeJobs({ global, jobs: jobsOf(source) }, program, problems);
  return problems.messages();
}

function messagesOf(check: Check, value: unknown, prop: string): string[] {
  const problems = new Problems();
  check(value, prop, problems);
  return problems.messages();
}

function inFile<T>(content: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'scrape-'));
  try {
    const path = join(folder, 'scrape.yaml');
    writeFileSync(path, content);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What JavaScript, a spread or a cast lets through. */
const loose = (value: unknown) => value as RawScrapeConfig;

/** What a relabeling makes of the labels of a target, as far as these tests need it; nothing where it drops the target. */
function relabel(job: ScrapeJob, target: Record<string, string>): Record<string, string> | undefined {
  const labels = { ...target };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- plain YAML
  for (const rule of job.render(secretPath)['relabel_configs'] as any[]) {
    const value = ((rule.source_labels ?? []) as string[]).map((name) => labels[name] ?? '').join(';');
    const regex = new RegExp(`^(?:${String(rule.regex ?? '(.*)')})$`, 's');
    const matches = regex.test(value);
    const expand = (text: string) => text.replace(regex, rule.replacement ?? '$1');
    if (rule.action === 'drop' && matches) return undefined;
    if (rule.action === 'keep' && !matches) return undefined;
    if (rule.action === 'labelmap') {
      for (const name of Object.keys(labels)) if (regex.test(name)) labels[expand(name)] = labels[name]!;
    }
    if (rule.action === undefined && matches) labels[rule.target_label] = expand(value);
  }
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => !name.startsWith('__meta') && value !== ''),
  );
}

describe('components', () => {
  it('are scraped pod by pod, with labels that rules can count on', () => {
    expect(textOf(Scrape.component(clusterIn('monitoring').vmstorage))).toBe(`global:
  scrape_interval: 30s
  scrape_timeout: 10s
scrape_configs:
  - job_name: monitoring/metrics-vmstorage
    kubernetes_sd_configs:
      - role: pod
        namespaces:
          names:
            - monitoring
        selectors:
          - role: pod
            label: app.kubernetes.io/name=vmstorage,app.kubernetes.io/instance=metrics,app.kubernetes.io/component=storage
    relabel_configs:
      - action: drop
        source_labels:
          - __meta_kubernetes_pod_container_init
        regex: "true"
      - action: drop
        source_labels:
          - __meta_kubernetes_pod_phase
        regex: Succeeded|Failed
      - action: keep
        source_labels:
          - __meta_kubernetes_pod_container_port_number
          - __meta_kubernetes_pod_container_port_protocol
        regex: 8482;TCP
      - target_label: job
        replacement: vmstorage
      - target_label: namespace
        source_labels:
          - __meta_kubernetes_namespace
      - target_label: pod
        source_labels:
          - __meta_kubernetes_pod_name
      - target_label: node
        source_labels:
          - __meta_kubernetes_pod_node_name
      - target_label: instance
        source_labels:
          - __meta_kubernetes_pod_name
        replacement: $1:8482
      - target_label: app_instance
        source_labels:
          - __meta_kubernetes_pod_label_app_kubernetes_io_instance
`);
  });

  const pod = {
    __address__: '10.1.2.3:8482',
    __meta_kubernetes_namespace: 'monitoring',
    __meta_kubernetes_pod_name: 'metrics-vmstorage-0',
    __meta_kubernetes_pod_node_name: 'node-1',
    __meta_kubernetes_pod_phase: 'Running',
    __meta_kubernetes_pod_container_init: 'false',
    __meta_kubernetes_pod_container_port_number: '8482',
    __meta_kubernetes_pod_container_port_protocol: 'TCP',
    __meta_kubernetes_pod_label_app_kubernetes_io_instance: 'metrics',
  };
  const storage = () => jobsOf(Scrape.component(clusterIn('monitoring').vmstorage))[0]!;

  it('have the labels of SCRAPE_LABELS', () => {
    const labels = relabel(storage(), pod);
    expect(labels).toEqual({
      __address__: '10.1.2.3:8482',
      job: 'vmstorage',
      instance: 'metrics-vmstorage-0:8482',
      namespace: 'monitoring',
      pod: 'metrics-vmstorage-0',
      node: 'node-1',
      app_instance: 'metrics',
    });
    const known: readonly string[] = Object.values(SCRAPE_LABELS);
    expect(Object.keys(labels!).filter((name) => !name.startsWith('__') && !known.includes(name))).toEqual([]);
  });

  it.each([
    ['another port', { __meta_kubernetes_pod_container_port_number: '8400' }],
    ['the same port over UDP', { __meta_kubernetes_pod_container_port_protocol: 'UDP' }],
    ['a pod that has ended', { __meta_kubernetes_pod_phase: 'Failed' }],
    ['an init container', { __meta_kubernetes_pod_container_init: 'true' }],
  ])('leave out %s', (_, change) => {
    expect(relabel(storage(), { ...pod, ...change })).toBeUndefined();
  });

  it('need no more than the pods of their namespace', () => {
    const [job] = jobsOf(Scrape.component(clusterIn('monitoring').vmstorage));
    expect(job!.apiAccess).toEqual([
      {
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
        namespaces: ['monitoring'],
      },
    ]);
    expect(job!.targets).toHaveLength(1);
    expect(job!.destinations).toBeUndefined();
  });

  it('are looked for in the namespace of the agent where their chart names none', () => {
    const [job] = jobsOf(Scrape.component(clusterIn(undefined).vmstorage));
    expect(job!.name).toBe('metrics-vmstorage');
    expect(job!.apiAccess).toMatchObject([{ namespaces: [undefined] }]);
    expect(job!.render(secretPath)['kubernetes_sd_configs']).toMatchObject([{ namespaces: { own_namespace: true } }]);
  });

  it('of the same name in two namespaces are two jobs', () => {
    const both = ['a', 'b'].flatMap((namespace) => jobsOf(Scrape.component(clusterIn(namespace).vmstorage)));
    expect(both.map(({ name }) => name)).toEqual(['a/metrics-vmstorage', 'b/metrics-vmstorage']);
    expect(problemsOf(both)).toEqual([]);
  });

  it('bring the credentials that they ask for, as files', () => {
    const password = SecretRef.of('web', 'password');
    const [job] = jobsOf(Scrape.component(singleWith({ httpAuth: { username: 'scraper', password } })));
    expect(job!.secrets).toEqual([password]);
    expect(job!.render(secretPath)['basic_auth']).toEqual({
      username: 'scraper',
      password_file: '/etc/secrets/web/password',
    });
  });

  const target = (props: object = {}) =>
    new ScrapeTarget({
      owner: clusterIn('monitoring').vmstorage,
      name: 'state',
      job: 'kube-state-metrics',
      podSelector: {
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['a', 'b'] },
          { key: 'tier', operator: 'NotIn', values: ['c'] },
          { key: 'one', operator: 'Exists' },
          { key: 'two', operator: 'DoesNotExist' },
        ],
      },
      namespace: 'monitoring',
      portName: 'http',
      port: 8080,
      ...props,
    });

  it('with several ports are a job for each', () => {
    const metrics = [target(), target({ portName: 'telemetry', port: 8081, path: '/self', honorLabels: true })];
    const jobs = jobsOf(Scrape.component({ metrics }));
    expect(jobs.map(({ name }) => name)).toEqual(['monitoring/state-http', 'monitoring/state-telemetry']);
    expect(jobs[1]!.render(secretPath)).toMatchObject({ metrics_path: '/self', honor_labels: true });
    expect(jobs[0]!.render(secretPath)).not.toHaveProperty('honor_labels');
  });

  it('that tell of their node are called after it', () => {
    expect(componentJob(target({ ofNode: true })).render(secretPath)['relabel_configs']).toContainEqual({
      target_label: 'instance',
      source_labels: ['__meta_kubernetes_pod_node_name'],
    });
  });

  it('may be chosen by expressions', () => {
    expect(componentJob(target()).render(secretPath)['kubernetes_sd_configs']).toMatchObject([
      { selectors: [{ role: 'pod', label: 'app in (a,b),tier notin (c),one,!two' }] },
    ]);
  });
});

describe('annotated pods', () => {
  const job = Scrape.annotatedPods();
  const meta = (name: string) => `__meta_kubernetes_pod_${name}`;
  const annotated = (annotations: Record<string, string>, port?: string, address = '10.1.2.3') => ({
    __address__: port === undefined ? address : `${address}:${port}`,
    __meta_kubernetes_namespace: 'shop',
    [meta('name')]: 'web-1',
    [meta('ip')]: address,
    [meta('node_name')]: 'node-1',
    [meta('phase')]: 'Running',
    [meta('container_init')]: 'false',
    [meta('container_name')]: port === '9090' ? 'metrics' : 'app',
    ...(port === undefined ? {} : { [meta('container_port_number')]: port, [meta('container_port_protocol')]: 'TCP' }),
    ...Object.fromEntries(
      Object.entries({ scrape: 'true', ...annotations }).map(([name, value]) => [
        meta(`annotation_prometheus_io_${name}`),
        value,
      ]),
    ),
  });

  it('are scraped at each declared port, and know the container', () => {
    const labels = { namespace: 'shop', pod: 'web-1', node: 'node-1' };
    expect(relabel(job, annotated({}, '8080'))).toEqual({ ...labels, __address__: '10.1.2.3:8080', container: 'app' });
    expect(relabel(job, annotated({}, '9090'))).toEqual({
      ...labels,
      __address__: '10.1.2.3:9090',
      container: 'metrics',
    });
  });

  it('are scraped once where the annotation names a port, whatever the pod declares', () => {
    const targets = ['8080', '9090', undefined].map((port) => relabel(job, annotated({ port: '9090' }, port)));
    expect(targets[0]).toEqual({ __address__: '10.1.2.3:9090', namespace: 'shop', pod: 'web-1', node: 'node-1' });
    expect(new Set(targets.map((target) => JSON.stringify(Object.entries(target!).sort()))).size).toBe(1);
  });

  it('have brackets around an IPv6 address', () => {
    expect(relabel(job, annotated({ port: '9102' }, undefined, 'fd00:10::1f'))).toMatchObject({
      __address__: '[fd00:10::1f]:9102',
    });
  });

  it('say path, scheme and parameters', () => {
    expect(
      relabel(job, annotated({ path: '/stats', scheme: 'https', param_format: 'prometheus' }, '8080')),
    ).toMatchObject({
      __metrics_path__: '/stats',
      __scheme__: 'https',
      __param_format: 'prometheus',
    });
  });

  it.each([
    ['have no annotation', { ...annotated({}, '8080'), [meta('annotation_prometheus_io_scrape')]: '' }],
    ['refuse', annotated({ scrape: 'false' }, '8080')],
    ['have ended', { ...annotated({}, '8080'), [meta('phase')]: 'Succeeded' }],
    ['are not past their init containers', { ...annotated({}, '8080'), [meta('container_init')]: 'true' }],
    ['have no port at all', annotated({})],
    ['speak UDP', { ...annotated({}, '53'), [meta('container_port_protocol')]: 'UDP' }],
  ])('are left out where they %s', (_, target) => {
    expect(relabel(job, target)).toBeUndefined();
  });

  it('of all namespaces need a ClusterRole, of some a Role in each', () => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }];
    expect(job.apiAccess).toEqual([{ rules, namespaces: undefined }]);
    expect(job.destinations).toEqual([{ kind: 'peer', peer: { namespaceSelector: {} }, ports: [] }]);

    const some = Scrape.annotatedPods({ namespaces: ['shop', 'web'], matchLabels: { app: 'x', tier: 'y' } });
    expect(some.apiAccess).toEqual([{ rules, namespaces: ['shop', 'web'] }]);
    expect(some.render(secretPath)['kubernetes_sd_configs']).toEqual([
      { role: 'pod', namespaces: { names: ['shop', 'web'] }, selectors: [{ role: 'pod', label: 'app=x,tier=y' }] },
    ]);
    expect(some.destinations).toEqual(
      ['shop', 'web'].map((name) => ({
        kind: 'peer',
        peer: {
          podSelector: { matchLabels: { app: 'x', tier: 'y' } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
        },
        ports: [],
      })),
    );
  });
});

describe('annotated Services', () => {
  const job = Scrape.serviceEndpoints({ namespaces: ['shop'] });
  const meta = (name: string) => `__meta_kubernetes_${name}`;
  const endpoint = {
    __address__: '10.1.2.3:8080',
    [meta('namespace')]: 'shop',
    [meta('service_name')]: 'web',
    [meta('service_annotation_prometheus_io_scrape')]: 'true',
    [meta('endpointslice_port')]: '8080',
    [meta('endpointslice_port_protocol')]: 'TCP',
    [meta('endpointslice_endpoint_node_name')]: 'node-1',
    [meta('pod_name')]: 'web-1',
    [meta('pod_phase')]: 'Running',
  };

  it('are scraped at each of their pods', () => {
    expect(relabel(job, endpoint)).toEqual({
      __address__: '10.1.2.3:8080',
      namespace: 'shop',
      service: 'web',
      pod: 'web-1',
      node: 'node-1',
    });
    expect(job.apiAccess).toEqual([
      {
        rules: [
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
        ],
        namespaces: ['shop'],
      },
    ]);
  });

  it.each(['10.1.2.3', '[fd00::1]'])('take the port of the annotation at %s', (host) => {
    const annotated = {
      ...endpoint,
      __address__: `${host}:8080`,
      [meta('service_annotation_prometheus_io_port')]: '9102',
    };
    expect(relabel(job, annotated)).toMatchObject({ __address__: `${host}:9102` });
  });

  it('are not scraped at ports of the pods that they do not name', () => {
    expect(relabel(job, { ...endpoint, [meta('endpointslice_port')]: '' })).toBeUndefined();
  });
});

describe('nodes', () => {
  it('are scraped by the token of the agent, and not verified unless told', () => {
    const [kubelet, cadvisor] = rendered(Scrape.nodes());
    expect(kubelet).toEqual({
      job_name: 'kubelet',
      metrics_path: '/metrics',
      scheme: 'https',
      authorization: { type: 'Bearer', credentials_file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
      tls_config: { insecure_skip_verify: true },
      kubernetes_sd_configs: [{ role: 'node' }],
      relabel_configs: [{ target_label: 'node', source_labels: ['__meta_kubernetes_node_name'] }],
    });
    expect(cadvisor).toEqual({ ...kubelet, job_name: 'cadvisor', metrics_path: '/metrics/cadvisor' });
    expect(rendered(Scrape.kubelet({ tls: { insecureSkipVerify: false } }))[0]!['tls_config']).toEqual({
      ca_file: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
      insecure_skip_verify: false,
    });
    expect(rendered(Scrape.kubelet({ tls: { ca: SecretRef.of('kubelet', 'ca.pem') } }))[0]!['tls_config']).toEqual({
      ca_file: '/etc/secrets/kubelet/ca.pem',
    });
  });

  it('need nodes, and their metrics and nothing else of them', () => {
    for (const job of Scrape.nodes()) {
      expect(job.apiAccess).toEqual([
        {
          rules: [
            { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
            { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
          ],
        },
      ]);
      expect(job.destinations).toEqual([{ kind: 'nodes', ports: [{ port: 10250 }] }]);
    }
  });
});

it('scrapes the API servers one by one, verified', () => {
  const job = Scrape.apiServer();
  expect(job.render(secretPath)).toEqual({
    job_name: 'apiserver',
    scheme: 'https',
    authorization: { type: 'Bearer', credentials_file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
    tls_config: {
      ca_file: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
      server_name: 'kubernetes.default.svc',
    },
    kubernetes_sd_configs: [{ role: 'endpointslice', namespaces: { names: ['default'] } }],
    relabel_configs: [
      {
        action: 'keep',
        source_labels: ['__meta_kubernetes_service_name', '__meta_kubernetes_endpointslice_port_name'],
        regex: 'kubernetes;https',
      },
    ],
  });
  expect(job.apiAccess).toMatchObject([
    { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
    { namespaces: ['default'] },
  ]);
});

describe('static targets', () => {
  it('need nothing of the Kubernetes API, and open just their ports', () => {
    const job = Scrape.static({
      name: 'node',
      targets: ['node-1.example.com:9100', '10.0.0.7:9100', '[fd00::7]:9101', 'node-2.example.com:9200'],
      labels: { team: 'a$1' },
      interval: Duration.minutes(1),
      metricRelabelConfigs: [{ action: 'drop', sourceLabels: ['__name__'], regex: ['go_.*', 'process_.*'] }],
    });
    expect(job.apiAccess).toBeUndefined();
    expect(job.intervalSeconds).toBe(60);
    expect(job.destinations).toEqual([
      { kind: 'anywhere', ports: [{ port: 9100 }, { port: 9200 }] },
      { kind: 'peer', peer: { ipBlock: { cidr: '10.0.0.7/32' } }, ports: [{ port: 9100 }], byAddress: true },
      { kind: 'peer', peer: { ipBlock: { cidr: 'fd00::7/128' } }, ports: [{ port: 9101 }], byAddress: true },
    ]);
    expect(job.render(secretPath)).toEqual({
      job_name: 'node',
      scrape_interval: '60s',
      static_configs: [
        {
          targets: ['node-1.example.com:9100', '10.0.0.7:9100', '[fd00::7]:9101', 'node-2.example.com:9200'],
          labels: { team: 'a$1' },
        },
      ],
      metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex: 'go_.*|process_.*' }],
    });
    expect(problemsOf(job)).toEqual([]);
  });

  it('are where the user says', () => {
    const peers: NetworkPolicyPeer[] = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
    expect(Scrape.static({ name: 'node', targets: ['a:1', 'b:2'], peers }).destinations).toEqual([
      { kind: 'peer', peer: peers[0], ports: [{ port: 1 }, { port: 2 }] },
    ]);
  });

  it('may be endpoints, which bring scheme and credentials', () => {
    const bearerToken = SecretRef.of('api', 'token');
    const endpoint = Endpoint.external('https://api.example.com/ignored', { credentials: { bearerToken } });
    const job = Scrape.static({ name: 'api', targets: [endpoint] });
    expect(job.endpoints).toEqual([endpoint]);
    expect(job.destinations).toEqual([]);
    expect(job.secrets).toEqual([bearerToken]);
    expect(job.render(secretPath)).toEqual({
      job_name: 'api',
      scheme: 'https',
      authorization: { type: 'Bearer', credentials_file: '/etc/secrets/api/token' },
      static_configs: [{ targets: ['api.example.com:443'] }],
    });
  });

  it('render every prop', () => {
    const job = Scrape.static({
      name: 'all',
      targets: ['a:1'],
      interval: Duration.seconds(15),
      timeout: Duration.millis(1500),
      metricsPath: '/probe',
      scheme: 'https',
      params: { module: ['http_2xx'] },
      honorLabels: true,
      honorTimestamps: false,
      sampleLimit: 10,
      labelLimit: 11,
      credentials: { username: 'u', password: SecretRef.of('s', 'p') },
      tls: { ca: SecretRef.of('s', 'ca'), cert: SecretRef.of('s', 'c'), key: SecretRef.of('s', 'k'), serverName: 'x' },
      seriesLimit: 12,
      maxScrapeSize: Size.mebibytes(1),
      streamParse: true,
      scrapeAlignInterval: Duration.minutes(1),
      scrapeOffset: Duration.seconds(5),
      noStaleMarkers: true,
      disableKeepalive: true,
      disableCompression: true,
    });
    expect(problemsOf(job)).toEqual([]);
    expect(job.secrets).toHaveLength(4);
    expect(job.render(secretPath)).toEqual({
      job_name: 'all',
      scrape_interval: '15s',
      scrape_timeout: '1500ms',
      scrape_align_interval: '60s',
      scrape_offset: '5s',
      metrics_path: '/probe',
      scheme: 'https',
      params: { module: ['http_2xx'] },
      honor_labels: true,
      honor_timestamps: false,
      basic_auth: { username: 'u', password_file: '/etc/secrets/s/p' },
      tls_config: {
        ca_file: '/etc/secrets/s/ca',
        cert_file: '/etc/secrets/s/c',
        key_file: '/etc/secrets/s/k',
        server_name: 'x',
      },
      sample_limit: 10,
      label_limit: 11,
      series_limit: 12,
      max_scrape_size: '1024KiB',
      stream_parse: true,
      no_stale_markers: true,
      disable_keepalive: true,
      disable_compression: true,
      static_configs: [{ targets: ['a:1'] }],
    });
  });
});

describe('raw configs', () => {
  it('have the interval and the timeout of all jobs where theirs are nothing', () => {
    const job = Scrape.raw({
      job_name: 'x',
      scrape_interval: '0s',
      scrape_timeout: '0ms',
      static_configs: [{ targets: ['a:1'] }],
    });
    expect([job.intervalSeconds, job.timeoutSeconds]).toEqual([undefined, undefined]);
  });

  it('are kept as they are, with files for Secrets', () => {
    const job = Scrape.raw({
      job_name: 'shop',
      scrape_interval: '1m30s',
      scrape_timeout: '500ms',
      basic_auth: { username: 'u', password_file: SecretRef.of('shop', 'password') },
      tls_config: { ca_file: '/etc/ssl/own.pem' },
      static_configs: [{ targets: ['shop:8080'], labels: { team: 'shop' } }],
      metric_relabel_configs: [{ action: 'labeldrop', regex: 'id|uid' }],
    });
    expect(problemsOf(job)).toEqual([]);
    expect(job.intervalSeconds).toBe(90);
    expect(job.timeoutSeconds).toBe(0.5);
    expect(job.secrets).toEqual([SecretRef.of('shop', 'password')]);
    expect(job.destinations).toEqual([{ kind: 'anywhere', ports: [{ port: 8080 }] }]);
    expect(job.render(secretPath)).toEqual({
      job_name: 'shop',
      scrape_interval: '1m30s',
      scrape_timeout: '500ms',
      basic_auth: { username: 'u', password_file: '/etc/secrets/shop/password' },
      tls_config: { ca_file: '/etc/ssl/own.pem' },
      static_configs: [{ targets: ['shop:8080'], labels: { team: 'shop' } }],
      metric_relabel_configs: [{ action: 'labeldrop', regex: 'id|uid' }],
    });
  });

  it('of the Kubernetes API need what their roles read', () => {
    const job = (discovery: Record<string, unknown>) =>
      Scrape.raw(loose({ job_name: 'x', kubernetes_sd_configs: [discovery] }));
    expect(job({ role: 'node' }).apiAccess).toMatchObject([{ rules: [{ resources: ['nodes'] }] }]);
    expect(job({ role: 'node' }).destinations).toEqual([{ kind: 'nodes', ports: [{ port: 10250 }] }]);
    const own = job({ role: 'pod', namespaces: { own_namespace: true }, attach_metadata: { node: true } });
    expect(own.apiAccess).toMatchObject([
      { rules: [{ resources: ['nodes'] }] },
      { rules: [{ resources: ['pods'] }], namespaces: [undefined] },
    ]);
    expect(own.destinations).toEqual([{ kind: 'peer', peer: { podSelector: {} }, ports: [] }]);
    expect(job({ role: 'service' }).apiAccess).toMatchObject([{ rules: [{ resources: ['services'] }] }]);
  });

  it('take what the user says they need', () => {
    const job = Scrape.raw(
      { job_name: 'consul', consul_sd_configs: [{ server: 'consul:8500' }] },
      { destinations: [{ kind: 'anywhere', ports: [{ port: 8500 }] }], apiAccess: [] },
    );
    expect(problemsOf(job)).toEqual([]);
    expect(job.destinations).toEqual([{ kind: 'anywhere', ports: [{ port: 8500 }] }]);
  });

  const FILE = `
scrape_configs:
  - &base
    job_name: one
    honor_labels: yes
    sample_limit: 1000
    bearer_token_file: secret://one/token
    static_configs:
      - targets: [one:80]
        labels: { version: 1.10, on: off }
    relabel_configs:
      - regex:
        target_label: a
        replacement: 1.10
      - target_label: b
        replacement: ''
  - <<: *base
    job_name: two
`;

  it.each([
    ['a whole configuration', FILE],
    ['a list', FILE.replace('\nscrape_configs:', '')],
  ])('come from files with %s, every text as it stands there', (_, content) => {
    const jobs = inFile(content, (path) => Scrape.fromFile(path));
    expect(problemsOf(jobs)).toEqual([]);
    const one = {
      job_name: 'one',
      honor_labels: true,
      sample_limit: 1000,
      bearer_token_file: '/etc/secrets/one/token',
      static_configs: [{ targets: ['one:80'], labels: { version: '1.10', on: 'off' } }],
      relabel_configs: [
        { target_label: 'a', replacement: '1.10' },
        { target_label: 'b', replacement: '' },
      ],
    };
    expect(rendered(jobs)).toEqual([one, { ...one, job_name: 'two' }]);
    expect(textOf(jobs)).not.toMatch(/&a|\*a/);
    expect(parse(textOf(jobs), { version: '1.1' })).toMatchObject({ scrape_configs: [one, { job_name: 'two' }] });
  });

  it('come from a file with one of them', () => {
    const jobs = inFile('job_name: one\nstatic_configs: [{ targets: ["one:80"] }]\n', (path) => Scrape.fromFile(path));
    expect(rendered(jobs)).toEqual([{ job_name: 'one', static_configs: [{ targets: ['one:80'] }] }]);
  });

  it.each([
    ['holds none', 'global: {}\n', /: the file holds no scrape config\. To fix: write one with `job_name`/],
    ['is empty', '', /: the file holds no scrape config\./],
    ['is no YAML', 'a: [\n', /: the file is no YAML: .+\. To fix: correct the file\.$/],
  ])('are refused at once where the file %s', (_, content, message) => {
    expect(() => inFile(content, (path) => Scrape.fromFile(path))).toThrow(InvalidValueError);
    expect(() => inFile(content, (path) => Scrape.fromFile(path))).toThrow(message);
  });

  it('are refused at once where there is no file', () => {
    expect(() => Scrape.fromFile('no/such.yaml')).toThrow(
      'path = "no/such.yaml": the file cannot be read: ENOENT. ' +
        'To fix: name a file by its path from the folder that the app is run in.',
    );
  });

  it('name the file in messages', () => {
    inFile('- job_name: one\n  static_configs: [{ targets: ["a:1"] }]\n  scrape_intervall: 30s\n', (path) =>
      expect(problemsOf(Scrape.fromFile(path))).toEqual([
        `${path}['one'].scrape_intervall = "30s": there is no such field. To fix: did you mean \`scrape_interval\`?`,
      ]),
    );
  });
});

describe('the file', () => {
  it('says what holds for all jobs', () => {
    const global = { interval: Duration.seconds(5), externalLabels: { cluster: 'eu', dc: '1' } };
    expect(scrapeConfig({ global, jobs: [], secretPath })).toEqual({
      global: { scrape_interval: '5s', scrape_timeout: '5s', external_labels: { cluster: 'eu', dc: '1' } },
      scrape_configs: [],
    });
    expect(scrapeConfigFile({ jobs: [], secretPath })).toBe(
      'global:\n  scrape_interval: 30s\n  scrape_timeout: 10s\nscrape_configs: []\n',
    );
  });

  it('is the same each time, and refers to nothing in itself', () => {
    const text = () =>
      textOf([...Scrape.nodes(), Scrape.annotatedPods(), ...Scrape.component(clusterIn('a').vmselect)]);
    expect(text()).toBe(text());
    expect(text()).not.toMatch(/[&*]a\d/);
  });

  it('writes relabeling as both programs read it', () => {
    expect(
      renderRelabelConfigs([
        { sourceLabels: ['a', 'b'], separator: '-', targetLabel: 'c', regex: ['x', 'y'], replacement: '$1' },
        { action: 'hashmod', sourceLabels: ['a'], targetLabel: 'b', modulus: 4 },
        { action: 'drop', if: ['{a="b"}', 'up'], sourceLabels: undefined },
      ]),
    ).toEqual([
      { source_labels: ['a', 'b'], separator: '-', target_label: 'c', regex: 'x|y', replacement: '$1' },
      { action: 'hashmod', source_labels: ['a'], target_label: 'b', modulus: 4 },
      { action: 'drop', if: ['{a="b"}', 'up'] },
    ]);
  });
});

const ok = { name: 'x', targets: ['a:1'] };
type StaticProps = Parameters<typeof Scrape.static>[0];
const wrongStatic = (props: object) => Scrape.static({ ...ok, ...props });
const wrongRaw = (config: object) =>
  Scrape.raw(loose({ job_name: 'x', static_configs: [{ targets: ['a:1'] }], ...config }));
const relabeling = (...relabelConfigs: object[]) => wrongStatic({ relabelConfigs });

describe('wrong jobs', () => {
  it.each<[string, ScrapeSource, ...string[]]>([
    [
      'a misspelt prop',
      wrongStatic({ intervall: Duration.seconds(5) }),
      "scrape['x'].intervall = 5 seconds: there is no such prop. To fix: did you mean `scrape['x'].interval`?",
    ],
    [
      'a bare number for a duration',
      wrongStatic({ interval: 5 }),
      "scrape['x'].interval = 5: must be a Duration. To fix: write Duration.seconds(30), with Duration from cdk8s.",
    ],
    [
      'no targets',
      Scrape.static({ name: 'x', targets: [] }),
      "scrape['x'].targets = []: there is nothing to scrape. " +
        "To fix: write for example `targets: ['node-1.example.com:9100']`.",
    ],
    [
      'no name',
      Scrape.static({ targets: ['a:1'] } as unknown as StaticProps),
      "scrape[''].name = (not set): the job needs a name, which becomes the label `job`. To fix: set `name`.",
    ],
    [
      'a URL for a target',
      wrongStatic({ targets: ['http://a:1/metrics'] }),
      'scrape[\'x\'].targets[0] = "http://a:1/metrics": must be host:port, without scheme and path, or an Endpoint. ' +
        "To fix: write for example 'node-1.example.com:9100'; scheme and path are the props `scheme` and `metricsPath`.",
    ],
    [
      'a port that does not exist, and a target without one',
      wrongStatic({ targets: ['a:70000', 'b'] }),
      'scrape[\'x\'].targets[0] = "a:70000": must be host:port, without scheme and path, or an Endpoint. ' +
        "To fix: write for example 'node-1.example.com:9100'; scheme and path are the props `scheme` and `metricsPath`.",
      'scrape[\'x\'].targets[1] = "b": must be host:port, without scheme and path, or an Endpoint. ' +
        "To fix: write for example 'node-1.example.com:9100'; scheme and path are the props `scheme` and `metricsPath`.",
    ],
    [
      'a target twice',
      wrongStatic({ targets: ['a:1', 'a:1'] }),
      'scrape[\'x\'].targets[1] = "a:1": the target is listed twice. To fix: remove one of the two.',
    ],
    [
      'a label that is none',
      wrongStatic({ labels: { 'my-team': 'a' } }),
      "scrape['x'].labels['my-team'] = \"my-team\": must be a label name: letters, digits and _, no digit first. " +
        'To fix: give a label name: letters, digits and _, no digit first.',
    ],
    [
      'a path with parameters',
      wrongStatic({ metricsPath: '/probe?module=x' }),
      "scrape['x'].metricsPath = \"/probe?module=x\": must be a path that begins with /, without parameters, e.g. '/metrics'. " +
        "To fix: give a path that begins with /, without parameters, e.g. '/metrics'.",
    ],
    [
      'a password in the clear',
      wrongStatic({ credentials: { username: 'u', password: 'hunter2' } }),
      'scrape[\'x\'].credentials.password = "***": must be a SecretRef: a secret in the clear would stand in the manifest. ' +
        "To fix: write SecretRef.of('name-of-the-secret', 'key').",
    ],
    [
      'a token in the parameters',
      wrongStatic({ params: { token: ['abc'] } }),
      "scrape['x'].params['token'] = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. " +
        'To fix: use `credentials` with a SecretRef.',
    ],
    [
      'a certificate without its key',
      wrongStatic({ scheme: 'https', tls: { cert: SecretRef.of('s', 'c') } }),
      "scrape['x'].tls.key = (not set): a client shows its certificate with its key, not one of them alone. " +
        "To fix: set `scrape['x'].tls.cert` and `scrape['x'].tls.key`, or neither.",
    ],
    [
      'TLS that nobody uses',
      wrongStatic({ tls: { insecureSkipVerify: true } }),
      'scrape[\'x\'].tls = {"insecureSkipVerify":true}: the scheme is http, so that it would not be used. ' +
        "To fix: set `scrape['x'].scheme: 'https'`, or remove `scrape['x'].tls`.",
    ],
    [
      'kubelets over http',
      Scrape.kubelet({ scheme: 'http' }),
      'scrape[\'kubelet\'].scheme = "http": they serve metrics over https only, to those with a token. To fix: remove it.',
    ],
    [
      'a namespace that is none',
      Scrape.annotatedPods({ namespaces: ['My_Shop'] }),
      'scrape[\'annotated-pods\'].namespaces[0] = "My_Shop": must be the name of a namespace. ' +
        'To fix: give lower-case letters, digits and -, at most 63.',
    ],
    [
      'endpoints with different credentials',
      Scrape.static({
        name: 'x',
        targets: ['a', 'b'].map((key) =>
          Endpoint.external(`https://${key}.example.com`, { credentials: { bearerToken: SecretRef.of('s', key) } }),
        ),
      }),
      'scrape[\'x\'].targets = ["a.example.com:443","b.example.com:443"]: the targets ask for different credentials, ' +
        'and a job sends the same to all. To fix: make a job for each of them, or set `credentials`.',
    ],
    [
      'endpoints of different schemes',
      Scrape.static({ name: 'x', targets: ['http://a', 'https://b'].map((url) => Endpoint.external(url)) }),
      'scrape[\'x\'].targets = ["http://a","https://b"]: some of the targets are http and some https, and a job scrapes all ' +
        'by the same. To fix: make a job for each of them.',
    ],
    [
      'two jobs of one name',
      [wrongStatic({}), wrongStatic({ targets: ['b:1'] })],
      'scrape[\'x\'].name = "x": another job of the agent has the same name. To fix: give one of the two another `name`.',
    ],
    [
      'a timeout beyond the interval of all jobs',
      wrongStatic({ timeout: Duration.seconds(45) }),
      'scrape[\'x\'].timeout = "45s": is longer than the interval, which is 30s for all jobs. ' +
        'To fix: set an `interval` of as much, or a `timeout` of 30s or less.',
    ],
    [
      'a timeout beyond its own interval',
      wrongRaw({ scrape_interval: '5s', scrape_timeout: '10s' }),
      'scrape[\'x\'].timeout = "10s": is longer than the interval, which is 5s. ' +
        'To fix: set an `interval` of as much, or a `timeout` of 5s or less.',
    ],
    [
      'a misspelt action',
      relabeling({ action: 'labeldorp', regex: 'x' }),
      'scrape[\'x\'].relabelConfigs[0].action = "labeldorp": there is no such action. To fix: did you mean `labeldrop`?',
    ],
    [
      'replace without a target',
      relabeling({ sourceLabels: ['a'] }),
      "scrape['x'].relabelConfigs[0].targetLabel = (not set): action 'replace' does not work without it. " +
        "To fix: set `scrape['x'].relabelConfigs[0].targetLabel`.",
    ],
    [
      'hashmod without a modulus',
      relabeling({ action: 'hashmod', sourceLabels: ['a'], targetLabel: 'b' }),
      "scrape['x'].relabelConfigs[0].modulus = (not set): action 'hashmod' does not work without it. " +
        "To fix: set `scrape['x'].relabelConfigs[0].modulus`.",
    ],
    [
      'keep without what it looks at',
      relabeling({ action: 'keep', regex: 'a' }),
      'scrape[\'x\'].relabelConfigs[0] = {"action":"keep","regex":"a"}: action \'keep\' needs `sourceLabels` or `if`. ' +
        "To fix: set `scrape['x'].relabelConfigs[0].sourceLabels`.",
    ],
    [
      'labeldrop of values',
      relabeling({ action: 'labeldrop', regex: 'a', sourceLabels: ['b'] }),
      "scrape['x'].relabelConfigs[0].sourceLabels = [\"b\"]: action 'labeldrop' does not take it. To fix: remove it.",
    ],
    [
      'graphite without labels, and with an expression',
      relabeling({ action: 'graphite', match: 'a.*', regex: 'x' }),
      "scrape['x'].relabelConfigs[0].labels = (not set): action 'graphite' does not work without it. " +
        "To fix: set `scrape['x'].relabelConfigs[0].labels`.",
      "scrape['x'].relabelConfigs[0].regex = \"x\": action 'graphite' does not take it. To fix: remove it.",
    ],
    [
      'a lookahead',
      relabeling({ action: 'drop', sourceLabels: ['a'], regex: 'a(?!b)' }),
      'scrape[\'x\'].relabelConfigs[0].regex = "a(?!b)": is no regular expression for RE2: RE2 has no lookahead, as in (?!. ' +
        'To fix: see https://github.com/google/re2/wiki/Syntax.',
    ],
    [
      'a group that is not there, and one that swallows what follows',
      relabeling(
        { sourceLabels: ['a'], targetLabel: 'b', regex: 'x(.*)', replacement: '$2' },
        { sourceLabels: ['a'], targetLabel: 'b', regex: 'x(.*)', replacement: '$1_total' },
      ),
      'scrape[\'x\'].relabelConfigs[0].replacement = "$2": $2 stands for a group that the expression x(.*) does not have, ' +
        'and is always empty. To fix: name a group of the expression; a $ that means itself is $$.',
      'scrape[\'x\'].relabelConfigs[1].replacement = "$1_total": $1_total stands for a group that the expression x(.*) does ' +
        'not have, and is always empty. To fix: write `${1}` for the group, and what follows after it.',
    ],
    [
      'a condition that is no selector',
      relabeling({ action: 'drop', if: 'rate(up[5m])' }),
      'scrape[\'x\'].relabelConfigs[0].if = "rate(up[5m])": is no series selector: (up[5m]) stands where { is due. ' +
        'To fix: write for example \'{job="node",mode!="idle"}\'.',
    ],
    [
      'a target label that is none',
      relabeling({ targetLabel: 'my team', replacement: 'x' }),
      'scrape[\'x\'].relabelConfigs[0].targetLabel = "my team": must be the name of a label: letters, digits, _ and ., ' +
        'no digit first. To fix: write for example `team`.',
    ],
    [
      'a raw field that there is not',
      wrongRaw({ static_config: [] }),
      "scrape['x'].static_config = []: there is no such field. To fix: did you mean `static_configs`?",
    ],
    [
      'a raw field deep within that there is not',
      wrongRaw({ kubernetes_sd_configs: [{ role: 'pod', selectors: [{ role: 'pod', labels: 'a=b' }] }] }),
      'scrape[\'x\'].kubernetes_sd_configs[0].selectors[0].labels = "a=b": there is no such field. ' +
        'To fix: did you mean `label`?',
    ],
    [
      'a raw field of the wrong type',
      wrongRaw({ sample_limit: 'many', honor_labels: 'maybe', params: ['a'] }),
      'scrape[\'x\'].sample_limit = "many": must be a whole number. To fix: give a whole number.',
      'scrape[\'x\'].honor_labels = "maybe": must be true or false. To fix: give true or false.',
      'scrape[\'x\'].params = ["a"]: must be an object. To fix: write { name: value }.',
    ],
    [
      'a raw duration without a unit',
      wrongRaw({ scrape_interval: 30 }),
      'scrape[\'x\'].scrape_interval = "30": is no duration that both vmagent and Prometheus read: whole numbers with units, ' +
        "from the largest to the smallest. To fix: write for example '30s', '1m30s' or '500ms'.",
    ],
    [
      'a raw role that there is not',
      wrongRaw({ kubernetes_sd_configs: [{ role: 'pods' }] }),
      'scrape[\'x\'].kubernetes_sd_configs[0].role = "pods": must be one of pod, node, service, endpoints, endpointslice, ' +
        'ingress. To fix: write one of them.',
    ],
    [
      'raw secrets in the clear',
      wrongRaw({
        basic_auth: { username: 'u', password: 'hunter2' },
        authorization: { credentials: 'hunter2' },
        proxy_bearer_token: 'hunter2',
        headers: ['Authorization: Bearer hunter2'],
        params: { api_key: ['hunter2'] },
      }),
      'scrape[\'x\'].basic_auth.password = "***": looks like a secret, and would stand in the ConfigMap in the clear. ' +
        "To fix: use `password_file` with SecretRef.of('name', 'key'), in YAML secret://name/key.",
      'scrape[\'x\'].authorization.credentials = "***": looks like a secret, and would stand in the ConfigMap in the clear. ' +
        "To fix: use `credentials_file` with SecretRef.of('name', 'key'), in YAML secret://name/key.",
      'scrape[\'x\'].proxy_bearer_token = "***": looks like a secret, and would stand in the ConfigMap in the clear. ' +
        "To fix: use `proxy_bearer_token_file` with SecretRef.of('name', 'key'), in YAML secret://name/key.",
      'scrape[\'x\'].headers[0] = "***": looks like a secret, and would stand in the ConfigMap in the clear. ' +
        "To fix: use `authorization.credentials_file` with SecretRef.of('name', 'key'), in YAML secret://name/key.",
      "scrape['x'].params['api_key'] = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. " +
        'To fix: remove it: no field reads it from a file, so that the pods need an identity or an environment variable for it.',
    ],
    [
      'a raw Secret that is none',
      wrongRaw({ bearer_token_file: 'secret://only-a-name' }),
      'scrape[\'x\'].bearer_token_file = "secret://only-a-name": names no key of a Secret. ' +
        'To fix: write secret://name-of-the-secret/key.',
    ],
    [
      'a raw relabeling rule, named as it is written',
      wrongRaw({ relabel_configs: [{ source_labels: ['a'], targetLabel: 'b' }] }),
      'scrape[\'x\'].relabel_configs[0].targetLabel = "b": there is no such prop. ' +
        "To fix: did you mean `scrape['x'].relabel_configs[0].target_label`?",
      "scrape['x'].relabel_configs[0].target_label = (not set): action 'replace' does not work without it. " +
        "To fix: set `scrape['x'].relabel_configs[0].target_label`.",
    ],
    [
      'a raw job without a name',
      Scrape.raw(loose({ static_configs: [{ targets: ['a:1'] }] })),
      "scrape[''].job_name = (not set): is required. To fix: set `job_name`.",
    ],
    [
      'a raw job that is nothing',
      Scrape.raw(loose(undefined)),
      "scrape[''] = null: must be an object. To fix: write { field: value }.",
    ],
    [
      'a raw discovery of which nobody knows where it leads',
      Scrape.raw({ job_name: 'x', http_sd_configs: [{ url: 'http://sd/targets' }] }),
      'scrape[\'x\'] = ["http_sd_configs"]: where its connections go cannot be told from it, and the NetworkPolicy would ' +
        "refuse them. To fix: say it beside the config, for example { destinations: [{ kind: 'anywhere', ports: [{ port: 9100 }] }] }.",
    ],
    [
      'a raw number that both programs read as octal',
      wrongRaw({ sample_limit: '010', label_limit: '0' }),
      'scrape[\'x\'].sample_limit = "010": both programs read a number with a zero before it as octal. ' +
        'To fix: leave the zero out.',
    ],
    [
      'a raw job that only Prometheus runs',
      wrongRaw({ body_size_limit: '1MB', kubernetes_sd_configs: [{ role: 'pod', enable_http2: false }] }),
      'scrape[\'x\'].body_size_limit = "1MB": only Prometheus knows it. To fix: remove it, or let Prometheus run the job.',
      "scrape['x'].kubernetes_sd_configs[0].enable_http2 = false: only Prometheus knows it. " +
        'To fix: remove it, or let Prometheus run the job.',
    ],
  ])('%s', (_, source, ...messages) => {
    expect(problemsOf(source)).toEqual(messages);
  });

  it('names what Prometheus does not know, as it is written', () => {
    const job = wrongStatic({
      seriesLimit: 5,
      disableKeepalive: true,
      relabelConfigs: [
        { action: 'drop', if: '{a="b"}' },
        { action: 'keep_if_equal', sourceLabels: ['a', 'b'] },
      ],
    });
    expect(problemsOf(job, 'vmagent')).toEqual([]);
    expect(problemsOf(job, 'prometheus')).toEqual([
      "scrape['x'].seriesLimit = 5: only vmagent knows it. To fix: remove it, or let a vmagent run the job.",
      "scrape['x'].disableKeepalive = true: only vmagent knows it. To fix: remove it, or let a vmagent run the job.",
      'scrape[\'x\'].relabelConfigs[0].if = "{a=\\"b\\"}": Prometheus does not know `if`. ' +
        'To fix: remove it, or let a vmagent run the job.',
      'scrape[\'x\'].relabelConfigs[1].action = "keep_if_equal": Prometheus does not know this action. ' +
        'To fix: remove it, or let a vmagent run the job.',
    ]);
    expect(problemsOf(wrongRaw({ stream_parse: true, headers: ['A: b'] }), 'prometheus')).toEqual([
      "scrape['x'].stream_parse = true: only vmagent knows it. To fix: remove it, or let a vmagent run the job.",
      'scrape[\'x\'].headers = "***": only vmagent knows it. To fix: remove it, or let a vmagent run the job.',
    ]);
    expect(problemsOf(wrongRaw({ body_size_limit: '1MB' }), 'prometheus')).toEqual([]);
  });
});

describe('what holds for all jobs', () => {
  it.each<[string, unknown, ...string[]]>([
    ['nothing', {}],
    ['an interval shorter than the usual timeout', { interval: Duration.seconds(5) }],
    [
      'a timeout beyond the interval',
      { interval: Duration.seconds(10), timeout: Duration.seconds(15) },
      'global.timeout = 15 seconds: is longer than the interval, which is 10s. ' +
        'To fix: set `global.interval` to as much, or `global.timeout` to 10s or less.',
    ],
    [
      'a timeout beyond the usual interval',
      { timeout: Duration.seconds(60) },
      'global.timeout = 1 minute: is longer than the interval, which is 30s where none is set. ' +
        'To fix: set `global.interval` to as much, or `global.timeout` to 30s or less.',
    ],
    [
      'a label that is none',
      { externalLabels: { '1st': 'x' } },
      'global.externalLabels[\'1st\'] = "1st": must be a label name: letters, digits and _, no digit first. ' +
        'To fix: give a label name: letters, digits and _, no digit first.',
    ],
    [
      'a misspelt prop',
      { externalLabel: {} },
      'global.externalLabel = {}: there is no such prop. To fix: did you mean `global.externalLabels`?',
    ],
  ])('%s', (_, global, ...messages) => {
    expect(messagesOf(globalScrapeCheck, global, 'global')).toEqual(messages);
  });

  it('decides with the job whether a timeout is too long', () => {
    const job = wrongStatic({ timeout: Duration.seconds(45) });
    expect(problemsOf(job, 'vmagent', { interval: Duration.minutes(1) })).toEqual([]);
    expect(problemsOf(wrongStatic({ interval: Duration.seconds(5) }))).toEqual([]);
  });
});

describe('series selectors', () => {
  it.each([
    'up',
    '{}',
    'up{}',
    '{inf="x"}',
    'a:b.c',
    '{job="node"}',
    `up { job =~ "a|b" , mode != 'idle', } `,
    '{a="b" or c!~`d\\d`}',
    '{"http.requests","service.name"="x"}',
    ['up', '{a="}"}'],
  ])('%s is one', (selector) => {
    expect(messagesOf(seriesSelectorsCheck, selector, 'if')).toEqual([]);
  });

  it.each([
    ['', 'it ends where a name or { is due'],
    ['inf', 'inf is a number'],
    ['NaN{a="b"}', 'NaN is a number'],
    ['{job}', '} stands where =, !=, =~ or !~ is due'],
    ['{job=node}', 'node} stands where a text in quotes is due'],
    ['{job="node"', 'it ends where a comma, `or` or } is due'],
    ['{job=="node"}', '="node"} stands where a text in quotes is due'],
    ['{job="a" c="d"}', 'c="d"} stands where a comma, `or` or } is due'],
    ['up[5m]', '[5m] stands where { is due'],
    ['up{a="b"} > 1', '> 1 stands where the end is due'],
    ['{job=~"a("}', 'a ( is not closed ("a(")'],
  ])('%s is none', (selector, reason) => {
    expect(messagesOf(seriesSelectorsCheck, selector, 'if')).toEqual([
      `if = ${JSON.stringify(selector)}: is no series selector: ${reason}. ` +
        'To fix: write for example \'{job="node",mode!="idle"}\'.',
    ]);
  });
});

describe('series selectors with texts', () => {
  it.each(['{a="\\\\d\\n\\x41\\u00e4\\377\\""}', "{a='\\'\"'}", '{a=~`5\\d`}', '{a=~"5\\\\d"}', '{"a\\d"="b"}'])(
    '%s are read',
    (selector) => expect(messagesOf(seriesSelectorsCheck, selector, 'if')).toEqual([]),
  );

  it.each([
    ['{code=~"5\\d+"}', '"5\\d+"'],
    ['{a="\\\'"}', '"\\\'"'],
    ["{a='\\\"'}", "'\\\"'"],
    ['{a="\\400"}', '"\\400"'],
    ['{a="\\ud800"}', '"\\ud800"'],
    ['{a="x\ny"}', '"x\ny"'],
  ])('%s are not', (selector, text) => {
    expect(messagesOf(seriesSelectorsCheck, selector, 'if')).toEqual([
      `if = ${JSON.stringify(selector)}: is no series selector: ${text} has a \\ that escapes nothing, or a line break. ` +
        'To fix: write `\\\\` where a \\ is meant, or backticks around the text.',
    ]);
  });
});

it('checks relabeling and label names for others', () => {
  expect(messagesOf(relabelConfigsCheck, [{ action: 'drop_metrics', regex: 'go_.*' }], 'relabelConfigs')).toEqual([]);
  expect(messagesOf(relabelConfigsCheck, [{ action: 'drop_metrics', sourceLabels: ['a'] }], 'relabelConfigs')).toEqual([
    'relabelConfigs[0] = {"action":"drop_metrics","sourceLabels":["a"]}: action \'drop_metrics\' needs `regex` or `if`. ' +
      'To fix: set `relabelConfigs[0].regex`.',
    'relabelConfigs[0].sourceLabels = ["a"]: action \'drop_metrics\' does not take it. To fix: remove it.',
  ]);
  expect(messagesOf(labelNameCheck, 'replica', 'label')).toEqual([]);
});

const CLEAR =
  'looks like a secret, and would stand in the ConfigMap in the clear. To fix: remove it: send secrets by the ';

describe('secrets that a job would send in the clear', () => {
  it.each<[string, ScrapeSource, ...string[]]>([
    [
      'by headers that Prometheus knows',
      wrongRaw({
        http_headers: { Authorization: { values: ['Bearer hunter2'] }, 'X-Api-Key': { values: ['hunter2'] } },
        proxy_connect_header: { 'Proxy-Authorization': ['hunter2'] },
      }),
      ...[
        ['Authorization', 'authorization.credentials_file'],
        ['X-Api-Key', 'files'],
      ].map(
        ([name, field]) =>
          `scrape['x'].http_headers['${name}'].values = "***": looks like a secret, and would stand in the ConfigMap in the clear. ` +
          `To fix: use \`${field}\` with SecretRef.of('name', 'key'), in YAML secret://name/key.`,
      ),
      "scrape['x'].proxy_connect_header['Proxy-Authorization'] = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. " +
        'To fix: remove it: no field reads it from a file, so that the pods need an identity or an environment variable for it.',
    ],
    [
      'by the path',
      wrongRaw({ metrics_path: '/probe?module=x&api_key=hunter2' }),
      'scrape[\'x\'].metrics_path = "***": looks like a secret, and would stand in the ConfigMap in the clear. To fix: take it out of the path.',
    ],
    [
      'by a URL, of which the rest is told',
      wrongRaw({ proxy_url: 'http://proxy:hunter2@proxy.example.com:3128' }),
      'scrape[\'x\'].proxy_url = "http://proxy:***@proxy.example.com:3128": looks like a secret, and would stand in the ' +
        'ConfigMap in the clear. To fix: take it out of the URL.',
    ],
    [
      'by labels of targets',
      wrongRaw({ static_configs: [{ targets: ['a:1'], labels: { __param_token: 'hunter2', __param_module: 'x' } }] }),
      `scrape['x'].static_configs[0].labels['__param_token'] = "***": ${CLEAR}credentials of the job, which are read from files.`,
    ],
    [
      'by labels of a typed job',
      wrongStatic({ labels: { __metrics_path__: '/a?token=hunter2' } }),
      `scrape['x'].labels['__metrics_path__'] = "***": ${CLEAR}credentials of the job, which are read from files.`,
    ],
    [
      'by relabeling',
      wrongRaw({ relabel_configs: [{ target_label: '__param_password', replacement: 'hunter2' }] }),
      `scrape['x'].relabel_configs[0].replacement = "***": ${CLEAR}credentials of the job, which are read from files.`,
    ],
    [
      'under a name that nobody knows',
      wrongStatic({ credentials: { user: 'u', pass: 'hunter2' } }),
      'scrape[\'x\'].credentials.user = "***": there is no such prop. To fix: use one of username, password.',
      'scrape[\'x\'].credentials.pass = "***": there is no such prop. To fix: use one of username, password.',
      "scrape['x'].credentials.username = (not set): scrape['x'].credentials is nothing without it. To fix: set `scrape['x'].credentials.username`.",
      "scrape['x'].credentials.password = (not set): scrape['x'].credentials is nothing without it. To fix: set `scrape['x'].credentials.password`.",
    ],
  ])('%s', (_, source, ...messages) => {
    expect(problemsOf(source, 'prometheus')).toEqual(messages);
  });

  it('are not repeated where the program does not know the field', () => {
    const messages = problemsOf(wrongRaw({ http_headers: { A: { values: ['hunter2'] } } }), 'vmagent');
    expect(messages).toEqual([
      'scrape[\'x\'].http_headers = "***": only Prometheus knows it. To fix: remove it, or let Prometheus run the job.',
    ]);
  });

  it('may come from labels that are found', () => {
    const rule = { source_labels: ['__meta_consul_tag'], target_label: '__param_token', replacement: '$1' };
    expect(problemsOf(wrongRaw({ relabel_configs: [rule] }))).toEqual([]);
  });
});

describe('jobs that would not do what they say', () => {
  const single = singleWith({ httpAuth: { username: 'u', password: SecretRef.of('web', 'password') } });
  const account = { bearer_token_file: '/var/run/secrets/kubernetes.io/serviceaccount/token' };
  const unknown = (kind: string) =>
    `scrape['x'] = ["${kind}"]: where its connections go cannot be told from it, and the NetworkPolicy would refuse them. ` +
    "To fix: say it beside the config, for example { destinations: [{ kind: 'anywhere', ports: [{ port: 9100 }] }] }.";
  const kubernetes = (rule: object) =>
    Scrape.raw(loose({ job_name: 'x', kubernetes_sd_configs: [{ role: 'pod' }], relabel_configs: [rule] }));

  it.each<[string, ScrapeSource, ...string[]]>([
    [
      'credentials of an endpoint to an address beside it',
      Scrape.static({ name: 'x', targets: [single.read(), 'foreign.example.com:9100'] }),
      `scrape['x'].targets = ["${single.read().address}","foreign.example.com:9100"]: the targets ask for different ` +
        'credentials, and a job sends the same to all. To fix: make a job for each of them, or set `credentials`.',
    ],
    [
      'credentials for whoever asks',
      Scrape.annotatedPods({ credentials: { bearerToken: SecretRef.of('s', 't') } }),
      "scrape['annotated-pods'].namespaces = (not set): whoever sets the annotation, in any namespace, would be sent the " +
        '`credentials`. To fix: name the namespaces that may have them.',
    ],
    [
      'an endpoint of another protocol',
      Scrape.static({
        name: 'x',
        targets: ['a:1', new Endpoint({ scheme: 'tcp', host: 'graphite', port: 2003 })],
      }),
      'scrape[\'x\'].targets[1] = "tcp://graphite:2003": is no endpoint of HTTP, by which metrics are scraped. ' +
        'To fix: take another endpoint of the component, or scrape its pods with Scrape.component.',
    ],
    [
      'nobody at all',
      wrongStatic({ peers: [] }),
      "scrape['x'].peers = []: must not be empty. To fix: name something, or leave the prop out.",
    ],
    [
      'no props',
      Scrape.static(undefined as unknown as StaticProps),
      "scrape[''] = (not set): a job is described by an object. To fix: write { prop: value }.",
    ],
    [
      'null for props',
      Scrape.annotatedPods(null as unknown as undefined),
      "scrape['annotated-pods'] = null: a job is described by an object. To fix: write { prop: value }.",
    ],
    [
      'no discovery',
      Scrape.raw({ job_name: 'x' }),
      "scrape['x'] = (not set): there is nothing to scrape: no field says where targets are. " +
        "To fix: write for example `static_configs: [{ targets: ['node-1.example.com:9100'] }]`.",
    ],
    [
      'a token that is not there',
      wrongRaw(account),
      'scrape[\'x\'] = "/var/run/secrets/kubernetes.io/serviceaccount": the pods have no token where nothing is read of the ' +
        'Kubernetes API. To fix: say beside the config what the token is for, for example ' +
        "{ apiAccess: [{ rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] }] }.",
    ],
    [
      'an address by a label',
      kubernetes({ target_label: '__address__', replacement: 'a' }),
      unknown('kubernetes_sd_configs'),
    ],
    [
      'an address by a map of labels',
      kubernetes({ action: 'labelmap', regex: '__meta_(.+)', replacement: '__${1}__' }),
      unknown('kubernetes_sd_configs'),
    ],
    [
      'parameters by a map of labels',
      kubernetes({ action: 'labelmap', regex: '__meta_(.+)', replacement: '__param_$1' }),
    ],
    ['labels by a map of labels', kubernetes({ action: 'labelmap', regex: '__meta_(.+)' })],
    [
      'destinations that nobody is at',
      Scrape.raw(
        { job_name: 'x', dns_sd_configs: [{ names: ['a'] }] },
        loose({
          destinations: [
            { kind: 'peer', peer: { podSelectr: {} }, ports: [] },
            { kind: 'anywhere', ports: [{ port: 99_999 }] },
            { kind: 'node', ports: [] },
          ],
          aces: [],
        }) as object,
      ),
      "scrape['x'].needs.destinations[0].peer.podSelectr = {}: there is no such prop. " +
        "To fix: did you mean `scrape['x'].needs.destinations[0].peer.podSelector`?",
      "scrape['x'].needs.destinations[0].peer = {}: says nobody in particular. To fix: give a podSelector, a " +
        "namespaceSelector or an ipBlock; `{ ipBlock: { cidr: '0.0.0.0/0' } }` is everybody.",
      "scrape['x'].needs.destinations[1].ports[0].port = 99999: must be a whole number from 1 to 65535. " +
        'To fix: give a whole number from 1 to 65535.',
      "scrape['x'].needs.destinations[2].kind = \"node\": must be one of 'nodes', 'peer', 'anywhere'. " +
        "To fix: give one of 'nodes', 'peer', 'anywhere'.",
      "scrape['x'].needs.aces = []: there is no such prop. To fix: use one of destinations, apiAccess.",
    ],
  ])('%s', (_, source, ...messages) => {
    expect(problemsOf(source)).toEqual(messages);
  });

  it('send what the user says to endpoints and addresses alike', () => {
    const credentials = { bearerToken: SecretRef.of('s', 't') };
    expect(problemsOf(Scrape.static({ name: 'x', targets: [single.read(), 'a:1'], credentials }))).toEqual([]);
  });

  it('have the token of the agent where they say what it is for', () => {
    const rules = [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }];
    const job = Scrape.raw(loose({ job_name: 'x', static_configs: [{ targets: ['a:1'] }], ...account }), {
      apiAccess: [{ rules }],
    });
    expect(problemsOf(job)).toEqual([]);
  });

  it('leave out what a file says beside its jobs', () => {
    const content =
      'global: { scrape_interval: 5s }\nrule_files: [a]\nscrape_configs:\n- job_name: a\n  static_configs: [{ targets: ["a:1"] }]\n';
    inFile(content, (path) =>
      expect(problemsOf(Scrape.fromFile(path))).toEqual([
        `${path} = ["global","rule_files"]: of the file only \`scrape_configs\` is taken. ` +
          'To fix: remove the other fields; what `global` says is the prop `global` of the agent.',
      ]),
    );
  });
});

describe('scrapers', () => {
  const opened = (source: ScrapeSource) => {
    const agent = new VmAgent(chartIn('monitoring'), 'agent', {
      remoteWrite: [WriteEndpoint.external('http://10.0.0.9/api/v1/write')],
      scrape: jobsOf(source),
      scrapeStack: false,
    });
    const policies = (Chart.of(agent).toJson() as { kind: string; spec: { egress: { ports?: object[] }[] } }[]).filter(
      ({ kind }) => kind === 'NetworkPolicy',
    );
    return JSON.stringify(policies.map(({ spec }) => spec.egress));
  };

  it.each<[string, boolean, object]>([
    ['names', true, { targets: ['a:1'] }],
    ['addresses', false, { targets: ['10.0.0.7:1', '[fd00::7]:1'] }],
    ['addresses at peers', false, { targets: ['10.0.0.7:1'], peers: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
    ['names at peers', true, { targets: ['a:1'], peers: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
  ])('of %s may look up names: %s', (_, may, props) => {
    expect(opened(wrongStatic(props)).includes('"port":53')).toBe(may);
  });

  it('take jobs, and lists of them', () => {
    expect(messagesOf(scrapeSourcesCheck, [Scrape.annotatedPods(), Scrape.nodes()], 'scrape')).toEqual([]);
    expect(messagesOf(scrapeSourcesCheck, [Scrape.annotatedPods, [null]], 'scrape')).toEqual([
      'scrape[0] = annotatedPods(): must be a scrape job. To fix: write for example Scrape.annotatedPods().',
      'scrape[1] = [null]: must be a scrape job. To fix: write for example Scrape.annotatedPods().',
    ]);
  });
});

describe('deduplication', () => {
  const told = (
    { copies = 1, interval = 30, dedup, evaluation }: Record<string, number>,
    ...jobs: readonly (number | undefined)[]
  ): string[] => {
    const problems = new Problems();
    const owner = singleWith({});
    checkDeduplication(
      {
        copies,
        copiesProp: 'replicas',
        interval: Duration.seconds(interval),
        evaluationInterval: evaluation === undefined ? undefined : Duration.seconds(evaluation),
        jobs: jobs.map((seconds, index) => ({
          ...wrongStatic({ name: `job-${index}` }),
          ...(seconds === undefined ? {} : { intervalSeconds: seconds }),
        })),
        targets: [
          {
            prop: 'remoteWrite[0]',
            endpoint: new WriteEndpoint({
              scheme: 'http',
              host: 'a',
              port: 80,
              owner,
              dedupInterval: dedup === undefined ? undefined : Duration.millis(dedup * 1000),
            }),
          },
        ],
      },
      problems,
    );
    return problems.messages();
  };
  const short = (
    prop: string,
    value: string,
    fix = 'set it to 30 seconds or more, or shorten the `dedupInterval` of the storage',
  ) =>
    `${prop} = ${value} seconds: is shorter than the dedupInterval of the storage (30 seconds), which keeps one sample of a ` +
    `series in that time. To fix: ${fix}.`;

  it('loses samples of one agent that are nearer to each other', () => {
    expect(told({ dedup: 30, interval: 15, evaluation: 10 }, undefined, 5, 30, 60)).toEqual([
      short('global.interval', '15'),
      short('evaluationInterval', '10'),
      short("scrape['job-1'].interval", '5'),
    ]);
  });

  it.each<[string, Record<string, number>, ...(number | undefined)[]]>([
    ['no deduplication', {}, undefined, 5],
    ['that of a replicated storage, of a millisecond', { dedup: 0.001 }, undefined, 1],
    ['no job of the global interval', { dedup: 30, interval: 15 }, 30],
    ['copies of the interval', { dedup: 30, copies: 2, evaluation: 30 }, undefined, 30],
  ])('finds nothing wrong with %s', (_, props, ...jobs) => {
    expect(told(props, ...jobs)).toEqual([]);
  });

  it('keeps copies of samples that are further from each other', () => {
    expect(told({ dedup: 30, copies: 2 }, undefined, 60, 10)).toEqual([
      "scrape['job-1'].interval = 1 minute: is longer than the dedupInterval of the storage (30 seconds), which so keeps the " +
        'samples of each of the 2 replicas. To fix: scrape it each 30 seconds as the other jobs, by another agent, or set ' +
        '`replicas` to 1.',
      short(
        "scrape['job-2'].interval",
        '10',
        'scrape it no more often than each 30 seconds, or shorten `global.interval` and the `dedupInterval` of the storage',
      ),
    ]);
  });
});

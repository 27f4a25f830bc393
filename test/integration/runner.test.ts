import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Size } from 'cdk8s';
import { parse } from 'yaml';
import { Cpu, Retention, VmSingle } from '../../src';
import { describeWith, findBinary, parseManifests, Runner, Subnet, until } from './runner';
import { discoverBackends } from './runner/backend-discovery';
import { binaryOf, programOf, titleWith } from './runner/binaries';
import type { ClusterState } from './runner/discovered-targets';
import { discoverTargets } from './runner/discovery';
import { ClusterDns } from './runner/dns';
import { environment } from './runner/environment';
import { labelSelector } from './runner/label-selector';
import { expandVariables, localize, localizeHosts, type Place } from './runner/localize';
import { indexManifests } from './runner/manifests';
import { serviceAccountFiles } from './runner/service-account';
import { WATCHDOG_SCRIPT } from './runner/watchdog';

const dns = new ClusterDns();
dns.add('db', 'monitoring', '127.9.9.1');
dns.add('db-0.db', 'monitoring', '127.9.9.2');
dns.add('db', 'other', '127.9.9.3');

const place: Place = {
  address: '127.9.9.9',
  resolve: (host) => dns.resolve(host, 'monitoring'),
  folders: new Map([
    ['/storage', '/tmp/claims/data'],
    ['/storage/cache', '/tmp/cache'],
    ['/etc/secrets/s', '/tmp/secrets'],
  ]),
};

describe('localize', () => {
  test.each([
    // hosts
    ['-storageNode=db-0.db.monitoring.svc:8400', '-storageNode=127.9.9.2:8400'],
    ['-storageNode=db-0.db:8400,db:8401', '-storageNode=127.9.9.2:8400,127.9.9.1:8401'],
    ['http://db/api', 'http://127.9.9.1/api'],
    ['http://db.other:80/x', 'http://127.9.9.3:80/x'],
    ['http://user:pw@db.monitoring.svc.cluster.local.:8428/', 'http://user:pw@127.9.9.1:8428/'],
    ['["db.monitoring.svc"]', '["127.9.9.1"]'],
    ['targets: [db:8428]', 'targets: [127.9.9.1:8428]'],
    // not hosts
    ['job_name: db', 'job_name: db'],
    ['-label=db', '-label=db'],
    ['mydb:80 db_x:80 x.db.y:80', 'mydb:80 db_x:80 x.db.y:80'],
    ['https://example.com:443/db:1', 'https://example.com:443/db:1'],
    ['https://kubernetes.default.svc', 'https://kubernetes.default.svc'],
    // listen addresses
    ['-httpListenAddr=:8482', '-httpListenAddr=127.9.9.9:8482'],
    ['-httpListenAddr=:1,:2', '-httpListenAddr=127.9.9.9:1,127.9.9.9:2'],
    ['endpoint: 0.0.0.0:4317', 'endpoint: 127.9.9.9:4317'],
    ['endpoint: "[::]:4317"', 'endpoint: "127.9.9.9:4317"'],
    ['{ endpoint: 0.0.0.0:4317}', '{ endpoint: 127.9.9.9:4317}'],
    ['host: 0.0.0.0', 'host: 127.9.9.9'],
    ["host: '0.0.0.0'", "host: '127.9.9.9'"],
    ['--web.listen-address=:9090', '--web.listen-address=127.9.9.9:9090'],
    ['endpoint: ${env:MY_POD_IP}:4317', 'endpoint: ${env:MY_POD_IP}:4317'],
    ['cidr: 0.0.0.0/0 10.0.0.0:80', 'cidr: 0.0.0.0/0 10.0.0.0:80'],
    ['replacement: $1:9090', 'replacement: $1:9090'],
    ['-at=12:30', '-at=12:30'],
    // paths
    ['-storageDataPath=/storage', '-storageDataPath=/tmp/claims/data'],
    ['-a=/storage/cache/x,/storage/y', '-a=/tmp/cache/x,/tmp/claims/data/y'],
    ['-password=file:///etc/secrets/s/password', '-password=file:///tmp/secrets/password'],
    ['path: "/storage"', 'path: "/tmp/claims/data"'],
    ['/storage2 /a/storage http://x/storage', '/storage2 /a/storage http://x/storage'],
  ])('%s', (rendered, localized) => {
    expect(localize(rendered, place)).toBe(localized);
  });

  it('changes nothing else: an argument without host, port or path stays byte for byte', () => {
    const args = '-retentionPeriod=12 -dedup.minScrapeInterval=1ms -x={__name__=~"a:b|c\\.d"} -y=$$1 -z=50% -é=ü';
    expect(localize(args, place)).toBe(args);
  });

  it('refuses a name in a namespace of the stack that nothing has', () => {
    expect(() => localize('-storageNode=db-7.db.monitoring.svc:8400', place)).toThrow(
      'db-7.db.monitoring.svc: no Service and no pod of the manifests has this name',
    );
  });

  it('resolves a short name in the namespace of the one who asks', () => {
    expect(localizeHosts('db:1', (host) => dns.resolve(host, 'other'))).toBe('127.9.9.3:1');
    expect(localizeHosts('db:1', (host) => dns.resolve(host, 'third'))).toBe('db:1');
  });
});

describe('expandVariables', () => {
  test.each([
    ['-name=$(POD)', '-name=p-0'],
    ['$$(POD)', '$(POD)'],
    ['$$$(POD)', '$p-0'],
    ['$(UNKNOWN) $POD $', '$(UNKNOWN) $POD $'],
  ])('%s', (text, expanded) => {
    expect(expandVariables(text, { POD: 'p-0' })).toBe(expanded);
  });
});

describe('environment', () => {
  const pod = { name: 'p-0', namespace: 'n', address: '127.9.9.9', labels: { zone: 'a' } };
  const sources = {
    configMaps: new Map([['n/config', { url: 'http://db:80', level: 'INFO' }]]),
    secrets: { secret: { password: 'http://db:80' } },
  };
  const of = (env: readonly object[], envFrom: readonly object[] = []) =>
    environment({ name: 'c', image: 'i', env, envFrom } as never, pod, sources, (text) => localize(text, place));

  it('takes values from where Kubernetes does, and rewrites those of manifests only', () => {
    const { rendered, localized } = of(
      [
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'ZONE', valueFrom: { fieldRef: { fieldPath: "metadata.labels['zone']" } } },
        { name: 'URL', value: 'http://db:80/$(POD)' },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'secret', key: 'password' } } },
        { name: 'GONE', valueFrom: { secretKeyRef: { name: 'secret', key: 'none', optional: true } } },
      ],
      [{ prefix: 'C_', configMapRef: { name: 'config' } }],
    );
    expect(localized).toEqual({
      POD: 'p-0',
      IP: '127.9.9.9',
      ZONE: 'a',
      URL: 'http://127.9.9.1:80/p-0',
      PASSWORD: 'http://db:80',
      C_url: 'http://127.9.9.1:80',
      C_level: 'INFO',
    });
    expect(rendered).toEqual({ ...localized, URL: 'http://db:80/p-0', C_url: 'http://db:80' });
  });

  test.each([
    [{ name: 'X', valueFrom: { secretKeyRef: { name: 'secret', key: 'none' } } }, 'X wants secret/none'],
    [{ name: 'X', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }, 'cannot give the variable X'],
    [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }, 'does not know the field status.phase'],
  ])('refuses %j', (variable, message) => {
    expect(() => of([variable])).toThrow(message);
  });
});

describe('manifests', () => {
  const deployment = (podSpec: object, spec: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'n' },
    spec: { ...spec, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [], ...podSpec } } },
  });
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'n' },
    spec: { minReplicas: 3, maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'web' } },
  };

  it('takes the number of pods from the workload, else from its autoscaler, else one', () => {
    const replicas = (...objects: object[]) => indexManifests(objects).workloads.map((workload) => workload.replicas);
    expect(replicas(deployment({}, { replicas: 2 }), autoscaler)).toEqual([2]);
    expect(replicas(deployment({}), autoscaler)).toEqual([3]);
    expect(replicas(deployment({}))).toEqual([1]);
  });

  test.each([
    [deployment({ hostAliases: [] }), 'Deployment web: the runner cannot honour the field hostAliases'],
    [
      deployment({ containers: [{ name: 'c', image: 'i', lifecycle: {} }] }),
      'Deployment web, container c: the runner cannot honour the field lifecycle',
    ],
    [{ ...deployment({}), kind: 'Job' }, 'Job web: the runner cannot run this kind'],
    [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { type: 'ExternalName' } },
      'Service s: the runner cannot run a Service that selects no pods',
    ],
  ])('refuses what a process would notice: %#', (object, message) => {
    expect(() => indexManifests([object])).toThrow(message);
  });

  it('parses documents of YAML, empty ones left out', () => {
    expect(parseManifests('---\na: 1\n---\n---\nb: "1"\n')).toEqual([{ a: 1 }, { b: '1' }]);
    expect(() => parseManifests('a: [1')).toThrow();
  });
});

describe('binaries', () => {
  it('names the program by the command, else by the image', () => {
    const program = (image: string, command?: string[]) => programOf({ name: 'c', image, command });
    expect(program('docker.io/victoriametrics/victoria-metrics:v1')).toBe('victoria-metrics');
    expect(program('localhost:5000/vmagent@sha256:abc')).toBe('vmagent');
    expect(program('node:20', ['/usr/bin/node', 'x.js'])).toBe('node');
  });

  it('looks in VM_BINARIES before PATH, and passes over what cannot be executed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'binaries-'));
    try {
      writeFileSync(join(folder, 'plain'), '');
      writeFileSync(join(folder, 'sh'), '', { mode: 0o755 });
      const env = { VM_BINARIES: folder, PATH: process.env.PATH };
      expect(findBinary('sh', env)).toBe(join(folder, 'sh'));
      expect(findBinary('sh', { PATH: process.env.PATH })).toMatch(/\/bin\/sh$/);
      expect(findBinary('plain', env)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('knows the names that packages and images give to a program, and prefers the one that is asked for', () => {
    const folder = mkdtempSync(join(tmpdir(), 'binaries-'));
    try {
      const env = { VM_BINARIES: folder };
      const add = (name: string) => writeFileSync(join(folder, name), '', { mode: 0o755 });
      add('prometheus-node-exporter');
      expect(findBinary('node-exporter', env)).toBe(join(folder, 'prometheus-node-exporter'));
      add('node-exporter');
      expect(findBinary('node-exporter', env)).toBe(join(folder, 'node-exporter'));
      expect(findBinary('prometheus-node-exporter', env)).toBe(join(folder, 'prometheus-node-exporter'));
      add('otelcol');
      const image = 'docker.io/otel/opentelemetry-collector-contrib:1';
      expect(findBinary(programOf({ name: 'c', image }), env)).toBe(join(folder, 'otelcol'));
      expect(binaryOf({ name: 'c', image }, { otelcol: '/x' })).toBe('/x');
      expect(findBinary('prometheus', env)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what is missing', () => {
    expect(titleWith('title', [])).toBe('title');
    expect(titleWith('title', ['a', 'b'])).toBe('title (skipped: a, b not in PATH or VM_BINARIES)');
    expect(() => binaryOf({ name: 'c', image: 'no-such-program:1' })).toThrow(
      'container c: no no-such-program in PATH',
    );
  });
});

describe('labelSelector', () => {
  const labels = { app: 'web', tier: 'front', 'a.b/c': '' };
  test.each([
    ['', true],
    ['app=web', true],
    ['app==web, tier = front', true],
    ['app=db', false],
    ['app!=db,none!=x', true],
    ['app!=web', false],
    ['app in (db, web),tier in (front)', true],
    ['none in (x)', false],
    ['app notin (db,x),none notin (x)', true],
    ['app notin (web)', false],
    ['app,a.b/c', true],
    ['none', false],
    ['!none', true],
    ['!app', false],
    ['a.b/c=', true],
  ])('%s', (selector, matches) => {
    expect(labelSelector(selector)(labels)).toBe(matches);
  });

  test.each(['app>1', 'app in web', 'app=web tier=front'])('refuses %s', (selector) => {
    expect(() => labelSelector(selector)).toThrow('is no requirement of a label selector');
  });
});

describe('serviceAccountFiles', () => {
  it('has a certificate that programs can read', () => {
    const { namespace, 'ca.crt': certificate } = serviceAccountFiles('n');
    expect(namespace).toBe('n');
    const { subject, publicKey } = new X509Certificate(certificate!);
    expect(subject).toBe('CN=kubernetes');
    expect(new X509Certificate(certificate!).verify(publicKey)).toBe(true);
  });
});

describe('discovery', () => {
  const port = (name: string, containerPort: number) => ({ name, containerPort });
  const metadata = (name: string, namespace: string) => ({ name, namespace });
  const workload = (kind: string, name: string, namespace: string, podSpec: object) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: metadata(name, namespace),
    spec: {
      template: {
        metadata: { labels: { app: name, 'a.b/c': 'x' }, annotations: { 'prometheus.io/scrape': 'true' } },
        spec: podSpec,
      },
    },
  });
  const service = (name: string, namespace: string, spec: object) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata(name, namespace), labels: { tier: name } },
    spec,
  });
  const { workloads, services } = indexManifests([
    workload('StatefulSet', 'db', 'n', {
      containers: [
        { name: 'db', image: 'db:1', ports: [port('http', 8080), port('admin', 9090)] },
        { name: 'plain', image: 'plain:1' },
      ],
      initContainers: [
        { name: 'ended', image: 'i', ports: [port('x', 1)] },
        { name: 'sidecar', image: 'i', restartPolicy: 'Always', ports: [port('side', 2)] },
      ],
    }),
    workload('Deployment', 'web', 'm', { containers: [{ name: 'web', image: 'web:1', ports: [port('http', 80)] }] }),
    service('db', 'n', {
      clusterIP: 'None',
      selector: { app: 'db' },
      ports: [{ name: 'h', port: 1, targetPort: 'http' }],
    }),
    service('web', 'm', {
      selector: { app: 'web' },
      ports: [
        { port: 81, targetPort: 80 },
        { name: 'no', port: 82, targetPort: 'no' },
      ],
    }),
  ]);
  const cluster: ClusterState = {
    pods: workloads.map((manifest, index) => ({
      name: `${manifest.name}-0`,
      namespace: manifest.namespace,
      address: `127.9.9.${index + 1}`,
      labels: manifest.podLabels,
      manifest,
    })),
    services: services.map((manifest, index) => ({ manifest, address: `127.9.9.${index + 11}` })),
  };

  interface Job {
    readonly static_configs: readonly { readonly targets: string[]; readonly labels: Record<string, string> }[];
  }
  const discover = (...configs: object[]) => {
    const text = JSON.stringify({ scrape_configs: [{ job_name: 'j', kubernetes_sd_configs: configs }] });
    const [job] = (parse(discoverTargets(text, 'n', cluster)) as { scrape_configs: [Job] }).scrape_configs;
    expect(Object.keys(job)).toEqual(['job_name', 'static_configs']);
    return job.static_configs;
  };
  const addresses = (...configs: object[]) => discover(...configs).flatMap(({ targets }) => targets);
  const meta = (labels: Record<string, string> | undefined) =>
    Object.fromEntries(
      Object.entries(labels ?? {}).map(([name, value]) => [name.replace('__meta_kubernetes_', ''), value]),
    );

  it('finds each port of each container that lasts, with what Kubernetes tells about it', () => {
    const found = discover({ role: 'pod' });
    expect(found.map(({ targets }) => targets)).toEqual([
      ['127.9.9.1:8080'],
      ['127.9.9.1:9090'],
      ['127.9.9.1'],
      ['127.9.9.1:2'],
      ['127.9.9.2:80'],
    ]);
    expect(meta(found[0]!.labels)).toEqual({
      namespace: 'n',
      pod_name: 'db-0',
      pod_ip: '127.9.9.1',
      pod_ready: 'true',
      pod_phase: 'Running',
      pod_node_name: 'localhost',
      pod_host_ip: '127.9.9.1',
      pod_uid: 'uid-of-n-db-0',
      pod_controller_kind: 'StatefulSet',
      pod_controller_name: 'db',
      pod_container_name: 'db',
      pod_container_image: 'db:1',
      pod_container_init: 'false',
      pod_container_port_name: 'http',
      pod_container_port_number: '8080',
      pod_container_port_protocol: 'TCP',
      pod_label_app: 'db',
      pod_labelpresent_app: 'true',
      pod_label_a_b_c: 'x',
      pod_labelpresent_a_b_c: 'true',
      pod_annotation_prometheus_io_scrape: 'true',
      pod_annotationpresent_prometheus_io_scrape: 'true',
    });
    expect(Object.keys(found[2]!.labels).filter((name) => name.includes('container_port'))).toEqual([]);
    expect(found[3]!.labels['__meta_kubernetes_pod_container_init']).toBe('true');
    expect(found[4]!.labels['__meta_kubernetes_pod_controller_kind']).toBe('ReplicaSet');
    expect(found[4]!.labels['__meta_kubernetes_pod_controller_name']).toMatch(/^web-[0-9a-f]+$/);
  });

  it('honours namespaces and selectors, and joins all that a job looks for', () => {
    const web = ['127.9.9.2:80'];
    expect(addresses({ role: 'pod', namespaces: { names: ['m'] } })).toEqual(web);
    expect(addresses({ role: 'pod', namespaces: { own_namespace: true } })).toHaveLength(4);
    expect(addresses({ role: 'pod', selectors: [{ role: 'pod', label: 'app in (web)' }] })).toEqual(web);
    expect(addresses({ role: 'pod', selectors: [{ role: 'service', label: 'app=none' }] })).toHaveLength(5);
    expect(addresses({ role: 'node' })).toEqual([]);
    expect(addresses({ role: 'node' }, { role: 'service' }, { role: 'service', namespaces: { names: ['m'] } })).toEqual(
      ['127.9.9.11:1', '127.9.9.12:81', '127.9.9.12:82', '127.9.9.12:81', '127.9.9.12:82'],
    );
  });

  it('finds the ports of a Service at each pod behind it, and the other ports of these pods', () => {
    const found = discover({ role: 'endpoints' });
    expect(found.map(({ targets }) => targets[0])).toEqual([
      '127.9.9.1:8080',
      '127.9.9.1:9090',
      '127.9.9.1:2',
      '127.9.9.2:80',
    ]);
    expect(meta(found[0]!.labels)).toMatchObject({
      namespace: 'n',
      service_name: 'db',
      service_cluster_ip: 'None',
      service_label_tier: 'db',
      service_labelpresent_tier: 'true',
      endpoints_name: 'db',
      endpoints_label_tier: 'db',
      endpoint_port_name: 'h',
      endpoint_port_protocol: 'TCP',
      endpoint_ready: 'true',
      endpoint_address_target_kind: 'Pod',
      endpoint_address_target_name: 'db-0',
      pod_name: 'db-0',
      pod_container_port_name: 'http',
    });
    expect(meta(found[1]!.labels)).toMatchObject({ service_name: 'db', pod_container_port_name: 'admin' });
    expect(meta(found[1]!.labels)).not.toHaveProperty('endpoint_port_name');
    expect(meta(found[3]!.labels)).toMatchObject({ service_cluster_ip: '127.9.9.12', endpoint_port_name: '' });
    const slices = discover({ role: 'endpointslice', selectors: [{ role: 'endpointslice', label: 'tier=db' }] });
    expect(slices).toHaveLength(3);
    expect(meta(slices[0]!.labels)).toMatchObject({
      endpointslice_port_name: 'h',
      endpointslice_port: '8080',
      endpointslice_endpoint_conditions_ready: 'true',
      endpointslice_address_target_name: 'db-0',
      endpointslice_label_kubernetes_io_service_name: 'db',
      service_name: 'db',
    });
  });

  it('leaves all else of the file as it is rendered', () => {
    const text = [
      'global: { scrape_interval: 15s } # short',
      'scrape_configs:',
      '  - job_name: "yes"',
      '    kubernetes_sd_configs: [{ role: node }]',
      '    relabel_configs:',
      `      - { source_labels: [ a, b ], regex: '(.+);0x1F', replacement: $1, action: replace }`,
      '  - job_name: 0777',
      '    static_configs:',
      '      - targets: [127.0.0.1:1]',
      '    kubernetes_sd_configs:',
      '      - role: service',
      '        namespaces: { names: [n] }',
      '    scheme: http',
      '',
    ].join('\n');
    const written = discoverTargets(text, 'n', cluster);
    expect(written.split('\n').slice(0, 6)).toEqual([
      ...text.split('\n').slice(0, 3),
      '    static_configs: []',
      ...text.split('\n').slice(4, 6),
    ]);
    expect(written).toContain('- job_name: 0777\n');
    const { scrape_configs: jobs } = parse(written);
    expect(Object.keys(jobs[1])).toEqual(['job_name', 'static_configs', 'scheme']);
    expect(jobs[1].static_configs).toMatchObject([{ targets: ['127.0.0.1:1'] }, { targets: ['127.9.9.11:1'] }]);
    const other = 'scrape_configs: [ {job_name:  x} ]   # with kubernetes_sd_configs none\n';
    expect(discoverTargets(other, 'n', cluster)).toBe(other);
  });

  test.each([
    [{ role: 'ingress' }, 'the runner does not know the role ingress'],
    [{ role: 'pod', selectors: [{ role: 'pod', field: 'spec.nodeName=x' }] }, 'field selectors: spec.nodeName=x'],
    [{ role: 'pod', attach_metadata: { node: true } }, 'the runner does not know attach_metadata'],
  ])('refuses %j', (config, message) => {
    expect(() => discover(config)).toThrow(message);
  });

  it('refuses a file in which it cannot find the discovery', () => {
    const text = 'a: [\nkubernetes_sd_configs: [{role: node}]\n';
    expect(() => discoverTargets(text, 'n', cluster)).toThrow('a file with kubernetes_sd_configs is no YAML');
  });

  it('writes the pods behind a headless Service where vmauth would look them up', () => {
    const text = [
      'users:',
      '  - bearer_token: "%{TOKEN}"',
      '    discover_backend_ips: true',
      '    url_prefix: "http://127.9.9.11:8080/x?y=1"',
      '    url_map:',
      '      - src_paths: ["/a"]',
      '        url_prefix: ["http://u:p@127.9.9.11:1/a", "http://127.9.9.12:81", "http://example.com/"]',
      '      - src_paths: ["/b"]',
      '        discover_backend_ips: false',
      '        url_prefix: http://127.9.9.11:1/b',
      'unauthorized_user:',
      '  url_map:',
      '    - src_paths: ["/c"]',
      '      discover_backend_ips: true',
      '      url_prefix: http://127.9.9.11/c',
      '  default_url: http://127.9.9.11/d',
      '',
    ].join('\n');
    const [db] = cluster.pods;
    const twice = { ...cluster, pods: [...cluster.pods, { ...db!, name: 'db-1', address: '127.9.9.3' }] };
    expect(parse(discoverBackends(text, twice))).toEqual({
      users: [
        {
          bearer_token: '%{TOKEN}',
          url_prefix: ['http://127.9.9.1:8080/x?y=1', 'http://127.9.9.3:8080/x?y=1'],
          url_map: [
            {
              src_paths: ['/a'],
              url_prefix: [
                'http://u:p@127.9.9.1:1/a',
                'http://u:p@127.9.9.3:1/a',
                'http://127.9.9.12:81',
                'http://example.com/',
              ],
            },
            { src_paths: ['/b'], url_prefix: 'http://127.9.9.11:1/b' },
          ],
        },
      ],
      unauthorized_user: {
        url_map: [{ src_paths: ['/c'], url_prefix: ['http://127.9.9.1/c', 'http://127.9.9.3/c'] }],
        default_url: 'http://127.9.9.11/d',
      },
    });
    const other = 'a:  1 # discover_backend_ips\n';
    expect(discoverBackends(other, cluster)).toBe(other);
  });
});

describe('Subnet', () => {
  it('belongs to one owner until it is released', async () => {
    const first = await Subnet.claim(100);
    const second = await Subnet.claim(100);
    const [a, b] = [first.allocate(), second.allocate()];
    expect(a.split('.').slice(0, 3)).not.toEqual(b.split('.').slice(0, 3));
    await first.release();
    const third = await Subnet.claim(100);
    expect(third.allocate()).toBe(a);
    await Promise.all([second.release(), third.release()]);
  });
});

describe('Watchdog', () => {
  it('kills the process groups that are left when its writer dies, and no other, and removes the folder', async () => {
    const [left, removed] = [1, 2].map(() => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }));
    const folder = mkdtempSync(join(tmpdir(), 'watched-'));
    writeFileSync(join(folder, 'file'), '');
    const watchdog = spawn('sh', ['-c', WATCHDOG_SCRIPT, 'watchdog', folder], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(left!, 'exit');
    watchdog.stdin.end(`add ${left!.pid}\nadd ${removed!.pid}\nremove ${removed!.pid}\n`);
    await once(watchdog, 'exit');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect([removed!.exitCode, removed!.signalCode]).toEqual([null, null]);
    expect(existsSync(folder)).toBe(false);
    removed!.kill('SIGKILL');
  });
});

/**
 * Answers on -httpListenAddr: /health as the file `unready` in -storageDataPath says, /self with what it was started
 * with, /exit ends it. On SIGTERM it ends unless it was started with -stubborn.
 */
const SERVER = `#!${process.execPath}
const fs = require('node:fs');
const http = require('node:http');
const flags = Object.fromEntries(process.argv.slice(2).map((arg) => /^-([^=]+)=?(.*)$/s.exec(arg).slice(1)));
const [host, port] = (flags.httpListenAddr ?? '').split(':');
const folder = flags.storageDataPath;
const starts = folder + '/starts';
if ('broken' in flags) { console.error('cannot parse the flag -broken'); process.exit(3); }
if ('litter' in flags) fs.writeFileSync('litter', '');
process.on('SIGTERM', () => { console.log('got SIGTERM'); if (!('stubborn' in flags)) process.exit(0); });
fs.appendFileSync(starts, 'x');
http.createServer((request, response) => {
  if (request.url === '/exit') process.exit(7);
  if (request.url === '/health') response.statusCode = fs.existsSync(folder + '/unready') ? 503 : 200;
  const read = (url) => fs.readFileSync(url.slice('file://'.length), 'utf8');
  response.end(JSON.stringify({
    flags, pid: process.pid, env: process.env, starts: fs.readFileSync(starts, 'utf8').length, folder,
    password: flags['httpAuth.password'] && read(flags['httpAuth.password']),
  }));
}).listen(Number(port), host, () => console.log('listening'));
`;

interface Self {
  readonly flags: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly starts: number;
  readonly folder: string;
  readonly password?: string;
}

describe('Runner', () => {
  let folder: string;
  let stack: Runner | undefined;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'server-'));
    writeFileSync(join(folder, 'server'), SERVER);
    chmodSync(join(folder, 'server'), 0o755);
  });
  afterEach(async () => {
    await stack?.close();
    stack = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Pods of the small server above, in front of a Service. */
  function objects({ kind = 'StatefulSet', args = [] as string[], replicas = 2, ...podSpec } = {}): object[] {
    const labels = { app: 'web' };
    const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' } }] };
    const service = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'n' },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
    });
    const container = {
      name: 'server',
      image: 'example/server:1',
      args: ['-httpListenAddr=:8080', '-storageDataPath=/data', '-peer=web-0.web-headless.n.svc:8080', ...args],
      ports: [{ name: 'http', containerPort: 8080 }],
      env: [{ name: 'PEERS', value: 'http://web.n.svc' }],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
      readinessProbe: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 0.05, failureThreshold: 1 },
    };
    const template = {
      metadata: { labels },
      spec: {
        containers: [container],
        terminationGracePeriodSeconds: 1,
        ...(kind === 'Deployment' ? { volumes: [{ name: 'data', emptyDir: {} }] } : {}),
        ...podSpec,
      },
    };
    return [
      service('web', { type: 'ClusterIP' }),
      service('web-headless', { clusterIP: 'None' }),
      {
        apiVersion: 'apps/v1',
        kind,
        metadata: { name: 'web', namespace: 'n' },
        spec: { replicas, serviceName: 'web-headless', template, ...(kind === 'Deployment' ? {} : claims) },
      },
    ];
  }

  const start = async (given: object[], options: object = {}) =>
    (stack = await Runner.start(given, { binaries: { server: join(folder, 'server') }, ...options }));
  const self = async (url: string) =>
    (await (await fetch(`${url}/self`, { headers: { connection: 'close' } })).json()) as Self;

  it('gives a process its rendered args and variables, with hosts, ports and paths of this machine', async () => {
    await start(objects());
    const pod = stack!.pod('web-0');
    const { flags, env, folder: data } = await self(pod.url());
    expect(flags).toEqual({
      httpListenAddr: `${pod.address}:8080`,
      storageDataPath: data,
      peer: `${pod.address}:8080`,
    });
    expect(data).toMatch(/\/claims\/n\/data-web-0$/);
    expect(Object.keys(env).sort()).toEqual(['HOSTNAME', 'PATH', 'PEERS']);
    expect(env.PEERS).toBe(`http://${stack!.service('web').address}`);
    expect(stack!.localize('http://web.n.svc/x')).toBe(`${stack!.url('web').replace(/:80$/, '')}/x`);
  });

  it('balances a Service over the pods that are ready, and resets connections when there is none', async () => {
    await start(objects());
    const url = stack!.url('web');
    const pids = async () => new Set(await Promise.all([1, 2, 3, 4].map(async () => (await self(url)).pid)));
    expect((await pids()).size).toBe(2);
    const { folder: data } = await self(stack!.pod('web-0').url());
    writeFileSync(join(data, 'unready'), '');
    await until('web-0 unready', () => !stack!.pod('web-0').ready);
    expect([...(await pids())]).toEqual([(await self(stack!.pod('web-1').url())).pid]);
    await stack!.pod('web-1').kill();
    expect(stack!.service('web').refused).toBe(0);
    await expect(self(url)).rejects.toThrow();
    expect(stack!.service('web').refused).toBe(1);
  });

  it('keeps a claim over restarts; an empty folder outlives a crash and goes with the pod', async () => {
    await start([...objects({ replicas: 1 })]);
    const pod = stack!.pod('web-0');
    await pod.kill();
    await pod.start();
    await pod.stop();
    await pod.start();
    expect((await self(pod.url())).starts).toBe(3);
    await stack!.close();

    await start(objects({ replicas: 1, kind: 'Deployment' }));
    const stateless = stack!.pod('web-0');
    await stateless.kill();
    await stateless.start();
    expect((await self(stateless.url())).starts).toBe(2);
    await stateless.stop();
    await stateless.start();
    expect((await self(stateless.url())).starts).toBe(1);
  });

  it('stops with SIGTERM, and with SIGKILL after the grace period', async () => {
    await start(objects({ replicas: 1 }));
    expect(await stack!.pod('web-0').stop()).toEqual({ code: 0, signal: null });
    expect(stack!.pod('web-0').logs()).toContain('got SIGTERM');
    await expect(stack!.pod('web-0').stop()).rejects.toThrow('web-0: does not run');
    await stack!.close();
    await start(objects({ replicas: 1, args: ['-stubborn'] }));
    expect(await stack!.pod('web-0').stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('sends connections to a pod that is going until the endpoints have changed', async () => {
    await start(objects({ replicas: 1, args: ['-stubborn'] }), { endpointPropagation: 100 });
    const stopped = stack!.pod('web-0').stop();
    expect((await self(stack!.url('web'))).starts).toBe(1);
    await until('the endpoint is gone', () => !stack!.pod('web-0').ready);
    await expect(self(stack!.url('web'))).rejects.toThrow();
    await stopped;
  });

  it('fails with the last log lines when a process does not start, and leaves nothing behind', async () => {
    await expect(start(objects({ args: ['-broken'] }))).rejects.toThrow(
      /web-0: did not become ready\. web-0 ended with exit code 3; its last log lines:\n {4}cannot parse the flag -broken/,
    );
  });

  it('leaves no process and no folder behind', async () => {
    await start(objects());
    const { pid, folder: data } = await self(stack!.pod('web-0').url());
    await stack!.close();
    stack = undefined;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(existsSync(data)).toBe(false);
  });

  it('notices a process that ends by itself', async () => {
    await start(objects());
    await expect(fetch(`${stack!.pod('web-0').url()}/exit`)).rejects.toThrow();
    await until('web-0 ended', () => !stack!.pod('web-0').running);
    expect(stack!.pod('web-0').ready).toBe(false);
    await expect(stack!.ready()).rejects.toThrow('web-0 ended with exit code 7');
  });

  it('refuses a port that is taken', async () => {
    const subnet = await Subnet.claim();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(8080, subnet.allocate().replace(/\d+$/, '2'), resolve));
    await expect(start(objects({ replicas: 1 }), { subnet })).rejects.toThrow(/web-0: port 8080 is taken on 127\./);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('notices a process that writes outside of its volumes', async () => {
    await start(objects({ replicas: 1, args: ['-litter'] }));
    const closing = stack!.close();
    stack = undefined;
    await expect(closing).rejects.toThrow('web-0: wrote litter outside of its volumes');
  });

  it('says what the stack has when a test asks for something else', async () => {
    await start(objects());
    expect(() => stack!.pod('web-2')).toThrow('pod web-2: the stack has only web-0, web-1');
    expect(() => stack!.url('db')).toThrow('Service db: the stack has only web, web-headless');
    expect(() => stack!.url('web', 'grpc')).toThrow('Service web: has no port named grpc');
  });

  it('writes the files of ConfigMaps and Secrets where the args say, and runs init containers before', async () => {
    const [service, headless, workload] = objects({
      replicas: 1,
      args: ['-httpAuth.password=file:///etc/secrets/s/k'],
    });
    const podSpec = (workload as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
    const [container] = podSpec.containers as Record<string, unknown>[];
    const mounts = container!.volumeMounts as object[];
    container!.volumeMounts = [...mounts, { name: 'secret-0', mountPath: '/etc/secrets/s' }];
    podSpec.volumes = [
      { name: 'secret-0', secret: { secretName: 's' } },
      { name: 'config', configMap: { name: 'config' } },
    ];
    podSpec.initContainers = [
      {
        name: 'copy',
        image: 'busybox',
        command: ['sh', '-c', 'cp /etc/config/file /data/copied'],
        volumeMounts: [...mounts, { name: 'config', mountPath: '/etc/config' }],
      },
    ];
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config', namespace: 'n' },
      data: { file: 'url: http://web.n.svc:80' },
    };
    const all = [service!, headless!, workload!, config];
    await expect(start(all)).rejects.toThrow('web-0: the Secret s is mounted and does not exist');
    await start(all, { secrets: { s: { k: 'p:80 http://web' } } });
    const { password, folder: data } = await self(stack!.pod('web-0').url());
    expect(password).toBe('p:80 http://web');
    expect(parseManifests(readFileSync(join(data, 'copied'), 'utf8'))).toEqual([
      { url: `http://${stack!.service('web').address}:80` },
    ]);
  });

  /** One pod whose process tells what is in a file of one of its mounts. */
  function reader(
    file: string,
    podSpec: object,
    volumeMount: object,
    configMaps: Record<string, object> = {},
  ): object[] {
    const [service, headless, workload] = objects({ replicas: 1, args: [`-httpAuth.password=file://${file}`] });
    const spec = (workload as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
    const [container] = spec.containers as Record<string, object[]>[];
    container!.volumeMounts!.push(volumeMount);
    Object.assign(spec, podSpec);
    return [
      service!,
      headless!,
      workload!,
      ...Object.entries(configMaps).map(([name, data]) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'n' },
        data,
      })),
    ];
  }
  const content = async () => (await self(stack!.pod('web-0').url())).password;

  it('changes the files of a ConfigMap below a running process, for this life and later ones', async () => {
    const volumes = [{ name: 'config', configMap: { name: 'config' } }];
    const files = { a: 'http://web.n.svc', gone: 'x' };
    await start(reader('/etc/c/a', { volumes }, { name: 'config', mountPath: '/etc/c' }, { config: files }));
    const pod = stack!.pod('web-0');
    const address = stack!.service('web').address;
    const { flags } = await self(pod.url());
    const folderOfConfig = flags['httpAuth.password']!.replace(/^file:\/\/|\/a$/g, '');
    expect(await content()).toBe(`http://${address}`);
    pod.updateConfigMap('config', { a: 'now http://web.n.svc at /data', b: 'new' });
    expect(await content()).toMatch(new RegExp(`^now http://${address} at /.*/claims/n/data-web-0$`));
    expect(readdirSync(folderOfConfig).sort()).toEqual(['a', 'b']);
    expect((await self(pod.url())).starts).toBe(1);
    await pod.stop();
    expect(() => pod.updateConfigMap('config', {})).toThrow('web-0: does not run');
    await pod.start();
    expect(await content()).toContain('now ');
    expect(() => pod.updateConfigMap('other', {})).toThrow(
      'web-0: no container mounts the ConfigMap other as a folder',
    );
  });

  it('leaves a single file of a ConfigMap as it was mounted, as the kubelet does', async () => {
    const volumes = [{ name: 'config', configMap: { name: 'config' } }];
    const mount = { name: 'config', mountPath: '/etc/c/a', subPath: 'a' };
    await start(reader('/etc/c/a', { volumes }, mount, { config: { a: 'first' } }));
    expect(() => stack!.pod('web-0').updateConfigMap('config', { a: 'second' })).toThrow('as a folder');
    expect(await content()).toBe('first');
  });

  it('projects ConfigMaps and Secrets into one folder, and nothing else', async () => {
    const sources = [
      { configMap: { name: 'config', items: [{ key: 'a', path: 'sub/renamed' }] } },
      { secret: { name: 's' } },
    ];
    const mount = { name: 'all', mountPath: '/etc/all' };
    const given = (more: object[]) =>
      reader(
        '/etc/all/sub/renamed',
        { volumes: [{ name: 'all', projected: { sources: [...sources, ...more] } }] },
        mount,
        {
          config: { a: 'http://web.n.svc', other: 'x' },
        },
      );
    const secrets = { s: { k: 'secret' } };
    await start(given([]), { secrets });
    expect(await content()).toBe(`http://${stack!.service('web').address}`);
    const { flags } = await self(stack!.pod('web-0').url());
    const projected = flags['httpAuth.password']!.replace(/^file:\/\/|\/sub\/renamed$/g, '');
    expect(readdirSync(projected).sort()).toEqual(['k', 'sub']);
    stack!.pod('web-0').updateConfigMap('config', { a: 'edited' });
    expect(await content()).toBe('edited');
    expect(readdirSync(projected).sort()).toEqual(['k', 'sub']);
    await stack!.close();
    await expect(start(given([{ serviceAccountToken: { path: 't' } }]), { secrets })).rejects.toThrow(
      'web-0: the runner cannot provide the volume all',
    );
  });

  it('mounts paths of the host as they are, read-only and only if they exist', async () => {
    const given = (path: string, readOnly?: boolean) =>
      reader(
        '/host/root/host-file',
        {
          hostNetwork: true,
          hostPID: true,
          volumes: [{ name: 'root', hostPath: { path, type: 'DirectoryOrCreate' } }],
        },
        { name: 'root', mountPath: '/host/root', readOnly },
      );
    writeFileSync(join(folder, 'host-file'), 'of the host');
    await start(given(folder, true));
    expect(await content()).toBe('of the host');
    await stack!.close();
    const missing = join(folder, 'missing');
    await expect(start(given(missing, true))).rejects.toThrow(`web-0: the host path ${missing} does not exist`);
    expect(existsSync(missing)).toBe(false);
    await expect(start(given(folder))).rejects.toThrow(`web-0: the host path ${folder} is not mounted readOnly`);
  });

  it('gives a service account only to pods that ask for it', async () => {
    const path = '/var/run/secrets/kubernetes.io/serviceaccount';
    const data = { name: 'data', mountPath: '/unused' };
    await start(reader(`${path}/namespace`, { automountServiceAccountToken: true }, data));
    expect(await content()).toBe('n');
    await stack!.close();
    await expect(start(reader(`${path}/token`, { automountServiceAccountToken: false }, data))).rejects.toThrow(
      `web-0: container server reads ${path}, which is mounted only in pods with automountServiceAccountToken: true`,
    );
  });

  it('maps no more than hosts, ports and paths of what the constructs render', async () => {
    const app = new App();
    const chart = new Chart(app, 'chart', { namespace: 'monitoring' });
    new VmSingle(chart, 'metrics', {
      retention: Retention.days(7),
      volume: { size: Size.gibibytes(1) },
      resources: { cpu: { request: Cpu.millis(10) } },
      extraFlags: { 'search.latencyOffset': '0s' },
    });
    stack = await Runner.start(parseManifests(app.synthYaml()), { binaries: { vmsingle: join(folder, 'server') } });
    const pod = stack.pod('metrics-vmsingle-0');
    const { flags, folder: data } = await self(pod.url());
    expect(flags).toEqual({
      httpListenAddr: `${pod.address}:8428`,
      retentionPeriod: '7d',
      'search.latencyOffset': '0s',
      storageDataPath: data,
    });
  });
});

describeWith(['vmagent', 'vmauth', 'prometheus'], 'discovery by real programs', () => {
  const labels = (app: string) => ({ app });
  const metadata = (name: string) => ({ name, namespace: 'n', labels: labels(name) });
  const deployment = (name: string, image: string, port: number, args: string[], replicas = 1) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name),
    spec: {
      replicas,
      template: {
        metadata: { labels: labels(name) },
        spec: {
          automountServiceAccountToken: true,
          containers: [
            {
              name,
              image,
              args,
              ports: [{ name: 'http', containerPort: port }],
              volumeMounts: [
                { name: 'config', mountPath: '/etc/config' },
                { name: 'tmp', mountPath: '/tmp/data' },
              ],
              readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 0.05 },
            },
          ],
          volumes: [
            { name: 'config', configMap: { name } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  });
  const configMap = (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(name),
    data,
  });
  const service = (name: string, port: number) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name),
    spec: { clusterIP: 'None', selector: labels(name), ports: [{ name: 'http', port, targetPort: 'http' }] },
  });
  const scrapeConfig = (role: string) => `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: nodes
    scheme: https
    kubernetes_sd_configs: [{ role: node }]
    tls_config: { ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt }
    authorization: { credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token }
  - job_name: stack
    kubernetes_sd_configs: [{ role: ${role}, namespaces: { own_namespace: true } }]
    tls_config: { ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt }
    relabel_configs:
      - { source_labels: [__meta_kubernetes_pod_label_app], regex: vm.+, action: keep }
      - { source_labels: [__meta_kubernetes_pod_name], target_label: pod }
`;
  const objects = [
    deployment(
      'vmagent',
      'victoriametrics/vmagent:v1',
      8429,
      [
        '-httpListenAddr=:8429',
        '-promscrape.config=/etc/config/scrape.yml',
        '-promscrape.config.strictParse=true',
        '-remoteWrite.url=http://vmauth.n.svc:8427/api/v1/write',
        '-remoteWrite.tmpDataPath=/tmp/data',
      ],
      2,
    ),
    service('vmagent', 8429),
    configMap('vmagent', { 'scrape.yml': scrapeConfig('pod') }),
    deployment('prometheus', 'quay.io/prometheus/prometheus:v3', 9090, [
      '--config.file=/etc/config/prometheus.yml',
      '--web.listen-address=:9090',
      '--storage.tsdb.path=/tmp/data',
    ]),
    configMap('prometheus', { 'prometheus.yml': scrapeConfig('endpoints') }),
    deployment('vmauth', 'victoriametrics/vmauth:v1', 8427, [
      '-httpListenAddr=:8427',
      '-auth.config=/etc/config/auth.yml',
      '-failTimeout=100ms',
    ]),
    service('vmauth', 8427),
    configMap('vmauth', {
      'auth.yml': `
unauthorized_user:
  discover_backend_ips: true
  url_prefix: http://vmagent.n.svc:8429/
`,
    }),
  ];

  it('scrapes all pods, reads its files again, and skips a backend that is dead', async () => {
    const stack = await Runner.start(objects);
    try {
      const up = async (pod: string, portName = 'http') => {
        const answer = await fetch(`${stack.pod(pod).url(portName)}/api/v1/targets`);
        const { data } = (await answer.json()) as {
          data: { activeTargets: { labels: Record<string, string>; health: string }[] };
        };
        return data.activeTargets.map(({ labels: found, health }) => `${found.pod} ${health}`).sort();
      };
      const all = ['vmagent-0 up', 'vmagent-1 up', 'vmauth-0 up'];
      const expectUp = async (pod: string, targets: string[]) => {
        let last: string[] = [];
        await until(`${pod} scrapes`, async () => (last = await up(pod)).join() === targets.join(), {
          timeout: 15_000,
        }).catch(() => undefined);
        expect(last).toEqual(targets);
      };
      await expectUp('vmagent-0', all);
      await expectUp('prometheus-0', all);

      const gateway = stack.pod('vmauth-0');
      const statuses = async () => {
        const pages = await Promise.all([1, 2, 3, 4].map(() => fetch(`${gateway.url()}/-/ready`)));
        return pages.map(({ status }) => status);
      };
      expect(await statuses()).toEqual([200, 200, 200, 200]);
      const dead = stack.pod('vmagent-1');
      await dead.kill();
      expect(await statuses()).toEqual([200, 200, 200, 200]);
      await until('the gateway tells of the dead backend', () => gateway.logs().includes(`${dead.address}:8429`));
      await expectUp('vmagent-0', ['vmagent-0 up', 'vmagent-1 down', 'vmauth-0 up']);

      const agent = stack.pod('vmagent-0');
      agent.updateConfigMap('vmagent', { 'scrape.yml': scrapeConfig('pod').replace('vm.+', 'vmauth') });
      await agent.kill('SIGHUP');
      await expectUp('vmagent-0', ['vmauth-0 up']);
      expect(agent.logs()).toContain('SIGHUP');
    } finally {
      await stack.close();
    }
  }, 60_000);
});

describeWith(['node-exporter'], 'host access by a real program', () => {
  it('runs a DaemonSet that reads the host', async () => {
    const host = { name: 'host', hostPath: { path: '/' } };
    const args = ['--web.listen-address=:9100', '--path.rootfs=/host/root', '--path.procfs=/host/root/proc'];
    const container = {
      name: 'node-exporter',
      image: 'quay.io/prometheus/node-exporter:v1',
      args: [...args, '--path.sysfs=/host/root/sys'],
      ports: [{ name: 'http', containerPort: 9100 }],
      volumeMounts: [{ name: 'host', mountPath: '/host/root', readOnly: true, mountPropagation: 'HostToContainer' }],
      readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 0.1 },
    };
    const stack = await Runner.start([
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'node-exporter', namespace: 'n' },
        spec: {
          template: {
            metadata: { labels: { app: 'node-exporter' } },
            spec: {
              hostNetwork: true,
              hostPID: true,
              dnsPolicy: 'ClusterFirstWithHostNet',
              containers: [container],
              volumes: [host],
            },
          },
        },
      },
    ]);
    try {
      const [pod] = stack.pods('node-exporter');
      const page = await (await fetch(`${pod!.url()}/metrics`)).text();
      expect(page).toMatch(/^node_cpu_seconds_total\{/m);
      expect(page).toMatch(/^node_filesystem_size_bytes\{.*mountpoint="\/"/m);
    } finally {
      await stack.close();
    }
  });
});

import { ApiObject, Duration, JsonPatch, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import { Endpoint, Image, IMAGES, ReadEndpoint, SecretRef, VmCluster, VmSingle, WriteEndpoint } from '../../src';
import { OpenTelemetryCollector, type OpenTelemetryCollectorProps } from '../../src/opentelemetry';
import { TYPES_OF_VERSION } from '../../src/opentelemetry/component-types';
import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

/** What JavaScript, a spread or a cast lets through. */
type Loose = { [K in keyof OpenTelemetryCollectorProps]?: unknown } & Record<string, unknown>;

const STORE = Endpoint.external('http://store:8428/opentelemetry/v1/metrics');
const PROMETHEUS = WriteEndpoint.external('https://prometheus.example.com/api/v1/write');

const collector = (props: Partial<OpenTelemetryCollectorProps> = {}) =>
  synth((chart) => new OpenTelemetryCollector(chart, 'gateway', { exporters: [STORE], ...props }));

const textOf = (manifests: readonly Manifest[]): string =>
  find(manifests, 'ConfigMap', 'gateway-otelcol-config')['data']['config.yaml'] as string;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the config
const configOf = (manifests: readonly Manifest[]): any => parse(textOf(manifests));

const config = (props: Partial<OpenTelemetryCollectorProps> = {}) => configOf(collector(props));

test('the known components are those of the default image', () => {
  expect(TYPES_OF_VERSION).toBe(IMAGES.openTelemetryCollector.tag);
});

describe('the config', () => {
  test('takes OTLP and sends it on, behind the memory limiter and without loss', () => {
    expect(config()).toEqual({
      receivers: {
        otlp: {
          protocols: {
            grpc: {
              endpoint: ':4317',
              keepalive: { server_parameters: { max_connection_age: '1m', max_connection_age_grace: '30s' } },
            },
            http: { endpoint: ':4318' },
          },
        },
      },
      processors: { memory_limiter: { check_interval: '1s', limit_percentage: 80, spike_limit_percentage: 25 } },
      exporters: {
        'otlp_http/1': {
          metrics_endpoint: 'http://store:8428/opentelemetry/v1/metrics',
          timeout: '30s',
          retry_on_failure: { initial_interval: '1s', max_interval: '30s', max_elapsed_time: '0s' },
          sending_queue: {
            sizer: 'bytes',
            queue_size: 32 * 1024 * 1024,
            num_consumers: 10,
            batch: { sizer: 'items', min_size: 8192, flush_timeout: '1s' },
          },
        },
      },
      extensions: { health_check: { endpoint: ':13133' } },
      service: {
        extensions: ['health_check'],
        telemetry: {
          metrics: {
            readers: [
              {
                pull: {
                  exporter: {
                    prometheus: {
                      ...{ host: '${env:POD_IP}', port: 8888 },
                      ...{ without_type_suffix: true, without_units: true, without_scope_info: true },
                    },
                  },
                },
              },
            ],
          },
        },
        pipelines: {
          metrics: { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['otlp_http/1'] },
        },
      },
    });
  });

  test('sends to the tenants and the nodes of the stack', () => {
    const { exporters } = configOf(
      synth((chart) => {
        const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume: { ephemeral: true } } });
        const single = new VmSingle(chart, 'single', { volume: { ephemeral: true } });
        new OpenTelemetryCollector(chart, 'gateway', { exporters: [cluster.ingest().otlp, single.ingest().otlp] });
      }),
    );
    expect([exporters['otlp_http/1'].metrics_endpoint, exporters['otlp_http/2'].metrics_endpoint]).toEqual([
      'http://metrics-vminsert.monitoring.svc:8480/insert/0/opentelemetry/v1/metrics',
      'http://single-vmsingle.monitoring.svc:8428/opentelemetry/v1/metrics',
    ]);
  });

  test('has all that the props say about an exporter', () => {
    const { exporters, extensions } = config({
      exporters: [
        {
          endpoint: Endpoint.external('https://otlp.example.com/v1/metrics?a=$1', {
            credentials: { bearerToken: SecretRef.of('store', 'token') },
          }),
          queueSize: Size.mebibytes(30),
          batch: { minSize: 100, maxSize: 200, timeout: Duration.millis(500) },
          retry: {
            initialInterval: Duration.seconds(2),
            maxInterval: Duration.minutes(1),
            maxElapsedTime: Duration.hours(1),
          },
          numConsumers: 3,
          timeout: Duration.seconds(90),
          headers: { 'X-Scope-OrgID': 'a${env:HOME}' },
          tls: {
            ca: SecretRef.of('store-tls', 'ca.crt'),
            cert: SecretRef.of('store-tls', 'tls.crt'),
            key: SecretRef.of('store-tls', 'tls.key'),
            serverName: 'store',
            insecureSkipVerify: false,
          },
        },
      ],
    });
    expect(exporters['otlp_http/1']).toEqual({
      metrics_endpoint: 'https://otlp.example.com/v1/metrics?a=$$1',
      auth: { authenticator: 'bearertokenauth/1' },
      headers: { 'X-Scope-OrgID': 'a$${env:HOME}' },
      tls: {
        ca_file: '/etc/secrets/store-tls/ca.crt',
        cert_file: '/etc/secrets/store-tls/tls.crt',
        key_file: '/etc/secrets/store-tls/tls.key',
        server_name_override: 'store',
        insecure_skip_verify: false,
      },
      timeout: '90s',
      retry_on_failure: { initial_interval: '2s', max_interval: '1m', max_elapsed_time: '1h' },
      sending_queue: {
        sizer: 'bytes',
        queue_size: 30 * 1024 * 1024,
        num_consumers: 3,
        batch: { sizer: 'items', min_size: 100, max_size: 200, flush_timeout: '500ms' },
      },
    });
    expect(extensions['bearertokenauth/1']).toEqual({ filename: '/etc/secrets/store/token' });
  });

  test('sends remote write with the attributes of resources as labels, as VictoriaMetrics does it with OTLP', () => {
    const credentials = { username: 'production', password: SecretRef.of('store', 'password') };
    const { exporters, extensions, service } = config({
      exporters: [STORE, WriteEndpoint.external('https://prometheus.example.com/api/v1/write', { credentials })],
    });
    expect(exporters['prometheus_remote_write/2']).toEqual({
      endpoint: 'https://prometheus.example.com/api/v1/write',
      auth: { authenticator: 'basicauth/2' },
      timeout: '5m',
      retry_on_failure: { initial_interval: '1s', max_interval: '30s', max_elapsed_time: '0s' },
      remote_write_queue: { num_consumers: 10 },
      resource_to_telemetry_conversion: { enabled: true },
    });
    expect(extensions['basicauth/2']).toEqual({
      client_auth: { username: 'production', password_file: '/etc/secrets/store/password' },
    });
    expect(service.extensions).toEqual(['health_check', 'basicauth/2']);
    expect(service.pipelines.metrics.exporters).toEqual(['otlp_http/1', 'prometheus_remote_write/2']);
  });

  test('lets in only clients that have the token, where there is one', () => {
    const { receivers, extensions } = config({ bearerToken: SecretRef.of('clients', 'token') });
    const { grpc, http } = receivers.otlp.protocols;
    expect([grpc.auth, http.auth]).toEqual(Array(2).fill({ authenticator: 'bearertokenauth/clients' }));
    expect(extensions['bearertokenauth/clients']).toEqual({ filename: '/etc/secrets/clients/token' });
  });

  test('is joined with components and pipelines of the user', () => {
    const { receivers, processors, exporters, connectors, extensions, service } = config({
      replicas: 1,
      logLevel: 'warn',
      env: [{ name: 'TEAM', value: 'shop' }],
      config: {
        receivers: { statsd: { endpoint: ':8125' } },
        processors: { deltatocumulative: null, 'attributes/team': { actions: [{ key: 'a', value: '${env:TEAM}' }] } },
        exporters: { 'otlp_http/traces': { endpoint: 'https://traces.example.com' } },
        connectors: { spanmetrics: null },
        extensions: { zpages: null },
        service: {
          pipelines: {
            metrics: {
              receivers: ['statsd', 'spanmetrics'],
              processors: ['deltatocumulative', 'attributes/team'],
            },
            traces: { receivers: ['otlp'], exporters: ['otlp_http/traces', 'spanmetrics'] },
          },
        },
      },
    });
    expect(receivers.statsd).toEqual({ endpoint: ':8125' });
    expect(processors.deltatocumulative).toBeNull();
    expect(exporters['otlp_http/traces']).toEqual({ endpoint: 'https://traces.example.com' });
    expect(connectors).toEqual({ spanmetrics: null });
    expect(extensions.zpages).toBeNull();
    expect(service.extensions).toEqual(['health_check', 'zpages']);
    expect(service.telemetry.logs).toEqual({ level: 'warn' });
    expect(service.pipelines).toEqual({
      metrics: {
        receivers: ['otlp', 'statsd', 'spanmetrics'],
        processors: ['memory_limiter', 'deltatocumulative', 'attributes/team'],
        exporters: ['otlp_http/1'],
      },
      traces: { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['otlp_http/traces', 'spanmetrics'] },
    });
  });
});

describe('the queue', () => {
  const sizes = (props: Partial<OpenTelemetryCollectorProps>): unknown[] =>
    Object.values(config(props).exporters as Record<string, { sending_queue?: { queue_size: number } }>).map(
      (exporter) => exporter.sending_queue?.queue_size,
    );
  const mebibytes = (amount: number) => amount * 1024 * 1024;
  const other = Endpoint.external('http://other/v1/metrics');

  test('is in memory and a sixteenth of its limit, for all exporters together', () => {
    const memory = { limit: Size.gibibytes(1) };
    const resources = { memory };
    expect(sizes({ resources })).toEqual([mebibytes(64)]);
    expect(sizes({ resources, exporters: [STORE, other, PROMETHEUS] })).toEqual([
      mebibytes(32),
      mebibytes(32),
      undefined,
    ]);
    expect(sizes({ resources, exporters: [{ endpoint: STORE, queueSize: Size.mebibytes(40) }, other] })).toEqual([
      mebibytes(40),
      mebibytes(24),
    ]);
    expect(sizes({ resources: { memory: { limit: Size.mebibytes(128), request: Size.mebibytes(64) } } })).toEqual([
      mebibytes(20),
    ]);
  });

  test('is on a claim of a StatefulSet, of which a quarter stays free', () => {
    const manifests = collector({ queue: { size: Size.gibibytes(4) }, exporters: [STORE, other] });
    const { exporters, extensions, service } = configOf(manifests);
    expect(exporters['otlp_http/2'].sending_queue).toMatchObject({
      storage: 'file_storage/queue',
      queue_size: mebibytes(1536),
    });
    expect(extensions['file_storage/queue']).toEqual({
      directory: '/queue',
      recreate: true,
      compaction: { on_rebound: true, cleanup_on_start: true, directory: '/queue' },
    });
    expect(service.extensions).toEqual(['health_check', 'file_storage/queue']);
    const workload = find(manifests, 'StatefulSet', 'gateway-otelcol');
    expect(workload['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('4Gi');
    expect(podOf(workload)['containers'][0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/queue' });
  });

  test('is on the disk of the node where the volume is ephemeral', () => {
    const manifests = collector({ queue: { ephemeral: true } });
    expect(podOf(find(manifests, 'Deployment', 'gateway-otelcol'))['volumes']).toContainEqual({
      name: 'data',
      emptyDir: {},
    });
    expect(sizes({ queue: { ephemeral: true } })).toEqual([mebibytes(1024)]);
    expect(sizes({ queue: { ephemeral: true, sizeLimit: Size.gibibytes(4) } })).toEqual([mebibytes(3072)]);
  });
});

describe('the pods', () => {
  test('are two, with the ports and probes of the collector', () => {
    const workload = find(collector(), 'Deployment', 'gateway-otelcol');
    expect(workload['spec'].replicas).toBe(2);
    const [container] = podOf(workload)['containers'];
    expect(container.image).toMatch(/\/otel\/opentelemetry-collector-contrib:0\.\d+\.0$/);
    expect(argsOf(workload)).toEqual(['--config=/etc/otelcol/config.yaml']);
    expect(container.ports).toEqual([
      { name: 'otlp-grpc', containerPort: 4317, protocol: 'TCP' },
      { name: 'otlp-http', containerPort: 4318, protocol: 'TCP' },
      { name: 'metrics', containerPort: 8888, protocol: 'TCP' },
      { name: 'health', containerPort: 13133, protocol: 'TCP' },
    ]);
    expect(container.readinessProbe.httpGet).toEqual({ path: '/', port: 'health' });
    expect(container.livenessProbe.tcpSocket).toEqual({ port: 'health' });
    expect(podOf(workload)['terminationGracePeriodSeconds']).toBe(60);
  });

  test('open to clients what is for clients', () => {
    const manifests = collector({ receiverPorts: [{ name: 'statsd', port: 8125, protocol: 'UDP' }] });
    const { ports } = find(manifests, 'Service', 'gateway-otelcol')['spec'];
    expect(ports.map(({ name, port, protocol }: Record<string, unknown>) => [name, port, protocol])).toEqual([
      ['otlp-grpc', 4317, 'TCP'],
      ['otlp-http', 4318, 'TCP'],
      ['statsd', 8125, 'UDP'],
    ]);
  });

  test('know their memory limit', () => {
    const limitOf = (props: Partial<OpenTelemetryCollectorProps>): unknown =>
      podOf(find(collector(props), 'Deployment', 'gateway-otelcol'))['containers'][0].env.find(
        ({ name }: { name: string }) => name === 'GOMEMLIMIT',
      ).value;
    expect(limitOf({})).toBe(`${Math.floor(512 * 1024 * 0.8)}KiB`);
    expect(limitOf({ resources: { memory: { limit: Size.gibibytes(2) } } })).toBe(
      `${Math.floor(2 * 1024 * 1024 * 0.8)}KiB`,
    );
  });

  test('have the time that a request may take, and that to close', () => {
    const exporters = [{ endpoint: STORE, timeout: Duration.seconds(90) }, PROMETHEUS];
    const workload = find(collector({ exporters }), 'Deployment', 'gateway-otelcol');
    expect(podOf(workload)['terminationGracePeriodSeconds']).toBe(120);
  });

  test('are rolled when their config changes', () => {
    const annotationsOf = (props: Partial<OpenTelemetryCollectorProps>): unknown =>
      find(collector(props), 'Deployment', 'gateway-otelcol')['spec'].template.metadata.annotations;
    expect(annotationsOf({ logLevel: 'debug' })).not.toEqual(annotationsOf({}));
  });

  test('mount the secrets of clients and targets, and nothing else of them', () => {
    const credentials = { username: 'u', password: SecretRef.of('store', 'password') };
    const manifests = collector({
      bearerToken: SecretRef.of('clients', 'token'),
      exporters: [Endpoint.external('http://store/v1/metrics', { credentials })],
    });
    const pod = podOf(find(manifests, 'Deployment', 'gateway-otelcol'));
    expect(pod['volumes'].flatMap(({ secret }: { secret?: object }) => secret ?? [])).toEqual([
      { secretName: 'clients', items: [{ key: 'token', path: 'token' }] },
      { secretName: 'store', items: [{ key: 'password', path: 'password' }] },
    ]);
  });

  test('are reached by whom endpoints let in, and reach the targets', () => {
    const manifests = synth((chart) => {
      const single = new VmSingle(chart, 'single', { volume: { ephemeral: true } });
      const gateway = new OpenTelemetryCollector(chart, 'gateway', { exporters: [single.ingest().otlp] });
      gateway.otlpHttp().allowFrom({ podSelector: { matchLabels: { app: 'shop' } } });
      gateway.otlpGrpc().allowFrom({ podSelector: { matchLabels: { app: 'shop' } } });
    });
    const { ingress, egress } = find(manifests, 'NetworkPolicy', 'gateway-otelcol')['spec'];
    expect(ingress).toEqual([
      {
        from: [{ podSelector: { matchLabels: { app: 'shop' } } }],
        ports: [
          { port: 4317, protocol: 'TCP' },
          { port: 4318, protocol: 'TCP' },
        ],
      },
    ]);
    expect(JSON.stringify(egress)).toContain('"app.kubernetes.io/name":"vmsingle"');
    expect(JSON.stringify(egress)).toContain('8428');
  });
});

describe('the endpoints', () => {
  test('say where and with what clients write', () => {
    let gateway!: OpenTelemetryCollector;
    const bearerToken = SecretRef.of('clients', 'token');
    synth((chart) => (gateway = new OpenTelemetryCollector(chart, 'gateway', { exporters: [STORE], bearerToken })));
    const [http, grpc] = [gateway.otlpHttp(), gateway.otlpGrpc()];
    expect(http.url).toBe('http://gateway-otelcol.monitoring.svc:4318/v1/metrics');
    expect(grpc.url).toBe('tcp://gateway-otelcol.monitoring.svc:4317');
    expect([http, grpc].map(({ writes, authenticated }) => [writes, authenticated])).toEqual(
      Array(2).fill([true, true]),
    );
    expect([http.credentials, grpc.credentials]).toEqual(Array(2).fill({ bearerToken }));
    expect(gateway.metrics.map(({ port, credentials }) => [port, credentials])).toEqual([[8888, undefined]]);
  });

  test('are targets of other collectors', () => {
    const manifests = synth((chart) => {
      const behind = new OpenTelemetryCollector(chart, 'behind', { exporters: [STORE] });
      new OpenTelemetryCollector(chart, 'gateway', { exporters: [behind.otlpHttp()] });
    });
    expect(configOf(manifests).exporters['otlp_http/1'].metrics_endpoint).toBe(
      'http://behind-otelcol.monitoring.svc:4318/v1/metrics',
    );
  });
});

test('a patch and variables that are added later are in the output', () => {
  const manifests = synth((chart) => {
    const gateway = new OpenTelemetryCollector(chart, 'gateway', {
      exporters: [STORE],
      config: {
        processors: { 'attributes/team': { actions: [{ key: 'team', value: '${env:TEAM}' }] } },
        service: { pipelines: { metrics: { processors: ['attributes/team'] } } },
      },
    });
    gateway.addEnv({ name: 'TEAM', value: 'shop' });
    ApiObject.of(gateway).addJsonPatch(JsonPatch.add('/metadata/annotations', { a: 'b' }));
  });
  expect(find(manifests, 'Deployment', 'gateway-otelcol').metadata.annotations).toEqual({ a: 'b' });
});

describe('wrong configurations', () => {
  const problems = (props: Loose, more?: (chart: Chart) => void): string[] =>
    problemsOf((chart) => {
      more?.(chart);
      new OpenTelemetryCollector(chart, 'gateway', { exporters: [STORE], ...props } as OpenTelemetryCollectorProps);
    }).map((line) => line.replace('[test/gateway] ', ''));

  const otlpOr =
    "To fix: write cluster.ingest().otlp, cluster.write() or Endpoint.external('https://host/v1/metrics').";
  const secret =
    "looks like a secret, and would stand in the ConfigMap in the clear. To fix: write '${env:NAME}', and " +
    "`env: [{ name: 'NAME', valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } } }]`.";
  const named = 'To fix: name it in `config.service.pipelines`, or remove it.';

  test.each<[string, Loose, string[]]>([
    [
      'an autoscaler of pods whose claims hold what waits',
      { queue: { size: Size.gibibytes(1) }, autoscaling: { minReplicas: 2, maxReplicas: 4 } },
      [
        'autoscaling = {"minReplicas":2,"maxReplicas":4}: what waits on the claim of a pod that is scaled in stays there until ' +
          'the pod is scaled out again. To fix: remove it, or keep the queue in memory or on the disk of the node: ' +
          '`queue: { ephemeral: true }`.',
      ],
    ],
    [
      'no exporters',
      { exporters: undefined },
      [
        'exporters = (not set): the collector must be told where to send what it takes. ' +
          'To fix: write for example `exporters: [cluster.ingest().otlp]`.',
      ],
    ],
    [
      'an empty list of exporters',
      { exporters: [] },
      [
        'exporters = []: metrics would be taken and sent nowhere. ' +
          'To fix: write for example [cluster.ingest().otlp].',
      ],
    ],
    [
      'a misspelt prop',
      { bearertoken: SecretRef.of('a', 'b') },
      ['bearertoken = a/b: there is no such prop. To fix: did you mean `bearerToken`?'],
    ],
    [
      'an endpoint of queries',
      { exporters: [ReadEndpoint.external('http://store:8428')] },
      [`exporters[0] = "http://store:8428": the endpoint answers queries and takes no metrics. ${otlpOr}`],
    ],
    [
      'an endpoint without the path',
      { exporters: [{ endpoint: Endpoint.external('https://otlp.example.com') }] },
      [
        'exporters[0].endpoint = "https://otlp.example.com": the URL must be the whole one that takes OTLP metrics, ' +
          `which ends in /v1/metrics. ${otlpOr}`,
      ],
    ],
    [
      'two exporters to one URL',
      { exporters: [STORE, { endpoint: STORE }] },
      [
        'exporters[1] = "http://store:8428/opentelemetry/v1/metrics": leads to the same storage as exporters[0], which ' +
          'would get every sample twice. To fix: remove one of the two.',
      ],
    ],
    [
      'what remote write cannot do',
      { exporters: [{ endpoint: PROMETHEUS, batch: { minSize: 1 } }], queue: { ephemeral: true } },
      [
        'exporters[0].batch = {"minSize":1}: the exporter of remote write has no such setting. ' +
          'To fix: remove it, or send OTLP: cluster.ingest().otlp.',
        'exporters[0] = "https://prometheus.example.com/api/v1/write": what waits for a target of remote write stays in ' +
          'memory, whatever `queue` says. To fix: send OTLP: cluster.ingest().otlp, or remove `queue`.',
      ],
    ],
    [
      'TLS without https',
      { exporters: [{ endpoint: STORE, tls: { insecureSkipVerify: true } }] },
      [
        'exporters[0].tls = {"insecureSkipVerify":true}: the endpoint is http, so that it would not be used. ' +
          'To fix: remove it, or take an endpoint with https.',
      ],
    ],
    [
      'a certificate without its key',
      {
        exporters: [{ endpoint: Endpoint.external('https://a/v1/metrics'), tls: { cert: SecretRef.of('tls', 'crt') } }],
      },
      [
        'exporters[0].tls.key = (not set): a client shows its certificate with its key, not one of them alone. ' +
          'To fix: set `exporters[0].tls.cert` and `exporters[0].tls.key`, or neither.',
      ],
    ],
    [
      'a secret and two lines in headers',
      { exporters: [{ endpoint: STORE, headers: { Authorization: 'Bearer abcdefgh', 'X-A': 'a\nb' } }] },
      [
        'exporters[0].headers[\'X-A\'] = "a\\nb": a header is one line. To fix: remove the line breaks.',
        'exporters[0].headers[\'Authorization\'] = "***": looks like a secret, and would stand in the manifest in the ' +
          'clear. To fix: pass `credentials` with a SecretRef to the endpoint instead.',
      ],
    ],
    [
      'retries that never come',
      { exporters: [{ endpoint: STORE, retry: { maxElapsedTime: Duration.seconds(10) } }] },
      [
        'exporters[0].retry.maxElapsedTime = 10 seconds: the data would be dropped before the longest interval between ' +
          'two retries (30 s) is over. To fix: raise it, or lower `exporters[0].retry.maxInterval`.',
      ],
    ],
    [
      'a batch that is larger than it may be',
      { exporters: [{ endpoint: STORE, batch: { maxSize: 1000 } }] },
      [
        'exporters[0].batch.maxSize = 1000: must not be below minSize (8192). ' +
          'To fix: raise it, or lower `exporters[0].batch.minSize`.',
      ],
    ],
    [
      'a queue that no request fits into',
      { exporters: [{ endpoint: STORE, queueSize: Size.mebibytes(1) }] },
      [
        'exporters[0].queueSize = 1Mi: a request of a client may have 20Mi, and would never fit. ' +
          'To fix: set it to Size.mebibytes(20) or more.',
      ],
    ],
    [
      'a queue that does not fit into memory',
      { exporters: [{ endpoint: STORE, queueSize: Size.mebibytes(200) }] },
      [
        'resources.memory.limit = 512Mi: the queues may take 200Mi as they are sent, and six to seven times that in memory. ' +
          'To fix: raise it to Size.mebibytes(3200) or more, lower `queueSize`, or set `queue`.',
      ],
    ],
    [
      'queues that do not fit onto the volume',
      {
        exporters: [{ endpoint: STORE, queueSize: Size.gibibytes(1) }, Endpoint.external('http://b/v1/metrics')],
        queue: { size: Size.gibibytes(1) },
      },
      [
        'queue.size = 1Gi: the queues may take 1044Mi, and need a third more in free pages. ' +
          'To fix: enlarge it to Size.mebibytes(1392) or more.',
      ],
    ],
    [
      'an unknown part of the config',
      { config: { receiver: { statsd: null } } },
      ['config.receiver = {"statsd":null}: there is no such prop. To fix: did you mean `config.receivers`?'],
    ],
    [
      'telemetry of the user',
      { config: { service: { telemetry: { metrics: { level: 'none' } }, extensions: ['zpages'] } } },
      [
        'config.service.telemetry = {"metrics":{"level":"none"}}: what watches the process depends on it. ' +
          'To fix: remove it; `logLevel` says how much is logged.',
        'config.service.extensions = ["zpages"]: all of `config.extensions` are started. To fix: remove it.',
      ],
    ],
    [
      'a component whose id is that of a member of all objects',
      { config: { extensions: { constructor: {} } } },
      [
        'config.extensions[\'constructor\'] = "constructor": the collector 0.157.0 has no extension of the type ' +
          'constructor. To fix: take another one, or set `image` to a collector that has it.',
      ],
    ],
    [
      'components of the library',
      { config: { processors: { memory_limiter: { limit_mib: 100 } }, exporters: { 'otlp_http/1': null } } },
      [
        'config.processors[\'memory_limiter\'] = {"limit_mib":100}: the library configures the component of this id. ' +
          'To fix: set `resources.memory.limit`.',
        "config.exporters['otlp_http/1'] = null: the library configures the component of this id. " +
          'To fix: give it another name after the /.',
      ],
    ],
    [
      'components that are in no pipeline',
      { config: { receivers: { statsd: null }, connectors: { forward: null } } },
      [
        `config.receivers['statsd'] = "statsd": is in no pipeline. ${named}`,
        'config.connectors[\'forward\'] = "forward": connects nothing: it must be an exporter of one pipeline and a ' +
          `receiver of another. ${named}`,
      ],
    ],
    [
      'pipelines of components that there are not',
      {
        config: {
          processors: { 'attributes/team': { actions: [] } },
          service: {
            pipelines: {
              metrics: { processors: ['attribute/team', 'attributes/team'] },
              'traces/a': { receivers: ['otlp'] },
              metric: { receivers: ['otlp'], exporters: ['otlp_http/1'] },
            },
          },
        },
      },
      [
        'config.service.pipelines[\'metric\'] = "metric": the id of a pipeline is metrics, traces, logs or profiles, or ' +
          "one of them, a / and a name. To fix: write for example 'metrics/raw'.",
        'config.service.pipelines[\'metrics\'].processors = "attribute/team": is not among `config.processors`. ' +
          'To fix: did you mean `attributes/team`?',
        "config.service.pipelines['traces/a'].exporters = (not set): a pipeline without exporters does nothing. " +
          'To fix: name one of otlp_http/1.',
      ],
    ],
    [
      'components that the image does not have',
      {
        config: {
          receivers: { nowhere: null, count: null },
          processors: { 'bathc/large': null },
          service: {
            pipelines: { metrics: { receivers: ['nowhere', 'count'], processors: ['bathc/large'] } },
          },
        },
      },
      [
        'config.receivers[\'nowhere\'] = "nowhere": the collector 0.157.0 has no receiver of the type nowhere. ' +
          'To fix: take another one, or set `image` to a collector that has it.',
        'config.receivers[\'count\'] = "count": the collector 0.157.0 has no receiver of the type count. ' +
          'To fix: put it into `config.connectors`.',
        'config.processors[\'bathc/large\'] = "bathc/large": the collector 0.157.0 has no processor of the type bathc. ' +
          'To fix: did you mean `batch`?',
      ],
    ],
    [
      'components that have another name by now',
      {
        config: {
          receivers: { hostmetrics: null, host_metrics: null },
          exporters: { otlphttp: { endpoint: 'https://otlp.example.com' } },
          service: {
            pipelines: { metrics: { receivers: ['hostmetrics', 'host_metrics'], exporters: ['otlphttp'] } },
          },
        },
      },
      [],
    ],
    [
      'components of an image of the user',
      {
        image: Image.parse('registry.local/collector:1.0.0'),
        config: { receivers: { own: null }, service: { pipelines: { metrics: { receivers: ['own'] } } } },
      },
      [],
    ],
    [
      'literal secrets',
      {
        config: {
          exporters: {
            debug: {
              password: 'hunter2',
              tokens: ['hunter2'],
              headers: { Authorization: 'Bearer hunter2hunter2', Cookie: '${env:POD_IP:-hunter2}' },
              url: 'https://user:hunter2@example.com',
              htpasswd: { inline: 'user:hunter2' },
            },
            'debug/2': {
              password: '${env:POD_IP}',
              headers: { Authorization: 'Bearer ${env:POD_IP}' },
              url: 'https://user:${env:POD_IP}@example.com',
              password_file: '/etc/password',
            },
          },
          service: { pipelines: { metrics: { exporters: ['debug', 'debug/2'] } } },
        },
      },
      [
        `config.exporters['debug']['password'] = "***": ${secret}`,
        `config.exporters['debug']['tokens'][0] = "***": ${secret}`,
        `config.exporters['debug']['headers']['Authorization'] = "***": ${secret}`,
        `config.exporters['debug']['headers']['Cookie'] = "***": ${secret}`,
        `config.exporters['debug']['url'] = "***": ${secret}`,
        `config.exporters['debug']['htpasswd']['inline'] = "***": ${secret}`,
      ],
    ],
    [
      'references that lead nowhere',
      {
        env: [{ name: 'KNOWN', value: '1' }],
        config: {
          exporters: {
            debug: {
              a: '${env:KNOWN} ${KNOWN} ${env:OTHER:-default} $${env:ESCAPED} $1 ${file:/etc/a}',
              b: 'x-${env:UNKNOWN}',
              c: '$$${BARE}',
              d: '${https://example.com/config.yaml}',
            },
          },
          service: { pipelines: { metrics: { exporters: ['debug'] } } },
        },
      },
      [
        "config.exporters['debug']['b'] = \"${env:UNKNOWN}\": there is no such variable, and the collector would put " +
          'nothing there. To fix: add UNKNOWN to `env`, or write $${ where braces are meant.',
        "config.exporters['debug']['c'] = \"${BARE}\": there is no such variable, and the collector would put " +
          'nothing there. To fix: add BARE to `env`, or write $${ where braces are meant.',
        "config.exporters['debug']['d'] = \"${https://example.com/config.yaml}\": the config must not come from " +
          'elsewhere: only variables and files are known here. ' +
          'To fix: write ${env:NAME} or ${file:/path}, or $${ where braces are meant.',
      ],
    ],
    [
      'what is no plain data',
      {
        config: {
          exporters: { debug: { timeout: Duration.seconds(5) }, 'no good': null },
          service: { pipelines: { metrics: { exporters: ['no good'] } } },
        },
      },
      [
        "config.exporters['debug']['timeout'] = 5 seconds: must be plain data, as YAML has it. To fix: write a string, a " +
          "number, true, false, null, a list or an object, e.g. '30s' for a Duration.",
        'config.exporters[\'no good\'] = "no good": the id of a component is its type, or its type, a / and a name of ' +
          "letters, digits, -, _ and .. To fix: write for example 'statsd' or 'otlp_http/traces'.",
      ],
    ],
    [
      'processors with a memory of their own in several pods',
      {
        config: {
          processors: { deltatocumulative: null },
          service: { pipelines: { metrics: { processors: ['deltatocumulative'] } } },
        },
      },
      [
        'config.processors[\'deltatocumulative\'] = "deltatocumulative": it must see all data of a series or a trace, ' +
          'which is spread over 2 replicas. To fix: set `replicas: 1`, or put it into a collector of its own with one replica.',
      ],
    ],
    [
      'a port of a receiver that is taken',
      { receiverPorts: [{ name: 'own', port: 4317 }] },
      [
        'receiverPorts[0].port = 4317: the port otlp-grpc of the same process has this number. ' +
          'To fix: give one of them another number.',
      ],
    ],
    [
      'too little time to end',
      { terminationGracePeriod: Duration.seconds(10) },
      [
        'terminationGracePeriod = 10 seconds: the process needs 30 seconds to finish what it has begun, and would be ' +
          'killed before. To fix: give it at least 30 seconds.',
      ],
    ],
  ])('%s', (_title, props, messages) => {
    expect(problems(props)).toEqual(messages);
  });
});

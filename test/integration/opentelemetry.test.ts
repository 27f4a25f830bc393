import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Duration, Size } from 'cdk8s';
import { Endpoint, SecretRef, VmSingle, WriteEndpoint } from '../../src';
import { VictoriaMetricsClient, type MatrixSeries } from '../../src/client';
import { OpenTelemetryCollector, type OpenTelemetryCollectorProps } from '../../src/opentelemetry';
import { MetricsPage } from './metrics-page';
import { otlpGauge } from './otlp-message';
import { describeWith, findBinary, parseManifests, Runner, until } from './runner';

jest.setTimeout(180_000);

/** Whole seconds, old enough for any latency offset. */
const TIME = Math.floor(Date.now() / 1000) * 1000 - 10 * 60_000;

/** With the line break that Secrets often end with. */
const SECRETS = { auth: { password: 'the password of the store\n', token: 'token-of-clients\n' } };
const PASSWORD = SECRETS.auth.password.trim();

function synthesize(make: (chart: Chart) => void): object[] {
  const app = new App();
  make(new Chart(app, 'metrics', { namespace: 'monitoring' }));
  return parseManifests(app.synthYaml());
}

/** VictoriaMetrics' own words for a scope of OpenTelemetry that has no name. */
const SCOPE = { 'scope.name': 'unknown', 'scope.version': 'unknown' };

/** Tells the status of the answer. */
async function post(url: string, body: Buffer | object, headers: Record<string, string> = {}): Promise<number> {
  const isProtobuf = Buffer.isBuffer(body);
  const { status } = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': isProtobuf ? 'application/x-protobuf' : 'application/json', ...headers },
    body: isProtobuf ? new Uint8Array(body) : JSON.stringify(body),
  });
  return status;
}

/** A counter with a resource, as JSON. */
function counter(name: string, value: number, sinceLast = false): object {
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const nanoseconds = (time: number) => `${time}000000`;
  return {
    resourceMetrics: [
      {
        resource: { attributes: [attribute('service.name', 'shop'), attribute('k8s.pod.name', 'shop-0')] },
        scopeMetrics: [
          {
            metrics: [
              {
                name,
                unit: 's',
                sum: {
                  aggregationTemporality: sinceLast ? 1 : 2,
                  isMonotonic: true,
                  dataPoints: [
                    {
                      startTimeUnixNano: nanoseconds(TIME - 60_000),
                      timeUnixNano: nanoseconds(TIME),
                      asDouble: value,
                      attributes: [attribute('http.route', '/cart')],
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  };
}

describeWith(['otelcol-contrib', 'victoria-metrics'], 'collectors in front of a single node', () => {
  let stack: Runner;
  let client: VictoriaMetricsClient;
  let otlp: string;

  beforeAll(async () => {
    const endpoints: Endpoint[] = [];
    const objects = synthesize((chart) => {
      const store = new VmSingle(chart, 'store', {
        volume: { size: Size.gibibytes(1) },
        httpAuth: { username: 'collector', password: SecretRef.of('auth', 'password') },
      });
      // What comes in by HTTP goes on by OTLP, through a queue on disk, and to the second collector by gRPC.
      const front = new OpenTelemetryCollector(chart, 'front', {
        replicas: 1,
        exporters: [
          { endpoint: store.ingest().otlp, retry: { maxInterval: Duration.seconds(1) }, timeout: Duration.seconds(5) },
        ],
        queue: { size: Size.gibibytes(1) },
        bearerToken: SecretRef.of('auth', 'token'),
        config: {
          exporters: {
            'otlp_grpc/behind': { endpoint: 'behind-otelcol.monitoring.svc:4317', tls: { insecure: true } },
          },
          service: { pipelines: { 'metrics/copy': { receivers: ['otlp'], exporters: ['otlp_grpc/behind'] } } },
        },
      });
      // The second sends by remote write, with a total of what clients send as differences.
      const behind = new OpenTelemetryCollector(chart, 'behind', {
        replicas: 1,
        exporters: [store.write()],
        config: {
          processors: { deltatocumulative: null },
          service: { pipelines: { metrics: { processors: ['deltatocumulative'] } } },
        },
      });
      behind.otlpGrpc().connectFrom(front);
      endpoints.push(front.otlpHttp(), store.read());
    });
    stack = await Runner.start(objects, { secrets: SECRETS });
    const [first, last] = endpoints.map(({ url }) => stack.localize(url));
    otlp = first!;
    client = VictoriaMetricsClient.single(last!, { auth: { username: 'collector', password: PASSWORD } });
  });
  afterAll(async () => {
    (client as VictoriaMetricsClient | undefined)?.close();
    await (stack as Runner | undefined)?.close();
  });

  const front = () => stack.pod('front-otelcol-0');
  const store = () => stack.pod('store-vmsingle-0');
  const gauge = (name: string, value: number) => otlpGauge(name, value, TIME, ['http.route', '/cart']);

  async function askStore(path: string): Promise<string> {
    const authorization = `Basic ${Buffer.from(`collector:${PASSWORD}`).toString('base64')}`;
    const response = await fetch(`${store().url()}${path}`, { headers: { authorization } });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.text();
  }

  const send = async (body: Buffer | object): Promise<void> => {
    expect(await post(otlp, body, { authorization: 'Bearer token-of-clients' })).toBe(200);
  };

  /** How many samples came by each protocol since the start of the store. */
  async function arrived(): Promise<readonly [otlp: number, remoteWrite: number]> {
    const page = new MetricsPage(await askStore('/metrics'));
    const rows = (type: string) => page.sum('vm_rows_inserted_total', { type });
    return [rows('opentelemetry'), rows('promremotewrite')];
  }

  /** Does something, and waits until so many samples have come by each protocol. */
  async function untilArrived(count: number, act: () => Promise<void>): Promise<void> {
    const before = await arrived();
    await act();
    await until(`${count} samples arrive`, async () =>
      (await arrived()).every((rows, index) => rows >= before[index]! + count),
    );
  }

  /** What is stored. A query that comes too early would hide new series for about ten seconds. */
  async function stored(selector: string): Promise<MatrixSeries[]> {
    await askStore('/internal/force_flush');
    const answer = await client.query(`${selector}[1h]`, { time: Date.now(), nocache: true });
    if (answer.resultType !== 'matrix') throw new Error(`a raw query gave a ${answer.resultType}`);
    return [...answer.result];
  }

  test('clients without the token are refused', async () => {
    expect(await post(otlp, gauge('refused', 1))).toBe(401);
    expect(await post(otlp, gauge('refused', 1), { authorization: 'Bearer another' })).toBe(401);
  });

  test('protobuf arrives by OTLP as it is, and by remote write with names of Prometheus', async () => {
    await untilArrived(1, () => send(gauge('cart.size', 42)));
    const samples = [{ timestamp: TIME, value: 42 }];
    expect(await stored('{__name__="cart.size"}')).toEqual([
      { labels: { __name__: 'cart.size', 'http.route': '/cart', ...SCOPE }, samples },
    ]);
    expect(await stored('cart_size')).toEqual([{ labels: { __name__: 'cart_size', http_route: '/cart' }, samples }]);
  });

  test('attributes of resources are labels both ways', async () => {
    await untilArrived(1, () => send(counter('cart.wait', 7)));
    const samples = [{ timestamp: TIME, value: 7 }];
    expect(await stored('{__name__="cart.wait"}')).toEqual([
      {
        labels: {
          __name__: 'cart.wait',
          'service.name': 'shop',
          'k8s.pod.name': 'shop-0',
          'http.route': '/cart',
          ...SCOPE,
        },
        samples,
      },
    ]);
    expect(await stored('cart_wait_seconds_total')).toMatchObject([
      { labels: { service_name: 'shop', k8s_pod_name: 'shop-0', http_route: '/cart', job: 'shop' }, samples },
    ]);
  });

  test('differences arrive as they are, and as a total where a processor makes it', async () => {
    await untilArrived(1, () => send(counter('cart.delta', 3, true)));
    const samples = [{ timestamp: TIME, value: 3 }];
    expect(await stored('{__name__="cart.delta"}')).toMatchObject([{ samples }]);
    expect(await stored('cart_delta_seconds_total')).toMatchObject([{ samples }]);
  });

  test('nothing is lost while the store is away, even when the collector is killed meanwhile', async () => {
    const names = (from: number) => [...Array(20).keys()].map((i) => `kept.${String(from + i)}`);
    await store().kill();
    for (const name of names(10)) await send(gauge(name, 1));
    // What has left the queue is tried again and again.
    await until('the store was tried', () => front().logs().includes('Will retry the request'));
    await front().kill();
    await front().start();
    for (const name of names(30)) await send(gauge(name, 1));
    await store().start();
    await until('all arrive', async () => (await arrived())[0] >= 40);
    const found = await stored('{__name__=~"kept[.].*"}');
    expect(found.map(({ labels }) => labels['__name__']).sort()).toEqual([...names(10), ...names(30)]);
  });

  test('a collector that is told to end sends what it has', async () => {
    await untilArrived(1, async () => {
      await send(gauge('last.words', 1));
      expect(await front().stop()).toEqual({ code: 0, signal: null });
    });
    expect(await stored('{__name__="last.words"}')).toHaveLength(1);
    expect(await stored('last_words')).toHaveLength(1);
    await front().start();
  });

  test('its own metrics tell what came in and went out', async () => {
    const total = async (name: string) => {
      const response = await fetch(`${front().url('metrics')}/metrics`);
      return new MetricsPage(await response.text()).sum(name);
    };
    const sent = await total('otelcol_exporter_sent_metric_points');
    const accepted = await total('otelcol_receiver_accepted_metric_points');
    await send(gauge('counted', 1));
    await until('both exporters have sent it', async () => {
      return (await total('otelcol_exporter_sent_metric_points')) === sent + 2;
    });
    expect(await total('otelcol_receiver_accepted_metric_points')).toBe(accepted + 1);
  });
});

describeWith(['otelcol-contrib'], 'the collector accepts', () => {
  const STORE = Endpoint.external('http://store/opentelemetry/v1/metrics');
  const queue = { size: Size.gibibytes(4) };

  test.each<[string, Partial<OpenTelemetryCollectorProps>]>([
    ['the defaults', {}],
    ['a queue on disk', { queue }],
    ['a token of clients', { bearerToken: SecretRef.of('clients', 'token') }],
    [
      'all about an exporter',
      {
        queue,
        exporters: [
          {
            endpoint: Endpoint.external('http://store/v1/metrics?a=$1', {
              credentials: { username: '${env:NOT_SET}', password: SecretRef.of('store', 'password') },
            }),
            queueSize: Size.mebibytes(30),
            batch: { minSize: 100, maxSize: 200, timeout: Duration.millis(500) },
            retry: { initialInterval: Duration.seconds(2), maxElapsedTime: Duration.hours(1) },
            numConsumers: 3,
            timeout: Duration.seconds(90),
            headers: { 'X-Scope-OrgID': 'a${env:NOT_SET}' },
          },
        ],
      },
    ],
    [
      'remote write',
      {
        exporters: [
          {
            endpoint: WriteEndpoint.external('https://store/api/v1/write', {
              credentials: { bearerToken: SecretRef.of('store', 'token') },
            }),
            tls: { insecureSkipVerify: true, serverName: 'store' },
            timeout: Duration.minutes(1),
          },
          STORE,
        ],
      },
    ],
    [
      'components of the user',
      {
        replicas: 1,
        logLevel: 'warn',
        config: {
          processors: { deltatocumulative: null },
          exporters: { debug: { verbosity: 'basic' } },
          service: {
            pipelines: {
              metrics: { processors: ['deltatocumulative'], exporters: ['debug'] },
              traces: { receivers: ['otlp'], exporters: ['debug'] },
            },
          },
        },
      },
    ],
  ])('%s', (_title, props) => {
    const objects = synthesize(
      (chart) => new OpenTelemetryCollector(chart, 'gateway', { exporters: [STORE], ...props }),
    ) as { kind: string; data: Record<string, string> }[];
    const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data['config.yaml']!;
    const folder = mkdtempSync(join(tmpdir(), 'otelcol-'));
    try {
      const file = join(folder, 'config.yaml');
      // The folder of the queue must exist.
      writeFileSync(file, text.replace(/directory: \/queue$/gm, `directory: ${folder}`));
      const validate = () =>
        execFileSync(findBinary('otelcol-contrib')!, ['validate', `--config=${file}`], {
          env: { POD_IP: '127.0.0.1' },
          stdio: 'pipe',
        });
      expect(validate).not.toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

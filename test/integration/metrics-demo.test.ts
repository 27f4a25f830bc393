import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { App, Chart, Duration, Size } from 'cdk8s';
import { version } from '../../package.json';
import { Prometheus, Scrape, SecretRef, StackDefaults, VmAgent, VmSingle, type VmSingleProps } from '../../src';
import { Rules, VmAlert } from '../../src/alerting';
import { Alertmanager, AlertmanagerConfig } from '../../src/alertmanager';
import { VictoriaMetricsClient, type VectorSeries } from '../../src/client';
import { MetricsDemo, type MetricsDemoProps, type Scenario } from '../../src/metrics-demo';
import type { PushResults, DemoState } from '../../src/metrics-demo/program/demo';
import type { History } from './metrics-demo-history';
import { describeWith, findBinary, parseManifests, Runner, until, type Pod } from './runner';
import { flush } from './stacks';

jest.setTimeout(240_000);

const SECOND = Duration.seconds(1);
const RULES = join(__dirname, '../../rules');

const storage: VmSingleProps = {
  volume: { size: Size.gibibytes(1) },
  extraFlags: { 'search.latencyOffset': '0s' },
};

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

function keep<T extends { close(): unknown }>(one: T): T {
  opened.push(one);
  return one;
}

interface Stack {
  readonly runner: Runner;
  readonly client: VictoriaMetricsClient;
}

async function start(make: (chart: Chart, single: VmSingle) => void, single = storage, secrets = {}): Promise<Stack> {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  StackDefaults.set(chart, { serverSideApply: true });
  make(chart, new VmSingle(chart, 'metrics', single));
  const runner = keep(await Runner.start(parseManifests(app.synthYaml()), { secrets }));
  return { runner, client: keep(VictoriaMetricsClient.single(runner.url('metrics-vmsingle'))) };
}

/** A demo that an agent scrapes each second. */
function scrapedDemo(chart: Chart, single: VmSingle, props: MetricsDemoProps): MetricsDemo {
  const agent = new VmAgent(chart, 'agent', {
    remoteWrite: [single.write()],
    scrape: [Scrape.annotatedPods({ namespaces: ['monitoring'], interval: SECOND, timeout: SECOND })],
    scrapeStack: false,
  });
  const demo = new MetricsDemo(chart, 'shop', props);
  demo.http().connectFrom(agent);
  return demo;
}

async function send<T>(pod: Pod, method: string, path: string): Promise<T> {
  const response = await fetch(pod.url() + path, { method });
  if (!response.ok) throw new Error(`${path}: answered ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

const stateOf = (pod: Pod) => send<DemoState>(pod, 'GET', '/state');

/** Labels that only tell by which way the series came. */
const OF_THE_WAY = ['__name__', 'job', 'instance', 'namespace', 'pod', 'container', 'node'];
const OF_THE_WAY_PREFIXES = ['service.', 'deployment.', 'scope.'];

/** Samples by name and labels, without what tells the ways apart. */
type Samples = Readonly<Record<string, number>>;

function samplesOf(
  series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[],
): Samples {
  const entries = series.map(({ labels, value }) => {
    const own = Object.entries(labels)
      .filter(([name]) => !OF_THE_WAY.includes(name) && !OF_THE_WAY_PREFIXES.some((prefix) => name.startsWith(prefix)))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return [`${labels['__name__']}${JSON.stringify(own)}`, value] as const;
  });
  expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What the demo itself says, read by other means than a scraper's. */
async function ownSamples(pod: Pod): Promise<Samples> {
  const text = await (await fetch(`${pod.url()}/metrics`)).text();
  return samplesOf(
    text.split('\n').flatMap((line) => {
      const [, name, list = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) return [];
      const labels = [...list.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]);
      return [
        { labels: { ...(Object.fromEntries(labels) as Record<string, string>), __name__: name }, value: Number(value) },
      ];
    }),
  );
}

/** What the storage has of one way, now. */
async function storedSamples({ client }: Stack, job: string, pod: Pod): Promise<Samples> {
  const selector = `{job="${job}",pod="${pod.name}",__name__!~"up|scrape_.*"}`;
  const { result } = await client.query(`last_over_time(${selector}[5m]) keep_metric_names`, { nocache: true });
  return samplesOf((result as readonly VectorSeries[]).map(({ labels, value }) => ({ labels, value })));
}

/** VictoriaMetrics keeps twelve digits of a value. */
const rounded = (samples: Samples): Samples =>
  Object.fromEntries(Object.entries(samples).map(([name, value]) => [name, Number(value.toPrecision(12))]));

const total = (samples: Samples, name: string): number =>
  Object.entries(samples)
    .filter(([key]) => key.startsWith(`${name}[`))
    .reduce((sum, [, value]) => sum + value, 0);

describeWith(['node', 'victoria-metrics', 'vmagent'], 'metrics-demo', () => {
  it('brings the same by all three ways, from each of its pods', async () => {
    const stack = await start((chart, single) =>
      scrapedDemo(chart, single, {
        replicas: 2,
        remoteWrite: single.write(),
        otlp: single.ingest().otlp,
        deploymentEnvironment: 'staging',
        pushInterval: SECOND,
      }),
    );
    const pods = stack.runner.pods('shop-metrics-demo');
    expect(pods).toHaveLength(2);
    const totals: number[] = [];
    for (const pod of pods) {
      await until('there is traffic', async () => (await stateOf(pod)).totals.orders > 5);
      await send(pod, 'POST', '/pause');
      expect(await send<PushResults>(pod, 'POST', '/flush')).toEqual({ otlp: 'ok', 'remote-write': 'ok' });
      const own = await ownSamples(pod);
      const { totals: counted } = await stateOf(pod);
      totals.push(counted.requests);
      expect(Object.keys(own).length).toBeGreaterThan(300);
      expect(total(own, 'http_requests_total')).toBe(counted.requests);
      expect(total(own, 'http_request_duration_seconds_count')).toBe(counted.requests);
      expect(total(own, 'business_orders_total')).toBe(counted.orders);
      expect(total(own, 'business_order_amount_total')).toBe(counted.orderAmount);
      expect(total(own, 'otlp_spans_created_total')).toBe(counted.spansCreated);
      expect(total(own, 'otlp_span_duration_seconds_count')).toBe(counted.spansCreated);

      const scraped = await until('the last page is scraped', async () => {
        await flush(stack.runner);
        const samples = await storedSamples(stack, 'annotated-pods', pod);
        return total(samples, 'http_requests_total') === counted.requests && samples;
      });
      expect(rounded(scraped)).toEqual(rounded(own));
      // Digit by digit.
      expect(await storedSamples(stack, 'metrics-demo-remote-write', pod)).toEqual(scraped);
      expect(await storedSamples(stack, 'metrics-demo-otlp', pod)).toEqual(scraped);
    }
    const byOtlp = await stack.client.query('active_users{job="metrics-demo-otlp"}', { nocache: true });
    for (const { labels } of byOtlp.result as readonly VectorSeries[]) {
      expect(labels).toMatchObject({
        'service.name': 'metrics-demo-otlp',
        'service.version': version,
        'deployment.environment.name': 'staging',
      });
    }
    // The replicas differ, and nobody took one for the other.
    expect(new Set(totals).size).toBe(2);
    const { result } = await stack.client.query('count by (job, instance) ({__name__="active_users"})', {
      nocache: true,
    });
    expect(
      (result as readonly VectorSeries[]).map(({ labels }) => `${labels['job']} ${labels['instance']}`).sort(),
    ).toEqual([
      ...pods.map(({ address }) => `annotated-pods ${address}:8080`).sort(),
      'metrics-demo-otlp shop-metrics-demo-0:8080',
      'metrics-demo-otlp shop-metrics-demo-1:8080',
      'metrics-demo-remote-write shop-metrics-demo-0:8080',
      'metrics-demo-remote-write shop-metrics-demo-1:8080',
    ]);
  });

  it('pushes with a password, and for the last time when it is told to end', async () => {
    const secrets = { storage: { password: 'open sesame\n' } };
    const httpAuth = { username: 'me', password: SecretRef.of('storage', 'password') };
    const { runner } = await start(
      (chart, single) =>
        new MetricsDemo(chart, 'shop', {
          scrape: false,
          remoteWrite: single.write(),
          otlp: single.ingest().otlp,
          pushInterval: Duration.hours(1),
        }),
      { ...storage, httpAuth },
      secrets,
    );
    const pod = runner.pod('shop-metrics-demo-0');
    expect((await fetch(`${pod.url()}/metrics`)).status).toBe(404);
    await until('there is traffic', async () => (await stateOf(pod)).totals.requests > 200);
    // As a browser opens it for a request that may come: it must not keep the pod.
    const { hostname, port } = new URL(pod.url());
    const silent = connect(Number(port), hostname);
    keep({ close: () => silent.destroy() });
    await once(silent, 'connect');
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    const lines = pod
      .logs()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string; totals?: object });
    expect(lines.map(({ message }) => message)).toEqual(['started', 'stopping', 'stopped']);
    const { requests } = lines.at(-1)!.totals as DemoState['totals'];
    const client = keep(
      VictoriaMetricsClient.single(runner.url('metrics-vmsingle'), {
        auth: { username: 'me', password: 'open sesame' },
      }),
    );
    const authorization = `Basic ${Buffer.from('me:open sesame').toString('base64')}`;
    await fetch(`${runner.url('metrics-vmsingle')}/internal/force_flush`, { headers: { authorization } });
    const { result } = await client.query('sum by (job) (http_requests_total)', { nocache: true });
    expect((result as readonly VectorSeries[]).map(({ labels, value }) => [labels['job'], value]).sort()).toEqual([
      ['metrics-demo-otlp', requests],
      ['metrics-demo-remote-write', requests],
    ]);
  });

  it('starts without what it pushes to, and says what is wrong with its environment', async () => {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    const absent = new VmSingle(new Chart(app, 'elsewhere', { namespace: 'monitoring' }), 'absent', storage);
    new MetricsDemo(chart, 'shop', { otlp: absent.ingest().otlp, remoteWrite: absent.write(), pushInterval: SECOND });
    const manifests = parseManifests(app.synthYaml()) as { metadata: { name: string }; kind: string }[];
    // The Service is there, and nobody behind it.
    const alone = manifests.filter(({ metadata, kind }) => metadata.name !== 'absent-vmsingle' || kind === 'Service');
    const runner = keep(await Runner.start(alone));
    const pod = runner.pod('shop-metrics-demo-0');
    await until('pushes fail', () => pod.logs().includes('"push failed","to":"remote-write"'));
    expect((await fetch(`${pod.url()}/ready`)).status).toBe(200);
    expect(await pod.stop()).toEqual({ code: 0, signal: null });

    const wrong = new App();
    new MetricsDemo(new Chart(wrong, 'metrics', { namespace: 'monitoring' }), 'shop', {
      env: [{ name: 'LOG_LEVEL', value: 'loud' }],
      scenario: 'high-errors',
    });
    const objects = JSON.parse(
      JSON.stringify(parseManifests(wrong.synthYaml())).replace('"high-errors"', '"arson"'),
    ) as object[];
    const failure = await Runner.start(objects).then(
      (started) => started.close().then(() => 'it started'),
      (error: unknown) => String(error),
    );
    expect(failure).toContain('exit code 1');
    expect(failure).toMatch(/"LOG_LEVEL: \\"loud\\" is none of debug, info, warn, error"/);
    expect(failure).toMatch(/"SCENARIO: \\"arson\\" is none of /);
  });
});

describeWith(['node', 'prometheus'], 'metrics-demo and a Prometheus', () => {
  it('agree, by OpenMetrics', async () => {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    const prometheus = new Prometheus(chart, 'apps', {
      volume: { size: Size.gibibytes(1) },
      scrape: [Scrape.annotatedPods({ namespaces: ['monitoring'], interval: SECOND, timeout: SECOND })],
    });
    new MetricsDemo(chart, 'shop').http().connectFrom(prometheus);
    const runner = keep(await Runner.start(parseManifests(app.synthYaml())));
    const pod = runner.pod('shop-metrics-demo-0');
    const url = runner.pod('apps-prometheus-0').url();
    await until('there is traffic', async () => (await stateOf(pod)).totals.orders > 5);
    await send(pod, 'POST', '/pause');
    const { totals } = await stateOf(pod);
    const sum = async (query: string) => {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1]);
    };
    await until('the last page is scraped', async () => (await sum('sum(http_requests_total)')) === totals.requests);
    expect(await sum('sum(http_request_duration_seconds_bucket{le="+Inf"})')).toBe(totals.requests);
    expect(await sum('sum(business_order_amount_total)')).toBe(totals.orderAmount);
    expect(await sum('sum(otlp_spans_created_total)')).toBe(totals.spansCreated);
    const answer = await fetch(`${url}/api/v1/targets/metadata?metric=http_requests`);
    const { data } = (await answer.json()) as { data: { type: string }[] };
    // The name of the family is that of OpenMetrics.
    expect(data.map(({ type }) => type)).toEqual(['counter']);
  });
});

/** Takes notifications as a webhook. */
class Hook {
  public static async start(): Promise<Hook> {
    const hook = new Hook();
    await new Promise<void>((resolve) => hook.server.listen(0, '127.0.0.1', resolve));
    return hook;
  }

  private readonly states = new Map<string, string>();
  private readonly server: Server = createServer((request, answer) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { alerts } = JSON.parse(body) as { alerts: { status: string; labels: Record<string, string> }[] };
      for (const { status, labels } of alerts) {
        const who = labels['service'] ?? labels['pod'] ?? labels['job'] ?? '';
        this.states.set(`${labels['alertname']} ${labels['severity']} ${who}`, status);
      }
      answer.writeHead(200).end();
    });
  });

  public get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Alerts by the last that was heard of them. */
  public alerts(status: 'firing' | 'resolved'): string[] {
    return [...this.states].flatMap(([alert, state]) => (state === status ? alert : [])).sort();
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Rules as they are, but for their times, seconds instead of minutes, and for the queue that would take a minute to grow. */
function hastened(...files: readonly string[]): Rules[] {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  keep({ close: () => rmSync(folder, { recursive: true }) });
  return files.map((file) => {
    const text = readFileSync(join(RULES, file), 'utf8')
      .replaceAll('[5m]', '[10s]')
      .replace('otlp_exporter_queue_size > 10000', 'otlp_exporter_queue_size > 1000')
      .replace(/\bfor: \d+m$/gm, 'for: 2s')
      .replace(/^( *)- name: .*$/gm, '$&\n$1  interval: 1s');
    const path = join(folder, file);
    writeFileSync(path, text);
    return Rules.fromFile(path);
  });
}

describeWith(
  ['node', 'victoria-metrics', 'vmagent', 'vmalert', 'alertmanager'],
  'scenarios of a running metrics-demo',
  () => {
    it('make alerts fire that reach a receiver, and end', async () => {
      const hook = keep(await Hook.start());
      const { runner, client } = await start((chart, single) => {
        scrapedDemo(chart, single, {});
        const everything = {
          receiver: 'hook',
          groupBy: ['...'],
          groupWait: Duration.seconds(0),
          groupInterval: SECOND,
          repeatInterval: Duration.hours(1),
        };
        const alertmanager = new Alertmanager(chart, 'main', {
          replicas: 1,
          config: AlertmanagerConfig.of({
            route: everything,
            receivers: [{ name: 'hook', webhookConfigs: [{ url: `${hook.url}/` }] }],
          }),
        });
        new VmAlert(chart, 'alert', {
          datasource: single.read(),
          remoteWrite: single.write(),
          notifiers: [alertmanager.notify()],
          rules: hastened('application.yaml', 'application-traffic.yaml', 'telemetry.yaml'),
          evaluationInterval: SECOND,
          shutdownDelay: SECOND,
          extraFlags: { 'rule.evalDelay': '0s', 'group.maxStartDelay': '1s' },
        });
      });
      const pod = runner.pod('shop-metrics-demo-0');
      const [{ resources }] = pod.manifest.podSpec.containers as unknown as [
        { resources: { limits: { memory: string } } },
      ];
      // What kube-state-metrics would tell.
      const limit = Number.parseInt(resources.limits.memory, 10) * 1024 * 1024;
      const labels = {
        __name__: 'kube_pod_container_resource_limits',
        namespace: 'monitoring',
        pod: pod.name,
        container: 'metrics-demo',
        resource: 'memory',
      };
      const tellLimit = async () =>
        client.remoteWrite([{ labels, samples: [{ timestamp: Date.now(), value: limit }] }]);

      /** The alerts of a scenario fire, and end with it. */
      const runThrough = async (scenarios: readonly Scenario[], expected: readonly string[]): Promise<void> => {
        for (const scenario of scenarios) await send(pod, 'POST', `/scenarios/${scenario}`);
        await until(
          `the alerts of ${scenarios.join(', ')} arrive`,
          async () => {
            await tellLimit();
            const firing = hook.alerts('firing');
            return expected.every((alert) => firing.includes(alert));
          },
          { timeout: 60_000, interval: 500 },
        );
        expect(pod.running).toBe(true);
        for (const scenario of scenarios) await send(pod, 'DELETE', `/scenarios/${scenario}`);
        await until(
          `the alerts of ${scenarios.join(', ')} end`,
          async () => {
            await tellLimit();
            return hook.alerts('firing').length === 0;
          },
          { timeout: 60_000, interval: 500 },
        );
        expect(hook.alerts('resolved')).toEqual(expect.arrayContaining([...expected]));
      };
      const each = (alert: string) =>
        ['accounts', 'cart', 'catalog', 'checkout'].map((service) => `${alert} ${service}`);

      await until('there is traffic', async () => (await stateOf(pod)).totals.requests > 200);
      expect(hook.alerts('firing')).toEqual([]);
      await runThrough(
        ['high-errors', 'high-latency', 'queue-backlog', 'memory-growth'],
        [
          ...each('HttpErrorRatioHigh critical'),
          ...each('HttpErrorRatioHigh warning'),
          ...each('HttpLatencyHigh warning'),
          `OtlpQueueBacklog warning ${pod.name}`,
          `ProcessMemoryNearLimit critical ${pod.name}`,
        ],
      );
      await runThrough(
        ['traffic-drop'],
        [...each('HttpTrafficLow warning'), 'NoActiveUsers warning accounts', 'OtlpSpanRateLow info annotated-pods'],
      );
    });
  },
);

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

interface Course {
  /** In minutes. */
  readonly during: number;
  readonly after: number;
  /** The alerts that fire, with their severities, and no others. */
  readonly alerts: readonly string[];
}

const BEFORE = 8;

const COURSES: Readonly<Record<Scenario, Course>> = {
  normal: { during: 15, after: 0, alerts: [] },
  'high-errors': {
    during: 15,
    after: 10,
    alerts: [
      'HttpErrorRatioHigh critical',
      'HttpErrorRatioHigh warning',
      'HttpErrorsMany warning',
      'OtlpExportErrors critical',
      'OtlpExportErrors warning',
    ],
  },
  'high-latency': { during: 15, after: 10, alerts: ['HttpLatencyHigh warning', 'OtlpExportLatencyHigh warning'] },
  'traffic-drop': {
    during: 40,
    after: 20,
    alerts: ['HttpTrafficDropped warning', 'HttpTrafficLow warning', 'NoActiveUsers warning', 'OtlpSpanRateLow info'],
  },
  'queue-backlog': { during: 18, after: 5, alerts: ['OtlpQueueBacklog warning'] },
  'memory-growth': { during: 15, after: 5, alerts: ['ProcessMemoryNearLimit critical'] },
};

describeWith(['victoria-metrics', 'vmalert'], 'scenarios of metrics-demo over an hour of its own clock', () => {
  it('make just their alerts fire, with the rules as they are, and these end', async () => {
    const { runner, client } = await start(() => undefined);
    const url = runner.url('metrics-vmsingle');
    // Yesterday, so that the traffic is that of the hour whenever the test runs. All end at once: later there is no series.
    const end = (Math.floor(Date.now() / DAY) - 1) * DAY + 13 * 60 * MINUTE;
    const histories = (Object.keys(COURSES) as Scenario[]).map((scenario): History => {
      const { during, after } = COURSES[scenario];
      const start = end - (BEFORE + during + after) * MINUTE;
      return { url, namespace: scenario, scenario, start, before: BEFORE, during, after };
    });
    const dropped = histories.find(({ scenario }) => scenario === 'traffic-drop')!;
    const lastWeek = { ...dropped, scenario: 'normal', start: dropped.start - 7 * DAY } as const;
    await writeHistories([lastWeek, ...histories]);
    await flush(runner);
    await replay(url, dropped.start, end);
    await flush(runner);

    const times = { start: dropped.start, end, step: MINUTE / 2, nocache: true };
    const { result } = await client.queryRange('ALERTS{alertstate="firing"}', times);
    for (const { scenario, start, during } of histories) {
      const fired = result.filter(({ labels }) => labels['namespace'] === scenario);
      const alerts = [...new Set(fired.map(({ labels }) => `${labels['alertname']} ${labels['severity']}`))].sort();
      expect([scenario, alerts]).toEqual([scenario, COURSES[scenario].alerts]);
      const began = start + BEFORE * MINUTE;
      for (const { labels, samples } of fired) {
        const first = samples[0]!.timestamp;
        const within = { afterItBegan: first > began, beforeItEnded: first <= began + during * MINUTE };
        const ended = samples.at(-1)!.timestamp < end - MINUTE;
        expect([labels['alertname'], within, ended]).toEqual([
          labels['alertname'],
          { afterItBegan: true, beforeItEnded: true },
          true,
        ]);
      }
    }
  });
});

/** In two processes. */
async function writeHistories(histories: readonly History[]): Promise<void> {
  const program = join(__dirname, 'metrics-demo-history.ts');
  await Promise.all(
    [0, 1].map((half) => {
      const own = JSON.stringify(histories.filter((_, index) => index % 2 === half));
      return promisify(execFile)(process.execPath, ['--require', 'ts-node/register', program, own]);
    }),
  );
}

/** Has vmalert evaluate the rules for a time that is over. */
async function replay(url: string, from: number, to: number): Promise<void> {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  await promisify(execFile)(findBinary('vmalert')!, [
    ...['application.yaml', 'application-traffic.yaml', 'telemetry.yaml'].map((file) => `-rule=${join(RULES, file)}`),
    `-datasource.url=${url}`,
    `-remoteWrite.url=${url}`,
    '-evaluationInterval=30s',
    `-replay.timeFrom=${time(from)}`,
    `-replay.timeTo=${time(to)}`,
    '-replay.rulesDelay=0s',
    '-replay.disableProgressBar',
    '-httpListenAddr=127.0.0.1:0',
  ]);
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, Chart, Duration, Size } from 'cdk8s';
import {
  Alertmanager,
  AlertmanagerConfig,
  Endpoint,
  MetricsDemo,
  NodeExporter,
  Prometheus,
  Rules,
  Scrape,
  SecretRef,
  Slo,
  SLO_SERIES,
  StackDefaults,
  VmAgent,
  VmAlert,
  VmAuth,
  VmCluster,
  VmSingle,
} from '../../../src';
import { VictoriaMetricsClient, type VectorSeries } from '../../../src/client';
import { parseManifests, Runner, until } from '../runner';
import { FIXTURE_CLUSTER, FIXTURES, seriesOf } from './fixtures';

/** Programs without which the stack does not start. */
export const STACK_PROGRAMS = [
  'vmstorage',
  'vminsert',
  'vmselect',
  'victoria-metrics',
  'vmagent',
  'vmalert',
  'vmauth',
  'alertmanager',
  'node-exporter',
  'prometheus',
  'node',
] as const;

/** The external label of all that is scraped. */
export const CLUSTER = 'test';

const EXACT = { 'search.latencyOffset': '0s' } as const;
const SECOND = Duration.seconds(1);
const SECRETS = { users: { reader: 'password of the reader' } };
const volume = { size: Size.gibibytes(1) };

/** Where notifications are refused. */
const REFUSING = '/refusing';

/** For rates over a minute. */
const SCRAPES = 8;

/** The last of what vmalert records. */
const RECORDED = [SLO_SERIES.budgetRemaining, 'service:http_requests:rate5m'];

/** As in the rules: the storage remembers for some seconds that vmalert has asked for it in vain. */
const LOGGED_ERRORS = 'vm_log_messages_total{level=~"error|fatal|panic"}';

/** A stack that watches itself: all that the agent scrapes is in the cluster and in the single node. */
export class MonitoredStack {
  public static async start(): Promise<MonitoredStack> {
    const hook = createServer((request, answer) => {
      request.resume();
      request.on('end', () => answer.writeHead(request.url === REFUSING ? 400 : 200).end());
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const release = (): void => {
      hook.closeAllConnections();
      hook.close();
    };
    try {
      const objects = synthesize((hook.address() as AddressInfo).port);
      return new MonitoredStack(await Runner.start(objects, { secrets: SECRETS }), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  private opened: VictoriaMetricsClient | undefined;

  private constructor(
    private readonly runner: Runner,
    private readonly release: () => void,
  ) {}

  /** Of the single node, which answers the queries. */
  private get client(): VictoriaMetricsClient {
    return (this.opened ??= VictoriaMetricsClient.single(this.runner.url('single-vmsingle')));
  }

  /** Resolves when every process was scraped often enough for rates, and rules have their results. */
  public async fill(): Promise<void> {
    const { client, runner } = this;
    const now = Date.now();
    for (const fixture of FIXTURES) await client.remoteWrite(seriesOf(fixture, now));
    await this.fillDisks(now);
    // Storage remembers for some seconds that there was nothing, and some rules look every five minutes only.
    const past = `count_over_time(${SLO_SERIES.total}{cluster="${FIXTURE_CLUSTER}"}[2h])`;
    await until('the past can be seen', async () => (await this.values(past)).length > 0);
    const vmalert = runner.pod('alert-vmalert-0');
    await vmalert.kill();
    await vmalert.start();
    const since = Date.now();
    await until(
      'all pods are scraped since then, and all rules evaluated',
      async () => {
        await this.ask();
        const seconds = Math.ceil((Date.now() - since) / 1000);
        const scrapes = await this.values(`sum_over_time(up{cluster="${CLUSTER}"}[${seconds}s])`);
        const recorded = await this.labelValues('__name__', `{__name__=~"${RECORDED.join('|')}"}`);
        const errors = await this.values(LOGGED_ERRORS);
        return (
          errors.length > 0 &&
          scrapes.length === runner.pods().length &&
          Math.min(...scrapes) >= SCRAPES &&
          recorded.length === RECORDED.length
        );
      },
      { timeout: 45_000, interval: 500 },
    );
  }

  /** Gives the disks a past of a day in which they filled: what is new has no trend. */
  private async fillDisks(now: number): Promise<void> {
    const disks = '{__name__=~"vm_free_disk_space_bytes|node_filesystem_avail_bytes"}';
    const found = await until('all disks are known', async () => {
      const series = await this.series(disks);
      const jobs = series.map(({ labels }) => labels.job);
      return ['node-exporter', 'vmsingle', 'vmstorage'].every((job) => jobs.includes(job)) && series;
    });
    const ages = [...Array(47).keys()].map((half) => (47 - half) * 1_800_000);
    await this.client.remoteWrite(
      found.map(({ labels, value }) => ({
        labels,
        samples: ages.map((age) => ({ timestamp: now - age, value: value + age })),
      })),
    );
  }

  /** The values of an instant query that are numbers; those of other kinds do not show in a panel. */
  public async values(expr: string): Promise<number[]> {
    return (await this.series(expr)).map(({ value }) => value).filter(Number.isFinite);
  }

  /** The values of a range query over the last minutes that are numbers. */
  public async valuesOverTime(expr: string): Promise<number[]> {
    const end = Date.now();
    const range = { start: end - 120_000, end, step: '15s', nocache: true } as const;
    const { result } = await this.client.queryRange(expr, range);
    return result.flatMap(({ samples }) => samples.map(({ value }) => value)).filter(Number.isFinite);
  }

  /** The values of a label of the series that a selector chooses. */
  public async labelValues(label: string, selector: string): Promise<string[]> {
    const url = `${this.runner.url('single-vmsingle')}/api/v1/label/${label}/values?match[]=${encodeURIComponent(selector)}`;
    const { data } = (await (await fetch(url)).json()) as { readonly data: readonly string[] };
    return [...data];
  }

  private async series(expr: string): Promise<readonly VectorSeries[]> {
    const { resultType, result } = await this.client.query(expr, { nocache: true });
    if (resultType !== 'vector') throw new Error(`${expr}: is a ${resultType}`);
    return result;
  }

  /** Asks vmauth as who may and as who may not, rightly and wrongly, and sends the agent something, so that there is something to count. */
  private async ask(): Promise<void> {
    const url = this.runner.url('gateway-vmauth');
    const asReader = { authorization: `Basic ${btoa(`reader:${SECRETS.users.reader}`)}` };
    const wrong = 'query=sum(';
    await Promise.all([
      fetch(`${url}/api/v1/query?query=up`, { headers: asReader }),
      fetch(`${url}/api/v1/query_range?query=up&start=-5m`, { headers: asReader }),
      fetch(`${url}/api/v1/query?query=up`),
      fetch(`${url}/api/v1/query?${wrong}`),
      fetch(`${this.runner.url('single-vmsingle')}/api/v1/query?${wrong}`),
      // The second line is none: the agent counts it and logs an error.
      fetch(`${this.runner.url('agent-vmagent')}/api/v1/import/prometheus`, { method: 'POST', body: 'pushed 1\n{' }),
    ]);
  }

  public async close(): Promise<void> {
    this.opened?.close();
    await this.runner.close();
    this.release();
  }
}

function synthesize(hookPort: number): object[] {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  StackDefaults.set(chart, { serverSideApply: true });
  const cluster = new VmCluster(chart, 'metrics', {
    vmstorage: { replicas: 2, volume },
    vminsert: { replicas: 1 },
    vmselect: { replicas: 1, extraFlags: EXACT },
  });
  const single = new VmSingle(chart, 'single', { volume, extraFlags: EXACT });
  new NodeExporter(chart, 'nodes');
  const agent = new VmAgent(chart, 'agent', {
    scrape: [Scrape.annotatedPods()],
    remoteWrite: [cluster.write(), single.write()],
    global: { interval: SECOND, externalLabels: { cluster: CLUSTER } },
    extraFlags: { 'remoteWrite.flushInterval': '200ms' },
  });
  // With errors, of which some panels tell what kind they are.
  new MetricsDemo(chart, 'shop', { scenario: 'high-errors' }).http().connectFrom(agent);
  const alertmanager = new Alertmanager(chart, 'alertmanager', {
    replicas: 2,
    config: AlertmanagerConfig.of({
      route: {
        receiver: 'hook',
        groupWait: SECOND,
        groupInterval: SECOND,
        routes: [{ receiver: 'refusing', continue: true }, { receiver: 'hook' }],
      },
      receivers: ['hook', 'refusing'].map((name) => ({
        name,
        webhookConfigs: [{ url: Endpoint.external(`http://127.0.0.1:${hookPort}/${name}`) }],
      })),
    }),
  });
  new VmAlert(chart, 'alert', {
    datasource: single.read(),
    remoteWrite: single.write(),
    notifiers: [alertmanager.notify()],
    evaluationInterval: SECOND,
    extraFlags: { 'rule.evalDelay': '0s', 'group.maxStartDelay': '500ms' },
    rules: [
      Rules.fromDirectory('rules'),
      Slo.of({
        name: 'checkout',
        objective: 0.99,
        errors: 'sum(rate(http_requests_total{status=~"5.."}[$window]))',
        total: 'sum(rate(http_requests_total[$window]))',
      }).rules(),
    ],
  });
  new VmAuth(chart, 'gateway', {
    replicas: 1,
    users: { reader: { password: SecretRef.of('users', 'reader'), routes: [cluster.read()] } },
    unauthorized: { routes: [cluster.read()] },
  });
  new Prometheus(chart, 'apps', { volume, replicas: 1, scrapeStack: true });
  return parseManifests(app.synthYaml());
}

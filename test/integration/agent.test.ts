import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { App, Chart, Duration, Size } from 'cdk8s';
import {
  NodeExporter,
  Scrape,
  SecretRef,
  StackDefaults,
  Tenant,
  VmAgent,
  VmCluster,
  VmSingle,
  type ScrapeJob,
  type StaticProps,
  type VmAgentProps,
  type VmSingleProps,
  type WriteEndpoint,
} from '../../src';
import { VictoriaMetricsClient, type MatrixSeries, type TimeSeries, type VectorSeries } from '../../src/client';
import { MetricsPage, storedSamples } from './metrics-page';
import { otlpGauge } from './otlp-message';
import { describeWith, parseManifests, Runner, until, type Pod } from './runner';
import { flush, untilConnected, withDryRun } from './stacks';

jest.setTimeout(180_000);

const EXACT = { 'search.latencyOffset': '0s' } as const;
const INTERVAL = Duration.seconds(2);
const volume = { size: Size.gibibytes(1) };
const queue = { size: Size.gibibytes(4) };

/** Pages of metrics on this machine that count how often they are read. */
class Targets {
  public static async start(page = () => 'fixed{k="a"} 1\nfixed{k="b"} 2\nfixed{k="c"} 3\n'): Promise<Targets> {
    const targets = new Targets(page);
    await new Promise<void>((resolve) => targets.server.listen(0, '127.0.0.1', resolve));
    return targets;
  }

  public readonly reads = new Map<string, number>();
  private readonly server: Server;

  private constructor(page: () => string) {
    this.server = createServer(({ url = '' }, answer) => {
      this.reads.set(url, (this.reads.get(url) ?? 0) + 1);
      answer.end(page());
    });
  }

  /** A job for each path. */
  public jobs(...paths: readonly string[]): ScrapeJob[] {
    return paths.map((path) => this.job(path));
  }

  public job(path: string, more: Partial<StaticProps> = {}): ScrapeJob {
    const { port } = this.server.address() as AddressInfo;
    const labels = { path };
    return Scrape.static({
      name: `page${path}`,
      targets: [`127.0.0.1:${port}`],
      metricsPath: path,
      labels,
      ...more,
    });
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface Stack {
  readonly runner: Runner;
  readonly agent: VmAgent;
  readonly client: VictoriaMetricsClient;
}

/** What the charts of these tests have in common. */
function chartOf(app: App): Chart {
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  StackDefaults.set(chart, { serverSideApply: true });
  return chart;
}

async function startSingle(
  agentProps: (single: VmSingle) => VmAgentProps,
  singleProps: Partial<VmSingleProps> = {},
): Promise<Stack> {
  const app = new App();
  const chart = chartOf(app);
  const single = new VmSingle(chart, 'metrics', { volume, extraFlags: EXACT, ...singleProps });
  const agent = new VmAgent(chart, 'agent', agentProps(single));
  const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())));
  return { runner, agent, client: VictoriaMetricsClient.single(runner.url('metrics-vmsingle')) };
}

async function values(client: VictoriaMetricsClient, query: string): Promise<readonly VectorSeries[]> {
  const { result } = await client.query(query, { time: Date.now(), nocache: true });
  return result as readonly VectorSeries[];
}

async function total(client: VictoriaMetricsClient, query: string): Promise<number> {
  return (await values(client, query))[0]?.value ?? 0;
}

async function activeTargets(pod: Pod): Promise<string[]> {
  const answer = await fetch(`${pod.url()}/api/v1/targets?state=active`);
  const { data } = (await answer.json()) as {
    readonly data: { readonly activeTargets: readonly { readonly labels: { readonly path: string } }[] };
  };
  return data.activeTargets.map(({ labels }) => labels.path).sort();
}

interface Storage {
  readonly write: WriteEndpoint;
  readonly client: (runner: Runner) => VictoriaMetricsClient;
}

const STORAGES: readonly [title: string, binaries: readonly string[], make: (chart: Chart) => Storage][] = [
  [
    'a cluster',
    ['vmstorage', 'vminsert', 'vmselect'],
    (chart) => {
      const cluster = new VmCluster(chart, 'metrics', {
        vmstorage: { replicas: 2, volume },
        vmselect: { replicas: 1, extraFlags: EXACT },
      });
      const client = (runner: Runner) =>
        VictoriaMetricsClient.cluster({
          insert: runner.url('metrics-vminsert'),
          select: runner.url('metrics-vmselect'),
        });
      return { write: cluster.write(), client };
    },
  ],
  [
    'a single node',
    [],
    (chart) => {
      const single = new VmSingle(chart, 'metrics', { volume, extraFlags: EXACT });
      return {
        write: single.write(),
        client: (runner) => VictoriaMetricsClient.single(runner.url('metrics-vmsingle')),
      };
    },
  ],
];

for (const [title, binaries, make] of STORAGES) {
  describeWith([...binaries, 'victoria-metrics', 'vmagent', 'node-exporter'], `an agent of ${title}`, () => {
    it('scrapes every component of its chart, itself too, and what it scraped is what is stored', async () => {
      const app = new App();
      const chart = chartOf(app);
      const targets = await Targets.start();
      const storage = make(chart);
      new VmAgent(chart, 'agent', {
        remoteWrite: [storage.write],
        global: { interval: INTERVAL, timeout: INTERVAL },
        scrape: [targets.jobs('/one', '/two')],
        shutdownDelay: Duration.seconds(1),
        // At its end the agent would write one sample more of each series, to say that it ends.
        extraFlags: { 'promscrape.noStaleMarkers': true },
      });
      new VmSingle(chart, 'later', { volume });
      new NodeExporter(chart, 'node');
      const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())));
      const client = storage.client(runner);
      try {
        await untilConnected(runner, 2);
        const pods = runner.pods().filter(({ name }) => !name.startsWith('agent'));
        const up = await until('every target is up', async () => {
          await flush(runner);
          const found = await values(client, 'last_over_time(up[1m])');
          // A pod that is listed before it listens is down at its first scrape.
          return found.length >= pods.length + 3 && found.every(({ value }) => value === 1) && found;
        });
        expect(new Set(up.map(({ labels }) => labels.pod ?? labels.path))).toEqual(
          new Set(['/one', '/two', ...runner.pods().map(({ name }) => name)]),
        );

        expect(await runner.pod('agent-vmagent-0').stop()).toEqual({ code: 0, signal: null });
        await until('the storage is at rest', async () => {
          const before = await storedSamples(runner);
          await new Promise((resolve) => setTimeout(resolve, 500));
          return before === (await storedSamples(runner));
        });
        await flush(runner);
        const own = await total(client, 'count(count({__name__=~"up|scrape_.+",path="/one"}[1h]) by (__name__))');
        const scraped = await total(client, 'sum(sum_over_time(scrape_samples_post_metric_relabeling[1h]))');
        const scrapes = await total(client, 'sum(count_over_time(up[1h]))');
        expect(own).toBeGreaterThan(5);
        expect(await storedSamples(runner)).toBe(scraped + scrapes * own);
        const pages = [...targets.reads.values()].reduce((sum, count) => sum + count, 0);
        expect(await total(client, 'sum(count_over_time(fixed[1h]))')).toBe(3 * pages);
      } finally {
        client.close();
        targets.close();
        await runner.close();
      }
    });
  });
}

describeWith(['vmstorage', 'vminsert', 'vmselect', 'vmagent'], 'an agent for several tenants', () => {
  it('passes data of any tenant on to that tenant', async () => {
    const app = new App();
    const chart = chartOf(app);
    const cluster = new VmCluster(chart, 'metrics', {
      vmstorage: { replicas: 1, volume },
      vminsert: { replicas: 1 },
      vmselect: { replicas: 1, extraFlags: EXACT },
    });
    const agent = new VmAgent(chart, 'agent', {
      remoteWrite: [cluster.write(Tenant.MULTITENANT)],
      multitenant: true,
      scrapeStack: false,
    });
    const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())));
    try {
      const time = Date.now() - 60_000;
      const tenants = [Tenant.DEFAULT, Tenant.of(42), Tenant.of(42, 7)];
      for (const tenant of tenants) {
        const url = runner.localize(agent.ingest(tenant).importText.url);
        const answer = await fetch(url, { method: 'POST', body: `of_tenant{id="${tenant}"} 1 ${time}\n` });
        expect(answer.status).toBe(204);
      }
      await until('all samples are stored', async () => (await storedSamples(runner)) === tenants.length);
      await flush(runner);
      for (const tenant of tenants) {
        const client = new VictoriaMetricsClient({ readUrl: runner.localize(cluster.read(tenant).url) });
        const found = await values(client, 'last_over_time(of_tenant[1h])');
        expect(found.map(({ labels }) => labels)).toEqual([{ __name__: 'of_tenant', id: String(tenant) }]);
        client.close();
      }
    } finally {
      await runner.close();
    }
  });
});

describeWith(['victoria-metrics', 'vmagent'], 'an agent', () => {
  const opened: { close(): unknown }[] = [];

  async function start(...args: Parameters<typeof startSingle>): Promise<Stack> {
    const stack = await startSingle(...args);
    opened.push(stack.client, stack.runner);
    return stack;
  }

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  async function startTargets(): Promise<Targets> {
    const targets = await Targets.start();
    opened.push(targets);
    return targets;
  }

  const START = Math.floor(Date.now() / 1000) * 1000 - 20 * 60_000;

  /** One sample each of some series, at a time of its own. */
  const slice = (index: number, series = 100): TimeSeries[] =>
    [...Array(series).keys()].map((id) => ({
      labels: { __name__: 'pushed', id: String(id) },
      samples: [{ timestamp: START + index * 100, value: index }],
    }));

  const pushedTo = (runner: Runner, agent: VmAgent): VictoriaMetricsClient => {
    const client = new VictoriaMetricsClient({
      writeUrl: runner.localize(agent.write().url).replace(/\/api\/v1\/write$/, ''),
    });
    opened.push(client);
    return client;
  };

  /** Which slices of `pushed` are stored, in order, with those twice that are stored twice. */
  async function storedSlices(runner: Runner, client: VictoriaMetricsClient): Promise<number[]> {
    await flush(runner);
    const { result } = await client.query('pushed{id="0"}[1h]', { time: Date.now(), nocache: true });
    return (result as readonly MatrixSeries[]).flatMap(({ samples }) => samples.map(({ value }) => value));
  }

  const range = (from: number, to: number): number[] => [...Array(to - from).keys()].map((index) => from + index);

  it('keeps on disk what the storage cannot take for half a minute, and then delivers each sample once', async () => {
    const { runner, agent, client } = await start((single) => ({
      remoteWrite: [single.write()],
      queue,
      scrapeStack: false,
    }));
    const pusher = pushedTo(runner, agent);
    const [storage, pod] = [runner.pod('metrics-vmsingle-0'), runner.pod('agent-vmagent-0')];
    let pushed = 0;
    const push = async () => pusher.remoteWrite(slice(pushed++));
    for (let i = 0; i < 20; i++) await push();
    expect(await storage.stop()).toEqual({ code: 0, signal: null });
    const away = Date.now();
    let onDisk = 0;
    while (Date.now() - away < 30_000) {
      await push();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const bytes = (await MetricsPage.of(pod)).sum('vm_persistentqueue_bytes_pending');
      expect(bytes).toBeGreaterThanOrEqual(onDisk);
      onDisk = bytes;
    }
    expect(onDisk).toBeGreaterThan(0);
    await storage.start();
    await until('the queue is empty', async () => {
      const page = await MetricsPage.of(pod);
      return page.sum('vmagent_remotewrite_pending_data_bytes') === 0;
    });
    await until(`${pushed} slices are stored`, async () => (await storedSlices(runner, client)).length >= pushed, {
      timeout: 90_000,
    });
    expect(await storedSlices(runner, client)).toEqual(range(0, pushed));
    expect(await total(client, 'sum(count_over_time(pushed[1h]))')).toBe(100 * pushed);
  });

  it('delivers after SIGKILL all that it acknowledged but for what was only in memory', async () => {
    const { runner, agent, client } = await start((single) => ({
      remoteWrite: [{ endpoint: single.write(), queues: 1 }],
      queue,
      scrapeStack: false,
    }));
    const pusher = pushedTo(runner, agent);
    const [storage, pod] = [runner.pod('metrics-vmsingle-0'), runner.pod('agent-vmagent-0')];
    const acknowledged: number[] = [];
    const push = async () => {
      await pusher.remoteWrite(slice(acknowledged.length, 1));
      acknowledged.push(Date.now());
    };
    const pushFor = async (milliseconds: number) => {
      const until = Date.now() + milliseconds;
      while (Date.now() < until) {
        await push();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const untilDelivered = async (slices: readonly number[]) =>
      until('all is delivered', async () => {
        const stored = new Set(await storedSlices(runner, client));
        return slices.every((index) => stored.has(index));
      });

    // While the storage takes everything, what was acknowledged in the last two seconds may be gone.
    await pushFor(5000);
    await pod.kill('SIGKILL');
    const killed = Date.now();
    await pod.start();
    await untilDelivered(range(0, acknowledged.filter((time) => killed - time > 2000).length));

    // While it is away, one request of each queue is under way, here with the first slice. The others are on disk in time.
    await storage.stop();
    const first = acknowledged.length;
    await push();
    await until('the first slice is under way', async () => {
      const page = await MetricsPage.of(pod);
      return page.sum('vmagent_remotewrite_retries_count_total') > 0;
    });
    await pushFor(2000);
    const last = acknowledged.length;
    await pushFor(7000);
    await pod.kill('SIGKILL');
    await storage.start();
    await pod.start();
    await untilDelivered(range(first + 1, last));
    const delivered = await storedSlices(runner, client);
    expect(new Set(delivered).size).toBe(delivered.length);
  });

  it('keeps on a claim all that it acknowledged when it ends while the storage is away', async () => {
    const { runner, agent, client } = await start((single) => ({
      remoteWrite: [single.write()],
      queue,
      scrapeStack: false,
      shutdownDelay: Duration.seconds(1),
    }));
    const pusher = pushedTo(runner, agent);
    const [storage, pod] = [runner.pod('metrics-vmsingle-0'), runner.pod('agent-vmagent-0')];
    await storage.stop();
    for (const index of range(0, 50)) await pusher.remoteWrite(slice(index, 1));
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    await storage.start();
    await pod.start();
    await until('all is stored', async () => (await storedSlices(runner, client)).length >= 50);
    expect(await storedSlices(runner, client)).toEqual(range(0, 50));
  });

  it('takes OTLP, Influx lines and Graphite, and stores them with their names and labels', async () => {
    const { runner, agent, client } = await start((single) => ({
      remoteWrite: [single.write()],
      listeners: { graphite: {}, openTsdb: {} },
      remoteWriteLabels: { region: 'eu' },
      scrapeStack: false,
    }));
    const ingest = agent.ingest();
    const post = async (url: string, body: string | Buffer, type: string) => {
      const answer = await fetch(runner.localize(url), {
        method: 'POST',
        body: new Uint8Array(Buffer.from(body)),
        headers: { 'content-type': type },
      });
      expect([url, answer.ok]).toEqual([url, true]);
    };
    const seconds = START / 1000;
    await post(ingest.otlp.url, otlpGauge('otlp_gauge', 1.5, START, ['k', 'v']), 'application/x-protobuf');
    await post(ingest.influx.url, `influx,k=v field=2.5 ${START}000000\n`, 'text/plain');
    await post(ingest.influxV2.url, `influx2,k=v field=3.5 ${START}000000\n`, 'text/plain');
    await post(ingest.importText.url, `imported{k="v"} 4.5 ${START}\n`, 'text/plain');
    await post(
      `${ingest.datadog.url}/api/v1/series`,
      JSON.stringify({ series: [{ metric: 'datadog', points: [[seconds, 5.5]], tags: ['k:v'] }] }),
      'application/json',
    );
    await sendLine(runner.localize(ingest.graphite.url), `graphite.line;k=v 6.5 ${seconds}\n`);
    await sendLine(runner.localize(ingest.openTsdb.url), `put opentsdb.line ${seconds} 7.5 k=v\n`);
    const found = await until('all samples are stored', async () => {
      await flush(runner);
      const series = await values(client, 'last_over_time({k="v"}[1h])');
      return series.length >= 7 && series;
    });
    expect(Object.fromEntries(found.map(({ labels, value }) => [labels.__name__, value]))).toEqual({
      otlp_gauge: 1.5,
      influx_field: 2.5,
      influx2_field: 3.5,
      imported: 4.5,
      datadog: 5.5,
      'graphite.line': 6.5,
      'opentsdb.line': 7.5,
    });
    for (const { labels } of found) expect(labels).toEqual({ __name__: labels.__name__, k: 'v', region: 'eu' });
  });

  it('leaves one sample of each interval where two replicas scrape the same', async () => {
    const targets = await startTargets();
    const { runner, client } = await start(
      (single) => ({
        remoteWrite: [single.write()],
        replicas: 2,
        global: { interval: INTERVAL, timeout: INTERVAL },
        scrape: [targets.jobs('/page')],
        scrapeStack: false,
      }),
      { dedupInterval: INTERVAL },
    );
    await until('each replica has scraped ten times', async () => {
      const pages = await Promise.all(runner.pods('agent-vmagent').map((pod) => MetricsPage.of(pod)));
      return pages.every((page) => page.sum('vm_promscrape_scrapes_total') >= 10);
    });
    expect(targets.reads.get('/page')).toBeGreaterThanOrEqual(20);
    const series = await until('ten samples are stored', async () => {
      await flush(runner);
      const { result } = await client.query('fixed{k="a"}[1h]', { time: Date.now(), nocache: true });
      const [first, ...others] = result as readonly MatrixSeries[];
      expect(others).toEqual([]);
      return (first?.samples.length ?? 0) >= 10 && first;
    });
    // VictoriaMetrics keeps the last sample up to and with the end of each interval.
    const intervals = series.samples.map(({ timestamp }) => Math.ceil(timestamp / 2000));
    const [begin] = intervals;
    expect(intervals).toEqual(range(begin!, begin! + intervals.length));
  });

  it('gives external labels to what is scraped and pushed, but for what has them from elsewhere', async () => {
    const targets = await Targets.start(() => 'own{cluster="far"} 1\nnone 2\n');
    opened.push(targets);
    const { runner, agent, client } = await start((single) => ({
      remoteWrite: [single.write()],
      global: { interval: INTERVAL, timeout: INTERVAL, externalLabels: { cluster: 'near $1', region: '{{job}} eu' } },
      scrape: [targets.job('/plain'), targets.job('/honor', { honorLabels: true })],
      scrapeStack: false,
    }));
    const body = `pushed 1 ${START}\npushed{cluster="far"} 2 ${START}\n`;
    const answer = await fetch(runner.localize(agent.ingest().importText.url), { method: 'POST', body });
    expect(answer.status).toBe(204);
    const found = await until('all is stored', async () => {
      await flush(runner);
      const series = await values(client, 'last_over_time({__name__=~"own|none|pushed|up"}[1h])');
      return series.length >= 8 && series;
    });
    const told = found.map(({ labels: { __name__, path, cluster, exported_cluster, region } }) =>
      [__name__, path, cluster, exported_cluster, region].filter(Boolean).join(' '),
    );
    expect(told.sort()).toEqual([
      'none /honor near $1 {{job}} eu',
      'none /plain near $1 {{job}} eu',
      'own /honor far {{job}} eu',
      'own /plain near $1 far {{job}} eu',
      'pushed far {{job}} eu',
      'pushed near $1 {{job}} eu',
      'up /honor near $1 {{job}} eu',
      'up /plain near $1 {{job}} eu',
    ]);
  });

  it('reads jobs that one ConfigMap cannot hold from several', async () => {
    const targets = await startTargets();
    const paths = [...Array(12).keys()].map((index) => `/${index}`);
    const relabelConfigs = [{ targetLabel: '__tmp_filler', replacement: 'x'.repeat(100_000) }];
    const { runner, client } = await start((single) => ({
      remoteWrite: [single.write()],
      global: { interval: INTERVAL, timeout: INTERVAL },
      scrape: paths.map((path) => targets.job(path, { relabelConfigs, labels: { path, job: 'all' } })),
      scrapeStack: false,
    }));
    const [pod] = runner.pods('agent-vmagent');
    const active = await until('the targets are known', async () => {
      const found = await activeTargets(pod!);
      return found.length >= paths.length && found;
    });
    expect(active).toEqual([...paths].sort());
    const jobs = await until('each is scraped', async () => {
      await flush(runner);
      const found = await values(client, 'count(last_over_time(up[1m])) by (job)');
      return found[0]?.value === paths.length && found.map(({ labels }) => labels.job);
    });
    expect(jobs).toEqual(['all']);
  });

  it('aggregates counters to what they are, also over a rollout', async () => {
    const begin = Date.now();
    const tenEachSecond = (): number => Math.floor((Date.now() - begin) / 100);
    const targets = await Targets.start(() => `counter_total ${1_000_000 + tenEachSecond()}\n`);
    opened.push(targets);
    const { runner, client } = await start((single) => ({
      remoteWrite: [single.write()],
      global: { interval: Duration.seconds(1), timeout: Duration.seconds(1) },
      scrape: [targets.job('/counter')],
      scrapeStack: false,
      shutdownDelay: Duration.seconds(1),
      streamAggregation: {
        rules: [{ match: 'counter_total', interval: INTERVAL, outputs: ['total'], without: ['instance'] }],
      },
    }));
    const pod = runner.pod('agent-vmagent-0');
    const increase = async () => {
      await flush(runner);
      return total(client, 'sum(increase({__name__=~"counter_total:.*"}[5m]))');
    };
    const first = await until('the first pod has counted', async () => {
      const found = await increase();
      return found >= 50 && found;
    });
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    await pod.start();
    const both = await until('the second pod has counted', async () => {
      const found = await increase();
      return found >= first + 50 && found;
    });
    expect(both).toBeLessThanOrEqual(tenEachSecond());
  });

  it('has each target scraped by one of two shards, or by two of three', async () => {
    const targets = await startTargets();
    const paths = [...Array(20).keys()].map((index) => `/${index}`).sort();
    const shards = async (replicas: number, replicationFactor: number) => {
      const { runner } = await start(
        (single) => ({
          remoteWrite: [single.write()],
          replicas,
          sharding: { replicationFactor },
          global: { interval: INTERVAL, timeout: INTERVAL },
          scrape: [targets.jobs(...paths)],
          scrapeStack: false,
        }),
        { dedupInterval: INTERVAL },
      );
      const active = await until('the targets are known', async () => {
        const found = await Promise.all(runner.pods('agent-vmagent').map(activeTargets));
        return found.flat().length >= paths.length * replicationFactor && found;
      });
      expect(active.every((ofOne) => ofOne.length > 0)).toBe(true);
      expect(active.flat().sort()).toEqual(paths.flatMap((path) => Array(replicationFactor).fill(path)));
    };
    await shards(2, 1);
    await shards(3, 2);
  });

  it('aggregates for all targets and for one, and tells by a label whose output it is', async () => {
    const second = Duration.seconds(1);
    const relabelConfigs = [{ targetLabel: 'relabeled', replacement: 'yes' }];
    const { runner, agent, client } = await start((single) => ({
      replicas: 2,
      remoteWrite: [
        {
          endpoint: single.write(),
          streamAggregation: {
            rules: [{ interval: second, outputs: ['count_samples'], by: ['k'], match: '{__name__=~"summed.*"}' }],
            replicaLabel: 'replica',
            keepInput: true,
          },
        },
      ],
      streamAggregation: {
        rules: [
          {
            name: 'every setting',
            match: ['summed{k="v"}', 'never'],
            interval: second,
            outputs: ['sum_samples', { quantiles: [0.5, 0.99] }],
            without: ['id'],
            dedupInterval: Duration.millis(100),
            stalenessInterval: Duration.seconds(2),
            ignoreFirstSampleInterval: second,
            noAlignFlushToInterval: true,
            flushOnShutdown: true,
            ignoreOldSamples: false,
            ignoreFirstIntervals: 0,
            dropInputLabels: ['dropped'],
            enableWindows: false,
            inputRelabelConfigs: relabelConfigs,
            outputRelabelConfigs: relabelConfigs,
          },
        ],
        replicaLabel: 'replica',
      },
      scrapeStack: false,
    }));
    const text = ['1', '2', '3'].map((id) => `summed{k="v",id="${id}",dropped="x"} ${id}\n`).join('');
    const answer = await fetch(runner.localize(agent.ingest().importText.url), { method: 'POST', body: text });
    expect(answer.status).toBe(204);
    const outputs = await until('the outputs are stored', async () => {
      await flush(runner);
      const found = await values(client, 'max_over_time({k="v"}[1m])');
      return found.length >= 4 && found;
    });
    const byName = outputs.map(({ labels, value }): [string, number] => [
      `${labels.__name__} ${labels.quantile ?? ''} ${labels.replica?.replace(/\d+$/, 'N') ?? ''}`,
      value,
    ]);
    expect(Object.fromEntries(byName)).toMatchObject({
      'summed:1s_without_id_sum_samples  agent-vmagent-N': 6,
      'summed:1s_without_id_quantiles 0.5 agent-vmagent-N': 2,
      'summed:1s_without_id_quantiles 0.99 agent-vmagent-N': 3,
    });
    expect(byName.map(([name]) => name)).toContain(
      'summed:1s_without_id_sum_samples:1s_by_k_count_samples  agent-vmagent-N',
    );
  });

  it('gives each target its own credentials, relabeling and limits', async () => {
    const app = new App();
    const chart = chartOf(app);
    const open = new VmSingle(chart, 'open', { volume, extraFlags: EXACT });
    const closed = new VmSingle(chart, 'closed', {
      volume,
      extraFlags: EXACT,
      httpAuth: { username: 'writer', password: SecretRef.of('closed', 'password') },
    });
    const agent = new VmAgent(chart, 'agent', {
      remoteWrite: [
        { endpoint: open.write(), relabelConfigs: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'hidden' }] },
        { endpoint: closed.write(), queues: 2, headers: { 'X-Team': 'a, b' } },
      ],
      queue,
      scrapeStack: false,
    });
    const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())), {
      secrets: { closed: { password: 'p,"ss' } },
    });
    opened.push(runner);
    const text = `hidden{k="v"} 1 ${START}\nshown{k="v"} 2 ${START}\n`;
    const answer = await fetch(runner.localize(agent.ingest().importText.url), { method: 'POST', body: text });
    expect(answer.status).toBe(204);
    const rows = async (name: string, headers: Record<string, string> = {}) => {
      const page = await fetch(`${runner.url(`${name}-vmsingle`)}/metrics`, { headers });
      return new MetricsPage(await page.text()).sum('vm_rows_added_to_storage_total');
    };
    const authorization = `Basic ${Buffer.from('writer:p,"ss').toString('base64')}`;
    await until('both have their samples', async () => {
      return (await rows('open')) === 1 && (await rows('closed', { authorization })) === 2;
    });
    const flags = (await MetricsPage.of(runner.pod('agent-vmagent-0'))).setFlags();
    expect(flags['remoteWrite.maxDiskUsagePerURL']).toBe('1432MiB,1432MiB');
    expect(flags['remoteWrite.queues']).toMatch(/^\d+,2$/);
  });
});

async function sendLine(url: string, line: string): Promise<void> {
  const { hostname, port } = new URL(url);
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(line));
    socket.once('error', reject).once('close', () => resolve());
    socket.resume();
  });
}

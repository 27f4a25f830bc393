import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, Chart, Duration, Size } from 'cdk8s';
import { NotifyEndpoint, SecretRef, StackDefaults, VmCluster, VmSingle } from '../../src';
import { Prometheus, type PrometheusProps } from '../../src/prometheus';
import { Scrape, type ScrapeJob } from '../../src/scrape';
import { describeWith, parseManifests, Runner, until, type Pod } from './runner';
import { flush, untilConnected } from './stacks';

jest.setTimeout(180_000);

const EXACT = { 'search.latencyOffset': '0s' } as const;
const volume = { size: Size.gibibytes(1) };
const SECOND = Duration.seconds(1);
const FAST_QUEUE = { batchSendDeadline: Duration.millis(200), maxBackoff: SECOND };
const RULES = `
groups:
  - name: shop
    rules:
      - record: shop:scrapes:total
        expr: sum(scrapes_total)
      - alert: Scraped
        expr: scrapes_total > 0
`;

/** A server on this machine. */
class LocalServer {
  public static async start(handle: (request: IncomingMessage, answer: ServerResponse) => void): Promise<LocalServer> {
    const server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new LocalServer(server);
  }

  private constructor(private readonly server: Server) {}

  public get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Times in milliseconds to values, in order of time. */
type Samples = readonly (readonly [time: number, value: number])[];

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: Samples;
}

/** All that a Prometheus itself has of some series. */
async function ownSeries(pod: Pod, selector: string): Promise<Series[]> {
  const answer = await fetch(`${pod.url()}/api/v1/query?query=${encodeURIComponent(`${selector}[1h]`)}`);
  const { data } = (await answer.json()) as {
    readonly data: { readonly result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  return data.result.map(({ metric, values }) => ({
    labels: metric,
    samples: values.map(([time, value]) => [Math.round(time * 1000), Number(value)]),
  }));
}

/** What VictoriaMetrics has of some series. @param raw whether with the copies that deduplication leaves out */
async function storedSeries(url: string, selector: string, { raw = false } = {}): Promise<Series[]> {
  const answer = await fetch(
    `${url}/api/v1/export?match[]=${encodeURIComponent(selector)}${raw ? '&reduce_mem_usage=1' : ''}`,
  );
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  const blocks = lines.map(
    (line) => JSON.parse(line) as { metric: Record<string, string>; values: number[]; timestamps: number[] },
  );
  const joined = new Map<string, Series>();
  for (const { metric, values, timestamps } of blocks) {
    const key = JSON.stringify(Object.entries(metric).sort());
    const earlier = joined.get(key)?.samples ?? [];
    const samples = [...earlier, ...timestamps.map((time, index) => [time, values[index]!] as const)];
    joined.set(key, { labels: metric, samples: samples.sort(byTime) });
  }
  return [...joined.values()];
}

const only = (series: readonly Series[]): Series => {
  if (series.length !== 1) throw new Error(`there are ${series.length} series, not one: ${JSON.stringify(series)}`);
  return series[0]!;
};

const byTime = ([a]: readonly [number, number], [b]: readonly [number, number]) => a - b;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function startServer(...args: Parameters<typeof LocalServer.start>): Promise<LocalServer> {
  const server = await LocalServer.start(...args);
  opened.push(server);
  return server;
}

/** Scrapes a page that counts how often it is read. */
async function startShop(): Promise<ScrapeJob> {
  let scrapes = 0;
  // Prometheus does not guess the format.
  const headers = { 'content-type': 'text/plain; version=0.0.4' };
  const server = await startServer((_request, answer) =>
    answer.writeHead(200, headers).end(`scrapes_total ${++scrapes}\n`),
  );
  return Scrape.static({ name: 'shop', targets: [server.address] });
}

async function start(make: (chart: Chart) => unknown, options?: Parameters<typeof Runner.start>[1]): Promise<Runner> {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  StackDefaults.set(chart, { serverSideApply: true });
  make(chart);
  const runner = await Runner.start(parseManifests(app.synthYaml()), options);
  opened.push(runner);
  return runner;
}

/** A Prometheus before a single node that keeps every sample. */
async function startWithSingle(props: Partial<PrometheusProps> & Pick<PrometheusProps, 'scrape'>): Promise<{
  readonly runner: Runner;
  readonly prometheus: Pod;
  readonly storage: Pod;
}> {
  const runner = await start((chart) => {
    const single = new VmSingle(chart, 'metrics', { volume, extraFlags: EXACT });
    new Prometheus(chart, 'apps', {
      volume,
      global: { interval: SECOND, timeout: SECOND, externalLabels: { cluster: 'test', price: '5$' } },
      remoteWrite: [{ endpoint: single.write(), queue: FAST_QUEUE }],
      ...props,
    });
  });
  return { runner, prometheus: runner.pod('apps-prometheus-0'), storage: runner.pod('metrics-vmsingle-0') };
}

/** Resolves when VictoriaMetrics has, once each, all samples that a Prometheus has by now from some time on. */
async function untilDelivered(runner: Runner, prometheus: Pod, from = 0): Promise<Samples> {
  const own = only(await ownSeries(prometheus, 'scrapes_total')).samples.filter(([time]) => time >= from);
  const last = own.at(-1)![0];
  return until(
    `${own.length} samples are stored`,
    async () => {
      await flush(runner);
      const { samples } = only(
        await storedSeries(runner.pod('metrics-vmsingle-0').url(), 'scrapes_total', { raw: true }),
      );
      const stored = samples.filter(([time]) => time >= from && time <= last);
      return JSON.stringify(stored) === JSON.stringify(own) && own;
    },
    { timeout: 60_000, interval: 500 },
  );
}

describeWith(['prometheus', 'victoria-metrics'], 'a Prometheus', () => {
  it('sends what it scrapes, with its external labels as they are written', async () => {
    const { runner, prometheus, storage } = await startWithSingle({ scrape: [await startShop()] });
    await until('some scrapes', async () => only(await ownSeries(prometheus, 'scrapes_total')).samples.length >= 5);
    await untilDelivered(runner, prometheus);
    const { labels } = only(await storedSeries(storage.url(), 'scrapes_total'));
    expect(labels).toEqual({
      __name__: 'scrapes_total',
      job: 'shop',
      instance: expect.stringMatching(/^127\.0\.0\.1:/) as string,
      cluster: 'test',
      price: '5$',
    });
  });

  it('sends credentials', async () => {
    const httpAuth = { username: 'apps', password: SecretRef.of('metrics', 'password') };
    const shop = await startShop();
    const runner = await start(
      (chart) => {
        const single = new VmSingle(chart, 'metrics', { volume, httpAuth, extraFlags: EXACT });
        const remoteWrite = [{ endpoint: single.write(), queue: FAST_QUEUE }];
        new Prometheus(chart, 'apps', { volume, scrape: [shop], global: { interval: SECOND }, remoteWrite });
      },
      { secrets: { metrics: { password: 'let me in' } } },
    );
    const page = async () => (await fetch(`${runner.pod('apps-prometheus-0').url()}/metrics`)).text();
    await until('samples are taken', async () =>
      /^prometheus_remote_storage_samples_total\{.*\} [1-9]/m.test(await page()),
    );
    expect(await page()).toMatch(/^prometheus_remote_storage_samples_failed_total\{.*\} 0$/m);
  });

  it('delivers once each all that it scraped while the storage was away', async () => {
    const { runner, prometheus, storage } = await startWithSingle({ scrape: [await startShop()] });
    await until('some scrapes', async () => only(await ownSeries(prometheus, 'scrapes_total')).samples.length >= 3);
    expect(await storage.stop()).toEqual({ code: 0, signal: null });
    await pause(20_000);
    await storage.start();
    const delivered = await untilDelivered(runner, prometheus);
    expect(delivered.length).toBeGreaterThanOrEqual(20);
    expect(delivered.map(([, value]) => value)).toEqual(delivered.map((_sample, index) => index + 1));
  });

  it('keeps after SIGKILL what it scraped, and sends what is newer', async () => {
    const { runner, prometheus, storage } = await startWithSingle({ scrape: [await startShop()] });
    await until('some scrapes', async () => only(await ownSeries(prometheus, 'scrapes_total')).samples.length >= 3);
    await untilDelivered(runner, prometheus);
    await storage.kill();
    await pause(5000);
    const before = only(await ownSeries(prometheus, 'scrapes_total')).samples;
    await prometheus.kill();
    const killed = Date.now();
    await storage.start();
    await prometheus.start();
    await until('scrapes go on', async () => {
      const { samples } = only(await ownSeries(prometheus, 'scrapes_total'));
      return samples.filter(([time]) => time > killed).length >= 3;
    });
    const after = only(await ownSeries(prometheus, 'scrapes_total')).samples;
    expect(after.slice(0, before.length)).toEqual(before);
    await untilDelivered(runner, prometheus, killed);
    // What waited when the process ended is not sent, which the documentation of the class tells.
    const { samples } = only(await storedSeries(storage.url(), 'scrapes_total', { raw: true }));
    const waited = before.at(-1)![0];
    expect(samples.map(([time]) => time)).not.toContain(waited);
  });

  it('sends on a clean exit what is not sent yet', async () => {
    const slow = { batchSendDeadline: Duration.minutes(10) };
    const shop = await startShop();
    const runner = await start((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume, extraFlags: EXACT });
      const remoteWrite = [{ endpoint: single.write(), queue: slow }];
      new Prometheus(chart, 'apps', { volume, scrape: [shop], global: { interval: SECOND }, remoteWrite });
    });
    const [prometheus, storage] = [runner.pod('apps-prometheus-0'), runner.pod('metrics-vmsingle-0')];
    await until('some scrapes', async () => only(await ownSeries(prometheus, 'scrapes_total')).samples.length >= 3);
    const own = only(await ownSeries(prometheus, 'scrapes_total')).samples;
    await flush(runner);
    expect(await storedSeries(storage.url(), 'scrapes_total')).toEqual([]);
    expect(await prometheus.stop()).toEqual({ code: 0, signal: null });
    await flush(runner);
    const { samples } = only(await storedSeries(storage.url(), 'scrapes_total', { raw: true }));
    // The log may not have been read to its end: the last scrape may be missing.
    const sure = own.slice(0, -1);
    expect(samples.slice(0, sure.length)).toEqual(sure);
  });

  it('reads its config again when it changes', async () => {
    const { runner, prometheus } = await startWithSingle({
      scrape: [await startShop()],
      extraArgs: ['--config.auto-reload-interval=1s'],
    });
    const config = async () => {
      const answer = await fetch(`${prometheus.url()}/api/v1/status/config`);
      return ((await answer.json()) as { data: { yaml: string } }).data.yaml;
    };
    const before = await config();
    expect(before).toContain('scrape_interval: 1s');
    const text = before.replace('scrape_interval: 1s', 'scrape_interval: 2s');
    runner.pod('apps-prometheus-0').updateConfigMap('apps-prometheus-config', { 'prometheus.yml': text });
    await until('the new config is in use', async () => (await config()).includes('scrape_interval: 2s'));
    expect(prometheus.running).toBe(true);
  });
});

const CLUSTER = ['prometheus', 'vmstorage', 'vminsert', 'vmselect'];

describeWith(CLUSTER, 'a pair of Prometheus before a cluster', () => {
  it('scrapes every component, and of the two samples of an interval one is kept', async () => {
    const interval = Duration.seconds(2);
    const notified: Record<string, string>[] = [];
    const alertmanager = await startServer((request, answer) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const alerts = JSON.parse(body) as { readonly labels: Record<string, string> }[];
        notified.push(...alerts.map(({ labels }) => labels));
        answer.end();
      });
    });
    const shop = await startShop();
    let readUrl = '';
    const runner = await start((chart) => {
      const cluster = new VmCluster(chart, 'metrics', {
        dedupInterval: interval,
        vmstorage: { replicas: 2, volume },
        vminsert: { replicas: 1 },
        vmselect: { replicas: 1, extraFlags: EXACT },
      });
      readUrl = cluster.read().url;
      new Prometheus(chart, 'apps', {
        replicas: 2,
        volume,
        global: { interval, timeout: SECOND, externalLabels: { cluster: 'test' } },
        scrape: [shop],
        scrapeStack: true,
        remoteWrite: [{ endpoint: cluster.write(), queue: FAST_QUEUE }],
        ruleFiles: { 'shop.yaml': RULES },
        alertmanagers: [NotifyEndpoint.external(`http://${alertmanager.address}/am`)],
      });
    });
    await untilConnected(runner, 2);
    const url = runner.localize(readUrl);
    const pods = runner.pods('apps-prometheus');

    await until('both have scraped for a while', async () => {
      const counts = await Promise.all(
        pods.map(async (pod) => (await ownSeries(pod, 'scrapes_total'))[0]!.samples.length),
      );
      return Math.min(...counts) >= 12;
    });
    const own = await Promise.all(pods.map(async (pod) => only(await ownSeries(pod, 'scrapes_total')).samples));
    // As VictoriaMetrics does it: of each interval the last sample, whoever sent it.
    const slotOf = (time: number) => Math.ceil(time / interval.toMilliseconds());
    const lastOfSlot = new Map(
      own
        .flat()
        .sort(byTime)
        .map((sample) => [slotOf(sample[0]), sample] as const),
    );
    // The first and the last interval may not be complete in both.
    const expected = [...lastOfSlot.values()].slice(2, -2);
    expect(expected.length).toBeGreaterThanOrEqual(8);
    const copies = own.flat().filter(([time]) => time >= expected[0]![0] && time <= expected.at(-1)![0]);
    expect(copies.length).toBeGreaterThanOrEqual(2 * expected.length - 1);
    await until('of each interval the last sample is stored, and no other', async () => {
      await flush(runner);
      const { samples } = only(await storedSeries(url, 'scrapes_total'));
      const kept = samples.filter(([time]) => time >= expected[0]![0] && time <= expected.at(-1)![0]);
      return JSON.stringify(kept) === JSON.stringify(expected);
    });
    expect(only(await storedSeries(url, 'scrapes_total')).labels).toEqual({
      __name__: 'scrapes_total',
      job: 'shop',
      instance: expect.stringMatching(/^127\.0\.0\.1:/) as string,
      cluster: 'test',
    });

    const up = await until('every component is up', async () => {
      await flush(runner);
      const found = await storedSeries(url, 'up');
      return (
        found.length === runner.pods().length + 1 && found.every(({ samples }) => samples.at(-1)![1] === 1) && found
      );
    });
    expect(new Set(up.map(({ labels }) => labels.pod ?? labels.job))).toEqual(
      new Set(['shop', ...runner.pods().map(({ name }) => name)]),
    );

    expect(only(await storedSeries(url, 'shop:scrapes:total')).labels).toEqual({
      __name__: 'shop:scrapes:total',
      cluster: 'test',
    });
    await until('both have sent the alert', () => notified.length >= 2);
    expect(new Set(notified.map((labels) => JSON.stringify(Object.entries(labels).sort()))).size).toBe(1);
    expect(notified[0]).toMatchObject({ alertname: 'Scraped', cluster: 'test' });

    for (const pod of pods) {
      const federated = await (await fetch(`${pod.url()}/federate?match[]=scrapes_total`)).text();
      expect(federated).toContain(`prometheus_replica="${pod.name}"`);
    }
  });
});

import { join } from 'node:path';
import { Size } from 'cdk8s';
import { Retention, SecretRef } from '../../src';
import { VictoriaMetricsClient, type MatrixSeries, type TimeSeries, type VectorSeries } from '../../src/client';
import { droppedSamples, MetricsPage } from './metrics-page';
import { describeWith, readManifests, Runner, until } from './runner';
import { clientOf, flush, synthesizeSingle } from './stacks';

jest.setTimeout(120_000);

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Whole seconds, old enough for any latency offset. */
const START = Math.floor(Date.now() / 1000) * 1000 - 30 * MINUTE;
const STEP = 15_000;
const END = START + 9 * STEP;

/**
 * Ten samples of each series. VictoriaMetrics keeps a block of values as integers with one decimal exponent, so that
 * each series has values of its own size.
 */
const VALUES: Readonly<Record<string, (i: number) => number>> = {
  integers: (i) => i * i * i - 20,
  fractions: (i) => i / 8 - 0.5,
  large: (i) => 2 ** 53 - i,
  tiny: (i) => Number(`${i}e-9`),
  'infinite "\\\n ü': (i) => (i % 2 === 0 ? Infinity : -Infinity),
};

function exactSeries(name: string): TimeSeries[] {
  return Object.entries(VALUES)
    .map(([values, valueAt]) => ({
      labels: { __name__: name, values },
      samples: [...Array(10).keys()].map((i) => ({ timestamp: START + i * STEP, value: valueAt(i) })),
    }))
    .sort(bySeries);
}

function bySeries(a: Pick<TimeSeries, 'labels'>, b: Pick<TimeSeries, 'labels'>): number {
  return JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1;
}

/** The samples as they are stored. */
async function stored(client: VictoriaMetricsClient, selector: string): Promise<MatrixSeries[]> {
  const answer = await client.query(`${selector}[1h]`, { time: END, nocache: true });
  if (answer.resultType !== 'matrix') throw new Error(`a raw query gave a ${answer.resultType}`);
  return [...answer.result].sort(bySeries);
}

/** Without the workloads that only look at what is stored. */
function storageAndAgent(objects: readonly object[]): object[] {
  return objects.filter((object) => {
    const { metadata, spec } = object as { readonly metadata: { readonly name: string }; readonly spec?: object };
    return !(spec && 'template' in spec && /^(alerts|rules|dashboards)-/.test(metadata.name));
  });
}

describeWith(['victoria-metrics'], 'the single-node environment', () => {
  let stack: Runner;
  let client: VictoriaMetricsClient;

  beforeAll(async () => {
    stack = await Runner.start(storageAndAgent(readManifests(join(__dirname, '../../dist/single-node'))));
    client = VictoriaMetricsClient.single(stack.url('metrics-vmsingle'));
  });
  afterAll(async () => {
    (client as VictoriaMetricsClient | undefined)?.close();
    await (stack as Runner | undefined)?.close();
  });

  it('returns exactly what was written by remote write', async () => {
    const dropped = await droppedSamples(stack);
    const series = exactSeries('exact');
    await client.remoteWrite(series);
    await flush(stack);
    expect(await stored(client, 'exact')).toEqual(series);
    expect(await droppedSamples(stack)).toBe(dropped);
  });

  it('returns exactly what was written by text import', async () => {
    const dropped = await droppedSamples(stack);
    await client.importText(`text{a="1"} 1.5 ${START}\ntext{a="2"} -2e-9 ${START + 1}\ntext_untimed 3\n`, {
      timestamp: END,
    });
    await flush(stack);
    expect(await stored(client, '{__name__=~"text.*"}')).toEqual([
      { labels: { __name__: 'text', a: '1' }, samples: [{ timestamp: START, value: 1.5 }] },
      { labels: { __name__: 'text', a: '2' }, samples: [{ timestamp: START + 1, value: -2e-9 }] },
      { labels: { __name__: 'text_untimed' }, samples: [{ timestamp: END, value: 3 }] },
    ]);
    expect(await droppedSamples(stack)).toBe(dropped);
  });

  it('answers instant and range queries', async () => {
    const [series] = exactSeries('queried');
    await client.remoteWrite([series!]);
    await flush(stack);
    const instant = await client.query('queried', { time: START + 3 * STEP, nocache: true });
    expect(instant).toEqual({
      resultType: 'vector',
      isPartial: false,
      result: [{ labels: series!.labels, timestamp: START + 3 * STEP, value: series!.samples[3]!.value }],
    });
    const range = await client.queryRange('queried', { start: START, end: END, step: STEP, nocache: true });
    expect(range.result).toEqual([series]);
  });

  it('has the retention and the limits of its props, and holds to them', async () => {
    const pod = stack.pod('metrics-vmsingle-0');
    expect((await MetricsPage.of(pod)).setFlags()).toMatchObject({
      retentionPeriod: '12',
      maxLabelsPerTimeseries: '50',
      'search.maxQueryDuration': '30s',
      'memory.allowedPercent': '80',
    });
    const labelled = (name: string, count: number) =>
      `${name}{${[...Array(count).keys()].map((i) => `l${i}="1"`).join(',')}} 1 ${START}\n`;
    const before = await MetricsPage.of(pod);
    const old = `too_old 1 ${START - 12 * 31 * DAY}\nnot_too_old 1 ${START - 11 * 31 * DAY}\n`;
    // The name is a label as well.
    await client.importText(labelled('fits', 49) + labelled('too_wide', 50) + old);
    await flush(stack);
    const after = await MetricsPage.of(pod);
    expect(after.sum('vm_rows_ignored_total') - before.sum('vm_rows_ignored_total')).toBe(2);
    const names = await client.query(
      'count(last_over_time({__name__=~"fits|too_wide|(not_)?too_old"}[1y])) by (__name__)',
      {
        time: END,
        nocache: true,
      },
    );
    expect(names.resultType === 'vector' && names.result.map(({ labels }) => labels.__name__).sort()).toEqual([
      'fits',
      'not_too_old',
    ]);
  });

  it('keeps everything over SIGTERM and a new start', async () => {
    const series = exactSeries('kept');
    await client.remoteWrite(series);
    const pod = stack.pod('metrics-vmsingle-0');
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    await pod.start();
    expect(await stored(client, 'kept')).toEqual(series);
  });
});

const volume = { size: Size.gibibytes(1) };

describeWith(['victoria-metrics'], 'a single node', () => {
  let stack: Runner | undefined;
  afterEach(async () => {
    await stack?.close();
  });

  it('shows fresh samples without a latency offset', async () => {
    const { component, objects } = synthesizeSingle({
      volume,
      retention: Retention.days(7),
      extraFlags: { 'search.latencyOffset': '0s' },
    });
    stack = await Runner.start(objects);
    const client = clientOf(stack, { write: component.write(), read: component.read() });
    const timestamp = Date.now();
    await client.remoteWrite([{ labels: { __name__: 'fresh' }, samples: [{ timestamp, value: 7 }] }]);
    await flush(stack);
    // VictoriaMetrics takes less than a second for a second; the default would hide the sample for 30.
    const fresh = await until('the sample is visible', () => one(client, 'fresh'), { timeout: 15_000 });
    expect(fresh).toMatchObject({ labels: { __name__: 'fresh' }, value: 7 });
    client.close();
  });

  it('lets in who has the password of the Secret, and shows its health to anybody', async () => {
    const { component, objects } = synthesizeSingle({
      volume,
      httpAuth: { username: 'writer', password: SecretRef.of('metrics-auth', 'password') },
    });
    const password = 'p:ä$$(HOME) word';
    stack = await Runner.start(objects, { secrets: { 'metrics-auth': { password: `${password}\n` } } });
    const endpoints = { write: component.write(), read: component.read() };
    const allowed = clientOf(stack, endpoints, { auth: { username: 'writer', password } });
    const refused = clientOf(stack, endpoints, { auth: { username: 'writer', password: 'wrong' } });
    const anonymous = clientOf(stack, endpoints);
    await allowed.importText(`authenticated 1 ${START}\n`);
    await flushWith(stack, 'writer', password);
    expect(await stored(allowed, 'authenticated')).toHaveLength(1);
    for (const client of [refused, anonymous]) {
      await expect(client.importText(`authenticated 2 ${END}\n`)).rejects.toMatchObject({ status: 401 });
      await expect(client.query('authenticated')).rejects.toMatchObject({ status: 401 });
      await client.health();
    }
    for (const client of [allowed, refused, anonymous]) client.close();
  });
});

/** The only series of an instant query. */
async function one(client: VictoriaMetricsClient, query: string): Promise<VectorSeries | undefined> {
  const answer = await client.query(query);
  return answer.resultType === 'vector' ? answer.result[0] : undefined;
}

async function flushWith(stack: Runner, username: string, password: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const url = `${stack.pod('metrics-vmsingle-0').url()}/internal/force_flush`;
  expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
  expect((await fetch(url)).status).toBe(401);
}

import { Counter, Gauge, Histogram, Registry, Summary, type RegistryContentType } from 'prom-client';
import { Size } from 'cdk8s';
import type { Labels, TimeSeries, VectorSeries, VictoriaMetricsClient } from '../../src/client';
import * as metricsql from '../../src/client/metricsql';
import { AGGREGATES, ROLLUPS } from '../../src/client/metricsql/functions';
import { IntervalAggregator, RegistryPusher, Sampler } from '../../src/client/producer';
import { droppedSamples } from './metrics-page';
import { describeWith, Runner } from './runner';
import { clientOf, flush, synthesizeSingle } from './stacks';

jest.setTimeout(120_000);

const { expr, matching, metric, not, oneOf, startingWith } = metricsql;
type Expression = metricsql.Expression;

const SECOND = 1000;
const STEP = 15 * SECOND;
const SAMPLES = 121;
/** Whole minutes, old enough for any latency offset. */
const END = Math.floor(Date.now() / 60_000) * 60_000 - 10 * 60_000;
const START = END - (SAMPLES - 1) * STEP;

function series(name: string, labels: Labels, valueAt: (seconds: number, i: number) => number): TimeSeries {
  const samples = [...Array(SAMPLES).keys()].map((i) => ({
    timestamp: START + i * STEP,
    value: valueAt((i * STEP) / SECOND, i),
  }));
  return { labels: { __name__: name, ...labels }, samples };
}

/** A counter that grows by so much a second. */
function counter(name: string, labels: Labels, rate: number): TimeSeries {
  return series(name, labels, (seconds) => rate * seconds);
}

/** mulberry32: the same numbers at each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const walk = seeded(7);
/** Two quantities that move together in part. */
const TRAFFIC = Array.from({ length: SAMPLES }, () => Math.round(100 * walk()));
const LATENCY = TRAFFIC.map((traffic) => traffic / 2 + Math.round(40 * walk()));

const NODE = { instance: 'node-1:9100', job: 'node-exporter' };

const DATA: readonly TimeSeries[] = [
  counter('shop_requests_total', { service: 'shop', status: '200' }, 2),
  counter('shop_requests_total', { service: 'shop', status: '500' }, 0.5),
  counter('shop_requests_total', { service: 'cart', status: '200' }, 4),
  counter('shop_requests_total', { service: 'idle', status: '200' }, 0),
  // The first error comes late.
  {
    labels: { __name__: 'shop_requests_total', service: 'late', status: '500' },
    samples: [
      { timestamp: END - STEP, value: 0 },
      { timestamp: END, value: 3 },
    ],
  },
  counter('shop_requests_total', { service: 'late', status: '200' }, 1),
  counter('request_seconds_bucket', { service: 'shop', le: '0.1' }, 1),
  counter('request_seconds_bucket', { service: 'shop', le: '0.5' }, 2),
  counter('request_seconds_bucket', { service: 'shop', le: '+Inf' }, 2),
  counter('request_seconds_sum', { service: 'shop' }, 0.4),
  counter('request_seconds_count', { service: 'shop' }, 2),
  counter('request_seconds_bucket', { service: 'slow', le: '0.1' }, 0),
  counter('request_seconds_bucket', { service: 'slow', le: '0.5' }, 4),
  counter('request_seconds_bucket', { service: 'slow', le: '+Inf' }, 4),
  counter('vm_seconds_bucket', { service: 'shop', vmrange: '1.000e-01...1.136e-01' }, 2),
  counter('vm_seconds_bucket', { service: 'shop', vmrange: '8.799e-01...1.000e+00' }, 2),
  ...['0', '1'].map((cpu) => counter('node_cpu_seconds_total', { ...NODE, cpu, mode: 'idle' }, 0.25 + Number(cpu) / 2)),
  counter('node_cpu_seconds_total', { ...NODE, cpu: '0', mode: 'user' }, 0.75),
  counter('node_cpu_seconds_total', { ...NODE, instance: 'node-2:9100', cpu: '0', mode: 'idle' }, 0.9),
  series('node_memory_MemAvailable_bytes', NODE, () => 16 * 2 ** 30),
  series('node_memory_MemTotal_bytes', NODE, () => 64 * 2 ** 30),
  ...Object.entries({ sda: 0.4, sdb: 0.1, 'dm-0': 0.9 }).flatMap(([device, rate]) => [
    counter('node_disk_io_time_seconds_total', { ...NODE, device }, rate),
    counter('node_disk_read_bytes_total', { ...NODE, device }, 1000 * rate),
    counter('node_disk_written_bytes_total', { ...NODE, device }, 500 * rate),
  ]),
  series('filling_bytes', {}, (seconds) => 1000 + 2 * seconds),
  series('spiky', { kind: 'spike' }, (_, i) => (i === SAMPLES - 1 ? 100 : 10 + (i % 5))),
  series('spiky', { kind: 'calm' }, (_, i) => 10 + (i % 5)),
  series('spiky', { kind: 'flat' }, () => 10),
  series('spiky', { kind: 'flat spike' }, (_, i) => (i === SAMPLES - 1 ? 11 : 10)),
  series('traffic', { service: 'shop', side: 'in' }, (_, i) => TRAFFIC[i]!),
  series('latency', { service: 'shop', side: 'out' }, (_, i) => LATENCY[i]!),
  series('traffic', { service: 'opposite', side: 'in' }, (_, i) => TRAFFIC[i]!),
  series('latency', { service: 'opposite', side: 'out' }, (_, i) => 1000 - 3 * TRAFFIC[i]!),
  series('traffic', { service: 'steady', side: 'in' }, () => 1 / 3),
  series('latency', { service: 'steady', side: 'out' }, (_, i) => LATENCY[i]!),
  series('up', { instance: 'a', job: 'web' }, () => 1),
  series('load', { instance: 'a' }, (_, i) => (i === SAMPLES - 20 ? 9 : 3)),
  series('load', { instance: 'b' }, () => 5),
  series('load', { instance: 'c' }, () => 4),
  series('build_info', { instance: 'a', version: '1.2' }, () => 1),
  series('build_info', { instance: 'b', version: '1.3' }, () => 1),
];

/** The coefficient of Pearson by its definition. */
function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
  const deviation = (values: readonly number[], middle: number) =>
    Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
  return covariance / (deviation(x, meanX) * deviation(y, meanY));
}

describeWith(['victoria-metrics'], 'the client with a live VictoriaMetrics', () => {
  let stack: Runner;
  let client: VictoriaMetricsClient;

  beforeAll(async () => {
    const { component, objects } = synthesizeSingle({ volume: { size: Size.gibibytes(1) } });
    stack = await Runner.start(objects);
    client = clientOf(stack, { write: component.write(), read: component.read() });
    const dropped = await droppedSamples(stack);
    await client.remoteWrite(DATA);
    await flush(stack);
    expect(await droppedSamples(stack)).toBe(dropped);
  });
  afterAll(async () => {
    (client as VictoriaMetricsClient | undefined)?.close();
    await (stack as Runner | undefined)?.close();
  });

  async function vector(query: Expression, time = END): Promise<readonly VectorSeries[]> {
    const answer = await client.query(String(query), { time, nocache: true });
    if (answer.resultType !== 'vector') throw new Error(`${String(query)} gave a ${answer.resultType}`);
    return answer.result;
  }

  /** The values by the values of a label; of the one series without labels under ''. */
  async function values(query: Expression, label = 'service', time = END): Promise<Record<string, number>> {
    const found = await vector(query, time);
    const entries = found.map(({ labels, value }) => [labels[label] ?? '', Number(value.toPrecision(9))] as const);
    expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length);
    return Object.fromEntries(entries);
  }

  describe('requests', () => {
    const requests = metric('shop_requests_total');
    const errors = requests.where({ status: matching('5..') });
    const by = ['service'];

    it('gives their rate', async () => {
      const known = requests.where({ service: not('late') });
      expect(await values(metricsql.requestRate(known, { by }))).toEqual({ shop: 2.5, cart: 4, idle: 0 });
      expect(await values(metricsql.requestRate(known, { window: '1m' }))).toEqual({ '': 6.5 });
    });

    it('gives the share of errors: 0 where nothing fails or is asked, nothing where nothing is known', async () => {
      const ratio = metricsql.errorRatio({ errors, total: requests, by, window: '1m' });
      expect(await values(ratio)).toEqual({ shop: 0.2, cart: 0, idle: 0, late: 0.166666667 });
      const total = requests.where({ service: 'cart' });
      expect(await values(metricsql.errorRatio({ errors: total.where({ status: '500' }), total }))).toEqual({ '': 0 });
      const idle = requests.where({ service: 'idle' });
      expect(await values(metricsql.errorRatio({ errors: idle, total: idle }))).toEqual({ '': 0 });
      const none = requests.where({ service: 'nowhere' });
      expect(await values(metricsql.errorRatio({ errors: none, total: none, by }))).toEqual({});
    });

    it('gives the share of errors at each point of a range, before the first error and after', async () => {
      const total = requests.where({ service: 'late' });
      const ratio = metricsql.errorRatio({ errors: total.where({ status: '500' }), total, by, window: '1m' });
      const range = { start: END - 4 * STEP, end: END, step: STEP, nocache: true };
      const answer = await client.queryRange(String(ratio), range);
      expect(answer.result).toHaveLength(1);
      const points = answer.result[0]!.samples.map(({ value }) => value);
      expect(points.slice(0, 4)).toEqual([0, 0, 0, 0]);
      expect(points[4]).toBeGreaterThan(0);
    });

    it('gives quantiles of histograms of both kinds, one or several', async () => {
      const latency = metric('request_seconds');
      const median = metricsql.latencyQuantiles(latency, 0.5, { by });
      expect(await values(median)).toEqual({ shop: 0.1, slow: 0.3 });
      const several = metricsql.latencyQuantiles(latency.where({ service: 'shop' }), [0.5, 0.75, 1], { by });
      expect(await values(several, 'quantile')).toEqual({ '0.5': 0.1, '0.75': 0.3, '1': 0.5 });
      const ranges = metricsql.latencyQuantiles(metric('vm_seconds'), [0.25, 1], { by });
      expect(await values(ranges, 'quantile')).toEqual({ '0.25': 0.1068, '1': 1 });
      expect(await values(metricsql.latencyQuantiles(metric('absent_seconds'), 0.5, { by }))).toEqual({});
    });

    it('gives the mean duration, and traffic times latency', async () => {
      const latency = metric('request_seconds');
      expect(await values(metricsql.meanDuration(latency, { by }))).toEqual({ shop: 0.2 });
      const product = metricsql
        .requestRate(requests, { by })
        .op('*', metricsql.latencyQuantiles(latency, 0.75, { by }), { on: by });
      expect(await values(product)).toEqual({ shop: 0.75 });
    });

    it('gives the slowest', async () => {
      const slowest = metricsql.topk(1, metricsql.latencyQuantiles(metric('request_seconds'), 0.5, { by }));
      expect(await values(slowest)).toEqual({ slow: 0.3 });
      const fastest = metricsql.bottomk(1, metricsql.latencyQuantiles(metric('request_seconds'), 0.5, { by }));
      expect(await values(fastest)).toEqual({ shop: 0.1 });
    });
  });

  describe('nodes', () => {
    const nodes = { instance: NODE.instance };

    it('gives what an instance uses', async () => {
      const used = async (query: Expression) => values(query, 'instance');
      expect(await used(metricsql.cpuUtilization({ nodes }))).toEqual({ 'node-1:9100': 0.5 });
      expect(await used(metricsql.cpuUtilization())).toEqual({ 'node-1:9100': 0.5, 'node-2:9100': 0.1 });
      expect(await used(metricsql.memoryUtilization({ nodes }))).toEqual({ 'node-1:9100': 0.75 });
      expect(await used(metricsql.diskUtilization({ nodes }))).toEqual({ 'node-1:9100': 0.4 });
      expect(await used(metricsql.diskThroughput({ nodes, window: '2m' }))).toEqual({ 'node-1:9100': 750 });
    });
  });

  describe('a past', () => {
    it('is prolonged by a straight line', async () => {
      const now = 1000 + (2 * (END - START)) / SECOND;
      expect(await values(metricsql.predictLinear(metric('filling_bytes').over('10m'), '1h'))).toEqual({
        '': now + 7200,
      });
    });

    it('tells what is out of the ordinary', async () => {
      const score = metricsql.anomalyScore(metric('spiky'), { window: '20m' });
      expect(await values(score, 'kind')).toEqual({
        spike: expect.closeTo(88 / 1.4826, 6),
        calm: expect.closeTo(2 / 1.4826, 6),
        'flat spike': Infinity,
      });
      const spikes = metricsql.anomalyScore(metric('spiky'), { window: '20m', step: '15s' }).op('>', 3);
      expect(Object.keys(await values(spikes, 'kind')).sort()).toEqual(['flat spike', 'spike']);
    });

    it('tells what moves together', async () => {
      const window = '20m';
      const query = metricsql.correlation(metric('traffic'), metric('latency'), {
        window,
        step: '15s',
        on: ['service'],
      });
      const seen = 20 * 4 + 1;
      const expected = pearson(TRAFFIC.slice(-seen), LATENCY.slice(-seen));
      const found = await values(query);
      expect(Object.keys(found).sort()).toEqual(['opposite', 'shop']);
      expect(found.opposite).toBeCloseTo(-1, 9);
      expect(Math.abs(found.shop! - expected)).toBeLessThan(0.02);
      expect(expected).toBeGreaterThan(0.3);
      expect(expected).toBeLessThan(0.95);
      const itself = metric('traffic', { service: 'shop' });
      expect(await values(metricsql.correlation(itself, itself, { window, step: '15s' }))).toEqual({ shop: 1 });
    });

    it('is rolled up', async () => {
      const load = metric('load', { instance: 'a' });
      const of = async (name: metricsql.Rollup) => (await vector(metricsql.rollup(name, load.over('10m'))))[0]!.value;
      expect(await of('max_over_time')).toBe(9);
      expect(await of('min_over_time')).toBe(3);
      expect(await of('avg_over_time')).toBeCloseTo((39 * 3 + 9) / 40, 9);
      const rates = metricsql.rollup('rollup_rate', metric('shop_requests_total', { service: 'cart' }).over('5m'));
      expect(await values(rates, 'rollup')).toEqual({ min: 4, max: 4, avg: 4 });
    });

    it('is calculated by a subquery', async () => {
      const total = metricsql.aggregate('sum', metric('load'));
      expect(await values(metricsql.rollup('max_over_time', total.over('10m', '15s')))).toEqual({ '': 18 });
      expect(await values(metricsql.rollup('max_over_time', total.over('2m', '15s')))).toEqual({ '': 12 });
      const sum = metric('load', { instance: 'b' }).op('+', metric('load', { instance: 'c' }), {
        ignoring: ['instance'],
      });
      expect(await values(metricsql.rollup('min_over_time', sum.over('2m', '1m')))).toEqual({ '': 9 });
    });
  });

  describe('composition', () => {
    it('joins two metrics', async () => {
      const matching = { on: ['instance'], groupLeft: ['version'] };
      const joined = metric('load').op('*', metric('build_info'), matching);
      expect(await values(joined, 'version')).toEqual({ '1.2': 3, '1.3': 5 });
      const reversed = metric('build_info').op('*', metric('load'), { on: ['instance'], groupRight: ['version'] });
      expect(await values(reversed, 'version')).toEqual({ '1.2': 3, '1.3': 5 });
      const loaded = metric('load').op('and', metric('build_info'), { on: ['instance'] });
      expect(await values(loaded, 'instance')).toEqual({ a: 3, b: 5 });
    });

    it('replaces labels', async () => {
      const replaced = metricsql.labelReplace(metric('node_memory_MemTotal_bytes'), {
        target: 'host',
        replacement: '$1 "\\\n$$',
        source: 'instance',
        pattern: '(.+):\\d+',
      });
      expect((await vector(replaced))[0]!.labels.host).toBe('node-1 "\\\n$');
    });

    it('knows every function that it names', async () => {
      const load = metric('load');
      for (const name of AGGREGATES) {
        expect([name, (await vector(metricsql.aggregate(name, load, { by: ['instance'] }))).length]).toEqual([
          name,
          name === 'zscore' ? 0 : 3,
        ]);
        await vector(metricsql.aggregate(name, load, { without: ['instance'] }));
        await vector(metricsql.aggregate(name, load));
      }
      for (const name of ROLLUPS) {
        expect([name, (await vector(metricsql.rollup(name, load.over('10m')))).length > 0]).toEqual([name, true]);
      }
    });

    it('calculates a composed expression as it was composed', async () => {
      const random = seeded(1);
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
      const OPERATORS = {
        '+': (a: number, b: number) => a + b,
        '-': (a: number, b: number) => a - b,
        '*': (a: number, b: number) => a * b,
        '/': (a: number, b: number) => a / b,
        '^': (a: number, b: number) => a ** b,
      };
      const one = metric('up', { instance: 'a' });
      const tree = (depth: number): { built: Expression; value: number } => {
        const number = pick([-3, -1, -0.5, 0.25, 1, 2, 1e-7, 1e21]);
        if (depth === 0) return { built: one.op('*', number), value: number };
        const [left, right] = [tree(depth - 1), tree(depth - 1)];
        const operator = pick(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]);
        const literal = random() < 0.3;
        return {
          built: left.built.op(operator, literal ? number : right.built),
          value: OPERATORS[operator](left.value, literal ? number : right.value),
        };
      };
      for (let i = 0; i < 150; i++) {
        const { built, value } = tree(1 + (i % 3));
        const [found] = await vector(built);
        if (Number.isNaN(value)) expect([String(built), found]).toEqual([String(built), undefined]);
        else if (!Number.isFinite(value) || value === 0)
          expect([String(built), found?.value]).toEqual([String(built), value + 0]);
        else expect([String(built), Math.abs(found!.value / value - 1) < 1e-9]).toEqual([String(built), true]);
      }
    });

    it('puts values into a template', async () => {
      const load = metric('load', { instance: oneOf('b', 'c') });
      expect(await values(expr`count_values("load", ${load})`, 'load')).toEqual({ '4': 1, '5': 1 });
      expect(await values(expr`2 * ${load.op('+', 1)} > ${10}`, 'instance')).toEqual({ b: 12 });
      expect(await values(expr`rate({__name__=${'shop_requests_total'}, service=${'cart'}}[5m])`)).toEqual({ cart: 4 });
      expect(await values(expr`2 + ${1}`.op('*', 2), '')).toEqual({ '': 6 });
    });
  });

  describe('what a caller gives', () => {
    const random = seeded(20);
    const ALPHABET = [
      ...Array.from('"\'`\\{}()[],=~!#$%|.*+?^ \n\r\t\0\u007fabnux01üß€中\u2028\ufeff\ufffd'),
      '😀',
      '"} or {x!="',
      '\\"',
      '$__interval',
      '"+"',
      '"#',
    ];
    const text = () =>
      Array.from(
        { length: 1 + Math.floor(random() * 12) },
        () => ALPHABET[Math.floor(random() * ALPHABET.length)]!,
      ).join('');
    const TEXTS = [...new Set(Array.from({ length: 300 }, text))];

    beforeAll(async () => {
      await client.remoteWrite(
        TEXTS.map((v, i) => ({
          labels: { __name__: 'fuzz', v, i: String(i) },
          samples: [{ timestamp: END, value: i }],
        })),
      );
      await flush(stack);
    });

    /** The numbers of the series that a selector finds. */
    async function found(selector: Expression): Promise<number[]> {
      return (await vector(selector)).map(({ value }) => value).sort((a, b) => a - b);
    }

    it('is the very value of a label', async () => {
      expect(TEXTS.length).toBeGreaterThan(290);
      for (const [i, v] of TEXTS.entries()) {
        const [series, ...more] = await vector(metric('fuzz', { v }));
        expect([more, series?.labels]).toEqual([[], { __name__: 'fuzz', v, i: String(i) }]);
      }
    });

    it('is the very value in each kind of condition', async () => {
      const all = TEXTS.map((_, i) => i);
      for (let i = 0; i < TEXTS.length; i += 10) {
        const some = TEXTS.slice(i, i + 3);
        const own = [i, i + 1, i + 2].filter((n) => n < TEXTS.length);
        const others = all.filter((n) => !own.includes(n));
        expect(await found(metric('fuzz', { v: oneOf(...some) }))).toEqual(own);
        expect(await found(metric('fuzz', { v: metricsql.noneOf(...some) }))).toEqual(others);
        expect(await found(metric('fuzz', { v: some.map(not) }))).toEqual(others);
        const prefix = some[0]!.slice(0, some[0]!.codePointAt(0)! > 0xffff ? 2 : 1);
        const same = all.filter((n) => TEXTS[n]!.startsWith(prefix));
        expect(await found(metric('fuzz', { v: startingWith(prefix) }))).toEqual(same);
      }
    });

    it('is the very value in a template and in an argument', async () => {
      for (const [i, v] of TEXTS.slice(0, 60).entries()) {
        expect(await found(expr`fuzz{v=${v}}`)).toEqual([i]);
        const replaced = metricsql.labelReplace(metric('fuzz', { v }), {
          target: 'copy',
          replacement: v.replaceAll('$', '$$$$'),
          source: 'i',
          pattern: '.*',
        });
        expect((await vector(replaced))[0]!.labels.copy).toBe(v);
      }
    });

    it('is the very name of a metric or a label', async () => {
      const KEYWORDS = [
        ...['inf', 'NaN', 'Inf', 'by', 'without', 'on', 'ignoring', 'group_left', 'offset', 'with', 'WITH', 'bool'],
        ...[
          'and',
          'or',
          'unless',
          'if',
          'ifnot',
          'default',
          'atan2',
          'limit',
          'keep_metric_names',
          'fill',
          'fill_left',
        ],
        ...['ru', 'ttf', 'alias', 'range_median', 'count_values', 'histogram', 'prefix', 'e', 'x0', '_', ':', 'sum:a'],
        ...AGGREGATES,
        ...ROLLUPS,
      ];
      const names = [...KEYWORDS, 'http.server.duration', '1st', 'ü', ...TEXTS.slice(0, 40)].filter(
        (name, i, list) => list.indexOf(name) === i,
      );
      const labelNames = ['or', 'by', 'service.name', 'k8s.pod/uid', 'a:b', 'ru', 'offset'];
      const lines = names.map((name, i) =>
        JSON.stringify({
          metric: { __name__: name, ...Object.fromEntries(labelNames.map((label) => [label, `${i}`])) },
          values: [i],
          timestamps: [END],
        }),
      );
      const imported = await fetch(`${client.writeUrl!}/api/v1/import`, { method: 'POST', body: lines.join('\n') });
      expect(imported.status).toBe(204);
      await flush(stack);
      for (const [i, name] of names.entries()) {
        const label = labelNames[i % labelNames.length]!;
        expect([name, await found(metric(name, { [label]: not('') }))]).toEqual([name, [i]]);
        // Alone, before each kind of word that may follow, and after an operator.
        expect([name, await found(metric(name).op('if', metric(name)).op('+', 0))]).toEqual([name, [i]]);
        expect([name, await found(metric('up', { job: 'web' }).op('*', metric(name), { on: [] }))]).toEqual([
          name,
          [i],
        ]);
        expect([name, await found(metricsql.rollup('last_over_time', metric(name).over('5m')))]).toEqual([name, [i]]);
        const [grouped] = await vector(metricsql.aggregate('max', metric(name), { by: [label] }));
        expect(grouped).toMatchObject({ labels: { [label]: `${i}` }, value: i });
      }
    });
  });

  describe('RegistryPusher', () => {
    function registryOf(contentType: RegistryContentType, prefix: string): Registry<RegistryContentType> {
      const registry = new Registry<RegistryContentType>();
      registry.setContentType(contentType);
      registry.setDefaultLabels({ instance: 'pod-1', job: 'shop "\\\n' });
      const registers = [registry];
      const enableExemplars = contentType.includes('openmetrics');
      const requests = new Counter({
        name: `${prefix}_requests_total`,
        help: 'h',
        labelNames: ['path', 'code'],
        registers,
        enableExemplars,
      });
      const temperature = new Gauge({ name: `${prefix}_temperature`, help: 'h', labelNames: ['job'], registers });
      const seconds = new Histogram({
        name: `${prefix}_seconds`,
        help: 'h',
        buckets: [0.1, 1],
        registers,
        labelNames: ['path'],
      });
      const sizes = new Summary({ name: `${prefix}_bytes`, help: 'h', percentiles: [0.5], registers });
      if (enableExemplars) requests.inc({ labels: { path: '/a', code: 200 }, value: 3, exemplarLabels: { path: 'x' } });
      else requests.inc({ path: '/a', code: 200 }, 3);
      temperature.set({ job: 'own' }, -0.375);
      for (const [i, value] of [0.05, 0.5, 5].entries()) seconds.observe({ path: i === 0 ? '/a' : '/b"\\\n' }, value);
      sizes.observe(12);
      return registry;
    }

    it.each(['text', 'remote-write'] as const)('pushes what the registry has, by %s', async (protocol) => {
      for (const [format, contentType] of [
        ['prometheus', Registry.PROMETHEUS_CONTENT_TYPE],
        ['openmetrics', Registry.OPENMETRICS_CONTENT_TYPE],
      ] as const) {
        const prefix = `pushed_${format}_${protocol.replace('-', '_')}`;
        const registry = registryOf(contentType, prefix);
        const clock = { now: () => END, after: () => () => undefined };
        const dropped = await droppedSamples(stack);
        const pusher =
          protocol === 'text'
            ? new RegistryPusher({ registry, client, clock })
            : new RegistryPusher({ registry, client, clock, protocol });
        await pusher.push();
        await flush(stack);
        // As prom-client writes it, read by this test.
        const expected = (await registry.metrics())
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'))
          .map((line) => line.replace(/ # .*/, ''))
          .sort();
        const stored = await vector(metric(startingWith(prefix)));
        const escape = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
        const lines = stored.map(({ labels: { __name__: name, ...labels }, value }) => {
          const order = Object.keys(labels).sort();
          return `${name!}{${order.map((label) => `${label}="${escape(labels[label]!)}"`).join(',')}} ${value}`;
        });
        const sorted = (line: string) =>
          line.replace(
            /\{(.*)\}/s,
            (_, labels: string) =>
              `{${labels
                .split(/,(?=[a-z]+=")/)
                .sort()
                .join(',')}}`,
          );
        expect(lines.map(sorted).sort()).toEqual(expected.map(sorted).sort());
        expect(stored.every(({ timestamp }) => timestamp === END)).toBe(true);
        expect(stored).toHaveLength(1 + 1 + 2 * 5 + 3);
        expect(pusher.stats).toEqual({ succeeded: 1, failed: 0, skipped: 0 });
        expect(await droppedSamples(stack)).toBe(dropped);
        await pusher.close();
      }
    });
  });

  describe('IntervalAggregator', () => {
    it('loses nothing between the first event and the last, as the server sees it', async () => {
      let now = END - 10 * STEP;
      const clock = { now: () => now, after: () => () => undefined };
      const aggregator = new IntervalAggregator({
        emit: (series) => client.remoteWrite(series),
        clock,
        buckets: { aggregated_seconds: [0.25, 1] },
      });
      const sampler = Sampler.everyNth(4);
      const labels = { __name__: 'aggregated_total', service: 'shop' };
      for (let interval = 0; interval < 10; interval++) {
        for (let event = 0; event < 100; event++) {
          aggregator.count(labels, 0.5);
          const weight = sampler.sample();
          if (weight > 0) aggregator.observe({ __name__: 'aggregated_seconds' }, 0.5, weight);
        }
        aggregator.gauge({ __name__: 'aggregated_queue' }, interval, 'max');
        aggregator.gauge({ __name__: 'aggregated_queue' }, -1, 'max');
        now += STEP;
        await aggregator.flush();
      }
      await flush(stack);
      const increase = (name: string) => values(metricsql.rollup('increase', metric(name).over('10m')), '');
      expect(await increase('aggregated_total')).toEqual({ '': 500 });
      expect(await increase('aggregated_seconds_count')).toEqual({ '': 1000 });
      expect(await increase('aggregated_seconds_sum')).toEqual({ '': 500 });
      const median = metricsql.latencyQuantiles(metric('aggregated_seconds'), 0.5, { window: '3m' });
      expect(await values(median, '')).toEqual({ '': 0.625 });
      expect(await values(metricsql.rollup('sum_over_time', metric('aggregated_queue').over('10m')), '')).toEqual({
        '': 45,
      });
      await aggregator.close();
    });
  });
});

import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { InvalidArgumentError, LabelSet, type Labels, type TimeSeries } from '../../src/client';
import {
  CardinalityLimiter,
  IntervalAggregator,
  LabelSetCache,
  PathNormalizer,
  RegistryPusher,
  Sampler,
  type IntervalAggregatorOptions,
  type RegistryMetric,
} from '../../src/client/producer';
import type { Clock } from '../../src/client/clock';

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

/** Stands still until it is told to go on. */
class FakeClock implements Clock {
  time: number;
  #timers: { at: number; callback: () => void }[] = [];

  constructor(time = 1_000_000) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.time + delay, callback };
    this.#timers.push(timer);
    return () => this.#forget(timer);
  }

  #forget(timer: object): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Timers go on as they would have. */
  setBack(milliseconds: number): void {
    this.time -= milliseconds;
    for (const timer of this.#timers) timer.at -= milliseconds;
  }

  /** Calls back what is due, each at its time, and lets what it began go as far as it can. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#forget(due);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets all promises that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise that the test settles. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

describe('CardinalityLimiter', () => {
  it('lets the first values pass and puts the others together', () => {
    const limiter = new CardinalityLimiter({ maxValues: { method: 2, path: 3 } });
    const out = ['a', 'b', 'c', 'd', 'a', 'e'].map((path) => limiter.limit({ method: 'GET', path }).path);
    expect(out).toEqual(['a', 'b', 'c', 'overflow', 'a', 'overflow']);
    expect(limiter.stats).toEqual({
      values: { method: 1, path: 3 },
      overflowedValues: { method: 0, path: 2 },
      series: 4,
      overflowedSeries: 0,
      truncated: 0,
    });
  });

  it('hashes the others into so many values, the same in each process', () => {
    const values = () => {
      const limiter = new CardinalityLimiter({ maxValues: { user: 1 }, overflowBuckets: 8 });
      return Array.from({ length: 1000 }, (_, i) => limiter.limit({ user: `user-${i}` }).user);
    };
    const [first, ...others] = values();
    expect(first).toBe('user-0');
    const counts = new Map<string, number>();
    for (const value of others) counts.set(value, (counts.get(value) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual(Array.from({ length: 8 }, (_, i) => `overflow_${i}`));
    for (const count of counts.values()) expect(count).toBeGreaterThan(999 / 8 / 2);
    expect(values()).toEqual([first, ...others]);
    expect(others.slice(0, 3)).toEqual(['overflow_7', 'overflow_7', 'overflow_3']);
  });

  it('bounds combinations as well', () => {
    const limiter = new CardinalityLimiter({ maxValues: { a: 10, b: 10 }, maxSeries: 5 });
    for (let a = 0; a < 5; a++) expect(limiter.limit({ a: `${a}`, b: '0' })).toEqual({ a: `${a}`, b: '0' });
    expect(limiter.limit({ a: '0', b: '1' })).toEqual({ a: 'overflow', b: 'overflow' });
    expect(limiter.limit({ b: '0', a: '4' })).toEqual({ a: '4', b: '0' });
    expect(limiter.stats).toMatchObject({ series: 5, overflowedSeries: 1 });
  });

  it('cuts long values, never within a character', () => {
    const limiter = new CardinalityLimiter({ maxValues: { a: 10 }, maxValueLength: 4 });
    expect(limiter.limit({ a: 'abcd' }).a).toBe('abcd');
    expect(limiter.limit({ a: 'abcde' }).a).toBe('abcd');
    expect(limiter.limit({ a: 'abc😀' }).a).toBe('abc');
    expect(limiter.limit({ a: 'ab😀c' }).a).toBe('ab😀');
    expect(limiter.stats).toMatchObject({ truncated: 3, values: { a: 3 } });
  });

  it.each([1, 2, 3, 4, 5])('never exceeds its bounds (seed %d)', (seed) => {
    const random = seeded(seed);
    const up = (to: number) => 1 + Math.floor(random() * to);
    const maxValues = { a: up(20), b: up(20), c: up(20) };
    const [maxSeries, overflowBuckets] = [up(100), up(4)];
    const limiter = new CardinalityLimiter({ maxValues, maxSeries, overflowBuckets, maxValueLength: 6 });
    const seen = { a: new Set<string>(), b: new Set<string>(), c: new Set<string>(), series: new Set<string>() };
    for (let i = 0; i < 5000; i++) {
      const value = () => `${'x'.repeat(up(4))}${Math.floor(random() ** 2 * 1000)}`;
      const out = limiter.limit({ a: value(), b: value(), c: value() });
      for (const label of ['a', 'b', 'c'] as const) seen[label].add(out[label]);
      seen.series.add(JSON.stringify(out));
    }
    for (const label of ['a', 'b', 'c'] as const) {
      expect(seen[label].size).toBeLessThanOrEqual(maxValues[label] + overflowBuckets);
      expect(limiter.stats.values[label]).toBeLessThanOrEqual(maxValues[label]);
    }
    expect(seen.series.size).toBeLessThanOrEqual(maxSeries + overflowBuckets);
    expect(limiter.stats.series).toBeLessThanOrEqual(maxSeries);
    const { overflowedSeries, overflowedValues } = limiter.stats;
    expect(overflowedSeries + overflowedValues.a).toBeGreaterThan(0);
  });

  it.each<[() => unknown, string]>([
    [
      () => new CardinalityLimiter({ maxValues: { a: 0 } }),
      'maxValues.a: 0 is not a count; give a whole number of 1 or more',
    ],
    [
      () => new CardinalityLimiter({ maxValues: { a: 1 }, maxSeries: 1.5 }),
      'maxSeries: 1.5 is not a count; give a whole number of 1 or more',
    ],
    [
      // @ts-expect-error a label without a limit
      () => new CardinalityLimiter({ maxValues: { a: 1 } }).limit({ a: 'x', b: 'y' }),
      'labels.b: has no limit; add it to maxValues or leave it out',
    ],
    [
      // @ts-expect-error a missing label
      () => new CardinalityLimiter({ maxValues: { a: 1 } }).limit({}),
      'labels.a: undefined is a undefined; give a string',
    ],
  ])('refuses what it cannot bound %#', (make, message) => {
    expect(refusal(make)).toBe(message);
  });
});

describe('PathNormalizer', () => {
  const normalizer = new PathNormalizer();

  it.each([
    ['/api/users/123', '/api/users/:id'],
    ['/api/users/123/orders/456?page=2&q=/a/7', '/api/users/:id/orders/:id'],
    ['https://shop.example.com:8080/api/users/123#top', '/api/users/:id'],
    ['http://shop.example.com', '/'],
    ['/', '/'],
    ['', '/'],
    ['//a///b/', '/a/b'],
    ['users/1', '/users/:id'],
    ['/a;jsessionid=0F3B9/b;x=1', '/a/b'],
    ['/report/2024-01-31', '/report/:id'],
    ['/items/1,2,3', '/items/:id'],
    ['/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x', '/u/:uuid/x'],
    ['/u/%7B3F2504E0-4F89-11D3-9A0C-0305E82C3301%7D', '/u/:uuid'],
    ['/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709', '/commit/:hex'],
    ['/commit/3ee5e6b4', '/commit/:hex'],
    ['/mem/0xdeadbeef', '/mem/:hex'],
    ['/o/507f1f77bcf86cd799439011', '/o/:hex'],
    ['/s/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/s/:token'],
    ['/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.sig', '/t/:token'],
    ['/t/V1StGXR8_Z5jdHi6B-myT', '/t/:token'],
    [`/t/${'x'.repeat(65)}`, '/t/:token'],
    ['/%31%32%33', '/:id'],
    ['/api/v1/query_range', '/api/v1/query_range'],
    ['/api/1.0/deadbeef/facade', '/api/1.0/deadbeef/facade'],
    ['/settings/notification-preferences', '/settings/notification-preferences'],
    ['/caf%C3%A9/%ZZ', '/caf%C3%A9/%ZZ'],
  ])('%s becomes %s', (path, normalized) => {
    expect(normalizer.normalize(path)).toBe(normalized);
    expect(normalizer.normalize(normalized)).toBe(normalized);
  });

  it('takes rules, which come first', () => {
    const own = new PathNormalizer({
      rules: [
        { pattern: /^ORD-\d+$/g, placeholder: ':order' },
        { pattern: /^2024$/, placeholder: '2024' },
        { pattern: /@/y, placeholder: ':email' },
      ],
    });
    // Twice: a pattern with g must not remember.
    for (let i = 0; i < 2; i++) {
      expect(own.normalize('/orders/ORD-17/2024/2025/a%40b.c')).toBe('/orders/:order/2024/:id/:email');
    }
    expect(refusal(() => new PathNormalizer({ rules: [{ pattern: /x/, placeholder: ':a/b' }] }))).toBe(
      `rules[0].placeholder: ":a/b" is no segment of a path; give one such as ':order'`,
    );
  });

  it('is quick with hostile paths', () => {
    const started = process.hrtime.bigint();
    for (const path of [
      '/'.repeat(100_000),
      `/${'1,'.repeat(50_000)}`,
      `/${'a'.repeat(100_000)}`,
      `/${'1-'.repeat(50_000)}x`,
    ]) {
      expect(normalizer.normalize(path).length).toBeLessThan(20);
    }
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(500);
  });
});

describe('LabelSetCache', () => {
  it('gives the same set for the same labels, in any order', () => {
    const cache = new LabelSetCache();
    const set = cache.get({ __name__: 'up', job: 'a', zone: '' });
    expect(set).toBeInstanceOf(LabelSet);
    expect(cache.get({ job: 'a', __name__: 'up' })).toBe(set);
    expect(cache.get({ job: 'b', __name__: 'up' })).not.toBe(set);
    expect(cache.get({ job: 'a', __name__: 'up', x: '1' })).not.toBe(set);
    expect(cache.stats).toEqual({ size: 3, hits: 1, misses: 3 });
  });

  it('tells apart labels that look alike when they are joined', () => {
    const cache = new LabelSetCache();
    const labels: Labels[] = [
      { __name__: 'up', a: '1,1,b', b: '2' },
      { __name__: 'up', a: '1', b: '1,b2' },
      { __name__: 'up', a: 'b', ab: '' },
      { __name__: 'up', ab: 'b' },
      { __name__: 'up', a: '1,b,2' },
      { __name__: 'up', a: '1', b: '2' },
    ];
    expect(new Set(labels.map((each) => cache.get(each))).size).toBe(6);
  });

  it('forgets what was used longest ago', () => {
    const cache = new LabelSetCache({ maxSize: 2 });
    const of = (job: string) => cache.get({ __name__: 'up', job });
    const [a, b] = [of('a'), of('b')];
    expect(of('a')).toBe(a);
    of('c');
    expect(of('a')).toBe(a);
    expect(of('b')).not.toBe(b);
    expect(cache.stats.size).toBe(2);
  });

  it('refuses labels of no series, each time', () => {
    const cache = new LabelSetCache();
    for (let i = 0; i < 2; i++) {
      expect(refusal(() => cache.get({ job: 'a' }))).toMatch(/^labels: no metric name/);
      expect(refusal(() => cache.get({ __name__: 'up', job: 1 as unknown as string }))).toMatch(
        /^labels.job: 1 is a number/,
      );
    }
    expect(cache.stats).toMatchObject({ size: 0, misses: 0 });
  });
});

describe('Sampler', () => {
  it.each([0.01, 0.1, 0.5, 0.9, 1])('keeps the sum with the probability %d', (probability) => {
    const sampler = Sampler.probability(probability, { random: seeded(3) });
    const events = 200_000;
    const values = seeded(4);
    let [recorded, count, sum, total] = [0, 0, 0, 0];
    for (let i = 0; i < events; i++) {
      const value = values();
      total += value;
      const weight = sampler.sample();
      if (weight > 0) recorded++;
      if (weight > 0 && weight !== 1 / probability) throw new Error(`the weight is ${weight}`);
      count += weight;
      sum += weight * value;
    }
    // Five standard deviations.
    const bound = 5 * Math.sqrt((events * (1 - probability)) / probability);
    expect(Math.abs(count - events)).toBeLessThanOrEqual(bound);
    expect(Math.abs(sum - total)).toBeLessThanOrEqual(bound);
    expect(Math.abs(recorded - events * probability)).toBeLessThanOrEqual(bound * probability);
  });

  it.each([1, 2, 7, 100])('records every %d-th', (n) => {
    const sampler = Sampler.everyNth(n);
    let weight = 0;
    for (let events = 1; events <= 1000; events++) {
      const own = sampler.sample();
      expect(own).toBe(events % n === 0 ? n : 0);
      weight += own;
      expect(events - weight).toBeGreaterThanOrEqual(0);
      expect(events - weight).toBeLessThan(n);
    }
  });

  it.each([0, -1, 1.1, NaN])('refuses the probability %d', (probability) => {
    expect(refusal(() => Sampler.probability(probability))).toBe(
      `probability: ${probability} is none; give a number above 0 and up to 1`,
    );
  });
});

interface Aggregation {
  readonly aggregator: IntervalAggregator;
  readonly clock: FakeClock;
  readonly emitted: TimeSeries[][];
}

function aggregation(options: Partial<IntervalAggregatorOptions> = {}): Aggregation {
  const clock = new FakeClock();
  const emitted: TimeSeries[][] = [];
  const aggregator = new IntervalAggregator({
    emit: (series) => {
      emitted.push(series);
    },
    interval: 10_000,
    clock,
    ...options,
  });
  return { aggregator, clock, emitted };
}

/** `name{labels} value@time value@time`, times since the start of the clock. */
function lines(series: readonly TimeSeries[]): string[] {
  return series.map(({ labels, samples }) => {
    const { __name__: name, ...others } = labels instanceof LabelSet ? labels.labels : labels;
    const points = samples.map(({ timestamp, value }) => `${value}@${timestamp - 1_000_000}`).join(' ');
    return `${name!}${JSON.stringify(others)} ${points}`;
  });
}

describe('IntervalAggregator', () => {
  it('sums counters, from a zero at the start of the interval on', async () => {
    const { aggregator, clock, emitted } = aggregation();
    aggregator.count({ __name__: 'a', x: '1' }, 2);
    aggregator.count({ x: '1', __name__: 'a' }, 0.5);
    aggregator.count(LabelSet.of({ __name__: 'a', x: '1' }));
    await clock.advance(10_000);
    aggregator.count({ __name__: 'b' });
    await clock.advance(10_000);
    expect(emitted.map(lines)).toEqual([['a{"x":"1"} 0@0 3.5@10000'], ['a{"x":"1"} 3.5@20000', 'b{} 0@10000 1@20000']]);
    await aggregator.close();
    expect(clock.timers).toBe(0);
  });

  it('keeps the last, lowest or highest value of gauges', async () => {
    const { aggregator, clock, emitted } = aggregation();
    for (const value of [5, -3, 2]) {
      aggregator.gauge({ __name__: 'last' }, value);
      aggregator.gauge({ __name__: 'min' }, value, 'min');
      aggregator.gauge({ __name__: 'max' }, value, 'max');
    }
    await clock.advance(10_000);
    aggregator.gauge({ __name__: 'max' }, 1, 'max');
    await clock.advance(10_000);
    expect(emitted.map(lines)).toEqual([
      ['last{} 2@10000', 'min{} -3@10000', 'max{} 5@10000'],
      ['last{} 2@20000', 'max{} 1@20000'],
    ]);
  });

  it('fills and merges histograms', async () => {
    const { aggregator, clock, emitted } = aggregation({ buckets: { h: [1, 2.5] } });
    const labels = { __name__: 'h', x: '1' };
    aggregator.observe(labels, 1);
    aggregator.observe(labels, 2, 10);
    aggregator.merge(labels, { counts: [1, 0, 2], sum: 100 });
    await clock.advance(10_000);
    expect(emitted.map(lines)).toEqual([
      [
        'h_bucket{"le":"1","x":"1"} 0@0 2@10000',
        'h_bucket{"le":"2.5","x":"1"} 0@0 12@10000',
        'h_bucket{"le":"+Inf","x":"1"} 0@0 14@10000',
        'h_sum{"x":"1"} 0@0 121@10000',
        'h_count{"x":"1"} 0@0 14@10000',
      ],
    ]);
  });

  it('writes what it has when it is closed, and no more', async () => {
    const { aggregator, clock, emitted } = aggregation();
    await clock.advance(25_000);
    expect(emitted).toEqual([]);
    aggregator.count({ __name__: 'a' });
    await aggregator.close();
    expect(emitted.map(lines)).toEqual([['a{} 0@20000 1@25000']]);
    await aggregator.close();
    await clock.advance(60_000);
    expect(emitted).toHaveLength(1);
    await expect(aggregator.flush()).rejects.toThrow('closed: it does nothing any more');
    expect(aggregator.stats).toEqual({ succeeded: 3, failed: 0, skipped: 0, series: 1, dropped: 0 });
  });

  it('has later times only, also when the clock does not go on or goes back', async () => {
    const { aggregator, clock, emitted } = aggregation();
    aggregator.count({ __name__: 'a' });
    await aggregator.flush();
    await aggregator.flush();
    clock.time -= 5000;
    await aggregator.flush();
    expect(emitted.map(lines)).toEqual([['a{} 0@-1 1@0'], ['a{} 1@1'], ['a{} 1@2']]);
  });

  it('follows a clock that was wrong before, at its interval', async () => {
    const { aggregator, clock, emitted } = aggregation();
    aggregator.count({ __name__: 'a' });
    await clock.advance(10_000);
    aggregator.count({ __name__: 'b' });
    clock.setBack(3_600_000);
    await clock.advance(10_000);
    await clock.advance(10_000);
    expect(emitted.map(lines)).toEqual([
      ['a{} 0@0 1@10000'],
      ['a{} 1@-3580000', 'b{} 0@-3580001 1@-3580000'],
      ['a{} 1@-3570000', 'b{} 1@-3570000'],
    ]);
    await aggregator.close();
  });

  it('does not hurry when its clock is set back by more than a timer can wait', async () => {
    const { aggregator, clock, emitted } = aggregation();
    aggregator.gauge({ __name__: 'a' }, 1);
    clock.setBack(40 * 86_400_000);
    await clock.advance(35_000);
    expect(emitted).toHaveLength(3);
    await aggregator.close();
  });

  it('makes up for a write that failed', async () => {
    const errors: unknown[] = [];
    const emitted: TimeSeries[][] = [];
    let failing = true;
    const { aggregator, clock } = aggregation({
      emit: (series) => {
        if (failing) throw new Error('away');
        emitted.push(series);
      },
      onError: (error) => errors.push(error),
    });
    aggregator.count({ __name__: 'a' }, 3);
    aggregator.gauge({ __name__: 'max' }, 7, 'max');
    aggregator.gauge({ __name__: 'last' }, 7);
    await clock.advance(10_000);
    aggregator.count({ __name__: 'a' }, 4);
    aggregator.gauge({ __name__: 'max' }, 5, 'max');
    aggregator.gauge({ __name__: 'last' }, 5);
    failing = false;
    await clock.advance(10_000);
    expect(emitted.map(lines)).toEqual([['a{} 0@0 7@20000', 'max{} 7@20000', 'last{} 5@20000']]);
    expect(errors).toEqual([new Error('away')]);
    expect(aggregator.stats).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it('drops what would exceed its bound, and counts it', async () => {
    const { aggregator, clock, emitted } = aggregation({ maxSeries: 3, buckets: { h: [1] } });
    expect(aggregator.count({ __name__: 'a' })).toBe(true);
    expect(aggregator.observe({ __name__: 'h' }, 1)).toBe(false);
    expect(aggregator.count({ __name__: 'b' })).toBe(true);
    expect(aggregator.gauge({ __name__: 'c' }, 1)).toBe(true);
    expect(aggregator.gauge({ __name__: 'd' }, 1)).toBe(false);
    expect(aggregator.count({ __name__: 'a' })).toBe(true);
    expect(aggregator.stats).toMatchObject({ series: 3, dropped: 2 });
    await clock.advance(10_000);
    expect(emitted[0]).toHaveLength(3);
  });

  it.each([1, 2, 3])('preserves sums, whatever comes when and fails (seed %d)', async (seed) => {
    const random = seeded(seed);
    const received = new Map<string, number>();
    const times = new Map<string, number>();
    const { aggregator, clock } = aggregation({
      buckets: { h: [1, 2, 4] },
      emit: async (series) => {
        await settle();
        if (random() < 0.3) throw new Error('away');
        for (const { labels, samples } of series) {
          const key = JSON.stringify((labels as LabelSet).labels);
          for (const { timestamp, value } of samples) {
            expect(timestamp).toBeGreaterThan(times.get(key) ?? -Infinity);
            expect(value).toBeGreaterThanOrEqual(received.get(key) ?? 0);
            times.set(key, timestamp);
            received.set(key, value as number);
          }
        }
      },
    });
    const expected = new Map<string, number>();
    const add = (labels: Record<string, string>, amount: number) => {
      const key = JSON.stringify(LabelSet.of(labels).labels);
      expected.set(key, (expected.get(key) ?? 0) + amount);
    };
    for (let i = 0; i < 3000; i++) {
      const service = String(Math.floor(random() * 5));
      // Sums of eighths are exact.
      const value = Math.floor(random() * 40) / 8;
      if (random() < 0.5) {
        aggregator.count({ __name__: 'c', service }, value);
        add({ __name__: 'c', service }, value);
      } else {
        const weight = 1 + Math.floor(random() * 3);
        if (random() < 0.8) aggregator.observe({ __name__: 'h', service }, value, weight);
        else {
          const counts = [0, 0, 0, 0];
          counts[[1, 2, 4, Infinity].findIndex((bound) => value <= bound)] = weight;
          aggregator.merge({ __name__: 'h', service }, { counts, sum: value * weight });
        }
        for (const bound of [1, 2, 4, Infinity]) {
          const le = bound === Infinity ? '+Inf' : String(bound);
          add({ __name__: 'h_bucket', service, le }, value <= bound ? weight : 0);
        }
        add({ __name__: 'h_sum', service }, value * weight);
        add({ __name__: 'h_count', service }, weight);
      }
      if (random() < 0.02) await clock.advance(Math.floor(random() * 20_000));
    }
    // The last write may be one of those that fail.
    for (let failed = true; failed;)
      failed = await aggregator.flush().then(
        () => false,
        () => true,
      );
    expect(received).toEqual(expected);
    expect(aggregator.stats.failed).toBeGreaterThan(3);
  });

  it.each<[(aggregator: IntervalAggregator) => unknown, string]>([
    [(it) => it.count({ __name__: 'a' }, -1), 'amount: -1 is no number of 0 or more; give one'],
    [(it) => it.count({ __name__: 'a' }, NaN), 'amount: NaN is no number of 0 or more; give one'],
    [(it) => it.gauge({ __name__: 'a' }, NaN), 'value: NaN is no number; give one'],
    [(it) => it.observe({ __name__: 'a' }, Infinity), 'value: Infinity is no finite number; give one'],
    [(it) => it.observe({ __name__: 'a' }, 1, -1), 'weight: -1 is no number of 0 or more; give one'],
    [(it) => it.observe({ __name__: 'a', le: '1' }, 1), 'labels.le: it is the label of the buckets; leave it out'],
    [
      (it) => it.merge({ __name__: 'a' }, { counts: [1], sum: 1 }),
      'counts: 1 of them, but the histogram has 12 buckets; give one for each, infinity included',
    ],
    [(it) => it.merge({ __name__: 'a' }, { counts: [-1], sum: 1 }), 'counts: -1 is no number of 0 or more; give one'],
    [
      (it) => {
        it.count({ __name__: 'a', x: '1' });
        it.gauge({ __name__: 'a', x: '1' }, 1);
      },
      'labels: {"__name__":"a","x":"1"} is a counter, not a gauge of the last value',
    ],
    [() => aggregation({ buckets: { h: [1, 1] } }), 'buckets.h[1]: 1 is no finite number above the one before'],
    [
      () => aggregation({ interval: 0 }),
      'interval: 0 is not a time to wait; give milliseconds above 0 and up to 2147483647',
    ],
  ])('refuses what it cannot aggregate %#', (use, message) => {
    expect(refusal(() => use(aggregation().aggregator))).toBe(message);
  });
});

describe('RegistryPusher', () => {
  it('pushes text at each interval and a last time when it is closed', async () => {
    const clock = new FakeClock();
    const pushed: [unknown, unknown][] = [];
    let count = 0;
    const pusher = new RegistryPusher({
      registry: { metrics: () => `a ${++count}\n` },
      client: {
        importText: (text, options) => {
          pushed.push([text, options?.timestamp]);
          return Promise.resolve();
        },
      },
      interval: 15_000,
      clock,
    });
    await clock.advance(31_000);
    expect(pushed).toEqual([
      ['a 1\n', 1_015_000],
      ['a 2\n', 1_030_000],
    ]);
    await Promise.all([pusher.close(), pusher.close()]);
    expect(pushed.slice(2)).toEqual([['a 3\n', 1_031_000]]);
    await clock.advance(60_000);
    expect(pusher.stats).toEqual({ succeeded: 3, failed: 0, skipped: 0 });
    expect(clock.timers).toBe(0);
  });

  it('never has two pushes under way', async () => {
    const clock = new FakeClock();
    const pushes: ReturnType<typeof deferred>[] = [];
    const pusher = new RegistryPusher({
      registry: { metrics: () => 'a 1\n' },
      client: {
        importText: () => {
          pushes.push(deferred());
          return pushes.at(-1)!.promise;
        },
      },
      clock,
    });
    await clock.advance(50_000);
    expect(pushes).toHaveLength(1);
    expect(pusher.stats).toEqual({ succeeded: 0, failed: 0, skipped: 2 });
    const pushed = pusher.push();
    const closed = pusher.close();
    await settle();
    expect(pushes).toHaveLength(1);
    pushes[0]!.resolve();
    await settle();
    expect(pushes).toHaveLength(2);
    pushes[1]!.resolve();
    await pushed;
    await settle();
    expect(pushes).toHaveLength(3);
    pushes[2]!.resolve();
    await closed;
    expect(pusher.stats).toEqual({ succeeded: 3, failed: 0, skipped: 2 });
  });

  it('counts and reports failures, and goes on', async () => {
    const clock = new FakeClock();
    const errors: unknown[] = [];
    let failing = true;
    const pusher = new RegistryPusher({
      registry: {
        metrics: () => {
          if (failing) throw new Error('no metrics');
          return 'a 1\n';
        },
      },
      client: { importText: () => (clock.time < 1_040_000 ? Promise.reject(new Error('away')) : Promise.resolve()) },
      clock,
      onError: (error) => {
        errors.push(error);
        throw new Error('a bad listener');
      },
    });
    await clock.advance(15_000);
    failing = false;
    await clock.advance(30_000);
    expect(errors).toEqual([new Error('no metrics'), new Error('away')]);
    expect(pusher.stats).toEqual({ succeeded: 1, failed: 2, skipped: 0 });
    failing = true;
    await expect(pusher.push()).rejects.toThrow();
    await expect(pusher.close()).rejects.toThrow();
    expect(pusher.stats).toEqual({ succeeded: 1, failed: 4, skipped: 0 });
  });

  it('does not make up for a pause of the process', async () => {
    const clock = new FakeClock();
    const times: number[] = [];
    const pusher = new RegistryPusher({
      registry: { metrics: () => '' },
      client: {
        importText: () => {
          times.push(clock.time - 1_000_000);
          return Promise.resolve();
        },
      },
      clock,
    });
    clock.time += 100_000;
    await clock.advance(0);
    await clock.advance(20_000);
    expect(times).toEqual([100_000, 105_000, 120_000]);
    await pusher.close();
  });

  it('turns the metrics of prom-client into series', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ job: 'shop' });
    const registers = [registry];
    new Counter({ name: 'a_total', help: 'h', labelNames: ['code'], registers }).inc({ code: 200 }, 3);
    new Gauge({ name: 'b', help: 'h', registers }).set(-0.5);
    new Histogram({ name: 'c', help: 'h', buckets: [1], registers }).observe(2);
    new Summary({ name: 'd', help: 'h', percentiles: [0.5], registers }).observe(4);
    const written: TimeSeries[][] = [];
    const pusher = new RegistryPusher({
      registry,
      protocol: 'remote-write',
      client: {
        remoteWrite: (series) => {
          written.push([...series]);
          return Promise.resolve();
        },
      },
      clock: new FakeClock(1_000_000),
    });
    await pusher.push();
    await pusher.close();
    expect(lines(written[0]!)).toEqual([
      'a_total{"code":"200","job":"shop"} 3@0',
      'b{"job":"shop"} -0.5@0',
      'c_bucket{"job":"shop","le":"1"} 0@0',
      'c_bucket{"job":"shop","le":"+Inf"} 1@0',
      'c_sum{"job":"shop"} 2@0',
      'c_count{"job":"shop"} 1@0',
      'd{"job":"shop","quantile":"0.5"} 4@0',
      'd_sum{"job":"shop"} 4@0',
      'd_count{"job":"shop"} 1@0',
    ]);
    // Encoded once.
    expect(written[1]!.every(({ labels }, i) => labels === written[0]![i]!.labels)).toBe(true);
  });

  it('names counters by OpenMetrics where the registry does', async () => {
    const names: unknown[] = [];
    const metrics: RegistryMetric[] = ['a', 'b_total'].map((name) => ({
      name,
      type: 'counter',
      values: [{ value: 1 }],
    }));
    const pusher = new RegistryPusher({
      registry: { contentType: Registry.OPENMETRICS_CONTENT_TYPE, getMetricsAsJSON: () => metrics },
      protocol: 'remote-write',
      client: {
        remoteWrite: (series) => {
          names.push(...series.map(({ labels }) => (labels as LabelSet).labels.__name__));
          return Promise.resolve();
        },
      },
      clock: new FakeClock(),
    });
    await pusher.close();
    expect(names).toEqual(['a_total', 'b_total']);
  });

  it.each(['text', 'remote-write'] as const)(
    'has later times only with %s, also when the clock does not go on or goes back',
    async (protocol) => {
      const clock = new FakeClock(1000);
      const times: unknown[] = [];
      const taken = (time: unknown) => {
        times.push(time);
        return Promise.resolve();
      };
      const shared = { clock, interval: 1_000_000 };
      const pusher =
        protocol === 'text'
          ? new RegistryPusher({
              ...shared,
              registry: { metrics: () => 'a 1\n' },
              client: { importText: (_, options) => taken(options?.timestamp) },
            })
          : new RegistryPusher({
              ...shared,
              protocol,
              registry: { getMetricsAsJSON: () => [{ name: 'a', type: 'gauge', values: [{ value: 1 }] }] },
              client: { remoteWrite: ([series]) => taken(series!.samples[0]!.timestamp) },
            });
      await pusher.push();
      await pusher.push();
      clock.time = 500;
      await pusher.push();
      clock.time = 2000;
      await pusher.close();
      expect(times).toEqual([1000, 1001, 1002, 2000]);
    },
  );

  it('does not keep the process alive, nor needs a clock of its own', async () => {
    const pusher = new RegistryPusher({
      registry: { metrics: () => '' },
      client: { importText: () => Promise.resolve() },
      interval: 1,
    });
    while (pusher.stats.succeeded < 2) await settle();
    await pusher.close();
    expect(pusher.stats.failed).toBe(0);
  });
});

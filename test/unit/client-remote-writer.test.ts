import { parse } from 'protobufjs';
import {
  CredentialsError,
  HttpError,
  InvalidArgumentError,
  LabelSet,
  NetworkError,
  VictoriaMetricsClient,
  VictoriaMetricsError,
  type TimeSeries,
} from '../../src/client';
import type { Clock } from '../../src/client/clock';
import { builtInZstd, type CompressedBody, type ZstdCodec } from '../../src/client/remote-write/compression';
import type { WriteTarget } from '../../src/client/remote-write/endpoint';
import type { Exemplar } from '../../src/client/samples';
import type { MetricMetadata } from '../../src/client/remote-write/metadata';
import type { RetryEvent } from '../../src/client/remote-write/sender';
import { RemoteWriter, type DropEvent, type RemoteWriterOptions } from '../../src/client/remote-write/writer';
import { snappyDecompress } from '../snappy';

interface DecodedRequest {
  series: {
    labels: Record<string, string>;
    samples: { timestamp: number; value: number }[];
    exemplars?: { labels: Record<string, string>; timestamp: number; value: number }[];
  }[];
  metadata: { name: string; type: number; help: string; unit: string }[];
}

/** What remote write 1.0 consists of, written down from its specification. */
const WRITE_REQUEST = parse(`
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries series = 1; repeated Metadata metadata = 3; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
  message Metadata { uint32 type = 1; string name = 2; string help = 4; string unit = 5; }
`).root.lookupType('WriteRequest');

interface PlainSeries {
  labels: Pair[];
  samples: unknown[];
  exemplars: { labels: Pair[] }[];
}

interface Pair {
  name: string;
  value: string;
}

function decodeWriteRequest(message: Uint8Array): DecodedRequest {
  const plain = WRITE_REQUEST.toObject(WRITE_REQUEST.decode(message), { longs: Number, defaults: true });
  const labels = (pairs: Pair[]) => Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
  return {
    series: plain.series.map(({ labels: pairs, samples, exemplars }: PlainSeries) => ({
      labels: labels(pairs),
      samples,
      ...(exemplars.length > 0 && {
        exemplars: exemplars.map((exemplar) => ({ ...exemplar, labels: labels(exemplar.labels) })),
      }),
    })),
    metadata: plain.metadata,
  };
}

jest.setTimeout(30_000);

/** A clock that stands until it is told to go on. */
class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  get timers(): readonly number[] {
    return this.#timers.map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settle();
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = next.at;
      this.#timers = this.#timers.filter((other) => other !== next);
      next.callback();
    }
    this.#now = end;
  }
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Attempt {
  readonly body: CompressedBody;
  readonly at: number;
  readonly accept: () => void;
  readonly fail: (error: Error) => void;
}

/** A server that answers when the test says so, or as `answer` does. */
class FakeTarget implements WriteTarget {
  readonly attempts: Attempt[] = [];
  questions = 0;
  takes = (): boolean | Promise<boolean> => false;
  answer: ((attempt: Attempt, number: number) => void) | undefined = ({ accept }) => accept();
  /** Samples of all accepted requests: `name time`. */
  readonly stored: string[] = [];

  constructor(readonly clock: Clock) {}

  async takesZstd(): Promise<boolean> {
    this.questions++;
    return this.takes();
  }

  send(body: CompressedBody, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const attempt = {
        body,
        at: this.clock.now(),
        accept: () => {
          this.stored.push(...samplesOf(body));
          resolve();
        },
        fail: reject,
      };
      signal?.addEventListener('abort', () => reject(new Error('aborted')));
      this.attempts.push(attempt);
      this.answer?.(attempt, this.attempts.length);
    });
  }
}

/** Stands for zstd where Node.js has none: the bytes backwards. */
const BACKWARDS: ZstdCodec = {
  compress: (bytes) => Uint8Array.from(bytes).reverse(),
  decompress: (bytes) => Uint8Array.from(bytes).reverse(),
};

function messageOf({ encoding, bytes }: CompressedBody): Uint8Array {
  return encoding === 'snappy' ? snappyDecompress(bytes) : BACKWARDS.decompress(bytes);
}

function samplesOf(body: CompressedBody): string[] {
  return decodeWriteRequest(messageOf(body)).series.flatMap(({ labels, samples }) =>
    samples.map(({ timestamp }) => `${labels.__name__} ${timestamp}`),
  );
}

const REQUEST = { method: 'POST', url: 'http://server/api/v1/write' } as const;

function http(status: number, retryAfterMs?: number): HttpError {
  return new HttpError(REQUEST, status, '', retryAfterMs);
}

const network = new NetworkError(REQUEST, new Error('reset'));

function one(name: string, timestamp: number): TimeSeries {
  return { labels: { __name__: name }, samples: [{ timestamp, value: timestamp }] };
}

function many(name: string, from: number, to: number): TimeSeries {
  const samples = Array.from({ length: to - from }, (_, i) => ({ timestamp: from + i, value: i }));
  return { labels: { __name__: name }, samples };
}

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `m ${from + i}`);
}

/** mulberry32 */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('RemoteWriter', () => {
  let clock: FakeClock;
  let target: FakeTarget;
  let drops: DropEvent[];
  let retries: RetryEvent[];

  beforeEach(() => {
    clock = new FakeClock();
    target = new FakeTarget(clock);
    drops = [];
    retries = [];
  });

  function writer(options: RemoteWriterOptions = {}): RemoteWriter {
    return new RemoteWriter(target, {
      clock,
      random: () => 0.5,
      zstd: false,
      onDrop: (event) => drops.push(event),
      onRetry: (event) => retries.push(event),
      ...options,
    });
  }

  /** All that went in is delivered, dropped or pending. */
  function expectBalance(of: RemoteWriter): void {
    const { samples, deliveredSamples, droppedSamples, pendingSamples } = of.metrics();
    const dropped = Object.values(droppedSamples).reduce((a, b) => a + b, 0);
    expect(samples).toBe(deliveredSamples + dropped + pendingSamples);
    expect(drops.reduce((sum, event) => sum + event.samples, 0)).toBe(dropped);
    expect(deliveredSamples).toBe(target.stored.length);
  }

  describe('collects', () => {
    it('samples until they are old enough', async () => {
      const subject = writer({ maxDelay: 500 });
      await subject.write([one('m', 1)]);
      await clock.advance(499);
      await subject.write([one('m', 2)]);
      expect(target.attempts).toHaveLength(0);
      expect(subject.metrics()).toMatchObject({ samples: 2, pendingSamples: 2, deliveredSamples: 0 });
      await clock.advance(1);
      expect(target.stored).toEqual(['m 1', 'm 2']);
      expect(target.attempts).toHaveLength(1);
      expect(subject.metrics()).toMatchObject({ pendingSamples: 0, pendingBytes: 0, deliveredSamples: 2 });
      expect(clock.timers).toEqual([]);
    });

    it('as many samples as a request may have, across writes and within one series', async () => {
      const subject = writer({ maxRequestSamples: 10 });
      await subject.write([many('m', 0, 7), many('m', 7, 14), many('m', 14, 36)]);
      await settle();
      expect(target.attempts.map(({ body }) => samplesOf(body).length)).toEqual([10, 10, 10]);
      await subject.flush();
      expect(target.stored).toEqual(names(0, 36));
      expect(target.attempts).toHaveLength(4);
    });

    it('as many bytes as a request may have', async () => {
      const subject = writer({ maxRequestBytes: 1000 });
      for (let i = 0; i < 100; i++) await subject.write([one('m', i)]);
      await subject.flush();
      expect(target.stored).toEqual(names(0, 100));
      const sizes = target.attempts.map(({ body }) => messageOf(body).length);
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(1000);
      expect(Math.max(...sizes)).toBeLessThan(1050);
    });

    it('more samples while a request is under way, whatever their age', async () => {
      target.answer = undefined;
      const subject = writer({ maxDelay: 100 });
      await subject.write([one('m', 1)]);
      await clock.advance(100);
      for (let i = 2; i < 10; i++) {
        await subject.write([one('m', i)]);
        await clock.advance(100);
      }
      expect(target.attempts).toHaveLength(1);
      target.attempts[0]!.accept();
      await settle();
      expect(target.attempts).toHaveLength(2);
      expect(samplesOf(target.attempts[1]!.body)).toEqual(names(2, 10));
    });

    it('without keeping the event loop to itself', async () => {
      const subject = writer({ maxDelay: 1_000_000 });
      let turns = 0;
      let counting = true;
      const count = (): void => {
        turns++;
        if (counting) setImmediate(count);
      };
      setImmediate(count);
      // Writes that find room at once, and one that is large: 2 MB each.
      for (let i = 0; i < 20; i++) await subject.write([many('m', 5000 * i, 5000 * (i + 1))]);
      const afterSmall = turns;
      await subject.write([many('m', 100_000, 200_000)]);
      counting = false;
      expect(afterSmall).toBeGreaterThanOrEqual(8);
      expect(turns - afterSmall).toBeGreaterThanOrEqual(8);
      await subject.close();
      expect(target.stored).toHaveLength(200_000);
    });

    it.each<[string, TimeSeries]>([
      ['without samples', { labels: { __name__: 'm' }, samples: [] }],
      ['that break a rule', { labels: { 'a-b': 'c' }, samples: [] }],
    ])('without keeping it to itself for series %s', async (_, series) => {
      let turns = 0;
      let counting = true;
      const count = (): void => {
        turns++;
        if (counting) setImmediate(count);
      };
      setImmediate(count);
      await writer()
        .write(Array.from({ length: 20_000 }, () => series))
        .catch(() => undefined);
      counting = false;
      expect(turns).toBeGreaterThanOrEqual(4);
      // Nor for each of them a turn of its own.
      expect(turns).toBeLessThan(1000);
    });

    it('without keeping it to itself for series that take longer than their bytes tell', async () => {
      let time = 0;
      jest.spyOn(clock, 'now').mockImplementation(() => (time += 0.5));
      let turns = 0;
      let counting = true;
      const count = (): void => {
        turns++;
        if (counting) setImmediate(count);
      };
      setImmediate(count);
      await writer().write(Array.from({ length: 2000 }, (_, i) => one('m', i)));
      counting = false;
      // All of them have the bytes of one turn.
      expect(turns).toBeGreaterThanOrEqual(8);
    });

    it('nothing of series without samples', async () => {
      const subject = writer();
      await subject.write([]);
      await subject.write([{ labels: { __name__: 'm' }, samples: [] }]);
      expect(clock.timers).toEqual([]);
      await subject.close();
      expect(target.attempts).toEqual([]);
    });

    it('metadata and exemplars', async () => {
      const subject = writer();
      subject.writeMetadata([{ name: 'm', type: 'counter', help: 'Orders.', unit: 'orders' }]);
      await subject.write([
        { ...one('m', 1), exemplars: [{ labels: { trace_id: 'abc', b: 'ü' }, value: 0.5, timestamp: 7 }] },
      ]);
      await subject.flush();
      expect(target.attempts).toHaveLength(1);
      expect(decodeWriteRequest(messageOf(target.attempts[0]!.body))).toEqual({
        series: [
          {
            labels: { __name__: 'm' },
            samples: [{ timestamp: 1, value: 1 }],
            exemplars: [{ labels: { b: 'ü', trace_id: 'abc' }, value: 0.5, timestamp: 7 }],
          },
        ],
        metadata: [{ name: 'm', type: 1, help: 'Orders.', unit: 'orders' }],
      });
    });

    it.each<[unknown, string]>([
      [{ name: 'a-b', type: 'counter' }, 'metadata[0].name: "a-b" is not a metric name'],
      [
        { name: 'a', type: 'timer' },
        'metadata[0].type: "timer" is not a type of a metric; give one of unknown, counter',
      ],
      [{ name: 'a', type: 'gauge', help: 'x\ud800' }, 'metadata[0].help: "x\\ud800" is not text'],
    ])('no metadata such as %j', (metadata, message) => {
      expect(() => writer().writeMetadata([metadata as MetricMetadata])).toThrow(message);
    });

    it.each<[unknown, string]>([
      [{ labels: { 'a-b': 'c' }, value: 1, timestamp: 1 }, '.labels: "a-b" is not a label name'],
      [{ labels: { a: 1 }, value: 1, timestamp: 1 }, '.labels.a: 1 is not text'],
      [
        { labels: { a: 'b'.repeat(128) }, value: 1, timestamp: 1 },
        '.labels: 129 characters; names and values may have 128',
      ],
      [{ labels: {}, value: '1', timestamp: 1 }, '.value: 1 is a string; values are numbers: give one'],
      [null, ': null is no exemplar'],
      [{ value: 1, timestamp: 1 }, '.labels: a value of type undefined is no set of labels; give { trace_id }'],
      [{ labels: {}, value: 1, timestamp: 0.5 }, '.timestamp: 0.5 is not a whole number of milliseconds'],
    ])('no exemplars such as %j', async (exemplar, message) => {
      const series = { ...one('m', 1), exemplars: [exemplar as Exemplar] };
      await expect(writer().write([series])).rejects.toThrow(`series[0].exemplars[0]${message}`);
    });

    it('exemplars of 128 characters, each pair of surrogates as one', async () => {
      const subject = writer();
      const exemplar = { labels: { a: '🎉'.repeat(127) }, value: 1, timestamp: 1 };
      await subject.write([{ ...one('m', 1), exemplars: [exemplar] }]);
      await subject.flush();
      expect(decodeWriteRequest(messageOf(target.attempts[0]!.body)).series[0]!.exemplars).toEqual([exemplar]);
    });
  });

  describe('tries again', () => {
    it.each([
      ['500', http(500)],
      ['503', http(503)],
      ['429', http(429)],
      ['a network error', network],
      ['secrets that cannot be read', new CredentialsError('auth.password: gone')],
    ])('after %s, doubling the wait up to its limit', async (_, error) => {
      target.answer = (attempt, number) => (number <= 7 ? attempt.fail(error) : attempt.accept());
      const subject = writer({ minBackoff: 100, maxBackoff: 1000 });
      await subject.write([one('m', 1)]);
      const flushed = subject.flush();
      await clock.advance(10_000);
      await flushed;
      // Three quarters of 100, 200, 400, 800, 1000 ...: half of the wait is random, and the random number is 0.5.
      expect(retries.map(({ delay }) => delay)).toEqual([75, 150, 300, 600, 750, 750, 750]);
      expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(retries[0]!.error).toBe(error);
      const [first, ...later] = target.attempts;
      expect(later.map(({ at }, i) => at - [first!, ...later][i]!.at)).toEqual([75, 150, 300, 600, 750, 750, 750]);
      for (const { body } of later) expect(body.bytes).toEqual(first!.body.bytes);
      expect(target.stored).toEqual(['m 1']);
      expect(subject.metrics()).toMatchObject({ deliveredRequests: 1, failedAttempts: 7, rejectedRequests: 0 });
    });

    it.each([
      [0, 50],
      [0.999999, 100],
    ])('with a wait from half to the whole: %d', async (random, delay) => {
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(network) : attempt.accept());
      const subject = writer({ minBackoff: 100, random: () => random });
      await subject.write([one('m', 1)]);
      void subject.flush();
      await settle();
      expect(retries.map((event) => Math.round(event.delay))).toEqual([delay]);
    });

    it('when the server asks for it, and not before, whichever worker it said it to', async () => {
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(http(429, 7000)) : attempt.accept());
      const subject = writer({ concurrency: 2 });
      const all = Array.from({ length: 20 }, (_, i) => one(`m${i}`, 1));
      await subject.write([all[0]!]);
      void subject.flush();
      await settle();
      expect(retries.map(({ delay }) => delay)).toEqual([7000]);
      await subject.write(all.slice(1));
      const flushed = subject.flush();
      await clock.advance(6999);
      expect(target.attempts).toHaveLength(1);
      await clock.advance(1);
      await flushed;
      expect(target.stored.sort()).toEqual(all.map((_, i) => `m${i} 1`).sort());
    });

    it('after 5 minutes, when the server asks for more', async () => {
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(http(503, 86_400_000)) : attempt.accept());
      const subject = writer();
      await subject.write([one('m', 1)]);
      void subject.flush();
      await settle();
      expect(retries.map(({ delay }) => delay)).toEqual([300_000]);
    });

    it('no sooner than its own wait, when the server asks for less', async () => {
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(http(503, 0)) : attempt.accept());
      const subject = writer();
      await subject.write([one('m', 1)]);
      void subject.flush();
      await settle();
      expect(retries.map(({ delay }) => delay)).toEqual([75]);
    });

    it.each([400, 401, 403, 404, 409, 413, 415, 422, 301])(
      'never after %d, and goes on with the next',
      async (status) => {
        target.answer = (attempt, number) => (number === 1 ? attempt.fail(http(status)) : attempt.accept());
        const subject = writer({ maxRequestSamples: 2 });
        await subject.write([many('m', 0, 4)]);
        await subject.flush();
        expect(target.attempts).toHaveLength(2);
        expect(drops).toEqual([{ reason: 'rejected', samples: 2, error: expect.objectContaining({ status }) }]);
        expect(retries).toEqual([]);
        expect(target.stored).toEqual(['m 2', 'm 3']);
        expectBalance(subject);
      },
    );

    it('nothing that was accepted', async () => {
      const subject = writer({ maxRequestSamples: 1 });
      target.answer = (attempt, number) => (number % 2 === 1 ? attempt.fail(network) : attempt.accept());
      await subject.write([many('m', 0, 20)]);
      await clock.advance(100_000);
      expect(target.stored).toEqual(names(0, 20));
      expect(target.attempts).toHaveLength(40);
    });

    it('although a callback throws', async () => {
      const thrown: unknown[] = [];
      const ownTask = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
        try {
          task();
        } catch (error) {
          thrown.push(error);
        }
      });
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(network) : attempt.accept());
      const subject = writer({
        onRetry: () => {
          throw new Error('of the caller');
        },
      });
      await subject.write([one('m', 1)]);
      const flushed = subject.flush();
      await clock.advance(1000);
      await flushed;
      ownTask.mockRestore();
      expect(thrown).toEqual([new Error('of the caller')]);
      expect(target.stored).toEqual(['m 1']);
    });
  });

  describe('with several workers', () => {
    it('has so many requests under way, and no two with the same series', async () => {
      target.answer = undefined;
      const subject = writer({ concurrency: 16, maxRequestSamples: 5 });
      const series = Array.from({ length: 200 }, (_, i) => one(`m${i}`, 1));
      await subject.write(series);
      await subject.write(series.map((_, i) => one(`m${i}`, 2)));
      await settle();
      expect(subject.metrics().requestsInFlight).toBe(16);
      expect(target.attempts).toHaveLength(16);
      const flushed = subject.flush();
      for (let done = 0; done < target.attempts.length; done++) {
        const underWay = target.attempts
          .slice(done)
          .map(({ body }) => new Set(samplesOf(body).map((s) => s.split(' ')[0])));
        const seriesUnderWay = underWay.flatMap((names) => [...names]);
        expect(new Set(seriesUnderWay).size).toBe(seriesUnderWay.length);
        target.attempts[done]!.accept();
        await settle();
      }
      await flushed;
      expect(target.stored).toHaveLength(400);
      for (let i = 0; i < 200; i++) {
        expect(target.stored.filter((sample) => sample.startsWith(`m${i} `))).toEqual([`m${i} 1`, `m${i} 2`]);
      }
    });

    it('sends label sets and the same plain labels to the same worker', async () => {
      target.answer = undefined;
      const subject = writer({ concurrency: 8, maxRequestSamples: 1 });
      const labels = { zone: 'a', __name__: 'm', job: 'é' };
      await subject.write([{ labels, samples: [{ timestamp: 1, value: 1 }] }]);
      await subject.write([{ labels: LabelSet.of(labels), samples: [{ timestamp: 2, value: 1 }] }]);
      await subject.write([
        { labels: { job: 'é', __name__: 'm', zone: 'a', empty: '' }, samples: [{ timestamp: 3, value: 1 }] },
      ]);
      await settle();
      expect(target.attempts).toHaveLength(1);
      expect(subject.metrics().pendingSamples).toBe(3);
    });
  });

  describe('when the buffer is full', () => {
    const limits = { maxRequestSamples: 10, maxRequestBytes: 400, maxBufferedBytes: 800 } as const;

    it('lets writes wait, in order, until there is room', async () => {
      target.answer = undefined;
      const subject = writer(limits);
      const done: number[] = [];
      const writes = Array.from({ length: 20 }, (_, i) =>
        subject.write([many('m', 10 * i, 10 * i + 10)]).then(() => done.push(i)),
      );
      await settle();
      const { waitingWrites, pendingBytes } = subject.metrics();
      expect(waitingWrites).toBeGreaterThan(5);
      expect(waitingWrites + done.length).toBe(20);
      expect(pendingBytes).toBeGreaterThanOrEqual(800);
      expect(pendingBytes).toBeLessThan(800 + 400);
      const flushed = subject.flush();
      for (const { accept } of target.attempts) {
        expect(subject.metrics().pendingBytes).toBeLessThan(800 + 400);
        accept();
        await settle();
      }
      await Promise.all([...writes, flushed]);
      expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(target.stored).toEqual(names(0, 200));
      expect(drops).toEqual([]);
    });

    it('sends what is collected, when that alone fills it', async () => {
      const subject = writer({ ...limits, concurrency: 2, maxBufferedBytes: 1600, maxDelay: 1_000_000 });
      for (let i = 0; i < 200; i++) await subject.write([one(`m${i}`, i)]);
      await subject.flush();
      expect(target.stored).toHaveLength(200);
    });

    it('drops the newest, counted and reported, and none that was taken', async () => {
      target.answer = undefined;
      const subject = writer({ ...limits, whenFull: 'drop-newest' });
      for (let i = 0; i < 20; i++) await subject.write([many('m', 10 * i, 10 * i + 10)]);
      const { pendingSamples, droppedSamples, pendingBytes } = subject.metrics();
      expect(pendingBytes).toBeLessThan(800 + 400);
      expect(droppedSamples.full).toBeGreaterThan(50);
      await settle();
      expect(drops.every(({ reason }) => reason === 'full')).toBe(true);
      target.answer = ({ accept }) => accept();
      target.attempts[0]!.accept();
      await subject.flush();
      expect(target.stored).toEqual(names(0, pendingSamples));
      expectBalance(subject);
      await subject.write([many('m', 500, 510)]);
      await subject.flush();
      expect(target.stored.slice(-10)).toEqual(names(500, 510));
    });

    it('drops the oldest, but nothing that is under way', async () => {
      target.answer = undefined;
      const subject = writer({ ...limits, whenFull: 'drop-oldest' });
      for (let i = 0; i < 20; i++) await subject.write([many('m', 10 * i, 10 * i + 10)]);
      await settle();
      const { droppedSamples, pendingSamples } = subject.metrics();
      expect(droppedSamples.full).toBeGreaterThan(50);
      expect(droppedSamples.full + pendingSamples).toBe(200);
      target.answer = ({ accept }) => accept();
      target.attempts[0]!.accept();
      await subject.flush();
      expect(target.stored).toEqual([...names(0, 10), ...names(200 - pendingSamples + 10, 200)]);
      expectBalance(subject);
    });

    it.each(['wait', 'drop-newest', 'drop-oldest'] as const)('takes no metadata, with %s', async (whenFull) => {
      target.answer = undefined;
      const subject = writer({ ...limits, whenFull });
      for (let i = 0; i < 200; i++) {
        subject.writeMetadata([{ name: `m${i}`, type: 'counter', help: 'All that there is to say of it.' }]);
      }
      await settle();
      expect(subject.metrics().pendingBytes).toBeLessThan(800 + 400);
      if (whenFull !== 'drop-oldest') {
        target.answer = ({ accept }) => accept();
        target.attempts[0]!.accept();
      } else {
        // They give way to samples, and nobody is told that no sample was dropped.
        for (let i = 0; i < 20; i++) await subject.write([many('m', 10 * i, 10 * i + 10)]);
        await settle();
        target.answer = ({ accept }) => accept();
        target.attempts[0]!.accept();
      }
      await subject.flush();
      expect(drops.every(({ samples }) => samples > 0)).toBe(true);
      expectBalance(subject);
      subject.writeMetadata([{ name: 'later', type: 'counter' }]);
      await subject.flush();
      expect(decodeWriteRequest(messageOf(target.attempts.at(-1)!.body)).metadata).toMatchObject([{ name: 'later' }]);
    });

    it('drops the oldest of all workers', async () => {
      target.answer = undefined;
      const subject = writer({ ...limits, concurrency: 3, maxBufferedBytes: 2400, whenFull: 'drop-oldest' });
      for (let t = 0; t < 400; t++) await subject.write(Array.from({ length: 7 }, (_, i) => one(`m${i}`, t)));
      await settle();
      target.answer = ({ accept }) => accept();
      for (const { accept } of [...target.attempts]) accept();
      await subject.flush();
      expectBalance(subject);
      for (let i = 0; i < 7; i++) {
        const times = target.stored.filter((s) => s.startsWith(`m${i} `)).map((s) => Number(s.split(' ')[1]));
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times.at(-1)).toBe(399);
      }
    });
  });

  describe('given wrong series', () => {
    it('takes all others and rejects with the first rule that was broken', async () => {
      const subject = writer();
      const wrong = [{ labels: { job: 'a' }, samples: [{ timestamp: 1, value: 1 }] }, one('m', 0.5)];
      await expect(subject.write([one('m', 1), ...wrong, one('m', 2)])).rejects.toThrow(
        "series[1].labels: no metric name; add the label __name__, as in { __name__: 'requests_total' }",
      );
      await subject.flush();
      expect(target.stored).toEqual(['m 1', 'm 2']);
      expect(drops).toEqual([{ reason: 'invalid', samples: 2, error: expect.any(VictoriaMetricsError) }]);
      expectBalance(subject);
    });

    it('rejects what is no list', async () => {
      await expect(writer().write(undefined as unknown as TimeSeries[])).rejects.toEqual(
        new InvalidArgumentError('series: a value of type undefined is no list; give [...]'),
      );
    });

    it.each<[unknown, string]>([
      [undefined, ': a value of type undefined is no series; give { labels, samples }'],
      [null, ': null is no series; give { labels, samples }'],
      [{ samples: [] }, '.labels: a value of type undefined is no set of labels; give { __name__, ... }'],
      [{ labels: { __name__: 'm' } }, '.samples: a value of type undefined is no list; give [...]'],
      [{ labels: { __name__: 'm' }, samples: {} }, '.samples: a value of type object is no list; give [...]'],
      [{ labels: { __name__: 'm' }, samples: 'abc' }, '.samples: a value of type string is no list; give [...]'],
      [
        { labels: { __name__: 'm' }, samples: [{ timestamp: 1, value: 1 }, null] },
        '.samples[1]: null is no sample; give { timestamp, value }',
      ],
      [
        { labels: { __name__: 'm' }, samples: [{ timestamp: 1, value: 1n }] },
        '.samples[0].value: 1 is a bigint; sample values are numbers: give one, or STALE to end the series',
      ],
      [
        { labels: { __name__: 'm' }, samples: [], exemplars: {} },
        '.exemplars: a value of type object is no list; give [...]',
      ],
    ])('rejects what the compiler would have refused, and takes all others: %#', async (wrong, message) => {
      const subject = writer();
      const error = new InvalidArgumentError(`series[1]${message}`);
      await expect(subject.write([one('m', 1), wrong as TimeSeries, one('m', 2)])).rejects.toEqual(error);
      await subject.flush();
      expect(target.stored).toEqual(['m 1', 'm 2']);
      expectBalance(subject);

      const client = VictoriaMetricsClient.single('http://127.0.0.1:1');
      await expect(client.remoteWrite([one('m', 1), wrong as TimeSeries])).rejects.toEqual(error);
      client.close();
    });

    it('keeps the time order across the requests of a long series', async () => {
      const subject = writer({ maxRequestSamples: 2 });
      const samples = [1, 2, 2, 3].map((timestamp) => ({ timestamp, value: 1 }));
      await expect(subject.write([{ labels: { __name__: 'm' }, samples }])).rejects.toThrow(
        'series[0].samples[2].timestamp: 2 is not later than 2 before it',
      );
      await subject.flush();
      expectBalance(subject);
    });
  });

  describe('close', () => {
    it('sends what was written before, and takes nothing more', async () => {
      const subject = writer();
      await subject.write([one('m', 1)]);
      const closed = subject.close();
      await expect(subject.write([one('m', 2)])).rejects.toThrow('writer: closed; make a new one');
      expect(() => subject.writeMetadata([])).toThrow('writer: closed; make a new one');
      await closed;
      expect(target.stored).toEqual(['m 1']);
      expect(clock.timers).toEqual([]);
      await subject.close();
      expect(target.attempts).toHaveLength(1);
    });

    it('rejects a time-out that is none, and stays open', async () => {
      const subject = writer();
      await expect(subject.close({ timeout: 0 })).rejects.toThrow('timeout: 0 is not a time to wait');
      await subject.write([one('m', 1)]);
      await subject.close();
      expect(target.stored).toEqual(['m 1']);
    });

    it('gives up what is left when its time is over', async () => {
      target.answer = ({ fail }) => fail(network);
      const subject = writer({ maxRequestSamples: 2 });
      await subject.write([many('m', 0, 6)]);
      let closed = false;
      void subject.close({ timeout: 5000 }).then(() => (closed = true));
      await clock.advance(4999);
      expect(closed).toBe(false);
      await clock.advance(1);
      expect(closed).toBe(true);
      expect(subject.metrics()).toMatchObject({
        pendingSamples: 0,
        pendingBytes: 0,
        droppedSamples: { full: 0, invalid: 0, rejected: 0, closed: 6 },
      });
      expectBalance(subject);
      expect(clock.timers).toEqual([]);
    });

    it('gives up a request under way and writes that wait', async () => {
      target.answer = undefined;
      const subject = writer({ maxRequestSamples: 10, maxRequestBytes: 400, maxBufferedBytes: 800 });
      const writes = Array.from({ length: 20 }, (_, i) => subject.write([many('m', 10 * i, 10 * i + 10)]));
      void subject.close({ timeout: 100 });
      await clock.advance(100);
      await Promise.all(writes);
      await settle();
      expect(subject.metrics()).toMatchObject({ pendingSamples: 0, waitingWrites: 0, requestsInFlight: 0 });
      expect(subject.metrics().droppedSamples.closed).toBe(200);
      expectBalance(subject);
    });
  });

  describe('with zstd', () => {
    const zstd = BACKWARDS;

    async function writeOne(subject: RemoteWriter, timestamp: number): Promise<void> {
      await subject.write([one('m', timestamp)]);
      await subject.flush();
      await settle();
    }

    it('uses it where the server said that it takes it, and asks once', async () => {
      target.takes = () => true;
      const subject = writer({ zstd });
      for (let i = 0; i < 3; i++) await writeOne(subject, i);
      expect(target.questions).toBe(1);
      expect(target.attempts.map(({ body }) => body.encoding)).toEqual(['zstd', 'zstd', 'zstd']);
      expect(target.stored).toEqual(names(0, 3));
      expect(subject.metrics().encoding).toBe('zstd');
    });

    it('does not wait for the answer', async () => {
      target.takes = () => new Promise(() => undefined);
      const subject = writer({ zstd });
      await writeOne(subject, 0);
      expect(target.attempts.map(({ body }) => body.encoding)).toEqual(['snappy']);
    });

    it('does without where the server does not take it, or there is none', async () => {
      const subject = writer({ zstd });
      await writeOne(subject, 0);
      await writeOne(subject, 1);
      expect(target.questions).toBe(1);
      expect(target.attempts.map(({ body }) => body.encoding)).toEqual(['snappy', 'snappy']);
      await writeOne(writer({ zstd: false }), 2);
      expect(target.questions).toBe(1);
    });

    it('asks again where the server could not be reached', async () => {
      let asked = 0;
      target.takes = () => {
        if (++asked < 3) throw network;
        return true;
      };
      const subject = writer({ zstd });
      for (let i = 0; i < 4; i++) await writeOne(subject, i);
      expect(target.attempts.at(-1)!.body.encoding).toBe('zstd');
      expect(target.questions).toBe(3);
    });

    it.each([400, 415])('repacks what was refused with %d as snappy, once and at once', async (status) => {
      target.takes = () => true;
      target.answer = ({ body, fail, accept }) => (body.encoding === 'zstd' ? fail(http(status)) : accept());
      const subject = writer({ zstd, maxRequestSamples: 1 });
      await subject.write([]);
      await settle();
      await subject.write([many('m', 0, 3)]);
      await subject.flush();
      await writeOne(subject, 3);
      const encodings = target.attempts.map(({ body }) => body.encoding);
      // The first and those that were compressed by then; the last is snappy from the start.
      expect(encodings.slice(0, 2)).toEqual(['zstd', 'snappy']);
      expect(encodings.at(-2)).toBe('snappy');
      expect(encodings.filter((encoding) => encoding === 'snappy')).toHaveLength(4);
      expect(target.stored).toEqual(names(0, 4));
      expect(drops).toEqual([]);
      expect(retries).toEqual([]);
      expect(subject.metrics().encoding).toBe('snappy');
    });

    it('stays with it where the request was bad in either', async () => {
      target.takes = () => true;
      target.answer = ({ fail }) => fail(http(400));
      const subject = writer({ zstd });
      await subject.write([]);
      await settle();
      await writeOne(subject, 0);
      expect(target.attempts.map(({ body }) => body.encoding)).toEqual(['zstd', 'snappy']);
      expect(drops).toEqual([{ reason: 'rejected', samples: 1, error: expect.objectContaining({ status: 400 }) }]);
      expect(subject.metrics().encoding).toBe('zstd');
    });

    it('goes on without where it begins to fail', async () => {
      let failing = false;
      const fragile: ZstdCodec = {
        compress: (bytes) => {
          if (failing) throw new Error('out of memory');
          return BACKWARDS.compress(bytes);
        },
        decompress: (bytes) => {
          if (failing) throw new Error('out of memory');
          return BACKWARDS.decompress(bytes);
        },
      };
      target.takes = () => true;
      target.answer = (attempt, number) => (number === 1 ? attempt.fail(http(400)) : attempt.accept());
      const subject = writer({ zstd: fragile });
      await subject.write([one('m', 0)]);
      await settle();
      const flushed = subject.flush();
      await settle();
      await flushed;
      failing = true;
      await writeOne(subject, 1);
      expect(target.attempts.at(-1)!.body.encoding).toBe('snappy');
      expect(target.stored.at(-1)).toBe('m 1');
    });

    it('refuses one that does not work', () => {
      const broken = { compress: (bytes: Uint8Array) => bytes, decompress: () => new Uint8Array(0) };
      expect(() => writer({ zstd: broken })).toThrow(
        'zstd: decompress(compress(bytes)) gives other bytes; initialize the library first, and give both directions',
      );
    });

    it('takes that of Node.js where it has one, at level 1', () => {
      const levels: unknown[] = [];
      const library = {
        zstdCompressSync: (bytes: Uint8Array, options: unknown) => (levels.push(options), bytes),
        zstdDecompressSync: (bytes: Uint8Array) => bytes,
        constants: { ZSTD_c_compressionLevel: 100 },
      };
      const found = builtInZstd(library)!;
      expect(found.decompress(found.compress(Buffer.from('a')))).toEqual(Buffer.from('a'));
      expect(levels).toEqual([{ params: { 100: 1 } }]);
      expect(builtInZstd({ constants: {} })).toBeUndefined();
    });
  });

  it.each<[RemoteWriterOptions, string]>([
    [{ maxRequestSamples: 0 }, 'maxRequestSamples: 0 is not a count; give a whole number of 1 or more'],
    [{ concurrency: 1.5 }, 'concurrency: 1.5 is not a count; give a whole number of 1 or more'],
    [{ maxDelay: -1 }, 'maxDelay: -1 is not a time to wait; give milliseconds above 0 and up to 2147483647'],
    [{ minBackoff: 200, maxBackoff: 100 }, 'maxBackoff: 100 is less than minBackoff = 200; give more'],
    [
      { maxBufferedBytes: 1000 },
      'maxBufferedBytes: 1000 does not hold one request that is filled and one under way for each of 1 workers; ' +
        'give 1048576 or more, or lower maxRequestBytes or concurrency',
    ],
    [{ whenFull: 'drop' as 'wait' }, "whenFull: \"drop\" is none of them; give 'wait', 'drop-newest' or 'drop-oldest'"],
  ])('refuses %j', (options, message) => {
    expect(() => writer(options)).toThrow(expect.objectContaining({ name: 'InvalidArgumentError', message }));
  });

  it('tells what it did in the text format of Prometheus', async () => {
    target.answer = (attempt, number) => attempt[number === 1 ? 'accept' : 'fail'](http(400));
    const subject = writer({ maxRequestSamples: 2 });
    await subject.write([many('m', 0, 4)]);
    await subject.flush();
    await subject.write([one('m', 9)]);
    const text = subject.metricsText({ writer: 'a"b\n' });
    expect(text).toContain('# TYPE remote_writer_samples_total counter\n');
    const label = 'writer="a\\"b\\n"';
    for (const line of [
      `remote_writer_samples_total{${label}} 5`,
      `remote_writer_samples_delivered_total{${label}} 2`,
      `remote_writer_samples_dropped_total{${label},reason="rejected"} 2`,
      `remote_writer_samples_dropped_total{${label},reason="full"} 0`,
      `remote_writer_samples_pending{${label}} 1`,
      `remote_writer_requests_total{${label},result="delivered"} 1`,
      `remote_writer_requests_total{${label},result="rejected"} 1`,
      `remote_writer_requests_in_flight{${label}} 0`,
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(subject.metricsText().split('\n')).toContain('remote_writer_samples_total 5');
    await subject.close();
  });

  it('stores every sample exactly once and in order, whatever fails', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      clock = new FakeClock();
      target = new FakeTarget(clock);
      drops = [];
      const random = seeded(seed);
      target.takes = () => random() < 0.7;
      target.answer = (attempt) => {
        const act = (): void => {
          const dice = random();
          if (attempt.body.encoding === 'zstd' && dice < 0.1) attempt.fail(http(random() < 0.5 ? 400 : 415));
          else if (dice < 0.2) attempt.fail(network);
          else if (dice < 0.3) attempt.fail(http(500 + Math.floor(random() * 10)));
          else if (dice < 0.4) attempt.fail(http(429, Math.floor(random() * 3000)));
          else attempt.accept();
        };
        if (random() < 0.5) act();
        else clock.after(random() * 1000, act);
      };
      const subject = writer({
        zstd: BACKWARDS,
        random,
        concurrency: 1 + Math.floor(random() * 4),
        maxRequestSamples: 1 + Math.floor(random() * 50),
        maxRequestBytes: 300 + Math.floor(random() * 3000),
        maxBufferedBytes: 30_000,
      });
      const next = new Map<string, number>();
      const written: string[] = [];
      const writes: Promise<void>[] = [];
      for (let i = 0; i < 40; i++) {
        const series = Array.from({ length: Math.floor(random() * 8) }, () => {
          const name = `m${Math.floor(random() * 12)}`;
          const from = next.get(name) ?? 0;
          const to = from + Math.floor(random() * 30);
          next.set(name, to);
          written.push(...Array.from({ length: to - from }, (_, j) => `${name} ${from + j}`));
          return many(name, from, to);
        });
        writes.push(subject.write(series));
        if (random() < 0.3) await clock.advance(random() * 2000);
        if (random() < 0.1) void subject.flush();
      }
      const closed = subject.close({ timeout: 10_000_000 });
      while (subject.metrics().pendingSamples + subject.metrics().waitingWrites > 0) await clock.advance(10_000);
      await Promise.all([...writes, closed]);
      expect([...target.stored].sort()).toEqual([...written].sort());
      for (const name of next.keys()) {
        const times = target.stored.filter((s) => s.startsWith(`${name} `)).map((s) => Number(s.split(' ')[1]));
        expect(times).toEqual(times.map((_, i) => i));
      }
      expect(drops).toEqual([]);
      expectBalance(subject);
    }
  });
});

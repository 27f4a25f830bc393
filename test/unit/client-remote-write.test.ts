import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LabelSet, STALE, VictoriaMetricsClient, type Labels, type TimeSeries } from '../../src/client';
import { WriteRequestEncoder } from '../../src/client/remote-write/encoder';
import { snappyDecompress } from '../snappy';

interface DecodedSeries {
  labels: [string, string][];
  /** Time and the 64 bits of the value. */
  samples: { timestamp: bigint; bits: bigint }[];
}

/** Fields of a protobuf message; written for this test alone, with BigInt and none of the encoder's code. */
function fields(message: Buffer): { field: number; value: bigint | Buffer }[] {
  const found: { field: number; value: bigint | Buffer }[] = [];
  let position = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(position++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  };
  while (position < message.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    if (wireType === 0) found.push({ field: tag >> 3, value: varint() });
    else if (wireType === 1) {
      found.push({ field: tag >> 3, value: message.readBigUInt64LE(position) });
      position += 8;
    } else if (wireType === 2) {
      const length = Number(varint());
      if (position + length > message.length) throw new Error('a field is longer than its message');
      found.push({ field: tag >> 3, value: message.subarray(position, position + length) });
      position += length;
    } else throw new Error(`wire type ${wireType}`);
  }
  return found;
}

function decode(message: Buffer): DecodedSeries[] {
  return fields(message).map((item) => {
    if (item.field !== 1) throw new Error(`WriteRequest has a field ${item.field}`);
    const series: DecodedSeries = { labels: [], samples: [] };
    for (const part of fields(item.value as Buffer)) {
      const [first, second, ...more] = fields(part.value as Buffer);
      if (first?.field !== 1 || second?.field !== 2 || more.length > 0) throw new Error('not exactly fields 1 and 2');
      if (part.field === 1) series.labels.push([String(first.value), String(second.value)]);
      else if (part.field === 2) {
        series.samples.push({ timestamp: BigInt.asIntN(64, second.value as bigint), bits: first.value as bigint });
      } else throw new Error(`TimeSeries has a field ${part.field}`);
    }
    return series;
  });
}

function encode(...series: TimeSeries[]): Buffer {
  const encoder = new WriteRequestEncoder();
  series.forEach((item, i) => encoder.add(item, i));
  return encoder.finish();
}

function bitsOf(value: number): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.readBigUInt64BE();
}

const UP = { __name__: 'up' };

describe('WriteRequestEncoder', () => {
  it('writes the bytes that the protobuf definition asks for', () => {
    const message = encode({ labels: { job: 'a', __name__: 'up' }, samples: [{ timestamp: 300, value: 1 }] });
    const labels = '0a0e' + '0a085f5f6e616d655f5f' + '12027570' + '0a08' + '0a036a6f62' + '120161';
    const sample = '120c' + '09000000000000f03f' + '10ac02';
    expect(message.toString('hex')).toBe(`0a${(((labels + sample).length / 2) | 0).toString(16)}${labels}${sample}`);
  });

  it('sorts labels by bytes, drops empty values and keeps every character of the others', () => {
    const labels = {
      zone: 'b',
      Zone: 'upper case sorts first',
      a_empty: '',
      __name__: 'http_requests:rate5m',
      path: '/a"b\\c\n{d="e"}',
      city: 'Zürich 東京 🎉',
      town: 'Malmö',
      _x: '\u0000\u007f',
    };
    const [series] = decode(encode({ labels, samples: [{ timestamp: 1, value: 1 }] }));
    expect(series?.labels).toEqual([
      ['Zone', 'upper case sorts first'],
      ['__name__', 'http_requests:rate5m'],
      ['_x', '\u0000\u007f'],
      ['city', 'Zürich 東京 🎉'],
      ['path', '/a"b\\c\n{d="e"}'],
      ['town', 'Malmö'],
      ['zone', 'b'],
    ]);
  });

  it('writes labels of any length, around each boundary of the length prefixes', () => {
    for (const nameLength of [1, 2, 3, 4, 5, 80, 127, 128, 300]) {
      for (const length of [1, 3, 4, 5, 47, 48, 49, 116, 117, 118, 119, 120, 127, 128, 129, 16383, 16384, 70_000]) {
        const labels = { __name__: 'm', ['n'.repeat(nameLength)]: 'v'.repeat(length), z: 'last' };
        const [series] = decode(encode({ labels, samples: [{ timestamp: 1, value: 1 }] }));
        expect(series?.labels).toEqual(Object.entries(labels));
      }
    }
  });

  it('gives the same bytes for a label set and for plain labels', () => {
    const samples = [{ timestamp: 1, value: 1 }];
    const labels = { zone: 'ä', job: 'a', __name__: 'up', empty: '', long: 'x'.repeat(500) };
    const set = LabelSet.of(labels);
    expect(encode({ labels: set, samples }).equals(encode({ labels, samples }))).toBe(true);
    expect(Object.entries(set.labels)).toEqual([
      ['__name__', 'up'],
      ['job', 'a'],
      ['long', 'x'.repeat(500)],
      ['zone', 'ä'],
    ]);
  });

  it('keeps series apart whose labels alternate in names and in order', () => {
    const all: Labels[] = [
      { __name__: 'a', x: '1' },
      { __name__: 'b', y: '2' },
      { x: '3', __name__: 'c' },
      { __name__: 'd', x: '4', y: '5' },
      { __name__: 'e', x: '6' },
    ];
    const samples = [{ timestamp: 1, value: 1 }];
    expect(decode(encode(...all.map((labels) => ({ labels, samples })))).map(({ labels }) => labels)).toEqual(
      all.map((labels) => Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
    );
  });

  it('keeps every time that a JavaScript integer can say', () => {
    const times = [
      ...[
        Number.MIN_SAFE_INTEGER,
        -(2 ** 28) - 1,
        -(2 ** 28),
        -1,
        0,
        1,
        127,
        128,
        2 ** 28 - 1,
        2 ** 28,
        2 ** 31,
        2 ** 32,
      ],
      ...[2 ** 35, 1_763_683_200_123, 2 ** 42, 2 ** 49, Number.MAX_SAFE_INTEGER],
    ];
    const [series] = decode(encode({ labels: UP, samples: times.map((timestamp) => ({ timestamp, value: 0 })) }));
    expect(series?.samples.map(({ timestamp }) => Number(timestamp))).toEqual(times);
  });

  it('keeps the bits of every value', () => {
    const values = [0, -0, 1, -1.5, 0.1, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, Infinity, -Infinity];
    const [series] = decode(encode({ labels: UP, samples: values.map((value, timestamp) => ({ timestamp, value })) }));
    expect(series?.samples.map(({ bits }) => bits)).toEqual(values.map(bitsOf));
  });

  it('writes the stale marker and NaN as the bits that Prometheus reserves', () => {
    const samples = [
      { timestamp: 1, value: NaN },
      { timestamp: 2, value: STALE },
    ] as const;
    const [series] = decode(encode({ labels: UP, samples }));
    expect(series?.samples.map(({ bits }) => bits)).toEqual([0x7ff8000000000001n, 0x7ff0000000000002n]);
  });

  it('leaves out series without samples', () => {
    expect(encode({ labels: UP, samples: [] }).length).toBe(0);
    expect(
      decode(encode({ labels: UP, samples: [] }, { labels: UP, samples: [{ timestamp: 1, value: 2 }] })),
    ).toHaveLength(1);
  });

  it('grows beyond its first buffer, and starts over after a reset', () => {
    const encoder = new WriteRequestEncoder();
    const add = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const samples = Array.from({ length: 1 + (i % 40) }, (_, j) => ({ timestamp: 1000 * j, value: i + j }));
        encoder.add({ labels: { __name__: 'm', i: String(i) }, samples }, i);
      }
    };
    add(2000);
    const series = decode(Buffer.from(encoder.finish()));
    expect(series).toHaveLength(2000);
    expect(series[1999]?.labels).toEqual([
      ['__name__', 'm'],
      ['i', '1999'],
    ]);
    expect(series[1999]?.samples.map(({ bits }) => bits)).toEqual(
      Array.from({ length: 40 }, (_, j) => bitsOf(1999 + j)),
    );
    encoder.reset();
    add(1);
    expect(decode(encoder.finish())).toHaveLength(1);
  });

  it('keeps what was added before a series that breaks a rule', () => {
    const encoder = new WriteRequestEncoder();
    encoder.add({ labels: UP, samples: [{ timestamp: 1, value: 1 }] }, 0);
    expect(() => encoder.add({ labels: { 'a-b': 'c' }, samples: [] }, 1)).toThrow();
    expect(() => encoder.add({ labels: UP, samples: [{ timestamp: 0.5, value: 1 }] }, 2)).toThrow();
    encoder.add({ labels: { __name__: 'down' }, samples: [{ timestamp: 1, value: 1 }] }, 3);
    expect(decode(encoder.finish()).map(({ labels }) => labels[0]?.[1])).toEqual(['up', 'down']);
  });

  const one = [{ timestamp: 1, value: 1 }];
  it.each<[string, unknown, string]>([
    [
      'a missing name',
      { labels: { job: 'a' }, samples: one },
      "series[0].labels: no metric name; add the label __name__, as in { __name__: 'requests_total' }",
    ],
    [
      'an empty name',
      { labels: { __name__: '' }, samples: one },
      "series[0].labels: no metric name; add the label __name__, as in { __name__: 'requests_total' }",
    ],
    [
      'a bad metric name',
      { labels: { __name__: 'a-b' }, samples: one },
      'series[0].labels.__name__: "a-b" is not a metric name; use letters, digits, underscores and colons, no digit first',
    ],
    [
      'a bad label name',
      { labels: { __name__: 'a', '1st': 'b' }, samples: one },
      'series[0].labels: "1st" is not a label name; use letters, digits and underscores, no digit first',
    ],
    [
      'a colon in a label name',
      { labels: { __name__: 'a', 'a:b': 'c' }, samples: one },
      'series[0].labels: "a:b" is not a label name; use letters, digits and underscores, no digit first',
    ],
    [
      'a number as a label value',
      { labels: { __name__: 'a', code: 200 }, samples: one },
      'series[0].labels.code: 200 is a number; label values are strings: give String(value)',
    ],
    [
      'half a surrogate pair',
      { labels: { __name__: 'a', city: 'x\ud800' }, samples: one },
      'series[0].labels.city: "x\\ud800" holds half of a surrogate pair, which UTF-8 cannot carry; remove it',
    ],
    [
      'a fraction of a millisecond',
      { labels: UP, samples: [{ timestamp: 1.5, value: 1 }] },
      'series[0].samples[0].timestamp: 1.5 is not a whole number of milliseconds; round it, as in Math.round(timestamp)',
    ],
    [
      'a missing time',
      { labels: UP, samples: [{ value: 1 }] },
      'series[0].samples[0].timestamp: undefined is not a whole number of milliseconds; round it, as in Math.round(timestamp)',
    ],
    [
      'samples out of order',
      { labels: UP, samples: [{ timestamp: 2, value: 1 }, ...one] },
      'series[0].samples[1].timestamp: 1 is not later than 2 before it; sort the samples of a series by time and keep one for each millisecond',
    ],
    [
      'two samples at one time',
      { labels: UP, samples: [...one, ...one] },
      'series[0].samples[1].timestamp: 1 is not later than 1 before it; sort the samples of a series by time and keep one for each millisecond',
    ],
    [
      'a value in a string',
      { labels: UP, samples: [{ timestamp: 1, value: '1' }] },
      'series[0].samples[0].value: 1 is a string; sample values are numbers: give one, or STALE to end the series',
    ],
  ])('refuses %s', (_, series, message) => {
    expect(() => encode(series as TimeSeries)).toThrow(
      expect.objectContaining({ name: 'InvalidArgumentError', message }),
    );
  });

  it('refuses a bad label set where it is made', () => {
    expect(() => LabelSet.of({ __name__: 'a', 'a.b': 'c' })).toThrow(
      'labels: "a.b" is not a label name; use letters, digits and underscores, no digit first',
    );
  });
});

describe('VictoriaMetricsClient.remoteWrite', () => {
  const requests: { message: IncomingMessage; body: Buffer }[] = [];
  let answer: (response: ServerResponse) => void;
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      requests.push({ message, body: Buffer.concat(chunks) });
      answer(response);
    });
  });
  let client: VictoriaMetricsClient;

  beforeAll((done) => {
    server.listen(0, '127.0.0.1', () => {
      client = VictoriaMetricsClient.single(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      done();
    });
  });
  beforeEach(() => {
    requests.length = 0;
    answer = (response) => response.writeHead(204).end();
  });
  afterAll((done) => {
    client.close();
    server.close(done);
  });

  it('sends what the specification of remote write 1.0 asks for', async () => {
    await client.remoteWrite([{ labels: UP, samples: [{ timestamp: 5, value: 7 }] }]);
    expect(requests).toHaveLength(1);
    const { message, body } = requests[0]!;
    expect([message.method, message.url]).toEqual(['POST', '/api/v1/write']);
    expect(message.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
      'user-agent': 'cdk8s-victoriametrics',
      'content-length': String(body.length),
    });
    expect(decode(snappyDecompress(body))).toEqual([
      { labels: [['__name__', 'up']], samples: [{ timestamp: 5n, bits: bitsOf(7) }] },
    ]);
  });

  it('keeps concurrent writes apart, and lets the caller change the series meanwhile', async () => {
    const samples = [{ timestamp: 1, value: 0 }];
    const writes = Array.from({ length: 20 }, (_, i) => {
      samples[0]!.value = i;
      return client.remoteWrite([{ labels: { __name__: 'm', i: String(i) }, samples }]);
    });
    await Promise.all(writes);
    const seen = requests.map(({ body }) => decode(snappyDecompress(body))[0]!);
    expect(seen.map(({ labels, samples: [sample] }) => [labels[1]![1], sample!.bits]).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => [String(i), bitsOf(i)]).sort(),
    );
  });

  it('sends nothing when there is nothing to send', async () => {
    await client.remoteWrite([]);
    await client.remoteWrite([{ labels: UP, samples: [] }]);
    expect(requests).toEqual([]);
  });

  it('sends nothing when one series breaks a rule', async () => {
    const good = { labels: UP, samples: [{ timestamp: 1, value: 1 }] };
    await expect(client.remoteWrite([good, { labels: { job: 'a' }, samples: [] }])).rejects.toThrow(
      "series[1].labels: no metric name; add the label __name__, as in { __name__: 'requests_total' }",
    );
    await client.remoteWrite([good]);
    expect(requests).toHaveLength(1);
    expect(decode(snappyDecompress(requests[0]!.body))).toHaveLength(1);
  });

  it.each([
    [429, { 'retry-after': '7' }, true, 7000],
    [503, { 'retry-after': 'soon' }, true, undefined],
    [500, {}, true, undefined],
    [400, {}, false, undefined],
    [409, {}, false, undefined],
  ])('reports %d once, without another attempt', async (status, headers, retryable, retryAfterMs) => {
    answer = (response) => response.writeHead(status, headers).end('no room\n');
    const write = client.remoteWrite([{ labels: UP, samples: [{ timestamp: 1, value: 1 }] }]);
    await expect(write).rejects.toMatchObject({
      name: 'HttpError',
      message: `POST ${client.writeUrl}/api/v1/write answered ${status}: no room`,
      status,
      retryable,
      retryAfterMs,
    });
    expect(requests).toHaveLength(1);
  });
});

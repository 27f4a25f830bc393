import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  BadResponseError,
  HttpError,
  NetworkError,
  STALE,
  TimeoutError,
  VictoriaMetricsClient,
  type CsvColumn,
  type ExportedSeries,
} from '../../src/client';

/** A server that does as each test says, mostly wrong. */
let answer: (request: IncomingMessage, response: ServerResponse) => unknown;
const server = createServer((request, response) => void answer(request, response));
const connections = new Set<Socket>();
server.on('connection', (socket) => connections.add(socket));
let url: string;
let client: VictoriaMetricsClient;

beforeAll((done) => {
  server.listen(0, '127.0.0.1', () => {
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    done();
  });
});
beforeEach(() => {
  connections.clear();
  client = VictoriaMetricsClient.single(url, { timeout: 5000 });
});
afterEach(() => client.close());
afterAll((done) => {
  server.close(done);
  server.closeAllConnections();
});

const line = (id: number): string => `{"metric":{"id":"${id}"},"values":[${id}],"timestamps":[1000]}\n`;
const series = (id: number): ExportedSeries => ({
  labels: { id: String(id) },
  samples: [{ timestamp: 1000, value: id }],
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : socket.on('close', () => resolve())));

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return body;
}

describe('an export', () => {
  it('gives each series however the bytes are cut, and every kind of value', async () => {
    const text = Buffer.from(
      `{"metric":{"__name__":"m","city":"Zürich\\n"},"values":[1.5,null,"Infinity","-Infinity"],"timestamps":[1,2,3,4]}\n\n${line(7)}`,
    );
    answer = (_, response) => {
      for (let i = 0; i < text.length; i++) response.write(text.subarray(i, i + 1));
      response.end();
    };
    expect(await all(client.exportSeries('m'))).toEqual([
      {
        labels: { __name__: 'm', city: 'Zürich\n' },
        samples: [
          { timestamp: 1, value: 1.5 },
          { timestamp: 2, value: STALE },
          { timestamp: 3, value: Infinity },
          { timestamp: 4, value: -Infinity },
        ],
      },
      series(7),
    ]);
  });

  it('unpacks gzip, and uses the connection again', async () => {
    answer = (request, response) => {
      expect(request.headers['accept-encoding']).toBe('gzip');
      response.setHeader('content-encoding', 'gzip').end(gzipSync(line(1) + line(2)));
    };
    expect(await all(client.exportSeries('m'))).toEqual([series(1), series(2)]);
    expect(await all(client.exportSeries('m'))).toEqual([series(1), series(2)]);
    expect(connections.size).toBe(1);
  });

  it('holds the server back while nobody takes the series', async () => {
    const lines = line(1).repeat(10_000);
    let written = 0;
    let stalled: () => void;
    const isStalled = new Promise<void>((resolve) => (stalled = resolve));
    answer = (_, response) => {
      // Without a reader the buffers of both ends and of the kernel fill up, then nothing drains any more.
      let quiet: NodeJS.Timeout;
      const write = (): void => {
        clearTimeout(quiet);
        quiet = setTimeout(stalled, 200);
        let goOn = true;
        while (goOn && written < 1000) {
          written++;
          goOn = response.write(lines);
        }
      };
      response.on('drain', write).on('close', () => clearTimeout(quiet));
      write();
    };
    const exported = client.exportSeries('m');
    await exported.next();
    await isStalled;
    expect(written).toBeLessThan(1000);
    await exported.return();
    await closed([...connections][0]!);
  });

  it('may take longer than the time-out, while the server keeps sending or the caller is busy', async () => {
    answer = (_, response) => {
      response.write(line(0));
      let id = 1;
      const timer = setInterval(() => {
        response.write(line(id));
        if (++id < 6) return;
        clearInterval(timer);
        response.end();
      }, 50);
    };
    const found: unknown[] = [];
    for await (const item of client.exportSeries('m', { timeout: 200 })) {
      if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 250));
      found.push(item);
    }
    expect(found).toEqual([0, 1, 2, 3, 4, 5].map(series));
  });

  it('gives what came before, then the failure', async () => {
    const hang = (response: ServerResponse): void => void response.write(line(1));
    const controller = new AbortController();
    const reason = new Error('enough');
    const cases: [(response: ServerResponse) => void, () => void, (error: unknown) => void][] = [
      [hang, () => undefined, (error) => expect(error).toBeInstanceOf(TimeoutError)],
      [hang, () => controller.abort(reason), (error) => expect(error).toBe(reason)],
      [
        (response) => response.write(line(1), () => response.socket?.destroy()),
        () => undefined,
        (error) => expect(error).toBeInstanceOf(NetworkError),
      ],
      [
        (response) => response.write(line(1), () => response.socket?.end('the connection has been aborted')),
        () => undefined,
        (error) => expect(error).toBeInstanceOf(NetworkError),
      ],
      [
        (response) => response.end(`${line(1)}{"metric":{}`),
        () => undefined,
        (error) =>
          expect(error).toMatchObject({
            message: `POST ${url}/api/v1/export gave an answer that cannot be read: cut off within a line`,
            body: '{"metric":{}',
          }),
      ],
      [
        (response) => response.end(`${line(1)}${line(2).slice(0, -1)}`),
        () => undefined,
        (error) => expect(error).toBeInstanceOf(BadResponseError),
      ],
    ];
    for (const [act, then, check] of cases) {
      answer = (_, response) => act(response);
      const { signal } = controller;
      const exported = client.exportSeries('m', { timeout: 200, signal: signal.aborted ? undefined : signal });
      expect((await exported.next()).value).toEqual(series(1));
      then();
      check(await failureOf(exported.next()));
      expect(await exported.next()).toEqual({ done: true, value: undefined });
    }
  });

  it.each([
    ['no JSON', 'oops\n', 'not JSON'],
    ['no object', '1\n', 'a line is not an object'],
    ['no labels', '{"values":[],"timestamps":[]}\n', 'metric is not an object'],
    ['a text as value', '{"metric":{},"values":["1"],"timestamps":[1]}\n', 'the value "1" is not a number'],
    ['a text as time', '{"metric":{},"values":[1],"timestamps":["1"]}\n', 'a timestamp is not a number'],
    ['too few times', '{"metric":{},"values":[1,2],"timestamps":[1]}\n', 'there are 2 values and 1 timestamps'],
  ])('refuses a line with %s', async (_, text, problem) => {
    answer = (_request, response) => response.end(text);
    await expect(all(client.exportSeries('m'))).rejects.toThrow(
      `POST ${url}/api/v1/export gave an answer that cannot be read: ${problem}`,
    );
  });

  it('refuses gzip that is none or cut off', async () => {
    const packed = gzipSync(line(1).repeat(1000));
    for (const body of [Buffer.from('none'), packed.subarray(0, -10)]) {
      answer = (_, response) => response.setHeader('content-encoding', 'gzip').end(body);
      await expect(all(client.exportSeries('m'))).rejects.toThrow('gave an answer that cannot be read: not valid gzip');
    }
  });

  it('fails with the text of the server, at the first series', async () => {
    answer = (_, response) => response.writeHead(422).end('cannot parse {');
    const error = await failureOf(client.exportNative('{').next());
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 422, body: 'cannot parse {' });
  });

  it('sends its options in the unit of the API', async () => {
    const forms: unknown[] = [];
    answer = async (request, response) => {
      forms.push([request.url, Object.fromEntries(new URLSearchParams(await bodyOf(request)))]);
      response.end();
    };
    const span = { start: new Date(1001), end: 2000 };
    await all(client.exportSeries('m', { ...span, maxSamplesPerItem: 5, reduceMemUsage: true }));
    await all(client.exportCsv('m', { columns: ['job', '__value__', '__timestamp__:unix_ms'] }));
    await all(client.exportNative('m', { params: { 'extra_filters[]': '{a="b"}' } }));
    expect(forms).toEqual([
      [
        '/api/v1/export',
        { 'match[]': 'm', start: '1.001', end: '2.000', max_rows_per_line: '5', reduce_mem_usage: '1' },
      ],
      ['/api/v1/export/csv', { 'match[]': 'm', format: 'job,__value__,__timestamp__:unix_ms' }],
      ['/api/v1/export/native', { 'match[]': 'm', 'extra_filters[]': '{a="b"}' }],
    ]);
    expect(() => client.exportSeries([])).toThrow('match: no selector');
    expect(() => client.exportSeries(' ')).toThrow('match: " " is not a selector');
    expect(() => client.exportSeries('m', { start: 2, end: 1 })).toThrow('end: 1 lies before start 2');
    expect(() => client.exportSeries('m', { maxSamplesPerItem: 0 })).toThrow('maxSamplesPerItem: 0 is not a count');
    expect(() => client.exportSeries('m', { params: { start: '1' } })).toThrow('params: start has an option');
    expect(() => client.exportCsv('m', { columns: ['a,b'] })).toThrow('columns: ["a,b"] are no columns of CSV');
  });
});

describe('an import', () => {
  it('sends series as lines that can be read, long ones in several', async () => {
    const bodies: string[] = [];
    answer = async (request, response) => {
      bodies.push(await bodyOf(request));
      response.writeHead(204).end();
    };
    const samples = [...Array(10_001).keys()].map((i) => ({ timestamp: i, value: i === 0 ? -Infinity : i }));
    await client.importSeries([{ labels: { a: '"\n' }, samples }, series(1), { labels: { b: 'c' }, samples: [] }]);
    const lines = bodies[0]!.split('\n');
    expect(lines).toHaveLength(4);
    expect(JSON.parse(lines[0]!)).toMatchObject({ metric: { a: '"\n' }, values: { length: 10_000, 0: '-Infinity' } });
    expect(lines.slice(1)).toEqual([
      '{"metric":{"a":"\\"\\n"},"values":[10000],"timestamps":[10000]}',
      line(1).trim(),
      '',
    ]);
  });

  it.each<[string, ExportedSeries, string]>([
    [
      'stale markers',
      { labels: { a: 'b' }, samples: [{ timestamp: 1, value: STALE }] },
      'samples[0].value: stale cannot',
    ],
    ['NaN', { labels: { a: 'b' }, samples: [{ timestamp: 1, value: NaN }] }, 'samples[0].value: NaN cannot'],
    ['half milliseconds', { labels: { a: 'b' }, samples: [{ timestamp: 1.5, value: 1 }] }, 'samples[0].timestamp: 1.5'],
    ['no labels', { labels: { a: '' }, samples: [] }, 'labels: {"a":""} are no labels'],
    ['no list', { labels: { a: 'b' } } as unknown as ExportedSeries, 'samples: a value of type undefined is no list'],
  ])('refuses %s, and sends nothing that looks whole', async (_, bad, problem) => {
    let whole = false;
    answer = (request) => request.resume().on('end', () => (whole = true));
    await expect(client.importSeries([series(1), bad])).rejects.toThrow(`series[1].${problem}`);
    await Promise.all([...connections].map(closed));
    expect(whole).toBe(false);
  });

  it('leaves out what cannot be carried where that is asked for', async () => {
    let body = '';
    answer = async (request, response) => {
      body = await bodyOf(request);
      response.writeHead(204).end();
    };
    const samples = ([STALE, 1, NaN] as const).map((value, timestamp) => ({ timestamp, value }));
    await client.importSeries([{ labels: { id: '1' }, samples }], { dropNaN: true });
    expect(body).toBe('{"metric":{"id":"1"},"values":[1],"timestamps":[1]}\n');
  });

  it('takes no more from its source than the server takes', async () => {
    let taken = 0;
    let released = false;
    function* source(): Generator<Buffer> {
      try {
        for (; taken < 10_000; taken++) yield Buffer.alloc(100_000, 'x');
      } finally {
        released = true;
      }
    }
    answer = () => undefined; // reads nothing
    await expect(client.importJson(source(), { timeout: 200 })).rejects.toBeInstanceOf(TimeoutError);
    expect(taken).toBeLessThan(1000);
    expect(released).toBe(true);
  });

  it('waits for a slow source as long as it takes', async () => {
    async function* slow(): AsyncGenerator<string> {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 150));
      yield 'b';
    }
    let body = '';
    answer = async (request, response) => {
      body = await bodyOf(request);
      response.writeHead(204).end();
    };
    await client.importJson(slow(), { timeout: 100 });
    expect(body).toBe('ab');
  });

  it('ends with the answer that comes amid the body, whatever the source does then', async () => {
    async function* endless(): AsyncGenerator<string> {
      yield 'a\n';
      await new Promise(() => undefined);
    }
    answer = (request, response) => void request.once('data', () => response.writeHead(401).end('no'));
    expect(await failureOf(client.importText(endless()))).toMatchObject({ status: 401, body: 'no' });
    answer = (request, response) => void request.once('data', () => response.writeHead(204).end());
    expect(await failureOf(client.importText(endless()))).toMatchObject({
      message: `POST ${url}/api/v1/import/prometheus gave an answer that cannot be read: status 204 before the server had the whole request`,
    });
    answer = (request) => void request.once('data', () => request.socket.destroy());
    expect(await failureOf(client.importText(endless()))).toBeInstanceOf(NetworkError);
    const controller = new AbortController();
    const reason = new Error('enough');
    answer = (request) => void request.once('data', () => controller.abort(reason));
    expect(await failureOf(client.importText(endless(), { signal: controller.signal }))).toBe(reason);
  });

  it('fails as its source fails', async () => {
    const reason = new Error('disk');
    // eslint-disable-next-line require-yield -- a source that gives nothing
    async function* broken(): AsyncGenerator<string> {
      await Promise.resolve();
      throw reason;
    }
    answer = (request) => void request.resume();
    expect(await failureOf(client.importNative(broken()))).toBe(reason);
  });

  it('sends extra labels, the time, and the format of the columns', async () => {
    const urls: string[] = [];
    answer = (request, response) => {
      urls.push(decodeURIComponent(request.url!));
      request.resume().on('end', () => response.writeHead(204).end());
    };
    const columns: CsvColumn[] = [{ time: 'rfc3339' }, undefined, { label: 'job' }, { metric: 'm' }];
    await client.importCsv('x', { columns, extraLabels: { a: 'b=c' } });
    await client.importText('x', { timestamp: 7, extraLabels: { a: '1', b: '2' } });
    await client.importNative(Buffer.from('x'));
    expect(urls).toEqual([
      '/api/v1/import/csv?format=1:time:rfc3339,3:label:job,4:metric:m&extra_label=a=b=c',
      '/api/v1/import/prometheus?timestamp=7&extra_label=a=1&extra_label=b=2',
      '/api/v1/import/native',
    ]);
    await expect(client.importCsv('x', { columns: [{ label: 'a' }] })).rejects.toThrow(
      'columns: 0 metrics and 0 times',
    );
    await expect(client.importCsv('x', { columns: [{ metric: 'a,b' }] })).rejects.toThrow(
      'columns[0]: {"metric":"a,b"}',
    );
    await expect(client.importText('x', { extraLabels: { 'a=b': 'c' } })).rejects.toThrow('extraLabels: "a=b"');
  });
});

describe('searches and servers', () => {
  const answerJson = (data: unknown, isPartial?: boolean): void => {
    answer = (request, response) => {
      request.resume();
      response.end(JSON.stringify({ status: 'success', isPartial, data }));
    };
  };
  const nothing = {
    ...{ totalSeries: 0, totalLabelValuePairs: 0, seriesCountByMetricName: [], seriesCountByLabelName: [] },
    ...{ seriesCountByFocusLabelValue: [], seriesCountByLabelValuePair: [], labelValueCountByLabelName: [] },
  };
  type Search = (options: { denyPartialResponse?: boolean }) => Promise<{ readonly isPartial: boolean }>;

  it.each<[string, unknown, Search]>([
    ['series', [], (options) => client.series('m', options)],
    ['labels', [], (options) => client.labels(options)],
    ['labelValues', [], (options) => client.labelValues('job', options)],
    ['tsdbStatus', nothing, (options) => client.tsdbStatus(options)],
    ['query', { resultType: 'matrix', result: [] }, (options) => client.query('m', options)],
    [
      'queryRange',
      { resultType: 'matrix', result: [] },
      (options) => client.queryRange('m', { start: 0, end: 0, step: 1000, ...options }),
    ],
  ])('%s shows a partial answer, and refuses it where that is asked for', async (_, data, search) => {
    answerJson(data, true);
    expect((await search({})).isPartial).toBe(true);
    await expect(search({ denyPartialResponse: true })).rejects.toMatchObject({ name: 'PartialResponseError' });
    answerJson(data);
    expect((await search({ denyPartialResponse: true })).isPartial).toBe(false);
    answerJson([1]);
    await expect(search({})).rejects.toBeInstanceOf(BadResponseError);
  });

  it('asks for what the options say', async () => {
    const asked: unknown[] = [];
    answer = async (request, response) => {
      asked.push([request.url, Object.fromEntries(new URLSearchParams(await bodyOf(request)))]);
      response.end('{"status":"success","data":[]}');
    };
    await client.labelValues('__name__', { match: 'up', start: 0, end: 1, limit: 3, denyPartialResponse: true });
    await client.labelValues('http.méthode_x', { timeout: 1000 });
    await failureOf(client.tsdbStatus({ topN: 5, focusLabel: 'job', date: Date.UTC(2026, 0, 31, 23), match: 'up' }));
    await failureOf(client.tsdbStatus({ date: 'all' }));
    await client.deleteSeries(['a', 'b'], { authKey: () => 's3cret\n' });
    expect(asked).toEqual([
      [
        '/api/v1/label/__name__/values',
        { 'match[]': 'up', timeout: '5', start: '0.000', end: '0.001', limit: '3', deny_partial_response: '1' },
      ],
      ['/api/v1/label/U__http_2e_m_e9_thode__x/values', { timeout: '1' }],
      ['/api/v1/status/tsdb', { 'match[]': 'up', timeout: '5', topN: '5', focusLabel: 'job', date: '2026-01-31' }],
      ['/api/v1/status/tsdb', { timeout: '5', date: '0' }],
      ['/api/v1/admin/tsdb/delete_series', { 'match[]': 'b', timeout: '5', authKey: 's3cret' }],
    ]);
  });

  it('deletes where vmselect does', async () => {
    const urls: (string | undefined)[] = [];
    answer = (request, response) => {
      urls.push(request.url);
      response.writeHead(204).end();
    };
    await VictoriaMetricsClient.cluster({ insert: url, select: `${url}/s`, tenant: '1:2' }).deleteSeries('m');
    await new VictoriaMetricsClient({ readUrl: `${url}/select/3/prometheus` }).deleteSeries('m');
    await new VictoriaMetricsClient({ readUrl: `${url}/vm` }).deleteSeries('m');
    expect(urls).toEqual([
      '/s/delete/1:2/prometheus/api/v1/admin/tsdb/delete_series',
      '/delete/3/prometheus/api/v1/admin/tsdb/delete_series',
      '/vm/api/v1/admin/tsdb/delete_series',
    ]);
    await expect(new VictoriaMetricsClient({ writeUrl: url }).deleteSeries('m')).rejects.toThrow('readUrl: missing');
  });

  it('reads flags as Go writes them, and refuses what is none', async () => {
    answer = (_, response) => response.end('-a="1"\n-b.c="x=\\"y\\"\\\\ \\t\\x7f\\u00e9\\U0001f600"\n-d=""\n');
    expect(await client.flags()).toEqual({ a: '1', 'b.c': 'x="y"\\ \t\x7fé😀', d: '' });
    answer = (_, response) => response.end('<html>');
    await expect(client.flags()).rejects.toThrow(
      `GET ${url}/flags gave an answer that cannot be read: the line "<html>" is not a flag`,
    );
  });

  it('asks the server that is meant, with its key in the body', async () => {
    const asked: unknown[] = [];
    answer = async (request, response) => {
      asked.push([request.method, request.url, await bodyOf(request)]);
      response.end('up 1\n');
    };
    const cluster = VictoriaMetricsClient.cluster({ insert: `${url}/i`, select: `${url}/s` });
    expect(await cluster.metrics()).toBe('up 1\n');
    await cluster.metrics({ server: 'write', authKey: 's3cret' });
    await new VictoriaMetricsClient({ writeUrl: `${url}/w` }).metrics();
    expect(asked).toEqual([
      ['GET', '/s/metrics', ''],
      ['POST', '/i/metrics', 'authKey=s3cret'],
      ['GET', '/metrics', ''],
    ]);
    await expect(new VictoriaMetricsClient({ writeUrl: url }).metrics({ server: 'read' })).rejects.toThrow(
      'readUrl: missing',
    );
    const waiting = client.metrics({ timeout: 20, authKey: () => new Promise<string>(() => undefined) });
    await expect(waiting).rejects.toBeInstanceOf(TimeoutError);
  });
});

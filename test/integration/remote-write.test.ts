import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress, decompress, init } from '@bokuweb/zstd-wasm';
import { STALE, VictoriaMetricsClient, type ClientOptions, type TimeSeries, type VectorSeries } from '../../src/client';
import type { RemoteWriter, RemoteWriterOptions } from '../../src/client/remote-write/writer';
import { snappyDecompress } from '../snappy';
import { describeWith, findBinary, until } from './runner';

jest.setTimeout(60_000);

const TOKEN = 'token of the shop'.replaceAll(' ', '-');
const ZSTD = {
  compress: (bytes: Uint8Array) => compress(bytes, 1),
  decompress: (bytes: Uint8Array) => decompress(bytes),
};

// A second time would break it.
beforeAll(init);

/** mulberry32 */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A real server on a port of its own, with a folder that goes with it. */
class Program {
  static async start(
    name: string,
    args: (address: string, folder: string) => readonly string[],
    ready = '/health',
  ): Promise<Program> {
    const probe = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const address = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
    await new Promise((resolve) => probe.close(resolve));
    const folder = mkdtempSync(join(tmpdir(), 'remote-write-'));
    const child = spawn(findBinary(name)!, args(address, folder), { stdio: 'ignore' });
    const program = new Program(`http://${address}`, folder, child);
    await until(`${name} is ready`, async () => (await fetch(program.url + ready)).ok);
    return program;
  }

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  async page(path: string): Promise<string> {
    const answer = await fetch(this.url + path);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.text();
  }

  /** The sum of a metric of its own. */
  async metric(name: string): Promise<number> {
    const lines = [...(await this.page('/metrics')).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
    return lines.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
    rmSync(this.folder, { recursive: true });
  }
}

/** So that the times of all samples lie in the past. */
const START = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;

/** Sample `time` of each of some series. */
function tick(metric: string, series: number, time: number): TimeSeries[] {
  return Array.from({ length: series }, (_, i) => ({
    labels: { __name__: metric, i: String(i), job: 'shop', path: '/é' },
    samples: [{ timestamp: START + time, value: time }],
  }));
}

/** Writes `times` samples of each of `series` series, in order, and waits until they are settled. */
async function writeAll(writer: RemoteWriter, metric: string, series: number, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await writer.write(tick(metric, series, time));
  await writer.flush();
}

describeWith(['victoria-metrics'], 'RemoteWriter and VictoriaMetrics', () => {
  let server: Program;
  let reader: VictoriaMetricsClient;
  const clients: VictoriaMetricsClient[] = [];

  beforeAll(async () => {
    server = await Program.start('victoria-metrics', (address, folder) => [
      `-httpListenAddr=${address}`,
      `-storageDataPath=${folder}`,
      '-search.latencyOffset=0s',
      '-enableMetadata',
    ]);
    reader = VictoriaMetricsClient.single(server.url);
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  afterAll(async () => {
    reader.close();
    // What was not stored, or was not understood, would be counted here.
    const dropped = (await server.metric('vm_rows_ignored_total')) + (await server.metric('vm_rows_invalid_total'));
    await server.stop();
    expect(dropped).toBe(0);
  });

  function writerTo(url: string, options: RemoteWriterOptions, client: ClientOptions = {}): RemoteWriter {
    const made = VictoriaMetricsClient.single(url, client);
    clients.push(made);
    return made.remoteWriter(options);
  }

  /** How many samples of each series are stored, copies of the same sample included. */
  async function expectStored(metric: string, series: number, times: number): Promise<void> {
    await server.page('/internal/force_flush');
    const time = START + times + 1000;
    const ask = async (query: string) => (await reader.query(query, { time, nocache: true })).result as VectorSeries[];
    const counts = await ask(`count_over_time(${metric}[1h])`);
    expect(counts).toHaveLength(series);
    expect(new Set(counts.map(({ value }) => value))).toEqual(new Set([times]));
    // 0 + 1 + ... + (times - 1): each once.
    const sums = await ask(`sum_over_time(${metric}[1h])`);
    expect(new Set(sums.map(({ value }) => value))).toEqual(new Set([(times * (times - 1)) / 2]));
  }

  it.each([
    ['snappy', false],
    ['zstd', ZSTD],
  ] as const)('stores all samples once with %s', async (encoding, zstd) => {
    const metric = `plain_${encoding}_total`;
    const writer = writerTo(server.url, { zstd, concurrency: 3, maxRequestSamples: 2000 });
    await writer.write([]);
    if (encoding === 'zstd') await until('zstd is agreed on', () => writer.metrics().encoding === 'zstd');
    await writeAll(writer, metric, 100, 500);
    await writer.close();
    expect(writer.metrics()).toMatchObject({ samples: 50_000, deliveredSamples: 50_000, encoding, failedAttempts: 0 });
    await expectStored(metric, 100, 500);
  });

  it('stores infinities and stale markers, and takes metadata and exemplars', async () => {
    const writer = writerTo(server.url, {});
    const labels = { __name__: 'special_total' };
    const samples = ([Infinity, -Infinity, 0.1, STALE] as const).map((value, i) => ({ timestamp: START + i, value }));
    writer.writeMetadata([{ name: 'special_total', type: 'counter', help: 'Specials, "quoted".', unit: 'things' }]);
    await writer.write([{ labels, samples, exemplars: [{ labels: { trace_id: 'abc' }, value: 1, timestamp: START }] }]);
    await writer.close();
    await server.page('/internal/force_flush');
    const exported = await server.page('/api/v1/export?match[]=special_total&reduce_mem_usage=1');
    expect(exported).toContain('"values":["Infinity","-Infinity",0.1,null]');
    const metadata = await until('metadata', async () => {
      const { data } = JSON.parse(await server.page('/api/v1/metadata?metric=special_total'));
      return data.special_total;
    });
    expect(metadata).toEqual([
      expect.objectContaining({ type: 'counter', help: 'Specials, "quoted".', unit: 'things' }),
    ]);
  });

  it('sends series that vary in their labels from write to write, of all sizes', async () => {
    const writer = writerTo(server.url, { zstd: ZSTD, concurrency: 4, maxRequestBytes: 20_000 });
    const random = seeded(7);
    for (let time = 0; time < 100; time++) {
      const series = Array.from({ length: 20 }, (_, i) => ({
        labels: { __name__: 'varied_total', i: String(i), text: '東é"\\\n '.repeat(i * 5), empty: '' },
        samples: [{ timestamp: START + time, value: time }],
      }));
      await writer.write(series.sort(() => random() - 0.5));
    }
    await writer.close();
    await expectStored('varied_total', 20, 100);
  });

  describe('behind a server that fails', () => {
    type Fault = (request: IncomingMessage, response: ServerResponse, forward: () => Promise<void>) => unknown;
    let fault: Fault;
    let encodings: string[];
    /** Bodies that were stored, to see that none comes twice. */
    let stored: Set<string>;
    let repeated: number;
    let proxy: Server;
    let url: string;

    beforeAll((done) => {
      proxy = createServer((request, response) => {
        if (request.method === 'GET') {
          response.end('1');
          return;
        }
        const chunks: Buffer[] = [];
        request.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
        const body = new Promise<Buffer>((resolve) => request.on('end', () => resolve(Buffer.concat(chunks))));
        encodings.push(request.headers['content-encoding']!);
        const forward = async () => {
          const bytes = await body;
          const message = encodings.at(-1) === 'zstd' ? ZSTD.decompress(bytes) : snappyDecompress(bytes);
          const key = Buffer.from(message).toString('base64');
          if (stored.has(key)) repeated++;
          stored.add(key);
          const headers = { 'content-encoding': request.headers['content-encoding']! };
          const answer = await fetch(`${server.url}/api/v1/write`, {
            method: 'POST',
            body: new Uint8Array(bytes),
            headers,
          });
          if (answer.status !== 204) throw new Error(`answered ${answer.status}`);
        };
        void fault(request, response, forward);
      });
      proxy.listen(0, '127.0.0.1', () => {
        url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
        done();
      });
    });

    beforeEach(() => {
      encodings = [];
      stored = new Set();
      repeated = 0;
    });

    afterAll(async () => {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      await closed;
    });

    const FAULTS: Readonly<Record<string, Fault>> = {
      'reset before the body': (request) => void request.socket.resetAndDestroy(),
      'reset after the body': async (request) => {
        await new Promise((resolve) => request.on('end', resolve));
        request.socket.resetAndDestroy();
      },
      'end without an answer': async (request) => {
        await new Promise((resolve) => request.on('end', resolve));
        request.socket.end();
      },
      'half a status line': (request) => void request.socket.end('HTTP/1.1 2'),
      'half of the headers': (request) => void request.socket.end('HTTP/1.1 204 No Content\r\nServer: x\r\nDa'),
      'no HTTP': (request) => void request.socket.end('hello\r\n\r\n'),
      '500 with half a page': (_, response) => {
        response.writeHead(500, { 'content-length': 100 }).write('half');
        response.socket?.end();
      },
      '429 with Retry-After and half a page': (_, response) => {
        response.writeHead(429, { 'content-length': 100, 'retry-after': '0' }).write('half');
        response.socket?.end();
      },
      '503 with a page that is no gzip': (_, response) =>
        void response.writeHead(503, { 'content-encoding': 'gzip' }).end('plain'),
      '503': (_, response) => void response.writeHead(503).end('busy'),
      '429 with seconds': (_, response) => void response.writeHead(429, { 'retry-after': '0' }).end(),
      '429 with a date': (_, response) =>
        void response.writeHead(429, { 'retry-after': new Date(Date.now() - 1000).toUTCString() }).end(),
      silence: () => undefined,
      'stored, and an answer that breaks off behind its status': async (_, response, forward) => {
        await forward();
        response.writeHead(200, { 'content-length': 100 }).write('half');
        setTimeout(() => response.socket?.resetAndDestroy(), 5);
      },
      'stored, and slow': async (_, response, forward) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await forward();
        response.writeHead(204).end();
      },
    };

    const ok: Fault = async (_, response, forward) => {
      await forward();
      response.writeHead(204).end();
    };

    test.each(Object.keys(FAULTS).map((name, i) => [name, i] as const))(
      '%s: nothing lost, nothing twice',
      async (name, i) => {
        let count = 0;
        fault = (...args) => (count++ % 2 === 0 ? FAULTS[name]! : ok)(...args);
        const metric = `fault_${i}_total`;
        const writer = writerTo(
          url,
          { zstd: false, minBackoff: 5, maxBackoff: 20, maxRequestSamples: 50 },
          { timeout: 300 },
        );
        await writeAll(writer, metric, 10, 20);
        expect(writer.metrics()).toMatchObject({ deliveredSamples: 200, deliveredRequests: 4, pendingSamples: 0 });
        await expectStored(metric, 10, 20);
        expect(repeated).toBe(0);
      },
    );

    it('waits as long as Retry-After asks for, in seconds and as a date', async () => {
      const at: number[] = [];
      fault = async (request, response, forward) => {
        at.push(Date.now());
        if (at.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
        // A date has whole seconds: the next but one is more than a second away.
        else if (at.length === 2) {
          const date = new Date((Math.floor(Date.now() / 1000) + 2) * 1000);
          response.writeHead(503, { 'retry-after': date.toUTCString() }).end();
        } else await ok(request, response, forward);
      };
      const writer = writerTo(url, { minBackoff: 1 });
      await writeAll(writer, 'patient_total', 1, 1);
      expect(at).toHaveLength(3);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990);
      expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(990);
      await expectStored('patient_total', 1, 1);
    });

    it.each<[string, Record<string, string>, (response: ServerResponse) => void]>([
      ['half', {}, (response) => response.write('half', () => response.destroy())],
      ['endless', {}, (response) => void response.write('half')],
      ['garbled', { 'content-encoding': 'gzip' }, (response) => void response.end('plain')],
    ])('gives up what is refused with 400 and a page that is %s, and goes on', async (name, headers, page) => {
      let requests = 0;
      fault = async (request, response, forward) => {
        if (requests++ > 0) await ok(request, response, forward);
        else page(response.writeHead(400, headers));
      };
      const metric = `refused_${name}_total`;
      const drops: unknown[] = [];
      const writer = writerTo(url, { zstd: false, maxRequestSamples: 10, onDrop: (event) => drops.push(event) });
      await writer.write(tick(metric, 10, -1));
      await writeAll(writer, metric, 10, 20);
      expect(requests).toBe(21);
      expect(drops).toEqual([{ reason: 'rejected', samples: 10, error: expect.objectContaining({ status: 400 }) }]);
      await expectStored(metric, 10, 20);
    });

    it('waits as long as Retry-After asks for behind which the page breaks off', async () => {
      const at: number[] = [];
      fault = (request, response, forward) => {
        if (at.push(Date.now()) > 1) return ok(request, response, forward);
        return response.writeHead(429, { 'retry-after': '1' }).write('half', () => response.destroy());
      };
      await writeAll(writerTo(url, { minBackoff: 1 }), 'patient_half_total', 1, 1);
      expect(at).toHaveLength(2);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990);
    });

    it.each([400, 415])('goes back to snappy where zstd is refused with %d after all', async (status) => {
      fault = async (request, response, forward) => {
        if (request.headers['content-encoding'] === 'zstd') response.writeHead(status).end('unknown encoding');
        else await ok(request, response, forward);
      };
      const metric = `refused_zstd_${status}_total`;
      const writer = writerTo(url, { zstd: ZSTD, maxRequestSamples: 100 });
      await writer.write([]);
      await until('zstd is agreed on', () => writer.metrics().encoding === 'zstd');
      await writeAll(writer, metric, 10, 100);
      expect(writer.metrics()).toMatchObject({ deliveredSamples: 1000, rejectedRequests: 0, encoding: 'snappy' });
      expect(encodings.slice(0, 2)).toEqual(['zstd', 'snappy']);
      await expectStored(metric, 10, 100);
    });

    it('stores each sample once whatever fails, with several workers and little room', async () => {
      const names = Object.keys(FAULTS).filter((name) => name !== 'silence');
      const random = seeded(42);
      fault = (...args) => (random() < 0.5 ? ok : FAULTS[names[Math.floor(random() * names.length)]!]!)(...args);
      const writer = writerTo(
        url,
        {
          zstd: ZSTD,
          concurrency: 4,
          minBackoff: 2,
          maxBackoff: 20,
          maxRequestSamples: 100,
          maxRequestBytes: 5000,
          maxBufferedBytes: 40_000,
          random,
        },
        { timeout: 5000 },
      );
      await writeAll(writer, 'chaos_total', 40, 250);
      expect(writer.metrics()).toMatchObject({ deliveredSamples: 10_000, pendingSamples: 0, pendingBytes: 0 });
      expect(writer.metrics().failedAttempts).toBeGreaterThan(20);
      expect(repeated).toBe(0);
      await expectStored('chaos_total', 40, 250);
    });
  });

  describeWith(['vmauth'], 'behind vmauth', () => {
    let vmauth: Program;

    beforeAll(async () => {
      vmauth = await Program.start(
        'vmauth',
        (address, folder) => {
          const config = join(folder, 'auth.yaml');
          writeFileSync(config, `users:\n  - bearer_token: ${TOKEN}\n    url_prefix: ${server.url}\n`);
          return [`-httpListenAddr=${address}`, `-auth.config=${config}`];
        },
        '/health',
      );
    });
    afterAll(() => vmauth.stop());

    it('writes with a token, in zstd', async () => {
      const writer = writerTo(vmauth.url, { zstd: ZSTD, concurrency: 2 }, { auth: { bearerToken: TOKEN } });
      await writer.write([]);
      await until('zstd is agreed on', () => writer.metrics().encoding === 'zstd');
      await writeAll(writer, 'authorized_total', 20, 50);
      await expectStored('authorized_total', 20, 50);
    });

    it('gives up what is refused for a wrong token, once', async () => {
      const drops: unknown[] = [];
      const onDrop: RemoteWriterOptions['onDrop'] = (event) => drops.push(event);
      const writer = writerTo(vmauth.url, { onDrop }, { auth: { bearerToken: 'wrong' } });
      await writeAll(writer, 'unauthorized_total', 1, 1);
      expect(drops).toEqual([{ reason: 'rejected', samples: 1, error: expect.objectContaining({ status: 401 }) }]);
      expect(writer.metrics()).toMatchObject({ rejectedRequests: 1, failedAttempts: 0, deliveredRequests: 0 });
    });
  });
});

describeWith(['prometheus'], 'RemoteWriter and Prometheus', () => {
  let server: Program;

  beforeAll(async () => {
    server = await Program.start(
      'prometheus',
      (address, folder) => {
        const config = join(folder, 'prometheus.yml');
        writeFileSync(config, 'global: {}\n');
        return [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=${address}`,
          '--web.enable-remote-write-receiver',
          '--enable-feature=exemplar-storage',
        ];
      },
      '/-/ready',
    );
  });
  afterAll(() => server.stop());

  it('is refused nothing as out of order with 4 workers, and keeps exemplars', async () => {
    const client = VictoriaMetricsClient.single(server.url);
    const drops: unknown[] = [];
    const writer = client.remoteWriter({
      concurrency: 4,
      maxRequestSamples: 500,
      zstd: ZSTD,
      onDrop: (event) => drops.push(event),
    });
    await writeAll(writer, 'ordered_total', 100, 500);
    const exemplar = { labels: { trace_id: 'abc' }, value: 0.5, timestamp: START + 500 };
    await writer.write([{ ...tick('ordered_total', 1, 500)[0]!, exemplars: [exemplar] }]);
    await writer.close();
    client.close();
    expect(drops).toEqual([]);
    expect(writer.metrics()).toMatchObject({ deliveredSamples: 50_001, rejectedRequests: 0, failedAttempts: 0 });
    expect(writer.metrics().deliveredRequests).toBeGreaterThan(50);
    expect(writer.metrics().encoding).toBe('snappy');
    expect(await server.metric('prometheus_tsdb_out_of_order_samples_total')).toBe(0);
    const time = (START + 2000) / 1000;
    const query = async (expression: string): Promise<number> => {
      const answer = JSON.parse(
        await server.page(`/api/v1/query?time=${time}&query=${encodeURIComponent(expression)}`),
      );
      return Number(answer.data.result[0].value[1]);
    };
    expect(await query('sum(count_over_time(ordered_total[1h]))')).toBe(50_001);
    const { data } = JSON.parse(
      await server.page(`/api/v1/query_exemplars?query=ordered_total&start=${time - 3600}&end=${time}`),
    );
    expect(data[0].exemplars).toEqual([{ labels: { trace_id: 'abc' }, value: '0.5', timestamp: (START + 500) / 1000 }]);
  });
});

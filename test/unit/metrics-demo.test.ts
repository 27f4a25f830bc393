import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import {
  Endpoint,
  Image,
  IMAGES,
  OpenTelemetryCollector,
  SecretRef,
  Tenant,
  VmCluster,
  VmSingle,
  WriteEndpoint,
} from '../../src';
import { MetricsDemo, type MetricsDemoProps } from '../../src/metrics-demo';
import { SCENARIOS, type Scenario } from '../../src/metrics-demo/environment';
import { Ballast } from '../../src/metrics-demo/program/ballast';
import type { ConfigError } from '../../src/metrics-demo/program/config';
import { readConfig } from '../../src/metrics-demo/program/config';
import { Demo } from '../../src/metrics-demo/program/demo';
import { renderPage } from '../../src/metrics-demo/program/exposition';
import { HttpServer } from '../../src/metrics-demo/program/http-server';
import { Log } from '../../src/metrics-demo/program/log';
import { Random } from '../../src/metrics-demo/program/random';
import { seriesOf } from '../../src/metrics-demo/program/remote-write';
import { collect } from '../../src/metrics-demo/program/samples';
import { Shop } from '../../src/metrics-demo/program/shop';
import { ShopMetrics } from '../../src/metrics-demo/program/shop-metrics';
import { until } from '../integration/runner';
import { find, podOf, problemsOf, synth } from './synth';

/** Noon, UTC. */
const NOON = Date.UTC(2026, 0, 14, 12);

const MINUTE = 60_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class ManualClock {
  public constructor(public time = NOON) {}

  public now(): number {
    return this.time;
  }
}

interface OpenShop {
  readonly metrics: ShopMetrics;
  readonly shop: Shop;
  run(minutes: number): void;
  /** The sum of all values of a name with the labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

function openShop(seed = 'seed', start = NOON): OpenShop {
  const metrics = new ShopMetrics();
  const shop = new Shop(metrics, new Random(seed), start);
  let now = start;
  return {
    metrics,
    shop,
    run: (minutes) => {
      for (const end = now + minutes * MINUTE; now < end;) shop.advance((now += MINUTE / 2));
    },
    sum: async (name, labels = {}) => {
      const points = (await collect(metrics.registry)).flatMap((family) => family.points);
      return points
        .filter(
          (point) => point.name === name && Object.entries(labels).every(([key, value]) => point.labels[key] === value),
        )
        .reduce((sum, { value }) => sum + value, 0);
    },
  };
}

describe('random numbers', () => {
  test('are the same for the same seed, and others for another', () => {
    const numbers = (seed: string) => {
      const random = new Random(seed);
      return [...Array(5)].map(() => random.uniform());
    };
    expect(numbers('1/a')).toEqual(numbers('1/a'));
    expect(numbers('1/a')).not.toEqual(numbers('1/b'));
    expect(numbers('1/a')).toEqual([...new Set(numbers('1/a'))]);
  });

  test('have the means that they should', () => {
    const random = new Random('means');
    const mean = (draw: () => number, count = 10_000) =>
      [...Array(count)].reduce<number>((sum) => sum + draw(), 0) / count;
    expect(mean(() => random.uniform())).toBeCloseTo(0.5, 1);
    expect(mean(() => random.poisson(3))).toBeCloseTo(3, 1);
    expect(mean(() => random.poisson(1200), 200) / 1200).toBeCloseTo(1, 1);
    expect(mean(() => Number(random.lognormal(2, 0.5) < 2))).toBeCloseTo(0.5, 1);
    expect(random.poisson(0)).toBe(0);
  });
});

describe('the shop', () => {
  test('does the same for the same seed and clock, however often anybody looks', async () => {
    const [often, seldom, other] = [openShop(), openShop(), openShop('another seed')];
    for (let time = NOON; time <= NOON + MINUTE; time += 250) often.shop.advance(time);
    seldom.shop.advance(NOON + 20_000);
    seldom.shop.advance(NOON + MINUTE);
    other.shop.advance(NOON + MINUTE);
    const values = ({ metrics }: OpenShop) => collect(metrics.registry);
    expect(await values(often)).toEqual(await values(seldom));
    expect(await values(often)).not.toEqual(await values(other));
  });

  test('counts in its metrics what happened, exactly', async () => {
    const { shop, run, sum } = openShop();
    run(10);
    const { totals } = shop;
    expect(totals.requests).toBeGreaterThan(30_000);
    expect(await sum('http_requests_total')).toBe(totals.requests);
    expect(await sum('http_request_duration_seconds_count')).toBe(totals.requests);
    expect(await sum('http_request_duration_seconds_bucket', { le: '+Inf' })).toBe(totals.requests);
    expect(await sum('http_request_size_bytes_count')).toBe(totals.requests);
    expect(
      (await sum('http_requests_total', { status: '500' })) + (await sum('http_requests_total', { status: '503' })),
    ).toBe(totals.failedRequests);
    expect(await sum('user_logins_total')).toBe(totals.logins);
    expect(await sum('user_logouts_total')).toBe(totals.logouts);
    expect(await sum('active_users')).toBe(1500 + totals.logins - totals.logouts);
    expect(await sum('business_orders_total')).toBe(totals.orders);
    expect(await sum('business_cart_size_count')).toBe(totals.orders);
    expect(await sum('business_order_amount_total')).toBe(totals.orderAmount);
    expect((await sum('cache_hits_total')) + (await sum('cache_misses_total'))).toBe(totals.cacheReads);
    expect(await sum('cache_operation_duration_seconds_count', { operation: 'get' })).toBe(totals.cacheReads);
    expect(await sum('otlp_spans_created_total')).toBe(totals.spansCreated);
    expect(await sum('otlp_span_duration_seconds_count')).toBe(totals.spansCreated);
    expect(await sum('otlp_spans_exported_total')).toBe(totals.spansExported);
    expect(await sum('otlp_exporter_batch_size_sum')).toBe(totals.spansExported);
    expect(await sum('otlp_exporter_latency_seconds_count')).toBe(totals.batches);
    expect(await sum('otlp_exporter_queue_size')).toBe(
      totals.spansCreated - totals.spansExported - totals.spansDropped,
    );
  });

  test('has spans of servers that are as long as the requests, and of clients within them', async () => {
    const { run, sum } = openShop();
    run(5);
    const seconds = (kind: string) => sum('otlp_span_duration_seconds_sum', { kind });
    const count = (kind: string) => sum('otlp_span_duration_seconds_count', { kind });
    expect(await seconds('server')).toBe(await sum('http_request_duration_seconds_sum'));
    expect(await count('server')).toBe(await sum('http_requests_total'));
    expect(await count('client')).toBeGreaterThan(await count('server'));
    expect(await seconds('client')).toBeLessThan(await seconds('server'));
    expect(await seconds('client')).toBeGreaterThan((await seconds('server')) / 4);
  });

  test('has all of its series from the start', async () => {
    const { shop, run, metrics } = openShop();
    const names = async () =>
      (await seriesOf(metrics.registry, {}, 1)).map(({ labels }) => JSON.stringify(labels)).sort();
    const first = await names();
    expect(first.length).toBeLessThan(500);
    shop.startScenario('high-errors');
    shop.startScenario('queue-backlog');
    run(5);
    expect(await names()).toEqual(first);
  });

  test('has its quiet hours at night, with more than ten requests a second to each service', async () => {
    const [night, day] = [openShop('a', Date.UTC(2026, 0, 14, 2)), openShop('a', Date.UTC(2026, 0, 14, 14))];
    for (const { run } of [night, day]) run(5);
    expect(night.shop.totals.requests).toBeLessThan(day.shop.totals.requests * 0.6);
    for (const service of ['catalog', 'cart', 'checkout', 'accounts']) {
      expect(await night.sum('http_requests_total', { service })).toBeGreaterThan(10 * 300);
    }
    expect(night.shop.totals.spansCreated).toBeGreaterThan(100 * 300);
  });

  test('makes up for a minute at the most after it was suspended', () => {
    const { shop } = openShop();
    shop.advance(NOON + MINUTE);
    const aMinute = shop.totals.requests;
    shop.advance(NOON + 24 * 60 * MINUTE);
    expect(shop.totals.requests).toBeLessThan(2.5 * aMinute);
  });

  test('goes on when the clock is set back', () => {
    const { shop } = openShop();
    shop.advance(NOON + MINUTE);
    const { requests } = shop.totals;
    shop.advance(NOON - 60 * MINUTE);
    expect(shop.totals.requests).toBe(requests);
    shop.advance(NOON - 59 * MINUTE);
    expect(shop.totals.requests).toBeGreaterThan(requests);
  });

  test('drops spans, and counts them, when the queue is full', async () => {
    const { shop, run, sum } = openShop();
    shop.startScenario('queue-backlog');
    run(10);
    expect(await sum('otlp_exporter_queue_size')).toBeGreaterThan(49_900);
    expect(shop.totals.spansDropped).toBeGreaterThan(10_000);
    expect(await sum('otlp_spans_dropped_total')).toBe(shop.totals.spansDropped);
    shop.stopScenario('queue-backlog');
    run(1);
    expect(await sum('otlp_exporter_queue_size')).toBeLessThan(1000);
  });

  test('logs everybody out while traffic is down', async () => {
    const { shop, run, sum } = openShop();
    shop.startScenario('traffic-drop');
    run(1);
    expect(await sum('active_users')).toBe(0);
    shop.startScenario('normal');
    run(5);
    expect(await sum('active_users')).toBeGreaterThan(100);
  });

  test('tells which scenarios are active', async () => {
    const { shop, sum } = openShop();
    const told = async () => {
      const values = await Promise.all(
        SCENARIOS.map(async (scenario) => [scenario, await sum('metrics_demo_scenario_active', { scenario })] as const),
      );
      return values.filter(([, value]) => value === 1).map(([scenario]) => scenario);
    };
    expect(await told()).toEqual(['normal']);
    shop.startScenario('high-latency');
    shop.startScenario('high-errors');
    expect(shop.activeScenarios).toEqual(['high-errors', 'high-latency']);
    expect(await told()).toEqual(['high-errors', 'high-latency']);
    shop.stopScenario('high-errors');
    expect(await told()).toEqual(['high-latency']);
    shop.startScenario('normal');
    expect(await told()).toEqual(['normal']);
  });
});

describe('the page', () => {
  test('is the text format of Prometheus, or OpenMetrics where that is preferred', async () => {
    const { metrics, run } = openShop();
    run(1);
    const prometheus = await renderPage(metrics.registry, 'text/plain;version=0.0.4;q=1,*/*;q=0.1');
    expect(prometheus.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(prometheus.text).toContain('# TYPE http_requests_total counter\n');
    expect(prometheus.text).toMatch(
      /^http_requests_total\{service="cart",method="GET",path="\/cart",status="200"\} \d+$/m,
    );
    expect(prometheus.text).not.toContain('# EOF');

    const openMetrics = await renderPage(
      metrics.registry,
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3',
    );
    expect(openMetrics.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(openMetrics.text).toContain('# TYPE http_requests counter\n');
    expect(openMetrics.text).toMatch(
      /^http_requests_total\{service="cart",method="GET",path="\/cart",status="200"\} \d+$/m,
    );
    expect(openMetrics.text.endsWith('# EOF\n')).toBe(true);
    // All samples are the same, and the next page is what it was.
    const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples(openMetrics.text)).toEqual(samples(prometheus.text));
    expect(await renderPage(metrics.registry)).toEqual(prometheus);
  });
});

describe('the environment', () => {
  test('has a default for all', () => {
    expect(readConfig({ POD_NAME: 'demo-1' })).toEqual({
      port: 8080,
      logLevel: 'info',
      memoryLimitBytes: 268_435_456,
      pod: 'demo-1',
      pushIntervalSeconds: 15,
      scenario: 'normal',
      scrape: true,
      seed: 1,
    });
  });

  test('says where to listen and to push', () => {
    const config = readConfig({
      LISTEN_ADDRESS: '[::1]:9000',
      POD_NAMESPACE: 'shop',
      SCRAPE: 'false',
      DEPLOYMENT_ENVIRONMENT: 'staging',
      OTLP_URL: 'https://otlp.example.com/v1/metrics',
      OTLP_BEARER_TOKEN_FILE: '/token',
      REMOTE_WRITE_URL: 'http://store:8428/api/v1/write',
      REMOTE_WRITE_USERNAME: 'me',
      REMOTE_WRITE_PASSWORD_FILE: '/password',
    });
    expect(config).toMatchObject({
      host: '::1',
      port: 9000,
      namespace: 'shop',
      scrape: false,
      otlp: { url: 'https://otlp.example.com/v1/metrics', bearerTokenFile: '/token', environment: 'staging' },
      remoteWrite: { url: 'http://store:8428/api/v1/write', username: 'me', passwordFile: '/password' },
    });
  });

  test('is told all that is wrong with it at once, and no secret', () => {
    const read = (env: Record<string, string>): readonly string[] => {
      try {
        readConfig(env);
        return [];
      } catch (error) {
        return (error as ConfigError).problems;
      }
    };
    expect(
      read({
        LISTEN_ADDRESS: '8080',
        LOG_LEVEL: 'loud',
        MEMORY_LIMIT_BYTES: '192Mi',
        PUSH_INTERVAL_SECONDS: '0',
        SCENARIO: 'high_errors',
        SCRAPE: 'no',
        SEED: '-1',
        OTLP_URL: 'ftp://me:secret@host/v1/metrics',
        OTLP_USERNAME: 'me',
        OTLP_BEARER_TOKEN_FILE: '/token',
        REMOTE_WRITE_BEARER_TOKEN_FILE: '/token',
      }),
    ).toEqual([
      'LISTEN_ADDRESS: "8080" is no address; write for example :8080 or 127.0.0.1:8080',
      'LOG_LEVEL: "loud" is none of debug, info, warn, error',
      'MEMORY_LIMIT_BYTES: "192Mi" is no whole number of at least 1',
      'PUSH_INTERVAL_SECONDS: "0" is no whole number of at least 1',
      'SCENARIO: "high_errors" is none of normal, high-errors, high-latency, traffic-drop, queue-backlog, memory-growth',
      'SCRAPE: "no" is none of true, false',
      'SEED: "-1" is no whole number of at least 0',
      'OTLP_USERNAME: basic auth wants it and OTLP_PASSWORD_FILE',
      'OTLP_BEARER_TOKEN_FILE: set with OTLP_USERNAME; a request has one kind of credentials',
      'OTLP_URL: is no URL with http or https',
      'REMOTE_WRITE_URL: missing, but there are credentials for it',
    ]);
    for (const url of [
      'http://store/foo',
      'http://store/api/v1/write?a=b',
      'http://store/api/v1/write#a',
      'http://store/?/api/v1/write',
      'http://store/api/v1/write ',
    ]) {
      expect(read({ REMOTE_WRITE_URL: url })).toEqual([
        'REMOTE_WRITE_URL: does not end in /api/v1/write, as remote write does; write for example http://store:8428/api/v1/write',
      ]);
    }
    expect(
      read({ OTLP_URL: 'http://me@host/v1/metrics', REMOTE_WRITE_URL: 'http://me:secret@store/api/v1/write' }),
    ).toEqual([
      'OTLP_URL: holds a user or password; give them with OTLP_USERNAME and OTLP_PASSWORD_FILE',
      'REMOTE_WRITE_URL: holds a user or password; give them with REMOTE_WRITE_USERNAME and REMOTE_WRITE_PASSWORD_FILE',
    ]);
    expect(read({ SCRAPE: 'false' })).toEqual([
      'SCRAPE: false, and nothing is pushed either: nobody would see a metric; set OTLP_URL or REMOTE_WRITE_URL',
    ]);
  });
});

describe('logs', () => {
  test('are JSON, a line each, from their level on', () => {
    const lines: string[] = [];
    const log = new Log(new ManualClock(), 'warn', (line) => lines.push(line));
    log.debug('no');
    log.info('no');
    log.warn('yes', { to: 'otlp', error: 'two\nlines' });
    log.error('yes');
    expect(lines).toEqual([
      '{"time":"2026-01-14T12:00:00.000Z","level":"warn","message":"yes","to":"otlp","error":"two\\nlines"}\n',
      '{"time":"2026-01-14T12:00:00.000Z","level":"error","message":"yes"}\n',
    ]);
  });
});

describe('the HTTP server', () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  let demo: Demo;
  let server: HttpServer;
  let port: number;

  const statistics = { cpuSeconds: () => 1, residentBytes: () => 2, heapBytes: () => 3 };
  const request = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const state = async () => JSON.parse((await request('GET', '/state')).text) as Demo['state'];

  beforeAll(async () => {
    const log = new Log(clock, 'info', (line) => lines.push(line));
    demo = new Demo(readConfig({ POD_NAME: 'demo-1' }), clock, log, statistics);
    server = new HttpServer(demo, true);
    port = await server.listen(0, '127.0.0.1');
  });
  afterAll(() => server.close());

  test('serves the page and the probes', async () => {
    expect(await request('GET', '/health')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await request('GET', '/ready')).toMatchObject({ status: 200, text: 'ok\n' });
    const page = await request('GET', '/metrics', { accept: 'application/openmetrics-text' });
    expect(page.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(page.text).toContain('\nprocess_resident_memory_bytes 2\n');
    expect((await request('HEAD', '/health')).status).toBe(200);
  });

  test('starts and ends scenarios', async () => {
    expect((await request('POST', '/scenarios/high-errors')).status).toBe(200);
    expect((await state()).scenarios).toEqual(['high-errors']);
    expect(JSON.parse((await request('GET', '/scenarios')).text)).toEqual({
      scenarios: SCENARIOS,
      active: ['high-errors'],
    });
    await request('DELETE', '/scenarios/high-errors');
    expect((await state()).scenarios).toEqual([]);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { message: 'scenario started', scenario: 'high-errors' },
      { message: 'scenario stopped', scenario: 'high-errors' },
    ]);
  });

  test('pauses, and goes on where the clock then is', async () => {
    clock.time += 5000;
    demo.tick();
    const before = await state();
    expect(before.totals.requests).toBeGreaterThan(0);
    expect(JSON.parse((await request('POST', '/pause')).text)).toMatchObject({ paused: true });
    clock.time += 30_000;
    demo.tick();
    expect((await state()).totals).toEqual(before.totals);
    await request('DELETE', '/pause');
    demo.tick();
    expect((await state()).totals).toEqual(before.totals);
    clock.time += 1000;
    demo.tick();
    expect((await state()).totals.requests).toBeGreaterThan(before.totals.requests);
  });

  test('says what it does not have', async () => {
    expect(await request('GET', '/')).toMatchObject({ status: 404, text: 'there is no /\n' });
    expect(await request('POST', '/scenarios/fire')).toMatchObject({
      status: 404,
      text:
        'there is no scenario fire; there are ' +
        'normal, high-errors, high-latency, traffic-drop, queue-backlog, memory-growth\n',
    });
    expect(await request('PUT', '/pause')).toMatchObject({ status: 405, text: '/pause takes POST, DELETE\n' });
    expect(await request('POST', '/flush')).toMatchObject({ status: 200, text: '{}\n' });
  });

  test('serves no page when that is switched off, and is not ready once the process ends', async () => {
    const other = new HttpServer(demo, false);
    const url = `http://127.0.0.1:${await other.listen(0, '127.0.0.1')}`;
    try {
      expect((await fetch(`${url}/metrics`)).status).toBe(404);
      other.ready = false;
      expect((await fetch(`${url}/ready`)).status).toBe(503);
      expect((await fetch(`${url}/health`)).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  describe('when it is closed', () => {
    let socket: Socket;
    afterEach(() => socket.destroy());

    /** Opens a connection, sends a text, and begins to close. */
    const open = async (text: string) => {
      const other = new HttpServer(demo, true);
      const port = await other.listen(0, '127.0.0.1');
      socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(text);
      // Who comes later is served, so that the server has this connection as well.
      await fetch(`http://127.0.0.1:${port}/health`);
      return { received: socket.toArray(), closed: other.close() };
    };

    test.each([
      ['nothing', ''],
      ['half a request', 'GET /health HTTP/1.1\r\nHost:'],
    ])('ends a connection that has sent %s', async (_what, text) => {
      const { closed, received } = await open(text);
      await closed;
      expect(Buffer.concat((await received) as Buffer[]).toString()).toBe('');
    });

    test('answers a request that is under way', async () => {
      const { closed, received } = await open('GET /health HTTP/1.1\r\nHost:');
      socket.write(' demo\r\n\r\n');
      expect(Buffer.concat((await received) as Buffer[]).toString()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\nok\n/);
      await closed;
    });
  });
});

describe('pushes', () => {
  const log = (lines: string[]) => new Log(new ManualClock(), 'info', (line) => lines.push(line));
  const statistics = { cpuSeconds: () => 1, residentBytes: () => 2, heapBytes: () => 3 };

  test('that fail are told, and end nothing', async () => {
    const lines: string[] = [];
    const env = {
      OTLP_URL: 'http://127.0.0.1:1/v1/metrics',
      REMOTE_WRITE_URL: 'http://127.0.0.1:1/api/v1/write',
      OTLP_BEARER_TOKEN_FILE: '/no/such/file',
    };
    const demo = new Demo(readConfig(env), new ManualClock(), log(lines), statistics);
    const results = await demo.flush();
    expect(results).toEqual({
      otlp: { error: expect.any(String) as string },
      'remote-write': { error: expect.stringContaining('ECONNREFUSED') as string },
    });
    expect(lines.map((line) => JSON.parse(line) as { message: string; to: string })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ level: 'warn', message: 'push failed', to: 'otlp' }),
        expect.objectContaining({ level: 'warn', message: 'push failed', to: 'remote-write' }),
      ]),
    );
    await demo.stop();
  }, 60_000);

  test.each([
    ['again when the target is not ready', [503, 429, 204], 3, 'ok'],
    ['once when the target refuses it', [400, 204], 1, { error: expect.stringContaining('400') as string }],
  ] as const)('by remote write are sent %s', async (_what, statuses, attempts, result) => {
    let received = 0;
    const server = createServer((request, response) => {
      request.resume().once('end', () => response.writeHead(statuses[received++]!).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const env = { REMOTE_WRITE_URL: `http://127.0.0.1:${port}/api/v1/write` };
    const demo = new Demo(readConfig(env), new ManualClock(), log([]), statistics);
    try {
      expect(await demo.flush()).toEqual({ 'remote-write': result });
      expect(received).toBe(attempts);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  // In a process of its own: jest does not let the SDK load its sender.
  test('have the same credentials by each way, without the line break of their file', async () => {
    const got = new Map<string, string | undefined>();
    const server = createServer((request, response) => {
      got.set(request.url!, request.headers.authorization);
      request.resume().once('end', () => response.writeHead(200).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), 'metrics-demo-'));
    const file = join(folder, 'password');
    writeFileSync(file, 'secret \n');
    const program = spawn(process.execPath, ['src/metrics-demo/bundle/program.js'], {
      stdio: 'ignore',
      env: {
        LISTEN_ADDRESS: `127.0.0.1:${await freePort()}`,
        PUSH_INTERVAL_SECONDS: '1',
        OTLP_URL: `http://127.0.0.1:${port}/v1/metrics`,
        OTLP_USERNAME: 'me',
        OTLP_PASSWORD_FILE: file,
        REMOTE_WRITE_URL: `http://127.0.0.1:${port}/api/v1/write`,
        REMOTE_WRITE_USERNAME: 'me',
        REMOTE_WRITE_PASSWORD_FILE: file,
      },
    });
    const ended = new Promise((resolve) => program.once('exit', resolve));
    try {
      await until('both ways were used', () => got.size === 2);
      const header = `Basic ${Buffer.from('me:secret ').toString('base64')}`;
      expect(Object.fromEntries(got)).toEqual({ '/v1/metrics': header, '/api/v1/write': header });
    } finally {
      program.kill('SIGKILL');
      await ended;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  test('have samples of one time, with labels of the pod', async () => {
    const { metrics } = openShop();
    const series = await seriesOf(metrics.registry, { job: 'metrics-demo-remote-write', pod: 'demo-1' }, NOON);
    expect(series).toContainEqual({
      labels: { __name__: 'active_users', job: 'metrics-demo-remote-write', pod: 'demo-1', service: 'accounts' },
      samples: [{ timestamp: NOON, value: 1500 }],
    });
  });
});

describe('ballast', () => {
  test('takes memory up to a share of the limit, and again when it was given back', () => {
    const limit = 100 * 1024 * 1024;
    const own = 60 * 1024 * 1024;
    let taken = 0;
    const alloc = jest.spyOn(Buffer, 'alloc').mockImplementation((size) => {
      taken += size;
      return Buffer.from('');
    });
    try {
      const ballast = new Ballast({ residentBytes: () => own + taken }, limit);
      ballast.grow();
      expect(own + taken).toBe(own + 16 * 1024 * 1024);
      for (let i = 0; i < 5; i++) ballast.grow();
      expect(own + taken).toBe(limit * 0.94);
      // The process itself needs more: nothing is added to it.
      taken = 0.98 * limit - own;
      ballast.grow();
      expect(own + taken).toBe(0.98 * limit);
      ballast.release();
      taken = 0;
      for (let i = 0; i < 5; i++) ballast.grow();
      expect(own + taken).toBe(limit * 0.94);
    } finally {
      alloc.mockRestore();
    }
  });
});

const demo = (props: MetricsDemoProps = {}) => synth((chart) => new MetricsDemo(chart, 'shop', props));
const deployment = (props?: MetricsDemoProps) => find(demo(props), 'Deployment', 'shop-metrics-demo');
const containerOf = (props?: MetricsDemoProps) => podOf(deployment(props))['containers'][0];
const envOf = (props?: MetricsDemoProps): Record<string, string> =>
  Object.fromEntries(containerOf(props).env.map(({ name, value }: { name: string; value: string }) => [name, value]));

describe('MetricsDemo', () => {
  const bundle = join(__dirname, '../../src/metrics-demo/bundle');

  test('runs the program of its ConfigMap on a stock image of Node.js', () => {
    const manifests = demo();
    const container = containerOf();
    expect(container.image).toBe(IMAGES.node.toString());
    expect(container.command).toEqual(['node']);
    expect(container.args).toEqual([
      '--expose-gc',
      '--max-old-space-size=76',
      '--max-semi-space-size=2',
      '/app/program.js',
    ]);
    expect(container.volumeMounts).toEqual([{ name: 'program', mountPath: '/app', readOnly: true }]);
    expect(find(manifests, 'ConfigMap', 'shop-metrics-demo-program').data).toEqual({
      'program.js': readFileSync(join(bundle, 'program.js'), 'utf8'),
    });
    expect(envOf()).toEqual({ LISTEN_ADDRESS: ':8080', MEMORY_LIMIT_BYTES: '201326592' });
    expect(deployment()['spec'].template.metadata.annotations).toMatchObject({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '8080',
      'prometheus.io/path': '/metrics',
    });
  });

  test('fits into a ConfigMap that is applied on the client', () => {
    const program = readFileSync(join(bundle, 'program.js'), 'utf8');
    expect(JSON.stringify(program).length).toBeLessThan(250 * 1024);
  });

  test('is what the sources give', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    try {
      const script = join(__dirname, '../../scripts/bundle-metrics-demo.ts');
      execFileSync(process.execPath, ['--require', 'ts-node/register', script, folder], { stdio: 'pipe' });
      expect(readdirSync(folder).sort()).toEqual(readdirSync(bundle).sort());
      // Not by toEqual, which would print both.
      const stale = readdirSync(folder).filter(
        (file) => readFileSync(join(folder, file), 'utf8') !== readFileSync(join(bundle, file), 'utf8'),
      );
      expect({ stale, fix: 'npm run bundle:metrics-demo' }).toEqual({ stale: [], fix: 'npm run bundle:metrics-demo' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('has an image of its own where that is named, which the Dockerfile makes', () => {
    const image = Image.parse('registry.local/metrics-demo:1');
    const manifests = demo({ image, programInImage: true });
    expect(manifests.map(({ kind }) => kind)).not.toContain('ConfigMap');
    const container = containerOf({ image, programInImage: true });
    expect(container.image).toBe('registry.local/metrics-demo:1');
    expect(container.volumeMounts).toBeUndefined();
    const dockerfile = readFileSync(join(bundle, '../Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`FROM ${IMAGES.node.toString()}\n`);
    expect(dockerfile).toContain('COPY bundle/program.js bundle/LICENSES.txt /app/\n');
    expect(container.args.at(-1)).toBe('/app/program.js');
  });

  test('pushes where it is wired to, with the credentials of the endpoints', () => {
    const make = (pods: string) =>
      synth((chart) => {
        const single = new VmSingle(chart, 'metrics', {
          volume: { size: Size.gibibytes(1) },
          httpAuth: { username: 'me', password: SecretRef.of('storage', 'password') },
        });
        new MetricsDemo(chart, pods, {
          remoteWrite: single.write(),
          otlp: Endpoint.external('https://otlp.example.com/v1/metrics', {
            credentials: { bearerToken: SecretRef.of('otlp', 'token') },
          }),
          deploymentEnvironment: 'staging',
          pushInterval: Duration.seconds(5),
          scrape: false,
          scenario: 'high-errors',
          seed: 7,
        });
      });
    const manifests = make('shop');
    const pod = podOf(find(manifests, 'Deployment', 'shop-metrics-demo'));
    const env = Object.fromEntries(
      pod['containers'][0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    expect(env).toMatchObject({
      DEPLOYMENT_ENVIRONMENT: 'staging',
      OTLP_URL: 'https://otlp.example.com/v1/metrics',
      OTLP_BEARER_TOKEN_FILE: '/etc/secrets/otlp/token',
      REMOTE_WRITE_URL: 'http://metrics-vmsingle.monitoring.svc:8428/api/v1/write',
      REMOTE_WRITE_USERNAME: 'me',
      REMOTE_WRITE_PASSWORD_FILE: '/etc/secrets/storage/password',
      PUSH_INTERVAL_SECONDS: '5',
      SCENARIO: 'high-errors',
      SCRAPE: 'false',
      SEED: '7',
    });
    expect(pod['volumes'].map(({ secret }: { secret?: { secretName: string } }) => secret?.secretName)).toEqual([
      undefined,
      'otlp',
      'storage',
    ]);
    const template = find(manifests, 'Deployment', 'shop-metrics-demo')['spec'].template;
    expect(Object.keys(template.metadata.annotations)).toEqual(['checksum/program']);
    const egress = find(manifests, 'NetworkPolicy', 'shop-metrics-demo')['spec'].egress;
    expect(egress.map(({ ports }: { ports: { port: number }[] }) => ports.map(({ port }) => port))).toEqual(
      expect.arrayContaining([[8428], [443]]),
    );
  });

  test('pushes to a collector, and to tenants of a cluster', () => {
    const manifests = synth((chart) => {
      const cluster = new VmCluster(chart, 'metrics', {
        vmstorage: { replicas: 1, volume: { size: Size.gibibytes(1) } },
      });
      const collector = new OpenTelemetryCollector(chart, 'telemetry', {
        exporters: [cluster.ingest().otlp],
        bearerToken: SecretRef.of('otlp', 'token'),
      });
      new MetricsDemo(chart, 'shop', { otlp: collector.otlpHttp(), remoteWrite: cluster.write(Tenant.of(4, 2)) });
    });
    const env = podOf(find(manifests, 'Deployment', 'shop-metrics-demo'))['containers'][0].env as object[];
    expect(env).toEqual(
      expect.arrayContaining([
        { name: 'OTLP_BEARER_TOKEN_FILE', value: '/etc/secrets/otlp/token' },
        { name: 'OTLP_URL', value: 'http://telemetry-otelcol.monitoring.svc:4318/v1/metrics' },
        {
          name: 'REMOTE_WRITE_URL',
          value: 'http://metrics-vminsert.monitoring.svc:8480/insert/4:2/prometheus/api/v1/write',
        },
      ]),
    );
  });

  test('keeps the heap in proportion to the limit', () => {
    const props = { resources: { memory: { limit: Size.mebibytes(500) } } };
    expect(containerOf(props).args).toContain('--max-old-space-size=200');
    expect(envOf(props).MEMORY_LIMIT_BYTES).toBe(String(500 * 1024 * 1024));
  });

  test('lets in who is wired to the page', () => {
    const manifests = synth((chart) =>
      new MetricsDemo(chart, 'shop').http().allowFrom({ podSelector: { matchLabels: { app: 'agent' } } }),
    );
    expect(find(manifests, 'NetworkPolicy', 'shop-metrics-demo')['spec'].ingress).toEqual([
      { from: [{ podSelector: { matchLabels: { app: 'agent' } } }], ports: [{ port: 8080, protocol: 'TCP' }] },
    ]);
  });

  const loose = (props: object) => problemsOf((chart) => new MetricsDemo(chart, 'shop', props));

  test.each<[string, object, string]>([
    ['an unknown prop', { replica: 2 }, 'replica = 2: there is no such prop. To fix: did you mean `replicas`?'],
    [
      'no replica',
      { replicas: 0 },
      'replicas = 0: must be a whole number of at least 1. To fix: give a whole number of at least 1.',
    ],
    [
      'a scenario that there is not',
      { scenario: 'fire' },
      'scenario = "fire": must be one of ' +
        `${SCENARIOS.map((each: Scenario) => `'${each}'`).join(', ')}. To fix: give one of ` +
        `${SCENARIOS.map((each: Scenario) => `'${each}'`).join(', ')}.`,
    ],
    [
      'a negative seed',
      { seed: -1 },
      'seed = -1: must be a whole number of at least 0. To fix: give a whole number of at least 0.',
    ],
    ['a text for a switch', { scrape: 'no' }, 'scrape = "no": must be true or false. To fix: give true or false.'],
    [
      'no way out',
      { scrape: false },
      'scrape = false: nothing is pushed either, so that nobody would see a metric. ' +
        'To fix: remove it, or set `remoteWrite` or `otlp`.',
    ],
    [
      'an interval for nothing',
      { pushInterval: Duration.seconds(5) },
      'pushInterval = 5 seconds: nothing is pushed. To fix: remove it, or set `remoteWrite` or `otlp`.',
    ],
    [
      'an environment for what is not pushed by OTLP',
      { deploymentEnvironment: 'staging' },
      'deploymentEnvironment = "staging": nothing is pushed by OTLP. ' +
        'To fix: remove it, or set `otlp`; what is scraped gets such labels from the agent.',
    ],
    [
      'an interval of parts of a second',
      { pushInterval: Duration.millis(1500), otlp: Endpoint.external('https://host/v1/metrics') },
      'pushInterval = 1 second 500 millis: must be whole seconds. To fix: write for example Duration.seconds(15).',
    ],
    [
      'a URL as text',
      { remoteWrite: 'http://store/api/v1/write' },
      'remoteWrite = "http://store/api/v1/write": must be a WriteEndpoint. ' +
        "To fix: write cluster.write() or WriteEndpoint.external('https://...').",
    ],
    [
      'OTLP for remote write',
      { remoteWrite: Endpoint.external('https://host/v1/metrics') },
      'remoteWrite = https://host/v1/metrics: must be a WriteEndpoint. ' +
        "To fix: write cluster.write() or WriteEndpoint.external('https://...').",
    ],
    [
      'remote write to another path',
      { remoteWrite: WriteEndpoint.external('https://host/push') },
      'remoteWrite = https://host/push: remote write goes to a URL that ends in /api/v1/write. ' +
        "To fix: write cluster.write() or WriteEndpoint.external('https://host/api/v1/write').",
    ],
    [
      'remote write for OTLP',
      { otlp: WriteEndpoint.external('https://host/api/v1/write') },
      'otlp = https://host/api/v1/write: OTLP over HTTP goes to a URL that ends in /v1/metrics. ' +
        'To fix: write cluster.ingest().otlp or collector.otlpHttp().',
    ],
    [
      'the program in the stock image',
      { programInImage: true },
      'programInImage = true: the default image is one of Node.js alone. To fix: set `image` to one that was built with the ' +
        "Dockerfile, e.g. Image.parse('registry.local/metrics-demo:1').",
    ],
    [
      'too little memory',
      { resources: { memory: { request: Size.mebibytes(32), limit: Size.mebibytes(64) } } },
      'resources.memory.limit = 64Mi: Node.js with the program needs 128Mi, and would be killed. ' +
        'To fix: give it at least Size.mebibytes(128).',
    ],
    [
      'too little time to end',
      { terminationGracePeriod: Duration.seconds(5) },
      'terminationGracePeriod = 5 seconds: the process needs 15 seconds to finish what it has begun, and would be killed ' +
        'before. To fix: give it at least 15 seconds.',
    ],
  ])('refuses %s', (_what, props, message) => {
    expect(loose(props)).toEqual([`[test/shop] ${message}`]);
  });
});

import { createServer, request, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, Chart, Duration, Size } from 'cdk8s';
import {
  Endpoint,
  OpenTelemetryCollector,
  SecretRef,
  Tenant,
  VmAuth,
  VmCluster,
  VmSingle,
  type VmAuthProps,
} from '../../src';
import { VictoriaMetricsClient, type ClientOptions } from '../../src/client';
import { MetricsPage } from './metrics-page';
import { otlpGauge } from './otlp-message';
import { describeWith, parseManifests, Runner, until } from './runner';
import { flush, untilConnected, withDryRun } from './stacks';

jest.setTimeout(180_000);

/** Every character that YAML, regular expressions or variables could make something else of, and spaces around. */
const STRANGE = ` "'\\ : #{[&*!|>%@\`$&$1 %{HOME %{} é\t- `;

const SECRETS = {
  users: {
    grafana: STRANGE.trim(),
    strange: STRANGE,
    shop: 'token-of-shop\n',
    payments: 'token-of-payments',
    'payments.reader': 'password of payments',
    slow: 'token-of-slow',
    backend: 'token-of-backend',
    empty: '',
  },
};

const secret = (key: keyof typeof SECRETS.users) => SecretRef.of('users', key);
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const READER = { authorization: basic('grafana', STRANGE.trim()) };
const SHOP = { authorization: 'Bearer token-of-shop' };
const SLOW = { authorization: 'Bearer token-of-slow' };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends the path as it is, which fetch does not. */
async function ask(base: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const method = body === undefined ? 'GET' : 'POST';
    request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
        .on('error', reject);
    })
      .on('error', reject)
      .end(body);
  });
}

/** A backend that tells what it was sent, and answers on `/held` when it is told. */
class Backend {
  public readonly held: ServerResponse[] = [];
  private readonly server: Server = createServer((incoming, response) => {
    if (incoming.url?.startsWith('/held')) this.held.push(response);
    else response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
  });

  public async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function synthesize(props: (chart: Chart) => VmAuthProps): readonly object[] {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  new VmAuth(chart, 'gateway', props(chart));
  return withDryRun(parseManifests(app.synthYaml()));
}

/** The files of the one ConfigMap. */
function configFiles(objects: readonly object[]): Record<string, string> {
  const found = (objects as { kind: string; data: Record<string, string> }[]).find(({ kind }) => kind === 'ConfigMap');
  return found!.data;
}

describeWith(['vmauth', 'vmstorage', 'vminsert', 'vmselect'], 'vmauth in front of a cluster', () => {
  let stack: Runner;
  let url: string;

  const TIME = Math.floor(Date.now() / 1000) * 1000 - 60_000;
  const volume = { size: Size.gibibytes(1) };

  beforeAll(async () => {
    const objects = synthesize((chart) => {
      const cluster = new VmCluster(chart, 'metrics', {
        vmstorage: { volume },
        vmselect: { extraFlags: { 'search.latencyOffset': '0s' } },
      });
      const own = Tenant.of(1);
      const other = Tenant.of(2);
      return {
        shutdownDelay: Duration.seconds(2),
        users: {
          grafana: { password: secret('grafana'), routes: [cluster.read(own)] },
          shop: { bearerToken: secret('shop'), routes: [cluster.write(own)] },
          payments: { bearerToken: secret('payments'), routes: [cluster.write(other)] },
          'payments reader': { password: secret('payments.reader'), routes: [cluster.read(other)] },
        },
      };
    });
    stack = await Runner.start(objects, { secrets: SECRETS });
    url = stack.url('gateway-vmauth');
    await untilConnected(stack, 2);
    await until('queries are answered', async () => (await ask(url, '/api/v1/labels', READER)).status === 200);
  });
  afterAll(async () => {
    await (stack as Runner | undefined)?.close();
  });

  /** A client that reads and writes as two users. */
  function clientOf(auth: ClientOptions['auth']): VictoriaMetricsClient {
    return new VictoriaMetricsClient({ readUrl: url, writeUrl: url, auth });
  }

  async function write(name: string, bearerToken: string): Promise<void> {
    const client = clientOf({ bearerToken });
    await client.remoteWrite([{ labels: { __name__: name }, samples: [{ timestamp: TIME, value: 7 }] }]);
    client.close();
  }

  /** The names of all series that a user sees. */
  async function names(username: string, password: string): Promise<string[]> {
    const { status, body } = await ask(url, '/api/v1/label/__name__/values?start=0', {
      authorization: basic(username, password),
    });
    if (status !== 200) throw new Error(`${username} was answered ${status}: ${body}`);
    return (JSON.parse(body) as { data: string[] }).data;
  }

  const ofShop = () => names('grafana', STRANGE.trim());
  const ofPayments = () => names('payments reader', 'password of payments');

  /** Resolves when a user sees all of the names: for some seconds vmstorage remembers that there was nothing. */
  async function untilSeen(seen: () => Promise<string[]>, ...wanted: string[]): Promise<void> {
    await flush(stack);
    await until(`${wanted.join(', ')} can be queried`, async () => {
      const all = await seen();
      return wanted.every((name) => all.includes(name));
    });
  }

  it('lets the right token in, for the tenant of the user', async () => {
    await write('of_shop', 'token-of-shop');
    await write('of_payments', 'token-of-payments');
    await untilSeen(ofShop, 'of_shop');
    await untilSeen(ofPayments, 'of_payments');
    expect(await ofShop()).not.toContain('of_payments');
    expect(await ofPayments()).not.toContain('of_shop');
  });

  it.each<[string, Record<string, string>]>([
    ['no credentials', {}],
    ['a wrong token', { authorization: 'Bearer token-of-shop2' }],
    ['a wrong password', { authorization: basic('grafana', STRANGE) }],
    ['no password', { authorization: basic('grafana', '') }],
    ['the password of another', { authorization: basic('payments reader', STRANGE.trim()) }],
    ['the text that stands for the token', { authorization: 'Bearer %{SECRET_users_shop}' }],
    ['the line break of the Secret', { authorization: basic('token-of-shop\n', '') }],
  ])('answers 401 to %s', async (_what, headers) => {
    const answers = [
      ask(url, '/api/v1/query?query=1', headers),
      ask(url, '/api/v1/import/prometheus', headers, 'a 1\n'),
      ask(url, '/nowhere', headers),
    ];
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401, 401]);
  });

  it('keeps a writer from reading and a reader from writing', async () => {
    expect((await ask(url, '/api/v1/query?query=1', SHOP)).status).toBe(400);
    expect((await ask(url, '/api/v1/import/prometheus', READER, 'sneaked_in 1\n')).status).toBe(400);
  });

  it.each([
    '/select/2/prometheus/api/v1/label/__name__/values',
    '/../../2/prometheus/api/v1/label/__name__/values',
    '/api/v1/query/../../../../2/prometheus/api/v1/label/__name__/values',
    '/api/v1/label/x/../../../../../2/prometheus/api/v1/label/__name__/values',
    '/api/v1/label/..%2f..%2f..%2f..%2f2%2fprometheus%2fapi%2fv1%2flabel%2f__name__/values',
    '/api/v1/label/%2e%2e/%2e%2e/%2e%2e/%2e%2e/2/prometheus/api/v1/label/__name__/values',
    '/api/v1/label/%252e%252e%252f%252e%252e%252f%252e%252e%252f%252e%252e%252f2%252fprometheus/values',
    '/vmui/../../2/prometheus/api/v1/label/__name__/values',
    '/vmui/..%2f..%2f2/prometheus/api/v1/label/__name__/values',
    '/vmui/%2e%2e/%2e%2e/%2e%2e/2/prometheus/api/v1/label/__name__/values',
    '//2/prometheus/api/v1/label/__name__/values',
    '/prometheus/../../2/prometheus/api/v1/label/__name__/values',
    '/prometheus/vmui/../../../2/prometheus/api/v1/label/__name__/values',
    '/graphite/functions/../../../2/prometheus/api/v1/label/__name__/values',
    '/graphite/functions/..%2f..%2f..%2f2/prometheus/api/v1/label/__name__/values',
    '/api/v1/label/__name__/values?extra_label=vm_account_id=2',
    '/api/v1/export?match[]={__name__!=""}&extra_label=vm_account_id=2',
    '/api/v1/export?match[]={vm_account_id="2"}',
    '/api/v1/label/__name__/values?tenant=2&AccountID=2',
    '/graphite/metrics/find?query=*&tenant=2',
  ])('shows nobody the data of another tenant at %s', async (path) => {
    const headers = { ...READER, AccountID: '2', ProjectID: '0', 'X-Scope-OrgID': '2', 'X-Original-URL': '/select/2' };
    const answer = await ask(url, path, headers);
    expect(answer.body).not.toContain('of_payments');
    // Without the detour there is something to see.
    expect((await ask(url, '/api/v1/label/__name__/values?start=0', headers)).body).toContain('of_shop');
  });

  it('stores nothing for another tenant, whatever the path', async () => {
    const headers = { ...SHOP, AccountID: '2', ProjectID: '0' };
    for (const path of [
      '/../../2/prometheus/api/v1/import/prometheus',
      '/api/v1/import/prometheus/../../../../../2/prometheus/api/v1/import/prometheus',
      '/api/v1/import/prometheus/..%2f..%2f..%2f..%2f..%2f2/prometheus/api/v1/import/prometheus',
      '/datadog/../../2/prometheus/api/v1/import/prometheus',
      '/datadog/..%2f..%2f2/prometheus/api/v1/import/prometheus',
      '/insert/2/prometheus/api/v1/import/prometheus',
      '/api/v1/import/prometheus?extra_label=vm_account_id=2',
    ]) {
      await ask(url, path, headers, 'astray{vm_account_id="2",vm_project_id="0"} 1\n');
    }
    // What comes later is there, and nothing of what came before.
    await write('of_payments_later', 'token-of-payments');
    await untilSeen(ofPayments, 'of_payments_later');
    expect(await ofPayments()).not.toContain('astray');
  });

  it('takes all formats, and answers all kinds of queries', async () => {
    const json = { ...SHOP, 'content-type': 'application/json' };
    const sent = await Promise.all([
      ask(url, '/influx/write', SHOP, `of_influx f=1 ${TIME}000000\n`),
      ask(url, '/api/v1/import', SHOP, `{"metric":{"__name__":"of_json"},"values":[1],"timestamps":[${TIME}]}\n`),
      ask(url, '/api/v1/import/csv?format=1:time:unix_ms,2:metric:of_csv', SHOP, `${TIME},1\n`),
      ask(url, '/prometheus/api/v1/import/prometheus', SHOP, `of_text 1 ${TIME}\n`),
      ask(
        url,
        '/datadog/api/v1/series',
        json,
        JSON.stringify({ series: [{ metric: 'of_datadog', points: [[TIME / 1000, 1]] }] }),
      ),
    ]);
    expect(sent.map(({ status }) => status)).toEqual([204, 204, 204, 204, 202]);
    const otlp = await fetch(`${url}/opentelemetry/v1/metrics`, {
      method: 'POST',
      headers: { ...SHOP, 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(otlpGauge('of_otlp', 1, TIME, ['k', 'v'])),
    });
    expect(otlp.status).toBe(200);
    await untilSeen(ofShop, 'of_csv', 'of_datadog', 'of_influx_f', 'of_json', 'of_otlp', 'of_text');
    for (const path of [
      `/api/v1/query?query=of_text&time=${TIME / 1000}`,
      `/prometheus/api/v1/query_range?query=of_text&start=${TIME / 1000}`,
      '/api/v1/export?match[]=of_text',
      '/api/v1/series?match[]=of_text&start=0',
      '/graphite/metrics/find?query=of_text',
      `/federate?match[]=of_text&max_lookback=1h`,
    ]) {
      await until(`${path} tells of it`, async () => {
        const { status, body } = await ask(url, path, READER);
        expect([path, status]).toEqual([path, 200]);
        return body.includes('of_text');
      });
    }
    for (const path of ['/api/v1/status/tsdb', '/api/v1/status/buildinfo', '/vmui/', '/graphite/functions']) {
      expect([path, (await ask(url, path, READER)).status]).toEqual([path, 200]);
    }
    const { status, headers } = await ask(url, '/vmui', READER);
    expect(status).toBe(302);
    const there = new URL(headers.location!, `${url}/vmui`);
    expect((await ask(url, there.pathname, READER)).body).toMatch(/<html/i);
  });

  it.each(['/metrics', '/-/reload', '/flags', '/debug/pprof/', '/internal/resetRollupResultCache', '/'])(
    'does not show users %s',
    async (path) => {
      expect((await ask(url, path)).status).toBe(401);
      expect((await ask(url, path, READER)).status).toBe(400);
      expect((await ask(url, path, SHOP)).status).toBe(400);
    },
  );

  it('lets nobody delete or reset', async () => {
    for (const path of [
      '/api/v1/admin/tsdb/delete_series?match[]=of_shop',
      '/prometheus/api/v1/admin/tsdb/delete_series?match[]=of_shop',
      '/delete/1/prometheus/api/v1/admin/tsdb/delete_series?match[]=of_shop',
      '/vmui/../../../delete/1/prometheus/api/v1/admin/tsdb/delete_series?match[]=of_shop',
      '/graphite/tags/delSeries?path=of_shop',
    ]) {
      expect([path, (await ask(url, path, READER, '')).status]).toEqual([path, 400]);
    }
    expect(await ofShop()).toContain('of_shop');
  });

  it('ends without a request lost', async () => {
    const ending = stack.pods('gateway-vmauth')[1]!.stop();
    const ended = new AbortController();
    void ending.then(() => ended.abort());
    const statuses = new Set<number>();
    while (!ended.signal.aborted) statuses.add((await ask(url, '/api/v1/query?query=1', READER)).status);
    expect([...statuses]).toEqual([200]);
    expect(await ending).toEqual({ code: 0, signal: null });
    await stack.pods('gateway-vmauth')[1]!.start();
  });

  it('shows the error of a query that takes too long, which it asks one backend only', async () => {
    const queries = async () => {
      const pages = await Promise.all(stack.pods('metrics-vmselect').map((backend) => MetricsPage.of(backend)));
      const labels = { path: '/select/{}/prometheus/api/v1/query' };
      return pages.reduce((sum, page) => sum + page.sum('vm_http_requests_total', labels), 0);
    };
    const before = await queries();
    const answers: Answer[] = [];
    // vmselect counts time in seconds, so that it is too late in a part of each second only.
    await until('a query takes too long', async () => {
      answers.push(await ask(url, '/api/v1/query?query=of_shop&timeout=1ms&nocache=1', READER));
      return answers.at(-1)!.status !== 200;
    });
    expect(answers.at(-1)).toMatchObject({ status: 503, body: expect.stringMatching(/request timeout reached/) });
    expect(await queries()).toBe(before + answers.length);
  });

  it('skips dead backends, and takes them back', async () => {
    const [pod] = stack.pods('gateway-vmauth');
    const QUERIES = { path: '/select/{}/prometheus/api/v1/query' };
    const served = async (workload: string) => {
      const pages = await Promise.all(stack.pods(workload).map((backend) => MetricsPage.of(backend)));
      return pages.map((page) => page.sum('vm_http_requests_total', QUERIES));
    };
    const query = async () => (await ask(pod!.url(), '/api/v1/query?query=1', READER)).status;
    const insert = async () => (await ask(pod!.url(), '/api/v1/import/prometheus', SHOP, 'a 1\n')).status;
    const times = async (action: () => Promise<number>) => {
      const statuses = new Set<number>();
      for (let i = 0; i < 20; i++) statuses.add(await action());
      return [...statuses];
    };
    const before = await served('metrics-vmselect');
    expect(await times(query)).toEqual([200]);
    const after = await served('metrics-vmselect');
    expect(after.map((count, i) => count - before[i]! >= 5)).toEqual([true, true]);

    await stack.pod('metrics-vmselect-0').kill();
    await stack.pod('metrics-vminsert-1').kill();
    expect(await times(query)).toEqual([200]);
    expect(await times(insert)).toEqual([204]);

    await stack.pod('metrics-vmselect-0').start();
    await stack.pod('metrics-vminsert-1').start();
    await until('the backend is used again', async () => {
      expect(await query()).toBe(200);
      const page = await MetricsPage.of(stack.pod('metrics-vmselect-0'));
      return page.sum('vm_http_requests_total', QUERIES) > 0;
    });
  });
});

/** A single node behind vmauth, and whatever else of the chart. */
function inFrontOfSingle(make: (chart: Chart, auth: VmAuth) => void): readonly object[] {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  const extraFlags = { 'search.latencyOffset': '0s' } as const;
  const single = new VmSingle(chart, 'metrics', { volume: { size: Size.gibibytes(1) }, extraFlags });
  const auth = new VmAuth(chart, 'gateway', {
    replicas: 1,
    users: {
      grafana: { password: secret('grafana'), routes: [single.read()] },
      shop: { bearerToken: secret('shop'), routes: [single.write()] },
      payments: { password: secret('payments.reader'), routes: [single.write()] },
    },
  });
  make(chart, auth);
  return withDryRun(parseManifests(app.synthYaml()));
}

/** Resolves when all names can be queried through vmauth. */
async function untilRead(stack: Runner, ...names: string[]): Promise<void> {
  await flush(stack);
  await until(`${names.join(', ')} can be queried`, async () => {
    const { body } = await ask(stack.url('gateway-vmauth'), '/api/v1/label/__name__/values?start=0', READER);
    return names.every((name) => body.includes(`"${name}"`));
  });
}

const MINUTE_AGO = Math.floor(Date.now() / 1000) * 1000 - 60_000;

describeWith(['vmauth', 'victoria-metrics'], 'vmauth in front of a single node', () => {
  let stack: Runner;
  const urls = new Map<string, string>();

  const PROTOCOLS: Readonly<Record<string, readonly [path: string, body: string, stored: string]>> = {
    importText: ['', `of_text 1 ${MINUTE_AGO}\n`, 'of_text'],
    importJson: ['', `{"metric":{"__name__":"of_json"},"values":[1],"timestamps":[${MINUTE_AGO}]}\n`, 'of_json'],
    importCsv: ['?format=1:time:unix_ms,2:metric:of_csv', `${MINUTE_AGO},1\n`, 'of_csv'],
    influx: ['', `of_influx f=1 ${MINUTE_AGO}000000\n`, 'of_influx_f'],
    influxV2: ['', `of_influx2 f=1 ${MINUTE_AGO}000000\n`, 'of_influx2_f'],
    datadog: [
      '/api/v2/series',
      JSON.stringify({ series: [{ metric: 'of_datadog', points: [{ timestamp: MINUTE_AGO / 1000, value: 1 }] }] }),
      'of_datadog',
    ],
    newRelic: [
      '',
      JSON.stringify([{ Events: [{ eventType: 'S', timestamp: MINUTE_AGO / 1000, ofNewRelic: 1 }] }]),
      'ofNewRelic',
    ],
    zabbix: [
      '',
      JSON.stringify({
        host: { host: 'h', name: 'h' },
        groups: ['g'],
        item_tags: [{ tag: 'k', value: 'v' }],
        itemid: 1,
        name: 'of_zabbix',
        ns: 0,
        clock: MINUTE_AGO / 1000,
        value: 1,
        type: 0,
      }),
      'of_zabbix',
    ],
  };

  beforeAll(async () => {
    const objects = inFrontOfSingle((_chart, auth) => {
      const ingest = auth.ingest('shop');
      for (const protocol of Object.keys(PROTOCOLS)) {
        urls.set(protocol, (ingest as unknown as Record<string, Endpoint>)[protocol]!.url);
      }
    });
    stack = await Runner.start(objects, { secrets: SECRETS });
  });
  afterAll(async () => {
    await (stack as Runner | undefined)?.close();
  });

  /** Sends a sample to the endpoint of a protocol and tells the status of the answer. */
  async function send(protocol: string, headers: Record<string, string>): Promise<number> {
    const [path, body] = PROTOCOLS[protocol]!;
    const { origin, pathname } = new URL(stack.localize(urls.get(protocol)!));
    return (await ask(origin, `${pathname}${path}`, headers, body)).status;
  }

  it('lets nobody but writers send by any of them', async () => {
    const statuses = async (protocol: string) => {
      const everyone = [{}, { authorization: 'Bearer wrong' }, READER].map((headers) => send(protocol, headers));
      return [protocol, ...(await Promise.all(everyone))];
    };
    const protocols = Object.keys(PROTOCOLS);
    expect(await Promise.all(protocols.map(statuses))).toEqual(protocols.map((protocol) => [protocol, 401, 401, 400]));
  });

  it('stores what a writer sends by any of them', async () => {
    for (const protocol of Object.keys(PROTOCOLS)) {
      expect([protocol, [200, 202, 204].includes(await send(protocol, SHOP))]).toEqual([protocol, true]);
    }
    await untilRead(stack, ...Object.values(PROTOCOLS).map(([, , name]) => name));
  });
});

describeWith(['otelcol-contrib', 'vmauth', 'victoria-metrics'], 'a collector behind which there is vmauth', () => {
  it('sends OTLP with the credentials of a user', async () => {
    const collectors: Endpoint[] = [];
    const objects = inFrontOfSingle((chart, auth) => {
      for (const user of ['shop', 'payments']) {
        const exporters = [auth.ingest(user).otlp];
        collectors.push(new OpenTelemetryCollector(chart, user, { replicas: 1, exporters }).otlpHttp());
      }
    });
    const stack = await Runner.start(objects, { secrets: SECRETS });
    try {
      const names = ['by_token', 'by_password'];
      for (const [index, { url }] of collectors.entries()) {
        const answer = await fetch(stack.localize(url), {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: new Uint8Array(otlpGauge(names[index]!, 1, MINUTE_AGO, ['k', 'v'])),
        });
        expect(answer.status).toBe(200);
      }
      await untilRead(stack, ...names);
    } finally {
      await stack.close();
    }
  });
});

describeWith(['vmauth'], 'vmauth alone', () => {
  const backend = new Backend();
  let stack: Runner;
  let objects: readonly object[];
  let url: string;
  let there: Endpoint;
  let props: (chart: Chart) => VmAuthProps;

  beforeAll(async () => {
    there = Endpoint.external(await backend.listen());
    props = () => ({
      replicas: 1,
      users: {
        shop: {
          bearerToken: secret('shop'),
          routes: [
            { to: there, srcPaths: ['/plain'] },
            {
              to: there,
              srcPaths: ['/a/b/.*'],
              dropSrcPathPrefixParts: 2,
              headers: { 'X-Scope-OrgID': '42', 'X-Key': secret('backend'), Cookie: '' },
              responseHeaders: { 'X-Answer': 'yes' },
            },
          ],
        },
        strange: { password: secret('strange'), routes: [{ to: there, srcPaths: ['/plain'] }] },
        careless: { password: secret('empty'), routes: [{ to: there, srcPaths: ['/plain'] }] },
        slow: {
          bearerToken: secret('slow'),
          routes: [{ to: there, srcPaths: ['/held', '/plain'] }],
          maxConcurrentRequests: 2,
        },
      },
      maxQueueDuration: Duration.millis(200),
      configCheckInterval: Duration.seconds(1),
    });
    objects = synthesize(props);
    stack = await Runner.start(objects, { secrets: SECRETS });
    url = stack.url('gateway-vmauth');
  });
  afterAll(async () => {
    await (stack as Runner | undefined)?.close();
    await backend.close();
  });

  it('keeps the credentials of clients from backends, and sends what the route says', async () => {
    const plain = await ask(url, '/plain?a=b', { ...SHOP, cookie: 'c=d' });
    expect(JSON.parse(plain.body)).toEqual({ url: '/plain?a=b', headers: expect.objectContaining({ cookie: 'c=d' }) });
    expect(plain.body).not.toMatch(/token-of|authorization/i);
    const other = await ask(url, '/a/b/c/d', { ...SHOP, cookie: 'c=d' });
    expect(other.headers['x-answer']).toBe('yes');
    const { url: path, headers } = JSON.parse(other.body) as { url: string; headers: Record<string, string> };
    expect(path).toBe('/c/d');
    expect(headers).toMatchObject({ 'x-scope-orgid': '42', 'x-key': 'token-of-backend' });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('authorization');
  });

  it('takes any password of one line', async () => {
    const asUser = (password: string) => ask(url, '/plain', { authorization: basic('strange', password) });
    const answers = await Promise.all([asUser(STRANGE), asUser(STRANGE.trim())]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
  });

  it('takes no password where the Secret has none, of which the doc of `password` warns', async () => {
    const asUser = (password: string) => ask(url, '/plain', { authorization: basic('careless', password) });
    const answers = await Promise.all([asUser(''), asUser('a')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
  });

  it('answers 429 to more requests at once than a user may have, and to no other user', async () => {
    const waiting = [ask(url, '/held', SLOW), ask(url, '/held', SLOW)];
    await until('both wait', () => backend.held.length === 2);
    expect((await ask(url, '/plain', SLOW)).status).toBe(429);
    expect((await ask(url, '/plain', SHOP)).status).toBe(200);
    for (const response of backend.held.splice(0)) response.end('done');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await ask(url, '/plain', SLOW)).status).toBe(200);
  });

  it('shows its metrics, by the names of the users, on a port that they do not reach', async () => {
    const [pod] = stack.pods('gateway-vmauth');
    expect((await ask(url, '/plain', SHOP)).status).toBe(200);
    await until('the request is counted', async () => {
      const { body } = await ask(pod!.url('internal'), '/metrics');
      return /vmauth_user_requests_total\{username="shop"\} [1-9]/.test(body);
    });
    expect((await ask(url, '/metrics', SHOP)).status).toBe(400);
  });

  it('reads a changed config by itself', async () => {
    const changed = synthesize((chart) => {
      const { users, ...others } = props(chart);
      return { ...others, users: { slow: users!['slow']! } };
    });
    stack.pods('gateway-vmauth')[0]!.updateConfigMap('gateway-vmauth-config', configFiles(changed));
    await until('shop is out', async () => (await ask(url, '/plain', SHOP)).status === 401, { timeout: 30_000 });
    expect((await ask(url, '/plain', SLOW)).status).toBe(200);
    stack.pods('gateway-vmauth')[0]!.updateConfigMap('gateway-vmauth-config', configFiles(objects));
    await until('shop is in', async () => (await ask(url, '/plain', SHOP)).status === 200, { timeout: 30_000 });
  });

  it('refuses a config with a secret that the pod has not, rather than take its placeholder for a password', async () => {
    const [pod] = stack.pods('gateway-vmauth');
    const changed = synthesize((chart) => {
      const given = props(chart);
      const { routes } = given.users!['shop']!;
      return { ...given, users: { ...given.users, new: { bearerToken: SecretRef.of('users', 'new'), routes } } };
    });
    const failures = async () =>
      /vmauth_config_last_reload_errors_total (\d+)/.exec((await ask(pod!.url('internal'), '/metrics')).body)?.[1];
    const before = await failures();
    pod!.updateConfigMap('gateway-vmauth-config', configFiles(changed));
    await until('it is refused', async () => (await failures()) !== before, { timeout: 30_000 });
    expect((await ask(url, '/plain', SHOP)).status).toBe(200);
    expect((await ask(url, '/plain', { authorization: 'Bearer %{SECRET_users_new}' })).status).toBe(401);
    pod!.updateConfigMap('gateway-vmauth-config', configFiles(objects));
  });

  it('leads requests without credentials, and with wrong ones, where it is told', async () => {
    const open = synthesize(() => ({
      replicas: 1,
      users: { shop: { bearerToken: secret('shop'), routes: [{ to: there, srcPaths: ['/mine'] }] } },
      unauthorized: { routes: [{ to: there, srcPaths: ['/open/.*'] }] },
    }));
    const runner = await Runner.start(open, { secrets: SECRETS });
    try {
      const base = runner.url('gateway-vmauth');
      expect((await ask(base, '/open/a')).body).toContain('/open/a');
      expect((await ask(base, '/open/a', { authorization: 'Bearer wrong' })).status).toBe(200);
      expect((await ask(base, '/mine')).status).toBe(401);
      expect((await ask(base, '/mine', { authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await ask(base, '/mine', SHOP)).status).toBe(200);
      expect((await ask(base, '/open/a', SHOP)).status).toBe(400);
    } finally {
      await runner.close();
    }
  });
});

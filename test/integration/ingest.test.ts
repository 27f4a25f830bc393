import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { Size } from 'cdk8s';
import { Tenant, type Endpoint, type IngestEndpoints, type ReadEndpoint } from '../../src';
import { VictoriaMetricsClient, type MatrixSeries } from '../../src/client';
import { droppedSamples, storedSamples } from './metrics-page';
import { otlpGauge } from './otlp-message';
import { describeWith, Runner, until } from './runner';
import { flush, synthesizeCluster, synthesizeSingle } from './stacks';

jest.setTimeout(120_000);

/** Whole seconds, which is all that some of the protocols know. */
const TIME = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const SECONDS = TIME / 1000;
const VALUE = 12.5;

const LISTENERS = { graphite: { udp: true }, openTsdb: { udp: true }, openTsdbHttp: { port: 4243 } };
const EXACT = { 'search.latencyOffset': '0s' } as const;
const volume = { size: Size.gibibytes(1) };

interface Protocol {
  readonly endpoint: (ingest: IngestEndpoints) => Endpoint;
  readonly send: (url: string) => Promise<void>;
  /** Whether the path can name a tenant. */
  readonly tenants: boolean;
  /** The series with the sample, as a selector. */
  readonly stored: string;
}

const TEXT = { 'content-type': 'text/plain' };
const JSON_TYPE = { 'content-type': 'application/json' };

async function post(url: string, body: string | Buffer, headers: Record<string, string> = TEXT): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}

function address(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

async function sendTcp(url: string, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(address(url), () => socket.end(text));
    socket.once('error', reject).once('close', () => resolve());
    socket.resume();
  });
}

async function sendUdp(url: string, text: string): Promise<void> {
  const { host, port } = address(url);
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.send(text, port, host, (error) => (error ? reject(error) : resolve()));
  });
  socket.close();
}

/** Each protocol with a sample of its own. `importNative` needs an export first and has a test of its own. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  remoteWrite: {
    endpoint: (ingest) => ingest.remoteWrite,
    send: async (url) => {
      const client = new VictoriaMetricsClient({ writeUrl: url.replace(/\/api\/v1\/write$/, '') });
      const labels = { __name__: 'remote_write', k: 'v' };
      await client.remoteWrite([{ labels, samples: [{ timestamp: TIME, value: VALUE }] }]);
      client.close();
    },
    tenants: true,
    stored: 'remote_write{k="v"}',
  },
  importText: {
    endpoint: (ingest) => ingest.importText,
    send: (url) => post(url, `import_text{k="v"} ${VALUE} ${TIME}\n`),
    tenants: true,
    stored: 'import_text{k="v"}',
  },
  importJson: {
    endpoint: (ingest) => ingest.importJson,
    send: (url) =>
      post(url, JSON.stringify({ metric: { __name__: 'import_json', k: 'v' }, values: [VALUE], timestamps: [TIME] })),
    tenants: true,
    stored: 'import_json{k="v"}',
  },
  importCsv: {
    endpoint: (ingest) => ingest.importCsv,
    send: (url) => post(`${url}?format=1:time:unix_ms,2:label:k,3:metric:import_csv`, `${TIME},v,${VALUE}\n`),
    tenants: true,
    stored: 'import_csv{k="v"}',
  },
  otlp: {
    endpoint: (ingest) => ingest.otlp,
    send: (url) =>
      post(url, otlpGauge('otlp_gauge', VALUE, TIME, ['k', 'v']), { 'content-type': 'application/x-protobuf' }),
    tenants: true,
    stored: 'otlp_gauge{k="v"}',
  },
  influx: {
    endpoint: (ingest) => ingest.influx,
    send: (url) => post(url, `influx,k=v field=${VALUE} ${TIME}000000\n`),
    tenants: true,
    stored: 'influx_field{k="v"}',
  },
  'datadog, version 1 of the API': {
    endpoint: (ingest) => ingest.datadog,
    send: (url) =>
      post(
        `${url}/api/v1/series`,
        JSON.stringify({ series: [{ metric: 'datadog1', points: [[SECONDS, VALUE]], tags: ['k:v'] }] }),
        JSON_TYPE,
      ),
    tenants: true,
    stored: 'datadog1{k="v"}',
  },
  'datadog, version 2 of the API': {
    endpoint: (ingest) => ingest.datadog,
    send: (url) =>
      post(
        `${url}/api/v2/series`,
        JSON.stringify({
          series: [{ metric: 'datadog2', points: [{ timestamp: SECONDS, value: VALUE }], tags: ['k:v'] }],
        }),
        JSON_TYPE,
      ),
    tenants: true,
    stored: 'datadog2{k="v"}',
  },
  newRelic: {
    endpoint: (ingest) => ingest.newRelic,
    send: (url) =>
      post(
        url,
        JSON.stringify([{ Events: [{ eventType: 'S', k: 'v', timestamp: SECONDS, newRelicValue: VALUE }] }]),
        JSON_TYPE,
      ),
    tenants: true,
    stored: 'newRelicValue{k="v"}',
  },
  'graphite over TCP': {
    endpoint: (ingest) => ingest.graphite,
    send: (url) => sendTcp(url, `graphite.tcp;k=v ${VALUE} ${SECONDS}\n`),
    tenants: false,
    stored: '{__name__="graphite.tcp",k="v"}',
  },
  'graphite over UDP': {
    endpoint: (ingest) => ingest.graphite,
    send: (url) => sendUdp(url, `graphite.udp;k=v ${VALUE} ${SECONDS}\n`),
    tenants: false,
    stored: '{__name__="graphite.udp",k="v"}',
  },
  'openTsdb over TCP': {
    endpoint: (ingest) => ingest.openTsdb,
    send: (url) => sendTcp(url, `put opentsdb.tcp ${SECONDS} ${VALUE} k=v\n`),
    tenants: false,
    stored: '{__name__="opentsdb.tcp",k="v"}',
  },
  'openTsdb over UDP': {
    endpoint: (ingest) => ingest.openTsdb,
    send: (url) => sendUdp(url, `put opentsdb.udp ${SECONDS} ${VALUE} k=v\n`),
    tenants: false,
    stored: '{__name__="opentsdb.udp",k="v"}',
  },
  openTsdbHttp: {
    endpoint: (ingest) => ingest.openTsdbHttp,
    send: (url) =>
      post(
        url,
        JSON.stringify({ metric: 'opentsdb.http', timestamp: SECONDS, value: VALUE, tags: { k: 'v' } }),
        JSON_TYPE,
      ),
    tenants: true,
    stored: '{__name__="opentsdb.http",k="v"}',
  },
};

const OVER_HTTP = Object.keys(PROTOCOLS).filter((name) => PROTOCOLS[name]!.tenants);

/** A stack that takes data. */
interface Ingesting {
  readonly ingest: (tenant?: Tenant) => IngestEndpoints;
  readonly read: (tenant?: Tenant) => ReadEndpoint;
  readonly objects: readonly object[];
}

function single(): Ingesting {
  const { component, objects } = synthesizeSingle({ volume, listeners: LISTENERS, extraFlags: EXACT });
  return { ingest: () => component.ingest(), read: () => component.read(), objects };
}

function cluster(): Ingesting {
  const { component, objects } = synthesizeCluster({
    vmstorage: { replicas: 2, volume },
    vminsert: { replicas: 1, listeners: LISTENERS },
    vmselect: { replicas: 1, extraFlags: EXACT },
  });
  return { ingest: (tenant) => component.ingest(tenant), read: (tenant) => component.read(tenant), objects };
}

function ingests(synthesize: () => Ingesting, tenants: readonly Tenant[]): void {
  let stack: Runner;
  let component: Ingesting;
  const sent = new Map<string, Promise<void>>();

  const send = (name: string, tenant?: Tenant): Promise<void> => {
    const { endpoint, send: sendTo } = PROTOCOLS[name]!;
    return sendTo(stack.localize(endpoint(component.ingest(tenant)).url));
  };

  beforeAll(async () => {
    component = synthesize();
    stack = await Runner.start(component.objects);
    for (const name of Object.keys(PROTOCOLS)) sent.set(name, send(name));
    for (const tenant of tenants) for (const name of OVER_HTTP) sent.set(`${name} ${tenant}`, send(name, tenant));
    await Promise.allSettled(sent.values());
    // Where one does not arrive, its own test says so.
    await untilStored(stack, sent.size).catch(() => undefined);
    await flush(stack);
  });
  afterAll(() => (stack as Runner | undefined)?.close());

  async function stored(selector: string, tenant?: Tenant): Promise<unknown> {
    const client = new VictoriaMetricsClient({ readUrl: stack.localize(component.read(tenant).url) });
    const { result } = await client.query(`${selector}[1h]`, { time: TIME + 60_000, nocache: true });
    client.close();
    return (result as readonly MatrixSeries[]).map(({ samples }) => samples);
  }

  test.each(Object.keys(PROTOCOLS))('takes %s', async (name) => {
    await sent.get(name);
    expect(await stored(PROTOCOLS[name]!.stored)).toEqual([[{ timestamp: TIME, value: VALUE }]]);
  });

  for (const tenant of tenants) {
    test.each(OVER_HTTP)(`takes %s for the tenant ${tenant}`, async (name) => {
      await sent.get(`${name} ${tenant}`);
      expect(await stored(PROTOCOLS[name]!.stored, tenant)).toEqual([[{ timestamp: TIME, value: VALUE }]]);
    });
  }

  it('takes importNative', async () => {
    const selector = PROTOCOLS.importText!.stored;
    const exported = await fetch(
      `${stack.localize(component.read().url)}/api/v1/export/native?match[]=${encodeURIComponent(selector)}`,
    );
    const before = await storedSamples(stack);
    const url = stack.localize(component.ingest().importNative.url);
    await post(`${url}?extra_label=k=again`, Buffer.from(await exported.arrayBuffer()));
    await untilStored(stack, before + 1);
    await flush(stack);
    expect(await stored('import_text{k="again"}')).toEqual([[{ timestamp: TIME, value: VALUE }]]);
  });

  it('dropped no sample without a word', async () => {
    expect(await droppedSamples(stack)).toBe(0);
  });
}

async function untilStored(stack: Runner, samples: number): Promise<void> {
  await until(`${samples} samples are stored`, async () => (await storedSamples(stack)) >= samples, {
    timeout: 15_000,
  });
}

describeWith(['victoria-metrics'], 'a single node', () => ingests(single, []));

describeWith(['vmstorage', 'vminsert', 'vmselect'], 'a cluster', () =>
  ingests(cluster, [Tenant.of(42), Tenant.of(42, 7)]),
);

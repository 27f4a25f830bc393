import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { App, Chart, Size } from 'cdk8s';
import { SecretRef, Tenant, VmAuth, VmCluster } from '../../src';
import {
  HttpError,
  NetworkError,
  STALE,
  VictoriaMetricsClient,
  type ExportedSeries,
  type Match,
  type TlsOptions,
} from '../../src/client';
import { describeWith, parseManifests, Runner, until } from './runner';
import { clientOf, flush, synthesizeSingle, untilConnected } from './stacks';

jest.setTimeout(120_000);

/** Whole seconds, old enough for any latency offset. */
const TIME = Math.floor(Date.now() / 1000) * 1000 - 10 * 60_000;
const SPAN = { start: TIME - 60_000, end: TIME + 60_000 };
const volume = { size: Size.gibibytes(1) };
const EXACT = { 'search.latencyOffset': '0s' } as const;

async function exported(client: VictoriaMetricsClient, match: Match): Promise<ExportedSeries[]> {
  const all: ExportedSeries[] = [];
  for await (const series of client.exportSeries(match, SPAN)) all.push(series);
  return all.sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1));
}

async function text(pieces: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const piece of pieces) all += piece.toString('utf8');
  return all;
}

/** Series of a metric that differ in one label, with some samples each. */
function metric(name: string, series: number): ExportedSeries[] {
  return [...Array(series).keys()].map((id) => ({
    labels: { __name__: name, id: String(id), zone: id % 2 === 0 ? 'a"1' : 'ö\n' },
    samples: [0, 1, 2].map((i) => ({ timestamp: TIME + i * 1000, value: id * 10 + i / 8 })),
  }));
}

/** What is the same with a single node and with one tenant of a cluster, directly or by vmauth. */
function worksWith(context: () => { stack: Runner; client: VictoriaMetricsClient; label: string }): void {
  const name = (what: string): string => `${what}_${context().label}`;

  /** Runs an import, and waits until so many samples of what it writes can be read. */
  async function stored(match: Match, samples: number, write: () => Promise<void>): Promise<void> {
    const { stack, client } = context();
    await write();
    const found = async () => {
      await flush(stack);
      return (await exported(client, match)).reduce((sum, series) => sum + series.samples.length, 0);
    };
    await until(`${samples} samples are stored`, async () => (await found()) >= samples);
    expect(await found()).toBe(samples);
  }

  it('imports series and exports them as they were', async () => {
    const { client } = context();
    const series = metric(name('series'), 4);
    const special = [Infinity, -Infinity, -0.1, 1e300, 5e-324].map((value, i) => ({ timestamp: TIME + i, value }));
    series.push({ labels: { __name__: name('series'), id: 'special' }, samples: special });
    await stored(name('series'), 17, () => client.importSeries(series));
    // VictoriaMetrics keeps decimal numbers of about 15 digits, of one exponent in each block: the tiny one beside the huge is 0.
    const found = await exported(client, name('series'));
    expect(found.slice(0, 4)).toEqual(series.slice(0, 4));
    expect(found[4]?.labels).toEqual(series[4]?.labels);
    expect(found[4]?.samples.slice(0, 2)).toEqual(special.slice(0, 2));
  });

  it('keeps stale markers by remote write and by native export and import', async () => {
    const { client } = context();
    const samples = [
      { timestamp: TIME, value: 1 },
      { timestamp: TIME + 1000, value: STALE },
    ] as const;
    await stored(name('stale'), 2, () => client.remoteWrite([{ labels: { __name__: name('stale') }, samples }]));
    expect(await exported(client, name('stale'))).toEqual([{ labels: { __name__: name('stale') }, samples }]);
    await stored(`${name('stale')}{copy="native"}`, 2, () =>
      client.importNative(client.exportNative(name('stale'), SPAN), { extraLabels: { copy: 'native' } }),
    );
    expect(await exported(client, `${name('stale')}{copy="native"}`)).toEqual([
      { labels: { __name__: name('stale'), copy: 'native' }, samples },
    ]);
    // JSON lines have no stale marker: it is not refused by the server, but lost.
    await expect(client.importSeries(client.exportSeries(name('stale'), SPAN))).rejects.toThrow(
      'stale cannot be carried',
    );
  });

  it('imports and exports CSV', async () => {
    const { client } = context();
    const csv = `ignored,shop,${TIME},2.5\nignored,"a ""b""",${TIME},-3\n`;
    const columns = [undefined, { label: 'job' }, { time: 'unix_ms' }, { metric: name('csv') }] as const;
    await stored(name('csv'), 2, () => client.importCsv(csv, { columns }));
    const lines = (
      await text(client.exportCsv(name('csv'), { ...SPAN, columns: ['job', '__value__', '__timestamp__:unix_ms'] }))
    ).split('\n');
    expect(lines[0]).toBe('job,__value__,__timestamp__:unix_ms');
    expect(lines.slice(1).sort()).toEqual(['', `"a \\"b\\"",-3,${TIME}`, `shop,2.5,${TIME}`]);
  });

  it('imports text and JSON lines in pieces', async () => {
    const { client } = context();
    function* pieces(): Generator<string> {
      yield `${name('text')}{k="v"} 4 `;
      yield `${TIME}\n`;
    }
    await stored(name('text'), 1, () => client.importText(pieces(), { extraLabels: { by: 'text' } }));
    const json = Buffer.from(`{"metric":{"__name__":"${name('json')}"},"values":[5],"timestamps":[${TIME}]}\n`);
    await stored(name('json'), 1, () => client.importJson([json.subarray(0, 9), json.subarray(9)]));
    expect(await exported(client, [name('text'), name('json')])).toEqual([
      { labels: { __name__: name('json') }, samples: [{ timestamp: TIME, value: 5 }] },
      { labels: { __name__: name('text'), by: 'text', k: 'v' }, samples: [{ timestamp: TIME, value: 4 }] },
    ]);
  });

  it('finds series, label names and label values', async () => {
    const { client } = context();
    const series = metric(name('search'), 3);
    await stored(name('search'), 9, () => client.importSeries(series));
    const match = name('search');
    const found = await client.series(match, SPAN);
    expect(found.isPartial).toBe(false);
    expect([...found.series].sort((a, b) => Number(a.id) - Number(b.id))).toEqual(series.map(({ labels }) => labels));
    expect((await client.series([match, 'no_such'], { ...SPAN, limit: 2 })).series).toHaveLength(2);
    expect(await client.labels({ ...SPAN, match })).toEqual({ names: ['__name__', 'id', 'zone'], isPartial: false });
    expect(await client.labelValues('zone', { ...SPAN, match })).toEqual({ values: ['a"1', 'ö\n'], isPartial: false });
    expect((await client.labelValues('__name__', { ...SPAN, match })).values).toEqual([match]);
    expect((await client.labelValues('no.such', SPAN)).values).toEqual([]);
  });

  it('tells what the index is made of', async () => {
    const { client } = context();
    await stored(name('status'), 9, () => client.importSeries(metric(name('status'), 3)));
    const status = await client.tsdbStatus({ match: name('status'), focusLabel: 'zone', date: TIME });
    expect(status).toMatchObject({ isPartial: false, totalSeries: 3, totalLabelValuePairs: 9 });
    expect(status.seriesCountByMetricName).toMatchObject([{ name: name('status'), count: 3 }]);
    expect(status.seriesCountByFocusLabelValue).toEqual([
      { name: 'a"1', count: 2 },
      { name: 'ö\n', count: 1 },
    ]);
    // Of a cluster it is the highest that any vmstorage node counts, here of three series on two nodes.
    const ids = status.labelValueCountByLabelName.find((label) => label.name === 'id')?.count;
    if (context().label === 'single') expect(ids).toBe(3);
    else expect([2, 3]).toContain(ids);
  });

  it('queries what it imported, in gzip', async () => {
    const { client } = context();
    await stored(name('many'), 150, () => client.importSeries(metric(name('many'), 50)));
    const answer = await client.query(`sum(${name('many')})`, { time: TIME + 2000, nocache: true });
    expect(answer).toMatchObject({ isPartial: false, result: [{ value: 10 * ((49 * 50) / 2) + 50 / 4 }] });
    expect((await client.queryRange(name('many'), { ...SPAN, step: '1m', nocache: true })).result).toHaveLength(50);
  });

  it('says what is wrong with a selector', async () => {
    const { client } = context();
    const error = await exported(client, '{').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HttpError);
    expect((error as HttpError).message).toMatch(/answered 4\d\d: .*cannot parse/);
    await expect(client.series('{')).rejects.toThrow(/answered 4\d\d: .*cannot parse/);
  });
}

/** Deletions are for those who reach the storage itself. */
async function deletes(stack: Runner, client: VictoriaMetricsClient): Promise<void> {
  await client.importSeries([...metric('kept', 1), ...metric('deleted', 2)]);
  await until('the series are there', async () => {
    await flush(stack);
    return (await exported(client, ['kept', 'deleted'])).length === 3;
  });
  await client.deleteSeries(['deleted{id="0"}', 'deleted{id="1"}', 'no_such']);
  expect(await exported(client, ['kept', 'deleted'])).toEqual(metric('kept', 1));
}

describeWith(['victoria-metrics'], 'the client with a single node', () => {
  let stack: Runner;
  let client: VictoriaMetricsClient;

  beforeAll(async () => {
    const { component, objects } = synthesizeSingle({ volume, extraFlags: EXACT });
    stack = await Runner.start(objects);
    client = clientOf(stack, { write: component.write(), read: component.read() });
  });
  afterAll(async () => {
    (client as VictoriaMetricsClient | undefined)?.close();
    await (stack as Runner | undefined)?.close();
  });

  worksWith(() => ({ stack, client, label: 'single' }));

  it('deletes series', () => deletes(stack, client));

  it('gives health, metrics and flags', async () => {
    await client.health();
    expect(await client.metrics()).toMatch(/^vm_rows_added_to_storage_total [1-9]/m);
    expect(await client.flags({ server: 'write' })).toMatchObject({ 'search.latencyOffset': '0s' });
  });

  it('ends an export on a signal and goes on with others', async () => {
    await client.importSeries(metric('aborted', 2000));
    await flush(stack);
    const controller = new AbortController();
    const reason = new Error('enough');
    const series = client.exportSeries('aborted', { ...SPAN, signal: controller.signal });
    expect((await series.next()).value?.labels.__name__).toBe('aborted');
    controller.abort(reason);
    await expect(
      (async () => {
        for await (const item of series) expect(item.samples).toHaveLength(3);
      })(),
    ).rejects.toBe(reason);
    expect(await exported(client, 'aborted{id="7"}')).toHaveLength(1);
  });
});

describeWith(['vmauth', 'vmstorage', 'vminsert', 'vmselect'], 'the client with a cluster', () => {
  const SECRETS = { users: { shop: 'token-of-shop' } };
  let stack: Runner;
  let cluster: VictoriaMetricsClient;
  let other: VictoriaMetricsClient;
  let throughVmauth: VictoriaMetricsClient;

  beforeAll(async () => {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    const tenant = Tenant.of(7, 3);
    const storage = new VmCluster(chart, 'metrics', {
      vmstorage: { replicas: 2, volume },
      vminsert: { replicas: 1 },
      vmselect: { replicas: 1, extraFlags: EXACT },
    });
    const bearerToken = SecretRef.of('users', 'shop');
    const routes = [storage.write(tenant), storage.read(tenant)];
    new VmAuth(chart, 'gateway', { users: { shop: { bearerToken, routes } } });
    stack = await Runner.start(parseManifests(app.synthYaml()), { secrets: SECRETS });
    const servers = { insert: stack.url('metrics-vminsert'), select: stack.url('metrics-vmselect') };
    cluster = VictoriaMetricsClient.cluster({ ...servers, tenant: '7:3' });
    other = VictoriaMetricsClient.cluster({ ...servers, tenant: '8' });
    throughVmauth = VictoriaMetricsClient.single(stack.url('gateway-vmauth'), {
      auth: { bearerToken: 'token-of-shop' },
    });
    await untilConnected(stack, 2);
  });
  afterAll(async () => {
    for (const one of [cluster, other, throughVmauth] as (VictoriaMetricsClient | undefined)[]) one?.close();
    await (stack as Runner | undefined)?.close();
  });

  describe('of one tenant', () => {
    worksWith(() => ({ stack, client: cluster, label: 'cluster' }));
  });

  describe('by vmauth', () => {
    worksWith(() => ({ stack, client: throughVmauth, label: 'vmauth' }));

    it('is refused what has no route, and without its token', async () => {
      await expect(throughVmauth.deleteSeries('up')).rejects.toMatchObject({ status: 400 });
      const nobody = VictoriaMetricsClient.single(stack.url('gateway-vmauth'));
      await expect(nobody.labels()).rejects.toMatchObject({ status: 401 });
      await expect(nobody.importSeries(metric('refused', 2000))).rejects.toMatchObject({ status: 401 });
      nobody.close();
    });
  });

  it('deletes series of its tenant only', async () => {
    await other.importSeries(metric('deleted', 2));
    await until('both series of the other tenant are there', async () => {
      await flush(stack);
      return (await exported(other, 'deleted')).length === 2;
    });
    await deletes(stack, cluster);
    expect(await exported(other, 'deleted')).toEqual(metric('deleted', 2));
  });

  it('gives health, metrics and flags of each server', async () => {
    await cluster.health();
    expect(await cluster.metrics({ server: 'write' })).toContain('vm_rpc_vmstorage_is_reachable');
    expect(await cluster.flags()).toMatchObject({ 'search.latencyOffset': '0s' });
    expect(await cluster.flags({ server: 'write' })).not.toHaveProperty(['search.latencyOffset']);
  });

  it('shows or refuses partial answers while a vmstorage is away', async () => {
    await cluster.importSeries(metric('partial', 100));
    await until('all series are there', async () => {
      await flush(stack);
      return (await cluster.series('partial', SPAN)).series.length === 100;
    });
    await stack.pod('metrics-vmstorage-1').kill('SIGKILL');
    const match = 'partial';
    const searches: Record<string, (options: { denyPartialResponse?: boolean }) => Promise<{ isPartial: boolean }>> = {
      query: (options) => cluster.query('count(partial)', { time: TIME + 2000, nocache: true, ...options }),
      queryRange: (options) => cluster.queryRange(match, { ...SPAN, step: '1m', nocache: true, ...options }),
      series: (options) => cluster.series(match, { ...SPAN, ...options }),
      labels: (options) => cluster.labels({ ...SPAN, match, ...options }),
      labelValues: (options) => cluster.labelValues('id', { ...SPAN, match, ...options }),
      tsdbStatus: (options) => cluster.tsdbStatus({ match, date: TIME, ...options }),
    };
    for (const [name, search] of Object.entries(searches)) {
      expect([name, (await search({})).isPartial]).toEqual([name, true]);
      // The server itself refuses then.
      await expect(search({ denyPartialResponse: true })).rejects.toMatchObject({ retryable: true });
    }
    expect((await cluster.labelValues('id', { ...SPAN, match })).values.length).toBeLessThan(100);
    await expect(exported(cluster, match)).rejects.toBeInstanceOf(Error);
    await expect(text(cluster.exportNative(match, SPAN))).rejects.toBeInstanceOf(Error);
  });
});

describeWith(['openssl'], 'the client with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'client-tls-'));
  const file = (name: string): string => join(folder, name);
  const pem = (name: string): Buffer => readFileSync(file(name));
  const NAME = 'metrics.example.com';
  let server: Server;
  let url: string;

  /** A key and a certificate of a name, of its own authority or of the one that is there. */
  function certify(name: string, subject: string, ca?: string): void {
    const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const authority = ca === undefined ? [] : ['-CA', file(`${ca}.crt`), '-CAkey', file(`${ca}.key`)];
    const names =
      ca === undefined ? [] : ['-addext', `subjectAltName=DNS:${subject}`, '-addext', 'basicConstraints=CA:FALSE'];
    const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
    execFileSync('openssl', [...common, ...authority, '-subj', `/CN=${subject}`, ...names, ...files], {
      stdio: 'pipe',
    });
  }

  beforeAll(async () => {
    certify('ca', 'an authority');
    certify('server', NAME, 'ca');
    certify('client', 'shop', 'ca');
    writeFileSync(file('two.crt'), Buffer.concat([pem('ca.crt'), pem('client.crt')]));
    const options = { ca: pem('ca.crt'), cert: pem('server.crt'), key: pem('server.key') };
    server = createServer({ ...options, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      response.end((request.socket as TLSSocket).authorized ? 'client known' : 'client unknown');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function answerOf(tls?: TlsOptions): Promise<string> {
    const client = VictoriaMetricsClient.single(url, { tls });
    try {
      return await client.metrics();
    } finally {
      client.close();
    }
  }

  it('takes the server by its authority and name, and shows its own certificate', async () => {
    const trusted = { ca: pem('ca.crt'), serverName: NAME };
    expect(await answerOf(trusted)).toBe('client unknown');
    expect(await answerOf({ ...trusted, cert: pem('client.crt'), key: pem('client.key') })).toBe('client known');
    expect(await answerOf({ ca: [pem('two.crt').toString()], serverName: NAME, minVersion: 'TLSv1.3' })).toBe(
      'client unknown',
    );
  });

  it('refuses a server of no known authority or of another name, unless told to take any', async () => {
    await expect(answerOf()).rejects.toBeInstanceOf(NetworkError);
    await expect(answerOf({ serverName: NAME })).rejects.toThrow(/certificate/);
    await expect(answerOf({ ca: pem('ca.crt') })).rejects.toThrow(/does not match certificate/);
    await expect(answerOf({ ca: pem('ca.crt'), serverName: 'other.example.com' })).rejects.toThrow(/does not match/);
    expect(await answerOf({ insecureSkipVerify: true })).toBe('client unknown');
  });
});

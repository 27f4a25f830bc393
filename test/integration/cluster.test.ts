import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import { SecretRef, Tenant, type VmCluster, type VmClusterProps } from '../../src';
import { type QueryOptions, type TimeSeries, type VectorSeries, VictoriaMetricsClient } from '../../src/client';
import { droppedSamples, MetricsPage, storedSamples } from './metrics-page';
import { describeWith, Runner, until, type RunnerOptions } from './runner';
import { clientOf, flush, synthesizeCluster, synthesizeClusterOf, untilConnected, type Synthesized } from './stacks';

jest.setTimeout(180_000);

/** Whole seconds, old enough for any latency offset. */
const START = Math.floor(Date.now() / 1000) * 1000 - 20 * 60_000;

const EXACT = { 'search.latencyOffset': '0s' } as const;
const volume = { size: Size.gibibytes(1) };

/** Series that differ in one label, with one sample each. */
function slice(name: string, series: number, index: number): TimeSeries[] {
  return [...Array(series).keys()].map((id) => ({
    labels: { __name__: name, id: String(id) },
    samples: [{ timestamp: START + index * 1000, value: id * 1000 + index }],
  }));
}

describeWith(['vmstorage', 'vminsert', 'vmselect'], 'a cluster', () => {
  let stack: Runner;
  let cluster: VmCluster;
  let client: VictoriaMetricsClient;
  const clients: VictoriaMetricsClient[] = [];

  function opened(one: VictoriaMetricsClient): VictoriaMetricsClient {
    clients.push(one);
    return one;
  }

  async function start({ component, objects }: Synthesized<VmCluster>, options?: RunnerOptions): Promise<void> {
    stack = await Runner.start(objects, options);
    cluster = component;
    client = opened(clientOf(stack, { write: cluster.write(), read: cluster.read() }));
  }

  afterEach(async () => {
    for (const one of clients.splice(0)) one.close();
    await (stack as Runner | undefined)?.close();
  });

  /** The answer to a query that must have all data. @returns 0 where there is no series */
  async function total(query: string, options: QueryOptions = {}): Promise<number> {
    const { result } = await client.query(query, {
      time: Date.now(),
      nocache: true,
      denyPartialResponse: true,
      ...options,
    });
    return (result as readonly VectorSeries[])[0]?.value ?? 0;
  }

  /** Waits until a number of samples is found, and sees to it that there are not more. */
  async function untilCounted(query: string, samples: number, options?: QueryOptions): Promise<void> {
    await until(`${query} = ${samples}`, async () => {
      await flush(stack);
      return (await total(query, options)) === samples;
    });
    await flush(stack);
    expect(await total(query, options)).toBe(samples);
  }

  const kind = (change: (cluster: VmClusterProps) => VmClusterProps = (props) => props) =>
    synthesizeClusterOf('kind', (props) => change({ ...props, vmselect: { ...props.vmselect, extraFlags: EXACT } }));

  it('loses no acknowledged sample and answers in full while a vmstorage is killed and comes back', async () => {
    const SERIES = 1000;
    const SLICES = 100;
    const [KILLED, BACK] = [33, 66];
    const counted = 'sum(count_over_time(acknowledged[1h]))';
    await start(kind());
    const victim = stack.pod('metrics-vmstorage-1');

    /** Samples that were found once, and must be in every answer from then on. */
    let found = 0;
    const write = async (from: number, to: number) => {
      for (let index = from; index < to; index++) await client.remoteWrite(slice('acknowledged', SERIES, index));
    };
    const find = async (slices: number) => {
      await untilCounted(counted, slices * SERIES);
      found = slices * SERIES;
    };
    await untilConnected(stack, 3);
    await write(0, 1);
    await find(1);

    const isDown = () => !victim.running;
    let answersWhileDown = 0;
    const over = new AbortController();
    const queries = (async () => {
      while (!over.signal.aborted) {
        const [expected, down] = [found, isDown()];
        expect(await total(counted)).toBeGreaterThanOrEqual(expected);
        if (down && isDown()) answersWhileDown++;
      }
    })();
    // A failure is seen where the queries are awaited.
    queries.catch(() => undefined);

    await write(1, KILLED);
    await victim.kill('SIGKILL');
    await write(KILLED, BACK);
    await find(BACK);
    expect(answersWhileDown).toBeGreaterThan(0);
    await victim.start();
    await untilConnected(stack, 3);
    await write(BACK, SLICES);
    await find(SLICES);
    over.abort();
    await queries;

    const { result } = await client.query('acknowledged{id=~"0|7|500|999"}[1h]', { nocache: true });
    expect(result).toHaveLength(4);
    for (const { labels, samples } of result as readonly TimeSeries[]) {
      const { id } = labels as Readonly<Record<string, string>>;
      expect(samples).toEqual(
        [...Array(SLICES).keys()].map((i) => slice('acknowledged', Number(id) + 1, i).at(-1)!.samples[0]),
      );
    }

    // What the killed node had in memory only is on one node now. All that came later is on two; the node that came back
    // may hide series for a few seconds, because it was asked for them before it knew them again.
    await stack.pod('metrics-vmstorage-2').kill('SIGKILL');
    await untilCounted(`sum(count_over_time(acknowledged[${SLICES - KILLED}s]))`, (SLICES - KILLED) * SERIES, {
      time: START + (SLICES - 1) * 1000,
    });
  });

  it('writes nothing to an excluded vmstorage and still reads what it has', async () => {
    const workdir = mkdtempSync(join(tmpdir(), 'stack-'));
    const SERIES = 300;
    const props = (excludeFromWrites: readonly number[]): VmClusterProps => ({
      vmstorage: { replicas: 3, volume, excludeFromWrites },
      vminsert: { replicas: 1 },
      vmselect: { replicas: 1, extraFlags: EXACT },
    });
    const perNode = async () =>
      Promise.all(
        stack
          .pods('metrics-vmstorage')
          .map(async (pod) => (await MetricsPage.of(pod)).sum('vm_rows_added_to_storage_total')),
      );
    try {
      await start(synthesizeCluster(props([])), { workdir });
      await untilConnected(stack, 3);
      await client.remoteWrite(slice('before', SERIES, 0));
      await until('all is stored', async () => (await storedSamples(stack)) === SERIES);
      const [, , onExcluded = 0] = await perNode();
      expect(onExcluded).toBeGreaterThan(0);
      await stack.pod('metrics-vminsert-0').kill();
      expect(await Promise.all(stack.pods('metrics-vmstorage').map((pod) => pod.stop()))).toEqual(
        Array(3).fill({ code: 0, signal: null }),
      );
      await stack.close();

      await start(synthesizeCluster(props([2])), { workdir });
      await untilConnected(stack, 2);
      await client.remoteWrite(slice('after', SERIES, 1));
      await until('all is stored', async () => (await storedSamples(stack)) === SERIES);
      const [first = 0, second = 0, excluded] = await perNode();
      expect(first + second).toBe(SERIES);
      expect(excluded).toBe(0);
      await untilCounted('sum(count_over_time(after[1h]))', SERIES);
      await untilCounted('sum(count_over_time(before[1h]))', SERIES);
      await stack.pod('metrics-vmstorage-2').kill();
      const { isPartial, result } = await client.query('sum(count_over_time(before[1h]))', { nocache: true });
      expect([isPartial, (result as readonly VectorSeries[])[0]?.value]).toEqual([true, SERIES - onExcluded]);
    } finally {
      await (stack as Runner | undefined)?.close();
      rmSync(workdir, { recursive: true, force: true });
    }
  });

  it('keeps tenants apart, and shows all of them to the multitenant endpoint', async () => {
    await start(
      synthesizeCluster({
        vmstorage: { replicas: 2, volume },
        vminsert: { replicas: 1 },
        vmselect: { replicas: 1, extraFlags: EXACT },
      }),
    );
    const clientOfTenant = (tenant: Tenant) =>
      opened(clientOf(stack, { write: cluster.write(tenant), read: cluster.read(tenant) }));
    const first = clientOfTenant(Tenant.of(1));
    const second = clientOfTenant(Tenant.of(2, 3));
    const all = clientOfTenant(Tenant.MULTITENANT);
    const sample = (value: number, labels: Record<string, string> = {}) => [
      { labels: { __name__: 'owned', ...labels }, samples: [{ timestamp: START, value }] },
    ];
    await first.remoteWrite(sample(1));
    await second.remoteWrite(sample(2));
    await all.remoteWrite(sample(3, { vm_account_id: '1', vm_project_id: '9' }));
    await until('all is stored', async () => (await storedSamples(stack)) === 3);
    await flush(stack);
    const owned = async (from: VictoriaMetricsClient) => {
      const { result } = await from.query('sort(owned)', {
        time: START + 1000,
        nocache: true,
        denyPartialResponse: true,
      });
      return (result as readonly VectorSeries[]).map(({ labels, value }) => ({ ...labels, value }));
    };
    const __name__ = 'owned';
    expect(await owned(first)).toEqual([{ __name__, value: 1 }]);
    expect(await owned(second)).toEqual([{ __name__, value: 2 }]);
    expect(await owned(client)).toEqual([]);
    expect(await owned(all)).toEqual([
      { __name__, vm_account_id: '1', vm_project_id: '0', value: 1 },
      { __name__, vm_account_id: '2', vm_project_id: '3', value: 2 },
      { __name__, vm_account_id: '1', vm_project_id: '9', value: 3 },
    ]);
  });

  it('loses no acknowledged sample and refuses no connection when a vminsert is told to go', async () => {
    await start(
      kind((props) => ({ ...props, vminsert: { ...props.vminsert, shutdownDelay: Duration.seconds(3) } })),
      { endpointPropagation: 1000 },
    );
    // A connection for each request, as new clients make them. A kept one may be closed by the server at the moment at
    // which a request is on its way; clients must be ready to send that again anyhow.
    const endpoints = { write: cluster.write(), read: cluster.read() };
    const writers = opened(clientOf(stack, endpoints, { agentOptions: { keepAlive: false } }));
    let acknowledged = 0;
    const over = new AbortController();
    const failures: unknown[] = [];
    const write = async (to: VictoriaMetricsClient, writer: string, index: number) => {
      const labels = { __name__: 'graceful', writer };
      await to.remoteWrite([{ labels, samples: [{ timestamp: START + index, value: index }] }]);
      acknowledged++;
    };
    const writing = ['a', 'b', 'c', 'd'].map(async (writer) => {
      for (let index = 0; !over.signal.aborted; index++) {
        await write(writers, writer, index).catch((error: unknown) => failures.push(error));
      }
    });
    const more = async () => {
      const before = acknowledged;
      await until('more is acknowledged', () => acknowledged >= before + 200);
    };
    const pod = stack.pod('metrics-vminsert-0');
    try {
      await more();
      const stopped = pod.stop();
      const health = async () => (await fetch(`${pod.url()}/health`)).status;
      await until('the pod is unready', async () => (await health()) === 503);
      const directly = opened(
        VictoriaMetricsClient.cluster({ insert: pod.url(), select: stack.url('metrics-vmselect') }),
      );
      await write(directly, 'direct', 0);
      expect(await health()).toBe(503);
      await more();
      expect(await stopped).toEqual({ code: 0, signal: null });
      await more();
    } finally {
      over.abort();
    }
    await Promise.all(writing);
    expect(failures).toEqual([]);
    expect(stack.service('metrics-vminsert').refused).toBe(0);
    await untilCounted('sum(count_over_time(graceful[1h]))', acknowledged);
    expect(await droppedSamples(stack)).toBe(0);
  });

  it('keeps the cache of vmselect on claims, and resets the caches of all replicas together', async () => {
    await start(
      synthesizeCluster({
        vmstorage: { replicas: 2, volume },
        vminsert: { replicas: 1 },
        vmselect: { replicas: 2, cache: { size: Size.gibibytes(1) }, shutdownDelay: Duration.seconds(1) },
      }),
    );
    const pods = stack.pods('metrics-vmselect');
    const peers = pods.map((pod) => new URL(pod.url()).host);
    for (const pod of pods) expect((await MetricsPage.of(pod)).setFlags().selectNode).toBe(peers.join(','));
    await client.remoteWrite(slice('cached', 10, 0));
    await untilCounted('sum(count_over_time(cached[1h]))', 10);

    const resets = async () =>
      Promise.all(pods.map(async (pod) => (await MetricsPage.of(pod)).sum('vm_rollup_result_cache_resets_total')));
    const before = await resets();
    expect((await fetch(`${pods[0]!.url()}/internal/resetRollupResultCache?propagate=1`)).status).toBe(200);
    const after = await resets();
    expect(after.map((count, i) => count > before[i]!)).toEqual([true, true]);

    expect(await pods[1]!.stop()).toEqual({ code: 0, signal: null });
    await pods[1]!.start();
    expect(pods[1]!.logs()).toMatch(/loaded rollupResult cache from .*\/claims\/monitoring\/data-metrics-vmselect-1\//);
    expect(await total('sum(count_over_time(cached[1h]))')).toBe(10);
  });

  it('resets the caches of all replicas together where basic auth guards them', async () => {
    const secrets = { vmselect: { password: 'open sesame', 'reset-key': 'reset' } };
    const password = SecretRef.of('vmselect', 'password');
    const vmselect = {
      cache: volume,
      httpAuth: { username: 'reader', password },
      resetCacheAuthKey: SecretRef.of('vmselect', 'reset-key'),
    };
    await start(synthesizeCluster({ vmstorage: { replicas: 2, volume }, vmselect }), { secrets });
    const pods = stack.pods('metrics-vmselect');
    const authorization = `Basic ${Buffer.from('reader:open sesame').toString('base64')}`;
    const metrics = async () =>
      Promise.all(
        pods.map(async (pod) => {
          const page = await (await fetch(`${pod.url()}/metrics`, { headers: { authorization } })).text();
          return Number(/^vm_rollup_result_cache_resets_total (\d+)/m.exec(page)?.[1]);
        }),
      );
    const before = await metrics();
    expect((await fetch(`${pods[0]!.url()}/internal/resetRollupResultCache?authKey=wrong`)).status).toBe(401);
    const { status } = await fetch(`${pods[0]!.url()}/internal/resetRollupResultCache?authKey=reset&propagate=1`);
    expect(status).toBe(200);
    await until('all caches are reset', async () => (await metrics()).every((count, i) => count > before[i]!));
  });
});

import { join } from 'node:path';
import { ENVIRONMENTS } from '../../charts/environments';
import { VictoriaMetricsClient, type VectorSeries } from '../../src/client';
import { droppedSamples, MetricsPage, storedSamples } from './metrics-page';
import { describeWith, readManifests, Runner, until, type Pod } from './runner';
import { flush, untilConnected } from './stacks';

jest.setTimeout(180_000);

const CLUSTER = ['vmstorage', 'vminsert', 'vmselect'];
const SINGLE = ['victoria-metrics'];

/** Names of flags in the args of a container, by the name of its workload. */
function renderedFlags(objects: readonly object[]): Map<string, string[]> {
  interface Workload {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { args: string[] }[] } } };
  }
  return new Map(
    (objects as readonly Workload[])
      .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment')
      .map(({ metadata, spec }) => {
        const names = spec.template.spec.containers[0]!.args.map((arg) => /^-([^=]+)=/.exec(arg)![1]!);
        return [metadata.name, [...new Set(names)].sort()];
      }),
  );
}

for (const [name, { storage }] of Object.entries(ENVIRONMENTS)) {
  const isCluster = 'cluster' in storage;
  describeWith(isCluster ? CLUSTER : SINGLE, `the environment ${name}`, () => {
    it('starts as it is committed, takes all of its args, stores and answers', async () => {
      const objects = readManifests(join(__dirname, '../../dist', name));
      const stack = await Runner.start(objects);
      try {
        const client = isCluster
          ? VictoriaMetricsClient.cluster({
              insert: stack.url('metrics-vminsert'),
              select: stack.url('metrics-vmselect'),
            })
          : VictoriaMetricsClient.single(stack.url('metrics-vmsingle'));
        await client.health();
        const flags = renderedFlags(objects);
        const pods = stack.pods();
        expect(new Set(pods.map(workloadOf))).toEqual(new Set(flags.keys()));
        for (const [pod, page] of await Promise.all(
          pods.map(async (each) => [each, await MetricsPage.of(each)] as const),
        )) {
          expect([pod.name, Object.keys(page.setFlags()).sort()]).toEqual([pod.name, flags.get(workloadOf(pod))]);
        }

        await untilConnected(stack, stack.pods('metrics-vmstorage').length);
        const timestamp = Date.now() - 60_000;
        await client.remoteWrite([{ labels: { __name__: 'started' }, samples: [{ timestamp, value: 1 }] }]);
        const copies = 'cluster' in storage ? (storage.cluster.replicationFactor ?? 1) : 1;
        await until('all copies are stored', async () => (await storedSamples(stack)) === copies);
        await flush(stack);
        const { result, isPartial } = await client.query('count_over_time(started[5m])', { nocache: true });
        expect([isPartial, (result as readonly VectorSeries[]).map(({ value }) => value)]).toEqual([false, [1]]);
        expect(await droppedSamples(stack)).toBe(0);
        client.close();
      } finally {
        await stack.close();
      }
    });
  });
}

function workloadOf({ name }: Pod): string {
  return name.replace(/-\d+$/, '');
}

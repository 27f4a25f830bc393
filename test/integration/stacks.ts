import { App, Chart } from 'cdk8s';
import { ENVIRONMENTS } from '../../charts/environments';
import { StackDefaults, VmCluster, VmSingle, type VmClusterProps, type VmSingleProps } from '../../src';
import { VictoriaMetricsClient, type ClientOptions } from '../../src/client';
import type { ReadEndpoint, WriteEndpoint } from '../../src';
import { MetricsPage, storagePods } from './metrics-page';
import { parseManifests, until, type Runner } from './runner';

/** A component with the manifests that it is synthesized to. */
export interface Synthesized<T> {
  readonly component: T;
  readonly objects: readonly object[];
}

export function synthesizeSingle(props: VmSingleProps): Synthesized<VmSingle> {
  return synthesize((chart) => new VmSingle(chart, 'metrics', props));
}

export function synthesizeCluster(props: VmClusterProps): Synthesized<VmCluster> {
  return synthesize((chart) => new VmCluster(chart, 'metrics', props));
}

/** The cluster of an environment, and nothing beside it, with changed props. @throws Error when it has a single node */
export function synthesizeClusterOf(
  name: string,
  change: (cluster: VmClusterProps) => VmClusterProps,
): Synthesized<VmCluster> {
  const storage = ENVIRONMENTS[name]?.storage;
  if (!storage || !('cluster' in storage)) throw new Error(`${name} is not an environment of a cluster`);
  return synthesizeCluster(change(storage.cluster));
}

function synthesize<T>(make: (chart: Chart) => T): Synthesized<T> {
  const app = new App();
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  StackDefaults.set(chart, { serverSideApply: true });
  const component = make(chart);
  return { component, objects: parseManifests(app.synthYaml()) };
}

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly args?: readonly string[] }[];
  initContainers?: object[];
}

/** Has vmagent, vmalert and vmauth check their files before they start, with the very args of the container. */
export function withDryRun(objects: readonly object[]): object[] {
  return (structuredClone(objects) as { spec?: { template?: { spec?: PodSpec } } }[]).map((object) => {
    const pod = object.spec?.template?.spec;
    const [main] = pod?.containers ?? [];
    if (pod && main && ['vmagent', 'vmalert', 'vmauth'].includes(main.name)) {
      pod.initContainers = [{ ...main, name: 'dry-run', args: [...(main.args ?? []), '-dryRun'] }];
    }
    return object;
  });
}

/** A client at the place of the endpoints in the running stack. */
export function clientOf(
  stack: Runner,
  { write, read }: { readonly write: WriteEndpoint; readonly read: ReadEndpoint },
  options: ClientOptions = {},
): VictoriaMetricsClient {
  return new VictoriaMetricsClient({
    writeUrl: stack.localize(write.url).replace(/\/api\/v1\/write$/, ''),
    readUrl: stack.localize(read.url),
    ...options,
  });
}

/**
 * Makes all that the storage took visible to queries. A query that comes before hides new series for about ten seconds:
 * VictoriaMetrics remembers for so long that there were none.
 */
export async function flush(stack: Runner): Promise<void> {
  await Promise.all(
    storagePods(stack).map(async (pod) => {
      const { status } = await fetch(`${pod.url()}/internal/force_flush`);
      if (status !== 200) throw new Error(`${pod.name}: /internal/force_flush answered ${status}`);
    }),
  );
}

/** Resolves when each vminsert has a connection to so many vmstorage nodes: until then their share goes to others. */
export async function untilConnected(stack: Runner, nodes: number): Promise<void> {
  const vminserts = stack.pods().filter(({ name, running }) => running && /-vminsert-\d+$/.test(name));
  await Promise.all(
    vminserts.map((pod) =>
      until(`${pod.name} reaches ${nodes} nodes`, async () => {
        return (await MetricsPage.of(pod)).sum('vm_rpc_vmstorage_is_reachable') === nodes;
      }),
    ),
  );
}

/** Resolves when each vmselect, or the single node, answers a query from all of the storage. */
export async function untilAnswering(stack: Runner): Promise<void> {
  const readers = stack.pods().filter(({ name, running }) => running && /-(vmselect|vmsingle)-\d+$/.test(name));
  await Promise.all(
    readers.map((pod) =>
      until(`${pod.name} answers`, async () => {
        const url = `${pod.url()}${pod.name.includes('vmselect') ? '/select/0/prometheus' : ''}/api/v1/query?query=up`;
        const response = await fetch(url);
        return response.ok && ((await response.json()) as { readonly isPartial?: boolean }).isPartial !== true;
      }),
    ),
  );
}

/**
 * Runs the shop of metrics-demo on a clock of its own and writes its metrics with the times of that clock.
 *
 * A program of its own: within jest, where each global is looked up through a proxy, it would take ten times as long.
 */
import { VictoriaMetricsClient, type TimeSeries, type WriteSample } from '../../src/client';
import type { Scenario } from '../../src/metrics-demo';
import { Random } from '../../src/metrics-demo/program/random';
import { seriesOf } from '../../src/metrics-demo/program/remote-write';
import { Shop } from '../../src/metrics-demo/program/shop';
import { ShopMetrics } from '../../src/metrics-demo/program/shop-metrics';

/** A while without the scenario, with it, and without it again. */
export interface History {
  /** Of the storage. */
  readonly url: string;
  /** The label `namespace`. */
  readonly namespace: string;
  readonly scenario: Scenario;
  /** In milliseconds since the Unix epoch. */
  readonly start: number;
  /** In minutes. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
}

const MINUTE = 60_000;
const PUSH_MILLISECONDS = 15_000;
const MEMORY_LIMIT = 192 * 1024 * 1024;

async function write({ url, namespace, scenario, start, before, during, after }: History): Promise<void> {
  const client = VictoriaMetricsClient.single(url);
  const metrics = new ShopMetrics();
  const shop = new Shop(metrics, new Random(scenario), start);
  const identity = { job: 'metrics-demo', instance: 'shop-0:8080', namespace, pod: 'shop-0' };
  // What kube-state-metrics would tell.
  const limit = {
    ...identity,
    __name__: 'kube_pod_container_resource_limits',
    container: 'metrics-demo',
    resource: 'memory',
  };
  for (let minute = 0; minute < before + during + after; minute++) {
    if (minute === before) shop.startScenario(scenario);
    if (minute === before + during) shop.stopScenario(scenario);
    const written = new Map<string, { readonly labels: TimeSeries['labels']; readonly samples: WriteSample[] }>();
    for (let passed = PUSH_MILLISECONDS; passed <= MINUTE; passed += PUSH_MILLISECONDS) {
      const timestamp = start + minute * MINUTE + passed;
      shop.advance(timestamp);
      metrics.residentMemory.set(MEMORY_LIMIT * (shop.memoryGrows ? 0.94 : 0.4));
      const series = await seriesOf(metrics.registry, identity, timestamp);
      for (const { labels, samples } of [...series, { labels: limit, samples: [{ timestamp, value: MEMORY_LIMIT }] }]) {
        const key = JSON.stringify(labels);
        const known = written.get(key) ?? { labels, samples: [] as WriteSample[] };
        known.samples.push(...samples);
        written.set(key, known);
      }
    }
    await client.remoteWrite([...written.values()]);
  }
  client.close();
}

async function main(): Promise<void> {
  for (const history of JSON.parse(process.argv[2]!) as readonly History[]) await write(history);
}

if (require.main === module) void main();

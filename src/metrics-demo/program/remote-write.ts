import type { Registry } from 'prom-client';
import { VictoriaMetricsClient, type TimeSeries } from '../../client';
import type { Clock } from './clock';
import { REMOTE_WRITE_PATH, type PushTarget } from './config';
import { authOf, PUSH_TIMEOUT_MILLISECONDS, type Identity, type Push } from './push';
import { collect } from './samples';

/** What the metrics are at a time, as series with a sample each. */
export async function seriesOf(registry: Registry, identity: Identity, timestamp: number): Promise<TimeSeries[]> {
  const families = await collect(registry);
  return families.flatMap(({ points }) =>
    points.map(({ name, labels, value }) => ({
      labels: { ...identity, ...labels, __name__: name },
      samples: [{ timestamp, value }],
    })),
  );
}

/** Sends all metrics by Prometheus remote write. A value that did not arrive is made up for by the next one. */
export class RemoteWritePush implements Push {
  public readonly name = 'remote-write';
  private readonly client: VictoriaMetricsClient;

  public constructor(
    private readonly registry: Registry,
    private readonly identity: Identity,
    private readonly clock: Clock,
    target: PushTarget,
  ) {
    this.client = new VictoriaMetricsClient({
      writeUrl: target.url.slice(0, -REMOTE_WRITE_PATH.length),
      auth: authOf(target),
      timeout: PUSH_TIMEOUT_MILLISECONDS,
    });
  }

  /** Tries until there is no more time: the next values are told at the next push, and after the last there are none. */
  public async flush(): Promise<void> {
    let failure: unknown = new Error(`no answer within ${PUSH_TIMEOUT_MILLISECONDS / 1000} s`);
    const writer = this.client.remoteWriter({
      zstd: false,
      onRetry: ({ error }) => (failure = error),
      onDrop: ({ error }) => (failure = error ?? failure),
    });
    await writer.write(await seriesOf(this.registry, this.identity, this.clock.now()));
    await writer.close({ timeout: PUSH_TIMEOUT_MILLISECONDS });
    const { samples, deliveredSamples } = writer.metrics();
    if (deliveredSamples < samples) throw failure;
  }

  public close(): Promise<void> {
    this.client.close();
    return Promise.resolve();
  }
}

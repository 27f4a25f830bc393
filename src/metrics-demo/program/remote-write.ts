import type { Registry } from 'prom-client';
import { VictoriaMetricsClient, type TimeSeries } from '../../client';
import { timeAfter } from '../../client/clock';
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
  private lastTime = 0;

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

  public async flush(): Promise<void> {
    this.lastTime = timeAfter(this.lastTime, this.clock.now());
    await this.client.remoteWrite(await seriesOf(this.registry, this.identity, this.lastTime));
  }

  public close(): Promise<void> {
    this.client.close();
    return Promise.resolve();
  }
}

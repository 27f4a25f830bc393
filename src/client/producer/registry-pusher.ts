import type { VictoriaMetricsClient } from '../client';
import { METRIC_NAME, type Labels } from '../labels';
import type { TimeSeries } from '../samples';
import type { Milliseconds } from '../time';
import { LabelSetCache } from './label-set-cache';
import { Periodic, type PeriodicOptions, type PeriodicStats } from './periodic';

/** What a push as text needs of a registry; that of prom-client has it. */
export interface TextRegistry {
  /** All metrics in the text format of Prometheus. */
  metrics(): Promise<string> | string;
}

/** What a push by remote write needs of a registry; that of prom-client has it. */
export interface JsonRegistry {
  /** Says whether counters are named by the rules of OpenMetrics. */
  readonly contentType?: string;
  /** All metrics as objects. */
  getMetricsAsJSON(): Promise<readonly RegistryMetric[]> | readonly RegistryMetric[];
}

/** A metric of a {@link JsonRegistry}. */
export interface RegistryMetric {
  readonly name: string;
  /** `counter`, `gauge`, `histogram` or `summary`. */
  readonly type: unknown;
  /** Its series. @default - none, and it is left out */
  readonly values?: readonly {
    readonly value: number;
    readonly labels?: Readonly<Partial<Record<string, string | number>>>;
    /** The name of the series, where it is not that of the metric, as `_bucket` of a histogram. */
    readonly metricName?: string;
  }[];
}

/** Options of a {@link RegistryPusher}. */
export type RegistryPusherOptions = PeriodicOptions &
  (
    | {
        /** What is pushed. */
        readonly registry: TextRegistry;
        /** Where to. */
        readonly client: Pick<VictoriaMetricsClient, 'importText'>;
        /** How: as text, as the registry writes it, or by remote write. @default 'text' */
        readonly protocol?: 'text';
      }
    | {
        readonly registry: JsonRegistry;
        readonly client: Pick<VictoriaMetricsClient, 'remoteWrite'>;
        readonly protocol: 'remote-write';
      }
  );

/**
 * Pushes the metrics of a registry at an interval, for what is not scraped. All samples of a push have its time, which
 * is later than that of the push before. Never has two pushes under way, and makes a last one when it is closed. A push
 * that fails is not repeated: the next one has the counters' newer values.
 *
 * Processes that push the same metrics need a label that tells them apart:
 *
 * ```ts
 * registry.setDefaultLabels({ job: 'shop', instance: hostname() });
 * const pusher = new RegistryPusher({ registry, client, onError: (error) => logger.warn(error) });
 * process.once('SIGTERM', () => void pusher.close().finally(() => client.close()));
 * ```
 */
export class RegistryPusher {
  readonly #periodic: Periodic;
  readonly #labels = new LabelSetCache();

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(options: RegistryPusherOptions) {
    this.#periodic = new Periodic(async (timestamp) => {
      if (options.protocol === 'remote-write') {
        const { registry, client } = options;
        const metrics = await registry.getMetricsAsJSON();
        const isOpenMetrics = registry.contentType?.startsWith('application/openmetrics-text') === true;
        await client.remoteWrite(metrics.flatMap((metric) => this.#series(metric, isOpenMetrics, timestamp)));
      } else {
        await options.client.importText(await options.registry.metrics(), { timestamp });
      }
    }, options);
  }

  /** Pushes that succeeded, failed and were left out. */
  get stats(): PeriodicStats {
    return this.#periodic.stats;
  }

  /** Pushes now, after the push that is under way. Rejects when it fails. */
  push(): Promise<void> {
    return this.#periodic.run();
  }

  /** Pushes a last time, after the push that is under way, and ends. Rejects when the last push fails. */
  close(): Promise<void> {
    return this.#periodic.close();
  }

  #series({ name, type, values }: RegistryMetric, isOpenMetrics: boolean, timestamp: Milliseconds): TimeSeries[] {
    // prom-client cuts the suffix off the name and adds it when it writes text.
    const series = isOpenMetrics && type === 'counter' ? `${name.replace(/_total$/, '')}_total` : name;
    return (values ?? []).map(({ value, labels = {}, metricName = series }) => ({
      labels: this.#labels.get(strings(metricName, labels)),
      samples: [{ timestamp, value }],
    }));
  }
}

function strings(metricName: string, labels: Readonly<Partial<Record<string, string | number>>>): Labels {
  const all: Record<string, string> = { [METRIC_NAME]: metricName };
  for (const [name, value] of Object.entries(labels)) all[name] = String(value ?? '');
  return all;
}

import type { HrTime } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type CollectionResult,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import { version } from '../../../package.json';
import { authorizationHeader } from '../../client';
import type { Clock } from './clock';
import type { OtlpTarget } from './config';
import { authOf, PUSH_TIMEOUT_MILLISECONDS, type Identity, type Push } from './push';
import { collect, type Family, type Point } from './samples';

/** An interval that never comes: the demo says when to push. */
const NEVER_MILLISECONDS = 2 ** 31 - 1;

/** Sends all metrics by OTLP over HTTP with the OpenTelemetry SDK. */
export class OtlpPush implements Push {
  public readonly name = 'otlp';
  private readonly provider: MeterProvider;
  private readonly exporter: ObservedExporter;

  public constructor(registry: Registry, identity: Identity, clock: Clock, target: OtlpTarget) {
    const header = authorizationHeader(authOf(target));
    this.exporter = new ObservedExporter({
      url: target.url,
      headers: async (): Promise<Record<string, string>> => {
        const authorization = await header();
        return authorization === undefined ? {} : { authorization };
      },
      timeoutMillis: PUSH_TIMEOUT_MILLISECONDS,
    });
    const reader = new PeriodicExportingMetricReader({
      exporter: this.exporter,
      exportIntervalMillis: NEVER_MILLISECONDS,
      exportTimeoutMillis: PUSH_TIMEOUT_MILLISECONDS,
      metricProducers: [new RegistryProducer(registry, clock)],
    });
    const resource = resourceFromAttributes({
      'service.name': identity.job,
      'service.version': version,
      'deployment.environment.name': target.environment,
      ...identity,
    });
    this.provider = new MeterProvider({ resource, readers: [reader] });
  }

  public async flush(): Promise<void> {
    this.exporter.failure = undefined;
    await this.provider.forceFlush();
    const { failure } = this.exporter as { readonly failure?: Error };
    if (failure) throw failure;
  }

  public async close(): Promise<void> {
    this.exporter.closed = true;
    await this.provider.shutdown();
  }
}

/** Keeps why an export failed: the SDK itself tells nobody. */
class ObservedExporter extends OTLPMetricExporter {
  public failure: Error | undefined;
  /** The SDK exports once more when it is shut down. */
  public closed = false;

  public override export(...[metrics, done]: Parameters<OTLPMetricExporter['export']>): void {
    if (this.closed) {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the package of the enum is no dependency
      done({ code: 0 });
      return;
    }
    super.export(metrics, (result) => {
      this.failure = result.error;
      done(result);
    });
  }
}

/** Gives the SDK the metrics of the registry as they are, so that nothing is counted twice. */
class RegistryProducer implements MetricProducer {
  private readonly startTime: HrTime;

  public constructor(
    private readonly registry: Registry,
    private readonly clock: Clock,
  ) {
    this.startTime = hrTime(clock.now());
  }

  public async collect(): Promise<CollectionResult> {
    const times = { startTime: this.startTime, endTime: hrTime(this.clock.now()) };
    const families = await collect(this.registry);
    const metrics = families.map((family) => metricData(family, times));
    return {
      resourceMetrics: {
        resource: resourceFromAttributes({}),
        scopeMetrics: [{ scope: { name: 'metrics-demo' }, metrics }],
      },
      errors: [],
    };
  }
}

type Times = Pick<DataPoint<unknown>, 'startTime' | 'endTime'>;

function metricData(family: Family, times: Times): MetricData {
  const { name, help: description, type, points } = family;
  const common = {
    descriptor: { name, description, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const dataPoints = points.map(({ labels, value }) => ({ ...times, attributes: labels, value }));
  switch (type) {
    case 'counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    case 'gauge':
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    case 'histogram':
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(family, times) };
  }
}

/** Of what belongs to the same labels one histogram, with counts by bucket instead of up to it. */
function histograms({ name, points }: Family, times: Times): DataPoint<Histogram>[] {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const key = JSON.stringify({ ...point.labels, le: undefined });
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups].map(([key, group]) => {
    const valueOf = (suffix: string): number => group.find((point) => point.name === name + suffix)!.value;
    const buckets = group.filter((point) => point.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)));
    return {
      ...times,
      attributes: JSON.parse(key) as Record<string, string>,
      value: {
        buckets: {
          boundaries: bounds.slice(0, -1),
          counts: buckets.map(({ value }, index) => value - (buckets[index - 1]?.value ?? 0)),
        },
        sum: valueOf('_sum'),
        count: valueOf('_count'),
      },
    };
  });
}

/** https://ucum.org, as OpenTelemetry has it. */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's';
  return /_bytes(_total)?$/.test(name) ? 'By' : '';
}

function hrTime(milliseconds: number): HrTime {
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];
}

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZE_BUCKETS = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];
const FAST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
const ITEM_BUCKETS = [1, 2, 3, 5, 8, 13, 21];
const BATCH_BUCKETS = [1, 8, 32, 64, 128, 256, 512];

/** The metrics of the demo: what all ways out render, and the only place where they are counted. */
export class ShopMetrics {
  public readonly registry = new Registry();

  public readonly requests = this.counter('http_requests_total', 'Requests that were answered.', [
    'service',
    'method',
    'path',
    'status',
  ]);
  public readonly requestDuration = this.histogram(
    'http_request_duration_seconds',
    'How long requests took.',
    ['service', 'method', 'path'],
    DURATION_BUCKETS,
  );
  public readonly requestSize = this.histogram(
    'http_request_size_bytes',
    'How large the bodies and headers of requests were.',
    ['service', 'method', 'path'],
    SIZE_BUCKETS,
  );

  public readonly activeUsers = this.gauge('active_users', 'Users that are logged in.', ['service']);
  public readonly logins = this.counter('user_logins_total', 'Users that logged in.', ['service']);
  public readonly logouts = this.counter('user_logouts_total', 'Users that logged out or were logged out.', [
    'service',
  ]);

  public readonly orders = this.counter('business_orders_total', 'Orders, by how they ended.', ['status', 'payment']);
  public readonly orderAmount = this.counter('business_order_amount_total', 'What completed orders cost.', [
    'currency',
    'payment',
  ]);
  public readonly orderDuration = this.histogram(
    'business_order_duration_seconds',
    'How long it took to process an order.',
    ['status'],
    DURATION_BUCKETS,
  );
  public readonly cartSize = this.histogram(
    'business_cart_size',
    'Items in a cart when it is ordered.',
    [],
    ITEM_BUCKETS,
  );
  public readonly inventory = this.gauge('business_inventory_level', 'Items in stock.', ['product']);

  public readonly cacheHits = this.counter('cache_hits_total', 'Reads that the cache answered.', ['cache']);
  public readonly cacheMisses = this.counter('cache_misses_total', 'Reads that the cache could not answer.', ['cache']);
  public readonly cacheEvictions = this.counter('cache_evictions_total', 'Entries that made room for others.', [
    'cache',
  ]);
  public readonly cacheDuration = this.histogram(
    'cache_operation_duration_seconds',
    'How long operations of the cache took.',
    ['cache', 'operation'],
    FAST_BUCKETS,
  );

  public readonly spansCreated = this.counter('otlp_spans_created_total', 'Spans that were recorded.', [
    'service',
    'kind',
  ]);
  public readonly spanDuration = this.histogram(
    'otlp_span_duration_seconds',
    'How long spans took.',
    ['kind'],
    DURATION_BUCKETS,
  );
  public readonly spansExported = this.counter('otlp_spans_exported_total', 'Spans whose export was tried.', [
    'exporter',
    'status',
  ]);
  public readonly exportErrors = this.counter('otlp_spans_export_errors_total', 'Spans whose export failed.', [
    'exporter',
    'type',
  ]);
  public readonly spansDropped = this.counter('otlp_spans_dropped_total', 'Spans that found the queue full.', [
    'exporter',
  ]);
  public readonly exportLatency = this.histogram(
    'otlp_exporter_latency_seconds',
    'How long the export of a batch took.',
    ['exporter'],
    DURATION_BUCKETS,
  );
  public readonly batchSize = this.histogram(
    'otlp_exporter_batch_size',
    'Spans in a batch.',
    ['exporter'],
    BATCH_BUCKETS,
  );
  public readonly queueSize = this.gauge('otlp_exporter_queue_size', 'Spans that wait for their export.', ['exporter']);

  public readonly cpu = this.counter('process_cpu_seconds_total', 'CPU time of the process, user and system.', []);
  public readonly residentMemory = this.gauge('process_resident_memory_bytes', 'Memory of the process.', []);
  public readonly heap = this.gauge('process_heap_bytes', 'Heap of the process that is in use.', []);
  public readonly startTime = this.gauge('process_start_time_seconds', 'When the process started, as Unix time.', []);
  public readonly load = this.gauge('system_load_average_1m', 'Load average of the machine over a minute.', []);
  public readonly systemMemory = this.gauge('system_memory_total_bytes', 'Memory of the machine.', []);
  public readonly systemFreeMemory = this.gauge('system_memory_free_bytes', 'Memory of the machine that is free.', []);

  public readonly scenario = this.gauge('metrics_demo_scenario_active', 'Whether a scenario is active.', ['scenario']);

  private counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    buckets: readonly number[],
  ): Histogram<T> {
    return new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] });
  }
}

import { SCENARIOS, type Scenario } from '../environment';
import type { Random } from './random';
import { effectsOf, type Effects } from './scenario-effects';
import type { ShopMetrics } from './shop-metrics';

/** Events are made for one second at a time, so that they do not depend on how often anybody looks. */
const STEP_MILLISECONDS = 1000;

/** What a process that was suspended makes up for at the most. */
const MAX_STEPS = 60;

interface Route {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Requests a second, on the average of a day. */
  readonly rate: number;
  /** The status of success. */
  readonly status: string;
  /** In seconds. */
  readonly medianDuration: number;
  /** In bytes. */
  readonly medianSize: number;
  /** Calls to databases, caches and other services, each a span. */
  readonly calls: number;
  /** What it looks up in a cache. @default - nothing */
  readonly cache?: Cache;
}

/** Each service gets more than 10 requests a second at its quietest hour. */
const ROUTES: readonly Route[] = [
  route('catalog', 'GET', '/products', 14, '200', 0.045, 450, 2),
  route('catalog', 'GET', '/products/:id', 22, '200', 0.03, 420, 1, 'products'),
  route('catalog', 'GET', '/search', 6, '200', 0.08, 520, 2),
  route('cart', 'GET', '/cart', 12, '200', 0.03, 430, 1, 'sessions'),
  route('cart', 'POST', '/cart/items', 7, '201', 0.045, 780, 2),
  route('cart', 'DELETE', '/cart/items/:id', 3, '204', 0.04, 440, 1),
  route('checkout', 'POST', '/orders', 6, '201', 0.07, 2400, 3),
  route('checkout', 'GET', '/orders/:id', 15, '200', 0.04, 430, 1),
  route('accounts', 'POST', '/login', 4, '200', 0.07, 640, 2),
  route('accounts', 'POST', '/logout', 3, '204', 0.03, 450, 1),
  route('accounts', 'GET', '/profile', 14, '200', 0.03, 430, 1, 'sessions'),
];

const CLIENT_ERRORS = ['400', '404'] as const;
const SERVER_ERRORS = ['500', '503'] as const;
const CLIENT_ERROR_RATIO = 0.01;
const DURATION_SIGMA = 0.45;
const SIZE_SIGMA = 0.6;
const CACHE_SIGMA = 0.5;

/** When traffic is highest, in hours UTC, and by how much it then exceeds the average. */
const PEAK_HOUR = 14;
const WAVE = 0.35;

const ACCOUNTS = 'accounts';
const INITIAL_USERS = 1500;
const SESSION_SECONDS = 600;

const PRODUCTS = ['apples', 'bread', 'cheese', 'coffee', 'honey', 'olives', 'rice', 'tea'] as const;
const FULL_STOCK = 5000;
const LOW_STOCK = 500;
const PAYMENTS = ['card', 'card', 'card', 'invoice', 'wallet'] as const;
const CURRENCY = 'EUR';
const ORDER_STATUSES = ['completed', 'rejected'] as const;

const CACHE_HIT_RATIOS = { products: 0.92, sessions: 0.98 } as const;
type Cache = keyof typeof CACHE_HIT_RATIOS;
const EVICTION_RATIO = 0.3;

const SPAN_KINDS = ['server', 'client'] as const;
const EXPORTER = 'otlp';
const EXPORT_ERRORS = ['timeout', 'unavailable'] as const;
const BATCH = 512;
const QUEUE_CAPACITY = 50_000;
const EXPORT_MEDIAN_SECONDS = 0.08;

function route(
  service: string,
  method: string,
  path: string,
  rate: number,
  status: string,
  medianDuration: number,
  medianSize: number,
  calls: number,
  cache?: Cache,
): Route {
  return { service, method, path, rate, status, medianDuration, medianSize, calls, cache };
}

/** What happened, counted apart from the metrics. */
export interface Totals {
  requests: number;
  failedRequests: number;
  logins: number;
  logouts: number;
  orders: number;
  orderAmount: number;
  cacheReads: number;
  spansCreated: number;
  spansExported: number;
  spansDropped: number;
  batches: number;
}

/** A shop with visitors, orders, a cache and an exporter of spans: all of it made up, from a seed and a clock. */
export class Shop {
  public readonly totals: Totals = {
    requests: 0,
    failedRequests: 0,
    logins: 0,
    logouts: 0,
    orders: 0,
    orderAmount: 0,
    cacheReads: 0,
    spansCreated: 0,
    spansExported: 0,
    spansDropped: 0,
    batches: 0,
  };

  private readonly scenarios = new Set<Scenario>();
  private effects: Effects = effectsOf([]);
  private users = INITIAL_USERS;
  private readonly stock = new Map<string, number>(PRODUCTS.map((product) => [product, FULL_STOCK]));
  private queue = 0;
  /** Spans that the exporter has had the time for and not sent yet. */
  private exportBudget = 0;

  /** @param time the clock at the start, in milliseconds since the Unix epoch */
  public constructor(
    private readonly metrics: ShopMetrics,
    private readonly random: Random,
    private time: number,
  ) {
    metrics.startTime.set(time / 1000);
    this.beginAtZero();
    this.applyScenarios();
    this.setGauges();
  }

  /** What is made to happen; empty when all is normal. */
  public get activeScenarios(): readonly Scenario[] {
    return SCENARIOS.filter((scenario) => this.scenarios.has(scenario));
  }

  public get memoryGrows(): boolean {
    return this.effects.memoryGrows;
  }

  public startScenario(scenario: Scenario): void {
    if (scenario === 'normal') this.scenarios.clear();
    else this.scenarios.add(scenario);
    this.applyScenarios();
  }

  public stopScenario(scenario: Scenario): void {
    this.scenarios.delete(scenario);
    this.applyScenarios();
  }

  /** Makes happen what happens until a time. Nothing happened while the shop was paused: see `skip`. */
  public advance(now: number): void {
    // A clock that was set back would stop all until it has caught up.
    this.time = Math.min(this.time, now);
    if (now - this.time > MAX_STEPS * STEP_MILLISECONDS) this.time = now - MAX_STEPS * STEP_MILLISECONDS;
    while (this.time + STEP_MILLISECONDS <= now) {
      this.time += STEP_MILLISECONDS;
      this.step();
    }
  }

  /** Goes on at a later time, as if nothing had happened before it. */
  public skip(now: number): void {
    this.time = Math.max(this.time, now);
  }

  /** All series are there from the start: rates see the first event, and panels of failures show that there are none. */
  private beginAtZero(): void {
    const { metrics } = this;
    for (const { service, method, path, status: success } of ROUTES) {
      const labels = { service, method, path };
      for (const status of [success, ...CLIENT_ERRORS, ...SERVER_ERRORS])
        metrics.requests.inc({ ...labels, status }, 0);
      metrics.requestDuration.zero(labels);
      metrics.requestSize.zero(labels);
      for (const kind of SPAN_KINDS) metrics.spansCreated.inc({ service, kind }, 0);
    }
    for (const counter of [metrics.logins, metrics.logouts]) counter.inc({ service: ACCOUNTS }, 0);
    for (const payment of PAYMENTS) {
      for (const status of ORDER_STATUSES) metrics.orders.inc({ status, payment }, 0);
      metrics.orderAmount.inc({ currency: CURRENCY, payment }, 0);
    }
    for (const status of ORDER_STATUSES) metrics.orderDuration.zero({ status });
    for (const cache of Object.keys(CACHE_HIT_RATIOS)) {
      for (const counter of [metrics.cacheHits, metrics.cacheMisses, metrics.cacheEvictions]) counter.inc({ cache }, 0);
      for (const operation of ['get', 'set']) metrics.cacheDuration.zero({ cache, operation });
    }
    for (const kind of SPAN_KINDS) metrics.spanDuration.zero({ kind });
    for (const status of ['success', 'error']) metrics.spansExported.inc({ exporter: EXPORTER, status }, 0);
    for (const type of EXPORT_ERRORS) metrics.exportErrors.inc({ exporter: EXPORTER, type }, 0);
    metrics.spansDropped.inc({ exporter: EXPORTER }, 0);
    for (const histogram of [metrics.exportLatency, metrics.batchSize]) histogram.zero({ exporter: EXPORTER });
  }

  private applyScenarios(): void {
    this.effects = effectsOf(this.scenarios);
    for (const scenario of SCENARIOS) {
      const active = scenario === 'normal' ? this.scenarios.size === 0 : this.scenarios.has(scenario);
      this.metrics.scenario.set({ scenario }, active ? 1 : 0);
    }
  }

  private step(): void {
    const hour = (this.time / 3_600_000) % 24;
    const wave = 1 + WAVE * Math.cos(((hour - PEAK_HOUR) / 24) * 2 * Math.PI);
    for (const each of ROUTES) {
      const blocked = !this.effects.users && each.path === '/login';
      const count = blocked ? 0 : this.random.poisson(each.rate * wave * this.effects.traffic);
      if (count > 0) this.serve(each, count);
    }
    this.endSessions();
    this.export();
    this.setGauges();
  }

  /** Counters are raised once for all requests: what takes time is to find them by their labels. */
  private serve(route: Route, count: number): void {
    const { metrics, totals } = this;
    const { service, method, path, calls, cache } = route;
    const statuses = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const status = this.request(route);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    for (const [status, requests] of statuses) metrics.requests.inc({ service, method, path, status }, requests);
    totals.requests += count;
    this.spans(service, count, count * calls);
    if (cache) this.readCache(cache, count);
    const succeeded = statuses.get(route.status) ?? 0;
    if (path === '/login') this.login(succeeded);
    if (path === '/logout') this.logout(succeeded);
  }

  /** @returns its status */
  private request({ service, method, path, status: success, medianDuration, medianSize, calls }: Route): string {
    const { metrics, random, effects } = this;
    const failed = random.chance(effects.errorRatio);
    const refused = !failed && random.chance(CLIENT_ERROR_RATIO);
    const labels = { service, method, path };
    const duration = exact(random.lognormal(medianDuration * effects.slowness, DURATION_SIGMA));
    metrics.requestDuration.observe(labels, duration);
    metrics.spanDuration.observe({ kind: 'server' }, duration);
    // One call after the other, within the request.
    for (let i = 0; i < calls; i++) {
      metrics.spanDuration.observe({ kind: 'client' }, exact((duration / calls) * random.uniform()));
    }
    metrics.requestSize.observe(labels, Math.max(60, Math.round(random.lognormal(medianSize, SIZE_SIGMA))));
    if (failed) this.totals.failedRequests++;
    if (path === '/orders' && !refused) this.order(!failed, duration);
    if (failed) return random.pick(SERVER_ERRORS);
    return refused ? random.pick(CLIENT_ERRORS) : success;
  }

  /** A request is a span of the server, and each call within it one of a client. */
  private spans(service: string, server: number, client: number): void {
    this.metrics.spansCreated.inc({ service, kind: 'server' }, server);
    this.metrics.spansCreated.inc({ service, kind: 'client' }, client);
    const created = server + client;
    const kept = Math.min(created, QUEUE_CAPACITY - this.queue);
    this.totals.spansCreated += created;
    this.queue += kept;
    if (kept === created) return;
    this.totals.spansDropped += created - kept;
    this.metrics.spansDropped.inc({ exporter: EXPORTER }, created - kept);
  }

  private readCache(cache: Cache, reads: number): void {
    const { metrics, random } = this;
    let hits = 0;
    let evictions = 0;
    for (let i = 0; i < reads; i++) {
      metrics.cacheDuration.observe({ cache, operation: 'get' }, exact(random.lognormal(0.001, CACHE_SIGMA)));
      if (random.chance(CACHE_HIT_RATIOS[cache])) {
        hits++;
        continue;
      }
      metrics.cacheDuration.observe({ cache, operation: 'set' }, exact(random.lognormal(0.002, CACHE_SIGMA)));
      if (random.chance(EVICTION_RATIO)) evictions++;
    }
    this.totals.cacheReads += reads;
    metrics.cacheHits.inc({ cache }, hits);
    metrics.cacheMisses.inc({ cache }, reads - hits);
    metrics.cacheEvictions.inc({ cache }, evictions);
  }

  private order(completed: boolean, duration: number): void {
    const { metrics, random, totals } = this;
    const payment = random.pick(PAYMENTS);
    const status = ORDER_STATUSES[completed ? 0 : 1];
    const items = 1 + random.poisson(2.5);
    metrics.orders.inc({ status, payment });
    metrics.orderDuration.observe({ status }, duration);
    metrics.cartSize.observe({}, items);
    totals.orders++;
    if (!completed) return;
    for (let i = 0; i < items; i++) this.sell(random.pick(PRODUCTS));
    // Prices end in a quarter: see `exact`.
    const amount = Math.max(1, Math.round(random.lognormal(6.5, 0.5) * items * 4)) / 4;
    metrics.orderAmount.inc({ currency: CURRENCY, payment }, amount);
    totals.orderAmount += amount;
  }

  private sell(product: string): void {
    const left = this.stock.get(product)! - 1;
    this.stock.set(product, left < LOW_STOCK ? FULL_STOCK : left);
  }

  private login(users: number): void {
    this.users += users;
    this.totals.logins += users;
    this.metrics.logins.inc({ service: ACCOUNTS }, users);
  }

  private logout(users: number): void {
    const leaving = Math.min(users, this.users);
    this.users -= leaving;
    this.totals.logouts += leaving;
    this.metrics.logouts.inc({ service: ACCOUNTS }, leaving);
  }

  /** Most users just go away. */
  private endSessions(): void {
    this.logout(this.effects.users ? this.random.poisson(this.users / SESSION_SECONDS) : this.users);
  }

  private export(): void {
    const { random, effects, metrics } = this;
    this.exportBudget = Math.min(this.exportBudget, BATCH) + effects.exportRate;
    // A batch that is not full is sent as well, if there is time.
    while (this.queue > 0 && this.exportBudget >= Math.min(BATCH, this.queue)) {
      const spans = Math.min(BATCH, this.queue);
      this.queue -= spans;
      this.exportBudget -= spans;
      this.totals.batches++;
      this.totals.spansExported += spans;
      const failed = random.chance(effects.exportErrorRatio);
      metrics.spansExported.inc({ exporter: EXPORTER, status: failed ? 'error' : 'success' }, spans);
      if (failed) metrics.exportErrors.inc({ exporter: EXPORTER, type: random.pick(EXPORT_ERRORS) }, spans);
      metrics.batchSize.observe({ exporter: EXPORTER }, spans);
      const seconds = exact(random.lognormal(EXPORT_MEDIAN_SECONDS * effects.slowness, DURATION_SIGMA));
      metrics.exportLatency.observe({ exporter: EXPORTER }, seconds);
    }
  }

  private setGauges(): void {
    this.metrics.activeUsers.set({ service: ACCOUNTS }, this.users);
    this.metrics.queueSize.set({ exporter: EXPORTER }, this.queue);
    for (const [product, left] of this.stock) this.metrics.inventory.set({ product }, left);
  }
}

/**
 * A duration in whole 1/4096 of a second: sums of such numbers have no rounding errors, so that all ways out, and what
 * the storage makes of them, can be compared digit by digit.
 */
function exact(seconds: number): number {
  return Math.max(1, Math.round(seconds * 4096)) / 4096;
}

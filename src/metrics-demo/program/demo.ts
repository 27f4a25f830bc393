import { JOB, type Scenario } from '../environment';
import { Ballast } from './ballast';
import type { Clock } from './clock';
import type { Config } from './config';
import type { Log } from './log';
import { OtlpPush } from './otlp';
import { ProcessMetrics, type ProcessStatistics } from './process-metrics';
import type { Push } from './push';
import { Random } from './random';
import { RemoteWritePush } from './remote-write';
import { Shop, type Totals } from './shop';
import { ShopMetrics } from './shop-metrics';

const TICK_MILLISECONDS = 1000;

/** How a push went. */
export type PushResults = Readonly<Partial<Record<Push['name'], 'ok' | { readonly error: string }>>>;

/** What the demo does right now. */
export interface DemoState {
  readonly paused: boolean;
  readonly scenarios: readonly Scenario[];
  readonly totals: Totals;
  readonly pushes: readonly Push['name'][];
}

/** The shop with its ways out. */
export class Demo {
  public readonly metrics = new ShopMetrics();

  private readonly shop: Shop;
  private readonly process: ProcessMetrics;
  private readonly ballast: Ballast;
  private readonly pushes: readonly Push[];
  private readonly timers: NodeJS.Timeout[] = [];
  private isPaused = false;
  private pushing: Promise<PushResults> | undefined;

  public constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly log: Log,
    statistics: ProcessStatistics,
  ) {
    const { registry } = this.metrics;
    const { pod, namespace, port, seed, otlp, remoteWrite } = config;
    this.shop = new Shop(this.metrics, new Random(`${seed}/${pod}`), clock.now());
    this.process = new ProcessMetrics(this.metrics, statistics);
    this.ballast = new Ballast(statistics, config.memoryLimitBytes);
    this.process.update();
    const identity = (way: string): Record<string, string> => ({
      job: `${JOB}-${way}`,
      instance: `${pod}:${port}`,
      pod,
      ...(namespace !== undefined && { namespace }),
    });
    this.pushes = [
      ...(otlp ? [new OtlpPush(registry, identity('otlp'), clock, otlp)] : []),
      ...(remoteWrite ? [new RemoteWritePush(registry, identity('remote-write'), clock, remoteWrite)] : []),
    ];
    if (config.scenario !== 'normal') this.startScenario(config.scenario);
  }

  public get state(): DemoState {
    return {
      paused: this.isPaused,
      scenarios: this.shop.activeScenarios,
      totals: this.shop.totals,
      pushes: this.pushes.map(({ name }) => name),
    };
  }

  /** Lets time pass from now on. */
  public start(): void {
    this.timers.push(setInterval(() => this.tick(), TICK_MILLISECONDS));
    if (this.pushes.length === 0) return;
    this.timers.push(setInterval(() => void this.flush(), this.config.pushIntervalSeconds * 1000));
  }

  /** Catches up with the clock. */
  public tick(): void {
    if (this.isPaused) return;
    if (this.shop.memoryGrows) this.ballast.grow();
    else this.ballast.release();
    this.shop.advance(this.clock.now());
    this.process.update();
  }

  public startScenario(scenario: Scenario): void {
    this.shop.startScenario(scenario);
    this.log.info('scenario started', { scenario });
  }

  public stopScenario(scenario: Scenario): void {
    this.shop.stopScenario(scenario);
    this.log.info('scenario stopped', { scenario });
  }

  /** Nothing happens any more, and no metric changes; all ways out go on. */
  public pause(): void {
    this.isPaused = true;
    this.log.info('paused');
  }

  public resume(): void {
    this.isPaused = false;
    this.shop.skip(this.clock.now());
    this.log.info('resumed');
  }

  /** Pushes now, after a push that is under way. */
  public async flush(): Promise<PushResults> {
    await this.pushing;
    return (this.pushing ??= this.push().finally(() => (this.pushing = undefined)));
  }

  /** Ends all timers, pushes for the last time and frees everything. */
  public async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.tick();
    if (this.pushes.length > 0) await this.flush();
    await Promise.allSettled(this.pushes.map((push) => push.close()));
  }

  private async push(): Promise<PushResults> {
    const results = await Promise.all(
      this.pushes.map(async (push) => {
        try {
          await push.flush();
          this.log.debug('pushed', { to: push.name });
          return [push.name, 'ok'] as const;
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          this.log.warn('push failed', { to: push.name, error: message });
          return [push.name, { error: message }] as const;
        }
      }),
    );
    return Object.fromEntries(results) as PushResults;
  }
}

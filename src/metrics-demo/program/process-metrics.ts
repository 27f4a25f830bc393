import { freemem, loadavg, totalmem } from 'node:os';
import type { ShopMetrics } from './shop-metrics';

/** What the process is told about itself; tests tell it something else. */
export interface ProcessStatistics {
  /** User and system. */
  cpuSeconds(): number;
  residentBytes(): number;
  heapBytes(): number;
}

export const PROCESS_STATISTICS: ProcessStatistics = {
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  residentBytes: () => process.memoryUsage.rss(),
  heapBytes: () => process.memoryUsage().heapUsed,
};

/** Sets the metrics of process and machine: with the others, so that all of a page is of one moment. */
export class ProcessMetrics {
  private cpuSeconds = 0;

  public constructor(
    private readonly metrics: ShopMetrics,
    private readonly statistics: ProcessStatistics,
  ) {}

  public update(): void {
    const { metrics, statistics } = this;
    const cpuSeconds = statistics.cpuSeconds();
    metrics.cpu.inc(Math.max(0, cpuSeconds - this.cpuSeconds));
    this.cpuSeconds = cpuSeconds;
    metrics.residentMemory.set(statistics.residentBytes());
    metrics.heap.set(statistics.heapBytes());
    metrics.load.set(loadavg()[0]!);
    metrics.systemMemory.set(totalmem());
    metrics.systemFreeMemory.set(freemem());
  }
}

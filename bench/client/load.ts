import type { Labels } from '../../src/client';

/** Series of a request. Time and values are changed in place, as an application changes its counters. */
export interface LoadSeries {
  readonly labels: Labels;
  readonly samples: { timestamp: number; value: number }[];
}

const INSTANCES = 5;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const PATHS = ['products', 'orders', 'carts', 'users', 'payments', 'shipments', 'reviews', 'search', 'login', 'stock'];
const STATUSES = ['200', '201', '400', '404', '500'];
export const SERIES = INSTANCES * METHODS.length * PATHS.length * STATUSES.length;

const STEP = 15_000;

/**
 * Counters of HTTP requests, scraped every 15 s: each method, path and status of a few instances. Some count one request
 * in half an hour, some 60 a second.
 */
export class Load {
  readonly series: readonly LoadSeries[];
  /** What each counter grows by in the time of one request. */
  readonly #growth: readonly number[];

  /**
   * @param start time of the first samples
   * @param perSeries samples of each series in a request
   */
  constructor(name: string, start: number, perSeries: number) {
    const random = seeded(perSeries);
    const growth: number[] = [];
    this.series = Array.from({ length: SERIES }, (_, i) => {
      const [method, path, status] = [i % 4, (i >> 2) % 10, Math.floor(i / 40) % 5];
      const labels = {
        __name__: name,
        instance: `10.0.0.${1 + Math.floor(i / 200)}:8080`,
        job: 'shop',
        method: METHODS[method]!,
        path: `/api/v1/${PATHS[path]!}`,
        status: STATUSES[status]!,
      };
      const perStep = 10 ** (5 * random() - 2);
      const grow = () => Math.floor(perStep * (0.5 + random()) + random());
      const first = Math.floor(perStep * 1000 * random());
      let value = first;
      const samples = Array.from({ length: perSeries }, (_, j) => ({
        timestamp: start + j * STEP,
        value: (value += grow()),
      }));
      growth.push(value - first);
      return { labels, samples };
    });
    this.#growth = growth;
  }

  /** The next request: later, and with other values. */
  advance(): void {
    for (let i = 0; i < SERIES; i++) {
      const { samples } = this.series[i]!;
      const growth = this.#growth[i]!;
      const time = samples.length * STEP;
      for (const sample of samples) {
        sample.timestamp += time;
        sample.value += growth;
      }
    }
  }
}

/** mulberry32 */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

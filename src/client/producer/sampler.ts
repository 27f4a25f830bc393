import { InvalidArgumentError } from '../errors';
import { validateCount } from '../limits';

/** Options of {@link Sampler.probability}. */
export interface ProbabilitySamplerOptions {
  /** Gives numbers from 0 up to but not 1. @default Math.random */
  readonly random?: () => number;
}

/**
 * Decides which events are recorded, and for how many each of them stands, so that sums over what was recorded stay
 * true:
 *
 * ```ts
 * const weight = sampler.sample();
 * if (weight > 0) aggregator.observe(labels, seconds, weight);
 * ```
 */
export class Sampler {
  /**
   * Records each event with a probability, apart from all others.
   *
   * @param probability above 0, up to 1
   * @throws InvalidArgumentError when it is another number
   */
  static probability(probability: number, { random = Math.random }: ProbabilitySamplerOptions = {}): Sampler {
    if (!(probability > 0 && probability <= 1)) {
      throw new InvalidArgumentError(`probability: ${String(probability)} is none; give a number above 0 and up to 1`);
    }
    const weight = 1 / probability;
    return new Sampler(() => (random() < probability ? weight : 0));
  }

  /**
   * Records every n-th event. The sum of the weights is never more than n - 1 below the number of events. Not for events
   * that come in turns: of those it may see one kind only.
   *
   * @throws InvalidArgumentError when n is no whole number of 1 or more
   */
  static everyNth(n: number): Sampler {
    validateCount('n', n);
    let seen = 0;
    return new Sampler(() => {
      seen = (seen + 1) % n;
      return seen === 0 ? n : 0;
    });
  }

  readonly #weigh: () => number;

  private constructor(weigh: () => number) {
    this.#weigh = weigh;
  }

  /** For how many events this one stands; 0 when it is not recorded. */
  sample(): number {
    return this.#weigh();
  }
}

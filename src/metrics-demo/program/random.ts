/** Numbers that look random and are the same for the same seed. */
export class Random {
  private state: number;

  /** @param seed any text */
  public constructor(seed: string) {
    // FNV-1a: neighbouring seeds must not give neighbouring sequences.
    let hash = 0x811c9dc5;
    for (const character of seed) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
    this.state = hash >>> 0;
  }

  /** From 0 up to, but not including, 1: mulberry32. */
  public uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  public chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A whole number from 0 up to, but not including, the limit. */
  public below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** One of the choices, each as likely as the others. */
  public pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** How many events happen when `mean` are expected. */
  public poisson(mean: number): number {
    let count = 0;
    // Of a large mean the product would underflow: the sum of two Poisson numbers is one as well.
    for (let rest = mean; rest > 0; rest -= 500) {
      const limit = Math.exp(-Math.min(rest, 500));
      for (let product = this.uniform(); product > limit; product *= this.uniform()) count++;
    }
    return count;
  }

  /** @param sigma how much it varies: 99 of 100 values are below `median * exp(2.33 * sigma)` */
  public lognormal(median: number, sigma: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.uniform()));
  }
}

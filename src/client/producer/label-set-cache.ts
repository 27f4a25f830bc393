import type { Labels } from '../labels';
import { validateCount } from '../limits';
import { LabelSet } from '../remote-write/labels';

/**
 * A key that two sets of labels share only when they are the labels of the same series: order does not count, and
 * neither do labels with an empty value.
 */
export function seriesKey(labels: Labels): string {
  const names = Object.keys(labels);
  if (!isSorted(names)) names.sort();
  let key = '';
  for (const name of names) {
    const value = labels[name]!;
    if (value !== '') key += `${name.length},${value.length},${name}${value}`;
  }
  return key;
}

function isSorted(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if (names[i - 1]! > names[i]!) return false;
  return true;
}

/** Options of a {@link LabelSetCache}. */
export interface LabelSetCacheOptions {
  /** How many label sets are kept; beyond it the one that was used longest ago goes. @default 10000 */
  readonly maxSize?: number;
}

/**
 * Finds the {@link LabelSet} of labels, which is validated and encoded once, for code that has them as an object each
 * time. Its memory is bounded.
 */
export class LabelSetCache {
  readonly #maxSize: number;
  /** The one used longest ago first. */
  readonly #sets = new Map<string, LabelSet>();
  #hits = 0;
  #misses = 0;

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor({ maxSize = 10_000 }: LabelSetCacheOptions = {}) {
    this.#maxSize = validateCount('maxSize', maxSize);
  }

  /** How many label sets are kept, how many were found, and how many had to be made. */
  get stats(): { readonly size: number; readonly hits: number; readonly misses: number } {
    return { size: this.#sets.size, hits: this.#hits, misses: this.#misses };
  }

  /** @throws InvalidArgumentError when the labels are no labels of a series */
  get(labels: Labels): LabelSet {
    const key = seriesKey(labels);
    const known = this.#sets.get(key);
    if (known !== undefined) {
      this.#hits++;
      this.#sets.delete(key);
      this.#sets.set(key, known);
      return known;
    }
    const made = LabelSet.of(labels);
    this.#misses++;
    if (this.#sets.size >= this.#maxSize) this.#sets.delete(this.#sets.keys().next().value!);
    this.#sets.set(key, made);
    return made;
  }
}

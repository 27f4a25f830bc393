import { InvalidArgumentError } from '../errors';
import { validateCount } from '../limits';
import { seriesKey } from './label-set-cache';

/** Options of a {@link CardinalityLimiter}. */
export interface CardinalityLimiterOptions<Label extends string> {
  /** The labels of the metric, and how many values of each are kept. Those that come first are. */
  readonly maxValues: Readonly<Record<Label, number>>;
  /** How many combinations of values are kept. @default 10000 */
  readonly maxSeries?: number;
  /** Values are cut to so many UTF-16 code units. @default 100 */
  readonly maxValueLength?: number;
  /**
   * How many values stand for all that is not kept: with 1 it is `overflow`; with more it is `overflow_0` and so on, by
   * a hash that is the same in each process, so that a heavy one among them still shows.
   *
   * @default 1
   */
  readonly overflowBuckets?: number;
}

/** What a {@link CardinalityLimiter} keeps and what it replaced. */
export interface CardinalityStats<Label extends string> {
  /** How many values of each label are kept. */
  readonly values: Readonly<Record<Label, number>>;
  /** How often a value of each label was replaced. */
  readonly overflowedValues: Readonly<Record<Label, number>>;
  /** How many combinations are kept. */
  readonly series: number;
  /** How often all values were replaced, because their combination was one too many. */
  readonly overflowedSeries: number;
  /** How often a value was cut. */
  readonly truncated: number;
}

const OVERFLOW = 'overflow';

/**
 * Bounds the number of series of a metric, whatever the values of its labels: at most `maxValues` values of each label
 * and `maxSeries` combinations pass as they are, the rest is put together. At most `maxSeries + overflowBuckets` series
 * come out, and that many are remembered.
 *
 * ```ts
 * const limiter = new CardinalityLimiter({ maxValues: { method: 10, path: 200 } });
 * aggregator.count({ __name__: 'requests_total', ...limiter.limit({ method, path }) });
 * ```
 */
export class CardinalityLimiter<Label extends string> {
  readonly #labels: ReadonlyMap<Label, LabelState>;
  readonly #maxSeries: number;
  readonly #maxValueLength: number;
  readonly #overflowBuckets: number;
  readonly #series = new Set<string>();
  #overflowedSeries = 0;
  #truncated = 0;

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(options: CardinalityLimiterOptions<Label>) {
    this.#labels = new Map(
      (Object.entries(options.maxValues) as [Label, number][]).map(([label, maximum]) => [
        label,
        { kept: new Set<string>(), maximum: validateCount(`maxValues.${label}`, maximum), overflowed: 0 },
      ]),
    );
    this.#maxSeries = validateCount('maxSeries', options.maxSeries ?? 10_000);
    this.#maxValueLength = validateCount('maxValueLength', options.maxValueLength ?? 100);
    this.#overflowBuckets = validateCount('overflowBuckets', options.overflowBuckets ?? 1);
  }

  /** What was kept and replaced so far. */
  get stats(): CardinalityStats<Label> {
    const ofEach = (count: (state: LabelState) => number): Record<Label, number> =>
      Object.fromEntries([...this.#labels].map(([label, state]) => [label, count(state)])) as Record<Label, number>;
    return {
      values: ofEach(({ kept }) => kept.size),
      overflowedValues: ofEach(({ overflowed }) => overflowed),
      series: this.#series.size,
      overflowedSeries: this.#overflowedSeries,
      truncated: this.#truncated,
    };
  }

  /**
   * The labels to write in place of these.
   *
   * @throws InvalidArgumentError unless it is given exactly the labels of `maxValues`, each a string
   */
  limit(labels: Readonly<Record<Label, string>>): Record<Label, string> {
    const unknown = Object.keys(labels).find((label) => !this.#labels.has(label as Label));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(`labels.${unknown}: has no limit; add it to maxValues or leave it out`);
    }
    const limited = this.#each((label, state) => this.#limitValue(label, state, labels[label]));
    const key = seriesKey(limited);
    if (this.#series.has(key)) return limited;
    if (this.#series.size < this.#maxSeries) {
      this.#series.add(key);
      return limited;
    }
    this.#overflowedSeries++;
    const replacement = this.#overflow(key);
    return this.#each(() => replacement);
  }

  #limitValue(label: string, state: LabelState, value: unknown): string {
    if (typeof value !== 'string') {
      throw new InvalidArgumentError(`labels.${label}: ${String(value)} is a ${typeof value}; give a string`);
    }
    const cut = this.#cut(value);
    if (state.kept.has(cut)) return cut;
    if (state.kept.size < state.maximum) {
      state.kept.add(cut);
      return cut;
    }
    state.overflowed++;
    return this.#overflow(cut);
  }

  #cut(value: string): string {
    if (value.length <= this.#maxValueLength) return value;
    this.#truncated++;
    // Half of a surrogate pair could not be written.
    return value.slice(0, this.#maxValueLength).replace(/[\ud800-\udbff]$/, '');
  }

  #overflow(text: string): string {
    return this.#overflowBuckets === 1 ? OVERFLOW : `${OVERFLOW}_${hash(text) % this.#overflowBuckets}`;
  }

  #each(value: (label: Label, state: LabelState) => string): Record<Label, string> {
    return Object.fromEntries([...this.#labels].map(([label, state]) => [label, value(label, state)])) as Record<
      Label,
      string
    >;
  }
}

interface LabelState {
  readonly kept: Set<string>;
  readonly maximum: number;
  overflowed: number;
}

/** FNV-1a over the code units, with a last mix, as the low bits alone would depend on the low bits of the text. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

import { InvalidArgumentError } from '../errors';
import { validateCount } from '../limits';
import { durationMilliseconds, type DurationValue } from '../time';
import { Expression, RangeVector } from './expression';
import { labelName, labelNames, numberLiteral, stringLiteral } from './literals';

/** The labels that a result has; without it one value for all series. */
export type Grouping =
  | {
      /** These labels. */
      readonly by?: readonly string[];
      readonly without?: never;
    }
  | {
      /** All labels but these. */
      readonly without: readonly string[];
      readonly by?: never;
    };

/** Their names. */
export const AGGREGATES = [
  ...['any', 'avg', 'count', 'distinct', 'geomean', 'group', 'mad', 'max', 'median', 'min', 'mode', 'share'],
  ...['stddev', 'stdvar', 'sum', 'sum2', 'zscore'],
] as const;
/** Functions over the series of one time. */
export type Aggregate = (typeof AGGREGATES)[number];

/** Aggregates series: `aggregate('sum', requests, { by: ['service'] })`. */
export function aggregate(name: Aggregate, expression: Expression, grouping: Grouping = {}): Expression {
  oneOfNames('aggregate', name, AGGREGATES);
  return new Expression(`${name}${groupingText(grouping)}(${Expression.text('expression', expression)})`);
}

/** The `count` largest series at each time, of each group. */
export function topk(count: number, expression: Expression, grouping: Grouping = {}): Expression {
  return ranked('topk', count, expression, grouping);
}

/** The `count` smallest series at each time, of each group. */
export function bottomk(count: number, expression: Expression, grouping: Grouping = {}): Expression {
  return ranked('bottomk', count, expression, grouping);
}

function ranked(name: string, count: number, expression: Expression, grouping: Grouping): Expression {
  validateCount('count', count);
  return new Expression(`${name}${groupingText(grouping)}(${count}, ${Expression.text('expression', expression)})`);
}

/** The modifier where there is one, with the spaces around it. */
function groupingText(grouping: Grouping): string {
  const { by, without } = grouping as Partial<Record<string, readonly string[]>>;
  if (by !== undefined && without !== undefined) {
    throw new InvalidArgumentError('by, without: they exclude each other; give one of them');
  }
  if (by !== undefined) return ` by (${labelNames('by', by)}) `;
  return without === undefined ? '' : ` without (${labelNames('without', without)}) `;
}

/** Their names. */
export const ROLLUPS = [
  ...['avg_over_time', 'changes', 'count_over_time', 'delta', 'deriv', 'distinct_over_time', 'first_over_time'],
  ...['increase', 'increase_pure', 'irate', 'lag', 'last_over_time', 'lifetime', 'mad_over_time', 'max_over_time'],
  ...['median_over_time', 'min_over_time', 'mode_over_time', 'range_over_time', 'rate', 'resets', 'scrape_interval'],
  ...['stddev_over_time', 'stdvar_over_time', 'sum_over_time', 'zscore_over_time'],
  ...['rollup', 'rollup_delta', 'rollup_deriv', 'rollup_increase', 'rollup_rate', 'rollup_scrape_interval'],
] as const;
/**
 * Functions over the values of a time. Those that begin with `rollup` give three series, `min`, `max` and `avg`, told
 * apart by the label `rollup`.
 */
export type Rollup = (typeof ROLLUPS)[number];

/**
 * A function over the values of a time: `rollup('rate', metric('http_requests_total').over('5m'))`; of a subquery:
 * `rollup('max_over_time', requestsPerSecond.over('1h', '1m'))`.
 */
export function rollup(name: Rollup, range: RangeVector): Expression {
  oneOfNames('rollup', name, ROLLUPS);
  return new Expression(`${name}(${RangeVector.text('range', range)})`);
}

/** The value that a straight line through the values of a time reaches later. */
export function predictLinear(range: RangeVector, ahead: DurationValue): Expression {
  const seconds = durationMilliseconds('ahead', ahead) / 1000;
  return new Expression(`predict_linear(${RangeVector.text('range', range)}, ${numberLiteral('ahead', seconds)})`);
}

/** What {@link labelReplace} does to a label. */
export interface LabelReplacement {
  /** The label that is set. */
  readonly target: string;
  /** Its value; `$1` stands for the first group of the regular expression, `$$` for a dollar. */
  readonly replacement: string;
  /** The label that is read. */
  readonly source: string;
  /** A regular expression (RE2) that matches the whole value; series that it does not match stay as they are. */
  readonly pattern: string;
}

/** Sets a label from the value of another. */
export function labelReplace(expression: Expression, options: LabelReplacement): Expression {
  const { target, replacement, source, pattern } = options;
  labelName('target', target);
  labelName('source', source);
  const texts = Object.entries({ target, replacement, source, pattern });
  const literals = texts.map(([what, text]) => stringLiteral(what, text)).join(', ');
  return new Expression(`label_replace(${Expression.text('expression', expression)}, ${literals})`);
}

function oneOfNames(what: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new InvalidArgumentError(
    `${what}: ${JSON.stringify(name)} is none; use one of ${names.join(', ')}, or expr\`...\``,
  );
}

import { InvalidArgumentError } from '../errors';
import { METRIC_NAME_VALUE } from '../labels';
import { Expression } from './expression';
import { labelName, stringLiteral } from './literals';

type MatchOperator = '=' | '!=' | '=~' | '!~';

/** A condition on the value of a label. A label that a series lacks has the empty value. */
export class Matcher {
  readonly #text: string;

  /** @internal */
  constructor(operator: MatchOperator, value: string) {
    this.#text = `${operator}${stringLiteral('matcher', value)}`;
    Object.freeze(this);
  }

  /** Operator and value. @internal */
  static text(what: string, value: unknown): string {
    if (typeof value === 'string') return `=${stringLiteral(what, value)}`;
    if (typeof value === 'object' && value !== null && #text in value) return value.#text;
    throw new InvalidArgumentError(`${what}: ${String(value)} is no condition; give a string, or matching('5..')`);
  }
}

/** Conditions by label name, all of which hold: a string is the very value. */
export type Matchers = Readonly<Record<string, string | Matcher | readonly (string | Matcher)[]>>;

/** Any value but this one. */
export function not(value: string): Matcher {
  return new Matcher('!=', value);
}

/**
 * Values that a regular expression (RE2) matches as a whole. It is escaped as a string but stays a regular expression:
 * for text of others use {@link oneOf} or {@link startingWith}.
 */
export function matching(pattern: string): Matcher {
  return new Matcher('=~', pattern);
}

/** Values that a regular expression (RE2) does not match as a whole. */
export function notMatching(pattern: string): Matcher {
  return new Matcher('!~', pattern);
}

/** Any of these values. @throws InvalidArgumentError when there are none */
export function oneOf(...values: readonly string[]): Matcher {
  return new Matcher('=~', alternatives('oneOf', values));
}

/** None of these values. @throws InvalidArgumentError when there are none */
export function noneOf(...values: readonly string[]): Matcher {
  return new Matcher('!~', alternatives('noneOf', values));
}

/** Values that begin with a text. */
export function startingWith(prefix: string): Matcher {
  return new Matcher('=~', `${escapePattern('prefix', prefix)}(?s:.*)`);
}

function alternatives(what: string, values: readonly string[]): string {
  if (values.length === 0) {
    throw new InvalidArgumentError(`${what}: without a value it would mean the empty value; give at least one`);
  }
  return values.map((value, index) => escapePattern(`${what}[${index}]`, value)).join('|');
}

function escapePattern(what: string, text: string): string {
  stringLiteral(what, text);
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/**
 * Words that mean something else, wherever they stand or before certain others.
 *
 * `{__name__="sum"}` does not help: the server writes a selector anew by the bare name of its metric, and v1.150 exits
 * when it cannot read what it wrote, as with a metric `sum` or one with U+FFFD in its name. It leaves a regular expression
 * as it is.
 */
const RESERVED: ReadonlySet<string> = new Set([
  ...['inf', 'nan', 'with', 'offset', 'bool', 'on', 'ignoring', 'by', 'without', 'limit', 'keep_metric_names'],
  ...['group_left', 'group_right', 'fill', 'fill_left', 'fill_right', 'prefix'],
  ...['and', 'or', 'unless', 'if', 'ifnot', 'default', 'atan2'],
  ...['any', 'avg', 'bottomk', 'bottomk_avg', 'bottomk_last', 'bottomk_max', 'bottomk_median', 'bottomk_min'],
  ...['count', 'count_values', 'distinct', 'geomean', 'group', 'histogram', 'limitk', 'mad', 'max', 'median', 'min'],
  ...['mode', 'outliers_iqr', 'outliers_mad', 'outliersk', 'quantile', 'quantiles', 'share', 'stddev', 'stdvar', 'sum'],
  ...['sum2', 'topk', 'topk_avg', 'topk_last', 'topk_max', 'topk_median', 'topk_min', 'zscore'],
]);

/** The series of a metric that fulfil conditions. Immutable. */
export class Selector extends Expression {
  readonly #name: string | Matcher;
  readonly #matchers: readonly string[];

  /** @internal */
  constructor(name: string | Matcher, matchers: readonly string[]) {
    super(selectorText(name, matchers));
    this.#name = name;
    this.#matchers = matchers;
    Object.freeze(this);
  }

  /** The metric `<name><suffix>` with the same conditions, as `_bucket` of a histogram. @internal */
  static part(histogram: Selector, suffix: '_bucket' | '_count' | '_sum'): Selector {
    Expression.text('histogram', histogram);
    const name = #name in histogram ? histogram.#name : undefined;
    if (typeof name !== 'string' || /_(?:bucket|count|sum)$/.test(name)) {
      throw new InvalidArgumentError(
        `histogram: ${String(histogram)} is no histogram; give metric('<name>', ...) with its name alone, without _bucket, _sum or _count`,
      );
    }
    return new Selector(name + suffix, histogram.#matchers);
  }

  /** The series of these that fulfil more conditions. @throws InvalidArgumentError when one breaks its rule */
  where(matchers: Matchers): Selector {
    return new Selector(this.#name, [...this.#matchers, ...matcherTexts(matchers)]);
  }
}

/**
 * The series of a metric.
 *
 * ```ts
 * metric('http_requests_total', { service: name, status: matching('5..') }); // any name: it is escaped
 * ```
 *
 * @param name any name, dots and all, or a condition on it
 * @throws InvalidArgumentError when the name is empty or a condition breaks its rule
 */
export function metric(name: string | Matcher, matchers: Matchers = {}): Selector {
  if (name === '') throw new InvalidArgumentError(`name: empty; give the name of a metric such as 'up'`);
  return new Selector(name, matcherTexts(matchers));
}

function matcherTexts(matchers: Matchers): string[] {
  return Object.entries(matchers).flatMap(([label, conditions]) => {
    const name = labelName('matchers', label);
    if (label === '__name__') {
      throw new InvalidArgumentError('matchers.__name__: the name comes first; write metric(name, { ... })');
    }
    return (Array.isArray(conditions) ? (conditions as readonly (string | Matcher)[]) : [conditions]).map(
      (condition) => name + Matcher.text(`matchers.${label}`, condition as string | Matcher),
    );
  });
}

function selectorText(name: string | Matcher, matchers: readonly string[]): string {
  if (typeof name === 'string' && METRIC_NAME_VALUE.test(name) && !RESERVED.has(name.toLowerCase())) {
    return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`;
  }
  const condition = typeof name === 'string' ? oneOf(name) : name;
  return `{${[`__name__${Matcher.text('name', condition)}`, ...matchers].join(', ')}}`;
}

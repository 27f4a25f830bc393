import { InvalidArgumentError } from '../errors';
import type { DurationValue } from '../time';
import { durationLiteral, labelNames, numberLiteral } from './literals';

/** What stands at a side of an operator. */
export type Operand = Expression | number;

const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'] as const;
const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='] as const;
const SETS = ['and', 'or', 'unless', 'if', 'ifnot', 'default'] as const;

/** Arithmetic, and comparisons, which keep the points for which they hold. */
export type ArithmeticOperator = (typeof ARITHMETIC)[number] | (typeof COMPARISONS)[number];
/** Operators that choose between points. */
export type SetOperator = (typeof SETS)[number];

const ARITHMETIC_OPERATORS: ReadonlySet<string> = new Set([...ARITHMETIC, ...COMPARISONS]);
const SET_OPERATORS: ReadonlySet<string> = new Set(SETS);

/** Which series of two sides belong together: those with the same values of these labels. */
export type VectorMatching =
  | {
      /** The labels that count. */
      readonly on: readonly string[];
      readonly ignoring?: never;
    }
  | {
      /** The labels that do not count. */
      readonly ignoring: readonly string[];
      readonly on?: never;
    };

/** Which series of two sides belong together, and which side may have several for one of the other. */
export type JoinMatching = VectorMatching &
  (
    | {
        /** Several series of the left side match one of the right side, from which these labels are taken over. */
        readonly groupLeft?: readonly string[];
        readonly groupRight?: never;
      }
    | {
        /** Several series of the right side match one of the left side, from which these labels are taken over. */
        readonly groupRight: readonly string[];
        readonly groupLeft?: never;
      }
  );

/**
 * A MetricsQL expression that gives one value for each series at a time. Immutable; `String(expression)` is its text,
 * which `client.query` takes. All that a caller gave is escaped or validated, so that no value can become syntax.
 */
export class Expression {
  readonly #text: string;
  readonly #isBinary: boolean;

  /** @internal @param text is trusted */
  constructor(text: string, isBinary = false) {
    this.#text = text;
    this.#isBinary = isBinary;
    if (new.target === Expression) Object.freeze(this);
  }

  /** The text as an operand: what has an operator of its own is put in parentheses, whatever its precedence. @internal */
  static operand(what: string, value: Operand): string {
    if (typeof value === 'number') return numberLiteral(what, value);
    const text = Expression.text(what, value);
    return value.#isBinary ? `(${text})` : text;
  }

  /** The text as an argument of a function. @internal */
  static text(what: string, value: unknown): string {
    if (typeof value === 'object' && value !== null && #text in value) return value.#text;
    throw new InvalidArgumentError(`${what}: not an Expression; make it by metric('name', ...) or expr\`...\``);
  }

  /** The MetricsQL text. */
  toString(): string {
    return this.#text;
  }

  /**
   * Combines two sides by an operator.
   *
   * ```ts
   * requests.op('*', buildInfo, { on: ['instance'], groupLeft: ['version'] });
   * ```
   *
   * @param matching which series belong together; by default those with the same labels, the metric name left aside
   * @throws InvalidArgumentError when an argument breaks its rule
   */
  op(operator: ArithmeticOperator, right: Operand, matching?: JoinMatching): Expression;
  op(operator: SetOperator, right: Operand, matching?: VectorMatching): Expression;
  op(operator: ArithmeticOperator | SetOperator, right: Operand, matching?: JoinMatching): Expression {
    if (!ARITHMETIC_OPERATORS.has(operator) && !SET_OPERATORS.has(operator)) {
      throw new InvalidArgumentError(
        `operator: ${JSON.stringify(operator)} is none; use one of ${[...ARITHMETIC_OPERATORS, ...SET_OPERATORS].join(' ')}`,
      );
    }
    const modifiers = matching === undefined ? '' : `${matchingText(matching, SET_OPERATORS.has(operator))} `;
    const sides = [Expression.operand('left', this), Expression.operand('right', right)] as const;
    return new Expression(`${sides[0]} ${operator} ${modifiers}${sides[1]}`, true);
  }

  /**
   * The values over a time before each point: a subquery.
   *
   * @param step the distance between two values; by default the step of the query
   */
  over(window: DurationValue, step?: DurationValue): RangeVector {
    return new RangeVector(`${Expression.operand('expression', this)}${windowText(window, step)}`);
  }
}

/** Values over a time before each point, as `rollup` and its like take them. */
export class RangeVector {
  readonly #text: string;

  /** @internal @param text is trusted */
  constructor(text: string) {
    this.#text = text;
    Object.freeze(this);
  }

  /** @internal */
  static text(what: string, value: unknown): string {
    if (typeof value === 'object' && value !== null && #text in value) return value.#text;
    throw new InvalidArgumentError(`${what}: not a RangeVector; make it by metric('name').over('5m')`);
  }

  /** The MetricsQL text. */
  toString(): string {
    return this.#text;
  }
}

function windowText(window: DurationValue, step: DurationValue | undefined): string {
  const resolution = step === undefined ? '' : `:${durationLiteral('step', step)}`;
  return `[${durationLiteral('window', window)}${resolution}]`;
}

function matchingText(matching: JoinMatching, isSet: boolean): string {
  const { on, ignoring, groupLeft, groupRight } = matching as Partial<Record<string, readonly string[]>>;
  if ((on === undefined) === (ignoring === undefined)) {
    throw new InvalidArgumentError('matching: on and ignoring exclude each other and one is needed; give one of them');
  }
  const labels = on ? `on (${labelNames('on', on)})` : `ignoring (${labelNames('ignoring', ignoring!)})`;
  if (groupLeft === undefined && groupRight === undefined) return labels;
  if (isSet || (groupLeft !== undefined && groupRight !== undefined)) {
    throw new InvalidArgumentError(
      'matching: groupLeft and groupRight exclude each other and are for arithmetic and comparisons; leave one out',
    );
  }
  return groupLeft
    ? `${labels} group_left (${labelNames('groupLeft', groupLeft)})`
    : `${labels} group_right (${labelNames('groupRight', groupRight!)})`;
}

import { InvalidArgumentError } from '../errors';
import { Expression, RangeVector } from './expression';
import { stringLiteral } from './literals';

/**
 * Any MetricsQL, with values put in safely: a string becomes a string literal, quotes included; a number a number;
 * an expression stands in parentheses where it needs them. What the template itself says is sent as it is written. For
 * names of metrics from elsewhere use `metric`, which knows how to ask for any of them.
 *
 * ```ts
 * expr`count_values("version", ${metric('build_info', { service: name })})`;
 * expr`sum(rate(http_requests_total{service=${name}}[5m])) > ${limit}`;
 * ```
 *
 * @throws InvalidArgumentError when a value stands in quotes or in a comment, where it would not be one
 */
export function expr(
  template: TemplateStringsArray,
  ...values: readonly (string | number | Expression | RangeVector)[]
): Expression {
  const parts = template.raw;
  let state = 'code' as ScanState;
  const texts = parts.map((part, index) => {
    state = scan(part, state);
    if (index === parts.length - 1) return part;
    const what = `value ${index + 1}`;
    if (state !== 'code') {
      throw new InvalidArgumentError(
        `${what}: stands in ${state === '#' ? 'a comment' : 'quotes'}; remove what is around it: strings get quotes of their own`,
      );
    }
    return part + valueText(what, values[index]!);
  });
  if (state !== 'code') {
    throw new InvalidArgumentError(
      `template: ends in ${state === '#' ? 'a comment' : 'an open string'}; the expression could not be part of another`,
    );
  }
  // What a template holds is not parsed, so it is taken for an operator with two sides.
  return new Expression(texts.join(''), true);
}

function valueText(what: string, value: string | number | Expression | RangeVector): string {
  if (typeof value === 'string') return stringLiteral(what, value);
  if (value instanceof RangeVector) return RangeVector.text(what, value);
  return Expression.operand(what, value);
}

/** Outside of strings and comments, in a comment, or in a string with this quote. */
type ScanState = 'code' | '#' | '"' | "'" | '`';

function scan(part: string, before: ScanState): ScanState {
  let state = before;
  for (let i = 0; i < part.length; i++) {
    const character = part[i]!;
    if (state === 'code') {
      if ('#"\'`'.includes(character)) state = character as ScanState;
    } else if (state === '#') {
      if (character === '\n') state = 'code';
    } else if (character === '\\') {
      i++;
    } else if (character === state) {
      state = 'code';
    }
  }
  return state;
}

import { bracketProblem } from '../validation';

/** A text in quotes as PromQL reads it, which has no escapes between backticks, or a comment up to the end of the line. */
const OPAQUE = /(["'])(?:(?!\1)[^\\\n]|\\.)*\1|`[^`]*`|#[^\n]*/gs;

/**
 * What is wrong with the brackets and quotes of an expression; nothing where they fit. Whether it is PromQL in all other
 * respects only Prometheus can tell.
 */
export function expressionProblem(expression: string): string | undefined {
  return bracketProblem(expression.replace(OPAQUE, (text) => (text.startsWith('#') ? '' : '_')));
}

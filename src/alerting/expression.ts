import { bracketProblem } from '../validation';

/** A text in quotes as MetricsQL reads it, a comment up to the end of the line, or an escaped character of a name. */
const OPAQUE = /(["'`])(?:(?!\1)[^\\]|\\.)*\1|#[^\n]*|\\./gs;

/**
 * What is wrong with the brackets and quotes of an expression; nothing where they fit. Whether it is MetricsQL in all
 * other respects only vmalert can tell.
 */
export function expressionProblem(expression: string): string | undefined {
  return bracketProblem(expression.replace(OPAQUE, ' '));
}
